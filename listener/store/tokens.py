"""Tokens that let somebody in once. Only digests of them are kept."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, delete, select
from sqlmodel import Session

from listener.store.callers import digest
from listener.store.tables import OneTimeToken, table

_TOKEN = table(OneTimeToken).c


class Purpose(StrEnum):
    """What a token is good for."""

    SETUP = "setup"
    JOIN = "join"
    OIDC = "oidc"


LASTS = {Purpose.SETUP: timedelta(hours=24), Purpose.JOIN: timedelta(days=3), Purpose.OIDC: timedelta(minutes=10)}
"""How long one can be used."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What a token that holds admits to. ``user_id``: whom; None where it is for nobody in particular."""

    user_id: int | None


def issue(session: Session, purpose: Purpose, now: datetime, *, user_id: int | None = None) -> str:
    """A new token. Those that the same user had for the same purpose are no longer good."""
    if user_id is not None:
        session.connection().execute(
            delete(table(OneTimeToken)).where(_TOKEN.purpose == purpose.value, _TOKEN.user_id == user_id)
        )
    token = secrets.token_urlsafe(32)
    session.add(
        OneTimeToken(
            digest=digest(token), purpose=purpose.value, user_id=user_id, created_at=now,
            expires_at=now + LASTS[purpose],
        )
    )  # fmt: skip
    session.flush()
    return token


def look(session: Session, purpose: Purpose, token: str, now: datetime) -> Admission | None:
    """What it admits to, if it is good still; it stays so."""
    found = session.connection().execute(select(_TOKEN.user_id).where(_good(purpose, token, now))).one_or_none()
    return None if found is None else Admission(found.user_id)


def spend(session: Session, purpose: Purpose, token: str, now: datetime) -> Admission | None:
    """The same, and it is used up with this transaction; of several at once one gets an answer."""
    gone = delete(table(OneTimeToken)).where(_good(purpose, token, now)).returning(_TOKEN.user_id)
    found = session.connection().execute(gone).one_or_none()
    return None if found is None else Admission(found.user_id)


def end_all(session: Session, purpose: Purpose) -> None:
    """No token for this purpose is good any more."""
    session.connection().execute(delete(table(OneTimeToken)).where(_TOKEN.purpose == purpose.value))


def forget_old(session: Session, now: datetime) -> int:
    """Remove those that are too old; how many."""
    return session.connection().execute(delete(table(OneTimeToken)).where(_TOKEN.expires_at <= now)).rowcount


def _good(purpose: Purpose, token: str, now: datetime) -> ColumnElement[bool]:
    return and_(_TOKEN.digest == digest(token), _TOKEN.purpose == purpose.value, _TOKEN.expires_at > now)
