"""What a channel does not know yet of an incident, given what it has been told. Pure.

A channel is told once that an incident was opened (or reopened, or is over), at each size from which people are told
again, when it has become more severe, when it is still open after the route's `repeat`, and as one of the next ones
when nobody has acknowledged it in time. Whoever acknowledges is at work on it: then nobody is reminded or told further
up, but people still hear when it reaches its next size, because they may have taken it for a small one. That nothing
more came is no news: an incident that ends for that alone ends in silence, else every one would cost two messages. But
what was muted when it was to be told, and is over when the mute is, is told then, once: that it began and ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from alerts.incident import Incident, State
from alerts.muting import MUTES
from alerts.notice import NoticeKind, key_of
from alerts.reasons import Reason
from alerts.routing import Destinations, Leaf
from alerts.severity import Severity

OPENING_STEP = 1
"""The step of an incident's first message; the steps after it are sizes."""

_OPENINGS = frozenset({NoticeKind.OPENED, NoticeKind.REOPENED, NoticeKind.GREW, NoticeKind.ESCALATED})


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel has been told of an incident: the row of the table `notification`.

    `first_at`: when it was told of its opening, or of its last reopening; `told_at`: when anything was last sent;
    `posted_at`: when that last was a new message, of which there were `times`. `version` is the incident's when
    anything was last sent; all the rest is as a message last told it. `step`: the largest growth step (1 = the
    opening); `escalation`: the highest step of the route's `escalate`.
    """

    channel: str
    first_at: datetime
    told_at: datetime
    posted_at: datetime
    step: int
    escalation: int
    version: int
    state: str
    reopened: int
    count: int
    severity: Severity
    times: int


@dataclass(frozen=True, slots=True)
class Growth:
    """At which sizes, in mentions, people are told again: those of `grow_at`; None = whenever an incident is twice as
    large as when they were last told of it.

    `worth_telling`: whether the incident has come to what its rule wants before anybody is told at all.
    """

    grow_at: tuple[int, ...] | None = None
    worth_telling: bool = True

    def step(self, incident: Incident, told: Told | None) -> int:
        """The step that the incident has reached; sizes skipped between two decisions count as one, the largest."""
        before = OPENING_STEP if told is None else told.step
        if self.grow_at is not None:
            return max((size for size in self.grow_at if size <= incident.count), default=before)
        doubled = told is not None and 0 < told.count <= incident.count / 2
        return before + doubled


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of an incident besides itself.

    `since`: when we opened it; `told`: channel -> what it was told; `woken_at`: when its last snooze ended; `acted_at`:
    when a person last did something about it. `muted`: channel -> what was held back there when it was last decided, if
    that is not given up (`is_kept`).
    """

    since: datetime
    told: Mapping[str, Told]
    growth: Growth = Growth()
    woken_at: datetime | None = None
    acted_at: datetime | None = None
    muted: Mapping[str, NoticeKind] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Escalation:
    """A step of a route, which is told if nobody acknowledges by then. `number`: 1 = the route's first."""

    at: datetime
    number: int
    channels: tuple[str, ...]
    leaf: Leaf


@dataclass(frozen=True, slots=True)
class News:
    """Something to tell: why, and what the channel knows afterwards. `key` is the notice's."""

    kind: NoticeKind
    reason: Reason
    key: str
    step: int
    escalation: int


@dataclass(frozen=True, slots=True)
class NoNews:
    """Nothing to tell, and why."""

    reason: Reason


def is_kept(reason: str, kind: NoticeKind | None) -> bool:
    """Whether what was held back for this reason (a stored name) is told in the end though the incident is over.

    Once it is to be told that it began and ended, that is not given up whatever else it has to wait for.
    """
    return kind is NoticeKind.RESOLVED or (reason in MUTES and kind in _OPENINGS)


