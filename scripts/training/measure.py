"""Dev sets through the same `Scorer` that serves: what is chosen on them, and how two models agree on them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sentiment.labels import Labeller
from sentiment.scorer import Score, Scorer, Text
from training import calibrate
from training.encoder import EMOTIONS, HEADS, POLARITY
from training.rows import EMOEVENT, SEMEVAL, read

# About brands, people and products named in short texts: what the three labels will be used on.
LABELLED = (
    "semeval2017c", "airlines_us", "sanders", "mitchell_en", "entities", "headlines_es", "mitchell_es", "opener_es",
)  # fmt: skip
UNSURE = 0.2
"""The share of dev rows, every file counted alike, that a score's confidence is called unsure below."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The rows of a dev file and their scores."""

    task: str
    source: str
    rows: Sequence[dict[str, Any]]
    scores: Sequence[Score]

    def chances(self, head: str) -> NDArray[np.float64]:
        """Probabilities (rows, labels) of a head."""
        if head in ("polarity", "stance", "emotions"):
            return np.array([[getattr(score, head)[name] for name in HEADS[head]] for score in self.scores])
        return np.array([[getattr(score, head)] for score in self.scores])

    @property
    def labels(self) -> NDArray[np.int64]:
        """The rows' labels as numbers."""
        return np.array([int(row["label"]) for row in self.rows])


def score_dev(scorer: Scorer, data: Path, say: Callable[[str], None], most: int | None = None) -> list[Scored]:
    """Scores of every dev file (the first `most` rows of each), asked with the target where the file has one."""
    found: list[Scored] = []
    for path in sorted(data.glob("*/*.dev.jsonl")):
        rows = read(path)[:most]
        source = path.name.split(".")[0]
        texts = [Text(row["text"], row.get("target", _target(source)), row["lang"]) for row in rows]
        found.append(Scored(path.parent.name, source, rows, scorer.score(texts)))
        say(f"scored {path.parent.name}/{source}: {len(rows)} rows")
    return found


def _target(source: str) -> str | None:
    return "hotel" if source.startswith("hotels") else None


def choose(scored: Sequence[Scored]) -> dict[str, Any]:
    """What the manifest holds beside the labels: settings of the heads, thresholds, and when a score is unsure.

    `scored` comes from a model with temperature 1, no bias and no thresholds.
    """
    heads = {name: dict(setting) for name, setting in calibrate.plain().items()}
    tones = _of(scored, "polarity")
    chances = np.concatenate([one.chances("polarity") for one in tones])
    truth = np.concatenate([[POLARITY.index(row["label"]) for row in one.rows] for one in tones])
    weights = calibrate.equal_say(_sources(tones))
    heads["polarity"] = calibrate.polarity(chances, truth, weights)
    tone = calibrate.applied(chances, heads["polarity"])

    stances = [one for one in _of(scored, "stance") if one.source in LABELLED]
    steps = np.concatenate([one.chances("stance") for one in stances])
    truth = np.concatenate([one.labels for one in stances])
    five = np.concatenate([np.array([row["scale"] == 5 for row in one.rows]) for one in stances])
    weights = calibrate.equal_say(_sources(stances))
    heads["stance"] = calibrate.stance(steps, truth, five, weights)
    steps = calibrate.applied(steps, heads["stance"])

    for name in ("irony", "offensive", "complaint", "relevance"):
        signs = _of(scored, name)
        chances = np.concatenate([one.chances(name)[:, 0] for one in signs])
        labels = np.concatenate([one.labels for one in signs])
        heads[name]["bias"] = [calibrate.sign(chances, labels, calibrate.equal_say(_sources(signs)), both=True)]
    heads["emotions"]["bias"] = [_emotion_bias(scored, name) for name in EMOTIONS]

    langs = [row["lang"] for one in stances for row in one.rows]
    return {
        "heads": heads,
        "thresholds": calibrate.thresholds(steps, truth, langs, weights),
        "unsure": {
            "polarity": calibrate.unsure(tone, calibrate.equal_say(_sources(tones)), UNSURE),
            "stance": calibrate.unsure(calibrate.sides(steps), weights, UNSURE),
        },
    }


def _emotion_bias(scored: Sequence[Scored], name: str) -> float:
    judged = [one for one in _of(scored, "emotion") if name in (SEMEVAL if one.source == "semeval2018ec" else EMOEVENT)]
    chances = np.concatenate([one.chances("emotions")[:, EMOTIONS.index(name)] for one in judged])
    truth = np.concatenate([np.array([int(name in row["labels"]) for row in one.rows]) for one in judged])
    return calibrate.sign(chances, truth, calibrate.equal_say(_sources(judged)), both=False)


def _of(scored: Sequence[Scored], task: str) -> list[Scored]:
    return [one for one in scored if one.task == task]


def _sources(scored: Sequence[Scored]) -> list[str]:
    return [one.source for one in scored for _ in one.rows]


def agreement(ours: Sequence[Scored], theirs: Sequence[Scored], labeller: Labeller) -> dict[str, float]:
    """How two models' scores agree on the rows that both have (`theirs` the first ones of each file, or all).

    In percent, and in mean absolute difference of probabilities. Labels are those of `labeller`.
    """
    pairs = list(_pairs(ours, theirs))
    tone = [[[score.polarity[name] for name in POLARITY] for score in pair] for pair in pairs]
    both = [(one.stance, other.stance, one.lang) for one, other in pairs if one.stance and other.stance]
    steps = np.array([[list(one.values()), list(other.values())] for one, other, _ in both])
    labels = [[labeller.label(stance, lang) for stance in (one, other)] for one, other, lang in both]
    return {
        "rows": len(pairs),
        "same polarity": 100 * float(np.mean([np.argmax(one) == np.argmax(other) for one, other in tone])),
        "same label": 100 * float(np.mean([one == other for one, other in labels])),
        "polarity difference": float(np.mean([np.abs(np.subtract(one, other)).mean() for one, other in tone])),
        "stance difference": float(np.abs(steps[:, 0] - steps[:, 1]).mean()),
    }


def _pairs(ours: Sequence[Scored], theirs: Sequence[Scored]) -> Iterator[tuple[Score, Score]]:
    for one, other in zip(ours, theirs, strict=True):
        yield from zip(one.scores, other.scores, strict=False)
