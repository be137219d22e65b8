"""Collections: promoters' mentions of a brand that somebody put together, to come back to and to hand on."""

from collections.abc import Collection as Several
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from alerts.text import one_line
from listener.items import storable
from listener.store.audit import note
from listener.store.callers import among
from listener.store.engine import insert_new
from listener.store.locks import beside
from listener.store.tables import Brand, Collection, CollectionItem, MentionBrand, table

LONGEST_NAME = 200
MOST_ITEMS = 10_000
MOST_AT_ONCE = 200
"""Items that are added or taken out at once."""

MOST_COLLECTIONS = 500
"""Of a brand."""

_COLLECTION, _ITEM, _PAIR, _BRAND = (table(model).c for model in (Collection, CollectionItem, MentionBrand, Brand))


class ChooseAnotherName(ValueError):
    """The brand has a collection of that name, or it is no name."""


class MakeRoom(ValueError):
    """A collection holds no more, or a brand has no more of them."""


class ReadAgain(Exception):
    """Somebody else has changed the collection meanwhile."""


def listed(session: Session, brands: Several[int] | None, *, brand: str | None = None) -> Sequence[RowMapping]:
    """The collections of these brands (None = all) by brand and name, with how many items each has."""
    query = _shown(brands).order_by(_BRAND.name, _COLLECTION.name)
    if brand is not None:
        query = query.where(_BRAND.name == brand)
    return session.connection().execute(query).mappings().all()


def one(session: Session, collection_id: int, brands: Several[int] | None) -> RowMapping:
    """The one of that number. Raises KeyError where these brands have none."""
    row = session.connection().execute(_shown(brands).where(_COLLECTION.id == collection_id)).mappings().one_or_none()
    if row is None:
        raise KeyError(collection_id)
    return row


def make(session: Session, brand_id: int, name: str, actor: str, now: datetime) -> int:
    """A new one, empty; its number. Raises ChooseAnotherName and MakeRoom."""
    called = _named(name)
    mine = select(func.count()).where(_COLLECTION.brand_id == brand_id)
    if (session.connection().scalar(mine) or 0) >= MOST_COLLECTIONS:
        raise MakeRoom(f"a brand has {MOST_COLLECTIONS} collections at most; delete one first")
    row = {"brand_id": brand_id, "name": called, "version": 1, "created_at": now, "created_by": storable(actor)}
    made = insert_new(session, table(Collection), [row], returning=("id",))
    if not made:
        raise ChooseAnotherName(f"the brand has a collection called {called!r} already; choose another name")
    number: int = made[0].id
    note(session, actor, "collection.made", f"collection {number}", {"name": called}, now)
    return number


def rename(session: Session, collection: RowMapping, name: str, actor: str, now: datetime) -> None:
    """Call one that was read before something else. Raises ChooseAnotherName and ReadAgain."""
    called = _named(name)
    try:
        _touch(session, collection, name=called)
    except IntegrityError as error:
        raise ChooseAnotherName(f"the brand has a collection called {called!r} already; choose another name") from error
    detail = {"name": called, "before": collection["name"]}
    note(session, actor, "collection.renamed", f"collection {collection['id']}", detail, now)


def drop(session: Session, collection: RowMapping, actor: str, now: datetime) -> None:
    """Delete one that was read before, with its list; the mentions stay. Raises ReadAgain."""
    _touch(session, collection)
    session.connection().execute(delete(table(CollectionItem)).where(_ITEM.collection_id == collection["id"]))
    session.connection().execute(delete(table(Collection)).where(_COLLECTION.id == collection["id"]))
    detail = {"name": collection["name"], "items": collection["items"]}
    note(session, actor, "collection.deleted", f"collection {collection['id']}", detail, now)


