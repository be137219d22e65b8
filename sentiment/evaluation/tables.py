"""A team's own labelled CSV: what its columns and labels are called in many places, read as rows of a task."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentiment.evaluation.lines import DataUnusable, Sample, lines, listed, named
from sentiment.evaluation.parsing import shown
from sentiment.evaluation.results import Broken
from sentiment.labels import POLARITY

NAMES: Mapping[str, tuple[str, ...]] = {
    "text": ("text",),
    "label": ("label", "sentiment", "polarity", "stance"),
    "score": ("score",),
    "target": ("target", "brand"),
    "lang": ("lang", "language"),
}
"""What each column may be called, in any case; the first that there is counts."""

STEPS: Mapping[str, int] = {
    "negative": -1, "negativo": -1, "detractor": -1,
    "neutral": 0, "neutro": 0, "passive": 0, "pasivo": 0,
    "positive": 1, "positivo": 1, "promoter": 1, "promotor": 1,
}  # fmt: skip

TASKS = ("polarity", "stance", "rating", "irony", "offensive", "complaint", "relevance")
"""What a row of a table can be labelled for."""

DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV whose header was read and whose rows were counted; iterated over, it is read anew."""

    path: Path
    task: str
    source: str
    delimiter: str
    columns: Mapping[str, int]
    width: int
    scale: int
    rows: int
    sample: Sample

    def __iter__(self) -> Iterator[tuple[int, Mapping[str, Any]] | Broken]:
        """The rows that are to be measured, in order. Raises DataUnusable where the file is not what it was."""
        for place, (line, fields) in enumerate(_records(self.path, self.delimiter)):
            if self.sample.takes(place):
                try:
                    yield line, self._row(fields)
                except ValueError as error:
                    yield Broken(line, str(error))

    def _row(self, fields: list[str]) -> dict[str, Any]:
        if len(fields) < self.width or any(field.strip() for field in fields[self.width :]):
            held = " with line ends among them: was a quote left open?" if any("\n" in one for one in fields) else ""
            raise ValueError(f"the row has {len(fields)} fields, the header names {self.width}{held}")
        row: dict[str, Any] = {"text": fields[self.columns["text"]], "source": self.source}
        for name in ("target", "lang"):
            if name in self.columns and (value := fields[self.columns[name]].strip()):
                row[name] = value
        if self.task == "rating":
            return row | {"score": _mark(fields[self.columns["score"]])}
        label = fields[self.columns["label"]]
        if self.task == "stance":
            return row | {"label": _step(label), "scale": self.scale}
        if self.task == "polarity":
            step = _step(label)
            return row | {"label": POLARITY[(step > 0) - (step < 0) + 1]}
        return row | {"label": _yes(label)}


def table(path: Path, source: str, task: str | None = None, limit: int | None = None) -> Table:
    """A CSV, gone through once. Without a task its columns tell it: polarity, stance (with a target) or rating.

    Raises DataUnusable for an encoding other than UTF-8, a column that is missing and quoting that is broken.
    """
    names, delimiter = _header(path)
    columns = {
        name: names.index(found)
        for name, usual in NAMES.items()
        if (found := next((one for one in usual if one in names), None))
    }
    _check(path, names, columns)
    rows = 0
    most = 0
    given = dict.fromkeys(columns, False)
    for _, fields in _records(path, delimiter):
        rows += 1
        for name, place in columns.items():
            value = fields[place].strip() if place < len(fields) else ""
            given[name] = given[name] or bool(value)
            if name == "label" and most < 2 and value:
                most = max(most, _size(value))
    task = task or _task(given)
    needed = {"rating": ["score"], "stance": ["label", "target"], "relevance": ["label", "target"]}.get(task, ["label"])
    for name in needed:
        if name not in columns:
            raise DataUnusable(f"{named(path)} has no column {name}, which {task} needs; it has {listed(names)}")
    sample = Sample(rows, limit)
    return Table(path, task, source, delimiter, columns, len(names), 5 if most == 2 else 3, rows, sample)


def _task(given: Mapping[str, bool]) -> str:
    """What the columns tell; a column that is empty in every row tells nothing if there is another."""
    if "label" in given and (given["label"] or "score" not in given):
        return "stance" if given.get("target") else "polarity"
    return "rating"


