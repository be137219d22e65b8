"""What is usual, held against scipy's distributions and against series whose truth is known."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from alerts import baseline
from alerts.baseline import HOUR, History, fit
from alerts.rule import Bucket

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
WEEKS = 8


def series(counts: "np.ndarray | list[int]", share: float = 0.4, start: datetime = MONDAY) -> list[Bucket]:
    return [Bucket(start + n * HOUR, int(count), round(share * int(count))) for n, count in enumerate(counts)]


def rhythm(hours: int, level: float) -> "np.ndarray":
    """The true mean of each hour: busy by day, quieter at weekends."""
    hour = np.arange(hours)
    return level * (1 + 0.7 * np.sin(hour % 24 / 24 * 2 * np.pi)) * np.where(hour // 24 % 7 >= 5, 0.6, 1.0)


def drawn(seed: int, hours: int, level: float, dispersion: float) -> "np.ndarray":
    chance = np.random.default_rng(seed)
    return chance.poisson(chance.gamma(1 / dispersion, dispersion * rhythm(hours, level)))


@given(st.integers(1, 500), st.floats(0.05, 200), st.floats(0.02, 3))
def test_the_tail_of_counts_is_that_of_scipys_negative_binomial(count: int, mean: float, dispersion: float) -> None:
    size = 1 / dispersion
    expected = stats.nbinom.sf(count - 1, size, size / (size + mean))

    assert baseline.above(count, mean, dispersion) == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(st.integers(1, 200), st.floats(0, 1), st.floats(0.01, 0.99), st.floats(0.005, 0.5))
def test_the_tail_of_shares_is_that_of_scipys_beta_binomial(
    mentions: int, part: float, share: float, rho: float
) -> None:
    detractors, both = round(part * mentions), 1 / rho - 1
    expected = stats.betabinom.sf(detractors - 1, mentions, share * both, (1 - share) * both)

    assert baseline.share_above(detractors, mentions, share, rho) == pytest.approx(expected, rel=1e-5, abs=1e-9)


@given(st.floats(0.001, 0.9), st.floats(0.05, 200), st.floats(0.02, 3))
def test_the_most_that_is_usual_is_the_last_count_that_is_likely_enough(p: float, mean: float, spread: float) -> None:
    most = baseline.most(p, mean, spread)

    assert baseline.above(most, mean, spread) > p >= baseline.above(most + 1, mean, spread)


@pytest.mark.parametrize("level", [0.5, 3, 20])
@pytest.mark.parametrize("dispersion", [0.1, 0.5])
def test_means_and_dispersion_are_found_again(level: float, dispersion: float) -> None:
    hours = WEEKS * 168
    found = fit(series(drawn(1, hours, level, dispersion)))

    assert found.mean.mean() == pytest.approx(rhythm(168, level).mean(), rel=0.1)
    if level >= 3:  # of fewer, chance alone accounts for nearly all that they vary
        assert found.dispersion == pytest.approx(dispersion, rel=0.3, abs=0.05)
    # Nights are told from days, and weekends from weekdays, by as much as the numbers allow.
    assert found.mean[6] > 2 * found.mean[18]
    if level >= 3:
        assert found.mean[5 * 24 + 6] < 0.8 * found.mean[6]


@pytest.mark.parametrize("level", [0.5, 3, 20])
def test_past_spikes_raise_neither_the_mean_nor_the_dispersion_much(level: float) -> None:
    counts = drawn(2, WEEKS * 168, level, 0.3)
    spiked = counts.copy()
    for start in np.random.default_rng(3).integers(0, len(counts) - 4, 6):
        spiked[start : start + 4] += int(20 * level + 20)
    plain, found = fit(series(counts)), fit(series(spiked))

    assert spiked.sum() > 1.1 * counts.sum()
    assert found.mean.mean() == pytest.approx(plain.mean.mean(), rel=0.1)
    assert found.dispersion < 2 * plain.dispersion
    assert found.mentions < 1.05 * counts.sum()


def test_an_hour_without_its_own_history_is_taken_from_the_other_days_and_told_as_such() -> None:
    found = fit(series(drawn(4, 5 * 24, 10, 0.1)))
    saturday = MONDAY + timedelta(days=5, hours=6)
    expected = found.expected(saturday, saturday + HOUR)

    assert expected.basis == "day"
    assert expected.hours == 5
    assert expected.mean == pytest.approx(rhythm(24, 10)[6], rel=0.25)


def test_after_some_weeks_an_hour_of_the_week_stands_for_itself() -> None:
    found = fit(series(drawn(5, WEEKS * 168, 10, 0.1)))
    saturday = MONDAY + timedelta(days=5, hours=6)

    assert (found.expected(saturday, saturday + HOUR).basis, found.hours[5 * 24 + 6]) == ("week", WEEKS)


def test_a_short_history_leaves_more_in_doubt_than_a_long_one() -> None:
    counts = drawn(6, WEEKS * 168, 10, 0.2)
    short, long = fit(series(counts[: 4 * 24])), fit(series(counts))
    hour = MONDAY + timedelta(days=1, hours=9)

    assert short.doubt.mean() > 2 * long.doubt.mean()
    assert short.expected(hour, hour + HOUR).most(0.05) > long.expected(hour, hour + HOUR).mean


def test_a_window_between_two_hours_expects_something_of_both() -> None:
    counts = [20 if n % 24 == 9 else 2 for n in range(WEEKS * 168)]
    found = fit(series(counts))
    nine = MONDAY + timedelta(hours=9)

    def mean(minutes: int) -> float:
        begin = nine + timedelta(minutes=minutes)
        return found.expected(begin, begin + HOUR).mean

    assert mean(0) > 15
    assert mean(-60) < 4
    assert mean(-15) == pytest.approx(0.75 * mean(0) + 0.25 * mean(-60))
    assert found.expected(nine, nine + 2 * HOUR).mean == pytest.approx(mean(0) + mean(60))


def test_hours_in_which_nobody_listened_are_not_hours_in_which_nothing_was_said() -> None:
    counts = drawn(7, WEEKS * 168, 10, 0.1)
    deaf = [
        Bucket(one.hour, 0, 0, covered=False) if n % 5 == 0 else one for n, one in enumerate(series(counts))
    ]  # fmt: skip
    found, plain = fit(deaf), fit(series(counts))

    assert found.mean.mean() == pytest.approx(plain.mean.mean(), rel=0.05)
    assert found.covered_h < plain.covered_h


def test_what_lies_before_the_first_mention_is_no_history() -> None:
    found = fit(series([0] * 300 + [5] * 100))

    assert (found.covered_h, found.since) == (100, MONDAY + 300 * HOUR)


def test_no_history_at_all_is_a_baseline_of_nothing() -> None:
    for buckets in ([], series([0] * 50)):
        found = fit(buckets)
        assert (found.covered_h, found.mentions, found.since) == (0, 0.0, None)


def test_a_step_from_almost_nothing_is_a_new_level_after_a_day() -> None:
    found = fit(series([1, *[0] * 14, 1, *[0] * 36, *[40] * 24]))

    assert found.shifted
    # But for the quarter of a day in which it began.
    assert (found.since, found.covered_h) == (MONDAY + 58 * HOUR, 18)


@pytest.mark.parametrize("late", range(24))
def test_hours_before_a_step_are_no_part_of_the_new_level_whenever_it_came(late: int) -> None:
    found = fit(series([1, *[0] * 14, 1, *[0] * (24 + late), *[40] * 72]))

    assert found.shifted
    assert found.since is not None
    assert found.since >= MONDAY + (40 + late) * HOUR
    assert found.covered_h >= 36


def test_a_level_that_has_risen_for_good_is_the_usual_one_after_a_week_and_not_before() -> None:
    before = drawn(8, 6 * 168, 5, 0.1)

    def after(days: int) -> baseline.Baseline:
        return fit(series([*before, *drawn(9, days * 24, 40, 0.1)]))

    assert not after(2).shifted
    assert not after(6).shifted
    assert after(7).shifted
    assert after(7).since == MONDAY + 6 * timedelta(weeks=1) + 6 * HOUR


def test_a_level_that_has_fallen_for_good_is_the_usual_one_too() -> None:
    counts = [*drawn(8, 6 * 168, 40, 0.1), *drawn(9, 7 * 24, 5, 0.1)]

    assert fit(series(counts)).since == MONDAY + 6 * timedelta(weeks=1) + 6 * HOUR


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 5, 30]), st.sampled_from([0.1, 0.6]), st.integers(3, 56))
def test_what_never_changes_has_no_shift(seed: int, level: int, dispersion: float, days: int) -> None:
    assert not fit(series(drawn(seed, days * 24, level, dispersion))).shifted


@pytest.mark.parametrize("hours", [1, 6, 12])
def test_a_spike_of_some_hours_is_no_new_level(hours: int) -> None:
    counts = [*drawn(10, 4 * 168, 5, 0.1), *[300] * hours]

    assert not fit(series(counts)).shifted


def test_a_history_is_fitted_once() -> None:
    history = History.of(series([3] * 200))

    assert History.of(history) is history
    assert history.baseline is history.baseline
    assert (len(history), history[0].mentions, len(history[:5])) == (200, 3, 5)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 100), st.booleans()), max_size=240))
def test_whatever_the_history_probabilities_are_probabilities(hours: list[tuple[int, int, bool]]) -> None:
    buckets = [
        Bucket(MONDAY + n * HOUR, count, count * part // 100, covered=covered)
        for n, (count, part, covered) in enumerate(hours)
    ]
    expected = fit(buckets).expected(MONDAY + 30 * HOUR - HOUR / 3, MONDAY + 31 * HOUR - HOUR / 3)

    assert np.isfinite(expected.mean)
    for count in (0, 1, 50, 3000):
        assert 0 <= expected.p_of(count) <= 1
        assert 0 <= expected.p_of_share(count // 2, count) <= 1
