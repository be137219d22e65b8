"""Deciding end to end: from incidents that are due to deliveries, with a reason for what was sent and what was not."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, update
from structlog.testing import capture_logs

from alerts.incident import Incident
from alerts.life import EventKind
from alerts.life import end as ended
from alerts.policy import Policy
from alerts.reasons import Reason
from alerts.severity import Severity
from listener.items import Author
from listener.jobs.alert import judge_batch
from listener.jobs.decide import PUT_OFF, decide_batch
from listener.store import channels, decisions, health, incidents, life, silences
from listener.store.engine import Store
from listener.store.tables import Alert, AlertEvent, Brand, DecisionLog, Delivery, Notification, table
from tests.conftest import NOON, Clock
from tests.listener.conftest import Site, dawdling, item, together

CHANNELS = {"bot": True, "log": False}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


class Desk:
    """Aeroluz with incidents, and somebody who decides about them."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.store = site.store
        self.brand_id = site.brand()
        self.policy = Policy()
        self.channels = dict(CHANNELS)

    def open(self, rule: str = "detractor", *, minute: float = 0, count: int = 1, **changes: Any) -> int:
        """Open an incident; its id."""
        written = self.site.clock.now + timedelta(minutes=minute)
        incident = Incident(
            id=None, brand="Aeroluz", rule=rule, opened_at=written, last_at=written, count=count, reach=count * 10,
            because="91% likely a detractor", **changes,
        )  # fmt: skip
        with self.store.transaction() as session:
            return incidents.open_new(session, self.brand_id, incident, self.site.clock())

    def change(self, alert_id: int, **changes: Any) -> None:
        """Change an incident as a rule does."""
        with self.store.transaction() as session:
            before = incidents.held(session, alert_id)
            assert before is not None
            incidents.save(session, replace(before, version=before.version + 1, **changes), self.site.clock())

    def act(self, alert_id: int, action: str, **what: Any) -> None:
        with self.store.transaction() as session:
            life.act(session, alert_id, action, "ana", self.site.clock(), **what)

    def decide(self, **limits: Any) -> int:
        return decide_batch(self.store, self.policy, self.channels, "http://here", self.site.clock(), **limits)

    def tell(self) -> None:
        """Decide, and have everything sent."""
        self.decide()
        with self.store.transaction() as session:
            waiting = update(table(Delivery)).where(table(Delivery).c.state == "pending")
            session.connection().execute(waiting.values(state="sent"))

    def sent(self, channel: str | None = None) -> list[tuple[str, str]]:
        """Kind and mode of the deliveries."""
        rows = sorted(self.site.rows(Delivery), key=lambda row: row.id or 0)
        return [(row.kind, row.mode) for row in rows if channel in (None, row.channel)]

    def reasons(self, channel: str = "log") -> list[str]:
        rows = sorted(self.site.rows(DecisionLog), key=lambda row: row.id or 0)
        return [row.reason for row in rows if row.channel == channel]


@pytest.fixture
def desk(site: Site) -> Desk:
    return Desk(site)


def test_a_new_incident_is_told_on_every_channel_of_its_brand(desk: Desk) -> None:
    alert_id = desk.open()

    assert desk.decide() == 1
    assert desk.decide() == 0
    assert sorted((row.channel, row.kind, row.mode) for row in desk.site.rows(Delivery)) == [
        ("bot", "opened", "post"), ("log", "opened", "post"),
    ]  # fmt: skip
    assert {row.key for row in desk.site.rows(Delivery)} == {row.key for row in desk.site.rows(DecisionLog)}
    assert sorted(row.channel for row in desk.site.rows(Notification)) == ["bot", "log"]
    (told,) = desk.site.rows(AlertEvent)
    assert (told.alert_id, told.kind, told.detail["channels"]) == (alert_id, EventKind.TOLD, ["bot", "log"])
    assert desk.site.one(Alert).decide_at == desk.site.clock.now + timedelta(days=1)


def test_growth_is_told_at_its_sizes_and_shown_silently_where_messages_can_be_changed(desk: Desk) -> None:
    alert_id = desk.open()
    desk.tell()
    for count in range(2, 7):
        desk.site.clock.advance(minutes=6)
        desk.change(alert_id, count=count)
        desk.tell()

    assert desk.sent("log") == [("opened", "post"), ("grew", "post")]
    updates = [("updated", "update")]
    assert desk.sent("bot") == [("opened", "post"), *updates * 3, ("grew", "thread"), *updates * 2]
    assert desk.reasons() == ["incident_opened", "already_notified", "incident_grew", "already_notified"]


