"""API keys: made, shown once, and taken back."""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlmodel import Session
from sqlmodel import select as select_rows

from listener.access import Permission
from listener.store.callers import digest
from listener.store.tables import ApiKey, table

PREFIX = "esc_"
"""What every key begins with, so that scanners for leaked secrets can know one."""


def make_key(
    session: Session,
    name: str,
    scopes: Collection[Permission],
    by: str,
    now: datetime,
    *,
    brands: Collection[int] | None = None,
    expires_at: datetime | None = None,
    made_with: int | None = None,
) -> tuple[int, str]:
    """A new key for these brands (None = all): its id, and the key itself, which is kept nowhere.

    ``made_with``: the id of the key that asks for it, and with which it ends at the latest: one that leaked would live
    on by another otherwise.
    """
    with_it = None if made_with is None else session.get_one(ApiKey, made_with).expires_at
    ends = [one for one in (expires_at, with_it) if one is not None]
    key = PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(
        name=name, prefix=key[:10], digest=digest(key), scopes=sorted(str(one) for one in scopes),
        brands=None if brands is None else sorted(brands), created_by=by, created_at=now,
        expires_at=min(ends, default=None), made_with=made_with,
    )  # fmt: skip
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id, key


def listed(session: Session, *, before: int | None = None, limit: int = 1000) -> Sequence[ApiKey]:
    """Keys, the latest made first, those that are over too. ``before``: an id."""
    kept = table(ApiKey).c
    wanted = select_rows(ApiKey).order_by(kept.id.desc()).limit(limit)
    return session.exec(wanted if before is None else wanted.where(kept.id < before)).all()


def revoke(session: Session, key_id: int, by: str, now: datetime) -> ApiKey | None:
    """Have a key open nothing from now on, nor those that it made, nor those that these made; the key, None = there is
    none. What was taken back before stays as it was."""
    kept = table(ApiKey).c
    first = select(kept.id).where(kept.id == key_id).cte("those", recursive=True)
    those = first.union(select(kept.id).where(kept.made_with == first.c.id))
    taken = update(table(ApiKey)).where(kept.id.in_(select(those.c.id)), kept.revoked_at.is_(None))
    session.connection().execute(taken.values(revoked_at=now, revoked_by=by))
    return session.get(ApiKey, key_id, populate_existing=True)
