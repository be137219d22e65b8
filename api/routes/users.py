"""Users: who may sign in, and what they may do with which brands."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api import entering, etags, managing_users
from api.access import needs
from api.etags import IfMatch
from api.managing_users import BeyondError
from api.routes.dependencies import HIGHEST_ID, Id, Installed, Limit, Reading
from api.wiring import Installation
from listener import clock
from listener.access import Caller, Permission, Role
from listener.items import storable, wordless
from listener.store import brands, users
from listener.store.users import LastAdministratorError, NameTakenError, Person, TakenError

router = APIRouter(prefix="/api/v1/users", tags=["users"])

Manager = Annotated[Caller, needs(Permission.USERS)]

BEYOND = "you cannot give what goes beyond your own permissions, or change somebody who may do more than you"
LAST = "nobody would be left who may do everything: make somebody else an administrator of all brands first"

_NOT_THERE: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such user."}}
_CHANGED: dict[int | str, dict[str, Any]] = {
    412: {"description": "Somebody changed the user meanwhile."},
    428: {"description": "If-Match is missing."},
}


class RoleOf(BaseModel):
    """A role for a brand."""

    model_config = ConfigDict(extra="forbid")

    role: Role
    brand: str | None = Field(None, max_length=500, description="The brand's name; null = all, those to come included.")


class User(BaseModel):
    """A person who signs in."""

    id: int
    email: str
    name: str
    active: bool = Field(description="false = they may not sign in, and no session of theirs holds.")
    joined: bool = Field(description="Whether they can sign in: false until an invitation is taken.")
    roles: list[RoleOf]
    created_at: datetime
    signed_in_at: datetime | None


class Users(BaseModel):
    """A page of users, in the order in which they were added."""

    items: list[User]
    next: int | None = Field(description="`after` of the next page; null = this is the last.")


class NewUser(BaseModel):
    """Somebody to invite."""

    model_config = ConfigDict(extra="forbid")

    email: str = Field(max_length=entering.LONGEST_EMAIL, description="It has to be nobody else's here.")
    name: str = Field(max_length=entering.LONGEST_NAME, description="What the others call them.")
    roles: list[RoleOf] = Field(default_factory=list, max_length=1000, description="One for a brand, and for all.")


class Invitation(BaseModel):
    """A user, and the link with which they set their password. It is shown this once."""

    user: User
    link: str = Field(description="For them alone; it works once, for three days.")


class UserEdit(BaseModel):
    """What to change; what is not named stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, max_length=entering.LONGEST_NAME)
    roles: list[RoleOf] | None = Field(None, max_length=1000, description="These and no others.")
    active: bool | None = None


@router.get("", summary="List users")
def list_users(
    asking: Manager,  # noqa: ARG001
    session: Reading,
    limit: Limit = 50,
    after: Annotated[int, Query(ge=0, le=HIGHEST_ID, description="`next` of the page before this one.")] = 0,
) -> Users:
    """Everybody who was ever invited."""
    found = users.listed(session, after=after, limit=limit + 1)
    names = _names(session, found)
    shown = found[:limit]
    return Users(items=[_user(one, names) for one in shown], next=shown[-1].id if len(found) > limit else None)


@router.get("/{user_id}", summary="Read a user", responses=_NOT_THERE)
def read_user(asking: Manager, session: Reading, response: Response, user_id: Id) -> User:  # noqa: ARG001
    """One user; its ETag is what a change asks for."""
    return _shown(session, response, user_id)


@router.post(
    "",
    status_code=201,
    summary="Invite a user",
    responses={409: {"description": "They are here already, or somebody else has the name."}},
)
def invite_user(asking: Manager, installed: Installed, response: Response, asked: NewUser) -> Invitation:
    """Add somebody, and get the link that they set their password with: no mail is sent."""
    now = clock.now()
    name = _said(asked.name)
    if not entering.is_email(asked.email):
        raise HTTPException(422, "email: this is no e-mail address")
    with installed.store.transaction() as session:
        roles = _roles(session, asked.roles)
        with _told():
            user_id, token = managing_users.invite(session, asking, storable(asked.email), name, roles, now)
        user = _shown(session, response, user_id)
    return _invitation(installed, response, user, token)


