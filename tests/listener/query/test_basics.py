"""The query language: reading, matching, places in the original text, anchors, and writing it down again."""

import re
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from listener.query import MatchText, QueryError, parse, prepare


def found(query: str, text: str) -> list[str] | None:
    """The marked pieces of the text, or None."""
    spans = parse(query).match(text)
    return None if spans is None else [text[start:end] for start, end in spans]


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        ("iberia", "Vuelo con IBERIA hoy", ["IBERIA"]),
        ("iberia", "la península ibérica", None),
        ("iberia", "#Iberia @iberia, Iberia's", ["Iberia", "iberia", "Iberia"]),
        ("iberia", "@iberia_es", ["iberia"]),
        ("iberia", "Siberia iberiana", None),
        ("#iberia", "Iberia #Iberia", ["#Iberia"]),
        ("#iberia", "# Iberia", None),
        ("@iberia", "@Iberia y #Iberia", ["@Iberia"]),
        ("$tsla", "TSLA up, $TSLA down", ["$TSLA"]),
        ("telefonica", "Telefónica llama", ["Telefónica"]),
        ("Telefónica", "telefonica llama", ["telefonica"]),
        ("telefónica", "Telefo\u0301nica llama", ["Telefo\u0301nica"]),
        ("strasse", "Die STRAẞE, die Straße", ["STRAẞE", "Straße"]),
        ("orsted", "Ørsted builds", ["Ørsted"]),
        ("istanbul", "İSTANBUL ıstanbul", ["İSTANBUL", "ıstanbul"]),
        ("acme", "Ａｃｍｅ and 𝐀𝐜𝐦𝐞", ["Ａｃｍｅ", "𝐀𝐜𝐦𝐞"]),
        ("acme", "ac\u00adme a\u200dcme", ["ac\u00adme", "a\u200dcme"]),
        ("acme", "ac\u200bme", None),
        ("москва", "Ёлка в МОСКВА", ["МОСКВА"]),
        ("елка", "Ёлка в Москва", ["Ёлка"]),
        ("苹果", "我爱苹果手机", ["苹果"]),
        ("コーラ", "コカコーラ飲む", ["コーラ"]),
        ("スターバックス", "スターハックス", None),
        ("스타벅스", "스타벅스에서 만나", ["스타벅스"]),
        ("हिन्दी", "यह हिन्दी है", ["हिन्दी"]),
        ("ไทย", "ภาษาไทยง่าย", ["ไทย"]),
        ("مرحبا", "مَرْحَبًا بكم", ["مَرْحَبًا"]),
        ("Yahoo!", "yahoo, Yahoo!!, YAHOO !", ["Yahoo!", "YAHOO !"]),
        ("Yahoo", "Yahoo!", ["Yahoo"]),
        ("H&M", "at h&m, H & M, HM", ["h&m", "H & M"]),
        ("C++", "C, c++ and C++17", ["c++", "C++"]),
        ("C", "I write C++", ["C"]),
        (".NET", "net .NET", [".NET"]),
        ("coca-cola", "Coca Cola, coca–cola, CocaCola", ["Coca Cola", "coca–cola"]),
        ("McDonald's", "mcdonald’s or McDonalds", ["mcdonald’s"]),
        ("booking.com", "see https://booking.com/x", ["booking.com"]),
        ("3M", "3M and 3 M", ["3M"]),
        (
            '"british airways"',
            "British  Airways\nBritish-Airways british xx airways",
            ["British  Airways", "British-Airways"],
        ),
        ('"british airways"', "**British** #Airways", ["British** #Airways"]),
        ("“british airways”", "british airways", ["british airways"]),
        ("🍎", "🍎🍎 apple", ["🍎", "🍎"]),
        ("❤", "I ❤️ it", ["❤️"]),
        ("👍", "👍🏽 good", ["👍🏽"]),
        ("🤷", "🤷🏽‍♀️ well", ["🤷🏽‍♀️"]),
        ("🇪🇸", "🇪🇸🇫🇷", ["🇪🇸"]),
        ("acme", "Acme™ 😡acme😡", ["Acme", "acme"]),
        ("a b", "a x b", ["a", "b"]),
        ("a AND b", "a", None),
        ("a OR b", "b a", ["b", "a"]),
        ("a NOT b", "a b", None),
        ("a NOT b", "a c", ["a"]),
        ("a -b", "a b", None),
        ('a -"b c"', "a c b", ["a"]),
        ("a -(b OR c)", "a c", None),
        ("a NOT NOT b", "a b", ["a", "b"]),
        ("a OR b c", "b", None),
        ("(a OR b) c", "b c", ["b", "c"]),
        ("a b OR c d", "c d", ["c", "d"]),
        ('"OR" acme', "acme or", ["acme", "or"]),
        ("and acme", "acme and", ["acme", "and"]),
        ('acme OR "acme air"', "acme air", ["acme air"]),
        ("acme", "", None),
    ],
)
def test_what_matches_and_where(query: str, text: str, marked: list[str] | None) -> None:
    assert found(query, text) == marked


