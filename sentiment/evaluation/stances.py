"""What each task that asks about a target reads, takes and measures: stances, marks, and contrast pairs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sentiment.evaluation import parsing
from sentiment.evaluation.choices import (
    Choices,
    Sampling,
    confusion,
    described,
    grouped,
    majority,
    measured,
    numbered,
    with_more,
)
from sentiment.evaluation.measures import (
    Bools,
    Floats,
    Ints,
    Measure,
    accuracy,
    auc,
    classification,
    macro_mae,
    of_confusion,
    share,
)
from sentiment.evaluation.parsing import Row
from sentiment.evaluation.results import Confusion, Figures, Group
from sentiment.evaluation.tasks import Example, Task, Truth
from sentiment.labels import POLARITY, STEPS, steps_of_polarity
from sentiment.scorer import Score, Text

LABELS = ("detractor", "passive", "promoter")
SIDES = POLARITY  # what a stance leans to is called as the tone of a text is

USUAL: dict[str, str] = {"semeval2017c": "macro_mae", "mams": "accuracy"}
"""Sets whose publications report another measure than macro F1."""


class Toward(Task[Truth]):
    """Keeps what the model says about the target: the distribution over steps, and the label."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.truth: list[Truth] = []
        self.targets: list[str] = []
        self._steps: list[Floats] = []
        self._labels: list[int] = []
        self._unsure: list[bool] = []
        self._stand_ins = 0

    def take(self, examples: Sequence[Example[Truth]], scores: Sequence[Score]) -> None:
        """Where there is no stance, the polarity stands in, as it does for the label; that is noted."""
        stances = [score.stance or steps_of_polarity(score.polarity) for score in scores]
        self._stand_ins += sum(score.stance is None for score in scores)
        self._steps.append(np.array([[stance.get(step, 0.0) for step in STEPS] for stance in stances]))
        self._labels += [LABELS.index(score.label) if score.label else -1 for score in scores]
        self._unsure += [score.unsure for score in scores]
        self.langs += [score.lang for score in scores]
        self.truth += [example.truth for example in examples]
        self.targets += [example.text.target or "" for example in examples]

    @property
    def steps(self) -> Floats:
        """Probabilities (rows, 5)."""
        return np.concatenate(self._steps)

    def sides(self, truth: Ints, steps: Floats, targets: Sequence[str]) -> Choices:
        """The three sides as a choice."""
        chances = np.stack((steps[:, :2].sum(1), steps[:, 2], steps[:, 3:].sum(1)), axis=1)
        return Choices(SIDES, truth, chances.argmax(1), chances, self.langs, targets, np.array(self._unsure))

    def label_measures(self, truth: Ints) -> tuple[dict[str, Measure], dict[str, Measure], list[Confusion]]:
        """Of the labels promoter, passive and detractor: measures, the baseline's, and the confusion matrix.

        `truth` counts through LABELS. Empty where some rows have no label, for want of a target.
        """
        said = np.array(self._labels)
        if (said < 0).any():
            self.notes.append("some rows name no target, so they have no label: the labels are not measured")
            return {}, {}, []
        found, constant = (_of_labels(truth, one) for one in (said, majority(truth)))
        return found, constant, [confusion("label", LABELS, truth, said)]

    def note_stand_ins(self) -> None:
        """Say how often the polarity stood in."""
        if self._stand_ins:
            self.notes.append(
                f"{self._stand_ins:,} rows got no stance (no target, or a model without that head): their polarity "
                "stands in"
            )


@dataclass(frozen=True, slots=True)
class Stance:
    """A true step, and whether its source tells all five apart or only the sides."""

    step: int
    exact: bool


class Stances(Toward[Stance]):
    """Against, neither or for; five steps where the file has them; promoter, passive or detractor."""

    headline = "macro_f1"

    def parse(self, row: Row) -> Example[Stance]:
        """A text, its target, a step from -2 to 2; `scale` 5 says that all steps were used."""
        return Example(parsing.text_and_target(row), Stance(parsing.step(row), row.get("scale") == 5))

    def figures(self, sampling: Sampling) -> Figures:
        """Of the sides first."""
        self.note_stand_ins()
        steps = self.steps
        truth = np.array([stance.step for stance in self.truth])
        side = np.sign(truth) + 1
        rows = self.sides(side, steps, self.targets)
        measures = classification(side, rows.said, 3)
        constant = classification(side, majority(side), 3)
        matrices = []
        exact = np.flatnonzero([stance.exact for stance in self.truth])
        if len(exact):
            of_five, of_constant, matrix = _five_steps(truth[exact] + 2, steps[exact])
            measures |= {name: _within(exact, measure) for name, measure in of_five.items()}
            constant |= {name: _within(exact, measure) for name, measure in of_constant.items()}
            matrices.append(matrix)
        of_labels, of_constant, more = self.label_measures(side)
        measures |= of_labels
        constant |= of_constant
        usual = USUAL.get(self.source, self.headline)
        headline = usual if usual in measures else self.headline
        found = described(rows, headline, measured(measures, constant, len(side), sampling), measures)
        return with_more(found, (), [*matrices, *more])


