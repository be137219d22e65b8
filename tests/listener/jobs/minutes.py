"""Platforms on which somebody speaks of Aeroluz once a minute, from noon on: easy to say what must have been read.

Three ways in which platforms hand things out: oldest first, newest first down to a cap, and a feed of the last entries.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from listener.items import Item
from listener.jobs.collect import Collected, collect
from listener.query import Query
from listener.source import Cursor, Page, RetriableSourceError
from listener.store.tables import Mention, Source
from tests.conftest import NOON
from tests.listener.conftest import Site, item

EVERY = timedelta(minutes=10)
SIZE = 7
"""Posts on a page."""
CAP = 150
"""What the newest-first platform hands out in one go."""
SHOWN = 90
"""What the feed shows."""

BUSY = "http://platform.example answered 503 Service Unavailable (trouble on its side); it is tried again later"
SLOWER = "http://platform.example answered 429 Too Many Requests (too many requests); it asks to wait 60 s"


def minute(moment: datetime) -> int:
    return round((moment - NOON).total_seconds() / 60)


def at(number: int) -> datetime:
    return NOON + timedelta(minutes=number)


class Minutes:
    """What all three have: the posts there are, and errors on demand. ``fail_after``: pages before ``error``;
    ``lacks``: what the first page says cannot be read."""

    kind: ClassVar[str] = "rss"
    ordered: ClassVar[bool] = True
    lag: ClassVar[timedelta] = timedelta(0)
    history: ClassVar[timedelta | None] = None

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.error: BaseException | None = None
        self.fail_after = 0
        self.windows: list[tuple[int, int]] = []
        self.lacks: tuple[str, ...] = ()

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        if since is not None:
            self.windows.append((minute(since), minute(until)))
        for number, page in enumerate(self.pages(cursor, until, since)):
            if self.error is not None and number >= self.fail_after:
                raise self.error
            yield replace(page, unread=self.lacks, read_to=None) if self.lacks and number == 0 else page
        if self.error is not None:
            raise self.error

    def pages(self, cursor: Cursor | None, until: datetime, since: datetime | None) -> Iterator[Page]:
        raise NotImplementedError

    def posts(self, after: int, until: datetime) -> list[Item]:
        """Those after a minute that could be seen: what is said now is seen from now on."""
        last = min(minute(until), minute(self.clock()) - 1)
        return [item(str(number), minute=number) for number in range(max(after + 1, 0), last + 1)]

    def fails(self, words: str = BUSY, *, after: int = 0) -> None:
        self.error, self.fail_after = RetriableSourceError(words), after

    def works(self) -> None:
        self.error = None


class OldestFirst(Minutes):
    """A platform that pages from old to new."""

    def pages(self, cursor: Cursor | None, until: datetime, since: datetime | None) -> Iterator[Page]:
        after = cursor["at"] if cursor else minute(since) - 1 if since else -1
        posts = self.posts(after, until)
        for start in range(0, len(posts), SIZE):
            page = posts[start : start + SIZE]
            yield Page(tuple(page), {"at": int(page[-1].native_id)}, read_to=page[-1].created_at)


class NewestFirst(Minutes):
    """A platform that pages from new to old, and not endlessly."""

    ordered: ClassVar[bool] = False

    def pages(self, cursor: Cursor | None, until: datetime, since: datetime | None) -> Iterator[Page]:
        if cursor and "below" in cursor:
            posts = [post for post in self.posts(cursor["low"], until) if int(post.native_id) < cursor["below"]]
            low, newest, done = cursor["low"], cursor["newest"], cursor["done"]
        else:
            low = cursor["newest"] if cursor else minute(since) - 1 if since else -1
            posts = self.posts(low, until)
            newest, done = (int(posts[-1].native_id), 0) if posts else (low, 0)
        posts.reverse()
        for start in range(0, len(posts), SIZE):
            page = posts[start : start + SIZE][: CAP - done]
            done += len(page)
            last = start + len(page) == len(posts)
            capped = done >= CAP and not last
            place: dict[str, Any] = {"newest": newest}
            if not last and not capped:
                place |= {"low": low, "below": int(page[-1].native_id), "done": done}
            yield Page(tuple(page), place, capped=capped)
            if capped:
                return


class Feed(Minutes):
    """A feed: what it showed last, and no past."""

    history: ClassVar[timedelta | None] = timedelta(0)

    def pages(self, cursor: Cursor | None, until: datetime, since: datetime | None) -> Iterator[Page]:
        posts = self.posts(-1, until)[-SHOWN:]
        known = cursor["newest"] if cursor else None
        newest = int(posts[-1].native_id) if posts else known
        capped = known is not None and bool(posts) and int(posts[0].native_id) > known
        yield Page(tuple(posts), {"newest": newest}, capped=capped)


def follow(site: Site, source: Minutes, **options: Any) -> Collected:
    """One run, as the host does it."""
    return collect(site.store, site.id_of(Source, "feed"), source, site.clock, **options)


def stored(site: Site) -> set[int]:
    """The minutes whose posts are stored."""
    return {int(mention.native_id) for mention in site.rows(Mention)}
