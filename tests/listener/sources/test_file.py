"""The file source: JSON lines and CSV, mapping, resuming, and everything a file can have wrong."""

import csv
import io
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from listener.items import Item
from listener.source import FatalSourceError
from listener.sources.file import FileOptions, FileSource
from listener.sources.file.values import as_count, as_id, as_time
from tests.listener.sources.conformance import START, UNTIL, Host, LateContract, Post, SourceContract


class FakeFile:
    """A file that grows; ``write`` says how posts are written into it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def source(self, **options: Any) -> FileSource:
        return FileSource(FileOptions(path=self.path, **options))

    def publish(self, posts: Iterable[Post]) -> None:
        fresh = not self.path.exists()
        with self.path.open("a", encoding="utf-8", newline="") as file:
            if self.path.suffix == ".jsonl":
                file.write("\n" if fresh else "")
                for post in posts:
                    row = {
                        "id": post.id,
                        "text": post.text,
                        "created_at": post.said_at.isoformat(),
                        "user": post.author,
                    }
                    file.write(json.dumps(row) + "\n")
                return
            writer = csv.writer(file, lineterminator="\n")
            if fresh:
                writer.writerow(["id", "text", "created_at", "user"])
            writer.writerows([post.id, post.text, post.said_at.isoformat(), post.author] for post in posts)


class TestJsonLines(SourceContract, LateContract):
    @pytest.fixture
    def platform(self, tmp_path: Path) -> FakeFile:
        return FakeFile(tmp_path / "posts.jsonl")


class TestCsv(SourceContract, LateContract):
    @pytest.fixture
    def platform(self, tmp_path: Path) -> FakeFile:
        return FakeFile(tmp_path / "posts.csv")


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, **options: Any) -> Host:
    host = Host(FileSource(FileOptions(path=path, **options)))
    host.run()
    return host


def only(path: Path, **options: Any) -> Item:
    (item,) = read(path, **options).stored.values()
    return item


def fatal(path: Path, **options: Any) -> str:
    with pytest.raises(FatalSourceError) as raised:
        read(path, **options)
    return str(raised.value)


ROW = {"id": "1", "text": "acme", "created_at": "2026-05-01T06:00:00Z"}


def jsonl(tmp_path: Path, *rows: dict[str, Any] | str, name: str = "data.jsonl") -> Path:
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    return written(tmp_path / name, "".join(line + "\n" for line in lines))


def test_a_full_row(tmp_path: Path) -> None:
    row = ROW | {
        "username": "ana", "followers": "1,200", "lang": "es", "target": "Acme", "url": "https://x.example/1",
        "shares": 3, "likes": "4.0", "in_reply_to": 2926303.0, "title": "T",
    }  # fmt: skip
    item = only(jsonl(tmp_path, row))
    assert (item.kind, item.native_id, item.reply_to) == ("file", "data:1", "data:2926303")
    assert item.author is not None
    assert (item.author.native_id, item.author.handle, item.author.followers) == ("data:ana", "ana", 1200)
    assert (item.lang, item.target, item.url, item.title, item.reach) == (
        "es",
        "Acme",
        "https://x.example/1",
        "T",
        1200,
    )
    assert item.engagement == {"shares": 3, "likes": 4}


def test_with_a_platform_the_ids_are_that_platforms(tmp_path: Path) -> None:
    item = only(jsonl(tmp_path, ROW | {"author": {"id": 5, "handle": "ana"}, "reply_to": "7"}), platform="x")
    assert (item.kind, item.native_id, item.reply_to) == ("x", "1", "7")
    assert item.author is not None
    assert (item.author.native_id, item.author.handle) == ("5", "ana")


def test_two_files_with_the_same_ids_do_not_collide(tmp_path: Path) -> None:
    one = only(jsonl(tmp_path, ROW, name="a.jsonl"))
    two = only(jsonl(tmp_path, ROW, name="b.jsonl"))
    same = only(jsonl(tmp_path, ROW, name="c.jsonl"), dataset="a")
    assert one.native_id != two.native_id
    assert one.native_id == same.native_id


def test_without_an_id_the_content_is_the_key(tmp_path: Path) -> None:
    rows = [{"text": text, "date": "2026-05-01", "author": who} for text, who in [("a", "x"), ("a", "y"), ("a", "x")]]
    host = read(jsonl(tmp_path, *rows))
    assert len(host.stored) == 2
    assert read(jsonl(tmp_path, *rows)).stored == host.stored


def test_usual_names_whatever_their_case(tmp_path: Path) -> None:
    path = written(tmp_path / "x.csv", "Tweet ID;Full-Text;Created At\n1;acme;2026-05-01 06:00:00\n")
    item = only(path)
    assert (item.native_id, item.text, item.created_at) == ("x:1", "acme", START)


def test_a_mapping_names_the_columns_and_reaches_into_objects(tmp_path: Path) -> None:
    row = {"k": "1", "words": "acme", "when": 1777615200, "account": {"name": "ana", "n": 9}}
    mapping = {"id": "k", "text": "words", "created_at": "when", "author": "account.name", "followers": "account.n"}
    item = only(jsonl(tmp_path, row), mapping=mapping)
    assert (item.native_id, item.text, item.created_at, item.reach) == ("data:1", "acme", START, 9)


def test_rows_may_differ_in_their_columns(tmp_path: Path) -> None:
    host = read(jsonl(tmp_path, ROW, {"id": 2, "body": "other", "date": "2026-05-01", "brand": "Acme"}))
    assert [item.target for item in host.stored.values()] == [None, "Acme"]


def test_a_time_without_a_zone_is_in_the_one_told(tmp_path: Path) -> None:
    path = jsonl(tmp_path, ROW | {"created_at": "2026-05-01 08:00"})
    assert only(path).created_at == START + timedelta(hours=2)
    assert only(path, timezone="Europe/Madrid").created_at == START


@pytest.mark.parametrize(
    ("written_as", "moment"),
    [
        ("2026-05-01T06:00:00.000Z", START),
        ("2026-05-01 08:00:00 +0200", START),
        ("2026-05-01 06:00 UTC", START),
        ("20260501T060000Z", START),
        (START.timestamp(), START),
        (str(int(START.timestamp() * 1000)), START),
        (int(START.timestamp() * 1_000_000), START),
        ("Fri, 01 May 2026 06:00:00 GMT", START),
        ("Fri May 01 06:00:00 +0000 2026", START),
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
    ],
)
def test_times(written_as: object, moment: datetime) -> None:
    assert as_time(written_as, UTC) == moment


@pytest.mark.parametrize("nonsense", ["", None, "NaN", "soon", "01/02/2026", "12", True, "9999-12-31T23:59:59-10:00"])
def test_what_is_no_time(nonsense: object) -> None:
    with pytest.raises(ValueError, match="time"):
        as_time(nonsense, UTC)


@pytest.mark.parametrize(
    ("given_as", "meant"),
    [
        ("2926303.0", "2926303"), (2926303.0, "2926303"), (12, "12"), (" a-1 ", "a-1"), ("1.5", "1.5"), ("007", "007"),
        ("5.67588E+17", None), (5.67588278875213824e17, None), ("nan", None), (None, None), ("", None), (True, None),
        ("597e10", "597e10"),
    ],
)  # fmt: skip
def test_ids(given_as: object, meant: str | None) -> None:
    assert as_id(given_as) == meant


@pytest.mark.parametrize(
    ("given_as", "meant"), [("12.0", 12), ("1,204", 1204), (-1, None), ("many", None), ("inf", None), ("nan", None)]
)
def test_counts(given_as: object, meant: int | None) -> None:
    assert as_count(given_as) == meant


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{not json", "not JSON: Expecting property name enclosed in double quotes (column 2)"),
        ("[1, 2]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("[" * 100_000, "not JSON"),
        ('{"id": 9, "text": " ", "created_at": "2026-05-01"}', "no text"),
        ('{"id": 9, "text": "x", "created_at": "someday"}', "no time I can read"),
        ('{"id": 9, "text": "x", "created_at": "2999-01-01"}', "in the future"),
        ('{"id": 9, "text": "' + "x" * 2**20 + '"}', "longer than"),
    ],
)
def test_a_bad_line_is_skipped_and_named(tmp_path: Path, line: str, why: str) -> None:
    host = read(jsonl(tmp_path, ROW, line, ROW | {"id": "3"}))
    assert [item.native_id for item in host.stored.values()] == ["data:1", "data:3"]
    (skip,) = host.skipped
    assert skip.where == "line 2"
    assert why in skip.why


def test_nan_in_json_is_nothing(tmp_path: Path) -> None:
    line = '{"id": NaN, "text": "acme", "created_at": "2026-05-01", "followers": NaN, "reply_to": NaN}'
    item = only(jsonl(tmp_path, line))
    assert (item.reach, item.reply_to) == (None, None)


def test_csv_with_line_ends_quotes_and_accents_inside_fields(tmp_path: Path) -> None:
    path = written(
        tmp_path / "x.csv", '\ufeffid,text,date\r\n1,"Niño said ""acme"",\r\nloudly",2026-05-01\r\n2,b,2026-05-01'
    )
    host = read(path)
    assert host.texts == ['Niño said "acme",\r\nloudly', "b"]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ('1,"never closed,2026-05-01\n2,b,2026-05-01\n', 2),
        ('1,a,2026-05-01\n2,"never closed,2026-05-01\n3,"c",2026-05-01\n', 3),
        ('1,a,2026-05-01\n2,"b" c,2026-05-01\n', 3),
        ('1,"a\n\n", 2026-05-01,x,y\n', 2),
    ],
)
def test_broken_quoting_is_noticed_and_placed(tmp_path: Path, rows: str, line: int) -> None:
    message = fatal(written(tmp_path / "x.csv", "id,text,date\n" + rows))
    assert f"begins on line {line} " in message
    assert "close the field" in message


def test_a_row_with_too_few_or_many_fields_is_skipped(tmp_path: Path) -> None:
    host = read(written(tmp_path / "x.csv", "id,text,date\n1,a\n2,b,2026-05-01\n3,c,2026-05-01,x\n"))
    assert host.texts == ["b"]
    assert [skip.where for skip in host.skipped] == ["line 2", "line 4"]
    assert "header names 3" in host.skipped[0].why


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_seen_in_the_header(tmp_path: Path, delimiter: str) -> None:
    path = written(tmp_path / "x.csv", "id,text,date\n1,acme,2026-05-01\n".replace(",", delimiter))
    assert only(path).text == "acme"


def test_a_delimiter_can_be_told(tmp_path: Path) -> None:
    assert only(written(tmp_path / "x.csv", "id^text^date\n1^acme^2026-05-01\n"), delimiter="^").text == "acme"


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_line_that_is_not_utf8_is_named(tmp_path: Path, suffix: str) -> None:
    good = b"id,text,date\n" if suffix == "csv" else json.dumps(ROW).encode() + b"\n"
    message = fatal(written(tmp_path / f"x.{suffix}", good + "2,Niño,2026-05-01\n".encode("latin-1")))
    assert "line 2" in message
    assert "save the file as UTF-8" in message


def test_utf16_is_named(tmp_path: Path) -> None:
    assert "UTF-16" in fatal(written(tmp_path / "x.csv", "id,text,date\n".encode("utf-16")))


def test_bare_carriage_returns_are_named(tmp_path: Path) -> None:
    assert "carriage returns" in fatal(written(tmp_path / "x.csv", "id,text,date\r1,a,2026-05-01\r"))


def test_a_name_as_long_as_a_book_becomes_a_short_key(tmp_path: Path) -> None:
    item = only(jsonl(tmp_path, ROW | {"id": "x" * 5000, "user": "y" * 5000}))
    assert item.author is not None
    assert len(item.native_id) < 50
    assert len(item.author.native_id) < 50


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    assert "there is no file" in fatal(tmp_path / "none.csv")
    assert "is empty" in fatal(written(tmp_path / "x.csv", ""))
    assert "jq -c" in fatal(tmp_path / "x.json")
    assert ".jsonl, .ndjson, .csv, .tsv" in fatal(tmp_path / "x.xlsx")
    (tmp_path / "dir.csv").mkdir()
    assert "is a directory" in fatal(tmp_path / "dir.csv")


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_missing_text_column_shows_what_there_is(tmp_path: Path, suffix: str) -> None:
    content = (
        "id,words,date\n1,a,2026-05-01\n" if suffix == "csv" else '{"id": 1, "words": "a", "date": "2026-05-01"}\n'
    )
    path = written(tmp_path / f"x.{suffix}", content)
    message = fatal(path)
    assert "id, words, date" in message
    assert "mapping: {text: COLUMN}" in message
    assert read(path, mapping={"text": "words"}).texts == ["a"]
    assert "no column 'wrods'" in fatal(path, mapping={"text": "wrods"})


def test_a_column_named_twice(tmp_path: Path) -> None:
    assert "'text' twice" in fatal(written(tmp_path / "x.csv", "id,text,text,date\n"))


def test_a_changed_file_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = jsonl(tmp_path, *(ROW | {"id": str(n)} for n in range(1200)))
    host = Host(FileSource(FileOptions(path=path)))
    host.run(stop_after=1)
    assert len(host.stored) == 500
    jsonl(tmp_path, *(ROW | {"id": f"new{n}"} for n in range(1200)))
    host.run()
    assert len(host.stored) == 1700
    jsonl(tmp_path, ROW | {"id": "short"})
    host.run()
    assert len(host.stored) == 1701


def test_a_row_still_being_written_is_read_again(tmp_path: Path) -> None:
    path = jsonl(tmp_path, ROW)
    half = json.dumps(ROW | {"id": "2", "text": "acme two"})
    host = Host(FileSource(FileOptions(path=path)))
    with path.open("a") as file:
        file.write(half[:20])
    host.run()
    assert [skip.where for skip in host.skipped] == ["line 2"]
    with path.open("a") as file:
        file.write(half[20:] + "\n" + json.dumps(ROW | {"id": "3", "text": "x"}) + "\n{\n")
    host.run()
    assert host.texts == ["acme", "acme two", "x"]
    assert host.skipped[-1].where == "line 4"


def test_progress_goes_to_one(tmp_path: Path) -> None:
    path = jsonl(tmp_path, *(ROW | {"id": str(n)} for n in range(1200)))
    pages = list(FileSource(FileOptions(path=path)).fetch(None, None, UNTIL))
    shares = [page.progress for page in pages]
    assert len(shares) == 3
    assert shares == sorted(shares, key=lambda share: share or 0)
    assert shares[-1] == 1.0


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"timezone": "Mars/Base"}, "time zone"),
        ({"mapping": {"txt": "a"}}, "text"),
        ({"colour": 1}, "Extra"),
        ({"platform": ""}, "at least 1"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        FileOptions(path=Path("x.csv"), **options)


FIELDS = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\x00", exclude_categories=["Cc"]) | st.sampled_from('\n",;')
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.lists(FIELDS, min_size=1, max_size=12))
def test_any_csv_resumes_at_any_row(tmp_path: Path, fields: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("listener.sources.file.source.PAGE_ROWS", 1)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["id", "text", "date"])
    writer.writerows([n, f"x{field}", "2026-05-01"] for n, field in enumerate(fields))
    path = written(tmp_path / "any.csv", out.getvalue())
    source = FileSource(FileOptions(path=path))
    cursor, seen = None, []
    for _ in fields:
        page = next(iter(source.fetch(None, cursor, UNTIL)))
        cursor = page.cursor
        seen += [item.text for item in page.items]
        assert not page.skipped
    assert seen == [f"x{field}" for field in fields]
    assert list(source.fetch(None, cursor, UNTIL)) == []


def test_a_long_text_in_a_csv_is_read(tmp_path: Path) -> None:
    text = "x" * 500_000
    assert read(written(tmp_path / "x.csv", f'id,text,date\n1,"{text}",2026-05-01\n')).texts == [text]


def test_a_field_without_end_is_told_as_such(tmp_path: Path) -> None:
    lines = ("x" * 1000 + "\n") * 1100
    message = fatal(written(tmp_path / "x.csv", f'id,text,date\n1,a,2026-05-01\n2,"{lines}'))
    assert "a field in the row of" in message
    assert "begins on line 3 is longer than 1024 KiB" in message


@pytest.mark.parametrize("ahead", [timedelta(seconds=1), timedelta(hours=23)])
def test_a_row_dated_a_little_ahead_was_said_now(tmp_path: Path, ahead: timedelta) -> None:
    path = jsonl(tmp_path, {"text": "acme", "created_at": (UNTIL + ahead).isoformat()})
    (page,) = FileSource(FileOptions(path=path)).fetch(None, None, UNTIL)
    assert [item.created_at for item in page.items] == [UNTIL]
    # Without an id it must be known again on the next visit.
    (again,) = FileSource(FileOptions(path=path)).fetch(None, None, UNTIL + timedelta(minutes=1))
    assert again.items[0].native_id == page.items[0].native_id


def test_a_row_dated_more_than_a_day_ahead_is_a_mistake(tmp_path: Path) -> None:
    row = {"id": "1", "text": "acme", "created_at": (UNTIL + timedelta(hours=25)).isoformat()}
    (page,) = FileSource(FileOptions(path=jsonl(tmp_path, row))).fetch(None, None, UNTIL)
    assert not page.items
    assert "in the future" in page.skipped[0].why


@pytest.mark.parametrize("row", [{"author_name": "Ana"}, {"user": {"name": "Ana"}}])
def test_an_author_known_by_name_alone_is_kept(tmp_path: Path, row: dict[str, object]) -> None:
    author = only(jsonl(tmp_path, ROW | {"user": None} | row)).author
    assert author is not None
    assert (author.native_id, author.handle, author.name) == ("data:Ana", None, "Ana")
