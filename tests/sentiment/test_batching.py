"""Rows come back in their order, whatever batches they went through, and batches are as they should be."""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentiment.backends.base import Chances, Encoded
from sentiment.batching import TOKENS_A_TEXT, Runner, cores
from sentiment.manifest import Head


class Echo:
    """Says of each row its first id and its length."""

    def __init__(self, parallel: int = 1) -> None:
        self.parallel = parallel
        self.heads = {"first": Head(("id",)), "both": Head(("id", "length"))}
        self.batches: list[list[int]] = []

    def run(self, rows: Sequence[Encoded]) -> dict[str, Chances]:
        self.batches.append([len(row.ids) for row in rows])
        both = np.array([(row.ids[0], len(row.ids)) for row in rows], np.float32)
        return {"first": both[:, :1], "both": both}


def rows(lengths: Sequence[int]) -> list[Encoded]:
    return [Encoded([place] * length, [0] * length) for place, length in enumerate(lengths)]


@given(lengths=st.lists(st.integers(1, 200), max_size=40), size=st.integers(1, 9), parallel=st.sampled_from([1, 3]))
def test_every_row_gets_its_own_whatever_the_batches(lengths: list[int], size: int, parallel: int) -> None:
    echo = Echo(parallel)
    found = Runner(echo, size).run(rows(lengths))  # type: ignore[arg-type]
    assert found["both"].tolist() == [[place, length] for place, length in enumerate(lengths)]
    assert found["first"].tolist() == [[place] for place in range(len(lengths))]
    for batch in echo.batches:
        assert len(batch) == 1 or max(batch) * len(batch) <= size * TOKENS_A_TEXT
        assert len(batch) <= size


def test_batches_hold_rows_of_like_length_longest_first() -> None:
    echo = Echo()
    Runner(echo, 10).run(rows([1 + number % 10 for number in range(100)]))  # type: ignore[arg-type]
    assert echo.batches == [[length] * 10 for length in range(10, 0, -1)]


def test_no_rows() -> None:
    found = Runner(Echo(), 4).run([])  # type: ignore[arg-type]
    assert {name: chances.shape for name, chances in found.items()} == {"first": (0, 1), "both": (0, 2)}


def test_as_many_batches_at_once_as_the_backend_can() -> None:
    class Meeting(Echo):
        """Goes on only when all its callers are there."""

        def run(self, given: Sequence[Encoded]) -> dict[str, Any]:
            together.wait(timeout=30)
            return super().run(given)

    together = threading.Barrier(3)
    Runner(Meeting(3), 1).run(rows([5] * 6))  # type: ignore[arg-type]


def test_what_fails_in_a_batch_fails_for_the_caller() -> None:
    class Broken(Echo):
        def run(self, given: Sequence[Encoded]) -> dict[str, Any]:
            raise MemoryError("no room")

    for parallel in (1, 2):
        with pytest.raises(MemoryError, match="no room"):
            Runner(Broken(parallel), 1).run(rows([5] * 6))  # type: ignore[arg-type]


def test_there_is_a_core() -> None:
    assert cores() >= 1