@router.post("/{user_id}/link", summary="Make a link to set a password", responses=_NOT_THERE)
def make_link(asking: Manager, installed: Installed, response: Response, user_id: Id) -> Invitation:
    """For somebody who has lost the invitation or forgotten their password. Links from before work no more."""
    now = clock.now()
    with installed.store.transaction() as session:
        person = _existing(session, user_id)
        with _told():
            token = managing_users.link(session, asking, person, now)
        if not person.active:
            raise HTTPException(409, "this user is switched off: make them active first")
        user = _shown(session, response, user_id)
    return _invitation(installed, response, user, token)


@router.patch(
    "/{user_id}",
    summary="Change a user",
    responses=_NOT_THERE
    | _CHANGED
    | {409: {"description": "They are the last administrator, or somebody else has the name."}},
)
def edit_user(
    asking: Manager,
    installed: Installed,
    response: Response,
    user_id: Id,
    asked: UserEdit,
    if_match: IfMatch = None,
) -> User:
    """Another name, other roles, or no way in any more; that holds at once, for open sessions too."""
    name = None if asked.name is None else _said(asked.name)
    with installed.store.transaction() as session:
        person = _existing(session, user_id)
        etags.check(if_match, person.version)
        roles = None if asked.roles is None else _roles(session, asked.roles)
        with _told():
            managing_users.edit(session, asking, person, clock.now(), name=name, roles=roles, active=asked.active)
        return _shown(session, response, user_id)


@contextmanager
def _told() -> Iterator[None]:
    """What speaks against a change, as HTTPException."""
    try:
        yield
    except BeyondError as error:
        raise HTTPException(403, BEYOND) from error
    except TakenError as error:
        raise HTTPException(409, "somebody has this e-mail address already: change that user") from error
    except NameTakenError as error:
        raise HTTPException(409, "somebody else goes by this name, or it reads like a key's: choose another") from error
    except LastAdministratorError as error:
        raise HTTPException(409, LAST) from error


def _said(name: str) -> str:
    name = storable(name).strip()
    if wordless(name):
        raise HTTPException(422, "name: say what the others may call them")
    return name


def _existing(session: Session, user_id: int) -> Person:
    found = users.person(session, user_id)
    if found is None:
        raise HTTPException(404, "there is no such user")
    return found


def _shown(session: Session, response: Response, user_id: int) -> User:
    person = _existing(session, user_id)
    response.headers["ETag"] = etags.etag(person.version)
    return _user(person, _names(session, [person]))


def _invitation(installed: Installation, response: Response, user: User, token: str) -> Invitation:
    response.headers["Cache-Control"] = "no-store"
    return Invitation(user=user, link=entering.join_address(installed.settings, token))


def _roles(session: Session, asked: Sequence[RoleOf]) -> dict[int | None, Role]:
    """The same by brands' ids. Raises HTTPException for a brand that there is not."""
    found: dict[int | None, Role] = {}
    for one in asked:
        brand = None if one.brand is None else brands.brand_named(session, storable(one.brand))
        if one.brand is not None and brand is None:
            raise HTTPException(422, f"roles: there is no brand {one.brand[:80]!r}")
        brand_id = None if brand is None else brand.id
        if brand_id in found:
            raise HTTPException(422, "roles: one role for a brand, and one for all of them")
        found[brand_id] = one.role
    return found


def _names(session: Session, found: Sequence[Person]) -> Mapping[int, str]:
    wanted = {brand for one in found for brand in one.roles if brand is not None}
    return brands.names(session, wanted)


def _user(one: Person, names: Mapping[int, str]) -> User:
    roles = [RoleOf(role=role, brand=names.get(brand, "?") if brand else None) for brand, role in one.roles.items()]
    return User(
        id=one.id, email=one.email, name=one.name, active=one.active, joined=one.joined, roles=roles,
        created_at=one.created_at, signed_in_at=one.signed_in_at,
    )  # fmt: skip
