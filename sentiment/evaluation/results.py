"""What an evaluation came to: plain values, for the report and the JSON alike. docs/evaluation.md has the shape."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sentiment.evaluation.calibration import Bin, Kept
from sentiment.evaluation.quantification import Quantification

FORMAT = 1

TITLES: Mapping[str, str] = {
    "macro_f1": "macro F1",
    "macro_recall": "macro recall",
    "accuracy": "accuracy",
    "macro_mae": "macro MAE",
    "five_step_accuracy": "accuracy of five steps",
    "label_macro_f1": "macro F1 of the label",
    "label_accuracy": "accuracy of the label",
    "f1": "F1 of class 1",
    "auc": "AUC",
    "micro_f1": "micro F1",
    "subset_accuracy": "all labels right",
    "both_right": "both members right",
}
"""Measures by name, and what people call them."""

IN_STEPS = frozenset({"macro_mae"})
"""Measures in steps of the stance, of which less is better; all others are shares, of which more is better."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure of all rows: its value, the interval around it, and what the majority baseline has."""

    name: str
    value: float
    low: float | None
    high: float | None
    baseline: float | None


@dataclass(frozen=True, slots=True)
class Group:
    """The measures of some of the rows: those of one language, or of one kind of contrast pair."""

    name: str
    rows: int
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One class or label: how often it occurs, and how well it is found. NaN where it is not defined."""

    name: str
    rows: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Confusion:
    """`counts[i][j]`: rows of class `names[i]` that were said to be `names[j]`."""

    title: str
    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """All that is measured on the rows of one file. What does not fit its task is None or empty."""

    headline: str
    figures: tuple[Figure, ...]
    languages: tuple[Group, ...]
    kinds: tuple[Group, ...] = ()
    classes: tuple[ClassFigures, ...] = ()
    confusions: tuple[Confusion, ...] = ()
    calibration_error: float | None = None
    reliability: tuple[Bin, ...] = ()
    coverage: tuple[Kept, ...] = ()
    without_unsure: Kept | None = None
    quantification: Quantification | None = None

    @property
    def headline_figure(self) -> Figure:
        """The one that stands for the file."""
        return next(figure for figure in self.figures if figure.name == self.headline)


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that was left out."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class FileResult:
    """One file. `figures` is None where nothing could be measured; the notes say why."""

    file: str
    task: str
    source: str
    sha256: str
    rows: int  # in the file
    measured: int
    broken: int
    first_broken: tuple[Broken, ...] = ()
    notes: tuple[str, ...] = ()
    figures: Figures | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A whole run. `settings` is what was asked for, by name."""

    model: str
    revision: str
    escucha: str
    date: datetime
    settings: Mapping[str, Any]
    files: tuple[FileResult, ...]
    skipped: tuple[str, ...] = field(default=())  # files that were passed over, and why

    @property
    def broken(self) -> int:
        """Rows that were left out, of all files."""
        return sum(file.broken for file in self.files)

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON: what is not defined is None."""
        found: dict[str, Any] = _plain(
            {"format": FORMAT, **asdict(self), "date": self.date.isoformat(timespec="seconds")}
        )
        return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
