"""The model card: what was trained on what, how, and what was measured."""

import json
import subprocess
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any

from sentiment import manifest
from training.recipe import Recipe
from training.rows import SOURCES, Row, sha256

MEASURES = ("macro F1", "macro recall", "accuracy", "ECE", "macro-MAE", "AUC")


def write_card(out: Path, figures: dict[str, Any], recipe: Recipe, data: Path, rows: list[Row]) -> None:
    """Write `README.md` into the model folder, from the template `card.md`."""
    stored = json.loads((out / manifest.FILE).read_text())
    size = sum((out / name).stat().st_size for name in (manifest.WEIGHTS, manifest.TOKENIZER, manifest.FILE)) / 1e6
    counts = sorted(Counter(row.source for row in rows).items())
    words, agreed = figures["words"], figures["agreement"]
    files = [source.file for source in SOURCES] + ["bilingual/words_es.tsv", "bilingual/sentences.tsv"]
    template = Template((Path(__file__).parent / "card.md").read_text(encoding="utf-8"))
    card = template.substitute(
        name=out.name,
        revision=stored["revision"],
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        commit=_commit(),
        size=f"{size:.1f}",
        longest=recipe.longest,
        normalisation=stored["normalisation"],
        added=words["es"]["words"],
        glossed=words["es"]["glossed"],
        found_before=f"{100 * words['before'][0]:.1f}",
        cosine_before=f"{words['before'][1]:.2f}",
        found_after=f"{100 * words['after'][0]:.1f}",
        cosine_after=f"{words['after'][1]:.2f}",
        recipe=json.dumps(recipe.as_dict(), indent=1),
        spent="; ".join(
            f"{name} stage {steps} steps in {minutes:.1f} minutes" for name, steps, minutes in figures["spent"]
        ),
        table=_table(figures["int8"]),
        rows=f"{agreed['rows']:.0f}",
        same_polarity=f"{agreed['same polarity']:.2f}",
        same_label=f"{agreed['same label']:.2f}",
        polarity_difference=f"{agreed['polarity difference']:.4f}",
        stance_difference=f"{agreed['stance difference']:.4f}",
        thresholds=json.dumps(figures["thresholds"]),
        counts=", ".join(f"{name} {count}" for name, count in counts),
        hashes="\n".join(f"{sha256(data / file)}  {file}" for file in files),
    )
    (out / "README.md").write_text(card, encoding="utf-8")


def _table(figures: dict[str, dict[str, float]]) -> str:
    lines = ["| dev set | " + " | ".join(MEASURES) + " |", "|---" * (len(MEASURES) + 1) + "|"]
    for file, found in figures.items():
        cells = [_number(name, found[name]) if name in found else "" for name in MEASURES]
        lines.append(f"| {file} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _number(name: str, value: float) -> str:
    return f"{value:.3f}" if name == "macro-MAE" else f"{value:.1f}"


def _commit() -> str:
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    dirty = subprocess.run(
        ["git", "status", "--porcelain", "--", "scripts", "sentiment"], capture_output=True, check=False
    )
    if asked.returncode:
        return "(before the first commit)"
    return f"`{asked.stdout.strip()}`" + (" with uncommitted changes" if dirty.stdout else "")
