"""Users, their roles and their sessions."""

import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, delete, func, or_, select, update
from sqlmodel import Session
from sqlmodel import select as select_rows

from listener.access import Role
from listener.store.callers import IDLE, KEY_MARK, digest
from listener.store.locks import alone_with_users
from listener.store.tables import OneTimeToken, UserAccount, UserRole, WebSession, table

LASTS = timedelta(days=30)
"""A session ends then at the latest."""

_USER, _ROLE, _SESSION = (table(model).c for model in (UserAccount, UserRole, WebSession))


def add_user(
    session: Session,
    email: str,
    name: str,
    roles: Mapping[int | None, Role],
    now: datetime,
    *,
    password_hash: str | None,
) -> int:
    """A new user with roles (brand id, None = everything -> role); their id."""
    user = UserAccount(email=address_of(email), name=name, password_hash=password_hash, created_at=now)
    session.add(user)
    session.flush()
    assert user.id is not None
    give_roles(session, user.id, roles)
    return user.id


def give_roles(session: Session, user_id: int, roles: Mapping[int | None, Role]) -> None:
    """These roles and no others."""
    session.connection().execute(delete(table(UserRole)).where(table(UserRole).c.user_id == user_id))
    for brand_id, role in roles.items():
        session.add(UserRole(user_id=user_id, brand_id=brand_id, role=role.value))
    session.flush()


def open_session(session: Session, user_id: int, agent: str, now: datetime) -> str:
    """Sign a user in; the token for their cookie, of which only a digest is kept. It is a new one each time."""
    token = secrets.token_urlsafe(32)
    session.add(
        WebSession(
            digest=digest(token), user_id=user_id, csrf=secrets.token_urlsafe(24), agent=agent[:200], created_at=now,
            seen_at=now, expires_at=now + LASTS,
        )
    )  # fmt: skip
    session.flush()
    session.connection().execute(update(table(UserAccount)).where(_USER.id == user_id).values(signed_in_at=now))
    return token


def close_session(session: Session, token: str) -> None:
    """Sign out."""
    session.connection().execute(delete(table(WebSession)).where(table(WebSession).c.digest == digest(token)))


@dataclass(frozen=True, slots=True)
class Person:
    """A user as others see them. ``roles``: brand id, None = everything -> role; ``joined``: they can sign in."""

    id: int
    email: str
    name: str
    active: bool
    joined: bool
    language: str | None
    version: int
    created_at: datetime
    signed_in_at: datetime | None
    roles: Mapping[int | None, Role]


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session as its owner sees it. ``handle``: how to name it, which lets nobody in."""

    handle: str
    agent: str
    created_at: datetime
    seen_at: datetime
    mine: bool


class LastAdministratorError(Exception):
    """Nobody would be left who may do everything."""


class TakenError(Exception):
    """Somebody has this e-mail address already."""


class NameTakenError(Exception):
    """Somebody else who is active goes by this name, or it reads like a key's: nobody could tell who did what."""


def listed(session: Session, *, after: int = 0, limit: int = 1000) -> list[Person]:
    """Users in the order in which they were added."""
    chosen = select(table(UserAccount)).where(_USER.id > after).order_by(_USER.id).limit(limit)
    rows = session.connection().execute(chosen).all()
    roles: dict[int, dict[int | None, Role]] = {row.id: {} for row in rows}
    held = select(table(UserRole)).where(_ROLE.user_id.in_(list(roles))).order_by(_ROLE.id)
    for one in session.connection().execute(held):
        roles[one.user_id][one.brand_id] = Role(one.role)
    return [_person(row, roles[row.id]) for row in rows]


def person(session: Session, user_id: int) -> Person | None:
    """One of them."""
    found = listed(session, after=user_id - 1, limit=1)
    return found[0] if found and found[0].id == user_id else None


def with_email(session: Session, email: str) -> UserAccount | None:
    """The account of an e-mail address."""
    return session.exec(select_rows(UserAccount).where(UserAccount.email == address_of(email))).one_or_none()


def address_of(email: str) -> str:
    """An e-mail address as accounts have it."""
    return email.strip().lower()


def invite(session: Session, email: str, name: str, roles: Mapping[int | None, Role], now: datetime) -> int:
    """A user who has no password yet; their id. Raises TakenError or NameTakenError."""
    alone_with_users(session)
    if with_email(session, email) is not None:
        raise TakenError
    _check_name(session, name)
    return add_user(session, email, name, roles, now, password_hash=None)


def edit(
    session: Session,
    user_id: int,
    *,
    name: str | None = None,
    roles: Mapping[int | None, Role] | None = None,
    active: bool | None = None,
) -> None:
    """Change some of a user; None = as it is. Whoever may no longer sign in is signed out everywhere.

    Raises LastAdministratorError, with nothing to be kept, where no other administrator of everything is left, and
    NameTakenError.
    """
    alone_with_users(session)
    present = session.connection().execute(select(_USER.name, _USER.active).where(_USER.id == user_id)).one_or_none()
    # Whoever has a name keeps it until somebody gives them another, or lets them in again.
    if present is not None and ((active and not present.active) or (name is not None and name != present.name)):
        _check_name(session, name or present.name, user_id)
    before = administrators(session)
    if roles is not None:
        give_roles(session, user_id, roles)
    values: dict[str, Any] = {"version": _USER.version + 1}
    values |= {} if name is None else {"name": name}
    values |= {} if active is None else {"active": active}
    session.connection().execute(update(table(UserAccount)).where(_USER.id == user_id).values(**values))
    if before and not administrators(session):
        raise LastAdministratorError
    if active is False:
        shut_out(session, user_id)


