"""Searching gives what holding every mention against the query gives, page by page, and nobody else's."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Select, update
from sqlmodel import Session, select

from listener.items import Author
from listener.query import QueryError, parse_filter
from listener.query.index import asked
from listener.relevance import About
from listener.store import deletion, search, search_index
from listener.store.search import Cursor, Filters, Page, find, matches
from listener.store.tables import Brand, Mention, MentionBrand, table
from tests.listener.conftest import Site, item
from tests.listener.store.conftest import emptied

TEXTS = (
    "Aeroluz lost my bag", "AEROLUZ perdió mi MALETA en España", "gracias #AeroluzFail, @aeroluz.es",
    "aero\u00adluz y Nubia", "Ａｅｒｏｌｕｚ 北京 🔥", "#coca_cola vs Aeroluz: C++ & H&M!", "devolvédmelo, Aeroluz", "",
    "Nubia's 1.5 aeroluz.com/x-y e1e2 ñandú", "привет Aeroluz ﬁn 𝐀𝐞𝐫𝐨𝐥𝐮𝐳", "maleta\u0301s perdidas Aeroluz hősz",
)  # fmt: skip
TERMS = (
    "aeroluz", "bag", "maleta", "perdi*", '"lost my bag"', "#aeroluz*", "@aeroluz", "coca-cola", "C++", "devolver~",
    "devolved~", "北京", "🔥", "привет", "при*", "hosz", "nubia", '"1.5"', "e1e2", "fail", "AeroluzFail", "fin",
    "maletas", "H&M", "lang:es", "author:ana", "source:rss", "=Aeroluz", "espana", "nandu", "xyzzy",
)  # fmt: skip


def queries() -> st.SearchStrategy[str]:
    """Terms joined in every way there is."""
    return st.recursive(
        st.sampled_from(TERMS),
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda two: f"({two[0]} {two[1]})"),
            st.tuples(inner, inner).map(lambda two: f"({two[0]} OR {two[1]})"),
            inner.map(lambda one: f"(NOT {one})"),
        ),
        max_leaves=5,
    )


def pages(site: Site, words: str, filters: Filters | None = None, limit: int = 4, **more: Any) -> Iterator[Page]:
    """One page after the other, to the end."""
    after: Cursor | None = None
    while True:
        with site.store.reading() as session:
            wanted = {"brands": None, "after": after, "limit": limit} | more
            page = find(session, words=words, filters=filters or Filters(), **wanted)
        yield page
        if page.next is None:
            return
        after = Cursor.parse(str(page.next))


def found(site: Site, words: str = "", filters: Filters | None = None, **more: Any) -> list[str]:
    """The platform's ids of all that is found."""
    return [row["native_id"] for page in pages(site, words, filters, **more) for row in page.rows]


@pytest.fixture
def stocked(feed: Site) -> Site:
    """Texts of every kind, about one brand."""
    emptied(feed)
    for number, text in enumerate(TEXTS):
        feed.take(item(str(number), text, created_at=feed.clock() + timedelta(minutes=number % 3)))
    return feed


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=queries())
def test_a_search_finds_what_the_query_matches_and_nothing_else(stocked: Site, words: str) -> None:
    query = parse_filter(words)
    with stocked.store.reading() as session:
        everything = session.exec(select(Mention).join(MentionBrand).where(MentionBrand.hidden_why == None)).all()  # noqa: E711
    expected = [one for one in everything if matches(query, one.text, About(one.lang, [one.kind, "feed"], []))]

    ordered = sorted(expected, key=lambda one: (one.created_at, one.id or 0), reverse=True)
    assert found(stocked, words) == [one.native_id for one in ordered]


def test_every_kind_of_term_is_asked_of_the_index(stocked: Site) -> None:
    for term in TERMS:
        assert (asked(parse_filter(term)) is None) is (":" in term)
        texts = {one.native_id for one in stocked.rows(Mention) if one.text and parse_filter(term).match(one.text)}
        if ":" not in term:
            assert set(found(stocked, term, Filters(brand="Aeroluz"))) == texts, term


