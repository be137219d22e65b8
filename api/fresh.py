"""What takes many statements to find out and anybody may ask: found out once in a while, however often it is asked."""

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from listener import clock

FRESH_S = 5.0
"""Seconds for which an answer is good; monitors ask every fifteen or so."""

Answer = TypeVar("Answer")


class Fresh(Generic[Answer]):
    """The last answer, or a new one. Safe to share between threads: of several at once one finds it out."""

    def __init__(self, find: Callable[[], Answer]) -> None:
        self._find = find
        self._lock = Lock()
        self._known: tuple[float, Answer] | None = None

    def __call__(self) -> Answer:
        """As it was ``FRESH_S`` ago at most."""
        with self._lock:
            now = clock.monotonic()
            if self._known is None or now - self._known[0] >= FRESH_S:
                self._known = now, self._find()
            return self._known[1]
