"""Threads of one process that write to one SQLite file take turns, in the order in which they came."""

from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from listener.store.engine import Store
from listener.store.tables import Setting
from listener.store.write_queue import Line, Turn, line_of
from tests.conftest import NOON
from tests.listener.conftest import together


def setting(key: str) -> Setting:
    return Setting(key=key, value=1, updated_at=NOON)


def patient(line: Line, many: int) -> None:
    """Until so many wait."""
    for _ in range(10_000):
        if line.waiting >= many:
            return
        sleep(0.001)
    pytest.fail("nobody waits in line")


def line_before(store: Store) -> Line:
    assert store._line is not None
    return store._line


def impatient(url: str) -> Store:
    """A store whose connections do not wait for each other at all: SQLite's own waiting is out of play."""
    store = Store(url)

    @event.listens_for(store.engine, "connect")
    def _at_once(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA busy_timeout=0")

    store.check()
    return store


def test_whoever_came_first_writes_first(sqlite_store: Store) -> None:
    line, order = line_before(sqlite_store), list[int]()
    threads: list[Thread] = []

    def write(number: int) -> None:
        with sqlite_store.transaction() as session:
            session.add(setting(str(number)))
            session.flush()
            order.append(number)

    with sqlite_store.transaction() as session:
        session.connection()
        for number in range(13):
            threads.append(Thread(target=write, args=(number,), daemon=True))
            threads[-1].start()
            patient(line, number + 1)
    for thread in threads:
        thread.join(timeout=30)

    assert order == list(range(13))


def test_nobody_gets_in_between_the_one_who_leaves_and_the_one_who_has_waited() -> None:
    """However soon they come back: those who waited have their turns first."""
    line, order = Line(), list[str]()

    def write(name: str) -> None:
        line.enter()
        order.append(name)
        line.leave()

    line.enter()
    waiting = [Thread(target=write, args=(str(number),), daemon=True) for number in range(5)]
    for number, thread in enumerate(waiting):
        thread.start()
        patient(line, number + 1)
    line.leave()
    write("back again")
    for thread in waiting:
        thread.join(timeout=30)

    assert order == ["0", "1", "2", "3", "4", "back again"]


def test_many_threads_that_write_all_the_time_never_find_the_database_locked(sqlite_url: str) -> None:
    store = impatient(sqlite_url)

    def write(name: int) -> None:
        for turn in range(25):
            with store.transaction() as session:
                session.add(setting(f"{name}-{turn}"))

    together(*[lambda name=name: write(name) for name in range(13)])  # type: ignore[misc]

    with store.reading() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM setting").scalar() == 13 * 25
    store.close()


def test_two_stores_on_one_file_share_the_line(sqlite_url: str, sqlite_store: Store) -> None:
    other = Store(sqlite_url)

    assert line_before(other) is line_before(sqlite_store)
    other.close()


def test_a_transaction_that_raises_leaves_the_line(sqlite_url: str) -> None:
    store = impatient(sqlite_url)
    with store.transaction() as session:
        session.add(setting("b"))

    with pytest.raises(IntegrityError), store.transaction() as session:
        session.connection().exec_driver_sql("INSERT INTO setting SELECT * FROM setting")
    with store.transaction() as session:
        session.add(setting("a"))

    assert together(lambda: line_before(store).waiting) == [0]
    store.close()


def test_one_that_cannot_begin_leaves_the_line(sqlite_url: str, sqlite_store: Store) -> None:
    """Another process is writing: stood for by a connection that never asked for a turn."""
    store = impatient(sqlite_url)
    with sqlite_store.engine.begin(), pytest.raises(Exception, match="locked"), store.transaction() as session:
        session.connection()
    with store.transaction() as session:
        session.add(setting("a"))
    store.close()


def test_one_inside_another_says_so_instead_of_waiting_for_itself(sqlite_store: Store) -> None:
    with sqlite_store.transaction() as session:
        session.add(setting("a"))
        session.flush()
        with pytest.raises(RuntimeError, match="inside another"), sqlite_store.transaction() as inner:
            inner.add(setting("b"))

    with sqlite_store.transaction() as session:
        assert session.get(Setting, "a") is not None
        assert session.get(Setting, "b") is None


def test_a_reader_needs_no_turn(sqlite_store: Store) -> None:
    with sqlite_store.transaction() as session:
        session.add(setting("a"))
        session.flush()
        with sqlite_store.reading() as reader:
            assert reader.get(Setting, "a") is None


def test_a_turn_ends_once() -> None:
    line = Line()
    turn, other = Turn(line), Turn(line)
    turn.take()
    turn.take()
    turn.end()
    other.take()
    turn.end()
    with pytest.raises(RuntimeError):
        line.enter()
    other.end()


def test_the_line_of_a_file_is_known_by_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here = line_of(Path("a.db"))

    assert line_of(tmp_path / "a.db") is here
