"""Percentile bootstrap intervals (Efron 1979): rows are drawn anew with replacement, and the figures measured again."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sentiment.evaluation.measures import Floats, Measure

_MOST_WEIGHTS = 4_000_000
"""Weights in memory at a time, 32 MB: many rows are resampled in several goes."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`."""

    low: float
    high: float


def intervals(
    measures: Mapping[str, Measure], units: int, *, resamples: int = 1000, seed: int = 1, level: float = 0.95
) -> dict[str, Interval | None]:
    """An interval for each measure of `units` rows (or pairs: what is drawn together), the same for the same seed.

    Resamples in which a measure is not defined do not count; None where that is all of them.
    """
    generator = np.random.default_rng(seed)
    found: dict[str, list[Floats]] = {name: [] for name in measures}
    most = max(1, _MOST_WEIGHTS // max(1, units))
    for start in range(0, resamples if units else 0, most):
        weights = _resampled(generator, min(most, resamples - start), units)
        for name, measure in measures.items():
            found[name].append(measure(weights))
    return {name: _interval(values, level) for name, values in found.items()}


def _resampled(generator: np.random.Generator, many: int, units: int) -> Floats:
    """How often each unit is drawn, (many, units)."""
    drawn = generator.integers(0, units, (many, units)) + np.arange(many)[:, None] * units
    return np.bincount(drawn.ravel(), minlength=many * units).reshape(many, units).astype(float)


def _interval(values: list[Floats], level: float) -> Interval | None:
    defined = np.concatenate(values) if values else np.empty(0)
    defined = defined[~np.isnan(defined)]
    if not len(defined):
        return None
    low, high = np.quantile(defined, ((1 - level) / 2, (1 + level) / 2))
    return Interval(float(low), float(high))
