"""Settings: who may do what, where messages go, and how long things are kept."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, Response

from alerts.policy import Day, Policy
from api.access import needs
from api.dashboard.language import N_
from api.dashboard.rendering import gettext_for, go, show, tell
from api.routes.dependencies import HIGHEST_ID, Installed
from api.wiring import Installation
from listener import clock
from listener.access import Caller, Permission
from listener.registry import SOURCES
from listener.store import retention, throttle, tokens, users
from listener.store.callers import IDLE
from listener.store.retention import LEAST, MOST, ChangedMeanwhile
from listener.store.tokens import Purpose

router = APIRouter(include_in_schema=False)

DAYS: Mapping[Day, str] = {
    "mon": N_("on Mondays"), "tue": N_("on Tuesdays"), "wed": N_("on Wednesdays"),
    "thu": N_("on Thursdays"), "fri": N_("on Fridays"), "sat": N_("on Saturdays"),
    "sun": N_("on Sundays"),
}  # fmt: skip


@router.get("/settings")
def settings(
    request: Request, asking: Annotated[Caller, needs(Permission.READ_SETUP)], installed: Installed
) -> HTMLResponse:
    """What there is to settle, and what is settled in escucha.yml."""
    return show(request, "settings/overview.html", asking, _context(installed, asking))


@router.post("/settings/retention")
def keep(
    request: Request,
    asking: Annotated[Caller, needs(Permission.SETTINGS)],
    installed: Installed,
    days: Annotated[str, Form(max_length=20)] = "",
    version: Annotated[int, Form(ge=0, le=HIGHEST_ID)] = 0,
) -> Response:
    """Settle how long mentions are kept: a number of days, or "" for as long as their platforms allow."""
    _ = gettext_for(request, asking)
    try:
        wanted = int(days) if days.strip() else None
        with installed.store.transaction() as session:
            retention.settle(session, wanted, version, asking.actor, clock.now())
            tell(request, session, _("Saved. What is older is blanked within the next hour."))
    except ChangedMeanwhile:
        problem = _("Somebody has changed this meanwhile. What stands here now is theirs.")
    except ValueError:
        problem = _("Mentions are kept for {least} to {most} days, or without a limit of your own.").format(
            least=LEAST, most=MOST
        )
    else:
        return go("/settings#kept")
    shown = _context(installed, asking) | {"problem": problem}
    return show(request, "settings/overview.html", asking, shown, status_code=422)


def _context(installed: Installation, asking: Caller) -> dict[str, Any]:
    with installed.store.reading() as session:
        kept = retention.settled(session)
    return {
        "kept": kept,
        "least": LEAST,
        "most": MOST,
        # A team is told of several brands, so its digests concern no single one.
        "digests": _digests(installed.policy) if asking.may(Permission.READ_SETUP) else None,
        "platforms": [(name, kind.keep_for.days) for name, kind in SOURCES.items() if kind.keep_for],
        "session_days": users.LASTS.days,
        "idle_days": IDLE.days,
        "link_days": tokens.LASTS[Purpose.JOIN].days,
        "failure_days": throttle.FORGOTTEN_AFTER.days,
        "provider": installed.settings.oidc_name if installed.settings.oidc_issuer else None,
    }


def _digests(policy: Policy) -> list[dict[str, Any]]:
    """Each team with what it gets and when."""
    return [
        {
            "team": team.name,
            "daily": None if team.digest.daily is None else f"{team.digest.daily:%H:%M}",
            "weekly": None if team.digest.weekly is None else DAYS[team.digest.weekly],
            "at": f"{team.digest.at:%H:%M}",
            "timezone": team.timezone,
            "channels": team.digest.channels or team.channels,
        }
        for team in policy.teams
    ]
