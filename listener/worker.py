"""Threads that run the stages over and over, each at its own pace, until they are told to stop."""

from collections.abc import Callable, Mapping
from threading import Event, Thread

import structlog

log = structlog.get_logger()

Stage = Callable[[], int]
"""Does some work that is due and says how much; 0 = there was none."""

LONGEST_PAUSE_S = 30.0


class Worker:
    """One thread per stage, so that a slow source, model or channel never holds up another stage.

    A stage that fails is logged and tried again after a growing pause: what it did not finish is still in its table.
    ``stop``: set by ``stop()``, and watched by stages that take long (see ``Pipeline.stop``).
    """

    def __init__(self, stages: Mapping[str, Stage], poll_seconds: float, stop: Event | None = None) -> None:
        self._poll = poll_seconds
        self._stop = stop or Event()
        self._threads = [Thread(target=self._run, args=(name, stage), name=name) for name, stage in stages.items()]

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
                pause = min(self._poll * 2 ** min(failures, 20), LONGEST_PAUSE_S)
                log.exception("stage_failed", stage=name, again_in_s=round(pause, 1), error=str(error))
                self._stop.wait(pause)
                continue
            if idle:
                self._stop.wait(self._poll)
