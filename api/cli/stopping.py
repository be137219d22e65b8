"""Ending in good order: SIGTERM and Ctrl-C let what is under way finish."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

import structlog

log = structlog.get_logger()


@contextmanager
def told_to_stop() -> Iterator[Event]:
    """An event that is set when the process is asked to end. A second request ends it at once."""
    stop = Event()

    def ask(number: int, _frame: FrameType | None) -> None:
        log.info("stopping", signal=signal.Signals(number).name)
        stop.set()
        for name, handler in before.items():
            signal.signal(name, handler)

    before = {name: signal.signal(name, ask) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def wait(stop: Event) -> None:
    """Sleep until ``stop`` is set."""
    # With a time-out, because a wait without one keeps signal handlers from running on some platforms.
    while not stop.wait(1.0):
        pass
