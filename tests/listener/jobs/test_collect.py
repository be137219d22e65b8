"""A source is read to its end, a page a transaction, and goes on where it was left."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from sqlmodel import Session
from structlog.testing import capture_logs

from listener.items import Author, Item
from listener.jobs.collect import Collected, Taken, collect, collect_window
from listener.matching import Matcher
from listener.query import Query
from listener.source import Cursor, CursorExpired, FatalSourceError, Page, RetriableSourceError, Skipped, SourceError
from listener.store import intake
from listener.store.engine import upsert
from listener.store.tables import Brand, Mention, MentionBrand, Setting, Source, table
from sentiment import language
from tests.listener.conftest import Site, item


class Killed(BaseException):
    """The process dies here."""


class Told:
    """A source that tells pages from a list, or fails where an error stands in it. The cursor is the next place."""

    kind: ClassVar[str] = "rss"
    ordered: ClassVar[bool] = True
    lag: ClassVar[timedelta] = timedelta(0)
    history: ClassVar[timedelta | None] = None

    def __init__(self, *pages: Page | BaseException | Sequence[Item]) -> None:
        self.pages = list(pages)
        self.asked: list[tuple[str | None, Cursor | None, datetime]] = []
        self.windows: list[tuple[datetime | None, datetime]] = []

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        self.asked.append((None if query is None else str(query), cursor, until))
        self.windows.append((since, until))
        start = int(cursor["next"]) if cursor else 0
        for place, page in enumerate(self.pages[start:], start):
            if isinstance(page, BaseException):
                raise page
            yield page if isinstance(page, Page) else Page(tuple(page), {"next": place + 1})

    @property
    def cursors(self) -> list[Cursor | None]:
        return [cursor for _, cursor, _ in self.asked]


class Unordered(Told):
    """The same, the latest first: its cursor stays provisional."""

    ordered: ClassVar[bool] = False


def run(site: Site, source: Told) -> Collected:
    return collect(site.store, site.id_of(Source, "feed"), source, site.clock)


def row(site: Site) -> Source:
    return site.one(Source)


def names(site: Site) -> list[str]:
    return [mention.native_id for mention in site.rows(Mention)]


ONE, TWO, THREE = ([item(name)] for name in "123")


def test_all_pages_are_stored_and_counted(feed: Site) -> None:
    result = run(feed, Told([item("1"), item("2", "about nobody")], [item("1"), item("3")]))

    assert names(feed) == ["1", "3"]
    assert (result.seen, result.stored, result.known, result.unmatched, result.pairs) == (4, 2, 1, 1, 2)
    assert (row(feed).cursor, row(feed).provisional_cursor) == ({"next": 2}, None)
    assert (row(feed).last_run_at, row(feed).last_success_at, row(feed).last_error) == (
        feed.clock(),
        feed.clock(),
        None,
    )


def test_a_source_is_asked_for_what_the_brands_want_from_where_it_was_left_until_now(feed: Site) -> None:
    feed.brand("Nubia", query='nubia -wine "sky line"')
    source = Told(ONE)
    run(feed, source)
    feed.clock.advance(minutes=1)
    run(feed, source)

    query, cursor, until = source.asked[1]
    assert query is not None
    assert "Aeroluz" in query
    assert "nubia" in query
    assert (cursor, until) == ({"next": 1}, feed.clock())


def test_many_brands_with_long_queries_can_be_asked_for_together(feed: Site) -> None:
    """Each query keeps to the parser's limit of terms; all of them together do not."""
    for brand in range(3):
        feed.brand(f"brand {brand}", query=" OR ".join(f"term{brand}x{number}" for number in range(300)))

    assert run(feed, Told([item("1", "about term2x299")])).stored == 1


def test_the_cursor_of_an_ordered_source_is_kept_with_every_page(feed: Site) -> None:
    with pytest.raises(RetriableSourceError):
        run(feed, Told(ONE, TWO, RetriableSourceError("503")))

    assert names(feed) == ["1", "2"]
    assert (row(feed).cursor, row(feed).provisional_cursor) == ({"next": 2}, None)


