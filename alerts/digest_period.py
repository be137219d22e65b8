"""When a team's digests are due, and what stretch of time each is about: by the team's own clock, whatever it does."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from alerts.policy import DAYS, Team

LATEST = timedelta(days=1)
"""How late a digest may be: after that it is left out."""


class Every(StrEnum):
    """How often a digest comes. Names are stored: never rename one."""

    DAILY = "daily"
    WEEKLY = "weekly"

    @property
    def days(self) -> int:
        """How many days it is about."""
        return 1 if self is Every.DAILY else 7


@dataclass(frozen=True, slots=True)
class Period:
    """What one digest is about: from the time of day at which the one before was due until its own, both UTC.

    Where the clocks are put forward or back between the two it is an hour shorter or longer. `before` begins the period
    before, which ends where this one begins. `due` is when the digest goes out; the figures end at the last full hour
    before that, as those of the period before do.
    """

    every: Every
    due: datetime
    before: datetime
    since: datetime
    until: datetime


def latest(team: Team, every: Every, now: datetime) -> Period | None:
    """The last period whose digest is due; None where the team gets none of these."""
    if team.digest.daily is None if every is Every.DAILY else team.digest.weekly is None:
        return None
    return at(team, every, now)


def at(team: Team, every: Every, now: datetime) -> Period:
    """The same whether the team gets such digests or not: with the usual day and time where it names none."""
    moment = (team.digest.daily or team.digest.at) if every is Every.DAILY else team.digest.at
    day = now.astimezone(team.zone).date()
    if every is Every.WEEKLY:
        day -= timedelta(days=(day.weekday() - DAYS.index(team.digest.weekly or "mon")) % 7)
    if _instant(day, moment, team.zone) > now:
        day -= timedelta(days=every.days)
    step = timedelta(days=every.days)
    due, since, before = (_instant(one, moment, team.zone) for one in (day, day - step, day - 2 * step))
    return Period(every, due, _hour(before), _hour(since), _hour(due))


def missed(team: Team, every: Every, after: datetime, period: Period) -> list[datetime]:
    """When digests were due after one moment and before this period's, oldest first: nobody was there to send them."""
    found: list[datetime] = []
    due = period.due
    # A year of daily ones is enough to say that nobody was there.
    while len(found) < 366:
        due = at(team, every, due - timedelta(microseconds=1)).due
        if due <= after:
            break
        found.append(due)
    return found[::-1]


def _instant(day: date, moment: time, zone: ZoneInfo) -> datetime:
    """That time of that day: one that the clocks leave out as if they did not, of two that they show the first."""
    return datetime.combine(day, moment, zone).astimezone(UTC)


def _hour(moment: datetime) -> datetime:
    """Figures are kept by the hour of UTC."""
    return moment.replace(minute=0, second=0, microsecond=0)
