"""How much working time lies between two moments, in a team's own time zone."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from alerts.policy import DAYS, Hours

DAY = timedelta(days=1)

_UTC = ZoneInfo("UTC")


def worked(since: datetime, until: datetime, hours: Sequence[Hours], zone: ZoneInfo) -> timedelta:
    """How much of the time between two aware moments lies within working hours; all of it where `hours` is empty.

    Hours that overlap count once. On the days when clocks change, hours are as long as they are on the wall.
    """
    if not hours:
        return max(until - since, timedelta(0))
    total, done = timedelta(0), since
    for begin, end in sorted(_stretches(since, until, hours, zone)):
        total += max(min(end, until) - max(begin, done), timedelta(0))
        done = max(done, end)
    return total


@cache
def least_worked(length: timedelta, hours: tuple[Hours, ...]) -> timedelta:
    """How much working time so long a stretch holds at least, whenever it begins; clocks that change are left out."""
    if not hours:
        return length
    monday = datetime(2024, 1, 1, tzinfo=UTC)
    week = list(_stretches(monday, monday + 7 * DAY, hours, _UTC))
    # It is least where it begins as work ends, or ends as work begins.
    begins = [end for _, end in week] + [begin - length for begin, _ in week]
    return min(worked(begin, begin + length, hours, _UTC) for begin in begins)


def working(moment: datetime, hours: Sequence[Hours], zone: ZoneInfo) -> bool:
    """Whether a moment lies within working hours."""
    return not hours or any(begin <= moment < end for begin, end in _stretches(moment, moment, hours, zone))


def _stretches(
    since: datetime, until: datetime, hours: Sequence[Hours], zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    """The working hours that begin on the days from before `since` to `until`, in UTC: in one zone, differences of
    times are those of the wall, not of time."""
    day = since.astimezone(zone).date() - DAY
    while day <= until.astimezone(zone).date():
        for some in hours:
            if DAYS[day.weekday()] in some.days:
                last = day if some.since < some.until else day + DAY
                yield (
                    datetime.combine(day, some.since, zone).astimezone(UTC),
                    datetime.combine(last, some.until, zone).astimezone(UTC),
                )
        day += DAY
