"""The names that platforms give to mentions and people, and how many of them are looked up at once."""

from collections.abc import Iterable, Iterator

from sqlalchemy import ColumnElement, Table, and_

Key = tuple[str, str]
"""(kind, native_id): the name of a mention, or of an author, for ever."""

_AT_ONCE = 400


def lookups(table: Table, keys: Iterable[Key]) -> Iterator[ColumnElement[bool]]:
    """Conditions that together find the rows of these keys, in key order, each small enough for one statement.

    Kind by kind: given pairs, SQLite (3.40) reads the whole index instead of looking into it.
    """
    by_kind: dict[str, list[str]] = {}
    for kind, native_id in sorted(keys):
        by_kind.setdefault(kind, []).append(native_id)
    for kind, native_ids in by_kind.items():
        for start in range(0, len(native_ids), _AT_ONCE):
            yield and_(table.c.kind == kind, table.c.native_id.in_(native_ids[start : start + _AT_ONCE]))
