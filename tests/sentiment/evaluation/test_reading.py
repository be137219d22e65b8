import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sentiment.evaluation.lines import LONGEST
from sentiment.evaluation.reading import DataUnusable, find
from sentiment.evaluation.results import Broken
from sentiment.evaluation.running import Dataset

TONE = {"text": "good", "lang": "en", "label": "positive"}
STANCE = {"text": "good", "target": "Acme", "label": 1, "scale": 3}


def write(path: Path, *rows: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write(tmp_path / "polarity/a_es.dev.jsonl", TONE, TONE)
    write(tmp_path / "polarity/a_es.train.jsonl", TONE)
    write(tmp_path / "polarity/b.train.jsonl", TONE)
    write(tmp_path / "stance/a_es.dev.jsonl", STANCE)
    write(tmp_path / "replay/week.jsonl", {"text": "x"})
    (tmp_path / "bilingual").mkdir()
    (tmp_path / "bilingual/words.tsv").write_text("a\tb\n")
    (tmp_path / "README.md").write_text("read me")
    return tmp_path


def named(datasets: list[Dataset]) -> list[tuple[str, str, str]]:
    return [(one.file, one.task, one.source) for one in datasets]


def test_a_folder_in_the_layout(data: Path) -> None:
    found, notes = find(data)
    assert named(found) == [
        ("polarity/a_es.dev.jsonl", "polarity", "a_es"),
        ("stance/a_es.dev.jsonl", "stance", "a_es"),
    ]
    assert [note.partition(":")[0] for note in notes] == ["bilingual", "replay"]
    assert "no task of that name; there are polarity, stance" in notes[0]
    assert found[0].rows == 2
    assert found[0].notes == ()
    assert found[0].sha256 == hashlib.sha256((data / found[0].file).read_bytes()).hexdigest()
    assert list(found[0].entries) == [(1, TONE), (2, TONE)]
    assert list(found[0].entries) == [(1, TONE), (2, TONE)]


def test_another_split(data: Path) -> None:
    assert [one.file for one in find(data, split="train")[0]] == [
        "polarity/a_es.train.jsonl", "polarity/b.train.jsonl",
    ]  # fmt: skip


def test_a_folder_that_is_one_task(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [("polarity/a_es.dev.jsonl", "polarity", "a_es")]
    assert named(find(data / "polarity")[0]) == expected
    monkeypatch.chdir(data / "polarity")
    assert named(find(Path())[0]) == expected


def test_only_some_tasks_and_sources(data: Path) -> None:
    write(data / "stance/c.dev.jsonl", STANCE)
    assert [one.file for one in find(data, tasks=["stance"])[0]] == ["stance/a_es.dev.jsonl", "stance/c.dev.jsonl"]
    assert [one.file for one in find(data, sources={"c"})[0]] == ["stance/c.dev.jsonl"]
    assert [one.task for one in find(data, tasks=["polarity"], sources=["a_es", "c"])[0]] == ["polarity"]
    with pytest.raises(DataUnusable, match=r"it has polarity/a_es, stance/a_es, stance/c$"):
        find(data, tasks=["polarity"], sources=["c"])
    with pytest.raises(DataUnusable, match="there is no task tone; there are polarity, stance"):
        find(data, tasks=["tone"])


def test_files_of_another_name_are_noted(data: Path) -> None:
    write(data / "polarity/notes.jsonl", TONE)
    write(data / "polarity/.hidden.dev.jsonl", TONE)
    found, notes = find(data)
    assert len(found) == 2
    assert "polarity/notes.jsonl: its name is not SOURCE.SPLIT.jsonl" in notes
    assert len(notes) == 3


@pytest.mark.parametrize(
    ("place", "split", "why"),
    [
        ("gone", "dev", r"there is no .*gone; give a folder with TASK/SOURCE.SPLIT.jsonl, or a .jsonl or .csv file"),
        ("", "tset", "has no file of the split tset; it has dev, train$"),
        ("replay", "dev", "nothing to measure in .*replay .passed over: week.jsonl: its name is not SOURCE"),
        ("README.md", "dev", "README.md is neither .jsonl nor .csv"),
        ("empty", "dev", "there is nothing to measure in .*empty; put there TASK/SOURCE.SPLIT.jsonl, or a .csv file"),
    ],
)
def test_what_cannot_be_used(data: Path, place: str, split: str, why: str) -> None:
    (data / "empty").mkdir()
    with pytest.raises(DataUnusable, match=why):
        find(data / place, split=split)


@pytest.mark.parametrize(
    ("row", "task"),
    [
        (TONE, "polarity"),
        (STANCE, "stance"),
        (STANCE | {"pair": "p1", "kind": "not"}, "contrast"),
        ({"text": "x", "score": 3}, "rating"),
        ({"text": "x", "target": "Acme", "score": 3}, "rating"),
        ({"text": "x", "labels": []}, "emotion"),
    ],
)
def test_the_fields_of_a_single_file_tell_its_task(tmp_path: Path, row: Any, task: str) -> None:
    path = write(tmp_path / "mine.jsonl", row)
    path.write_text("oops\n" + path.read_text())
    assert named(find(path)[0]) == [("mine.jsonl", task, "mine")]


def test_a_single_file_of_the_layout_is_what_its_folder_says(tmp_path: Path) -> None:
    path = write(tmp_path / "irony/x.dev.jsonl", {"text": "x", "label": 1})
    assert named(find(path, split="other")[0]) == [("x.dev.jsonl", "irony", "x")]


def test_a_single_file_that_tells_no_task(tmp_path: Path) -> None:
    with pytest.raises(DataUnusable, match=r"fields: text, label.; put it in a folder named after its task: polarity"):
        find(write(tmp_path / "x.jsonl", {"text": "x", "label": 1}))
    with pytest.raises(DataUnusable, match="has no row that can be read"):
        find(write(tmp_path / "y.jsonl", 5))


def test_broken_lines_keep_their_place(tmp_path: Path) -> None:
    path = tmp_path / "polarity/x.dev.jsonl"
    path.parent.mkdir()
    good = json.dumps(TONE).encode()
    lines = [b"\xef\xbb\xbf" + good, b"{oops", b"", b"[1]", b'{"text": "\xe9"}', b"[" * 100_000, b" \r", good]
    path.write_bytes(b"\n".join(lines))
    ((dataset,), _) = find(path)
    assert dataset.rows == 6
    first, *broken, last = dataset.entries
    assert (first, last) == ((1, TONE), (8, TONE))
    assert [one.line for one in broken if isinstance(one, Broken)] == [2, 4, 5, 6]
    why = [one.why for one in broken if isinstance(one, Broken)]
    assert why[0].startswith("not JSON: Expecting property name")
    assert why[1:3] == [
        "not a JSON object in { }", "not UTF-8 (byte 11 of the line); save the file as UTF-8",
    ]  # fmt: skip


def test_a_line_without_end_is_not_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "polarity/x.dev.jsonl", TONE, {**TONE, "text": "x" * (2 * LONGEST)}, TONE)
    assert list(find(path)[0][0].entries) == [(1, TONE), Broken(2, "the line is longer than 4 MiB"), (3, TONE)]


def test_utf_16_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(TONE), encoding="utf-16")
    with pytest.raises(DataUnusable, match="UTF-16; save it as UTF-8"):
        find(path)


