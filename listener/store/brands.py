"""Brands and sources as escucha.yml names them, and what became of a source's runs."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from listener.items import storable
from listener.store.engine import upsert
from listener.store.tables import Brand, Source, table

_DECIDED = ("kind", "options", "brands", "every_s", "about_brands", "judge_as_new", "active")


def save_brands(session: Session, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Add brands or change the ones of the same name (keys: name, query, role, alerting, channels)."""
    _save(session, Brand, rows, now, changing=("query", "role", "alerting", "active"))
    brand = table(Brand)
    for row in rows:
        # None is a choice here (all channels), which an upsert takes for "not known".
        limit = {"channels": row.get("channels")}
        session.connection().execute(update(brand).where(brand.c.name == row["name"]).values(**limit))


def save_sources(session: Session, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Add sources or change the ones of the same name; how far they were read stays, unless kind or options changed.

    A source that had stopped is tried again: whoever saves it has looked. Keys: the columns a person decides on.
    """
    source = table(Source)
    known = {
        row.name: row for row in session.connection().execute(select(source.c.name, source.c.kind, source.c.options))
    }
    _save(session, Source, rows, now, changing=_DECIDED)
    for row in rows:
        values: dict[str, Any] = {"stopped": False} | {name: row.get(name) for name in ("brands", "every_s")}
        before = known.get(row["name"])
        if before is not None and (before.kind, before.options) != (row["kind"], row["options"]):
            # A cursor means something only to the place it was made for.
            values |= {"cursor": None, "provisional_cursor": None, "last_error": None, "last_success_at": None}
        session.connection().execute(update(source).where(source.c.name == row["name"]).values(**values))


def retire_missing(session: Session, brands: Sequence[str], sources: Sequence[str]) -> None:
    """Switch off what escucha.yml no longer names and was read on a schedule; nothing that is stored goes away."""
    session.connection().execute(update(table(Brand)).where(table(Brand).c.name.not_in(brands)).values(active=False))
    source = table(Source).c
    session.connection().execute(
        update(table(Source)).where(source.name.not_in(sources), source.every_s.is_not(None)).values(active=False)
    )


def active_brands(session: Session) -> Sequence[Brand]:
    """All brands listened for, by name."""
    return session.exec(select_rows(Brand).where(col(Brand.active)).order_by(Brand.name)).all()


def scheduled_sources(session: Session) -> Sequence[Source]:
    """The sources that are read by themselves every so often."""
    wanted = col(Source.active) & col(Source.every_s).is_not(None) & ~col(Source.stopped)
    return session.exec(select_rows(Source).where(wanted).order_by(Source.name)).all()


def source_named(session: Session, name: str) -> Source | None:
    """One source by its name."""
    return session.exec(select_rows(Source).where(Source.name == name)).first()


def read_anew(session: Session, source_id: int) -> None:
    """Forget how far a source was read; what is stored of it is known by its keys."""
    source = table(Source)
    session.connection().execute(
        update(source).where(source.c.id == source_id).values(cursor=None, provisional_cursor=None)
    )


def note_run(
    session: Session, source_id: int, now: datetime, *, error: str | None = None, stopped: bool = False
) -> None:
    """What the last run of a source came to. ``stopped``: it waits for a person."""
    values: dict[str, Any] = {"last_run_at": now, "last_error": error and storable(error), "stopped": stopped}
    if error is None:
        values["last_success_at"] = now
    session.connection().execute(update(table(Source)).where(table(Source).c.id == source_id).values(**values))


def forget_provisional(session: Session, source_id: int) -> None:
    """Drop an interrupted run's cursor; the next run starts from the last one that was kept."""
    session.connection().execute(
        update(table(Source)).where(table(Source).c.id == source_id).values(provisional_cursor=None)
    )


def _save(
    session: Session,
    model: type[Brand | Source],
    rows: Sequence[Mapping[str, Any]],
    now: datetime,
    changing: Sequence[str],
) -> None:
    fixed: dict[str, Any] = {"created_at": now, "active": True}
    if model is Source:
        fixed |= {"brands": None, "every_s": None, "about_brands": False, "judge_as_new": False, "stopped": False}
    upsert(session, table(model), [fixed | dict(row) for row in rows], key=("name",), replace=changing)
