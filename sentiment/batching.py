"""Rows through a network in batches: of like length so that little is padding, of a size that a core's cache holds."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from sentiment.backends.base import Backend, Chances, Encoded

TOKENS_A_TEXT = 16
"""The tokens that a batch has room for, by its most texts: 512 by default, whose numbers stay near a core (256 and 512
were alike, 1,024 a fifth slower). Long texts make batches of fewer, so memory is bounded whatever their length."""


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Runner:
    """A backend that takes any number of rows: in batches, as many at once as it can.

    Batches side by side, each on one core, beat one batch on all cores: the products of a small network are over before
    their parts have been handed round.
    """

    def __init__(self, backend: Backend, batch_size: int) -> None:
        self._backend, self._most = backend, max(1, batch_size)
        self._pool = ThreadPoolExecutor(backend.parallel, "score") if backend.parallel > 1 else None

    def run(self, rows: Sequence[Encoded]) -> dict[str, Chances]:
        """Probabilities per head (rows, labels), in the order of `rows`."""
        # Longest first: what is left to do when one core runs out of batches is then short.
        order = sorted(range(len(rows)), key=lambda place: -len(rows[place].ids))
        found = {
            name: np.zeros((len(rows), len(head.labels)), np.float32) for name, head in self._backend.heads.items()
        }
        batches = list(self._cut(order, rows))
        inputs = ([rows[place] for place in places] for places in batches)
        over = self._pool.map if self._pool and len(batches) > 1 else map
        for places, judged in zip(batches, over(self._backend.run, inputs), strict=True):
            for name, chances in judged.items():
                found[name][places] = chances
        return found

    def _cut(self, order: Sequence[int], rows: Sequence[Encoded]) -> Iterator[Sequence[int]]:
        """Stretches of `order`, in which lengths only fall: each row is padded to the first one's length."""
        start = 0
        while start < len(order):
            room = self._most * TOKENS_A_TEXT // max(1, len(rows[order[start]].ids))
            end = start + max(1, min(self._most, room))
            yield order[start:end]
            start = end
