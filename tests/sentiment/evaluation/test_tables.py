from pathlib import Path
from typing import Any

import pytest

from sentiment.evaluation.reading import DataUnusable, find
from sentiment.evaluation.results import Broken
from sentiment.evaluation.running import TASKS, Dataset


def read(path: Path, text: str | bytes, **options: Any) -> Dataset:
    file = path / "team.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    ((dataset,), notes) = find(file, **options)
    assert notes == []
    return dataset


def labels(dataset: Dataset) -> list[Any]:
    return [entry.why if isinstance(entry, Broken) else entry[1]["label"] for entry in dataset.entries]


def test_a_tone(tmp_path: Path) -> None:
    dataset = read(tmp_path, "id,text,label,lang\n1,Great,positive,en\n2,Mal, NEGATIVO ,\n")
    assert (dataset.task, dataset.source, dataset.rows) == ("polarity", "team", 2)
    rows = list(dataset.entries)
    assert rows == [
        (2, {"text": "Great", "lang": "en", "label": "positive", "source": "team"}),
        (3, {"text": "Mal", "label": "negative", "source": "team"}),
    ]
    assert rows == list(dataset.entries)


@pytest.mark.parametrize(
    ("said", "tone", "step"),
    [
        ("negative", "negative", -1), ("Neutro", "neutral", 0), ("positivo", "positive", 1), ("-2", "negative", -2),
        ("-1", "negative", -1), ("0", "neutral", 0), ("+1", "positive", 1), ("2.0", "positive", 2),
        ("−1", "negative", -1),
        ("Promoter", "positive", 1), ("passive", "neutral", 0), ("DETRACTOR", "negative", -1),
    ],
)  # fmt: skip
def test_labels_are_called_many_things(tmp_path: Path, said: str, tone: str, step: int) -> None:
    assert labels(read(tmp_path, f"text,label\nx,{said}\n")) == [tone]
    dataset = read(tmp_path, f"text,label,target\nx,{said},Acme\n")
    assert dataset.task == "stance"
    assert labels(dataset) == [step]
    parsed = [TASKS["stance"]("").parse(entry[1]) for entry in dataset.entries if not isinstance(entry, Broken)]
    assert len(parsed) == 1


def test_five_steps_are_seen_anywhere_in_the_file(tmp_path: Path) -> None:
    text = "text,label,target\nx,1,Acme\ny,-2,\n"
    first, second = read(tmp_path, text).entries
    assert first == (2, {"text": "x", "target": "Acme", "label": 1, "scale": 5, "source": "team"})
    assert second == (3, {"text": "y", "label": -2, "scale": 5, "source": "team"})
    (first, _) = read(tmp_path, text.replace("-2", "-1")).entries
    assert not isinstance(first, Broken)
    assert first[1]["scale"] == 3


def test_a_target_that_is_empty_everywhere_is_none(tmp_path: Path) -> None:
    assert read(tmp_path, "text,label,brand\nx,1, \ny,-2,\n").task == "polarity"


def test_marks(tmp_path: Path) -> None:
    dataset = read(tmp_path, "Text;Score;Brand\nx;9,5;Acme\ny;11;\nz;nan;\nw;;\nv;10;\n")
    assert dataset.task == "rating"
    assert list(dataset.entries) == [
        (2, {"text": "x", "score": 9.5, "target": "Acme", "source": "team"}),
        Broken(3, "score must be a number from 0 to 10, this is '11'"),
        Broken(4, "score must be a number from 0 to 10, this is 'nan'"),
        Broken(5, "score must be a number from 0 to 10, this is ''"),
        (6, {"text": "v", "score": 10.0, "source": "team"}),
    ]


