"""Brands and sources as escucha.yml names them, and what became of a source's runs."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import delete, func, or_, select, update
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from listener.brand_entries import in_force, row_of
from listener.items import storable
from listener.store.breakers import close_breaker
from listener.store.callers import among
from listener.store.coverage import end_unread
from listener.store.engine import upsert
from listener.store.locks import alone_with_brands
from listener.store.tables import Brand, Firing, Gap, RollupHour, Source, Task, table

log = structlog.get_logger()

_NOWHERE = dict.fromkeys(("cursor", "provisional_cursor", "run_from", "run_until", "run_unread"))
"""A source that has no place to go on from, and no run under way."""

_SAID_OF_BRANDS = ("query", "role", "alerting", "relevance", "accounts", "themes", "active", "file", "version")

_DECIDED = ("kind", "options", "brands", "every_s", "about_brands", "judge_as_new", "active")


def collect_job(source_id: int) -> str:
    """The name under which reading a source is fired and queued."""
    return f"collect:{source_id}"


def save_brands(session: Session, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Add brands or change the ones of the same name. Keys: name, the columns that people decide on, and ``file``: what
    escucha.yml says of it, beside which holds what was changed over the pages since (left out: it is not from there).
    """
    brand = table(Brand)
    alone_with_brands(session)
    names = [row["name"] for row in rows]
    # Held until the end: who edits one meanwhile would be written over. Only from edits (FOR NO KEY UPDATE), though:
    # intake holds brands for what it stores of them, in an order of its own.
    held = select(brand).where(brand.c.name.in_(names)).order_by(brand.c.id).with_for_update(key_share=True)
    known = {row.name: row for row in session.connection().execute(held)}
    wanted = [_beside_edits(row, known.get(row["name"])) for row in rows]
    _save(session, Brand, wanted, now, changing=_SAID_OF_BRANDS)
    for row in wanted:
        # None is a choice here (all channels), which an upsert takes for "not known".
        limit = {"channels": row.get("channels")}
        session.connection().execute(update(brand).where(brand.c.name == row["name"]).values(**limit))


def _beside_edits(row: Mapping[str, Any], known: Any) -> dict[str, Any]:
    """A row with what was edited of the brand in place of what the file says, and the version that this makes."""
    if known is None:
        return dict(row)
    found = dict(row)
    if known.edits:
        # A row without "file" says nothing of what the file says: then that of before still holds.
        try:
            found |= row_of(in_force(row["name"], row.get("file", known.file), known.edits))
        except ValueError as error:
            # Made by another version: what the file says must be listened for all the same.
            log.exception("brand_edits_not_read", brand=row["name"], error=str(error))
    moved = any(getattr(known, name) != value for name, value in found.items())
    return found | {"version": known.version + moved}


