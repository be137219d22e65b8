"""A network made of counting, so that what surrounds a network can be tested exactly; and the bundled model."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from sentiment.backends.base import Chances, Encoded
from sentiment.labels import POLARITY, STEPS, Labeller, Thresholds, Unsure
from sentiment.manifest import Head
from sentiment.scorer import Scorer

sys.path.append(str(Path(__file__).parents[2] / "scripts"))  # the trainer's helpers, as its own script sees them


class CountingBackend:
    """Its tokens are words; a text is as positive as it says `good` and as negative as it says `bad`."""

    name = "counting"
    revision = "1"
    heads: Mapping[str, Head] = {"polarity": Head(POLARITY), "stance": Head(STEPS)}
    labeller = Labeller(Thresholds(), {})
    unsure = Unsure()
    emoji_as_words = True
    parallel = 1

    def __init__(self, max_length: int = 16, *, pairs: bool = True) -> None:
        self.max_length, self.pairs = max_length, pairs
        self.seen: list[str] = []
        self.batches: list[list[int]] = []
        self._words: list[str] = []

    def count(self, words: list[str]) -> list[int]:
        return [len(word.split()) for word in words]

    def encode(self, inputs: Sequence[tuple[str, str | None]]) -> list[Encoded]:
        self.seen += [text for text, _ in inputs]
        rows = []
        for text, target in inputs:
            first = [0, *map(self._id, text.split()), 0]
            second = [*map(self._id, target.split()), 0] if target else []
            rows.append(Encoded(first + second, [0] * len(first) + [1] * len(second)))
        return rows

    def _id(self, word: str) -> int:
        if word not in self._words:
            self._words.append(word)
        return self._words.index(word) + 1

    def run(self, rows: Sequence[Encoded]) -> dict[str, Chances]:
        assert all(len(row.ids) <= self.max_length for row in rows)
        self.batches.append([len(row.ids) for row in rows])
        tones = np.array([self._tone(row) for row in rows], np.float32)
        none = np.zeros(len(rows), np.float32)
        return {"polarity": tones, "stance": np.stack((tones[:, 0], none, tones[:, 1], none, tones[:, 2]), axis=1)}

    def _tone(self, row: Encoded) -> tuple[float, float, float]:
        words = [self._words[number - 1] for number in row.ids if number]
        good, bad = words.count("good"), words.count("bad")
        return bad / max(1, good + bad), float(not good + bad), good / max(1, good + bad)


@pytest.fixture
def counting() -> CountingBackend:
    return CountingBackend()


@pytest.fixture(scope="session")
def counting_class() -> type[CountingBackend]:
    return CountingBackend


@pytest.fixture(scope="session")
def bundled() -> Scorer:
    return Scorer.open(threads=1)
