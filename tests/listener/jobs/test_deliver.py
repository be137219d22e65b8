"""Sent at least once, in order, at the channel's pace; every attempt is logged and every doubt marked."""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import cycle
from threading import Barrier, BrokenBarrierError, Lock
from typing import ClassVar

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from pytest_httpserver import HTTPServer
from sqlmodel import Session
from werkzeug import Request, Response

from alerts.channel import Mode, Receipt, TryLater, Undeliverable
from alerts.channels.slack import LONGEST_TIMEOUT, SlackOptions, SlackWebhook
from alerts.notice import Notice, for_test
from alerts.reasons import Reason
from alerts.severity import Severity
from listener.jobs.deliver import LEASE, Pacing, deliver_next
from listener.store import channels
from listener.store.deliveries import put
from listener.store.engine import Store
from listener.store.tables import Alert, Brand, ChannelState, Delivery, DeliveryAttempt, Notification, table
from tests.conftest import NOON, Clock
from tests.listener.conftest import Site, together

Answer = Exception | Callable[[], object] | None
"""What a channel does with a notice: fail, or do something first, or just take it."""


class Told:
    """A channel that answers from a list, and then takes everything. Remembers the keys that it took."""

    kind: ClassVar[str] = "told"
    edits: ClassVar[bool] = False

    def __init__(self, *answers: Answer, name: str = "log") -> None:
        self.name = name
        self.taken: list[str] = []
        self._answers = list(answers)
        self._lock = Lock()

    def send(self, notice: Notice, mode: Mode = Mode.POST, ref: str | None = None) -> Receipt:
        with self._lock:
            answer = self._answers.pop(0) if self._answers else None
        if isinstance(answer, BaseException):
            raise answer
        if answer is not None:
            answer()
        with self._lock:
            self.taken.append(notice.key)
        return Receipt("ok")


def later(
    reason: Reason = Reason.SERVER_ERROR, after: float | None = None, *, ambiguous: bool = True, whole: bool = False
) -> TryLater:
    return TryLater(reason, "it said so", after, ambiguous, whole_channel=whole)


def rate_limited(after: float) -> TryLater:
    return later(Reason.RATE_LIMITED, after, ambiguous=False, whole=True)


@pytest.fixture
def outbox(site: Site) -> Site:
    """Two notices for the log, of which ``a`` is the older."""
    site.outbox("a", "b")
    return site


def deliver(site: Site, channel: Told | SlackWebhook, pacing: Pacing = Pacing()) -> bool:  # noqa: B008 - frozen
    return deliver_next(site.store, channel, site.clock, pacing, jitter=lambda: 0.0)


def deliver_all(site: Site, channel: Told | SlackWebhook, pacing: Pacing = Pacing()) -> None:  # noqa: B008
    """Deliver until nothing is open, moving the clock to whatever is waited for."""
    for _ in range(100):
        if deliver(site, channel, pacing):
            continue
        if not [row for row in site.rows(Delivery) if row.state in ("pending", "sending")]:
            return
        site.clock.advance(seconds=1)
    raise AssertionError("the outbox does not empty")


def log(site: Site) -> list[tuple[int, int, str]]:
    return [(row.delivery_id, row.number, row.outcome) for row in site.rows(DeliveryAttempt)]


def states(site: Site) -> list[tuple[str, str | None]]:
    return [(row.state, row.outcome) for row in site.rows(Delivery)]


def test_what_is_due_is_sent_once_and_in_order(outbox: Site) -> None:
    channel = Told()

    assert [deliver(outbox, channel) for _ in range(3)] == [True, True, False]

    assert len(channel.taken) == 2
    assert states(outbox) == [("sent", "sent"), ("sent", "sent")]
    assert log(outbox) == [(1, 1, "sent"), (2, 1, "sent")]
    assert [row.detail for row in outbox.rows(DeliveryAttempt)] == ["ok", "ok"]


def test_a_channel_sends_its_own_alone(outbox: Site) -> None:
    assert not deliver(outbox, Told(name="slack"))


def test_the_claim_is_kept_before_anything_is_sent(outbox: Site) -> None:
    seen: list[str] = []
    deliver(outbox, Told(lambda: seen.append(outbox.rows(Delivery)[0].state)))

    assert seen == ["sending"]


