"""Finds labelled files and reads them, a row at a time: a folder in the layout of the data, one file, a team's CSV."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentiment.evaluation.lines import DataUnusable, Sample, lines, listed, named, sha256
from sentiment.evaluation.results import Broken
from sentiment.evaluation.running import TASKS, Dataset
from sentiment.evaluation.tables import TASKS as OF_TABLES
from sentiment.evaluation.tables import table
from sentiment.labels import POLARITY

__all__ = ["DataUnusable", "find"]

ROWS, TABLES = (".jsonl",), (".csv", ".tsv")
USUAL_SPLITS = ("train", "dev", "test")
LAYOUT = "TASK/SOURCE.SPLIT.jsonl"

_NAME = re.compile(r"(?P<source>.+)\.(?P<split>[^.]+)")


@dataclass(frozen=True, slots=True)
class Rows:
    """The objects of a file of JSON lines that are to be measured; iterated over, it is read anew."""

    path: Path
    sample: Sample

    def __iter__(self) -> Iterator[tuple[int, Mapping[str, Any]] | Broken]:
        """In order. Raises DataUnusable where the file can no longer be read."""
        for place, (line, raw) in enumerate(_filled(self.path)):
            if self.sample.takes(place):
                yield _row(line, raw)


@dataclass(frozen=True, slots=True)
class _File:
    """A file that may be measured. `task` is None where only its content can tell."""

    path: Path
    name: str
    task: str | None
    source: str

    @property
    def is_table(self) -> bool:
        return self.path.suffix.lower() in TABLES


def find(
    path: Path,
    *,
    split: str = "dev",
    tasks: Collection[str] = (),
    sources: Collection[str] = (),
    limit: int | None = None,
) -> tuple[list[Dataset], list[str]]:
    """Datasets to measure, and notes on files that were passed over (unknown task, other name).

    `path` is a folder in the layout TASK/SOURCE.SPLIT.jsonl or one TASK folder of it, a folder with CSV files, or one
    file. `tasks` and `sources` leave all others out; of each file at most `limit` rows are taken. Raises DataUnusable.
    """
    notes: list[str] = []
    try:
        single = path.is_file()
        files = [_single(path, split)] if single else list(_in_folder(path, split, notes))
    except OSError as error:
        raise DataUnusable(f"{named(path)} cannot be read: {error.strerror or error}") from error
    if unknown := sorted(set(tasks).difference(TASKS)):
        raise DataUnusable(f"there is no task {listed(unknown)}; there are {', '.join(TASKS)}")
    found: list[Dataset] = []
    others: list[tuple[str | None, str]] = []
    for file in files:
        if (sources and file.source not in sources) or (tasks and file.task and file.task not in tasks):
            others.append((file.task, file.source))
            continue
        try:
            dataset = _dataset(file, limit)
        except DataUnusable as error:
            if single:
                raise
            notes.append(str(error))
            continue
        if tasks and dataset.task not in tasks:
            others.append((dataset.task, dataset.source))
        else:
            found.append(dataset)
    if not found:
        raise DataUnusable(_nothing(path, others, notes))
    return found, notes


def _nothing(path: Path, others: Sequence[tuple[str | None, str]], notes: Sequence[str]) -> str:
    """What to say where no file is left: there are only others, or none that could be read."""
    if others:
        names = sorted({f"{task}/{source}" if task else source for task, source in others})
        return f"nothing in {named(path)} is of that task and source; it has {listed(names)}"
    return f"nothing in {named(path)} can be measured: {'; '.join(notes[:3])}"


def _single(path: Path, split: str) -> _File:
    if path.suffix.lower() not in ROWS + TABLES:
        raise DataUnusable(f"{named(path)} is neither .jsonl nor .csv; give a file of one of these, or a folder")
    return _File(path, _said(path.name), _task_of(path.parent), _source(path, split))


def _in_folder(path: Path, split: str, notes: list[str]) -> Iterator[_File]:
    """Files of the split; others of another split are none that could be meant, so they make no note."""
    if not path.exists():
        raise DataUnusable(f"there is no {named(path)}; give a folder with {LAYOUT}, or a .jsonl or .csv file")
    if not path.is_dir():
        raise DataUnusable(f"{named(path)} is no folder and no file; give a folder with {LAYOUT}, or a file")
    own = path.resolve().name
    splits: set[str] = set()
    many = 0
    for folder in (path, *sorted(one for one in path.iterdir() if one.is_dir())):
        inside = sorted(
            one for one in folder.iterdir() if one.suffix.lower() in ROWS + TABLES and one.is_file() and _visible(one)
        )
        prefix = f"{own}/" if own in TASKS and folder == path else "" if folder == path else f"{folder.name}/"
        if folder != path and folder.name not in TASKS:
            if inside and _visible(folder):
                notes.append(f"{_said(folder.name)}: no task of that name; there are {', '.join(TASKS)}")
            continue
        for file in inside:
            name = _said(prefix + file.name)
            its = _NAME.fullmatch(file.stem)
            is_table = file.suffix.lower() in TABLES
            if not is_table and not its:
                notes.append(f"{name}: its name is not SOURCE.SPLIT.jsonl")
            elif its and (not is_table or its["split"] in USUAL_SPLITS) and its["split"] != split:
                splits.add(_said(its["split"]))
            else:
                many += 1
                yield _File(file, name, _task_of(folder), _source(file, split))
    if many:
        return
    if splits:
        raise DataUnusable(f"{named(path)} has no file of the split {_said(split)}; it has {listed(sorted(splits))}")
    passed = f" (passed over: {'; '.join(notes[:3])})" if notes else ""
    raise DataUnusable(f"there is nothing to measure in {named(path)}{passed}; put there {LAYOUT}, or a .csv file")


def _visible(path: Path) -> bool:
    return not path.name.startswith((".", "~$"))


def _task_of(folder: Path) -> str | None:
    """The task that the folder is named after, if it is one."""
    name = folder.resolve().name
    return name if name in TASKS else None


def _source(path: Path, split: str) -> str:
    its = _NAME.fullmatch(path.stem)
    return _said(its["source"] if its and its["split"] in (split, *USUAL_SPLITS) else path.stem)


def _said(name: str) -> str:
    """A file's name as text that can be shown and written everywhere."""
    return name if name.isprintable() else ascii(name)[1:-1]


