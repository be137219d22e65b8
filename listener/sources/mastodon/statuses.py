"""Mastodon's statuses as items (https://docs.joinmastodon.org/entities/Status/), and the time that is in their ids.

The key of a status is its ``uri``, which is the same on every server of the network: seen through two instances it is
one mention. Its ``id`` is the instance's own. Ids are made of the time in milliseconds and 16 bits more (Mastodon's
``lib/mastodon/snowflake.rb``), those of other servers' statuses too: so a time gives a place in every timeline, and a
status that arrives late stands among those of its own time.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from listener.items import Author, Item
from listener.markup import language_of, plain_text, web_address
from listener.source import Skipped
from listener.sources.mastodon.client import host_of

_LONGEST_ID = 400
_SHOWN_TO_ALL = ("public", "unlisted")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_CLOCKS_DIFFER = timedelta(minutes=1)


def id_at(moment: datetime) -> int:
    """The first id that a status of this moment can have."""
    return ids_in(moment - _EPOCH)


def ids_in(length: timedelta) -> int:
    """How far apart ids are that lie so long apart."""
    return (length // _MILLISECOND) << 16


def time_of(status_id: int) -> datetime:
    """When the instance says that the status of this id was made, to the millisecond."""
    return _EPOCH + (status_id >> 16) * _MILLISECOND


def number(status: Any) -> int | None:
    """A status's id as a number; None where it has none, or is not Mastodon's."""
    try:
        return int(status["id"])
    except (KeyError, TypeError, ValueError):
        return None


def items_of(
    statuses: Iterable[Any], instance: str, until: datetime, known: Mapping[str, str]
) -> tuple[dict[str, Item], tuple[Skipped, ...]]:
    """Local id -> item, oldest first, and what was no status as documented.

    What was said after ``until`` is left for the next run, and what is not for everybody is nobody's mention.
    ``known``: native ids of other statuses by the instance's ids, for answers.
    """
    statuses = list(statuses)
    by_id = {str(status["id"]): key_of(status) for status in statuses if _is_named(status)}
    items: list[tuple[str, Item]] = []
    skipped: list[Skipped] = []
    for place, status in enumerate(statuses, start=1):
        where = f"status {status['id']}" if _is_named(status) else f"status {place} of a page"
        try:
            if status.get("visibility", "public") not in _SHOWN_TO_ALL:
                continue
            item = item_of(status, instance, {**known, **by_id})
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            skipped.append(Skipped(where, f"it is not as documented: {type(error).__name__} {error}"))
        else:
            if item.created_at <= until:
                items.append((str(status["id"]), item))
    return dict(sorted(items, key=lambda pair: pair[1].created_at)), tuple(skipped)


def item_of(status: Mapping[str, Any], instance: str, known: Mapping[str, str]) -> Item:
    """One status. Raises what dictionaries and dates raise where it is not as documented."""
    passed_on = status.get("reblog")
    said = passed_on if isinstance(passed_on, Mapping) else status
    title = str(said.get("spoiler_text") or "").strip()
    text = plain_text(str(said.get("content") or ""))
    if not text and not title:
        raise ValueError("it has no text")
    author = _author(status["account"], instance)
    counts = {name: said.get(f"{name}_count") for name in ("favourites", "reblogs", "replies", "quotes")}
    edited_at = status.get("edited_at")
    return Item(
        kind="mastodon",
        native_id=key_of(status),
        text=text or title,
        title=title or None,
        created_at=_said_at(status),
        url=web_address(status.get("url")) or web_address(status.get("uri")),
        author=author,
        lang=language_of(said.get("language")),
        reach=author.followers,
        reply_to=_answered(status, instance, known),
        repost_of=key_of(said) if said is not status else None,
        quote_of=_quoted(status.get("quote")),
        edited_at=_moment(edited_at) if edited_at is not None else None,
        engagement={name: count for name, count in counts.items() if isinstance(count, int)},
    )


def key_of(status: Mapping[str, Any]) -> str:
    """The native id: the status's uri, or what stands for one that no index takes."""
    uri = status["uri"]
    if not isinstance(uri, str) or not uri:
        raise ValueError("it has no uri")
    return _short(uri)


def _short(key: str) -> str:
    if len(key) <= _LONGEST_ID:
        return key
    return f"{host_of(key)[:200]}#{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:32]}"


def _is_named(status: Any) -> bool:
    return isinstance(status, Mapping) and "id" in status and isinstance(status.get("uri"), str) and status["uri"] != ""


def _author(account: Mapping[str, Any], instance: str) -> Author:
    acct = str(account["acct"])
    handle = acct if "@" in acct else f"{acct}@{host_of(instance)}"
    url = web_address(account.get("url"))
    followers = account.get("followers_count")
    return Author(
        # The profile's address is the same seen from everywhere; an account's id is the instance's own.
        native_id=_short(url or handle),
        handle=handle,
        name=str(account.get("display_name") or "").strip() or None,
        url=url,
        # -1 where an account hides it.
        followers=followers if isinstance(followers, int) and followers >= 0 else None,
    )


def _said_at(status: Mapping[str, Any]) -> datetime:
    """When it was said: the author's word, unless the author's clock is ahead of when the instance took it in."""
    said = _moment(status["created_at"])
    taken = number(status)
    if taken is not None and said - time_of(taken) > _CLOCKS_DIFFER and taken > id_at(_EPOCH + timedelta(days=1)):
        return time_of(taken)
    return said


def _moment(value: Any) -> datetime:
    """A time as the platform writes it, or as its library has read it from a stream."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment.astimezone(UTC) if moment.tzinfo else moment


def _answered(status: Mapping[str, Any], instance: str, known: Mapping[str, str]) -> str | None:
    """What it answers: the platform only tells its own id of that, which is not everywhere known under its uri."""
    parent = status.get("in_reply_to_id")
    if parent is None:
        return None
    return known.get(str(parent)) or f"{instance}/statuses/{parent}"


def _quoted(quote: Any) -> str | None:
    """The status quoted (since Mastodon 4.4), where its author lets it be."""
    quoted = quote.get("quoted_status") if isinstance(quote, Mapping) else None
    return key_of(quoted) if isinstance(quoted, Mapping) else None
