"""Measures of predictions as functions of row weights, so that one piece of code gives every figure.

Weights are (many, rows); what comes back has one entry for each of the `many`: ones give the figure of all rows, 0
and 1 that of some of them (one language), and the counts of a resample that of a bootstrap. A figure that is not
defined there (no row left, one class only) is NaN, never a warning.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Measure = Callable[[Floats], Floats]
"""Weights (many, rows) to values (many,), or to a matrix for each."""


def values(measures: Mapping[str, Measure], rows: int) -> dict[str, float]:
    """The figures of all rows by name."""
    return {name: point(measure, rows) for name, measure in measures.items()}


def point(measure: Measure, rows: int) -> float:
    """The figure of all rows, NaN where it is not defined."""
    return float(measure(np.ones((1, rows)))[0])


def confusions(truth: Ints, said: Ints, classes: int) -> Measure:
    """Counts (many, classes, classes) for weights: the true class by the row, the said one by the column."""
    cells = np.zeros((len(truth), classes * classes))
    cells[np.arange(len(truth)), truth * classes + said] = 1
    return lambda weights: (weights @ cells).reshape(-1, classes, classes)


def classification(truth: Ints, said: Ints, classes: int) -> dict[str, Measure]:
    """`macro_f1`, `macro_recall` and `accuracy` of classes 0, 1, ..., averaged over those that occur in the truth."""
    return of_confusion(truth, said, classes, macro_f1=macro_f1, macro_recall=macro_recall, accuracy=accuracy)


def of_confusion(truth: Ints, said: Ints, classes: int, **figures: Callable[[Floats], Floats]) -> dict[str, Measure]:
    """Measures by name out of figures of a confusion matrix."""
    counted = confusions(truth, said, classes)

    def of(figure: Callable[[Floats], Floats]) -> Measure:
        return lambda weights: figure(counted(weights))

    return {name: of(figure) for name, figure in figures.items()}


def precisions(confusion: Floats) -> Floats:
    """Of what is said to be a class, the share that is: (..., classes), NaN where it is never said."""
    return over(_diagonal(confusion), confusion.sum(-2))


def recalls(confusion: Floats) -> Floats:
    """Of what is a class, the share that is found: (..., classes), NaN for classes that do not occur."""
    return over(_diagonal(confusion), confusion.sum(-1))


def f1s(confusion: Floats) -> Floats:
    """F1 by class: (..., classes), NaN for classes that do not occur in the truth."""
    found = 2 * over(_diagonal(confusion), confusion.sum(-1) + confusion.sum(-2))
    return np.where(confusion.sum(-1) > 0, found, np.nan)


def macro_f1(confusion: Floats) -> Floats:
    """Mean F1 over the classes that occur."""
    return mean(f1s(confusion))


def macro_recall(confusion: Floats) -> Floats:
    """Mean recall over the classes that occur (SemEval-2017 Task 4 A, Rosenthal et al. 2017)."""
    return mean(recalls(confusion))


def accuracy(confusion: Floats) -> Floats:
    """Share of rows that are right."""
    return over(_diagonal(confusion).sum(-1), confusion.sum((-1, -2)))


def macro_mae(confusion: Floats) -> Floats:
    """Mean absolute error in steps of each true step, averaged over the steps that occur; lower is better.

    SemEval-2017 Task 4 C (Rosenthal et al. 2017), after Baccianella et al. 2009: rare steps count as much as common
    ones.
    """
    steps = np.arange(confusion.shape[-1])
    errors = (confusion * np.abs(steps[:, None] - steps)).sum(-1)
    return mean(over(errors, confusion.sum(-1)))


def auc(truth: Bools, scores: Floats) -> Measure:
    """Area under the ROC curve: how often a positive row scores above a negative one, ties counting half.

    NaN where either kind is absent. The rank sum of Mann and Whitney, with weights.
    """
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.concatenate(([True], ranked[1:] > ranked[:-1]))[: len(ranked)])  # there may be none

    def measure(weights: Floats) -> Floats:
        sorted_weights = weights[:, order]
        positive = np.add.reduceat(sorted_weights * truth[order], starts, axis=1)
        negative = np.add.reduceat(sorted_weights * ~truth[order], starts, axis=1)
        below = negative.cumsum(1) - negative
        pairs = positive.sum(1) * negative.sum(1)
        return over((positive * (below + negative / 2)).sum(1), pairs)

    return measure


def multilabel(truth: Bools, said: Bools) -> dict[str, Measure]:
    """`macro_f1` over the labels that occur, `micro_f1` over all decisions, `subset_accuracy`: the share of rows with
    all labels right. Truth and said are (rows, labels).
    """

    def by_label(weights: Floats) -> tuple[Floats, Floats, Floats]:
        return weights @ (truth & said), weights @ truth.astype(float), weights @ said.astype(float)

    def macro(weights: Floats) -> Floats:
        return mean(label_f1s(*by_label(weights)))

    def micro(weights: Floats) -> Floats:
        both, true, claimed = (counts.sum(1) for counts in by_label(weights))
        return over(2 * both, true + claimed)

    whole = (truth == said).all(1).astype(float)
    return {"macro_f1": macro, "micro_f1": micro, "subset_accuracy": share(whole)}


def label_f1s(both: Floats, true: Floats, claimed: Floats) -> Floats:
    """F1 from how often a label is both true and claimed, true, and claimed; NaN where it is never true."""
    return np.where(true > 0, over(2 * both, true + claimed), np.nan)


def share(right: Floats) -> Measure:
    """Mean of a value of each row, as of 1 for right and 0 for wrong."""
    return lambda weights: over(weights @ right, weights.sum(1))


def mean(values: Floats) -> Floats:
    """Mean over the last axis of what is defined there."""
    defined = ~np.isnan(values)
    return over(np.where(defined, values, 0).sum(-1), defined.sum(-1))


def _diagonal(confusion: Floats) -> Floats:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def over(part: Floats, whole: Floats) -> Floats:
    """The quotient, NaN where there is nothing to divide by."""
    found: Floats = np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=np.asarray(whole) > 0)
    return found
