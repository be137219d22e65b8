"""How long people took to acknowledge, answer and resolve, held against what was promised. Pure.

An incident that came back is as many *episodes* as it was open times: each is to be acknowledged, answered and resolved
anew. The clock starts with the first message about it: before that nobody could have known. Episodes that nobody was
told of, because they were too small or held back, are counted apart and held against no promise.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil

from alerts.expectation import Share, share
from alerts.life import Event, EventKind
from alerts.policy import DEFAULT_SERVICE, Level, Policy
from alerts.severity import Severity


class Promise(StrEnum):
    """What a service level promises a time for."""

    ACKNOWLEDGE = "acknowledge"
    ANSWER = "answer"
    RESOLVE = "resolve"


class By(StrEnum):
    """What figures can be told apart by."""

    BRAND = "brand"
    RULE = "rule"
    SEVERITY = "severity"
    TEAM = "team"


@dataclass(frozen=True, slots=True)
class Episode:
    """One stretch of an incident's life, from being opened to being over; None = that has not happened (yet).

    `told`: when the first message about it was decided upon. `by_itself`: it ended without anybody resolving it.
    """

    incident: int
    brand: str | None
    rule: str
    severity: Severity
    team: str | None
    started: datetime
    told: datetime | None = None
    acknowledged: datetime | None = None
    answered: datetime | None = None
    over: datetime | None = None
    by_itself: bool = False

    def when(self, promise: Promise) -> datetime | None:
        """When people did what was promised."""
        if promise is Promise.ACKNOWLEDGE:
            return self.acknowledged
        if promise is Promise.ANSWER:
            return self.answered
        return None if self.by_itself else self.over


@dataclass(frozen=True, slots=True)
class Measure:
    """One promise over many episodes that people were told of.

    `times`: of those in which it was done, in time or late, shortest first. `within`: the share done in time, of all
    that can be judged: those done, and those not done whose time is up, whether they are open still or ended by
    themselves after it; None = there are none. `late_open`: of these, those that are open. `waiting`: open, and their
    time is not up. `ended`: over before it was done and before its time was up; they count neither way. `promised`:
    False where no level was set for any of them, so that nothing is judged.
    """

    times: tuple[timedelta, ...]
    within: Share | None
    waiting: int
    ended: int
    late_open: int
    promised: bool

    def percentile(self, percent: int) -> timedelta | None:
        """The time within which this many per cent of what was done was done (nearest rank); None = nothing was."""
        if not self.times:
            return None
        return self.times[max(0, ceil(percent / 100 * len(self.times)) - 1)]


@dataclass(frozen=True, slots=True)
class Figures:
    """The three promises for one value of what figures are told apart by; `name` is None for what has no such.

    `episodes`: those that people were told of, of which so many ended `by_themselves`; `untold`: the others.
    """

    name: str | None
    episodes: int
    by_themselves: int
    untold: int
    measures: dict[Promise, Measure]


def episodes(first: Episode, events: Iterable[Event]) -> list[Episode]:
    """An incident's episodes, from the first one as it began and the timeline in its order."""
    found = [first]
    for event in events:
        last = found[-1]
        if event.kind is EventKind.REOPENED and last.over is not None:
            found.append(replace(first, started=event.at, told=None))
        else:
            found[-1] = _with(last, event)
    return found


def figures(found: Sequence[Episode], policy: Policy, now: datetime, by: By | None = None) -> list[Figures]:
    """The three promises for each value of `by`, or one for all; times of what is open are taken as of `now`."""
    groups: dict[str | None, list[Episode]] = {}
    for one in found:
        groups.setdefault(None if by is None else getattr(one, by.value), []).append(one)
    if by is None:
        groups.setdefault(None, [])
    rows = []
    for name in sorted(groups, key=lambda name: _place(by, name)):
        told = [one for one in groups[name] if one.told is not None]
        measures = {promise: measure(told, promise, _levels(policy), now) for promise in Promise}
        by_themselves = sum(one.by_itself for one in told)
        rows.append(Figures(name, len(told), by_themselves, len(groups[name]) - len(told), measures))
    return rows


def measure(found: Sequence[Episode], promise: Promise, level: Callable[[Episode], Level], now: datetime) -> Measure:
    """One promise over those of these episodes that people were told of; `level` gives what was promised for each."""
    times: list[timedelta] = []
    kept = judged = waiting = ended = late_open = 0
    promised = False
    for one in found:
        if one.told is None:
            continue
        allowed: timedelta | None = getattr(level(one), promise.value)
        promised = promised or allowed is not None
        done = one.when(promise)
        took = max(timedelta(0), (done or one.over or now) - one.told)
        if done is not None:
            times.append(took)
            judged += allowed is not None
            kept += allowed is not None and took <= allowed
        elif allowed is not None and took > allowed and not (promise is Promise.RESOLVE and one.by_itself):
            judged += 1
            late_open += one.over is None
        elif one.over is None:
            waiting += 1
        else:
            ended += 1
    return Measure(tuple(sorted(times)), share(kept, judged), waiting, ended, late_open, promised)


def _with(last: Episode, event: Event) -> Episode:
    if last.over is not None:
        # What is said of it afterwards, an answer for instance, still belongs to it.
        return _answered(last, event)
    match event.kind:
        case EventKind.TOLD | EventKind.ESCALATED if last.told is None:
            return replace(last, told=event.at)
        case EventKind.ACKNOWLEDGED if last.acknowledged is None:
            return replace(last, acknowledged=event.at)
        case EventKind.ASSIGNED if last.acknowledged is None and event.detail.get("to") == event.actor:
            # Whoever takes it has seen it (see ``alerts.life.assign``).
            return replace(last, acknowledged=event.at)
        case EventKind.RESOLVED:
            # To resolve it at once is to have seen it.
            return replace(last, over=event.at, acknowledged=last.acknowledged or event.at)
        case EventKind.ENDED:
            return replace(last, over=event.at, by_itself=True)
        case _:
            return _answered(last, event)


def _answered(last: Episode, event: Event) -> Episode:
    if event.kind is not EventKind.ANSWERED or last.answered is not None:
        return last
    said = event.detail.get("at")
    return replace(last, answered=datetime.fromisoformat(said) if isinstance(said, str) else event.at)


def _levels(policy: Policy) -> Callable[[Episode], Level]:
    def level(one: Episode) -> Level:
        team = policy.team(one.team)
        return DEFAULT_SERVICE[one.severity] if team is None else team.level(one.severity)

    return level


def _place(by: By | None, name: str | None) -> tuple[int, str]:
    """Severities from the worst down, everything else by its name; what has none comes last."""
    if name is None:
        return (len(Severity), "")
    return (-Severity(name).rank, "") if by is By.SEVERITY else (0, name)
