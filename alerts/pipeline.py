"""Whether people are told about an incident now: small stages in a fixed order, each with its named reason.

A stage gets the situation and either ends the walk with a decision or hands the situation on, perhaps with fewer
channels. A situation that passes every stage is notified. A new reason to hold back, or to choose channels, is a new
stage and its place in STAGES.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from alerts.grouping import Incident
from alerts.reasons import Reason

Kind = Literal["opened", "grew"]

OPENING_STEP = 1
"""The step of an incident's first notice; the steps after it are the sizes in `grow_at`, which start at 2."""


@dataclass(frozen=True, slots=True)
class Decision:
    """To tell people or to hold, and why.

    `kind` is None when nothing new would be told. `step` is what would be told: 1 for the opening, else the size
    reached; it is told at most once per incident, and makes the notice's key. `channels` are the names to send to,
    empty when held.
    """

    action: Literal["notify", "hold"]
    reason: Reason
    kind: Kind | None
    step: int = 0
    channels: tuple[str, ...] = ()


class GrowthSettings(Protocol):
    """All that deciding needs of a rule's settings."""

    @property
    def grow_at(self) -> tuple[int, ...]:
        """The sizes (in mentions, rising) at which people are told again."""
        ...


@dataclass(frozen=True, slots=True)
class Situation:
    """What the stages look at."""

    incident: Incident
    kind: Kind | None
    step: int
    channels: tuple[str, ...]
    disabled: frozenset[str] = frozenset()


Stage = Callable[[Situation], Situation | Decision]


def _only_news(situation: Situation) -> Situation | Decision:
    """People are told of an opening and of each size once."""
    if situation.kind is None:
        return Decision("hold", Reason.ALREADY_NOTIFIED, None)
    return situation


def _only_set_up(situation: Situation) -> Situation | Decision:
    """Without a channel there is nobody to tell."""
    if not situation.channels:
        return _held(situation, Reason.NO_CHANNEL)
    return situation


def _only_enabled(situation: Situation) -> Situation | Decision:
    """Channels that are switched off are passed over; the rest are told."""
    enabled = tuple(name for name in situation.channels if name not in situation.disabled)
    if not enabled:
        return _held(situation, Reason.CHANNEL_DISABLED)
    return replace(situation, channels=enabled)


STAGES: tuple[Stage, ...] = (_only_news, _only_set_up, _only_enabled)
"""The order is part of the meaning: the first stage that holds gives the reason people see."""


def decide(
    before: Incident | None,
    after: Incident,
    settings: GrowthSettings,
    channels: Sequence[str],
    disabled: Collection[str] = (),
) -> Decision:
    """Whether people are told, now that the incident went from `before` (None: it was just opened) to `after`.

    `channels` are the names set up for the brand, `disabled` those among them that are switched off. Told means that
    the caller stores `notified(after)` with the deliveries: deciding again on that holds. An opening that was held for
    want of a channel is told, as an opening, with the next mention after there is one.

    Raises ValueError when `before` is another incident or a later state of it.
    """
    if before is not None:
        same = (before.brand, before.rule, before.opened_at) == (after.brand, after.rule, after.opened_at)
        if not same or before.count > after.count or before.notified_count > after.notified_count:
            raise ValueError("decide() compares two states of one incident, the earlier one first")
    kind, step = _news(after, settings.grow_at)
    situation = Situation(after, kind, step, tuple(dict.fromkeys(channels)), frozenset(disabled))
    for stage in STAGES:
        outcome = stage(situation)
        if isinstance(outcome, Decision):
            return outcome
        situation = outcome
    reason = Reason.INCIDENT_OPENED if situation.kind == "opened" else Reason.INCIDENT_GREW
    return Decision("notify", reason, situation.kind, situation.step, situation.channels)


def notified(incident: Incident) -> Incident:
    """The incident once a notice about its present size has been decided."""
    return replace(incident, notified_count=incident.count)


def _news(incident: Incident, grow_at: Sequence[int]) -> tuple[Kind | None, int]:
    """What people do not know yet. Sizes skipped between two decisions count as one: the largest."""
    if incident.notified_count == 0:
        return "opened", OPENING_STEP
    reached = max((size for size in grow_at if size <= incident.count), default=0)
    return ("grew", reached) if reached > incident.notified_count else (None, 0)


def _held(situation: Situation, reason: Reason) -> Decision:
    return Decision("hold", reason, situation.kind, situation.step)
