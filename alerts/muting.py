"""What holds messages back for a while: silences, quiet hours, and greater incidents that speak for lesser ones. Pure.

Muting happens when people would be told, as in Alertmanager: an incident that is muted is there for all to see.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerts.incident import Incident, State
from alerts.policy import DAYS, Inhibition, Quiet, Team
from alerts.reasons import Reason
from alerts.routing import labels_of
from alerts.severity import Severity

LABELS = ("brand", "rule", "severity", "language", "platform")
"""What a silence may ask for."""

MUTES = frozenset({Reason.SILENCED, Reason.QUIET_HOURS, Reason.CHANNEL_DISABLED})
"""What keeps people from being told whatever it is about. A greater incident speaks for what it holds back, a wait or a
size says what is worth telling, and a snooze is somebody's word: what ends under those is not made up for."""

HORIZON = timedelta(days=8)
"""How far ahead the end of quiet hours is looked for: hours that never end are looked at again then."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Incidents that match are not told from `starts_at` to `ends_at`.

    `matchers`: label -> values; each label that is named must have one of its values. None at all = every incident.
    """

    id: int
    matchers: Mapping[str, Sequence[str]]
    starts_at: datetime
    ends_at: datetime
    created_by: str = ""
    comment: str = ""

    def holds(self, incident: Incident, at: datetime) -> bool:
        """Whether it mutes this incident now; at its end it does no longer."""
        return self.starts_at <= at < self.ends_at and self.matches(incident)

    def matches(self, incident: Incident) -> bool:
        """Whether the incident is one that it is about."""
        labels = labels_of(incident)
        return all(not labels[label].isdisjoint(values) for label, values in self.matchers.items())


def silenced_by(incident: Incident, silences: Iterable[Silence], at: datetime) -> Silence | None:
    """The silence that mutes the incident now; of several the one that ends last."""
    return max(
        (one for one in silences if one.holds(incident, at)), key=lambda one: (one.ends_at, one.id), default=None
    )


def inhibited_by(incident: Incident, others: Iterable[Incident], inhibitions: Sequence[Inhibition]) -> Incident | None:
    """The open incident that speaks for this one, None where none does; of several the one that opened first.

    As in Alertmanager, incidents that stand on both sides of an inhibition do not mute each other by it. What is
    snoozed does not speak, because nobody hears it; and nothing is muted by what is less severe than itself.
    """
    speaking = [other for other in others for inhibition in inhibitions if _speaks_for(other, incident, inhibition)]
    return min(speaking, key=lambda one: (one.opened_at, one.id or 0), default=None)


def _speaks_for(other: Incident, incident: Incident, inhibition: Inhibition) -> bool:
    if other.resolved or other.state is State.SNOOZED or other.id == incident.id:
        return False
    if not other.severity.at_least(incident.severity):
        return False
    if other.rule not in inhibition.by or incident.rule not in inhibition.of:
        return False
    if incident.rule in inhibition.by and other.rule in inhibition.of:
        return False
    theirs, ours = labels_of(other), labels_of(incident)
    return all(not theirs[label].isdisjoint(ours[label]) for label in inhibition.same)


def quiet_until(team: Team | None, severity: Severity, at: datetime) -> datetime | None:
    """When the team's quiet hours end that are in force now for this severity; None where none are.

    Hours that follow on each other end together. Times of day are the team's own, so that a night on which the clocks
    change is an hour longer or shorter; of a time that comes twice the first is meant.
    """
    if team is None:
        return None
    until = at
    while until - at < HORIZON:
        end = max(
            (end for quiet in team.quiet if (end := _end(team, quiet, severity, until)) is not None), default=None
        )
        if end is None:
            break
        until = end
    return until if until > at else None


def _end(team: Team, quiet: Quiet, severity: Severity, at: datetime) -> datetime | None:
    """The end of the stretch of these hours that the moment lies in."""
    if severity.at_least(quiet.unless):
        return None
    local = at.astimezone(team.zone)
    # Yesterday's may go past midnight.
    for day in (local.date() - timedelta(days=1), local.date()):
        if DAYS[day.weekday()] not in quiet.days:
            continue
        last = day if quiet.until > quiet.since else day + timedelta(days=1)
        start = datetime.combine(day, quiet.since, team.zone).astimezone(UTC)
        end = datetime.combine(last, quiet.until, team.zone).astimezone(UTC)
        if start <= at < end:
            return end
    return None
