"""Rules: each brand's, on or off, with settings that are tried on what is stored before they are saved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from alerts.registry import RULES
from api.access import needs
from api.dashboard import rule_fields
from api.dashboard.rendering import gettext_for, go, show, tell
from api.dashboard.rule_fields import Field
from api.dashboard.rule_words import CHOICES, RULE_NAMES
from api.routes import backtest
from api.routes.brands import edits_of, visible_brand
from api.routes.dependencies import Id, Installed, InTurn, Reading
from api.routes.rules import known, wanted
from api.wiring import Installation
from listener import clock, rules_in_force
from listener.access import Caller, Permission
from listener.backtest import BacktestError
from listener.brand_entries import RULES as FIELD
from listener.rules_in_force import InForce
from listener.store import brand_edits, brands
from listener.store.brand_edits import LONGEST_TEXT, NotNow, exactly
from listener.store.tables import Brand

router = APIRouter(prefix="/rules", include_in_schema=False, default_response_class=HTMLResponse)

DAYS = 30
"""How much of the past a rule is tried on."""

ENOUGH = timedelta(days=1)
"""Less of the past than this says nothing of how often to expect what."""

EXAMPLES = 5
"""Incidents that are shown of each lot."""

_MOST_FIELDS = 200

MayRead = Annotated[Caller, needs(Permission.READ_SETUP)]
MayEdit = Annotated[Caller, needs(Permission.EDIT_RULES)]
Rule = Annotated[str, Form(max_length=100)]


@dataclass
class Card:
    """A rule as the page shows it. ``wrong``: a setting -> what is the matter; ``theirs``: fields that somebody else
    has changed meanwhile, beside what was filled in."""

    rule: str
    found: InForce
    fields: Sequence[Field]
    in_file: Any = None
    edited: bool = False
    on: bool = False
    problem: str | None = None
    wrong: Mapping[str, str] = field(default_factory=dict)
    theirs: Sequence[tuple[Field, Field]] = ()
    tried: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Sent:
    """A form that came in: the rule, whether it is to be on, its settings, and the version that was read."""

    rule: str
    on: bool
    values: Mapping[str, Sequence[str]]
    version: int


@router.get("")
def rules(
    request: Request,
    asking: MayRead,
    installed: Installed,
    session: Reading,
    brand: Annotated[str, Query(max_length=500)] = "",
) -> HTMLResponse:
    """The rules of a brand, the first one's unless another is asked for."""
    rows = brands.listed(session, asking.brands(Permission.READ_SETUP))
    chosen = next((row for row in rows if row.name == brand), None)
    if brand and chosen is None:
        raise HTTPException(404, f"there is no brand {brand!r}")
    return _page(request, asking, installed, rows, chosen or (rows[0] if rows else None))


async def sent_form(request: Request) -> Sent:
    """A rule's form. Raises HTTPException 422 for what no form of ours sends."""
    form: FormData = await request.form(max_fields=_MOST_FIELDS)
    values: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if not isinstance(value, str) or len(value) > LONGEST_TEXT or "\x00" in value:
            raise HTTPException(422, f"{name}: a text of at most {LONGEST_TEXT:,} characters, without NUL")
        values.setdefault(name, []).append(value)
    rule, version = values.get("rule", [""])[0], values.get("version", [""])[0]
    if not (version.isascii() and version.isdigit() and len(version) < 12):
        raise HTTPException(422, "version: the one that the page was made from")
    known(rule)
    said = {name.removeprefix("set."): several for name, several in values.items() if name.startswith("set.")}
    return Sent(rule, "on" in values, said, int(version))


FromForm = Annotated[Sent, Depends(sent_form)]


@router.post("/{brand_id}/try")
def try_rule(
    request: Request, asking: Annotated[Caller, needs(Permission.READ_ALERTS)], installed: Installed, turns: InTurn,
    sent: FromForm, brand_id: Id,
) -> HTMLResponse:  # fmt: skip
    """What the rule as it is filled in would have made of the last days, beside what it made as it is in force. A part
    of the page where the page's script asks, else the page with it."""
    _ = gettext_for(request, asking)
    with installed.store.reading() as session:
        brand = visible_brand(session, brand_id, asking.brands(Permission.READ_ALERTS))
        rows = brands.listed(session, asking.brands(Permission.READ_SETUP))
    card = _card(brand, rules_in_force.one(sent.rule, brand.role, brand.alerting))
    settings, wrong = rule_fields.read(card.fields, sent.values)
    tried: dict[str, Any] = {
        "card": card, "days": DAYS, "examples": EXAMPLES, "wrong": dict(wrong), "enough_s": ENOUGH.total_seconds()
    }  # fmt: skip
    if not wrong:
        # Whole: what the form leaves out is the rule's own, whatever is in force.
        whole = _whole(sent.rule, settings)
        asked = backtest.Asked(brand=brand.name, rule=sent.rule, days=DAYS, until=clock.now(), settings=whole)
        try:
            tried |= {"answer": backtest.tried(installed, turns, asking, asked)}
        except BacktestError as error:
            tried |= {"problem": str(error)}
        except HTTPException as error:
            if error.status_code != 503:
                raise
            tried |= {"problem": _("Others have rules tried this moment. Come again in a few seconds.")}
    status = 422 if wrong or "problem" in tried else 200
    if "x-fragment" in request.headers:
        return show(request, "rules/tried.html", asking, tried, status_code=status)
    card.fields, card.on, card.tried = rule_fields.sent_again(card.fields, sent.values), sent.on, tried
    return _page(request, asking, installed, rows, brand, card, status)


