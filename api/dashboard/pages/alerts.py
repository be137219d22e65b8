"""Alerts: the inbox, one incident with everything that is known about it, and what people do with it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Self
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session
from starlette.responses import Response

from alerts.life import NotPossible
from alerts.registry import RULES as RULE_KINDS
from api.access import needs
from api.dashboard import alert_words as named
from api.dashboard.acting import Asked, act_of
from api.dashboard.language import chosen, words
from api.dashboard.rendering import gettext_for, go, show
from api.routes.dependencies import Before, Id, Installed, Reading
from api.wiring import Installation
from listener import clock
from listener.access import Caller, Permission
from listener.store import assignees, brands, inbox, life, read, silences, views
from listener.store.dossier import Dossier, dossier
from listener.store.life import LONGEST_NAME, LONGEST_NOTE
from listener.store.quotations import quotations

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

SHOWN = 25
"""Incidents on a page, and mentions below one: what a page of at most 100 KB holds."""

ME = "me"

PAGE = "alerts"
"""What saved views of the inbox are kept under."""

Reader = Annotated[Caller, needs(Permission.READ_ALERTS)]
Actor = Annotated[Caller, needs(Permission.ACT)]
LONGEST = 200
"""Characters of what is asked for."""

Choice = Annotated[str, Query(max_length=LONGEST)]


@dataclass(frozen=True, slots=True)
class Filters:
    """What the list was asked for; "" = any."""

    state: str = inbox.UNRESOLVED
    severity: str = ""
    rule: str = ""
    brand: str = ""
    assignee: str = ""
    team: str = ""
    text: str = ""

    @classmethod
    def of(cls, address: str) -> Self:
        """Those of a list's address."""
        asked = parse_qsl(address.partition("?")[2], keep_blank_values=True)
        return cls(**{name: value[:LONGEST] for name, value in asked if name in cls.__slots__})

    def wanted(self, asking: Caller) -> inbox.Wanted:
        """The same for the store."""
        asked = {name: value or None for name, value in asdict(self).items()}
        if self.assignee == ME:
            asked["assignee"] = asking.name
        return inbox.Wanted(**asked)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something was not done: in the reader's language, and exactly, in English."""

    said: str
    exactly: str = ""


@router.get("/alerts")
def incidents(
    request: Request,
    asking: Reader,
    session: Reading,
    state: Choice = inbox.UNRESOLVED,
    severity: Choice = "",
    rule: Choice = "",
    brand: Choice = "",
    assignee: Choice = "",
    team: Choice = "",
    text: Choice = "",
    before: Before = None,
) -> HTMLResponse:
    """Incidents, the latest first, those that are not over unless others are asked for; "" = any. What nobody knows
    finds nothing."""
    return listing(request, asking, session, Filters(state, severity, rule, brand, assignee, team, text), before)


@router.get("/alerts/{alert_id}")
def incident(request: Request, asking: Reader, session: Reading, alert_id: Id, before: Before = None) -> HTMLResponse:
    """One incident: its life, what was told of it and what was not, its mentions and what stands around them."""
    return _one(request, asking, session, alert_id, before)