def _check(path: Path, names: list[str], columns: Mapping[str, int]) -> None:
    """Raises DataUnusable unless there is a text, and something that is true of it, and each of them once."""
    found = listed([name for name in names if name])
    if "text" not in columns:
        raise DataUnusable(f"{named(path)} has no column text; its first line names {found}. Name the column there")
    if "label" not in columns and "score" not in columns:
        raise DataUnusable(
            f"{named(path)} has no column label (negative, neutral or positive; -2 to 2; promoter, passive or "
            f"detractor) and none named score (0 to 10); its first line names {found}. Name the column there"
        )
    twice = [names[place] for place in columns.values() if names.count(names[place]) > 1]
    if twice:
        raise DataUnusable(f"{named(path)} names the column {twice[0]} twice; rename one in its first line")


def _header(path: Path) -> tuple[list[str], str]:
    """The columns, plainly written, and the delimiter: the one under which most of the names are known."""
    first = next(_text(path), (1, ""))[1]
    if "\r" in first.rstrip("\r\n"):
        raise DataUnusable(f"the lines of {named(path)} end in bare carriage returns; save it as CSV UTF-8")
    said = _declared(first)
    known = {name for usual in NAMES.values() for name in usual}
    read: list[tuple[int, int, list[str], str]] = []
    problem: DataUnusable | None = None
    for delimiter in said or DELIMITERS:
        try:
            record = next(_all_records(path, delimiter), (1, []))[1]
        except DataUnusable as error:  # quotes that make no sense with this delimiter
            problem = problem or error
            continue
        names = [name.strip().casefold() for name in record]
        read.append((len(known.intersection(names)), len(names), names, delimiter))
    if not read and problem:
        raise problem
    _, _, names, delimiter = max(read, key=lambda one: one[:2])
    if not any(names):
        raise DataUnusable(f"the first line of {named(path)} is empty; it must name columns: text, and label or score")
    return names, delimiter


def _records(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The records below the header that are not empty, each with the line that it begins on."""
    reading = _all_records(path, delimiter)
    next(reading, None)
    for line, fields in reading:
        if any(field.strip() for field in fields):
            yield line, fields


def _all_records(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    texts = _text(path)
    first = next(texts, None)
    before = 0
    if first and _declared(first[1]):  # Excel's own hint
        before = 1
        first = next(texts, None)
    if not first:
        return

    def rest() -> Iterator[str]:
        yield first[1]
        for _, text in texts:
            yield text

    reader = csv.reader(rest(), delimiter=delimiter, strict=True)
    while True:
        line = before + reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataUnusable(
                f"the quoting in {named(path)} breaks in the row that begins on line {line} ({error}); close the field "
                'with a ", and write "" for a " inside it'
            ) from error
        yield line, fields


def _text(path: Path) -> Iterator[tuple[int, str]]:
    """Lines, decoded. Raises DataUnusable."""
    for number, raw in lines(path):
        if raw is None:
            raise DataUnusable(f"line {number} of {named(path)} is megabytes long; is this a CSV with line ends?")
        try:
            yield number, raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DataUnusable(
                f"line {number} of {named(path)} is not UTF-8 (byte {error.start + 1} of the line); save as CSV UTF-8"
            ) from error


def _declared(first: str) -> str:
    """The delimiter, if this is the line that tells Excel."""
    said = re.fullmatch(r'"?sep=(.)"?', first.rstrip("\r\n"))
    return said[1] if said else ""


def _plain(value: str) -> str:
    return value.strip().casefold().replace("−", "-")


def _step(value: str) -> int:
    plain = _plain(value)
    if plain in STEPS:
        return STEPS[plain]
    if re.fullmatch(r"[+-]?[0-2]([.,]0+)?", plain, re.ASCII):
        return int(plain.replace(",", ".").partition(".")[0])
    raise ValueError(f"label must be negative, neutral or positive, or a number from -2 to 2, this is {shown(value)}")


def _size(value: str) -> int:
    """How far a label is from neutral; 0 for what is none."""
    try:
        return abs(_step(value))
    except ValueError:
        return 0


def _yes(value: str) -> int:
    plain = _plain(value)
    if re.fullmatch(r"[01]([.,]0+)?", plain, re.ASCII):
        return int(plain[0])
    raise ValueError(f"label must be 0 or 1, this is {shown(value)}")


def _mark(value: str) -> float:
    plain = _plain(value).replace(",", ".")
    if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]*)?", plain, re.ASCII) and 0 <= float(plain) <= 10:
        return float(plain)
    raise ValueError(f"score must be a number from 0 to 10, this is {shown(value)}")
