"""A mention says what its source says now, and nothing about it is told twice or counted twice."""

from datetime import timedelta
from typing import Any

import pytest

from listener.jobs.alert import judge_batch
from listener.jobs.score import score_batch
from listener.store import deletion, health, intake, scoring
from listener.store.tables import Alert, AlertMention, Delivery, Mention, MentionBrand, Score, Source
from tests.conftest import NOON
from tests.listener.conftest import Site, WordScorer, item, score_row
from tests.listener.store.conftest import judge_and_decide
from tests.listener.store.test_copies import NEARLY, NEWS, clusters, consistent, counted

LATER = NOON + timedelta(minutes=5)


def work(site: Site, scorer: WordScorer) -> None:
    while score_batch(site.store, scorer, site.clock):
        pass
    judge_and_decide(site)


def test_an_edit_replaces_the_text_and_is_scored_anew(feed: Site, scorer: WordScorer) -> None:
    feed.take(item("1", "Aeroluz lost my bag", reach=5))
    work(feed, scorer)
    taken = feed.take(
        item("1", "I love Aeroluz, they found it", title="Found", edited_at=LATER, engagement={"likes": 9})
    )

    assert taken == intake.Intake(stored=0, pairs=0, edited=1)
    mention, pair = feed.one(Mention), feed.one(MentionBrand)
    assert (mention.text, mention.title) == ("Found\nI love Aeroluz, they found it", "Found")
    assert (mention.edited_at, mention.reach, mention.engagement) == (LATER, 5, {"likes": 9})
    assert (pair.scored_at, pair.label, pair.spans) == (None, None, [[13, 20]])
    assert feed.rows(Score) == []
    assert feed.rollups() == feed.recount() == {}

    work(feed, scorer)
    assert feed.one(MentionBrand).label == "promoter"
    assert feed.rollups() == feed.recount()


def test_nobody_is_told_twice_because_of_an_edit(feed: Site, scorer: WordScorer) -> None:
    feed.take(item("1", "Aeroluz lost my bag"))
    work(feed, scorer)
    feed.take(item("1", "Aeroluz lost my bag and my shoes"))
    work(feed, scorer)

    pair = feed.one(MentionBrand)
    assert (pair.label, pair.verdict, pair.edition) == ("detractor", "opened_incident", 1)
    assert (feed.one(Alert).count, len(feed.rows(Delivery))) == (1, 1)


def test_others_are_judged_although_an_edited_one_waits_for_its_score(feed: Site, scorer: WordScorer) -> None:
    feed.take(item("1", "Aeroluz lost my bag"))
    work(feed, scorer)
    feed.take(item("1", "Aeroluz lost my bag and my shoes"), item("2", "Aeroluz lost it", minute=1))
    feed.score({feed.rows(MentionBrand)[-1].id: "detractor"})
    judge_batch(feed.store, feed.clock())

    assert feed.one(Alert).count == 2


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([("b", 10), ("c", 5)], "b"),
        ([("b", 10), ("c", None)], "b"),
        ([("b", None), ("c", None)], "c"),
        ([("b", None), ("c", 5)], "c"),
        ([("b", 5), ("c", 10), ("b", 5)], "c"),
    ],
)
def test_an_older_text_never_comes_back(feed: Site, edits: list[tuple[str, int | None]], expected: str) -> None:
    feed.take(item("1", "Aeroluz a"))
    for text, minute in edits:
        at = None if minute is None else NOON + timedelta(minutes=minute)
        feed.take(item("1", f"Aeroluz {text}", edited_at=at, reach=minute))

    assert feed.one(Mention).text == f"Aeroluz {expected}"


def test_of_two_versions_in_one_page_the_later_is_kept(feed: Site) -> None:
    feed.take(item("1", "Aeroluz new", edited_at=LATER), item("1", "Aeroluz old"))

    assert feed.one(Mention).text == "Aeroluz new"


