"""Hacker News through Algolia's search (https://hn.algolia.com/api): stories and comments, no key.

A search hands out 1,000 hits at most, whatever the page, and counts all of them in ``nbHits`` (algolia/hn-search issues
125 and 230). So each request takes a whole window of time in one page; a window that holds more is halved until it
fits. Windows go from old to new, and the end of each is a cursor to go on from.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from listener.http import shown
from listener.items import Author, Item
from listener.markup import plain_text, web_address
from listener.query import Query
from listener.query.dialects import HACKERNEWS
from listener.query.translate import translate
from listener.source import Cursor, FatalSourceError, Limit, Page, RetriableSourceError, Skipped, account_name
from listener.tools import Tools

LIMITS = (Limit(10_000, timedelta(hours=1)),)
"""https://hn.algolia.com/api: "We are limiting the number of API requests from a single IP to 10,000 per hour"."""

_HITS = 1000
_SITE = "https://news.ycombinator.com"


class HackerNewsOptions(BaseModel):
    """Options of a ``hackernews`` source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lookback_hours: int = Field(
        default=24, ge=1, le=24 * 3660, description="how far back the first run looks, in hours"
    )
    comments: bool = Field(default=True, description="comments as well as stories")


class HackerNewsSource:
    """What Hacker News says about the terms of a query, asked phrase by phrase."""

    kind: ClassVar[str] = "hackernews"
    ordered: ClassVar[bool] = True
    lag: ClassVar[timedelta] = timedelta(minutes=10)
    history: ClassVar[timedelta | None] = None

    def __init__(self, options: HackerNewsOptions, tools: Tools) -> None:
        self._options = options
        self._http = tools.http
        self._address = f"{tools.endpoints.hackernews.rstrip('/')}/search_by_date"
        self._meter = tools.meter(account_name("hackernews"), LIMITS, None)

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        """Windows of time, oldest first. A second with more than 1,000 hits for one phrase gives a capped page."""
        phrases = _searches(query) if query else [""]
        last = int(until.timestamp())
        done = int(cursor["until"]) if cursor else None
        earliest = None if since is None else math.ceil(since.timestamp())
        if done is not None:
            first = max(min(done - int(self.lag.total_seconds()), last), earliest or 0)
        elif earliest is not None:
            first = min(earliest, last)
        else:
            first = last - self._options.lookback_hours * 3600
        windows = [(first, last)]
        while windows:
            start, end = windows.pop()
            found, complete = self._window(phrases, start, end)
            if not complete and end > start:
                middle = (start + end) // 2
                windows += [(middle + 1, end), (start, middle)]
                continue
            done = end if done is None else max(done, end)
            items, skipped = _items(found)
            progress = (end - first + 1) / (last - first + 1)
            gap = None
            if not complete:
                gap = (datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
            read_to = datetime.fromtimestamp(done, UTC)
            yield Page(
                items, {"until": done}, skipped, capped=not complete, progress=progress, gap=gap, read_to=read_to
            )

    def _window(self, phrases: list[str], start: int, end: int) -> tuple[dict[str, Mapping[str, Any]], bool]:
        """The hits of all phrases from second ``start`` to ``end``, both included, and whether those are all."""
        found: dict[str, Mapping[str, Any]] = {}
        complete = True
        for phrase in phrases:
            hits, total = self._search(phrase, start, end)
            found.update((str(hit.get("objectID")), hit) for hit in hits)
            if total > len(hits):
                complete = False
                if end > start:
                    break  # it will be halved and asked again
        return found, complete

    def _search(self, phrase: str, start: int, end: int) -> tuple[list[dict[str, Any]], int]:
        params = {
            "query": phrase,
            "tags": "(story,comment)" if self._options.comments else "story",
            "numericFilters": f"created_at_i>={start},created_at_i<={end}",
            "hitsPerPage": str(_HITS),
            "advancedSyntax": "true",  # makes quotes mean a phrase
            "typoTolerance": "false",
        }
        self._meter.ask()
        reply = self._http.get(self._address, params=params)
        data = reply.json()
        try:
            hits = [hit for hit in data["hits"] if isinstance(hit, dict)]
            return hits, int(data["nbHits"])
        except (KeyError, TypeError, ValueError) as error:
            raise RetriableSourceError(
                f"{shown(self._address)} answered with JSON that holds no search result; if this goes on, check the "
                "address in ESCUCHA_HACKERNEWS_URL"
            ) from error


def _searches(query: Query) -> list[str]:
    """What Algolia is asked, phrase by phrase; none where the query is about other sources alone."""
    plan = translate(query, HACKERNEWS)
    if not plan.searches and not plan.complete:
        raise FatalSourceError(f"Hacker News cannot be asked for what the brands' queries say: {' '.join(plan.notes)}")
    return list(plan.searches)


def _items(found: Mapping[str, Mapping[str, Any]]) -> tuple[tuple[Item, ...], tuple[Skipped, ...]]:
    items: list[Item] = []
    skipped: list[Skipped] = []
    for native_id, hit in found.items():
        try:
            items.append(_item(hit))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            skipped.append(Skipped(f"item {native_id}", f"it is not as documented: {type(error).__name__} {error}"))
    return tuple(sorted(items, key=lambda item: item.created_at)), tuple(skipped)


def _item(hit: Mapping[str, Any]) -> Item:
    native_id = str(hit["objectID"])
    author = hit.get("author")
    # A comment's story_title is context, not something its author said, so it is no title of the comment.
    title = plain_text(hit.get("title") or "")
    body = plain_text(hit.get("comment_text") or hit.get("story_text") or "")
    if not body and not title:
        raise ValueError("it has no text")
    parent = hit.get("parent_id")
    points, comments = hit.get("points"), hit.get("num_comments")
    engagement = {"points": points, "comments": comments}
    return Item(
        kind="hackernews",
        native_id=native_id,
        text=body or title,
        title=title or None,
        created_at=datetime.fromtimestamp(int(hit["created_at_i"]), UTC),
        url=web_address(f"{_SITE}/item?id={native_id}"),
        author=Author(str(author), handle=str(author), url=f"{_SITE}/user?id={author}") if author else None,
        lang=None,
        reach=points if isinstance(points, int) else None,
        reply_to=str(parent) if parent is not None else None,
        engagement={name: value for name, value in engagement.items() if isinstance(value, int)},
    )
