"""Stages run side by side, survive their own failures, and end after what they are doing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock, Thread, active_count
from typing import Any

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from listener.worker import Crew, Stage, Worker

SOON = 10.0
"""Seconds that no test should ever wait."""


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[EventDict]]:
    with capture_logs() as entries:
        yield entries


class Counting:
    """A stage that counts its runs and says when there were enough."""

    def __init__(self, enough: int, fails: int = 0, work: int = 1) -> None:
        self.runs = 0
        self.reached = Event()
        self._enough = enough
        self._fails = fails
        self._work = work

    def __call__(self) -> int:
        self.runs += 1
        if self.runs >= self._enough:
            self.reached.set()
        if self.runs <= self._fails:
            raise RuntimeError("no luck")
        return self._work


def run(poll: float, **stages: Stage) -> Worker:
    return Worker(stages, poll_seconds=poll)


def test_a_stage_with_work_runs_again_at_once() -> None:
    busy = Counting(enough=50)
    with run(SOON, busy=busy):
        assert busy.reached.wait(SOON)


def test_a_stage_without_work_waits_before_it_looks_again() -> None:
    idle, other = Counting(enough=1, work=0), Counting(enough=200)
    with run(60, idle=idle, other=other):
        assert idle.reached.wait(SOON)
        assert other.reached.wait(SOON)
        assert idle.runs == 1


def test_a_stage_that_fails_is_tried_again_and_stops_no_other(logged: list[EventDict]) -> None:
    failing, other = Counting(enough=4, fails=3), Counting(enough=50)
    with run(0.001, failing=failing, other=other):
        assert failing.reached.wait(SOON)
        assert other.reached.wait(SOON)

    told = [entry for entry in logged if entry["event"] == "stage_failed"]
    assert [entry["stage"] for entry in told] == ["failing"] * 3
    assert {entry["error"] for entry in told} == {"no luck"}


def test_the_pause_after_failures_grows_to_half_a_minute(
    logged: list[EventDict], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = Counting(enough=8, fails=8)
    worker = run(1.0, failing=failing)
    monkeypatch.setattr(worker._stop, "wait", lambda _seconds: failing.reached.is_set() and worker._stop.set())
    with worker:
        assert failing.reached.wait(SOON)

    assert [entry["again_in_s"] for entry in logged] == [2, 4, 8, 16, 30, 30, 30, 30]


def test_a_stage_that_failed_for_days_is_tried_still() -> None:
    failing = Counting(enough=1100, fails=1100)
    with run(1e-12, failing=failing):
        assert failing.reached.wait(3 * SOON)


def test_stopping_waits_for_what_is_being_done_and_starts_nothing_new() -> None:
    begun, may_end, finished = Event(), Event(), Event()

    def slow() -> int:
        assert not finished.is_set()
        begun.set()
        assert may_end.wait(SOON)
        finished.set()
        return 1

    before = active_count()
    worker = run(0.001, slow=slow)
    worker.start()
    assert begun.wait(SOON)
    worker._stop.set()
    may_end.set()
    worker.stop()

    assert finished.is_set()
    assert active_count() == before


def test_stopping_interrupts_every_pause() -> None:
    idle, failing = Counting(enough=1, work=0), Counting(enough=1, fails=1)
    with run(3600, idle=idle, failing=failing):
        assert idle.reached.wait(SOON)
        assert failing.reached.wait(SOON)


def test_a_crew_does_pieces_side_by_side_and_no_more_than_it_may() -> None:
    waiting, lock = list(range(7)), Lock()
    under_way: set[int] = set()
    most: list[int] = []
    three, may_end = Event(), Event()

    def take() -> int | None:
        return waiting.pop(0) if waiting else None

    def do(piece: int) -> None:
        with lock:
            under_way.add(piece)
            most.append(len(under_way))
            if len(under_way) == 3:
                three.set()
        may_end.wait(SOON)
        with lock:
            under_way.remove(piece)

    with Worker({"crew": Crew(take, do, 3)}, 0.001):
        assert three.wait(SOON)
        may_end.set()
        while waiting:
            pass
    assert max(most) == 3
    assert len(most) == 7


def test_a_piece_that_fails_is_told_and_frees_its_thread(logged: list[EventDict]) -> None:
    done = Event()
    waiting = ["bad", "bad", "good"]

    def do(piece: str) -> None:
        if piece == "bad":
            raise RuntimeError("no luck")
        done.set()

    with Worker({"crew": Crew(lambda: waiting.pop(0) if waiting else None, do, 1)}, 0.001):
        assert done.wait(SOON)
    assert [entry["error"] for entry in logged] == ["no luck"] * 2


def test_a_crew_that_cannot_take_rests_and_goes_on(logged: list[EventDict]) -> None:
    done = Event()
    fails = [1, 1]

    def take() -> int | None:
        if fails:
            fails.pop()
            raise RuntimeError("no database")
        return None if done.is_set() else 1

    with Worker({"crew": Crew(take, lambda _piece: done.set(), 2)}, 0.001):
        assert done.wait(SOON)
    assert [entry["again_in_s"] for entry in logged] == [0.0, 0.0]


@pytest.mark.parametrize("kept", [False, True])
def test_a_crew_outlives_that_no_thread_can_be_started(
    logged: list[EventDict], monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    """The pool may forget the piece or keep it for a thread that comes later; it is done once either way."""
    waiting, done, lock = list(range(12)), [], Lock()
    all_of_them, fails = Event(), [1, 0, 1, 1, 0, 0, 1]
    submit = ThreadPoolExecutor.submit

    def sometimes(pool: ThreadPoolExecutor, *job: Any) -> Any:
        failing = fails.pop() if fails else 0
        if not failing or kept:
            submit(pool, *job)
        if failing:
            raise RuntimeError("can't start new thread")

    def do(piece: int) -> None:
        with lock:
            done.append(piece)
            if len(done) == 12:
                all_of_them.set()

    monkeypatch.setattr(ThreadPoolExecutor, "submit", sometimes)
    with Worker({"crew": Crew(lambda: waiting.pop(0) if waiting else None, do, 2)}, 0.001):
        assert all_of_them.wait(SOON)
    assert sorted(done) == list(range(12))
    told = [entry for entry in logged if entry["event"] == "thread_not_started"]
    assert [entry["error"] for entry in told] == ["can't start new thread"] * 4


def test_a_crew_ends_when_its_pieces_have_and_takes_no_more() -> None:
    begun, may_end, finished = Event(), Event(), Event()
    taken: list[int] = []

    def take() -> int:
        taken.append(1)
        return 1

    def do(_piece: int) -> None:
        begun.set()
        may_end.wait(SOON)
        finished.set()

    worker = Worker({"crew": Crew(take, do, 1)}, 0.001)
    worker.start()
    assert begun.wait(SOON)
    stopper = Thread(target=worker.stop)
    stopper.start()
    assert worker._stop.wait(SOON)
    may_end.set()
    stopper.join(SOON)
    assert finished.is_set()
    assert len(taken) == 1


def test_a_crew_called_like_a_stage_does_one_piece_here() -> None:
    waiting, done = [1, 2], []
    crew = Crew(lambda: waiting.pop(0) if waiting else None, done.append, 4)
    assert [crew(), crew(), crew()] == [1, 1, 0]
    assert done == [1, 2]
