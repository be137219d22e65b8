"""Rows for other programs to read, as CSV and as lines of JSON, and how they can tell that nothing is missing. Pure.

What strangers wrote may act in whatever opens it: spreadsheets run a cell that begins like a formula, and characters
that turn the direction of writing around make a text read as something else. Both are taken care of here
(https://owasp.org/www-community/attacks/CSV_Injection, UAX #9).
"""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from alerts.text import tame

MARK = "\ufeff"
"""Before CSV, so that Excel reads it as UTF-8."""

_FORMULA = frozenset("=+-@")

_AFTER_SEMICOLON = re.compile(r";(?=\s*(?:[=+@＝＋＠]|[-－][\w(=+@-]))")
"""Where a semicolon parts columns, as in Excel in most of Europe, this would begin a cell; a wink (";-)") would not."""

_QUOTED = "'"

Row = Mapping[str, Any]


class Format(StrEnum):
    """How rows are written, by the end of the file's name."""

    CSV = "csv"
    JSONL = "jsonl"


CONTENT_TYPE: Mapping[Format, str] = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSONL: "application/jsonl; charset=utf-8",
}


def harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: one that begins like one, behind whatever does not show and in
    whatever width, gets an apostrophe in front, and so does what would begin a cell elsewhere. Control characters and
    marks that turn the writing around go."""
    tamed = _AFTER_SEMICOLON.sub(f";{_QUOTED}", tame(text))
    first = next((one for one in text if not _unseen(one)), "")
    begins = text[:1] in ("\t", "\r") or unicodedata.normalize("NFKC", first)[:1] in _FORMULA
    return _QUOTED + tamed if begins else tamed


def _unseen(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zs")


def head(kind: Format, columns: Sequence[str]) -> str:
    """What stands before the rows: in CSV the names of the columns."""
    return MARK + _lines([columns]) if kind is Format.CSV else ""


def written(kind: Format, columns: Sequence[str], rows: Iterable[Row]) -> str:
    """Rows, each on a line of its own."""
    if kind is Format.CSV:
        return _lines([[_cell(row[name]) for name in columns] for row in rows])
    return "".join(_json({name: _plain(row[name]) for name in columns}) for row in rows)


def end(kind: Format, columns: Sequence[str], rows: int) -> str:
    """The last line, which says that this is all: without it the file was cut off on its way. In CSV its first cell
    begins with ``#``, and the others are empty."""
    if kind is Format.CSV:
        return _lines([[f"# complete: {rows} rows", *[""] * (len(columns) - 1)]])
    return _json({"complete": True, "rows": rows})


def _lines(rows: Iterable[Sequence[object]]) -> str:
    """CSV of RFC 4180: lines end with CR LF, and a cell with a line break in it is quoted."""
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue()


def _cell(value: object) -> object:
    """A number stays one, however it begins: it is nobody's text."""
    if isinstance(value, str):
        return harmless(value)
    plain = _plain(value)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, dict | list):
        return harmless(json.dumps(plain, ensure_ascii=False))
    return "" if plain is None else plain


def _plain(value: object) -> object:
    """As JSON has it; moments in UTC, texts without what acts on whoever reads them."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, str):
        return tame(value)
    if isinstance(value, Mapping):
        return {tame(str(name)): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _json(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