def test_sends_keep_the_pace(outbox: Site) -> None:
    channel, pacing = Told(), Pacing(pace=timedelta(seconds=1))

    assert [deliver(outbox, channel, pacing), deliver(outbox, channel, pacing)] == [True, False]
    outbox.clock.advance(seconds=1)
    assert deliver(outbox, channel, pacing)


def test_a_rate_limit_pauses_the_whole_channel_for_as_long_as_it_said(outbox: Site) -> None:
    channel = Told(rate_limited(30))
    deliver(outbox, channel)
    assert states(outbox) == [("pending", "rate_limited"), ("pending", None)]
    assert not outbox.rows(Delivery)[0].ambiguous

    outbox.clock.advance(seconds=29)
    assert not deliver(outbox, channel)
    outbox.clock.advance(seconds=1)
    assert deliver(outbox, channel)
    assert states(outbox)[0] == ("sent", "sent")


def test_rate_limits_however_many_never_use_up_a_message(outbox: Site) -> None:
    channel = Told(*(rate_limited(1) for _ in range(12)))
    deliver_all(outbox, channel, Pacing(max_attempts=3))

    assert states(outbox) == [("sent", "sent"), ("sent", "sent")]
    assert len(channel.taken) == 2


def test_tries_that_were_put_off_do_not_count_when_the_server_fails_afterwards(outbox: Site) -> None:
    channel = Told(*(rate_limited(1) for _ in range(4)), later(), later())
    deliver_all(outbox, channel, Pacing(max_attempts=3))

    assert states(outbox)[0] == ("sent", "sent_ambiguous")


def test_a_failing_server_is_tried_again_and_the_doubt_is_marked(outbox: Site) -> None:
    channel = Told(later())
    deliver(outbox, channel)
    row = outbox.rows(Delivery)[0]
    assert (row.state, row.outcome, row.ambiguous) == ("pending", "server_error", True)

    deliver_all(outbox, channel)
    assert states(outbox) == [("sent", "sent_ambiguous"), ("sent", "sent")]
    assert log(outbox) == [(1, 1, "server_error"), (2, 1, "sent"), (1, 2, "sent_ambiguous")]


def test_a_message_that_did_not_leave_is_not_in_doubt(outbox: Site) -> None:
    deliver_all(outbox, Told(later(Reason.CONNECTION_FAILED, ambiguous=False)))

    assert [row.ambiguous for row in outbox.rows(Delivery)] == [False, False]


def test_a_message_is_dead_after_so_many_tries_and_the_next_one_goes(outbox: Site) -> None:
    channel = Told(later(), None, later(), later())
    deliver_all(outbox, channel, Pacing(max_attempts=3))

    assert states(outbox) == [("dead", "attempts_exhausted"), ("sent", "sent")]
    assert [entry for entry in log(outbox) if entry[0] == 1] == [
        (1, 1, "server_error"),
        (1, 2, "server_error"),
        (1, 3, "attempts_exhausted"),
    ]


def test_a_message_that_is_refused_is_dead_and_the_channel_stays_on(outbox: Site) -> None:
    channel = Told(Undeliverable(Reason.REJECTED, "invalid_blocks"))
    deliver_all(outbox, channel)

    assert states(outbox) == [("dead", "rejected"), ("sent", "sent")]


def test_a_channel_that_refuses_everything_is_off_until_a_person_switches_it_on(outbox: Site) -> None:
    channel = Told(Undeliverable(Reason.CHANNEL_REFUSED, "no_service", disables_channel=True))
    deliver(outbox, channel)
    outbox.clock.advance(days=1)
    assert not deliver(outbox, channel)
    state = outbox.one(ChannelState)
    assert (state.disabled_reason, states(outbox)) == ("no_service", [("dead", "channel_refused"), ("pending", None)])

    with outbox.store.transaction() as session:
        channels.enable(session, "log", outbox.clock(), "ana")
    deliver_all(outbox, channel)
    assert states(outbox) == [("sent", "sent"), ("sent", "sent")]
    assert log(outbox) == [(1, 1, "channel_refused"), (1, 2, "sent"), (2, 1, "sent")]


