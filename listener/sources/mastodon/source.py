"""Mastodon: hashtags' public timelines and full-text search of one instance, through Mastodon.py.

Timelines page with ``min_id`` from old to new (https://docs.joinmastodon.org/methods/timelines/#tag), so every page's
cursor is true at once; where a timeline goes on is in the answer's ``Link`` header. Search
(https://docs.joinmastodon.org/methods/search/) wants a token and pages by ``offset``, newest first, in an index that
gives 10,000 hits at most and then simply nothing: so it is asked in windows of time that are halved until they fit, as
on Hacker News. Instances see what their accounts follow, not the whole network: read several for more.
"""

import heapq
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar

from mastodon import MastodonNotFoundError
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from listener.items import Item
from listener.markup import web_address
from listener.query import Query
from listener.query.dialects import MASTODON
from listener.query.translate import translate
from listener.source import Cursor, FatalSourceError, Limit, Page, Skipped, account_name
from listener.sources.mastodon.client import Client, Session, asked, host_of, no_statuses
from listener.sources.mastodon.listening import Heard, listen
from listener.sources.mastodon.statuses import id_at, ids_in, items_of, number, time_of
from listener.tools import Tools

LIMITS = (Limit(300, timedelta(minutes=5)),)
"""https://docs.joinmastodon.org/api/rate-limits/, for an account as for an address."""

_A_PAGE = 40
_MOST_HITS = 1000
"""Of one search in one window; more are asked for in halves."""
_REMEMBERED = 500
"""So many of the latest mentions' ids are kept in the cursor of a source that listens for deletions."""
_EVER = datetime.min.replace(tzinfo=UTC)
_HASHTAG = re.compile(r"#?([\w·]{1,100})")


