"""From a trained network to a model folder: ONNX, int8, manifest, thresholds from dev, card."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from tokenizers import Tokenizer

from sentiment import manifest, text
from sentiment.evaluation.choices import Sampling
from sentiment.evaluation.running import BENCHMARKS, Dataset, evaluate_file
from sentiment.scorer import Scorer
from training import calibrate
from training.batches import Tokens
from training.card import write_card
from training.ease import ease
from training.encoder import HEADS, Model
from training.fit import Round
from training.graph import build
from training.measure import agreement, choose, score_dev
from training.recipe import Recipe
from training.rows import read, sha256
from training.still import ranges

EASED_ON = 300  # training rows that show what activations look like
SEEN_FOR_SCALES = 600  # training rows that the scales of activations are read off
COMPARED = 400  # rows of each dev file that int8 and fp32 are compared on
UNCHOSEN: dict[str, Any] = {
    "heads": calibrate.plain(), "thresholds": {"default": {"promoter": 0.5, "detractor": 0.5}}, "unsure": {},
}  # fmt: skip


def publish(
    model: Model, tokenizer: Tokenizer, data: Path, out: Path, work: Path, recipe: Recipe, first: Round,
    say: Callable[[str], None],
) -> None:  # fmt: skip
    """Export, quantise, calibrate on dev, measure, and write the folder `out` with its card."""
    say("exporting")
    rows, tokens = first
    exact, small = work / "fp32", work / "int8"
    for folder in (exact, small):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / manifest.TOKENIZER).write_text(compact(tokenizer), encoding="utf-8")
    ease(model, sorted(_spread(tokens, EASED_ON), key=lambda row: len(row[0])), recipe.ease)
    to_onnx(model, exact / manifest.WEIGHTS, recipe.longest)
    to_int8(model, small / manifest.WEIGHTS, recipe.longest, _spread(tokens, SEEN_FOR_SCALES))
    for folder in (exact, small):
        write_manifest(folder, out.name, recipe.longest, UNCHOSEN)
    raw = score_dev(Scorer.open(small), data, say)
    say("the same in fp32")
    raw_exact = score_dev(Scorer.open(exact), data, say, most=COMPARED)
    chosen = choose(raw)
    write_manifest(small, out.name, recipe.longest, chosen)
    figures = {
        "dev": evaluate(Scorer.open(small), (data, BENCHMARKS), say),
        "agreement": agreement(raw, raw_exact, manifest.Manifest.read(small).labeller),
        "words": json.loads((work / "words.json").read_text()),
        "chosen": chosen,
        "spent": [(name, *_spent(work / f"{name}.pt")) for name in ("upper", "deep")],
    }
    (work / "figures.json").write_text(json.dumps(figures, indent=1))
    out.mkdir(parents=True, exist_ok=True)
    for name in (manifest.WEIGHTS, manifest.TOKENIZER, manifest.FILE):
        shutil.copyfile(small / name, out / name)
    write_card(out, figures, recipe, data, rows)


def evaluate(scorer: Scorer, folders: Sequence[Path], say: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Every figure of every dev file, as `escucha evaluate` measures them."""
    found: dict[str, dict[str, float]] = {}
    for path in (path for folder in folders for path in sorted(folder.glob("*/*.dev.jsonl"))):
        rows = list(enumerate(read(path), start=1))
        task, source = path.parent.name, path.name.split(".")[0]
        dataset = Dataset(path.name, task, source, sha256(path), len(rows), rows)
        figures = evaluate_file(scorer, dataset, Sampling(resamples=0)).figures
        if figures is None:
            raise ValueError(f"{path}: nothing in it can be measured")
        found[f"{task}/{source}"] = {figure.name: figure.value for figure in figures.figures}
        if figures.calibration_error is not None:
            found[f"{task}/{source}"]["ece"] = figures.calibration_error
        say(f"measured {task}/{source}")
    return found


def _spread(tokens: Sequence[Tokens], many: int) -> list[Tokens]:
    """`many` of the rows, from all over."""
    return list(tokens[:: len(tokens) // many + 1])


def _spent(checkpoint: Path) -> tuple[int, float]:
    """Steps and minutes of a stage."""
    if not checkpoint.exists():
        return 0, 0.0
    kept = torch.load(checkpoint, weights_only=True, map_location="cpu", mmap=True)
    return kept["step"], kept["spent"] / 60


def to_onnx(model: Model, path: Path, longest: int) -> None:
    """Write the network in fp32, for rows of at most `longest` tokens."""
    onnx.save(build(model, None, longest), path)


def to_int8(model: Model, path: Path, longest: int, tokens: Sequence[Tokens]) -> None:
    """Write it in int8: weights with a scale per output channel, activations with fixed ones read off `tokens`."""
    onnx.save(build(model, ranges(model, tokens), longest), path)


def compact(tokenizer: Tokenizer) -> str:
    """The tokenizer's file without truncation, padding and the white space, which is a third of it."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":"))


def write_manifest(folder: Path, name: str, longest: int, chosen: Mapping[str, Any]) -> None:
    """`model.json`; its revision is a hash over the weights, the tokenizer and everything else in it."""
    stored: dict[str, object] = {
        "format": manifest.FORMAT,
        "name": name,
        "normalisation": text.VERSION,
        "max_length": longest,
        "mentions": True,
        "heads": {
            head: {
                "labels": labels,
                "kind": "one" if head in calibrate.ONE else "any",
                **_rounded(chosen["heads"][head]),
            }
            for head, labels in HEADS.items()
        },
        "thresholds": chosen["thresholds"],
        "unsure": chosen["unsure"],
    }
    digest = hashlib.sha256(json.dumps(stored, sort_keys=True).encode())
    for part in (manifest.WEIGHTS, manifest.TOKENIZER):
        digest.update((folder / part).read_bytes())
    stored["revision"] = digest.hexdigest()[:12]
    (folder / manifest.FILE).write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def _rounded(setting: Mapping[str, Any]) -> dict[str, object]:
    return {"temperature": round(setting["temperature"], 4), "bias": [round(one, 4) for one in setting["bias"]]}
