"""Nothing is kept longer than its platform allows, and nothing that nobody needs."""

from datetime import timedelta

import pytest

from listener.jobs import retain
from listener.jobs.retain import SETTLED_WHY, WHY, blank_old, retain_next
from listener.store import push as receipts
from listener.store import retention, throttle, tokens, users
from listener.store.tables import (
    Mention,
    MentionBand,
    OneTimeToken,
    PushReceipt,
    SignInFailure,
    Tombstone,
    WebSession,
)
from listener.store.tokens import Purpose
from tests.listener.conftest import Site, item, together
from tests.listener.store.test_copies import NEWS

MONTH = {"x": timedelta(days=30)}


def left(site: Site) -> set[str]:
    return {mention.native_id for mention in site.rows(Mention) if mention.deleted_at is None}


def test_mentions_are_blanked_when_their_time_is_over(feed: Site) -> None:
    feed.take(item("old", kind="x"), item("old news"))
    feed.score()
    feed.clock.advance(days=29)
    feed.take(item("new", kind="x"))
    assert retain_next(feed.store, feed.clock, keep_for=MONTH) == 0

    feed.clock.advance(days=1, seconds=1)
    assert retain_next(feed.store, feed.clock, keep_for=MONTH) == 1
    assert left(feed) == {"old news", "new"}
    assert feed.one(Tombstone).why == WHY
    assert feed.rollups() == feed.recount()


def test_more_than_a_batch_goes_batch_by_batch_and_stops_when_told(feed: Site) -> None:
    feed.take(*(item(f"{number:03}", kind="x") for number in range(2 * retain.BATCH + 1)))
    feed.clock.advance(days=31)
    told = iter([True, False])

    assert blank_old(feed.store, MONTH, feed.clock, lambda: next(told)) == retain.BATCH
    assert blank_old(feed.store, MONTH, feed.clock, lambda: True) == retain.BATCH + 1
    assert left(feed) == set()


def test_receipts_go_after_three_days_though_their_sender_is_quiet(feed: Site) -> None:
    with feed.store.transaction() as session:
        for key in ("answered", "at work"):
            assert receipts.claim(session, 1, key, b"f", feed.clock()).ours
        receipts.finish(session, 1, "answered", "{}")
    feed.clock.advance(days=1)
    with feed.store.transaction() as session:
        assert receipts.claim(session, 1, "later", b"f", feed.clock()).ours
    feed.clock.advance(days=2)
    assert retain_next(feed.store, feed.clock, keep_for={}) == 0
    feed.clock.advance(hours=1)
    assert retain_next(feed.store, feed.clock, keep_for={}) == 2
    assert feed.one(PushReceipt).key == "later"


def test_texts_without_copies_to_come_are_forgotten(feed: Site) -> None:
    feed.take(item("1", NEWS))
    assert len(feed.rows(MentionBand)) == 8
    feed.clock.advance(days=15)
    assert retain_next(feed.store, feed.clock, keep_for={}) == 8

    assert feed.rows(MentionBand) == []


def test_one_process_does_it_once_an_hour(feed: Site) -> None:
    feed.take(item("1", kind="x"), item("2", kind="x"))
    feed.clock.advance(days=31)
    work = [lambda: retain_next(feed.store, feed.clock, keep_for=MONTH)] * 4

    assert sorted(together(*work)) == [0, 0, 0, 2]
    feed.take(item("3", kind="x"))
    feed.clock.advance(days=31)
    assert retain_next(feed.store, feed.clock, keep_for=MONTH) == 1


def test_without_being_told_it_keeps_to_what_the_kinds_say(feed: Site) -> None:
    feed.take(item("1"))
    feed.clock.advance(days=4000)

    assert retain_next(feed.store, feed.clock) == 0
    assert left(feed) == {"1"}


def test_sessions_tokens_and_wrong_passwords_that_are_over_go(feed: Site) -> None:
    with feed.store.transaction() as session:
        user = users.add_user(session, "ana@x.example", "Ana", {}, feed.clock(), password_hash=None)
        users.open_session(session, user, "test", feed.clock())
        tokens.issue(session, Purpose.SETUP, feed.clock())
        throttle.take(session, "ana@x.example", "192.0.2.7", feed.clock())
    feed.clock.advance(hours=23)
    assert retain_next(feed.store, feed.clock, keep_for={}) == 0
    feed.clock.advance(hours=1)
    assert retain_next(feed.store, feed.clock, keep_for={}) == 3, "the token, and what was tried for and from"
    feed.clock.advance(days=6)
    assert retain_next(feed.store, feed.clock, keep_for={}) == 1
    assert [feed.rows(model) for model in (WebSession, OneTimeToken, SignInFailure)] == [[], [], []]


def test_what_people_settled_holds_for_every_platform_and_can_be_taken_back(feed: Site) -> None:
    feed.take(item("old", kind="x"), item("old news"))
    feed.score()
    with feed.store.transaction() as session:
        settled = retention.settle(session, 30, 0, "ana", feed.clock())
    feed.clock.advance(days=31)
    feed.take(item("new", kind="x"))
    assert retain_next(feed.store, feed.clock, keep_for={}) == 2
    assert left(feed) == {"new"}
    assert {stone.why for stone in feed.rows(Tombstone)} == {SETTLED_WHY}
    assert feed.rollups() == feed.recount()

    with feed.store.transaction() as session:
        retention.settle(session, None, settled.version, "ana", feed.clock())
    feed.clock.advance(days=31)
    assert retain_next(feed.store, feed.clock, keep_for={}) == 0


def test_two_who_settle_it_at_once_are_not_both_right(feed: Site) -> None:
    def settle(days: int) -> object:
        try:
            with feed.store.transaction() as session:
                return retention.settle(session, days, 0, "ana", feed.clock()).days
        except retention.ChangedMeanwhile:
            return "changed"

    done = together(lambda: settle(30), lambda: settle(60))
    assert "changed" in done
    assert {30, 60} & set(done)


@pytest.mark.parametrize("days", [0, -1, 6, 3651])
def test_too_few_or_too_many_days_are_refused(feed: Site, days: int) -> None:
    with pytest.raises(ValueError, match="7 to 3650"), feed.store.transaction() as session:
        retention.settle(session, days, 0, "ana", feed.clock())
