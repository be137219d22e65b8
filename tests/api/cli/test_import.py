"""``escucha import``: a file through the whole pipeline, told to a person."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cli.draining import in_words
from listener.sources.file import FileSource
from listener.store.read import Pending

from .conftest import ROWS, Escucha, count, write_rows


def test_import_stores_scores_judges_and_delivers_once(escucha: Escucha, tmp_path: Path) -> None:
    write_rows(tmp_path / "m.jsonl", ROWS)
    first = escucha("import", "m.jsonl", "--brand", "Lumbra", "--brand", "Telmira", "--alert")
    assert first.status == 0, first.err
    assert "3 mentions stored, 0 known already" in first.err
    assert "all scored, judged and delivered" in first.err
    assert count(tmp_path, "SELECT count(*) FROM score") == 3
    assert count(tmp_path, "SELECT count(*) FROM mention_brand WHERE label IS NOT NULL AND verdict IS NOT NULL") == 3
    # What the model makes of each sentence is its own tests' affair; here it is only held against itself.
    incidents = count(tmp_path, "SELECT count(*) FROM alert_event WHERE kind = 'opened'")
    assert count(tmp_path, "SELECT count(*) FROM alert") == incidents > 0
    told = count(tmp_path, "SELECT count(*) FROM decision WHERE action = 'send'")
    assert count(tmp_path, "SELECT count(*) FROM delivery WHERE state = 'sent'") == told > 0
    second = escucha("import", "m.jsonl", "--brand", "Lumbra", "--brand", "Telmira", "--alert")
    assert "0 mentions stored, 3 known already" in second.err
    assert count(tmp_path, "SELECT count(*) FROM delivery") == told


def test_import_says_which_rows_name_another_brand(escucha: Escucha, tmp_path: Path) -> None:
    write_rows(tmp_path / "m.jsonl", ROWS)
    result = escucha("import", "m.jsonl", "--brand", "Lumbra")
    assert "2 mentions stored" in result.err
    assert "Telmira (1); add --brand NAME" in result.err


def test_imported_history_raises_no_alert_unless_asked(escucha: Escucha, tmp_path: Path) -> None:
    old = [row | {"created_at": "2020-01-01T00:00:00Z"} for row in ROWS]
    write_rows(tmp_path / "m.jsonl", old)
    assert escucha("import", "m.jsonl", "--brand", "Lumbra", "--brand", "Telmira").status == 0
    assert count(tmp_path, "SELECT count(*) FROM alert") == 0
    likely = "label = 'detractor' AND verdict NOT IN ('below_probability', 'below_reach')"
    assert count(tmp_path, f"SELECT count(*) FROM mention_brand WHERE {likely} AND verdict <> 'too_old'") == 0


def test_a_line_that_is_no_json_is_told_and_the_rest_is_kept(escucha: Escucha, tmp_path: Path) -> None:
    write_rows(tmp_path / "m.jsonl", ROWS)
    with (tmp_path / "m.jsonl").open("a", encoding="utf-8") as lines:
        lines.write('{"id": 4, "text": \n' + json.dumps(ROWS[0] | {"id": 5}) + "\n")
    result = escucha("import", "m.jsonl", "--brand", "Lumbra")
    assert result.status == 1
    assert "not stored: line 4: " in result.err
    assert "not stored: 1 row of m.jsonl" in result.err
    assert count(tmp_path, "SELECT count(*) FROM mention") == 3


def test_a_csv_with_broken_quoting_is_refused_with_the_line(escucha: Escucha, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(
        'id,created_at,text\n1,2026-11-20T10:00:00Z,fine\n2,2026-11-20T10:00:00Z,"open\n3,x,y\n'
    )
    result = escucha("import", "m.csv", "--brand", "Lumbra")
    assert result.status == 1
    assert "line 3" in result.err
    assert "quot" in result.err


MANY: list[dict[str, object]] = [ROWS[0] | {"id": number} for number in range(1, 701)]


def interrupted(escucha: Escucha, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import of m.jsonl that ends after its first page, as if the process had been killed."""
    pages = FileSource._pages

    def one_page(self: FileSource, *given: object) -> Iterator[object]:
        yield next(pages(self, *given))  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(FileSource, "_pages", one_page)
        assert escucha("import", "m.jsonl", "--brand", "Lumbra").status == 130


