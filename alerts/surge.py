"""What `spike` and `competitor` have in common: a window of time against what is usual for the brand.

**Sensitivity** says how many false alarms to expect of a brand in which nothing ever happens: about one in three months
(`low`), in a month (`normal`), in a week (`high`). A window is asked about every few minutes and overlaps its
neighbours, so one chance excess is seen by many windows and comes as one incident; yet there are more of those than
windows that do not overlap. How many more is a matter of scan statistics (Naus, JASA 77, 1982; Alm, *Stochastic
Models* 13, 1997: upcrossings of a moving window). By simulation, for the counts of mentions that brands have, it is up
to `OVERLAP` times; the probability at which one window fires is the wanted rate divided by that, and by two, because
volume and share are two tests. `docs/decisions/0016` has the numbers.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from alerts.baseline import HOUR, Baseline, Expected, History
from alerts.durations import Duration, in_words
from alerts.reasons import Reason
from alerts.rule import Assessment, Window, WindowSettings
from alerts.severity import Severity
from alerts.wording import counted, moment, percent

Sensitivity = Literal["low", "normal", "high"]

FALSE_ALARMS: dict[Sensitivity, timedelta] = {
    "low": timedelta(days=91), "normal": timedelta(days=30), "high": timedelta(days=7),
}  # fmt: skip
"""One false alarm is expected in so long a time."""

OVERLAP = 2.0
"""How many times more incidents of chance come from windows that overlap than from those that do not."""

TESTS = 2

USUAL_P = 0.05
"""A window is back within what is usual where one in twenty usual windows holds as much."""

UNREAD_ENDS = timedelta(hours=6)
"""So long an incident of which nothing can be said is kept open."""

CRITICAL_TIMES = 3
"""So many times what fires is critical, if the detractors' share is not below what is usual."""

_DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


@dataclass(frozen=True, slots=True, kw_only=True)
class SurgeSettings(WindowSettings):
    """When a window is beyond what is usual.

    `lookback` is the window. `at_least`: mentions in it, below which nothing fires. `history`: how far back what is
    usual is looked for; `min_history`: how much of that must have been listened to, and `min_mentions`: how many
    mentions must have been heard in it.

    Raises ValueError with what is wrong and what would be right.
    """

    sensitivity: Sensitivity = "normal"
    at_least: int = 10
    history: Duration = timedelta(weeks=8)
    min_history: Duration = timedelta(days=3)
    min_mentions: int = 100

    def __post_init__(self) -> None:
        """Check each value; the first wrong one is named."""
        # Not super(): slots make the class anew, and then it is another one than super() thinks.
        WindowSettings.__post_init__(self)
        if self.at_least < 1:
            raise ValueError(f"at_least is a number of mentions, 1 or more; got {self.at_least}")
        if self.min_mentions < 1:
            raise ValueError(f"min_mentions is a number of mentions, 1 or more; got {self.min_mentions}")
        if self.min_history < timedelta(days=1):
            raise ValueError("min_history is a day or more: without a whole day nobody knows what nights are like")
        if not self.min_history <= self.history <= timedelta(weeks=52):
            raise ValueError("history lies between min_history and 52w")
        if self.lookback > timedelta(days=1):
            raise ValueError("lookback is a day at most; what grows over days is for the digest")


def chance(settings: SurgeSettings) -> float:
    """The probability in a usual window from which down one test fires."""
    return settings.lookback / FALSE_ALARMS[settings.sensitivity] / OVERLAP / TESTS


@dataclass(frozen=True, slots=True)
class Found:
    """The numbers of one window. `p` and `p_share`: how likely as many mentions, or detractors among so many, are."""

    mentions: int
    detractors: int
    expected: Expected
    p: float = field(default=1.0)
    p_share: float = field(default=1.0)

    @property
    def share(self) -> float:
        """Of detractors, 0 to 1; that of no mentions is 0."""
        return self.detractors / self.mentions if self.mentions else 0.0


def assess(window: Window, settings: SurgeSettings) -> Assessment:
    """Whether the window holds more than is usual, or more detractors among what it holds.

    An incident that is open goes on until the window is back within what is usual, by both tests, so that one that
    wavers around the threshold is one. A window of which something was not read can open an incident, since what is
    missing could only be more, but ends none, unless nothing was read for `UNREAD_ENDS`.
    """
    known = History.of(window.history).baseline
    firing = window.firing_since is not None
    missing = _missing(known, settings)
    if missing:
        return Assessment(False, Reason.NOT_ENOUGH_HISTORY, missing, evidence=_history(known))
    found = _found(window, settings, known)
    fires_at = chance(settings)
    enough = found.mentions >= settings.at_least
    loud = enough and found.p < fires_at
    turned = enough and found.p_share < fires_at
    goes_on = firing and ((found.p < USUAL_P and found.mentions > 1) or (enough and found.p_share < USUAL_P))
    peak = max(found.mentions, window.evidence.get("peak", 0)) if firing else found.mentions
    because = _because(found, window, settings, peak)
    evidence = _evidence(found, known, fires_at) | {"peak": peak}
    ids = tuple(mention.id for mention in window.recent)
    if loud or turned:
        reason = Reason.WINDOW_STILL_FIRES if firing else Reason.WINDOW_FIRES
        severity = _severity(found, fires_at, loud=loud)
        return Assessment(True, reason, because, severity, mentions=ids, evidence=evidence)
    if firing and not window.whole:
        return _unread(window, because, evidence, ids)
    if goes_on:
        return Assessment(True, Reason.WINDOW_STILL_FIRES, because, mentions=ids, evidence=evidence)
    if firing:
        return Assessment(False, Reason.WINDOW_ENDED, because, evidence=evidence)
    if not window.covered:
        return Assessment(False, Reason.NOT_COVERED, because, evidence=evidence)
    unusual = found.p < fires_at or found.p_share < fires_at
    reason = Reason.TOO_FEW if unusual and not enough else Reason.WINDOW_QUIET
    return Assessment(False, reason, because, evidence=evidence)