def test_another_source_is_believed_where_it_gives_a_time(feed: Site) -> None:
    feed.source("other")
    feed.take(item("1", "Aeroluz a"))
    feed.take(item("1", "Aeroluz b"), source="other")
    assert feed.one(Mention).text == "Aeroluz a"

    feed.take(item("1", "Aeroluz c", edited_at=LATER), source="other")
    assert feed.one(Mention).text == "Aeroluz c"


def test_another_source_takes_no_brand_away_that_it_does_not_listen_for(feed: Site) -> None:
    nubia = feed.brand("Nubia")
    feed.source("other")
    feed.take(item("1", "Nubia or Aeroluz?"))
    said = item("1", "Nubia or Aeroluz? Nubia!", edited_at=LATER)
    gone = item("1", "It was Nubia", edited_at=LATER + timedelta(minutes=1))
    for edit, brands in ((said, {1, nubia}), (gone, {nubia})):
        with feed.store.transaction() as session:
            intake.take_page(session, feed.id_of(Source, "other"), [intake.Matched(edit, {nubia: ()})], feed.clock())
        assert {pair.brand_id for pair in feed.rows(MentionBrand)} == brands


def test_numbers_change_without_the_text(feed: Site, scorer: WordScorer) -> None:
    feed.take(item("1", reach=5, engagement={"likes": 1}))
    work(feed, scorer)
    feed.take(item("1", reach=50, engagement={"likes": 2}))
    feed.take(item("1"))

    mention = feed.one(Mention)
    assert (mention.reach, mention.engagement) == (50, {"likes": 2})
    assert list(feed.rollups().values()) == [(1, 50)]
    assert feed.one(MentionBrand).scored_at is not None


def test_a_brand_that_the_words_left_loses_its_pair(feed: Site) -> None:
    nubia = feed.brand("Nubia")
    feed.take(item("1", "Nubia or Aeroluz?"))
    feed.score()
    feed.take(item("1", "It was Nubia"))

    assert [pair.brand_id for pair in feed.rows(MentionBrand)] == [nubia]
    assert feed.rollups() == feed.recount() == {}


def test_a_brand_that_the_words_came_to_gets_a_pair(feed: Site) -> None:
    feed.brand("Nubia")
    feed.take(item("1", "Aeroluz!"))

    assert feed.take(item("1", "Aeroluz! And Nubia.")) == intake.Intake(0, 1, edited=1)
    assert [(pair.brand_id, pair.spans) for pair in feed.rows(MentionBrand)] == [(1, [[0, 7]]), (2, [[13, 18]])]


def test_what_an_incident_names_stays_and_counts_for_nothing(feed: Site, scorer: WordScorer) -> None:
    feed.brand("Nubia")
    feed.take(item("1", "Nubia or Aeroluz lost my bag", reach=3))
    work(feed, scorer)
    feed.take(item("1", "It was Nubia that lost my bag"))
    work(feed, scorer)

    first, second = sorted(feed.rows(MentionBrand), key=lambda pair: pair.brand_id)
    assert (first.void, first.verdict, second.void) == ("edited", "opened_incident", None)
    assert len(feed.rows(AlertMention)) == 2
    assert list(feed.rollups().values()) == [(1, 3)]

    feed.take(item("1", "No, it was Aeroluz that lost my bag"))
    work(feed, scorer)
    assert {pair.brand_id: pair.void for pair in feed.rows(MentionBrand)} == {1: None, 2: "edited"}
    assert feed.rollups() == feed.recount()


def test_what_is_about_no_brand_any_more_is_followed_too(feed: Site) -> None:
    source = feed.id_of(Source, "feed")
    feed.take(item("1", "Aeroluz lost my bag"), item("2", "Aeroluz!"))
    unmatched = [item("1", "They found it"), item("3", "About nothing"), item("2", "Aeroluz!")]
    with feed.store.transaction() as session:
        taken = intake.take_unmatched(session, source, unmatched, feed.clock())

    assert taken == intake.Intake(0, 0, edited=1)
    assert {mention.native_id: mention.text for mention in feed.rows(Mention)} == {
        "1": "They found it",
        "2": "Aeroluz!",
    }
    assert [pair.mention_id for pair in feed.rows(MentionBrand)] == [2]


