"""Token ids in length-sorted, padded batches."""

import random
from collections.abc import Iterator, Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor

Tokens = tuple[list[int], list[int]]  # ids and segment numbers of one row


def tokenise(tokenizer: Tokenizer, pairs: Sequence[tuple[str, str | None]], longest: int) -> list[Tokens]:
    """Each text, with its target as second segment where there is one, cut to `longest` tokens from the text's end."""
    tokenizer.enable_truncation(longest, strategy="only_first")
    tokenizer.no_padding()
    encoded = tokenizer.encode_batch([(text, target) if target else text for text, target in pairs])
    return [(row.ids, row.type_ids) for row in encoded]


def pad(rows: Sequence[Tokens]) -> tuple[Tensor, Tensor, Tensor]:
    """Ids, mask and segments (rows, longest of them), padded with 0."""
    length = max(len(ids) for ids, _ in rows)
    shape = (len(rows), length)
    ids, mask, segments = (torch.zeros(shape, dtype=torch.long) for _ in range(3))
    for place, (row, kinds) in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
        segments[place, : len(row)] = torch.tensor(kinds)
        mask[place, : len(row)] = 1
    return ids, mask, segments


def batches_of(lengths: Sequence[int], size: int, rng: random.Random) -> list[list[int]]:
    """Row numbers in batches of like length, in random order: little padding, and yet shuffled."""
    order = sorted(range(len(lengths)), key=lambda place: lengths[place] + rng.random() * 4)
    batches = [order[start : start + size] for start in range(0, len(order), size)]
    rng.shuffle(batches)
    return batches


def in_chunks(many: int, size: int) -> Iterator[range]:
    """Consecutive ranges of at most `size`."""
    for start in range(0, many, size):
        yield range(start, min(start + size, many))
