"""How wrong the shares of negative, neutral and positive are for each brand: what a chart of shares would show."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sentiment.evaluation.measures import Floats, Ints

LEAST_ROWS = 20
"""Targets with fewer labelled rows are left out: their true shares are mostly chance."""


@dataclass(frozen=True, slots=True)
class TargetShares:
    """One target: shares of its rows by class, the true ones and two estimates, and how far these are off (KLD).

    `counted` counts what each row is classified as; `averaged` is the mean of the rows' probabilities.
    """

    target: str
    rows: int
    true: tuple[float, ...]
    counted: tuple[float, ...]
    averaged: tuple[float, ...]
    kld_counted: float
    kld_averaged: float


@dataclass(frozen=True, slots=True)
class Quantification:
    """All targets with enough rows, most rows first; mean KLD of both estimates.

    `kld_baseline` is the mean KLD of taking the whole file's true shares for every target. The means are None where no
    target has enough rows.
    """

    least_rows: int
    left_out: int
    classes: tuple[str, ...]
    targets: tuple[TargetShares, ...]
    kld_counted: float | None
    kld_averaged: float | None
    kld_baseline: float | None


def quantify(
    names: Sequence[str], truth: Ints, said: Ints, chances: Floats, classes: tuple[str, ...], least: int = LEAST_ROWS
) -> Quantification:
    """Shares by target; `names` has the target of each row, `chances` (rows, classes) probabilities."""
    many = len(classes)
    everywhere = _shares(truth, many)
    counts = Counter(names)
    place = {name: number for number, name in enumerate(counts)}
    mine = np.array([place[name] for name in names], dtype=np.int64)
    found, baselines = [], []
    for name, rows in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if rows < least:
            continue
        here = mine == place[name]
        true, counted, averaged = _shares(truth[here], many), _shares(said[here], many), chances[here].mean(0)
        found.append(
            TargetShares(
                name, rows, tuple(true.tolist()), tuple(counted.tolist()), tuple(averaged.tolist()),
                kld(true, counted, rows), kld(true, averaged, rows),
            )
        )  # fmt: skip
        baselines.append(kld(true, everywhere, rows))
    return Quantification(
        least_rows=least,
        left_out=len(counts) - len(found),
        classes=classes,
        targets=tuple(found),
        kld_counted=_mean([one.kld_counted for one in found]),
        kld_averaged=_mean([one.kld_averaged for one in found]),
        kld_baseline=_mean(baselines),
    )


def kld(true: Floats, estimate: Floats, rows: int) -> float:
    """Kullback-Leibler divergence of the true shares from the estimated ones, in nats; 0 is perfect.

    Both are smoothed with 1 / (2 rows), as in SemEval-2016 Task 4 D (Nakov et al. 2016).
    """
    epsilon = 1 / (2 * rows)
    smooth = 1 + epsilon * len(true)
    p, q = (true + epsilon) / smooth, (estimate + epsilon) / smooth
    return float((p * np.log(p / q)).sum())


def _shares(classes: Ints, many: int) -> Floats:
    return np.bincount(classes, minlength=many) / len(classes)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
