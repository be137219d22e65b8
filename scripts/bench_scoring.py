#!/usr/bin/env python3
"""Texts scored a second, ours against what people use otherwise: the same network, the same tweets, in one run.

    scripts/bench_scoring.py ../shared/data                 the bundled model
    scripts/bench_scoring.py FOLDER --model FOLDER --count 2000 --rounds 5

Needs `pip install -e .[train]`. Compared are transformers.pipeline one by one and in batches of 32, torch and ONNX
Runtime in fp32, and int8 as Escucha serves it, without and with its memory of texts. The fp32 weights are those of the
int8 model, multiplied out. All take turns, round by round, because a shared machine's speed swings; ratios are taken
within a round, and the medians of the rounds are shown. Pipelines get their texts normalised; Escucha does that, names
the language and works out labels within its time. The last line is JSON.
"""

import argparse
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sentiment.manifest import FILE, TOKENIZER, WEIGHTS, Manifest
from sentiment.scorer import BUNDLED, Scorer, Text
from sentiment.text import normalise

PAIR = "pipeline, one by one"
BATCHED = "pipeline, batches of 32"
FIRST_SCORE = """
import time; started = time.perf_counter()
from sentiment.scorer import Scorer, Text
Scorer.open({model!r}, threads={threads}).score([Text("I love Lumbra", "Lumbra")])
print(time.perf_counter() - started)
"""
FIRST_PIPELINE = """
import time; started = time.perf_counter()
from transformers import pipeline
pipeline("text-classification", model={model!r}, device="cpu")({{"text": "I love Lumbra", "text_pair": "Lumbra"}})
print(time.perf_counter() - started)
"""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to score all texts, on `threads` threads."""

    name: str
    threads: int
    run: Callable[[], object]


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    options = _options(arguments)
    try:
        texts = tweets(options.data, options.count)
        import onnx  # noqa: F401
    except ImportError as error:
        print(f"{error}: pip install -e .[train]", file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as work:
        try:
            ways = ways_of(texts, options.model, Path(work), options.threads)
        except ValueError as error:
            print(error, file=sys.stderr)
            return 2
        rounds = [measure(ways, len(texts), number + 1, options.rounds) for number in range(options.rounds)]
        starts = first_scores(options.model, Path(work) / "bert", max(options.threads), options.rounds)
    table = summary(ways, rounds)
    show(table, starts, len(texts))
    print(json.dumps({"texts": len(texts), "rounds": options.rounds, "ways": table, "first_score_s": starts}))
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a data folder with replay/*.jsonl: rows with text and target")
    parser.add_argument("--model", type=Path, default=BUNDLED, help="a folder that scripts/train_model.py made")
    parser.add_argument("--count", type=int, default=600, help="texts in a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    return parser.parse_args(arguments)


def tweets(folder: Path, count: int) -> list[Text]:
    """`count` different texts with their targets, evenly from all files of replay/. Raises ValueError without any."""
    found: dict[str, Text] = {}
    for path in sorted(folder.glob("replay/*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                found.setdefault(row["text"], Text(row["text"], row.get("target")))
    if len(found) < count:
        raise ValueError(f"{folder} has {len(found)} texts in replay/*.jsonl, {count} are asked for (--count)")
    texts = list(found.values())
    return [texts[number * len(texts) // count] for number in range(count)]


def ways_of(texts: Sequence[Text], folder: Path, work: Path, threads: Sequence[int]) -> list[Way]:
    """All ways on all numbers of threads, ready to run. Raises ValueError for a model that they cannot share."""
    import onnx
    import torch
    from training.bert import read_back, to_bert
    from training.graph import build
    from transformers import pipeline

    said = Manifest.read(folder)
    model = read_back(folder / WEIGHTS)
    to_bert(model, folder / TOKENIZER, said.max_length, work / "bert")
    exact = work / "fp32"
    exact.mkdir()
    onnx.save(build(model, None, said.max_length), exact / WEIGHTS)
    for name in (TOKENIZER, FILE):
        (exact / name).write_bytes((folder / name).read_bytes())
    theirs = pipeline(
        "text-classification", model=str(work / "bert"), device="cpu", truncation=True, max_length=said.max_length
    )
    pairs = [{"text": normalise(text.text, text.target), "text_pair": text.target or ""} for text in texts]
    backend = TorchRun(model, said.mentions)
    ways = []
    for many in threads:

        def on(run: Callable[[], object], many: int = many) -> Callable[[], object]:
            def set_and_run() -> object:
                torch.set_num_threads(many)
                return run()

            return set_and_run

        def scorer(where: Path, many: int = many, **more: int) -> Scorer:
            return Scorer.open(where, threads=many, **more)

        ours, plain, remembering = scorer(folder), scorer(exact), scorer(folder, remembered=len(texts))
        remembering.score(texts)
        ways += [
            Way(PAIR, many, on(lambda: [theirs(pair) for pair in pairs])),
            Way(BATCHED, many, on(lambda: theirs(pairs, batch_size=32))),
            Way("torch fp32, sorted", many, on(lambda: backend(texts, folder / TOKENIZER))),
            Way("ONNX fp32, sorted", many, lambda plain=plain: plain.score(texts)),
            Way("ONNX int8, as served", many, lambda ours=ours: ours.score(texts)),
            Way("the same, all seen before", many, lambda seen=remembering: seen.score(texts)),
        ]
    return ways


class TorchRun:
    """Our network in torch, over batches of 32 of like length."""

    def __init__(self, model: object, mentions: bool) -> None:
        self._model, self._mentions = model, mentions

    def __call__(self, texts: Sequence[Text], tokenizer: Path) -> None:
        """Score all texts."""
        import torch
        from tokenizers import Tokenizer
        from training.batches import pad

        from sentiment.backends.mentions import mark, special_ids

        made = Tokenizer.from_file(str(tokenizer))
        made.enable_truncation(128, strategy="only_first")
        special = special_ids(made.token_to_id)
        given = [(normalise(text.text, text.target), text.target) for text in texts]
        encoded = made.encode_batch([(text, target) if target else text for text, target in given])
        rows = [(row.ids, mark(row.ids, row.type_ids, special) if self._mentions else row.type_ids) for row in encoded]
        rows.sort(key=lambda row: len(row[0]))
        with torch.inference_mode():
            for start in range(0, len(rows), 32):
                self._model(*pad(rows[start : start + 32]))  # type: ignore[operator]


def measure(ways: Sequence[Way], count: int, number: int, rounds: int) -> list[float]:
    """Texts a second of each way, once."""
    rates = []
    for way in ways:
        print(f"round {number} of {rounds}: {way.name}, {way.threads} threads: ", end="", file=sys.stderr, flush=True)
        started = time.perf_counter()
        way.run()
        rates.append(count / (time.perf_counter() - started))
        print(f"{rates[-1]:.1f} a second", file=sys.stderr)
    return rates


def first_scores(model: Path, bert: Path, threads: int, rounds: int) -> dict[str, float]:
    """Seconds from the start of a process to its first score: ours and a pipeline's, taking turns."""
    codes = {
        "ours": FIRST_SCORE.format(model=str(model), threads=threads),
        "pipeline": FIRST_PIPELINE.format(model=str(bert)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(rounds):
        for name, code in codes.items():
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            seconds[name].append(float(done.stdout.split()[-1]))
    return {name: round(statistics.median(found), 2) for name, found in seconds.items()}


def summary(ways: Sequence[Way], rounds: Sequence[Sequence[float]]) -> list[dict[str, object]]:
    """Of each way the median rate, and the median over rounds of its ratio to both pipelines on as many threads."""
    place = {(way.name, way.threads): number for number, way in enumerate(ways)}
    table = []
    for number, way in enumerate(ways):
        rates = [one[number] for one in rounds]
        ratios = {
            base: statistics.median(one[number] / one[place[base, way.threads]] for one in rounds)
            for base in (PAIR, BATCHED)
        }
        table.append(
            {
                "way": way.name, "threads": way.threads, "texts_a_second": round(statistics.median(rates), 1),
                "to_one_by_one": round(ratios[PAIR], 2), "to_batches_of_32": round(ratios[BATCHED], 2),
            }
        )  # fmt: skip
    return table


def show(table: Sequence[dict[str, object]], starts: dict[str, float], count: int) -> None:
    """For people."""
    print(f"{count} tweets; medians of the rounds")
    print(f"{'':28}{'threads':>8}{'texts/s':>10}{'x one by one':>14}{'x batches':>11}")
    for row in table:
        way, threads, rate, one, batches = row.values()
        print(f"{way:28}{threads:>8}{rate:>10,}{one:>14}{batches:>11}")
    print(f"start to first score: {starts['ours']} s; of a pipeline {starts['pipeline']} s")


if __name__ == "__main__":
    sys.exit(main())