def test_the_end_is_told_to_those_who_were_told_of_it(desk: Desk) -> None:
    alert_id = desk.open()
    desk.tell()
    desk.site.clock.advance(minutes=10)
    desk.act(alert_id, "resolve")
    desk.tell()

    assert desk.sent("log") == [("opened", "post"), ("resolved", "post")]
    assert desk.sent("bot") == [("opened", "post"), ("resolved", "thread"), ("updated", "update")]
    assert desk.site.one(Alert).decide_at is None


def test_what_is_held_says_why_and_until_when_once_for_all_looks(desk: Desk) -> None:
    alert_id = desk.open()
    with desk.store.transaction() as session:
        end = desk.site.clock.now + timedelta(hours=2)
        silences.add(session, {"brand": ["Aeroluz"]}, NOON, end, "ana", "planned outage", NOON)
    for _ in range(3):
        desk.decide()
        desk.change(alert_id, count=2)

    assert desk.site.rows(Delivery) == []
    held = [row for row in desk.site.rows(DecisionLog) if row.channel == "log"]
    assert [(row.action, row.reason, row.until, row.times) for row in held] == [("hold", "silenced", end, 3)]
    assert held[0].detail == "silence 1 by ana: planned outage"
    (noted,) = [row for row in desk.site.rows(AlertEvent) if row.kind == EventKind.HELD]
    assert noted.detail == {
        "reason": "silenced", "kind": "opened", "channels": ["bot", "log"],
        "detail": "silence 1 by ana: planned outage",
    }  # fmt: skip
    desk.decide()
    assert desk.site.one(Alert).decide_at == end
    desk.site.clock.now = end
    desk.tell()
    assert desk.sent("log") == [("opened", "post")]


def test_a_silence_that_ends_early_has_what_it_muted_told_at_once(desk: Desk) -> None:
    desk.open()
    with desk.store.transaction() as session:
        made = silences.add(session, {}, NOON, NOON + timedelta(days=3), "ana", "", NOON)
    desk.decide()
    desk.site.clock.advance(minutes=1)
    with desk.store.transaction() as session:
        assert silences.end(session, made.id, "luz", desk.site.clock())
    desk.tell()

    assert desk.sent("log") == [("opened", "post")]


def test_what_began_and_ended_under_a_silence_is_told_once_when_that_ends(desk: Desk) -> None:
    alert_id = desk.open(count=30)
    end = desk.site.clock.now + timedelta(days=2)
    with desk.store.transaction() as session:
        silences.add(session, {}, NOON, end, "ana", "", NOON)
    desk.decide()
    desk.site.clock.advance(hours=12)
    with desk.store.transaction() as session:
        incident = incidents.held(session, alert_id)
        assert incident is not None
        over, _ = ended(incident, desk.site.clock.now, Reason.QUIET.value)
        incidents.save(session, over, desk.site.clock.now)
    desk.tell()
    assert (desk.sent(), desk.reasons()) == ([], ["silenced", "silenced"])
    assert desk.site.one(Alert).decide_at == end
    desk.site.clock.now = end
    desk.tell()

    assert desk.sent("log") == desk.sent("bot") == [("resolved", "post")]
    assert desk.reasons()[-1] == "ended_meanwhile"
    desk.tell()
    assert desk.sent("log") == [("resolved", "post")]
    assert desk.site.one(Alert).decide_at is None


@pytest.mark.parametrize("why", ["nowhere", "off", "small"])
def test_nothing_is_muted_by_what_people_do_not_hear_of(desk: Desk, why: str) -> None:
    desk.policy = Policy.model_validate(
        {
            "routes": [{"match": {"rule": "crisis"}, "channels": [] if why == "nowhere" else ["bot"]}, {}],
            "inhibit": [{"by": "crisis", "of": "detractor"}],
        }
    )
    if why == "off":
        with desk.store.transaction() as session:
            channels.held_all(session, ["bot"], NOON)
            channels.disable(session, "bot", NOON, "revoked")
    if why == "small":
        with desk.store.transaction() as session:
            brand = table(Brand)
            settings = {"crisis": {"tell_at": 9}}
            session.connection().execute(update(brand).where(brand.c.id == desk.brand_id).values(alerting=settings))
    desk.open("crisis")
    lesser = desk.open(minute=1)
    desk.tell()

    assert (lesser, "log") in {(row.alert_id, row.channel) for row in desk.site.rows(Delivery)}
    assert "inhibited" not in {row.reason for row in desk.site.rows(DecisionLog)}


