"""Lengths of time as people write them in a configuration: 90s, 30m, 4h, 1d, 2w, 1h30m."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SHAPE = re.compile(r"(?:\d+[smhdw]\s*)+")
_PART = re.compile(r"(\d+)([smhdw])")


def parse_duration(value: object) -> object:
    """A timedelta for text like "4h" or "1h 30m"; everything else is handed on untouched.

    Raises ValueError when text has another shape, or is longer than a timedelta can hold.
    """
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    if not _SHAPE.fullmatch(text):
        raise ValueError(f"a length of time looks like 90s, 30m, 4h, 1d or 1h30m; got {value[:40]!r}")
    try:
        return timedelta(seconds=sum(int(number) * _UNIT_SECONDS[unit] for number, unit in _PART.findall(text)))
    except (OverflowError, ValueError) as error:
        raise ValueError(f"{value[:40]!r} is too long a time") from error


def in_words(length: timedelta) -> str:
    """The shortest exact writing: 4h, 1d, 1h30m, 45s. Parts of a second are left out."""
    rest = int(length.total_seconds())
    if rest <= 0:
        return "0s"
    parts = []
    for unit in ("d", "h", "m", "s"):
        number, rest = divmod(rest, _UNIT_SECONDS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts)


Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), PlainSerializer(in_words, return_type=str, when_used="json")
]
"""A timedelta that pydantic also reads from text such as "4h", and writes so as JSON."""
