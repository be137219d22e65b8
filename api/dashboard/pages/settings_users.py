"""The settings' part about users: invitations, roles, links to set a password, accounts switched off."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from sqlmodel import Session

from api import entering, managing_users
from api.access import needs
from api.dashboard.access_words import ROLES
from api.dashboard.language import N_
from api.dashboard.rendering import gettext_for, go, show, tell
from api.managing_users import BeyondError
from api.routes.dependencies import HIGHEST_ID, Id, Installed
from api.wiring import Installation
from listener import clock
from listener.access import Caller, Permission, Role
from listener.items import storable, wordless
from listener.store import brands, users
from listener.store.users import LastAdministratorError, NameTakenError, Person, TakenError

router = APIRouter(include_in_schema=False)

Manager = Annotated[Caller, needs(Permission.USERS)]
Word = Annotated[str, Form(max_length=2000)]

SHOWN = 100
"""Users on a page."""

LAST = N_("Nobody would be left who may do everything. Make somebody else an administrator of all brands first.")
BEYOND = N_("You cannot give what goes beyond your own permissions, or change somebody who may do more than you.")
STALE = N_("Somebody else changed this user meanwhile. Look at what is there now, and change it again.")
NAMELESS = N_("Say what the others may call this person.")
TAKEN = N_("Somebody has this e-mail address already.")

REFUSED: Mapping[type[Exception], str] = {
    LastAdministratorError: LAST, BeyondError: BEYOND, TakenError: TAKEN, NameTakenError: entering.NAME_TAKEN,
}  # fmt: skip


class _RefusedError(Exception):
    """A form cannot be taken; the words are for the person who sent it, in English."""


@router.get("/settings/users")
def users_page(
    request: Request, asking: Manager, installed: Installed, after: Annotated[int, Query(ge=0, le=HIGHEST_ID)] = 0
) -> Response:
    """Everybody who was ever invited."""
    return _users(request, asking, installed, after=after)


@router.post("/settings/users")
def invite(
    request: Request, asking: Manager, installed: Installed, name: Word = "", email: Word = "", role: Word = "",
    brand: Word = "",
) -> Response:  # fmt: skip
    """Invite somebody; the link is on the page that answers, and nowhere else."""
    _, now, name = gettext_for(request, asking), clock.now(), storable(name).strip()
    said = {"name": name, "email": email, "role": role, "brand": brand}
    if wordless(name) or len(name) > entering.LONGEST_NAME:
        return _users(request, asking, installed, said, _(NAMELESS))
    if not entering.is_email(email):
        return _users(request, asking, installed, said, _("That is no e-mail address."))
    try:
        with installed.store.transaction() as session:
            _user_id, token = managing_users.invite(session, asking, email, name, _given(session, {brand: role}), now)
    except tuple(REFUSED) as error:
        return _users(request, asking, installed, said, _(REFUSED[type(error)]))
    return _users(request, asking, installed, link=(name, entering.join_address(installed.settings, token)))


@router.get("/settings/users/{user_id}")
def user_page(request: Request, asking: Manager, installed: Installed, user_id: Id) -> Response:
    """One user."""
    return _user(request, asking, installed, user_id)


@router.post("/settings/users/{user_id}")
async def change_user(request: Request, asking: Manager, installed: Installed, user_id: Id) -> Response:
    """What was sent of one user: a name and roles (``role-all``, ``role-<brand id>``), or ``act``."""
    # Only the form is read here: the work waits for the database, and that must not hold up everybody's event loop.
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    return await run_in_threadpool(_changed, request, asking, installed, user_id, form)


def _changed(
    request: Request, asking: Caller, installed: Installation, user_id: int, form: Mapping[str, str]
) -> Response:
    _, now, act = gettext_for(request, asking), clock.now(), form.get("act", "save")
    try:
        with installed.store.transaction() as session:
            person = _existing(session, user_id)
            if act == "link":
                token = managing_users.link(session, asking, person, now)
            elif act in ("activate", "deactivate"):
                managing_users.edit(session, asking, person, now, active=act == "activate")
                tell(request, session, _("Saved."))
            else:
                _save(session, asking, person, form, now)
                tell(request, session, _("Saved."))
    except _RefusedError as error:
        return _user(request, asking, installed, user_id, _(str(error)))
    except tuple(REFUSED) as error:
        return _user(request, asking, installed, user_id, _(REFUSED[type(error)]))
    if act == "link":
        link = (person.name, entering.join_address(installed.settings, token))
        return _user(request, asking, installed, user_id, link=link)
    return go(f"/settings/users/{user_id}")


def _save(session: Session, asking: Caller, person: Person, form: Mapping[str, str], now: datetime) -> None:
    """Another name, and these roles and no others. Raises _RefusedError, and those of REFUSED."""
    if form.get("version") != str(person.version):
        raise _RefusedError(STALE)
    name = storable(form.get("name", "")).strip()
    if wordless(name) or len(name) > entering.LONGEST_NAME:
        raise _RefusedError(NAMELESS)
    wanted = {field[5:]: value for field, value in form.items() if field.startswith("role-")}
    managing_users.edit(session, asking, person, now, name=name, roles=_given(session, wanted))


def _existing(session: Session, user_id: int) -> Person:
    found = users.person(session, user_id)
    if found is None:
        raise HTTPException(404, "there is no such user")
    return found


def _given(session: Session, wanted: Mapping[str, str]) -> dict[int | None, Role]:
    """The roles of a form ("" or "all" = all brands, else a brand's id -> a role, "" = none). What no form of ours can
    say is refused with 422."""
    known = {str(row.id): row.id for row in brands.everything(session)}
    found: dict[int | None, Role] = {}
    for place, role in wanted.items():
        if place not in ("", "all") and place not in known:
            raise HTTPException(422, "there is no such brand")
        if role == "":
            continue
        if role not in frozenset(Role):
            raise HTTPException(422, "there is no such role")
        found[known.get(place)] = Role(role)
    return found


def _users(
    request: Request,
    asking: Caller,
    installed: Installation,
    said: Mapping[str, str] | None = None,
    problem: str | None = None,
    *,
    link: tuple[str, str] | None = None,
    after: int = 0,
) -> Response:
    with installed.store.reading() as session:
        found = users.listed(session, after=after, limit=SHOWN + 1)
        every = brands.everything(session)
    shown = found[:SHOWN]
    context = {
        "people": shown,
        "names": {row.id: row.name for row in every},
        "brands": [row for row in every if row.active],
        "role_words": ROLES,
        "said": said or {"role": Role.AGENT.value},
        "problem": problem,
        "link": link,
        "further": f"/settings/users?after={shown[-1].id}" if len(found) > SHOWN else None,
        "part": "users",
    }
    return show(request, "settings/users.html", asking, context, status_code=422 if problem else 200)


def _user(
    request: Request,
    asking: Caller,
    installed: Installation,
    user_id: int,
    problem: str | None = None,
    *,
    link: tuple[str, str] | None = None,
) -> Response:
    with installed.store.reading() as session:
        person = _existing(session, user_id)
        every = brands.everything(session)
    context = {
        "person": person,
        "brands": [row for row in every if row.active or row.id in person.roles],
        "role_words": ROLES,
        "problem": problem,
        "link": link,
        "longest_name": entering.LONGEST_NAME,
        "part": "users",
    }
    return show(request, "settings/user.html", asking, context, status_code=422 if problem else 200)
