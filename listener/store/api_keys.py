"""API keys: made, shown once, and taken back."""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import update
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
) -> tuple[int, str]:
    """A new key for these brands (None = all): its id, and the key itself, which is kept nowhere."""
    key = PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(
        name=name, prefix=key[:10], digest=digest(key), scopes=sorted(str(one) for one in scopes),
        brands=None if brands is None else sorted(brands), created_by=by, created_at=now, expires_at=expires_at,
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
    """Have a key open nothing from now on; the key, None = there is none. One that was taken back stays as it was."""
    kept = table(ApiKey).c
    taken = update(table(ApiKey)).where(kept.id == key_id, kept.revoked_at.is_(None))
    session.connection().execute(taken.values(revoked_at=now, revoked_by=by))
    return session.get(ApiKey, key_id, populate_existing=True)
