"""What is chosen on dev, on numbers whose right answer is known."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import f1_score
from training import calibrate
from training.calibrate import applied, equal_say, logits_of, sides, softmax

Array = NDArray[np.float64]


def drawn(labels: int, many: int = 4000) -> tuple[Array, NDArray[np.int64]]:
    """True logits, and a label for each row drawn from the probabilities that they stand for."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (many, labels))
    truth = (softmax(logits).cumsum(1) < rng.random((many, 1))).sum(1).clip(0, labels - 1)
    return logits, truth


def test_logits_come_back_from_probabilities() -> None:
    logits = np.array([[1.0, -2.0, 0.5]])
    found = logits_of(softmax(logits), "one")
    assert found - found[0, 0] == pytest.approx(logits - logits[0, 0])
    assert logits_of(1 / (1 + np.exp(-logits)), "any") == pytest.approx(logits)


def test_every_source_has_the_same_say() -> None:
    weights = equal_say(["a", "b", "a", "a"])
    assert weights == pytest.approx(np.array([1 / 6, 1 / 2, 1 / 6, 1 / 6]))


def test_the_temperature_of_a_model_that_is_too_sure_is_found() -> None:
    logits, truth = drawn(3)
    setting = calibrate.polarity(softmax(2 * logits), truth, np.full(len(truth), 1 / len(truth)))
    assert setting["temperature"] == pytest.approx(2, abs=0.15)
    assert setting["bias"] == pytest.approx([0, 0, 0], abs=0.1)
    assert np.abs(applied(softmax(2 * logits), setting) - softmax(logits)).mean() < 0.02


def test_the_bias_of_a_model_that_says_a_class_too_rarely_is_found() -> None:
    logits, truth = drawn(3)
    shifted = softmax(logits - np.array([0.8, 0, 0]))
    setting = calibrate.polarity(shifted, truth, np.full(len(truth), 1 / len(truth)))
    assert setting["bias"][2] == 0
    assert 0.4 < setting["bias"][0] < 0.8  # somewhat less than it lacks: a bias has to pay for itself
    assert setting["bias"][1] == pytest.approx(0, abs=0.15)
    often = (truth == 0).mean()
    assert abs(applied(shifted, setting)[:, 0].mean() - often) < 0.5 * abs(shifted[:, 0].mean() - often)


def test_rows_count_by_their_weight() -> None:
    logits, truth = drawn(3)
    half = np.arange(len(truth)) < 2000
    chances = np.where(half[:, None], softmax(2 * logits), softmax(0.5 * logits))
    first = calibrate.polarity(chances, truth, np.where(half, 1.0, 0.0) / 2000)
    second = calibrate.polarity(chances, truth, np.where(half, 0.0, 1.0) / 2000)
    assert first["temperature"] == pytest.approx(2, abs=0.2)
    assert second["temperature"] == pytest.approx(0.5, abs=0.1)


def test_f1_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    truth, said, weights = rng.random(50) < 0.3, rng.random(50) < 0.5, rng.random(50)
    assert calibrate.f1(truth, said, weights) == pytest.approx(f1_score(truth, said, sample_weight=weights))
    nothing = np.zeros(50, bool)
    assert calibrate.f1(truth, nothing, weights) == calibrate.f1(nothing, nothing, weights) == 0


def test_sides_add_up_steps() -> None:
    assert sides(np.array([[0.1, 0.2, 0.3, 0.15, 0.25]])) == pytest.approx(np.array([[0.3, 0.3, 0.4]]))


def median_error(steps: Array, truth: NDArray[np.int64]) -> float:
    median = (steps.cumsum(1) < 0.5).sum(1) - 2
    return float(np.mean([np.abs(median[truth == step] - step).mean() for step in range(-2, 3)]))


def test_strong_feelings_are_called_so_again() -> None:
    logits, label = drawn(5)
    truth, weights = label - 2, np.full(len(label), 1 / len(label))
    timid = softmax(logits - np.array([2.0, 0, 0, 0, 2.0]))
    setting = calibrate.stance(timid, truth, np.ones(len(label), bool), weights)
    assert setting["bias"][2] == 0
    assert setting["bias"][0] - setting["bias"][1] > 0.5
    assert setting["bias"][4] - setting["bias"][3] > 0.5
    assert median_error(applied(timid, setting), truth) < median_error(timid, truth) - 0.1


def test_coarse_labels_say_nothing_of_how_strong_a_feeling_is() -> None:
    logits, label = drawn(5, 1000)
    truth, five = label - 2, np.arange(1000) < 500
    weights = np.full(1000, 1 / 1000)
    other = np.where(five, truth, np.sign(truth) * (3 - np.abs(truth)))
    assert (other != truth).any()
    chances = softmax(1.5 * logits)
    assert calibrate.stance(chances, truth, five, weights) == calibrate.stance(chances, other, five, weights)


@pytest.mark.parametrize(("both", "average"), [(False, "binary"), (True, "macro")])
def test_the_best_cut_of_a_yes_or_no_question_is_put_at_one_half(both: bool, average: str) -> None:
    rng = np.random.default_rng(1)
    truth = (rng.random(600) < 0.2).astype(int)
    chances = 1 / (1 + np.exp(-(rng.normal(-3, 1, 600) + 2 * truth)))
    weights = np.full(600, 1 / 600)
    logits = logits_of(chances, "any")
    bias = calibrate.sign(chances, truth, weights, both=both)
    at_half = f1_score(truth, logits + bias >= 0, average=average)
    assert at_half > f1_score(truth, chances >= 0.5, average=average) + 0.05
    assert at_half >= max(f1_score(truth, logits >= cut, average=average) for cut in np.linspace(-4, 1, 60)) - 0.03


def test_the_share_of_scores_that_are_unsure() -> None:
    rng = np.random.default_rng(2)
    chances = softmax(rng.normal(0, 1, (5000, 3)))
    even = np.full(5000, 1 / 5000)
    least = calibrate.unsure(chances, even, 0.2)
    assert (chances.max(1) < least).mean() == pytest.approx(0.2, abs=0.01)
    first = np.where(np.arange(5000) < 100, 1 / 100, 0)
    among = calibrate.unsure(chances, first, 0.5)
    assert (chances[:100].max(1) < among).mean() == pytest.approx(0.5, abs=0.02)


def test_thresholds_are_moved_only_where_that_helps() -> None:
    """In Spanish this model likes everything too well; in English one half is as good as any threshold."""
    positive = {"en": ((0.8, 1), (0.1, 0), (0.1, -1)), "es": ((0.8, 1), (0.61, 0), (0.1, -1))}
    rows = [
        ([0.8 * (side < 0), 0.0, 1 - chance - 0.8 * (side < 0), chance, 0.0], side, lang)
        for lang, cases in positive.items()
        for chance, side in cases
    ] * 4
    steps = np.array([row for row, *_ in rows])
    truth = np.array([side for _, side, _ in rows])
    found = calibrate.thresholds(steps, truth, [lang for *_, lang in rows], np.full(len(rows), 1 / len(rows)))
    assert found["en"] == {"promoter": 0.5, "detractor": 0.5}
    assert found["es"] == {"promoter": pytest.approx(0.625), "detractor": 0.5}
    assert found["default"] == found["es"]


def test_nothing_chosen_changes_nothing() -> None:
    chances = np.array([[0.2, 0.3, 0.5]])
    assert applied(chances, calibrate.plain()["polarity"]) == pytest.approx(chances)
