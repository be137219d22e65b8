"""Mastodon: hashtags' public timelines and full-text search of one instance, through Mastodon.py.

Timelines page with ``min_id`` from old to new (https://docs.joinmastodon.org/methods/timelines/#tag), so every page's
cursor is true at once; where a timeline goes on is in the answer's ``Link`` header. Search
(https://docs.joinmastodon.org/methods/search/) wants a token and pages by ``offset``, newest first, in an index that
gives 10,000 hits at most and then simply nothing: so each search is asked in windows of time that are halved until they
fit (``listener.search_windows``). Instances see what their accounts follow, not the whole network: read several for
more.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from listener import clock
from listener.items import Item
from listener.query import Query
from listener.query.dialects import MASTODON
from listener.query.translate import translate
from listener.search_windows import Answer, Span, in_windows
from listener.source import Cursor, FatalSourceError, Limit, Page, Skipped, account_name
from listener.sources.mastodon.client import Client, Session, asked, host_of, no_statuses
from listener.sources.mastodon.listening import QUIET_SECONDS, Heard, listen
from listener.sources.mastodon.lookup import Lookup
from listener.sources.mastodon.options import MastodonOptions
from listener.sources.mastodon.place import Place
from listener.sources.mastodon.statuses import id_at, ids_in, items_of, number
from listener.tools import Tools

LIMITS = (Limit(300, timedelta(minutes=5)),)
"""https://docs.joinmastodon.org/api/rate-limits/, for an account as for an address."""

_A_PAGE = 40
_MOST_HITS = 1000
"""Of one search in one window; more are asked for in halves."""
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class _Read:
    """What one request to one timeline, or one window of the search, gave. ``keep``: notes it in the cursor, once all
    before it is stored; ``share``: how much of the timeline lies behind."""

    items: Mapping[str, Item]
    skipped: tuple[Skipped, ...]
    keep: Callable[[], None]
    share: float
    token: str | None = None
    capped: bool = False
    gap: tuple[datetime, datetime] | None = None

    @property
    def begins(self) -> datetime:
        """When the first of it was said; without any it may come at once."""
        return min((item.created_at for item in self.items.values()), default=_EVER)


