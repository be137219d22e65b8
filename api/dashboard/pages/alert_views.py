"""Saved views of the inbox: its filters, kept under a name of one's own."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Path, Request
from starlette.responses import Response

from api.access import needs
from api.dashboard.pages.alerts import PAGE, Filters, Problem, is_list, listing
from api.dashboard.rendering import gettext_for, go, tell
from api.routes.dependencies import HIGHEST_ID, Installed
from api.routes.views import LONGEST_NAME, view_name
from listener import clock
from listener.access import Caller, Permission
from listener.store import views

router = APIRouter(include_in_schema=False)

Reader = Annotated[Caller, needs(Permission.READ_ALERTS)]
Back = Annotated[str, Form(max_length=10_000)]


@router.post("/alerts/views")
def save(
    request: Request,
    asking: Reader,
    installed: Installed,
    name: Annotated[str, Form(max_length=LONGEST_NAME)] = "",
    back: Back = "",
) -> Response:
    """Keep what the list was asked for."""
    filters, _ = Filters.of(back), gettext_for(request, asking)
    asked = {what: [value] for what, value in asdict(filters).items()}
    try:
        wanted = view_name(name)
    except ValueError:
        return _refused(request, asking, installed, filters, _("A view needs a name that can be seen."))
    try:
        with installed.store.transaction() as session:
            if views.add(session, _user(asking), PAGE, wanted, asked, asking.actor, clock.now()) is not None:
                tell(request, session, _("The view is saved."))
                return go(back if is_list(back) else "/alerts")
    except views.TooManyError:
        return _refused(request, asking, installed, filters, _("You have as many views as there can be: remove one."))
    return _refused(request, asking, installed, filters, _("You have a view of this name: choose another."))


@router.post("/alerts/views/{view_id}/remove")
def remove(
    asking: Reader,
    installed: Installed,
    view_id: Annotated[int, Path(ge=1, le=HIGHEST_ID)],
    back: Back = "",
) -> Response:
    """Forget one; of one that is gone already nothing is said."""
    with installed.store.transaction() as session:
        views.remove(session, _user(asking), view_id, asking.actor, clock.now())
    return go(back if is_list(back) else "/alerts")


def _user(asking: Caller) -> int:
    if asking.user_id is None:
        raise HTTPException(403, "views belong to people, not to programs")
    return asking.user_id


def _refused(request: Request, asking: Caller, installed: Installed, filters: Filters, said: str) -> Response:
    with installed.store.reading() as session:
        return listing(request, asking, session, filters, None, Problem(said))
