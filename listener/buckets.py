"""Stretches of time as people's own clocks cut them: hours, days, weeks from Monday, months. Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

MOST = 400
"""Points that a chart shows; more could not be told apart on any screen."""

_HOUR = timedelta(hours=1)


class Every(StrEnum):
    """How long a bucket is."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


_LENGTH = {
    Every.HOUR: _HOUR, Every.DAY: timedelta(days=1), Every.WEEK: timedelta(days=7), Every.MONTH: timedelta(days=28),
}  # fmt: skip
"""The least that each lasts, nearly: a day has 23 hours when clocks go forward."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """From ``since`` on and before ``until``, both in UTC; the first and the last of a window may be cut short."""

    since: datetime
    until: datetime


class Buckets:
    """A window cut into buckets. Make it with ``cut``."""

    def __init__(self, every: Every, found: Sequence[Bucket]) -> None:
        self.every = every
        self.all = found
        self._starts = [bucket.since for bucket in found]

    def place(self, moment: datetime) -> int:
        """Which bucket a moment of the window lies in."""
        return bisect_right(self._starts, moment) - 1


def whole_hours(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """The window widened to whole hours of UTC, as figures are counted."""
    first = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    last = until.astimezone(UTC)
    end = last.replace(minute=0, second=0, microsecond=0)
    return first, end if end == last else end + _HOUR


def fitting(since: datetime, until: datetime, most: int) -> Every:
    """The finest bucket of which a window has no more than so many; months for what is longer than any."""
    return next((every for every in Every if (until - since) / _LENGTH[every] <= most), Every.MONTH)


def cut(since: datetime, until: datetime, every: Every, zone: ZoneInfo) -> Buckets:
    """A window of whole hours, cut by this zone's clock. Figures are counted by hours of UTC: where a zone is half an
    hour off, an hour goes to the bucket that its first minute lies in. Raises ValueError for an empty window."""
    if until <= since:
        raise ValueError("the window is empty: since must come before until")
    found: list[Bucket] = []
    at = since
    while at < until:
        end = min(_next(at, every, zone), until)
        found.append(Bucket(at, end))
        at = end
    return Buckets(every, found)


def _next(moment: datetime, every: Every, zone: ZoneInfo) -> datetime:
    """Where the bucket that a moment lies in ends: at the first whole hour (UTC) that is in the next."""
    if every is Every.HOUR:
        return moment + _HOUR
    day = moment.astimezone(zone).date()
    if every is Every.DAY:
        day += timedelta(days=1)
    elif every is Every.WEEK:
        day += timedelta(days=7 - day.weekday())
    else:
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    midnight = datetime.combine(day, time(), zone).astimezone(UTC)
    _, end = whole_hours(midnight, midnight)
    # Where clocks skip midnight it can be no later than the moment itself.
    return end if end > moment else moment + _HOUR
