"""Bluesky's posts as items, for both sources that read them: its search and its firehose.

https://github.com/bluesky-social/atproto/blob/main/lexicons/app/bsky/feed/post.json. A post's key is its at:// URI,
whoever tells of it. Posts cannot be changed, only deleted.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from listener.items import Author, Item
from listener.markup import language_of, web_address
from listener.query import Query

KIND = "bluesky"
POSTS = "app.bsky.feed.post"
_SITE = "https://bsky.app/profile"
_EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
_SHORTENED = ("...", "…")
_LONGEST_ID = 900
"""Characters: no account and no key of a record is that long, and no index takes endless ones."""


def author_of(did: str, handle: Any = None, name: Any = None, followers: int | None = None) -> Author:
    """An account. Its DID is for ever, its handle is not; an account whose handle does not hold has none."""
    known = str(handle) if handle and handle != "handle.invalid" else None
    return Author(
        native_id=did,
        handle=known,
        name=str(name or "").strip() or None,
        url=f"{_SITE}/{quote(known or did, safe=':.')}",
        followers=followers,
    )


def post_of(
    uri: str, record: Mapping[str, Any], author: Author, seen_at: datetime, counts: Mapping[str, Any] | None = None
) -> Item:
    """One post. ``seen_at``: when the network first saw it. ``counts``: likes, reposts, replies and quotes.

    Raises ValueError, KeyError or TypeError where the record is not as documented.
    """
    if not is_address(uri):
        raise ValueError("it has no at:// address that can be")
    text = _written(record)
    if not text:
        raise ValueError("it has no text")
    parent = record["reply"]["parent"]["uri"] if record.get("reply") else None
    return Item(
        kind=KIND,
        native_id=uri,
        text=text,
        created_at=said_at(record.get("createdAt"), seen_at),
        url=f"{author.url}/post/{quote(uri.rpartition('/')[2], safe='~:.')}",
        author=author,
        lang=_first_language(record.get("langs")),
        reach=author.followers,
        reply_to=parent if is_address(parent) else None,
        quote_of=_quoted(record.get("embed")),
        engagement={name: count for name, count in (counts or {}).items() if isinstance(count, int)},
    )


def is_address(uri: Any) -> bool:
    """Whether this can be the address of a post."""
    return isinstance(uri, str) and uri.startswith("at://") and len(uri) <= _LONGEST_ID


def said_at(claimed: Any, seen_at: datetime) -> datetime:
    """When it was said: what the author's app claims, but never later than the network saw it.

    So Bluesky's own ``sortAt`` has it (https://docs.bsky.app/docs/advanced-guides/timestamps).
    """
    try:
        said = datetime.fromisoformat(str(claimed))
        if said.tzinfo is None or said < _EARLIEST:
            return seen_at
        return min(said.astimezone(UTC), seen_at)
    except (ValueError, OverflowError):
        return seen_at


def may_match(query: Query | None, item: Item) -> bool:
    """False where the host is certain to pass the item over. What it knows of sources and languages is not known here,
    so a query that asks for those is left to it."""
    return query is None or bool(query.fields()) or query.match(item.full_text) is not None


def _written(record: Mapping[str, Any]) -> str:
    """The text as it is shown, but with links that an app has shortened written out, and tags that stand beside it."""
    text = record["text"]
    if not isinstance(text, str):
        raise TypeError("its text is none")
    said = _with_links(text, record.get("facets") or ()).strip()
    tags = [f"#{tag}" for tag in record.get("tags") or () if isinstance(tag, str) and tag.strip()]
    beside = [tag for tag in tags if tag.casefold() not in said.casefold()]
    return f"{said}\n{' '.join(beside)}".strip()


def _with_links(text: str, facets: Sequence[Any]) -> str:
    """ "acme.example/lon..." -> "https://acme.example/long/path". Facets count in bytes of UTF-8
    (https://docs.bsky.app/docs/advanced-guides/post-richtext); one that does not fit the text is left alone."""
    data = text.encode("utf-8", "surrogatepass")
    end = len(data)
    pieces: list[bytes] = []
    for first, last, address in sorted(_links(facets), reverse=True):
        if not 0 <= first < last <= end:
            continue
        shown = data[first:last].decode("utf-8", "ignore")
        if not shown.endswith(_SHORTENED):
            continue
        beginning = shown.rstrip(".…").casefold()
        bare = address.partition("://")[2].casefold()
        if beginning and (bare.startswith(beginning) or bare.removeprefix("www.").startswith(beginning)):
            pieces += [data[last:end], address.encode("utf-8", "replace")]
            end = first
    pieces.append(data[:end])
    return b"".join(reversed(pieces)).decode("utf-8", "replace")


def _links(facets: Sequence[Any]) -> list[tuple[int, int, str]]:
    links: list[tuple[int, int, str]] = []
    for facet in facets if isinstance(facets, list) else ():
        try:
            first, last = int(facet["index"]["byteStart"]), int(facet["index"]["byteEnd"])
            addresses = [web_address(feature.get("uri")) for feature in facet["features"]]
            links += [(first, last, address) for address in addresses if address is not None]
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return links


def _quoted(embed: Any) -> str | None:
    """The post that is quoted, alone (embed.record) or beside pictures (embed.recordWithMedia); no list, no feed."""
    record = embed.get("record") if isinstance(embed, Mapping) else None
    if isinstance(record, Mapping) and isinstance(record.get("record"), Mapping):
        record = record["record"]
    uri = record.get("uri") if isinstance(record, Mapping) else None
    return str(uri) if is_address(uri) and f"/{POSTS}/" in str(uri) else None


def _first_language(langs: Any) -> str | None:
    """The first that is declared: ["pt-BR", "en"] -> "pt"."""
    return language_of(langs[0]) if isinstance(langs, list) and langs else None
