"""docs/query.md says what the code does."""

from pathlib import Path

import pytest

from listener.query import parse
from listener.query.dialects import DIALECTS, Dialect
from listener.query.translate import translate

PAGE = (Path(__file__).parents[3] / "docs" / "query.md").read_text(encoding="utf-8")
ROWS = {
    row[0]: row[1:]
    for line in PAGE.splitlines()
    if line.startswith("|")
    for row in [[cell.strip().replace("\\|", "|") for cell in line.replace("\\|", "/").strip("|").split("|")]]
}


@pytest.mark.parametrize("row", [row for row, cells in ROWS.items() if "`" in row and len(cells) == 2])
def test_every_example_is_a_query(row: str) -> None:
    for query in row.strip("`").split("`  `"):
        query = f"iberia {query}".replace("`", "")
        assert parse(query).anchors()


@pytest.mark.parametrize(
    ("query", "finds", "passes_over"),
    [
        (
            "iberia",
            "Iberia, IBERIA, Ibéria, #iberia, @iberia, #IberiaFail, iberia.com",
            "Siberia, iberiana, #iberiafail",
        ),
        ('"british airways"', "British Airways, British-Airways, #BritishAirways", "airways british"),
        ("Coca-Cola", "coca cola, coca–cola", "cocacola"),
        ("#iberia", "#Iberia", "iberia, #iberiafail, #IberiaFail"),
        ("@iberia", "@iberia, @iberia.com, @iberia@mastodon.social", "iberia, @iberia_es, info@iberia.com"),
        ("=Delta", "Delta", "delta, DELTA"),
        ("devolver~", "devolver, devolverme, devolvérselo", "devolverán"),
        ("devuelvan~", "devuélvanmelo", "devolverán"),
        ('"el país"', "#elpais", "el gran país"),
        ("delta NEAR/5 flight", "delta a b c d flight, flight a b c d delta", "delta a b c d e flight"),
    ],
)
def test_the_examples_find_what_the_page_says(query: str, finds: str, passes_over: str) -> None:
    for text in finds.split(", "):
        assert parse(query).match(text) is not None, text
    for text in passes_over.split(", "):
        assert parse(query).match(text) is None, text


def _left_out(dialect: Dialect) -> str:
    """What a platform is asked to leave out, by what becomes of an example of each."""
    tried = {"words": "-vuelo", "authors": "-from:iberia", "languages": "-lang:en"}
    sent = [name for name, part in tried.items() if translate(parse(f"delta {part}"), dialect).searches != ("delta",)]
    return "yes" if sent == list(tried) else ", ".join(sent) or "here"


def test_the_table_of_platforms() -> None:
    dialects = list(DIALECTS.values())
    assert ROWS[""] == [dialect.title for dialect in dialects]
    lengths = [f"{dialect.max_length}{' bytes' if dialect.in_bytes else ''}" for dialect in dialects]
    assert ROWS["longest search"] == lengths
    ors = {"nested": "yes", "flat": "one level", "alone": "`/`, not beside other words", "none": "a search each"}
    assert ROWS["OR"] == [ors[dialect.either] for dialect in dialects]
    assert ROWS["NOT"] == [_left_out(dialect) for dialect in dialects]
    assert [cell == "yes" for cell in ROWS["`#tag`"]] == [dialect.hashtag is not None for dialect in dialects]
    assert [cell == "as a word" for cell in ROWS["`@handle`"]] == [dialect.handle is None for dialect in dialects]
    assert [cell == "no" for cell in ROWS["`author:`"]] == [dialect.author is None for dialect in dialects]
    assert [cell == "here" for cell in ROWS["`lang:`"]] == [dialect.lang is None for dialect in dialects]
    assert [cell == "here" for cell in ROWS["NEAR"]] == [dialect.near is None for dialect in dialects]
    assert [cell == "here" for cell in ROWS["`devolver~`"]] == [dialect.either == "none" for dialect in dialects]
