"""One mention all the way: rule, incident, decision. Nothing is stored; the caller writes the outcome."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from alerts.grouping import Incident, join, open_incident, place
from alerts.mentions import ScoredMention
from alerts.pipeline import Decision, decide, notified
from alerts.reasons import Reason
from alerts.rule import RuleSettings, Verdict

Settings = TypeVar("Settings", bound=RuleSettings)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mention.

    `reason` is the mention's own: why the rule passed it over, or whether it opened or joined an incident. `before`
    and `after` are the incident without and with the mention; `after.notified_count` is already raised when the
    decision is to notify. All three are None when the rule passed the mention over.
    """

    mention: ScoredMention
    verdict: Verdict
    reason: Reason
    before: Incident | None = None
    after: Incident | None = None
    decision: Decision | None = None


def evaluate(
    mention: ScoredMention,
    incidents: Sequence[Incident],
    rule: str,
    judge: Callable[[ScoredMention, Settings], Verdict],
    settings: Settings,
    channels: Sequence[str],
    disabled: Collection[str] = (),
) -> Outcome:
    """Judge, place and decide for one mention, given the incidents as they stand (see `grouping.horizon`).

    Call it mention by mention, in a fixed order, with the incidents that the last outcome left: then the result is
    the same whatever the batches were.
    """
    verdict = judge(mention, settings)
    if not verdict.fires:
        return Outcome(mention, verdict, verdict.reason)
    before = place(mention, incidents, settings.window, rule)
    after = open_incident(mention, rule) if before is None else join(before, mention)
    decision = decide(before, after, settings, channels, disabled)
    if decision.action == "notify":
        after = notified(after)
    reason = Reason.OPENED_INCIDENT if before is None else Reason.JOINED_INCIDENT
    return Outcome(mention, verdict, reason, before, after, decision)