def test_the_cursor_of_an_unordered_source_is_provisional_until_its_run_has_ended(feed: Site) -> None:
    source = Unordered(ONE, TWO, RetriableSourceError("503"))
    with pytest.raises(RetriableSourceError):
        run(feed, source)
    assert (row(feed).cursor, row(feed).provisional_cursor) == (None, {"next": 2})

    source.pages[2] = THREE
    run(feed, source)
    assert source.cursors == [None, {"next": 2}]
    assert (row(feed).cursor, row(feed).provisional_cursor) == ({"next": 3}, None)
    assert names(feed) == ["1", "2", "3"]


@pytest.mark.parametrize("kind", [Told, Unordered])
def test_a_run_that_died_in_the_middle_goes_on_after_its_last_kept_page(feed: Site, kind: type[Told]) -> None:
    source = kind(ONE, Killed(), THREE)
    with pytest.raises(Killed):
        run(feed, source)

    source.pages[1] = TWO
    assert run(feed, source).stored == 2
    assert source.cursors == [None, {"next": 1}]
    assert row(feed).cursor == {"next": 3}


def test_a_page_and_its_cursor_are_kept_together_or_not_at_all(feed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object, **__: object) -> None:
        raise Killed

    source = Told(ONE)
    with monkeypatch.context() as patch:
        patch.setattr(intake, "keep_cursor", dies)
        with pytest.raises(Killed):
            run(feed, source)
    assert names(feed) == []

    assert run(feed, source).stored == 1
    assert source.cursors == [None, None]


def test_a_provisional_cursor_that_expired_is_dropped_for_the_last_kept_one(feed: Site) -> None:
    class Forgetful(Unordered):
        def fetch(
            self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
        ) -> Iterator[Page]:
            if cursor == {"next": 1, "scroll": "gone"}:
                self.asked.append((None, cursor, until))
                raise CursorExpired("scroll context lost")
            yield from super().fetch(query, cursor, until)

    with feed.store.transaction() as session:
        intake.keep_cursor(session, row(feed).id or 0, {"next": 0}, provisional=False)
        intake.keep_cursor(session, row(feed).id or 0, {"next": 1, "scroll": "gone"}, provisional=True)
    source = Forgetful(ONE, TWO)

    assert run(feed, source).stored == 2
    assert source.cursors == [{"next": 1, "scroll": "gone"}, {"next": 0}]
    assert (row(feed).cursor, row(feed).provisional_cursor) == ({"next": 2}, None)


def test_a_kept_cursor_that_expired_is_noted(feed: Site) -> None:
    with pytest.raises(CursorExpired):
        run(feed, Told(CursorExpired("the token is too old")))

    assert (row(feed).last_error, row(feed).stopped) == ("the token is too old", False)


@pytest.mark.parametrize(
    ("error", "stops"), [(FatalSourceError("401: check the key"), True), (RetriableSourceError("503"), False)]
)
def test_an_error_is_noted_and_only_a_fatal_one_stops_the_source(feed: Site, error: SourceError, stops: bool) -> None:
    run(feed, Told(ONE))
    feed.clock.advance(minutes=1)
    with pytest.raises(type(error)):
        run(feed, Told([], TWO, error))

    assert names(feed) == ["1", "2"]
    assert row(feed).cursor == {"next": 2}
    assert (row(feed).last_error, row(feed).stopped) == (str(error), stops)
    assert row(feed).last_success_at == feed.clock() - timedelta(minutes=1)


def test_a_platform_that_sends_a_page_token_twice_is_left_for_later(feed: Site) -> None:
    pages = [Page(tuple(page), {"next": place}, token="same") for place, page in enumerate((ONE, TWO), 1)]

    with pytest.raises(RetriableSourceError, match="'same' twice"):
        run(feed, Told(*pages))
    assert names(feed) == ["1"]


def test_entries_that_were_no_use_are_handed_on_and_the_rest_is_stored(feed: Site) -> None:
    skipped = Skipped("line 2", "no date")
    result = run(feed, Told(Page(tuple(ONE), {"next": 1}, skipped=(skipped,), capped=True)))

    assert (result.skipped, result.capped, result.stored) == ([skipped], 1, 1)


def test_what_was_no_use_or_is_missing_is_logged_with_its_source(feed: Site) -> None:
    with capture_logs() as logged:
        run(feed, Told(Page(tuple(ONE), {"next": 1}, skipped=(Skipped("line 2", "no date"),), capped=True)))

    warnings = [(entry["event"], entry["source"]) for entry in logged if entry["log_level"] == "warning"]
    assert warnings == [("gap", "feed"), ("entry_skipped", "feed")]


