"""Calibration error, bins and coverage, worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment.evaluation.calibration import Bin, Kept, calibration_error, coverage, reliability, without
from sentiment.evaluation.measures import point

CONFIDENCE = np.array([0.9, 0.8, 0.8, 0.6, 0.55, 0.2])
RIGHT = np.array([True, True, False, False, True, False])


def error(confidence: list[float], right: list[int], bins: int) -> float:
    return point(calibration_error(np.array(confidence), np.array(right) == 1, bins), len(right))


def test_the_error_is_the_gap_of_each_bin_by_its_rows() -> None:
    # Five bins: (0.8, 1] holds 0.9, right: gap 0.1 of one row. (0.6, 0.8]: two rows, 0.8 against 0.5. (0.4, 0.6]: two
    # rows, 0.575 against 0.5. (0, 0.2]: one row, 0.2 against 0.
    found = point(calibration_error(CONFIDENCE, RIGHT, 5), 6)
    assert found == pytest.approx(0.1 / 6 + 0.3 * 2 / 6 + 0.075 * 2 / 6 + 0.2 / 6)


def test_who_is_always_sure_errs_by_the_share_that_is_wrong() -> None:
    assert error([1.0] * 4, [1, 1, 1, 0], 15) == pytest.approx(0.25)
    assert error([0.75] * 4, [1, 1, 1, 0], 15) == pytest.approx(0)
    assert error([0.0], [0], 15) == 0


def test_weights_count_rows_as_often_as_they_say() -> None:
    measure = calibration_error(CONFIDENCE, RIGHT, 5)
    again = calibration_error(np.repeat(CONFIDENCE, [2, 0, 1, 0, 3, 0]), np.repeat(RIGHT, [2, 0, 1, 0, 3, 0]), 5)
    assert measure(np.array([[2.0, 0, 1, 0, 3, 0]])).item() == pytest.approx(point(again, 6))
    assert math.isnan(measure(np.zeros((1, 6))).item())


def test_bins_tell_their_rows_mean_confidence_and_accuracy() -> None:
    low, middle, high, highest = reliability(CONFIDENCE, RIGHT, 5)
    assert (low, middle) == (Bin(0.0, 0.2, 1, 0.2, 0.0), Bin(0.4, 0.6, 2, pytest.approx(0.575), 0.5))
    assert (high, highest) == (Bin(0.6, 0.8, 2, 0.8, 0.5), Bin(0.8, 1.0, 1, 0.9, 1.0))


@pytest.mark.parametrize(("confidence", "low"), [(0.0, 0.0), (0.25, 0.0), (0.26, 0.25), (0.5, 0.25), (1.0, 0.75)])
def test_bins_are_open_below_and_closed_above(confidence: float, low: float) -> None:
    assert [found.low for found in reliability(np.array([confidence]), np.array([True]), 4)] == [low]


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_the_error_is_what_the_bins_show(rows: list[tuple[float, bool]]) -> None:
    confidence, right = (np.array(column) for column in zip(*rows, strict=True))
    bins = reliability(confidence, right)
    assert sum(one.rows for one in bins) == len(rows)
    shown = sum(one.rows * abs(one.confidence - one.accuracy) for one in bins) / len(rows)
    assert point(calibration_error(confidence, right), len(rows)) == pytest.approx(shown, abs=1e-9)


def test_accuracy_of_the_surest_rows_first() -> None:
    # The two of 0.8 stand for each other: half a hit each.
    assert coverage(CONFIDENCE, RIGHT, 6) == [
        Kept(1 / 6, 1.0), Kept(2 / 6, 1.5 / 2), Kept(3 / 6, 2 / 3), Kept(4 / 6, 2 / 4), Kept(5 / 6, 3 / 5),
        Kept(1.0, 3 / 6),
    ]  # fmt: skip


def test_the_order_of_rows_that_are_equally_sure_does_not_matter() -> None:
    turned = coverage(CONFIDENCE[::-1], RIGHT[::-1])
    assert [(kept.coverage, kept.accuracy) for kept in coverage(CONFIDENCE, RIGHT)] == [
        (kept.coverage, pytest.approx(kept.accuracy)) for kept in turned
    ]


def test_the_curve_has_at_most_twenty_points_and_ends_with_all_rows() -> None:
    assert [kept.coverage for kept in coverage(np.linspace(0, 1, 1000), np.ones(1000, bool))] == pytest.approx(
        [step / 20 for step in range(1, 21)]
    )
    assert coverage(np.array([0.3, 0.4, 0.5]), np.ones(3, bool)) == [Kept(1 / 3, 1.0), Kept(2 / 3, 1.0), Kept(1.0, 1.0)]


def test_leaving_out_what_is_flagged() -> None:
    unsure = np.array([False, False, False, True, True, True])
    assert without(unsure, RIGHT) == Kept(0.5, pytest.approx(2 / 3))
    assert without(~unsure, RIGHT) == Kept(0.5, pytest.approx(1 / 3))
    assert without(np.zeros(6, bool), RIGHT) == Kept(1.0, 0.5)
    assert without(np.ones(6, bool), RIGHT) is None
