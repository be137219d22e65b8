"""From a source's page to rows: mentions and cursor in one transaction, so an outage loses neither."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session

from listener.copies import Wording, wording
from listener.items import Item
from listener.query.index import more_words
from listener.relevance import NO_WORDS
from listener.store import copies, edits
from listener.store.edits import Matched
from listener.store.engine import insert_new, upsert
from listener.store.keys import Key, lookups
from listener.store.locks import alone
from listener.store.tables import Author, Mention, MentionBrand, Source, Tombstone, table

__all__ = ["Intake", "Key", "Matched", "keep_cursor", "promote_cursor", "take_page", "take_unmatched"]


@dataclass(frozen=True, slots=True)
class Intake:
    """What one page came to: new mentions, new pairs of mention and brand, mentions whose text was edited, and those
    refused because they had to go once (``listener.store.deletion``)."""

    stored: int
    pairs: int
    edited: int = 0
    refused: int = 0


def take_page(session: Session, source_id: int, matched: Sequence[Matched], now: datetime) -> Intake:
    """Store what is new of a page, and what is said otherwise now. The caller moves the cursor on (``keep_cursor``) in
    the same transaction, and does nothing in it before this that others could wait for."""
    by_key = _latest(matched)
    if not by_key:
        return Intake(0, 0)
    # Before it is our turn, so that nobody waits for this.
    said = {key: wording(match.item.full_text) for key, match in by_key.items()}
    more = {key: more_words(match.item.full_text) for key, match in by_key.items()}
    alone(session)
    refused = _tombstones(session, list(by_key))
    by_key = {key: match for key, match in by_key.items() if key not in refused}
    authors = _authors(session, [match.item for match in by_key.values()])
    new = insert_new(
        session,
        table(Mention),
        # In key order, so that a page is stored the same however its source sorts it.
        [_mention_row(by_key[key].item, said[key], more[key], source_id, authors, now) for key in sorted(by_key)],
        returning=("id", "kind", "native_id"),
    )
    ids: dict[Key, int] = {(row.kind, row.native_id): row.id for row in new}
    known = edits.stored(session, [key for key in by_key if key not in ids])
    changes = {row.id: edits.change(row, by_key[key].item, source_id) for key, row in known.items()}
    ids |= {key: row.id for key, row in known.items()}
    stale = {mention for mention, change in changes.items() if change is edits.Change.OUTDATED}
    edited = {mention for mention, change in changes.items() if change is edits.Change.EDITED}
    parted = edits.apply(session, source_id, {ids[key]: (known[key], by_key[key]) for key in known}, changes, now)
    pairs = insert_new(
        session,
        table(MentionBrand),
        [
            {
                "mention_id": ids[key],
                "brand_id": brand_id,
                "spans": [list(span) for span in spans],
                "about_brand": match.item.target is not None,
                "edition": 0,
                "created_at": match.item.created_at,
                # A mark alone is in no list before the scorer comes to it either (``store.relevance``).
                "hidden_why": None if match.item.full_text else NO_WORDS,
            }
            for key, match in by_key.items()
            # What an outdated text says is not what is stored: its brands and places belong to another one.
            if ids[key] not in stale
            for brand_id, spans in match.brands.items()
        ],
        returning=("id", "mention_id"),
    )
    # A brand that is listened for since may have got pairs on mentions that have copies.
    paired = {row.mention_id for row in pairs} - edited
    copies.settle(session, [row.cluster_id for row in known.values() if row.id in paired and row.cluster_id])
    unmarked = {
        row.id: said[key]
        for key, row in known.items()
        # Stored before copies were looked for: what was said around the upgrade would have no copies otherwise.
        if row.digest is None and row.id not in edited and row.text == by_key[key].item.full_text
    }
    copies.mark(session, unmarked)
    new_words = {ids[key]: said[key] for key in by_key if key not in known}
    copies.join(session, parted | {one: words for one, words in unmarked.items() if words is not None} | new_words, now)
    return Intake(stored=len(new), pairs=len(pairs), edited=len(edited), refused=len(refused))


def take_unmatched(session: Session, source_id: int, items: Sequence[Item], now: datetime) -> Intake:
    """Items that are about no brand: nothing of them is stored, but one that was about a brand may have been edited so
    that it no longer is. In the page's transaction, after ``take_page``."""
    by_key = {(item.kind, item.native_id): item for item in items}
    # Looked at before it is our turn: of all that is about nothing hardly anything is stored.
    known = edits.stored(session, list(by_key))
    if not any(row.text != by_key[key].full_text for key, row in known.items()):
        return Intake(0, 0)
    return take_page(session, source_id, [Matched(by_key[key], {}) for key in known], now)


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
    upsert(
        session,
        table(Author),
        [rows[key] for key in sorted(rows)],
        key=("kind", "native_id"),
        replace=("handle", "name", "url", "followers"),
    )
    return _author_ids(session, list(rows))


def _author_ids(session: Session, keys: Sequence[Key]) -> dict[Key, int]:
    columns = table(Author).c
    return {
        (row.kind, row.native_id): row.id
        for wanted in lookups(table(Author), keys)
        for row in session.connection().execute(select(columns.id, columns.kind, columns.native_id).where(wanted))
    }


def _tombstones(session: Session, keys: Sequence[Key]) -> set[Key]:
    columns = table(Tombstone).c
    return {
        (row.kind, row.native_id)
        for wanted in lookups(table(Tombstone), keys)
        for row in session.connection().execute(select(columns.kind, columns.native_id).where(wanted))
    }


def _latest(matched: Sequence[Matched]) -> dict[Key, Matched]:
    """One of each, the last edited where a page has several."""
    found: dict[Key, Matched] = {}
    for match in matched:
        key = (match.item.kind, match.item.native_id)
        earlier = found.get(key)
        if earlier is None or not edits.outdated(match.item.edited_at, earlier.item.edited_at):
            found[key] = match
    return found


def _mention_row(
    item: Item, said: Wording | None, more: str | None, source_id: int, authors: Mapping[Key, int], now: datetime
) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "native_id": item.native_id,
        "source_id": source_id,
        "author_id": authors[item.kind, item.author.native_id] if item.author else None,
        "title": item.title,
        "text": item.full_text,
        "also_words": more,
        "url": item.url,
        "lang": item.lang,
        "reach": item.reach,
        "engagement": dict(item.engagement),
        "reply_to": item.reply_to,
        "repost_of": item.repost_of,
        "quote_of": item.quote_of,
        "digest": said.digest if said else None,
        "created_at": item.created_at,
        "edited_at": item.edited_at,
        "collected_at": now,
        "checked_at": now,
    }
