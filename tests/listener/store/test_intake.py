"""A page is stored once, whole and with its cursor, whoever stores it beside us."""

from functools import partial

import pytest

from listener.items import Author as Speaker
from listener.store import intake
from listener.store.tables import Author, Brand, Mention, MentionBrand, Source
from tests.listener.conftest import Site, broken_off, dawdling, item, together


def cursor(site: Site) -> tuple[object, object]:
    source = site.one(Source)
    return source.cursor, source.provisional_cursor


def test_a_mention_is_stored_as_it_was_said(feed: Site) -> None:
    said = item(
        "1", "Aeroluz lost my bag", title="Aeroluz again", url="https://news.example/1", lang="en", reach=7,
        reply_to="0", engagement={"likes": 3}, author=Speaker("a", "ana", "Ana", "https://news.example/ana", 12),
    )  # fmt: skip

    assert feed.take(said) == intake.Intake(stored=1, pairs=1)

    mention, author = feed.one(Mention), feed.one(Author)
    assert mention.text == "Aeroluz again\nAeroluz lost my bag"
    assert (mention.kind, mention.native_id, mention.title) == ("rss", "1", "Aeroluz again")
    assert (mention.url, mention.lang, mention.reach, mention.reply_to) == ("https://news.example/1", "en", 7, "0")
    assert mention.engagement == {"likes": 3}
    assert (mention.created_at, mention.collected_at) == (said.created_at, feed.clock())
    assert mention.author_id == author.id
    assert (author.native_id, author.handle, author.followers) == ("a", "ana", 12)


def test_page_and_cursor_are_kept_together(feed: Site) -> None:
    source = feed.one(Source)
    with feed.store.transaction() as session:
        intake.take_page(session, source.id, [intake.Matched(item("1"), {})], feed.clock())
        intake.keep_cursor(session, source.id, {"page": 2}, provisional=False)

    assert len(feed.rows(Mention)) == 1
    assert cursor(feed) == ({"page": 2}, None)


@pytest.mark.parametrize("kept_before_it_failed", [False, True])
def test_page_and_cursor_are_dropped_together(feed: Site, kept_before_it_failed: bool) -> None:
    source = feed.one(Source)
    said = item("1", author=Speaker("a"))
    with broken_off(feed.store) as session:
        intake.take_page(session, source.id, [intake.Matched(said, {feed.id_of(Brand, "Aeroluz"): ()})], feed.clock())
        if kept_before_it_failed:
            intake.keep_cursor(session, source.id, {"page": 2}, provisional=False)

    assert feed.rows(Mention) == feed.rows(Author) == feed.rows(MentionBrand) == []
    assert cursor(feed) == (None, None)


def test_the_same_page_again_stores_nothing(feed: Site) -> None:
    page = [item(name, author=Speaker("a")) for name in "abc"]

    assert feed.take(*page) == intake.Intake(stored=3, pairs=3)
    assert feed.take(*page) == intake.Intake(stored=0, pairs=0)
    assert len(feed.rows(Mention)) == len(feed.rows(MentionBrand)) == 3


def test_an_empty_page_is_nothing(feed: Site) -> None:
    assert feed.take() == intake.Intake(0, 0)


def test_a_mention_twice_in_one_page_is_stored_once(feed: Site) -> None:
    assert feed.take(item("1"), item("1")) == intake.Intake(stored=1, pairs=1)


def test_the_same_id_on_two_platforms_is_two_mentions(feed: Site) -> None:
    assert feed.take(item("1"), item("1", kind="x")).stored == 2


def test_a_page_larger_than_one_statement_takes_is_stored_and_recognised(feed: Site) -> None:
    page = [item(str(number), author=Speaker(str(number))) for number in range(1201)]

    assert feed.take(*page) == intake.Intake(stored=1201, pairs=1201)
    assert feed.take(*page) == intake.Intake(stored=0, pairs=0)


def test_pairs_are_numbered_in_the_order_of_the_page(feed: Site) -> None:
    feed.take(*(item(name) for name in "cab"))

    names = {mention.id: mention.native_id for mention in feed.rows(Mention)}
    assert [names[pair.mention_id] for pair in feed.rows(MentionBrand)] == ["c", "a", "b"]


def test_one_mention_may_be_about_two_brands(feed: Site) -> None:
    feed.brand("Nubia")

    assert feed.take(item("1", "Aeroluz or Nubia?")) == intake.Intake(stored=1, pairs=2)

    spans = {pair.brand_id: pair.spans for pair in feed.rows(MentionBrand)}
    assert sorted(spans.values()) == [[[0, 7]], [[11, 16]]]


