"""Figures of questions with one answer out of a few: polarity, the sides of a stance, yes or no."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sentiment.evaluation.bootstrap import intervals
from sentiment.evaluation.calibration import calibration_error, coverage, reliability, without
from sentiment.evaluation.measures import (
    Bools,
    Floats,
    Ints,
    Measure,
    auc,
    classification,
    confusions,
    f1s,
    point,
    precisions,
    recalls,
)
from sentiment.evaluation.quantification import quantify
from sentiment.evaluation.results import ClassFigures, Confusion, Figure, Figures, Group


@dataclass(frozen=True, slots=True)
class Sampling:
    """How intervals are drawn: `resamples` (0 for none) from `seed`, `level` of them within."""

    resamples: int = 1000
    seed: int = 1
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Choices:
    """Rows with one answer each: `truth` and `said` (rows,) count through `names`, `chances` is (rows, names).

    `langs` and `targets` (empty: nobody asked about one) have an entry for each row; `unsure` is the model's own flag,
    None where it is about something else.
    """

    names: tuple[str, ...]
    truth: Ints
    said: Ints
    chances: Floats
    langs: Sequence[str]
    targets: Sequence[str]
    unsure: Bools | None

    @property
    def right(self) -> Bools:
        """Which rows are."""
        found: Bools = self.truth == self.said
        return found

    @property
    def confidence(self) -> Floats:
        """The probability of what was said."""
        found: Floats = self.chances[np.arange(len(self.said)), self.said]
        return found


def choice_figures(rows: Choices, headline: str, sampling: Sampling) -> Figures:
    """Macro F1, macro recall and accuracy with all that goes with them."""
    measures = classification(rows.truth, rows.said, len(rows.names))
    constant = classification(rows.truth, majority(rows.truth), len(rows.names))
    return described(rows, headline, measured(measures, constant, len(rows.truth), sampling), measures)


def yes_no_figures(rows: Choices, headline: str, sampling: Sampling) -> Figures:
    """The same of a question answered by one probability, with F1 of yes (class 1) and AUC."""

    def of(said: Ints, scores: Floats) -> dict[str, Measure]:
        measures = classification(rows.truth, said, 2)
        counted = confusions(rows.truth, said, 2)
        return {"f1": lambda weights: f1s(counted(weights))[:, 1], **measures, "auc": auc(rows.truth == 1, scores)}

    measures = of(rows.said, rows.chances[:, 1])
    constant = of(majority(rows.truth), np.zeros(len(rows.truth)))
    return described(rows, headline, measured(measures, constant, len(rows.truth), sampling), measures)


def described(rows: Choices, headline: str, figures: Sequence[Figure], measures: Mapping[str, Measure]) -> Figures:
    """These figures with everything that is told of any choice beside them."""
    confidence, right = rows.confidence, rows.right
    return Figures(
        headline=headline,
        figures=tuple(figures),
        languages=grouped(measures, rows.langs),
        classes=class_figures(rows.names, rows.truth, rows.said),
        confusions=(confusion("", rows.names, rows.truth, rows.said),),
        calibration_error=point(calibration_error(confidence, right), len(right)),
        reliability=tuple(reliability(confidence, right)),
        coverage=tuple(coverage(confidence, right)),
        without_unsure=without(rows.unsure, right) if rows.unsure is not None else None,
        quantification=(
            quantify(rows.targets, rows.truth, rows.said, rows.chances, rows.names) if rows.targets else None
        ),
    )


def with_more(found: Figures, figures: Sequence[Figure], confusions: Sequence[Confusion] = ()) -> Figures:
    """With further figures and confusion matrices after its own."""
    return replace(found, figures=(*found.figures, *figures), confusions=(*found.confusions, *confusions))


def measured(
    measures: Mapping[str, Measure], baseline: Mapping[str, Measure], units: int, sampling: Sampling
) -> list[Figure]:
    """A figure for each measure, with its interval and what the measure of the same name says of the baseline."""
    around = intervals(measures, units, resamples=sampling.resamples, seed=sampling.seed, level=sampling.level)
    figures = []
    for name, measure in measures.items():
        interval = around[name]
        figures.append(
            Figure(
                name,
                point(measure, units),
                interval.low if interval else None,
                interval.high if interval else None,
                point(baseline[name], units) if name in baseline else None,
            )
        )
    return figures


def grouped(measures: Mapping[str, Measure], names: Sequence[str]) -> tuple[Group, ...]:
    """The measures of the rows of each name (a language), most rows first."""
    values, place = numbered(names)
    counts = np.bincount(place, minlength=len(values))
    weights = (place == np.arange(len(values))[:, None]).astype(float)
    found = {name: measure(weights).tolist() for name, measure in measures.items()}
    groups = [
        Group(value, int(counts[number]), {name: values[number] for name, values in found.items()})
        for number, value in enumerate(values)
    ]
    return tuple(sorted(groups, key=lambda group: (-group.rows, group.name)))


def numbered(names: Sequence[str]) -> tuple[list[str], Ints]:
    """The different names in order, and of each row which one it is.

    Not `np.unique`: an array of strings takes the room of its longest one for every row.
    """
    values = sorted(set(names))
    number = {name: place for place, name in enumerate(values)}
    return values, np.array([number[name] for name in names], dtype=np.int64)


def majority(truth: Ints) -> Ints:
    """The commonest class, said of every row."""
    return np.full(len(truth), np.bincount(truth).argmax())


def class_figures(names: Sequence[str], truth: Ints, said: Ints) -> tuple[ClassFigures, ...]:
    """Precision, recall and F1 of each class."""
    counts = confusions(truth, said, len(names))(np.ones((1, len(truth))))[0]
    parts = (counts.sum(1).astype(int), precisions(counts), recalls(counts), f1s(counts))
    return tuple(
        ClassFigures(name, int(rows), float(precision), float(recall), float(f1))
        for name, rows, precision, recall, f1 in zip(names, *parts, strict=True)
    )


def confusion(title: str, names: Sequence[str], truth: Ints, said: Ints) -> Confusion:
    """The confusion matrix as counts."""
    counts = confusions(truth, said, len(names))(np.ones((1, len(truth))))[0].astype(int)
    return Confusion(title, tuple(names), tuple(tuple(row) for row in counts.tolist()))
