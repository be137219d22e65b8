"""Training rows: read from the data folder, normalised, with every label turned into sets; dev text never enters.

A row has a polarity (or none) and a set of possible stance steps (or none). A coarse stance label is the set of steps
it may mean: negative = {-2, -1}. The same holds for ratings: 9 and more {1, 2}, 7-8 {0, 1}, below {-2, -1}.
"""

import hashlib
import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sentiment.text import fold, is_own, normalise
from training.encoder import POLARITY

ALL = 10**9
Steps = frozenset[int]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to learn: normalised text, perhaps a target; class index of the polarity, steps of the stance."""

    text: str
    target: str | None
    lang: str
    polarity: int | None
    stance: Steps | None
    source: str


@dataclass(frozen=True, slots=True)
class Source:
    """How much of a file is used: at most `caps[label]` rows of a label (`rest` for the others), each `times` over."""

    file: str
    rest: int = ALL
    caps: tuple[tuple[Any, int], ...] = ()
    times: int = 1


SOURCES = (
    Source("polarity/semeval2017a.train.jsonl", rest=9000),
    Source("polarity/airlines_es.train.jsonl", times=2),
    Source("polarity/tass2020_es.train.jsonl", times=2),
    Source("polarity/umsab_es.train.jsonl", times=2),
    Source("polarity/umsab_fr.train.jsonl"),
    Source("polarity/umsab_de.train.jsonl"),
    Source("polarity/umsab_it.train.jsonl"),
    Source("polarity/umsab_pt.train.jsonl"),
    Source("stance/semeval2017c.train.jsonl", caps=((0, 5000), (1, 5000))),
    Source("stance/airlines_us.train.jsonl"),
    Source("stance/mams.train.jsonl", rest=2700),
    Source("stance/newsmtsc.train.jsonl", rest=2000),
    Source("stance/dong2014.train.jsonl", rest=1400),
    Source("stance/entities.train.jsonl", rest=1400),
    Source("stance/mitchell_en.train.jsonl"),
    Source("stance/mitchell_es.train.jsonl"),
    Source("stance/headlines_es.train.jsonl", times=2),
    Source("stance/opener_en.train.jsonl"),
    Source("stance/opener_es.train.jsonl"),
    Source("stance/sanders.train.jsonl"),
    Source("rating/hotels_es.train.jsonl", rest=1200),
    Source("rating/seats_en.train.jsonl"),
)
# Spanish airlines are handles or names inside the text; the file names no target.
AIRLINES_ES = (
    "Iberia Express",
    "Iberia",
    "Ryanair",
    "Vueling",
    "Air Europa",
    "Volotea",
    "Binter",
    "easyJet",
    "Norwegian",
)
LONGEST = 700  # characters of a text: a review beyond is skipped, its window would not carry the label


def read(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSONL file."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def sha256(path: Path) -> str:
    """Hash of a file's bytes, for the card."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def dev_texts(data: Path) -> frozenset[str]:
    """Folded text of every dev row: tasks share texts, so a train file of one may hold the dev text of another."""
    return frozenset(fold(row["text"]) for path in sorted(data.glob("*/*.dev.jsonl")) for row in read(path))


def steps_of_label(label: int, scale: int) -> Steps:
    """The steps a stance label stands for: itself on the five-step scale, a set on the three-step one."""
    if scale == 5:
        return frozenset((label,))
    return frozenset((2 * label, label)) if label else frozenset((0,))


def steps_of_score(score: float) -> Steps:
    """The steps that a 0..10 rating stands for, by the usual cut into promoters, passives and detractors."""
    if score >= 9:
        return frozenset((1, 2))
    return frozenset((0, 1)) if score >= 7 else frozenset((-2, -1))


def polarity_of_score(score: float) -> int | None:
    """Polarity where a rating leaves no doubt."""
    if score >= 9:
        return POLARITY.index("positive")
    return POLARITY.index("negative") if score <= 4 else None


