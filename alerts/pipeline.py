"""Whether people are told about an incident now, channel by channel, each time with a named reason. Pure.

What is news for a channel (`alerts.news`) passes small stages in a fixed order, each of which may hold it back. All of
them must let it pass, so the order changes nothing about what is sent; it decides which reason people see, because the
first stage that holds gives it. First comes that there is nobody to tell, which waiting will not mend. Then what a
person said about just this incident (a snooze), then what the rule and the route want of a new one (its size, its
wait), then what speaks for it or mutes many (a greater incident, a silence, the team's quiet hours), then that the
channel is off, and last our own pacing, which is over soonest.

A channel whose messages can be changed gets one message per incident: it is kept up to date silently, at most once per
interval, or at once when a person has acted; what is news goes under it as well, so that somebody notices. Changing a
message wakes nobody, so nothing holds that back but a channel that is off.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from alerts.channel import Mode
from alerts.incident import Incident, State
from alerts.muting import Silence, inhibited_by, quiet_until, silenced_by
from alerts.news import Escalation, News, NoNews, Record, Told, escalations, news_for, reminder
from alerts.notice import NoticeKind, key_of
from alerts.policy import Inhibition, Team
from alerts.reasons import Reason
from alerts.routing import Destinations, Leaf
from alerts.text import one_line

NOWHERE = ""
"""The channel of decisions where none came into question."""

LOOK_AGAIN: Mapping[Reason, timedelta] = {
    Reason.INHIBITED: timedelta(minutes=1),
    Reason.CHANNEL_DISABLED: timedelta(minutes=5),
    Reason.NO_ROUTE: timedelta(hours=1),
    Reason.NO_CHANNEL: timedelta(hours=1),
}
"""After what time something that ends by another's doing is looked at again, should nobody have said so."""

OVER = timedelta(hours=1)
"""The same where the incident is over and only its channel is off: nothing of it is urgent, and there may be many."""


@dataclass(frozen=True, slots=True)
class Case:
    """An incident and all that deciding about it looks at.

    `edits`: every channel set up here -> whether its messages can be changed. `silences`: those in force or to come;
    `others`: open incidents that may speak for this one; `disabled`: channels that are switched off.
    `elsewhere`: channel -> the incident through which it knows all of this one's mentions already.
    """

    incident: Incident
    destinations: Destinations
    record: Record
    edits: Mapping[str, bool]
    teams: Mapping[str, Team] = field(default_factory=dict)
    silences: Sequence[Silence] = ()
    others: Sequence[Incident] = ()
    inhibitions: Sequence[Inhibition] = ()
    disabled: frozenset[str] = frozenset()
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def leaf(self, channel: str) -> Leaf:
        """What holds for a channel: on the route that leads to it, or else on the one that escalates to it, of several
        the one that does so first. For one that no route leads to any more, what holds on the first."""
        if (found := self.destinations.by_channel.get(channel)) is not None:
            return found
        leaves = self.destinations.leaves
        if (first := min(self.escalations_to(channel), key=lambda step: step.at, default=None)) is not None:
            return first.leaf
        naming = (leaf for leaf in leaves if any(channel in step.channels for step in leaf.escalate))
        return next(naming, next(iter(leaves), Leaf()))

    def escalations_to(self, channel: str) -> list[Escalation]:
        """The steps that tell this channel, if nobody acknowledges."""
        steps = escalations(self.incident, self.destinations, self.record, self.disabled)
        return [step for step in steps if channel in step.channels]


