"""How sources have been failing, where all processes see it."""

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlmodel import Session

from listener.breaker import Breaker
from listener.items import storable
from listener.store.engine import insert_new
from listener.store.tables import SourceBreaker, Task, table


def breaker_of(session: Session, source_id: int) -> Breaker | None:
    """A source's breaker; None = nothing has failed since it last worked."""
    return breakers(session, source_id).get(source_id)


def breakers(session: Session, *only: int) -> dict[int, Breaker]:
    """The breakers of all sources that have been failing, or of these, by the sources' ids."""
    row = table(SourceBreaker).c
    wanted = select(table(SourceBreaker))
    if only:
        wanted = wanted.where(row.source_id.in_(only))
    return {
        found.source_id: Breaker(found.again_at, found.why, found.failures, found.refusals, found.opened_at)
        for found in session.connection().execute(wanted)
    }


def save_breaker(session: Session, source_id: int, breaker: Breaker) -> None:
    """Remember how a source failed."""
    row = table(SourceBreaker)
    values = {
        "again_at": breaker.again_at, "why": storable(breaker.why), "failures": breaker.failures,
        "refusals": breaker.refusals, "opened_at": breaker.opened_at,
    }  # fmt: skip
    if not insert_new(session, row, [{"source_id": source_id} | values], returning=("source_id",)):
        session.connection().execute(update(row).where(row.c.source_id == source_id).values(**values))


def close_breaker(session: Session, source_id: int, job: str, now: datetime) -> bool:
    """The source works, or a person has mended it: nothing of its failures counts, and it need not wait any longer.

    ``job``: the key of its task. False where there was nothing to close.
    """
    row, task = table(SourceBreaker).c, table(Task).c
    if not session.connection().execute(delete(table(SourceBreaker)).where(row.source_id == source_id)).rowcount:
        return False
    session.connection().execute(
        update(table(Task))
        .where(task.key == job, task.lease_until.is_(None), task.not_before > now)
        .values(not_before=now)
    )
    return True
