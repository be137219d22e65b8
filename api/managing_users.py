"""Users as those who manage them change them, by the pages and by the API alike."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from api.giving import may_give_roles
from listener.access import Caller, Role
from listener.store import audit, brands, tokens, users
from listener.store.tokens import Purpose
from listener.store.users import Person


class BeyondError(Exception):
    """It gives more than whoever asks may do, or it is about somebody who may do more: whoever manages users could
    have everything otherwise, or keep out those who have it."""


def invite(
    session: Session, asking: Caller, email: str, name: str, roles: Mapping[int | None, Role], now: datetime
) -> tuple[int, str]:
    """Somebody new: their id, and the token with which they set their password. Raises BeyondError, and
    users.TakenError or NameTakenError."""
    _within(asking, roles)
    user_id = users.invite(session, email, name, roles, now)
    detail = {"roles": _told(session, roles)}
    audit.note(session, asking.actor, "user.added", users.address_of(email), detail, now)
    return user_id, tokens.issue(session, Purpose.JOIN, now, user_id=user_id)


def link(session: Session, asking: Caller, person: Person, now: datetime) -> str:
    """The token with which a user sets another password. Raises BeyondError."""
    _within(asking, person.roles)
    audit.note(session, asking.actor, "user.link", person.email, {}, now)
    return tokens.issue(session, Purpose.JOIN, now, user_id=person.id)


def edit(
    session: Session,
    asking: Caller,
    person: Person,
    now: datetime,
    *,
    name: str | None = None,
    roles: Mapping[int | None, Role] | None = None,
    active: bool | None = None,
) -> None:
    """Change some of a user; None = as it is. Raises BeyondError, and users.LastAdministratorError or
    NameTakenError."""
    _within(asking, person.roles)
    _within(asking, roles or {})
    users.edit(session, person.id, name=name, roles=roles, active=active)
    said = {"name": name, "roles": None if roles is None else _told(session, roles), "active": active}
    detail = {field: value for field, value in said.items() if value is not None}
    audit.note(session, asking.actor, "user.edited", person.email, detail, now)


def _within(asking: Caller, roles: Mapping[int | None, Role]) -> None:
    if not may_give_roles(asking, roles):
        raise BeyondError


def _told(session: Session, roles: Mapping[int | None, Role]) -> list[dict[str, str | None]]:
    names = brands.names(session, [brand for brand in roles if brand is not None])
    return [{"role": role.value, "brand": None if brand is None else names[brand]} for brand, role in roles.items()]
