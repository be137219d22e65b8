"""What is said once is counted once, in whatever order and by however many processes it comes in."""

import itertools
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from listener.items import Author as Speaker
from listener.items import Item
from listener.store import deletion, links, read, relevance, scoring
from listener.store.engine import Store
from listener.store.tables import Brand, Mention, MentionBand, MentionBrand
from tests.conftest import Clock
from tests.listener.conftest import Site, dawdling, item, score_row, together
from tests.listener.store.conftest import emptied

NEWS = (
    "Aeroluz cancels 40 flights because of a strike of air traffic controllers in Madrid\n"
    "The airline offers free changes to all passengers who are stranded over the weekend, it said in a statement."
)
NEARLY = NEWS.replace("it said", "a spokesman said")
DAY = 24 * 60


def clusters(site: Site) -> list[set[str]]:
    """The mentions that hang together."""
    found: dict[int, set[str]] = {}
    for mention in site.rows(Mention):
        if mention.cluster_id is not None:
            found.setdefault(mention.cluster_id, set()).add(mention.native_id)
    return sorted(found.values(), key=sorted)


def counted(site: Site) -> list[str]:
    """The mentions that are counted, a name for each brand they are counted for."""
    names = {mention.id: mention.native_id for mention in site.rows(Mention)}
    return sorted(names[pair.mention_id] for pair in site.rows(MentionBrand) if not pair.copy_of and not pair.void)


def consistent(site: Site) -> None:
    """A cluster's id is its first mention's, and every copy points to the counted pair of its brand and cluster."""
    mentions = {mention.id: mention for mention in site.rows(Mention)}
    pairs = {pair.id: pair for pair in site.rows(MentionBrand)}
    for mention in mentions.values():
        if mention.cluster_id is not None:
            assert mentions[mention.cluster_id].cluster_id == mention.cluster_id
            assert sum(other.cluster_id == mention.cluster_id for other in mentions.values()) > 1
    for pair in pairs.values():
        if pair.copy_of is not None:
            leading = pairs[pair.copy_of]
            assert leading.hidden_why is None or pair.hidden_why is not None, "what is hidden swallows nothing"
            assert (leading.copy_of, leading.void, leading.brand_id) == (None, None, pair.brand_id)
            assert mentions[leading.mention_id].cluster_id == mentions[pair.mention_id].cluster_id is not None
    of_brand = [
        (mentions[pair.mention_id].cluster_id, pair.brand_id)
        for pair in pairs.values()
        if not (pair.copy_of or pair.void) and mentions[pair.mention_id].cluster_id
    ]
    assert len(of_brand) == len(set(of_brand)), "a cluster is counted once for a brand"


def test_a_syndicated_text_is_counted_once_with_the_reach_of_all(feed: Site) -> None:
    feed.take(
        item("agency", NEWS, reach=100),
        item("paper", NEWS.replace("Madrid\n", "Madrid - El Diario\n"), minute=30, reach=20),
        item("other paper", NEARLY, minute=50, reach=3),
        item("a person", "Aeroluz cancels flights again", minute=55, reach=7),
    )
    feed.score()

    assert clusters(feed) == [{"agency", "paper", "other paper"}]
    assert counted(feed) == ["a person", "agency"]
    assert list(feed.rollups().values()) == [(2, 130, 2)]
    assert feed.rollups() == feed.recount()
    with feed.store.reading() as session:
        assert read.totals(session).mentions == 2
        person, agency = read.mentions(session)
        assert (person["copies"], person["cluster"]) == (0, None)
        assert (agency["copies"], agency["native_id"]) == (2, "agency")
        together = read.mentions(session, cluster=agency["cluster"])
        assert {row["native_id"] for row in together} == {"agency", "paper", "other paper"}
        assert {row["copy_of"] for row in together} == {None, agency["id"]}


def test_thanks_from_two_people_are_two_voices(feed: Site) -> None:
    feed.take(item("1", "Gracias Aeroluz", author=Speaker("ana")), item("2", "gracias aeroluz", author=Speaker("bob")))
    feed.take(*(item(str(number), "Aeroluz 😡😡😡😡😡😡😡😡😡😡") for number in range(3, 6)))

    assert clusters(feed) == []
    assert len(counted(feed)) == 5


