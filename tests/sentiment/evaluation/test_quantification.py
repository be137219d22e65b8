"""Shares by target and how far they are off."""

import math

import numpy as np
import pytest

from sentiment.evaluation.quantification import kld, quantify

NAMES = ("negative", "neutral", "positive")


def test_the_divergence_is_smoothed_with_half_a_row() -> None:
    # SemEval-2016 Task 4 D: epsilon is 1 / (2 * 10), added to each of three shares, which then sum to 1.15.
    p = [0.55 / 1.15, 0.35 / 1.15, 0.25 / 1.15]
    q = [0.05 / 1.15, 0.25 / 1.15, 0.85 / 1.15]
    by_hand = sum(a * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert kld(np.array([0.5, 0.3, 0.2]), np.array([0.0, 0.2, 0.8]), 10) == pytest.approx(by_hand)


def test_nothing_is_off_by_nothing_and_a_share_of_zero_is_no_infinity() -> None:
    shares = np.array([0.2, 0.0, 0.8])
    assert kld(shares, shares, 5) == 0
    assert 0 < kld(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 5) < math.inf


def test_shares_by_target() -> None:
    names = ["small", "b", "a", "a", "b", "a", "a", "b"]
    truth = np.array([0, 0, 2, 2, 1, 2, 0, 1])
    said = np.array([0, 0, 2, 2, 2, 2, 2, 1])
    chances = np.full((8, 3), 1 / 3)
    chances[2:4] = [0.0, 0.5, 0.5]
    found = quantify(names, truth, said, chances, NAMES, least=2)
    assert (found.left_out, found.least_rows, found.classes) == (1, 2, NAMES)
    first, second = found.targets
    assert (first.target, first.rows, second.target, second.rows) == ("a", 4, "b", 3)
    assert first.true == (0.25, 0.0, 0.75)
    assert first.counted == (0.0, 0.0, 1.0)
    assert first.averaged == pytest.approx((1 / 6, (0.5 + 1 / 3) / 2, (0.5 + 1 / 3) / 2))
    assert first.kld_counted == kld(np.array(first.true), np.array(first.counted), 4)
    assert first.kld_averaged == kld(np.array(first.true), np.array(first.averaged), 4)
    assert found.kld_counted == pytest.approx((first.kld_counted + second.kld_counted) / 2)
    assert found.kld_averaged == pytest.approx((first.kld_averaged + second.kld_averaged) / 2)
    everywhere = np.array([3, 2, 3]) / 8
    baseline = kld(np.array(first.true), everywhere, 4) + kld(np.array(second.true), everywhere, 3)
    assert found.kld_baseline == pytest.approx(baseline / 2)


def test_targets_with_too_few_rows_are_counted_but_not_shown() -> None:
    names = ["big"] * 20 + ["small"] * 19
    found = quantify(names, np.zeros(39, int), np.zeros(39, int), np.full((39, 3), 1 / 3), NAMES)
    assert [one.target for one in found.targets] == ["big"]
    assert found.left_out == 1
    none = quantify(names[20:], np.zeros(19, int), np.zeros(19, int), np.full((19, 3), 1 / 3), NAMES)
    assert (none.targets, none.kld_counted, none.kld_averaged, none.kld_baseline) == ((), None, None, None)


def test_as_many_rows_alike_are_ordered_by_name() -> None:
    nothing = np.zeros(4, int)
    found = quantify(["b", "a", "b", "a"], nothing, nothing, np.full((4, 3), 1 / 3), NAMES, least=1)
    assert [one.target for one in found.targets] == ["a", "b"]
