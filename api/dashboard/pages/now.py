"""Now: what needs somebody this moment, why, and where it is answered."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from api.access import needs
from api.dashboard.rendering import show
from api.routes.dependencies import Installed, Reading
from api.wiring import Installation
from listener import clock
from listener.access import Caller, Permission
from listener.registry import demands
from listener.store import health, inbox, letters, silences, today
from listener.store.quotations import quotations

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

SHOWN = 40
"""Incidents that are listed; how many more there are is said."""

FEW = 5
"""Messages and silences that are listed."""

LOTS: Mapping[str, str] = {"unanswered": "unanswered", "spike": "spikes", "coverage": "coverage"}
"""Rules whose incidents stand under a heading of their own."""


@router.get("/")
def now(
    request: Request, asking: Annotated[Caller, needs(Permission.READ_ALERTS)], installed: Installed, session: Reading
) -> HTMLResponse:
    """The page, or the part of it that follows what happens."""
    part = "x-fragment" in request.headers
    context = _needs(installed, session, asking)
    return show(request, "now/needs.html" if part else "now/now.html", asking, context)


def _needs(installed: Installation, session: Session, asking: Caller) -> dict[str, Any]:
    moment, brands = clock.now(), asking.brands(Permission.READ_ALERTS)
    found = inbox.waiting(session, brands, SHOWN)
    lots: dict[str, list[dict[str, Any]]] = {"incidents": [], **{lot: [] for lot in LOTS.values()}}
    for alert in found:
        lots[LOTS.get(alert["rule"], "incidents")].append(alert)
    standing = inbox.standing(session, brands)
    waiting = sum(number for state, number in standing.items() if state != "snoozed")
    everywhere = brands is None
    dead = letters.listed(session, state="dead", brands=brands, limit=FEW + 1)
    active = silences.shown(session, moment, ("active",), brands=brands, limit=FEW + 1)
    attention = (
        health.attention(session, moment, installed.patience, installed.channel_names, demands()) if everywhere else []
    )
    return {
        "lots": lots,
        "more": max(waiting - len(found), 0),
        "snoozed": standing.get("snoozed", 0),
        "attention": attention,
        "dead": dead,
        "silences": active,
        "few": FEW,
        "unset": health.unset(session),
        "clear": not (found or attention or dead),
        "quotes": quotations(session, [alert["id"] for alert in found]),
        "today": today.last_day(session, moment, asking.brands(Permission.READ_FIGURES)),
        "at": moment,
    }
