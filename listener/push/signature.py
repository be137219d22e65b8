"""Whether a request comes from who it says: our own signature, a token, or the scheme that a system brings along.

Ours, in the manner of Slack (https://docs.slack.dev/authentication/verifying-requests-from-slack): HMAC-SHA256 of
``v0:{timestamp}:{body}``, in hexadecimal after ``v0=``. Every comparison takes the same time whatever is wrong.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

WINDOW = timedelta(minutes=5)
"""How far a request's time may lie from ours: a copy of it is worth nothing afterwards."""

SOURCE_HEADER = "X-Escucha-Source"
TIMESTAMP_HEADER = "X-Escucha-Timestamp"
SIGNATURE_HEADER = "X-Escucha-Signature"
VERSION = "v0"

Headers = Mapping[str, str]
"""By name, whatever the case of its letters."""


def sign(secret: bytes, timestamp: int, body: bytes) -> str:
    """What goes into X-Escucha-Signature. ``timestamp``: seconds since 1970, as in X-Escucha-Timestamp."""
    return f"{VERSION}={hmac.new(secret, f'{VERSION}:{timestamp}:'.encode() + body, hashlib.sha256).hexdigest()}"


class Proof(Protocol):
    """A way for a sender to prove who it is."""

    def holds(self, headers: Headers, token: str | None, body: bytes, now: datetime) -> bool:
        """Whether a request is its sender's. ``token``: the one in its address. ``body``: the bytes as they came."""
        ...

    def offered(self, headers: Headers, token: str | None) -> bool:
        """Whether a request brings along at all what could prove it, so that its body is worth reading."""
        ...

    @property
    def lasts(self) -> bool:
        """Whether whoever has caught one request of the sender can send that again at any time, and nothing else."""
        ...


@dataclass(frozen=True, slots=True)
class OwnSignature:
    """Ours; several secrets are good at once while one is being changed for another."""

    secrets: tuple[bytes, ...] = field(repr=False)

    def holds(self, headers: Headers, token: str | None, body: bytes, now: datetime) -> bool:  # noqa: ARG002
        """Whether the signature is one of ours and not old."""
        written = headers.get(TIMESTAMP_HEADER, "")
        timestamp = int(written) if written.isascii() and written.isdigit() and len(written) <= 12 else 0
        expected = [sign(secret, timestamp, body) for secret in self.secrets]
        # Not "and": what is late and what is forged take as long.
        return _any_equal(headers.get(SIGNATURE_HEADER, ""), expected) & (
            abs(now.timestamp() - timestamp) <= WINDOW.total_seconds()
        )

    def offered(self, headers: Headers, token: str | None) -> bool:  # noqa: ARG002
        """Whether there are a signature and its time."""
        return SIGNATURE_HEADER in headers and TIMESTAMP_HEADER in headers

    @property
    def lasts(self) -> bool:
        """It is old after a while."""
        return False


@dataclass(frozen=True, slots=True)
class Token:
    """A secret word, in ``Authorization: Bearer`` or as ``?token=`` for systems that can set nothing but an address."""

    tokens: tuple[str, ...] = field(repr=False)

    def holds(self, headers: Headers, token: str | None, body: bytes, now: datetime) -> bool:  # noqa: ARG002
        """Whether the token is one of ours."""
        return _any_equal(self._given(headers, token), self.tokens)

    def offered(self, headers: Headers, token: str | None) -> bool:
        """Whether there is a token."""
        return bool(self._given(headers, token))

    @property
    def lasts(self) -> bool:
        """Whoever has the token can send anything."""
        return False

    @staticmethod
    def _given(headers: Headers, token: str | None) -> str:
        scheme, _, given = headers.get("Authorization", "").partition(" ")
        bearer = given.strip() if scheme.casefold() == "bearer" else ""
        return bearer or token or ""


@dataclass(frozen=True, slots=True)
class ForeignSignature:
    """An HMAC as other systems make them: over the body, or over ``signed``, in which ``{timestamp}`` and ``{body}``
    stand for what they are.

    ``header``: where it stands, after ``prefix``. ``timestamp_header``: where its time stands (seconds since 1970, or
    ISO 8601), which must not lie further from ours than ``WINDOW``.
    """

    secrets: tuple[bytes, ...] = field(repr=False)
    header: str
    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    signed: str = "{body}"
    timestamp_header: str | None = None

    def holds(self, headers: Headers, token: str | None, body: bytes, now: datetime) -> bool:  # noqa: ARG002
        """Whether the signature is the system's and, where it has a time, not old."""
        timestamp = headers.get(self.timestamp_header, "") if self.timestamp_header else ""
        before, _, after = self.signed.partition("{body}")
        message = (
            before.replace("{timestamp}", timestamp).encode() + body + after.replace("{timestamp}", timestamp).encode()
        )
        expected = [self.prefix + self._encoded(hmac.new(one, message, self.algorithm)) for one in self.secrets]
        in_time = self.timestamp_header is None or _near(timestamp, now)
        given = headers.get(self.header, "")
        # Hexadecimal digits are the same in capitals.
        return (
            _any_equal(given.lower() if self.encoding == "hex" else given, _lowered(expected, self.encoding)) & in_time
        )

    def offered(self, headers: Headers, token: str | None) -> bool:  # noqa: ARG002
        """Whether there are a signature and, where it has one, its time."""
        return self.header in headers and (self.timestamp_header is None or self.timestamp_header in headers)

    @property
    def lasts(self) -> bool:
        """Without a time a signature is good for ever."""
        return self.timestamp_header is None

    def _encoded(self, digest: "hmac.HMAC") -> str:
        return digest.hexdigest() if self.encoding == "hex" else base64.b64encode(digest.digest()).decode()


NOBODY: Proof = OwnSignature((b"nobody's secret, so that an unknown sender is refused as slowly as a forger",))


def _lowered(texts: Sequence[str], encoding: str) -> list[str]:
    return [text.lower() for text in texts] if encoding == "hex" else list(texts)


def _any_equal(given: str, expected: Sequence[str]) -> bool:
    """Whether one of them is it; all are looked at. An empty one is nobody's."""
    # As bytes: compare_digest takes only ASCII text, and headers hold what they like.
    matches = [hmac.compare_digest(given.encode("utf-8", "replace"), one.encode()) for one in expected]
    return any(matches) & bool(given)


def _near(written: str, now: datetime) -> bool:
    try:
        seconds = float(written) if written.replace(".", "", 1).isdigit() else _iso(written).timestamp()
    except (ValueError, OverflowError):
        return False
    return abs(now.timestamp() - seconds) <= WINDOW.total_seconds()


def _iso(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
