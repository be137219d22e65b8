"""Who of this process writes to a SQLite file next: whoever has waited longest.

SQLite lets waiting writers try again at random times, so that one of a dozen threads may wait until its timeout while
the others write. This stands before it; other processes still wait as SQLite lets them.
"""

from collections import deque
from pathlib import Path
from threading import Lock, get_ident
from weakref import WeakValueDictionary


class Line:
    """Those who wait to write, in the order in which they came."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._waiting: deque[Lock] = deque()
        self._writer: int | None = None
        self._taken = False

    @property
    def waiting(self) -> int:
        """How many wait."""
        with self._guard:
            return len(self._waiting)

    def enter(self) -> None:
        """Wait for our turn. Raises RuntimeError for a thread whose turn it is already: it would wait for itself."""
        with self._guard:
            if self._taken and self._writer == get_ident():
                raise RuntimeError("a transaction inside another one of the same thread: it would wait for itself")
            if not self._taken:
                self._taken, self._writer = True, get_ident()
                return
            place = Lock()
            place.acquire()
            self._waiting.append(place)
        try:
            place.acquire()
        except BaseException:
            # Interrupted (Ctrl-C): whoever comes next must not wait for somebody who has gone.
            with self._guard:
                gone = place in self._waiting
                if gone:
                    self._waiting.remove(place)
            if not gone:
                self.leave()
            raise
        self._writer = get_ident()

    def leave(self) -> None:
        """Give the turn to whoever has waited longest."""
        with self._guard:
            self._writer = None
            if self._waiting:
                # Stays taken: nobody who comes now gets in between.
                self._waiting.popleft().release()
            else:
                self._taken = False


class Turn:
    """One transaction's turn to write."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._ours = False

    def take(self) -> None:
        """Wait for it, if it is not ours yet. Raises RuntimeError where this thread writes already."""
        if not self._ours:
            self._line.enter()
            self._ours = True

    def end(self) -> None:
        """Let the next one write."""
        if self._ours:
            self._ours = False
            self._line.leave()


_guard = Lock()
_lines: "WeakValueDictionary[Path, Line]" = WeakValueDictionary()


def line_of(path: Path) -> Line:
    """The line before a file: the same for everybody in this process."""
    with _guard:
        return _lines.setdefault(path.resolve(), Line())