@router.post("/alerts/{alert_id}/{act}")
def act_on(
    request: Request,
    asking: Actor,
    installed: Installed,
    alert_id: Id,
    act: Annotated[str, Path(max_length=40)],
    back: Annotated[str, Form(max_length=10_000)] = "",
    why: Annotated[str, Form(max_length=LONGEST_NOTE)] = "",
    text: Annotated[str, Form(max_length=LONGEST_NOTE)] = "",
    to: Annotated[str, Form(max_length=LONGEST_NAME)] = "",
    length: Annotated[str, Form(max_length=20)] = "",
    zone: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Do one thing with an incident, then show again where it was done (``back``)."""
    now = clock.now()
    asked = act_of(act, Asked(why=why, text=text, to=to, length=length, zone=zone), now)
    if asked is None:
        raise HTTPException(404, "there is nothing like that to do with an incident")
    try:
        with installed.store.transaction() as session:
            if not inbox.is_among(session, alert_id, asking.brands(Permission.ACT)):
                raise HTTPException(404, "there is no such incident")
            life.perform(session, alert_id, asked.act, asking.name, now, **asked.what)
    except (NotPossible, ValueError) as error:
        return _refused(request, asking, installed, alert_id, back, str(error))
    return go(back if is_list(back) else f"/alerts/{alert_id}")


def is_list(back: str) -> bool:
    """Whether an address that a form came with is the list's."""
    return back == "/alerts" or back.startswith("/alerts?")


def _refused(
    request: Request, asking: Caller, installed: Installation, alert_id: int, back: str, why: str
) -> HTMLResponse:
    """The page that it was done on, with what speaks against it."""
    _ = gettext_for(request, asking)
    problem = Problem(_("This cannot be done with the incident as it is now."), why)
    with installed.store.reading() as session:
        if not is_list(back):
            return _one(request, asking, session, alert_id, None, problem)
        return listing(request, asking, session, Filters.of(back), None, problem)


def listing(
    request: Request,
    asking: Caller,
    session: Session,
    filters: Filters,
    before: int | None,
    problem: Problem | None = None,
) -> HTMLResponse:
    """The inbox."""
    seen = asking.brands(Permission.READ_ALERTS)
    found = inbox.listed(session, filters.wanted(asking), brands=seen, before=before, limit=SHOWN + 1)
    shown, further = found[:SHOWN], len(found) > SHOWN
    asked = asdict(filters)
    here = "/alerts?" + urlencode(asked) + (f"&before={before}" if before is not None else "")
    context = {
        "alerts": shown,
        "quotes": quotations(session, [alert["id"] for alert in shown]),
        "problem": problem,
        "silences": silences.shown(session, clock.now(), ("active",), brands=seen, limit=6),
        "older": f"/alerts?{urlencode({**asked, 'before': shown[-1]['id']})}" if further else None,
        "back": here,
        "asked": asked,
        "filters": _filters(session, asking, filters),
        "standing": inbox.standing(session, seen),
        "views": [
            (view["id"], view["name"], f"/alerts?{urlencode(view['asked'], doseq=True)}")
            for view in (views.listed(session, asking.user_id, PAGE) if asking.user_id is not None else ())
        ],
    }
    part = "x-fragment" in request.headers
    status = 200 if problem is None else 422
    return show(request, "alerts/rows.html" if part else "alerts/list.html", asking, context, status_code=status)


def _filters(session: Session, asking: Caller, filters: Filters) -> list[tuple[str, str, str, Mapping[str, str]]]:
    """What can be chosen: name, what it is, what is chosen, value -> words. What is asked for is always among it."""
    seen = asking.brands(Permission.READ_ALERTS)
    visible = [row for row in brands.active_brands(session) if seen is None or row.id in seen]
    people = sorted({name for row in visible for name in assignees.names(session, row.id)}, key=str.casefold)
    found: list[tuple[str, str, str, Mapping[str, str]]] = [
        ("state", named.FILTERS["state"], filters.state, {inbox.UNRESOLVED: named.UNRESOLVED, **named.STATES}),
        ("severity", named.FILTERS["severity"], filters.severity, named.SEVERITIES),
        ("rule", named.FILTERS["rule"], filters.rule, {name: named.RULES.get(name, name) for name in RULE_KINDS}),
        ("brand", named.FILTERS["brand"], filters.brand, {row.name: row.name for row in visible}),
        (
            "assignee", named.FILTERS["assignee"], filters.assignee,
            {ME: named.MINE, inbox.NOBODY: named.NOBODYS, **{name: name for name in people}},
        ),
    ]  # fmt: skip
    if teams := inbox.teams(session, seen):
        found.append(("team", named.FILTERS["team"], filters.team, {name: name for name in teams}))
    return [
        (name, heading, asked, choices if not asked or asked in choices else {**choices, asked: asked})
        for name, heading, asked, choices in found
    ]


def _one(
    request: Request,
    asking: Caller,
    session: Session,
    alert_id: int,
    before: int | None,
    problem: Problem | None = None,
) -> HTMLResponse:
    found = dossier(session, alert_id, clock.now(), brands=asking.brands(Permission.READ_ALERTS))
    if found is None:
        raise HTTPException(404, "there is no such incident")
    part = "x-fragment" in request.headers
    status = 200 if problem is None else 422
    context = _story(request, asking, session, found, before) | {"problem": problem}
    return show(request, "alerts/story.html" if part else "alerts/incident.html", asking, context, status_code=status)


def _story(request: Request, asking: Caller, session: Session, found: Dossier, before: int | None) -> dict[str, Any]:
    alert = found.incident
    said = read.mentions(session, alert_id=alert["id"], before=before, limit=SHOWN + 1)
    shown, further = said[:SHOWN], len(said) > SHOWN
    its = words(chosen(request, asking.language))
    return {
        "alert": alert,
        "rule": its.gettext(named.RULES.get(alert["rule"], alert["rule"])),
        "acts": asking.may(Permission.ACT, alert["brand_id"]),
        "people": assignees.names(session, alert["brand_id"]),
        "back": f"/alerts/{alert['id']}",
        "mentions": shown,
        "before": before,
        "older": f"/alerts/{alert['id']}?before={shown[-1]['id']}#mentions" if further else None,
        "timeline": found.timeline,
        "decisions": found.decisions,
        "feedback": found.feedback,
        "around": found.around,
        "evidence": named.evidence_rows(alert["evidence"], its),
    }
