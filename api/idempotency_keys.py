"""Keys by which a request that is sent again is known (draft-ietf-httpapi-idempotency-key-header-07)."""

import re

REPLAYED = "Idempotent-Replayed"
"""The answer's header where it is that of before."""

UNREADABLE = "Idempotency-Key must be 1 to 255 visible ASCII characters, in quotes if there are spaces in it"

_BARE_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_QUOTED_KEY = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"')


def read_key(written: str) -> str:
    """A key as the draft writes it, in quotes, or bare as most do. Raises ValueError for what is none."""
    quoted = _QUOTED_KEY.fullmatch(written.strip())
    name = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else written.strip()
    if not quoted and not (_BARE_KEY.fullmatch(name) and '"' not in name):
        raise ValueError(UNREADABLE)
    return name
