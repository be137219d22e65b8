"""What is chosen on dev after training: temperatures, biases, thresholds of the labels, and when a score is unsure.

Everything works on the probabilities that the served model gives with temperature 1 and no bias: their logarithms are
its logits, but for a constant that changes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from training.encoder import HEADS

Array = NDArray[np.float64]
Setting = dict[str, Any]  # of a head: temperature and bias
ONE = ("polarity", "stance")  # the heads of which one label is true
DRIFT = 0.02  # what a unit of bias costs: dev sets are small, and a bias that gains little stays away
WITHIN = np.linspace(-1, 2.5, 15)  # biases of the outer steps that are tried
_GRID = np.round(np.arange(0.3, 0.7001, 0.025), 3)


def softmax(logits: Array) -> Array:
    """Probabilities (rows, labels) from logits."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def logits_of(chances: Array, kind: str) -> Array:
    """Logits, up to a constant, of probabilities."""
    safe = np.clip(chances, 1e-7, 1 - 1e-7)
    return np.log(safe) if kind == "one" else np.log(safe) - np.log1p(-safe)


def equal_say(sources: Sequence[str]) -> Array:
    """Row weights with which every source counts the same; they add up to 1."""
    names, numbers, counts = np.unique(list(sources), return_inverse=True, return_counts=True)
    return 1 / counts[numbers] / len(names)


def f1(truth: NDArray[np.bool_], said: NDArray[np.bool_], weights: Array) -> float:
    """Weighted F1 of what is true; scikit-learn's takes a hundred times longer, and thousands of cuts are tried."""
    either = float(weights[truth].sum() + weights[said].sum())
    return 2 * float(weights[truth & said].sum()) / either if either else 0.0


def polarity(chances: Array, truth: NDArray[np.int64], weights: Array) -> Setting:
    """Temperature and bias with the least weighted log loss."""
    logits = logits_of(chances, "one")

    def loss(values: Array) -> float:
        said = softmax(logits / np.exp(values[0]) + np.append(values[1:], 0.0))
        found = -np.log(said[np.arange(len(truth)), truth] + 1e-12) @ weights
        return float(found + DRIFT * np.square(values[1:]).sum())

    best = minimize(loss, np.zeros(logits.shape[1]), method="Nelder-Mead").x
    return {"temperature": float(np.exp(best[0])), "bias": [*map(float, best[1:]), 0.0]}


def sides(steps: Array) -> Array:
    """Stance distributions (rows, 5) to negative, neutral and positive (rows, 3)."""
    return np.stack((steps[:, :2].sum(1), steps[:, 2], steps[:, 3:].sum(1)), axis=1)


def stance(chances: Array, truth: NDArray[np.int64], five: NDArray[np.bool_], weights: Array) -> Setting:
    """Temperature and the bias of the three sides by log loss of the side; of the outer steps by macro-MAE.

    `truth` is the step -2..2; `five` says which rows used all five. A coarse label tells nothing of how strong a
    feeling is, so only those rows choose between a step and its neighbour on the same side. An outer step's bias moves
    its side as well, so the sides are fitted anew after it is chosen.
    """
    logits = logits_of(chances, "one")
    side = np.sign(truth) + 1

    def biased(values: Array, low: float, high: float) -> Array:
        negative, positive = values[1], values[2]
        return softmax(
            logits / np.exp(values[0]) + np.array([negative + low, negative, 0.0, positive, positive + high])
        )

    def fitted(low: float, high: float) -> Array:
        def loss(values: Array) -> float:
            said = sides(biased(values, low, high))
            found = -np.log(said[np.arange(len(side)), side] + 1e-12) @ weights
            return float(found + DRIFT * np.square(values[1:]).sum())

        return np.asarray(minimize(loss, np.zeros(3), method="Nelder-Mead").x)

    plainly = biased(fitted(0.0, 0.0), 0.0, 0.0)[five]
    low, high = min(
        ((low, high) for low in WITHIN for high in WITHIN),
        key=lambda pair: _macro_mae(stretched(plainly, *pair), truth[five]) + 0.004 * (abs(pair[0]) + abs(pair[1])),
    )
    best = fitted(low, high)
    return {
        "temperature": float(np.exp(best[0])),
        "bias": [float(best[1] + low), float(best[1]), 0.0, float(best[2]), float(best[2] + high)],
    }


def stretched(steps: Array, low: float, high: float) -> Array:
    """Distributions (rows, 5) with biases on the outer steps."""
    return softmax(np.log(steps + 1e-12) + np.array([low, 0, 0, 0, high]))


def _macro_mae(steps: Array, truth: NDArray[np.int64]) -> float:
    median = (steps.cumsum(1) < 0.5).sum(1) - 2
    return float(np.mean([np.abs(median[truth == step] - step).mean() for step in np.unique(truth)]))


def applied(chances: Array, setting: Setting) -> Array:
    """Probabilities (rows, labels) of a head of which one label is true, with temperature and bias."""
    return softmax(logits_of(chances, "one") / float(setting["temperature"]) + np.array(setting["bias"]))


def sign(chances: Array, truth: NDArray[np.int64], weights: Array, *, both: bool) -> float:
    """The bias that puts the best F1 of a yes-or-no question at probability one half; with `both` the mean of the F1
    of yes and of no, for questions whose yes must not be said of everything."""
    logits = logits_of(chances, "any")
    order = np.sort(logits)
    between = (order[1:] + order[:-1]) / 2  # a cut on a row would be decided by rounding

    def gain(cut: float) -> float:
        said = logits >= cut
        found = f1(truth == 1, said, weights)
        return ((found + f1(truth == 0, ~said, weights)) / 2 if both else found) - 0.01 * abs(cut)

    return float(-max(between[:: max(1, len(between) // 200)], key=gain))


def unsure(chances: Array, weights: Array, share: float) -> float:
    """The probability of the likeliest class that `share` of the rows (rows, classes) stay below."""
    sure = chances.max(axis=1)
    order = np.argsort(sure)
    return float(np.round(sure[order][np.searchsorted(weights[order].cumsum(), share)], 3))


def thresholds(
    steps: Array, truth: NDArray[np.int64], langs: Sequence[str], weights: Array
) -> dict[str, dict[str, float]]:
    """Promoter and detractor thresholds with the best macro F1 of the three labels: over all, and per language."""
    found: dict[str, dict[str, float]] = {}
    spoken = np.array(list(langs))
    for lang in ("default", "en", "es"):
        rows = np.ones(len(spoken), bool) if lang == "default" else spoken == lang
        best = max(
            ((promoter, detractor) for promoter in _GRID for detractor in _GRID),
            key=lambda pair: (
                _label_f1(steps[rows], np.sign(truth[rows]), weights[rows], *pair)
                - 0.02 * (abs(pair[0] - 0.5) + abs(pair[1] - 0.5))
            ),
        )
        found[lang] = {"promoter": float(best[0]), "detractor": float(best[1])}
    return found


def _label_f1(steps: Array, truth: NDArray[np.int64], weights: Array, promoter: float, detractor: float) -> float:
    for_it, against = steps[:, 3:].sum(1) - promoter, steps[:, :2].sum(1) - detractor
    said = np.where((against >= 0) & (against >= for_it), -1, np.where(for_it >= 0, 1, 0))
    return float(np.mean([f1(truth == label, said == label, weights) for label in np.union1d(truth, said)]))


def plain() -> Mapping[str, Setting]:
    """Every head as it left training."""
    return {name: {"temperature": 1.0, "bias": [0.0] * len(labels)} for name, labels in HEADS.items()}
