"""Writes under an Idempotency-Key: each is done once, and whoever asks again gets the same answer.

A claim and what it came to are rows of ``request_receipt``. A claim that nobody ended, because the process died, is
free again when its lease is over.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, delete, literal, or_, select, update
from sqlmodel import Session

from listener.store.engine import insert_new
from listener.store.tables import RequestReceipt, table

LEASE = timedelta(minutes=5)
"""How long a write may be at work; what is tried on stored mentions takes the longest, some tens of seconds."""

KEPT_FOR = timedelta(hours=24)
"""How long a key is remembered."""

_NOT_TO_KEEP = b"-"
"""Stands for the answer of a write that is at work, where that is not to be kept."""

_ROW = table(RequestReceipt).c


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known under a key. ``status`` None: it is at work. ``body`` None: that of the answer is not kept.

    ``rights``: a digest of what the caller was allowed when it was done.
    """

    fingerprint: bytes
    status: int | None
    headers: dict[str, str]
    rights: str
    body: bytes | None
    lease_until: datetime | None


def claim(session: Session, caller: str, key: str, fingerprint: bytes, rights: str, now: datetime) -> Kept | None:
    """Take a key for a write that begins; what is known under it already, or None: it is the caller's to do."""
    row = {
        "caller": caller, "key": key, "fingerprint": fingerprint, "status": None, "headers": {"rights": rights},
        "body": None, "lease_until": now + LEASE, "created_at": now,
    }  # fmt: skip
    # One row is tried anew at most: it was forgotten or given back between the two statements.
    for _ in range(2):
        if insert_new(session, table(RequestReceipt), [row], ["key"]):
            return None
        mine = (_ROW.caller == caller, _ROW.key == key)
        over = or_(_ROW.created_at <= now - KEPT_FOR, _ROW.status.is_(None) & (_ROW.lease_until <= now))
        taken = session.connection().execute(
            update(table(RequestReceipt)).where(*mine, over).values(**row).returning(_ROW.key)
        )
        if taken.first() is not None:
            return None
        found = session.connection().execute(select(table(RequestReceipt)).where(*mine)).one_or_none()
        if found is not None:
            held = dict(found.headers)
            return Kept(found.fingerprint, found.status, held, held.pop("rights", ""), found.body, found.lease_until)
    raise RuntimeError("a receipt came and went twice within one transaction")


def keep(
    session: Session,
    caller: str,
    key: str,
    claimed_at: datetime,
    status: int,
    headers: dict[str, str],
    body: bytes | None,
) -> None:
    """Keep what a write came to, without its body where ``forget_bodies`` ran meanwhile. Where somebody else has taken
    the key since, their claim stays."""
    mine = (_ROW.caller == caller, _ROW.key == key, _ROW.created_at == claimed_at, _ROW.status.is_(None))
    found = session.connection().execute(select(_ROW.headers).where(*mine)).one_or_none()
    if found is not None:
        held = {**headers, "rights": found.headers.get("rights", "")}
        kept = None if body is None else case((_ROW.body.is_(None), literal(body, _ROW.body.type)), else_=None)
        session.connection().execute(
            update(table(RequestReceipt)).where(*mine).values(status=status, headers=held, body=kept, lease_until=None)
        )


def give_back(session: Session, caller: str, key: str, claimed_at: datetime) -> None:
    """Free a key whose write came to nothing, so that it can be tried again."""
    session.connection().execute(
        delete(table(RequestReceipt)).where(
            _ROW.caller == caller, _ROW.key == key, _ROW.created_at == claimed_at, _ROW.status.is_(None)
        )
    )


def forget_bodies(session: Session) -> None:
    """Keep of no answer what it said, since it may quote what has to go; nor of those to writes that are at work."""
    done = _ROW.status.is_not(None)
    session.connection().execute(update(table(RequestReceipt)).where(done, _ROW.body.is_not(None)).values(body=None))
    session.connection().execute(update(table(RequestReceipt)).where(~done).values(body=_NOT_TO_KEEP))


def forget(session: Session, now: datetime) -> int:
    """Forget the keys of yesterday; how many."""
    old = delete(table(RequestReceipt)).where(_ROW.created_at <= now - KEPT_FOR)
    return int(session.connection().execute(old).rowcount)
