"""The ``file`` source: pages of rows, and a cursor that knows whether the file is still the one it was."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO, ClassVar

from listener.items import Item
from listener.query import Query
from listener.source import Cursor, FatalSourceError, Page, RetriableSourceError, Skipped
from listener.sources.file.columns import Columns
from listener.sources.file.options import FileOptions
from listener.sources.file.rows import Lines, Row, csv_header, csv_rows, json_rows

PAGE_ROWS = 500
_HEAD = 4096
_TAIL = 256
_JSON = (".jsonl", ".ndjson")
_CSV = (".csv", ".tsv")


class FileSource:
    """Mentions from a file. ``FatalSourceError`` for whatever a person must mend, with the line and how."""

    kind: ClassVar[str] = "file"
    # Not by date, but whatever stands before a page's cursor has been handed out: each cursor is true at once.
    ordered: ClassVar[bool] = True
    lag: ClassVar[timedelta] = timedelta(0)
    history: ClassVar[timedelta | None] = timedelta(0)

    def __init__(self, options: FileOptions) -> None:
        self._options = options

    def fetch(
        self,
        query: Query | None,  # noqa: ARG002 - there is nobody to ask for less
        cursor: Cursor | None,
        until: datetime,
        since: datetime | None = None,  # noqa: ARG002 - it hands out what it has
    ) -> Iterator[Page]:
        """All rows after ``cursor``; the query is the host's to match. A changed file is read from its beginning."""
        path = self._options.path
        _check_format(path)
        try:
            with path.open("rb") as file:
                yield from self._pages(file, cursor, until)
        except FileNotFoundError as error:
            raise FatalSourceError(f"there is no file {path}: check the path") from error
        except IsADirectoryError as error:
            raise FatalSourceError(f"{path} is a directory: name a file in it") from error
        except PermissionError as error:
            raise FatalSourceError(f"{path} may not be read: give this user access to it") from error
        except OSError as error:
            raise RetriableSourceError(f"{path} could not be read: {error.strerror or error}") from error

    def _pages(self, file: BinaryIO, cursor: Cursor | None, until: datetime) -> Iterator[Page]:
        size = file.seek(0, 2)
        if size == 0:
            raise FatalSourceError(f"{self._options.path} is empty")
        offset, line = _place(file, cursor, size)
        columns = Columns(self._options)
        rows = self._rows(file, columns, offset, line)
        held: Row | None = None
        while batch := list(islice(rows, PAGE_ROWS)):
            items: list[Item] = []
            skipped: list[Skipped] = []
            for row in batch:
                if not row.finished:
                    held = row
                if row.values is None:
                    skipped.append(Skipped(f"line {row.line}", row.problem))
                    continue
                try:
                    items.append(columns.item(row.values, until))
                except ValueError as error:
                    skipped.append(Skipped(f"line {row.line}", str(error)))
            if held is None:
                offset, line = batch[-1].end, batch[-1].next_line
            elif len(batch) > 1:
                # The last row may still be being written: it is handed out, and read again next time.
                offset, line = batch[-2].end, held.line
            yield Page(
                tuple(items),
                _cursor(file, offset, line, size),
                tuple(skipped),
                progress=min(batch[-1].end / max(size, 1), 1.0),
            )

    def _rows(self, file: BinaryIO, columns: Columns, offset: int, line: int) -> Iterator[Row]:
        path = self._options.path
        if path.suffix.lower() in _JSON:
            first = next((row for row in json_rows(Lines(file, path, offset=0, line=1)) if row.values), None)
            if first is not None and first.values is not None:
                columns.check(first.values, complete=False)
            yield from json_rows(Lines(file, path, offset=offset, line=line))
        else:
            header = Lines(file, path, offset=0, line=1)
            names, delimiter = csv_header(header, path, self._options.delimiter)
            columns.check(names, complete=True)
            if offset < header.offset:
                offset, line = header.offset, header.line
            yield from csv_rows(Lines(file, path, offset=offset, line=line), path, names, delimiter)


def _check_format(path: Path) -> None:
    suffix = path.suffix.lower()
    if suffix in _JSON + _CSV:
        return
    if suffix == ".json":
        raise FatalSourceError(
            f"{path}: JSON is read one object a line. Convert an array with "
            f"`jq -c '.[]' {path.name} > {path.stem}.jsonl`"
        )
    raise FatalSourceError(f"{path}: the name must end in {', '.join(_JSON + _CSV)}, which says how to read it")


def _place(file: BinaryIO, cursor: Cursor | None, size: int) -> tuple[int, int]:
    """Where to go on: byte and line; the beginning if this is no longer the file the cursor was made for."""
    if cursor is None or size < cursor["size"] or _fingerprint(file, cursor["offset"]) != cursor["head"]:
        return 0, 1
    return cursor["offset"], cursor["line"]


def _cursor(file: BinaryIO, offset: int, line: int, size: int) -> Cursor:
    place = file.tell()
    head = _fingerprint(file, offset)
    file.seek(place)
    return {"offset": offset, "line": line, "head": head, "size": size}


def _fingerprint(file: BinaryIO, offset: int) -> str:
    """A hash of the first bytes and those just before ``offset``: the same after an append, another after an edit."""
    file.seek(0)
    head = file.read(min(_HEAD, offset))
    file.seek(max(offset - _TAIL, 0))
    return hashlib.sha256(head + b"\x00" + file.read(min(_TAIL, offset))).hexdigest()[:24]
