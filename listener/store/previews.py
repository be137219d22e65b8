"""Stored mentions for a query to be tried on: the latest, a bounded number of them. Nothing here writes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, Select, func, select
from sqlmodel import Session

from listener.relevance import About
from listener.store.tables import Author, Brand, Mention, MentionBrand, Score, Source, table

_MENTION, _PAIR, _BRAND, _AUTHOR, _SOURCE, _SCORE = (
    table(model).c for model in (Mention, MentionBrand, Brand, Author, Source, Score)
)

LONGEST = 20_000
"""Characters of a text that are looked at: few are longer, and what names a brand does so before that."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A mention as a query is held against it."""

    id: int
    text: str
    platform: str
    created_at: datetime
    author: str | None
    url: str | None
    about: About


@dataclass(frozen=True, slots=True)
class Known:
    """What is stored of a mention and a brand. ``probability``: of being about it, None = the model has not said."""

    hidden: bool
    said: bool | None
    probability: float | None
    lang: str


def latest(session: Session, brands: Collection[int] | None, limit: int) -> list[Stored]:
    """The mentions written last, the newest first; of these brands alone (ids), or of all."""
    if brands is None:
        rows = session.connection().execute(
            _mentions().order_by(_MENTION.created_at.desc(), _MENTION.id.desc()).limit(limit)
        )
        return [_stored(row) for row in rows]
    # Brand by brand, each along its index: together a database would sort all that is stored of them.
    found: dict[int, datetime] = {}
    for brand_id in brands:
        newest = select(_PAIR.mention_id, _PAIR.created_at).where(_PAIR.brand_id == brand_id, _PAIR.void.is_(None))
        rows = session.connection().execute(newest.order_by(_PAIR.created_at.desc(), _PAIR.id.desc()).limit(limit))
        found |= {row.mention_id: row.created_at for row in rows}
    ids = sorted(found, key=lambda one: found[one], reverse=True)[:limit]
    return _by_ids(session, ids)


def of_brand(session: Session, brand_id: int, limit: int) -> list[Stored]:
    """The latest mentions that a brand's words brought here and that are shown: what a narrower query could lose."""
    newest = (
        select(_PAIR.mention_id)
        .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
        .join(table(Source), _SOURCE.id == _MENTION.source_id)
        .where(
            _PAIR.brand_id == brand_id, _PAIR.void.is_(None), _PAIR.hidden_why.is_(None), ~_PAIR.about_brand,
            ~_SOURCE.about_brands,
        )
        .order_by(_PAIR.created_at.desc(), _PAIR.id.desc())
        .limit(limit)
    )  # fmt: skip
    return _by_ids(session, list(session.connection().scalars(newest)))


def known(session: Session, brand_id: int, mentions: Collection[int]) -> dict[int, Known]:
    """What is stored of these mentions and a brand, by the mention."""
    if not mentions:
        return {}
    last = select(func.max(_SCORE.id)).where(_SCORE.mention_brand_id == _PAIR.id).correlate(table(MentionBrand))
    rows = session.connection().execute(
        select(_PAIR.mention_id, _PAIR.hidden_why, _PAIR.said_relevant, _SCORE.relevance, _SCORE.lang)
        .join_from(table(MentionBrand), table(Score), _SCORE.id == last.scalar_subquery(), isouter=True)
        .where(_PAIR.brand_id == brand_id, _PAIR.mention_id.in_(mentions), _PAIR.void.is_(None))
    )
    return {
        row.mention_id: Known(row.hidden_why is not None, row.said_relevant, row.relevance, row.lang or "")
        for row in rows
    }


def names(session: Session, mentions: Collection[int], among: frozenset[int] | None) -> dict[int, list[str]]:
    """The brands that these mentions are stored for, of those that may be seen (ids; None = all)."""
    found: dict[int, list[str]] = {}
    if not mentions:
        return found
    asked = (
        select(_PAIR.mention_id, _BRAND.id, _BRAND.name)
        .join_from(table(MentionBrand), table(Brand), _BRAND.id == _PAIR.brand_id)
        .where(_PAIR.mention_id.in_(mentions), _PAIR.void.is_(None))
        .order_by(_BRAND.name)
    )
    for row in session.connection().execute(asked):
        if among is None or row.id in among:
            found.setdefault(row.mention_id, []).append(row.name)
    return found


def _by_ids(session: Session, ids: Sequence[int]) -> list[Stored]:
    if not ids:
        return []
    rows = session.connection().execute(_mentions().where(_MENTION.id.in_(ids)))
    found = {row.id: _stored(row) for row in rows}
    return [found[one] for one in ids if one in found]


def _mentions() -> Select[tuple[object, ...]]:
    return (
        select(
            _MENTION.id, func.substr(_MENTION.text, 1, LONGEST).label("text"), _MENTION.created_at, _MENTION.url,
            _MENTION.lang, _MENTION.kind, _SOURCE.name.label("source"), _AUTHOR.handle, _AUTHOR.name.label("called"),
            _AUTHOR.native_id,
        )
        .join_from(table(Mention), table(Source), _SOURCE.id == _MENTION.source_id)
        .join(table(Author), _AUTHOR.id == _MENTION.author_id, isouter=True)
        .where(_MENTION.deleted_at.is_(None))
    )  # fmt: skip


def _stored(row: Row[tuple[object, ...]]) -> Stored:
    authors = [one for one in (row.handle, row.called, row.native_id) if one]
    about = About(row.lang, [row.kind, row.source], authors)
    return Stored(row.id, row.text, row.kind, row.created_at, authors[0] if authors else None, row.url, about)
