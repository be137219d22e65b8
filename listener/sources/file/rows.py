"""Rows out of a file of bytes, each with the line it began on and the byte after it."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from listener.source import FatalSourceError

MAX_LINE = 1024 * 1024
"""Bytes. A mention is a few hundred; a line of megabytes is a file without line ends, or not text at all."""

# The csv module's own limit of 128 KiB is one for the whole process, and so is this: set once, because collectors in
# other threads read CSV too.
csv.field_size_limit(MAX_LINE)


@dataclass(frozen=True, slots=True)
class Row:
    """``values`` by column, or ``problem`` where the row could not be read.

    ``line`` is where it began, counted from 1; ``end`` and ``next_line`` are the byte and the line after it.
    """

    line: int
    end: int
    next_line: int
    values: Mapping[str, Any] | None = None
    problem: str = ""
    finished: bool = True
    """False: the file ends here without a line end, so whoever writes it may not be done with this row."""


class Lines:
    """The lines of a file from an offset on, decoded, with the place reached. UTF-8, byte order mark or not."""

    def __init__(self, file: BinaryIO, path: Path, *, offset: int, line: int) -> None:
        self._file = file
        self._path = path
        self.offset = offset
        self.line = line
        self.terminated = True
        file.seek(offset)

    def __iter__(self) -> Iterator[str]:
        while True:
            raw = self._file.readline(MAX_LINE + 1)
            if not raw:
                return
            number = self.line
            size = len(raw)
            too_long = size > MAX_LINE
            while too_long and not raw.endswith(b"\n") and (rest := self._file.readline(MAX_LINE)):
                raw, size = rest, size + len(rest)
            start, self.offset, self.line = self.offset, self.offset + size, number + 1
            self.terminated = raw.endswith(b"\n")
            if too_long:
                raise LineTooLongError(number)
            yield self._decoded(raw, number, start)

    def _decoded(self, raw: bytes, number: int, start: int) -> str:
        if start == 0:
            if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise FatalSourceError(f"{self._path} is saved as UTF-16: save it as UTF-8 and import it again")
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FatalSourceError(
                f"line {number} of {self._path} is not UTF-8 (byte {error.start + 1} of the line): save the file as "
                "UTF-8 and import it again; nothing is imported twice"
            ) from error


class LineTooLongError(Exception):
    """A line of more than MAX_LINE bytes; reading can go on after it."""

    def __init__(self, line: int) -> None:
        super().__init__(f"the line is longer than {MAX_LINE // 1024} KiB")
        self.line = line


def _no_constant(name: str) -> None:
    """NaN and Infinity, which JSON does not know but data frames write, are nothing."""


def json_rows(lines: Lines) -> Iterator[Row]:
    """One row a line of JSON; empty lines are passed over. A line that cannot be read is a row with a problem."""
    reading = iter(lines)
    while True:
        number = lines.line
        try:
            text = next(reading)
        except StopIteration:
            return
        except LineTooLongError as error:
            yield Row(error.line, lines.offset, lines.line, problem=str(error), finished=lines.terminated)
            reading = iter(lines)
            continue
        if not text.strip():
            continue
        values, problem = None, ""
        try:
            values = json.loads(text, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            problem = f"not JSON: {error.msg} (column {error.colno})"
        except (ValueError, RecursionError) as error:
            problem = f"not JSON that can be read: {error}"
        if values is not None and not isinstance(values, dict):
            values, problem = None, f"not a JSON object in {{ }} but {type(values).__name__}"
        elif values is None and not problem:
            problem = "not a JSON object in { } but null"
        yield Row(number, lines.offset, lines.line, values, problem, lines.terminated)


def csv_header(lines: Lines, path: Path, delimiter: str | None) -> tuple[list[str], str]:
    """The column names and the delimiter, from the first line. Raises FatalSourceError for names that cannot serve."""
    first = next(iter(_csv_lines(lines, path)), "")
    if "\r" in first.rstrip("\r\n"):
        raise FatalSourceError(f"the lines of {path} end in bare carriage returns: save it with LF or CRLF line ends")
    if delimiter is None:
        # Spreadsheets write ; where the comma is the decimal sign.
        delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=first.count)
    try:
        names = next(csv.reader([first], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise _broken(path, 1, error) from error
    names = [name.strip() for name in names]
    twice = {name for name in names if name and names.count(name) > 1}
    if twice:
        raise FatalSourceError(f"{path} names the column {sorted(twice)[0]!r} twice: rename one in its first line")
    return names, delimiter


def csv_rows(lines: Lines, path: Path, names: list[str], delimiter: str) -> Iterator[Row]:
    """Rows below the header. A quoted field may hold line ends, so a row may take several lines.

    Raises FatalSourceError where the quoting is broken: what follows could not be told apart from one long field.
    """
    reader = csv.reader(_csv_lines(lines, path), delimiter=delimiter, strict=True)
    while True:
        first = lines.line
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _broken(path, first, error) from error
        if not fields or (len(fields) == 1 and not fields[0].strip() and len(names) > 1):
            continue
        values, problem = None, ""
        if len(fields) == len(names):
            values = {name: field for name, field in zip(names, fields, strict=True) if name}
        elif lines.line - first > 1:
            raise _broken(path, first, f"it swallowed {lines.line - first} lines and has {len(fields)} fields")
        else:
            problem = f"it has {len(fields)} fields, the header names {len(names)}"
        yield Row(first, lines.offset, lines.line, values, problem, lines.terminated)


def _csv_lines(lines: Lines, path: Path) -> Iterator[str]:
    try:
        yield from lines
    except LineTooLongError as error:
        raise FatalSourceError(
            f"line {error.line} of {path} is longer than {MAX_LINE // 1024} KiB: is this a CSV file with line ends?"
        ) from error


def _broken(path: Path, line: int, why: object) -> FatalSourceError:
    if "field limit" in str(why):
        return FatalSourceError(
            f"a field in the row of {path} that begins on line {line} is longer than {MAX_LINE // 1024} KiB: close it "
            'with a " if it was left open, shorten it if not, and import the file again; nothing is imported twice'
        )
    return FatalSourceError(
        f'the quoting in {path} breaks in the row that begins on line {line} ({why}): close the field with a ", '
        'write "" for a " inside it, and import the file again; nothing is imported twice'
    )