class MastodonSource:
    """What one instance shows under hashtags, and finds."""

    kind: ClassVar[str] = "mastodon"
    ordered: ClassVar[bool] = True
    lag: ClassVar[timedelta] = timedelta(minutes=30)  # servers pass posts on when they get to it
    history: ClassVar[timedelta | None] = None
    recheck_every: ClassVar[timedelta] = timedelta(days=1)
    recheck_batch: ClassVar[int] = 20

    def __init__(self, options: MastodonOptions, tools: Tools) -> None:
        self._options = options
        self._instance = (options.instance or tools.endpoints.mastodon).rstrip("/")
        self._token = options.access_token.get_secret_value().strip() if options.access_token else None
        self._timeout = tools.timeout
        self._meter = tools.meter(account_name(self.kind, host_of(self._instance), self._token or ""), LIMITS, None)

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        """All hashtags and the search, the oldest page of any first; then what is heard meanwhile."""
        place = Place.of(cursor)
        with closing(Session(self._meter, timeout=self._timeout)) as session:
            client = Client(self._instance, self._token, session)
            reading = [self._timeline(client, tag, place, until, since) for tag in self._options.hashtags]
            if self._options.search:
                reading.append(self._search(client, place, query, until, since))
            progress = 0.0
            for read in heapq.merge(*reading, key=lambda read: read.begins):
                read.keep()
                self._remember(place, read.items, query)
                progress = max(progress, read.share / len(reading))
                items = tuple(read.items.values())
                yield Page(items, place.cursor(), read.skipped, read.token, read.capped, progress, read.gap)
        if self._options.listen_seconds and since is None:
            yield from self._listen(place, query, until)

    def _timeline(
        self, client: Client, tag: str, place: Place, until: datetime, since: datetime | None
    ) -> Iterator[_Read]:
        end = id_at(until) + ids_in(timedelta(milliseconds=1))
        done = place.tags.get(tag)
        earliest = id_at(since) if since is not None else 0
        if done is not None:
            start = max(done - ids_in(self.lag), earliest)
        else:
            start = earliest or id_at(until - timedelta(hours=self._options.lookback_hours))
        after = start - 1  # min_id itself is not included
        while True:
            statuses, onward = self._page(client, tag, after, end)
            if not statuses:
                break
            items, skipped = items_of(statuses, self._instance, until, place.known)
            newest = max((found for status in statuses if (found := number(status)) is not None), default=after)
            done = newest if done is None else max(done, newest)
            share = min(1.0, max(0.0, (newest - start) / max(1, end - start)))
            yield _Read(items, skipped, partial(place.tags.__setitem__, tag, done), share, f"{tag} {onward}")
            after = onward
        if done is None:
            # Nothing yet: the next run begins at the same place, and not a lookback before its own end.
            beginning = min(start + ids_in(self.lag), end)
            yield _Read({}, (), partial(place.tags.__setitem__, tag, beginning), 1.0)

    def _page(self, client: Client, tag: str, after: int, end: int) -> tuple[Sequence[Any], int]:
        """The statuses next after an id, and the id to go on after, as the Link header has it."""
        page = asked(lambda: client.timeline_hashtag(tag, min_id=after, max_id=end, limit=_A_PAGE), self._instance)
        if not isinstance(page, list):
            raise no_statuses(self._instance)
        link = getattr(page, "_pagination_prev", None) or {}
        ids = [found for status in page if (found := number(status)) is not None]
        onward = link.get("min_id", max(ids, default=None))
        if page and not isinstance(onward, int):
            raise no_statuses(self._instance)
        return page, onward if isinstance(onward, int) else after

    def _search(
        self, client: Client, place: Place, query: Query | None, until: datetime, since: datetime | None
    ) -> Iterator[_Read]:
        if query is None:
            raise FatalSourceError("Mastodon is searched for the brands' queries, and there is none: add a brand")
        span = Span(until, since, self.lag, timedelta(hours=self._options.lookback_hours))
        ask = partial(self._window, client)
        for step in in_windows(translate(query, MASTODON).searches, place.searched, span, ask):
            items, skipped = items_of(step.found or (), self._instance, until, place.known)
            keep = partial(setattr, place, "searched", step.cursor)
            yield _Read(items, skipped, keep, step.share, capped=step.gap is not None, gap=step.gap)

    def _window(self, client: Client, search: str, start: int, end: int) -> Answer[list[Mapping[str, Any]]]:
        """What is found from second ``start`` to ``end``, both included."""
        # The server makes "after:" and "before:" of these, of whole seconds and without the bounds themselves.
        after = id_at(datetime.fromtimestamp(start - 1, UTC))
        before = id_at(datetime.fromtimestamp(end + 1, UTC))
        found: dict[str, Mapping[str, Any]] = {}
        offset = 0
        while page := self._hits(client, search, offset, after, before):
            found.update((str(status.get("uri")), status) for status in page if isinstance(status, dict))
            # Hits that the account does not want to see are left out of a page, so a short one is not the last.
            offset += _A_PAGE
            if offset > _MOST_HITS:
                return Answer(list(found.values()), whole=False)
        return Answer(list(found.values()), whole=True, few=offset * 4 <= _MOST_HITS)

    def _hits(self, client: Client, search: str, offset: int, after: int, before: int) -> list[Any]:
        answer = asked(
            lambda: client.search_v2(
                search, resolve=False, result_type="statuses", offset=offset, min_id=after, max_id=before, limit=_A_PAGE
            ),
            self._instance,
        )
        hits = answer.get("statuses") if isinstance(answer, dict) else None
        if not isinstance(hits, list):
            raise no_statuses(self._instance)
        return hits

    def _remember(self, place: Place, items: Mapping[str, Item], query: Query | None) -> None:
        if self._options.listen_seconds:
            place.remember(items, query)

    def _listen(self, place: Place, query: Query | None, until: datetime) -> Iterator[Page]:
        """New statuses are left to the next run; deletions and edits of those up to ``until`` are handed out."""
        assert self._token is not None
        seconds = self._options.listen_seconds
        told = clock.monotonic()
        for events in listen(self._instance, self._token, self._options.hashtags, seconds, self._meter, self._timeout):
            edited = [event.payload for event in events if event.name == "status.update"]
            items, skipped = items_of(edited, self._instance, until, place.known)
            self._remember(place, items, query)
            deleted = self._deleted(events, place)
            # Also where there is nothing to tell: the host asks between pages whether the source is still its own, and
            # whether it should stop.
            if items or skipped or deleted or clock.monotonic() - told >= QUIET_SECONDS:
                told = clock.monotonic()
                yield Page(tuple(items.values()), place.cursor(), skipped, deleted=deleted, progress=1.0)

    @staticmethod
    def _deleted(events: Sequence[Heard], place: Place) -> tuple[str, ...]:
        ids = [str(event.payload) for event in events if event.name == "delete"]
        return tuple(place.known[local] for local in ids if local in place.known)

    def gone(self, native_ids: Sequence[str]) -> Mapping[str, str]:
        """Which of these the instance no longer shows.

        Those of other servers it must be asked to find, which wants a token and takes two requests each. What cannot
        be told either way is not gone.
        """
        with closing(Session(self._meter, timeout=self._timeout, passed={404})) as session:
            client = Client(self._instance, self._token, session)
            tags = self._options.hashtags
            lookup = Lookup(client, self._instance, tags, lambda *place: self._page(client, *place)[0])
            own = [native_id for native_id in native_ids if lookup.is_own(native_id)]
            gone = lookup.own_gone(own)
            if self._token is not None and tags:
                gone |= lookup.others_gone([native_id for native_id in native_ids if native_id not in own])
        return gone
