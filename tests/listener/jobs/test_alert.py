"""Every scored pair gets a verdict of each rule; incidents are the same however the work was cut up."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from structlog.testing import capture_logs

from alerts import life
from alerts.reasons import Reason
from listener.items import Author
from listener.jobs.alert import PATIENCE, end_quiet, judge_batch, shown
from listener.store import alerting, incidents, scoring
from listener.store.engine import Store
from listener.store.tables import Alert, AlertEvent, AlertMention, Brand, MentionBrand, table
from tests.conftest import NOON, Clock
from tests.listener.conftest import BrokenOff, Site, item, together

HOUR = timedelta(hours=1)
ONLY_DETRACTORS = {"reach": False, "crisis": False, "promoter": False}


@pytest.fixture
def feed(site: Site) -> Site:
    """A store with the brand Aeroluz, which has the rule detractor alone, and one source, called feed."""
    site.brand(alerting=ONLY_DETRACTORS)
    site.source()
    return site


def judge(site: Site, limit: int = 500) -> int:
    return judge_batch(site.store, site.clock(), limit)


def verdicts(site: Site, rule: str | None = None) -> list[str | None]:
    """The reasons to show, or those of one rule."""
    return [pair.verdict if rule is None else (pair.verdicts or {}).get(rule) for pair in site.rows(MentionBrand)]


def found(site: Site) -> list[tuple[Any, ...]]:
    return [(row.opened_at - NOON, row.count) for row in site.rows(Alert)]


def timeline(site: Site) -> list[str]:
    return [row.kind for row in site.rows(AlertEvent)]


def outcome(site: Site) -> dict[str, Any]:
    """All that judging leaves, without the ids that the database chose."""
    brands = {brand.id: brand.name for brand in site.rows(Brand)}
    alerts = {row.id: (brands[row.brand_id], row.rule, row.group_key, row.opened_at) for row in site.rows(Alert)}
    return {
        "verdicts": [(pair.verdict, pair.verdicts) for pair in site.rows(MentionBrand)],
        "incidents": sorted(
            (*alerts[row.id], row.last_at, row.count, row.reach, row.severity, row.because, row.version, row.ends_at,
             row.decide_at)
            for row in site.rows(Alert)
        ),
        "members": sorted((row.mention_brand_id, *alerts[row.alert_id], row.reason) for row in site.rows(AlertMention)),
        "timelines": sorted((*alerts[row.alert_id], row.kind) for row in site.rows(AlertEvent)),
    }  # fmt: skip


def die(*_: object) -> None:
    raise BrokenOff


def test_nothing_to_judge_is_no_work(feed: Site) -> None:
    feed.take(item("1"))

    assert judge(feed) == 0


def test_a_detractor_opens_an_incident_to_be_decided_upon_at_once(feed: Site) -> None:
    feed.take(item("1", reach=7, lang="es"))
    feed.score()

    assert judge(feed) == 1

    alert = feed.one(Alert)
    assert (alert.rule, alert.opened_at, alert.count, alert.reach, alert.state) == ("detractor", NOON, 1, 7, "open")
    assert (alert.platforms, alert.languages, alert.severity) == (["rss"], ["es"], "warning")
    assert alert.because == "90% likely a detractor (alerts from 60%), reach 7"
    assert (alert.decide_at, alert.ends_at) == (NOON, NOON + timedelta(hours=12))
    assert (feed.one(AlertMention).reason, verdicts(feed)) == ("opened_incident", ["opened_incident"])
    assert timeline(feed) == ["opened"]
    off = dict.fromkeys(ONLY_DETRACTORS, "rule_off")
    assert feed.one(MentionBrand).verdicts == off | {"detractor": "opened_incident"}


def test_a_pair_is_judged_once(feed: Site) -> None:
    feed.take(item("1"))
    feed.score()

    assert [judge(feed), judge(feed)] == [1, 0]
    assert len(feed.rows(Alert)) == 1


def test_every_judged_pair_carries_a_reason_that_people_can_read(feed: Site) -> None:
    feed.brand(alerting=ONLY_DETRACTORS | {"detractor": {"min_reach": 10}})
    feed.take(
        item("love"), item("unsure", reach=10), item("few", reach=9), item("old", reach=10, minute=-25 * 60),
        item("first", reach=10), item("second", reach=10), item("unlabelled", reach=10),
    )  # fmt: skip
    feed.score({1: "promoter", 3: "detractor", 4: "detractor", 5: "detractor", 6: "detractor", 7: None})
    unsure = {"-2": 0.59, "-1": 0.0, "0": 0.41, "1": 0.0, "2": 0.0}
    feed.score({2: "detractor"}, stance=unsure)

    judge(feed)

    said = [Reason(str(verdict)) for verdict in verdicts(feed)]
    assert said == [
        Reason.NOT_A_DETRACTOR, Reason.BELOW_PROBABILITY, Reason.BELOW_REACH, Reason.TOO_OLD, Reason.OPENED_INCIDENT,
        Reason.JOINED_INCIDENT, Reason.NOT_A_DETRACTOR,
    ]  # fmt: skip


def test_mentions_within_the_window_are_one_incident_and_later_ones_another(feed: Site) -> None:
    feed.take(*(item(str(minute), minute=minute) for minute in (-600, -590, -361, -360, -130)))
    feed.score()
    judge(feed)

    assert found(feed) == [(-10 * HOUR, 3), (-6 * HOUR, 2)]


def test_growth_stands_in_the_timeline(feed: Site) -> None:
    feed.take(*(item(str(number), minute=number) for number in range(6)))
    feed.score()
    judge(feed)

    assert found(feed) == [(timedelta(0), 6)]
    assert timeline(feed) == ["opened", "grew"]
    assert feed.one(Alert).version == 6


def test_each_brand_has_incidents_of_its_own(feed: Site) -> None:
    feed.brand("Nubia")
    feed.take(item("1", "Aeroluz or Nubia?"))
    feed.score()

    assert judge(feed) == 2
    assert {row.brand_id for row in feed.rows(Alert)} == {1, 2}


def test_a_rule_that_is_off_leaves_a_verdict_and_no_incident(feed: Site) -> None:
    feed.brand(alerting=ONLY_DETRACTORS | {"detractor": False})
    feed.take(item("1"))
    feed.score()
    judge(feed)

    assert verdicts(feed) == [Reason.RULE_OFF]
    assert feed.rows(Alert) == []


def test_nobody_is_woken_for_a_competitor_unless_its_brand_says_so(feed: Site) -> None:
    feed.brand(role="competitor", alerting={})
    feed.brand("Nubia", role="competitor", alerting={"detractor": True})
    feed.take(item("1", "Aeroluz or Nubia?"))
    feed.score()
    judge(feed)

    assert verdicts(feed, "detractor") == ["rule_off", "opened_incident"]
    assert verdicts(feed, "crisis") == ["rule_off", "rule_off"]


def test_the_brands_own_posts_are_judged_by_no_rule(feed: Site) -> None:
    feed.brand(accounts=["@AeroLuz"], alerting={})
    own, other = Author("1", handle="aeroluz", followers=900_000), Author("2", handle="ana")
    feed.take(item("1", "Aeroluz: so sorry, all flights cancelled, the engine caught fire", author=own, reach=900_000))
    feed.take(item("2", author=other))
    feed.score()
    judge(feed)

    assert set((feed.rows(MentionBrand)[0].verdicts or {}).values()) == {"own_post"}
    assert verdicts(feed) == ["own_post", "opened_incident"]
    assert [(row.rule, row.count) for row in feed.rows(Alert)] == [("detractor", 1)]


def test_what_the_brand_repeats_of_others_reaches_nobody_more(feed: Site) -> None:
    feed.brand(accounts=["aeroluz"], alerting=ONLY_DETRACTORS)
    text = "Aeroluz lost my bag in Vigo and nobody at the desk would say when it comes, two days without clothes"
    for number, who in enumerate(("ana", "bea", "aeroluz")):
        feed.take(item(str(number), text, minute=number, reach=10, author=Author(str(number), handle=who)))
        feed.score()
        judge(feed)

    assert verdicts(feed) == ["opened_incident", "copy", "own_post"]
    assert [(row.count, row.reach) for row in feed.rows(Alert)] == [(1, 20)]


def test_a_mention_may_belong_to_incidents_of_several_rules(feed: Site) -> None:
    feed.brand(alerting={"reach": {"min_reach": 500}})
    feed.take(item("1", reach=499), item("2", reach=500, minute=1))
    feed.score()
    judge(feed)

    assert verdicts(feed, "detractor") == ["opened_incident", "joined_incident"]
    assert verdicts(feed, "reach") == ["not_growing", "opened_incident"]
    # What led to an incident goes first, whichever rule said so.
    assert verdicts(feed) == ["opened_incident", "opened_incident"]
    members = [(row.alert_id, row.mention_brand_id) for row in feed.rows(AlertMention)]
    assert members == [(1, 1), (1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("by_rule", "first"),
    [
        ({"a": "not_growing", "detractor": "below_probability"}, "below_probability"),
        ({"a": "joined_incident", "detractor": "below_probability"}, "joined_incident"),
        ({"a": "joined_incident", "b": "opened_incident"}, "opened_incident"),
        ({"a": "not_growing", "b": "no_crisis_words"}, "not_growing"),
        ({"a": "copy", "detractor": "rule_off"}, "copy"),
        ({}, "rule_off"),
    ],
)
def test_an_incident_goes_first_then_what_the_rule_on_detractors_said(by_rule: dict[str, str], first: str) -> None:
    assert shown(by_rule) == first


def test_what_the_filter_of_a_rule_leaves_out_is_never_shown_to_it(feed: Site) -> None:
    feed.brand(alerting=ONLY_DETRACTORS | {"detractor": {"when": "bag AND source:feed AND lang:en"}})
    feed.take(item("1"), item("2", "Aeroluz lost me"), item("3", lang="es"))
    feed.score()
    judge(feed)

    assert verdicts(feed) == ["opened_incident", "not_in_when", "not_in_when"]


def test_old_mentions_raise_no_alert_unless_their_source_says_that_they_may(feed: Site) -> None:
    feed.source("history", judge_as_new=True)
    feed.take(item("1", minute=-60 * 24 * 30))
    feed.take(item("2", minute=-60 * 24 * 30), source="history")
    feed.score()
    judge(feed)

    assert verdicts(feed) == ["too_old", "opened_incident"]


def test_an_outage_of_ours_makes_no_mention_too_old(feed: Site) -> None:
    feed.take(item("1"))
    feed.clock.advance(days=3)
    feed.score()
    judge(feed)

    assert verdicts(feed) == ["opened_incident"]


def test_a_mention_that_comes_late_opens_a_resolved_incident_again(feed: Site) -> None:
    feed.take(item("1"))
    feed.score()
    judge(feed)
    with feed.store.transaction() as session:
        incident = incidents.held(session, 1)
        assert incident is not None
        after, _ = life.resolve(incident, "ana", feed.clock())
        incidents.save(session, after, feed.clock())
    feed.take(item("2", minute=5))
    feed.score()
    judge(feed)

    alert = feed.one(Alert)
    assert (alert.state, alert.reopened, alert.count, alert.resolved_by) == ("open", 1, 2, None)
    assert timeline(feed) == ["opened", "reopened"]


def test_groups_are_kept_apart_where_the_rule_says_so(feed: Site) -> None:
    feed.brand(alerting=ONLY_DETRACTORS | {"detractor": {"group_by": ["platform", "language"]}})
    feed.take(item("1", lang="en"), item("2", lang="es"), item("3", lang="en", kind="x"), item("4", lang="en"))
    feed.score()
    judge(feed)

    assert {(row.group_key, row.count) for row in feed.rows(Alert)} == {("rss/en", 2), ("rss/es", 1), ("x/en", 1)}


def test_a_pair_is_judged_in_its_turn_though_scored_early(feed: Site) -> None:
    feed.take(item("1"), item("2", minute=1))
    feed.score({2: "detractor"})
    assert judge(feed) == 0

    feed.score({1: "detractor"})
    assert judge(feed) == 2
    assert found(feed) == [(timedelta(0), 2)]


def test_a_pair_does_not_wait_for_ever_for_one_that_nobody_scores(feed: Site) -> None:
    feed.take(item("1"), item("2"))
    feed.score({2: "detractor"})
    feed.clock.advance(seconds=PATIENCE.total_seconds())

    assert judge(feed) == 1
    assert verdicts(feed) == [None, "opened_incident"]


@pytest.mark.parametrize("stage", ["open_new", "note", "save", "end_at", "write_verdicts", "write_members"])
def test_verdicts_and_incidents_are_kept_together_or_not_at_all(
    feed: Site, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.take(item("1"), item("2"))
    feed.score()
    with monkeypatch.context() as patch:
        patch.setattr(alerting if stage.startswith("write") else incidents, stage, die)
        with pytest.raises(BrokenOff):
            judge(feed)
    assert feed.rows(Alert) == feed.rows(AlertMention) == feed.rows(AlertEvent) == []
    assert verdicts(feed) == [None, None]

    judge(feed)
    assert found(feed) == [(timedelta(0), 2)]


LOST = (
    "Aeroluz lost the bags of a whole plane on the way from Madrid to Lima and nobody at the desk knows anything "
    "about it, says our reader"
)


def test_a_copy_adds_its_reach_to_the_incident_and_is_no_mention_more(feed: Site) -> None:
    feed.take(item("1", LOST, reach=10), item("2", LOST, minute=1, reach=5))
    feed.take(item("3", LOST, minute=2, reach=3))
    feed.score()
    judge(feed)
    feed.clock.advance(hours=1)
    feed.take(item("4", LOST, minute=3, reach=100), item("5", "Aeroluz lost it", minute=4, reach=1))
    feed.score()
    judge(feed)

    alert = feed.one(Alert)
    assert (alert.count, alert.reach, alert.decide_at) == (2, 119, NOON)
    assert alert.ends_at == NOON + 13 * HOUR
    assert verdicts(feed) == ["opened_incident", "copy", "copy", "copy", "joined_incident"]
    assert [row.reason for row in feed.rows(AlertMention)] == verdicts(feed)


def test_an_original_that_comes_after_its_copy_opens_no_second_incident(feed: Site) -> None:
    feed.take(item("copy", LOST, minute=600, reach=5))
    feed.score()
    feed.clock.advance(hours=10)
    judge(feed)
    feed.take(item("original", LOST, reach=7))
    feed.score()
    judge(feed)

    assert (feed.one(Alert).count, feed.one(Alert).reach) == (1, 12)
    assert sorted(verdicts(feed), key=str) == ["copy", "opened_incident"]


def test_a_copy_by_somebody_with_more_readers_is_judged_where_reach_was_all_that_was_missing(feed: Site) -> None:
    feed.brand(alerting=ONLY_DETRACTORS | {"detractor": {"min_reach": 10}})
    feed.take(item("1", LOST, reach=1), item("2", LOST, minute=1, reach=9), item("3", LOST, minute=2, reach=500))
    feed.take(item("4", LOST, minute=3, reach=2))
    feed.score()
    judge(feed)
    feed.take(item("5", LOST, minute=4, reach=600))
    feed.score()
    judge(feed)

    assert verdicts(feed) == ["below_reach", "copy", "opened_incident", "copy", "copy"]
    assert (feed.one(Alert).count, feed.one(Alert).reach) == (1, 1102)


def test_copies_of_what_led_to_no_incident_lead_to_none(feed: Site) -> None:
    feed.brand(alerting={"reach": False, "detractor": {"min_probability": 0.95}})
    feed.take(item("1", LOST, reach=1), item("2", LOST, minute=1, reach=500))
    feed.score()
    judge(feed)

    assert verdicts(feed) == ["below_probability", "copy"]
    assert feed.rows(Alert) == []


def test_each_brand_of_a_copy_has_its_own_incident(feed: Site) -> None:
    feed.brand("Nubia", alerting=ONLY_DETRACTORS)
    feed.take(item("1", f"{LOST} Nubia", reach=1), item("2", f"{LOST} Nubia", minute=1, reach=2))
    feed.score()
    judge(feed)

    assert [(row.brand_id, row.count, row.reach) for row in feed.rows(Alert)] == [(1, 1, 3), (2, 1, 3)]


def test_a_mention_that_has_grown_is_judged_again_by_the_rules_that_held_it_for_that(feed: Site) -> None:
    feed.brand(alerting={"promoter": False, "detractor": {"min_reach": 100}, "reach": {"growth": 50}})
    feed.take(item("1", reach=10, engagement={"likes": 1, "rating": 5}), item("2", reach=10))
    feed.score()
    judge(feed)
    assert verdicts(feed, "reach") == ["not_growing", "not_growing"]

    feed.clock.advance(minutes=30)
    feed.take(item("1", reach=99, engagement={"likes": 40, "rating": 5}), item("2", reach=9))
    assert [judge(feed), judge(feed)] == [1, 0]
    assert feed.rows(Alert) == []

    feed.clock.advance(minutes=30)
    feed.take(item("1", reach=99, engagement={"likes": 61, "rating": 5}))
    assert judge(feed) == 1
    assert (verdicts(feed, "detractor"), verdicts(feed, "reach")) == (
        ["below_reach", "below_reach"], ["opened_incident", "not_growing"],
    )  # fmt: skip
    assert feed.one(Alert).because.startswith("reactions rose from 0 to 61 within 1h")

    feed.take(item("1", reach=100, engagement={"likes": 62, "rating": 5}))
    assert [judge(feed), judge(feed)] == [1, 0]
    assert verdicts(feed, "detractor") == ["opened_incident", "below_reach"]
    assert [(row.rule, row.count) for row in feed.rows(Alert)] == [("reach", 1), ("detractor", 1)]
    assert feed.rows(MentionBrand)[0].judged_at == NOON


def test_a_mention_that_has_grown_and_is_gone_is_judged_no_more(feed: Site) -> None:
    feed.brand(alerting=ONLY_DETRACTORS | {"detractor": {"min_reach": 100}})
    feed.take(item("1", reach=10))
    feed.score()
    judge(feed)
    feed.take(item("1", reach=1000))
    feed.take(item("1", "Somebody lost my bag", edited_at=NOON + HOUR))

    assert judge(feed) == 0
    assert feed.rows(Alert) == []


def test_an_incident_without_a_new_mention_is_over(feed: Site) -> None:
    feed.brand(alerting=ONLY_DETRACTORS | {"detractor": {"quiet_after": "2h", "window": "4h"}})
    feed.take(item("1"))
    feed.score()
    judge(feed)
    feed.clock.advance(hours=1)
    feed.take(item("2", minute=1))
    feed.score()
    judge(feed)
    feed.clock.advance(hours=1, minutes=59)
    assert end_quiet(feed.store, feed.clock()) == 0
    over = feed.clock.advance(minutes=1)
    assert [end_quiet(feed.store, over), end_quiet(feed.store, over)] == [1, 0]

    alert = feed.one(Alert)
    assert (alert.state, alert.resolved_at, alert.resolved_by, alert.resolved_why) == ("resolved", over, None, "quiet")
    assert (alert.decide_at, alert.ends_at) == (NOON, None)
    assert timeline(feed) == ["opened", "ended"]

    feed.take(item("3", minute=2))
    feed.score()
    judge(feed)
    assert (feed.one(Alert).state, feed.one(Alert).ends_at) == ("open", over + 2 * HOUR)


def test_imported_history_ends_as_long_after_its_import(feed: Site) -> None:
    feed.source("history", judge_as_new=True)
    feed.take(*(item(str(day), minute=-60 * 24 * day) for day in range(100, 110)), source="history")
    feed.score()
    judge(feed)
    feed.clock.advance(hours=24)

    assert end_quiet(feed.store, feed.clock(), limit=6) == 6
    assert end_quiet(feed.store, feed.clock(), limit=6) == 4
    assert {row.state for row in feed.rows(Alert)} == {"resolved"}


def test_what_a_person_resolved_or_opened_again_ends_no_second_time(feed: Site) -> None:
    feed.take(item("1"))
    feed.score()
    judge(feed)
    with feed.store.transaction() as session:
        incident = incidents.held(session, 1)
        assert incident is not None
        incidents.save(session, life.resolve(incident, "ana", feed.clock())[0], feed.clock())
    feed.clock.advance(hours=24)
    assert [end_quiet(feed.store, feed.clock()), end_quiet(feed.store, feed.clock())] == [1, 0]
    assert feed.one(Alert).resolved_by == "ana"
    with feed.store.transaction() as session:
        incident = incidents.held(session, 1)
        assert incident is not None
        incidents.save(session, life.reopen(incident, "ana", feed.clock())[0], feed.clock())
    feed.clock.advance(days=30)

    assert end_quiet(feed.store, feed.clock()) == 0
    assert feed.one(Alert).state == "open"


MINUTES = st.lists(st.tuples(st.integers(-600, 0), st.booleans(), st.integers(0, 3)), max_size=25)
TEXTS = ("Aeroluz", "Nubia", "Aeroluz or Nubia", LOST)


def filled(site: Site, mentions: list[tuple[int, bool, int]]) -> None:
    """Mentions of two brands, some of them detractors and some copies, on a fresh store."""
    for name in ("Aeroluz", "Nubia"):
        site.brand(name, alerting={"detractor": {"grow_at": [2, 4]}, "reach": {"min_reach": 20}})
    site.source()
    site.take(
        *(
            item(str(place), TEXTS[text], minute=at, reach=place)
            for place, (at, _, text) in enumerate(mentions)
        )
    )  # fmt: skip
    against = {pair.id: mentions[pair.mention_id - 1][1] for pair in site.rows(MentionBrand)}
    site.score({pair: "detractor" if is_against else "passive" for pair, is_against in against.items()})


class Fresh:
    """Migrated SQLite files, as many as are asked for."""

    def __init__(self, template: Path, folder: Path) -> None:
        self._template = template.read_bytes()
        self._folder = folder
        self._made = 0

    def __call__(self) -> Site:
        self._made += 1
        path = self._folder / f"{self._made}.db"
        path.write_bytes(self._template)
        return Site(Store(f"sqlite:///{path}"), Clock())


@pytest.fixture
def fresh(_sqlite_template: Path, tmp_path: Path) -> Fresh:
    return Fresh(_sqlite_template, tmp_path)


@given(mentions=MINUTES, limits=st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=8))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_outcome_is_the_same_whatever_the_batches_and_wherever_one_dies(
    fresh: Fresh, mentions: list[tuple[int, bool, int]], limits: list[tuple[int, bool]]
) -> None:
    whole, cut = fresh(), fresh()
    for site in (whole, cut):
        filled(site, mentions)
    while judge(whole):
        pass
    for limit, dies in limits:
        with pytest.MonkeyPatch.context() as patch, suppress(BrokenOff):
            if dies:
                patch.setattr(incidents, "end_at", die)
            judge(cut, limit=limit)
    while judge(cut, limit=limits[0][0]):
        pass

    assert outcome(cut) == outcome(whole)
    for site in (whole, cut):
        site.store.close()


def test_judges_side_by_side_decide_every_incident_once(site: Site, fresh: Fresh) -> None:
    mentions = [(-(number * 37) % 600 - 600, number % 3 != 0, number % 4) for number in range(60)]
    alone = fresh()
    for some in (site, alone):
        filled(some, mentions)
    while judge(alone):
        pass

    def work() -> int:
        judged = 0
        while found := judge(site, limit=5):
            judged += found
        return judged

    judged = together(*[work] * 3)

    assert sum(judged) == len(site.rows(MentionBrand))
    assert outcome(site) == outcome(alone)
    alone.store.close()


def test_no_acknowledgement_is_lost_to_a_judge_at_work(feed: Site) -> None:
    """People press buttons while mentions pour in: what both wrote is there, however they met."""
    feed.take(item("0"))
    feed.score()
    judge(feed)
    feed.take(*(item(str(number), minute=number / 10) for number in range(1, 61)))
    feed.score()

    def work() -> int:
        while judge(feed, limit=3):
            pass
        return 0

    def press() -> int:
        for number in range(20):
            with feed.store.transaction() as session:
                incident = incidents.held(session, 1)
                assert incident is not None
                after, event = life.assign(incident, "ana", f"person {number}", feed.clock())
                assert event is not None
                incidents.save(session, after, feed.clock())
                incidents.note(session, 1, [event])
        return 0

    together(work, press, work)

    alert = feed.one(Alert)
    assert (alert.count, alert.assigned_to) == (61, "person 19")
    # One for the opening, one for each of the others, one for each press: none was written over.
    assert alert.version == 1 + 60 + 20


@pytest.mark.postgres
def test_who_ends_incidents_passes_over_one_that_somebody_holds(postgres_feed: Site) -> None:
    postgres_feed.brand(alerting=ONLY_DETRACTORS | {"detractor": {"window": "1h"}})
    postgres_feed.take(item("1"), item("2", minute=90))
    postgres_feed.score()
    judge(postgres_feed)
    over = postgres_feed.clock.advance(hours=25)
    with postgres_feed.store.transaction() as session:
        assert incidents.held(session, 1) is not None
        (ended,) = together(lambda: end_quiet(postgres_feed.store, over))

    assert ended == 1
    assert [row.state for row in postgres_feed.rows(Alert)] == ["open", "resolved"]
    assert end_quiet(postgres_feed.store, over) == 1


def unreadable(site: Site, name: str) -> None:
    """What the row of a brand says no longer reads, as after an upgrade."""
    with site.store.transaction() as session:
        brand = table(Brand)
        said = {"detractor": {"min_probability": 80}}
        session.connection().execute(update(brand).where(brand.c.name == name).values(alerting=said))


def test_a_brand_that_cannot_be_judged_stops_no_other_and_loses_nothing(site: Site) -> None:
    for name in ("Abc", "Xyz"):
        site.brand(name, alerting=ONLY_DETRACTORS)
    site.source()
    unreadable(site, "Abc")
    site.take(item("1", "Abc or Xyz"))
    site.score()

    with capture_logs() as logged:
        assert judge(site) == 1
        # Now there is nothing else to do: the caller must wait before it tries again.
        with pytest.raises(ValueError, match="min_probability lies between 0 and 1"):
            judge(site)

    assert sorted(verdicts(site), key=str) == [None, "opened_incident"]
    failed = [entry for entry in logged if entry["event"] == "brand_not_judged"]
    assert [(entry["brand_id"], entry["exc_info"]) for entry in failed] == [(site.id_of(Brand, "Abc"), True)] * 2

    site.brand("Abc", alerting=ONLY_DETRACTORS)
    assert judge(site) == 1
    assert verdicts(site) == ["opened_incident", "opened_incident"]


def test_nobody_waits_for_a_pair_that_was_set_aside(feed: Site) -> None:
    feed.take(item("1"), item("2"))
    feed.score({2: "detractor"})
    with feed.store.transaction() as session:
        scoring.set_aside(session, 1, feed.clock() + timedelta(hours=1))

    assert judge(feed) == 1
    assert verdicts(feed) == [None, "opened_incident"]
