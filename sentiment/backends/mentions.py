"""Where the target stands among a text's token ids: one way of marking, shared by training and serving.

Works on ids alone and imports nothing, so that a trainer can use it on a million rows.
"""

from collections.abc import Callable, Sequence

MENTION = 2
"""The segment number of a text's tokens that are the target; 0 is the rest of the text, 1 the target beside it."""

SPECIAL = ("[PAD]", "[CLS]", "[SEP]")


def special_ids(id_of: Callable[[str], int | None]) -> frozenset[int]:
    """The ids of the tokens that frame and fill a row; `id_of` is a tokenizer's `token_to_id`."""
    return frozenset(number for token in SPECIAL if (number := id_of(token)) is not None)


def mark(ids: Sequence[int], segments: Sequence[int], special: frozenset[int]) -> list[int]:
    """`segments` with `MENTION` wherever the target's ids (segment 1, without `special` ones) run through the text.

    Every occurrence is marked, overlapping ones too. Without a target or an occurrence nothing changes. A row that is
    to be cut must be cut before: half a mention is none.
    """
    marked = list(segments)
    if 1 not in marked:
        return marked
    second = marked.index(1)  # the text comes first, in one piece
    target = [number for number, segment in zip(ids, marked, strict=True) if segment == 1 and number not in special]
    if not target:
        return marked
    text, many = list(ids[:second]), len(target)
    place = -1
    for _ in range(text.count(target[0])):
        place = text.index(target[0], place + 1)
        if text[place : place + many] == target:
            marked[place : place + many] = [MENTION] * many
    return marked