def test_a_snooze_is_over_by_itself_and_what_is_still_open_is_told(desk: Desk) -> None:
    alert_id = desk.open()
    desk.tell()
    desk.site.clock.advance(minutes=1)
    desk.act(alert_id, "snooze", length=timedelta(hours=1))
    desk.tell()
    assert desk.site.one(Alert).decide_at == desk.site.clock.now + timedelta(hours=1)
    desk.site.clock.advance(hours=1)
    desk.tell()

    row = desk.site.one(Alert)
    assert (row.state, row.snoozed_until) == ("open", None)
    assert desk.sent("log") == [("opened", "post"), ("reminder", "post")]
    assert EventKind.WOKEN in [row.kind for row in desk.site.rows(AlertEvent)]
    desk.site.clock.advance(hours=1)
    desk.tell()
    assert desk.sent("log")[2:] == []


def test_a_greater_incident_mutes_its_brand_s_lesser_ones_until_it_is_over(desk: Desk) -> None:
    spike = desk.open("spike", count=40)
    lesser = desk.open(minute=1)
    desk.tell()
    assert [row.alert_id for row in desk.site.rows(Delivery)] == [spike, spike]
    muted = [row.detail for row in desk.site.rows(DecisionLog) if row.reason == "inhibited"]
    assert muted == [f"spike incident {spike}"] * 2
    desk.site.clock.advance(minutes=10)
    desk.act(spike, "resolve")
    desk.tell()
    # Its end had what it muted decided upon in the next round.
    desk.tell()
    assert {(row.alert_id, row.kind) for row in desk.site.rows(Delivery) if row.channel == "log"} == {
        (spike, "opened"), (spike, "resolved"), (lesser, "opened"),
    }  # fmt: skip


def test_an_escalation_comes_when_it_is_time_and_is_noted(desk: Desk) -> None:
    desk.policy = Policy.model_validate(
        {
            "teams": [{"name": "care", "channels": ["bot"]}],
            "routes": [{"team": "care", "escalate": [{"after": "15m", "channels": ["log"]}]}],
        }
    )
    desk.open()
    desk.tell()
    row = desk.site.one(Alert)
    assert (row.team, row.escalated, row.decide_at) == ("care", 0, NOON + timedelta(minutes=15))
    desk.site.clock.advance(minutes=15)
    desk.tell()

    assert desk.sent() == [("opened", "post"), ("escalated", "post")]
    assert desk.site.one(Alert).escalated == 1
    assert [row.kind for row in desk.site.rows(AlertEvent)] == ["told", "escalated"]


def test_the_most_severe_goes_first(desk: Desk) -> None:
    desk.open(minute=-3, severity=Severity.INFO)
    desk.open(minute=-2)
    worst = desk.open(minute=-1, severity=Severity.CRITICAL)

    assert desk.decide(limit=1) == 1
    assert {row.alert_id for row in desk.site.rows(Delivery)} == {worst}


def test_a_channel_that_is_off_is_passed_over_and_told_once_it_is_on(desk: Desk) -> None:
    desk.open()
    with desk.store.transaction() as session:
        channels.held(session, "bot", NOON)
        channels.disable(session, "bot", NOON, "token revoked")
    desk.tell()
    assert (desk.sent(), desk.reasons("bot")) == ([("opened", "post")], ["channel_disabled"])
    with desk.store.transaction() as session:
        channels.enable(session, "bot", NOON, "ana")
    desk.site.clock.advance(minutes=5)
    desk.tell()
    assert desk.sent("bot") == [("opened", "post")]


def test_where_there_is_no_channel_that_is_the_reason(desk: Desk) -> None:
    desk.channels = {}
    desk.open()
    desk.decide()

    assert desk.reasons("") == ["no_channel"]
    assert desk.site.one(Alert).decide_at == NOON + timedelta(hours=1)


def test_a_brand_s_channels_and_settings_count(desk: Desk) -> None:
    desk.site.brand(channels=["log"], alerting={"detractor": {"tell_at": 3, "grow_at": [4]}})
    alert_id = desk.open(count=2)
    desk.tell()
    assert desk.reasons() == ["too_small"]
    for count in (3, 4):
        desk.site.clock.advance(minutes=10)
        desk.change(alert_id, count=count)
        desk.tell()
    assert desk.sent() == [("opened", "post"), ("grew", "post")]


