"""Intervals: the same for the same seed, around the figure, and as wide as theory says."""

import math

import numpy as np
import pytest

from sentiment.evaluation import bootstrap
from sentiment.evaluation.bootstrap import Interval, intervals
from sentiment.evaluation.measures import Floats, auc, classification, point, share


def right(many: int, of: int) -> Floats:
    return (np.arange(of) < many).astype(float)


def one(rights: Floats, **settings: float) -> Interval:
    found = intervals({"share": share(rights)}, len(rights), **settings)["share"]  # type: ignore[arg-type]
    assert found
    return found


def test_the_same_seed_gives_the_same_interval_and_another_one_does_not() -> None:
    rights = right(700, 1000)
    assert one(rights) == one(rights, seed=1)
    assert one(rights) != one(rights, seed=2)


def test_an_interval_is_about_as_wide_as_the_binomial_one_around_the_figure() -> None:
    found = one(right(700, 1000), resamples=4000)
    error = math.sqrt(0.7 * 0.3 / 1000)
    assert (found.low, found.high) == pytest.approx((0.7 - 1.96 * error, 0.7 + 1.96 * error), abs=0.002)


def test_a_lower_level_gives_a_narrower_interval_within() -> None:
    wide, narrow = one(right(30, 50)), one(right(30, 50), level=0.5)
    assert wide.low < narrow.low <= 0.6 <= narrow.high < wide.high


def test_intervals_hold_the_figures_of_all_rows() -> None:
    generator = np.random.default_rng(7)
    truth = generator.integers(0, 3, 300)
    said = np.where(generator.random(300) < 0.7, truth, generator.integers(0, 3, 300))
    measures = {**classification(truth, said, 3), "auc": auc(truth == 2, said + generator.random(300))}
    for name, found in intervals(measures, 300, resamples=200).items():
        assert found
        assert found.low < point(measures[name], 300) < found.high


def test_of_one_row_and_of_rows_all_alike_the_interval_is_the_figure() -> None:
    assert one(np.ones(1)) == Interval(1, 1)
    assert one(np.zeros(40)) == Interval(0, 0)


def test_no_interval_without_rows_or_resamples_or_where_nothing_is_defined() -> None:
    assert intervals({"share": share(np.empty(0))}, 0) == {"share": None}
    assert intervals({"share": share(np.ones(3))}, 3, resamples=0) == {"share": None}
    assert intervals({"auc": auc(np.ones(3, bool), np.arange(3.0))}, 3, resamples=50) == {"auc": None}


def test_resamples_in_which_a_figure_is_not_defined_do_not_count() -> None:
    # One positive row of three: a third of all resamples miss it, and those of it alone have no negative one.
    found = intervals({"auc": auc(np.array([True, False, False]), np.array([2.0, 1, 0]))}, 3, resamples=300)["auc"]
    assert found == Interval(1, 1)


def test_each_resample_draws_as_many_units_as_there_are() -> None:
    seen: list[Floats] = []

    def measure(weights: Floats) -> Floats:
        seen.append(weights)
        return weights[:, 0]

    intervals({"drawn": measure}, 7, resamples=500)
    weights = np.concatenate(seen)
    assert weights.shape == (500, 7)
    assert (weights.sum(1) == 7).all()
    assert weights.mean(0) == pytest.approx(np.ones(7), abs=0.2)


def test_many_rows_are_resampled_in_several_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "_MOST_WEIGHTS", 25)
    goes: list[int] = []

    def measure(weights: Floats) -> Floats:
        goes.append(len(weights))
        return share(right(5, 10))(weights)

    found = intervals({"share": measure}, 10, resamples=7)["share"]
    assert goes == [2, 2, 2, 1]
    assert found
    assert found.low <= 0.5 <= found.high