def add(session: Session, collection: RowMapping, pairs: Several[int], actor: str, now: datetime) -> int:
    """Put mentions of its brand in; how many were not in it yet. What is not there, or not of its brand, is passed
    over. First in its transaction. Raises MakeRoom."""
    beside(session)
    _hold(session, collection)
    wanted = (_PAIR.id.in_(sorted(set(pairs))), _PAIR.brand_id == collection["brand_id"], _PAIR.void.is_(None))
    there = session.connection().scalars(select(_PAIR.id).where(*wanted).order_by(_PAIR.id))
    rows = [
        {"collection_id": collection["id"], "mention_brand_id": pair, "added_at": now, "added_by": storable(actor)}
        for pair in there
    ]
    added = insert_new(session, table(CollectionItem), rows, returning=("mention_brand_id",))
    number = select(func.count()).where(_ITEM.collection_id == collection["id"])
    if (session.connection().scalar(number) or 0) > MOST_ITEMS:
        raise MakeRoom(f"a collection holds {MOST_ITEMS:,} mentions at most; begin another one")
    if added:
        _count_up(session, [collection["id"]])
        detail = {"mentions": sorted(row.mention_brand_id for row in added)}
        note(session, actor, "collection.added", f"collection {collection['id']}", detail, now)
    return len(added)


def take_out(session: Session, collection: RowMapping, pairs: Several[int], actor: str, now: datetime) -> int:
    """Take mentions out; how many were in it."""
    _hold(session, collection)
    mine = (_ITEM.collection_id == collection["id"], _ITEM.mention_brand_id.in_(sorted(set(pairs))))
    gone = session.connection().execute(delete(table(CollectionItem)).where(*mine)).rowcount
    if gone:
        _count_up(session, [collection["id"]])
        note(session, actor, "collection.removed", f"collection {collection['id']}", {"mentions": sorted(pairs)}, now)
    return gone


def forget(session: Session, pairs: Sequence[int]) -> None:
    """These mentions are deleted: they are in no collection any more."""
    mine = _ITEM.mention_brand_id.in_(pairs)
    held = sorted(set(session.connection().scalars(select(_ITEM.collection_id).where(mine))))
    if held:
        _count_up(session, held)
        session.connection().execute(delete(table(CollectionItem)).where(mine))


def _shown(brands: Several[int] | None) -> Select[Any]:
    items = select(func.count()).where(_ITEM.collection_id == _COLLECTION.id).correlate(table(Collection))
    return (
        select(
            _COLLECTION.id, _COLLECTION.brand_id, _BRAND.name.label("brand"), _COLLECTION.name, _COLLECTION.version,
            _COLLECTION.created_at, _COLLECTION.created_by, items.scalar_subquery().label("items"),
        )
        .join_from(table(Collection), table(Brand), _BRAND.id == _COLLECTION.brand_id)
        .where(among(_COLLECTION.brand_id, None if brands is None else frozenset(brands)))
    )  # fmt: skip


def _named(name: str) -> str:
    called = storable(one_line(name))[:LONGEST_NAME].strip()
    if not called:
        raise ChooseAnotherName("a collection needs a name")
    return called


def _touch(session: Session, collection: RowMapping, **values: Any) -> None:
    mine = (_COLLECTION.id == collection["id"], _COLLECTION.version == collection["version"])
    values["version"] = collection["version"] + 1
    if session.connection().execute(update(table(Collection)).where(*mine).values(**values)).rowcount != 1:
        raise ReadAgain


def _hold(session: Session, collection: RowMapping) -> None:
    """Wait for whoever changes the same one, so that what is counted of it holds."""
    held = select(_COLLECTION.id).where(_COLLECTION.id == collection["id"]).with_for_update()
    if session.connection().scalar(held) is None:
        raise KeyError(collection["id"])


def _count_up(session: Session, collections: Sequence[int]) -> None:
    wanted = _COLLECTION.id.in_(collections)
    session.connection().execute(update(table(Collection)).where(wanted).values(version=_COLLECTION.version + 1))