def news_for(
    channel: str, incident: Incident, destinations: Destinations, record: Record, disabled: frozenset[str], at: datetime
) -> News | NoNews:
    """What is news for the channel. `disabled`: channels that are switched off, which cannot have told anybody."""
    told = record.told.get(channel)
    if incident.resolved:
        return _end(incident, told, record.muted.get(channel))
    step = max(record.growth.step(incident, told), told.step if told else OPENING_STEP)
    due = _due_step(channel, incident, destinations, record, disabled, at)
    escalated = _escalated(incident, told, record.woken_at)
    if due > escalated:
        # After a snooze the same steps come again.
        woken = () if record.woken_at is None else (record.woken_at.astimezone(UTC).isoformat(),)
        news = _news(NoticeKind.ESCALATED, Reason.NOT_ACKNOWLEDGED, incident, told, incident.reopened, due, *woken)
        return replace(news, step=step, escalation=due)
    if told is None:
        news = _news(NoticeKind.OPENED, Reason.INCIDENT_OPENED, incident, told)
        return replace(news, step=step)
    leaf = destinations.by_channel.get(channel)
    if leaf is not None and told.reopened < incident.reopened:
        news = _news(NoticeKind.REOPENED, Reason.INCIDENT_REOPENED, incident, told, incident.reopened)
        return replace(news, step=step)
    rose = incident.severity.rank > told.severity.rank
    if rose or (leaf is not None and step > told.step):
        reason = Reason.SEVERITY_ROSE if rose else Reason.INCIDENT_GREW
        news = _news(NoticeKind.GREW, reason, incident, told, step, incident.severity.value)
        return replace(news, step=step, escalation=escalated)
    if leaf is None:
        # Told by a route that the incident no longer takes, or by an escalation: whoever works on it there hears only
        # that it has become more severe, and of the end.
        return NoNews(Reason.ALREADY_NOTIFIED)
    remind_at = reminder(incident, leaf, told, record.woken_at)
    if remind_at is not None and remind_at <= at:
        if incident.state is State.ACKNOWLEDGED:
            return NoNews(Reason.IS_ACKNOWLEDGED)
        news = _news(NoticeKind.REMINDER, Reason.STILL_OPEN, incident, told, told.times + 1)
        return replace(news, escalation=escalated)
    return NoNews(Reason.ALREADY_NOTIFIED)


def _end(incident: Incident, told: Told | None, muted: NoticeKind | None) -> News | NoNews:
    """What is news of an incident that is over. `muted`: what the channel was to hear when a mute held that back."""
    heard = told is not None and told.reopened == incident.reopened
    if heard and told is not None and told.state == State.RESOLVED:
        return NoNews(Reason.IS_RESOLVED)
    quietly = incident.resolved_why == Reason.QUIET
    if muted is not None and (not heard or (quietly and muted is not NoticeKind.ESCALATED)):
        return _news(NoticeKind.RESOLVED, Reason.ENDED_MEANWHILE, incident, told, incident.reopened)
    if told is None:
        return NoNews(Reason.NOT_YET_TOLD)
    if told.state == State.RESOLVED:
        return NoNews(Reason.IS_RESOLVED)
    if quietly:
        return NoNews(Reason.ENDED_QUIETLY)
    return _news(NoticeKind.RESOLVED, Reason.INCIDENT_RESOLVED, incident, told, incident.reopened)


def reminder(incident: Incident, leaf: Leaf, told: Told, woken_at: datetime | None) -> datetime | None:
    """When the channel is to be reminded of an incident that is still open; None = never. A snooze ends with one.

    What is for information only is not brought up again.
    """
    if woken_at is not None and woken_at > told.posted_at and incident.state is State.OPEN:
        return woken_at
    wanted = leaf.repeat and incident.severity.at_least(Severity.WARNING)
    return told.posted_at + leaf.repeat if wanted else None


def escalations(
    incident: Incident, destinations: Destinations, record: Record, disabled: frozenset[str]
) -> list[Escalation]:
    """When which step of which route is due, if nobody acknowledges.

    A route's clock starts when the first of its channels is told; where all of them are switched off or left out nobody
    will be, so it starts with the incident (but not where the route leads nowhere on purpose). A snooze starts it anew.
    """
    if incident.state is not State.OPEN:
        return []
    found = []
    for leaf in destinations.leaves:
        firsts = [
            told.first_at
            for channel in leaf.channels
            if (told := record.told.get(channel)) is not None and told.reopened == incident.reopened
        ]
        if not firsts and leaf.named != () and disabled.issuperset(leaf.channels):
            firsts = [record.since]
        if firsts:
            start = max(min(firsts), record.woken_at or min(firsts))
            found += [
                Escalation(start + step.after, number, step.channels, leaf)
                for number, step in enumerate(leaf.escalate, 1)
            ]
    return found


def _due_step(
    channel: str,
    incident: Incident,
    destinations: Destinations,
    record: Record,
    disabled: frozenset[str],
    at: datetime,
) -> int:
    steps = escalations(incident, destinations, record, disabled)
    return max((step.number for step in steps if step.at <= at and channel in step.channels), default=0)


def _escalated(incident: Incident, told: Told | None, woken_at: datetime | None) -> int:
    """The step that the channel was told of since the incident was last reopened, or woken from a snooze."""
    if told is None or told.reopened < incident.reopened:
        return 0
    return 0 if woken_at is not None and told.posted_at < woken_at else told.escalation


def _news(kind: NoticeKind, reason: Reason, incident: Incident, told: Told | None, *what: Any) -> News:
    step = told.step if told else OPENING_STEP
    return News(kind, reason, key_of(incident, kind, *what), step, escalation=0)
