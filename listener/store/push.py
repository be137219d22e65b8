"""Receipts for what was pushed, and the marks that people gave. Requests themselves are never stored."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, text, update
from sqlmodel import Session

from listener.store.engine import insert_new, upsert
from listener.store.keys import Key
from listener.store.tables import DeclaredScore, PushReceipt, Tombstone, table

PUSH = "push"
"""The kind of a source that sends to us."""

LEASE = timedelta(seconds=60)
"""How long a request may be at work before the same one sent again takes its place: its process has died."""

KEEP = timedelta(days=3)
"""How long a receipt is kept: senders give up sooner. ``listener.jobs.retain`` lets them go within the hour after."""

LOCK_TIMEOUT_S = 10
"""How long a sender is kept waiting for other writers before it is asked to come again."""

_RECEIPT = table(PushReceipt).c


@dataclass(frozen=True, slots=True)
class Claim:
    """What is known of an idempotency key: nothing (go on), ``answer`` (done before), ``other`` (used for another
    request), or ``wait`` (the same request is at work now, for so long at most)."""

    answer: str | None = None
    other: bool = False
    wait: timedelta | None = None

    @property
    def ours(self) -> bool:
        """Whether the request is ours to do."""
        return self.answer is None and not self.other and self.wait is None


def hurry(session: Session) -> None:
    """Let a transaction fail, for the sender to come again, rather than wait long for others. (SQLite's wait is the
    connection's.)"""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"))


def claim(session: Session, source_id: int, key: str, fingerprint: bytes, now: datetime) -> Claim:
    """Take a request under its key, or say why not. The claim lasts for LEASE; see ``finish`` and ``release``."""
    receipts = table(PushReceipt)
    here = (_RECEIPT.source_id == source_id) & (_RECEIPT.key == key)
    # Too old to be an answer, and not swept up yet.
    session.connection().execute(delete(receipts).where(here, _RECEIPT.created_at < now - KEEP))
    row = {
        "source_id": source_id,
        "key": key,
        "fingerprint": fingerprint,
        "lease_until": now + LEASE,
        "created_at": now,
    }
    if insert_new(session, receipts, [row], returning=("key",)):
        return Claim()
    known = session.connection().execute(select(receipts).where(here).with_for_update()).first()
    if known is None:
        # Released in this very moment by whoever had it.
        return Claim(wait=timedelta(seconds=1))
    if known.fingerprint != fingerprint:
        return Claim(other=True)
    if known.answer is not None:
        return Claim(answer=known.answer)
    if known.lease_until is not None and known.lease_until > now:
        return Claim(wait=known.lease_until - now)
    session.connection().execute(update(receipts).where(here).values(lease_until=now + LEASE))
    return Claim()


def finish(session: Session, source_id: int, key: str, answer: str) -> None:
    """Keep what the request came to, in the transaction that did it."""
    session.connection().execute(
        update(table(PushReceipt))
        .where(_RECEIPT.source_id == source_id, _RECEIPT.key == key)
        .values(answer=answer, lease_until=None)
    )


def release(session: Session, source_id: int, key: str) -> None:
    """Nothing was done: the key is free again."""
    session.connection().execute(
        delete(table(PushReceipt)).where(
            _RECEIPT.source_id == source_id, _RECEIPT.key == key, _RECEIPT.answer.is_(None)
        )
    )


def keep_declared(session: Session, marks: Mapping[int, Mapping[str, tuple[float, float, float]]]) -> None:
    """Keep the marks of mentions (id -> name -> value and the ends of its scale); a later one replaces an earlier."""
    rows = [
        {"mention_id": mention, "name": name, "value": value, "lowest": lowest, "highest": highest}
        for mention in sorted(marks)
        for name, (value, lowest, highest) in sorted(marks[mention].items())
    ]
    upsert(session, table(DeclaredScore), rows, key=("mention_id", "name"), replace=("value", "lowest", "highest"))


def declared(session: Session, mentions: Sequence[int]) -> dict[int, dict[str, dict[str, Any]]]:
    """The marks of mentions: id -> name -> value, lowest and highest."""
    marks = table(DeclaredScore).c
    rows = session.connection().execute(
        select(marks.mention_id, marks.name, marks.value, marks.lowest, marks.highest)
        .where(marks.mention_id.in_(mentions))
        .order_by(marks.mention_id, marks.name)
    )
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for row in rows:
        mark = {"value": row.value, "lowest": row.lowest, "highest": row.highest}
        found.setdefault(row.mention_id, {})[row.name] = mark
    return found


def forget_receipts(session: Session, now: datetime) -> int:
    """Let receipts go that are older than KEEP, also of senders that have gone quiet or are no longer set up; how
    many."""
    old = delete(table(PushReceipt)).where(_RECEIPT.created_at < now - KEEP).returning(_RECEIPT.key)
    return len(session.connection().execute(old).all())


def never_take(session: Session, keys: Collection[Key], why: str, now: datetime) -> None:
    """Tombstones for items that were not stored yet and are gone already: told late, they are not taken."""
    rows = [{"kind": kind, "native_id": native_id, "at": now, "why": why} for kind, native_id in sorted(keys)]
    insert_new(session, table(Tombstone), rows, returning=("kind",))
