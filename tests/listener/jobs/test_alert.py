"""Every scored pair gets a verdict; incidents and deliveries are the same however the work was cut up."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from alerts.notice import Notice
from alerts.reasons import Reason
from listener.jobs.alert import PATIENCE, judge_batch
from listener.store import alerting, deliveries, scoring
from listener.store.engine import Store
from listener.store.tables import Alert, AlertMention, Brand, ChannelState, Delivery, MentionBrand
from tests.conftest import NOON, Clock
from tests.listener.conftest import BrokenOff, Site, item, together

HOUR = timedelta(hours=1)


def judge(site: Site, channels: tuple[str, ...] = ("log", "slack"), limit: int = 500) -> int:
    return judge_batch(site.store, channels, "http://here", site.clock(), limit)


def verdicts(site: Site) -> list[str | None]:
    return [pair.verdict for pair in site.rows(MentionBrand)]


def incidents(site: Site) -> list[tuple[Any, ...]]:
    return [(row.opened_at - NOON, row.count, row.notified_count) for row in site.rows(Alert)]


def told(site: Site) -> list[tuple[str, str]]:
    return [(row.channel, row.reason) for row in site.rows(Delivery)]


def outcome(site: Site) -> dict[str, Any]:
    """All that judging leaves, without the ids that the database chose."""
    brands = {brand.id: brand.name for brand in site.rows(Brand)}
    alerts = {row.id: (brands[row.brand_id], row.opened_at, row.last_at) for row in site.rows(Alert)}
    notices = {row.id: Notice.from_json(row.notice) for row in site.rows(Delivery)}
    return {
        "verdicts": verdicts(site),
        "incidents": sorted(
            (*alerts[row.id], row.count, row.reach, row.notified_count) for row in site.rows(Alert)
        ),
        "members": sorted((row.mention_brand_id, *alerts[row.alert_id], row.reason) for row in site.rows(AlertMention)),
        "deliveries": sorted(
            (row.key, row.channel, *alerts[row.alert_id], row.reason, notices[row.id].count, notices[row.id].why)
            for row in site.rows(Delivery)
        ),
    }  # fmt: skip


def die(*_: object) -> None:
    raise BrokenOff


def test_nothing_to_judge_is_no_work(feed: Site) -> None:
    feed.take(item("1"))

    assert judge(feed) == 0


def test_a_detractor_opens_an_incident_and_every_channel_is_told(feed: Site) -> None:
    feed.take(item("1", reach=7))
    feed.score()

    assert judge(feed) == 1

    alert = feed.one(Alert)
    assert (alert.rule, alert.opened_at, alert.count, alert.reach, alert.notified_count) == ("detractor", NOON, 1, 7, 1)
    assert told(feed) == [("log", "incident_opened"), ("slack", "incident_opened")]
    assert (feed.one(AlertMention).reason, verdicts(feed)) == ("incident_opened", ["opened_incident"])
    row = feed.rows(Delivery)[0]
    notice = Notice.from_json(row.notice)
    assert (row.key, row.kind, row.alert_id, row.state) == (notice.key, "opened", alert.id, "pending")
    assert (notice.incident_url, notice.mention.text) == ("http://here/alerts/1", "Aeroluz lost my bag")


def test_a_pair_is_judged_once(feed: Site) -> None:
    feed.take(item("1"))
    feed.score()

    assert [judge(feed), judge(feed)] == [1, 0]
    assert len(feed.rows(Alert)) == 1


def test_every_judged_pair_carries_a_reason_that_people_can_read(feed: Site) -> None:
    feed.brand(alerting={"detractor": {"min_reach": 10}})
    feed.take(
        item("love"), item("unsure", reach=10), item("few", reach=9), item("old", reach=10, minute=-25 * 60),
        item("first", reach=10), item("second", reach=10), item("unlabelled", reach=10),
    )  # fmt: skip
    feed.score({1: "promoter", 3: "detractor", 4: "detractor", 5: "detractor", 6: "detractor", 7: None})
    unsure = {"-2": 0.59, "-1": 0.0, "0": 0.41, "1": 0.0, "2": 0.0}
    feed.score({2: "detractor"}, stance=unsure)

    judge(feed)

    found = [Reason(verdict) for verdict in verdicts(feed)]
    assert found == [
        Reason.NOT_A_DETRACTOR, Reason.BELOW_PROBABILITY, Reason.BELOW_REACH, Reason.TOO_OLD, Reason.OPENED_INCIDENT,
        Reason.JOINED_INCIDENT, found[6],
    ]  # fmt: skip
    assert all(reason.sentence for reason in found)


def test_mentions_within_the_window_are_one_incident_and_later_ones_another(feed: Site) -> None:
    feed.take(*(item(str(minute), minute=minute) for minute in (-600, -590, -361, -360, -130)))
    feed.score()
    judge(feed)

    assert incidents(feed) == [(-10 * HOUR, 3, 1), (-6 * HOUR, 2, 1)]


def test_people_are_told_again_when_an_incident_has_grown(feed: Site) -> None:
    feed.take(*(item(str(number), minute=number) for number in range(6)))
    feed.score()
    judge(feed, ("log",))

    assert incidents(feed) == [(timedelta(0), 6, 5)]
    assert told(feed) == [("log", "incident_opened"), ("log", "incident_grew")]
    assert [row.reason for row in feed.rows(AlertMention)] == [
        "incident_opened", *["already_notified"] * 3, "incident_grew", "already_notified",
    ]  # fmt: skip


def test_each_brand_has_incidents_of_its_own(feed: Site) -> None:
    feed.brand("Nubia")
    feed.take(item("1", "Aeroluz or Nubia?"))
    feed.score()

    assert judge(feed) == 2
    assert {row.brand_id for row in feed.rows(Alert)} == {1, 2}


def test_a_rule_that_is_off_leaves_a_verdict_and_no_incident(feed: Site) -> None:
    feed.brand(role="competitor", alerting={"detractor": False})
    feed.take(item("1"))
    feed.score()
    judge(feed)

    assert verdicts(feed) == [Reason.RULE_OFF]
    assert feed.rows(Alert) == []


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


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        (None, [("log", "incident_opened"), ("slack", "incident_opened")]),
        (["slack"], [("slack", "incident_opened")]),
        (["slack", "not here"], [("slack", "incident_opened")]),
        ([], []),
    ],
)
def test_a_brand_may_be_limited_to_some_channels(
    feed: Site, channels: list[str] | None, expected: list[tuple[str, str]]
) -> None:
    feed.brand(channels=channels)
    feed.take(item("1"))
    feed.score()
    judge(feed)

    assert told(feed) == expected
    assert feed.one(AlertMention).reason == ("incident_opened" if expected else "no_channel")


def test_a_channel_that_is_off_is_passed_over_and_without_any_the_opening_is_told_later(feed: Site) -> None:
    with feed.store.transaction() as session:
        session.add(ChannelState(name="log", not_before=NOON, disabled_at=NOON, disabled_reason="no_service"))
    feed.take(item("1"))
    feed.score()
    judge(feed, ("log",))
    assert told(feed) == []
    assert feed.one(AlertMention).reason == "channel_disabled"

    feed.take(item("2", minute=1))
    feed.score()
    judge(feed, ("log", "slack"))
    assert told(feed) == [("slack", "incident_opened")]


def test_a_pair_is_judged_in_its_turn_though_scored_early(feed: Site) -> None:
    feed.take(item("1"), item("2", minute=1))
    feed.score({2: "detractor"})
    assert judge(feed) == 0

    feed.score({1: "detractor"})
    assert judge(feed) == 2
    assert incidents(feed) == [(timedelta(0), 2, 1)]


def test_a_pair_does_not_wait_for_ever_for_one_that_nobody_scores(feed: Site) -> None:
    feed.take(item("1"), item("2"))
    feed.score({2: "detractor"})
    feed.clock.advance(seconds=PATIENCE.total_seconds())

    assert judge(feed) == 1
    assert verdicts(feed) == [None, "opened_incident"]


@pytest.mark.parametrize("stage", ["write_verdicts", "write_members", "put"])
def test_verdicts_incidents_and_deliveries_are_kept_together_or_not_at_all(
    feed: Site, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.take(item("1"), item("2"))
    feed.score()
    with monkeypatch.context() as patch:
        patch.setattr(deliveries if stage == "put" else alerting, stage, die)
        with pytest.raises(BrokenOff):
            judge(feed)
    assert feed.rows(Alert) == feed.rows(AlertMention) == feed.rows(Delivery) == []
    assert verdicts(feed) == [None, None]

    judge(feed)
    assert incidents(feed) == [(timedelta(0), 2, 1)]
    assert len(told(feed)) == 2


LOST = (
    "Aeroluz lost the bags of a whole plane on the way from Madrid to Lima and nobody at the desk knows anything "
    "about it, says our reader"
)


def test_a_copy_adds_its_reach_to_the_incident_and_is_no_mention_more(feed: Site) -> None:
    feed.take(item("1", LOST, reach=10), item("2", LOST, minute=1, reach=5))
    feed.take(item("3", LOST, minute=2, reach=3))
    feed.score()
    judge(feed)
    feed.take(item("4", LOST, minute=3, reach=100), item("5", "Aeroluz lost it", minute=4, reach=1))
    feed.score()
    judge(feed)

    alert = feed.one(Alert)
    assert (alert.count, alert.reach) == (2, 119)
    assert verdicts(feed) == ["opened_incident", "copy", "copy", "copy", "joined_incident"]
    assert [row.reason for row in feed.rows(AlertMention)] == [
        "incident_opened", "copy", "copy", "copy", "already_notified",
    ]  # fmt: skip


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


def test_copies_of_what_led_to_no_incident_lead_to_none(feed: Site) -> None:
    feed.brand(alerting={"detractor": {"min_reach": 10}})
    feed.take(item("1", LOST, reach=1), item("2", LOST, minute=1, reach=500))
    feed.score()
    judge(feed)

    assert verdicts(feed) == ["below_reach", "copy"]
    assert feed.rows(Alert) == []


def test_each_brand_of_a_copy_has_its_own_incident(feed: Site) -> None:
    feed.brand("Nubia")
    feed.take(item("1", f"{LOST} Nubia", reach=1), item("2", f"{LOST} Nubia", minute=1, reach=2))
    feed.score()
    judge(feed)

    assert [(row.brand_id, row.count, row.reach) for row in feed.rows(Alert)] == [(1, 1, 3), (2, 1, 3)]


MINUTES = st.lists(st.tuples(st.integers(-600, 0), st.booleans()), max_size=25)


def filled(site: Site, mentions: list[tuple[int, bool]]) -> None:
    """Mentions of two brands, some of them detractors, on a fresh store."""
    for name in ("Aeroluz", "Nubia"):
        site.brand(name, alerting={"detractor": {"grow_at": [2, 4]}})
    site.source()
    texts = ("Aeroluz", "Nubia", "Aeroluz or Nubia")
    site.take(*(item(str(place), texts[place % 3], minute=at) for place, (at, _) in enumerate(mentions)))
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
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_outcome_is_the_same_whatever_the_batches_and_wherever_one_dies(
    fresh: Fresh, mentions: list[tuple[int, bool]], limits: list[tuple[int, bool]]
) -> None:
    whole, cut = fresh(), fresh()
    for site in (whole, cut):
        filled(site, mentions)
    while judge(whole):
        pass
    for limit, dies in limits:
        with pytest.MonkeyPatch.context() as patch, suppress(BrokenOff):
            if dies:
                patch.setattr(deliveries, "put", die)
            judge(cut, limit=limit)
    while judge(cut, limit=limits[0][0]):
        pass

    assert outcome(cut) == outcome(whole)
    for site in (whole, cut):
        site.store.close()


def test_judges_side_by_side_decide_every_incident_once(site: Site, fresh: Fresh) -> None:
    mentions = [(-(number * 37) % 600 - 600, number % 3 != 0) for number in range(60)]
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


def test_a_brand_that_cannot_be_judged_stops_no_other(site: Site) -> None:
    site.brand("Abc", alerting={"detractor": {"min_probability": 80}})
    site.brand("Xyz")
    site.source()
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


def test_nobody_waits_for_a_pair_that_was_set_aside(feed: Site) -> None:
    feed.take(item("1"), item("2"))
    feed.score({2: "detractor"})
    with feed.store.transaction() as session:
        scoring.set_aside(session, 1, feed.clock() + timedelta(hours=1))

    assert judge(feed) == 1
    assert verdicts(feed) == [None, "opened_incident"]
