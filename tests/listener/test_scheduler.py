"""However many schedulers there are, and whatever their clocks say, a slot is fired once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from threading import Event

import pytest

from listener.queue import WorkQueue
from listener.scheduler import Scheduler, claim_slot, slot_of
from listener.store.tables import Firing, Task
from tests.conftest import NOON
from tests.listener.conftest import Site, broken_off, together

MINUTE = timedelta(minutes=1)


def claimed(site: Site, every: timedelta = MINUTE, at: datetime | None = None) -> bool:
    with site.store.transaction() as session:
        return claim_slot(session, "collect:1", every, at or site.clock())


def scheduler(site: Site, clock: Callable[[], datetime] | None = None) -> Scheduler:
    return Scheduler(site.store, WorkQueue(site.store), clock or site.clock, tick_seconds=0.01)


def work_off(site: Site) -> list[str]:
    """Do all tasks that are due."""
    queue = WorkQueue(site.store)
    done = queue.claim(site.clock(), limit=100)
    for work in done:
        queue.ack(work)
    return [work.key for work in done]


def test_a_slot_is_the_same_number_in_every_process() -> None:
    assert slot_of(NOON, MINUTE) == slot_of(NOON + timedelta(seconds=59), MINUTE) == NOON.timestamp() // 60
    assert slot_of(NOON + MINUTE, MINUTE) == slot_of(NOON, MINUTE) + 1


def test_a_slot_is_claimed_once_and_the_next_one_again(site: Site) -> None:
    assert [claimed(site), claimed(site)] == [True, False]
    site.clock.advance(seconds=59)
    assert not claimed(site)
    site.clock.advance(seconds=1)
    assert [claimed(site), claimed(site)] == [True, False]


def test_slots_that_nobody_was_there_for_are_fired_as_one(site: Site) -> None:
    claimed(site)
    site.clock.advance(hours=3)

    assert [claimed(site), claimed(site)] == [True, False]


def test_a_claim_that_is_not_kept_is_open_to_the_next(site: Site) -> None:
    with broken_off(site.store) as session:
        assert claim_slot(session, "collect:1", MINUTE, site.clock())

    assert claimed(site)


def test_another_interval_counts_from_the_next_moment_on(site: Site) -> None:
    claimed(site, timedelta(hours=1))
    site.clock.advance(seconds=1)
    assert [claimed(site, MINUTE), claimed(site, MINUTE)] == [True, False]
    site.clock.advance(minutes=1)
    assert claimed(site, MINUTE)
    site.clock.advance(seconds=1)
    assert [claimed(site, timedelta(hours=1)), claimed(site, timedelta(hours=1))] == [True, False]


@pytest.mark.parametrize("behind", [0.001, 1, 59, 61, 3600])
def test_a_clock_that_lags_does_not_fire_again(site: Site, behind: float) -> None:
    claimed(site)

    assert not claimed(site, at=site.clock() - timedelta(seconds=behind))
    assert site.one(Firing).fired_at == site.clock()


def test_a_clock_that_was_far_ahead_and_is_set_right_fires_again(site: Site) -> None:
    every = timedelta(minutes=5)
    with site.store.transaction() as session:
        assert claim_slot(session, "collect:1", every, site.clock() + timedelta(days=2))
    with site.store.transaction() as session:
        assert claim_slot(session, "collect:1", every, site.clock())


def test_claims_at_once_are_one_firing(site: Site) -> None:
    for _ in range(3):
        assert sum(together(*(partial(claimed, site) for _ in range(4)))) == 1
        site.clock.advance(minutes=1)


def test_every_due_source_gets_its_task(site: Site) -> None:
    site.source("fast", every_s=60)
    site.source("slow", every_s=3600)
    site.source("on demand")
    assert scheduler(site).fire_due() == 2
    assert [task.payload for task in site.rows(Task)] == [
        {"source_id": 1},
        {"source_id": 2},
    ]

    work_off(site)
    site.clock.advance(minutes=1)
    assert scheduler(site).fire_due() == 1
    assert work_off(site) == ["collect:1"]


def test_a_source_that_is_being_read_still_gets_no_second_task(site: Site) -> None:
    site.source(every_s=60)
    scheduler(site).fire_due()
    WorkQueue(site.store).claim(site.clock())
    site.clock.advance(minutes=1)

    assert scheduler(site).fire_due() == 0
    assert len(site.rows(Task)) == 1


def test_a_source_switched_off_or_added_counts_at_the_next_tick(site: Site) -> None:
    one = scheduler(site)
    site.source("a", every_s=60)
    one.fire_due()
    work_off(site)
    site.source("a", every_s=60, active=False)
    added = site.source("b", every_s=60)
    site.clock.advance(minutes=1)

    one.fire_due()
    assert work_off(site) == [f"collect:{added}"]


def test_several_schedulers_fire_each_slot_once_while_the_clock_moves(site: Site) -> None:
    for number in range(3):
        site.source(f"feed {number}", every_s=60)
    skews = [timedelta(0), timedelta(seconds=-20), timedelta(seconds=-70)]
    schedulers = [scheduler(site, lambda skew=skew: site.clock() + skew) for skew in skews]

    for _ in range(5):
        put = together(*(one.fire_due for one in schedulers))
        # Were the lagging one first, with an old slot, the present one would find its task open and add none.
        assert sum(put) == 3
        assert len(work_off(site)) == 3
        assert [one.fire_due() for one in schedulers] == [0, 0, 0]
        site.clock.advance(minutes=1)


def test_it_fires_by_itself_until_it_is_left(site: Site) -> None:
    fired = Event()

    class Watched(Scheduler):
        def fire_due(self) -> int:
            count = super().fire_due()
            fired.set()
            return count

    site.source(every_s=60)
    with Watched(site.store, WorkQueue(site.store), site.clock, tick_seconds=0.01):
        assert fired.wait(10)
    work_off(site)
    site.clock.advance(minutes=1)
    fired.clear()

    assert not fired.wait(0.05)
    assert site.rows(Task) == []
