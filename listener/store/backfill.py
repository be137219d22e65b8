"""Backfills: what was asked for, how far it has been read, and who is at it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import or_, select, update
from sqlmodel import Session
from sqlmodel import select as select_rows

from listener.items import storable
from listener.store.engine import insert_new
from listener.store.tables import Backfill, table

LEASE = timedelta(minutes=2)
"""How long a process that says nothing is thought to be at work. One that was slower than that, and finds its backfill
in another's hands, stops before it has stored anything."""


def find(session: Session, source_id: int, key: str) -> Backfill | None:
    """What was asked for under this key before."""
    return session.exec(select_rows(Backfill).where(Backfill.source_id == source_id, Backfill.key == key)).first()


def begin(
    session: Session, source_id: int, key: str, brands: Sequence[str], since: datetime, until: datetime, now: datetime
) -> int:
    """Note what is asked for, if it was not before; its id."""
    row = {
        "source_id": source_id, "key": key, "brands": list(brands), "since": since, "until": until, "state": "open",
        "found": 0, "stored": 0, "pages": 0, "capped": 0, "cost": Decimal(0), "started_at": now, "updated_at": now,
    }  # fmt: skip
    insert_new(session, table(Backfill), [row], returning=("id",))
    backfill = table(Backfill).c
    wanted = select(backfill.id).where(backfill.source_id == source_id, backfill.key == key)
    return int(session.connection().execute(wanted).scalar_one())


def claim(session: Session, backfill_id: int, now: datetime) -> str | None:
    """Take it for as long as ``LEASE``; the token to hold it by, or None where another process is at it."""
    backfill, token = table(Backfill), uuid4().hex
    free = or_(backfill.c.lease_until.is_(None), backfill.c.lease_until <= now)
    taken = session.connection().execute(
        update(backfill)
        .where(backfill.c.id == backfill_id, free)
        .values(lease_until=now + LEASE, lease_token=token, updated_at=now)
    )
    return token if taken.rowcount else None


def start_over(session: Session, backfill_id: int, token: str, since: datetime, until: datetime, now: datetime) -> bool:
    """Read the window, or what can still be reached of it, from its start. What was found and spent stays counted."""
    return _change(
        session, backfill_id, token, since=since, until=until, cursor=None, state="open", why=None, finished_at=None,
        capped=0, unread=None, updated_at=now,
    )  # fmt: skip


def keep_page(
    session: Session,
    backfill_id: int,
    token: str,
    cursor: Mapping[str, Any],
    now: datetime,
    *,
    found: int,
    stored: int,
    capped: bool,
    cost: Decimal,
    unread: Sequence[str] = (),
) -> bool:
    """Remember how far it is, in the transaction that stores the page. False where another process has taken it.

    ``unread``: all parts so far that could not be read; none = as before.
    """
    told = {"unread": [storable(part) for part in unread]} if unread else {}
    row = table(Backfill).c
    return _change(
        session, backfill_id, token, cursor=dict(cursor), lease_until=now + LEASE, updated_at=now, state="open",
        why=None, found=row.found + found, stored=row.stored + stored, pages=row.pages + 1,
        capped=row.capped + int(capped), cost=row.cost + cost, **told,
    )  # fmt: skip


def hold(session: Session, backfill_id: int, token: str, now: datetime) -> bool:
    """Still at it, although nothing has come: to be said more often than once in ``LEASE``."""
    return _change(session, backfill_id, token, lease_until=now + LEASE)


def release(session: Session, backfill_id: int, token: str, state: str, why: str | None, now: datetime) -> bool:
    """Give it back: ``finished``, ``failed`` (a person must act), or ``open`` to go on another time."""
    return _change(
        session, backfill_id, token, state=state, why=why and storable(why), lease_until=None, lease_token=None,
        updated_at=now, finished_at=now if state == "finished" else None,
    )  # fmt: skip


def _change(session: Session, backfill_id: int, token: str, **values: Any) -> bool:
    row = table(Backfill)
    changed = session.connection().execute(
        update(row).where(row.c.id == backfill_id, row.c.lease_token == token).values(**values)
    )
    return bool(changed.rowcount)