def test_a_score_of_the_text_before_is_dropped(feed: Site) -> None:
    feed.take(item("1", "Aeroluz lost my bag"), item("2", "Aeroluz!"))
    with feed.store.transaction() as session:
        claimed = scoring.claim_unscored(session, 9, feed.clock(), timedelta(minutes=1))
    feed.take(item("1", "Aeroluz found my bag"))
    rows: list[Any] = [score_row(pair.id) | {"edition": pair.edition} for pair in claimed]
    with feed.store.transaction() as session:
        assert scoring.write_scores(session, rows, feed.clock()) == 1

    assert [pair.scored_at is None for pair in feed.rows(MentionBrand)] == [True, False]
    assert feed.rollups() == feed.recount()


def test_a_score_of_a_pair_that_is_gone_is_dropped(feed: Site) -> None:
    feed.brand("Nubia")
    feed.take(item("1", "Nubia or Aeroluz?"))
    feed.take(item("1", "It was Nubia"))

    assert feed.score({1: "detractor", 2: "detractor"}) == 1


def test_an_edit_leaves_its_cluster_and_joins_another(feed: Site) -> None:
    other = "Aeroluz opens a new route from Madrid to Lima with four flights a week from the first day of next month on"
    feed.take(item("1", NEWS, reach=1), item("2", NEARLY, minute=1, reach=2), item("3", NEWS, minute=2, reach=4))
    feed.take(item("4", other, minute=3, reach=8))
    feed.score()
    feed.take(item("1", other, reach=1))
    feed.score()

    assert clusters(feed) == [{"1", "4"}, {"2", "3"}]
    assert counted(feed) == ["1", "2"]
    assert list(feed.rollups().values()) == [(2, 15, 2)]
    consistent(feed)


def test_an_edit_of_long_ago_is_no_sign_that_scoring_is_stuck(feed: Site, scorer: WordScorer) -> None:
    feed.take(item("1", "Aeroluz lost my bag"))
    work(feed, scorer)
    feed.clock.advance(hours=9)
    feed.take(item("1", "Aeroluz lost my bag and my shoes"))

    with feed.store.reading() as session:
        assert not [one for one in health.stuck(session, feed.clock(), timedelta(minutes=10), ()) if "scored" in one]


def test_what_reactions_were_is_kept_as_they_rise(feed: Site) -> None:
    feed.take(item("1", engagement={"likes": 3, "rating": 5}), item("2"))
    for minutes, likes in ((20, 8), (5, 9), (20, 9), (20, 30)):
        feed.clock.advance(minutes=minutes)
        feed.take(item("1", engagement={"likes": likes, "rating": 5}), item("2", reach=minutes))

    first, second = feed.rows(Mention)
    noon = int(NOON.timestamp())
    # What is read again and has not changed is written nowhere, and what comes five minutes later says little more.
    assert first.readings == [[noon, 3], [noon + 20 * 60, 8], [noon + 65 * 60, 30]]
    assert second.readings is None


def test_what_counts_no_reactions_this_time_keeps_its_readings(feed: Site) -> None:
    feed.take(item("1", engagement={"likes": 3}))
    feed.clock.advance(minutes=20)
    feed.take(item("1", engagement={"likes": 8}))
    feed.take(item("1", reach=4))

    assert [reactions for _, reactions in feed.one(Mention).readings or ()] == [3, 8]


def test_a_mention_that_is_gone_keeps_no_readings(feed: Site) -> None:
    feed.take(item("1", engagement={"likes": 3}))
    feed.clock.advance(minutes=20)
    feed.take(item("1", engagement={"likes": 8}))
    with feed.store.transaction() as session:
        deletion.blank(session, [1], "gone", feed.clock())

    assert feed.one(Mention).readings is None
