"""Work behind a request that takes seconds and much memory: a few at a time, so that the rest is answered meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from fastapi import HTTPException

AT_ONCE = 2
"""Every request has one of forty threads, and a backtest holds some hundred thousand rows."""

COME_AGAIN_S = 10


class Turns:
    """For all requests of an application together. Safe to share between threads."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._free = BoundedSemaphore(at_once)

    @contextmanager
    def take(self, patience_s: float = 0) -> Iterator[None]:
        """Hold one meanwhile. Raises HTTPException 503 where none is free, or comes free within ``patience_s``."""
        if not self._free.acquire(timeout=patience_s):
            words = "others have rules tried this moment; come again, or use `escucha alerts`"
            raise HTTPException(503, words, {"Retry-After": str(COME_AGAIN_S)})
        try:
            yield
        finally:
            self._free.release()
