"""A rule tried on what is stored: how often it would have fired, at what, and what other settings would change.

It is the jobs' own code on the same rows, read in one state of the database that nothing here changes. What it cannot
know: what has been deleted since, what was known of a mention when it came (scores, reach and answers are those of
today), what of a window had been collected when it ended (imports were collected long after), and what people did; and
it counts incidents before inhibition, silences and quiet hours hold any back.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Self

from sqlmodel import Session

from alerts.backtest import Backtest, MentionReplay, WindowReplay
from alerts.mentions import ScoredMention
from alerts.registry import RULES, read_settings
from alerts.rule import MentionRule, MentionSettings, Settings, WindowRule, WindowSettings
from alerts.windowing import floor
from listener.coverage import Stretch
from listener.rules import ActiveMentionRule, ActiveWindowRule, predicate
from listener.store import alerting, backtests, brands
from listener.store.engine import Store
from listener.store.tables import Brand
from listener.store.windows import read_throughout
from listener.window_data import WindowData

LONGEST = timedelta(days=366)

RUN_IN = 6
"""Windows of a mention rule that are replayed before the time asked about: an incident begins where the one before it
ends, so the first ones depend on what came earlier, less and less with every window that passes."""

_NO_BRANDS = "there are none yet: `escucha run` takes them from escucha.yml"

_PAGE = 500
_STRETCH = timedelta(days=7)
"""Windows are loaded for so long a time at once."""

Told = Callable[[int, int], None]
"""Called with how much is done, and of how much."""


class BacktestError(ValueError):
    """What was asked cannot be tried; the message says why and what can."""


class Backtester:
    """One rule of one brand (None: of no single one) between two moments. ``until`` is left out itself."""

    def __init__(
        self,
        store: Store,
        brand: str | None,
        rule: str,
        since: datetime,
        until: datetime,
        *,
        everywhere: Mapping[str, Any] = MappingProxyType({}),
        most: int | None = None,
        among: frozenset[int] | None = None,
    ) -> None:
        """``everywhere``: the settings of rules about no brand (``Policy.alerts``). ``most``: mentions, or
        windows, that may be looked at. ``among``: ids of the brands that whoever asks may see, None = all; any other is
        unknown. Raises BacktestError for an unknown brand or rule, a rule that wants a brand or none, and a time that
        is too long or none at all."""
        if rule not in RULES:
            raise BacktestError(f"there is no rule {rule!r}; there are {', '.join(sorted(RULES))}")
        if since >= until or until - since > LONGEST:
            raise BacktestError(f"the time to try a rule on is more than none and at most {LONGEST.days} days")
        self._store, self._rule, self._since, self._until, self._most = store, rule, since, until, most
        self._kind = RULES[rule]
        self._brand: Brand | None = None
        self._alerting: Mapping[str, Any] = everywhere
        about_none = isinstance(self._kind, WindowRule) and self._kind.per != "brand"
        if about_none and brand is not None:
            raise BacktestError(f"the rule {rule} is about sources, not about a brand; leave the brand out")
        if about_none:
            return
        with store.reading() as session:
            found = None if brand is None else brands.brand_named(session, brand)
            known = ", ".join(row.name for row in brands.listed(session, among))
        if found is not None and (among is None or found.id in among):
            self._brand = found
        if self._brand is None:
            wrong = f"no brand is called {brand!r}" if brand is not None else f"the rule {rule} is about a brand"
            raise BacktestError(f"{wrong}; {f'there are: {known}' if known else _NO_BRANDS}")
        self._alerting = self._brand.alerting

    @classmethod
    def over_days(
        cls,
        store: Store,
        brand: str | None,
        rule: str,
        days: int,
        until: datetime,
        *,
        everywhere: Mapping[str, Any] = MappingProxyType({}),
        most: int | None = None,
        among: frozenset[int] | None = None,
    ) -> Self:
        """The same for so many days up to a moment. Raises BacktestError for more than the calendar has, too."""
        try:
            since = until - timedelta(days=days)
            # What was usual before, and the windows that begin in it, are dates as well.
            _ = since - LONGEST, until + LONGEST
        except OverflowError as error:
            raise BacktestError(f"{days} days up to {until:%Y-%m-%d} are too near an end of the calendar") from error
        return cls(store, brand, rule, since, until, everywhere=everywhere, most=most, among=among)

    @property
    def said(self) -> dict[str, Any]:
        """The rule's settings as they are written; nothing of a rule that is switched off or on by a word."""
        said = self._alerting.get(self._rule)
        return dict(said) if isinstance(said, Mapping) else {}

    @property
    def in_force(self) -> Settings:
        """The settings of the rule as it stands, whether it is on or not."""
        return self.proposed({})

    def proposed(self, changes: Mapping[str, Any]) -> Settings:
        """The settings in force with some changed. Raises BacktestError for what is no setting."""
        try:
            settings: Settings = read_settings(self._rule, {**self.said, **changes})
        except ValueError as error:
            raise BacktestError(str(error)) from error
        try:
            predicate(settings.when)
        except ValueError as error:
            raise BacktestError(f"when: it does not read: {error}") from error
        return settings

    def run(self, many: Sequence[Settings], told: Told | None = None) -> list[Backtest]:
        """What each of these settings would have made of it, in one pass. Raises BacktestError for too much."""
        told = told or _nobody
        with self._store.reading() as session:
            whole = Stretch(self._since, self._until)
            # Whether sources are read is known at any time: the ledger tells of their silence too.
            read = [whole] if self._brand is None else read_throughout(session, self._brand, *whole)
            if isinstance(self._kind, MentionRule):
                replays: Sequence[MentionReplay | WindowReplay] = self._mentions(session, self._kind, many, told)
            else:
                replays = self._windows(session, self._kind, many, told)
        name = None if self._brand is None else self._brand.name
        return [replay.result(name, self._since, self._until, read) for replay in replays]

    def _mentions(
        self, session: Session, rule: MentionRule, many: Sequence[Settings], told: Told
    ) -> list[MentionReplay]:
        replays: list[MentionReplay] = []
        longest = timedelta(0)
        assert self._brand is not None
        own = tuple(self._brand.accounts)
        for settings in many:
            assert isinstance(settings, MentionSettings)
            active = ActiveMentionRule(self._rule, rule, settings, predicate(settings.when) or _everything, own)
            replays.append(MentionReplay(self._rule, settings, active.verdict))
            longest = max(longest, settings.window)
        begin = self._since - RUN_IN * longest
        total = backtests.how_many(session, self._brand, begin, self._until)
        self._within_bounds(total, "mentions")
        done, after = 0, 0
        told(done, total)
        while mentions := backtests.arrived(session, self._brand, begin, self._until, after, _PAGE):
            clusters = alerting.clusters_of(session, [mention.id for mention in mentions])
            early = backtests.spoke_before(session, set(clusters.values()), begin)
            for mention in mentions:
                cluster = clusters.get(mention.id)
                for replay in replays:
                    if cluster is not None and early.get(cluster, mention.id) < mention.id:
                        replay.speak_for(cluster)
                    replay.show(mention, cluster, counted=mention.created_at >= self._since)
            done, after = done + len(mentions), mentions[-1].id
            told(done, total)
        return replays

    def _windows(self, session: Session, rule: WindowRule, many: Sequence[Settings], told: Told) -> list[WindowReplay]:
        lots: list[tuple[ActiveWindowRule, WindowReplay]] = []
        for settings in many:
            assert isinstance(settings, WindowSettings)
            active = ActiveWindowRule(self._rule, rule, settings, predicate(settings.when))
            # As in the job: there each mention is a matter of its own.
            name = None if self._brand is None else self._brand.name
            replay = WindowReplay(self._rule, name, settings, wavers="answers" not in rule.needs)
            lots.append((active, replay))
        parts = list(_parts(Stretch(self._since, self._until)))
        total = sum(len(_ends(active, part)) for active, _ in lots for part in parts)
        self._within_bounds(total, "windows")
        done = 0
        told(done, total)
        for part in parts:
            data = WindowData.load(session, self._brand, [active for active, _ in lots], part.since, part.until)
            for active, replay in lots:
                for number, until in enumerate(_ends(active, part)):
                    firing = replay.firing()
                    window = data.window(
                        active, until, None if firing is None else firing.opened_at,
                        None if firing is None else firing.evidence,
                    )  # fmt: skip
                    replay.show(rule.assess(window, active.settings), until, data.mention)
                    if number % 100 == 0:
                        told(done + number, total)
                done += len(_ends(active, part))
                told(done, total)
        return [replay for _, replay in lots]

    def _within_bounds(self, number: int, what: str) -> None:
        if self._most is not None and number > self._most:
            raise BacktestError(
                f"that are {number:,} {what}, and at most {self._most:,} are tried here: ask for fewer days, or use "
                "`escucha alerts backtest`"
            )


def _parts(whole: Stretch) -> Sequence[Stretch]:
    """The same time in stretches to load at once."""
    begins = [whole.since]
    while begins[-1] + _STRETCH < whole.until:
        begins.append(begins[-1] + _STRETCH)
    return [Stretch(begin, min(begin + _STRETCH, whole.until)) for begin in begins]


def _ends(active: ActiveWindowRule, part: Stretch) -> list[datetime]:
    """The ends of the rule's windows from a part's beginning up to its end, which the next part begins with."""
    every = active.settings.every
    first = floor(part.since, every)
    if first < part.since:
        first += every
    return [first + number * every for number in range(max(-(-(part.until - first) // every), 0))]


def _nobody(_done: int, _total: int) -> None:
    """Nobody wants to know."""


def _everything(_: ScoredMention) -> bool:
    return True
