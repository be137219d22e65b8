"""What a person corrects holds whatever models say, and the figures follow."""

from typing import Any

import pytest
from sqlalchemy import event

from listener.store import notices, relevance
from listener.store.corrections import ABOUT, NOT_ABOUT, What, correct, listed
from listener.store.tables import Audit, Correction, MentionBrand
from tests.listener.conftest import Site, item
from tests.listener.store.conftest import judge_and_decide

STORY = (
    "Aeroluz lost every single bag of the morning flight from Madrid and nobody at the desk would say where they are"
)


@pytest.fixture
def heard(feed: Site) -> Site:
    """A detractor with a copy, and a promoter."""
    feed.take(item("1", STORY), item("2", STORY, minute=1), item("3", "I love Aeroluz", minute=2))
    feed.score({1: "detractor", 2: "detractor", 3: "promoter"})
    return feed


def say(site: Site, pair: int, what: What, said: str | None, brands: frozenset[int] | None = None) -> str | None:
    """Correct as ana; what held before."""
    with site.store.transaction() as session:
        done = correct(session, pair, what, said, brands=brands, actor="ana", now=site.clock())
    assert done is not None
    assert done.after == said
    return done.before


def labels(site: Site) -> list[str | None]:
    return [pair.label for pair in site.rows(MentionBrand)]


def test_a_corrected_stance_moves_the_figures_and_outlives_other_models(heard: Site) -> None:
    assert say(heard, 1, What.STANCE, "1") == "-2"
    assert labels(heard) == ["promoter", "promoter", "promoter"]
    assert heard.rollups() == heard.recount()

    heard.score({1: "detractor", 2: "detractor"}, model="another")
    assert labels(heard) == ["promoter", "promoter", "promoter"]
    assert heard.rollups() == heard.recount()

    assert say(heard, 1, What.STANCE, None) == "1"
    assert labels(heard) == ["detractor", "detractor", "promoter"]
    assert heard.rollups() == heard.recount()
    assert [(one.actor, one.action) for one in heard.rows(Audit)] == [("ana", "mention.corrected")] * 2


def test_a_corrected_polarity_is_what_filters_and_figures_go_by(heard: Site) -> None:
    assert say(heard, 3, What.POLARITY, "neutral") == "positive"
    heard.score({3: "promoter"}, model="another")
    assert heard.rows(MentionBrand)[2].polarity == "neutral"
    say(heard, 3, What.POLARITY, None)
    assert heard.rows(MentionBrand)[2].polarity == "positive"
    assert heard.rollups() == heard.recount()


def test_what_nobody_has_read_yet_gets_its_label_with_its_first_score(feed: Site) -> None:
    feed.take(item("1", "Aeroluz lost my bag"))
    assert say(feed, 1, What.STANCE, "2") is None
    assert labels(feed) == [None]
    feed.score({1: "detractor"})
    assert labels(feed) == ["promoter"]
    assert feed.rollups() == feed.recount()


def test_relevance_is_said_by_somebody_and_taken_back(heard: Site) -> None:
    assert say(heard, 1, What.RELEVANCE, NOT_ABOUT) == ABOUT
    hidden = heard.rows(MentionBrand)
    assert [(one.said_relevant, one.said_by, one.hidden_why is None) for one in hidden[:2]] == [
        (False, "ana", False)
    ] * 2
    assert say(heard, 1, What.RELEVANCE, None) == NOT_ABOUT
    shown = heard.rows(MentionBrand)[0]
    assert (shown.said_relevant, shown.said_by, shown.said_at, shown.hidden_why) == (None, None, None, None)
    assert heard.rollups() == heard.recount()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_story_with_many_copies_is_corrected_by_few_statements_that_a_database_takes(feed: Site) -> None:
    """PostgreSQL takes 65,535 parameters at once, and while this goes on nobody else writes."""
    feed.take(*[item(str(number), STORY, minute=number / 600) for number in range(600)])
    feed.score()
    sizes: list[int] = []

    def seen(_: Any, __: Any, ___: str, parameters: Any, ____: Any, many: bool) -> None:
        # What is sent as rows of one statement is bounded by itself.
        sizes.append(1 if many else len(parameters))

    event.listen(feed.store.engine, "before_cursor_execute", seen)
    for what, said in ((What.STANCE, "1"), (What.POLARITY, "neutral"), (What.RELEVANCE, NOT_ABOUT)):
        for value in (said, None):
            say(feed, 1, what, value)
    event.remove(feed.store.engine, "before_cursor_execute", seen)

    assert max(sizes) <= 500, "all copies in one statement"
    assert len(sizes) < 300, "a statement for each copy"
    assert feed.rollups() == feed.recount()
    assert set(labels(feed)) == {"detractor"}


def test_what_was_corrected_is_no_evidence_of_an_incident_any_more(heard: Site) -> None:
    judge_and_decide(heard)
    with heard.store.reading() as session:
        (before,) = notices.candidates(session, 1)
    say(heard, before.id, What.STANCE, "2")
    with heard.store.reading() as session:
        assert notices.candidates(session, 1) == []


def test_an_unjudged_mention_is_judged_by_what_a_person_said(heard: Site) -> None:
    say(heard, 1, What.STANCE, "0")
    judge_and_decide(heard)
    assert heard.rows(MentionBrand)[0].verdict == "not_a_detractor"


def test_other_brands_mentions_and_what_is_gone_are_nobodys_to_correct(heard: Site) -> None:
    elsewhere = heard.brand("Nubia")
    with heard.store.transaction() as session:
        for pair, brands in ((1, frozenset({elsewhere})), (99, None)):
            assert correct(session, pair, What.STANCE, "1", brands=brands, actor="x", now=heard.clock()) is None
        with pytest.raises(ValueError, match="one of -2, -1, 0, 1, 2"):
            correct(session, 1, What.STANCE, "positive", brands=None, actor="x", now=heard.clock())
        assert not relevance.say(session, 99, relevant=None, now=heard.clock(), by="x")
    assert heard.rows(Correction) == []


def test_corrections_are_listed_with_what_they_teach(heard: Site) -> None:
    say(heard, 1, What.STANCE, "1")
    say(heard, 3, What.POLARITY, "neutral")
    with heard.store.reading() as session:
        last, first = listed(session, brands=None)
        assert (first["mention"], first["what"], first["before"], first["after"]) == (1, "stance", "-2", "1")
        assert (first["text"], first["brand"], first["model"], first["actor"]) == (STORY, "Aeroluz", "words", "ana")
        assert listed(session, brands=None, what=What.STANCE) == [first]
        assert listed(session, brands=None, pair_id=3) == [last]
        assert listed(session, brands=None, before=last["id"]) == [first]
        assert listed(session, brands=frozenset()) == []