class Ratings(Toward[float]):
    """Marks from 0 to 10: whether the expected step tells promoters (9 and more) from detractors (below 7)."""

    headline = "auc"

    def parse(self, row: Row) -> Example[float]:
        """A text, its target where it names one, and a score. A hotel review without a target is about the hotel."""
        text = parsing.about(row)
        if text.target is None and self.source.startswith("hotels"):
            text = Text(text.text, "hotel", text.lang)
        return Example(text, parsing.mark(row))

    def figures(self, sampling: Sampling) -> Figures:
        """AUC, and the three labels against those that the marks stand for."""
        self.note_stand_ins()
        marks = np.array(self.truth)
        promoter, detractor = marks >= 9, marks < 7
        ends = np.flatnonzero(promoter | detractor)
        expected = self.steps @ np.arange(-2, 3)
        # Of a constant nothing can be told: half.
        flat = np.zeros(len(ends))
        measures = {"auc": _within(ends, auc(promoter[ends], expected[ends]))}
        constant = {"auc": _within(ends, auc(promoter[ends], flat))}
        of_labels, of_constant, matrices = self.label_measures(np.where(promoter, 2, np.where(detractor, 0, 1)))
        measures |= of_labels
        constant |= of_constant
        return Figures(
            headline=self.headline,
            figures=tuple(measured(measures, constant, len(marks), sampling)),
            languages=grouped(measures, self.langs),
            confusions=tuple(matrices),
        )


@dataclass(frozen=True, slots=True)
class Member:
    """One of the two rows of a contrast pair."""

    pair: str
    kind: str
    side: int


class Contrast(Toward[Member]):
    """Pairs of rows that differ in little but the stance: right is who gets both, by the side the stance favours."""

    headline = "both_right"

    def parse(self, row: Row) -> Example[Member]:
        """A text, its target, a label -1, 0 or 1, the pair's id, and the kind of contrast."""
        text = parsing.text_and_target(row)
        return Example(text, Member(parsing.name(row, "pair"), parsing.name(row, "kind"), parsing.step(row, 1)))

    def figures(self, sampling: Sampling) -> Figures:
        """Of whole pairs; resamples draw pairs."""
        self.note_stand_ins()
        counts = Counter(member.pair for member in self.truth)
        whole = np.array([counts[member.pair] == 2 for member in self.truth])
        if not whole.all():
            self.notes.append(f"{(~whole).sum():,} rows are not one of a pair of two: they count as rows only")
        truth = np.array([member.side + 1 for member in self.truth])
        rows = self.sides(truth, self.steps, ())
        # A pair that is not whole cannot have both right.
        names, pair = numbered([member.pair for member in self.truth])
        measures = _of_pairs(truth, rows.said, pair, whole)
        constant = _of_pairs(truth, majority(truth), pair, whole)
        first = np.unique(pair, return_index=True)[1]
        members = np.bincount(pair)

        def groups(of: Sequence[str]) -> tuple[Group, ...]:
            """By what the first member of each pair is; in rows."""
            by_pair = np.array(of, dtype=object)[first]
            found = grouped(measures, by_pair.tolist())
            return tuple(replace(one, rows=int(members[by_pair == one.name].sum())) for one in found)

        found = described(rows, self.headline, measured(measures, constant, len(names), sampling), {})
        return replace(found, languages=groups(self.langs), kinds=groups([member.kind for member in self.truth]))


def _of_pairs(truth: Ints, said: Ints, pair: Ints, whole: Bools) -> dict[str, Measure]:
    """Measures of weights of pairs (many, pairs); `pair` is the number of each row's pair."""
    right = (truth == said).astype(float)
    both = (np.bincount(pair, weights=right * whole) == 2).astype(float)
    complete = np.flatnonzero(np.bincount(pair, weights=whole) == 2)
    by_row = classification(truth, said, 3)

    def of_rows(measure: Measure) -> Measure:
        return lambda weights: measure(weights[:, pair])

    return {
        "both_right": _within(complete, share(both[complete])),
        **{name: of_rows(measure) for name, measure in by_row.items()},
    }


def _of_labels(truth: Ints, said: Ints) -> dict[str, Measure]:
    found = classification(truth, said, 3)
    return {"label_macro_f1": found["macro_f1"], "label_accuracy": found["accuracy"]}


def _five_steps(truth: Ints, steps: Floats) -> tuple[dict[str, Measure], dict[str, Measure], Confusion]:
    """Of exact steps (0 to 4): measures, those of the baseline, and the confusion matrix of the median step."""
    median = (steps.cumsum(1) < 0.5).sum(1).clip(0, 4)
    likeliest = steps.argmax(1)
    usual = majority(truth)

    def of(middle: Ints, best: Ints) -> dict[str, Measure]:
        return {
            **of_confusion(truth, middle, 5, macro_mae=macro_mae),
            **of_confusion(truth, best, 5, five_step_accuracy=accuracy),
        }

    return of(median, likeliest), of(usual, usual), confusion("median step", STEPS, truth, median)


def _within(rows: Ints, measure: Measure) -> Measure:
    """A measure of some of the rows, as one of the weights of all rows."""
    return lambda weights: measure(weights[:, rows])