def test_an_interrupted_import_goes_on_and_says_from_where(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(tmp_path / "m.jsonl", MANY)
    interrupted(escucha, monkeypatch)
    result = escucha("import", "m.jsonl", "--brand", "Lumbra")
    assert result.status == 0, result.err
    assert "going on from line 501 of an interrupted import; the lines before it were read then" in result.err
    assert "--from-start reads them again" in result.err
    assert "200 mentions stored, 0 known already" in result.err
    assert "going on" not in escucha("import", "m.jsonl", "--brand", "Lumbra").err


def test_an_interrupted_import_can_be_read_from_its_start(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(tmp_path / "m.jsonl", MANY)
    interrupted(escucha, monkeypatch)
    result = escucha("import", "m.jsonl", "--brand", "Lumbra", "--from-start")
    assert "going on" not in result.err
    assert "200 mentions stored, 500 known already" in result.err


def test_a_file_that_changed_meanwhile_is_read_from_its_start_and_nothing_else_is_said(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(tmp_path / "m.jsonl", MANY)
    interrupted(escucha, monkeypatch)
    write_rows(tmp_path / "m.jsonl", [row | {"text": "Lumbra, edited at some length"} for row in MANY])
    result = escucha("import", "m.jsonl", "--brand", "Lumbra")
    assert "going on" not in result.err
    assert "200 mentions stored, 500 known already" in result.err


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("nope.jsonl", None, "there is no file"),
        ("m.xlsx", "x", "the name must end in .jsonl"),
        ("m.jsonl", "", "is empty"),
        ("m.csv", "a,b\n1,2\n", "text"),
    ],
)
def test_a_file_that_cannot_be_read_leaves_nothing_behind(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str | None, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    monkeypatch.setattr("api.wiring.Scorer.open", lambda *_, **__: pytest.fail("the model was loaded"))
    result = escucha("import", name, "--brand", "Foo")
    assert result.status == 1
    assert says in result.err
    assert "stored" not in result.err
    assert count(tmp_path, "SELECT (SELECT count(*) FROM brand) + (SELECT count(*) FROM source)") == 0


@pytest.mark.parametrize(("brand", "says"), [("", "a brand needs a name"), ("!!!", "add a query")])
def test_a_brand_that_cannot_be_looked_for_is_wrong_use(
    escucha: Escucha, tmp_path: Path, brand: str, says: str
) -> None:
    write_rows(tmp_path / "m.jsonl", ROWS)
    result = escucha("import", "m.jsonl", "--brand", brand)
    assert result.status == 2
    assert "--brand" in result.err
    assert says in result.err
    assert not (tmp_path / "data").exists()


def test_an_import_takes_its_brands_from_the_file_and_touches_no_other(escucha: Escucha, tmp_path: Path) -> None:
    write_rows(tmp_path / "m.jsonl", ROWS)
    (tmp_path / "escucha.yml").write_text("brands: [{name: Other}]\nsources: [{name: hn, kind: hackernews}]\n")
    assert escucha("import", "m.jsonl", "--brand", "Telmira").status == 0
    assert count(tmp_path, "SELECT count(*) FROM brand") == 1
    assert count(tmp_path, "SELECT count(*) FROM source WHERE name = 'hn'") == 0
    (tmp_path / "escucha.yml").write_text('brands: [{name: "!!!", query: lumbra OR lumbrita, role: competitor}]\n')
    assert escucha("import", "m.jsonl", "--brand", "!!!", "--brand", "Telmira").status == 0
    taken = "SELECT count(*) FROM brand WHERE name = '!!!' AND query = 'lumbra OR lumbrita' AND role = 'competitor'"
    assert count(tmp_path, taken) == 1
    assert count(tmp_path, "SELECT count(*) FROM brand WHERE active") == 2


def test_a_percentage_is_shown_as_one(escucha: Escucha, tmp_path: Path) -> None:
    write_rows(tmp_path / "m.jsonl", ROWS)
    assert "100%" in escucha("import", "m.jsonl", "--brand", "Lumbra").err


def test_what_is_left_is_told_for_every_stage() -> None:
    left = in_words(Pending(unscored=1200, unjudged=1, undecided=2, undelivered=0))
    assert left == "1,200 mentions to be scored, 1 mention to be judged, 2 incidents to be decided upon"
    assert in_words(Pending(0, 0, 0, 2)) == "2 notices to be sent"


def test_work_that_was_not_done_in_time_is_told_stage_by_stage(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("listener.pipeline.score_batch", lambda *_: 0)
    write_rows(tmp_path / "m.jsonl", ROWS)
    result = escucha("import", "m.jsonl", "--brand", "Lumbra", "--wait", "1s")
    assert result.status == 1
    assert "still to be done: 2 mentions to be scored; `escucha work` goes on with it" in result.err
