"""What may keep people from being told: silences, channels that are off, messages that are dead or wait."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import TypeAdapter, ValidationError
from sqlmodel import Session

from alerts.durations import Duration
from alerts.policy import DEFAULT_BUDGET
from alerts.registry import RULES
from alerts.routing import Destinations
from alerts.severity import Severity
from api.access import needs
from api.dashboard.language import N_
from api.dashboard.rendering import gettext_for, go, show, tell
from api.dashboard.rule_words import CHOICES, RULE_NAMES
from api.routes.channels import TestFailed, enable, send_test
from api.routes.dependencies import Id, Installed, Reading
from api.way import Imagined, way
from api.wiring import Installation
from listener import clock
from listener.access import Caller, Permission
from listener.store import brands, letters, silences
from listener.store.channel_status import statuses
from listener.store.silences import LONGEST_COMMENT

router = APIRouter(prefix="/channels", include_in_schema=False, default_response_class=HTMLResponse)

SHOWN = 60
"""Messages of a kind."""

LENGTHS = {"1h": N_("1 hour"), "4h": N_("4 hours"), "1d": N_("1 day"), "7d": N_("7 days")}

ALL = "*"
"""Every brand; no brand is called so."""

MayRead = Annotated[Caller, needs(Permission.READ_SETUP)]
Operator = Annotated[Caller, needs(Permission.OPERATE)]
Silencer = Annotated[Caller, needs(Permission.SILENCE)]
Name = Annotated[str, Form(max_length=500)]


@router.get("")
def channels(
    request: Request,
    asking: MayRead,
    installed: Installed,
    session: Reading,
    brand: Annotated[str, Query(max_length=500)] = "",
    rule: Annotated[str, Query(max_length=100)] = "",
    severity: Annotated[str, Query(max_length=20)] = "",
) -> HTMLResponse:
    """Silences, channels, messages that did not go out, and which way an incident would take."""
    asked = {"brand": brand, "rule": rule, "severity": severity} if rule else {}
    found = _way(session, asking, installed, **asked) if asked else None
    return _page(request, asking, installed, session, asked=asked, found=found)


@router.post("/silences")
def add_silence(
    request: Request,
    asking: Silencer,
    installed: Installed,
    length: Annotated[str, Form(max_length=20)],
    brand: Name = "",
    rule: Annotated[str, Form(max_length=100)] = "",
    comment: Annotated[str, Form(max_length=LONGEST_COMMENT)] = "",
) -> Response:
    """Have nobody told of what matches for a while. For all brands it takes the permission for all of them."""
    _ = gettext_for(request, asking)
    if not brand:
        with installed.store.reading() as session:
            said = _("Choose a brand, or all of them, to be silenced.")
            return _page(request, asking, installed, session, problem=said, status_code=422)
    matchers = {name: [value] for name, value in (("brand", "" if brand == ALL else brand), ("rule", rule)) if value}
    now = clock.now()
    try:
        lasting: timedelta = TypeAdapter(Duration).validate_python(length)
        with installed.store.transaction() as session:
            if not silences.is_within(session, matchers, asking.brands(Permission.SILENCE)):
                raise HTTPException(403, "name one of your brands: a silence of all takes who may silence all of them")
            ends_at = silences.end_of(now, lasting)
            silences.add(session, matchers, now, ends_at, asking.actor, comment.replace("\x00", ""), now)
            tell(request, session, _("Silenced. It ends by itself."))
    except (ValueError, ValidationError) as error:
        said = str(error.errors()[0]["msg"]) if isinstance(error, ValidationError) else str(error)
        with installed.store.reading() as session:
            return _page(request, asking, installed, session, problem=said, status_code=422)
    return go("/channels")


@router.post("/silences/{silence_id}/end")
def end_silence(request: Request, asking: Silencer, installed: Installed, silence_id: Id) -> Response:
    """End it now; what it held back is told."""
    _ = gettext_for(request, asking)
    mine, now = asking.brands(Permission.SILENCE), clock.now()
    with installed.store.transaction() as session:
        try:
            silences.one(session, silence_id, now, brands=mine)
        except KeyError as error:
            raise HTTPException(404, f"there is no silence {silence_id}") from error
        if not silences.is_within(session, silences.matchers_of(session, silence_id), mine):
            raise HTTPException(403, "it is about other brands than yours, too")
        silences.end(session, silence_id, asking.actor, now)
        tell(request, session, _("The silence is over. What it held back is told now."))
    return go("/channels")


@router.post("/test")
def test_channel(request: Request, asking: Operator, installed: Installed, name: Name) -> Response:
    """Send one message that is clearly a test."""
    _ = gettext_for(request, asking)
    _known(installed, name)
    try:
        send_test(installed, asking, name)
    except TestFailed as error:
        with installed.store.reading() as session:
            return _page(request, asking, installed, session, problem=str(error), status_code=409)
    with installed.store.transaction() as session:
        tell(request, session, _("The test was sent. Look there whether it arrived."))
    return go("/channels")


@router.post("/enable")
def enable_channel(request: Request, asking: Operator, installed: Installed, name: Name) -> Response:
    """Switch a channel on again."""
    _ = gettext_for(request, asking)
    _known(installed, name)
    enable(installed, asking, name)
    with installed.store.transaction() as session:
        tell(request, session, _("The channel is on. What it refused is sent again."))
    return go("/channels")


@router.post("/deliveries/{delivery_id}/{act}")
def act_on_delivery(
    request: Request, asking: Operator, installed: Installed, delivery_id: Id, act: Literal["resend", "give-up"]
) -> Response:
    """Send a dead message again, or send one no more."""
    _ = gettext_for(request, asking)
    now = clock.now()
    try:
        with installed.store.transaction() as session:
            (letters.resend if act == "resend" else letters.give_up)(session, delivery_id, asking.actor, now)
            tell(request, session, _("It is sent again.") if act == "resend" else _("It is sent no more."))
    except KeyError as error:
        raise HTTPException(404, f"there is no delivery {delivery_id}") from error
    except letters.NotNow as error:
        with installed.store.reading() as session:
            return _page(request, asking, installed, session, problem=str(error), status_code=409)
    return go("/channels")


def _known(installed: Installation, name: str) -> None:
    if name not in installed.channel_names:
        raise HTTPException(404, f"there is no channel {name!r}")


def _way(
    session: Session, asking: Caller, installed: Installation, brand: str, rule: str, severity: str
) -> Destinations:
    visible = {row.name for row in brands.listed(session, asking.brands(Permission.READ_SETUP))}
    if brand not in visible and (brand or not asking.may(Permission.READ_SETUP)):
        raise HTTPException(404, f"there is no brand {brand!r}")
    if rule not in RULES or severity not in set(Severity):
        raise HTTPException(422, "choose a rule and a severity that there are")
    imagined = Imagined(brand or None, rule, Severity(severity)).incident(clock.now())
    return way(session, installed.policy, imagined, installed.channel_names)


def _page(
    request: Request, asking: Caller, installed: Installation, session: Session, *, problem: str | None = None,
    asked: dict[str, str] | None = None, found: Destinations | None = None, status_code: int = 200,
) -> HTMLResponse:  # fmt: skip
    now, mine = clock.now(), asking.brands(Permission.READ_ALERTS)
    everywhere = asking.may(Permission.READ_SETUP)

    def lot(state: str) -> Sequence[Any]:
        return letters.listed(session, state=state, brands=mine, limit=SHOWN)

    context = {
        "silences": silences.shown(session, now, brands=mine, limit=SHOWN),
        "may_end": asking.brands(Permission.SILENCE),
        "channels": statuses(session, installed.channel_names, now) if everywhere else (),
        "everywhere": everywhere,
        "budgets": installed.budgets,
        "budget": DEFAULT_BUDGET,
        "lots": [(N_("Undelivered messages"), lot("dead")), (N_("Messages that wait"), lot("pending"))],
        "most": SHOWN,
        "problem": problem,
        "asked": asked or {},
        "found": found,
        "brands": brands.listed(session, asking.brands(Permission.READ_SETUP)),
        "rules": RULE_NAMES,
        "severities": list(Severity),
        "choices": CHOICES,
        "lengths": LENGTHS,
    }
    return show(request, "channels/channels.html", asking, context, status_code=status_code)
