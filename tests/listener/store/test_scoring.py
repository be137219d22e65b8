"""Pairs go to one scorer at a time, scores are kept once, and the rollups are always what a recount gives."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from listener.store import scoring
from listener.store.rollups import moving
from listener.store.scoring import Unscored
from listener.store.tables import MentionBrand, RollupHour, Score, table
from tests.conftest import NOON
from tests.listener.conftest import Site, broken_off, dawdling, item, score_row, together

LEASE = timedelta(seconds=60)


@pytest.fixture
def three(feed: Site) -> Site:
    """Three mentions of Aeroluz that nobody has scored; their pairs have the ids 1, 2 and 3."""
    feed.take(*(item(str(number), reach=10) for number in (1, 2, 3)))
    return feed


def claim(site: Site, limit: int = 10) -> list[int]:
    with site.store.transaction() as session:
        return [pair.id for pair in scoring.claim_unscored(session, limit, site.clock(), LEASE)]


def label_of(site: Site, pair_id: int) -> str | None:
    return next(pair.label for pair in site.rows(MentionBrand) if pair.id == pair_id)


def test_a_claim_hands_out_text_brand_and_places(feed: Site) -> None:
    feed.take(item("1", "Oh, Aeroluz", lang="es"))

    with feed.store.transaction() as session:
        (pair,) = scoring.claim_unscored(session, 10, feed.clock(), LEASE)

    assert pair == Unscored(id=1, text="Oh, Aeroluz", lang="es", brand="Aeroluz", spans=((4, 11),))


def test_claims_go_from_the_oldest_on_and_never_twice(three: Site) -> None:
    assert claim(three, 2) == [1, 2]
    assert claim(three, 2) == [3]
    assert claim(three) == []


def test_a_lease_that_runs_out_gives_its_pairs_back(three: Site) -> None:
    claim(three)
    three.clock.advance(seconds=59)
    assert claim(three) == []
    three.clock.advance(seconds=1)
    assert claim(three) == [1, 2, 3]


def test_released_pairs_are_free_at_once(three: Site) -> None:
    claim(three)
    with three.store.transaction() as session:
        scoring.release(session, [1, 3])

    assert claim(three) == [1, 3]


def test_a_claim_that_is_not_kept_takes_nothing(three: Site) -> None:
    with broken_off(three.store) as session:
        scoring.claim_unscored(session, 10, three.clock(), LEASE)

    assert claim(three) == [1, 2, 3]


def test_scorers_at_once_never_share_a_pair(feed: Site) -> None:
    feed.take(*(item(str(number)) for number in range(100)))

    claimed = together(*(partial(claim, feed, 30) for _ in range(4)))

    taken = sorted(pair for one in claimed for pair in one)
    assert len(set(taken)) == len(taken)
    assert sorted(taken + claim(feed, 100)) == list(range(1, 101))


def test_scores_are_kept_with_label_and_rollup(three: Site) -> None:
    claim(three)
    three.clock.advance(seconds=2)

    assert three.score({1: "detractor", 2: "promoter", 3: None}) == 3

    pairs = three.rows(MentionBrand)
    assert [pair.label for pair in pairs] == ["detractor", "promoter", None]
    assert {pair.scored_at for pair in pairs} == {three.clock()}
    assert {pair.lease_until for pair in pairs} == {None}
    assert [score.label for score in three.rows(Score)] == ["detractor", "promoter", None]
    assert three.rollups() == {
        (1, "rss", "detractor", NOON): (1, 10),
        (1, "rss", "promoter", NOON): (1, 10),
        (1, "rss", "none", NOON): (1, 10),
    }


def test_scored_pairs_are_claimed_no_more(three: Site) -> None:
    three.score({1: "passive", 2: "passive"})

    assert claim(three) == [3]


def test_scores_and_rollups_are_dropped_together(three: Site) -> None:
    with broken_off(three.store) as session:
        scoring.write_scores(session, [score_row(1)], three.clock())

    assert three.rows(Score) == three.rows(RollupHour) == []
    assert label_of(three, 1) is None


def test_writing_the_same_scores_twice_counts_once(three: Site) -> None:
    assert three.score({1: "detractor", 2: "promoter"}) == 2
    assert three.score({1: "promoter", 2: "promoter", 3: "passive"}) == 1

    assert label_of(three, 1) == "detractor"
    assert three.rollups() == three.recount()


def test_a_pair_twice_in_one_batch_counts_once(three: Site) -> None:
    with three.store.transaction() as session:
        assert scoring.write_scores(session, [score_row(1), score_row(1)], three.clock()) == 1

    assert three.rollups() == {(1, "rss", "detractor", NOON): (1, 10)}


def test_another_model_moves_the_count_to_its_label(three: Site) -> None:
    three.score({1: "detractor"})
    assert three.score({1: "promoter"}, model="better") == 1

    assert label_of(three, 1) == "promoter"
    assert len(three.rows(Score)) == 2
    assert three.rollups() == {(1, "rss", "promoter", NOON): (1, 10)}


def test_a_mention_of_two_brands_counts_for_each(feed: Site) -> None:
    feed.brand("Nubia")
    feed.take(item("1", "Aeroluz or Nubia?", minute=61, reach=None))
    feed.score({1: "promoter", 2: "detractor"})

    assert sorted(feed.rollups().values()) == [(1, 0), (1, 0)]
    assert {key[3] for key in feed.rollups()} == {NOON + timedelta(hours=1)}


def test_several_scorers_writing_the_same_pairs_count_each_once(feed: Site) -> None:
    feed.take(*(item(str(number), minute=number) for number in range(120)))
    labels = {pair: ("detractor", "promoter", "passive")[pair % 3] for pair in range(1, 121)}
    backwards = dict(reversed(labels.items()))

    written = together(*(partial(feed.score, some) for some in (labels, backwards, labels)))

    assert sum(written) == 120
    assert feed.rollups() == feed.recount()


@pytest.mark.postgres
def test_two_batches_in_opposite_order_do_not_deadlock(postgres_feed: Site) -> None:
    postgres_feed.take(item("1"), item("2"))
    with dawdling(postgres_feed.store, "BEFORE INSERT ON score FOR EACH ROW"):
        written = together(
            partial(postgres_feed.score, {1: "detractor", 2: "promoter"}),
            partial(postgres_feed.score, {2: "promoter", 1: "detractor"}),
        )

    assert sum(written) == 2
    assert postgres_feed.rollups() == postgres_feed.recount()


@pytest.mark.postgres
def test_two_models_may_score_the_same_pairs_at_once(postgres_feed: Site) -> None:
    """Each inserts its score and then locks the pair that the other's score refers to."""
    postgres_feed.take(item("1"), item("2"))
    labels = {1: "detractor", 2: "promoter"}
    with dawdling(postgres_feed.store, "AFTER INSERT ON score FOR EACH STATEMENT"):
        together(*(partial(postgres_feed.score, labels, model=name) for name in ("words", "better")))

    assert len(postgres_feed.rows(Score)) == 4
    assert postgres_feed.rollups() == postgres_feed.recount()


