"""The state that open pages follow: one reader, once a second, however many pages are open.

The reader runs as long as somebody follows. Whoever follows has an event of their own that the reader sets, and nothing
else: two hundred open pages cost the database what one costs.
"""

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Event
from typing import Any

from api.wiring import Installation
from listener import clock
from listener.store import versions

FRESH_S = 1.0
"""How long what is shown may be old."""

ATTENTION_S = 5.0
"""How long the lines about what waits for a person may be old: it takes longer to find them."""

log = logging.getLogger(__name__)

Versions = Mapping[str, str]


class Live:
    """The versions of the topics of ``listener.store.versions``, and those who wait for them to move.

    All but ``_read`` runs on the event loop.
    """

    def __init__(self, installation: Installation, stop: Event) -> None:
        self._installation = installation
        self._stop = stop
        self._key = secrets.token_bytes(32)
        self._followers: set[asyncio.Event] = set()
        self._reader: asyncio.Task[None] | None = None
        self._versions: Versions | None = None
        self._attention: tuple[Any, list[str], float] | None = None

    @property
    def versions(self) -> Versions | None:
        """As they were last read; None = not yet, or not of late, since nobody follows."""
        return self._versions

    @property
    def followers(self) -> int:
        """How many follow."""
        return len(self._followers)

    @property
    def over(self) -> bool:
        """Whether the process is about to end."""
        return self._stop.is_set()

    @contextmanager
    def followed(self) -> Iterator[asyncio.Event]:
        """An event that is set whenever a version has moved, and when it is over; whoever waits for it clears it."""
        moved = asyncio.Event()
        self._followers.add(moved)
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read_on())
        try:
            yield moved
        finally:
            self._followers.discard(moved)

    async def _read_on(self) -> None:
        """Read as long as somebody follows; a database that is away for a while is no reason to end."""
        self._versions = None
        while self._followers and not self.over:
            try:
                found = await asyncio.to_thread(self._read)
            except Exception:
                log.exception("what pages follow could not be read; trying again")
            else:
                if found != self._versions:
                    self._versions = found
                    self._tell()
            await asyncio.sleep(FRESH_S)
        self._versions = None
        self._tell()

    def _tell(self) -> None:
        for moved in self._followers:
            moved.set()

    def _read(self) -> Versions:
        with self._installation.store.reading() as session:
            seen: dict[str, Any] = dict(versions.states(session, clock.now()))
            about = (seen["health"], seen["deliveries"])
            known = self._attention
            if known is None or known[0] != about or clock.monotonic() - known[2] >= ATTENTION_S:
                known = self._attention = (about, self._installation.attention(session), clock.monotonic())
        seen["health"] = (seen["health"], known[1])
        return {topic: self._short(state) for topic, state in seen.items()}

    def _short(self, state: object) -> str:
        """Equal for equal states, and safe in a line. The key is this process's own: states are small numbers, which
        anybody could find by trying."""
        said = repr(state).encode(errors="backslashreplace")
        return hashlib.blake2s(said, digest_size=8, key=self._key).hexdigest()
