"""Tasks are held once per key, go to one worker at a time, and come back when it dies."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event

from listener.queue import HEAD_START, Work, WorkQueue
from listener.store.tables import Task
from tests.listener.conftest import Site, broken_off, together

LEASE = timedelta(minutes=5)


@pytest.fixture
def queue(site: Site) -> WorkQueue:
    return WorkQueue(site.store, LEASE)


def put(site: Site, queue: WorkQueue, *keys: str, **payload: Any) -> int:
    tasks: Mapping[str, Mapping[str, Any]] = dict.fromkeys(keys, payload)
    with site.store.transaction() as session:
        return queue.put_many(session, tasks, site.clock())


def claim(site: Site, queue: WorkQueue) -> Work:
    (work,) = queue.claim(site.clock())
    return work


def test_an_open_key_is_held_once_and_stays_as_it_is(site: Site, queue: WorkQueue) -> None:
    assert put(site, queue, "a", source=1) == 1
    assert put(site, queue, "a", "b", source=2) == 1

    assert [(task.key, task.payload) for task in site.rows(Task)] == [("a", {"source": 1}), ("b", {"source": 2})]


def test_a_key_in_a_workers_hands_is_open_still(site: Site, queue: WorkQueue) -> None:
    put(site, queue, "a")
    claim(site, queue)

    assert put(site, queue, "a") == 0


def test_a_key_that_was_done_can_be_put_again(site: Site, queue: WorkQueue) -> None:
    put(site, queue, "a")
    assert queue.ack(claim(site, queue))

    assert put(site, queue, "a") == 1
    assert claim(site, queue).attempts == 1


def test_tasks_are_put_in_the_callers_transaction(site: Site, queue: WorkQueue) -> None:
    with broken_off(site.store) as session:
        queue.put_many(session, {"a": {}}, site.clock())

    assert queue.claim(site.clock()) == []


def test_tasks_are_claimed_by_when_they_were_due(site: Site, queue: WorkQueue) -> None:
    put(site, queue, "b")
    queue.nack(claim(site, queue), site.clock() + timedelta(seconds=2))
    site.clock.advance(seconds=1)
    put(site, queue, "c", "a")
    site.clock.advance(seconds=1)

    assert [work.key for work in queue.claim(site.clock(), limit=2)] == ["c", "a"]
    assert [work.key for work in queue.claim(site.clock(), limit=2)] == ["b"]


def test_a_task_is_with_one_worker_until_its_lease_ends(site: Site, queue: WorkQueue) -> None:
    put(site, queue, "a", source=1)
    first = claim(site, queue)
    site.clock.advance(minutes=4, seconds=59)
    assert queue.claim(site.clock()) == []
    site.clock.advance(seconds=1)

    second = claim(site, queue)
    assert (second.id, second.payload, second.attempts) == (first.id, {"source": 1}, 2)
    assert second.token != first.token


def test_a_worker_that_extends_keeps_its_task(site: Site, queue: WorkQueue) -> None:
    put(site, queue, "a")
    work = claim(site, queue)
    site.clock.advance(minutes=4)
    assert queue.extend(work, site.clock())
    site.clock.advance(minutes=4)

    assert queue.claim(site.clock()) == []


def test_a_task_given_back_is_due_when_its_worker_said(site: Site, queue: WorkQueue) -> None:
    put(site, queue, "a")
    assert queue.nack(claim(site, queue), site.clock() + timedelta(seconds=30))
    site.clock.advance(seconds=29)
    assert queue.claim(site.clock()) == []
    site.clock.advance(seconds=1)

    assert claim(site, queue).attempts == 2


def test_whoever_lost_the_lease_can_neither_end_nor_hold_nor_give_back_the_task(site: Site, queue: WorkQueue) -> None:
    put(site, queue, "a")
    lost = claim(site, queue)
    site.clock.advance(minutes=5)
    held = claim(site, queue)

    assert not queue.extend(lost, site.clock())
    assert not queue.nack(lost, site.clock())
    assert not queue.ack(lost)
    assert queue.claim(site.clock()) == []
    assert queue.ack(held)
    assert site.rows(Task) == []


def test_a_lease_that_ran_out_unnoticed_can_still_be_ended(site: Site, queue: WorkQueue) -> None:
    put(site, queue, "a")
    work = claim(site, queue)
    site.clock.advance(minutes=6)

    assert queue.ack(work)
    assert not queue.ack(work)


def test_workers_at_once_never_share_a_task(site: Site, queue: WorkQueue) -> None:
    put(site, queue, *(str(number) for number in range(40)))

    def take() -> list[str]:
        return [work.key for _ in range(5) for work in queue.claim(site.clock(), limit=2)]

    taken = [key for keys in together(*(partial(take) for _ in range(4))) for key in keys]

    assert sorted(taken, key=int) == [str(number) for number in range(40)]


def test_a_look_into_an_empty_queue_writes_nothing(site: Site, queue: WorkQueue) -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(site.store.engine, "before_cursor_execute", note)
    try:
        assert queue.claim(site.clock()) == []
    finally:
        event.remove(site.store.engine, "before_cursor_execute", note)

    assert statements
    assert not [statement for statement in statements if statement.startswith("UPDATE")]


def test_what_failed_before_leaves_the_rest_a_start_but_is_not_forgotten(site: Site, queue: WorkQueue) -> None:
    put(site, queue, "hangs")
    (hangs,) = queue.claim(site.clock())
    queue.nack(hangs, site.clock())
    site.clock.advance(seconds=1)
    put(site, queue, "fresh")
    site.clock.advance(seconds=1)
    assert [work.key for work in queue.claim(site.clock(), limit=1)] == ["fresh"]

    put(site, queue, "later")
    site.clock.now += HEAD_START
    assert [work.key for work in queue.claim(site.clock(), limit=2)] == ["hangs", "later"]
