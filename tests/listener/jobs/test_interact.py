"""A button is done once and whoever pressed is told what came of it: with the real SDK, against a Slack on a socket."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from sqlalchemy import event
from sqlmodel import select
from werkzeug import Response

from alerts.channels.slack_bot import LONGEST_TIMEOUT, SlackBot, SlackBotOptions
from alerts.incident import Incident, State
from alerts.life import end
from alerts.mail import smtp
from alerts.notice import About, Action, Button, Language, Notice, NoticeKind
from alerts.policy import Policy, Team
from alerts.slack.buttons import Snooze
from alerts.slack.feedback import Outcome, Told, in_words
from alerts.slack.plain import as_text
from alerts.slack.press import read_press
from listener.jobs.decide import decide_batch
from listener.jobs.deliver import LEASE as DELIVERY_LEASE
from listener.jobs.deliver import Pacing, deliver_next
from listener.jobs.interact import ANSWERABLE, KEPT, LEASE, MOST_ATTEMPTS, interact_next, snoozed_until
from listener.store import brands, health, incidents, interactions
from listener.store.engine import Store
from listener.store.tables import Alert, AlertEvent, Delivery, Feedback, Interaction
from tests.alerts.slack.fake_slack import ANA, BEN, CHANNEL, SIGNING_SECRET, TEAM, TOKEN, FakeSlack
from tests.conftest import Clock
from tests.listener.conftest import together

POLICY = Policy(teams=(Team(name="care", language="es", timezone="America/Bogota"),))


@dataclass
class Desk:
    """An incident, its message in Slack, and people who press its buttons."""

    store: Store
    clock: Clock
    slack: FakeSlack
    bot: SlackBot
    alert_id: int
    message: dict[str, Any] = field(default_factory=dict)

    def post(self, language: Language = "en") -> None:
        """A message about the incident as it is."""
        with self.store.reading() as session:
            row = session.get_one(Alert, self.alert_id)
        about = About(self.alert_id, "Aeroluz", row.rule, row.state, row.version, row.count, row.reach, row.opened_at)
        buttons = tuple(Button(action, action.value) for action in Action)
        self.bot.send(
            Notice(
                "k", NoticeKind.OPENED, "Title", "why", self.clock(), language=language, about=about, buttons=buttons
            )
        )
        self.message = self.slack.messages[-1]

    def pressed(self, action: str, user: tuple[str, str] = ANA, **more: Any) -> dict[str, Any]:
        return self.slack.press(self.message, action, user, **more)

    def keep(self, payload: dict[str, Any], channel: str = "team") -> str:
        """Keep it as the route does; its digest."""
        digest = f"digest-{len(self.rows(Interaction))}"
        with self.store.transaction() as session:
            interactions.keep(session, digest, channel, read_press(json.dumps(payload)).to_json(), self.clock())
        return digest

    def work(self, **channels: SlackBot) -> int:
        return interact_next(self.store, channels or {"team": self.bot}, POLICY, self.clock)

    def press(self, action: str, user: tuple[str, str] = ANA, **more: Any) -> str:
        """Press and let the job do what there is; the named outcome."""
        digest = self.keep(self.pressed(action, user, **more))
        assert self.work() == 1
        return self.outcome(digest)

    def outcome(self, digest: str) -> str:
        with self.store.reading() as session:
            return str(session.get_one(Interaction, digest).outcome)

    def alert(self) -> Alert:
        with self.store.reading() as session:
            return session.get_one(Alert, self.alert_id)

    def rows(self, table: type) -> list[Any]:
        with self.store.reading() as session:
            return list(session.exec(select(table)))

    def timeline(self) -> list[tuple[str, str | None]]:
        return [(row.kind, row.actor) for row in self.rows(AlertEvent)]

    def change(self, change: Callable[[Incident], Incident]) -> None:
        with self.store.transaction() as session:
            held = incidents.held(session, self.alert_id)
            assert held is not None
            incidents.save(session, change(held), self.clock())

    @property
    def told(self) -> list[str]:
        return [str(one["text"]) for one in self.slack.told]


@pytest.fixture
def desk(store: Store, clock: Clock, httpserver: HTTPServer) -> Desk:
    slack = FakeSlack(httpserver, lambda: clock().timestamp())
    bot = SlackBot("team", SlackBotOptions(
        token=TOKEN, channel=CHANNEL, signing_secret=SIGNING_SECRET, team=TEAM, base_url=slack.base_url
    ))  # fmt: skip
    with store.transaction() as session:
        brands.save_brands(session, [{"name": "Aeroluz", "query": "aeroluz"}], clock())
    with store.transaction() as session:
        brand = next(iter(brands.active_brands(session)))
        new = Incident(
            id=None, brand="Aeroluz", rule="detractor", opened_at=clock(), last_at=clock(), count=5, reach=100
        )
        alert_id = incidents.open_new(session, brand.id, new, clock())
    desk = Desk(store, clock, slack, bot, alert_id)
    desk.post()
    clock.advance(minutes=3)
    return desk


def test_acknowledging_names_who_and_when_and_asks_for_the_message_to_be_brought_up_to_date(desk: Desk):
    with desk.store.transaction() as session:
        session.get_one(Alert, desk.alert_id).decide_at = None
    assert desk.press("acknowledge") == Outcome.DONE
    alert = desk.alert()
    assert (alert.state, alert.acknowledged_by, alert.acknowledged_at) == (
        "acknowledged",
        "ana (U0ANA0001)",
        desk.clock(),
    )
    assert alert.decide_at == desk.clock()
    assert desk.timeline() == [("acknowledged", "ana (U0ANA0001)")]
    assert desk.told == ["Acknowledged: nobody is reminded of it any more."]


def test_taking_it(desk: Desk):
    assert desk.press("assign") == Outcome.DONE
    assert (desk.alert().assigned_to, desk.alert().state) == ("ana (U0ANA0001)", "acknowledged")
    assert desk.press("assign", BEN) == Outcome.TAKEN
    assert desk.press("assign") == Outcome.ALREADY
    assert desk.told == ["It is yours now.", "ana (U0ANA0001) has it already.", "It is yours already."]
    assert desk.alert().assigned_to == "ana (U0ANA0001)"


@pytest.mark.parametrize(
    ("choice", "until"),
    [
        ("1h", datetime(2026, 11, 21, 13, 3, tzinfo=UTC)),
        ("4h", datetime(2026, 11, 21, 16, 3, tzinfo=UTC)),
        ("tomorrow", datetime(2026, 11, 22, 14, tzinfo=UTC)),
    ],
)
def test_snoozing_counts_from_the_press_and_days_in_the_teams_own_time(desk: Desk, choice, until):
    with desk.store.transaction() as session:
        session.get_one(Alert, desk.alert_id).team = "care"
    digest = desk.keep(desk.pressed("snooze", choice=choice))
    desk.clock.advance(seconds=20)
    desk.work()
    assert desk.outcome(digest) == Outcome.DONE
    assert (desk.alert().state, desk.alert().snoozed_until) == ("snoozed", until)
    assert desk.told[0].startswith("Snoozed until 2026-11-2")


def test_a_snooze_that_is_over_before_anybody_saw_to_it(desk: Desk):
    digest = desk.keep(desk.pressed("snooze", choice="1h"))
    desk.clock.advance(hours=2)
    desk.work()
    assert desk.outcome(digest) == Outcome.NOT_POSSIBLE
    assert desk.alert().state == "open"


def test_useful_and_not_useful_are_each_persons_last_word(desk: Desk):
    assert desk.press("useful") == Outcome.DONE
    assert desk.press("useful", BEN) == Outcome.DONE
    assert desk.press("not_useful", BEN) == Outcome.DONE
    assert desk.press("not_useful", BEN) == Outcome.ALREADY
    words = {(row.actor, row.useful, row.via) for row in desk.rows(Feedback)}
    assert words == {("ana (U0ANA0001)", True, "slack"), ("ben (U0BEN0002)", False, "slack")}


# Twice, at once, too late


def test_a_button_pressed_twice_changes_something_once_and_the_second_is_told_so(desk: Desk):
    assert desk.press("acknowledge") == Outcome.DONE
    desk.clock.advance(minutes=3)
    assert desk.press("acknowledge", BEN) == Outcome.ALREADY
    assert len(desk.timeline()) == 1
    assert desk.told[1] == "ana (U0ANA0001) acknowledged it 3m ago already."


def test_two_people_at_once_change_something_once(desk: Desk):
    first, second = desk.keep(desk.pressed("assign")), desk.keep(desk.pressed("assign", BEN))
    assert together(desk.work, desk.work) == [1, 1]
    assert sorted([desk.outcome(first), desk.outcome(second)]) == [Outcome.DONE, Outcome.TAKEN]
    winner = "ana (U0ANA0001)" if desk.outcome(first) == Outcome.DONE else "ben (U0BEN0002)"
    assert desk.timeline() == [("assigned", winner)]
    assert desk.alert().assigned_to == winner
    assert sorted(desk.told) == sorted(["It is yours now.", f"{winner} has it already."])


def test_eight_presses_and_four_workers_see_to_each_once(desk: Desk):
    people = [(f"U{number}", f"p{number}") for number in range(8)]
    digests = [desk.keep(desk.pressed("acknowledge", person)) for person in people]

    def worker() -> int:
        done = 0
        while interactions_left(desk):
            done += desk.work()
        return done

    assert sum(together(*[worker] * 4)) == 8
    assert sorted(desk.outcome(digest) for digest in digests) == [Outcome.ALREADY] * 7 + [Outcome.DONE]
    assert len(desk.timeline()) == 1
    assert len(desk.told) == 8


def interactions_left(desk: Desk) -> int:
    with desk.store.reading() as session:
        return interactions.waiting(session)


def test_a_button_on_a_message_of_an_old_version_acts_and_says_what_has_changed(desk: Desk):
    desk.change(lambda incident: replace(incident, count=25, version=incident.version + 1))
    assert desk.press("acknowledge") == Outcome.DONE_ON_NEWER
    assert desk.alert().state == "acknowledged"
    newer = " The incident has changed since that message was written: 25 mentions by now."
    assert desk.told == [f"Acknowledged: nobody is reminded of it any more.{newer}"]


@pytest.mark.parametrize("action", ["acknowledge", "assign"])
def test_a_button_on_a_resolved_incident_changes_nothing(desk: Desk, action):
    desk.change(lambda incident: end(incident, desk.clock(), "quiet")[0])
    desk.clock.advance(hours=2)
    assert desk.press(action) == Outcome.RESOLVED
    assert desk.alert().state == State.RESOLVED
    assert desk.told[0].startswith("The incident was resolved 2h ago")


def test_a_resolved_incident_may_still_be_called_useful(desk: Desk):
    desk.change(lambda incident: end(incident, desk.clock(), "quiet")[0])
    assert desk.press("useful") == Outcome.DONE_ON_NEWER


def test_a_button_about_an_incident_that_is_gone(desk: Desk):
    payload = desk.pressed("acknowledge")
    payload["actions"][0]["value"] = "999:1:es"
    digest = desk.keep(payload)
    desk.work()
    assert desk.outcome(digest) == Outcome.GONE
    assert desk.told == ["La incidencia ya no existe."]


def test_somebody_of_another_workspace(desk: Desk):
    assert desk.press("acknowledge", team="T0GUEST") == Outcome.OTHER_WORKSPACE
    assert desk.alert().state == "open"
    assert len(desk.told) == 1


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"action_id": "escucha:explode"}, Outcome.UNKNOWN_ACTION),
        ({"action_id": "another-app"}, Outcome.UNKNOWN_ACTION),
        ({"value": "1; DROP TABLE alert"}, Outcome.MALFORMED),
        ({"value": None}, Outcome.MALFORMED),
        ({"value": "1:1:en:1h"}, Outcome.MALFORMED),
        ({"value": f"{10**17}:1:en"}, Outcome.GONE),
    ],
)
def test_what_is_none_of_our_buttons_does_nothing_and_says_so(desk: Desk, change, outcome):
    payload = desk.pressed("acknowledge")
    payload["actions"][0] |= change
    digest = desk.keep(payload)
    desk.work()
    assert desk.outcome(digest) == outcome
    assert (desk.alert().state, len(desk.told)) == ("open", 1)


@pytest.mark.parametrize("outcome", [None, "done"])
@pytest.mark.parametrize("spoil", ["more", "less", "number", "json"])
def test_a_press_that_another_version_stored_is_set_aside_and_keeps_no_other_back(desk: Desk, spoil, outcome):
    stored = json.loads(read_press(json.dumps(desk.pressed("acknowledge"))).to_json())
    spoilt = {"more": stored | {"new": "x"}, "less": {"kind": "block_actions"}, "number": stored | {"action_id": 3}}
    written = "{" if spoil == "json" else json.dumps(spoilt[spoil])
    with desk.store.transaction() as session:
        interactions.keep(session, "spoilt", "team", written, desk.clock())
        session.get_one(Interaction, "spoilt").outcome = outcome
    desk.clock.advance(seconds=1)
    after = desk.keep(desk.pressed("acknowledge", BEN))
    assert [desk.work(), desk.work(), desk.work()] == [1, 1, 0]
    assert desk.outcome("spoilt") == (outcome or Outcome.MALFORMED)
    assert desk.outcome(after) == Outcome.DONE
    assert "hooks" not in next(row.payload for row in desk.rows(Interaction) if row.digest == "spoilt")


def test_another_kind_of_interaction_is_no_button(desk: Desk):
    digest = desk.keep({"type": "view_submission", "user": {"id": "U1", "team_id": TEAM}})
    desk.work()
    assert desk.outcome(digest) == Outcome.UNKNOWN_ACTION


def test_names_are_shown_as_text(desk: Desk):
    desk.press("acknowledge", ("U1", "<!channel> *boss*"))
    desk.press("acknowledge", BEN)
    assert "<!channel>" not in desk.told[1]
    assert "&lt;!channel&gt;" in desk.told[1]


def test_people_are_told_in_the_language_of_the_message(desk: Desk):
    desk.post("es")
    desk.press("acknowledge")
    assert desk.told == ["Entendido: ya no se le recordará a nadie."]


# The whole way


def tell(desk: Desk) -> None:
    """Decide, and send what there is to send."""
    desk.clock.advance(seconds=2)
    decide_batch(desk.store, Policy(), {"team": True}, "http://here", desk.clock())
    while deliver_next(desk.store, desk.bot, desk.clock, Pacing(), jitter=lambda: 0.0):
        desk.clock.advance(seconds=1)


def test_from_the_first_message_through_two_presses_to_the_end_there_is_one_message(desk: Desk):
    desk.slack.messages.clear()
    tell(desk)
    [message] = desk.slack.messages
    desk.message = message
    assert "[Acknowledge]" in as_text(message)
    desk.clock.advance(minutes=1)
    assert desk.press("acknowledge") == Outcome.DONE
    tell(desk)
    assert [one["ts"] for one in desk.slack.messages] == [message["ts"]]
    assert "Acknowledged by: ana (U0ANA0001)" in as_text(message)
    assert "[Acknowledge]" not in as_text(message)
    assert desk.press("assign", BEN) == Outcome.DONE
    tell(desk)
    assert "Assigned to: ben (U0BEN0002)" in as_text(message)
    desk.change(lambda incident: end(incident, desk.clock(), "window_ended")[0])
    desk.clock.advance(minutes=10)
    tell(desk)
    assert as_text(message).startswith("Resolved: Aeroluz")
    assert {one.get("thread_ts", message["ts"]) for one in desk.slack.messages} == {message["ts"]}
    assert [row.state for row in desk.rows(Delivery)] == ["sent"] * len(desk.rows(Delivery))


def test_a_message_that_somebody_deleted_is_not_put_back_and_the_end_is_told_anew(desk: Desk):
    desk.slack.messages.clear()
    tell(desk)
    desk.message = desk.slack.messages[0]
    desk.press("acknowledge")
    desk.slack.delete(desk.message["ts"])
    tell(desk)
    assert desk.slack.messages == []
    desk.clock.advance(minutes=10)
    desk.change(lambda incident: end(incident, desk.clock(), "window_ended")[0])
    tell(desk)
    [message] = desk.slack.messages
    assert "thread_ts" not in message
    assert as_text(message).startswith("Resolved: Aeroluz")
    assert not [row for row in desk.rows(Delivery) if row.state == "dead"]


def test_an_answer_that_was_lost_makes_no_second_message(desk: Desk):
    desk.slack.messages.clear()
    desk.slack.trouble("chat.postMessage", status=500, taken=True)
    tell(desk)
    desk.clock.advance(minutes=1)
    tell(desk)
    assert len(desk.slack.messages) == 1
    [delivery] = desk.rows(Delivery)
    assert (delivery.state, delivery.outcome) == ("sent", "sent_found")
    desk.message = desk.slack.messages[0]
    desk.press("acknowledge")
    tell(desk)
    assert "Acknowledged by: ana (U0ANA0001)" in as_text(desk.slack.messages[0])


# Troubles


def test_an_answer_that_slack_does_not_take_now_is_given_later_and_nothing_is_done_twice(desk: Desk):
    desk.slack.told_trouble.extend([Response("", 500), Response("", 429, {"Retry-After": "30"})])
    assert desk.press("acknowledge") == Outcome.DONE
    assert desk.work() == 0
    desk.clock.advance(seconds=10)
    assert desk.work() == 1
    desk.clock.advance(seconds=20)
    assert desk.work() == 0, "it said 30 seconds"
    desk.clock.advance(seconds=15)
    assert desk.work() == 1
    assert len(desk.told) == 1
    assert (len(desk.timeline()), interactions_left(desk)) == (1, 0)


def test_an_address_that_is_no_longer_good_ends_it(desk: Desk):
    desk.slack.told_trouble.append(Response("expired_url", 404))
    assert desk.press("acknowledge") == Outcome.DONE
    assert interactions_left(desk) == 0


def test_nobody_is_told_when_slack_would_not_take_it_any_more(desk: Desk):
    digest = desk.keep(desk.pressed("acknowledge"))
    desk.clock.advance(minutes=ANSWERABLE.total_seconds() / 60 + 1)
    desk.work()
    assert desk.outcome(digest) == Outcome.DONE
    assert (desk.told, interactions_left(desk)) == ([], 0)


def test_a_channel_that_is_no_longer_set_up_acts_all_the_same(desk: Desk):
    digest = desk.keep(desk.pressed("acknowledge"), channel="another")
    desk.work()
    assert (desk.outcome(digest), desk.told) == (Outcome.DONE, [])


def test_a_press_that_cannot_be_done_is_given_up_in_the_end_and_the_person_told(desk: Desk, monkeypatch):
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError("a row that breaks everything")

    monkeypatch.setattr("listener.jobs.interact.perform", broken)
    digest = desk.keep(desk.pressed("acknowledge"))
    for _ in range(MOST_ATTEMPTS + 1):
        assert desk.work() == 1
        desk.clock.advance(minutes=5)
    assert desk.outcome(digest) == Outcome.FAILED
    assert interactions_left(desk) == 0
    assert desk.work() == 0


class Killed(BaseException):
    """The end of a process in the middle."""


@contextmanager
def killed_at(store: Store, number: int) -> Iterator[list[str]]:
    """Die before the database is given its ``number``-th statement. (Before a commit is as good as before the last
    statement of its transaction, and after it as before the next.)"""
    given: list[str] = []

    def statement(_connection: Any, _cursor: Any, words: str, *_more: Any) -> None:
        given.append(words)
        if len(given) == number:
            raise Killed(words)

    event.listen(store.engine, "before_cursor_execute", statement)
    try:
        yield given
    finally:
        event.remove(store.engine, "before_cursor_execute", statement)


def test_killed_before_any_statement_a_press_is_done_once_and_told(desk: Desk):
    killed = 0
    while True:
        with desk.store.transaction() as session:
            session.get_one(Alert, desk.alert_id).assigned_to = None
        before, told = len(desk.timeline()), len(desk.told)
        digest = desk.keep(desk.pressed("assign"))
        with killed_at(desk.store, killed + 1) as given:
            try:
                desk.work()
            except Killed:
                killed += 1
            else:
                break
        desk.clock.advance(seconds=LEASE.total_seconds() + 1)
        while interactions_left(desk):
            desk.work()
        assert desk.outcome(digest) == ("done_on_newer" if killed > 1 else "done"), given
        assert len(desk.timeline()) == before + 1, f"killed before {given[-1]}"
        assert 1 <= len(desk.told) - told <= 2
    assert killed > 10


def test_killed_while_it_tells_the_person_it_tells_again_and_acts_no_more(desk: Desk, monkeypatch):
    def die(*_args: object) -> None:
        raise Killed

    digest = desk.keep(desk.pressed("acknowledge"))
    with monkeypatch.context() as patched:
        patched.setattr(SlackBot, "tell", die)
        with pytest.raises(Killed):
            desk.work()
    assert (desk.outcome(digest), desk.work()) == (Outcome.DONE, 0)
    desk.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert desk.work() == 1
    assert desk.told == ["Acknowledged: nobody is reminded of it any more."]
    assert len(desk.timeline()) == 1


def test_whoever_was_overtaken_changes_nothing(desk: Desk, monkeypatch):
    """Its lease is over, another has done it, and only then it goes on."""
    desk.keep(desk.pressed("acknowledge"))
    claim = interactions.claim

    def slow(*args: Any) -> Any:
        pressed = claim(*args)
        monkeypatch.setattr(interactions, "claim", claim)
        return pressed

    def overtaken(*args: Any) -> bool:
        monkeypatch.setattr(interactions, "still_ours", still_ours)
        return False

    still_ours = interactions.still_ours
    monkeypatch.setattr(interactions, "claim", slow)
    monkeypatch.setattr(interactions, "still_ours", overtaken)
    assert desk.work() == 1
    assert (desk.timeline(), desk.told) == ([], [])
    desk.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert desk.work() == 1
    assert len(desk.timeline()) == 1


def test_presses_that_nobody_sees_to_make_the_installation_unwell(desk: Desk):
    desk.keep(desk.pressed("acknowledge"))

    def stuck() -> str:
        with desk.store.reading() as session:
            return "; ".join(health.stuck(session, desk.clock(), timedelta(minutes=10), ("team",)))

    assert "buttons" not in stuck()
    desk.clock.advance(minutes=11)
    assert "buttons were pressed and nobody has seen to them since 2026-11-21 12:03 UTC" in stuck()
    desk.work()
    assert "buttons" not in stuck()


# What is kept


def test_what_is_kept_quotes_no_stranger_and_no_address_to_write_to_once_it_is_done(desk: Desk):
    payload = desk.pressed("acknowledge")
    payload["message"]["text"] = "what a stranger said"
    desk.keep(payload)
    [kept] = desk.rows(Interaction)
    assert "stranger" not in kept.payload
    desk.work()
    [kept] = desk.rows(Interaction)
    assert "s3cret" not in kept.payload
    assert json.loads(kept.payload)["told"]


def test_old_presses_are_forgotten(desk: Desk):
    desk.press("acknowledge")
    desk.clock.advance(days=KEPT.days + 1)
    desk.press("assign")
    assert len(desk.rows(Interaction)) == 1


def test_the_leases_are_longer_than_slack_may_take():
    assert timedelta(seconds=3 * LONGEST_TIMEOUT) < LEASE
    assert timedelta(seconds=2 * 3 * LONGEST_TIMEOUT) < DELIVERY_LEASE
    assert timedelta(seconds=smtp.BEFORE_S + smtp.AFTER_S) < DELIVERY_LEASE


# Words


@given(
    pressed=st.integers(1_577_836_800, 1_893_456_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    zone=st.sampled_from(["Europe/Madrid", "America/Bogota", "Pacific/Apia", "Australia/Lord_Howe", "UTC"]),
)
def test_tomorrow_is_the_next_days_morning_whatever_the_clocks_do(pressed, zone):
    until = snoozed_until(pressed, Snooze.TOMORROW, ZoneInfo(zone))
    local = until.astimezone(ZoneInfo(zone))
    assert (local.hour, local.minute) == (9, 0)
    assert timedelta(hours=8) < until - pressed < timedelta(hours=34)
    assert local.date() == pressed.astimezone(ZoneInfo(zone)).date() + timedelta(days=1)


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_words_in_both_languages(outcome, action, language):
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    incident = Incident(7, "A", "detractor", now, now, 1, 1, acknowledged_at=now, resolved_at=now, snoozed_until=now)
    words = in_words(outcome, Told(language, now, ZoneInfo("UTC"), action, incident, "it is <so>"))
    assert words.endswith(".")
    assert not {"{", "}", "<"} & set(words)
