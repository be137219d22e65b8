"""What an error means to somebody who is no engineer: what is wrong, and who must do what. Pure.

Sources and the host write their errors for whoever set them up: exact, with address and status. Those words are kept
beside these.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What sort of trouble it is."""

    CREDENTIALS = "credentials"
    FORBIDDEN = "forbidden"
    ADDRESS = "address"
    GONE = "gone"
    SETTINGS = "settings"
    CERTIFICATE = "certificate"
    DOWN = "down"
    NETWORK = "network"
    SLOW_DOWN = "slow_down"
    QUOTA = "quota"
    MONEY = "money"
    CREDIT = "credit"
    UNREADABLE = "unreadable"
    BROKEN_OFF = "broken_off"
    LOST_PLACE = "lost_place"
    NO_BRAND = "no_brand"
    DATABASE = "database"
    BUG = "bug"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Trouble:
    """``words``: what is wrong. ``to_do``: who must do what. ``said``: the error as it came, for whoever set it up."""

    kind: Kind
    words: str
    to_do: str
    said: str


_BY_ITSELF = "nothing: it is tried again by itself"

_WORDS: dict[Kind, tuple[str, str]] = {
    Kind.CREDENTIALS: (
        "the platform does not accept our password or key",
        "check the credentials of this source: they may be mistyped, expired or withdrawn",
    ),
    Kind.FORBIDDEN: (
        "the platform knows us and refuses access",
        "check what the account or key of this source is allowed to read",
    ),
    Kind.ADDRESS: ("there is nothing at the address", "check the address of this source"),
    Kind.GONE: ("what was read there is gone for good", "remove this source, or give its new address"),
    Kind.SETTINGS: ("its settings do not work", "correct what the message names"),
    Kind.CERTIFICATE: (
        "the platform cannot prove that it is the one we mean",
        "check the address; if it is right, ask whoever runs your network",
    ),
    Kind.DOWN: ("the platform has trouble of its own", _BY_ITSELF),
    Kind.NETWORK: (
        "the platform cannot be reached",
        "nothing at first: it is tried again by itself; if it lasts, check the network and the address",
    ),
    Kind.SLOW_DOWN: ("the platform asks us to slow down", _BY_ITSELF),
    Kind.QUOTA: (
        "all that the platform lets us read for now is used up",
        "nothing: it goes on by itself; if it happens often, read less often (every) or ask the platform for more",
    ),
    Kind.MONEY: (
        "the money set aside for the day is spent",
        "nothing: it goes on tomorrow (midnight UTC); to read more, raise the daily cap of this source",
    ),
    Kind.CREDIT: (
        "the account with the platform has nothing left to read with",
        "buy credits or raise the limit with the platform",
    ),
    Kind.UNREADABLE: (
        "what came back is not what this platform sends",
        "nothing at first: it is tried again by itself; if it lasts, check the address",
    ),
    Kind.BROKEN_OFF: ("reading was broken off on our side", "nothing: it goes on where it was left"),
    Kind.LOST_PLACE: (
        "the platform no longer knows the place where reading was left",
        "nothing: it is read anew, and what lies between is looked for",
    ),
    Kind.NO_BRAND: ("no brand is listened for here", "name a brand for it in escucha.yml, or remove the source"),
    Kind.DATABASE: (
        "Escucha's own database is busy or full",
        "nothing at first: it is tried again by itself; if it lasts, look at the room on its disk and at its own log",
    ),
    Kind.BUG: (
        "something went wrong in Escucha itself",
        "nothing at first: it is tried again by itself; if it lasts, report it with the message below",
    ),
    Kind.OTHER: ("it did not work", "read the message below"),
}

# After an address and nothing else: what is in quotes or brackets was said by a stranger.
_STATUS = re.compile(r"^[^(\"'“”‘’«»]*?\banswered (\d{3})\b")

_OURS: tuple[tuple[Kind, str], ...] = (
    (Kind.DATABASE, r"^our own database "),
    (Kind.BUG, r"^unforeseen "),
)

_SIGNS: tuple[tuple[Kind, str], ...] = (
    (Kind.NO_BRAND, r"no brand is listened for"),
    (Kind.SETTINGS, r"one request (?:counts for|may cost) .* in the options of this source"),
    (Kind.MONEY, r"the day's cap of|day's money|spend(ing)? cap"),
    (Kind.QUOTA, r"are used up|nothing is left of what the platform grants|the account is blocked|quota"),
    (Kind.BROKEN_OFF, r"^stopped after|page token .* twice|another worker took|told to stop"),
    (Kind.CERTIFICATE, r"certificate|does not speak TLS"),
    (Kind.NETWORK, r"no connection to|no server of the name|did not answer in time|took longer than"),
    (Kind.NETWORK, r"broke off in the middle|could not be read"),
    (Kind.SETTINGS, r"is not set; set it|^there is no source of the kind|^source \w+:"),
    (Kind.SLOW_DOWN, r"too many requests|has asked whoever uses this account to wait"),
    (Kind.ADDRESS, r"is a web page, not a feed|is no address of the web|is not a feed|redirects more than"),
    (Kind.ADDRESS, r"^there is no file|check the path"),
    (Kind.UNREADABLE, r"JSON|answered with|sent more than|sent its answer as"),
    (Kind.CREDENTIALS, r"credentials|password|api key|token|log ?in"),
    (Kind.LOST_PLACE, r"cursor|no longer knows"),
)

_STATUSES = {
    401: Kind.CREDENTIALS, 402: Kind.CREDIT, 403: Kind.FORBIDDEN, 404: Kind.ADDRESS, 410: Kind.GONE,
    429: Kind.SLOW_DOWN, 400: Kind.SETTINGS, 422: Kind.SETTINGS, 408: Kind.NETWORK, 425: Kind.DOWN,
}  # fmt: skip


def trouble(said: str) -> Trouble:
    """What an error's message means."""
    kind = _kind(said)
    words, to_do = _WORDS[kind]
    return Trouble(kind, words, to_do, said)


def _kind(said: str) -> Kind:
    # An error of our own may quote anything, a status too.
    if found := _first(_OURS, said):
        return found
    # The status goes before all other words: a stranger's explanation may follow it.
    if status := _STATUS.search(said):
        code = int(status.group(1))
        return _STATUSES.get(code, Kind.DOWN if code >= 500 else Kind.OTHER)
    return _first(_SIGNS, said) or Kind.OTHER


def _first(signs: Sequence[tuple[Kind, str]], said: str) -> Kind | None:
    return next((kind for kind, sign in signs if re.search(sign, said, re.IGNORECASE)), None)
