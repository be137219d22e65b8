"""Promoters' mentions, with what is known of the permission to use their words: what marketing picks from.

A promoter is who speaks of a brand as one: inferred by a model, or said by a person who corrected it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Float, RowMapping, cast, func, or_, select
from sqlmodel import Session

from listener import reuse
from listener.reuse import Permission, Standing
from listener.store import search
from listener.store.callers import among
from listener.store.read import mention_columns
from listener.store.reuse import NEVER_ASKED, kept_for, of_pairs, stands, version
from listener.store.search import Also, Cursor, Filters
from listener.store.tables import Brand, CollectionItem, MentionBrand, ReusePermission, Score, table

PROMOTER = "promoter"
SAID_SO = ("1", "2")
"""Stances that a person may have corrected a mention to, of who recommends the brand."""

_PAIR, _PERMISSION, _ITEM, _SCORE, _BRAND = (
    table(model).c for model in (MentionBrand, ReusePermission, CollectionItem, Score, Brand)
)


class Whose(StrEnum):
    """Whose brand they speak for (``Brand.role``)."""

    OWN = "own"
    COMPETITOR = "competitor"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which promoters; None = whichever. ``filters``: its ``label`` is always promoter. ``chance``: the least
    probability, unless a person said so. ``collection``: only those in that one. ``whose``: only of such brands."""

    words: str = ""
    filters: Filters = field(default_factory=Filters)
    permission: Standing | None = None
    collection: int | None = None
    chance: float | None = None
    whose: Whose | None = None


@dataclass(frozen=True, slots=True)
class Promoter:
    """A mention (``read.mention_columns``) and its permission, as it stands now. ``chance``: how likely the model finds
    its author a promoter, 0 to 1; None = it does not say. ``confirmed``: a person said so."""

    row: RowMapping
    permission: Permission
    standing: Standing
    chance: float | None
    confirmed: bool

    @property
    def version(self) -> str:
        """``store.reuse.version``."""
        return version(self.permission, self.row["edition"])


@dataclass(frozen=True, slots=True)
class Page:
    """As ``search.Page``."""

    items: Sequence[Promoter]
    next: Cursor | None
    complete: bool


def find(
    session: Session, wanted: Wanted, now: datetime, *, brands: frozenset[int] | None, after: Cursor | None, limit: int
) -> Page:
    """A page of promoters of these brands (None = all), the latest said first. Raises QueryError where the words are
    no query."""
    filters = replace(wanted.filters, label=PROMOTER)
    found = search.find(
        session, brands=brands, words=wanted.words, filters=filters, after=after, limit=limit, also=_also(wanted, now)
    )
    return Page(_known(session, found.rows, now), found.next, found.complete)


def one(session: Session, pair_id: int, now: datetime, *, brands: frozenset[int] | None) -> Promoter:
    """One of them, also if it was taken for a promoter once and somebody has asked for it or picked it since. Raises
    KeyError where these brands have no such mention, or no longer."""
    wanted = (
        _PAIR.id == pair_id, among(_PAIR.brand_id, brands), _PAIR.void.is_(None),
        or_(_PAIR.label == PROMOTER, kept_for()),
    )  # fmt: skip
    rows = session.connection().execute(mention_columns().where(*wanted)).mappings().all()
    if not rows:
        raise KeyError(pair_id)
    return _known(session, rows, now)[0]


def brands_of(session: Session, pairs: Sequence[int], brands: frozenset[int] | None) -> frozenset[int]:
    """The brands, among these (None = all), that these mentions are of."""
    wanted = select(_PAIR.brand_id).where(_PAIR.id.in_(sorted(set(pairs))), among(_PAIR.brand_id, brands)).distinct()
    return frozenset(session.connection().scalars(wanted))


def _known(session: Session, rows: Sequence[RowMapping], now: datetime) -> list[Promoter]:
    permissions = of_pairs(session, [row["id"] for row in rows])
    return [_promoter(row, permissions.get(row["id"], NEVER_ASKED), now) for row in rows]


def _promoter(row: RowMapping, permission: Permission, now: datetime) -> Promoter:
    stance = row["stance"]
    chance = None if stance is None else min(1.0, sum(stance.get(level, 0.0) for level in SAID_SO))
    standing = reuse.standing(permission, row["edition"], now)
    return Promoter(row, permission, standing, chance, row["said_stance"] in SAID_SO)


def _also(wanted: Wanted, now: datetime) -> Also:
    few: list[ColumnElement[bool]] = []
    meets: list[ColumnElement[bool]] = []
    here = table(MentionBrand)
    mine = _PERMISSION.mention_brand_id == _PAIR.id
    if wanted.permission is Standing.NOT_ASKED:
        known = select(_PERMISSION.state).where(mine, _PERMISSION.state != Standing.NOT_ASKED.value)
        meets.append(~known.correlate(here).exists())
    elif wanted.permission is not None:
        few.append(_PAIR.id.in_(select(_PERMISSION.mention_brand_id)))
        its = select(stands(now)).where(mine).correlate(here).scalar_subquery()
        meets.append(its == wanted.permission.value)
    if wanted.collection is not None:
        few.append(_PAIR.id.in_(select(_ITEM.mention_brand_id).where(_ITEM.collection_id == wanted.collection)))
    if wanted.whose is not None:
        meets.append(_PAIR.brand_id.in_(select(_BRAND.id).where(_BRAND.role == wanted.whose.value)))
    if wanted.chance is not None:
        meets.append(or_(_PAIR.said_stance.in_(SAID_SO), _chance() >= wanted.chance))
    return Also(few, meets)


def _chance() -> ColumnElement[float]:
    """The probability in a pair's latest score, as the database works it out."""
    parts = [func.coalesce(cast(_SCORE.stance[level].as_string(), Float), 0.0) for level in SAID_SO]
    latest = select(sum(parts[1:], parts[0])).where(_SCORE.mention_brand_id == _PAIR.id).order_by(_SCORE.id.desc())
    return latest.limit(1).correlate(table(MentionBrand)).scalar_subquery()
