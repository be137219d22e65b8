"""Signing in with a password, and links that let somebody set one: what pages and commands do alike."""

from dataclasses import dataclass
from datetime import datetime

from api import passwords
from api.addresses import public_url
from api.dashboard.language import N_
from listener.access import Role, signed
from listener.config import Settings
from listener.items import storable
from listener.store import audit, throttle, tokens, users
from listener.store.engine import Store
from listener.store.locks import alone_with_users
from listener.store.tables import UserAccount
from listener.store.tokens import Purpose

LONGEST_EMAIL = 254
"""Characters (RFC 5321, 4.5.3.1.3 less the brackets)."""

LONGEST_NAME = 200

NAME_TAKEN = N_("Somebody else goes by this name, or it reads like a key's. Add something that tells the two apart.")


@dataclass(frozen=True, slots=True)
class HeldUp:
    """Too many wrong passwords; the next may be tried at this moment."""

    until: datetime


class SetUpError(Exception):
    """There is an administrator already, or the token is not good, or no longer."""


def is_email(text: str) -> bool:
    """Whether a mail could be sent there; whether somebody reads it nobody knows."""
    name, at, host = text.strip().rpartition("@")
    plain = text.strip().isprintable() and not any(char.isspace() for char in text.strip())
    return bool(name and at and host) and plain and len(text) <= LONGEST_EMAIL


def sign_in(store: Store, email: str, password: str, address: str, agent: str, now: datetime) -> str | HeldUp | None:
    """A new session's token for whoever has this password; None for a wrong one, whatever is wrong with it.

    ``address``: the client's on the network. The password is compared outside any transaction: it takes long.
    """
    email = users.address_of(storable(email))[:LONGEST_EMAIL]
    with store.transaction() as session:
        until = throttle.take(session, email, address, now)
        user = None if until is not None else users.with_email(session, email)
    if until is not None:
        return HeldUp(until)
    kept = user.password_hash if user is not None and user.active else None
    right, anew = passwords.matches(password, kept)
    if not right or user is None or user.id is None or kept is None:
        return None
    with store.transaction() as session:
        present = session.get(UserAccount, user.id)
        # Deactivated, or given another password, while this one was compared.
        if present is None or not present.active or present.password_hash != kept:
            return None
        throttle.succeeded(session, email, address)
        if anew is not None:
            users.rehashed(session, user.id, kept, anew)
        return users.open_session(session, user.id, agent, now)


def set_up(store: Store, token: str, email: str, name: str, password: str, agent: str, now: datetime) -> str:
    """Make the first administrator, and sign them in: the token of their session.

    Raises SetUpError, passwords.WeakPasswordError, or users.TakenError for somebody who was invited already, and
    users.NameTakenError.
    """
    passwords.check(password, email, name)
    with store.reading() as session:
        if tokens.look(session, Purpose.SETUP, token, now) is None:
            raise SetUpError
    kept = passwords.hashed(password)
    with store.transaction() as session:
        alone_with_users(session)
        if tokens.spend(session, Purpose.SETUP, token, now) is None or users.administrators(session):
            raise SetUpError
        user_id = users.invite(session, email, name, {None: Role.ADMINISTRATOR}, now)
        tokens.end_all(session, Purpose.SETUP)
        users.set_password(session, user_id, kept)
        who = users.address_of(email)
        audit.note(session, signed(name, who), "user.set_up", who, {}, now)
        return users.open_session(session, user_id, agent, now)


def join(store: Store, token: str, password: str, agent: str, now: datetime) -> str | None:
    """Set the password of whom an invitation or a link for a new one is for, and sign them in: the token of their
    session. None: the link is not good, or no longer. Raises passwords.WeakPasswordError."""
    person = invited(store, token, now)
    if person is None:
        return None
    passwords.check(password, person.email, person.name)
    kept = passwords.hashed(password)
    with store.transaction() as session:
        admitted = tokens.spend(session, Purpose.JOIN, token, now)
        if admitted is None or admitted.user_id is None:
            return None
        users.set_password(session, admitted.user_id, kept)
        throttle.clear(session, person.email)
        audit.note(session, signed(person.name, person.email), "user.password", person.email, {"by": "link"}, now)
        return users.open_session(session, admitted.user_id, agent, now)


def invited(store: Store, token: str, now: datetime) -> users.Person | None:
    """Whom such a link is for; None: it is not good, or no longer."""
    with store.reading() as session:
        admitted = tokens.look(session, Purpose.JOIN, token, now)
        person = None if admitted is None or admitted.user_id is None else users.person(session, admitted.user_id)
    return person if person is not None and person.active else None


def join_address(settings: Settings, token: str) -> str:
    """The link for whom it is."""
    return f"{public_url(settings)}/join?token={token}"


def awaited(store: Store, settings: Settings, now: datetime) -> str | None:
    """Where to make the first administrator, with a new token; None where there is one."""
    with store.reading() as session:
        if users.administrators(session):
            return None
    with store.transaction() as session:
        return f"{public_url(settings)}/setup?token={tokens.issue(session, Purpose.SETUP, now)}"
