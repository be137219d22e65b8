"""Runs a model over labelled files: rows in, some at a time, figures out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from sentiment.evaluation.choices import Sampling
from sentiment.evaluation.results import Broken, FileResult
from sentiment.evaluation.stances import Contrast, Ratings, Stances
from sentiment.evaluation.tasks import Complaint, Emotion, Example, Irony, NoHead, Offensive, Polarity, Relevance, Task
from sentiment.scorer import Scorer

TASKS: Mapping[str, type[Task[Any]]] = {
    "polarity": Polarity,
    "stance": Stances,
    "rating": Ratings,
    "emotion": Emotion,
    "irony": Irony,
    "offensive": Offensive,
    "complaint": Complaint,
    "relevance": Relevance,
    "contrast": Contrast,
}

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"
"""What Escucha brings along to be measured on."""

CHUNK = 512
"""Rows in memory at a time; of all others only labels and probabilities are kept."""

SHOWN = 5
"""Broken rows that are told one by one."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One labelled file: where it is from, and its rows, in which the broken ones have their place.

    `rows` is how many the file has; `entries` are those that are to be measured.
    """

    file: str
    task: str
    source: str
    sha256: str
    rows: int
    entries: Iterable[tuple[int, Mapping[str, Any]] | Broken]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Left:
    """Rows that could not be used."""

    many: int = 0
    first: list[Broken] = field(default_factory=list)

    def add(self, broken: Broken) -> None:
        self.many += 1
        if len(self.first) < SHOWN:
            self.first.append(broken)


def evaluate_file(
    scorer: Scorer, dataset: Dataset, sampling: Sampling, progress: Callable[[int], None] | None = None
) -> FileResult:
    """The figures of one file. `progress` is told how many more rows are done.

    Rows that break the task's contract are counted and the first of them kept; where the model lacks the head, or no
    row can be used, there are no figures but a note.
    """
    task = TASKS[dataset.task](dataset.source)
    left = _Left()
    measured = 0
    missing = False
    try:
        for examples, seen in _chunks(task, dataset.entries, left):
            if examples:
                task.take(examples, scorer.score([example.text for example in examples]))
                measured += len(examples)
            if progress:
                progress(seen)
    except NoHead:
        missing, measured = True, 0
    figures = task.figures(sampling) if measured else None
    notes = [*dataset.notes, *task.notes]
    if missing:
        notes.append("this model has no such head")
    elif not measured:
        notes.append("no row that can be measured")
    return FileResult(
        file=dataset.file,
        task=dataset.task,
        source=dataset.source,
        sha256=dataset.sha256,
        rows=dataset.rows,
        measured=measured,
        broken=left.many,
        first_broken=tuple(left.first),
        notes=tuple(notes),
        figures=figures,
    )


def _chunks(
    task: Task[Any], entries: Iterable[tuple[int, Mapping[str, Any]] | Broken], left: _Left
) -> Iterator[tuple[Sequence[Example[Any]], int]]:
    """Examples that can be used (there may be none), with the number of entries they were found among."""
    reading = iter(entries)
    while chunk := list(islice(reading, CHUNK)):
        examples = []
        for entry in chunk:
            if isinstance(entry, Broken):
                left.add(entry)
                continue
            line, row = entry
            try:
                examples.append(task.parse(row))
            except ValueError as error:
                left.add(Broken(line, str(error)))
        yield examples, len(chunk)