def administrators(session: Session) -> int:
    """How many people can sign in and may do everything."""
    can = or_(_USER.password_hash.is_not(None), _USER.subject.is_not(None))
    everything = and_(_ROLE.brand_id.is_(None), _ROLE.role == Role.ADMINISTRATOR.value)
    counted = (
        select(func.count())
        .select_from(table(UserAccount).join(table(UserRole), _ROLE.user_id == _USER.id))
        .where(_USER.active, can, everything)
    )
    return session.connection().execute(counted).scalar_one()


def set_password(session: Session, user_id: int, password_hash: str, *, keep: str | None = None) -> None:
    """A new password: every session of the user ends but that of the token ``keep``, and so do links to set one."""
    session.connection().execute(
        update(table(UserAccount)).where(_USER.id == user_id).values(password_hash=password_hash)
    )
    shut_out(session, user_id, keep=keep)


def rehashed(session: Session, user_id: int, before: str, after: str) -> None:
    """The same password, kept as the present settings want it."""
    unchanged = and_(_USER.id == user_id, _USER.password_hash == before)
    session.connection().execute(update(table(UserAccount)).where(unchanged).values(password_hash=after))


def shut_out(session: Session, user_id: int, *, keep: str | None = None) -> None:
    """End a user's sessions, but for that of the token ``keep``, and the links that would let them in."""
    theirs = delete(table(WebSession)).where(_SESSION.user_id == user_id)
    session.connection().execute(theirs if keep is None else theirs.where(_SESSION.digest != digest(keep)))
    session.connection().execute(delete(table(OneTimeToken)).where(table(OneTimeToken).c.user_id == user_id))


def rename(session: Session, user_id: int, name: str) -> None:
    """What others see of this user in what they do from now on. Raises NameTakenError."""
    alone_with_users(session)
    _check_name(session, name, user_id)
    changed = {"name": name, "version": _USER.version + 1}
    session.connection().execute(update(table(UserAccount)).where(_USER.id == user_id).values(**changed))


def is_free(session: Session, name: str, user_id: int | None = None) -> bool:
    """Whether a user (None = a new one) may be called so; capitals, spaces and looks do not make another name."""
    others = select(_USER.name).where(_USER.active, _USER.id != (user_id or 0))
    wanted = _alike(name)
    return f"{_alike(KEY_MARK)} " not in wanted and all(
        _alike(one) != wanted for one in session.connection().scalars(others)
    )


def _check_name(session: Session, name: str, user_id: int | None = None) -> None:
    if not is_free(session, name, user_id):
        raise NameTakenError


def _alike(name: str) -> str:
    shown = (one for one in unicodedata.normalize("NFKC", name) if one.isprintable() or one.isspace())
    return " ".join("".join(shown).casefold().split())


def choose_language(session: Session, user_id: int, language: str | None) -> None:
    """The pages' language for this user; None = what their browser asks for."""
    session.connection().execute(update(table(UserAccount)).where(_USER.id == user_id).values(language=language))


def link(session: Session, user_id: int, issuer: str, subject: str) -> None:
    """From now on this user is who the provider calls so."""
    known = {"issuer": issuer, "subject": subject}
    session.connection().execute(update(table(UserAccount)).where(_USER.id == user_id).values(**known))


def known_as(session: Session, issuer: str, subject: str) -> UserAccount | None:
    """Whom a provider calls so."""
    wanted = select_rows(UserAccount).where(UserAccount.issuer == issuer, UserAccount.subject == subject)
    return session.exec(wanted).one_or_none()


def sessions_of(session: Session, user_id: int, token: str | None, now: datetime) -> list[SignedIn]:
    """Where a user is signed in, the latest used first. ``token``: of the session that asks."""
    rows = session.connection().execute(
        select(table(WebSession))
        .where(_SESSION.user_id == user_id, _SESSION.expires_at > now, _SESSION.seen_at > now - IDLE)
        .order_by(_SESSION.seen_at.desc(), _SESSION.digest)
    )
    mine = None if token is None else digest(token)
    return [SignedIn(_handle(row.digest), row.agent, row.created_at, row.seen_at, row.digest == mine) for row in rows]


def end_session(session: Session, user_id: int, handle: str) -> bool:
    """End one of a user's own sessions; whether there was one."""
    theirs = session.connection().scalars(select(_SESSION.digest).where(_SESSION.user_id == user_id))
    named = [one for one in theirs if _handle(one) == handle]
    session.connection().execute(delete(table(WebSession)).where(_SESSION.digest.in_(named)))
    return bool(named)


def end_others(session: Session, user_id: int, token: str) -> None:
    """End all sessions of a user but this one."""
    others = and_(_SESSION.user_id == user_id, _SESSION.digest != digest(token))
    session.connection().execute(delete(table(WebSession)).where(others))


def forget_old(session: Session, now: datetime) -> int:
    """Remove sessions that are over; how many."""
    over = or_(_SESSION.expires_at <= now, _SESSION.seen_at <= now - IDLE)
    return session.connection().execute(delete(table(WebSession)).where(over)).rowcount


def _handle(kept: bytes) -> str:
    return kept[:8].hex()


def _person(row: Any, roles: Mapping[int | None, Role]) -> Person:
    return Person(
        row.id, row.email, row.name, row.active, row.password_hash is not None or row.subject is not None,
        row.language, row.version, row.created_at, row.signed_in_at, roles,
    )  # fmt: skip
