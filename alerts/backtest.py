"""What a rule would have made of the past: its incidents, how often one is to be expected, and what other settings
change. Pure: what was said is shown to it in the order in which it came, as the jobs would have seen it."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.evaluation import placed
from alerts.expectation import Rate, rate
from alerts.grouping import repeated
from alerts.incident import Incident
from alerts.mentions import ScoredMention
from alerts.reasons import Reason
from alerts.rule import EARLIER, REACH_DECIDES, Assessment, MentionSettings, Settings, Verdict, WindowSettings, usual_of
from alerts.windowing import comes_back, gone_on, opened

Stretches = Sequence[tuple[datetime, datetime]]
"""(since, until) of what was read, sorted and apart."""


@dataclass(frozen=True, slots=True)
class Found:
    """An incident that the rule would have opened. `incident.id` is None: it is only imagined.

    `members`: ids of its mentions. `example`: the one of them that reached furthest, None where it has none. `told`:
    it came to the size from which people are told. `covered`: it began in time that was read.
    """

    incident: Incident
    members: frozenset[int]
    example: ScoredMention | None
    told: bool = True
    covered: bool = True


@dataclass(frozen=True, slots=True)
class Backtest:
    """What came of one rule with one lot of settings between two moments.

    `found` holds what opened in that time, oldest first. `exposure`: how much of the time was read. `rate` is of what
    people would have been told of in it, None where nothing was read. `reasons`: how often the rule said what.
    """

    rule: str
    brand: str | None
    settings: Settings
    since: datetime
    until: datetime
    found: Sequence[Found]
    exposure: timedelta
    rate: Rate | None
    reasons: Mapping[Reason, int]

    @property
    def told(self) -> list[Found]:
        """Those that people would have been told of."""
        return [one for one in self.found if one.told]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two lots of settings side by side, in what people would have been told of.

    `gone`: of the settings in force, without a counterpart in the proposed ones; `new` the other way round; `staying`:
    (in force, proposed) for every proposed one with a counterpart. `kept`: how many of those in force have one; more
    than `staying` where several become one.
    """

    in_force: Backtest
    proposed: Backtest
    new: Sequence[Found]
    gone: Sequence[Found]
    staying: Sequence[tuple[Found, Found]]
    kept: int


def compare(in_force: Backtest, proposed: Backtest) -> Comparison:
    """What a change of settings changes.

    Two incidents are counterparts that share a mention; where one has none, those of one group that overlap in time.
    """
    before, after = in_force.told, proposed.told
    by_member: dict[int, int] = {pair: place for place, one in enumerate(before) for pair in one.members}
    staying: list[tuple[Found, Found]] = []
    kept: set[int] = set()
    for one in after:
        places = {by_member[pair] for pair in one.members if pair in by_member}
        places |= {place for place, other in enumerate(before) if _overlap(one, other)}
        kept |= places
        if places:
            staying.append((before[min(places)], one))
    matched = {id(one) for _, one in staying}
    return Comparison(
        in_force,
        proposed,
        new=[one for one in after if id(one) not in matched],
        gone=[one for place, one in enumerate(before) if place not in kept],
        staying=staying,
        kept=len(kept),
    )


def _overlap(one: Found, other: Found) -> bool:
    if one.members and other.members:
        return False
    first, second = one.incident, other.incident
    return first.group == second.group and first.opened_at <= second.last_at and second.opened_at <= first.last_at


@dataclass(slots=True)
class _Growing:
    """An incident in the making."""

    incident: Incident
    members: set[int] = field(default_factory=set)
    example: ScoredMention | None = None

    def add(self, mention: ScoredMention) -> None:
        self.members.add(mention.id)
        if self.example is None or _weight(mention) > _weight(self.example):
            self.example = mention


def _weight(mention: ScoredMention) -> tuple[int, float]:
    return mention.reach or 0, mention.probability()


class _Replay:
    """What both shapes of rules share."""

    def __init__(self, name: str, settings: Settings) -> None:
        self._name = name
        self._settings = settings
        self._growing: list[_Growing] = []
        self._reasons: Counter[Reason] = Counter()

    def result(self, brand: str | None, since: datetime, until: datetime, read: Stretches) -> Backtest:
        """What opened from `since` up to `until`. `read`: the time that was read."""
        earlier: dict[str, list[tuple[int, int]]] = {}
        found = []
        for one in sorted(self._growing, key=lambda one: (one.incident.opened_at, one.incident.group)):
            incident = one.incident
            before = earlier.setdefault(incident.group, [])
            told = self._settings.worth_telling(incident, usual_of(before[-EARLIER:]))
            before.append((incident.count, incident.reach))
            if since <= incident.opened_at < until:
                covered = _within(read, incident.opened_at)
                found.append(Found(incident, frozenset(one.members), one.example, told, covered))
        exposure = sum((end - begin for begin, end in read), timedelta(0))
        expected = rate(sum(one.told and one.covered for one in found), exposure)
        return Backtest(
            self._name, brand, self._settings, since, until, tuple(found), exposure, expected, dict(self._reasons)
        )


@dataclass(slots=True)
class _Spoken:
    """What came of the first of a cluster, and whether more reach would have changed that."""

    led_to: _Growing | None
    open: bool