@pytest.mark.parametrize("limit", [1, 3, 7, 9])
def test_a_limit_takes_rows_from_all_over_the_file(tmp_path: Path, limit: int) -> None:
    path = write(tmp_path / "polarity/x.dev.jsonl", *[TONE | {"id": place} for place in range(10)])
    ((dataset,), _) = find(path, limit=limit)
    lines = [entry[0] for entry in dataset.entries if not isinstance(entry, Broken)]
    assert len(lines) == limit
    steps = {after - before for before, after in pairwise(lines)}
    assert not steps or max(steps) - min(steps) <= 1
    assert dataset.rows == 10
    assert dataset.notes == (f"{limit} of 10 rows, evenly taken",)


def test_a_limit_that_is_not_reached_says_nothing(tmp_path: Path) -> None:
    ((dataset,), _) = find(write(tmp_path / "polarity/x.dev.jsonl", TONE, TONE), limit=2)
    assert len(list(dataset.entries)) == 2
    assert dataset.notes == ()


def test_a_limit_keeps_pairs_together(tmp_path: Path) -> None:
    rows = [STANCE | {"pair": place // 2, "kind": "not"} for place in range(10)]
    ((dataset,), _) = find(write(tmp_path / "contrast/x.dev.jsonl", *rows), limit=5)
    pairs = [entry[1]["pair"] for entry in dataset.entries if not isinstance(entry, Broken)]
    assert pairs == [2, 2, 4, 4]
    assert dataset.notes == ("4 of 10 rows, evenly taken",)


def test_names_that_cannot_be_printed(tmp_path: Path) -> None:
    write(tmp_path / "polarity/a\x1b[31m.dev.jsonl", TONE)
    (dataset,) = find(tmp_path)[0]
    assert dataset.source == r"a\x1b[31m"
    assert dataset.file == r"polarity/a\x1b[31m.dev.jsonl"


def test_a_folder_of_tables(tmp_path: Path) -> None:
    (tmp_path / "team.csv").write_text("text,label\ngood,positive\n")
    (tmp_path / "Marks.CSV").write_text("text;score\ngood;9,5\n")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "x.train.csv").write_text("text,label\ngood,positive\n")
    (tmp_path / "irony").mkdir()
    (tmp_path / "irony/ours.csv").write_text("text,label\noh great,1\n")
    (tmp_path / "emotion").mkdir()
    (tmp_path / "emotion/ours.csv").write_text("text,label\noh great,joy\n")
    found, notes = find(tmp_path)
    assert named(found) == [
        ("Marks.CSV", "rating", "Marks"), ("team.csv", "polarity", "team"), ("irony/ours.csv", "irony", "ours"),
    ]  # fmt: skip
    assert list(found[2].entries) == [(2, {"text": "oh great", "label": 1, "source": "ours"})]
    assert "other.csv has no column text; its first line names a, b" in notes[0]
    assert notes[1].startswith("emotion/ours.csv: rows for emotion are read from .jsonl only")
    assert [one.source for one in find(tmp_path, tasks=["rating"])[0]] == ["Marks"]
    with pytest.raises(DataUnusable, match=r"of that task and source; it has .*polarity/team"):
        find(tmp_path, tasks=["complaint"])


def test_a_folder_where_no_table_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataUnusable, match="has no column text"):
        find(tmp_path)
    with pytest.raises(DataUnusable, match="has no column text"):
        find(tmp_path / "other.csv")
