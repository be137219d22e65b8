"""What `sentiment.scorer` asks of a backend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sentiment.labels import Labeller, Unsure
from sentiment.manifest import Head

Chances = NDArray[np.float32]  # (rows, labels of the head)


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of one input, and the segment (0 text, 1 target) of each."""

    ids: Sequence[int]
    segments: Sequence[int]


class Backend(Protocol):
    """A loaded network with its tokenizer."""

    @property
    def name(self) -> str: ...
    @property
    def revision(self) -> str: ...
    @property
    def heads(self) -> Mapping[str, Head]: ...
    @property
    def labeller(self) -> Labeller: ...
    @property
    def unsure(self) -> Unsure: ...
    @property
    def max_length(self) -> int:
        """Most tokens of an input, special ones included."""

    @property
    def pairs(self) -> bool:
        """Whether the network reads the target as a second segment; if not, it is only shown text around the target."""

    @property
    def parallel(self) -> int:
        """How many batches may run at once, each in a thread of its own."""

    @property
    def emoji_as_words(self) -> bool:
        """How `sentiment.text` is to treat pictures for this network."""

    def count(self, words: list[str]) -> list[int]:
        """Tokens of each word."""

    def encode(self, inputs: Sequence[tuple[str, str | None]]) -> list[Encoded]:
        """Ids for (text, target) inputs, in order; not yet cut to `max_length`."""

    def run(self, rows: Sequence[Encoded]) -> dict[str, Chances]:
        """Probabilities per head for one batch of inputs within `max_length`. Up to `parallel` calls run at once."""


Integers = NDArray[np.signedinteger[Any]]


def pad(rows: Sequence[Encoded], filler: int, kind: type[np.signedinteger[Any]]) -> tuple[Integers, Integers, Integers]:
    """Ids, mask and segments as (rows, longest row) integers of this `kind`."""
    length = max(len(row.ids) for row in rows)
    ids = np.full((len(rows), length), filler, dtype=kind)
    mask, segments = np.zeros_like(ids), np.zeros_like(ids)
    for place, row in enumerate(rows):
        ids[place, : len(row.ids)] = row.ids
        segments[place, : len(row.ids)] = row.segments
        mask[place, : len(row.ids)] = 1
    return ids, mask, segments


def chances(logits: NDArray[np.float32], head: Head) -> Chances:
    """Logits (rows, labels) to probabilities, as the head's kind, temperature and bias say."""
    scaled = logits.astype(np.float32) / np.float32(head.temperature)
    if head.bias:
        scaled = scaled + np.asarray(head.bias, np.float32)
    if head.kind == "any":
        return np.asarray(1 / (1 + np.exp(-scaled)), np.float32)
    raised = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True), np.float32)