def test_a_run_is_logged_with_all_its_counts(feed: Site) -> None:
    with capture_logs() as logged:
        run(feed, Told([item("1"), item("2", target="Delta")]))

    (entry,) = logged
    assert (entry["event"], entry["source"], entry["seen"], entry["stored"]) == ("collected", "feed", 2, 1)
    assert (entry["other_brands"], entry["finished"]) == (1, True)


def test_a_failure_that_nobody_foresaw_is_noted_logged_and_tried_again(feed: Site) -> None:
    with capture_logs() as logged, pytest.raises(RetriableSourceError, match="KeyError"):
        run(feed, Told(ONE, KeyError("hits\x00")))

    assert names(feed) == ["1"]
    assert (row(feed).last_error, row(feed).stopped) == ("unforeseen KeyError: 'hits\\x00'", False)
    assert [(entry["event"], entry["source"], entry["exc_info"]) for entry in logged] == [
        ("source_unforeseen_failure", "feed", True)
    ]


@pytest.mark.parametrize("kind", [Told, Unordered])
def test_a_run_that_is_told_to_stop_ends_after_its_page_and_the_next_goes_on(feed: Site, kind: type[Told]) -> None:
    source = kind(ONE, TWO, THREE)
    result = collect(feed.store, 1, source, feed.clock, keep_on=lambda: len(names(feed)) < 2)

    assert (names(feed), result.finished) == (["1", "2"], False)
    assert (row(feed).last_run_at, row(feed).last_error) == (None, None)
    kept = ({"next": 2}, None) if source.ordered else (None, {"next": 2})
    assert (row(feed).cursor, row(feed).provisional_cursor) == kept

    assert run(feed, source).finished
    assert names(feed) == ["1", "2", "3"]
    assert row(feed).cursor == {"next": 3}


def test_a_source_that_is_read_no_further_is_closed(feed: Site) -> None:
    closed = []

    class Open(Told):
        def fetch(
            self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
        ) -> Iterator[Page]:
            try:
                yield from super().fetch(query, cursor, until)
            finally:
                closed.append(True)

    collect(feed.store, 1, Open(ONE, TWO), feed.clock, keep_on=lambda: False)

    assert closed == [True]


def test_the_callers_result_is_filled(feed: Site) -> None:
    result = Collected()
    with pytest.raises(RetriableSourceError):
        collect(feed.store, 1, Told(ONE, RetriableSourceError("503")), feed.clock, result=result)

    assert (result.stored, result.finished) == (1, False)


def test_whoever_watches_sees_every_page_once_it_is_kept(feed: Site) -> None:
    kept = []
    collect(
        feed.store, 1, Told(ONE, TWO), feed.clock, on_page=lambda page: kept.append((page.cursor, len(names(feed))))
    )

    assert kept == [({"next": 1}, 1), ({"next": 2}, 2)]


def test_a_source_for_some_brands_is_held_against_those_alone(feed: Site) -> None:
    feed.brand("Nubia")
    feed.source(brands=["Nubia"])

    result = run(feed, Told([item("1", "Aeroluz"), item("2", "Nubia or Aeroluz")]))

    assert (result.stored, result.unmatched) == (1, 1)
    assert [pair.brand_id for pair in feed.rows(MentionBrand)] == [feed.id_of(Brand, "Nubia")]


def test_a_brand_that_is_off_is_not_listened_for(feed: Site) -> None:
    feed.brand("Nubia", active=False)

    assert run(feed, Told([item("1", "Nubia"), item("2")])).unmatched == 1


@pytest.mark.parametrize("only", [None, ["Nubia"]])
def test_with_no_brand_to_listen_for_nothing_is_read_and_nothing_lost(feed: Site, only: list[str] | None) -> None:
    feed.brand(active=only is not None)
    feed.source(brands=only)
    source = Told(ONE)

    with capture_logs() as logged:
        result = run(feed, source)

    assert (result.seen, result.finished, source.asked, row(feed).cursor) == (0, True, [], None)
    assert (row(feed).stopped, row(feed).last_success_at) == (False, None)
    assert "no brand is listened for here" in (row(feed).last_error or "")
    assert [(entry["event"], entry["source"]) for entry in logged] == [("not_collected", "feed")]


def test_a_brand_that_the_item_names_goes_before_its_words(feed: Site) -> None:
    nubia = feed.brand("Nubia")

    run(feed, Told([item("1", "Aeroluz is worse", target=" nubia ")]))

    pair = feed.one(MentionBrand)
    assert (pair.brand_id, pair.spans) == (nubia, [])


