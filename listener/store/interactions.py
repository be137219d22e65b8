"""Buttons that were pressed: kept before Slack is answered, acted on afterwards, and forgotten after a while.

Each goes through two states on its way. Without an ``outcome`` it is still to be acted on; that, and the outcome with
it, is one transaction, so a process that is killed acts once. With an outcome, but without ``done_at``, the person who
pressed is still to be told, which may happen twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlmodel import Session

from listener.store.engine import insert_new
from listener.store.tables import Interaction, table

_ROW = table(Interaction).c


@dataclass(frozen=True, slots=True)
class Pressed:
    """One that this process, and no other, may see to until its lease ends."""

    digest: str
    channel: str
    payload: str
    attempt: int
    outcome: str | None
    received_at: datetime


def keep(session: Session, digest: str, channel: str, payload: str, now: datetime, outcome: str | None = None) -> bool:
    """Keep what was pressed; whether it was new. With an ``outcome`` nothing is left to do about it."""
    row = {
        "digest": digest, "channel": channel, "payload": payload, "received_at": now, "not_before": now, "attempts": 0,
        "outcome": outcome, "done_at": None if outcome is None else now,
    }  # fmt: skip
    return bool(insert_new(session, table(Interaction), [row], returning=("digest",)))


def waiting(session: Session, now: datetime | None = None) -> int:
    """How many are left to see to; with ``now`` those that are due."""
    left = _ROW.done_at.is_(None) if now is None else _due(now)
    return session.connection().scalar(select(func.count()).where(left)) or 0


def claim(session: Session, now: datetime, lease: timedelta) -> Pressed | None:
    """The one that has waited longest of those that are due; None where there is none."""
    row = (
        session.connection()
        .execute(
            select(table(Interaction))
            .where(_due(now))
            .order_by(_ROW.received_at, _ROW.digest)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        .mappings()
        .first()
    )
    if row is None:
        return None
    _change(session, row["digest"], {"attempts": row["attempts"] + 1, "lease_until": now + lease})
    return Pressed(
        row["digest"], row["channel"], row["payload"], row["attempts"] + 1, row["outcome"], row["received_at"]
    )


def still_ours(session: Session, pressed: Pressed) -> bool:
    """Whether nobody has taken it over since; if so it is held until the transaction ends."""
    attempts = session.connection().scalar(
        select(_ROW.attempts).where(_ROW.digest == pressed.digest, _ROW.outcome.is_(None)).with_for_update()
    )
    return attempts == pressed.attempt


def acted(session: Session, pressed: Pressed, outcome: str, payload: str) -> None:
    """Note what came of it, in the transaction in which it was done; the person is still to be told."""
    _change(session, pressed.digest, {"outcome": outcome, "payload": payload})


def again(session: Session, pressed: Pressed, at: datetime) -> None:
    """It may be seen to again at ``at``."""
    _change(session, pressed.digest, {"not_before": at, "lease_until": None}, _of(pressed))


def done(session: Session, pressed: Pressed, now: datetime, payload: str) -> None:
    """Nothing is left to do about it."""
    _change(session, pressed.digest, {"done_at": now, "lease_until": None, "payload": payload})


def forget(session: Session, before: datetime) -> int:
    """Let go of those that were done and received before; how many."""
    old = and_(_ROW.not_before < before, _ROW.done_at.is_not(None))
    return session.connection().execute(delete(table(Interaction)).where(old)).rowcount


def _due(now: datetime) -> ColumnElement[bool]:
    free = or_(_ROW.lease_until.is_(None), _ROW.lease_until <= now)
    return and_(_ROW.done_at.is_(None), _ROW.not_before <= now, free)


def _of(pressed: Pressed) -> ColumnElement[bool]:
    return _ROW.attempts == pressed.attempt


def _change(session: Session, digest: str, values: Mapping[str, Any], *also: ColumnElement[bool]) -> None:
    session.connection().execute(update(table(Interaction)).where(_ROW.digest == digest, *also).values(**values))
