"""Searching gives what holding every mention against the query gives, page by page, and nobody else's."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Select, update
from sqlmodel import Session, select

from listener.items import Author
from listener.query import Query, QueryError, parse_filter
from listener.query.index import BETWEEN, DEEPEST, asked
from listener.relevance import About
from listener.store import deletion, previews, search, search_index
from listener.store.engine import Store
from listener.store.search import Cursor, Filters, Page, find, matches
from listener.store.tables import Alert, AlertMention, Brand, Mention, MentionBrand, table
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

GLUED = (  # a text, and a word that a database would not see in it, or one of the two would not
    ("Aeroluz #StraßeMadrid", "madrid"), ("Aeroluz #WeißeWoche", "woche"), ("Aeroluz devolver bac\u212a", "back"),
    ("❶Aeroluz ❷Nubia", "nubia"), ("➀Aeroluz", "aeroluz"), ("🤦Aeroluz🪟", "aeroluz"), ("✓Aeroluz🏽", "aeroluz"),
    ("@ana_b\ue000Aeroluz", "@ana_b"), ("Aeroluz😀maleta", "maleta"), ("日本maleta Aeroluz", "maleta"),
    ("Aeroluz e\u0301xtra", "extra"), ("Aeroluz\u200bIbe\u0301ria", "iberia"), ("Aeroluz x²y", "x2y"),
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


def test_words_are_found_whatever_they_are_glued_to(feed: Site) -> None:
    feed.take(*(item(str(number), text) for number, (text, _) in enumerate(GLUED)))
    with feed.store.reading() as session:
        for number, (text, word) in enumerate(GLUED):
            ask = asked(parse_filter(word))
            assert ask is not None
            ids = search_index.having(session, ask)
            assert ids is not None
            native = {one.native_id for one in feed.rows(Mention) if one.id in _ids(session, ids)}
            assert str(number) in native, (text, word)


def test_what_is_taken_to_stand_between_words_does_so_in_sqlite(sqlite_store: Store) -> None:
    """PostgreSQL is told so by migration 0010."""
    between = [char for char in map(chr, range(0x80, 0x20000)) if re.match(f"[{BETWEEN}]", char)]
    with sqlite_store.transaction() as session:
        run = session.connection().exec_driver_sql
        run("INSERT INTO mention_search(rowid, text) VALUES (?, ?)", [(ord(char), f"x{char}y") for char in between])
        apart = {row[0] for row in run("SELECT rowid FROM mention_search WHERE mention_search MATCH 'x AND y'")}
        session.rollback()
    assert len(between) > 1_000
    assert {ord(char) for char in between} == apart


@pytest.mark.parametrize("shape", ["({word} {operator} {words})", "({words} {operator} {word})"])
def test_a_query_as_deep_as_one_may_be_is_searched_for(feed: Site, shape: str) -> None:
    feed.take(item("1", "Aeroluz deep"))
    words = "deep"
    for level in range(1, 48):
        operator, word = ("AND", "Aeroluz") if level % 2 else ("OR", f"x{level}")
        words = shape.format(word=word, operator=operator, words=words)
        if level in (DEEPEST, DEEPEST + 1, 47):
            assert (asked(parse_filter(words)) is None) is (level > DEEPEST)
            assert found(feed, words) == ["1"]


def test_where_an_index_finds_many_the_latest_are_gone_through(stocked: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    ana = Author("a1", handle="ana")
    said = "Aeroluz lost my bag again and nobody at the airport could tell me where it went"
    stocked.take(*(item(f"a{number}", said, author=ana, minute=number) for number in range(5)))
    first = next(one.id for one in stocked.rows(Mention) if one.native_id == "a0")
    pairs = [pair.id for pair in stocked.rows(MentionBrand) if pair.id]
    brand = stocked.id_of(Brand, "Aeroluz")
    with stocked.store.transaction() as session:
        now = stocked.clock()
        alert = Alert(
            brand_id=brand, rule="detractor", opened_at=now, last_at=now, count=2, reach=0, created_at=now,
            changed_at=now,
        )  # fmt: skip
        session.add(alert)
        session.flush()
        number = alert.id
        assert number is not None
        session.add_all(AlertMention(alert_id=number, mention_brand_id=one, reason="told") for one in pairs[1::3])
    asked_for = [Filters(author="ana", copies=True), Filters(alert=number), Filters(cluster=first)]
    few = [found(stocked, "", filters, limit=2) for filters in asked_for]
    monkeypatch.setattr(search, "MOST_GATHERED", 0)

    assert [found(stocked, "", filters, limit=2) for filters in asked_for] == few
    assert [len(one) > 1 for one in few] == [True] * 3


def test_a_page_ends_at_the_beginning_of_time(feed: Site) -> None:
    """Some programs write the year 1 for "never"."""
    never = datetime(1, 1, 1, tzinfo=UTC)
    feed.take(*(item(str(number), "Aeroluz", created_at=never) for number in range(3)))

    assert sorted(found(feed, "", limit=1)) == ["0", "1", "2"]


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
    for name, value in (
        ("MOST_READ", 4 * search.LEAST_READ),
        ("_AT_ONCE", 2),
        ("MOST_LOOKED_AT", 2),
        ("FIRST_STEP", 2),
    ):
        monkeypatch.setattr(search, name, value)

    some = list(pages(stocked, "NOT xyzzy", limit=50))

    assert [page.complete for page in some] == [False] * (len(some) - 1) + [True]
    assert len(some) > 3
    assert [row["native_id"] for page in some for row in page.rows] == everything


def test_long_texts_count_by_their_letters_and_are_read_to_a_length(
    stocked: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A feed of long posts holds nobody up: what is read of each, and of all of them for a page, is bounded."""
    stocked.take(*[item(f"long-{number}", "Aeroluz " + "on and on " * 4_000 + "qwertz") for number in range(6)])
    monkeypatch.setattr(search, "MOST_READ", 2 * previews.LONGEST)
    read: list[int] = []
    matches = search.matches

    def seen(query: Query, text: str, about: About) -> bool:
        read.append(len(text))
        return matches(query, text, about)

    monkeypatch.setattr(search, "matches", seen)
    with stocked.store.reading() as session:
        page = search.find(session, brands=None, words="aeroluz on", filters=Filters(copies=True), after=None, limit=50)
    assert read == [previews.LONGEST] * 2
    assert (len(page.rows), page.complete) == (2, False)
    assert found(stocked, "qwertz") == []


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
