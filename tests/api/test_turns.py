"""A few at a time, a few who wait, and the rest told at once: nothing takes all the threads there are."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from threading import Event
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient

from api import downloads, passwords
from api.evidence import Evidences
from api.turns import OwnTurns, Turns
from listener.access import Permission, Role
from listener.config import Settings

from .conftest import House

one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

FOREVER_S = 30.0
"""Longer than any of these takes; nothing waits so long unless it is broken."""


@contextmanager
def all_taken(turns: Turns, number: int) -> Iterator[None]:
    with ExitStack() as held:
        for _ in range(number):
            held.enter_context(turns.take())
        yield


def waiting(turns: Turns, number: int) -> bool:
    return len(turns._line) >= number


async def until(turns: Turns, number: int) -> None:
    while not waiting(turns, number):
        await asyncio.sleep(0)


def test_who_finds_none_is_told_at_once_and_whoever_may_wait_gets_the_next() -> None:
    turns = Turns("busy", at_once=1, waiting=1)

    async def scene() -> list[str]:
        done: list[str] = []

        async def come(name: str) -> None:
            async with turns.wait(FOREVER_S):
                done.append(name)

        with turns.take():
            with pytest.raises(HTTPException, match="busy") as refused, turns.take():
                raise AssertionError
            assert (refused.value.status_code, refused.value.headers) == (503, {"Retry-After": "10"})
            first = asyncio.create_task(come("first"))
            await until(turns, 1)
            # The line is full: nobody waits for what may never come.
            with pytest.raises(HTTPException, match="busy"):
                await come("second")
            thread = asyncio.create_task(asyncio.to_thread(lambda: turns.take(FOREVER_S).__enter__()))
            with pytest.raises(HTTPException, match="busy"):
                await thread
            assert done == []
        await first
        await come("third")
        return done

    assert asyncio.run(scene()) == ["first", "third"]
    with turns.take():
        pass


def test_those_who_wait_in_threads_and_on_loops_have_theirs_in_order_and_none_is_lost() -> None:
    turns, order = Turns("busy", at_once=1, waiting=9), list[int]()

    def in_thread(number: int) -> None:
        with turns.take(FOREVER_S):
            order.append(number)

    async def on_loop(number: int) -> None:
        async with turns.wait(FOREVER_S):
            order.append(number)

    async def scene() -> None:
        tasks: list[asyncio.Task[None]] = []
        with turns.take():
            for number in range(6):
                one = asyncio.to_thread(in_thread, number) if number % 2 else on_loop(number)
                tasks.append(asyncio.create_task(one))
                await until(turns, number + 1)
            # Whoever goes away leaves the line, and impatience does too.
            tasks.pop(2).cancel()
            with pytest.raises(HTTPException):
                async with turns.wait(0.001):
                    raise AssertionError
            with pytest.raises(HTTPException), turns.take(0.001):
                raise AssertionError
        await asyncio.gather(*tasks)

    asyncio.run(scene())
    assert order == [0, 1, 3, 4, 5]
    with turns.take(), pytest.raises(HTTPException), turns.take():
        raise AssertionError


def test_each_caller_has_turns_of_their_own() -> None:
    own = OwnTurns("yours")
    with all_taken(own.of("ana"), 2):
        with pytest.raises(HTTPException) as refused, own.of("ana").take():
            raise AssertionError
        assert refused.value.status_code == 429
        with own.of("bo").take():
            pass
    with own.of("ana").take():
        pass


def test_however_many_want_words_explained_few_threads_wait_for_them() -> None:
    """One at a time takes as long as it takes; of sixty who come meanwhile all but four are told at once."""
    free = Event()

    class Slow:
        def explain(self, text: Any) -> Any:
            assert free.wait(FOREVER_S)
            return text

    evidences = Evidences(Settings(), lambda _: Slow())

    def ask(number: int) -> int:
        mention = {"id": number, "edition": 0, "text": "Lumbra", "spans": (), "brand": "Lumbra", "lang": "en"}
        try:
            evidences.of(mention)
        except HTTPException as error:
            return error.status_code
        return 200

    with ThreadPoolExecutor(60) as pool:
        try:
            asked = [pool.submit(ask, number) for number in range(60)]
            answered = as_completed(asked, timeout=10)
            assert [next(answered).result() for _ in range(55)] == [503] * 55
        finally:
            free.set()
        assert [one.result() for one in asked].count(200) == 5


def test_passwords_are_compared_a_few_at_a_time_and_strangers_do_not_queue_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "_PATIENCE_S", 0)
    with all_taken(passwords._turns, 4):
        for work in (lambda: passwords.matches("x", None), lambda: passwords.hashed("x")):
            with pytest.raises(HTTPException, match="come again"):
                work()
    assert passwords.matches("x", None) == (False, None)


@one_database
def test_a_preview_does_not_wait_behind_a_long_line(full_house: House) -> None:
    client = full_house.client()
    assert isinstance(client.app, FastAPI)
    client.app.state.turns = full = Turns("busy", waiting=0)
    with all_taken(full, 2):
        refused = client.post("/api/v1/queries/preview", json={"query": "lumbra"})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
    assert client.post("/api/v1/queries/preview", json={"query": "lumbra"}).status_code == 200


@one_database
def test_strangers_do_not_queue_for_charts(full_house: House) -> None:
    client = full_house.client(Role.VIEWER)
    assert isinstance(client.app, FastAPI)
    client.app.state.drawing = full = Turns("busy", waiting=0)
    stranger = TestClient(client.app, base_url="http://127.0.0.1", follow_redirects=False)
    chart = "/charts/volume.svg?since=2026-05-01T00:00Z&until=2026-05-02T00:00Z"
    for path in (chart, "/api/v1/digests/team"):
        with all_taken(full, 2):
            assert stranger.get(path).status_code in (303, 401), path
            assert client.get(path).status_code == 503, path
        assert client.get(path).status_code in (200, 404), path


@one_database
def test_a_caller_has_two_exports_under_way_at_most(full_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = full_house.client(headers=full_house.key(Permission.EXPORT))
    assert isinstance(mine.app, FastAPI)
    other = TestClient(mine.app, base_url="http://127.0.0.1", headers=full_house.key(Permission.EXPORT))
    path, seen, last_line = "/api/v1/exports/mentions.csv", list[tuple[str, int]](), downloads.end

    def asking_meanwhile(*said: Any) -> str:
        """Just before a file's last line somebody asks for another one."""
        if len(seen) < 2:
            seen.append(("began", 0))
            for name, client in (("mine", mine), ("other", other)):
                seen.append((name, client.get(path).status_code))
        return last_line(*said)

    monkeypatch.setattr(downloads, "end", asking_meanwhile)
    assert mine.get(path).status_code == 200
    # The first asks for the second, and that one for the third.
    assert seen == [("began", 0), ("began", 0), ("mine", 429), ("other", 200), ("mine", 200), ("other", 200)]
    assert mine.get(path).status_code == 200
