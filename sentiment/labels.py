"""From a stance distribution to promoter, passive or detractor, and how sure that is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Label = Literal["promoter", "passive", "detractor"]

POLARITY = ("negative", "neutral", "positive")
STEPS = ("-2", "-1", "0", "1", "2")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The least probability that a side needs to give the label; below both, or at a tie, the mention is passive."""

    promoter: float = 0.5
    detractor: float = 0.5

    def label(self, for_it: float, against: float) -> Label:
        """The label when the feeling is positive with probability `for_it` and negative with `against`."""
        # How far each side is over its own threshold decides when both are.
        promoter, detractor = for_it - self.promoter, against - self.detractor
        if detractor >= 0 and detractor >= promoter:
            return "detractor"
        return "promoter" if promoter >= 0 else "passive"


@dataclass(frozen=True, slots=True)
class Labeller:
    """A model's thresholds: its own for some languages, one pair for all others."""

    default: Thresholds
    languages: Mapping[str, Thresholds]

    @classmethod
    def parse(cls, stored: Mapping[str, Mapping[str, float]]) -> "Labeller":
        """From `{"default": {"promoter": p, "detractor": d}, "es": ...}`. Raises KeyError, TypeError or ValueError."""
        read = {lang: Thresholds(float(pair["promoter"]), float(pair["detractor"])) for lang, pair in stored.items()}
        default = read.pop("default")
        return cls(default, read)

    def label(self, stance: Mapping[str, float], lang: str) -> Label:
        """The label for a distribution over steps (any of "-2".."2", absent ones count as 0)."""
        against, _, for_it = sides(stance)
        # `es-MX` and `ES` are Spanish: what decides is the first subtag.
        spoken = lang.replace("_", "-").partition("-")[0].lower()
        return self.languages.get(spoken, self.default).label(for_it, against)


@dataclass(frozen=True, slots=True)
class Unsure:
    """The least probability of the likeliest class from which a score counts as sure; 0: it always does.

    Of a stance the classes are its three sides: which step of a side it is matters little to anybody.
    """

    polarity: float = 0.0
    stance: float = 0.0

    def of_polarity(self, polarity: Mapping[str, float]) -> bool:
        """Whether no tone of the text is likely enough."""
        return max(polarity.values()) < self.polarity

    def of_stance(self, stance: Mapping[str, float]) -> bool:
        """Whether no side of the stance is likely enough (steps as in `Labeller.label`)."""
        return max(sides(stance)) < self.stance


def sides(stance: Mapping[str, float]) -> tuple[float, float, float]:
    """The probabilities of against, neither and for, of a distribution over steps (absent ones count as 0)."""
    against = sum(chance for step, chance in stance.items() if int(step) < 0)
    for_it = sum(chance for step, chance in stance.items() if int(step) > 0)
    return against, stance.get("0", 0.0), for_it


def label_of_step(step: str) -> Label:
    """What a stance that is known for sure makes of a mention: no threshold has a say in it."""
    return "promoter" if int(step) > 0 else "detractor" if int(step) < 0 else "passive"


def steps_of_polarity(polarity: Mapping[str, float]) -> dict[str, float]:
    """A polarity read as a stance of three steps, for models that know no stance."""
    return {"-1": polarity["negative"], "0": polarity["neutral"], "1": polarity["positive"]}