def test_an_unscored_copy_is_in_no_total_either(feed: Site) -> None:
    feed.take(item("1", NEWS), item("2", NEWS, minute=1))

    with feed.store.reading() as session:
        assert (read.totals(session).mentions, read.pending(session, (), Clock().now).unscored) == (1, 2)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_reposts_of_one_post_are_counted_once_wherever_it_comes(feed: Site, order: Sequence[int]) -> None:
    posts = [
        item("original", "Aeroluz lost my bag", kind="x", reach=5),
        item("repost", "Aeroluz lost my bag", kind="x", minute=5, repost_of="original", reach=50),
        item("again", "RT @bob: Aeroluz lost my bag", kind="x", minute=6, repost_of="original", reach=500),
    ]
    for place in order:
        feed.take(posts[place])
        feed.score()

    assert clusters(feed) == [{"original", "repost", "again"}]
    assert counted(feed) == ["original"]
    assert list(feed.rollups().values()) == [(1, 555, 2)]
    consistent(feed)


def test_reposts_whose_original_nobody_has_are_one_voice(feed: Site) -> None:
    feed.take(item("b", kind="x", minute=2, repost_of="0"))
    feed.take(item("a", kind="x", minute=1, repost_of="0"), item("c", kind="x", minute=3, repost_of="0"))
    feed.take(item("other", kind="mastodon", repost_of="0"))

    assert clusters(feed) == [{"a", "b", "c"}]
    assert counted(feed) == ["a", "other"]


def test_a_quote_counts_for_itself_and_is_shown_with_what_it_quotes(feed: Site) -> None:
    feed.take(item("quote", "Typical Aeroluz", kind="x", minute=9, quote_of="original"))
    feed.take(item("original", "Aeroluz lost my bag", kind="x"))
    feed.take(item("repost of the quote", "Typical Aeroluz", kind="x", minute=10, repost_of="quote"))

    assert counted(feed) == ["original", "quote"]
    assert clusters(feed) == [{"quote", "repost of the quote"}]
    with feed.store.reading() as session:
        original, quote = read.mentions(session)
        shown = read.mentions(session, cluster=original["cluster"])
        its_own = read.mentions(session, cluster=quote["cluster"])
    assert {row["native_id"] for row in shown} == {"original", "quote"}
    assert {row["native_id"] for row in its_own} == {"quote", "repost of the quote"}


def test_the_same_words_a_week_later_are_news_again(feed: Site) -> None:
    feed.take(item("monday", NEWS), item("tuesday", NEARLY, minute=DAY), item("a week later", NEWS, minute=8 * DAY))

    assert clusters(feed) == [{"monday", "tuesday"}]


def test_a_brand_that_only_a_copy_names_is_counted_there(feed: Site) -> None:
    feed.brand("Nubia")
    feed.take(item("1", NEWS))
    feed.take(item("2", NEWS + " Nubia", minute=1), item("3", NEWS + " Nubia", minute=2))

    pairs = {(pair.mention_id, pair.brand_id): pair.copy_of for pair in feed.rows(MentionBrand)}
    assert pairs == {(1, 1): None, (2, 1): 1, (2, 2): None, (3, 1): 1, (3, 2): 3}
    consistent(feed)


def test_a_brand_added_later_is_counted_once_too(feed: Site) -> None:
    page = [item("1", NEWS + " Nubia"), item("2", NEWS + " Nubia", minute=1)]
    feed.take(*page)
    feed.brand("Nubia")
    feed.take(*page)

    assert counted(feed) == ["1", "1"]
    consistent(feed)