def _unread(window: Window, because: str, evidence: dict[str, Any], ids: tuple[int, ...]) -> Assessment:
    """Of an open incident whose window says too little to tell whether it is over."""
    since = window.evidence.get("unread_since", window.until.isoformat())
    if window.until - datetime.fromisoformat(since) >= UNREAD_ENDS:
        said = (
            f"not all sources have been read for {in_words(UNREAD_ENDS)}, so nobody knows whether it goes on; {because}"
        )
        return Assessment(False, Reason.UNREAD_TOO_LONG, said, evidence=evidence)
    return Assessment(True, Reason.NOT_COVERED, because, mentions=ids, evidence=evidence | {"unread_since": since})


def _found(window: Window, settings: SurgeSettings, known: Baseline) -> Found:
    expected = known.expected(window.until - settings.lookback, window.until)
    mentions = len(window.recent)
    # The label as the hourly figures count it, or history and window would not be the same thing.
    detractors = sum(1 for mention in window.recent if mention.label == "detractor")
    p, p_share = expected.p_of(mentions), expected.p_of_share(detractors, mentions)
    return Found(mentions, detractors, expected, p, p_share)


def _missing(known: Baseline, settings: SurgeSettings) -> str:
    """What the history lacks, in words; nothing where it will do."""
    wanted = f"wants {in_words(settings.min_history)} listened to and {counted(settings.min_mentions, 'mention')}"
    has = (
        f"{in_words(known.covered_h * HOUR)} and {counted(round(known.mentions), 'mention')} besides the busiest day's"
    )
    if known.covered_h * HOUR >= settings.min_history and known.mentions >= settings.min_mentions:
        return ""
    if known.shifted and known.since is not None:
        return f"the level is another one since {moment(known.since)}; to say what is usual it {wanted}, has {has}"
    return f"to say what is usual it {wanted}, has {has}"


def _severity(found: Found, fires_at: float, *, loud: bool) -> Severity | None:
    """Critical where far beyond what fires and no good news; the settings' otherwise."""
    least = found.expected.most(fires_at) + 1
    far = loud and found.mentions >= CRITICAL_TIMES * least
    return Severity.CRITICAL if far and found.share >= found.expected.share else None


def _because(found: Found, window: Window, settings: SurgeSettings, peak: int) -> str:
    expected = found.expected
    length = "hour" if settings.lookback == HOUR else in_words(settings.lookback)
    begin = window.until - settings.lookback / 2
    usually = {
        "week": f"on {_DAYS[begin.weekday()]} at this hour (UTC)", "day": "at this hour of the day",
        "all": "in such a time",
    }[expected.basis]  # fmt: skip
    said = (
        f"{counted(found.mentions, 'mention')} in the last {length}, usually {_number(expected.mean)} "
        f"(up to {expected.most(USUAL_P)}) {usually}"
    )
    if found.mentions:
        said += f"; {percent(round(found.share, 2))} detractors, usually {percent(round(expected.share, 2))}"
    return f"{said}; {peak:,} at its height" if peak > found.mentions else said


def _number(mean: float) -> str:
    return f"{mean:.1f}" if mean < 3 else f"{round(mean):,}"


def _evidence(found: Found, known: Baseline, fires_at: float) -> dict[str, Any]:
    expected = found.expected
    return {
        "observed": found.mentions,
        "expected": round(expected.mean, 2),
        "interval": [expected.most(1 - USUAL_P), expected.most(USUAL_P)],
        "fires_from": expected.most(fires_at) + 1,
        "detractors": found.detractors,
        "share": round(found.share, 4),
        "usual_share": round(expected.share, 4),
        "p": _short(found.p),
        "p_share": _short(found.p_share),
        "p_fires": _short(fires_at),
        "dispersion": round(expected.dispersion, 3),
        "basis": expected.basis,
        "basis_hours": expected.hours,
        **_history(known),
    }


def _history(known: Baseline) -> dict[str, Any]:
    return {
        "history_hours": known.covered_h,
        "history_mentions": round(known.mentions),
        "history_since": None if known.since is None else known.since.isoformat(),
        "level_shifted": known.shifted,
    }


def _short(p: float) -> float:
    return float(f"{p:.3g}")
