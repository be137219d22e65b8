"""The outbox: one message at a time per channel, nothing lost, and what nobody can know is marked."""

from datetime import timedelta
from functools import partial

import pytest

from alerts.channel import Receipt
from alerts.reasons import Reason
from listener.store import channels, claims, health, outcomes
from listener.store.deliveries import Claim, put
from listener.store.tables import Alert, ChannelState, Delivery, DeliveryAttempt
from tests.listener.conftest import Site, broken_off, together

LEASE = timedelta(seconds=60)
NO_PACE = timedelta(0)


def claim(site: Site, channel: str = "log", pace: timedelta = NO_PACE) -> Claim | None:
    with site.store.transaction() as session:
        return claims.claim(session, channel, site.clock(), LEASE, pace)


def claimed(site: Site, channel: str = "log") -> Claim:
    taken = claim(site, channel)
    assert taken is not None
    return taken


def sent(site: Site, taken: Claim) -> None:
    with site.store.transaction() as session:
        outcomes.sent(session, taken, site.clock(), Receipt("ok"))


def again(site: Site, taken: Claim, *, seconds: float = 5, ambiguous: bool = False) -> None:
    now = site.clock()
    with site.store.transaction() as session:
        outcomes.again(
            session, taken, now, Reason.TIMED_OUT, "no answer",
            at=now + timedelta(seconds=seconds), ambiguous=ambiguous,
        )  # fmt: skip


def dead(site: Site, taken: Claim, reason: Reason = Reason.REJECTED) -> None:
    with site.store.transaction() as session:
        outcomes.dead(session, taken, site.clock(), reason, "no_text", ambiguous=False)


def log(site: Site) -> list[tuple[int, str]]:
    return [(attempt.number, attempt.outcome) for attempt in site.rows(DeliveryAttempt)]


def test_a_delivery_is_put_once_per_key_and_channel(site: Site) -> None:
    site.outbox("a", "a", channel="log")
    site.outbox("a", channel="slack")
    site.outbox("a", channel="log")

    assert [(row.key, row.channel, row.state) for row in site.rows(Delivery)] == [
        ("a", "log", "pending"),
        ("a", "slack", "pending"),
    ]


def test_a_claim_takes_the_oldest_and_says_which_attempt_it_is(site: Site) -> None:
    site.outbox("a", "b")

    taken = claimed(site)

    assert (taken.key, taken.channel, taken.attempt, taken.taken_over) == ("a", "log", 1, False)
    assert site.rows(Delivery)[0].state == "sending"


def test_there_is_one_claim_at_a_time_on_a_channel(site: Site) -> None:
    site.outbox("a", "b")
    first = claimed(site)
    assert claim(site) is None
    sent(site, first)

    assert claimed(site).key == "b"


def test_channels_do_not_wait_for_each_other(site: Site) -> None:
    site.outbox("a", channel="log")
    site.outbox("a", channel="slack")

    assert claimed(site, "log").channel == "log"
    assert claimed(site, "slack").channel == "slack"


def test_the_pace_holds_over_all_senders(site: Site) -> None:
    site.outbox("a", "b")
    first = claim(site, pace=timedelta(seconds=2))
    assert first is not None
    sent(site, first)

    site.clock.advance(seconds=1.9)
    assert claim(site) is None
    site.clock.advance(seconds=0.1)
    assert claimed(site).key == "b"


def test_what_was_sent_says_when_and_is_logged(site: Site) -> None:
    site.outbox("a")
    sent(site, claimed(site))

    row = site.one(Delivery)
    assert (row.state, row.outcome, row.sent_at, row.lease_until) == ("sent", "sent", site.clock(), None)
    assert log(site) == [(1, "sent")]
    assert claim(site) is None


def test_a_failed_one_waits_while_the_next_goes(site: Site) -> None:
    site.outbox("a", "b")
    again(site, claimed(site), seconds=5)

    assert claimed(site).key == "b"


def test_a_failed_one_is_due_again_at_its_time_with_the_next_number(site: Site) -> None:
    site.outbox("a")
    again(site, claimed(site), seconds=5)
    row = site.one(Delivery)
    assert (row.state, row.outcome, row.ambiguous) == ("pending", "timed_out", False)

    site.clock.advance(seconds=4.9)
    assert claim(site) is None
    site.clock.advance(seconds=0.1)
    assert claimed(site).attempt == 2


