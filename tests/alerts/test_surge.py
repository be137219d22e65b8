"""How often chance alone raises an incident, and how surely something that happens does."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pytest

from alerts import surge
from alerts.baseline import HOUR, Expected, History
from alerts.mentions import ScoredMention
from alerts.reasons import Reason
from alerts.rule import Assessment, Bucket, Window
from alerts.severity import Severity
from alerts.surge import FALSE_ALARMS, Sensitivity, SurgeSettings

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
NOW = MONDAY + timedelta(weeks=8, hours=12)
"""A Monday noon after eight weeks."""


@cache
def usual(level: int = 8, weeks: float = 8, share: int = 40, *, steady: bool = True) -> History:
    """Hours before NOW of about ``level`` mentions."""
    chance = np.random.default_rng(0)
    hours = round(weeks * 168)
    counts = chance.poisson(level, hours) if steady else chance.poisson(chance.gamma(5, level / 5, hours))
    begin = NOW - HOUR - hours * HOUR
    return History.of([Bucket(begin + n * HOUR, int(c), int(c) * share // 100) for n, c in enumerate(counts)])


@pytest.fixture
def window(a_mention: Callable[..., ScoredMention]) -> Callable[..., Window]:
    def make(mentions: int, against: int = 0, history: History | None = None, **changes: object) -> Window:
        recent = [
            a_mention(id=n, label="detractor" if n < against else "passive", created_at=NOW - timedelta(minutes=5))
            for n in range(mentions)
        ]
        made = Window(NOW, "Aeroluz", recent=recent, history=usual() if history is None else history)
        return replace(made, **changes)  # type: ignore[arg-type]

    return make


def assess(window: Window, **changes: object) -> Assessment:
    return surge.assess(window, SurgeSettings(**changes))  # type: ignore[arg-type]


def test_an_hour_like_any_other_is_quiet(window: Callable[..., Window]) -> None:
    found = assess(window(8, 3))

    assert (found.fires, found.reason, found.mentions) == (False, Reason.WINDOW_QUIET, ())


def test_far_more_than_usual_fires_and_says_so_in_numbers(window: Callable[..., Window]) -> None:
    found = assess(window(30, 24))

    assert (found.fires, found.reason) == (True, Reason.WINDOW_FIRES)
    assert found.because.startswith("30 mentions in the last hour, usually 7 (up to 13) ")
    assert found.because.endswith(" on Mondays at this hour (UTC); 80% detractors, usually 35%")
    assert found.mentions == tuple(range(30))
    assert (found.evidence["observed"], found.evidence["basis_hours"]) == (30, 8)
    low, high = found.evidence["interval"]
    assert low < found.evidence["expected"] < high < found.evidence["fires_from"] <= 30
    assert found.evidence["p"] < found.evidence["p_fires"]


def test_as_many_as_usual_but_nearly_all_against_fires_too(window: Callable[..., Window]) -> None:
    found = assess(window(12, 12))

    assert found.fires
    assert found.evidence["p"] > 0.05
    assert found.evidence["p_share"] < found.evidence["p_fires"]


def test_more_and_more_sensitive_fires_from_fewer(window: Callable[..., Window]) -> None:
    steps = [assess(window(1), sensitivity=one).evidence["fires_from"] for one in ("high", "normal", "low")]

    assert steps == sorted(steps)
    assert steps[0] < steps[2]


def test_under_the_floor_nothing_fires_however_unusual(window: Callable[..., Window]) -> None:
    quiet = usual(1, 8)

    assert assess(window(9, 9, quiet)).reason is Reason.TOO_FEW
    assert assess(window(9, 9, quiet), at_least=5).fires


def test_an_incident_goes_on_until_it_is_back_within_what_is_usual(window: Callable[..., Window]) -> None:
    fires_from = assess(window(1)).evidence["fires_from"]
    since = NOW - HOUR

    below = assess(window(fires_from - 2, 3, firing_since=since, evidence={"peak": 73}))
    back = assess(window(9, 3, firing_since=since, evidence={"peak": 73}))

    assert assess(window(fires_from - 2, 3)).fires is False
    assert (below.fires, below.reason, below.evidence["peak"]) == (True, Reason.WINDOW_STILL_FIRES, 73)
    assert below.because.endswith("; 73 at its height")
    assert (back.fires, back.reason) == (False, Reason.WINDOW_ENDED)


def test_what_was_not_read_ends_no_incident_and_opens_none_but_hides_none_either(
    window: Callable[..., Window],
) -> None:
    assert assess(window(2, covered=False)).reason is Reason.NOT_COVERED
    assert assess(window(40, covered=False)).reason is Reason.WINDOW_FIRES
    going_on = assess(window(2, whole=False, firing_since=NOW - HOUR))
    assert (going_on.fires, going_on.reason) == (True, Reason.NOT_COVERED)


def test_an_incident_of_which_nothing_can_be_said_any_more_ends_and_says_so(window: Callable[..., Window]) -> None:
    found = assess(window(2, whole=False, firing_since=NOW - HOUR), min_history=timedelta(days=1))
    for hours in range(1, 7):
        assert (found.fires, found.reason) == (True, Reason.NOT_COVERED)
        later = window(2, whole=False, firing_since=NOW - HOUR, evidence=found.evidence, until=NOW + hours * HOUR)
        found = assess(later)
    assert (found.fires, found.reason) == (False, Reason.UNREAD_TOO_LONG)
    assert found.because.startswith("not all sources have been read for 6h, so nobody knows")


def test_once_it_is_read_again_or_loud_the_time_unread_is_forgotten(window: Callable[..., Window]) -> None:
    found = assess(window(2, whole=False, firing_since=NOW - HOUR))
    assert "unread_since" in found.evidence
    loud = assess(window(40, whole=False, firing_since=NOW - HOUR, evidence=found.evidence))
    assert loud.fires
    assert "unread_since" not in loud.evidence


def test_far_beyond_is_critical_unless_it_is_good_news(window: Callable[..., Window]) -> None:
    assert assess(window(200, 150)).severity is Severity.CRITICAL
    assert assess(window(200, 10)).severity is None
    assert assess(window(30, 24)).severity is None


@pytest.mark.parametrize(
    ("history", "said"),
    [
        (usual(8, 2 / 7), "wants 3d listened to and 100 mentions, has 2d and"),
        (usual(0, 8), "wants 3d listened to and 100 mentions, has"),
        (History.of([]), "has 0s and 0 mentions besides the busiest day's"),
    ],
)
def test_too_little_history_says_how_much_is_wanted(window: Callable[..., Window], history: History, said: str) -> None:
    found = assess(window(500, 400, history))

    assert (found.fires, found.reason) == (False, Reason.NOT_ENOUGH_HISTORY)
    assert said in found.because


@pytest.mark.parametrize("later", [9, 50])
def test_a_collection_that_begins_with_almost_nothing_is_never_reported_as_an_incident(
    a_mention: Callable[..., ScoredMention], later: int
) -> None:
    """As American in the airlines of 2015: two mentions in two days, and then all of them."""
    chance = np.random.default_rng(11)
    counts = [1, *[0] * 14, 1, *[0] * (35 + later), *chance.poisson(45, 24 * 14)]
    buckets = [Bucket(MONDAY + n * HOUR, int(c), int(c) * 4 // 10) for n, c in enumerate(counts)]
    said = []
    for hour in range(40, len(counts) - 1):
        recent = [a_mention(id=n, label="passive") for n in range(counts[hour])]
        end = MONDAY + (hour + 1) * HOUR
        said.append(assess(Window(end, "American", recent=recent, history=buckets[:hour])))

    assert not any(one.fires for one in said)
    assert said[0].reason is Reason.NOT_ENOUGH_HISTORY
    assert said[-1].reason is Reason.WINDOW_QUIET
    assert "the level is another one since 2026-01-" in said[60 + later].because
    # Not for a moment does it know too little and not say so.
    reasons = [one.reason for one in said]
    assert Reason.NOT_ENOUGH_HISTORY not in reasons[reasons.index(Reason.WINDOW_QUIET) :]


def test_once_the_artefact_is_history_a_real_spike_is_told(window: Callable[..., Window]) -> None:
    counts = [1, *[0] * 50, *np.random.default_rng(12).poisson(45, 24 * 6)]
    begin = NOW - HOUR - len(counts) * HOUR
    history = History.of([Bucket(begin + n * HOUR, int(c), int(c) * 4 // 10) for n, c in enumerate(counts)])

    assert assess(window(150, 60, history)).fires


def windows(seed: int, level: float, dispersion: float, days: int) -> Iterator[tuple[datetime, int, History]]:
    """Every window of so many days, a history shared by those of four weeks: end, mentions, history."""
    chance = np.random.default_rng(seed)
    hours = 8 * 168 + days * 24
    hour = np.arange(hours)
    mean = level * (1 + 0.7 * np.sin(hour % 24 / 24 * 2 * np.pi)) * np.where(hour // 24 % 7 >= 5, 0.6, 1.0)
    rate = mean * chance.gamma(1 / dispersion, dispersion, hours)
    five = chance.poisson(np.repeat(rate / 12, 12))
    whole, sums = five.reshape(-1, 12).sum(axis=1), np.concatenate([[0], np.cumsum(five)])
    for week in range(8 * 168, hours - 4 * 168 + 1, 4 * 168):
        buckets = [Bucket(MONDAY + int(n) * HOUR, int(whole[n])) for n in range(week - 8 * 168, week)]
        history = History.of(buckets)
        for step in range(4 * 168 * 12):
            end = week * 12 + step
            yield MONDAY + end * HOUR / 12, int(sums[end] - sums[end - 12]), history


@pytest.mark.parametrize(("level", "dispersion"), [(10, 0.1), (10, 0.5), (40, 0.2)])
@pytest.mark.parametrize("sensitivity", ["high", "normal"])
def test_false_alarms_are_about_as_many_as_the_sensitivity_says(
    level: float, dispersion: float, sensitivity: Sensitivity
) -> None:
    days = 4 * (FALSE_ALARMS[sensitivity].days + 10) // 28 * 28 + 84
    settings = SurgeSettings(sensitivity=sensitivity)
    alarms, firing = 0, False
    fires_at = surge.chance(settings)
    expected: dict[tuple[int, timedelta], Expected] = {}
    for end, mentions, history in windows(21, level, dispersion, days):
        of_week = id(history), (end - MONDAY) % timedelta(weeks=1)
        if of_week not in expected:
            expected[of_week] = history.baseline.expected(end - HOUR, end)
        p = expected[of_week].p_of(mentions)
        if p < fires_at and mentions >= settings.at_least:
            alarms += not firing
            firing = True
        elif p >= surge.USUAL_P:
            firing = False
    wanted = days / FALSE_ALARMS[sensitivity].days

    # One of two tests, so about half; more than twice as many as promised would be a broken promise.
    assert alarms <= 2 * wanted
    assert alarms >= 0.05 * wanted


@pytest.mark.parametrize("times", [4, 6])
def test_an_hour_with_several_times_the_usual_is_found_nearly_always(times: int) -> None:
    chance, found, tried = np.random.default_rng(22), 0, 200
    known = usual(10, steady=False).baseline
    expected = known.expected(NOW - HOUR, NOW)
    for _ in range(tried):
        spike = int(chance.poisson(chance.gamma(10, times)))
        found += expected.p_of(spike) < surge.chance(SurgeSettings())

    assert found >= (0.4 if times == 4 else 0.8) * tried


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"at_least": 0}, "at_least"),
        ({"min_mentions": 0}, "min_mentions"),
        ({"min_history": timedelta(hours=5)}, "min_history"),
        ({"history": timedelta(days=2)}, "history"),
        ({"lookback": timedelta(days=2)}, "lookback"),
        ({"every": timedelta(seconds=1)}, "every"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SurgeSettings(**changes)  # type: ignore[arg-type]
