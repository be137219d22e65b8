"""The settings' part about API keys: made, shown once, taken back."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import Response

from api.access import needs
from api.dashboard.access_words import PERMISSIONS
from api.dashboard.language import N_
from api.dashboard.rendering import gettext_for, go, show, tell
from api.giving import wrong_scopes
from api.routes.dependencies import HIGHEST_ID, Before, Installed
from api.wiring import Installation
from listener import clock
from listener.access import EVERYWHERE, Caller, Permission
from listener.items import storable, wordless
from listener.store import api_keys, audit, brands

router = APIRouter(include_in_schema=False)

Manager = Annotated[Caller, needs(Permission.KEYS)]
Word = Annotated[str, Form(max_length=2000)]

SHOWN = 100
"""Keys on a page."""

LONGEST_NAME = 200

LASTS = {
    "30": N_("30 days"), "90": N_("90 days"), "365": N_("a year"), "": N_("until it is revoked"),
}  # fmt: skip
"""How long a key may last: days -> in words."""


@router.get("/settings/keys")
def keys_page(request: Request, asking: Manager, installed: Installed, before: Before = None) -> Response:
    """All keys that were ever made."""
    return _page(request, asking, installed, before=before)


@router.post("/settings/keys")
def make(
    request: Request, asking: Manager, installed: Installed, name: Word = "", days: Word = "",
    scope: Annotated[Sequence[str], Form(max_length=len(Permission))] = (),
    brand: Annotated[Sequence[str], Form(max_length=1000)] = (),
) -> Response:  # fmt: skip
    """Make a key; it is on the page that answers, and nowhere else."""
    _, now, name = gettext_for(request, asking), clock.now(), storable(name).strip()
    scopes = [Permission(one) for one in scope if one in frozenset(Permission)]
    if days not in LASTS or len(scopes) != len(scope):
        raise HTTPException(422, "there is no such choice")
    problem = None
    if wordless(name) or len(name) > LONGEST_NAME:
        problem = _("Say what the key is for.")
    elif not scopes:
        problem = _("Choose at least one thing that the key may do.")
    elif brand and frozenset(scopes) & EVERYWHERE:
        problem = _("What concerns no single brand needs a key for all brands: choose no brand, or fewer things.")
    elif wrong_scopes(asking, scopes, all_brands=not brand):
        problem = _("You cannot give a key more than you may do yourself.")
    if problem is not None:
        return _page(request, asking, installed, problem, said=(name, scope, brand, days))
    with installed.store.transaction() as session:
        known = {str(row.id): row.id for row in brands.active_brands(session) if row.id is not None}
        only = [known[one] for one in brand if one in known]
        if len(only) != len(brand):
            raise HTTPException(422, "there is no such brand")
        ends = now + timedelta(days=int(days)) if days else None
        key_id, key = api_keys.make_key(
            session, name, set(scopes), asking.actor, now, brands=only or None, expires_at=ends,
            made_with=asking.key_id,
        )  # fmt: skip
        detail = {"name": name, "scopes": sorted(set(scopes)), "brands": only or None, "days": days or None}
        audit.note(session, asking.actor, "key.made", f"key {key_id}", detail, now)
    return _page(request, asking, installed, made=(name, key))


@router.post("/settings/keys/revoke")
def revoke(
    request: Request, asking: Manager, installed: Installed, key_id: Annotated[int, Form(ge=1, le=HIGHEST_ID)]
) -> Response:
    """Have a key open nothing from now on."""
    _, now = gettext_for(request, asking), clock.now()
    with installed.store.transaction() as session:
        found = api_keys.revoke(session, key_id, asking.actor, now)
        if found is None:
            raise HTTPException(404, "there is no such key")
        if found.revoked_at == now:
            audit.note(session, asking.actor, "key.revoked", f"key {key_id}", {"name": found.name}, now)
        tell(request, session, _("The key opens nothing any more."))
    return go("/settings/keys")


def _page(
    request: Request,
    asking: Caller,
    installed: Installation,
    problem: str | None = None,
    *,
    made: tuple[str, str] | None = None,
    said: tuple[str, Sequence[str], Sequence[str], str] = ("", (), (), "90"),
    before: int | None = None,
) -> Response:
    with installed.store.reading() as session:
        found = api_keys.listed(session, before=before, limit=SHOWN + 1)
        every = brands.everything(session)
    shown = found[:SHOWN]
    context = {
        "keys": shown,
        "now": clock.now(),
        "names": {row.id: row.name for row in every},
        "brands": [row for row in every if row.active],
        "scopes": [(one, words) for one, words in PERMISSIONS.items() if one in asking.everywhere],
        "lasts": LASTS,
        "name": said[0], "chosen": said[1], "only": said[2], "days": said[3],
        "problem": problem,
        "made": made,
        "further": f"/settings/keys?before={shown[-1].id}" if len(found) > SHOWN else None,
        "part": "keys",
    }  # fmt: skip
    return show(request, "settings/keys.html", asking, context, status_code=422 if problem else 200)