def test_one_that_cannot_be_decided_upon_stops_no_other_and_is_tried_again(desk: Desk) -> None:
    desk.site.brand("Nubia", alerting={"detractor": {"window": "soon"}})
    broken = desk.open(minute=-1)
    with desk.store.transaction() as session:
        nubia = desk.site.id_of(Brand, "Nubia")
        session.connection().execute(update(table(Alert)).where(table(Alert).c.id == broken).values(brand_id=nubia))
    well = desk.open()

    assert desk.decide() == 1
    assert {row.alert_id for row in desk.site.rows(Delivery)} == {well}
    assert desk.decide() == 0
    desk.site.clock.advance(minutes=1)
    with pytest.raises(ValueError, match="window"):
        desk.decide()


def test_one_that_is_put_off_is_looked_at_at_once_if_it_has_changed_meanwhile(desk: Desk) -> None:
    first, second = desk.open(), desk.open(minute=1)
    desk.site.clock.advance(minutes=10)
    seen = desk.site.clock.now
    desk.site.clock.advance(seconds=2)
    with desk.store.transaction() as session:
        decisions.settle(session, second, team=None, escalated=0, decide_at=None)
    desk.change(second, count=2)
    with desk.store.transaction() as session:
        decisions.put_off(session, [first, second], seen + PUT_OFF, seen)

    assert desk.decide() == 1
    assert {row.alert_id for row in desk.site.rows(Delivery)} == {second}


def test_what_a_rule_that_is_gone_has_found_is_told_all_the_same(desk: Desk) -> None:
    desk.open("of_yore")
    desk.tell()
    assert desk.sent("log") == [("opened", "post")]


def test_killed_before_any_statement_it_decides_the_same_again(desk: Desk) -> None:
    spike = desk.open("spike", count=40, minute=-1)
    desk.open()
    desk.act(spike, "resolve")
    kills = 0
    while True:
        with dying_at(desk.store, kills) as died:
            desk.decide()
        if not died:
            break
        kills += 1
        assert desk.site.rows(Delivery) == []
        assert desk.site.rows(DecisionLog) == []
    desk.decide()

    assert kills > 10
    assert sorted((row.channel, row.kind) for row in desk.site.rows(Delivery)) == [("bot", "opened"), ("log", "opened")]
    assert {(row.channel, row.reason, row.times) for row in desk.site.rows(DecisionLog)} == {
        ("bot", "not_yet_told", 1), ("log", "not_yet_told", 1), ("bot", "incident_opened", 1),
        ("log", "incident_opened", 1),
    }  # fmt: skip


@contextmanager
def dying_at(store: Store, number: int) -> Iterator[list[int]]:
    """The process dies before its statement of this number; the list then holds it."""
    seen: list[str] = []
    died: list[int] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)
        if len(seen) > number and not died:
            died.append(number)
            raise Killed

    event.listen(store.engine, "before_cursor_execute", count)
    try:
        with suppress(Killed):
            yield died
    finally:
        event.remove(store.engine, "before_cursor_execute", count)


class Killed(BaseException):
    """Not an Exception: nobody tidies up after a process that is gone."""


def test_several_at_once_decide_each_incident_once(desk: Desk) -> None:
    ids = [desk.open(minute=-number) for number in range(30)]
    decided = together(*[desk.decide] * 4)

    assert sum(decided) == len(ids)
    told = [(row.alert_id, row.channel) for row in desk.site.rows(Delivery)]
    assert len(told) == len(set(told)) == 2 * len(ids)
    assert {row.times for row in desk.site.rows(DecisionLog)} == {1}
    assert {row.times for row in desk.site.rows(Notification)} == {1}


@pytest.mark.postgres
def test_whoever_is_at_work_on_an_incident_keeps_no_other_waiting(postgres_store: Store, clock: Clock) -> None:
    desk = Desk(Site(postgres_store, clock))
    busy, free = desk.open(minute=-1), desk.open()
    with desk.store.transaction() as session:
        assert incidents.held(session, busy) is not None
        assert desk.decide() == 1
        assert {row.alert_id for row in desk.site.rows(Delivery)} == {free}
    assert desk.decide() == 1


