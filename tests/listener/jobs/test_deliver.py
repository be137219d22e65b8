"""Sent at least once, in order, at the channel's pace; every attempt is logged and every doubt marked."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from threading import Lock
from typing import ClassVar

import pytest
import structlog
from pydantic import SecretStr, ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alerts.channel import Receipt, TryLater, Undeliverable
from alerts.channels.slack import LONGEST_TIMEOUT, SlackOptions, SlackWebhook
from alerts.notice import Notice
from alerts.reasons import Reason
from listener.jobs.deliver import LEASE, Pacing, deliver_next
from listener.store import deliveries
from listener.store.tables import ChannelState, Delivery, DeliveryAttempt
from tests.listener.conftest import Site, together

Answer = Exception | Callable[[], object] | None
"""What a channel does with a notice: fail, or do something first, or just take it."""


class Told:
    """A channel that answers from a list, and then takes everything. Remembers the keys that it took."""

    kind: ClassVar[str] = "told"

    def __init__(self, *answers: Answer, name: str = "log") -> None:
        self.name = name
        self.taken: list[str] = []
        self._answers = list(answers)
        self._lock = Lock()

    def send(self, notice: Notice) -> Receipt:
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
        deliveries.enable_channel(session, "log", outbox.clock())
    deliver_all(outbox, channel)
    assert states(outbox) == [("sent", "sent"), ("sent", "sent")]
    assert log(outbox) == [(1, 1, "channel_refused"), (1, 1, "sent"), (2, 1, "sent")]


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