def test_doubt_stays_and_is_told_when_it_arrives(site: Site) -> None:
    site.outbox("a")
    again(site, claimed(site), seconds=0, ambiguous=True)
    again(site, claimed(site), seconds=0, ambiguous=False)
    sent(site, claimed(site))

    row = site.one(Delivery)
    assert (row.ambiguous, row.outcome) == (True, "sent_ambiguous")
    assert log(site) == [(1, "timed_out"), (2, "timed_out"), (3, "sent_ambiguous")]


def test_a_dead_one_is_claimed_no_more_and_keeps_its_reason(site: Site) -> None:
    site.outbox("a", "b")
    dead(site, claimed(site))

    row = site.rows(Delivery)[0]
    assert (row.state, row.outcome) == ("dead", "rejected")
    assert claimed(site).key == "b"


def test_a_claim_whose_lease_ran_out_is_taken_over_marked_and_logged(site: Site) -> None:
    site.outbox("a")
    claimed(site)
    site.clock.advance(seconds=59)
    assert claim(site) is None
    site.clock.advance(seconds=1)

    second = claimed(site)

    assert (second.key, second.attempt, second.taken_over) == ("a", 2, True)
    assert site.one(Delivery).ambiguous
    assert log(site) == [(1, "lease_expired")]


def test_sent_is_sent_though_the_lease_ran_out(site: Site) -> None:
    site.outbox("a")
    slow = claimed(site)
    site.clock.advance(seconds=90)
    sent(site, slow)

    assert site.one(Delivery).state == "sent"
    assert claim(site) is None


@pytest.mark.parametrize("successor", ["at work", "failed", "gave up", "sent too"])
def test_sent_is_sent_whatever_the_one_who_took_over_says(site: Site, successor: str) -> None:
    site.outbox("a")
    slow = claimed(site)
    site.clock.advance(seconds=60)
    second = claimed(site)
    if successor == "failed":
        again(site, second, seconds=0)
    elif successor == "gave up":
        dead(site, second)
    elif successor == "sent too":
        sent(site, second)
    sent(site, slow)
    if successor == "at work":
        again(site, second, seconds=0)

    row = site.one(Delivery)
    assert (row.state, row.outcome, row.ambiguous) == ("sent", "sent_ambiguous", True)
    assert claim(site) is None


def test_one_who_lost_the_lease_and_failed_changes_nothing(site: Site) -> None:
    site.outbox("a")
    slow = claimed(site)
    site.clock.advance(seconds=60)
    second = claimed(site)

    again(site, slow, seconds=0)
    dead(site, slow)

    row = site.one(Delivery)
    assert (row.state, row.attempts) == ("sending", second.attempt)


def test_every_attempt_is_logged_even_where_two_overlap(site: Site) -> None:
    site.outbox("a")
    slow = claimed(site)
    site.clock.advance(seconds=60)
    second = claimed(site)
    again(site, second)
    sent(site, slow)

    assert log(site) == [(1, "lease_expired"), (2, "timed_out"), (1, "sent_ambiguous")]


def test_a_paused_channel_gives_nothing_until_its_time(site: Site) -> None:
    site.outbox("a")
    again(site, claimed(site), seconds=0)
    with site.store.transaction() as session:
        channels.pause(session, "log", site.clock() + timedelta(seconds=30))
        channels.pause(session, "log", site.clock() + timedelta(seconds=10))

    site.clock.advance(seconds=29)
    assert claim(site) is None
    site.clock.advance(seconds=1)
    assert claimed(site).attempt == 2


def test_a_channel_that_is_off_gives_nothing_until_it_is_on_again_with_what_died_on_it(site: Site) -> None:
    site.outbox("a", "b")
    first = claimed(site)
    dead(site, first, Reason.CHANNEL_REFUSED)
    with site.store.transaction() as session:
        channels.disable(session, "log", site.clock(), "no_service")
    assert claim(site) is None
    with site.store.reading() as session:
        assert channels.disabled(session, ["log", "slack"]) == {"log": "no_service"}
        assert health.attention(session, site.clock(), timedelta(minutes=10), ["log"]) == [
            "channel log is off: no_service",
            "1 delivery is dead",
        ]

    with site.store.transaction() as session:
        assert channels.enable(session, "log", site.clock(), "ana") == 1

    for key, attempt in (("a", 2), ("b", 1)):
        taken = claimed(site)
        assert (taken.key, taken.attempt, taken.tries) == (key, attempt, 1)
        sent(site, taken)
    assert [row.state for row in site.rows(Delivery)] == ["sent", "sent"]
    assert log(site) == [(1, "channel_refused"), (2, "sent"), (1, "sent")]


