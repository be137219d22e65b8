"""Everything that window rules are shown about a brand over a stretch of time, loaded once, cut for any moment in it.

The job loads it for the windows that are due, a backtest for a month of them: cutting a window is a look-up, so that
thousands of them take seconds.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlmodel import Session

from alerts.baseline import History
from alerts.mentions import ScoredMention
from alerts.rule import Bucket, SourceState, Window
from listener.coverage import HOUR, Stretch, hour_of
from listener.rules import ActiveWindowRule, Predicate
from listener.store import source_states, windows
from listener.store.answers import by_hand as noted_by_hand
from listener.store.source_states import SourceRecord
from listener.store.tables import Brand
from listener.store.windows import Figures, Read, Said

POSTS_LOOKBACK = timedelta(days=30)
"""What answers a post of the brand's is directed at it if the post is no older than this before the stretch."""

NOTHING_READ = Read([], [])

NOT_YET = 4
"""Of so many parts of a window the last one need not have been read for the window to be whole: sources are read every
few minutes, and never up to this moment."""


@dataclass(slots=True)
class _Shown:
    """The mentions that pass a filter, and the hours with all hours before counted by it."""

    mentions: Sequence[ScoredMention]
    created: Sequence[datetime]
    hours: Sequence[Bucket]
    histories: dict[tuple[int, int], History] = field(default_factory=dict)


