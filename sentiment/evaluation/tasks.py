"""What each task reads of a row, takes of a score, and measures: texts without a target."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import numpy as np

from sentiment.evaluation import parsing
from sentiment.evaluation.choices import Choices, Sampling, choice_figures, grouped, measured, yes_no_figures
from sentiment.evaluation.measures import Bools, Floats, mean, multilabel
from sentiment.evaluation.parsing import Row
from sentiment.evaluation.results import ClassFigures, Figures
from sentiment.labels import POLARITY
from sentiment.scorer import Score, Text

Truth = TypeVar("Truth")


class NoHead(Exception):
    """The model does not answer this task's question at all."""


@dataclass(frozen=True, slots=True)
class Example(Generic[Truth]):
    """What is scored, and what is true of it."""

    text: Text
    truth: Truth


class Task(ABC, Generic[Truth]):
    """Takes the rows of one file, some at a time, and measures them at the end. Keeps numbers, not texts."""

    headline: ClassVar[str]

    def __init__(self, source: str) -> None:
        self.source = source
        self.langs: list[str] = []
        self.notes: list[str] = []

    @abstractmethod
    def parse(self, row: Row) -> Example[Truth]:
        """What to score, and the truth. Raises ValueError for a row that cannot be used."""

    @abstractmethod
    def take(self, examples: Sequence[Example[Truth]], scores: Sequence[Score]) -> None:
        """Keep what is measured of these. Raises NoHead."""

    @abstractmethod
    def figures(self, sampling: Sampling) -> Figures:
        """The figures of all that was taken, at least one row."""


class Polarity(Task[int]):
    """Negative, neutral or positive as a whole."""

    headline = "macro_f1"

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._truth: list[int] = []
        self._unsure: list[bool] = []
        self._chances: list[Floats] = []

    def parse(self, row: Row) -> Example[int]:
        """A text and its tone."""
        return Example(parsing.text(row), parsing.tone(row))

    def take(self, examples: Sequence[Example[int]], scores: Sequence[Score]) -> None:
        """Every model has this head."""
        self._truth += [example.truth for example in examples]
        self._chances.append(np.array([[score.polarity[name] for name in POLARITY] for score in scores]))
        self._unsure += [score.unsure for score in scores]
        self.langs += [score.lang for score in scores]

    def figures(self, sampling: Sampling) -> Figures:
        """Of three classes."""
        chances = np.concatenate(self._chances)
        rows = Choices(
            POLARITY, np.array(self._truth), chances.argmax(1), chances, self.langs, (), np.array(self._unsure)
        )
        return choice_figures(rows, self.headline, sampling)


class YesNo(Task[int]):
    """A question that the model answers with one probability; from 0.5 on that is a yes."""

    field: ClassVar[str]
    names: ClassVar[tuple[str, str]]

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._truth: list[int] = []
        self._chances: list[float] = []

    def parse(self, row: Row) -> Example[int]:
        """A text and 0 or 1."""
        return Example(parsing.text(row), parsing.yes(row))

    def take(self, examples: Sequence[Example[int]], scores: Sequence[Score]) -> None:
        """What the head of this name says."""
        for example, score in zip(examples, scores, strict=True):
            chance = getattr(score, self.field)
            if chance is None:
                raise NoHead
            self._truth.append(example.truth)
            self._chances.append(chance)
            self.langs.append(score.lang)

    def figures(self, sampling: Sampling) -> Figures:
        """Of two classes. The model's flag of being unsure is about tone and stance, so it does not count here."""
        chance = np.array(self._chances)
        rows = Choices(
            names=self.names,
            truth=np.array(self._truth),
            said=(chance >= 0.5).astype(np.int64),
            chances=np.stack((1 - chance, chance), axis=1),
            langs=self.langs,
            targets=(),
            unsure=None,
        )
        return yes_no_figures(rows, self.headline, sampling)


class Irony(YesNo):
    """Whether it is meant ironically. F1 of irony is what TweetEval (Barbieri et al. 2020) reports."""

    headline, field, names = "f1", "irony", ("plain", "ironic")


class Offensive(YesNo):
    """Whether it is offensive."""

    headline, field, names = "macro_f1", "offensive", ("civil", "offensive")


class Complaint(YesNo):
    """Whether it complains."""

    headline, field, names = "macro_f1", "complaint", ("none", "complaint")


class Relevance(YesNo):
    """Whether it is about the target at all."""

    headline, field, names = "auc", "relevance", ("other", "about it")

    def parse(self, row: Row) -> Example[int]:
        """A text, its target, and 0 or 1."""
        return Example(parsing.text_and_target(row), parsing.yes(row))


class Emotion(Task[frozenset[str]]):
    """Any number of emotions, each said from a probability of 0.5 on; measured are those that the file knows."""

    headline = "macro_f1"

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._truth: list[frozenset[str]] = []
        self._known: tuple[str, ...] = ()
        self._chances: list[Floats] = []

    def parse(self, row: Row) -> Example[frozenset[str]]:
        """A text and a list of emotions."""
        return Example(parsing.text(row), parsing.names(row))

    def take(self, examples: Sequence[Example[frozenset[str]]], scores: Sequence[Score]) -> None:
        """All that the head says; which of it is asked for shows at the end."""
        said = [score.emotions for score in scores if score.emotions is not None]
        if len(said) < len(scores):
            raise NoHead
        self._known = self._known or tuple(said[0])
        self._truth += [example.truth for example in examples]
        self._chances.append(np.array([[one[name] for name in self._known] for one in said]))
        self.langs += [score.lang for score in scores]

    def figures(self, sampling: Sampling) -> Figures:
        """Of the labels that occur in the file."""
        names = sorted(frozenset().union(*self._truth))
        unknown = [name for name in names if name not in self._known]
        if unknown:
            listed = ", ".join(map(parsing.shown, unknown))
            self.notes.append(f"the model does not know {listed}: counted as never said")
        chances = np.concatenate(self._chances)
        nothing = np.zeros(len(chances))
        probable = [chances[:, self._known.index(name)] if name in self._known else nothing for name in names]
        said = _matrix(probable, len(chances)) >= 0.5
        truth = _matrix([np.array([float(name in row) for row in self._truth]) for name in names], len(chances)) > 0
        usual = np.broadcast_to(truth.mean(0) > 0.5, truth.shape)
        measures = multilabel(truth, said)
        return Figures(
            headline=self.headline,
            figures=tuple(measured(measures, multilabel(truth, usual), len(truth), sampling)),
            languages=grouped(measures, self.langs),
            classes=_label_figures(names, truth, said),
        )


def _matrix(columns: Sequence[Floats], rows: int) -> Floats:
    """(rows, columns), of which there may be none."""
    return np.stack(columns, axis=1) if columns else np.zeros((rows, 0))


def _label_figures(names: Sequence[str], truth: Bools, said: Bools) -> tuple[ClassFigures, ...]:
    both, true, claimed = (truth & said).sum(0), truth.sum(0), said.sum(0)
    return tuple(
        ClassFigures(
            name=name,
            rows=int(true[place]),
            precision=float(mean(truth[said[:, place], place].astype(float))),
            recall=float(both[place] / true[place]),
            f1=float(2 * both[place] / (true[place] + claimed[place])),
        )
        for place, name in enumerate(names)
    )
