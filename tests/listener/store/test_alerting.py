"""Which pairs are judged, in which order, and what is kept of it."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from time import sleep
from typing import Any

import pytest

from alerts.grouping import Incident
from alerts.mentions import ScoredMention
from listener.items import Author as Speaker
from listener.store import alerting
from listener.store.tables import Alert, AlertMention, Brand, MentionBrand
from tests.conftest import NOON
from tests.listener.conftest import Site, item, together

PATIENCE = timedelta(minutes=2)


def unjudged(site: Site, limit: int = 10) -> list[ScoredMention]:
    brand = next(row for row in site.rows(Brand) if row.name == "Aeroluz")
    with site.store.transaction() as session:
        return alerting.unjudged(session, brand, limit, site.clock(), PATIENCE)


def ids(site: Site, limit: int = 10) -> list[int]:
    return [mention.id for mention in unjudged(site, limit)]


@pytest.fixture
def three(feed: Site) -> Site:
    """Three mentions of Aeroluz, as the pairs 1, 2 and 3, unscored."""
    feed.take(*(item(str(number)) for number in (1, 2, 3)))
    return feed


def test_a_scored_pair_is_handed_out_with_all_that_a_rule_may_want(feed: Site) -> None:
    feed.take(
        item("1", "Oh, Aeroluz", url="https://news.example/1", reach=7, lang="es", author=Speaker("a", "ana", "Ana"))
    )
    feed.clock.advance(minutes=1)
    feed.score({1: "detractor"})

    (mention,) = unjudged(feed)

    assert mention == ScoredMention(
        id=1, brand="Aeroluz", text="Oh, Aeroluz", source="rss", created_at=NOON, collected_at=NOON,
        label="detractor", stance={"-2": 0.9, "-1": 0.0, "0": 0.1, "1": 0.0, "2": 0.0},
        polarity={"negative": 0.9, "neutral": 0.1, "positive": 0.0}, model="words", revision="1",
        url="https://news.example/1", author="ana", lang="es", reach=7, spans=((4, 11),), judge_as_new=False,
    )  # fmt: skip


def test_language_and_author_come_from_where_they_are_known(feed: Site) -> None:
    feed.take(item("1", author=Speaker("a", None, "Ana")))
    feed.score(lang="pt")

    (mention,) = unjudged(feed)
    assert (mention.lang, mention.author) == ("pt", "Ana")


def test_a_source_says_whether_its_mentions_are_judged_as_new(feed: Site) -> None:
    feed.source("import", judge_as_new=True)
    feed.take(item("1"), source="import")
    feed.take(item("2"))
    feed.score()

    assert [mention.judge_as_new for mention in unjudged(feed)] == [True, False]


def test_the_latest_score_is_the_one_that_is_judged(feed: Site) -> None:
    feed.take(item("1"))
    feed.score({1: "detractor"})
    feed.score({1: "promoter"}, model="better")

    assert [(mention.label, mention.model) for mention in unjudged(feed)] == [("promoter", "better")]


def test_pairs_are_judged_once_and_in_order(three: Site) -> None:
    three.score({3: "passive", 1: "passive", 2: "passive"})
    assert ids(three, limit=2) == [1, 2]
    with three.store.transaction() as session:
        alerting.write_verdicts(session, {1: "not_a_detractor", 2: "below_reach"}, three.clock())

    assert ids(three) == [3]
    judged = three.rows(MentionBrand)[:2]
    assert [(pair.verdict, pair.judged_at) for pair in judged] == [
        ("not_a_detractor", NOON),
        ("below_reach", NOON),
    ]


def test_a_pair_waits_for_an_earlier_one_that_is_unscored_still(three: Site) -> None:
    three.score({1: "passive", 3: "passive"})

    assert ids(three) == [1]
    three.score({2: "passive"})
    assert ids(three) == [1, 2, 3]


def test_a_pair_waits_no_longer_than_patience(three: Site) -> None:
    three.score({3: "passive"})
    three.clock.advance(seconds=119)
    assert ids(three) == []
    three.clock.advance(seconds=1)
    assert ids(three) == [3]


def test_a_brand_does_not_wait_for_another_ones_pairs(feed: Site) -> None:
    feed.brand("Nubia")
    feed.take(item("1", "Nubia"), item("2", "Aeroluz"))
    feed.score({2: "passive"})

    assert ids(feed) == [2]


def test_brands_with_something_to_judge_are_named(feed: Site) -> None:
    nubia = feed.brand("Nubia")
    feed.take(item("1", "Nubia"), item("2", "Aeroluz"))
    feed.score({1: "passive"})

    with feed.store.reading() as session:
        assert alerting.brands_to_judge(session) == [nubia]


def test_an_incident_is_stored_grown_and_found_by_when_it_was_opened(feed: Site) -> None:
    brand = feed.one(Brand)
    incident = Incident(None, "Aeroluz", "detractor", NOON, NOON, count=1, reach=5, notified_count=0)
    with feed.store.transaction() as session:
        known = replace(incident, id=alerting.open_alert(session, brand, incident, feed.clock()))
        grown = replace(known, last_at=NOON + timedelta(hours=1), count=2, reach=9, notified_count=2)
        alerting.update_alert(session, grown)

    def found(rule: str, start: timedelta, end: timedelta) -> list[Incident]:
        with feed.store.reading() as session:
            return alerting.incidents_between(session, brand, rule, NOON + start, NOON + end)

    hour = timedelta(hours=1)
    assert found("detractor", -hour, hour) == [grown]
    assert (
        found("spike", -hour, hour) == found("detractor", hour, 2 * hour) == found("detractor", -hour * 2, -hour) == []
    )
    assert feed.one(Alert).created_at == feed.clock()


def test_a_member_is_kept_once_with_its_reason(feed: Site) -> None:
    feed.take(item("1"))
    incident = Incident(None, "Aeroluz", "detractor", NOON, NOON, 1, 0, 0)
    row: dict[str, Any] = {"mention_brand_id": 1, "reason": "incident_opened"}
    brand = feed.one(Brand)
    with feed.store.transaction() as session:
        row["alert_id"] = alerting.open_alert(session, brand, incident, feed.clock())
        alerting.write_members(session, [row])
        alerting.write_members(session, [row | {"reason": "already_notified"}])

    assert feed.one(AlertMention).reason == "incident_opened"


def test_a_brand_has_one_judge_at_a_time(feed: Site) -> None:
    inside: list[str] = []

    def judge(name: str) -> None:
        with feed.store.transaction() as session:
            alerting.lock_brand(session, 1)
            inside.append(name)
            sleep(0.05)
            inside.append(name)

    together(*(partial(judge, name) for name in "abc"))

    assert inside[::2] == inside[1::2]


@pytest.mark.postgres
def test_intake_does_not_wait_for_a_judge(postgres_feed: Site) -> None:
    with postgres_feed.store.transaction() as session:
        alerting.lock_brand(session, 1)
        (taken,) = together(partial(postgres_feed.take, item("1")))

    assert taken.pairs == 1
