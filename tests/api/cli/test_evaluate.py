"""``escucha evaluate``: figures of labelled files on the terminal, as a report and as JSON."""

import json
from pathlib import Path

import pytest

from .conftest import Escucha, write_rows

FLOOR = 0.35
"""Pairs with both members right: the model had 0.39; one that reads tone alone can have no pair of brands right."""

CSV = """\ufeffText;Label;Brand;Lang
"Love Lumbra, they answered in a minute!";promoter;Lumbra;en
"Lumbra lost my parcel again; never again";detractor;Lumbra;en
Lumbra opens at nine.;passive;Lumbra;en
Telmira es una vergüenza, nadie contesta;-1;Telmira;es
"""


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "polarity").mkdir(parents=True)
    rows = [
        {"text": "I love this, thank you!", "lang": "en", "label": "positive"},
        {"text": "Worst service ever, I hate it", "lang": "en", "label": "negative"},
        {"text": "The shop opens at nine", "lang": "en", "label": "neutral"},
        {"text": "Me encanta, gracias", "lang": "es", "label": "positive"},
    ]
    write_rows(folder / "polarity" / "mine.dev.jsonl", rows * 5)
    return folder


def test_the_bundled_pairs_need_no_data_at_all(escucha: Escucha, tmp_path: Path) -> None:
    result = escucha("evaluate", "--json", "out.json", "--resamples", "50")
    assert result.status == 0, result.err
    found = json.loads((tmp_path / "out.json").read_text())
    (file,) = found["files"]
    assert (file["task"], file["measured"], file["broken"]) == ("contrast", 400, 0)
    both = next(figure for figure in file["figures"]["figures"] if figure["name"] == "both_right")
    assert both["low"] <= both["value"] <= both["high"]
    assert "both members right" in result.out


def test_the_bundled_model_tells_tone_from_stance(escucha: Escucha, tmp_path: Path) -> None:
    """Tone alone gets at most one member of a pair of brands right: both right is what reading for a brand gives."""
    escucha("evaluate", "--json", "out.json", "--resamples", "0")
    (file,) = json.loads((tmp_path / "out.json").read_text())["files"]
    value = next(figure["value"] for figure in file["figures"]["figures"] if figure["name"] == "both_right")
    assert value >= FLOOR


def test_a_report_with_charts_and_json_of_a_folder(escucha: Escucha, labelled: Path, tmp_path: Path) -> None:
    result = escucha(
        "evaluate", "--data", str(labelled), "--report", "out.md", "--json", "out.json", "--resamples", "20"
    )
    assert result.status == 0, result.err
    report = (tmp_path / "out.md").read_text()
    chart = tmp_path / "out-charts" / "polarity-mine.svg"
    assert "](out-charts/polarity-mine.svg)" in report
    assert chart.read_text().startswith("<svg")
    assert "Expected calibration error" in report
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["settings"]["split"] == "dev"
    assert [group["name"] for group in found["files"][0]["figures"]["languages"]] == ["en", "es"]


def test_a_teams_own_csv(escucha: Escucha, tmp_path: Path) -> None:
    (tmp_path / "team.csv").write_text(CSV, encoding="utf-8")
    result = escucha("evaluate", "--data", "team.csv", "--json", "out.json", "--resamples", "0")
    assert result.status == 0, result.err
    (file,) = json.loads((tmp_path / "out.json").read_text())["files"]
    assert (file["task"], file["measured"]) == ("stance", 4)


def test_rows_that_cannot_be_used_are_told_and_the_rest_is_measured(escucha: Escucha, labelled: Path) -> None:
    path = labelled / "polarity" / "mine.dev.jsonl"
    path.write_text('{"text": "fine", "lang": "en", "label": "splendid"}\n{\n' + path.read_text())
    result = escucha("evaluate", "--data", str(labelled), "--resamples", "0")
    assert result.status == 1
    assert "2 rows were left out" in result.err
    assert "line 1" in result.err
    assert "macro F1" in result.out


@pytest.mark.parametrize(
    ("arguments", "says", "status"),
    [
        (["--data", "nowhere"], "nowhere", 1),
        (["--task", "mood"], "there is no task mood", 2),
        (["--split", "test"], "dev", 1),
        (["--source", "other"], "mine", 1),
        (["--report", "no/such/out.md"], "there is no folder", 1),
        (["--json", "."], "is a folder", 1),
        (["--limit", "0"], "limit", 2),
    ],
)
def test_what_is_wrong_is_said(escucha: Escucha, labelled: Path, arguments: list[str], says: str, status: int) -> None:
    data = [] if "--data" in arguments else ["--data", str(labelled)]
    result = escucha("evaluate", *data, *arguments)
    assert result.status == status
    assert says in result.err


def test_strangers_text_is_shown_as_text(escucha: Escucha, tmp_path: Path) -> None:
    brand = "[bold]<script>|`x`\x1b[31m\ud800"
    folder = tmp_path / "data" / "stance"
    folder.mkdir(parents=True)
    rows = [
        {"text": f"{brand} is fine {number}", "target": brand, "lang": "en", "label": number % 3 - 1, "scale": 3}
        for number in range(30)
    ]
    (folder / "odd.dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = escucha("evaluate", "--data", "data", "--report", "out.md", "--json", "out.json", "--resamples", "0")
    assert result.status == 0, result.err
    (file,) = json.loads((tmp_path / "out.json").read_text())["files"]
    assert file["figures"]["quantification"]["targets"][0]["target"] == brand
    report = (tmp_path / "out.md").read_text()
    assert "\x1b" not in report
    assert "<script>" not in report
    assert r"\[bold\]\<script\>\|\`x\`" in report
