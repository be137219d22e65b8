"""Token ids in length-sorted, padded batches."""

import random
from collections.abc import Iterator, Sequence

import torch
from tokenizers import Tokenizer
from torch import Tensor

from sentiment.backends.mentions import mark, special_ids

Tokens = tuple[list[int], list[int]]  # ids and segment numbers of one row


def tokenise(tokenizer: Tokenizer, pairs: Sequence[tuple[str, str | None]], longest: int) -> list[Tokens]:
    """Each text, with its target as second segment where there is one, cut to `longest` tokens from the text's end.

    Where the target stands in the text is marked, as in serving.
    """
    tokenizer.enable_truncation(longest, strategy="only_first")
    tokenizer.no_padding()
    encoded = tokenizer.encode_batch_fast([(text, target) if target else text for text, target in pairs])
    special = special_ids(tokenizer.token_to_id)
    return [(row.ids, mark(row.ids, row.type_ids, special)) for row in encoded]


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


def batches_of(lengths: Sequence[int], tokens: int, rng: random.Random) -> list[list[int]]:
    """Row numbers in batches of like length and at most `tokens` tokens, in random order: little padding, shuffled."""
    order = sorted(range(len(lengths)), key=lambda place: lengths[place] + rng.random() * 4)
    batches: list[list[int]] = []
    longest = 0
    for place in order:
        longest = max(longest, lengths[place])
        if not batches or longest * (len(batches[-1]) + 1) > tokens:
            batches.append([])
            longest = lengths[place]
        batches[-1].append(place)
    rng.shuffle(batches)
    return batches


def blank(row: Tokens, share: float, blank_id: int, special: frozenset[int], rng: random.Random) -> Tokens:
    """The row with `share` of its text's tokens hidden; the target and where it stands stay."""
    ids, segments = row
    return [
        blank_id if segment == 0 and number not in special and rng.random() < share else number
        for number, segment in zip(ids, segments, strict=True)
    ], segments


def in_chunks(many: int, size: int) -> Iterator[range]:
    """Consecutive ranges of at most `size`."""
    for start in range(0, many, size):
        yield range(start, min(start + size, many))