def test_a_label_counts_before_a_score_unless_it_is_never_given(tmp_path: Path) -> None:
    assert read(tmp_path, "text,label,score\nx,1,9\n").task == "polarity"
    assert read(tmp_path, "text,label,score\nx,,9\n").task == "rating"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_spreadsheets_write(tmp_path: Path, delimiter: str, start: bytes, end: str) -> None:
    rows = [
        ['"Text"', '" Sentiment "', '"Notes, or; so"', '"Language"'],
        ['"first' + end + 'second; ""quoted"", yes"', "positive", "", "es"],
        ["", "", "", ""],
        ["señor", "Neutral", "x", ""],
    ]
    text = end.join(delimiter.join(row) for row in rows) + end
    dataset = read(tmp_path, start + text.encode())
    assert dataset.rows == 2
    assert list(dataset.entries) == [
        (2, {"text": f'first{end}second; "quoted", yes', "label": "positive", "lang": "es", "source": "team"}),
        (5, {"text": "señor", "label": "neutral", "source": "team"}),
    ]


def test_excels_hint_of_the_delimiter(tmp_path: Path) -> None:
    (entry,) = read(tmp_path, "sep=;\r\ntext;label\r\na, b;1\r\n").entries
    assert entry == (3, {"text": "a, b", "label": "positive", "source": "team"})


def test_rows_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    rows = "text,label\nx,good\nx,3\nx,\x1b[31m\nx\nx,1,2\nx,1,,\n"
    must = "label must be negative, neutral or positive, or a number from -2 to 2, this is "
    assert labels(read(tmp_path, rows)) == [
        must + "'good'",
        must + "'3'",
        must + r"'\x1b[31m'",
        "the row has 1 fields, the header names 2",
        "the row has 3 fields, the header names 2",
        "positive",
    ]


def test_a_quote_that_swallows_rows_is_suspected(tmp_path: Path) -> None:
    broken, last = read(tmp_path, 'text,label\n"x,1\ny,1\nz",1,3\nw,1\n').entries
    assert isinstance(broken, Broken)
    assert broken.line == 2
    assert "was a quote left open?" in broken.why
    assert not isinstance(last, Broken)
    assert last[0] == 5


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the first line of .*team.csv is empty; it must name columns"),
        ("body,label\nx,1\n", "has no column text; its first line names body, label. Name the column there"),
        ("text,mark\nx,1\n", "has no column label .* and none named score .*; its first line names text, mark"),
        ("text,Text,label\nx,y,1\n", "names the column text twice"),
        ('text,label\n"x,1\n', "quoting in .* breaks in the row that begins on line 2"),
        ('text,label\nx,1\n"x"y,1\n', "quoting in .* breaks in the row that begins on line 3"),
        ("text,label\rx,1\r", "bare carriage returns"),
        (
            "text,label\nseñor,1\n".encode("cp1252"),
            r"line 2 of .* is not UTF-8 .byte 3 of the line.; save as CSV UTF-8",
        ),
        ("text,label\nx,1\n".encode("utf-16"), "UTF-16; save it as UTF-8"),
        ("text,label\n" + "x" * 5_000_000 + ",1\n", "line 2 of .* is megabytes long"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, text: str | bytes, why: str) -> None:
    with pytest.raises(DataUnusable, match=why):
        read(tmp_path, text)


def test_a_folder_named_after_a_task_says_what_is_needed(tmp_path: Path) -> None:
    folder = tmp_path / "stance"
    folder.mkdir()
    with pytest.raises(DataUnusable, match="has no column target, which stance needs; it has text, label"):
        read(folder, "text,label\nx,1\n")
    folder = folder.rename(tmp_path / "complaint")
    assert labels(read(folder, "text,label\nx,1\ny,0\nz,2\n")) == [1, 0, "label must be 0 or 1, this is '2'"]


def test_a_limit(tmp_path: Path) -> None:
    dataset = read(tmp_path, "text,label\n" + "x,1\n" * 1000 + ",\n" * 5, limit=10)
    assert dataset.rows == 1000
    assert len(list(dataset.entries)) == 10
    assert dataset.notes == ("10 of 1,000 rows, evenly taken",)