def test_a_text_that_joins_two_clusters_makes_them_one(feed: Site) -> None:
    words = [f"word{chr(97 + number)}" for number in range(24)]

    def said(*changed: int) -> str:
        return "Aeroluz " + " ".join("other" if place in changed else word for place, word in enumerate(words))

    feed.take(item("left", said(), minute=2), item("left copy", said(), minute=3, reach=1))
    feed.take(item("right", said(5, 15, 20), minute=1), item("right copy", said(5, 15, 20), minute=4))
    assert clusters(feed) == [{"left", "left copy"}, {"right", "right copy"}]
    feed.score()

    feed.take(item("between", said(15), minute=9))
    feed.score()

    assert clusters(feed) in ([{"left", "left copy", "between"}, {"right", "right copy"}],
                              [{"left", "left copy", "between", "right", "right copy"}])  # fmt: skip
    consistent(feed)
    assert feed.rollups() == feed.recount()


TEXTS = (NEWS, NEARLY, NEWS.replace("40", "41"), "Aeroluz lost my bag", "Aeroluz or Nubia? " + NEWS, NEWS + " Nubia")
POSTS = st.lists(
    st.tuples(
        st.integers(0, len(TEXTS) - 1), st.sampled_from([0, 0, 1, 2 * DAY, 4 * DAY]), st.none() | st.integers(0, 7),
        st.none() | st.integers(0, 9),
    ),
    min_size=2,
    max_size=8,
)  # fmt: skip


@pytest.fixture
def sqlite_site(sqlite_store: Store) -> Site:
    return Site(sqlite_store, Clock())


def posts(drawn: Sequence[tuple[int, int, int | None, int | None]]) -> list[Item]:
    return [
        item(
            str(name), TEXTS[text], minute=minute + name, reach=reach, author=Speaker(str(name % 3)),
            repost_of=None if of is None or of == name else str(of),
        )
        for name, (text, minute, of, reach) in enumerate(drawn)
    ]  # fmt: skip


def outcome(site: Site) -> Any:
    brands = {brand.id: brand.name for brand in site.rows(Brand)}
    figures = {(brands[key[0]], *key[1:]): numbers for key, numbers in site.rollups().items()}
    return clusters(site), counted(site), figures


@given(drawn=POSTS, data=st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_and_the_size_of_pages_change_nothing(sqlite_site: Site, drawn: Any, data: st.DataObject) -> None:
    said = posts(drawn)
    emptied(sqlite_site)
    sqlite_site.take(*said)
    sqlite_site.score()
    consistent(sqlite_site)
    whole = outcome(sqlite_site)

    emptied(sqlite_site)
    order = data.draw(st.permutations(said))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(said)), max_size=4)) | {0, len(said)})
    for start, end in itertools.pairwise(cuts):
        sqlite_site.take(*order[start:end])
        if data.draw(st.booleans()):
            sqlite_site.score()
    sqlite_site.score()

    assert outcome(sqlite_site) == whole
    assert sqlite_site.rollups() == sqlite_site.recount()
    consistent(sqlite_site)


def say(site: Site, pair: int, *, relevant: bool) -> None:
    with site.store.transaction() as session:
        relevance.say(session, pair, relevant=relevant, now=site.clock(), by="ana")


def pair_of(site: Site, name: str) -> MentionBrand:
    names = {mention.native_id: mention.id for mention in site.rows(Mention)}
    return next(pair for pair in site.rows(MentionBrand) if pair.mention_id == names[name])


def shown(site: Site, *, hidden: bool = False) -> list[str]:
    with site.store.reading() as session:
        return sorted(row["native_id"] for row in read.mentions(session, hidden=hidden))


def test_what_is_hidden_hides_no_copy_that_is_shown(feed: Site) -> None:
    feed.take(item("1", NEWS, reach=1), item("2", NEARLY, minute=1, reach=2), item("3", NEWS, minute=2, reach=4))
    ids = [pair.id or 0 for pair in feed.rows(MentionBrand)]
    for number, probability in enumerate((0.01, 0.9, 0.9)):
        feed.score({ids[number]: "detractor"}, relevance=probability)
        consistent(feed)
        assert feed.rollups() == feed.recount()
    assert (counted(feed), shown(feed), shown(feed, hidden=True)) == (["2"], ["2"], [])
    assert list(feed.rollups().values()) == [(1, 6, 1)]

    # By hand too: each by itself while it is a copy, with its copies while it is counted.
    say(feed, ids[0], relevant=True)
    assert (counted(feed), list(feed.rollups().values())) == (["1"], [(1, 7, 2)])
    say(feed, ids[1], relevant=False)
    assert (counted(feed), list(feed.rollups().values())) == (["1"], [(1, 5, 1)])
    say(feed, ids[0], relevant=False)
    assert (shown(feed), shown(feed, hidden=True), feed.rollups()) == ([], ["1"], {})
    consistent(feed)


