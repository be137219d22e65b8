"""What goes out next: within the budget, the worst first; what has not gone tells the newest; updates find their
message."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, insert

from alerts.channel import Mode, Receipt
from alerts.notice import About, Notice, NoticeKind, for_test
from alerts.reasons import Reason
from alerts.severity import Severity
from listener.store import channels, claims, letters, outcomes
from listener.store.deliveries import Claim, put
from listener.store.tables import Alert, Delivery, DeliveryAttempt, Notification, table
from tests.conftest import NOON
from tests.listener.conftest import Site, together

LEASE = timedelta(seconds=60)
BUDGET = 3


@pytest.fixture
def incidents(feed: Site) -> Site:
    """Six incidents, of which the channel "log" has been told; what it was is up to the test."""
    with feed.store.transaction() as session:
        for number in range(1, 7):
            session.add(
                Alert(
                    brand_id=1, rule="detractor", group_key=f"{number}", opened_at=NOON, last_at=NOON, count=number,
                    reach=0, created_at=NOON, changed_at=NOON,
                )
            )  # fmt: skip
            session.flush()
            session.add(
                Notification(alert_id=number, channel="log", first_at=NOON, told_at=NOON, posted_at=NOON, state="open")
            )
    return feed


def notice(key: str, alert_id: int, *, kind: NoticeKind = NoticeKind.OPENED, count: int = 1, **more: Any) -> Notice:
    about = About(alert_id, "Aeroluz", "detractor", "open", 1, count, 0, NOON)
    title = f"New: Aeroluz / {alert_id}, detractors ({count} mentions)"
    return replace(for_test("log", NOON), key=key, kind=kind, about=about, title=title, **more)


def tell(
    site: Site, alert_id: int, kind: NoticeKind = NoticeKind.OPENED, mode: Mode = Mode.POST, count: int = 1,
    severity: str = "warning", key: str | None = None,
) -> int:  # fmt: skip
    """Put a delivery about an incident; its id."""
    key = key or f"{alert_id}-{kind}-{count}"
    written = notice(key, alert_id, kind=kind, count=count, severity=Severity(severity))
    row = {
        "key": key, "alert_id": alert_id, "channel": "log", "kind": kind.value, "mode": mode.value,
        "severity": severity, "reason": "incident_opened", "notice": written.to_json(),
    }  # fmt: skip
    with site.store.transaction() as session:
        put(session, [row], site.clock())
    return max(one.id or 0 for one in site.rows(Delivery))


def claim(site: Site, budget: int = BUDGET) -> Claim | None:
    with site.store.transaction() as session:
        return claims.claim(session, "log", site.clock(), LEASE, timedelta(0), budget, "http://here")


def sent(site: Site, taken: Claim, ref: str | None = None) -> None:
    with site.store.transaction() as session:
        outcomes.sent(session, taken, site.clock(), Receipt("ok", ref))


def lost(site: Site, taken: Claim, seconds: float = 0) -> None:
    """The answer got lost: it may have arrived."""
    now = site.clock()
    with site.store.transaction() as session:
        at = now + timedelta(seconds=seconds)
        outcomes.again(session, taken, now, Reason.TIMED_OUT, "no answer", at=at, ambiguous=True)


def send_next(site: Site, ref: str | None = None, budget: int = BUDGET) -> Claim:
    taken = claim(site, budget)
    assert taken is not None
    sent(site, taken, ref)
    return taken


def states(site: Site) -> list[tuple[str, str | None]]:
    return [(row.state, row.outcome) for row in site.rows(Delivery)]


# The order


def test_the_worst_goes_first_then_the_oldest(incidents: Site) -> None:
    for alert_id, severity in ((1, "info"), (2, "warning"), (3, "critical"), (4, "critical")):
        tell(incidents, alert_id, severity=severity)

    assert [send_next(incidents, budget=9).alert_id for _ in range(4)] == [3, 4, 2, 1]


def test_new_messages_go_before_updates_of_old_ones(incidents: Site) -> None:
    tell(incidents, 1)
    send_next(incidents, "m1")
    tell(incidents, 1, NoticeKind.UPDATED, Mode.UPDATE, 5, severity="critical")
    tell(incidents, 2, severity="info")

    assert [send_next(incidents).alert_id for _ in range(2)] == [2, 1]


def test_an_incident_that_changes_all_the_time_lets_others_through(incidents: Site) -> None:
    for alert_id in (1, 2):
        tell(incidents, alert_id)
        send_next(incidents, f"m{alert_id}")
    tell(incidents, 1, NoticeKind.UPDATED, Mode.UPDATE, 2)
    incidents.clock.advance(seconds=1)
    tell(incidents, 2, NoticeKind.UPDATED, Mode.UPDATE, 2)
    incidents.clock.advance(seconds=1)
    tell(incidents, 1, NoticeKind.UPDATED, Mode.UPDATE, 3)
    assert send_next(incidents).alert_id == 1

    tell(incidents, 1, NoticeKind.UPDATED, Mode.UPDATE, 4)
    tell(incidents, 2, NoticeKind.UPDATED, Mode.UPDATE, 3)
    assert send_next(incidents).alert_id == 2


# Telling the newest


def test_an_opening_that_nobody_has_tried_to_send_tells_the_newest(incidents: Site) -> None:
    tell(incidents, 1)
    tell(incidents, 1, NoticeKind.GREW, count=25, severity="critical")

    taken = send_next(incidents)
    stored = Notice.from_json(taken.notice)
    assert (taken.key, stored.key) == ("1-opened-1", "1-opened-1")
    assert stored.about is not None
    assert stored.about.count == 25
    first, second = incidents.rows(Delivery)
    assert (first.severity, first.kind) == ("critical", "grew")
    assert (second.state, second.outcome, second.merged_into) == ("dropped", "told_together", first.id)
    assert claim(incidents) is None


def test_what_was_tried_says_what_it_said_and_what_is_new_comes_after_it(incidents: Site) -> None:
    tell(incidents, 1)
    taken = claim(incidents)
    assert taken is not None
    lost(incidents, taken)
    tell(incidents, 1, NoticeKind.GREW, count=25)

    assert [send_next(incidents, budget=9).key for _ in range(2)] == ["1-opened-1", "1-grew-25"]


def test_an_update_is_dropped_for_a_newer_one_even_if_it_was_tried(incidents: Site) -> None:
    tell(incidents, 1)
    send_next(incidents, "m1")
    tell(incidents, 1, NoticeKind.UPDATED, Mode.UPDATE, 2)
    taken = claim(incidents)
    assert taken is not None
    lost(incidents, taken)
    newest = tell(incidents, 1, NoticeKind.UPDATED, Mode.UPDATE, 3)

    taken = send_next(incidents)
    assert (taken.key, taken.mode, taken.ref, taken.in_doubt) == ("1-updated-3", Mode.UPDATE, "m1", False)
    dropped = incidents.rows(Delivery)[1]
    assert (dropped.state, dropped.outcome, dropped.merged_into) == ("dropped", "superseded", newest)


def test_the_same_decision_again_changes_nothing(incidents: Site) -> None:
    tell(incidents, 1)
    tell(incidents, 1, NoticeKind.GREW, count=25)
    before = incidents.rows(Delivery)
    tell(incidents, 1, NoticeKind.GREW, count=25)
    tell(incidents, 1)

    assert incidents.rows(Delivery) == before


def test_a_notice_that_cannot_be_read_is_not_told_together_with_another(incidents: Site) -> None:
    row = {"key": "x", "alert_id": 1, "channel": "log", "kind": "opened", "reason": "r", "notice": "{"}
    with incidents.store.transaction() as session:
        put(session, [row], incidents.clock())
    tell(incidents, 1, NoticeKind.GREW, count=25)

    assert states(incidents) == [("pending", None), ("pending", None)]


# Updates and replies


def test_updates_and_replies_go_to_the_message_that_arrived(incidents: Site) -> None:
    tell(incidents, 1)
    assert send_next(incidents, "m1").ref is None
    tell(incidents, 1, NoticeKind.GREW, Mode.THREAD, 25)
    reply = send_next(incidents, "m1")
    tell(incidents, 1, NoticeKind.UPDATED, Mode.UPDATE, 26)
    change = send_next(incidents)

    assert (reply.mode, reply.ref) == (Mode.THREAD, "m1")
    assert (change.mode, change.ref) == (Mode.UPDATE, "m1")
    assert incidents.rows(Notification)[0].ref == "m1"


def test_a_reply_without_a_message_becomes_one(incidents: Site) -> None:
    tell(incidents, 1, NoticeKind.GREW, Mode.THREAD, 25)
    taken = send_next(incidents, "m9")

    assert (taken.mode, taken.ref) == (Mode.POST, None)
    assert incidents.rows(Notification)[0].ref == "m9"


def test_an_update_of_a_message_that_died_is_a_new_message(incidents: Site) -> None:
    tell(incidents, 1)
    taken = claim(incidents)
    assert taken is not None
    with incidents.store.transaction() as session:
        outcomes.dead(session, taken, incidents.clock(), Reason.REJECTED, "invalid_blocks", ambiguous=False)
    tell(incidents, 1, NoticeKind.UPDATED, Mode.UPDATE, 2)

    assert send_next(incidents, "m2").mode is Mode.POST
    assert incidents.rows(Notification)[0].ref == "m2"


def test_an_update_without_a_message_is_dropped_where_people_know_already(incidents: Site) -> None:
    number = tell(incidents, 1)
    with incidents.store.transaction() as session:
        letters.give_up(session, number, "ana", incidents.clock())
    tell(incidents, 1, NoticeKind.UPDATED, Mode.UPDATE, 2)

    assert claim(incidents) is None
    assert states(incidents) == [("dropped", "given_up"), ("dropped", "nothing_to_update")]


def test_a_message_that_somebody_removed_is_forgotten_and_news_is_a_new_one(incidents: Site) -> None:
    tell(incidents, 1)
    send_next(incidents, "m1")
    tell(incidents, 1, NoticeKind.UPDATED, Mode.UPDATE, 2)
    taken = claim(incidents)
    assert taken is not None
    with incidents.store.transaction() as session:
        outcomes.gone(session, taken, incidents.clock(), "message_not_found")

    assert states(incidents)[1] == ("dropped", "message_gone")
    assert incidents.rows(Notification)[0].ref is None
    tell(incidents, 1, NoticeKind.GREW, Mode.THREAD, 25)
    assert send_next(incidents, "m2").mode is Mode.POST


# The budget


def fill(site: Site, alert_ids: Sequence[int]) -> None:
    """Critical ones, which do not wait for what else comes before they take the last place."""
    for alert_id in alert_ids:
        tell(site, alert_id, severity="critical")
        send_next(site)


def test_the_last_place_tells_of_all_that_is_held_back(incidents: Site) -> None:
    fill(incidents, (1, 2))
    for alert_id, severity in ((3, "warning"), (4, "critical"), (5, "info")):
        tell(incidents, alert_id, severity=severity)

    summary = send_next(incidents)
    told = Notice.from_json(summary.notice)
    assert (told.kind, told.severity, summary.alert_id) == (NoticeKind.SUMMARY, Severity.CRITICAL, None)
    assert len([line for section in told.sections for line in section.lines]) == 3
    assert told.links[0].url == "http://here/alerts"
    assert [(row.outcome, row.merged_into) for row in incidents.rows(Delivery)[2:5]] == [("summarised", summary.id)] * 3
    assert claim(incidents) is None


def test_what_comes_after_waits_visibly_until_a_place_is_free(incidents: Site) -> None:
    fill(incidents, (1, 2, 3))
    incidents.clock.advance(minutes=10)
    tell(incidents, 4, severity="critical")
    assert claim(incidents) is None

    row = incidents.rows(Delivery)[-1]
    assert (row.state, row.outcome, row.not_before) == ("pending", "over_budget", NOON + timedelta(hours=1))
    incidents.clock.advance(minutes=50)
    assert send_next(incidents).alert_id == 4


def test_what_is_held_back_waits_a_moment_for_more_so_that_one_summary_is_enough(incidents: Site) -> None:
    fill(incidents, (1, 2))
    tell(incidents, 3)
    assert claim(incidents) is None
    assert states(incidents)[-1] == ("pending", "over_budget")
    incidents.clock.advance(seconds=50)
    tell(incidents, 4)
    assert claim(incidents) is None
    incidents.clock.advance(seconds=10)

    assert Notice.from_json(send_next(incidents).notice).kind is NoticeKind.SUMMARY


def test_held_back_it_tells_the_newest_when_it_goes(incidents: Site) -> None:
    fill(incidents, (1, 2, 3))
    tell(incidents, 4)
    assert claim(incidents) is None
    tell(incidents, 4, NoticeKind.GREW, count=100)
    incidents.clock.advance(hours=1)

    assert "100 mentions" in Notice.from_json(send_next(incidents).notice).title


def test_updates_are_outside_the_budget(incidents: Site) -> None:
    tell(incidents, 1)
    send_next(incidents, "m1")
    fill(incidents, (2, 3))
    for count in (2, 3, 4, 5):
        tell(incidents, 1, NoticeKind.UPDATED, Mode.UPDATE, count)
        assert send_next(incidents).mode is Mode.UPDATE


def test_an_update_of_what_a_summary_told_is_dropped_and_growth_is_told(incidents: Site) -> None:
    fill(incidents, (1, 2))
    for alert_id in (3, 4):
        tell(incidents, alert_id, severity="critical")
    send_next(incidents)
    tell(incidents, 3, NoticeKind.UPDATED, Mode.UPDATE, 2)
    assert claim(incidents) is None
    assert states(incidents)[-1] == ("dropped", "nothing_to_update")

    incidents.clock.advance(hours=1)
    tell(incidents, 3, NoticeKind.GREW, Mode.THREAD, 25)
    assert send_next(incidents, "m3").mode is Mode.POST


def test_each_try_that_may_have_arrived_takes_a_place(incidents: Site) -> None:
    tell(incidents, 1)
    for _ in range(BUDGET):
        taken = claim(incidents)
        assert taken is not None
        lost(incidents, taken)
        incidents.clock.advance(minutes=2)
    assert claim(incidents) is None
    assert states(incidents) == [("pending", "over_budget")]

    incidents.clock.advance(minutes=54)
    assert claim(incidents) is not None


def test_what_was_looked_for_and_is_not_there_takes_none(incidents: Site) -> None:
    tell(incidents, 1)
    taken = claim(incidents)
    assert taken is not None
    lost(incidents, taken)
    again = claim(incidents)
    assert again is not None
    assert again.in_doubt
    with incidents.store.transaction() as session:
        assert outcomes.not_there(session, again, incidents.clock() + LEASE)
    sent(incidents, again)

    row = incidents.one(Delivery)
    assert (row.outcome, row.ambiguous) == ("sent", False)
    assert [row.counts for row in incidents.rows(DeliveryAttempt)] == [False, True]


def test_whoever_lost_the_lease_while_looking_sends_nothing(incidents: Site) -> None:
    tell(incidents, 1)
    slow = claim(incidents)
    assert slow is not None
    incidents.clock.advance(seconds=61)
    assert claim(incidents) is not None

    with incidents.store.transaction() as session:
        assert not outcomes.not_there(session, slow, incidents.clock() + LEASE)


def test_a_sender_that_died_took_a_place(incidents: Site) -> None:
    fill(incidents, (1, 2))
    tell(incidents, 3, severity="critical")
    assert claim(incidents) is not None
    incidents.clock.advance(seconds=61)

    assert claim(incidents) is None
    assert states(incidents)[-1] == ("pending", "over_budget")
    assert incidents.rows(Delivery)[-1].ambiguous


def test_a_channel_over_its_budget_that_is_asked_again_writes_nothing(incidents: Site) -> None:
    fill(incidents, (1, 2, 3))
    for alert_id in (4, 5, 6):
        tell(incidents, alert_id)
    written: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        written.append(statement)

    assert claim(incidents) is None
    event.listen(incidents.store.engine, "before_cursor_execute", note)
    claim(incidents)
    event.remove(incidents.store.engine, "before_cursor_execute", note)
    before = incidents.rows(Delivery)
    changed: list[int] = []

    def count(_c: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE"):
            changed.append(cursor.rowcount)

    event.listen(incidents.store.engine, "after_cursor_execute", count)
    claim(incidents)
    event.remove(incidents.store.engine, "after_cursor_execute", count)

    assert changed == [0]
    assert not [statement for statement in written if "delivery.notice" in statement]
    assert incidents.rows(Delivery) == before


@pytest.mark.parametrize("free", [False, True])
def test_thousands_that_wait_are_held_and_summed_up(feed: Site, free: bool) -> None:
    many = 2_000
    with feed.store.transaction() as session:
        alert = {"brand_id": 1, "rule": "detractor", "opened_at": NOON, "last_at": NOON, "count": 1, "reach": 0,
                 "created_at": NOON, "changed_at": NOON}  # fmt: skip
        session.connection().execute(
            insert(table(Alert)), [{**alert, "id": number, "group_key": f"{number}"} for number in range(1, many + 1)]
        )
        stored = notice("k", 1).to_json()
        row = {"channel": "log", "kind": "opened", "reason": "incident_opened", "notice": stored, "not_before": NOON,
               "created_at": NOON}  # fmt: skip
        session.connection().execute(
            insert(table(Delivery)),
            [{**row, "key": f"k{number}", "alert_id": number} for number in range(1, many + 1)],
        )
    assert send_next(feed, budget=2).id == 1
    feed.clock.advance(minutes=5)
    if free:
        summary = send_next(feed, budget=2)
        assert f"{many - 1:,}" in Notice.from_json(summary.notice).title
    with feed.store.transaction() as session:
        tell_row = {**row, "key": "more", "alert_id": 1}
        session.connection().execute(insert(table(Delivery)), [tell_row])
    assert claim(feed, budget=2 if free else 1) is None
    assert states(feed).count(("pending", "over_budget")) == (1 if free else many)


@pytest.mark.postgres
def test_whoever_decides_is_not_waited_for_by_whoever_holds_back(postgres_feed: Site) -> None:
    """An update is written anew in one transaction with what is held back: neither waits for the other."""
    site = postgres_feed
    with site.store.transaction() as session:
        for number in range(1, 4):
            session.add(
                Alert(
                    brand_id=1, rule="detractor", group_key=f"{number}", opened_at=NOON, last_at=NOON, count=1,
                    reach=0, created_at=NOON, changed_at=NOON,
                )
            )  # fmt: skip
            session.flush()
            session.add(
                Notification(alert_id=number, channel="log", first_at=NOON, told_at=NOON, posted_at=NOON, state="open")
            )
    for alert_id in (1, 3):
        tell(site, alert_id, severity="critical")
        send_next(site, f"m{alert_id}", budget=2)
    tell(site, 1, NoticeKind.UPDATED, Mode.UPDATE, 5)
    tell(site, 2)

    def row(alert_id: int, kind: NoticeKind, mode: Mode) -> dict[str, Any]:
        written = notice(f"{alert_id}-{kind}-6", alert_id, kind=kind, count=6)
        return {
            "key": written.key, "alert_id": alert_id, "channel": "log", "kind": kind.value, "mode": mode.value,
            "severity": "warning", "reason": "incident_grew", "notice": written.to_json(),
        }  # fmt: skip

    with site.store.transaction() as session:
        put(session, [row(1, NoticeKind.UPDATED, Mode.UPDATE)], site.clock())
        # The update is being written anew: it is passed over, and so nothing is waited for while this one is held.
        assert together(lambda: claim(site, budget=2)) == [None]
        put(session, [row(2, NoticeKind.GREW, Mode.POST)], site.clock())

    taken = send_next(site, budget=2)
    assert taken.key == "1-updated-6"
    assert states(site)[3] == ("pending", "over_budget")


def test_a_clock_that_was_set_back_stops_a_channel_for_an_hour_at_most(incidents: Site) -> None:
    """Everything that was written was written a month ahead."""
    incidents.clock.advance(days=30)
    fill(incidents, (1, 2, 3))
    for alert_id in (4, 5):
        tell(incidents, alert_id, severity="critical")
    assert claim(incidents) is None
    with incidents.store.transaction() as session:
        channels.pause(session, "log", incidents.clock() + timedelta(minutes=5))
        taken = claims._take(session, 5, "log", incidents.clock(), LEASE, timedelta(0))
        assert taken is not None
    incidents.clock.advance(days=-30)

    given_back = claim(incidents)
    assert given_back is not None
    assert "lease_expired" in {row.outcome for row in incidents.rows(DeliveryAttempt)}


def test_a_change_that_died_does_not_undo_a_newer_one(incidents: Site) -> None:
    tell(incidents, 1)
    send_next(incidents, "m1")
    number = tell(incidents, 1, NoticeKind.UPDATED, Mode.UPDATE, 5)
    taken = claim(incidents)
    assert taken is not None
    with incidents.store.transaction() as session:
        outcomes.dead(session, taken, incidents.clock(), Reason.CHANNEL_REFUSED, "x", ambiguous=False)
        channels.disable(session, "log", incidents.clock(), "x")
    newer = tell(incidents, 1, NoticeKind.UPDATED, Mode.UPDATE, 9)
    with incidents.store.transaction() as session:
        assert channels.enable(session, "log", incidents.clock()) == 0

    taken = send_next(incidents)
    assert (taken.key, claim(incidents)) == ("1-updated-9", None)
    dropped = incidents.rows(Delivery)[number - 1]
    assert (dropped.state, dropped.outcome, dropped.merged_into) == ("dropped", "superseded", newer)


def test_a_change_that_died_is_not_sent_again_by_hand_after_a_newer_one(incidents: Site) -> None:
    tell(incidents, 1)
    send_next(incidents, "m1")
    number = tell(incidents, 1, NoticeKind.UPDATED, Mode.UPDATE, 5)
    taken = claim(incidents)
    assert taken is not None
    with incidents.store.transaction() as session:
        outcomes.dead(session, taken, incidents.clock(), Reason.ATTEMPTS_EXHAUSTED, "x", ambiguous=True)
    tell(incidents, 1, NoticeKind.UPDATED, Mode.UPDATE, 9)
    send_next(incidents)
    with incidents.store.transaction() as session, pytest.raises(letters.NotNow, match="change its message back"):
        letters.resend(session, number, "ana", incidents.clock())


def test_what_two_have_sent_is_marked_even_where_one_had_looked_and_its_first_message_is_kept(incidents: Site) -> None:
    """The first was asleep before it sent; the second looked, found nothing and sent."""
    tell(incidents, 1)
    asleep = claim(incidents)
    assert asleep is not None
    incidents.clock.advance(seconds=61)
    second = claim(incidents)
    assert second is not None
    with incidents.store.transaction() as session:
        assert outcomes.not_there(session, second, incidents.clock() + LEASE)
    sent(incidents, second, "m2")
    sent(incidents, asleep, "m1")

    row = incidents.one(Delivery)
    assert (row.state, row.outcome, row.ambiguous) == ("sent", "sent_ambiguous", True)
    assert incidents.rows(Notification)[0].ref == "m2"


def test_what_was_sent_while_another_had_taken_it_over_is_marked(incidents: Site) -> None:
    tell(incidents, 1)
    asleep = claim(incidents)
    assert asleep is not None
    incidents.clock.advance(seconds=61)
    second = claim(incidents)
    assert second is not None
    with incidents.store.transaction() as session:
        assert outcomes.not_there(session, second, incidents.clock() + LEASE)
    sent(incidents, asleep, "m1")

    row = incidents.one(Delivery)
    assert (row.state, row.outcome, row.ambiguous) == ("sent", "sent_ambiguous", True)


@pytest.mark.postgres
def test_senders_at_once_share_the_budget_and_write_one_summary(postgres_feed: Site) -> None:
    site = postgres_feed
    with site.store.transaction() as session:
        for number in range(1, 13):
            session.add(
                Alert(
                    brand_id=1, rule="detractor", group_key=f"{number}", opened_at=NOON, last_at=NOON, count=1,
                    reach=0, created_at=NOON, changed_at=NOON,
                )
            )  # fmt: skip
    for number in range(1, 13):
        tell(site, number, severity="critical")

    def work() -> int:
        done = 0
        for _ in range(12):
            taken = claim(site)
            if taken is not None:
                sent(site, taken)
                done += 1
        return done

    assert sum(together(*(partial(work) for _ in range(4)))) == BUDGET
    by_outcome = sorted(str(outcome) for _, outcome in states(site))
    assert by_outcome == ["sent"] * BUDGET + ["summarised"] * 10


@pytest.mark.postgres
def test_deciding_and_claiming_at_once_neither_deadlock_nor_lose(postgres_feed: Site) -> None:
    """Whoever decides writes anew what has not gone out, while whoever sends takes it or sums it up."""
    site = postgres_feed
    with site.store.transaction() as session:
        for number in range(1, 9):
            session.add(
                Alert(
                    brand_id=1, rule="detractor", group_key=f"{number}", opened_at=NOON, last_at=NOON, count=1,
                    reach=0, created_at=NOON, changed_at=NOON,
                )
            )  # fmt: skip

    def decide(first: int) -> int:
        for count in range(1, 9):
            with site.store.transaction() as session:
                rows = [
                    {
                        "key": f"{number}-{count}", "alert_id": number, "channel": "log", "kind": "opened",
                        "severity": "critical", "reason": "r", "notice": notice("k", number, count=count).to_json(),
                    }
                    for number in range(first, 9, 2)
                ]  # fmt: skip
                put(session, rows, site.clock())
        return 0

    def work() -> int:
        done = 0
        for _ in range(25):
            taken = claim(site, budget=6)
            if taken is not None:
                sent(site, taken)
                done += 1
        return done

    together(partial(decide, 1), partial(decide, 2), work, work)
    for _ in range(20):
        site.clock.advance(minutes=61)
        work()
    rows = site.rows(Delivery)
    assert {row.state for row in rows} == {"sent", "dropped"}
    told = {row.id for row in rows if row.state == "sent"}
    for row in rows:
        while row.state == "dropped":
            assert row.merged_into is not None
            row = next(one for one in rows if one.id == row.merged_into)
        assert row.id in told
