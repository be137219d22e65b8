import json
from pathlib import Path

import pytest
from training.rows import Row, Source, load, merge, polarity_of_score, steps_of_label, steps_of_score


@pytest.mark.parametrize(
    ("label", "scale", "steps"),
    [(-1, 3, {-2, -1}), (0, 3, {0}), (1, 3, {1, 2}), (-2, 5, {-2}), (1, 5, {1}), (0, 5, {0})],
)
def test_coarse_labels_are_sets(label: int, scale: int, steps: set[int]) -> None:
    assert steps_of_label(label, scale) == steps


def test_ratings_are_sets() -> None:
    assert [steps_of_score(score) for score in (10, 9, 8, 7, 6.5, 0)] == [
        {1, 2}, {1, 2}, {0, 1}, {0, 1}, {-2, -1}, {-2, -1},
    ]  # fmt: skip
    assert [polarity_of_score(score) for score in (9, 6, 3)] == [2, None, 0]


def write(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    tone = {"lang": "en", "source": "semeval2017a"}
    side = {"lang": "en", "source": "semeval2017c", "scale": 5}
    write(tmp_path, "polarity/a.train.jsonl", [
        {"text": "Acme rocks", "label": "positive", **tone},
        {"text": "held  OUT!", "label": "negative", **tone},
        {"text": "plain", "label": "neutral", **tone},
    ])  # fmt: skip
    write(tmp_path, "stance/c.train.jsonl", [
        {"text": "Acme rocks", "target": "@acme", "label": 2, **side},
        {"text": "x" * 701, "target": "acme", "label": 0, **side},
    ])  # fmt: skip
    write(tmp_path, "stance/c.dev.jsonl", [{"text": "Held out", "target": "acme", "label": -1, **side}])
    return tmp_path


SOURCES = (Source("polarity/a.train.jsonl"), Source("stance/c.train.jsonl", times=2))


def test_dev_texts_never_enter_and_labels_meet(data: Path) -> None:
    rows = load(data, sources=SOURCES, seed=1)
    assert {row.text for row in rows} == {"Acme rocks", "plain"}
    both = [row for row in rows if row.text == "Acme rocks"]
    assert both == [Row("Acme rocks", "acme", "en", 2, frozenset((2,)), "semeval2017c")] * 2


def test_the_same_seed_gives_the_same_rows(data: Path) -> None:
    assert load(data, sources=SOURCES, seed=3) == load(data, sources=SOURCES, seed=3)


def test_caps_hold_per_label(data: Path) -> None:
    rows = load(data, sources=(Source("polarity/a.train.jsonl", rest=1, caps=(("neutral", 0),)),), seed=1)
    assert [row.polarity for row in rows] == [2]


def test_merging_leaves_other_sources_alone() -> None:
    rows = [Row("t", None, "en", 1, None, "umsab_es"), Row("t", "x", "en", None, frozenset((0,)), "mams")]
    assert sorted(merge(rows), key=lambda row: row.source) == sorted(rows, key=lambda row: row.source)
