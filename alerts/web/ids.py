"""A notice's stable id where only some characters may stand: in headers and message ids."""

import re

from alerts.notice import digest

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,120}")


def plain_id(key: str) -> str:
    """The key itself where it is plain, else sixteen digits that stand for it: equal keys give equal ids."""
    return key if _PLAIN.fullmatch(key) else f"notice-{digest('key', key)}"
