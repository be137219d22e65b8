"""Intervals hold what textbooks and scipy's own distributions say, and words keep to the numbers."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, poisson

from alerts.expectation import WEEK, difference, rate, share


def test_a_rate_in_textbook_numbers() -> None:
    # Garwood's interval for ten cases: 4.795 to 18.390 (Ulm, American Journal of Epidemiology 131, 1990).
    found = rate(10, WEEK)

    assert found is not None
    assert (found.per_week, found.low, found.high) == (
        10,
        pytest.approx(4.7954, abs=1e-4),
        pytest.approx(18.3904, abs=1e-4),
    )


def test_after_nothing_the_upper_end_is_the_rule_of_three_and_a_bit() -> None:
    found = rate(0, WEEK)

    assert found is not None
    assert (found.low, found.high) == (0, pytest.approx(3.6889, abs=1e-4))


@given(st.integers(1, 5_000), st.floats(0.01, 500))
def test_the_interval_is_the_one_of_chi_squared(count: int, weeks: float) -> None:
    found = rate(count, weeks * WEEK)

    assert found is not None
    length = found.exposure / WEEK
    assert found.low * length == pytest.approx(chi2.ppf(0.025, 2 * count) / 2)
    assert found.high * length == pytest.approx(chi2.ppf(0.975, 2 * count + 2) / 2)
    assert found.low < found.per_week < found.high


@pytest.mark.parametrize("mean", [0.3, 1.0, 4.0, 20.0])
def test_the_interval_holds_the_true_mean_at_least_as_often_as_it_says(mean: float) -> None:
    def holds(count: int) -> bool:
        found = rate(count, WEEK)
        return found is not None and found.low <= mean <= found.high

    assert sum(float(poisson.pmf(count, mean)) for count in range(200) if holds(count)) >= 0.95


def test_without_time_there_is_no_rate() -> None:
    assert rate(3, timedelta(0)) is None


def test_no_fewer_than_nothing() -> None:
    with pytest.raises(ValueError, match="-1 times"):
        rate(-1, WEEK)


@pytest.mark.parametrize(
    ("count", "weeks", "words"),
    [
        (17, 4.2857, "about 4 a week (2 to 7)"),
        (0, 4.2857, "none, at most 3.7 a month"),
        (0, 1, "none, at most 3.7 a week"),
        (1, 10, "about 0.4 a month (0.01 to 2.4)"),
        (700, 1, "about 100 a day (92 to 108)"),
    ],
)
def test_a_rate_in_words(count: int, weeks: float, words: str) -> None:
    found = rate(count, weeks * WEEK)

    assert found is not None
    assert found.in_words() == words


def test_wilsons_interval_in_textbook_numbers() -> None:
    # Newcombe, Statistics in Medicine 17, 1998, table I: 81 of 263 is 0.2553 to 0.3662.
    found = share(81, 263)

    assert found is not None
    assert (found.low, found.high) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_share_lies_within_its_interval_and_that_within_nought_and_one(part: int, rest: int) -> None:
    found = share(part, part + rest)

    if not part + rest:
        assert found is None
    else:
        assert found is not None
        assert 0 <= found.low <= found.value <= found.high <= 1


def test_more_than_the_whole_is_no_share() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        share(3, 2)


def test_the_difference_of_two_shares_is_newcombes() -> None:
    # Newcombe (Statistics in Medicine 17, 1998, 873-890), table II, column a, method 10: 56/70 - 48/80.
    now, before = share(56, 70), share(48, 80)
    assert now is not None
    assert before is not None
    assert difference(now.interval, before.interval) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    # Of nothing and nothing the ends are those of the two intervals (Wilson, of 0 of 20 and 0 of 10).
    none, neither = share(0, 10), share(0, 20)
    assert none is not None
    assert neither is not None
    assert difference(none.interval, neither.interval) == pytest.approx((0, -0.1611, 0.2775), abs=5e-5)
