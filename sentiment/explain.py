"""Which words moved a score: the evidence beside it, in the text as it was given.

The effect of a word is how far the stance (without a target, or for a model that knows no stance: the polarity) moves
when it is left out; `sentiment.occlusion` does that.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from sentiment.occlusion import Reading, effects, stretches
from sentiment.windows import Span

if TYPE_CHECKING:
    from sentiment.scorer import Score

Measure = Literal["stance", "polarity"]

_MARGIN: Mapping[Measure, float] = {"stance": 0.2, "polarity": 0.1}  # a twentieth of what the measure ranges over


@dataclass(frozen=True, slots=True)
class Evidence:
    """Characters [start, end) of the text, and what they did to the score.

    `effect` is in steps of stance or in polarity: above zero, the words pull the score up. `share` is their part of all
    effects, up and down alike: 0 to 1. `words` were left out together: one, a phrase of two or three that says more
    than its words, or a stretch of a long text that was not looked at more closely.
    """

    start: int
    end: int
    text: str
    words: int
    effect: float
    share: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """A score, and the words behind it.

    `value` is the measure for the whole text: the expected step of stance, -2 to 2, or positive minus negative, -1 to
    1. `baseline` is the same with nothing left but the brand. `spans` stand in the order of the text and overlap
    neither each other nor `brand`: the places of the target, empty where it was not found. `read` is what the model saw
    of the text: all of it, or of a long one the windows; words outside of it had no effect.
    """

    text: str
    target: str | None
    measure: Measure
    value: float
    baseline: float
    spans: tuple[Evidence, ...]
    brand: tuple[Span, ...]
    read: tuple[Span, ...]
    score: "Score"

    def strongest(self, most: int) -> list[Evidence]:
        """Up to `most` spans that moved the score, the strongest first."""
        moved = [span for span in self.spans if span.effect]
        return sorted(moved, key=lambda span: (-abs(span.effect), span.start))[:most]

    def as_dict(self) -> dict[str, object]:
        """All fields by name, ready for JSON."""
        return asdict(self)


def measured(score: "Score") -> tuple[Measure, float]:
    """What an explanation of this score is about, and its value."""
    if score.stance is None:
        return "polarity", score.polarity["positive"] - score.polarity["negative"]
    return "stance", sum(int(step) * chance for step, chance in score.stance.items())


def explain(target: str | None, score: "Score", reading: Reading) -> Explanation:
    """The explanation of a score that came of this reading."""
    measure, value = measured(score)
    baseline, found = effects(reading, _MARGIN[measure])
    everything = sum(abs(effect.size) for effect in found)
    return Explanation(
        text=reading.text,
        target=target,
        measure=measure,
        value=value,
        baseline=baseline,
        spans=tuple(
            Evidence(
                start=effect.start,
                end=effect.end,
                text=reading.text[effect.start : effect.end],
                words=effect.words,
                effect=effect.size,
                share=abs(effect.size) / everything if everything else 0.0,
            )
            for effect in found
        ),
        brand=tuple(reading.brand),
        read=tuple(stretches(reading.windows)),
        score=score,
    )