def test_a_story_that_somebody_hid_does_not_come_back_with_its_copies(feed: Site) -> None:
    feed.take(item("1", NEWS, minute=5))
    feed.score()
    say(feed, pair_of(feed, "1").id or 0, relevant=False)
    # Also one that was said before it, and so is the first of them now.
    feed.take(item("2", NEARLY, minute=9), item("0", NEWS))
    assert shown(feed) == []
    feed.score(relevance=1.0)
    assert (shown(feed), feed.rollups()) == ([], feed.recount())
    assert {pair.said_relevant for pair in feed.rows(MentionBrand)} == {False}
    consistent(feed)


def test_a_copy_that_is_shown_by_itself_stays_though_another_was_hidden(feed: Site) -> None:
    feed.take(item("1", NEWS), item("2", NEARLY, minute=1))
    feed.score()
    say(feed, pair_of(feed, "2").id or 0, relevant=False)
    feed.take(item("3", NEARLY, minute=2))
    assert (shown(feed), pair_of(feed, "3").hidden_why) == (["1"], None)
    consistent(feed)


STEPS = st.lists(
    st.tuples(st.just("take"), st.integers(0, 7), st.booleans())
    | st.tuples(st.just("score"), st.integers(0, 7), st.sampled_from([0.01, 0.9]))
    | st.tuples(st.just("say"), st.integers(0, 7), st.booleans())
    | st.tuples(st.just("decide"), st.sampled_from([0.0, 0.05, 0.95]), st.none())
    | st.tuples(st.just("delete"), st.integers(0, 7), st.none())
    | st.tuples(st.just("edit"), st.integers(0, 7), st.integers(0, len(TEXTS) - 1)),
    max_size=14,
)


