"""Training rows: read from the data folder, normalised, with every label turned into sets; dev text never enters.

A row knows the answers to some of the model's questions. A coarse stance label is the set of steps it may mean:
negative = {-2, -1}. The same holds for ratings: 9 and more {1, 2}, 7-8 {0, 1}, below {-2, -1}. What several files say
of one text, or of one text and target, is put together.

Training goes in rounds: each draws from every file as many rows as `SOURCES` says, the next ones when a file has more.
"""

import hashlib
import json
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sentiment.text import fold, normalise
from training.contrasts import generate
from training.encoder import POLARITY

Steps = frozenset[int]
EMOEVENT = ("anger", "disgust", "fear", "joy", "sadness", "surprise")
SEMEVAL = ("anger", "anticipation", "disgust", "fear", "joy", "love", "optimism", "pessimism", "sadness", "surprise",
           "trust")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to learn: normalised text, perhaps a target, and what is known of it.

    `polarity` is a class index, `stance` the possible steps; `emotions` and `signs` hold 0 or 1 by name, and no name
    that nobody judged.
    """

    text: str
    target: str | None
    lang: str
    polarity: int | None
    stance: Steps | None
    source: str
    emotions: Mapping[str, int] = field(default_factory=dict)
    signs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """How much of a file a round draws: `times` the file, but of a label at most `caps[label]` rows, or `rest`."""

    file: str
    times: float = 1.0
    rest: int = 10**9
    caps: tuple[tuple[Any, int], ...] = ()


SOURCES = (
    Source("polarity/semeval2017a.train.jsonl", rest=8000),
    Source("polarity/airlines_es.train.jsonl", times=1.2),
    Source("polarity/tass2020_es.train.jsonl", times=1.2),
    Source("polarity/umsab_es.train.jsonl", times=2),
    Source("polarity/umsab_fr.train.jsonl", times=1.7),
    Source("polarity/umsab_de.train.jsonl", times=1.7),
    Source("polarity/umsab_it.train.jsonl", times=1.7),
    Source("polarity/umsab_pt.train.jsonl", times=1.7),
    Source("stance/semeval2017c.train.jsonl", rest=3500, caps=((-2, 536), (2, 1300)), times=2),
    Source("stance/airlines_us.train.jsonl", rest=5000),
    Source("stance/mams.train.jsonl"),
    Source("stance/newsmtsc.train.jsonl"),
    Source("stance/dong2014.train.jsonl", rest=1000),
    Source("stance/entities.train.jsonl", rest=1200),
    Source("stance/mitchell_en.train.jsonl", rest=1000),
    Source("stance/mitchell_es.train.jsonl"),
    Source("stance/headlines_es.train.jsonl", times=1.6),
    Source("stance/opener_en.train.jsonl", rest=600),
    Source("stance/opener_es.train.jsonl", rest=600),
    Source("stance/sanders.train.jsonl", rest=600),
    Source("rating/hotels_es.train.jsonl", rest=500),
    Source("rating/seats_en.train.jsonl", times=0.5),
    Source("emotion/emoevent_es.train.jsonl"),
    Source("emotion/emoevent_en.train.jsonl"),
    Source("emotion/semeval2018ec.train.jsonl", times=0.6),
    Source("irony/tweeteval.train.jsonl"),
    Source("irony/isarcasmeval.train.jsonl", rest=1700),
    Source("offensive/tweeteval.train.jsonl", rest=2500),
    Source("offensive/emoevent_es.train.jsonl", times=0.2),
    Source("offensive/emoevent_en.train.jsonl", times=0.2),
    Source("complaint/complaints.train.jsonl", times=1.2),
    Source("relevance/entities.train.jsonl", rest=1519),
    Source("relevance/sanders.train.jsonl", rest=1232),
)
CONTRASTS = 14_000  # rows a round of what `training.contrasts` writes
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


def files(langs: Sequence[str]) -> list[str]:
    """Every file of the data folder that a model with added words of `langs` is made from."""
    bilingual = ("sentences", *(f"words_{lang}" for lang in langs))
    return [*(source.file for source in SOURCES), *(f"bilingual/{name}.tsv" for name in bilingual)]


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
    emotions: dict[str, int] = {}
    signs: dict[str, int] = {}
    if task == "stance":
        stance = steps_of_label(raw["label"], raw["scale"])
        if source == "airlines_us":  # its labels were given to the whole tweet
            polarity = raw["label"] + 1
    elif task == "rating":
        target = target or "hotel"
        stance, polarity = steps_of_score(raw["score"]), polarity_of_score(raw["score"])
    elif task == "emotion":
        judged = SEMEVAL if source == "semeval2018ec" else EMOEVENT
        emotions = {name: int(name in raw["labels"]) for name in judged}
    elif task == "polarity":
        polarity = POLARITY.index(raw["label"])
        if source == "airlines_es" and (target := airline_in(text)) and rng.random() < 0.75:
            stance = steps_of_label(polarity - 1, 3)  # tweets about an airline: the tweet's tone is the tone toward it
        elif source == "airlines_es":
            target = None
    else:
        signs = {task: raw["label"]}
    if stance is None and task != "relevance" and target is None and rng.random() < 0.4:
        target = plausible_target(text, rng)  # what a text is like must not depend on being asked about somebody
    target = target.lstrip("@#").strip() if target else None
    return Row(normalise(text, target), target, lang, polarity, stance, source, emotions, signs)


def airline_in(text: str) -> str | None:
    """The first known Spanish airline that the text names or addresses."""
    folded = fold(text)
    return next((name for name in AIRLINES_ES if fold(name) in folded), None)


def plausible_target(text: str, rng: random.Random) -> str | None:
    """A capitalised word, hashtag or handle of the text, as a brand might be."""
    names = re.findall(r"(?<![\w/])[@#]?([A-Z]\w{2,20})", text)
    names = [name for name in names if fold(name) not in ("user", "http")]
    return rng.choice(names) if names else None


Pools = dict[Source, dict[Any, list[Row]]]
"""Per source the rows of each label, shuffled."""


def load(data: Path, *, sources: Sequence[Source] = SOURCES, seed: int) -> Pools:
    """All training rows by source and label, in a reproducible order."""
    rng = random.Random(seed)
    held_out = dev_texts(data)
    rows: list[tuple[Source, Any, Row]] = []
    for source in sources:
        raws = read(data / source.file)
        rng.shuffle(raws)
        task = source.file.split("/")[0]
        rows.extend(
            (source, raw.get("label", raw.get("score")), parse(task, raw, rng))
            for raw in raws
            if len(raw["text"]) <= LONGEST and fold(raw["text"]) not in held_out
        )
    pools: Pools = {source: {} for source in sources}
    for (source, label, _), row in zip(rows, together([row for *_, row in rows]), strict=True):
        pools[source].setdefault(label, []).append(row)
    return pools


def draw(pools: Pools, number: int, *, seed: int) -> list[Row]:
    """The rows of round `number`, from 0: from every source the rows after those of the round before."""
    drawn: list[Row] = []
    for source, labels in pools.items():
        for label, rows in sorted(labels.items(), key=lambda item: str(item[0])):
            most = min(round(source.times * len(rows)), dict(source.caps).get(label, source.rest))
            drawn.extend(rows[place % len(rows)] for place in range(number * most, (number + 1) * most))
    rng = random.Random(f"{seed}{number}")
    drawn.extend(parse("stance", raw, rng) for raw in generate(seed + number, CONTRASTS))
    return drawn


def together(rows: Sequence[Row]) -> list[Row]:
    """Each row with what other rows know of its text (tone, emotions, signs) and of its text and target (the rest)."""
    keys = [fold(row.text) for row in rows]
    of_text: dict[str, Row] = {}
    of_both: dict[tuple[str, str | None], Row] = {}
    for key, row in zip(keys, rows, strict=True):
        # A stance row's polarity may be guessed from its stance; what a polarity file says is not.
        mine = row if row.stance is None else replace(row, polarity=None)
        plain = replace(mine, stance=None, signs=_without(mine.signs, "relevance"))
        of_text[key] = _joined(of_text[key], plain) if key in of_text else plain
        both = (key, row.target)
        of_both[both] = _joined(of_both[both], row) if both in of_both else row
    return [_joined(_joined(row, of_both[key, row.target]), of_text[key]) for key, row in zip(keys, rows, strict=True)]


def _joined(row: Row, other: Row) -> Row:
    return replace(
        row,
        polarity=other.polarity if row.polarity is None else row.polarity,
        stance=row.stance or other.stance,
        emotions={**other.emotions, **row.emotions},
        signs={**other.signs, **row.signs},
    )


def _without(signs: Mapping[str, int], name: str) -> dict[str, int]:
    return {key: value for key, value in signs.items() if key != name}


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
