"""What the labels of a foreign sequence-classification checkpoint mean, in our terms."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sentiment.labels import POLARITY, STEPS
from sentiment.text import fold

# Names that checkpoints on the hub give to the tone of a text, in the languages we serve; folded (no case, no accents).
_TONES = {
    "negative": "negative neg n negativo negativa negatif negativ bad",
    "neutral": "neutral neu neutro neutra neutre none mixed",
    "positive": "positive pos p positivo positiva positif positiv good",
}
_TONE_OF = {name: tone for tone, names in _TONES.items() for name in names.split()}
_STEP_OF = {
    "verynegative": -2, "stronglynegative": -2, "terrible": -2,
    "negative": -1, "neutral": 0, "positive": 1,
    "verypositive": 2, "stronglypositive": 2, "excellent": 2,
}  # fmt: skip
_STARS = re.compile(r"([1-5])(?:stars?|estrellas?|etoiles?|sterne?)?")
# What LABEL_0.. means when a checkpoint names nothing: the order that sentiment checkpoints are trained in.
_UNNAMED = {2: ("negative", "positive"), 3: POLARITY}


@dataclass(frozen=True, slots=True)
class LabelMap:
    """How a checkpoint's outputs add up to ours: matrices (its labels, our labels) of zeros and ones."""

    polarity: NDArray[np.float32]
    stance: NDArray[np.float32] | None  # only of checkpoints that tell five steps apart


def map_labels(id2label: Mapping[int, str]) -> LabelMap | None:
    """The meaning of a checkpoint's `id2label`, or None when it is not about sentiment as far as we can tell.

    Known are the three tones and the two outer ones by name or as LABEL_0.., and five steps as stars (`4 stars`, `5`),
    by name (`Very Negative`) or as LABEL_0... A two-tone checkpoint never says neutral.
    """
    names = [fold(id2label[number]) for number in sorted(id2label)]
    unnamed = all(re.fullmatch(r"label\d+", name) for name in names)
    if len(names) in _UNNAMED:
        tones = list(_UNNAMED[len(names)]) if unnamed else [_TONE_OF.get(name) for name in names]
        if None in tones or len(set(tones)) < len(tones) or not {"negative", "positive"} <= set(tones):
            return None
        return LabelMap(_matrix([POLARITY.index(tone) for tone in tones if tone], 3), None)
    if len(names) == 5:
        steps = _five_steps(names, unnamed)
        if steps is None:
            return None
        tones_of_steps = [0 if step < 0 else 1 if step == 0 else 2 for step in steps]
        return LabelMap(_matrix(tones_of_steps, 3), _matrix([STEPS.index(str(step)) for step in steps], 5))
    return None


def _five_steps(names: list[str], unnamed: bool) -> list[int] | None:
    if unnamed:
        return [-2, -1, 0, 1, 2]
    starred = [_STARS.fullmatch(name) for name in names]
    steps = [int(match[1]) - 3 if match else _STEP_OF.get(name) for name, match in zip(names, starred, strict=True)]
    known = [step for step in steps if step is not None]
    return known if sorted(known) == [-2, -1, 0, 1, 2] else None


def _matrix(columns: list[int], width: int) -> NDArray[np.float32]:
    found = np.zeros((len(columns), width), np.float32)
    found[np.arange(len(columns)), columns] = 1
    return found
