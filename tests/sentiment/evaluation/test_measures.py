"""Measures against answers worked out by hand, and against scikit-learn."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics

from sentiment.evaluation.measures import (
    auc,
    classification,
    confusions,
    f1s,
    macro_mae,
    multilabel,
    of_confusion,
    point,
    precisions,
    recalls,
    share,
    values,
)

Array = NDArray[Any]

rows_of_three = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=25)


def mae(truth: list[int], said: list[int], classes: int = 5) -> float:
    return point(of_confusion(np.array(truth), np.array(said), classes, mae=macro_mae)["mae"], len(truth))


def area(truth: list[int], scores: list[float]) -> float:
    return point(auc(np.array(truth) == 1, np.array(scores)), len(truth))


def test_the_confusion_has_the_truth_by_the_row() -> None:
    counts = confusions(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)(np.array([[1, 1, 1, 1], [0, 3, 0, 1]]))
    assert counts.tolist() == [[[1, 1, 0], [0, 1, 0], [1, 0, 0]], [[0, 3, 0], [0, 0, 0], [1, 0, 0]]]


def test_figures_of_a_confusion_worked_out_by_hand() -> None:
    confusion = np.array([[3.0, 1, 0], [2, 2, 0], [0, 0, 0]])
    assert precisions(confusion)[:2] == pytest.approx([3 / 5, 2 / 3])
    assert recalls(confusion)[:2] == pytest.approx([3 / 4, 2 / 4])
    assert f1s(confusion)[:2] == pytest.approx([6 / 9, 4 / 7])
    # The third class is never said and never true.
    assert np.isnan([precisions(confusion)[2], recalls(confusion)[2], f1s(confusion)[2]]).all()


def test_a_class_that_is_only_said_takes_from_the_others_but_is_not_averaged() -> None:
    found = values(classification(np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1]), 3), 4)
    assert found == pytest.approx({"macro_f1": (2 / 3 + 1) / 2, "macro_recall": (1 / 2 + 1) / 2, "accuracy": 3 / 4})


@settings(deadline=None, max_examples=25)
@given(rows_of_three)
def test_classification_is_what_scikit_learn_says_with_and_without_weights(rows: list[tuple[int, int, int]]) -> None:
    truth, said, weights = (np.array(column) for column in zip(*rows, strict=True))
    measures = classification(truth, said, 3)
    for each in (np.ones(len(rows)), weights.astype(float)):
        occur = np.unique(truth[each > 0])
        found = {name: measure(each[None]).item() for name, measure in measures.items()}
        if not len(occur):
            assert all(map(math.isnan, found.values()))
            continue
        told = {"labels": occur, "average": "macro", "sample_weight": each, "zero_division": 0.0}
        assert found == pytest.approx(
            {
                "macro_f1": metrics.f1_score(truth, said, **told),
                "macro_recall": metrics.recall_score(truth, said, **told),
                "accuracy": metrics.accuracy_score(truth, said, sample_weight=each),
            }
        )


def test_macro_mae_counts_rare_steps_as_much_as_common_ones() -> None:
    # SemEval-2017 Task 4 C. Step 0: errors 0, 0, 1, 3, mean 1. Step 2: error 2. Step 4: errors 4, 0, mean 2.
    truth, said = [0, 0, 0, 0, 2, 4, 4], [0, 0, 1, 3, 0, 0, 4]
    assert mae(truth, said) == pytest.approx((1 + 2 + 2) / 3)
    assert mae(truth, truth) == 0
    assert mae([0], [4]) == 4


def test_the_area_is_how_often_a_positive_row_is_above_a_negative_one() -> None:
    # Of six pairs: 0.8 is above all three; 0.3 is above 0.1, equal to 0.3, below 0.5.
    assert area([1, 1, 0, 0, 0], [0.8, 0.3, 0.1, 0.3, 0.5]) == pytest.approx((3 + 1 + 1 / 2) / 6)
    assert area([0, 1], [0.0, 1.0]) == 1
    assert area([1, 0], [0.0, 1.0]) == 0
    assert area([1, 0, 0], [0.5, 0.5, 0.5]) == 0.5


@pytest.mark.parametrize("truth", [[], [1, 1], [0, 0]])
def test_there_is_no_area_without_both_kinds(truth: list[int]) -> None:
    assert math.isnan(area(truth, [0.5] * len(truth)))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3), st.integers(0, 3)), min_size=2, max_size=25))
def test_the_area_is_what_scikit_learn_says_with_ties_and_weights(rows: list[tuple[bool, int, int]]) -> None:
    truth, scores, weights = (np.array(column) for column in zip(*rows, strict=True))
    found = auc(truth, scores / 3)(np.stack((np.ones(len(rows)), weights)))
    for each, mine in zip((np.ones(len(rows)), weights), found, strict=True):
        kept = each > 0
        if len(np.unique(truth[kept])) < 2:
            assert math.isnan(mine)
        else:
            assert mine == pytest.approx(metrics.roc_auc_score(truth[kept], scores[kept], sample_weight=each[kept]))


def test_labels_worked_out_by_hand() -> None:
    truth = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 0]], dtype=bool)
    said = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 1], [0, 1, 0]], dtype=bool)
    # First label: found once of two, claimed once. Second: found twice of two, claimed three times. Third: never true.
    assert values(multilabel(truth, said), 4) == pytest.approx(
        {"macro_f1": (2 / 3 + 4 / 5) / 2, "micro_f1": 2 * 3 / (4 + 5), "subset_accuracy": 2 / 4}
    )


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 20), st.integers(0, 10**6))
def test_labels_are_what_scikit_learn_says(many: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    truth, said = generator.random((2, many, 4)) < 0.3
    found = values(multilabel(truth, said), many)
    occur = np.flatnonzero(truth.any(0))
    if not len(occur):
        assert math.isnan(found["macro_f1"])
    else:
        told = metrics.f1_score(truth, said, labels=occur, average="macro", zero_division=0.0)
        assert found["macro_f1"] == pytest.approx(told)
    if truth.any() or said.any():
        assert found["micro_f1"] == pytest.approx(metrics.f1_score(truth, said, average="micro"))
    else:
        assert math.isnan(found["micro_f1"])
    assert found["subset_accuracy"] == pytest.approx(metrics.accuracy_score(truth, said))


def test_a_share_is_a_weighted_mean() -> None:
    assert share(np.array([1.0, 0, 0.5]))(np.array([[1, 1, 0], [1, 0, 2]])) == pytest.approx([1 / 2, 2 / 3])


@pytest.mark.parametrize(
    "measures",
    [
        classification(np.array([0, 1]), np.array([1, 1]), 3),
        of_confusion(np.array([0, 1]), np.array([1, 1]), 3, macro_mae=macro_mae),
        multilabel(np.array([[True], [False]]), np.array([[True], [True]])),
        {"auc": auc(np.array([True, False]), np.array([0.1, 0.2])), "share": share(np.array([1.0, 0]))},
    ],
)
def test_of_no_rows_every_figure_is_nan_and_none_a_warning(measures: dict[str, Any]) -> None:
    found = [measure(np.array([[0.0, 0], [1, 1]])) for measure in measures.values()]
    assert all(math.isnan(none) for none, _ in found)
    assert not any(math.isnan(both) for _, both in found)