def test_a_brand_that_the_item_names_is_looked_for_in_its_words(feed: Site) -> None:
    run(feed, Told([item("1", "Oh, Aeroluz", target="AEROLUZ")]))

    assert feed.one(MentionBrand).spans == [[4, 11]]


def test_items_that_name_another_brand_are_counted_by_it(feed: Site) -> None:
    result = run(feed, Told([item("1", target="Delta"), item("2", target="Delta"), item("3", target="United")]))

    assert result.other_brands == {"Delta": 2, "United": 1}
    assert (result.seen, result.unmatched, names(feed)) == (3, 0, [])


def test_a_source_about_its_brands_needs_no_words(feed: Site) -> None:
    feed.source(about_brands=True)

    run(feed, Told([item("1", "never again"), item("2", "Oh, Aeroluz")]))

    assert [pair.spans for pair in feed.rows(MentionBrand)] == [[], [[4, 11]]]


def test_one_item_may_be_about_two_brands(feed: Site) -> None:
    feed.brand("Nubia")

    assert run(feed, Told([item("1", "Aeroluz or Nubia?")])).pairs == 2


def test_title_and_text_are_matched_and_stored_as_one_text(feed: Site) -> None:
    run(feed, Told([item("1", "Never again.", title="Flying Aeroluz")]))

    mention, pair = feed.one(Mention), feed.one(MentionBrand)
    assert [mention.text[start:end] for start, end in pair.spans] == ["Aeroluz"]


def test_without_brands_there_is_nothing_to_ask_for() -> None:
    assert Matcher([], about_brands=False).query() is None


DAY = timedelta(days=1)


