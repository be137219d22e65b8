"""What a channel's budget lets through: so many new messages in any hour, the last of them kept for a summary. Pure.

Updates of messages that are there wake nobody and are outside of it. A try that arrived, or may have, takes its place
for an hour from its end; so however many come, and however they fail, an hour holds no more than the budget.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.severity import Severity, worst

HOUR = timedelta(hours=1)

SETTLE = timedelta(minutes=1)
"""How long the last place waits for what else comes, so that one summary tells of all; not where it is critical."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A new message that wants to go out. `since`: when it was written.

    `mergeable`: a summary can tell of it instead. `summary`: it is one, whose first try failed. `urgent`: it goes
    before all others, because it says that others do not go.
    """

    id: int
    severity: Severity
    since: datetime
    mergeable: bool = True
    summary: bool = False
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Go:
    """This one goes out now."""

    id: int


@dataclass(frozen=True, slots=True)
class Summarise:
    """One summary goes out now and tells of all these."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """None goes before then."""

    until: datetime


def free_places(budget: int, taken: Sequence[datetime], now: datetime) -> int:
    """How many new messages may go out now; `taken`: when those ended that arrived, or may have."""
    return budget - sum(at > now - HOUR for at in taken)


def free_from(budget: int, taken: Sequence[datetime], now: datetime, places: int = 1) -> datetime:
    """When so many places are free, if nothing else is sent. Raises ValueError for more places than there are."""
    if not 1 <= places <= budget:
        raise ValueError(f"a budget of {budget} has no {places} places")
    recent = sorted(at for at in taken if at > now - HOUR)
    over = len(recent) - budget + places
    return now if over <= 0 else recent[over - 1] + HOUR


def next_message(
    budget: int, taken: Sequence[datetime], waiting: Sequence[Waiting], now: datetime
) -> Go | Summarise | Wait | None:
    """What goes out next: the worst before the less bad, then the older; None where nothing waits.

    While more than one place is free, messages go as they are. The last place is for all that is held back: for a
    summary of it, or for a single message as it is; for one that no summary can tell of also where that is worse, or
    has waited for an hour. Then they wait.
    """
    if not waiting:
        return None
    first = min(waiting, key=lambda one: (not one.summary, not one.urgent, -one.severity.rank, one.id))
    free = free_places(budget, taken, now)
    if free > 1:
        return Go(min(waiting, key=lambda one: (not one.urgent, -one.severity.rank, one.id)).id)
    if free < 1:
        return Wait(free_from(budget, taken, now))
    if first.summary or first.urgent:
        return Go(first.id)
    overdue = [one for one in waiting if not one.mergeable and one.since <= now - HOUR]
    if overdue:
        return Go(min(overdue, key=lambda one: (one.since, one.id)).id)
    held = [one for one in waiting if one.mergeable]
    told_alone = len(held) < 2 or (not first.mergeable and first.severity.rank > worst(*_severities(held)).rank)
    if not told_alone:
        # What nobody can summarise waits for the next place.
        first = min(held, key=lambda one: (-one.severity.rank, one.since, one.id))
    settled = min(one.since for one in ([first] if told_alone else held)) + SETTLE
    if settled > now and first.severity is not Severity.CRITICAL:
        another = free_from(budget, taken, now, places=2) if budget > 1 else settled
        return Wait(min(settled, another))
    return Go(first.id) if told_alone else Summarise(tuple(sorted(one.id for one in held)))


def _severities(held: Sequence[Waiting]) -> list[Severity]:
    return [one.severity for one in held]
