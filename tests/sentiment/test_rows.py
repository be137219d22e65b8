from collections.abc import Iterator
from typing import Any

import pytest

from sentiment.errors import BadRow
from sentiment.rows import CHARACTERS, CHUNK, score_rows
from sentiment.scorer import Scorer

ADDED = {
    "polarity", "stance", "label", "unsure", "emotions", "irony", "offensive", "complaint", "relevance", "model",
    "revision",
}  # fmt: skip


def test_rows_keep_their_order_and_fields(counting: Any) -> None:
    rows = [{"id": 1, "text": "good good", "target": "acme", "lang": "en"}, {"text": "bad", "extra": {"deep": [1]}}]
    (one, first), (two, second) = score_rows(Scorer(counting), [(1, rows[0]), (3, rows[1])])
    assert (one, two) == (1, 3)
    assert set(first) == set(rows[0]) | ADDED
    assert {name: first[name] for name in rows[0]} == rows[0]
    assert first["label"] == "promoter"
    assert second["extra"] == {"deep": [1]}
    assert second["label"] is None
    assert second["stance"] is None
    assert second["lang"] == "und"


def test_no_field_of_the_row_is_lost_to_a_name_of_ours(counting: Any) -> None:
    ((_, row),) = score_rows(Scorer(counting), [(1, {"text": "good", "lang": None, "target": ""})])
    assert row["target"] == ""
    assert row["lang"] == "und"
    assert row["label"] is None


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"body": "x"}, "line 8: there is no field text; the fields are: body"),
        ({}, "line 8: there is no field text; the fields are: none"),
        ({"text": None}, "line 8: text must be a string, this is null"),
        ({"text": 5}, "line 8: text must be a string, this is a number"),
        ({"text": "x", "target": ["a"]}, "line 8: target must be a string or absent, this is a list"),
        ({"text": "x", "lang": True}, "line 8: lang must be a string or absent, this is true or false"),
        (["text"], "line 8: a row must be an object with a text, this is a list"),
    ],
)
def test_a_bad_row_is_named_by_its_line(counting: Any, row: Any, why: str) -> None:
    rows = score_rows(Scorer(counting), [(7, {"text": "fine"}), (8, row)])
    assert next(rows)[1]["polarity"]
    with pytest.raises(BadRow) as caught:
        next(rows)
    assert str(caught.value) == why
    assert caught.value.line == 8


def test_rows_are_taken_as_they_are_needed(counting: Any) -> None:
    taken = 0

    def endless() -> Iterator[tuple[int, dict[str, Any]]]:
        nonlocal taken
        while True:
            taken += 1
            yield taken, {"text": f"good {taken}"}

    rows = score_rows(Scorer(counting), endless())
    for _ in range(CHUNK + 1):
        next(rows)
    assert taken == 2 * CHUNK


def test_few_very_long_texts_are_enough_at_a_time(counting: Any) -> None:
    taken = 0

    def endless() -> Iterator[tuple[int, dict[str, Any]]]:
        nonlocal taken
        while True:
            taken += 1
            yield taken, {"text": "good " * (CHARACTERS // 10)}

    next(score_rows(Scorer(counting), endless()))
    assert taken == 2
