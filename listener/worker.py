"""Threads that run the stages over and over, each at its own pace, until they are told to stop."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Lock, Semaphore, Thread
from typing import Any, Generic, TypeVar

import structlog

log = structlog.get_logger()

Stage = Callable[[], int]
"""Does some work that is due and says how much; 0 = there was none."""

LONGEST_PAUSE_S = 30.0

Piece = TypeVar("Piece")


@dataclass(frozen=True, slots=True)
class Crew(Generic[Piece]):
    """A stage whose pieces of work do not wait for each other: each has a thread of its own, up to ``most`` at once.

    ``take`` gives a piece that is due, or None; ``do`` does it. Threads are started as they are needed. Called like any
    stage it does one piece in the caller's thread.
    """

    take: Callable[[], Piece | None]
    do: Callable[[Piece], None]
    most: int

    def __call__(self) -> int:
        piece = self.take()
        if piece is None:
            return 0
        self.do(piece)
        return 1


class Worker:
    """One thread per stage, or a crew of them, so that a slow source, model or channel never holds up another.

    A stage that fails is logged and tried again after a growing pause: what it did not finish is still in its table.
    ``stop``: set by ``stop()``, and watched by stages that take long (see ``Pipeline.stop``).
    """

    def __init__(self, stages: Mapping[str, Stage], poll_seconds: float, stop: Event | None = None) -> None:
        self._poll = poll_seconds
        self._stop = stop or Event()
        self._threads = [
            Thread(target=self._lead if isinstance(stage, Crew) else self._run, args=(name, stage), name=name)
            for name, stage in stages.items()
        ]

    def start(self) -> None:
        """Start all threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ask all threads to end after what they are doing, and wait for them."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> "Worker":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self, name: str, stage: Stage) -> None:
        failures = 0
        while not self._stop.is_set():
            try:
                idle = stage() == 0
                failures = 0
            except Exception as error:
                failures += 1
                pause = self._pause(failures)
                log.exception("stage_failed", stage=name, again_in_s=round(pause, 1), error=str(error))
                self._stop.wait(pause)
                continue
            if idle:
                self._stop.wait(self._poll)

    def _lead(self, name: str, crew: Crew[Any]) -> None:
        """Take what is due whenever a thread is free, and hand it out. Ends when all of the crew have."""
        free = Semaphore(crew.most)

        def do(piece: Any, begun: Lock) -> None:
            if not begun.acquire(blocking=False):
                return
            try:
                crew.do(piece)
            except Exception as error:
                log.exception("stage_failed", stage=name, error=str(error))
            finally:
                free.release()

        failures = 0
        with ThreadPoolExecutor(crew.most, thread_name_prefix=name) as pool:
            while not self._stop.is_set():
                # Told to stop while all were busy, it takes nothing more when one becomes free.
                if not free.acquire(timeout=self._poll) or self._stop.is_set():
                    continue
                try:
                    piece = crew.take()
                    failures = 0
                except Exception as error:
                    free.release()
                    failures += 1
                    pause = self._pause(failures)
                    log.exception("stage_failed", stage=name, again_in_s=round(pause, 1), error=str(error))
                    self._stop.wait(pause)
                    continue
                if piece is None:
                    free.release()
                    self._stop.wait(self._poll)
                else:
                    self._hand_out(pool, do, piece, name)

    def _hand_out(self, pool: ThreadPoolExecutor, do: Callable[[Any, Lock], None], piece: Any, name: str) -> None:
        """Have a piece done beside the others; here where no thread can be started, for it has been taken."""
        begun = Lock()
        try:
            pool.submit(do, piece, begun)
        except Exception as error:
            # The pool may have kept it all the same, for a thread that is there or comes later: the lock lets it be
            # done once.
            pause = self._pause(1)
            log.exception("thread_not_started", stage=name, again_in_s=round(pause, 1), error=str(error))
            do(piece, begun)
            self._stop.wait(pause)

    def _pause(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        pause: float = self._poll * 2 ** min(failures, 20)
        return min(pause, LONGEST_PAUSE_S)
