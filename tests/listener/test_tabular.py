"""Rows for other programs: nothing in them acts, and what is cut off is seen."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from listener.tabular import MARK, Format, end, harmless, head, written


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1", "\u200b=1", "\x00=1", "\u202e=1",
     "\ufeff=1", "＝1", "＋1", "－1", "＠x", " ＝1", "﹦1", "\tx", "\rx"],
)  # fmt: skip
def test_what_begins_like_a_formula_is_text(text: str) -> None:
    assert harmless(text).startswith("'")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Lumbra", "Lumbra"),
        ("1 = 1", "1 = 1"),
        ("", ""),
        ("a\x00b\u202ec\x1b", "abc"),
        ("one\r\ntwo", "one\ntwo"),
        ("so good ;-) thanks", "so good ;-) thanks"),
        ("well; =HYPERLINK()", "well;' =HYPERLINK()"),
        ("well;-2+3", "well;'-2+3"),
        ("well;＝1", "well;'＝1"),
    ],
)
def test_the_rest_stays_as_it_is(text: str, shown: str) -> None:
    assert harmless(text) == shown


ROWS = [
    {"id": 1, "reach": -5, "share": 0.25, "said": True, "text": 'He said "=1",\nthen left;', "at": None, "more": ["="]},
    {"id": 2, "reach": None, "share": None, "said": False, "text": "=HYPERLINK()\ud800", "more": {"a": 1},
     "at": datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))},
]  # fmt: skip
COLUMNS = ["id", "reach", "share", "said", "at", "text", "more"]


def test_csv_is_read_back() -> None:
    file = head(Format.CSV, COLUMNS) + written(Format.CSV, COLUMNS, ROWS) + end(Format.CSV, COLUMNS, 2)
    assert file.startswith(MARK)
    read = list(csv.reader(io.StringIO(file.removeprefix(MARK), newline="")))
    assert read == [
        COLUMNS,
        ["1", "-5", "0.25", "true", "", 'He said "=1",\nthen left;', '["="]'],
        ["2", "", "", "false", "2026-01-02T01:00:00Z", "'=HYPERLINK()\ufffd", '{"a": 1}'],
        ["# complete: 2 rows", "", "", "", "", "", ""],
    ]


def test_jsonl_is_read_back() -> None:
    file = head(Format.JSONL, COLUMNS) + written(Format.JSONL, COLUMNS, ROWS) + end(Format.JSONL, COLUMNS, 2)
    first, second, last = [json.loads(line) for line in file.splitlines()]
    assert first["text"] == 'He said "=1",\nthen left;'
    assert second["text"] == "=HYPERLINK()\ufffd"
    assert datetime.fromisoformat(second["at"]) == datetime(2026, 1, 2, 1, tzinfo=UTC)
    assert (first["reach"], second["reach"], second["more"]) == (-5, None, {"a": 1})
    assert last == {"complete": True, "rows": 2}
