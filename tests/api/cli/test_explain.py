"""``escucha explain``: what a person sees, and what a program gets."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from listener.store.engine import Store
from sentiment.scorer import Scorer

from .conftest import ROWS, Escucha, Result, count, write_rows

EN = "Lumbra is terrible, but Telmira is wonderful"

Explain = Callable[..., Result]


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.open(threads=1)


@pytest.fixture
def explain(escucha: Escucha, scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> Explain:
    """The command with a model that is loaded once."""
    monkeypatch.setattr("api.cli.explain.open_scorer", lambda _: scorer)
    return lambda *arguments: escucha("explain", *arguments)


def unmarked(out: str) -> str:
    """The first line, which is the text, without its marks."""
    return re.sub(r"\[(brand|[+-]\d\.\d\d)\]", "", out.splitlines()[0])


def test_the_text_the_words_and_the_score(explain: Explain) -> None:
    result = explain(EN, "--brand", "Telmira")
    assert result.status == 0, result.err
    assert result.err == ""
    marked, *rest = result.out.splitlines()
    assert unmarked(result.out) == EN
    assert "Telmira[brand]" in marked
    assert re.search(r"wonderful\[\+\d\.\d\d\]", marked)
    effect, share, words = next(line.split(maxsplit=2) for line in rest if "wonderful" in line)
    assert f"wonderful[{effect}]" in marked
    assert 0 < int(share.removesuffix("%")) <= 100
    assert "wonderful" in words
    assert re.search(
        r"^stance toward Telmira: \+\d\.\d\d of -2 to 2; with only the brand left of the text, ", result.out, re.M
    )
    assert re.search(r"^label: promoter \(inferred\)", result.out, re.M)
    assert re.search(r"^stance: -2 \d+%, -1 \d+%, 0 \d+%, 1 \d+%, 2 \d+%$", result.out, re.M)
    assert re.search(r"^polarity: negative \d+%, neutral \d+%, positive \d+%$", result.out, re.M)
    assert re.search(r"^\S+, revision \S+; language en; explained in \d+\.\d\d s$", result.out, re.M)


def test_without_a_brand(explain: Explain) -> None:
    result = explain("What a wonderful day", "--lang", "en")
    assert re.search(r"^polarity: \+0\.\d\d of -1 to 1; with nothing left of the text, \+0\.00$", result.out, re.M)
    assert "label:" not in result.out
    assert "[brand]" not in result.out


def test_a_brand_that_is_not_in_the_text(explain: Explain) -> None:
    result = explain("They are wonderful", "--brand", "Lumbra")
    assert "Lumbra is not found in the text" in result.out


def test_json_has_the_places_and_the_score(escucha: Escucha, tmp_path: Path) -> None:
    result = escucha("explain", EN, "--brand", "Lumbra", "--json")
    assert result.status == 0, result.err
    found = json.loads(result.out)
    assert [EN[start:end] for start, end in found["brand"]] == ["Lumbra"]
    assert all(EN[span["start"] : span["end"]] == span["text"] for span in found["spans"])
    assert (found["measure"], set(found["score"]["stance"])) == ("stance", {"-2", "-1", "0", "1", "2"})
    assert found["score"]["revision"]
    write_rows(tmp_path / "in.jsonl", [{"text": EN, "target": "Lumbra"}])
    escucha("score", "--input", "in.jsonl", "--output", "out.jsonl")
    scored = json.loads((tmp_path / "out.jsonl").read_text())
    assert found["score"]["stance"] == pytest.approx(scored["stance"])
    assert found["score"]["label"] == scored["label"]


def test_the_text_may_come_from_standard_input(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("Qué maravilla\n".encode())))
    result = explain("-", "--lang", "es")
    assert result.status == 0, result.err
    assert unmarked(result.out) == "Qué maravilla"


@pytest.mark.parametrize("given", [(), ("",), ("  \n",), ("-",)])
def test_no_text(explain: Explain, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...]) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b" ")))
    result = explain(*given, "--brand", "Lumbra")
    assert result.status == 2
    assert "there is no text" in result.err


def test_standard_input_that_is_no_text(explain: Explain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\xfe")))
    result = explain("-")
    assert (result.status, result.err) == (1, "escucha: standard input is not UTF-8 text\n")


def test_a_text_of_invisible_characters(explain: Explain) -> None:
    result = explain("\u200b\x01", "--brand", "Lumbra")
    assert result.status == 0
    assert "There is nothing in the text to read" in result.out
    assert "label: passive" in result.out


def test_a_model_that_is_not_there(escucha: Escucha) -> None:
    result = escucha("explain", EN, "--model", "/nowhere/model")
    assert result.status == 2
    assert "/nowhere/model" in result.err


HOSTILE = (
    "awful [bold red]x[/] [link=https://evil]y[/link] :smile: \x1b[31m\x1b]0;gone\x07 \u202egnorw\u2066 \ud83d a"
    "\nescucha: done Lumbra"
)


@pytest.mark.parametrize("colour", ["", "1"])
def test_strangers_text_is_shown_as_text(explain: Explain, monkeypatch: pytest.MonkeyPatch, colour: str) -> None:
    monkeypatch.setenv("FORCE_COLOR", colour)
    result = explain(HOSTILE, "--brand", "Lum\x1b[2Jbra\u202e")
    assert result.status == 0, result.err
    bare = re.sub(r"\x1b\[[\d;]*m", "", result.out) if colour else result.out
    assert ("\x1b" in result.out) == bool(colour)
    assert not set(bare) & set("\x1b\x07\u202e\u2066\ud83d")
    assert unmarked(bare) == (
        r"awful [bold red]x[/] [link=https://evil]y[/link] :smile: \x1b[31m\x1b]0;gone\x07 \u202egnorw\u2066 \ud83d a"
        r"\nescucha: done Lumbra"
    )
    assert r"stance toward Lum\x1b[2Jbra\u202e" in bare


def test_strangers_text_in_json(explain: Explain) -> None:
    result = explain(HOSTILE, "--brand", "Lumbra", "--json")
    assert result.status == 0, result.err
    assert json.loads(result.out)["text"] == HOSTILE
    assert "\x1b" not in result.out


def test_a_long_text_says_what_was_not_read(explain: Explain) -> None:
    result = explain("word " * 2000 + "Lumbra is awful " + "word " * 2000, "--brand", "Lumbra")
    assert re.search(r"of its 20,016 characters were not read", result.out)
    assert len(result.out.splitlines()) < 30


@pytest.fixture
def stored(escucha: Escucha, tmp_path: Path) -> None:
    """Three scored mentions; ids 1 to 3."""
    write_rows(tmp_path / "m.jsonl", ROWS)
    result = escucha("import", "m.jsonl", "--brand", "Lumbra", "--brand", "Telmira")
    assert result.status == 0, result.err


@pytest.mark.usefixtures("stored")
def test_a_stored_mention_brings_its_brand(explain: Explain, tmp_path: Path) -> None:
    result = explain("--mention", "2")
    assert result.status == 0, result.err
    assert "Lumbra[brand]" in result.out
    assert unmarked(result.out) == ROWS[1]["text"]
    assert "The score in the database, detractor, is by the same model and revision." in result.out
    told = json.loads(explain("--mention", "2", "--json").out)["stored"]
    assert (told["mention"], told["label"]) == (2, "detractor")
    assert count(tmp_path, "SELECT count(*) FROM score") == 3


@pytest.mark.usefixtures("stored")
def test_a_stored_score_of_another_revision_is_told_apart(explain: Explain, tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/data/escucha.db")
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE score SET revision = 'older'")
        connection.exec_driver_sql("UPDATE mention_brand SET label = NULL WHERE id = 3")
        connection.exec_driver_sql("DELETE FROM score WHERE mention_brand_id = 3")
    store.close()
    assert re.search(r"detractor, is by \S+, revision older: another one", explain("--mention", "2").out)
    assert "Mention 3 has no score in the database yet." in explain("--mention", "3").out


@pytest.mark.parametrize("mention", ["7", "0", "-1", str(2**63), str(2**70)])
def test_a_mention_that_is_not_there(explain: Explain, mention: str) -> None:
    result = explain("--mention", mention)
    assert result.status == 1
    assert result.err.startswith(f"escucha: there is no mention {mention};")


@pytest.mark.parametrize("more", [("text",), ("--brand", "Lumbra"), ("--lang", "es")])
def test_a_mention_needs_nothing_else(explain: Explain, more: tuple[str, ...]) -> None:
    result = explain("--mention", "1", *more)
    assert result.status == 2
    assert "it brings its text, brand and language along" in re.sub(r"[\s│]+", " ", result.err)
