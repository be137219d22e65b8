"""Tokens with marks, batches within their budget, and what hiding tokens leaves alone."""

import random

import pytest
from tokenizers import Tokenizer
from training.batches import batches_of, blank, in_chunks, pad, tokenise


def words(tokenizer: Tokenizer, ids: list[int]) -> str:
    return " ".join(tokenizer.id_to_token(number) for number in ids)


def test_where_the_target_stands_is_marked(tokenizer: Tokenizer) -> None:
    (ids, segments), (plain, none) = tokenise(tokenizer, [("acme and the dog", "Acme"), ("the dog", None)], 16)
    assert words(tokenizer, ids) == "[CLS] acme and the dog [SEP] acme [SEP]"
    assert segments == [0, 2, 0, 0, 0, 0, 1, 1]
    assert words(tokenizer, plain) == "[CLS] the dog [SEP]"
    assert none == [0, 0, 0, 0]


def test_the_end_of_the_text_is_cut_and_the_target_is_not(tokenizer: Tokenizer) -> None:
    ((ids, segments),) = tokenise(tokenizer, [("the dog and the flight and acme", "acme")], 7)
    assert words(tokenizer, ids) == "[CLS] the dog and [SEP] acme [SEP]"
    assert segments == [0, 0, 0, 0, 0, 1, 1]


def test_shorter_rows_are_filled_up() -> None:
    ids, mask, segments = pad([([2, 5, 3, 7, 3], [0, 2, 0, 1, 1]), ([2, 3], [0, 0])])
    assert ids.tolist() == [[2, 5, 3, 7, 3], [2, 3, 0, 0, 0]]
    assert mask.tolist() == [[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]
    assert segments.tolist() == [[0, 2, 0, 1, 1], [0, 0, 0, 0, 0]]


@pytest.mark.parametrize("budget", [40, 64, 500])
def test_every_row_is_in_one_batch_within_the_budget(budget: int) -> None:
    lengths = [random.Random(number).randint(3, 40) for number in range(300)]
    batches = batches_of(lengths, budget, random.Random(0))
    assert sorted(place for batch in batches for place in batch) == list(range(300))
    padded = [max(lengths[place] for place in batch) * len(batch) for batch in batches]
    assert max(padded) <= budget
    assert sum(padded) >= 0.6 * budget * len(batches)  # full ones, as far as lengths allow
    assert sum(padded) < 1.3 * sum(lengths)  # of rows of like length


def test_a_row_beyond_the_budget_is_alone() -> None:
    assert sorted(batches_of([4, 90, 4], 20, random.Random(0))) in ([[0, 2], [1]], [[1], [2, 0]])


def test_batches_come_in_an_order_that_the_seed_decides() -> None:
    lengths = [3 + number % 30 for number in range(300)]
    orders = [batches_of(lengths, 90, random.Random(seed)) for seed in (0, 0, 1)]
    assert orders[0] == orders[1] != orders[2]
    sizes = [max(lengths[place] for place in batch) for batch in orders[0]]
    assert sizes != sorted(sizes)


def test_hidden_tokens_are_the_text_s_own() -> None:
    row = ([2, 5, 6, 7, 8, 3, 6, 3], [0, 0, 2, 0, 0, 0, 1, 1])
    special = frozenset((0, 2, 3))
    assert blank(row, 1.0, 4, special, random.Random(0)) == ([2, 4, 6, 4, 4, 3, 6, 3], row[1])
    assert blank(row, 0.0, 4, special, random.Random(0)) == row


def test_the_share_that_is_hidden() -> None:
    row = ([7] * 5000, [0] * 5000)
    hidden, _ = blank(row, 0.04, 4, frozenset(), random.Random(0))
    assert hidden.count(4) / 5000 == pytest.approx(0.04, abs=0.01)


def test_chunks_end_with_the_rest() -> None:
    assert list(in_chunks(5, 2)) == [range(2), range(2, 4), range(4, 5)]
    assert list(in_chunks(0, 2)) == []