def parse(task: str, raw: dict[str, Any], rng: random.Random) -> Row:
    """One row of the data layout to one training row."""
    text, lang, source = raw["text"], raw["lang"], raw["source"]
    target: str | None = raw.get("target")
    polarity: int | None = None
    stance: Steps | None = None
    if task == "stance":
        stance = steps_of_label(raw["label"], raw["scale"])
        if source == "airlines_us":  # its labels were given to the whole tweet
            polarity = raw["label"] + 1
    elif task == "rating":
        target = target or "hotel"
        stance, polarity = steps_of_score(raw["score"]), polarity_of_score(raw["score"])
    else:
        polarity = POLARITY.index(raw["label"])
        if source == "airlines_es" and (target := airline_in(text)) and rng.random() < 0.75:
            stance = steps_of_label(polarity - 1, 3)  # tweets about an airline: the tweet's tone is the tone toward it
        elif rng.random() < 0.5:
            target = plausible_target(text, rng)  # the tone of a text must not depend on being asked about somebody
        else:
            target = None
    target = target.lstrip("@#").strip() if target else None
    return Row(normalise(text, target), target, lang, polarity, stance, source)


def airline_in(text: str) -> str | None:
    """The first known Spanish airline that the text names or addresses."""
    folded = fold(text)
    return next((name for name in AIRLINES_ES if fold(name) in folded), None)


def plausible_target(text: str, rng: random.Random) -> str | None:
    """A capitalised word, hashtag or handle of the text, as a brand might be."""
    names = re.findall(r"(?<![\w/])[@#]?([A-Z]\w{2,20})", text)
    names = [name for name in names if fold(name) not in ("user", "http")]
    return rng.choice(names) if names else None


def load(data: Path, *, sources: Sequence[Source] = SOURCES, seed: int) -> list[Row]:
    """All training rows in a reproducible order; rows that share a text and target are merged.

    A semeval2017a text that semeval2017c also judged becomes one row with both labels.
    """
    rng = random.Random(seed)
    held_out = dev_texts(data)
    rows: list[Row] = []
    for source in sources:
        raws = read(data / source.file)
        rng.shuffle(raws)
        caps, used = dict(source.caps), dict[Any, int]()
        task = source.file.split("/")[0]
        for raw in raws:
            label = raw.get("label", raw.get("score"))
            if used.get(label, 0) >= caps.get(label, source.rest) or len(raw["text"]) > LONGEST:
                continue
            if fold(raw["text"]) in held_out:
                continue
            used[label] = used.get(label, 0) + 1
            rows.extend(parse(task, raw, rng) for _ in range(source.times))
    return list(merge(rows))


def merge(rows: Iterable[Row]) -> Iterator[Row]:
    """Give stance rows the polarity that another source knows for their text, and drop that other row."""
    rows = list(rows)
    tones = {row.text: row.polarity for row in rows if row.stance is None and row.source == "semeval2017a"}
    told: set[str] = set()
    for row in rows:
        if row.stance is not None and row.polarity is None and row.text in tones:
            told.add(row.text)
            yield replace(row, polarity=tones[row.text])
        elif row.stance is not None:
            yield row
    for row in rows:
        if row.stance is None and not (row.source == "semeval2017a" and row.text in told):
            yield row


def texts_of(data: Path, lang: str) -> Iterator[str]:
    """Every training text in a language, for counting words; reviews are thinned lest they drown the tweets."""
    held_out = dev_texts(data)
    for path in sorted(data.glob("*/*.train.jsonl")):
        for number, raw in enumerate(read(path)):
            if (
                raw["lang"] == lang
                and (path.parent.name != "rating" or number % 4 == 0)
                and fold(raw["text"]) not in held_out
            ):
                yield normalise(raw["text"])


__all__ = ["ALL", "SOURCES", "Row", "Source", "dev_texts", "is_own", "load", "read", "sha256", "texts_of"]
