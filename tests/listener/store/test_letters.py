"""What people do about messages: sent again or given up, once it makes sense, with who did it."""

from datetime import timedelta

import pytest

from alerts.channel import Receipt
from alerts.reasons import Reason
from listener.store import channels, claims, deliveries, letters, outcomes
from listener.store.deliveries import Claim
from listener.store.tables import Audit, Delivery
from tests.listener.conftest import Site


def claim(site: Site) -> Claim:
    with site.store.transaction() as session:
        taken = claims.claim(session, "log", site.clock(), timedelta(minutes=1), timedelta(0))
    assert taken is not None
    return taken


def die(site: Site) -> None:
    taken = claim(site)
    with site.store.transaction() as session:
        outcomes.dead(session, taken, site.clock(), Reason.REJECTED, "invalid_blocks", ambiguous=False)


def test_a_dead_letter_is_sent_again_as_if_nobody_had_tried_and_who_asked_is_kept(site: Site) -> None:
    site.outbox("a")
    die(site)
    with site.store.transaction() as session:
        letters.resend(session, 1, "ana", site.clock())

    taken = claim(site)
    assert (taken.attempt, taken.tries) == (2, 1)
    kept = site.one(Audit)
    assert (kept.actor, kept.action, kept.subject, kept.detail) == (
        "ana", "delivery_resent", "1", {"key": "a", "channel": "log"},
    )  # fmt: skip


def test_what_is_given_up_is_not_sent_and_can_be_taken_back(site: Site) -> None:
    site.outbox("a")
    with site.store.transaction() as session:
        letters.give_up(session, 1, "ana", site.clock())
    row = site.one(Delivery)
    assert (row.state, row.outcome) == ("dropped", "given_up")

    with site.store.transaction() as session:
        letters.resend(session, 1, "ben", site.clock())
    assert claim(site).key == "a"
    assert [row.action for row in site.rows(Audit)] == ["delivery_given_up", "delivery_resent"]


def test_what_makes_no_sense_is_refused_in_words(site: Site) -> None:
    site.outbox("a")
    with site.store.transaction() as session:
        with pytest.raises(letters.NotNow, match="on its way"):
            letters.resend(session, 1, "ana", site.clock())
        with pytest.raises(KeyError):
            letters.resend(session, 2, "ana", site.clock())
        with pytest.raises(KeyError):
            letters.give_up(session, 2, "ana", site.clock())
    taken = claim(site)
    with site.store.transaction() as session:
        with pytest.raises(letters.NotNow, match="being sent"):
            letters.give_up(session, 1, "ana", site.clock())
        outcomes.sent(session, taken, site.clock(), Receipt("ok"))
        with pytest.raises(letters.NotNow, match="was sent"):
            letters.resend(session, 1, "ana", site.clock())
        with pytest.raises(letters.NotNow, match="is over"):
            letters.give_up(session, 1, "ana", site.clock())
    assert site.rows(Audit) == []


def test_what_died_is_not_sent_where_its_channel_is_off(site: Site) -> None:
    site.outbox("a")
    die(site)
    with site.store.transaction() as session:
        channels.disable(session, "log", site.clock(), "no_service")
        with pytest.raises(letters.NotNow, match="escucha channels enable log"):
            letters.resend(session, 1, "ana", site.clock())

    assert site.one(Delivery).state == "dead"


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        (Reason.SUPERSEDED, "newer state"), (Reason.TOLD_TOGETHER, "earlier message"), (Reason.SUMMARISED, "summary"),
        (Reason.NOTHING_TO_UPDATE, "no message"), (Reason.MESSAGE_GONE, "is gone"),
    ],
)  # fmt: skip
def test_why_what_was_dropped_need_not_be_sent_is_said(site: Site, outcome: Reason, says: str) -> None:
    site.outbox("a")
    with site.store.transaction() as session:
        deliveries.drop(session, 1, outcome)
        with pytest.raises(letters.NotNow, match=says):
            letters.resend(session, 1, "ana", site.clock())


def test_a_late_report_of_an_old_try_is_no_report_of_a_new_one(site: Site) -> None:
    site.outbox("a")
    old = claim(site)
    with site.store.transaction() as session:
        outcomes.dead(session, old, site.clock(), Reason.REJECTED, "invalid_blocks", ambiguous=False)
        letters.resend(session, 1, "ana", site.clock())
    claim(site)
    with site.store.transaction() as session:
        outcomes.again(session, old, site.clock(), Reason.TIMED_OUT, "late", at=site.clock(), ambiguous=False)

    assert site.one(Delivery).state == "sending"


def test_letters_are_listed_by_state_and_channel_the_latest_first(site: Site) -> None:
    site.outbox("a", "b", "c")
    site.outbox("d", channel="slack")
    die(site)
    with site.store.reading() as session:
        assert [row["key"] for row in letters.listed(session)] == ["d", "c", "b", "a"]
        assert [row["key"] for row in letters.listed(session, state="dead")] == ["a"]
        assert [row["key"] for row in letters.listed(session, channel="slack")] == ["d"]
        assert [row["key"] for row in letters.listed(session, before=3, limit=1)] == ["b"]
        assert [row["outcome"] for row in letters.attempts(session, 1)] == ["rejected"]
        found = letters.one(session, 1)
        assert found is not None
        assert (found["key"], found["brand"], letters.one(session, 9)) == ("a", None, None)
        assert "notice" in found
        assert "notice" not in letters.listed(session)[0]