@router.post("/{brand_id}")
def save_rule(request: Request, asking: MayEdit, installed: Installed, sent: FromForm, brand_id: Id) -> Response:
    """Have the rule be as it is filled in, from the next piece of work on."""
    _ = gettext_for(request, asking)
    with installed.store.reading() as session:
        brand = visible_brand(session, brand_id, asking.brands(Permission.EDIT_RULES))
        rows = brands.listed(session, asking.brands(Permission.READ_SETUP))
    card = _card(brand, rules_in_force.one(sent.rule, brand.role, brand.alerting))
    settings, wrong = rule_fields.read(card.fields, sent.values)
    card.wrong = dict(wrong) if sent.on else {}
    status = 422
    if not card.wrong:
        said = {FIELD: {sent.rule: wanted(brand, sent.rule, sent.on, settings)}}
        now = clock.now()
        try:
            with installed.store.transaction() as session:
                brand_edits.change(
                    session, brand_id, exactly(sent.version), said, installed.channel_names, asking.actor, now,
                    "rule.edited",
                )  # fmt: skip
                tell(request, session, _("Saved. It holds from the next mention on."))
        except brand_edits.Refused as error:
            card.problem = str(error)
        except brand_edits.Stale as error:
            brand, status = error.brand, 409
            theirs = _card(brand, rules_in_force.one(sent.rule, brand.role, brand.alerting))
            mine = rule_fields.sent_again(card.fields, sent.values)
            card = theirs
            card.theirs = list(rule_fields.differences(mine, theirs.fields))
            card.problem = _(
                "Somebody has changed this brand since you loaded the page, so nothing was saved. What is filled in "
                "below is yours; save again to have it hold."
            )
        else:
            return go(_address(brand, sent.rule))
    card.fields, card.on = rule_fields.sent_again(card.fields, sent.values), sent.on
    return _page(request, asking, installed, rows, brand, card, status)


@router.post("/{brand_id}/reset")
def back_to_file(
    request: Request,
    asking: MayEdit,
    installed: Installed,
    brand_id: Id,
    rule: Rule,
    version: Annotated[int, Form(ge=0, le=2**31)],
) -> RedirectResponse:
    """Let what escucha.yml says of a rule hold again."""
    _ = gettext_for(request, asking)
    known(rule)
    with installed.store.transaction() as session:
        brand = visible_brand(session, brand_id, asking.brands(Permission.EDIT_RULES))
        try:
            brand_edits.back_to_file(
                session, brand_id, exactly(version), [f"{FIELD}.{rule}"], installed.channel_names, asking.actor,
                clock.now(),
            )  # fmt: skip
            tell(request, session, _("What escucha.yml says holds again."))
        except (NotNow, brand_edits.Stale, brand_edits.Refused):
            tell(request, session, _("It was changed meanwhile. See how it stands now."))
    return go(_address(brand, rule))


def _address(brand: Brand, rule: str) -> str:
    return f"/rules?{urlencode({'brand': brand.name})}#{rule}"


def _whole(rule: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a rule: its own, but for these."""
    return rules_in_force.written(rule, RULES[rule].settings()) | dict(settings)


def _card(brand: Brand, found: InForce) -> Card:
    edit = {edit.field: edit for edit in edits_of(brand)}.get(f"{FIELD}.{found.name}")
    return Card(
        found.name, found, rule_fields.fields(found.name, found.settings or {}), edit and edit.in_file,
        edit is not None, found.on, found.error,
    )  # fmt: skip


def _page(
    request: Request, asking: Caller, installed: Installation, rows: Sequence[Brand], brand: Brand | None,
    changed: Card | None = None, status_code: int = 200,
) -> HTMLResponse:  # fmt: skip
    found = () if brand is None else rules_in_force.of_brand(brand.role, brand.alerting)
    cards = [_card(brand, one) for one in found] if brand is not None else []
    shown = [changed if changed is not None and changed.rule == card.rule else card for card in cards]
    everywhere = asking.may(Permission.READ_SETUP)
    context = {
        "brands": rows,
        "brand": brand,
        "cards": shown,
        "names": RULE_NAMES,
        "choices": CHOICES,
        "of_all": list(rules_in_force.of_installation(installed.policy.alerts)) if everywhere else [],
        "days": DAYS,
        "setting": rule_fields.shown,
        "outlined": rule_fields.outlined,
    }
    return show(request, "rules/rules.html", asking, context, status_code=status_code)
