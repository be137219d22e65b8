"""Batches are scored and kept whole; what fails is given back."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from listener.jobs.score import LEASE, SET_ASIDE, score_batch
from listener.store import scoring
from listener.store.tables import MentionBrand, Score
from sentiment.scorer import Score as Scored
from sentiment.scorer import Text
from tests.listener.conftest import BrokenOff, Site, WordScorer, item, together


class Failing(WordScorer):
    """A model that breaks down, after doing something."""

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self._before = before

    def score(self, texts: Sequence[Text], *, progress: Callable[[int], None] | None = None) -> list[Scored]:
        self._before()
        raise BrokenOff


def test_nothing_to_score_is_no_work(feed: Site, scorer: WordScorer) -> None:
    assert score_batch(feed.store, scorer, feed.clock) == 0
    assert scorer.asked == []


def test_a_batch_is_scored_with_brand_language_and_places_and_kept(feed: Site, scorer: WordScorer) -> None:
    feed.take(item("1", "Aeroluz lost my bag", lang="en"), item("2", "I love Aeroluz"))

    assert score_batch(feed.store, scorer, feed.clock) == 2

    assert scorer.asked == [
        Text("Aeroluz lost my bag", "Aeroluz", "en", ((0, 7),)),
        Text("I love Aeroluz", "Aeroluz", None, ((7, 14),)),
    ]
    assert [pair.label for pair in feed.rows(MentionBrand)] == ["detractor", "promoter"]
    score = feed.rows(Score)[0]
    assert (score.model, score.revision, score.lang) == ("words", "1", "en")
    assert (score.polarity["negative"], score.stance and score.stance["-2"]) == (0.9, 0.9)
    assert feed.rollups() == feed.recount()


def test_all_that_a_model_says_is_kept(feed: Site) -> None:
    said = {
        "unsure": True, "emotions": {"joy": 0.25, "anger": 0.5}, "irony": 0.125, "offensive": 0.25, "complaint": 0.5,
        "relevance": 0.75,
    }  # fmt: skip

    class Knowing(WordScorer):
        def score(self, texts: Sequence[Text], *, progress: Callable[[int], None] | None = None) -> list[Scored]:
            return [replace(score, **said) for score in super().score(texts)]

    feed.take(item("1"))
    score_batch(feed.store, Knowing(), feed.clock)

    kept = feed.one(Score)
    assert {name: getattr(kept, name) for name in said} == said


def test_batches_of_the_given_size_until_nothing_is_left(feed: Site, scorer: WordScorer) -> None:
    feed.take(*(item(str(number)) for number in range(5)))

    assert [score_batch(feed.store, scorer, feed.clock, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_a_batch_that_fails_is_given_back_at_once(feed: Site, scorer: WordScorer) -> None:
    feed.take(item("1"))
    with pytest.raises(BrokenOff):
        score_batch(feed.store, Failing(), feed.clock)

    assert score_batch(feed.store, scorer, feed.clock) == 1


def test_a_scorer_that_dies_leaves_a_lease_that_runs_out(feed: Site, scorer: WordScorer) -> None:
    class Killed(WordScorer):
        def score(self, texts: Sequence[Text], *, progress: Callable[[int], None] | None = None) -> list[Scored]:
            raise SystemExit

    feed.take(item("1"))
    with pytest.raises(SystemExit):
        score_batch(feed.store, Killed(), feed.clock)
    assert score_batch(feed.store, scorer, feed.clock) == 0

    feed.clock.advance(seconds=LEASE.total_seconds())
    assert score_batch(feed.store, scorer, feed.clock) == 1


def test_one_that_fails_late_takes_nothing_back_of_what_another_scored_meanwhile(feed: Site) -> None:
    def another_scores() -> None:
        feed.clock.advance(seconds=LEASE.total_seconds())
        score_batch(feed.store, WordScorer(), feed.clock)

    feed.take(item("1"))
    with pytest.raises(BrokenOff):
        score_batch(feed.store, Failing(another_scores), feed.clock)

    assert feed.one(MentionBrand).label == "detractor"
    assert len(feed.rows(Score)) == 1


def test_scorers_side_by_side_score_everything_once(feed: Site) -> None:
    feed.take(*(item(str(number)) for number in range(60)))
    scorers = [WordScorer() for _ in range(3)]

    def work(scorer: WordScorer) -> None:
        while score_batch(feed.store, scorer, feed.clock, limit=7):
            pass

    together(*(partial(work, scorer) for scorer in scorers))

    assert sum(len(scorer.asked) for scorer in scorers) == len(feed.rows(Score)) == 60
    assert feed.rollups() == feed.recount()


class Picky(WordScorer):
    """A model that breaks down over one text."""

    def score(self, texts: Sequence[Text], *, progress: Callable[[int], None] | None = None) -> list[Scored]:
        if any("poison" in text.text for text in texts):
            raise BrokenOff("no such word")
        return super().score(texts)


def test_a_pair_that_cannot_be_scored_is_named_and_set_aside_and_the_rest_is_scored(feed: Site) -> None:
    feed.take(item("1"), item("2", "Aeroluz poison"), item("3"))

    with capture_logs() as logged:
        assert score_batch(feed.store, Picky(), feed.clock) == 3
        assert score_batch(feed.store, Picky(), feed.clock) == 0

    assert [pair.label for pair in feed.rows(MentionBrand)] == ["detractor", None, "detractor"]
    (entry,) = [entry for entry in logged if entry["log_level"] == "error"]
    assert (entry["event"], entry["pair"], entry["brand"], entry["error"]) == (
        "pair_not_scored", 2, "Aeroluz", "no such word",
    )  # fmt: skip
    assert feed.rollups() == feed.recount()


def test_a_pair_set_aside_is_tried_again_later(feed: Site, scorer: WordScorer) -> None:
    feed.take(item("1", "Aeroluz poison"))
    with capture_logs():
        score_batch(feed.store, Picky(), feed.clock)
    feed.clock.advance(seconds=SET_ASIDE.total_seconds() - 1)
    assert score_batch(feed.store, scorer, feed.clock) == 0
    feed.clock.advance(seconds=1)

    assert score_batch(feed.store, scorer, feed.clock) == 1


def test_more_bad_pairs_than_a_batch_holds_do_not_stop_what_comes_after_them(feed: Site) -> None:
    feed.take(*(item(str(number), "Aeroluz poison") for number in range(4)), item("5"))

    with capture_logs():
        while score_batch(feed.store, Picky(), feed.clock, limit=2):
            pass

    assert [pair.label for pair in feed.rows(MentionBrand)] == [None] * 4 + ["detractor"]


def test_a_score_that_cannot_be_stored_holds_up_no_other(feed: Site) -> None:
    class Unstorable(WordScorer):
        def score(self, texts: Sequence[Text], *, progress: Callable[[int], None] | None = None) -> list[Scored]:
            scores = super().score(texts)
            return [
                replace(score, polarity={"negative": BrokenOff}) if "poison" in text.text else score  # type: ignore[dict-item]
                for text, score in zip(texts, scores, strict=True)
            ]

    feed.take(item("1", "Aeroluz poison"), item("2"))
    with capture_logs():
        score_batch(feed.store, Unstorable(), feed.clock)

    assert [pair.label for pair in feed.rows(MentionBrand)] == [None, "detractor"]


def test_trouble_with_the_database_is_not_blamed_on_the_mentions(
    feed: Site, scorer: WordScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> int:
        raise OperationalError("INSERT", {}, Exception("database is locked"))

    feed.take(item("1"), item("2"))
    with monkeypatch.context() as trouble:
        trouble.setattr(scoring, "write_scores", locked)
        with pytest.raises(OperationalError):
            score_batch(feed.store, scorer, feed.clock)

    assert score_batch(feed.store, scorer, feed.clock) == 2
