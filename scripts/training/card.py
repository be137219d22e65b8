"""The model card: what was trained on what, how, and what was measured."""

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any

from sentiment import manifest
from training.recipe import Recipe
from training.rows import CONTRASTS, Row, files, sha256

MEASURES = {
    "macro_f1": "macro F1", "macro_recall": "macro recall", "accuracy": "accuracy", "f1": "F1 of class 1",
    "macro_mae": "macro-MAE", "auc": "AUC", "both_right": "both right", "ece": "ECE",
}  # fmt: skip
"""Those of `escucha evaluate` that the card shows, and how it calls them."""


def write_card(out: Path, figures: dict[str, Any], recipe: Recipe, data: Path, rows: Sequence[Row]) -> None:
    """Write `README.md` into the model folder, from the template `card.md`; `rows` are those of the first round."""
    stored = json.loads((out / manifest.FILE).read_text())
    size = sum((out / name).stat().st_size for name in (manifest.WEIGHTS, manifest.TOKENIZER, manifest.FILE)) / 1e6
    counts = sorted(Counter(row.source for row in rows).items())
    words, agreed = figures["words"], figures["agreement"]
    languages = [lang for lang, _ in recipe.added_words]
    template = Template((Path(__file__).parent / "card.md").read_text(encoding="utf-8"))
    card = template.substitute(
        name=out.name,
        revision=stored["revision"],
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        commit=_commit(),
        size=f"{size:.1f}",
        longest=recipe.longest,
        normalisation=stored["normalisation"],
        added=words["added"],
        contrasts=CONTRASTS,
        words=_words(words, languages),
        recipe=json.dumps(recipe.as_dict(), indent=1),
        spent="; ".join(
            f"{name} stage {steps} steps in {minutes:.1f} minutes" for name, steps, minutes in figures["spent"]
        ),
        table=_table(figures["dev"]),
        rows=f"{agreed['rows']:.0f}",
        same_polarity=f"{agreed['same polarity']:.2f}",
        same_label=f"{agreed['same label']:.2f}",
        polarity_difference=f"{agreed['polarity difference']:.4f}",
        stance_difference=f"{agreed['stance difference']:.4f}",
        chosen=json.dumps({name: stored[name] for name in ("thresholds", "unsure")}),
        settings="\n".join(
            f"{name}: temperature {head['temperature']}, bias {head['bias']}" for name, head in stored["heads"].items()
        ),
        counts=", ".join(f"{name} {count}" for name, count in counts),
        hashes="\n".join(f"{sha256(data / file)}  {file}" for file in files(languages)),
    )
    (out / "README.md").write_text(card, encoding="utf-8")


def _words(notes: dict[str, Any], languages: Sequence[str]) -> str:
    lines = ["| | words | with glosses | found before | cosine | found after | cosine |", "|---" * 7 + "|"]
    for lang in languages:
        (before, near), (after, nearer) = notes["before"][lang], notes["after"][lang]
        lines.append(
            f"| {lang} | {notes[lang]['words']} | {notes[lang]['glossed']} | {100 * before:.1f} % | {near:.2f} "
            f"| {100 * after:.1f} % | {nearer:.2f} |"
        )
    return "\n".join(lines)


def _table(figures: dict[str, dict[str, float]]) -> str:
    lines = ["| dev set | " + " | ".join(MEASURES.values()) + " |", "|---" * (len(MEASURES) + 1) + "|"]
    for file, found in figures.items():
        cells = [_number(name, found[name]) if name in found else "" for name in MEASURES]
        lines.append(f"| {file} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _number(name: str, value: float) -> str:
    return f"{value:.3f}" if name in ("macro_mae", "ece") else f"{100 * value:.1f}"


def _commit() -> str:
    git = ["git", "-C", str(Path(__file__).parents[2])]
    asked = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    if asked.returncode:
        return "(before the first commit)"
    dirty = subprocess.run(
        [*git, "status", "--porcelain", "--", "scripts", "sentiment"], capture_output=True, check=False
    )
    return f"`{asked.stdout.strip()}`" + (" with uncommitted changes" if dirty.stdout else "")
