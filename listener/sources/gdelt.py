"""News through GDELT's DOC 2.0 API (https://blog.gdeltproject.org/gdelt-doc-2-0-api-debuts/): three months, no key.

GDELT searches whole articles, translated into English, but hands out their titles only, so a title is all that we have
to match and to score. A request takes a window of time and gives 250 articles at most, without saying how many there
are: a window that comes back full is asked for again in halves, and the cursor remembers how long they may be. Articles
are stamped in steps of 15 minutes, and shorter windows are refused; one that is full even then is a known gap.

It refuses in plain text with status 200 ("Your query was too short or too long.", at times for no fault of the query),
and its JSON may hold broken escapes and control characters (alex9smith/gdelt-doc-api issues 26, 28 and 47).
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from listener.http import Http, Reply, shown
from listener.items import Author, Item
from listener.markup import looks_like_html, web_address
from listener.query import Query
from listener.query.dialects import GDELT
from listener.query.translate import translate
from listener.source import (
    Cursor,
    FatalSourceError,
    Limit,
    Page,
    RetriableSourceError,
    Skipped,
    account_name,
)
from listener.tools import Tools

LIMITS = (Limit(1, timedelta(seconds=5)),)
"""What its refusals say: "Please limit requests to one every 5 seconds"; for one machine, as there are no accounts."""

_MOST = 250
_LEAST = 15 * 60
_LEAST_AT_WORST = 60 * 60
"""Seconds: the shortest window that GDELT documents, and the shortest that it has been seen to insist on."""
_LONGEST = 90 * 24 * 3600
_LONGEST_ID = 400
_CODES = {name: code for code, name in (GDELT.languages or {}).items()}
_ESCAPE = re.compile(r'\\(?:(["\\/bfnrt]|u[0-9a-fA-F]{4})|)')
_BETWEEN = re.compile(r"\}\s*,\s*\{")


class GdeltOptions(BaseModel):
    """Options of a ``gdelt`` source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lookback_hours: int = Field(
        default=24, ge=1, le=24 * 90, description="how far back the first run looks, in hours, three months at most"
    )


class _Refused(Exception):
    """GDELT does not take this search, in its words."""


class _TooShort(Exception):
    """GDELT does not take so short a window."""


