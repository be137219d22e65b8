"""Signatures of Standard Webhooks 1.0 (standardwebhooks.com; the specification is in standard-webhooks on GitHub).

HMAC-SHA256 over `id.timestamp.body`, in base64 behind "v1,"; several are separated by spaces while a secret is being
changed. A secret is `whsec_` and the base64 of 24 to 64 bytes.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from alerts.channel import ChannelSetupError

_PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """The bytes that a secret stands for. Raises ChannelSetupError, without the secret."""
    try:
        key = base64.b64decode(secret.strip().removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not 24 <= len(key) <= 64:
        raise ChannelSetupError(
            "a webhook's secret is whsec_ and the base64 of 24 to 64 bytes; make one with: "
            'echo "whsec_$(openssl rand -base64 32)"'
        )
    return key


def signed(keys: Sequence[bytes], message: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: one signature for each key. `timestamp` is in seconds since 1970."""
    content = f"{message}.{timestamp}.".encode() + body
    macs = (hmac.new(key, content, hashlib.sha256).digest() for key in keys)
    return " ".join("v1," + base64.b64encode(mac).decode("ascii") for mac in macs)