@pytest.mark.postgres
def test_two_channels_that_are_off_at_once_tell_somebody_else(
    postgres_feed: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is the other's fallback."""
    site = postgres_feed
    site.outbox("a", channel="first")
    site.outbox("b", channel="second")
    looked, disabled = Barrier(2), channels.disabled

    def slowly(session: Session, names: Sequence[str]) -> dict[str, str]:
        found = disabled(session, names)
        with suppress(BrokenBarrierError):
            looked.wait(1)
        return found

    monkeypatch.setattr(channels, "disabled", slowly)

    def work(name: str, other: str) -> bool:
        channel = Told(Undeliverable(Reason.CHANNEL_REFUSED, "revoked", disables_channel=True), name=name)
        return deliver(site, channel, Pacing(fallback=other, others=(other, "third")))

    together(partial(work, "first", "second"), partial(work, "second", "first"))

    titles = [Notice.from_json(row.notice).title for row in site.rows(Delivery) if row.channel == "third"]
    assert sorted(titles) == ["Channel first is off", "Channel second is off"]


def test_what_cannot_be_read_is_dead_at_once_and_takes_no_place_in_the_budget(outbox: Site) -> None:
    with outbox.store.transaction() as session:
        session.connection().execute(table(Delivery).update().where(table(Delivery).c.id == 1).values(notice=""))
    channel = Told()
    deliver_all(outbox, channel, Pacing(budget=2))

    assert states(outbox) == [("dead", "rejected"), ("sent", "sent")]
    assert not outbox.rows(Delivery)[0].ambiguous
    assert [(row.outcome, row.counts) for row in outbox.rows(DeliveryAttempt)] == [("rejected", False), ("sent", True)]


def test_whoever_wakes_after_its_lease_sends_nothing(outbox: Site) -> None:
    """As where the process or the machine was stopped between the claim and the send."""
    moments = iter([NOON, NOON + LEASE])
    channel = Told()
    assert deliver_next(outbox.store, channel, lambda: next(moments), Pacing())

    assert (channel.taken, states(outbox)[0]) == ([], ("sending", None))


def test_a_failure_that_nobody_foresaw_is_retried_marked_and_kept_out_of_the_outbox(outbox: Site) -> None:
    channel = Told(KeyError("the secret is hunter2"))
    with structlog.testing.capture_logs():
        deliver(outbox, channel)

    row = outbox.rows(Delivery)[0]
    assert (row.state, row.outcome, row.ambiguous) == ("pending", "unexpected", True)
    assert "hunter2" not in outbox.one(DeliveryAttempt).detail


def test_a_sender_that_dies_leaves_its_message_to_the_next_one_marked(outbox: Site) -> None:
    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    channel = Told(die)
    with pytest.raises(Killed):
        deliver(outbox, channel)
    assert not deliver(outbox, channel)

    outbox.clock.advance(seconds=LEASE.total_seconds())
    deliver_all(outbox, channel)
    assert states(outbox) == [("sent", "sent_ambiguous"), ("sent", "sent")]
    assert log(outbox)[:2] == [(1, 1, "lease_expired"), (1, 2, "sent_ambiguous")]


def test_a_message_that_kills_every_sender_is_dead_in_the_end(outbox: Site) -> None:
    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    channel = Told(die, die)
    for _ in range(2):
        with pytest.raises(Killed):
            deliver(outbox, channel, Pacing(max_attempts=2))
        outbox.clock.advance(seconds=LEASE.total_seconds())
    deliver_all(outbox, channel, Pacing(max_attempts=2))

    assert states(outbox) == [("dead", "attempts_exhausted"), ("sent", "sent")]
    assert outbox.rows(Delivery)[0].ambiguous


def test_an_answer_that_comes_after_the_lease_counts(outbox: Site) -> None:
    slow = Told(lambda: outbox.clock.advance(seconds=2 * LEASE.total_seconds()))
    deliver_all(outbox, slow)

    assert len(slow.taken) == 2
    assert states(outbox) == [("sent", "sent"), ("sent", "sent")]


def test_senders_side_by_side_send_each_message_once(site: Site) -> None:
    site.outbox(*(f"key {number}" for number in range(20)))
    channel = Told()

    def work() -> int:
        sent = 0
        while any(row.state != "sent" for row in site.rows(Delivery)):
            sent += deliver(site, channel)
        return sent

    sent = together(*(partial(work) for _ in range(3)))

    assert sum(sent) == len(channel.taken) == 20
    assert [entry[1:] for entry in log(site)] == [(1, "sent")] * 20


def test_slack_gets_everything_through_rate_limits_failures_and_silence(outbox: Site, httpserver: HTTPServer) -> None:
    answers = [
        Response("rate_limited", status=429, headers={"Retry-After": "7"}),
        Response("oops", status=500),
        Response("ok"),
        Response("ok"),
    ]
    bodies: list[str] = []

    def receive(request: Request) -> Response:
        bodies.append(request.get_data(as_text=True))
        return answers.pop(0)

    httpserver.expect_request("/services/T0/B0/x").respond_with_handler(receive)
    outbox.outbox("slack 1", "slack 2", channel="slack")
    channel = SlackWebhook("slack", httpserver.url_for("/services/T0/B0/x"), timeout=5)
    with structlog.testing.capture_logs():
        deliver(outbox, channel)
        assert outbox.one(ChannelState).not_before == outbox.clock() + timedelta(seconds=7)
        for row in outbox.rows(Delivery)[:2]:
            assert row.state == "pending"
        while any(row.state != "sent" for row in outbox.rows(Delivery) if row.channel == "slack"):
            if not deliver(outbox, channel):
                outbox.clock.advance(seconds=1)

    sent = [(row.outcome, row.ambiguous) for row in outbox.rows(Delivery) if row.channel == "slack"]
    assert sorted(sent) == [("sent", False), ("sent_ambiguous", True)]
    assert [outcome for _, _, outcome in log(outbox)] == ["rate_limited", "server_error", "sent", "sent_ambiguous"]
    assert len(bodies) == 4


def test_a_lease_outlasts_the_slowest_send() -> None:
    """Connecting, shaking hands and waiting for the answer may each take the whole time-out."""
    slowest = SlackOptions(url=SecretStr("https://hooks.slack.com/services/T0/B0/x"), timeout=LONGEST_TIMEOUT)
    assert timedelta(seconds=3 * slowest.timeout) < LEASE
    with pytest.raises(ValidationError, match="less than or equal to 20"):
        SlackOptions(url=slowest.url, timeout=LONGEST_TIMEOUT + 1)


class Readable(Told):
    """A channel that can be read, and changed. ``there``: what stands in it; ``unreadable``: what reading comes to."""

    edits: ClassVar[bool] = True

    def __init__(self, *answers: Answer, name: str = "log", there: tuple[str, ...] = ()) -> None:
        super().__init__(*answers, name=name)
        self.there = set(there)
        self.unreadable: Exception | None = None
        self.looked: list[tuple[str, str | None]] = []

    def find(self, key: str, since: datetime, ref: str | None = None) -> Receipt | None:
        self.looked.append((key, ref))
        if self.unreadable is not None:
            raise self.unreadable
        return Receipt("found", f"ref of {key}") if key in self.there else None


def test_what_looked_lost_is_found_and_not_sent_again(site: Site) -> None:
    site.outbox("a")
    channel = Readable(later(), there=("a",))
    deliver_all(site, channel)

    assert channel.taken == []
    row = site.one(Delivery)
    assert (row.state, row.outcome, row.ambiguous) == ("sent", "sent_found", False)
    assert log(site) == [(1, 1, "server_error"), (1, 2, "sent_found")]


def test_what_was_looked_for_in_vain_is_sent_again_and_is_not_in_doubt(site: Site) -> None:
    site.outbox("a")
    channel = Readable(later())
    deliver_all(site, channel)

    assert channel.looked == [("a", None)]
    assert len(channel.taken) == 1
    assert states(site) == [("sent", "sent")]


def test_where_it_cannot_be_said_it_is_looked_for_later(site: Site) -> None:
    site.outbox("a")
    channel = Readable(later(), there=("a",))
    channel.unreadable = rate_limited(5)
    deliver(site, channel)
    site.clock.advance(seconds=2)
    deliver(site, channel)
    assert states(site) == [("pending", "rate_limited")]
    channel.unreadable = None
    deliver_all(site, channel)

    assert channel.taken == []
    assert states(site) == [("sent", "sent_found")]


def test_where_we_may_not_read_it_is_as_with_channels_that_nobody_can_read(site: Site) -> None:
    site.outbox("a")
    channel = Readable(later(), there=("a",))
    channel.unreadable = Undeliverable(Reason.CHANNEL_REFUSED, "missing_scope", disables_channel=True)
    with structlog.testing.capture_logs():
        deliver_all(site, channel)

    assert len(channel.taken) == 1
    assert states(site) == [("sent", "sent_ambiguous")]
    assert site.one(ChannelState).disabled_at is None


def test_what_a_dead_sender_left_is_looked_for(site: Site) -> None:
    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    site.outbox("a")
    channel = Readable(die, there=("a",))
    with pytest.raises(Killed):
        deliver(site, channel)
    site.clock.advance(seconds=LEASE.total_seconds())
    deliver_all(site, channel)

    assert channel.taken == []
    assert states(site) == [("sent", "sent_found")]


def test_a_message_that_was_removed_is_not_changed(site: Site) -> None:
    site.outbox("a")
    deliver(site, Told(Undeliverable(Reason.MESSAGE_GONE, "message_not_found")))

    assert states(site) == [("dropped", "message_gone")]


def test_a_channel_that_fails_time_and_again_is_asked_ever_more_rarely(site: Site) -> None:
    site.outbox(*"abcdef")
    channel = Told(*(later() for _ in range(6)))
    tries = []
    for second in range(300):
        if deliver(site, channel, Pacing(budget=100)):
            tries.append(second)
        site.clock.advance(seconds=1)
    assert tries[:6] == [0, 1, 3, 9, 27, 81]
    assert site.one(ChannelState).failures == 0


REFUSED = Undeliverable(Reason.CHANNEL_REFUSED, "no_service", disables_channel=True)


def off_notices(site: Site) -> dict[str, str]:
    """Which channels are told of which that is off."""
    rows = [row for row in site.rows(Delivery) if row.kind == "channel_off"]
    return {row.channel: Notice.from_json(row.notice).title for row in rows}


def test_that_a_channel_is_off_is_told_elsewhere_once(outbox: Site) -> None:
    pacing = Pacing(fallback="desk", others=("desk", "mail"), public_url="http://here")
    with structlog.testing.capture_logs():
        deliver(outbox, Told(REFUSED), pacing)
        deliver(outbox, Told(REFUSED), pacing)

    assert off_notices(outbox) == {"desk": "Channel log is off"}
    told = Notice.from_json(outbox.rows(Delivery)[-1].notice)
    assert "no_service" in told.why
    assert (told.severity, outbox.rows(Delivery)[-1].severity) == ("critical", "critical")
    deliver(outbox, channel := Told(name="desk"))
    assert channel.taken == [told.key]


def test_without_a_fallback_that_is_on_every_other_channel_is_told(outbox: Site) -> None:
    with outbox.store.transaction() as session:
        channels.held(session, "desk", outbox.clock())
        channels.disable(session, "desk", outbox.clock(), "archived")
    with structlog.testing.capture_logs():
        deliver(outbox, Told(REFUSED), Pacing(fallback="desk", others=("desk", "mail", "page")))

    assert off_notices(outbox).keys() == {"mail", "page"}


def test_what_the_fallback_was_to_be_told_goes_on_to_its_own(outbox: Site) -> None:
    with structlog.testing.capture_logs():
        deliver(outbox, Told(REFUSED), Pacing(fallback="desk", others=("desk", "mail")))
        deliver(outbox, Told(REFUSED, name="desk"), Pacing(fallback="mail", others=("log", "mail")))

    of_mail = [row for row in outbox.rows(Delivery) if (row.channel, row.kind) == ("mail", "channel_off")]
    assert [Notice.from_json(row.notice).title for row in of_mail] == ["Channel desk is off", "Channel log is off"]


def test_the_last_channel_that_goes_off_tells_the_log_of_ours(outbox: Site) -> None:
    with structlog.testing.capture_logs() as said:
        deliver(outbox, Told(REFUSED))

    assert off_notices(outbox) == {}
    assert [entry["told"] for entry in said if entry["event"] == "channel_off"] == [
        "nobody: there is no other channel that is on"
    ]


Arrivals = st.lists(
    st.tuples(
        st.integers(0, 150), st.sampled_from(["info", "warning", "critical"]), st.sampled_from(["post", "update"])
    ),
    max_size=25,
)


@settings(
    max_examples=int(os.environ.get("ESCUCHA_EXAMPLES", "5")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    arrivals=Arrivals,
    budget=st.integers(2, 6),
    behaviours=st.lists(st.sampled_from(["ok", "ok", "lost", "500", "429", "gone", "died"]), min_size=1, max_size=10),
)
def test_the_budget_holds_and_nothing_is_lost_whatever_comes_and_however_it_fails(
    sqlite_store: Store, arrivals: list[tuple[int, str, str]], budget: int, behaviours: list[str]
) -> None:
    """Messages come at any minute; Slack takes them and says so, or not, or not at all; senders die in the middle."""

    class Killed(BaseException):
        pass

    class Moody(Told):
        def __init__(self) -> None:
            super().__init__()
            self.at: list[tuple[datetime, Mode]] = []
            self.mood = cycle(behaviours)

        def send(self, notice: Notice, mode: Mode = Mode.POST, ref: str | None = None) -> Receipt:
            mood = next(self.mood)
            if mood in ("ok", "lost", "died"):
                self.at.append((site.clock(), mode))
            if mood == "died":
                raise Killed
            if mood == "429":
                raise rate_limited(7)
            if mood != "ok":
                raise later(Reason.CONNECTION_FAILED, ambiguous=False) if mood == "gone" else later()
            return Receipt("ok", "ref")

    site, channel = Site(sqlite_store, Clock()), Moody()
    with sqlite_store.transaction() as session:
        for model in (DeliveryAttempt, Delivery, ChannelState, Notification, Alert, Brand):
            session.connection().execute(table(model).delete())
    site.brand()
    pacing = Pacing(pace=timedelta(seconds=1), budget=budget, max_attempts=8)
    brand = site.id_of(Brand, "Aeroluz")
    coming = sorted(arrivals)
    while coming or site.clock() < NOON + timedelta(hours=12):
        while coming and NOON + timedelta(minutes=coming[0][0]) <= site.clock():
            _, severity, mode = coming.pop(0)
            arrive(site, brand, len(coming), severity, mode)
        with suppress(Killed):
            deliver(site, channel, pacing)
        site.clock.advance(minutes=0.5 if coming else 4)
    rows = site.rows(Delivery)
    assert {row.state for row in rows} <= {"sent", "dead", "dropped"} or set(behaviours).isdisjoint({"ok"})
    for row in rows:
        assert row.outcome is not None
        assert row.state != "pending" or row.not_before > site.clock() - timedelta(hours=1)
        if row.outcome == "summarised":
            assert next(one.kind for one in rows if one.id == row.merged_into) == "summary"
    new = [at for at, mode in channel.at if mode is not Mode.UPDATE]
    for at in new:
        assert sum(at - timedelta(hours=1) < other <= at for other in new) <= budget


def arrive(site: Site, brand: int, number: int, severity: str, mode: str) -> None:
    """News of an incident of its own; as an update, of one that is told already."""
    now = site.clock()
    notice = replace(for_test("log", now), key=f"key-{number}", severity=Severity(severity)).to_json()
    with site.store.transaction() as session:
        alert = Alert(
            brand_id=brand, rule="detractor", group_key=f"{number}", opened_at=now, last_at=now, count=1, reach=0,
            created_at=now, changed_at=now,
        )  # fmt: skip
        session.add(alert)
        session.flush()
        assert alert.id is not None
        ref = "ref" if mode == "update" else None
        session.add(
            Notification(
                alert_id=alert.id, channel="log", first_at=now, told_at=now, posted_at=now, state="open", ref=ref
            )
        )
        session.flush()
        row = {
            "key": f"key-{number}", "alert_id": alert.id, "channel": "log", "kind": "opened", "mode": mode,
            "severity": severity, "reason": "incident_opened", "notice": notice,
        }  # fmt: skip
        put(session, [row], now)