def test_a_brand_added_later_gets_its_pair_when_the_mention_is_seen_again(feed: Site) -> None:
    feed.take(item("1", "Aeroluz or Nubia?"))
    feed.brand("Nubia")

    assert feed.take(item("1", "Aeroluz or Nubia?")) == intake.Intake(stored=0, pairs=1)


def test_an_author_is_updated_but_never_by_nothing(feed: Site) -> None:
    feed.take(item("1", author=Speaker("a", "ana", "Ana", followers=10)))
    feed.take(item("2", author=Speaker("a", "ana_p", None, followers=None)))

    author = feed.one(Author)
    assert (author.handle, author.name, author.followers) == ("ana_p", "Ana", 10)


def test_text_that_no_database_takes_is_stored_without_what_it_refuses(feed: Site) -> None:
    said = item("1\x00", "Aeroluz\x00 lost \ud800 my bag 🧳", author=Speaker("a\x00", "\udfffana"))
    feed.take(said)

    mention = feed.one(Mention)
    assert mention.native_id == "1"
    assert mention.text == "Aeroluz lost ? my bag 🧳"
    assert feed.one(Author).handle == "?ana"
    assert feed.take(said).stored == 0


def test_overlapping_pages_stored_at_once_keep_every_mention_once(feed: Site) -> None:
    """Opposite orders are what deadlocks: of mentions, of authors and of pairs."""
    names = [f"{number:03}" for number in range(60)]
    page = [item(name, author=Speaker(name[-1])) for name in names]
    pages = [page[:40], page[20:], page[::-1], page[30::-1]]

    taken = together(*(partial(feed.take, *page) for page in pages))

    assert sum(one.stored for one in taken) == sum(one.pairs for one in taken) == 60
    assert len(feed.rows(Mention)) == len(feed.rows(MentionBrand)) == 60
    assert len(feed.rows(Author)) == 10


def test_known_mentions_get_pairs_of_a_new_brand_from_several_at_once(feed: Site) -> None:
    page = [item(f"{number:03}", "Aeroluz or Nubia?") for number in range(60)]
    feed.take(*page)
    feed.brand("Nubia")

    taken = together(*(partial(feed.take, *some) for some in (page, page[::-1], page[20:], page[40::-1])))

    assert sum(one.pairs for one in taken) == 60
    assert len(feed.rows(MentionBrand)) == 120


@pytest.mark.postgres
def test_two_pages_in_opposite_order_do_not_deadlock(postgres_feed: Site) -> None:
    page = [item("a"), item("b")]
    with dawdling(postgres_feed.store, "BEFORE INSERT ON mention FOR EACH ROW"):
        taken = together(partial(postgres_feed.take, *page), partial(postgres_feed.take, *page[::-1]))

    assert sum(one.stored for one in taken) == 2


@pytest.mark.postgres
def test_two_pages_of_known_mentions_in_opposite_order_do_not_deadlock(postgres_feed: Site) -> None:
    page = [item("a", "Aeroluz or Nubia?"), item("b", "Aeroluz or Nubia?")]
    postgres_feed.take(*page)
    postgres_feed.brand("Nubia")
    with dawdling(postgres_feed.store, "BEFORE INSERT ON mention_brand FOR EACH ROW"):
        taken = together(partial(postgres_feed.take, *page), partial(postgres_feed.take, *page[::-1]))

    assert sum(one.pairs for one in taken) == 2


def test_a_provisional_cursor_counts_once_its_run_has_ended(feed: Site) -> None:
    source_id = feed.id_of(Source, "feed")
    with feed.store.transaction() as session:
        intake.keep_cursor(session, source_id, {"day": 1}, provisional=False)
        intake.keep_cursor(session, source_id, {"day": 2}, provisional=True)
    assert cursor(feed) == ({"day": 1}, {"day": 2})

    with feed.store.transaction() as session:
        intake.promote_cursor(session, source_id)
    assert cursor(feed) == ({"day": 2}, None)


def test_promoting_without_a_provisional_cursor_changes_nothing(feed: Site) -> None:
    source_id = feed.id_of(Source, "feed")
    with feed.store.transaction() as session:
        intake.keep_cursor(session, source_id, {"day": 1}, provisional=False)
        intake.promote_cursor(session, source_id)

    assert cursor(feed) == ({"day": 1}, None)


def test_another_sources_text_without_a_time_changes_nothing_and_gets_no_pair(feed: Site) -> None:
    feed.brand("Nubia")
    feed.source("other")
    feed.take(item("1", "Aeroluz is a scam, never again"))
    feed.take(item("1", "Update: all is well with Aeroluz. And Nubia is lovely."), source="other")

    assert feed.one(Mention).text == "Aeroluz is a scam, never again"
    assert [pair.brand_id for pair in feed.rows(MentionBrand)] == [feed.id_of(Brand, "Aeroluz")]
