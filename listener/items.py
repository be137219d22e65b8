"""Item: what every source yields. Frozen, UTC only, safe to store on any database."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sentiment.text import unpiled

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Cs", "Mn", "Me", "Zs", "Zl", "Zp"})
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that are drawn as nothing."""


def wordless(text: str | None) -> bool:
    """Whether there is nothing to be seen in it: no text, spaces, controls, marks without a letter below them."""
    return all(char in _FILLERS or unicodedata.category(char) in _UNSEEN for char in text or "")


def storable(text: str) -> str:
    """Text without what a database refuses, NUL (PostgreSQL) and lone surrogates (both), and without piles of marks
    that would take whoever reads it long (see ``unpiled``)."""
    return unpiled(text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8"))


def as_utc(moment: datetime) -> datetime:
    """The same moment in UTC; a naive one is refused, because guessing its zone would move mentions in time."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; a source must say which one it means")
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Author:
    """Who said it, as the platform names them."""

    native_id: str
    handle: str | None = None
    name: str | None = None
    url: str | None = None
    followers: int | None = None

    def __post_init__(self) -> None:
        for name in ("native_id", "handle", "name", "url"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, storable(value))
        if not self.native_id:
            raise ValueError("an author needs a native_id; leave the author out where there is none")


@dataclass(frozen=True, slots=True)
class Item:
    """One post, comment, review or article.

    ``kind`` is the platform ("hackernews", "rss", "x"), and (kind, native_id) names the item for ever. ``created_at``
    is when it was said. ``reach`` is the number of people it may have reached as far as the platform tells: followers
    of the author, or shares or points where only those are known; None = unknown. ``target`` names the brand where the
    source says so itself (an import with a brand column). ``reply_to`` is the native_id of what it answers,
    ``repost_of`` of what it passes on unchanged, ``quote_of`` of what it passes on with words of its own (only those
    are its ``text``). ``edited_at`` is when the platform says that it was last changed; None where it never was, or
    where the platform does not say.
    """

    kind: str
    native_id: str
    text: str
    created_at: datetime
    url: str | None = None
    title: str | None = None
    author: Author | None = None
    lang: str | None = None
    reach: int | None = None
    reply_to: str | None = None
    repost_of: str | None = None
    quote_of: str | None = None
    edited_at: datetime | None = None
    target: str | None = None
    engagement: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "created_at", as_utc(self.created_at))
        if self.edited_at is not None:
            object.__setattr__(self, "edited_at", as_utc(self.edited_at))
        for name in ("native_id", "text", "url", "title", "lang", "reply_to", "repost_of", "quote_of", "target"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, storable(value))
        if not self.native_id:
            raise ValueError("an item needs a native_id: without one it could not be stored once only")

    @property
    def full_text(self) -> str:
        """Title and text together: what is matched against queries and scored. Empty where none of it can be seen."""
        text = self.text
        if self.title and not text.startswith(self.title):
            text = f"{self.title}\n{text}".strip()
        return "" if wordless(text) else text
