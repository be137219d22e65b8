"""Fires jobs by interval. Every process may run one: each firing first claims its slot in the database.

APScheduler keeps its jobs in memory here. A job store shared by several schedulers fires a job several times over;
the slot's row makes N schedulers fire once.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger
from sqlalchemy import or_, select, update
from sqlmodel import Session

from listener.queue import WorkQueue
from listener.store import brands
from listener.store.engine import Store, insert_new
from listener.store.tables import Firing, table

log = structlog.get_logger()

FAR_AHEAD = timedelta(days=1)
"""No two schedulers' clocks lie so far apart: a firing that much in the future was a wrong clock's."""


def slot_of(moment: datetime, every: timedelta) -> int:
    """The number of the interval that a moment lies in; the same in every process."""
    return int(moment.timestamp() // every.total_seconds())


def claim_slot(session: Session, job: str, every: timedelta, now: datetime) -> bool:
    """Whether this caller fires the job for the interval that ``now`` lies in: true for one caller only."""
    slot = slot_of(now, every)
    fired = {"slot": slot, "fired_at": now}
    if insert_new(session, table(Firing), [{"job": job} | fired], returning=("job",)):
        return True
    firing = table(Firing)
    # Other than, not greater than: a shorter interval numbers its slots anew. A clock that lags must not fire again;
    # one that was far ahead and has been set right must not silence the job until that time has come.
    due = or_(firing.c.fired_at < now, firing.c.fired_at > now + FAR_AHEAD)
    moved = session.connection().execute(
        update(firing).where(firing.c.job == job, firing.c.slot != slot, due).values(**fired)
    )
    return bool(moved.rowcount)


def take_turn(store: Store, job: str, every: timedelta, now: datetime) -> bool:
    """Whether this caller does a job that one process does every so often; looks before it takes the writer's lock."""
    firing = table(Firing).c
    with store.reading() as session:
        if session.connection().scalar(select(firing.slot).where(firing.job == job)) == slot_of(now, every):
            return False
    with store.transaction() as session:
        return claim_slot(session, job, every, now)


class Scheduler:
    """Puts a task into the queue whenever a source is due. Sources are read anew from the database all the time."""

    def __init__(
        self, store: Store, queue: WorkQueue, clock: Callable[[], datetime], tick_seconds: float = 1.0
    ) -> None:
        self._store = store
        self._queue = queue
        self._clock = clock
        # One thread is enough: a firing writes two rows. A missed tick is made up for by the next one.
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )
        self._scheduler.add_job(self.fire_due, IntervalTrigger(seconds=tick_seconds), id="tick")

    def __enter__(self) -> "Scheduler":
        """Start firing in the background."""
        self._scheduler.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop firing; a firing under way ends first."""
        self._scheduler.shutdown(wait=True)

    def fire_due(self) -> int:
        """Put a task for every source whose slot nobody has fired yet; how many were put."""
        now = self._clock()
        with self._store.reading() as session:
            sources = [
                (brands.collect_job(source.id), source.id, source.name, timedelta(seconds=source.every_s or 1))
                for source in brands.scheduled_sources(session)
                if source.id is not None
            ]
            slots = session.connection().execute(select(table(Firing).c.job, table(Firing).c.slot))
            fired = {row.job: row.slot for row in slots}
        put = 0
        for key, source_id, name, every in sources:
            # Reading is cheap and happens every tick; the claim takes the writer's lock and happens once an interval.
            if fired.get(key) == slot_of(now, every):
                continue
            with self._store.transaction() as session:
                if claim_slot(session, key, every, now):
                    fresh = self._queue.put_many(session, {key: {"source_id": source_id}}, now)
                    put += fresh
                    log.debug("fired", source=name, queued=bool(fresh))
        return put
