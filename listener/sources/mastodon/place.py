"""The cursor of a ``mastodon`` source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from listener.items import Item
from listener.query import Query
from listener.source import Cursor

_REMEMBERED = 500
"""So many of the latest mentions' ids are kept in the cursor of a source that listens for deletions."""


@dataclass
class Place:
    """The cursor: how far each timeline and the search are read, and the ids of the latest mentions."""

    tags: dict[str, int] = field(default_factory=dict)
    searched: Mapping[str, Any] | None = None
    known: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, cursor: Cursor | None) -> "Place":
        cursor = cursor or {}
        tags = {tag: int(last) for tag, last in cursor.get("tags", {}).items()}
        return cls(tags, cursor.get("searched"), dict(cursor.get("known", {})))

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
