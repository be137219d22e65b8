"""From a source's page to rows: mentions and cursor in one transaction, so an outage loses neither."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_, update
from sqlmodel import Session

from listener.items import Item
from listener.query import Span
from listener.store.engine import insert_new, upsert
from listener.store.tables import Author, Mention, MentionBrand, Source, table

Key = tuple[str, str]
"""(kind, native_id): the name of a mention for ever."""


@dataclass(frozen=True, slots=True)
class Matched:
    """An item and the brands it is about: brand id -> where its words stand in ``item.full_text``."""

    item: Item
    brands: Mapping[int, Sequence[Span]]


@dataclass(frozen=True, slots=True)
class Intake:
    """What one page came to: new mentions, and new pairs of mention and brand."""

    stored: int
    pairs: int


def take_page(session: Session, source_id: int, matched: Sequence[Matched], now: datetime) -> Intake:
    """Store what is new of a page. The caller moves the cursor on (``keep_cursor``) in the same transaction."""
    by_key = {(match.item.kind, match.item.native_id): match for match in matched}
    if not by_key:
        return Intake(0, 0)
    authors = _authors(session, [match.item for match in by_key.values()])
    new = insert_new(
        session,
        table(Mention),
        # In key order, so that two processes storing the same page wait for each other instead of deadlocking.
        [_mention_row(by_key[key].item, source_id, authors, now) for key in sorted(by_key)],
        returning=("id", "kind", "native_id"),
    )
    ids: dict[Key, int] = {(row.kind, row.native_id): row.id for row in new}
    known = _ids(session, Mention, [key for key in sorted(by_key) if key not in ids])
    ids |= known
    edited = _edited(session, {known[key]: by_key[key].item.full_text for key in known})
    pairs = insert_new(
        session,
        table(MentionBrand),
        [
            {"mention_id": ids[key], "brand_id": brand_id, "spans": [list(span) for span in spans]}
            for key, match in by_key.items()
            # What an edited post says now is not what is stored: its brands and places belong to another text.
            if ids[key] not in edited
            for brand_id, spans in match.brands.items()
        ],
        returning=("id",),
    )
    return Intake(stored=len(new), pairs=len(pairs))


def keep_cursor(session: Session, source_id: int, cursor: Mapping[str, Any], *, provisional: bool) -> None:
    """Remember how far a source was read. A provisional cursor counts only until the run that made it has ended."""
    values: dict[str, Any] = {"provisional_cursor": dict(cursor)}
    if not provisional:
        values = {"cursor": dict(cursor), "provisional_cursor": None}
    session.connection().execute(update(table(Source)).where(table(Source).c.id == source_id).values(**values))


def promote_cursor(session: Session, source_id: int) -> None:
    """The run has ended: its provisional cursor, if it left one, becomes the cursor."""
    source = table(Source)
    session.connection().execute(
        update(source)
        .where(source.c.id == source_id, source.c.provisional_cursor.is_not(None))
        .values(cursor=source.c.provisional_cursor, provisional_cursor=None)
    )


def _authors(session: Session, items: Sequence[Item]) -> dict[Key, int]:
    rows = {
        (item.kind, item.author.native_id): {
            "kind": item.kind,
            "native_id": item.author.native_id,
            "handle": item.author.handle,
            "name": item.author.name,
            "url": item.author.url,
            "followers": item.author.followers,
        }
        for item in items
        if item.author is not None
    }
    # In key order, for the same reason as mentions.
    upsert(
        session,
        table(Author),
        [rows[key] for key in sorted(rows)],
        key=("kind", "native_id"),
        replace=("handle", "name", "url", "followers"),
    )
    return _ids(session, Author, sorted(rows))


def _ids(session: Session, model: type[Author | Mention], keys: Sequence[Key]) -> dict[Key, int]:
    """The ids of these sorted keys. Their rows are held until the transaction ends, so that pairs come one by one."""
    columns = table(model).c
    found: dict[Key, int] = {}
    # SQLite takes a limited number of parameters in one statement.
    for start in range(0, len(keys), 500):
        wanted = tuple_(columns.kind, columns.native_id).in_(keys[start : start + 500])
        rows = session.connection().execute(
            select(columns.id, columns.kind, columns.native_id)
            .where(wanted)
            .order_by(columns.kind, columns.native_id)
            .with_for_update(key_share=True)
        )
        found |= {(row.kind, row.native_id): row.id for row in rows}
    return found


def _edited(session: Session, texts: Mapping[int, str]) -> set[int]:
    """Which of these stored mentions (id -> the text that came now) were stored with another text."""
    columns = table(Mention).c
    ids, found = list(texts), set[int]()
    for start in range(0, len(ids), 500):
        rows = session.connection().execute(
            select(columns.id, columns.text).where(columns.id.in_(ids[start : start + 500]))
        )
        found |= {row.id for row in rows if row.text != texts[row.id]}
    return found


def _mention_row(item: Item, source_id: int, authors: Mapping[Key, int], now: datetime) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "native_id": item.native_id,
        "source_id": source_id,
        "author_id": authors[item.kind, item.author.native_id] if item.author else None,
        "title": item.title,
        "text": item.full_text,
        "url": item.url,
        "lang": item.lang,
        "reach": item.reach,
        "engagement": dict(item.engagement),
        "reply_to": item.reply_to,
        "created_at": item.created_at,
        "collected_at": now,
    }
