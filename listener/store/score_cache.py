"""What models said of texts that came more than once, for other processes and the next start.

Only repeated texts get here (``sentiment.cache.Cache`` sees to that), so a batch costs one short read, and a write only
when something came again. Nothing depends on it: rows may be deleted at any time, and where the database does not take
or give them, scoring goes on without.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, delete, func, select, tuple_, update
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlmodel import Session

from listener.store.engine import Store, insert_new
from listener.store.tables import ScoreCache, table

log = structlog.get_logger()

STALE = timedelta(days=1)
"""How far ``used_at`` may lag behind, so that reading seldom writes."""

UNUSED = timedelta(days=7)
"""After how long what another revision said is dropped: until then somebody may go back to it."""

_FAILURES = (OperationalError, InterfaceError, ProgrammingError)

PRUNE_EVERY = 500
PRUNED_AT_ONCE = 1000


class StoredScores:
    """A ``sentiment.cache.ScoreCache`` of at most ``most`` texts, a few hundred more between two prunings."""

    def __init__(self, store: Store, clock: Callable[[], datetime], most: int) -> None:
        self._store, self._clock, self._most = store, clock, most
        self._written = PRUNE_EVERY  # so that a cap that was lowered, or a new model, shows with the first write

    def get_many(self, revision: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """What is kept under these keys; nothing where the database fails."""
        try:
            return self._get_many(revision, keys)
        except _FAILURES as error:
            log.warning("score_cache_not_read", error=str(error))
            return {}

    def put_many(self, revision: str, chances: Mapping[bytes, bytes]) -> None:
        """Keep these, and now and then drop what is too old or too much; let them go where the database fails."""
        try:
            self._put_many(revision, chances)
        except _FAILURES as error:
            log.warning("score_cache_not_written", error=str(error))

    def _get_many(self, revision: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        cached, now = table(ScoreCache), self._clock()
        mine = (cached.c.revision == revision) & cached.c.digest.in_(list(keys))
        with self._store.reading() as session:
            found = session.connection().execute(
                select(cached.c.digest, cached.c.chances, cached.c.used_at).where(mine)
            )
            rows = list(found)
        if any(row.used_at < now - STALE for row in rows):
            with self._store.transaction() as session:
                stale = mine & (cached.c.used_at < now - STALE)
                session.connection().execute(update(cached).where(stale).values(used_at=now))
        return {row.digest: row.chances for row in rows}

    def _put_many(self, revision: str, chances: Mapping[bytes, bytes]) -> None:
        now = self._clock()
        rows = [
            {"revision": revision, "digest": key, "chances": chances[key], "created_at": now, "used_at": now}
            for key in sorted(chances)  # in one order: two processes with the same texts wait instead of deadlocking
        ]
        with self._store.transaction() as session:
            insert_new(session, table(ScoreCache), rows, returning=("digest",))
        self._written += len(rows)
        if self._written >= PRUNE_EVERY:
            self._written = 0
            while self._prune(revision, now):
                pass

    def _prune(self, revision: str, now: datetime) -> bool:
        """Drop a batch; whether there may be more to drop."""
        cached = table(ScoreCache).c
        with self._store.transaction() as session:
            old = _drop(session, (cached.revision != revision) & (cached.used_at < now - UNUSED), PRUNED_AT_ONCE)
            many = session.connection().scalar(select(func.count()).select_from(table(ScoreCache))) or 0
            over = _drop(session, cached.used_at <= now, min(many - self._most, PRUNED_AT_ONCE))
        return PRUNED_AT_ONCE in (old, over)


def _drop(session: Session, which: ColumnElement[bool], most: int) -> int:
    """Delete up to ``most`` of these rows, those used longest ago first; how many went."""
    if most <= 0:
        return 0
    cached = table(ScoreCache)
    key = tuple_(cached.c.revision, cached.c.digest)
    oldest = (
        select(cached.c.revision, cached.c.digest)
        .where(which)
        .order_by(cached.c.used_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return session.connection().execute(delete(cached).where(key.in_(oldest))).rowcount
