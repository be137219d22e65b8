import numpy as np
import pytest

from sentiment.checkpoints import map_labels


@pytest.mark.parametrize(
    "names",
    [
        ["negative", "neutral", "positive"],
        ["NEG", "NEU", "POS"],
        ["LABEL_0", "LABEL_1", "LABEL_2"],
        ["Negativo", "Neutro", "Positivo"],
        ["N", "NEU", "P"],
    ],
)
def test_three_tones(names: list[str]) -> None:
    found = map_labels(dict(enumerate(names)))
    assert found is not None
    assert found.stance is None
    assert np.array_equal(found.polarity, np.eye(3))


def test_the_order_is_the_checkpoints() -> None:
    found = map_labels({0: "positive", 1: "negative", 2: "neutral"})
    assert found is not None
    assert found.polarity.argmax(1).tolist() == [2, 0, 1]


@pytest.mark.parametrize("names", [["NEGATIVE", "POSITIVE"], ["LABEL_0", "LABEL_1"]])
def test_two_tones_never_say_neutral(names: list[str]) -> None:
    found = map_labels(dict(enumerate(names)))
    assert found is not None
    assert found.polarity.tolist() == [[1, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    "names",
    [
        ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"],
        ["1", "2", "3", "4", "5"],
        ["Very Negative", "Negative", "Neutral", "Positive", "Very Positive"],
        [f"LABEL_{number}" for number in range(5)],
    ],
)
def test_five_steps(names: list[str]) -> None:
    found = map_labels(dict(enumerate(names)))
    assert found is not None
    assert found.stance is not None
    assert np.array_equal(found.stance, np.eye(5))
    assert found.polarity.argmax(1).tolist() == [0, 0, 1, 2, 2]


@pytest.mark.parametrize(
    "names",
    [
        ["joy", "anger", "fear"],
        ["positive", "positive", "negative"],
        ["neutral", "positive"],
        ["toxic"],
        ["entailment", "neutral", "contradiction"],
        ["1 star", "2 stars", "3 stars", "4 stars", "4 stars"],
        [f"LABEL_{number}" for number in range(7)],
    ],
)
def test_what_is_no_sentiment(names: list[str]) -> None:
    assert map_labels(dict(enumerate(names))) is None
