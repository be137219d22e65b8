"""The life of an incident: open, acknowledged, snoozed, resolved, reopened. Pure: who and when are passed in.

Each transition gives the incident as it is afterwards and the event for its timeline; or the same incident and None
where there is nothing to do, because it is so already. So a button pressed twice, or by two people at once, changes
something once. What makes no sense (to acknowledge what is resolved) raises NotPossible, in words for whoever asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from alerts.incident import Incident, State
from alerts.wording import moment


class EventKind(StrEnum):
    """What stands in a timeline. Names are stored: never rename one."""

    OPENED = "opened"
    GREW = "grew"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    ANSWERED = "answered"
    RESOLVED = "resolved"
    ENDED = "ended"
    REOPENED = "reopened"
    TOLD = "told"
    HELD = "held"
    ESCALATED = "escalated"
    FEEDBACK = "feedback"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a timeline. `actor` is a person as the place they acted in names them; None = Escucha itself."""

    at: datetime
    kind: EventKind
    actor: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


class NotPossible(Exception):
    """What was asked makes no sense for the incident as it is; the message says why and what would."""


Change = tuple[Incident, Event | None]


LONGEST_SNOOZE = timedelta(days=30)
"""What is put off for longer is to be resolved, or silenced."""

_SAME_SNOOZE = timedelta(minutes=1)


def acknowledge(incident: Incident, actor: str, now: datetime) -> Change:
    """Somebody has seen it: nobody is reminded or told further up. A snooze ends with it."""
    _not_resolved(incident, "acknowledged")
    if incident.state is State.ACKNOWLEDGED:
        return incident, None
    after = replace(
        incident, state=State.ACKNOWLEDGED, snoozed_until=None, version=incident.version + 1,
        acknowledged_at=incident.acknowledged_at or now, acknowledged_by=incident.acknowledged_by or actor,
    )  # fmt: skip
    return after, Event(now, EventKind.ACKNOWLEDGED, actor)


def assign(incident: Incident, actor: str, to: str, now: datetime, *, over: bool = False) -> Change:
    """Somebody is to answer it. Whoever takes it has seen it; whoever is given it by another has not.

    Whoever takes what another has taken already is told so, unless they take it `over` on purpose: of two who press
    the same button one has it.
    """
    _not_resolved(incident, "assigned")
    mine = actor == to
    if mine and not over and incident.assigned_to not in (None, to):
        raise NotPossible(f"{incident.assigned_to} has it already; take it over only if you have agreed on that")
    seen = incident.state is State.ACKNOWLEDGED or not mine
    if incident.assigned_to == to and seen:
        return incident, None
    after = replace(incident, assigned_to=to, version=incident.version + 1)
    if not seen:
        after = replace(
            after, state=State.ACKNOWLEDGED, snoozed_until=None,
            acknowledged_at=incident.acknowledged_at or now, acknowledged_by=incident.acknowledged_by or actor,
        )  # fmt: skip
    return after, Event(now, EventKind.ASSIGNED, actor, {"to": to, "before": incident.assigned_to})


def snooze(incident: Incident, actor: str, until: datetime, now: datetime) -> Change:
    """Nobody is told before `until`, however it grows; then it is open again, as if nobody had seen it."""
    _not_resolved(incident, "snoozed")
    if until <= now:
        raise NotPossible(f"a snooze ends in the future; {moment(until)} is over")
    if until - now > LONGEST_SNOOZE + _SAME_SNOOZE:
        raise NotPossible(
            f"a snooze lasts {LONGEST_SNOOZE.days} days at most; resolve the incident, or set a silence for what is "
            "like it"
        )
    before = incident.snoozed_until
    # The same length asked for twice ends a few seconds later.
    if incident.state is State.SNOOZED and before is not None and abs(before - until) < _SAME_SNOOZE:
        return incident, None
    after = replace(incident, state=State.SNOOZED, snoozed_until=until, version=incident.version + 1)
    return after, Event(now, EventKind.SNOOZED, actor, {"until": until.isoformat()})


def wake(incident: Incident, now: datetime, actor: str | None = None) -> Change:
    """Open again, once its snooze is over; or before, where somebody wants that."""
    if incident.state is not State.SNOOZED or incident.snoozed_until is None:
        return incident, None
    if actor is None and incident.snoozed_until > now:
        return incident, None
    after = replace(incident, state=State.OPEN, snoozed_until=None, version=incident.version + 1)
    return after, Event(now, EventKind.WOKEN, actor)


def answer(incident: Incident, actor: str | None, now: datetime, at: datetime | None = None) -> Change:
    """The brand has answered (at `at`, if that is known). Only the first answer counts."""
    if incident.answered_at is not None:
        return incident, None
    after = replace(incident, answered_at=at or now, version=incident.version + 1)
    return after, Event(now, EventKind.ANSWERED, actor, {"at": (at or now).isoformat()})


def resolve(incident: Incident, actor: str, now: datetime, why: str = "") -> Change:
    """A person says that nothing more is to be done."""
    if incident.resolved:
        return incident, None
    return _closed(incident, actor, now, why or "by hand"), Event(now, EventKind.RESOLVED, actor, {"why": why})


def end(incident: Incident, now: datetime, why: str) -> Change:
    """It is over by itself: `why` is the named reason. Nobody has to have seen it."""
    if incident.resolved:
        return incident, None
    return _closed(incident, None, now, why), Event(now, EventKind.ENDED, None, {"why": why})


def reopen(incident: Incident, actor: str | None, now: datetime, why: str = "") -> Change:
    """It has come back, or was resolved too soon. It must be acknowledged and answered anew."""
    if not incident.resolved:
        return incident, None
    after = replace(
        incident, state=State.OPEN, resolved_at=None, resolved_by=None, resolved_why=None, snoozed_until=None,
        acknowledged_at=None, acknowledged_by=None, answered_at=None, reopened=incident.reopened + 1,
        version=incident.version + 1,
    )  # fmt: skip
    return after, Event(now, EventKind.REOPENED, actor, {"why": why})


def _closed(incident: Incident, actor: str | None, now: datetime, why: str) -> Incident:
    return replace(
        incident, state=State.RESOLVED, resolved_at=now, resolved_by=actor, resolved_why=why, snoozed_until=None,
        version=incident.version + 1,
    )  # fmt: skip


def _not_resolved(incident: Incident, what: str) -> None:
    if incident.resolved:
        raise NotPossible(f"the incident is resolved, so it cannot be {what}; reopen it first")
