"""A store in which every stage has left something."""

from datetime import timedelta

import pytest

from alerts.policy import Policy
from listener.jobs.alert import judge_batch
from listener.jobs.decide import decide_batch
from listener.jobs.score import score_batch
from listener.store import claims
from listener.store.deliveries import Claim
from listener.store.tables import (
    Alert,
    AlertEvent,
    AlertMention,
    Author,
    Brand,
    DecisionLog,
    Delivery,
    Mention,
    MentionBand,
    MentionBrand,
    Notification,
    RollupFacet,
    RollupHour,
    Score,
    Setting,
    Tombstone,
    table,
)
from tests.listener.conftest import Site, item
from tests.listener.conftest import WordScorer as Scorer


@pytest.fixture
def busy(feed: Site, scorer: Scorer) -> Site:
    """Two brands; a detractor that opened an incident, a promoter, a mention of both that is unscored."""
    feed.brand("Nubia")
    feed.take(item("1", "Aeroluz lost my bag"), item("2", "I love Nubia", kind="x"))
    score_batch(feed.store, scorer, feed.clock)
    judge_and_decide(feed)
    feed.take(item("3", "Aeroluz or Nubia?"))
    return feed


def judge_and_decide(site: Site, *channels: str) -> None:
    """Let the stages between scoring and sending do what there is to do, with these channels, or with the log."""
    while judge_batch(site.store, site.clock()):
        pass
    while decide_batch(site.store, Policy(), dict.fromkeys(channels or ("log",), False), "http://here", site.clock()):
        pass


def claim(site: Site, channel: str = "log") -> Claim:
    """Take the channel's next delivery, which must be there."""
    with site.store.transaction() as session:
        taken = claims.claim(session, channel, site.clock(), timedelta(seconds=60), timedelta(0))
    assert taken is not None
    return taken


def emptied(site: Site) -> None:
    """Two brands and one source, and nothing said: what a test with many examples begins each with."""
    with site.store.transaction() as session:
        for model in (
            Score, AlertMention, AlertEvent, DecisionLog, Notification, Delivery, RollupHour, RollupFacet, Alert,
            MentionBrand, MentionBand, Mention, Author, Tombstone, Brand, Setting,
        ):  # fmt: skip
            session.connection().execute(table(model).delete())
    site.brand("Aeroluz")
    site.brand("Nubia")
    site.source()