def test_a_search_of_rare_and_of_common_words_finds_the_same(stocked: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    rare = found(stocked, "maleta OR nubia")
    monkeypatch.setattr(search_index, "MOST", 0)

    assert rare == found(stocked, "maleta OR nubia")
    assert len(rare) > 3


def test_what_cannot_be_read_is_said_with_its_place(stocked: Site) -> None:
    with pytest.raises(QueryError, match="column 9: this quote is never closed"):
        found(stocked, 'aeroluz "lost')


def test_a_page_that_would_take_too_long_ends_where_it_looked_to(
    stocked: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = found(stocked, "NOT xyzzy")
    for name, value in (("MOST_READ", 4), ("_AT_ONCE", 2), ("MOST_LOOKED_AT", 2), ("FIRST_STEP", 2)):
        monkeypatch.setattr(search, name, value)

    some = list(pages(stocked, "NOT xyzzy", limit=50))

    assert [page.complete for page in some] == [False] * (len(some) - 1) + [True]
    assert len(some) > 3
    assert [row["native_id"] for page in some for row in page.rows] == everything


def test_blank_and_edited_mentions_leave_the_index(stocked: Site) -> None:
    gone = next(one.id for one in stocked.rows(Mention) if "lost my bag" in one.text)
    assert gone is not None
    with stocked.store.transaction() as session:
        deletion.blank(session, [gone], "deleted", stocked.clock())
    edited = item("1", "#NubiaRules and Aeroluz", edited_at=stocked.clock() + timedelta(hours=1))
    stocked.take(edited)

    assert found(stocked, "lost") == []
    assert "1" not in found(stocked, "maleta")
    assert found(stocked, "rules", Filters(brand="Nubia")) == ["1"]
    with stocked.store.transaction() as session:
        for word in ("lost", "maleta", "rules"):
            ask = asked(parse_filter(word))
            assert ask is not None
            ids = search_index.having(session, ask)
            assert ids is not None
            assert all(word in one.text.lower() for one in stocked.rows(Mention) if one.id in _ids(session, ids))
        if stocked.store.dialect == "sqlite":
            # Raises where the index holds anything else than the mentions do.
            search_index.settle(session)
            check = "INSERT INTO mention_search(mention_search, rank) VALUES ('integrity-check', 1)"
            session.connection().exec_driver_sql(check)


def _ids(session: Session, wanted: Select[Any] | list[int]) -> set[int]:
    return set(wanted) if isinstance(wanted, list) else set(session.connection().scalars(wanted))


def test_filters_narrow_a_search_down(feed: Site) -> None:
    feed.brand("Nubia")
    author = Author("a1", handle="@Ana", name="Ana Ruiz")
    feed.take(
        item("1", "Aeroluz lost my bag", author=author, reach=900, lang="es-MX"),
        item("2", "I love Aeroluz", kind="x", minute=1),
        item("3", "Aeroluz or Nubia", minute=2),
    )
    labels = {
        pair.id: ("detractor", "promoter", "passive", "passive")[at]
        for at, pair in enumerate(feed.rows(MentionBrand))
        if pair.id
    }
    feed.score(labels)
    with feed.store.transaction() as session:
        for name, value in (("themes", ["luggage"]), ("emotion", "anger"), ("polarity", "negative"), ("lang", "es")):
            session.connection().execute(
                update(table(MentionBrand)).where(table(MentionBrand).c.id == 1).values(**{name: value})
            )

    first = ("author", "label", "theme", "emotion", "polarity", "lang", "min_reach")
    asked_for: dict[str, Any] = {
        "author": "ana", "label": "detractor", "theme": "luggage", "emotion": "anger", "polarity": "negative",
        "lang": "es-MX", "min_reach": 900,
    }  # fmt: skip
    for name in first:
        assert found(feed, "", Filters(**{name: asked_for[name]})) == ["1"], name
    assert found(feed, "", Filters(author="ANA RUIZ")) == ["1"]
    assert found(feed, "", Filters(theme="lug")) == []
    assert found(feed, "", Filters(source="x")) == ["2"]
    assert found(feed, "", Filters(feed="feed", unsure=False, brand="Aeroluz")) == ["3", "2", "1"]
    assert found(
        feed, "", Filters(since=feed.clock() + timedelta(minutes=1), until=feed.clock() + timedelta(minutes=2))
    ) == ["2"]
    assert found(feed, "", Filters(hidden=True)) == []
    assert found(feed, "", Filters(label="unscored")) == []


def test_only_the_callers_brands_are_searched(stocked: Site) -> None:
    nubia = stocked.id_of(Brand, "Nubia")

    assert set(found(stocked, "", brands=frozenset({nubia}))) == {"3", "8"}
    assert found(stocked, "", Filters(brand="Aeroluz"), brands=frozenset({nubia})) == []
    assert found(stocked, "", brands=frozenset()) == []
