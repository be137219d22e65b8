"""The settings' part about the audit: who changed or exported what."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.access import needs
from api.dashboard import audit_words
from api.dashboard.rendering import gettext_for, show
from api.routes.dependencies import Before, Reading
from listener.access import Caller, Permission
from listener.store import audit
from listener.store.tables import Audit

router = APIRouter(include_in_schema=False)

SHOWN = 100
"""Rows on a page."""

Word = Annotated[str, Query(max_length=500)]


@router.get("/settings/audit")
def audit_page(
    request: Request,
    asking: Annotated[Caller, needs(Permission.AUDIT)],
    session: Reading,
    actor: Word = "",
    action: Word = "",
    since: Word = "",
    until: Word = "",
    before: Before = None,
) -> Response:
    """What was done, the latest first; "" = anything. Days are those of UTC."""
    asked = {"actor": actor, "action": action, "since": since, "until": until}
    problem, found = None, list[Audit]()
    try:
        found = list(
            audit.listed(
                session,
                actor=actor.strip() or None,
                action=action or None,
                since=_day(since),
                until=_day(until, after=True),
                before=before,
                limit=SHOWN + 1,
            )
        )
    except ValueError:
        _ = gettext_for(request, asking)
        problem = _("A day looks like 2026-05-01.")
    shown = found[:SHOWN]
    kept = {name: value for name, value in asked.items() if value}
    context = {
        "entries": [(one, audit_words.particulars(one.detail)) for one in shown],
        "actions": audit.actions(session),
        "said": audit_words.ACTIONS,
        "asked": asked,
        "problem": problem,
        "further": f"/settings/audit?{urlencode(kept | {'before': shown[-1].id})}" if len(found) > SHOWN else None,
        "part": "audit",
    }
    return show(request, "settings/audit.html", asking, context, status_code=422 if problem else 200)


def _day(text: str, *, after: bool = False) -> datetime | None:
    """The beginning of a day in UTC, or of the one after it. Raises ValueError."""
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text) + timedelta(days=int(after)), time(), UTC)
    except OverflowError as error:
        raise ValueError(text) from error
