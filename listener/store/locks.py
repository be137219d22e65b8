"""Who may change mentions and their pairs at the same time: on SQLite one writer anyway, on PostgreSQL this says.

Whoever stores a copy must see every other that is stored at the same moment, or each would count; so intake, edits and
deletions take turns, and with them whoever hides or shows mentions, which may change what of a cluster is counted: the
scores that are written, and people. Scorers that take work and judges go on beside each other and wait for those alone.
Taken before any other lock, and kept until the transaction ends, so that nobody waits for somebody who waits for them.
"""

from sqlalchemy import text
from sqlmodel import Session

# Any constant will do, as long as every process uses the same.
_MENTIONS = 0x65736D65
_USERS = 0x65737573
_BRANDS = 0x65736272


def alone(session: Session) -> None:
    """Wait until nobody else changes mentions, and keep everybody else waiting."""
    _take(session, "pg_advisory_xact_lock", _MENTIONS)


def alone_with_users(session: Session) -> None:
    """Wait until nobody else changes who is an administrator: there must be a first one, and a last one must stay."""
    _take(session, "pg_advisory_xact_lock", _USERS)


def alone_with_brands(session: Session) -> None:
    """Wait until nobody else adds brands: names that differ in capitals alone are one, which no index says."""
    _take(session, "pg_advisory_xact_lock", _BRANDS)


def beside(session: Session) -> None:
    """Wait for whoever is alone; others like us may go on."""
    _take(session, "pg_advisory_xact_lock_shared", _MENTIONS)


def _take(session: Session, function: str, key: int) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(text(f"SELECT {function}(:key)"), {"key": key})
