"""What may keep people from being told: silences, channels that are off, messages that are dead or wait."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from alerts.policy import DEFAULT_BUDGET
from api.access import needs
from api.dashboard.rendering import show
from api.routes.dependencies import Installed, Reading
from listener import clock
from listener.access import Caller, Permission
from listener.store import letters, silences
from listener.store.channel_status import statuses

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

SHOWN = 60
"""Messages of a kind."""


@router.get("/channels")
def channels(
    request: Request,
    asking: Annotated[Caller, needs(Permission.READ_SETUP)],
    installed: Installed,
    session: Reading,
) -> HTMLResponse:
    """Silences, channels, and messages that did not go out."""
    now = clock.now()
    context = {
        "silences": silences.shown(session, now),
        "channels": statuses(session, installed.channel_names, now),
        "budgets": installed.budgets,
        "budget": DEFAULT_BUDGET,
        "lots": [
            ("Dead messages", letters.listed(session, state="dead", limit=SHOWN)),
            ("Messages that wait", letters.listed(session, state="pending", limit=SHOWN)),
        ],
        "most": SHOWN,
    }
    return show(request, "channels/channels.html", asking, context)
