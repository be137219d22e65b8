"""Reddit's things as items: submissions (t3) and comments (t1). https://github.com/reddit-archive/reddit/wiki/JSON"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from listener.items import Author, Item
from listener.markup import web_address
from listener.source import Skipped

SITE = "https://www.reddit.com"
_EMPTIED = frozenset({"[deleted]", "[removed]", "[ Removed by Reddit ]"})
_OWN = ("reddit.com", "redd.it", "redditmedia.com")
_REMOVED = {
    "deleted": "deleted by its author",
    "author": "deleted by its author",
    "moderator": "removed by moderators",
    "automod_filtered": "removed by moderators",
    "reddit": "removed by Reddit",
    "anti_evil_ops": "removed by Reddit",
    "content_takedown": "removed after a legal notice",
    "copyright_takedown": "removed after a legal notice",
}


@dataclass(frozen=True, slots=True)
class Read:
    """What a page of things holds. ``deleted``: fullnames. ``times``: seconds since 1970, in the listing's order."""

    items: tuple[Item, ...]
    skipped: tuple[Skipped, ...]
    deleted: tuple[str, ...]
    times: tuple[float, ...]


def read(things: Sequence[Mapping[str, Any]], wanted: float, until: float) -> Read:
    """A page of things, of which those said from ``wanted`` to ``until`` become items, the oldest first."""
    items: list[Item] = []
    skipped: list[Skipped] = []
    deleted: list[str] = []
    times: list[float] = []
    for thing in things:
        try:
            moment = said_at(thing)
            times.append(moment)
            if not wanted <= moment <= until:
                continue
            if why_gone(thing) is not None:
                deleted.append(fullname(thing))
            else:
                items.append(item(thing))
        except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            why = f"it is not as documented: {type(error).__name__} {error}"
            skipped.append(Skipped(f"thing {thing.get('name')}"[:60], why[:300]))
    items.sort(key=lambda one: one.created_at)
    return Read(tuple(items), tuple(skipped), tuple(deleted), tuple(times))


def name_of(thing: Mapping[str, Any]) -> str | None:
    """Its fullname, where it has one."""
    try:
        return fullname(thing)
    except ValueError:
        return None


def fullname(thing: Mapping[str, Any]) -> str:
    """The name that Reddit knows it by: "t3_1abcde". Raises ValueError where it has none."""
    name = thing.get("name")
    if not isinstance(name, str) or name[:3] not in ("t1_", "t3_"):
        raise ValueError("it has no fullname")
    return name


def said_at(thing: Mapping[str, Any]) -> float:
    """Seconds since 1970. Raises KeyError, TypeError or ValueError where it does not say."""
    return float(thing["created_utc"])


def why_gone(thing: Mapping[str, Any]) -> str | None:
    """Why there is nothing left to read, in a few words; None = it is there.

    Who deletes an account takes its name off what it said: then that has to go as well.
    """
    category = thing.get("removed_by_category")
    if isinstance(category, str) and category:
        return _REMOVED.get(category, "removed")
    body = thing.get("selftext") if fullname(thing).startswith("t3_") else thing.get("body")
    if isinstance(body, str) and body.strip() in _EMPTIED:
        return "deleted by its author" if body.strip() == "[deleted]" else "removed"
    # Only the mark itself: an author that is missing may be no more than a bad answer.
    return "its author is gone" if thing.get("author") == "[deleted]" else None


def item(thing: Mapping[str, Any]) -> Item:
    """A submission or comment. Raises KeyError, TypeError, ValueError or OverflowError for one not as documented."""
    name = fullname(thing)
    moment = datetime.fromtimestamp(said_at(thing), UTC)
    submission = name.startswith("t3_")
    title = _words(thing.get("title")) if submission else ""
    text = (_submission(thing) if submission else _words(thing.get("body"))) or title
    if not text:
        raise ValueError("it has no text")
    edited: Any = thing.get("edited")  # false, or when; true for what was edited before Reddit kept that
    was_edited = isinstance(edited, int | float) and not isinstance(edited, bool)
    points = thing.get("score")
    counts = {"points": points, "comments": thing.get("num_comments") if submission else None}
    return Item(
        kind="reddit",
        native_id=name,
        text=text,
        title=title or None,
        created_at=moment,
        url=web_address(f"{SITE}{quote(str(thing.get('permalink') or f'/comments/{name[3:]}'), safe='/')}"),
        author=_author(thing),
        reach=max(points, 0) if isinstance(points, int) else None,
        reply_to=None if submission else _name(thing.get("parent_id")),
        repost_of=_name(thing.get("crosspost_parent")) if submission else None,
        edited_at=datetime.fromtimestamp(edited, UTC) if was_edited else None,
        engagement={name: count for name, count in counts.items() if isinstance(count, int)},
    )


def _submission(thing: Mapping[str, Any]) -> str:
    """What it says, or what the one says that it passes on; and what it links to outside Reddit."""
    said = _words(thing.get("selftext"))
    parents = thing.get("crosspost_parent_list")
    if not said and isinstance(parents, list) and parents and isinstance(parents[0], Mapping):
        said = _words(parents[0].get("selftext"))
    if thing.get("is_self") is not False:
        return said
    link = web_address(thing.get("url")) or ""
    host = urlsplit(link).hostname or ""
    if any(host == own or host.endswith(f".{own}") for own in _OWN):
        return said
    return f"{said or _words(thing.get('title'))}\n{link}".strip()


def _author(thing: Mapping[str, Any]) -> Author | None:
    name = thing.get("author")
    if not isinstance(name, str) or not name or name == "[deleted]":
        return None
    own_id = thing.get("author_fullname")
    return Author(
        own_id if isinstance(own_id, str) and own_id else name,
        handle=name,
        url=f"{SITE}/user/{quote(name, safe='')}",
    )


def _words(value: object) -> str:
    return value if isinstance(value, str) and value.strip() not in _EMPTIED else ""


def _name(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