def test_a_pair_repeats_what_its_score_says(feed: Site) -> None:
    feed.brand("Aeroluz", themes={"bags": "bag OR suitcase", "delays": "late", "spanish": "bag lang:es"})
    feed.take(item("1", lang="es-MX"), item("2", "Aeroluz is late"), item("3", lang="<b>"))

    feed.score({1: "detractor"}, emotions={"anger": 0.8, "joy": 0.1}, lang="en")
    feed.score({2: "promoter"}, emotions={"anger": 0.4, "joy": 0.49}, lang="en")
    feed.score({3: None}, emotions={"others": 0.9, "joy": 0.1}, lang="und", polarity={"neutral": 0.5, "positive": 0.5})

    found = [(pair.lang, pair.polarity, pair.emotion, pair.themes) for pair in feed.rows(MentionBrand)]
    assert found == [
        ("es", "negative", "anger", ["bags", "spanish"]),
        ("en", "positive", None, ["delays"]),
        (None, "neutral", None, ["bags"]),
    ]
    assert feed.rollups() == feed.recount()


def test_what_a_person_corrected_outlives_another_model(feed: Site) -> None:
    feed.take(item("1"))
    feed.score({1: "promoter"})
    with feed.store.transaction() as session, moving(session, [1]):
        corrected = {"label": "detractor", "said_stance": "-1", "polarity": "negative", "said_polarity": "negative"}
        session.connection().execute(update(table(MentionBrand)).values(**corrected))

    feed.score({1: "promoter"}, model="better")

    pair = feed.one(MentionBrand)
    assert (pair.label, pair.polarity) == ("detractor", "negative")
    assert feed.rollups() == feed.recount()


def test_an_edit_makes_what_was_said_of_the_old_words_void(feed: Site) -> None:
    feed.brand("Aeroluz", themes={"bags": "bag"})
    feed.take(item("1"))
    feed.score({1: "detractor"})
    with feed.store.transaction() as session, moving(session, [1]):
        session.connection().execute(update(table(MentionBrand)).values(label="passive", said_stance="0"))

    feed.take(item("1", "I love Aeroluz", edited_at=NOON + timedelta(hours=1)))
    assert feed.rollups() == feed.recount() == {}
    feed.score({1: "promoter"})

    pair = feed.one(MentionBrand)
    assert (pair.label, pair.themes) == ("promoter", [])
    assert feed.rollups() == feed.recount()
