"""Users, their roles and their sessions."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlmodel import Session

from listener.access import Role
from listener.store.callers import digest
from listener.store.tables import UserAccount, UserRole, WebSession, table

LASTS = timedelta(days=30)
"""A session ends then at the latest."""


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
    user = UserAccount(email=email.strip().lower(), name=name, password_hash=password_hash, created_at=now)
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
    """Sign a user in; the token for their cookie, of which only a digest is kept."""
    token = secrets.token_urlsafe(32)
    session.add(
        WebSession(
            digest=digest(token), user_id=user_id, csrf=secrets.token_urlsafe(24), agent=agent[:200], created_at=now,
            seen_at=now, expires_at=now + LASTS,
        )
    )  # fmt: skip
    session.flush()
    return token


def close_session(session: Session, token: str) -> None:
    """Sign out."""
    session.connection().execute(delete(table(WebSession)).where(table(WebSession).c.digest == digest(token)))


def choose_language(session: Session, user_id: int, language: str | None) -> None:
    """The pages' language for this user; None = what their browser asks for."""
    mine = table(UserAccount).c.id == user_id
    session.connection().execute(update(table(UserAccount)).where(mine).values(language=language))
