"""RSS and Atom feeds: one conditional request a run, every entry an Item.

A feed only shows its last entries. The cursor remembers some of them, so that a feed that has moved on entirely since
the last visit is reported as a known gap (``Page.capped``) and not taken for complete.
"""

import calendar
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

import feedparser
from pydantic import BaseModel, ConfigDict, Field, field_validator

from listener.http import MEBIBYTE, Http, Reply, shown
from listener.items import Author, Item
from listener.markup import feed_links, language_of, looks_like_html, plain_text, web_address
from listener.query import Query
from listener.source import Cursor, FatalSourceError, Page, RetriableSourceError, Skipped

_REMEMBERED = 100
_LONGEST_ID = 400
_ENDS = (b"</rss>", b"</feed>", b"</rdf:rdf>", b":rss>", b":feed>", b"</channel>")


class RssOptions(BaseModel):
    """Options of an ``rss`` source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(description="the address of the feed, RSS or Atom")
    max_megabytes: float = Field(default=5, gt=0, le=100, description="the largest feed that is read, in MB")

    @field_validator("url")
    @classmethod
    def _of_the_web(cls, url: str) -> str:
        if web_address(url) is None:
            raise ValueError("write the address of the feed with https:// in front")
        return url.strip()


class RssSource:
    """One feed. A page that is no feed is a FatalSourceError that names the feeds it links to."""

    kind: ClassVar[str] = "rss"
    ordered: ClassVar[bool] = True
    lag: ClassVar[timedelta] = timedelta(0)  # every run reads the whole feed
    history: ClassVar[timedelta | None] = timedelta(0)

    def __init__(self, options: RssOptions, http: Http) -> None:
        self._options = options
        self._http = http

    def fetch(
        self,
        query: Query | None,  # noqa: ARG002 - there is nobody to ask for less
        cursor: Cursor | None,
        until: datetime,
        since: datetime | None = None,  # noqa: ARG002 - it hands out what it has
    ) -> Iterator[Page]:
        """All entries the feed has now, oldest first; none if it says that nothing changed since ``cursor``."""
        feed_id = _hash(self._options.url)
        before: Cursor = cursor if cursor and cursor.get("feed") == feed_id else {}
        conditions = {"If-None-Match": before.get("etag"), "If-Modified-Since": before.get("modified")}
        reply = self._http.get(
            self._options.url,
            headers={name: value for name, value in conditions.items() if value}
            | {"Accept": "application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.5"},
            max_bytes=int(self._options.max_megabytes * MEBIBYTE),
            anywhere=False,
        )
        if reply.status == 304:
            yield Page((), before or {"feed": feed_id}, progress=1.0)
            return
        feed, whole = _parsed(reply)
        entries = feed["entries"] if whole else feed["entries"][:-1]
        items, skipped = _items(entries, feed["feed"], self._options.url, until)
        known = set(before.get("seen", ()))
        keys = [_hash(item.native_id) for item in items]
        after: dict[str, Any] = {"feed": feed_id, "seen": keys[-_REMEMBERED:] or sorted(known)}
        if whole:  # otherwise the rest must be sent again
            after |= {"etag": reply.headers.get("etag"), "modified": reply.headers.get("last-modified")}
        yield Page(
            tuple(items), after, tuple(skipped), capped=bool(known and keys and known.isdisjoint(keys)), progress=1.0
        )


def _parsed(reply: Reply) -> tuple[Mapping[str, Any], bool]:
    """The feed as far as it can be read, and whether its end was there."""
    where = shown(reply.address)
    if not reply.body.strip():
        raise RetriableSourceError(f"{where} answered with nothing; it is tried again later")
    if looks_like_html(reply.body):
        found = feed_links(reply.body[: 256 * 1024].decode("utf-8", "replace"))
        hint = (
            f"the page names this feed: {found[0][:200]}" if found else "look on the page for its RSS or Atom address"
        )
        raise FatalSourceError(f"{where} is a web page, not a feed; {hint}")
    # BytesIO, because feedparser would open a body that reads like a file name. Everything it does to be helpful
    # (sanitising, completing links) is switched off: the text is kept as text and shown as text.
    feed = feedparser.parse(
        io.BytesIO(reply.body),
        response_headers={"content-type": reply.headers.get("content-type", "application/xml")},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not feed["version"] and not feed["entries"]:
        raise FatalSourceError(f"{where} is not a feed that can be read: check that the address is one of RSS or Atom")
    whole = not feed["bozo"] or any(end in reply.body[-2000:].lower() for end in _ENDS)
    return feed, whole


def _items(
    entries: Sequence[Mapping[str, Any]], feed: Mapping[str, Any], address: str, until: datetime
) -> tuple[list[Item], list[Skipped]]:
    items: dict[str, Item] = {}
    skipped: list[Skipped] = []
    for number, entry in enumerate(entries, start=1):
        try:
            item = _item(entry, feed, address, until)
        except ValueError as error:
            skipped.append(Skipped(f"entry {number}", str(error)))
        else:
            items.setdefault(item.native_id, item)
    return sorted(items.values(), key=lambda item: item.created_at), skipped


def _item(entry: Mapping[str, Any], feed: Mapping[str, Any], address: str, until: datetime) -> Item:
    title = _plain(entry.get("title_detail"))
    bodies = [_plain(content) for content in (*entry.get("content", ()), entry.get("summary_detail"))]
    body = max(bodies, key=len)
    if not title and not body:
        raise ValueError("it has neither title nor text")
    link = web_address(entry.get("link"))
    date = _date(entry) or _date(feed)
    # A key must be the same on every visit, so "now" is no part of it.
    native_id = _key(entry.get("id"), address) or link or f"{_place(address)}#{_hash(title, body, str(_date(entry)))}"
    if len(native_id) > _LONGEST_ID:  # no index takes endless ones
        native_id = f"{_place(address)[:200]}#{_hash(native_id)}"
    name = plain_text(str(entry.get("author") or ""))[:200]
    return Item(
        kind="rss",
        native_id=native_id,
        text=body or title,
        title=title or None,
        created_at=min(date, until) if date else until,
        url=link,
        author=Author(f"{urlsplit(address).hostname}:{name}", name=name) if name else None,
        lang=language_of(feed.get("language")),
    )


def _plain(detail: Mapping[str, Any] | None) -> str:
    """The words of a title, summary or content: HTML taken off where the feed says, or RSS leaves open, that it is."""
    if not detail:
        return ""
    value = str(detail.get("value") or "")
    return value.strip() if detail.get("type") == "text/plain" else plain_text(value)


def _key(guid: object, address: str) -> str | None:
    """The guid, if need be with the feed's place: "1234" is somebody else's in another feed."""
    if not isinstance(guid, str) or not guid.strip():
        return None
    guid = guid.strip()
    return guid if ":" in guid else f"{_place(address)}:{guid}"


def _place(address: str) -> str:
    """Host and path of the feed: what stays when http becomes https or a token in the query changes."""
    parts = urlsplit(address)
    return f"{parts.hostname}{parts.path}".rstrip("/")


def _date(thing: Mapping[str, Any]) -> datetime | None:
    for name in ("published_parsed", "updated_parsed", "created_parsed"):
        # Past FeedParserDict's own lookup, which guesses and warns.
        if parsed := dict.get(thing, name):  # type: ignore[call-overload]
            try:
                return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
            except (ValueError, OverflowError, OSError):
                return None
    return None


def _hash(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:16]
