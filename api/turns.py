"""Work behind a request that takes long or much memory: a few at a time, a few who wait for it, and the rest is told to
come again at once. However many ask, there are threads left for everybody else.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from threading import Lock
from weakref import WeakValueDictionary

from fastapi import HTTPException

AT_ONCE = 2
"""Every request has one of forty threads, and a backtest holds some hundred thousand rows."""

WAITING = 4
"""Who waits in a thread holds it."""

COME_AGAIN_S = 10


class Turns:
    """For all requests of an application together. Safe to share between threads and event loops; first come, first
    served."""

    def __init__(self, busy: str, at_once: int = AT_ONCE, waiting: int = WAITING, status: int = 503) -> None:
        """``busy``: what to tell whoever finds no turn, with this status. ``waiting``: how many may wait for one."""
        self._busy, self._status = busy, status
        self._free, self._most = at_once, waiting
        self._line: deque[Future[None]] = deque()
        self._lock = Lock()

    @contextmanager
    def take(self, patience_s: float = 0) -> Iterator[None]:
        """Hold one meanwhile. Raises HTTPException where none is free, or comes free within ``patience_s``, or too many
        wait for one already."""
        with self._place(patience_s) as place:
            try:
                place.result(patience_s)
            except TimeoutError:
                raise self._refusal() from None
            yield

    @asynccontextmanager
    async def wait(self, patience_s: float) -> AsyncIterator[None]:
        """The same on an event loop: whoever waits holds no thread and no connection."""
        with self._place(patience_s) as place:
            if not place.done():
                try:
                    await asyncio.wait_for(asyncio.wrap_future(place), patience_s)
                except TimeoutError:
                    raise self._refusal() from None
            yield

    @contextmanager
    def _place(self, patience_s: float) -> Iterator["Future[None]"]:
        """A place in the line, done as soon as it is a turn; what it has become is handed on afterwards."""
        place: Future[None] = Future()
        # From here on nobody can cancel it: whoever leaves takes it out of the line.
        place.set_running_or_notify_cancel()
        with self._lock:
            if self._free:
                self._free -= 1
                place.set_result(None)
            elif patience_s <= 0 or len(self._line) >= self._most:
                raise self._refusal()
            else:
                self._line.append(place)
        try:
            yield place
        finally:
            with self._lock:
                if place in self._line:
                    self._line.remove(place)
                elif self._line:
                    self._line.popleft().set_result(None)
                else:
                    self._free += 1

    def _refusal(self) -> HTTPException:
        return HTTPException(self._status, self._busy, {"Retry-After": str(COME_AGAIN_S)})


class OwnTurns:
    """Turns for each caller by themselves: whoever takes all of theirs takes nobody else's."""

    def __init__(self, busy: str, at_once: int = AT_ONCE) -> None:
        self._busy, self._at_once = busy, at_once
        self._lock = Lock()
        # As long as somebody holds one of them.
        self._of: WeakValueDictionary[str, Turns] = WeakValueDictionary()

    def of(self, caller: str) -> Turns:
        """Those of this caller; too many are their own doing (429)."""
        with self._lock:
            found = self._of.get(caller)
            if found is None:
                found = self._of[caller] = Turns(self._busy, self._at_once, waiting=0, status=429)
            return found