class MentionReplay(_Replay):
    """A mention rule: show it every mention of a brand in the order in which they came in.

    `verdict` is the rule with its settings and its filter. It does what `listener.jobs.alert` does for one rule.
    """

    def __init__(self, name: str, settings: MentionSettings, verdict: Callable[[ScoredMention], Verdict]) -> None:
        """Nothing has been shown yet."""
        super().__init__(name, settings)
        self._mention_settings = settings
        self._verdict = verdict
        self._spoken: dict[int, _Spoken] = {}
        self._opened: list[tuple[datetime, int]] = []

    def show(self, mention: ScoredMention, cluster: int | None = None, *, counted: bool = True) -> Reason:
        """What became of the next mention. `cluster` stands for it and its copies, None = there are none. Where it came
        before the time that is `counted`, it shapes incidents and is in no figure."""
        reason = self._shown(mention, cluster)
        self._reasons[reason] += counted
        return reason

    def speak_for(self, cluster: int) -> None:
        """One of this cluster came before all that is shown, so what is shown of it only repeats that."""
        self._spoken.setdefault(cluster, _Spoken(None, open=False))

    def _shown(self, mention: ScoredMention, cluster: int | None) -> Reason:
        verdict = self._verdict(mention)
        before = None if cluster is None else self._spoken.get(cluster)
        if before is not None and verdict.reason is Reason.OWN_POST:
            return verdict.reason
        if before is not None and before.led_to is not None:
            before.led_to.incident = repeated(before.led_to.incident, mention)
            before.led_to.add(mention)
            return Reason.COPY
        if before is not None and not before.open:
            return Reason.COPY
        if before is not None and not verdict.fires:
            return Reason.COPY
        reason, growing = self._place(mention, verdict)
        if cluster is not None:
            open_still = reason in REACH_DECIDES or (before is not None and before.open)
            self._spoken[cluster] = _Spoken(growing, open_still)
        return reason

    def _place(self, mention: ScoredMention, verdict: Verdict) -> tuple[Reason, _Growing | None]:
        near = self._near(mention) if verdict.fires else {}
        outcome = placed(
            mention, verdict, [one.incident for one in near.values()], self._name, self._mention_settings,
            mention.collected_at,
        )  # fmt: skip
        if outcome.after is None:
            return outcome.reason, None
        if outcome.before is None:
            place = len(self._growing)
            # An id of our own tells those apart that were opened at the same moment.
            self._growing.append(_Growing(replace(outcome.after, id=place)))
            insort(self._opened, (outcome.after.opened_at, place))
        else:
            place = outcome.before.id or 0
            self._growing[place].incident = outcome.after
        self._growing[place].add(mention)
        return outcome.reason, self._growing[place]

    def _near(self, mention: ScoredMention) -> dict[int, _Growing]:
        """The incidents that the mention may belong to (see `alerts.grouping.place`)."""
        window = self._mention_settings.window
        first = bisect_left(self._opened, (mention.created_at - window, -1))
        found: dict[int, _Growing] = {}
        for when, place in self._opened[first:]:
            if when >= mention.created_at + window:
                break
            found[place] = self._growing[place]
        return found

    def result(self, brand: str | None, since: datetime, until: datetime, read: Stretches) -> Backtest:
        """As `_Replay.result`; the ids were only ours."""
        whole = super().result(brand, since, until, read)
        return replace(whole, found=tuple(replace(one, incident=replace(one.incident, id=None)) for one in whole.found))


class WindowReplay(_Replay):
    """A window rule: tell it what the rule said of every window, in order. It does what `listener.jobs.windows` does
    for one rule and brand, as long as nobody resolves anything by hand."""

    def __init__(self, name: str, brand: str | None, settings: WindowSettings, *, wavers: bool = True) -> None:
        """No window has been looked at yet. `wavers`: what comes back soon is the same incident."""
        super().__init__(name, settings)
        self._brand = brand
        self._wavers = wavers
        self._open: dict[str, _Growing] = {}
        self._ended: dict[str, _Growing] = {}

    def firing(self) -> Incident | None:
        """The open incident of the rule's only group, which the next window is to know of."""
        only = self._open.get("")
        return None if only is None else only.incident

    def show(self, said: Sequence[Assessment], until: datetime, mention: Callable[[int], ScoredMention | None]) -> None:
        """What the rule said of the window that ended at `until`. `mention` gives one by its id."""
        for one in said:
            self._reasons[one.reason] += 1
            if one.fires:
                self._goes_on(one, until, mention)
            else:
                self._ends(one.group, until)
        for group in self._open.keys() - {one.group for one in said}:
            self._ends(group, until)

    def _goes_on(self, said: Assessment, until: datetime, mention: Callable[[int], ScoredMention | None]) -> None:
        growing = self._open.get(said.group)
        if growing is None:
            before = self._ended.get(said.group)
            if self._wavers and before is not None and comes_back(before.incident.last_at, until):
                growing = before
            else:
                growing = _Growing(opened(self._brand, self._name, said, self._settings.severity, until))
                self._growing.append(growing)
            self._open[said.group] = growing
        new = [one for pair in said.mentions if pair not in growing.members and (one := mention(pair)) is not None]
        growing.incident = gone_on(growing.incident, said, self._settings.severity, new, until)
        for one in new:
            growing.add(one)

    def _ends(self, group: str, until: datetime) -> None:
        growing = self._open.pop(group, None)
        if growing is not None:
            growing.incident = replace(growing.incident, last_at=max(growing.incident.last_at, until))
            self._ended[group] = growing


def _within(read: Stretches, moment: datetime) -> bool:
    return any(begin <= moment <= end for begin, end in read)
