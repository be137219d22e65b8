"""``escucha score``: its contract, and what it says of rows that break it."""

import json
import os
import threading
from pathlib import Path

import pytest

from .conftest import Escucha, write_rows


def test_score_keeps_order_and_the_contract(escucha: Escucha, tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", [{"text": "I love Lumbra", "target": "Lumbra", "mine": 1}, {"text": "Meh"}])
    result = escucha("score", "--input", "in.jsonl", "--output", "out.jsonl")
    assert result.status == 0, result.err
    first, second = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines())
    assert (first["text"], first["mine"], second["text"]) == ("I love Lumbra", 1, "Meh")
    assert set(first["polarity"]) == {"negative", "neutral", "positive"}
    assert set(first["stance"]) == {"-2", "-1", "0", "1", "2"}
    assert first["label"] in ("promoter", "passive", "detractor")
    assert (second["stance"], second["label"]) == (None, None)
    assert (first["unsure"], second["unsure"]) == (False, False)
    assert {"emotions", "irony", "offensive", "complaint", "relevance", "model", "revision"} <= set(first)


@pytest.mark.parametrize(
    ("line", "says"), [("{", "line 2: not JSON"), ("[]", "line 2: not a JSON object"), ('{"text": 5}', "line 2")]
)
def test_score_refuses_a_bad_row_and_leaves_no_half_output(
    escucha: Escucha, tmp_path: Path, line: str, says: str
) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "fine"}\n' + line + "\n")
    result = escucha("score", "--input", "in.jsonl", "--output", "out.jsonl")
    assert result.status == 1
    assert says in result.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"text": "x", "n": ' + "9" * 5000 + "}", "line 3: it cannot be read (a number of 5,000 digits)"),
        ('{"text": "x", "n": ' + "[" * 200_000 + "]" * 200_000 + "}", "line 3: it is nested too deeply"),
        ('{"text": "x", "n": NaN}', "line 3: it cannot be read (NaN is not JSON; write null)"),
        ('{"text": "x", "n": 1e999}', "line 3: a number in it is too large"),
    ],
    ids=["long", "deep", "nan", "large"],
)
def test_score_refuses_what_json_cannot_hold_with_its_line(
    escucha: Escucha, tmp_path: Path, line: str, says: str
) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "fine"}\n\n' + line + "\n")
    result = escucha("score", "--input", "in.jsonl", "--output", "out.jsonl")
    assert result.status == 1
    assert says in result.err
    assert not (tmp_path / "out.jsonl").exists()


def test_score_passes_over_empty_lines(escucha: Escucha, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "fine"}\n\n{"text": "good"}\n\n \n')
    result = escucha("score", "--input", "in.jsonl", "--output", "out.jsonl")
    assert result.status == 0, result.err
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 2


def test_half_a_surrogate_pair_goes_through(escucha: Escucha, tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"text": "ca\\ud83d fé"}\n', encoding="utf-8")
    result = escucha("score", "--input", "in.jsonl", "--output", "out.jsonl")
    assert result.status == 0, result.err
    assert json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))["text"] == "ca\ud83d fé"


@pytest.mark.parametrize(
    ("output", "says"),
    [("none/out.jsonl", "there is no folder none"), (".", "is a folder"), ("in.jsonl/x", "no folder")],
)
def test_score_looks_at_its_output_before_the_model(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, says: str
) -> None:
    monkeypatch.setattr("api.wiring.Scorer.open", lambda *_, **__: pytest.fail("the model was loaded"))
    write_rows(tmp_path / "in.jsonl", [{"text": "fine"}])
    result = escucha("score", "--input", "in.jsonl", "--output", output)
    assert result.status == 1
    assert says in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_score_writes_into_a_pipe_and_leaves_it_one(escucha: Escucha, tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", [{"text": "fine"}])
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    result = escucha("score", "--input", "in.jsonl", "--output", "pipe")
    assert result.status == 0, result.err
    reader.join(10)
    assert json.loads(read[0])["text"] == "fine"
    assert pipe.is_fifo()


def test_score_leaves_a_link_a_link(escucha: Escucha, tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", [{"text": "fine"}])
    (tmp_path / "link.jsonl").symlink_to("real.jsonl")
    assert escucha("score", "--input", "in.jsonl", "--output", "link.jsonl").status == 0
    assert (tmp_path / "link.jsonl").is_symlink()
    assert json.loads((tmp_path / "real.jsonl").read_text())["text"] == "fine"


def test_an_output_that_was_private_stays_private(escucha: Escucha, tmp_path: Path) -> None:
    write_rows(tmp_path / "in.jsonl", [{"text": "Meh"}])
    (tmp_path / "out.jsonl").touch(mode=0o600)
    assert escucha("score", "--input", "in.jsonl", "--output", "out.jsonl").status == 0
    assert (tmp_path / "out.jsonl").stat().st_mode & 0o777 == 0o600
