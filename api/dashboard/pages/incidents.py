"""The pages: what is arriving, incidents, and what becomes of messages about them. Server-rendered."""

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from alerts.incident import State
from alerts.registry import RULES
from alerts.severity import Severity
from alerts.text import one_line
from api.access import needs
from api.dashboard.rendering import evidence_rows, show
from api.routes.dependencies import Before, Id, Installed, Reading
from api.wiring import Installation
from listener import clock
from listener.access import Caller
from listener.store import brands, inbox, read
from listener.store.dossier import dossier

router = APIRouter(
    include_in_schema=False,
    default_response_class=HTMLResponse,
)

SHOWN = 60
"""Mentions and incidents on the first page, and rows of a kind on other pages."""

SignedIn = Annotated[Caller, needs(None)]

Choice = Annotated[str, Query(max_length=500)]

ACTS = (
    ("Acknowledge", "acknowledge", "acknowledge"),
    ("Assign", "assign", "assign"),
    ("Snooze", "snooze", "snooze"),
    ("Wake", "wake", "wake"),
    ("Answered", "answer", "answer"),
    ("Resolve", "resolve", "resolve"),
    ("Reopen", "reopen", "reopen"),
    ("Note", "note", "note"),
    ("Useful", "useful", "feedback"),
    ("Not useful", "not-useful", "feedback"),
)
"""What can be done with an incident: in words, at the terminal, over the API."""


@router.get("/")
def first_page(request: Request, asking: SignedIn, installed: Installed, session: Reading) -> HTMLResponse:
    """Mentions and alerts as they arrive."""
    return show(request, "first.html", asking, _arriving(installed, session))


@router.get("/partials/arriving")
def arriving(request: Request, asking: SignedIn, installed: Installed, session: Reading) -> HTMLResponse:
    """The part of the first page that changes."""
    return show(request, "arriving.html", asking, _arriving(installed, session))


@router.get("/alerts")
def incidents(
    request: Request,
    asking: SignedIn,
    installed: Installed,
    session: Reading,
    state: Choice = inbox.UNRESOLVED,
    severity: Choice = "",
    rule: Choice = "",
    brand: Choice = "",
    assignee: Choice = "",
    before: Before = None,
) -> HTMLResponse:
    """Incidents, the latest first, those that are not over unless others are asked for; "" = any. What nobody knows
    finds nothing."""
    asked = {"state": state, "severity": severity, "rule": rule, "brand": brand, "assignee": assignee}
    wanted = inbox.Wanted(state or None, severity or None, rule or None, brand or None, assignee or None)
    found = inbox.listed(session, wanted, before=before, limit=SHOWN + 1)
    shown, further = found[:SHOWN], len(found) > SHOWN
    choices = {
        "state": [inbox.UNRESOLVED, *State],
        "severity": list(reversed(Severity)),
        "rule": list(RULES),
        "brand": [row.name for row in brands.active_brands(session)],
    }
    context = {
        "alerts": shown,
        "silenced": installed.silenced(session),
        "older": f"/alerts?{urlencode({**asked, 'before': shown[-1]['id']})}" if further else None,
        "assignee": assignee,
        "filters": [(name, name.capitalize(), asked[name], of) for name, of in choices.items()],
    }
    return show(request, "incidents.html", asking, context)


@router.get("/alerts/{alert_id}")
def incident(request: Request, asking: SignedIn, session: Reading, alert_id: Id) -> HTMLResponse:
    """One incident: its life, what was told of it and what was not, its mentions and what stands around them."""
    found = dossier(session, alert_id, clock.now())
    if found is None:
        raise HTTPException(404, "There is no such incident.")
    alert = found.incident
    shown = {
        "alert": alert,
        "name": f"{one_line(alert['brand'] or 'All brands')}: {alert['rule']} incident",
        "mentions": read.mentions(session, alert_id=alert_id, limit=200),
        "timeline": found.timeline,
        "decisions": found.decisions,
        "around": found.around,
        "evidence": evidence_rows(alert["evidence"]),
        "acts": ACTS,
    }
    return show(request, "incident.html", asking, shown)


def _arriving(installed: Installation, session: Session) -> dict[str, Any]:
    attention = installed.attention(session)
    return {
        "totals": read.totals(session),
        "attention": attention,
        "silenced": [line for line in installed.silenced(session) if line not in attention],
        "alerts": inbox.listed(session, limit=SHOWN),
        "mentions": read.mentions(session, limit=SHOWN),
    }
