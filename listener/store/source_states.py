"""Sources as the coverage rule sees them, at the present or at any moment that the ledger knows of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import select
from sqlmodel import Session
from sqlmodel import select as select_rows

from alerts.rule import SourceState
from listener.coverage import HOUR, hour_of
from listener.store.push import PUSH
from listener.store.tables import Source, SourceHour, table

OF_LATE = timedelta(days=28)
"""What a source did in so long a time is usual for it."""

LEAST_HOURS = 20
"""Hours in which something new came, below which nobody can say what silence is usual."""

LEAST_KNOWN, WELL_KNOWN = timedelta(days=7), timedelta(days=14)
"""For how long a source must have been read before anybody can say so: its nights and its weekend are silent too. Until
it has been for twice as long, the longest silence may be the one weekend that is known."""


@dataclass(frozen=True, slots=True)
class Hour:
    """What happened to a source in an hour."""

    hour: datetime
    polls: int
    finished: int
    stored: int


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source, and what happened to it hour by hour, the oldest first; hours in which nobody tried are left out."""

    source: Source
    hours: Sequence[Hour] = field(default_factory=tuple)

    def at(self, until: datetime) -> SourceState | None:
        """How it stood at a moment; None where it was not there yet.

        Up to its last run that is told by the hour, later to the second. What it gave is dated by when it came: when
        that was said does not matter to whether the source is alive.
        """
        row = self.source
        if row.created_at > until:
            return None
        now = row.last_run_at is None or row.last_run_at <= until
        past = [one for one in self.hours if one.hour < until]
        new = [one.hour for one in past if one.stored]
        read = self._read_time(past)
        news = [read[hour] for hour in new]
        return SourceState(
            name=row.name,
            kind=row.kind,
            every=None if row.every_s is None else timedelta(seconds=row.every_s),
            listened_from=row.listened_from,
            last_success_at=row.last_success_at if now else _last(past, finished=True),
            silent=self._silent(read, news, until),
            usual_gap=usual_gap(news),
            failing_since=self._failing(past, now=now),
            stopped=row.stopped and now,
            error=row.last_error if now else None,
        )

    @property
    def _pause(self) -> timedelta:
        """How long after the hour of a run that of the next one comes at most, if anybody is there to read."""
        every = self.source.every_s
        return timedelta.max if every is None else max(2 * timedelta(seconds=every), HOUR) + HOUR

    def _read_time(self, past: Sequence[Hour]) -> dict[datetime, timedelta]:
        """How long the source had been read in all at the end of each hour in which a run ended well or gave something.

        Time between two of them in which it should have been read and was not does not count."""
        read: dict[datetime, timedelta] = {}
        total, before = timedelta(0), None
        for one in past:
            if not (one.finished or one.stored):
                continue
            gap = HOUR if before is None else one.hour - before
            total += gap if gap <= self._pause else HOUR
            read[one.hour], before = total, one.hour
        return read

    def _silent(
        self, read: Mapping[datetime, timedelta], news: Sequence[timedelta], until: datetime
    ) -> timedelta | None:
        if not news:
            return None
        last = max(read)
        since = until - (last + HOUR)
        # The time since the last run counts as long as the next one is not overdue.
        going_on = since <= self._pause
        return read[last] - news[-1] + (max(since, timedelta(0)) if going_on else timedelta(0))

    def _failing(self, past: Sequence[Hour], *, now: bool) -> datetime | None:
        """Since when runs have failed, one after the other; None where the last one ended well.

        That is since the last success, or since the first try after Escucha was off: its hour's end, since nobody knows
        the minute, or the one try itself.
        """
        row = self.source
        tried = [one.hour for one in past if one.polls]
        if now:
            if row.last_error is None:
                return None
            success = row.last_success_at or _last(past, finished=True)
        else:
            if not tried or next(one.finished for one in reversed(past) if one.polls):
                return None
            success = _last(past, finished=True)
        begun = success or max(filter(None, (row.listened_from, row.created_at)))
        after = [hour for hour in tried if hour > hour_of(begun)]
        latest = row.last_run_at if now else None
        if not after:
            return latest if latest is not None and latest - begun > self._pause else begun
        if after[0] - begun <= self._pause:
            return begun
        return after[0] + HOUR if latest is None else min(after[0] + HOUR, latest)


def records(session: Session, since: datetime, until: datetime) -> list[SourceRecord]:
    """The sources that are read on a schedule or send to us, for moments between two."""
    rows = [
        row
        for row in session.exec(select_rows(Source).where(Source.active).order_by(Source.name))
        if row.every_s is not None or row.kind == PUSH
    ]
    hour = table(SourceHour).c
    happened: dict[int, list[Hour]] = {}
    for one in session.connection().execute(
        select(hour.source_id, hour.hour, hour.polls, hour.finished, hour.stored)
        .where(hour.hour >= since - OF_LATE, hour.hour < until)
        .order_by(hour.hour)
    ):
        happened.setdefault(one.source_id, []).append(Hour(one.hour, one.polls, one.finished, one.stored))
    return [SourceRecord(row, happened.get(row.id or 0, ())) for row in rows]


def usual_gap(news: Sequence[timedelta]) -> timedelta | None:
    """The longest silence that is usual, from the times at which something new came (sorted; in time of reading): the
    longest but for one in a hundred, and once the source is well known for one in any case, since that may be what is
    to be told of. None = too little to say."""
    if len(news) < LEAST_HOURS or news[-1] - news[0] < LEAST_KNOWN:
        return None
    gaps = sorted(after - before for before, after in pairwise(news))
    return gaps[-1 - max(len(gaps) // 100, int(news[-1] - news[0] >= WELL_KNOWN))]


def _last(hours: Sequence[Hour], *, finished: bool) -> datetime | None:
    """The end of the last hour in which a run ended well."""
    return next((one.hour + HOUR for one in reversed(hours) if bool(one.finished) is finished), None)