def test_what_died_otherwise_or_long_ago_stays_dead_when_a_channel_is_on_again(site: Site) -> None:
    site.outbox("a", "b", "c")
    dead(site, claimed(site), Reason.CHANNEL_REFUSED)
    site.clock.advance(days=200)
    dead(site, claimed(site), Reason.REJECTED)
    with site.store.transaction() as session:
        channels.disable(session, "log", site.clock(), "no_service")
    with site.store.transaction() as session:
        assert channels.enable(session, "log", site.clock(), "ana") == 0
        assert channels.enable(session, "log", site.clock(), "ana") == 0

    assert [row.state for row in site.rows(Delivery)] == ["dead", "dead", "pending"]


def test_switching_a_channel_on_leaves_the_others_as_they_are(site: Site) -> None:
    site.outbox("a", channel="slack")
    dead(site, claimed(site, "slack"))

    with site.store.transaction() as session:
        assert channels.enable(session, "log", site.clock(), "ana") == 0
    assert site.one(Delivery).state == "dead"


def test_a_channels_words_are_kept_without_what_a_database_refuses(site: Site) -> None:
    site.outbox("a")
    taken = claimed(site)
    with site.store.transaction() as session:
        outcomes.sent(session, taken, site.clock(), Receipt("ok\x00\ud800"))
        channels.disable(session, "log", site.clock(), "off\x00")

    assert site.one(DeliveryAttempt).detail == "ok?"
    assert site.one(ChannelState).disabled_reason == "off"


def test_a_claim_that_is_not_kept_leaves_the_delivery_due(site: Site) -> None:
    site.outbox("a")
    with broken_off(site.store) as session:
        assert claims.claim(session, "log", site.clock(), LEASE, NO_PACE) is not None

    assert claimed(site).attempt == 1


def test_of_several_senders_at_once_one_gets_the_claim(site: Site) -> None:
    site.outbox("a", "b", "c")

    taken = together(*(partial(claim, site) for _ in range(5)))

    assert [one.key for one in taken if one is not None] == ["a"]


@pytest.fixture
def incident(feed: Site) -> Site:
    """Two incidents; of the first its opening and its growth are to be told, of the second its opening."""
    with feed.store.transaction() as session:
        opened = [
            Alert(
                brand_id=1, rule="detractor", opened_at=feed.clock() + timedelta(hours=hours), last_at=feed.clock(),
                count=1, reach=0, created_at=feed.clock(), changed_at=feed.clock(),
            )
            for hours in (0, 5)
        ]  # fmt: skip
        session.add_all(opened)
        session.flush()
        rows = [
            {
                "key": key, "alert_id": opened[number].id, "channel": channel, "kind": "opened", "reason": "r",
                "notice": "{}",
            }
            for channel in ("log", "slack")
            for number, key in ((0, "opened"), (0, "grew"), (1, "other"))
        ]  # fmt: skip
        put(session, rows, feed.clock())
    return feed


def test_growth_is_not_told_before_the_opening_that_waits_for_its_next_try(incident: Site) -> None:
    again(incident, claimed(incident), seconds=5)
    assert claimed(incident, "slack").key == "opened"

    other = claimed(incident)
    assert other.key == "other"
    sent(incident, other)
    assert claim(incident) is None

    incident.clock.advance(seconds=5)
    opened = claimed(incident)
    assert opened.key == "opened"
    sent(incident, opened)
    assert claimed(incident).key == "grew"


def test_growth_is_told_although_its_opening_is_dead(incident: Site) -> None:
    dead(incident, claimed(incident))

    assert claimed(incident).key == "grew"


def test_what_waits_for_an_earlier_one_is_not_stuck(incident: Site) -> None:
    again(incident, claimed(incident), seconds=3600)
    sent(incident, claimed(incident))
    incident.clock.advance(minutes=30)

    with incident.store.reading() as session:
        assert health.stuck(session, incident.clock(), timedelta(minutes=10), ["log"]) == []
