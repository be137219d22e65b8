"""Which pairs are judged, in which order, and what is kept of it."""

from datetime import timedelta
from functools import partial
from threading import Event
from time import sleep

import pytest

from alerts.incident import Incident
from alerts.mentions import Reading, ScoredMention
from listener.items import Author as Speaker
from listener.store import alerting, incidents, relevance
from listener.store.alerting import Grown, Spoken
from listener.store.tables import AlertMention, Brand, MentionBrand
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
        item(
            "1", "Oh, Aeroluz", url="https://news.example/1", reach=7, lang="es",
            author=Speaker("a", "ana", "Ana", followers=90), engagement={"likes": 3, "views": 70},
        )
    )  # fmt: skip
    feed.clock.advance(minutes=1)
    feed.score({1: "detractor"}, complaint=0.25)

    (mention,) = unjudged(feed)

    assert mention == ScoredMention(
        id=1, brand="Aeroluz", text="Oh, Aeroluz", source="rss", created_at=NOON, collected_at=NOON,
        label="detractor", stance={"-2": 0.9, "-1": 0.0, "0": 0.1, "1": 0.0, "2": 0.0},
        polarity={"negative": 0.9, "neutral": 0.1, "positive": 0.0}, model="words", revision="1",
        url="https://news.example/1", author="ana", lang="es", reach=7, spans=((4, 11),), judge_as_new=False,
        complaint=0.25, feed="feed", followers=90, readings=(Reading(NOON, 3),),
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
        said = {1: ("not_a_detractor", {"detractor": "not_a_detractor"}), 2: ("copy", {"a": "copy", "b": "copy"})}
        alerting.write_verdicts(session, said, three.clock())

    assert ids(three) == [3]
    judged = three.rows(MentionBrand)[:2]
    assert [(pair.verdict, pair.verdicts, pair.judged_at) for pair in judged] == [
        ("not_a_detractor", {"detractor": "not_a_detractor"}, NOON),
        ("copy", {"a": "copy", "b": "copy"}, NOON),
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


def judged(site: Site, said: dict[int, dict[str, str]]) -> None:
    with site.store.transaction() as session:
        verdicts = {pair: (next(iter(by_rule.values())), by_rule) for pair, by_rule in said.items()}
        alerting.write_verdicts(session, verdicts, site.clock())


def grown(site: Site, limit: int = 10) -> list[Grown]:
    with site.store.transaction() as session:
        return alerting.grown(session, site.rows(Brand)[0], limit)


@pytest.mark.parametrize(
    ("change", "has_grown"),
    [
        ({"reach": 8}, True), ({"reach": 6}, False), ({"engagement": {"likes": 4}}, True),
        ({"engagement": {"likes": 2}}, False), ({"engagement": {"likes": 3, "views": 900}}, False),
        ({"reach": 6, "engagement": {"likes": 4}}, True), ({}, False),
    ],
)  # fmt: skip
def test_a_judged_pair_whose_numbers_have_risen_is_handed_out_again_until_it_is_judged(
    feed: Site, change: dict[str, object], has_grown: bool
) -> None:
    feed.take(item("1", reach=7, engagement={"likes": 3}))
    feed.score()
    judged(feed, {1: {"detractor": "below_reach"}})
    feed.clock.advance(hours=1)
    feed.take(item("1", **{"reach": 7, "engagement": {"likes": 3}, **change}))

    found = grown(feed)
    assert [(one.mention.id, dict(one.verdicts)) for one in found] == [(1, {"detractor": "below_reach"})] * has_grown
    with feed.store.reading() as session:
        assert alerting.brands_to_judge(session) == [1] * has_grown
    judged(feed, {1: {"detractor": "opened_incident"}})
    assert grown(feed) == []
    assert feed.one(MentionBrand).judged_at == NOON


def test_what_is_unjudged_hidden_or_edited_is_not_handed_out_as_grown(three: Site) -> None:
    three.score()
    judged(three, {1: {"detractor": "below_reach"}, 2: {"detractor": "below_reach"}})
    three.take(*(item(str(number), reach=9) for number in (1, 2, 3)))
    assert [one.mention.id for one in grown(three)] == [1, 2]
    assert [one.mention.id for one in grown(three, limit=1)] == [1]

    three.take(item("1", "Aeroluz found my bag", reach=9, edited_at=NOON))
    assert [one.mention.id for one in grown(three)] == [2]
    with three.store.transaction() as session:
        relevance.say(session, 2, relevant=False, now=three.clock(), by="ana")
    assert grown(three) == []


def opened(site: Site, rule: str, minute: float = 0) -> int:
    at = NOON + timedelta(minutes=minute)
    with site.store.transaction() as session:
        return incidents.open_new(session, 1, Incident(None, "Aeroluz", rule, at, at, 1, 0), site.clock())


def test_incidents_are_found_by_when_their_rule_opened_them_and_by_their_ids(feed: Site) -> None:
    first, other, late, asked = (opened(feed, *one) for one in (("a", 0), ("b", 0), ("a", 90), ("c", 0)))
    hour = timedelta(hours=1)
    horizon = {"a": (NOON - hour, NOON + hour), "b": (NOON + hour, NOON + 2 * hour)}

    with feed.store.transaction() as session:
        assert [one.id for one in incidents.near(session, 1, horizon, [asked])] == [first, asked]
        assert [one.id for one in incidents.near(session, 2, horizon)] == []
        assert [one.id for one in incidents.near(session, 1, {}, [late, other])] == [other, late]
        assert incidents.near(session, 1, {}) == []


@pytest.mark.postgres
def test_incidents_that_a_judge_has_found_are_held(postgres_feed: Site) -> None:
    opened(postgres_feed, "a")
    order: list[str] = []

    def press() -> None:
        with postgres_feed.store.transaction() as session:
            assert incidents.held(session, 1) is not None
            order.append("pressed")

    def judge() -> None:
        with postgres_feed.store.transaction() as session:
            incidents.near(session, 1, {}, [1])
            inside.set()
            sleep(0.2)
            order.append("judged")

    inside = Event()
    together(judge, lambda: inside.wait(10) and press())

    assert order == ["judged", "pressed"]


def test_a_member_is_kept_once_with_its_reason(feed: Site) -> None:
    feed.take(item("1"))
    row = {"mention_brand_id": 1, "reason": "opened_incident", "alert_id": opened(feed, "detractor")}
    with feed.store.transaction() as session:
        alerting.write_members(session, [row])
        alerting.write_members(session, [row | {"reason": "copy"}])

    assert feed.one(AlertMention).reason == "opened_incident"


LOST = (
    "Aeroluz lost the bags of a whole plane on the way from Madrid to Lima and nobody at the desk knows anything "
    "about it, says our reader"
)


def test_what_was_said_of_a_cluster_is_known_by_rule(feed: Site) -> None:
    feed.take(*(item(str(number), LOST, minute=number) for number in range(4)), item("alone"))
    feed.score()
    with feed.store.transaction() as session:
        counted = alerting.clusters_of(session, [1, 2, 3, 4, 5])
        assert counted == dict.fromkeys([1, 2, 3, 4], 1)
        assert alerting.spoken_for(session, {1}) == {}
    judged(feed, {2: {"detractor": "copy", "reach": "copy"}})
    with feed.store.transaction() as session:
        assert alerting.spoken_for(session, {1}) == {1: Spoken()}
    judged(feed, {1: {"detractor": "below_reach", "reach": "not_growing", "crisis": "no_crisis_words"}})
    first, again = opened(feed, "detractor"), opened(feed, "detractor", 900)
    with feed.store.transaction() as session:
        rows = [{"alert_id": again, "mention_brand_id": 1}, {"alert_id": first, "mention_brand_id": 2}]
        alerting.write_members(session, [row | {"reason": "copy"} for row in rows])
        assert alerting.spoken_for(session, {1}) == {1: Spoken({"detractor": first}, {"detractor", "reach"})}


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
