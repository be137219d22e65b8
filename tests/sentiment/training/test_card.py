"""The card says what was trained on what, and what came of it."""

import json
from pathlib import Path

import pytest
from training.card import write_card
from training.recipe import Recipe
from training.rows import Row, files, sha256

LANGS = [lang for lang, _ in Recipe().added_words]
FIGURES = {
    "dev": {
        "polarity/x": {"macro_f1": 0.61234, "macro_recall": 0.7, "ece": 0.0316, "of no interest": 1.0},
        "stance/y": {"macro_mae": 0.5, "accuracy": 0.8},
    },
    "agreement": {
        "rows": 12.0, "same polarity": 99.125, "same label": 98.0, "polarity difference": 0.00512,
        "stance difference": 0.25,
    },
    "words": {
        "added": 41234,
        **{lang: {"words": 70, "seen": 60, "glossed": 50, "switches": 9} for lang in LANGS},
        "before": dict.fromkeys(LANGS, (0.25, 0.5)),
        "after": dict.fromkeys(LANGS, (0.75, 0.9)),
    },
    "spent": [("upper", 120, 7.96), ("deep", 4000, 60.0)],
}  # fmt: skip
STORED = {
    "revision": "abc123", "normalisation": 3, "thresholds": {"default": {"promoter": 0.55, "detractor": 0.5}},
    "unsure": {"polarity": 0.51}, "heads": {"irony": {"temperature": 1.5, "bias": [0.25]}},
}  # fmt: skip


@pytest.fixture
def card(data: Path, tmp_path: Path) -> str:
    out = tmp_path / "escucha-tiny"
    out.mkdir()
    (out / "model.json").write_text(json.dumps(STORED))
    (out / "model.onnx").write_bytes(b"x" * 2_400_000)
    (out / "tokenizer.json").write_bytes(b"y" * 100_000)
    row = Row("t", None, "en", 1, None, "umsab_es")
    write_card(out, FIGURES, Recipe(), data, [row, row, Row("u", "x", "en", None, frozenset((0,)), "mams")])
    return (out / "README.md").read_text(encoding="utf-8")


def test_the_model_is_named(card: str) -> None:
    assert card.startswith("# escucha-tiny\n")
    assert "Revision `abc123`" in card
    assert "2.5 MB" in card
    assert "41234 words of five languages" in card
    assert "irony: temperature 1.5, bias [0.25]" in card
    assert '"promoter": 0.55' in card
    assert "$" not in card


def test_the_figures_are_a_table(card: str) -> None:
    head = next(line for line in card.splitlines() if line.startswith("| dev set"))
    assert head.count("|") == 10
    assert "| polarity/x | 61.2 | 70.0 |  |  |  |  |  | 0.032 |" in card
    assert "| stance/y |  |  | 80.0 |  | 0.500 |  |  |  |" in card
    assert "of no interest" not in card
    assert "12 dev rows: the same polarity in 99.12 %" in card
    assert "| es | 70 | 50 | 25.0 % | 0.50 | 75.0 % | 0.90 |" in card


def test_what_it_was_made_of(card: str, data: Path) -> None:
    assert '"seed": 11' in card
    assert "upper stage 120 steps in 8.0 minutes; deep stage 4000 steps in 60.0 minutes" in card
    assert "mams 1, umsab_es 2" in card
    for file in files(LANGS):
        assert f"{sha256(data / file)}  {file}" in card
