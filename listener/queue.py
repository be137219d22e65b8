"""WorkQueue: tasks that any worker may take, with leases. The SQL one is the embedded default.

At least once: a worker that dies loses its lease and the task goes to another, so a task must bear being run twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import case, delete, or_, select, update
from sqlmodel import Session

from listener.store.engine import Store, insert_new
from listener.store.tables import Task, table

HEAD_START = timedelta(minutes=1)
"""So long a task that has failed before stays behind those that have not: were there more that hang than threads, the
rest would still come first."""


@dataclass(frozen=True, slots=True)
class Work:
    """A task in a worker's hands."""

    id: int
    token: str
    key: str
    payload: Mapping[str, Any]
    attempts: int


class WorkQueue:
    """The queue in the database. ``lease``: how long a worker has before its task goes to another."""

    def __init__(self, store: Store, lease: timedelta = timedelta(minutes=5)) -> None:
        self._store = store
        self._lease = lease

    def put_many(self, session: Session, tasks: Mapping[str, Mapping[str, Any]], now: datetime) -> int:
        """Add tasks (key -> payload) in the caller's transaction; how many were new: an open key stays as it is."""
        rows = [
            {"key": key, "payload": dict(payload), "attempts": 0, "not_before": now} for key, payload in tasks.items()
        ]
        return len(insert_new(session, table(Task), rows, returning=("id",)))

    def claim(self, now: datetime, limit: int = 1) -> list[Work]:
        """Take due tasks, oldest first; but those tried before leave the others a start (``HEAD_START``)."""
        task = table(Task).c
        due = (task.not_before <= now, or_(task.lease_until.is_(None), task.lease_until <= now))
        with self._store.reading() as session:
            # Asked by every idle worker all the time, so without the writer's lock where there is nothing to take.
            if session.connection().execute(select(task.id).where(*due).limit(1)).first() is None:
                return []
        token = uuid4().hex
        behind = case(((task.attempts > 0) & (task.not_before > now - HEAD_START), 1), else_=0)
        with self._store.transaction() as session:
            rows = (
                session.connection()
                .execute(
                    select(task.id, task.key, task.payload, task.attempts)
                    .where(*due)
                    .order_by(behind, task.not_before, task.id)
                    .limit(limit)
                    .with_for_update(skip_locked=True)
                )
                .all()
            )
            if not rows:
                return []
            ids = [row.id for row in rows]
            session.connection().execute(
                update(table(Task))
                .where(task.id.in_(ids))
                .values(lease_until=now + self._lease, lease_token=token, attempts=task.attempts + 1)
            )
        return [Work(row.id, token, row.key, row.payload, row.attempts + 1) for row in rows]

    def extend(self, work: Work, now: datetime) -> bool:
        """More time for a long task; False where another worker has it already, so this one should stop."""
        return self._change(work, lease_until=now + self._lease)

    def hold(self, session: Session, work: Work, now: datetime) -> bool:
        """The same in the caller's transaction, of which nothing may be kept where this is False."""
        return self._update(session, work, lease_until=now + self._lease)

    def ack(self, work: Work) -> bool:
        """Done: the task goes away. False where another worker had it meanwhile."""
        task = table(Task).c
        with self._store.transaction() as session:
            done = session.connection().execute(
                delete(table(Task)).where(task.id == work.id, task.lease_token == work.token)
            )
        return bool(done.rowcount)

    def nack(self, work: Work, again_at: datetime) -> bool:
        """Not done: any worker may take it from ``again_at`` on."""
        return self._change(work, lease_until=None, lease_token=None, not_before=again_at)

    def _change(self, work: Work, **values: Any) -> bool:
        with self._store.transaction() as session:
            return self._update(session, work, **values)

    def _update(self, session: Session, work: Work, **values: Any) -> bool:
        task = table(Task).c
        changed = session.connection().execute(
            update(table(Task)).where(task.id == work.id, task.lease_token == work.token).values(**values)
        )
        return bool(changed.rowcount)
