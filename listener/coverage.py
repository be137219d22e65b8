"""What has been read of a source, hour by hour. Stretches of time, and the state that an hour is in; all of it pure.

A stretch is *covered* when everything that the platform had of it, and that was listened for then, has been read. How
often a place was polled says nothing about that: an hour in which every poll failed is covered once a later run has
caught up with it, and an hour of perfect polls is not where the platform had more than it hands out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

HOUR = timedelta(hours=1)
SLACK = timedelta(minutes=2)
"""How much later than its interval a source may be read before the time since then counts as missing."""


UNREAD = "unread"
"""The cause of a gap in which all but some parts of a place was read."""


def in_part(parts: Sequence[str]) -> str:
    """What could not be read, in one line: the first few of many."""
    more = f"; and {len(parts) - 3} more" if len(parts) > 3 else ""
    return f"read in part: {'; '.join(parts[:3])}{more}"


class Stretch(NamedTuple):
    """From ``since`` up to ``until``, both UTC."""

    since: datetime
    until: datetime


def joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same time, sorted, none empty, and none touching another."""
    found: list[Stretch] = []
    for since, until in sorted(stretches):
        if until <= since:
            continue
        if found and since <= found[-1].until:
            found[-1] = Stretch(found[-1].since, max(found[-1].until, until))
        else:
            found.append(Stretch(since, until))
    return found


def without(stretches: Iterable[Stretch], holes: Iterable[Stretch]) -> list[Stretch]:
    """What is left of ``stretches`` when ``holes`` are cut out."""
    left = joined(stretches)
    for hole in joined(holes):
        left = [
            part
            for since, until in left
            for part in (Stretch(since, min(until, hole.since)), Stretch(max(since, hole.until), until))
            if part.since < part.until
        ]
    return left


def within(stretches: Iterable[Stretch], frame: Stretch) -> list[Stretch]:
    """What of ``stretches`` lies in ``frame``."""
    return joined(
        Stretch(max(since, frame.since), min(until, frame.until))
        for since, until in stretches
        if since < frame.until and frame.since < until
    )


def length(stretches: Iterable[Stretch]) -> timedelta:
    """How long they are together."""
    return sum((until - since for since, until in joined(stretches)), timedelta(0))


def hour_of(moment: datetime) -> datetime:
    """The beginning of the hour that a moment lies in."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


class HourState(StrEnum):
    """What can be said of an hour. Only ``covered`` makes "no mentions" mean that nobody said anything."""

    COVERED = "covered"
    """All of it has been read; of the present hour, all until the last poll that was due."""
    PARTLY = "partly"
    """Some of it has been read."""
    CAPPED = "capped"
    """Polled, but the platform had more than it hands out, and none of the hour is known to be whole."""
    RATE_LIMITED = "rate_limited"
    """Every poll was told to slow down, or the quota was used up."""
    FAILED = "failed"
    """Every poll failed."""
    UNFINISHED = "unfinished"
    """A run was begun and has not come to its end."""
    NOT_POLLED = "not_polled"
    """Nobody even tried, or nobody after the hour had begun: no worker or scheduler was running, or the source was
    switched off."""
    WAITING = "waiting"
    """Not read yet, and not due before its interval is over."""
    BEFORE = "before"
    """Nobody listened here yet."""
    FUTURE = "future"


@dataclass(frozen=True, slots=True)
class Polls:
    """What happened in an hour, by the clock on the wall. ``polls``: runs begun, of which so many were ``finished``;
    ``found``: items handed out; ``stored``: new mentions; ``truncated``: runs broken off on our side, or finished
    without a part of the place."""

    polls: int = 0
    finished: int = 0
    found: int = 0
    stored: int = 0
    capped: int = 0
    truncated: int = 0
    rate_limited: int = 0
    failed: int = 0
    why: str | None = None

    @property
    def read(self) -> bool:
        """Whether anything was handed out, or might have been: otherwise "found 0" would say too much."""
        return bool(self.finished or self.found)

    @property
    def refused(self) -> int:
        """Polls that came to nothing."""
        return self.failed + self.rate_limited


@dataclass(frozen=True, slots=True)
class Missing:
    """A gap: what is known to be missing. ``cause``: capped, restart, history or unread (a part of the place could not
    be read); ``state``: growing, open, partly or lost."""

    stretch: Stretch
    cause: str
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class Record:
    """All that the ledger knows of a source. ``covered_to``: how far it was read at the last run that said so."""

    listened_from: datetime
    covered_to: datetime | None
    every: timedelta
    covered: Sequence[Stretch]
    polls: Mapping[datetime, Polls]
    missing: Sequence[Missing] = ()


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of a source. ``covered``: how much of it has been read. ``gap``: the state of a known gap in it."""

    hour: datetime
    state: HourState
    covered: timedelta
    polls: Polls
    why: str | None = None
    gap: str | None = None


def due(record: Record, now: datetime) -> Stretch:
    """The time since the last reading, as long as the next one is not overdue: it does not count as missing."""
    read_to = record.covered_to or record.listened_from
    return Stretch(read_to, now) if now - read_to <= record.every + SLACK else Stretch(now, now)


def hours(record: Record, since: datetime, until: datetime, now: datetime) -> list[Hour]:
    """Every hour that begins before ``until``, from the one that ``since`` lies in."""
    covered = joined(record.covered)
    first = hour_of(since)
    count = max(-(-(until - first) // HOUR), 0)
    return [_hour(record, covered, first + number * HOUR, now) for number in range(count)]


def _hour(record: Record, covered: Sequence[Stretch], begin: datetime, now: datetime) -> Hour:
    whole = Stretch(begin, begin + HOUR)
    polls = record.polls.get(begin)
    read = within(covered, whole)
    gaps = [gap for gap in record.missing if gap.stretch.since < whole.until and begin < gap.stretch.until]
    gap = next((state for state in ("open", "growing", "partly", "lost") if state in {gap.state for gap in gaps}), None)
    state = _state(record, whole, read, gaps, polls, now)
    why = None
    if state not in (HourState.COVERED, HourState.WAITING, HourState.BEFORE, HourState.FUTURE):
        why = (polls.why if polls else None) or next((gap.why for gap in gaps), None)
    return Hour(begin, state, length(read), polls or Polls(), why, gap)


def _state(
    record: Record,
    whole: Stretch,
    read: Sequence[Stretch],
    gaps: Sequence[Missing],
    polls: Polls | None,
    now: datetime,
) -> HourState:
    if whole.since >= now:
        return HourState.FUTURE
    wanted = Stretch(max(whole.since, record.listened_from), min(whole.until, now))
    if whole.until <= record.listened_from:  # nobody asked for it, though a first run may have looked back
        return (HourState.COVERED if length(read) == HOUR else HourState.PARTLY) if read else HourState.BEFORE
    if not without([wanted], [*read, due(record, now)]):
        if read:
            return HourState.COVERED
        return _refused(polls) if polls and polls.refused and polls.refused >= polls.polls else HourState.WAITING
    if read or any(gap.cause == UNREAD for gap in gaps):
        return HourState.PARTLY
    if polls is None:
        return HourState.NOT_POLLED
    if polls.refused and polls.refused >= polls.polls:
        return _refused(polls)
    if any(gap.cause == "capped" for gap in gaps):
        return HourState.CAPPED
    if polls.refused:
        return _refused(polls)
    # Runs that ended well and reach no further than the hour before.
    return HourState.NOT_POLLED if polls.finished >= polls.polls else HourState.UNFINISHED


def _refused(polls: Polls) -> HourState:
    return HourState.RATE_LIMITED if polls.rate_limited >= polls.failed else HourState.FAILED
