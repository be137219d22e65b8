"""The pages: what is arriving, and one incident. Server-rendered."""

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from api.dashboard.rendering import templates
from api.routes.dependencies import Id, Installed, Reading
from api.wiring import Installation
from listener.store import read

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
_templates = templates()

SHOWN = 60
"""Mentions and incidents on the first page."""


@router.get("/")
def first_page(request: Request, installed: Installed, session: Reading) -> HTMLResponse:
    """Mentions and alerts as they arrive."""
    return _templates.TemplateResponse(request, "first.html", _arriving(installed, session))


@router.get("/partials/arriving")
def arriving(request: Request, installed: Installed, session: Reading) -> HTMLResponse:
    """The part of the first page that changes."""
    return _templates.TemplateResponse(request, "arriving.html", _arriving(installed, session))


@router.get("/alerts/{alert_id}")
def incident(request: Request, session: Reading, alert_id: Id) -> HTMLResponse:
    """One incident: its mentions, and what became of each message about it."""
    found = read.alerts(session, alert_id=alert_id)
    if not found:
        raise HTTPException(404, "There is no such incident.")
    mentions = read.mentions(session, alert_id=alert_id, limit=200)
    return _templates.TemplateResponse(request, "incident.html", {"alert": found[0], "mentions": mentions})


def _arriving(installed: Installation, session: Session) -> dict[str, Any]:
    return {
        "totals": read.totals(session),
        "attention": installed.attention(session),
        "alerts": read.alerts(session, limit=SHOWN),
        "mentions": read.mentions(session, limit=SHOWN),
    }
