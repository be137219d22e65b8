"""Settings: who may do what, where messages go, and how long things are kept."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from alerts.policy import Day, Policy
from api.access import needs
from api.dashboard.language import N_
from api.dashboard.rendering import show
from api.routes.dependencies import Installed
from listener.access import Caller, Permission
from listener.registry import SOURCES
from listener.store import throttle, tokens, users
from listener.store.callers import IDLE
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
    context = {
        # A team is told of several brands, so its digests concern no single one.
        "digests": _digests(installed.policy) if asking.may(Permission.READ_SETUP) else None,
        "platforms": [(name, kind.keep_for.days) for name, kind in SOURCES.items() if kind.keep_for],
        "session_days": users.LASTS.days,
        "idle_days": IDLE.days,
        "link_days": tokens.LASTS[Purpose.JOIN].days,
        "failure_days": throttle.FORGOTTEN_AFTER.days,
        "provider": installed.settings.oidc_name if installed.settings.oidc_issuer else None,
    }
    return show(request, "settings/overview.html", asking, context)


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