@pytest.mark.postgres
def test_a_silence_that_ends_while_it_is_being_looked_at_leaves_nothing_untold(
    postgres_store: Store, clock: Clock
) -> None:
    """Whoever decides has read the silence as it was; ending it waits for them and has it decided again."""
    desk = Desk(Site(postgres_store, clock))
    desk.open()
    with desk.store.transaction() as session:
        made = silences.add(session, {}, NOON, NOON + timedelta(days=3), "ana", "", NOON)

    def end() -> int:
        with desk.store.transaction() as session:
            return int(silences.end(session, made.id, "ana", clock()))

    with dawdling(desk.store, "BEFORE INSERT ON decision FOR EACH STATEMENT"):
        for _ in range(3):
            together(desk.decide, end)
    clock.advance(seconds=1)
    desk.decide()
    assert desk.sent("log") == [("opened", "post")]


def test_a_batch_of_many_is_worked_off(desk: Desk) -> None:
    for number in range(45):
        desk.open(minute=-number)
    assert [desk.decide(limit=30), desk.decide(limit=30), desk.decide(limit=30)] == [30, 15, 0]


def test_incidents_that_nobody_decides_upon_are_told_as_stuck(desk: Desk) -> None:
    desk.open()
    later = desk.site.clock.advance(hours=1)
    with desk.store.reading() as session:
        words = health.stuck(session, later, timedelta(minutes=15), ("log",))
    assert "incidents wait to be decided upon since 2026-11-21 12:00 UTC" in words
    desk.tell()
    with desk.store.reading() as session:
        assert health.stuck(session, later, timedelta(minutes=15), ("log",)) == []


def test_promoters_are_told_only_where_they_are_more_than_the_brand_is_used_to(desk: Desk) -> None:
    for day in range(1, 4):
        desk.open("promoter", minute=-day * 1440, count=20)
    usual = desk.open("promoter", count=39)
    more = desk.open("promoter", minute=1, count=40)
    desk.site.clock.advance(hours=1)
    desk.decide()

    rows = {row.alert_id: row.reason for row in desk.site.rows(DecisionLog) if row.channel == "log"}
    assert (rows[usual], rows[more]) == ("too_small", "incident_opened")


def last(desk: Desk) -> dict[str, str]:
    """Rule -> the last that was decided about the log."""
    rules = {row.id: row.rule for row in desk.site.rows(Alert)}
    rows = sorted(desk.site.rows(DecisionLog), key=lambda row: row.id or 0)
    return {rules[row.alert_id]: row.reason for row in rows if row.channel == "log"}


def test_one_mention_that_meets_several_rules_is_one_message(desk: Desk) -> None:
    desk.site.source()
    desk.site.take(
        item("1", "Aeroluz lost my bag and the engine caught fire", author=Author("1", handle="ana", followers=200_000))
    )
    desk.site.score()
    judge_batch(desk.store, desk.site.clock())
    desk.site.clock.advance(minutes=10)
    desk.tell()

    assert last(desk) == {"crisis": "incident_opened", "detractor": "told_elsewhere", "reach": "told_elsewhere"}
    assert desk.sent("log") == [("opened", "post")]

    # What comes to it has been told nowhere.
    desk.site.take(item("2", "Aeroluz lost my other bag", minute=11))
    desk.site.score({2: "detractor"})
    judge_batch(desk.store, desk.site.clock())
    desk.site.clock.advance(minutes=10)
    desk.tell()

    assert last(desk) == {"crisis": "incident_opened", "detractor": "incident_opened", "reach": "told_elsewhere"}


def test_what_was_told_before_a_mention_came_does_not_speak_for_it(desk: Desk) -> None:
    desk.site.source()
    for number, followers in enumerate((10, 200_000), start=1):
        who = Author(str(number), handle=f"ana{number}", followers=followers)
        desk.site.take(item(str(number), "Aeroluz lost my bag in " + "ab"[number - 1] * 9, minute=number, author=who))
        desk.site.score({number: "detractor"})
        judge_batch(desk.store, desk.site.clock.advance(minutes=1))
        desk.site.clock.advance(minutes=10)
        desk.tell()

    assert last(desk)["reach"] == "incident_opened"


def test_a_worse_incident_is_told_though_a_lesser_one_was(desk: Desk) -> None:
    desk.site.source()
    desk.policy = Policy.model_validate(
        {
            "routes": [
                {"match": {"rule": "crisis"}, "channels": ["log"], "wait": "30m"},
                {"channels": ["log"], "wait": "0s"},
            ]
        }
    )
    desk.site.take(item("1", "Aeroluz lost my bag and the engine caught fire"))
    desk.site.score()
    judge_batch(desk.store, desk.site.clock())
    desk.tell()
    desk.site.clock.advance(minutes=31)
    desk.tell()

    assert last(desk) == {"crisis": "incident_opened", "detractor": "incident_opened"}
