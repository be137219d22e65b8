"""What a source is, and the guards every source gets for nothing.

A source author writes ``fetch``; the host owns state. The host stores a page's items and its cursor in one
transaction, so a source only ever hands out a cursor that is true once the items before it are stored.
(The habit is the Meltano SDK's: compare with >=, deduplicate by key at the destination, stop on a repeated token.)
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Protocol, runtime_checkable

from listener.items import Item
from listener.query import Query

Cursor = Mapping[str, Any]
"""Where to go on: whatever the source needs, as JSON. Only its own source reads it."""


class SourceError(Exception):
    """Something between us and the platform; subclasses say what the host must do."""


class FatalSourceError(SourceError):
    """A person must act (credentials, address, settings, a broken file): the source stops until somebody does.

    ``may_pass``: it may also be a passing mood of a server in between (a 403 or 404 of a CDN), so a source that has
    worked before is tried again a few times, long apart, before it stops.
    """

    def __init__(self, message: str, *, may_pass: bool = False) -> None:
        super().__init__(message)
        self.may_pass = may_pass


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
    ``capped``: the platform has more here than it hands out, so a gap is known; ``gap`` says between which two moments
    where the source can tell. ``progress``: the share of this run that lies behind, from 0 to 1, where the source can
    tell. ``deleted``: native ids that are gone; the host blanks them everywhere. ``platform``: whose ids those are,
    where it is not the source's own kind. ``read_to``: a run that broke off after this page would still have read
    everything said before this moment, where the source can tell; the ledger gives it no other credit for a run that
    has not ended. ``unread``: parts of the place (a search, a video, a country, a subreddit) of which this run cannot
    read anything, each in words with why and what to do ("r/secret is private: have the account let in, or leave it
    out"). The run goes on with the others and ends well, but the ledger does not take its time for read, and the words
    are shown until a run reads everything. A run that is resumed need not tell what it told before. No page of a run
    gives a ``read_to`` before all that is unread in it has been told. ``deleted_authors``: native ids of accounts that
    are gone with all they said; the host blanks that.
    """

    items: tuple[Item, ...]
    cursor: Cursor
    skipped: tuple[Skipped, ...] = ()
    token: str | None = None
    capped: bool = False
    progress: float | None = None
    gap: tuple[datetime, datetime] | None = None
    deleted: tuple[str, ...] = ()
    platform: str | None = None
    read_to: datetime | None = None
    unread: tuple[str, ...] = ()
    deleted_authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """So much weight within so much time, for one account.

    ``midnight``: an IANA time zone in which a limit per day is renewed at midnight, as YouTube's is in
    "America/Los_Angeles"; None = the time rolls: so much within any such length. ``unit``: what is counted, for
    messages.
    """

    weight: int
    per: timedelta
    midnight: str | None = None
    unit: str = "requests"

    def __post_init__(self) -> None:
        if self.weight < 1 or self.per <= timedelta(0):
            raise ValueError("a limit needs a weight and a length of time")
        if self.midnight is not None and self.per != timedelta(days=1):
            raise ValueError("only a limit per day can be renewed at midnight")


def account_name(platform: str, *credentials: str) -> str:
    """A name for an account that all processes give it alike and that tells no secret: "reddit:5f0c…".

    ``credentials``: what makes it this account and no other (a client id, a user name, a key). Without any it is what
    the platform grants everybody.
    """
    if not credentials:
        return platform
    digest = hashlib.blake2b("\0".join(credentials).encode(), digest_size=6, person=b"escucha account")
    return f"{platform}:{digest.hexdigest()}"


class Meter(Protocol):
    """An account's quota and purse. Whatever asks the platform asks here first: all processes share it.

    A source is handed one when it is made and calls ``ask`` before every request (``listener.session`` does it for
    libraries that run on requests).
    """

    def ask(self, weight: int = 1, *, cost: Decimal = Decimal(0)) -> None:
        """Leave for one request. ``weight``: what it counts for; ``cost``: the most it can cost, in US dollars.

        Waits for a short while where that is enough; otherwise raises RetriableSourceError, which says in words until
        when the quota or the day's money is spent, with the seconds to wait.
        """
        ...

    def told(self, *, remaining: float | None, resets_in: float | None) -> None:
        """What the platform's own headers say is left, and in how many seconds it is renewed; goes before our count."""
        ...

    def paid(self, cost: Decimal) -> None:
        """What the last request cost, in US dollars; kept at once, because the money is gone whatever follows."""
        ...


class Unmetered:
    """For places that are nobody's account: a file, one's own server."""

    def ask(self, weight: int = 1, *, cost: Decimal = Decimal(0)) -> None:
        """Leave, always."""

    def told(self, *, remaining: float | None, resets_in: float | None) -> None:
        """Nothing to obey."""

    def paid(self, cost: Decimal) -> None:
        """Nothing to keep."""


class Source(Protocol):
    """A place where mentions come from. No state between calls, no database."""

    kind: ClassVar[str]
    ordered: ClassVar[bool]
    """True: items come oldest first, so every page's cursor may be kept at once. False: the cursor stays provisional
    (kept only to go on after an interruption) until the run has ended, because older items are still to come."""
    lag: ClassVar[timedelta]
    """How late the platform may show a post. ``fetch`` itself reads that much again before its cursor; what is stored
    already is known by its key. The conformance suite shows every source a post that is half as late."""
    history: ClassVar[timedelta | None]
    """How far back the platform lets one look: None = all the way, zero = it only hands out what it has now (a feed).
    Backfills and the filling of gaps go no further."""

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        """Pages of what was said after ``cursor`` (None = from the start) and not after ``until`` (UTC).

        ``since``: a window of the past is wanted, for a backfill or a gap: nothing older than this is asked for, and
        the cursors of such a run are kept apart and only come back together with the same ``since`` and ``until``.
        None = the run that follows the present. A source without history may leave it out of account.

        ``query`` lets a source ask its platform for less; the host matches again, so asking for more is harmless.
        Raises FatalSourceError, RetriableSourceError or CursorExpired; one bad entry goes into ``Page.skipped``.
        """
        ...


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a window of the past will take, as well as can be told beforehand. ``cost``: US dollars, the most.

    ``weight``: what it counts for against the account's limits, where that is other than the number of requests.
    """

    requests: int
    cost: Decimal = Decimal(0)
    weight: int | None = None


@runtime_checkable
class Priced(Protocol):
    """What a source also has where reading the past costs money, or much of a day's quota."""

    def estimate(self, query: Query | None, since: datetime, until: datetime) -> Estimate:
        """What reading this window will take. May ask the platform where that costs next to nothing.

        Raises FatalSourceError or RetriableSourceError.
        """
        ...


@runtime_checkable
class Rechecked(Protocol):
    """What a source also has where its platform demands that deleted content goes, or lets posts be looked up."""

    recheck_every: ClassVar[timedelta]
    """How often a stored mention is looked up again."""
    recheck_batch: ClassVar[int]
    """How many ids one request takes."""

    def gone(self, native_ids: Sequence[str]) -> Mapping[str, str]:
        """Which of these (at most ``recheck_batch``) the platform no longer shows, each with why in a word or two
        ("deleted", "removed", "account suspended"). An id that could not be looked up is not gone: raise instead.

        Raises FatalSourceError or RetriableSourceError.
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
