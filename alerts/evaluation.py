"""One mention and one mention rule: verdict, and the incident it opens or joins. Nothing is stored."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from alerts.grouping import group_of, join, open_incident, place
from alerts.incident import Incident
from alerts.life import Event, EventKind, reopen
from alerts.mentions import ScoredMention
from alerts.reasons import Reason
from alerts.rule import Judge, MentionSettings, Verdict


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mention.

    `reason` is the mention's own: why the rule passed it over, or whether it opened or joined an incident. `before`
    and `after` are the incident without and with the mention; both None when the rule passed the mention over.
    `events` belong into the incident's timeline.
    """

    mention: ScoredMention
    verdict: Verdict
    reason: Reason
    before: Incident | None = None
    after: Incident | None = None
    events: tuple[Event, ...] = ()


def evaluate(
    mention: ScoredMention,
    incidents: Iterable[Incident],
    rule: str,
    judge: Judge,
    settings: MentionSettings,
    now: datetime,
) -> Outcome:
    """Judge and place one mention, given the incidents as they stand (see `grouping.horizon`).

    Call it mention by mention, in a fixed order, with the incidents that the last outcome left: then the result is
    the same whatever the batches were. An incident that was resolved is reopened by what joins it.
    """
    return placed(mention, judge(mention, settings), incidents, rule, settings, now)


def placed(
    mention: ScoredMention,
    verdict: Verdict,
    incidents: Iterable[Incident],
    rule: str,
    settings: MentionSettings,
    now: datetime,
) -> Outcome:
    """The same for a mention that has its verdict."""
    if not verdict.fires:
        return Outcome(mention, verdict, verdict.reason)
    severity = verdict.severity or settings.severity
    group = group_of(mention, settings.group_by)
    before = place(mention, incidents, settings.window, rule, group)
    if before is None:
        after = open_incident(mention, rule, group, verdict.because, severity)
        opened = Event(now, EventKind.OPENED, None, {"because": verdict.because})
        return Outcome(mention, verdict, Reason.OPENED_INCIDENT, None, after, (opened,))
    after, reopened = reopen(before, None, now, "another mention came")
    after = join(after, mention, verdict.because, severity)
    events: tuple[Event, ...] = () if reopened is None else (reopened,)
    if after.count in settings.grow_at:
        events += (Event(now, EventKind.GREW, None, {"count": after.count}),)
    return Outcome(mention, verdict, Reason.JOINED_INCIDENT, before, after, events)
