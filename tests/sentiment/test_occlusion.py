"""The search for words that matter, with networks that are functions of the words they are shown."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentiment.backends.base import Encoded
from sentiment.occlusion import MOST_TOKENS, Effect, Reading, effects, joined, outside, pieces
from sentiment.windows import Span

Measure = Callable[[list[str]], float]


class Book:
    """Reads words separated by spaces, commas and full stops, a token each; remembers what it has judged."""

    def __init__(self, measure: Measure) -> None:
        self.measure = measure
        self.shown: list[list[str]] = []
        self.tokens = 0

    def encode(self, windows: list[str]) -> list[Encoded]:
        start = len(self.shown)
        self.shown += [re.findall(r"[^\s,.]+", window) for window in windows]
        return [Encoded((at,) * max(1, len(words)), ()) for at, words in enumerate(self.shown[start:], start)]

    def weigh(self, rows: Sequence[Encoded]) -> list[float]:
        self.tokens += sum(len(row.ids) for row in rows)
        return [self.measure(self.shown[row.ids[0]]) for row in rows]


def read(book: Book, text: str, brand: Sequence[Span] = (), windows: Sequence[Span] | None = None) -> Reading:
    """How the book reads a text in windows [start, end), or as one."""
    places = [
        [word.span() for word in re.compile(r"\S+").finditer(text, start, end)]
        for start, end in windows or [(0, len(text))]
    ]
    rows = book.encode([" ".join(text[start:end] for start, end in window) for window in places])
    return Reading(
        text, list(brand), places, [len(row.ids) for row in rows], book.weigh(rows), str, book.encode, book.weigh
    )


def found(
    measure: Measure, text: str, brand: Sequence[Span] = (), windows: Sequence[Span] | None = None
) -> list[Effect]:
    return effects(read(Book(measure), text, brand, windows), 0.2)[1]


def told(measure: Measure, text: str) -> dict[str, float]:
    """The effects by their words."""
    return {text[effect.start : effect.end]: pytest.approx(effect.size) for effect in found(measure, text)}


def sums(**weights: float) -> Measure:
    return lambda words: sum(weights.get(word, 0.0) for word in words)


def test_a_word_counts_for_what_it_adds() -> None:
    assert told(sums(good=1, bad=-0.5), "good, so bad.") == {"good": 1, "so": 0, "bad": -0.5}


def test_words_that_say_more_together_are_a_phrase() -> None:
    def negated(words: list[str]) -> float:
        return 1.0 if "not" in words and "bad" in words else -1.0 if "bad" in words else 0.0

    assert told(negated, "it is not bad") == {"it": 0, "is": 0, "not bad": 1}


def test_the_third_word_of_a_phrase_must_add_something_too() -> None:
    def all_three(words: list[str]) -> float:
        return -1.0 if {"a", "b", "c"} <= set(words) else 0.0

    def any_of_two(words: list[str]) -> float:
        return -1.0 if {"b", "c"} & set(words) else 0.0

    assert told(all_three, "a b c d")["a b"] == -1
    assert told(any_of_two, "a b c d") == {"a": 0, "b c": -1, "d": 0}


def test_a_phrase_does_not_go_beyond_its_clause() -> None:
    def both(words: list[str]) -> float:
        return float("not" in words and "bad" in words)

    assert told(both, "not, bad") == {"not": 1, "bad": 1}


def test_a_small_surplus_makes_no_phrase() -> None:
    def nearly(words: list[str]) -> float:
        return sums(very=0.5, good=1.0)(words) + (0.25 if {"very", "good"} <= set(words) else 0.0)

    assert list(told(nearly, "very good")) == ["very", "good"]


def test_the_brand_stays_in() -> None:
    book = Book(sums(good=1, Acme=0.5))
    text = "good Acme good-Acme bad"
    brand = [(5, 9), (15, 19)]
    baseline, found = effects(read(book, text, brand), 0.2)
    assert [text[effect.start : effect.end] for effect in found] == ["good", "good", "bad"]
    assert all(" ".join(words).count("Acme") == 2 for words in book.shown)
    assert baseline == 1.0


def test_with_only_the_brand_there_is_nothing_to_leave_out() -> None:
    assert effects(read(Book(sums(Acme=1)), "Acme", [(0, 4)]), 0.2) == (1.0, [])


def test_nothing_read() -> None:
    reading = Reading("  ", [], [], [], [], str, Book(sums()).encode, Book(sums()).weigh)
    assert effects(reading, 0.2) == (0.0, [])


def test_what_is_left_of_a_text_without_words_is_neutral() -> None:
    assert effects(read(Book(lambda _: 0.7), "good"), 0.2)[0] == 0.0
    assert found(lambda _: 0.7, "good") == [Effect(0, 4, 1, pytest.approx(0.7))]


def test_a_word_has_its_part_in_each_window() -> None:
    text = "good so so good"
    effect = found(sums(good=1), text, windows=[(0, 7), (5, 15)])
    assert [(text[one.start : one.end], one.size) for one in effect] == [
        ("good", 0.5),
        ("so", 0),
        ("so", 0),
        ("good", 0.5),
    ]
    assert [one.size for one in found(sums(so=1), "a so b", windows=[(0, 4), (2, 6)])] == [0, 1, 0]


def test_words_outside_of_all_windows_are_not_told_of() -> None:
    assert [one.start for one in found(sums(a=1), "a b a b a", windows=[(0, 1), (8, 9)])] == [0, 8]


LONG = " ".join(["so"] * 300 + ["terrible"] + ["so"] * 499)


def test_in_a_long_text_the_word_that_matters_is_found() -> None:
    spaces = [0, *(LONG.index(" ", at) + 1 for at in range(300, len(LONG) - 300, 300)), len(LONG)]
    book = Book(sums(terrible=-8))
    found = effects(read(book, LONG, windows=list(pairwise(spaces))), 0.2)[1]
    strongest = max(found, key=lambda effect: abs(effect.size))
    assert (LONG[strongest.start : strongest.end], strongest.words) == ("terrible", 1)
    assert strongest.size == pytest.approx(-8 / (len(spaces) - 1))
    assert len(found) < 100
    assert book.tokens <= MOST_TOKENS


def test_what_cannot_be_paid_for_stays_a_stretch() -> None:
    book = Book(sums(terrible=-8))
    found = effects(read(book, LONG), 0.2)[1]
    strongest = max(found, key=lambda effect: abs(effect.size))
    assert "terrible" in LONG[strongest.start : strongest.end]
    assert strongest.words > 1
    assert sum(effect.words for effect in found) == 800
    assert book.tokens <= MOST_TOKENS


@settings(deadline=None)  # a machine may be busy
@given(
    words=st.lists(st.sampled_from(["good", "bad", "so", "Acme", "!!!", "x,", "y."]), min_size=1, max_size=400),
    cuts=st.lists(st.integers(0, 400), max_size=7, unique=True),
)
def test_effects_are_in_order_apart_from_each_other_and_paid_for(words: list[str], cuts: list[int]) -> None:
    text = " ".join(words)
    brand = [match.span() for match in re.finditer("Acme", text)]
    edges = [0, *sorted({text.find(" ", cut) + 1 for cut in cuts if " " in text[cut:]}), len(text)]
    book = Book(lambda seen: sums(good=1, bad=-1)(seen) / max(1, len(seen)))
    reading = read(book, text, brand, [(a, b) for a, b in pairwise(edges) if a < b])
    _, found = effects(reading, 0.1)
    spans = sorted([*brand, *((effect.start, effect.end) for effect in found)])
    assert all(start < end for start, end in spans)
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))
    assert [effect.start for effect in found] == sorted(effect.start for effect in found)
    assert book.tokens <= MOST_TOKENS


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's great-ish, no?", ["It's", "great-ish", "no", "?"]),
        (
            "see https://x.io/a?b=1, @bob.x #Happy 1,000.50€",
            ["see", "https://x.io/a?b=1,", "@bob.x", "#Happy", "1,000.50€"],
        ),
        ("¡Qué bien!!! :) ...", ["Qué", "bien", "!!!", ":)", "..."]),
        ("mal😡😡 👩‍🔧", ["mal", "😡😡", "👩‍🔧"]),
        ("cafe\u0301 नमस्ते", ["cafe\u0301", "नमस्ते"]),
        ("很好很好很好", ["很好很好", "很好"]),
        ("a, (b) “c”", ["a", "b", "c"]),
        ("", []),
        (" \n\t", []),
    ],
)
def test_what_a_word_is(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in pieces(text, 0, len(text))] == expected


def test_what_lies_outside() -> None:
    assert outside([(2, 3), (5, 9)], 0, 7) == [(0, 2), (3, 5)]
    assert outside([(0, 4), (6, 8)], 3, 6) == [(4, 6)]
    assert outside([], 3, 6) == [(3, 6)]
    assert outside([(0, 9)], 3, 6) == []


def test_what_touches_is_joined() -> None:
    assert joined([(4, 6), (0, 2), (2, 3), (5, 9)]) == [(0, 3), (4, 9)]