def _dataset(file: _File, limit: int | None) -> Dataset:
    """Gone through once, for its size and hash. Raises DataUnusable."""
    entries: Iterable[tuple[int, Mapping[str, Any]] | Broken]
    if file.is_table:
        if file.task and file.task not in OF_TABLES:
            raise DataUnusable(f"{file.name}: rows for {file.task} are read from .jsonl only; write it as that")
        entries = of_table = table(file.path, file.source, file.task, limit)
        task, rows, sample = of_table.task, of_table.rows, of_table.sample
    else:
        task = file.task or _told(file)
        rows = sum(1 for _ in _filled(file.path))
        sample = Sample(rows, limit, together=2 if task == "contrast" else 1)
        entries = Rows(file.path, sample)
    return Dataset(file.name, task, file.source, sha256(file.path), rows, entries, sample.notes)


def _told(file: _File) -> str:
    """The task, by the fields of the first row that can be read. Raises DataUnusable."""
    read = (_row(line, raw) for line, raw in _filled(file.path))
    first = next((row for row in read if not isinstance(row, Broken)), None)
    if not first:
        raise DataUnusable(f"{file.name} has no row that can be read; it must hold one JSON object a line")
    row = first[1]
    if row.get("target") and "label" in row:
        return "contrast" if "pair" in row and "kind" in row else "stance"
    if "score" in row:
        return "rating"
    if "labels" in row:
        return "emotion"
    if row.get("label") in POLARITY:
        return "polarity"
    raise DataUnusable(
        f"the rows of {file.name} do not tell what is to be measured (fields: {listed(list(row))}); put it in a folder "
        f"named after its task: {', '.join(TASKS)}"
    )


def _filled(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """The lines that are not empty."""
    return ((line, raw) for line, raw in lines(path) if raw is None or raw.strip())


def _row(line: int, raw: bytes | None) -> tuple[int, Mapping[str, Any]] | Broken:
    if raw is None:
        return Broken(line, "the line is longer than 4 MiB")
    try:
        row = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        return Broken(line, f"not UTF-8 (byte {error.start + 1} of the line); save the file as UTF-8")
    except json.JSONDecodeError as error:
        return Broken(line, f"not JSON: {error.msg} (column {error.colno})")
    except (ValueError, RecursionError) as error:
        return Broken(line, f"not JSON that can be read: {error}")
    if not isinstance(row, dict):
        return Broken(line, "not a JSON object in { }")
    return line, row