@given(drawn=POSTS, steps=STEPS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_hidden_and_shown_the_figures_are_a_recount(sqlite_site: Site, drawn: Any, steps: Any) -> None:
    site, said = sqlite_site, posts(drawn)
    emptied(site)
    site.take(*said[::2])
    for step, what, how in steps:
        pairs = [pair.id or 0 for pair in site.rows(MentionBrand)]
        if step == "take":
            site.take(*said[what % len(said) :: 3])
            if how:
                site.score(relevance=0.9)
        elif step == "edit":
            site.clock.advance(minutes=1)
            site.take(item(str(what % len(said)), TEXTS[how], minute=what, edited_at=site.clock()))
        elif step == "delete":
            with site.store.transaction() as session:
                deletion.blank_native(session, "rss", [str(what)], "deleted", site.clock())
        elif step == "decide":
            site.brand("Aeroluz", relevance={"threshold": what})
            with site.store.transaction() as session:
                relevance.decide_again(session, site.id_of(Brand, "Aeroluz"), site.clock())
        elif not pairs:
            continue
        elif step == "score":
            row = score_row(pairs[what % len(pairs)], "detractor", relevance=how, model=f"model {how}")
            with site.store.transaction() as session:
                scoring.write_scores(session, [row], site.clock())
        else:
            say(site, pairs[what % len(pairs)], relevant=how)
        assert site.rollups() == site.recount()
        consistent(site)


@pytest.mark.postgres
def test_hiding_scoring_and_storing_copies_at_once_neither_deadlock_nor_miscount(postgres_feed: Site) -> None:
    site = postgres_feed
    site.take(*(item(f"first {number}", NEWS, minute=number, reach=1) for number in range(6)))
    ids = [pair.id or 0 for pair in site.rows(MentionBrand)]

    def store() -> None:
        for number in range(8):
            site.take(item(f"later {number}", NEARLY, minute=-number, reach=1))

    def score(probability: float) -> None:
        for pair in ids:
            site.score({pair: "detractor"}, relevance=probability, model=f"model {probability}")

    def by_hand() -> None:
        for pair in ids[::-1]:
            say(site, pair, relevant=pair % 2 == 0)

    together(store, partial(score, 0.01), partial(score, 0.9), by_hand)
    site.score()
    assert site.rollups() == site.recount()
    consistent(site)


def test_copies_stored_at_the_same_moment_meet(feed: Site) -> None:
    pages = [
        [item(f"{page} {number}", (NEWS, NEARLY)[page % 2], minute=page + number) for number in range(12)]
        for page in range(4)
    ]
    together(*(partial(feed.take, *page) for page in pages))

    assert [len(cluster) for cluster in clusters(feed)] == [48]
    assert counted(feed) == ["0 0"]
    consistent(feed)


@pytest.mark.postgres
def test_two_processes_that_store_a_post_and_its_copy_at_once_make_one_cluster(postgres_feed: Site) -> None:
    first, second = item("1", NEWS, reach=1), item("2", NEARLY, minute=1, reach=2)
    with dawdling(postgres_feed.store, "BEFORE INSERT ON mention FOR EACH ROW"):
        together(partial(postgres_feed.take, first), partial(postgres_feed.take, second))

    assert clusters(postgres_feed) == [{"1", "2"}]


@pytest.mark.postgres
def test_storing_scoring_and_joining_at_once_neither_deadlock_nor_miscount(postgres_feed: Site) -> None:
    texts = [f"{NEWS} Part {chr(97 + number)} of the story." for number in range(6)]

    def store(page: int) -> int:
        for number in range(8):
            postgres_feed.take(
                *(
                    item(f"{page} {number} {text}", texts[(text + page) % 6], minute=text - page, reach=1)
                    for text in range(6)
                )
            )
        return 0

    def score() -> int:
        for _ in range(20):
            postgres_feed.score()
        return 0

    together(*(partial(store, page) for page in range(3)), score, score)
    postgres_feed.score()

    assert postgres_feed.rollups() == postgres_feed.recount()
    consistent(postgres_feed)


def test_a_page_larger_than_one_statement_takes_finds_its_copies(feed: Site) -> None:
    page = [
        item(f"{number:04}", f"{NEWS} And more of number{number // 2}", minute=number % 2) for number in range(1000)
    ]
    feed.take(*page)

    assert len(clusters(feed)) == 500
    assert all(len(cluster) == 2 for cluster in clusters(feed))


def test_a_template_that_everyone_fills_in_does_not_fill_the_bands(feed: Site) -> None:
    names = [f"name{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(links.CROWDED + 20)]
    said = "Thank you for writing to Aeroluz dear {}, we are sorry for what happened to you and answer within the day"
    for name in names:
        feed.take(item(name, said.format(name)))

    in_bands: dict[int, int] = {}
    for row in feed.rows(MentionBand):
        in_bands[row.band] = in_bands.get(row.band, 0) + 1
    assert max(in_bands.values()) == links.CROWDED
    assert [len(cluster) for cluster in clusters(feed)] == [len(names)]


def test_old_bands_are_forgotten_unless_their_words_are_still_said(feed: Site) -> None:
    feed.take(item("1", NEWS), item("other", NEWS.replace("Madrid", "Barcelona").replace("40", "50")))
    feed.clock.advance(days=15)
    feed.take(item("2", NEWS, minute=15 * DAY))
    before = len(feed.rows(MentionBand))
    with feed.store.transaction() as session:
        forgotten = links.forget_old(session, feed.clock(), -(2**63), -1)
        forgotten += links.forget_old(session, feed.clock(), 0, 2**63 - 1)

    assert (before, forgotten, len(feed.rows(MentionBand))) == (16, 8, 8)
    feed.take(item("3", NEARLY, minute=15 * DAY + 1))
    assert clusters(feed) == [{"2", "3"}]


def test_window_is_as_documented() -> None:
    assert timedelta(days=3) == links.WINDOW
