"""What a model might have said of invented mentions: probabilities of every head, some hundred kinds for each label."""

import json
from dataclasses import dataclass
from random import Random

MODEL, REVISION = "escucha-minilm", "seed"

EMOTIONS = {
    "detractor": ("anger", "disgust", "sadness", "fear", "pessimism"),
    "promoter": ("joy", "love", "trust", "optimism", "surprise"),
    "passive": ("anticipation", "trust", "surprise"),
}
_ALL = sorted({emotion for some in EMOTIONS.values() for emotion in some})
_KINDS = 300
_FELT = 0.5


@dataclass(frozen=True, slots=True)
class Scored:
    """Columns of ``score`` without the language, JSON as text; ``polarity`` and ``emotion``: the likeliest, if
    one is."""

    label: str
    unsure: bool
    columns: tuple[str | float, ...]
    polarity: str
    emotion: str | None


COLUMNS = "polarity, stance, emotions, irony, offensive, complaint, relevance"


def kinds(random: Random) -> dict[str, list[Scored]]:
    """Scores by label."""
    return {label: [_scored(random, label) for _ in range(_KINDS)] for label in EMOTIONS}


def _scored(random: Random, label: str) -> Scored:
    sure = random.uniform(0.52, 0.97)
    sides = {"detractor": ("-2", "-1"), "passive": ("0", "0"), "promoter": ("2", "1")}[label]
    stance = dict.fromkeys(("-2", "-1", "0", "1", "2"), 0.0)
    part = random.uniform(0.3, 0.7)
    stance[sides[0]] += sure * part
    stance[sides[1]] += sure * (1 - part)
    rest = [step for step in stance if step not in sides]
    for step in rest:
        stance[step] = (1 - sure) / len(rest)
    polarity = {
        "negative": stance["-2"] + stance["-1"], "neutral": stance["0"], "positive": stance["1"] + stance["2"],
    }  # fmt: skip
    emotions = {emotion: random.uniform(0.01, 0.3) for emotion in _ALL}
    emotion = random.choice(EMOTIONS[label])
    emotions[emotion] = felt = random.uniform(0.4, 0.95)
    complaint = random.uniform(0.6, 0.95) if label == "detractor" else random.uniform(0.01, 0.2)
    columns = (
        _json(polarity), _json(stance), _json(emotions), round(random.uniform(0, 0.4), 4),
        round(random.uniform(0, 0.3), 4), round(complaint, 4), round(random.uniform(0.7, 0.99), 4),
    )  # fmt: skip
    return Scored(
        label, sure < 0.6, columns, max(polarity, key=polarity.__getitem__), emotion if felt >= _FELT else None
    )


def _json(chances: dict[str, float]) -> str:
    return json.dumps({name: round(chance, 4) for name, chance in chances.items()})