class MastodonOptions(BaseModel):
    """Options of a ``mastodon`` source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    instance: str | None = Field(
        default=None, description="the server that is asked, as in fosstodon.org; without it ESCUCHA_MASTODON_URL"
    )
    hashtags: tuple[str, ...] = Field(default=(), description="hashtags whose public timelines are read")
    search: bool = Field(
        default=False, description="full-text search for the brands' queries as well; wants access_token"
    )
    access_token: SecretStr | None = Field(
        default=None,
        description="the token of an account there, with read:search and read:statuses (access_token_from: a variable)",
    )
    listen_seconds: float = Field(
        default=0,
        ge=0,
        le=300,
        description="how long a run listens to the hashtags at its end, for deletions; wants access_token",
    )
    lookback_hours: int = Field(
        default=24, ge=1, le=24 * 3660, description="how far back the first run looks, in hours"
    )

    @field_validator("instance")
    @classmethod
    def _of_the_web(cls, instance: str | None) -> str | None:
        if instance is None:
            return None
        address = web_address(instance if "://" in instance else f"https://{instance}")
        if address is None:
            raise ValueError("write the server's name, as in fosstodon.org")
        return address.rstrip("/")

    @field_validator("hashtags")
    @classmethod
    def _plain(cls, hashtags: tuple[str, ...]) -> tuple[str, ...]:
        found = [_HASHTAG.fullmatch(tag.strip()) for tag in hashtags]
        if not all(found):
            raise ValueError("write hashtags as one word each, as in AcmeCloud")
        return tuple(dict.fromkeys(tag[1].casefold() for tag in found if tag))

    @field_validator("access_token")
    @classmethod
    def _one_word(cls, token: SecretStr | None) -> SecretStr | None:
        # A client library would quote a token that no header can carry in its complaint.
        plain = token.get_secret_value().strip() if token is not None else ""
        if token is not None and not (plain and plain.isascii() and plain.isprintable() and " " not in plain):
            raise ValueError("a token is one word of plain characters; copy it from the server again")
        return token

    @model_validator(mode="after")
    def _whole(self) -> "MastodonOptions":
        if not self.hashtags and not self.search:
            raise ValueError("name hashtags to read, or set search: true")
        if (self.search or self.listen_seconds) and self.access_token is None:
            wanted = "search" if self.search else "listen_seconds"
            raise ValueError(
                f"{wanted} wants access_token: make one on the server under Preferences, Development, with the scopes "
                "read:search and read:statuses"
            )
        if self.listen_seconds and not self.hashtags:
            raise ValueError("listen_seconds wants hashtags: there is no stream of a search")
        return self


@dataclass
class _Place:
    """The cursor: how far each timeline and the search are read, and the ids of the latest mentions."""

    tags: dict[str, int] = field(default_factory=dict)
    searched: int | None = None
    known: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, cursor: Cursor | None) -> "_Place":
        cursor = cursor or {}
        searched = cursor.get("searched")
        tags = {tag: int(last) for tag, last in cursor.get("tags", {}).items()}
        return cls(tags, None if searched is None else int(searched), dict(cursor.get("known", {})))

    def cursor(self) -> Cursor:
        # As text: not every reader of JSON keeps integers of 64 bits whole.
        cursor: dict[str, Any] = {"tags": {tag: str(last) for tag, last in self.tags.items()}}
        if self.searched is not None:
            cursor["searched"] = self.searched
        if self.known:
            cursor["known"] = self.known
        return cursor

    def remember(self, items: Mapping[str, Item], query: Query | None) -> None:
        """Keep the ids of those that will be mentions: a deletion only names the instance's own id."""
        # What the host knows of languages and sources is not known here: then all are kept.
        all_of_them = query is None or bool(query.fields())
        found = {
            local: item.native_id
            for local, item in items.items()
            if all_of_them or (query is not None and query.match(item.full_text) is not None)
        }
        self.known = dict([*self.known.items(), *found.items()][-_REMEMBERED:])


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
        place = _Place.of(cursor)
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
        self, client: Client, tag: str, place: _Place, until: datetime, since: datetime | None
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
        self, client: Client, place: _Place, query: Query | None, until: datetime, since: datetime | None
    ) -> Iterator[_Read]:
        if query is None:
            raise FatalSourceError("Mastodon is searched for the brands' queries, and there is none: add a brand")
        searches = translate(query, MASTODON).searches
        last = int(until.timestamp())
        done = place.searched
        earliest = None if since is None else int(since.timestamp())
        if done is not None:
            first = max(min(done - int(self.lag.total_seconds()), last), earliest or 0)
        else:
            first = min(last - self._options.lookback_hours * 3600 if earliest is None else earliest, last)
        windows = [(first, last)]
        while windows:
            start, end = windows.pop()
            found, whole = self._window(client, searches, start, end)
            if not whole and end > start:
                middle = (start + end) // 2
                windows += [(middle + 1, end), (start, middle)]
                continue
            items, skipped = items_of(found, self._instance, until, place.known)
            done = end if done is None else max(done, end)
            gap = None if whole else (datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
            share = (end - first + 1) / (last - first + 1)
            yield _Read(items, skipped, partial(setattr, place, "searched", done), share, capped=not whole, gap=gap)

    def _window(
        self, client: Client, searches: Sequence[str], start: int, end: int
    ) -> tuple[list[Mapping[str, Any]], bool]:
        """What is found from second ``start`` to ``end``, both included, and whether that is all."""
        # The server makes "after:" and "before:" of these, of whole seconds and without the bounds themselves.
        after = id_at(datetime.fromtimestamp(start - 1, UTC))
        before = id_at(datetime.fromtimestamp(end + 1, UTC))
        found: dict[str, Mapping[str, Any]] = {}
        for search in searches:
            offset = 0
            while page := self._hits(client, search, offset, after, before):
                found.update((str(status.get("uri")), status) for status in page if isinstance(status, dict))
                # Hits that the account does not want to see are left out of a page, so a short one is not the last.
                offset += _A_PAGE
                if offset > _MOST_HITS:
                    return list(found.values()), False
        return list(found.values()), True

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

    def _remember(self, place: _Place, items: Mapping[str, Item], query: Query | None) -> None:
        if self._options.listen_seconds:
            place.remember(items, query)

    def _listen(self, place: _Place, query: Query | None, until: datetime) -> Iterator[Page]:
        """New statuses are left to the next run; deletions and edits of those up to ``until`` are handed out."""
        assert self._token is not None
        seconds = self._options.listen_seconds
        for events in listen(self._instance, self._token, self._options.hashtags, seconds, self._meter, self._timeout):
            edited = [event.payload for event in events if event.name == "status.update"]
            items, skipped = items_of(edited, self._instance, until, place.known)
            self._remember(place, items, query)
            deleted = self._deleted(events, place)
            if items or skipped or deleted:
                yield Page(tuple(items.values()), place.cursor(), skipped, deleted=deleted, progress=1.0)

    @staticmethod
    def _deleted(events: Sequence[Heard], place: _Place) -> tuple[str, ...]:
        ids = [str(event.payload) for event in events if event.name == "delete"]
        return tuple(place.known[local] for local in ids if local in place.known)

    def gone(self, native_ids: Sequence[str]) -> Mapping[str, str]:
        """Which of these the instance no longer shows.

        Its own statuses' ids stand in their uris and are looked up. Those of other servers it must be asked to find,
        which wants a token and takes two requests each; gone are those that it neither finds nor shows under the
        hashtags any more. What cannot be told either way is not gone.
        """
        own: dict[str, str] = {}
        others: list[str] = []
        for native_id in native_ids:
            local = native_id.rstrip("/").rpartition("/")[2]
            if host_of(native_id) == host_of(self._instance) and local.isdigit():
                own[native_id] = local
            else:
                others.append(native_id)
        with closing(Session(self._meter, timeout=self._timeout, passed={404})) as session:
            client = Client(self._instance, self._token, session)
            gone = self._not_shown(client, own) if own else {}
            if self._token is not None and self._options.hashtags:
                gone |= {uri: "no longer shown" for uri in others if _second_of(uri) and not self._finds(client, uri)}
        return gone

    def _not_shown(self, client: Client, own: Mapping[str, str]) -> dict[str, str]:
        try:
            statuses = asked(lambda: client.statuses(list(own.values())), self._instance)
        except MastodonNotFoundError:  # before Mastodon 4.3 there is only one at a time
            return {uri: "no longer shown" for uri, local in own.items() if not self._shows(client, local)}
        if not isinstance(statuses, list):
            raise no_statuses(self._instance)
        shown = {str(status["id"]) for status in statuses if isinstance(status, dict) and "id" in status}
        return {uri: "no longer shown" for uri, local in own.items() if local not in shown}

    def _shows(self, client: Client, local: str) -> bool:
        try:
            asked(lambda: client.status(local), self._instance)
        except MastodonNotFoundError as error:
            if error.args[-1] == "Endpoint not found.":  # no answer of Mastodon's, which says "Record not found"
                raise no_statuses(self._instance) from error
            return False
        return True

    def _finds(self, client: Client, uri: str) -> bool:
        """Whether a status of another server is still there: found by its address, or shown under a hashtag."""
        answer = asked(lambda: client.search_v2(uri, resolve=True, result_type="statuses", limit=1), self._instance)
        if not isinstance(answer, dict) or not isinstance(answer.get("statuses"), list):
            raise no_statuses(self._instance)
        if any(isinstance(status, dict) and status.get("uri") == uri for status in answer["statuses"]):
            return True
        second = _second_of(uri)
        assert second is not None
        # A server that does not answer just now is not found either; a timeline does not ask it.
        after, end = id_at(second - timedelta(seconds=2)), id_at(second + timedelta(seconds=3))
        for tag in self._options.hashtags:
            statuses = [status for status in self._page(client, tag, after, end)[0] if isinstance(status, dict)]
            if any(status.get("uri") == uri for status in statuses):
                return True
        return False


def _second_of(uri: str) -> datetime | None:
    """When the status of a uri was made, where it is Mastodon's: its id stands at the end of it."""
    local = uri.rpartition("/statuses/")[2]
    if not local.isdigit() or len(local) < 17:
        return None
    try:
        return time_of(int(local))
    except OverflowError:
        return None
