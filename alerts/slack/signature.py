"""Whether a request comes from Slack: slack_sdk's verifier, with the time passed in and nothing odd handed to it.

HMAC-SHA256 over `v0:{timestamp}:{raw body}`, compared in constant time, at most five minutes old
(docs.slack.dev/authentication/verifying-requests-from-slack).
"""

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from slack_sdk.signature import Clock, SignatureVerifier

TIMESTAMP_HEADER = "X-Slack-Request-Timestamp"
SIGNATURE_HEADER = "X-Slack-Signature"

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}", re.ASCII)
_WINDOW_S = 300


@dataclass(frozen=True, slots=True)
class Signed:
    """What stands in a request's headers, in the form that Slack gives it."""

    timestamp: str
    signature: str

    @classmethod
    def read(cls, timestamp: str | None, signature: str | None, now: datetime) -> "Signed | None":
        """The headers; None where one is missing, has another form or the time is more than five minutes off, so that
        no such body need be read."""
        if not _TIMESTAMP.fullmatch(timestamp or "") or not _SIGNATURE.fullmatch(signature or ""):
            return None
        signed = cls(timestamp or "", signature or "")
        return signed if abs(now.timestamp() - int(signed.timestamp)) <= _WINDOW_S else None


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """The app's signing secret."""

    secret: str = field(repr=False)

    @classmethod
    def checked(cls, secret: str) -> Self:
        """The secret as it was copied from the app's settings. Raises ValueError, without it, for what is none."""
        secret = secret.strip()
        if len(secret) < 16 or not secret.isalnum() or not secret.isascii():
            raise ValueError(
                "a signing secret is a row of letters and digits; it stands in the app's Basic Information"
            )
        return cls(secret)

    def holds(self, signed: Signed, body: bytes, now: datetime) -> bool:
        """Whether Slack signed this body then, and that is not long ago."""
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            # Slack sends forms, which are ASCII.
            return False
        verifier = SignatureVerifier(self.secret, _At(now))
        return verifier.is_valid(text, signed.timestamp, signed.signature)


def digest(signed: Signed, body: bytes) -> str:
    """What tells one signed request from every other; the same when it is replayed."""
    return hashlib.sha256(f"{signed.timestamp}:".encode("ascii") + body).hexdigest()


class _At(Clock):
    """A clock that stands still, for a verifier that would read its own."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now.timestamp()
