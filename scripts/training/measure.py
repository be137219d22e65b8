"""Dev figures, through the same `Scorer` that serves: what is printed is what a user gets."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, recall_score, roc_auc_score

from sentiment.labels import POLARITY, STEPS, Labeller
from sentiment.scorer import Score, Scorer, Text
from training.rows import read

Figures = dict[str, dict[str, float]]  # file -> measure -> value
Scored = dict[str, tuple[list[dict], list[Score]]]  # file -> its rows and their scores

POLARITY_FILES = ("semeval2017a", "umsab_es", "airlines_es", "umsab_fr", "umsab_de", "umsab_it", "umsab_pt")
STANCE_FILES = (
    "semeval2017c", "airlines_us", "headlines_es", "mitchell_es", "mitchell_en", "mams", "newsmtsc", "sanders",
    "entities", "opener_en", "opener_es",
)  # fmt: skip
# About brands, people and products named in short texts: what the three labels will be used on.
LABELLED = (
    "semeval2017c", "airlines_us", "sanders", "mitchell_en", "entities", "headlines_es", "mitchell_es", "opener_es",
)  # fmt: skip
RATING_FILES = ("hotels_es", "seats_en")


def score_dev(scorer: Scorer, data: Path, say: Callable[[str], None], most: int | None = None) -> Scored:
    """Scores of every dev file above (the first `most` rows of each), asked with the target where the file has one."""
    found: Scored = {}
    for task, names in (("polarity", POLARITY_FILES), ("stance", STANCE_FILES), ("rating", RATING_FILES)):
        for name in names:
            rows = read(data / task / f"{name}.dev.jsonl")[:most]
            other = "hotel" if name.startswith("hotels") else None
            texts = [Text(row["text"], row.get("target", other), row["lang"]) for row in rows]
            found[f"{task}/{name}"] = rows, scorer.score(texts)
            say(f"scored {task}/{name}: {len(rows)} rows")
    return found


def measure(scored: Scored) -> Figures:
    """The figures that suit each file, all as percentages except macro-MAE."""
    figures: Figures = {}
    for file, (rows, scores) in scored.items():
        task = file.split("/")[0]
        if task == "polarity":
            figures[file] = tones([row["label"] for row in rows], scores)
        elif task == "stance":
            figures[file] = stances([row["label"] for row in rows], scores)
        else:
            figures[file] = ratings([row["score"] for row in rows], scores)
    return figures


def tones(labels: Sequence[str], scores: Sequence[Score]) -> dict[str, float]:
    """Polarity: macro F1, macro recall, accuracy, and expected calibration error."""
    chances = np.array([[score.polarity[name] for name in POLARITY] for score in scores])
    truth = np.array([POLARITY.index(label) for label in labels])
    return {**_classes(truth, chances.argmax(1)), "ECE": 100 * calibration_error(chances, truth)}


def stances(labels: Sequence[int], scores: Sequence[Score]) -> dict[str, float]:
    """Stance: macro F1 and accuracy of three sides, ECE of these; macro-MAE of the median step where all five occur."""
    steps = distributions(scores)
    sides = np.stack((steps[:, :2].sum(1), steps[:, 2], steps[:, 3:].sum(1)), axis=1)
    truth = np.sign(np.array(labels)) + 1
    found = {**_classes(truth, sides.argmax(1)), "ECE": 100 * calibration_error(sides, truth)}
    if {-2, 2} <= set(labels):
        median = (steps.cumsum(1) < 0.5).sum(1) - 2
        wrong = [np.abs(median[np.array(labels) == step] - step).mean() for step in sorted(set(labels))]
        found["macro-MAE"] = float(np.mean(wrong))
    return found


def ratings(marks: Sequence[float], scores: Sequence[Score]) -> dict[str, float]:
    """Ratings: AUC of promoters (9 and more) against detractors (below 7) by the expected step."""
    expected = distributions(scores) @ np.arange(-2, 3)
    marks = np.array(marks)
    ends = (marks >= 9) | (marks < 7)
    return {"AUC": 100 * float(roc_auc_score(marks[ends] >= 9, expected[ends]))}


def distributions(scores: Sequence[Score]) -> NDArray[np.float64]:
    """Stance distributions (rows, 5)."""
    return np.array([[(score.stance or {}).get(step, 0.0) for step in STEPS] for score in scores])


def calibration_error(chances: NDArray, truth: NDArray, bins: int = 15) -> float:
    """Expected calibration error: how far confidence is from accuracy, over bins of equal width."""
    sure, right = chances.max(1), chances.argmax(1) == truth
    bin_of = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [
        abs(sure[bin_of == one].mean() - right[bin_of == one].mean()) * (bin_of == one).mean() for one in set(bin_of)
    ]
    return float(sum(gaps))


def agreement(ours: Scored, theirs: Scored, labeller: Labeller) -> dict[str, float]:
    """How two models' scores agree on the rows that both have (`theirs` the first ones of each file, or all).

    In percent, and in mean absolute difference of probabilities. Labels are those of `labeller`.
    """
    pairs = [pair for file in theirs for pair in zip(ours[file][1], theirs[file][1], strict=False)]
    tone = [[[score.polarity[name] for name in POLARITY] for score in pair] for pair in pairs]
    both = [(one, other) for one, other in pairs if one.stance and other.stance]
    steps = [distributions(pair) for pair in both]
    labels = [[labeller.label(score.stance, score.lang) for score in pair] for pair in both]
    return {
        "rows": len(pairs),
        "same polarity": 100 * float(np.mean([np.argmax(one) == np.argmax(other) for one, other in tone])),
        "same label": 100 * float(np.mean([one == other for one, other in labels])),
        "polarity difference": float(np.mean([np.abs(np.subtract(one, other)).mean() for one, other in tone])),
        "stance difference": float(np.mean([np.abs(one - other).mean() for one, other in steps])),
    }


def choose_thresholds(scored: Scored) -> dict[str, dict[str, float]]:
    """Promoter and detractor thresholds with the best macro F1 over the three labels, over all stance dev rows and per
    language; a label of one of the files is the side of its step."""
    found: dict[str, dict[str, float]] = {}
    files = (
        "semeval2017c",
        "airlines_us",
        "sanders",
        "mitchell_en",
        "entities",
        "headlines_es",
        "mitchell_es",
        "opener_es",
    )
    taken = [pair for name in files for pair in zip(*scored[f"stance/{name}"], strict=True)]
    for lang in ("default", "en", "es"):
        pairs = [(row, score) for row, score in taken if lang in ("default", row["lang"])]
        steps = distributions([score for _, score in pairs])
        truth = np.sign([row["label"] for row, _ in pairs])
        weights = _equal_say([row["source"] for row, _ in pairs])
        best = max(
            ((promoter, detractor) for promoter in _GRID for detractor in _GRID),
            key=lambda pair: _label_f1(steps, truth, weights, *pair) - 0.02 * (abs(pair[0] - 0.5) + abs(pair[1] - 0.5)),
        )
        found[lang] = {"promoter": best[0], "detractor": best[1]}
    return found


# Not lower: a promoter whom the model itself takes for something else convinces nobody.
_GRID = [round(0.4 + 0.025 * step, 3) for step in range(9)]


def _equal_say(sources: Sequence[str]) -> NDArray[np.float64]:
    """Row weights with which every source counts the same."""
    names, numbers, counts = np.unique(sources, return_inverse=True, return_counts=True)
    return 1 / counts[numbers] / len(names)


def _label_f1(steps: NDArray, truth: NDArray, weights: NDArray, promoter: float, detractor: float) -> float:
    for_it, against = steps[:, 3:].sum(1) - promoter, steps[:, :2].sum(1) - detractor
    said = np.where((against >= 0) & (against >= for_it), -1, np.where(for_it >= 0, 1, 0))
    return float(f1_score(truth, said, average="macro", sample_weight=weights))


def _classes(truth: NDArray, said: NDArray) -> dict[str, float]:
    labels = sorted(set(truth.tolist()))
    return {
        "macro F1": 100 * float(f1_score(truth, said, labels=labels, average="macro", zero_division=0)),
        "macro recall": 100 * float(recall_score(truth, said, labels=labels, average="macro", zero_division=0)),
        "accuracy": 100 * float(accuracy_score(truth, said)),
    }
