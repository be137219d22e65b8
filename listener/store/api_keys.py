"""API keys: made, shown once, and taken back."""

import secrets
from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session

from listener.access import Permission
from listener.store.callers import digest
from listener.store.tables import ApiKey

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