class WindowData:
    """What is known about one brand (None: about the installation) between the ends of its first and last window."""

    def __init__(
        self,
        brand: str | None,
        role: str = "own",
        accounts: Sequence[str] = (),
        *,
        said: Sequence[Said] = (),
        figures: Mapping[datetime, Figures] | None = None,
        hours: Stretch | None = None,
        read: Read = NOTHING_READ,
        answers: Mapping[int, datetime] | None = None,
        addressed: frozenset[int] = frozenset(),
        posted: bool = True,
        sources: Sequence[SourceRecord] = (),
    ) -> None:
        """``said`` is sorted by time. ``hours``: which ones there is history of; None = of none.
        ``figures``: of those hours, for rules without a filter."""
        self._brand, self._role, self._accounts = brand, role, tuple(accounts)
        self._said, self._figures, self._hours, self._read = said, figures or {}, hours, read
        self._answers, self._addressed, self._posted, self._sources = answers or {}, addressed, posted, sources
        self._shown: dict[Predicate | None, _Shown] = {}

    @classmethod
    def load(
        cls, session: Session, brand: Brand | None, rules: Sequence[ActiveWindowRule], since: datetime, until: datetime
    ) -> "WindowData":
        """All that these rules need for windows that end between ``since`` and ``until``, both included."""
        needs = frozenset().union(*(active.rule.needs for active in rules))
        sources = source_states.records(session, since, until) if "sources" in needs else ()
        if brand is None:
            return cls(None, sources=sources)
        assert brand.id is not None
        with_history = [active for active in rules if "history" in active.rule.needs]
        hours = None
        if with_history:
            far = min(since - active.settings.lookback - history_of(active) for active in with_history)
            hours = Stretch(hour_of(far), hour_of(until))
        # Hours are counted beforehand; only a filter of the rule's own makes it look at every mention.
        filtered = hours is not None and any(active.passes is not None for active in with_history)
        # Who answers nowhere is asked nothing about answers: those rules look far back for it.
        seeing = [active for active in rules if "answers" not in active.rule.needs or brand.accounts]
        first = min((since - active.settings.lookback for active in seeing), default=until)
        said = windows.said(session, brand, hours.since if hours and filtered else first, until)
        answers: dict[int, datetime] = {}
        addressed = frozenset[int]()
        posted = True
        if "answers" in needs and brand.accounts:
            answers, addressed, posted = _answered(session, brand, rules, said, first, until)
        begin = hours.since if hours else first
        return cls(
            brand.name, brand.role, brand.accounts, said=said, hours=hours, sources=sources,
            figures=windows.figures(session, brand, hours.since, hours.until) if hours else {},
            read=windows.read_between(session, brand, begin, until),
            answers=answers, addressed=addressed, posted=posted,
        )  # fmt: skip

    def window(
        self,
        active: ActiveWindowRule,
        until: datetime,
        firing_since: datetime | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> Window:
        """What the rule is shown of the window that ends at ``until``."""
        begin = until - active.settings.lookback
        shown = self._through(active.passes)
        recent: Sequence[ScoredMention] = ()
        if "recent" in active.rule.needs:
            recent = shown.mentions[bisect_left(shown.created, begin) : bisect_left(shown.created, until)]
        answers, addressed = {}, frozenset[int]()
        if "answers" in active.rule.needs:
            known = ((one.id, self._answers.get(one.id)) for one in recent)
            answers = {pair: when for pair, when in known if when is not None and when <= until}
            addressed = self._addressed
        return Window(
            until=until, brand=self._brand, role=self._role, recent=recent,
            history=self._history(shown, active, begin) if "history" in active.rule.needs else (),
            answers=answers, accounts=self._accounts, addressed=addressed, posted=self._posted,
            sources=self._states(until) if "sources" in active.rule.needs else (),
            covered=self._brand is None or _holds(self._read.likely, Stretch(begin, until)),
            whole=self._brand is None
            or _holds(self._read.surely, Stretch(begin, until - active.settings.lookback / NOT_YET)),
            firing_since=firing_since, evidence=evidence or {},
        )  # fmt: skip

    def mention(self, pair: int) -> ScoredMention | None:
        """One of the mentions by its id."""
        return self._by_id.get(pair)

    @cached_property
    def _by_id(self) -> Mapping[int, ScoredMention]:
        return {one.mention.id: one.mention for one in self._said}

    def _states(self, until: datetime) -> list[SourceState]:
        return [state for record in self._sources if (state := record.at(until)) is not None]

    def _history(self, shown: _Shown, active: ActiveWindowRule, begin: datetime) -> Sequence[Bucket]:
        if self._hours is None:
            return ()
        last = min((hour_of(begin) - self._hours.since) // HOUR, len(shown.hours))
        first = max(last - history_of(active) // HOUR, 0)
        if (first, last) not in shown.histories:
            # Windows are asked for in order: those of one hour share it, and those of the hours before are done.
            shown.histories.clear()
            shown.histories[first, last] = History(shown.hours[first:last])
        return shown.histories[first, last]

    def _through(self, passes: Predicate | None) -> _Shown:
        if passes not in self._shown:
            mentions = [one.mention for one in self._said if passes is None or passes(one.mention)]
            figures = self._figures if passes is None else _figures(mentions)
            self._shown[passes] = _Shown(mentions, [one.created_at for one in mentions], list(self._buckets(figures)))
        return self._shown[passes]

    def _buckets(self, figures: Mapping[datetime, Figures]) -> Iterable[Bucket]:
        if self._hours is None:
            return
        hour, none, place = self._hours.since, Figures(), 0
        while hour < self._hours.until:
            one, after = figures.get(hour, none), hour + HOUR
            while place < len(self._read.likely) and self._read.likely[place].until < after:
                place += 1
            covered = place < len(self._read.likely) and self._read.likely[place].since <= hour
            yield Bucket(hour, one.mentions, one.detractors, one.promoters, one.reach, covered)
            hour = after


def history_of(active: ActiveWindowRule) -> timedelta:
    """How far back a rule looks for what is usual; rules that need no history have no such setting."""
    length: timedelta = getattr(active.settings, "history", timedelta(0))
    return length


def _holds(stretches: Sequence[Stretch], wanted: Stretch) -> bool:
    """Whether one of these stretches, sorted and apart, holds all of another."""
    place = bisect_right(stretches, wanted.since, key=lambda one: one.since) - 1
    return place >= 0 and stretches[place].until >= wanted.until


def _figures(mentions: Sequence[ScoredMention]) -> dict[datetime, Figures]:
    counts: dict[str, Counter[datetime]] = {name: Counter() for name in ("mentions", "detractor", "promoter", "reach")}
    for mention in mentions:
        hour = hour_of(mention.created_at)
        counts["mentions"][hour] += 1
        counts["reach"][hour] += mention.reach or 0
        if mention.label in ("detractor", "promoter"):
            counts[mention.label][hour] += 1
    return {
        hour: Figures(number, counts["detractor"][hour], counts["promoter"][hour], counts["reach"][hour])
        for hour, number in counts["mentions"].items()
    }


def _answered(
    session: Session, brand: Brand, rules: Sequence[ActiveWindowRule], said: Sequence[Said], since: datetime,
    until: datetime,
) -> tuple[dict[int, datetime], frozenset[int], bool]:  # fmt: skip
    """Which of the brand's mentions were answered, and when; which answer one of its own posts; whether there are any
    such posts."""
    assert brand.id is not None
    answers: dict[int, datetime] = {}
    addressed: set[int] = set()
    posts = windows.own_posts(session, brand.accounts, since - POSTS_LOOKBACK, until)
    own = {(post["kind"], name) for post in posts for name in (post["native_id"], post["url"]) if name}
    replies: dict[tuple[str, str], datetime] = {}
    for post in posts:
        if post["reply_to"] is not None:
            key = (post["kind"], post["reply_to"])
            replies[key] = min(post["created_at"], replies.get(key, post["created_at"]))
    for one in said:
        mention, kind = one.mention, one.mention.source
        when = [replies.get((kind, name)) for name in (one.native_id, mention.url) if name]
        if known := [moment for moment in when if moment is not None]:
            answers[mention.id] = min(known)
        if one.reply_to is not None and (kind, one.reply_to) in own:
            addressed.add(mention.id)
    names = [active.name for active in rules if "answers" in active.rule.needs]
    for name in names:
        noted = noted_by_hand(session, brand.id, name, [one.mention.id for one in said])
        answers |= {pair: min(when, answers.get(pair, when)) for pair, when in noted.items()}
    return answers, frozenset(addressed), bool(posts)
