"""From a row to an Item: which column holds what, by the mapping given or by the usual names."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, get_args

from listener.items import Author, Item, as_utc
from listener.markup import web_address
from listener.source import FatalSourceError
from listener.sources.file.options import FieldName, FileOptions, zone
from listener.sources.file.values import as_count, as_id, as_text, as_time, is_empty, within

USUAL_NAMES: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "id_str", "native_id", "tweet_id", "post_id", "comment_id", "review_id", "uuid"),
    "text": ("text", "full_text", "body", "content", "message", "comment", "review", "tweet"),
    "created_at": ("created_at", "created", "date", "timestamp", "time", "datetime", "published", "published_at"),
    "author": ("author", "user", "username", "screen_name", "handle", "author_id", "user_id"),
    "author_name": ("author_name", "display_name", "full_name"),
    "followers": ("followers", "followers_count", "follower_count", "author_followers"),
    "lang": ("lang", "language"),
    "target": ("target", "brand"),
    "url": ("url", "link", "permalink"),
    "title": ("title", "subject", "headline"),
    "reach": ("reach", "impressions", "views"),
    "shares": ("shares", "retweets", "retweet_count", "reposts"),
    "likes": ("likes", "like_count", "favorite_count", "favorites"),
    "in_reply_to": ("in_reply_to", "reply_to", "in_reply_to_id", "in_reply_to_status_id", "in_response_to_tweet_id"),
}


_LONGEST_ID = 300

_CLOCKS_DIFFER = timedelta(days=1)
"""A row dated ahead by less is taken as said now: a clock that is fast, or a zone that was not named."""


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")


class Columns:
    """Reads Items out of the rows of one file."""

    def __init__(self, options: FileOptions) -> None:
        self._options = options
        self._zone = zone(options.timezone)
        self._dataset = options.dataset or options.path.stem
        self._seen: dict[tuple[str, ...], dict[str, list[str]]] = {}

    def check(self, names: Iterable[str], *, complete: bool) -> None:
        """Raise FatalSourceError if these columns give no text or no time, showing what there is and how to map it.

        ``complete``: no row has other columns than these (a CSV header), so a mapping to another one is a slip.
        """
        names = list(names)
        found = self._columns(tuple(names))
        listed = ", ".join(name[:40] for name in names[:30]) or "none"
        for field, column in self._options.mapping.items():
            needed = complete or field in ("text", "created_at")
            if needed and column not in names and column.split(".")[0] not in names:
                raise FatalSourceError(
                    f"{self._options.path} has no column {column!r} for {field}: correct the mapping. "
                    f"Its columns: {listed}"
                )
        for field, meaning in (("text", "the text"), ("created_at", "the time it was said")):
            if not found[field]:
                raise FatalSourceError(
                    f"no column of {self._options.path} looks like {meaning}; its columns: {listed}. "
                    f"Name it with a mapping, as in mapping: {{{field}: COLUMN}}"
                )

    def item(self, row: Mapping[str, Any], until: datetime) -> Item:
        """The Item a row stands for; not dated after ``until``. Raises ValueError with the reason where it is none."""
        columns = self._columns(tuple(row))
        value = {field: self._first(row, names) for field, names in columns.items()}
        text = as_text(value["text"])
        title = as_text(value["title"])
        if not (text and text.strip()) and not title:
            raise ValueError("it has no text")
        dated = as_time(value["created_at"], self._zone)
        if dated > as_utc(until) + _CLOCKS_DIFFER:
            raise ValueError(f"it is dated {dated:%Y-%m-%d %H:%M} UTC, in the future: correct it, or set timezone")
        author = self._author(value)
        reach = [as_count(value["reach"]), author.followers if author else None, as_count(value["shares"]) or None]
        engagement = {name: count for name in ("shares", "likes") if (count := as_count(value[name])) is not None}
        text = text or title or ""
        reply_to = as_id(value["in_reply_to"])
        return Item(
            kind=self._options.platform or "file",
            native_id=self._apart(as_id(value["id"]) or _digest(author, dated, text)),
            text=text,
            title=title,
            created_at=min(dated, as_utc(until)),
            url=web_address(value["url"]),
            author=author,
            lang=as_text(value["lang"]),
            reach=next((count for count in reach if count is not None), None),
            reply_to=self._apart(reply_to) if reply_to else None,
            target=as_text(value["target"]),
            engagement=engagement,
        )

    def _columns(self, names: tuple[str, ...]) -> dict[str, list[str]]:
        """Which columns may hold each field, best first. Rows of JSON lines may differ, so this goes by their keys."""
        known = self._seen.get(names)
        if known is None:
            plain = {_plain(name): name for name in reversed(names)}
            known = {}
            for field in get_args(FieldName):
                mapped = self._options.mapping.get(field)
                usual = [plain[name] for name in USUAL_NAMES[field] if name in plain]
                known[field] = [mapped] if mapped else usual
            if len(self._seen) < 1000:
                self._seen[names] = known
        return known

    @staticmethod
    def _first(row: Mapping[str, Any], names: list[str]) -> Any:
        for name in names:
            value = within(row, name)
            if not is_empty(value):
                return value
        return None

    def _author(self, value: Mapping[str, Any]) -> Author | None:
        given = value["author"]
        followers = as_count(value["followers"])
        if isinstance(given, Mapping):  # exports that nest the whole account
            handle = as_text(given.get("handle") or given.get("username") or given.get("screen_name"))
            name = as_text(given.get("name"))
            native_id = as_id(given.get("id")) or handle or as_id(name)
            followers = as_count(given.get("followers")) if followers is None else followers
        else:
            handle = as_id(given)
            name = as_text(value["author_name"])
            native_id = handle or as_id(name)
        if not native_id:
            return None
        return Author(self._apart(native_id), handle=handle, name=name, followers=followers)

    def _apart(self, native_id: str) -> str:
        """Ids of a platform are its own for ever; those of a file only count within it. No index takes endless ones."""
        if len(native_id) > _LONGEST_ID:
            native_id = hashlib.sha256(native_id.encode("utf-8", "replace")).hexdigest()[:24]
        return native_id if self._options.platform else f"{self._dataset}:{native_id}"


def _digest(author: Author | None, created_at: datetime, text: str) -> str:
    """An id for a row without one: the same author, time and text are the same mention."""
    parts = (author.native_id if author else "", created_at.isoformat(), text)
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:24]