@dataclass(frozen=True, slots=True)
class Decision:
    """To tell a channel something or to hold, and why.

    `channel` is "" where no channel came into question. `kind` is what would be told, None when there is nothing new.
    `key` is the notice's, None where nothing is sent. `step` and `escalation` are those told with it. `until`: when
    what holds it back ends, None where only something new changes it. `detail`: one line for people (which silence,
    which incident). `team`: the name of the team that the channel's route belongs to.
    """

    action: Literal["send", "hold"]
    reason: Reason
    channel: str = NOWHERE
    kind: NoticeKind | None = None
    mode: Mode = Mode.POST
    key: str | None = None
    step: int = 0
    escalation: int = 0
    until: datetime | None = None
    detail: str = ""
    team: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The decisions, and the earliest time at which others could come of the same facts; None = never."""

    decisions: tuple[Decision, ...]
    next_look: datetime | None


@dataclass(frozen=True, slots=True)
class Hold:
    """What a stage that holds news back says."""

    reason: Reason
    until: datetime | None = None
    detail: str = ""


Stage = Callable[[Case, str, News, datetime], Hold | None]


def _nobody_to_tell(case: Case, channel: str, _news: News, _at: datetime) -> Hold | None:
    return Hold(case.destinations.reason or Reason.NO_ROUTE) if channel == NOWHERE else None


def _snoozed(case: Case, _channel: str, _news: News, _at: datetime) -> Hold | None:
    snoozed = case.incident.state is State.SNOOZED
    return Hold(Reason.IS_SNOOZED, case.incident.snoozed_until) if snoozed else None


def _too_small(case: Case, _channel: str, news: News, _at: datetime) -> Hold | None:
    return Hold(Reason.TOO_SMALL) if news.kind is NoticeKind.OPENED and not case.record.growth.worth_telling else None


def _waits(case: Case, channel: str, news: News, at: datetime) -> Hold | None:
    until = case.record.since + case.leaf(channel).wait
    return Hold(Reason.WAITING, until) if news.kind is NoticeKind.OPENED and at < until else None


def _spoken_for(case: Case, channel: str, news: News, _at: datetime) -> Hold | None:
    other = inhibited_by(case.incident, case.others, case.inhibitions)
    if other is not None:
        return Hold(Reason.INHIBITED, detail=f"{other.rule} incident {other.id}")
    known = news.kind is NoticeKind.OPENED and channel in case.elsewhere
    return Hold(Reason.TOLD_ELSEWHERE, detail=case.elsewhere[channel]) if known else None


def _silenced(case: Case, _channel: str, _news: News, at: datetime) -> Hold | None:
    silence = silenced_by(case.incident, case.silences, at)
    if silence is None:
        return None
    said = f": {one_line(silence.comment)}" if silence.comment else ""
    return Hold(Reason.SILENCED, silence.ends_at, f"silence {silence.id} by {one_line(silence.created_by)}{said}")


def _quiet(case: Case, channel: str, _news: News, at: datetime) -> Hold | None:
    team = case.teams.get(case.leaf(channel).team or "")
    until = quiet_until(team, case.incident.severity, at)
    return None if team is None or until is None else Hold(Reason.QUIET_HOURS, until, f"team {one_line(team.name)}")


def _off(case: Case, channel: str, _news: News, _at: datetime) -> Hold | None:
    return Hold(Reason.CHANNEL_DISABLED) if channel in case.disabled else None


def _paced(case: Case, channel: str, news: News, at: datetime) -> Hold | None:
    told = case.record.told.get(channel)
    # An escalation has its time; nobody is told of it late because others were told of something else.
    if told is None or news.kind is NoticeKind.ESCALATED:
        return None
    until = told.posted_at + case.leaf(channel).interval
    return Hold(Reason.INTERVAL, until) if at < until else None


STAGES: tuple[Stage, ...] = (
    _nobody_to_tell, _snoozed, _too_small, _waits, _spoken_for, _silenced, _quiet, _off, _paced,
)  # fmt: skip
"""The first that holds gives the reason people see; see above for why they stand so."""


def decide(case: Case, at: datetime) -> Outcome:
    """What every channel that comes into question is told now, or why it is not. The same facts give the same keys."""
    decisions = tuple(one for channel in _channels(case) for one in _for_channel(case, channel, at))
    # Where a route escalates to somebody but tells nobody first, there is nothing to say of any channel before that.
    decisions = decisions or tuple(_for_channel(case, NOWHERE, at))
    return Outcome(decisions, _next_look(case, decisions, at))


def told_after(case: Case, decisions: Collection[Decision], at: datetime) -> dict[str, Told]:
    """What the channels have been told once these decisions are carried out: those that changed."""
    incident = case.incident
    after: dict[str, Told] = {}
    for one in decisions:
        if one.action != "send":
            continue
        before = after.get(one.channel) or case.record.told.get(one.channel)
        silent = one.mode is Mode.UPDATE and before is not None
        again = before is not None and before.reopened == incident.reopened
        after[one.channel] = Told(
            channel=one.channel,
            first_at=before.first_at if before and (again or silent) else at,
            told_at=at,
            posted_at=before.posted_at if before and silent else at,
            step=one.step,
            escalation=one.escalation,
            version=incident.version,
            state=before.state if before and silent else incident.state.value,
            reopened=before.reopened if before and silent else incident.reopened,
            count=before.count if before and silent else incident.count,
            severity=before.severity if before and silent else incident.severity,
            times=(before.times if before else 0) + (not silent),
        )
    return after


def _channels(case: Case) -> list[str]:
    """Those that routes lead to, those that escalations reach in time, and those that were told before."""
    steps = escalations(case.incident, case.destinations, case.record, case.disabled)
    escalated = [channel for step in steps for channel in step.channels]
    named = dict.fromkeys([*case.destinations.by_channel, *escalated, *sorted(case.record.told)])
    return [name for name in named if name in case.edits]


def _for_channel(case: Case, channel: str, at: datetime) -> Iterator[Decision]:
    told = case.record.told.get(channel)
    if (
        told is None
        and channel not in case.destinations.by_channel
        and channel != NOWHERE
        and not _due(case, channel, at)
    ):
        return
    team = case.leaf(channel).team
    news = news_for(channel, case.incident, case.destinations, case.record, case.disabled, at)
    noticed = False
    if isinstance(news, NoNews):
        yield Decision("hold", news.reason, channel, until=_reminder(case, channel, told), team=team)
    else:
        hold = next((hold for stage in STAGES if (hold := stage(case, channel, news, at))), None)
        if hold is not None:
            yield Decision(
                "hold", hold.reason, channel, news.kind, until=hold.until, detail=hold.detail, team=team,
                step=news.step, escalation=news.escalation,
            )  # fmt: skip
        else:
            noticed = True
            mode = Mode.THREAD if told is not None and case.edits[channel] else Mode.POST
            yield Decision(
                "send", news.reason, channel, news.kind, mode, news.key, news.step, news.escalation, team=team
            )
    if told is not None and _stale(case, channel, told) and (noticed or _update_at(case, channel, told) <= at):
        kept = (news.step, news.escalation) if noticed and isinstance(news, News) else (told.step, told.escalation)
        reason = Reason.STATE_CHANGED if _acted(case, told) else Reason.INCIDENT_CHANGED
        key = key_of(case.incident, NoticeKind.UPDATED, case.incident.version)
        yield Decision("send", reason, channel, NoticeKind.UPDATED, Mode.UPDATE, key, *kept, team=team)


def _due(case: Case, channel: str, at: datetime) -> bool:
    return any(step.at <= at for step in case.escalations_to(channel))


def _stale(case: Case, channel: str, told: Told) -> bool:
    """Whether the channel shows a message that can be changed and says what is no longer so."""
    return case.edits[channel] and channel not in case.disabled and told.version < case.incident.version


def _update_at(case: Case, channel: str, told: Told) -> datetime:
    """When a message that is out of date is changed, if nothing else goes out."""
    ended = case.incident.resolved and told.state != State.RESOLVED
    return told.told_at if ended or _acted(case, told) else told.told_at + case.leaf(channel).interval


def _acted(case: Case, told: Told) -> bool:
    """Whether a person has done something about the incident since the channel was told."""
    return case.record.acted_at is not None and case.record.acted_at >= told.told_at


def _reminder(case: Case, channel: str, told: Told | None) -> datetime | None:
    if told is None or case.incident.state is not State.OPEN or channel not in case.destinations.by_channel:
        return None
    return reminder(case.incident, case.leaf(channel), told, case.record.woken_at)


def _next_look(case: Case, decisions: Sequence[Decision], at: datetime) -> datetime | None:
    """The earliest time at which one of the things that hold ends, or something is due by itself."""
    told = {**case.record.told, **told_after(case, decisions, at)}
    record = replace(case.record, told=told)
    times = [case.incident.snoozed_until, *(one.until for one in decisions)]
    again = {**LOOK_AGAIN, **({Reason.CHANNEL_DISABLED: OVER} if case.incident.resolved else {})}
    times += [at + again[one.reason] for one in decisions if one.action == "hold" and one.reason in again]
    times += [step.at for step in escalations(case.incident, case.destinations, record, case.disabled)]
    for channel, one in told.items():
        if channel in case.edits:
            times.append(_reminder(case, channel, one))
            times.append(_update_at(case, channel, one) if _stale(case, channel, one) else None)
    return min((when for when in times if when is not None and when > at), default=None)
