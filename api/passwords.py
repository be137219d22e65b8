"""Passwords: which are taken, and how they are kept and compared (argon2id, as pwdlib recommends it)."""

import unicodedata
from functools import cache

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError

from api.dashboard.language import N_
from api.turns import Turns

LEAST = 12
MOST = 200
"""Characters of a password. What it is made of is the person's own affair (NIST SP 800-63B, 3.1.1.2)."""

SHORT = N_("The password needs at least 12 characters. A few words in a row are easy to keep in mind.")
LONG = N_("The password may have at most 200 characters.")
OWN = N_("Your own name or e-mail address is the first that anybody would try. Choose another password.")

_kept = PasswordHash.recommended()
_PATIENCE_S = 5.0
_turns = Turns("many people sign in this moment; come again in some seconds", at_once=4, waiting=8)
"""Each takes 64 MiB while it works: strangers who sign in by the hundred must not take all there is, nor all threads
that there are."""


class WeakPasswordError(ValueError):
    """The password is not taken; the words say why, in English, and are known to the pages' translations."""


def check(password: str, *own: str) -> None:
    """Raises WeakPasswordError for one that is too short or long, or is the person's own name or e-mail address."""
    if len(password) < LEAST:
        raise WeakPasswordError(SHORT)
    if len(password) > MOST:
        raise WeakPasswordError(LONG)
    known = {one.strip().casefold() for one in own} | {one.partition("@")[0].strip().casefold() for one in own}
    if password.strip().casefold() in known:
        raise WeakPasswordError(OWN)


def hashed(password: str) -> str:
    """As it is kept. Raises HTTPException 503 where too many others are at it, as ``matches`` does."""
    with _turns.take(_PATIENCE_S):
        return _kept.hash(_said(password))


def matches(password: str, kept: str | None) -> tuple[bool, str | None]:
    """Whether it is the one that is kept so, and how to keep it from now on if that is to change.

    It takes as long where nothing is kept, so that the time does not tell who has an account.
    """
    if len(password) > MOST:
        return False, None
    said = _said(password)
    with _turns.take(_PATIENCE_S):
        try:
            right, anew = _kept.verify_and_update(said, kept or _nobody())
        except UnknownHashError:
            return False, None
    return (True, anew) if right and kept is not None else (False, None)


def _said(password: str) -> bytes:
    """Keyboards write the same letter in several ways, so that all are made one (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@cache
def _nobody() -> str:
    return _kept.hash("nobody has this password")
