"""Whether probabilities can be taken at their word, and what is gained by leaving out what the model is unsure of."""

from dataclasses import dataclass

import numpy as np

from sentiment.evaluation.measures import Bools, Floats, Ints, Measure, over

BINS = 15
STEPS = 20
"""Points of the coverage curve: every five per cent."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows whose confidence lies above `low` up to `high`: their mean confidence, and the share that is right."""

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Kept:
    """The share of rows that is kept, and the share of these that is right."""

    coverage: float
    accuracy: float


def calibration_error(confidence: Floats, right: Bools, bins: int = BINS) -> Measure:
    """Expected calibration error (Guo et al. 2017, equation 3): how far confidence and accuracy lie apart.

    `confidence` (rows,) is the probability of the class that was said. Bins of equal width, weighted by their rows.
    """
    gaps = np.zeros((len(confidence), bins))
    gaps[np.arange(len(confidence)), _bin_of(confidence, bins)] = confidence - right

    def measure(weights: Floats) -> Floats:
        # A bin's gap times its share of the rows is the sum of its rows' gaps over all rows.
        return over(np.abs(weights @ gaps).sum(1), weights.sum(1))

    return measure


def reliability(confidence: Floats, right: Bools, bins: int = BINS) -> list[Bin]:
    """The bins that are not empty, from unsure to sure."""
    place = _bin_of(confidence, bins)
    return [
        Bin(
            low=one / bins,
            high=(one + 1) / bins,
            rows=int((place == one).sum()),
            confidence=float(confidence[place == one].mean()),
            accuracy=float(right[place == one].mean()),
        )
        for one in np.unique(place).tolist()
    ]


def coverage(confidence: Floats, right: Bools, steps: int = STEPS) -> list[Kept]:
    """Accuracy when only the surest rows are kept, from few to all (El-Yaniv and Wiener 2010).

    Rows of the same confidence stand for each other: each counts with their mean, so their order does not matter.
    """
    values, group = np.unique(-confidence, return_inverse=True)
    means = np.bincount(group, weights=right, minlength=len(values)) / np.bincount(group, minlength=len(values))
    hits = np.cumsum(means[np.sort(group)])
    many = np.unique(np.ceil(len(right) * np.arange(1, steps + 1) / steps).astype(int))
    return [Kept(float(kept / len(right)), float(hits[kept - 1] / kept)) for kept in many if kept]


def without(unsure: Bools, right: Bools) -> Kept | None:
    """What is kept when the rows flagged as unsure are left out; None when that is all of them."""
    kept = ~unsure
    return Kept(float(kept.mean()), float(right[kept].mean())) if kept.any() else None


def _bin_of(confidence: Floats, bins: int) -> Ints:
    """Bins are open below and closed above, as in the paper; a confidence of 0 joins the first."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
