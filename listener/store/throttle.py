"""How often strangers may try to sign in: with a password, for an e-mail address and from a network address, and over
a provider.

A try is counted before the password is looked at, so that many at the same moment are no more than many one after the
other. Only whoever is not held up is counted: that somebody else keeps trying does not make a wait any longer.
"""

import ipaddress
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import case, delete, select, update
from sqlmodel import Session

from listener.store.engine import insert_new
from listener.store.tables import SignInFailure, table

FREE_OF_EMAIL = 5
FREE_OF_ADDRESS = 20
"""Wrong passwords in a row until one has to wait; an office shares an address."""

FREE_OF_PROVIDER = 100
"""Ways over the provider begun in a row that led to nothing: people give up, and each keeps something here."""

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)
"""The first wait, which doubles with each further wrong one, and the longest: nobody is locked out for good."""

FORGOTTEN_AFTER = timedelta(days=1)
"""Without a try for so long it begins anew."""

_FAILURE = table(SignInFailure).c


def of_email(email: str) -> str:
    """The key of an e-mail address."""
    return f"email {email}"


def of_address(address: str) -> str:
    """The key of a network address; of IPv6 the network of 64 bits, which one person has whole."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return f"from {address[:100]}"
    if found.version == 6:
        return f"from {ipaddress.ip_network((found, 64), strict=False)}"
    return f"from {found}"


def of_provider(address: str) -> str:
    """The key of ways over the provider from a network address."""
    return f"oidc {of_address(address)}"


def take(session: Session, email: str, address: str, now: datetime) -> datetime | None:
    """Count a try of a password; or until when there must be none, and then it does not count."""
    return _take(session, {of_email(email): FREE_OF_EMAIL, of_address(address): FREE_OF_ADDRESS}, now)


def take_provider(session: Session, address: str, now: datetime) -> datetime | None:
    """The same for a way over the provider."""
    return _take(session, {of_provider(address): FREE_OF_PROVIDER}, now)


def _take(session: Session, free: Mapping[str, int], now: datetime) -> datetime | None:
    failures = table(SignInFailure)
    # In one order, so that nobody waits for somebody who waits for them.
    keys = sorted(free)
    # Before anything is kept: whoever is held up makes up as many e-mail addresses as they like.
    known = session.connection().scalars(select(_FAILURE.blocked_until).where(_FAILURE.key.in_(keys)))
    held: list[datetime] = [one for one in known if one is not None and one > now]
    if held:
        return max(held)
    insert_new(session, failures, [{"key": key, "failures": 0, "last_at": now} for key in keys], ["key"])
    rows = [
        session.connection().execute(select(failures).where(_FAILURE.key == key).with_for_update()).one()
        for key in keys
    ]
    # Others may have tried meanwhile.
    held = [row.blocked_until for row in rows if row.blocked_until is not None and row.blocked_until > now]
    if held:
        return max(held)
    for row in rows:
        count = (row.failures if row.last_at > now - FORGOTTEN_AFTER else 0) + 1
        over = count - free[row.key]
        until = None if over < 0 else now + min(FIRST_WAIT * 2 ** min(over, 20), LONGEST_WAIT)
        values = {"failures": count, "last_at": now, "blocked_until": until}
        session.connection().execute(update(failures).where(_FAILURE.key == row.key).values(**values))
    return None


def succeeded(session: Session, email: str, address: str) -> None:
    """The try that was counted was right: what was wrong for this e-mail address before is forgotten."""
    clear(session, email)
    # Others may try from the same address: theirs stay counted, or signing in would let one go on guessing.
    _one_less(session, of_address(address), FREE_OF_ADDRESS)


def succeeded_provider(session: Session, address: str) -> None:
    """The way over the provider that was counted led here."""
    _one_less(session, of_provider(address), FREE_OF_PROVIDER)


def _one_less(session: Session, key: str, free: int) -> None:
    session.connection().execute(
        update(table(SignInFailure))
        .where(_FAILURE.key == key, _FAILURE.failures > 0)
        .values(
            failures=_FAILURE.failures - 1,
            blocked_until=case((_FAILURE.failures <= free, None), else_=_FAILURE.blocked_until),
        )
    )


def clear(session: Session, email: str) -> None:
    """Forget what was tried for an e-mail address."""
    session.connection().execute(delete(table(SignInFailure)).where(_FAILURE.key == of_email(email)))


def forget_old(session: Session, now: datetime) -> int:
    """Remove what counts no more; how many."""
    old = _FAILURE.last_at <= now - FORGOTTEN_AFTER
    return session.connection().execute(delete(table(SignInFailure)).where(old)).rowcount