@pytest.mark.parametrize(
    ("query", "column", "word"),
    [
        ("", 1, "empty"),
        ("   ", 4, "empty"),
        ("(a OR b", 1, "never closed"),
        ("a OR b) c", 7, "closes nothing"),
        ('iberia AND "vuelo', 12, "never closed"),
        ("AND a", 1, "needs a term before"),
        ("a OR OR b", 6, "needs a term before"),
        ("a AND", 6, "missing after AND"),
        ("a (b OR)", 8, "before this )"),
        ("a ()", 3, "nothing between"),
        ("a - b", 3, "directly before"),
        ("a !!!", 3, "no letter, digit or emoji"),
        ('a ""', 3, "no letter, digit or emoji"),
        ("NOT a", 1, "leave out"),
        ("-a -b", 1, "leave out"),
        ("a OR NOT b", 1, "leave out"),
        ("(" * 60 + "a" + ")" * 60, 51, "deep"),
        ("a " * 600, 1001, "500 terms"),
        ("a" * 20_000, 10_001, "characters"),
    ],
)
def test_errors_say_where_and_what_to_do(query: str, column: int, word: str) -> None:
    with pytest.raises(QueryError) as raised:
        parse(query)
    assert raised.value.column == column
    assert str(raised.value).startswith(f"column {column}: ")
    assert word in str(raised.value)


def test_chains_of_not_need_no_stack() -> None:
    assert found("a " + "NOT " * 1000 + "b", "a b") == ["a", "b"]
    assert found("a " + "-" * 1001 + "b", "a b") is None


@pytest.mark.parametrize(
    ("query", "anchors"),
    [
        ("a OR b", ("a", "b")),
        ("acme (sale OR discount)", ("acme",)),
        ("(x OR y) (acme OR bolt OR z)", ("x", "y")),
        ('flight "british airways" -jobs', ("british airways",)),
        ("Acme OR acme OR ACMÉ", ("ACMÉ",)),
        ("Yahoo!", ("Yahoo!",)),
    ],
)
def test_anchors(query: str, anchors: tuple[str, ...]) -> None:
    assert parse(query).anchors() == anchors


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ("a  b", "a AND b"),
        ("a -b", "a AND NOT b"),
        ("(a OR b) (c d)", "(a OR b) AND c AND d"),
        ("“x  y”", '"x y"'),
        ('🍎 OR "NEAR/3"', '"🍎" OR "NEAR/3"'),
        ('"-x" "AND" "a"', '"-x" AND "AND" AND a'),
    ],
)
def test_written_down(query: str, written: str) -> None:
    assert str(parse(query)) == written


def test_one_preparation_serves_many_queries() -> None:
    text = prepare("Iberia and Delta")
    assert isinstance(text, MatchText)
    assert parse("iberia").match(text) == parse("iberia").match("Iberia and Delta")
    assert parse("delta").match(text) is not None


WORDS = [
    "a",
    "b",
    "niño",
    "Straße",
    "C++",
    "H&M",
    "#tag",
    "🍎",
    "x-y",
    "苹果",
    "日",
    "İx",
    "e\u0301",
    "ﬁn",
    "½",
    "👩‍💻",
    "🇪🇸",
]
TERMS = st.sampled_from(WORDS) | st.lists(st.sampled_from(WORDS), min_size=2, max_size=3).map(
    lambda w: f'"{" ".join(w)}"'
)
QUERIES = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} OR {pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} {pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]} NOT {pair[1]})"),
    ),
    max_leaves=8,
)
TEXTS = st.lists(st.sampled_from([*WORDS, " ", " ", "-", "!", "\u200b", "\ufe0f", "\u0301", "ß"]), max_size=15).map(
    "".join
)


@settings(max_examples=25, deadline=None)
@given(query=QUERIES, text=TEXTS)
def test_writing_a_query_down_keeps_its_meaning(query: str, text: str) -> None:
    parsed = parse(query)
    again = parse(str(parsed))
    assert str(again) == str(parsed)
    assert again.match(text) == parsed.match(text)


@settings(max_examples=25, deadline=None)
@given(query=QUERIES, text=TEXTS)
def test_every_match_holds_an_anchor(query: str, text: str) -> None:
    parsed = parse(query)
    if parsed.match(text) is not None:
        assert any(parse(f'"{anchor}"').match(text) for anchor in parsed.anchors())


@settings(max_examples=25, deadline=None)
@given(word=st.sampled_from(WORDS), before=st.text(max_size=20), after=st.text(max_size=20))
@example(word="b", before="ﷺßİ👩‍💻\u0301", after="\u0301")
def test_places_are_of_the_original_text(word: str, before: str, after: str) -> None:
    text = f"{before} {word} {after}"
    query = parse(f'"{word}"')
    spans = query.match(text)
    assert spans is not None
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(left.end <= right.start for left, right in pairwise(spans))
    assert all(query.match(text[start:end]) for start, end in spans)
    assert any(start == len(before) + 1 for start, _ in spans)


@settings(max_examples=25, deadline=None)
@given(text=st.text(st.characters(max_codepoint=0x24F), max_size=40))
def test_composed_or_not_is_the_same(text: str) -> None:
    assert (
        prepare(unicodedata.normalize("NFD", text)).vocabulary == prepare(unicodedata.normalize("NFC", text)).vocabulary
    )


@settings(max_examples=25, deadline=None)
@given(text=st.text(max_size=60))
def test_anything_can_be_prepared_and_any_word_found_again(text: str) -> None:
    prepared = prepare(text)
    assert [prepared.folded[start:end] for start, end in prepared.bounds] == prepared.tokens
    for word in re.findall(r"[a-z0-9]+", text):
        if re.search(rf"(?<![^\s]){word}(?![^\s])", text):
            assert parse(f'"{word}"').match(prepared) is not None


@settings(max_examples=25, deadline=None)
@given(query=st.text(max_size=60))
def test_any_query_is_read_or_refused_with_a_place(query: str) -> None:
    refused: QueryError | None = None
    try:
        parsed = parse(query)
    except QueryError as error:
        refused = error
    if refused is None:
        assert str(parse(str(parsed))) == str(parsed)
    else:
        assert 1 <= refused.column <= len(query) + 1
