"""The state that open pages follow: read once a second however many pages are open."""

import hashlib
from dataclasses import dataclass
from threading import Lock

from api.wiring import Installation
from listener import clock
from listener.store import read

FRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class State:
    """The totals, and what else moves."""

    totals: read.Totals
    movement: tuple[int, ...]
    attention: tuple[str, ...]
    silenced: tuple[str, ...]

    @property
    def version(self) -> str:
        """Equal for equal states; safe in a header."""
        return hashlib.sha256(repr((self.totals, self.movement, self.attention, self.silenced)).encode()).hexdigest()[
            :16
        ]


class Live:
    """Reads the totals at most once a second. Safe to share between threads."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._lock = Lock()
        self._state: State | None = None
        self._read_at = 0.0

    def state(self) -> State:
        """The state, at most a second old."""
        with self._lock:
            now = clock.monotonic()
            if self._state is None or now - self._read_at >= FRESH_S:
                with self._installation.store.reading() as session:
                    attention = tuple(self._installation.attention(session))
                    silenced = tuple(self._installation.silenced(session))
                    self._state = State(read.totals(session), read.movement(session), attention, silenced)
                self._read_at = now
            return self._state