def save_sources(session: Session, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Add sources or change the ones of the same name.

    How far they were read stays, unless they are another place now or are read for other brands. A source that had
    stopped, or is another place, is read as soon as there is a worker: whoever saves it has looked. Keys: the columns
    a person decides on.
    """
    source = table(Source)
    known = {row.name: row for row in session.connection().execute(select(source))}
    _save(session, Source, rows, now, changing=_DECIDED)
    for row in rows:
        values: dict[str, Any] = {"stopped": False} | {name: row.get(name) for name in ("brands", "every_s")}
        before = known.get(row["name"])
        if before is not None:
            moved = (before.kind, before.options) != (row["kind"], row["options"])
            listening = (before.brands, before.about_brands)
            if moved:
                values |= {"last_error": None, "last_success_at": None, "covered_to": None, "unread": None}
                # What could not be read of the place before is not to be looked for in this one.
                end_unread(session, before.id, now, again=False)
            if moved or listening != (row.get("brands"), row.get("about_brands", False)):
                # A cursor means something only to the place it was made for, and past it nobody looked for new brands.
                values |= _NOWHERE | {"run_from": now}
                session.connection().execute(
                    update(table(Gap)).where(table(Gap).c.source_id == before.id).values(cursor=None)
                )
            if moved or before.stopped:
                _read_soon(session, before.id, now)
        session.connection().execute(update(source).where(source.c.name == row["name"]).values(**values))


def retire_brands(session: Session, keep: Sequence[str]) -> None:
    """Switch off the brands that escucha.yml no longer names, but for those that were added over the pages; nothing
    that is stored goes away."""
    for brand in active_brands(session):
        if brand.name not in keep and not added_here(brand):
            brand.active, brand.file = False, None
            brand.version += 1
            session.add(brand)
    session.flush()


def added_here(brand: Brand) -> bool:
    """Whether a brand was added over the pages, so that escucha.yml has no say in it."""
    return brand.file is None and bool(brand.edits)


def retire_sources(session: Session, keep: Sequence[str]) -> None:
    """Switch off the sources that escucha.yml no longer names and that were read on a schedule or sent to us."""
    source = table(Source).c
    from_file = or_(source.every_s.is_not(None), source.kind == "push")
    session.connection().execute(update(table(Source)).where(source.name.not_in(keep), from_file).values(active=False))


def active_brands(session: Session) -> Sequence[Brand]:
    """All brands listened for, by name."""
    return session.exec(select_rows(Brand).where(col(Brand.active)).order_by(Brand.name)).all()


def listed(session: Session, brands: frozenset[int] | None, after: str = "", limit: int | None = None) -> list[Brand]:
    """Brands listened for whose names come after one, by name. ``brands``: only these ids, None = all."""
    wanted = select_rows(Brand).where(col(Brand.active), among(table(Brand).c.id, brands), col(Brand.name) > after)
    return list(session.exec(wanted.order_by(Brand.name).limit(limit)))


def brand_of(session: Session, brand_id: int, brands: frozenset[int] | None) -> Brand | None:
    """One brand that is listened for, if it is among ``brands`` (ids; None = all)."""
    wanted = select_rows(Brand).where(col(Brand.active), among(table(Brand).c.id, brands), col(Brand.id) == brand_id)
    return session.exec(wanted).first()


def everything(session: Session) -> Sequence[Brand]:
    """All brands by name, those included that are no longer listened for: people may still have roles for them."""
    return session.exec(select_rows(Brand).order_by(Brand.name)).all()


def names(session: Session, ids: Collection[int]) -> dict[int, str]:
    """What these brands are called, those included that are no longer listened for."""
    wanted = table(Brand).c
    found = select(wanted.id, wanted.name).where(wanted.id.in_(sorted(ids)))
    return {row.id: row.name for row in session.connection().execute(found)}


def mentions_since(session: Session, brands: Sequence[Brand], since: datetime) -> dict[int, int]:
    """How many mentions of these brands were written since an hour, copies left out; from the rollups."""
    hour = table(RollupHour).c
    counted = select(hour.brand_id, func.sum(hour.mentions).label("mentions")).where(
        hour.brand_id.in_([brand.id for brand in brands]), hour.hour >= since
    )
    rows = session.connection().execute(counted.group_by(hour.brand_id))
    return {row.brand_id: int(row.mentions or 0) for row in rows}


def brand_named(session: Session, name: str) -> Brand | None:
    """One brand by its name."""
    return session.exec(select_rows(Brand).where(Brand.name == name)).first()


def scheduled_sources(session: Session, *, stopped: bool = False) -> Sequence[Source]:
    """The sources that are read by themselves every so often; with ``stopped`` also those that wait for a person."""
    wanted = col(Source.active) & col(Source.every_s).is_not(None)
    if not stopped:
        wanted &= ~col(Source.stopped)
    return session.exec(select_rows(Source).where(wanted).order_by(Source.name)).all()


def source_named(session: Session, name: str) -> Source | None:
    """One source by its name."""
    return session.exec(select_rows(Source).where(Source.name == name)).first()


def read_anew(session: Session, source_id: int) -> None:
    """Forget how far a source was read; what is stored of it is known by its keys."""
    source = table(Source)
    session.connection().execute(update(source).where(source.c.id == source_id).values(**_NOWHERE))


def note_run(
    session: Session, source_id: int, now: datetime, *, error: str | None = None, stopped: bool = False
) -> None:
    """What the last run of a source came to. ``stopped``: it waits for a person."""
    values: dict[str, Any] = {"last_run_at": now, "last_error": error and storable(error), "stopped": stopped}
    if error is None:
        values["last_success_at"] = now
        close_breaker(session, source_id, collect_job(source_id), now)
    session.connection().execute(update(table(Source)).where(table(Source).c.id == source_id).values(**values))


def forget_provisional(session: Session, source_id: int) -> None:
    """Drop an interrupted run's cursor; the next run starts from the last one that was kept."""
    session.connection().execute(
        update(table(Source))
        .where(table(Source).c.id == source_id)
        .values(provisional_cursor=None, run_until=None, run_unread=None)
    )


def _read_soon(session: Session, source_id: int, now: datetime) -> None:
    """Not at the next slot, and not after a wait that was meant for what the source was before."""
    job = collect_job(source_id)
    firing, task = table(Firing), table(Task)
    close_breaker(session, source_id, job, now)
    session.connection().execute(delete(firing).where(firing.c.job == job))
    session.connection().execute(
        update(task).where(task.c.key == job, task.c.lease_until.is_(None)).values(not_before=now, attempts=0)
    )


def _save(
    session: Session,
    model: type[Brand | Source],
    rows: Sequence[Mapping[str, Any]],
    now: datetime,
    changing: Sequence[str],
) -> None:
    fixed: dict[str, Any] = {"created_at": now, "active": True}
    if model is Brand:
        fixed |= {"relevance": {}, "accounts": [], "themes": {}, "edits": {}, "file": None, "version": 1}
    else:
        fixed |= {"brands": None, "every_s": None, "about_brands": False, "judge_as_new": False, "stopped": False}
    upsert(session, table(model), [fixed | dict(row) for row in rows], key=("name",), replace=changing)