class Place:
    """Where a window was left, kept in the table of settings as a backfill would keep it in its own."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.taken: list[Taken] = []

    def keep(self, session: Session, cursor: Cursor, taken: Taken) -> None:
        row = {"key": "window", "value": dict(cursor), "updated_at": self.site.clock()}
        upsert(session, table(Setting), [row], key=("key",), replace=("value",))
        self.taken.append(taken)

    @property
    def cursor(self) -> Cursor | None:
        return next((setting.value for setting in self.site.rows(Setting)), None)

    def read(self, source: Told, **options: Any) -> Collected:
        until = self.site.clock() - DAY
        return collect_window(
            self.site.store, self.site.id_of(Source, "feed"), source, until - DAY, until, self.cursor, self.keep,
            self.site.clock, **options,
        )  # fmt: skip


@pytest.fixture
def place(feed: Site) -> Place:
    return Place(feed)


@pytest.mark.parametrize("kind", [Told, Unordered])
def test_a_window_of_the_past_is_read_beside_the_run_that_follows_the_present(place: Place, kind: type[Told]) -> None:
    run(place.site, kind(ONE))
    before = row(place.site)
    place.site.clock.advance(minutes=5)
    source = kind(TWO, [*ONE, item("3", "about nobody")], THREE)

    result = place.read(source)

    assert (result.seen, result.stored, result.known, result.unmatched, result.finished) == (4, 2, 1, 1, True)
    assert names(place.site) == ["1", "2", "3"]
    assert source.windows == [(place.site.clock() - 2 * DAY, place.site.clock() - DAY)]
    assert place.cursor == {"next": 3}
    assert row(place.site) == before


@pytest.mark.parametrize("kind", [Told, Unordered])
def test_a_window_that_died_goes_on_from_its_last_kept_page(place: Place, kind: type[Told]) -> None:
    source = kind(ONE, Killed(), THREE)
    with pytest.raises(Killed):
        place.read(source)
    assert (names(place.site), place.cursor) == (["1"], {"next": 1})

    source.pages[1] = TWO
    assert place.read(source).stored == 2
    assert source.cursors == [None, {"next": 1}]


def test_a_page_of_a_window_and_what_is_remembered_of_it_are_kept_together(place: Place) -> None:
    def dies(session: Session, cursor: Cursor, taken: Taken) -> None:
        place.keep(session, cursor, taken)
        raise Killed

    site, until = place.site, place.site.clock()
    with pytest.raises(Killed):
        collect_window(site.store, 1, Told(ONE), until - DAY, until, None, dies, site.clock)

    assert (names(site), place.cursor) == ([], None)


def test_a_window_can_be_left_after_a_page(place: Place) -> None:
    result = place.read(Told(ONE, TWO), keep_on=lambda: False)

    assert (names(place.site), result.finished, place.cursor) == (["1"], False, {"next": 1})


def test_a_window_is_told_page_by_page_with_what_the_page_said(place: Place) -> None:
    capped = Page((*ONE, item("9", "nobody")), {"next": 1}, capped=True, progress=0.5)
    place.read(Told(capped))

    (taken,) = place.taken
    assert (taken.seen, taken.stored, taken.unmatched, taken.pairs, taken.page) == (2, 1, 1, 1, capped)


def test_a_windows_cursor_that_expired_begins_the_window_again(place: Place) -> None:
    class Forgetful(Told):
        def fetch(self, *asked: Any) -> Iterator[Page]:
            if asked[1] == {"next": 1}:
                raise CursorExpired("scroll context lost")
            yield from super().fetch(*asked)

    place.read(Told(ONE), keep_on=lambda: False)
    source = Forgetful(ONE, TWO)

    assert place.read(source).stored == 1
    assert source.cursors == [None]


def test_an_error_in_a_window_is_the_callers_and_leaves_the_source_alone(place: Place) -> None:
    before = row(place.site)
    with pytest.raises(FatalSourceError):
        place.read(Told(FatalSourceError("401")))
    with capture_logs(), pytest.raises(RetriableSourceError, match="unforeseen KeyError"):
        place.read(Told(KeyError("hits")))

    assert row(place.site) == before


def test_a_window_for_some_brands_asks_for_those_alone(place: Place) -> None:
    place.site.brand("Nubia")
    source = Told([item("1", "Nubia"), item("2", "Aeroluz"), item("3", "Aeroluz or Nubia")])

    result = place.read(source, brands=["Nubia"])

    assert source.asked[0][0] == "Nubia"
    assert (result.stored, result.pairs, result.unmatched) == (2, 2, 1)


def test_a_window_for_nobody_is_refused(place: Place) -> None:
    with pytest.raises(FatalSourceError, match="no brand is listened for here"):
        place.read(Told(ONE), brands=["Nubia"])


def test_a_query_may_ask_for_the_source_by_its_kind_or_by_its_name(feed: Site) -> None:
    feed.brand("by kind", query="bags source:rss")
    feed.brand("by name", query="bags source:feed")
    feed.brand("elsewhere", query="bags source:reddit")

    assert run(feed, Told([item("1", "bags")])).pairs == 2


def test_a_query_may_ask_for_the_author_by_any_of_their_names(feed: Site) -> None:
    feed.brand("by handle", query="bags author:ana_l")
    feed.brand("without", query="bags -author:ana_l")
    author = Author("42", handle="@ana_l", name="Ana")

    assert run(feed, Told([item("1", "bags", author=author), item("2", "bags")])).pairs == 2


@pytest.mark.parametrize(
    ("text", "lang", "pairs"),
    [
        ("Aeroluz ha vuelto a perder mi maleta y nadie me responde", None, 2),
        ("Aeroluz lost my bag again and nobody answers me", None, 1),
        ("Aeroluz lost my bag again and nobody answers me", "es", 2),
        ("Aeroluz!", None, 1),
    ],
)
def test_a_language_that_is_asked_for_is_found_out_where_the_platform_does_not_tell(
    feed: Site, text: str, lang: str | None, pairs: int
) -> None:
    feed.brand("Aeroluz in Spanish", query="aeroluz lang:es")

    assert run(feed, Told([item("1", text, lang=lang)])).pairs == pairs


def test_where_no_query_asks_for_a_language_nobody_finds_it_out(feed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "identify", lambda _text: pytest.fail("nobody asked"))
    feed.brand("by kind", query="aeroluz source:rss")

    assert run(feed, Told([item("1", "Aeroluz ha vuelto a perder mi maleta")])).pairs == 2


def test_what_the_platform_says_is_gone_is_blanked_with_the_page(feed: Site) -> None:
    run(feed, Told(ONE, TWO))
    source = Told([], [], Page((*THREE,), {"next": 3}, deleted=("1", "unheard of")))

    result = run(feed, source)

    assert result.stored == 1
    first, second, third = feed.rows(Mention)
    assert first.deleted_at == feed.clock()
    assert "Aeroluz" not in first.text
    assert (second.deleted_at, third.deleted_at) == (None, None)