class GdeltSource:
    """Titles of articles, search by search, each in windows from old to new."""

    kind: ClassVar[str] = "gdelt"
    ordered: ClassVar[bool] = True
    lag: ClassVar[timedelta] = timedelta(hours=1)
    history: ClassVar[timedelta | None] = timedelta(days=90)

    def __init__(self, options: GdeltOptions, tools: Tools) -> None:
        self._options = options
        self._http: Http = tools.http
        self._address = f"{tools.endpoints.gdelt.rstrip('/')}/api/v2/doc/doc"
        self._meter = tools.meter(account_name("gdelt"), LIMITS, None)

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        """Windows of each search, which has a place of its own in the cursor: one that is refused stays where it is
        and holds up no other. Only where all are refused must a person act. A page may be empty: it only remembers
        that windows must be shorter."""
        searches = self._searches(query)
        last = int(until.timestamp())
        before: Mapping[str, Mapping[str, int]] = (cursor or {}).get("places", {})
        places = {key: dict(before[key]) for key in searches if key in before}
        refused: list[str] = []
        for number, (key, words) in enumerate(searches.items()):
            first = self._start(places.get(key), before, last, since)
            step = places.get(key, {}).get("step", last - first)
            try:
                for place, page in self._windows(words, first, last, step, until):
                    places[key] = place
                    share = (number + max(place["at"] - first, 0) / max(last - first, 1)) / len(searches)
                    after = {"places": dict(places)}
                    yield Page(page.items, after, page.skipped, capped=page.capped, gap=page.gap, progress=share)
            except _Refused as error:
                refused.append(f"GDELT refuses the search {words!r}: {error}")
                told = f"{refused[-1].rstrip('.')}. Change the query of the brand it is for, or leave GDELT out for it"
                yield Page((), {"places": dict(places)}, unread=(told,))
        if len(refused) == len(searches):
            raise FatalSourceError(
                f"{shown(self._address)}: {'; '.join(refused[:3])} Change the query, or leave GDELT out for this brand",
                may_pass=True,
            )

    def _searches(self, query: Query | None) -> dict[str, str]:
        """By a digest that names each in the cursor."""
        if query is None:
            raise FatalSourceError("GDELT can only be searched: give the source a brand with a query")
        plan = translate(query, GDELT)
        if not plan.searches:
            raise FatalSourceError(f"the query asks nothing that GDELT can search for: {' '.join(plan.notes)}")
        return {hashlib.sha256(words.encode()).hexdigest()[:12]: words for words in plan.searches}

    def _start(
        self,
        place: Mapping[str, int] | None,
        before: Mapping[str, Mapping[str, int]],
        last: int,
        since: datetime | None,
    ) -> int:
        earliest = last - self._options.lookback_hours * 3600 if since is None else int(since.timestamp())
        if place is not None:
            # What was read up to "at" was read at "until": later than the lag before that, something may have come.
            first = min(place["at"], place["until"] - int(self.lag.total_seconds()))
            first = first if since is None else max(first, earliest)
        else:
            # A search that is new because a query was changed must not leave out what an outage has left unread.
            others = [other["at"] for other in before.values()] if since is None else []
            first = min([earliest, *others])
        return min(first, last - _LEAST)

    def _windows(
        self, words: str, first: int, last: int, step: int, until: datetime
    ) -> Iterator[tuple[dict[str, int], Page]]:
        """The articles of one search from second ``first`` to ``last``, in windows of ``step`` seconds at first: the
        place to remember after each, and its page."""
        least = _LEAST
        start, step = first, max(step, least)
        while True:
            end = min(start + step, last)
            begin = min(start, end - least)
            try:
                articles, broken = self._ask(words, begin, end)
            except _TooShort as error:
                if end - begin >= _LEAST_AT_WORST:
                    raise _Refused(str(error)) from error
                least = _LEAST_AT_WORST
                step = max(step, least)
                continue
            full = len(articles) + len(broken) >= _MOST
            if full and end - begin > least:
                step = max((end - begin) // 2, least)
                yield {"at": start, "until": last, "step": step}, Page((), {})
                continue
            items, skipped = _items(articles, until)
            gap = (datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(end, UTC)) if full else None
            if len(articles) < _MOST // 4:
                step = min(step * 2, _LONGEST)
            yield {"at": end, "until": last, "step": step}, Page(items, {}, (*broken, *skipped), capped=full, gap=gap)
            if end >= last:
                return
            start = end  # once more: whether a window's end belongs to it GDELT does not say

    def _ask(self, words: str, start: int, end: int) -> tuple[list[Any], list[Skipped]]:
        self._meter.ask()
        reply = self._http.get(
            self._address,
            params={
                "query": words, "mode": "artlist", "format": "json", "maxrecords": str(_MOST), "sort": "dateasc",
                "startdatetime": _stamp(start), "enddatetime": _stamp(end),
            },
        )  # fmt: skip
        text = reply.body.decode("utf-8", "replace").strip()
        if not text.startswith("{"):
            self._refuse(reply, text)
        return _articles(reply, text)

    def _refuse(self, reply: Reply, text: str) -> None:
        where = shown(reply.address.partition("?")[0])
        words = " ".join(text.split())[:200]
        if not text:
            raise RetriableSourceError(f"{where} answered with nothing; it is tried again later")
        if looks_like_html(reply.body):
            reply.json()  # raises, in the house's words
        if "limit requests" in words.lower():
            self._meter.told(remaining=0, resets_in=LIMITS[0].per.total_seconds())
            raise RetriableSourceError(f"{where}: too many requests ({words}); it is tried again later")
        if "timespan is too short" in words.lower():
            raise _TooShort(words)
        raise _Refused(words)


def _articles(reply: Reply, text: str) -> tuple[list[Any], list[Skipped]]:
    """The articles of an answer, and those that even mending its JSON does not bring out."""
    where = shown(reply.address.partition("?")[0])
    mended = _ESCAPE.sub(lambda escape: escape[0] if escape[1] else r"\\", text)
    try:
        answer = json.loads(mended, strict=False)  # lets control characters stand
    except (ValueError, RecursionError):
        return _one_by_one(where, mended)
    articles = answer.get("articles", [])
    if not isinstance(articles, list) or (answer and "articles" not in answer):
        raise RetriableSourceError(
            f"{where} answered with JSON that holds no articles; if this goes on, check the address in "
            "ESCUCHA_GDELT_URL"
        )
    return articles, []


def _one_by_one(where: str, text: str) -> tuple[list[Any], list[Skipped]]:
    """Articles are flat objects: each is read by itself, so that a broken one spoils no other."""
    begin, _, rest = text.partition("[")
    if '"articles"' not in begin or not re.search(r"\]\s*\}$", text):
        raise RetriableSourceError(f"{where} broke off in the middle of its answer; it is tried again later")
    articles: list[Any] = []
    broken: list[Skipped] = []
    for number, entry in enumerate(_BETWEEN.split(rest.rpartition("]")[0].strip()), start=1):
        try:
            articles.append(json.loads("{" + entry.strip().removeprefix("{").removesuffix("}") + "}", strict=False))
        except (ValueError, RecursionError) as error:
            broken.append(Skipped(f"article {number}", f"its JSON is broken: {error}"))
    return articles, broken


def _items(articles: list[Any], until: datetime) -> tuple[tuple[Item, ...], tuple[Skipped, ...]]:
    items: dict[str, Item] = {}
    skipped: list[Skipped] = []
    for number, article in enumerate(articles, start=1):
        try:
            item = _item(article)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            address = article.get("url") if isinstance(article, dict) else None
            where = f"article {str(address)[:200] if address else number}"
            skipped.append(Skipped(where, f"it is not as documented: {type(error).__name__} {error}"))
            continue
        if item.created_at <= until:
            items.setdefault(item.native_id, item)
    return tuple(sorted(items.values(), key=lambda item: item.created_at)), tuple(skipped)


def _item(article: Mapping[str, Any]) -> Item:
    url = web_address(article["url"])
    if url is None:
        raise ValueError("its address is none of the web")
    title = str(article.get("title") or "").strip()
    if not title:
        raise ValueError("it has no title, and more than that GDELT does not hand out")
    domain = str(article.get("domain") or "")
    native_id = url if len(url) <= _LONGEST_ID else f"{url[:200]}#{hashlib.sha256(url.encode()).hexdigest()[:16]}"
    return Item(
        kind="gdelt",
        native_id=native_id,
        text=title,
        title=title,
        # When GDELT saw it, which is as near as it gets to when it was published.
        created_at=datetime.strptime(article["seendate"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
        url=url,
        author=Author(domain, name=domain, url=web_address(f"https://{domain}")) if domain else None,
        lang=_CODES.get(str(article.get("language") or "").lower()),
    )


def _stamp(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y%m%d%H%M%S")
