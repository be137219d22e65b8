"""Who is behind a session's cookie or an API key."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, true, update
from sqlmodel import Session

from listener.access import Caller, Permission, Role, of_roles, of_scopes
from listener.store.tables import ApiKey, UserAccount, UserRole, WebSession, table

KEY_MARK = " (key "
"""Stands in what a key is called in the audit, and so in no person's name."""

SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is kept when a session or a key was last used: each request would be a write otherwise."""

IDLE = timedelta(days=7)
"""A session that nobody uses for so long is over, whatever is left of it."""

_KEY, _SESSION, _USER, _ROLE = (table(model).c for model in (ApiKey, WebSession, UserAccount, UserRole))


def digest(secret: str) -> bytes:
    """What is kept of a token or key. They are long and random, so that SHA-256 without salt is enough."""
    return hashlib.sha256(secret.encode()).digest()


def by_session(session: Session, token: str, now: datetime) -> tuple[Caller, bool] | None:
    """Who is signed in with this token, and whether ``seen`` is due; None: nobody, or no longer."""
    row = session.connection().execute(
        select(
            _SESSION.csrf, _SESSION.seen_at, _USER.id, _USER.email, _USER.name, _USER.language,
        )
        .join_from(table(WebSession), table(UserAccount), _USER.id == _SESSION.user_id)
        .where(
            _SESSION.digest == digest(token), _SESSION.expires_at > now, _SESSION.seen_at > now - IDLE, _USER.active,
        )
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    roles = session.connection().execute(select(_ROLE.brand_id, _ROLE.role).where(_ROLE.user_id == row.id))
    everywhere, by_brand = of_roles({one.brand_id: Role(one.role) for one in roles})
    caller = Caller(
        row.name, everywhere, by_brand, user_id=row.id, csrf=row.csrf, email=row.email, language=row.language
    )
    return caller, row.seen_at <= now - SEEN_EVERY


def by_key(session: Session, key: str, now: datetime) -> tuple[Caller, bool] | None:
    """Whose program asks with this key, and whether ``seen`` is due; None: no such key, or no longer."""
    row = session.connection().execute(select(table(ApiKey)).where(_KEY.digest == digest(key))).one_or_none()
    if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return None
    scopes = frozenset(Permission(one) for one in row.scopes if one in frozenset(Permission))
    everywhere, by_brand = of_scopes(scopes, None if row.brands is None else frozenset(row.brands))
    caller = Caller(f"{row.name}{KEY_MARK}{row.prefix})", everywhere, by_brand, key_id=row.id)
    return caller, row.used_at is None or row.used_at <= now - SEEN_EVERY


def seen(session: Session, *, token: str | None = None, key: str | None = None, now: datetime) -> None:
    """Keep that a session or a key was used just now."""
    if token is not None:
        session.connection().execute(
            update(table(WebSession)).where(_SESSION.digest == digest(token)).values(seen_at=now)
        )
    if key is not None:
        session.connection().execute(update(table(ApiKey)).where(_KEY.digest == digest(key)).values(used_at=now))


def tell(session: Session, token: str, said: str) -> None:
    """Keep what the next page of a session is to say."""
    mine = _SESSION.digest == digest(token)
    session.connection().execute(update(table(WebSession)).where(mine).values(flash=said))


def flash(session: Session, token: str, *, take: bool = False) -> str | None:
    """What that is; None = nothing. ``take``: and it is said now."""
    mine = _SESSION.digest == digest(token)
    found = session.connection().scalar(select(_SESSION.flash).where(mine))
    if take and found is not None:
        session.connection().execute(update(table(WebSession)).where(mine).values(flash=None))
    return found


def among(column: ColumnElement[int] | ColumnElement[int | None], brands: frozenset[int] | None) -> ColumnElement[bool]:
    """The rows of these brands (``Caller.brands``); None = all, also those that concern no single brand."""
    return true() if brands is None else column.in_(sorted(brands))
