"""What a source is, and the guards every source gets for nothing.

A source author writes ``fetch``; the host owns state. The host stores a page's items and its cursor in one
transaction, so a source only ever hands out a cursor that is true once the items before it are stored.
(The habit is the Meltano SDK's: compare with >=, deduplicate by key at the destination, stop on a repeated token.)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

from listener.items import Item
from listener.query import Query

Cursor = Mapping[str, Any]
"""Where to go on: whatever the source needs, as JSON. Only its own source reads it."""


class SourceError(Exception):
    """Something between us and the platform; subclasses say what the host must do."""


class FatalSourceError(SourceError):
    """A person must act (credentials, address, settings, a broken file): the source stops until somebody does."""


class RetriableSourceError(SourceError):
    """Trying again later may work. ``retry_after``: seconds the platform asked for; None = the host's own backoff."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class CursorExpired(SourceError):
    """The platform no longer knows this cursor: the host drops the provisional one and starts from the last kept."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """One entry that could not be used: where it stands ("line 17") and what is wrong with it, for a person."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Page:
    """What one request gave.

    ``cursor`` goes on after these items. ``token`` is the platform's page token, for the repeated-token guard.
    ``capped``: the platform has more here than it hands out, so a gap is known. ``progress``: the share of this run
    that lies behind, from 0 to 1, where the source can tell.
    """

    items: tuple[Item, ...]
    cursor: Cursor
    skipped: tuple[Skipped, ...] = ()
    token: str | None = None
    capped: bool = False
    progress: float | None = None


class Source(Protocol):
    """A place where mentions come from. No state between calls, no database."""

    kind: ClassVar[str]
    ordered: ClassVar[bool]
    """True: items come oldest first, so every page's cursor may be kept at once. False: the cursor stays provisional
    (kept only to go on after an interruption) until the run has ended, because older items are still to come."""
    lag: ClassVar[timedelta]
    """How late the platform may show a post. ``fetch`` itself reads that much again before its cursor; what is stored
    already is known by its key. The conformance suite shows every source a post that is half as late."""

    def fetch(self, query: Query | None, cursor: Cursor | None, until: datetime) -> Iterator[Page]:
        """Pages of what was said after ``cursor`` (None = from the start) and not after ``until`` (UTC).

        ``query`` lets a source ask its platform for less; the host matches again, so asking for more is harmless.
        Raises FatalSourceError, RetriableSourceError or CursorExpired; one bad entry goes into ``Page.skipped``.
        """
        ...


def guarded(pages: Iterator[Page], *, max_pages: int = 10_000) -> Iterator[Page]:
    """The same pages, stopped where a platform sends a page token twice or never ends."""
    seen: set[str] = set()
    for number, page in enumerate(pages, start=1):
        if page.token is not None:
            if page.token in seen:
                raise RetriableSourceError(
                    f"the platform sent the page token {page.token!r} twice; stopped rather than read in circles"
                )
            seen.add(page.token)
        yield page
        if number >= max_pages:
            raise RetriableSourceError(f"stopped after {max_pages} pages in one run; the next run goes on from here")
