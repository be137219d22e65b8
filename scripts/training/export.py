"""From a trained network to a model folder: ONNX, int8, manifest, thresholds from dev, card."""

import hashlib
import json
import logging
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer

from sentiment import manifest, text
from sentiment.scorer import Scorer
from training.batches import Tokens
from training.card import write_card
from training.ease import ease
from training.encoder import POLARITY, STANCE, Model
from training.measure import agreement, choose_thresholds, measure, score_dev
from training.recipe import Recipe
from training.rows import Row
from training.still import fix_scales

EASED_ON = 300  # training rows that show what activations look like
SEEN_FOR_SCALES = 600  # training rows that the scales of activations are read off
COMPARED = 400  # rows of each dev file that int8 and fp32 are compared on
PLAIN = {"default": {"promoter": 0.5, "detractor": 0.5}}


def publish(
    model: Model, tokenizer: Tokenizer, data: Path, out: Path, work: Path, recipe: Recipe, rows: list[Row],
    tokens: list[Tokens], say: Callable[[str], None],
) -> None:  # fmt: skip
    """Export, quantise, choose thresholds on dev, measure, and write the folder `out` with its card."""
    say("exporting")
    ease(model, sorted(tokens[:: len(tokens) // EASED_ON + 1], key=lambda row: len(row[0])), recipe.ease)
    exact, small = work / "fp32", work / "int8"
    for folder in (exact, small):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / manifest.TOKENIZER).write_text(compact(tokenizer), encoding="utf-8")
    to_onnx(model, exact / manifest.WEIGHTS)
    to_int8(exact / manifest.WEIGHTS, small / manifest.WEIGHTS)
    fix_scales(small / manifest.WEIGHTS, tokens[:: len(tokens) // SEEN_FOR_SCALES + 1])
    for folder in (exact, small):
        write_manifest(folder, out.name, recipe.longest, PLAIN)
    scored = score_dev(Scorer.open(small), data, say)
    thresholds = choose_thresholds(scored)
    write_manifest(small, out.name, recipe.longest, thresholds)
    labeller = manifest.Manifest.read(small).labeller
    say("the same in fp32")
    figures = {
        "int8": measure(scored),
        "agreement": agreement(scored, score_dev(Scorer.open(exact), data, say, most=COMPARED), labeller),
        "words": json.loads((work / "words.json").read_text()),
        "thresholds": thresholds,
        "spent": [(name, *_spent(work / f"{name}.pt")) for name in ("upper", "deep")],
    }
    (work / "figures.json").write_text(json.dumps(figures, indent=1))
    out.mkdir(parents=True, exist_ok=True)
    for name in (manifest.WEIGHTS, manifest.TOKENIZER, manifest.FILE):
        shutil.copyfile(small / name, out / name)
    write_card(out, figures, recipe, data, rows)


def _spent(checkpoint: Path) -> tuple[int, float]:
    """Steps and minutes of a stage."""
    if not checkpoint.exists():
        return 0, 0.0
    kept = torch.load(checkpoint, weights_only=True, map_location="cpu", mmap=True)
    return kept["step"], kept["spent"] / 60


def to_onnx(model: Model, path: Path) -> None:
    """Export with free batch size and length; one output of logits per head."""
    model.eval()
    ids = torch.ones(2, 12, dtype=torch.long)
    rows, length = torch.export.Dim("rows"), torch.export.Dim("length", min=2, max=512)
    for name in ("onnxscript", "torch.onnx"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (ids, torch.ones_like(ids), torch.zeros_like(ids)),
            str(path),
            input_names=["input_ids", "attention_mask", "token_type_ids"],
            output_names=["polarity", "stance"],
            dynamic_shapes=({0: rows, 1: length},) * 3,
            external_data=False,
            verbose=False,
        )


def to_int8(source: Path, to: Path) -> None:
    """Weights to int8, one scale per output channel; activations to a scale each batch brings, until `fix_scales`."""
    graph = onnx.load(source)
    # The exporter notes shapes from before its own rewriting; the quantiser infers them afresh and trips over these.
    del graph.graph.value_info[:]
    logging.getLogger().setLevel(logging.ERROR)  # the quantiser advises on the root logger
    quantize_dynamic(graph, to, per_channel=True, weight_type=QuantType.QInt8)


def compact(tokenizer: Tokenizer) -> str:
    """The tokenizer's file without truncation, padding and the white space, which is a third of it."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":"))


def write_manifest(folder: Path, name: str, longest: int, thresholds: dict[str, dict[str, float]]) -> None:
    """`model.json`; its revision is a hash over the weights, the tokenizer and everything else in it."""
    stored: dict[str, object] = {
        "format": manifest.FORMAT,
        "name": name,
        "normalisation": text.VERSION,
        "max_length": longest,
        "heads": {
            "polarity": {"labels": POLARITY, "kind": "one", "temperature": 1.0},
            "stance": {"labels": STANCE, "kind": "one", "temperature": 1.0},
        },
        "thresholds": thresholds,
    }
    digest = hashlib.sha256(json.dumps(stored, sort_keys=True).encode())
    for part in (manifest.WEIGHTS, manifest.TOKENIZER):
        digest.update((folder / part).read_bytes())
    stored["revision"] = digest.hexdigest()[:12]
    (folder / manifest.FILE).write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
