"""Single values as files write them: times, counts and ids, with the damage spreadsheets and data frames do."""

import email.utils
import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

EMPTY = frozenset({"", "nan", "none", "null", "n/a"})
"""What data frames write for "nothing"."""

_EXACT = 2**53
"""Above this a float no longer tells neighbouring integers apart, so an id that became one is not an id any more."""


def is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str | float) and str(value).strip().lower() in EMPTY)


def as_text(value: object) -> str | None:
    return None if is_empty(value) or isinstance(value, dict | list) else str(value)


def as_id(value: object) -> str | None:
    """An id as its platform writes it: 2926303.0 is 2926303. None for nothing or digits lost to 2.9E+17."""
    if is_empty(value) or isinstance(value, dict | list | bool):
        return None
    text = str(value).strip()
    if whole := re.fullmatch(r"(-?\d+)\.0+", text):
        return whole[1] if not isinstance(value, float) or abs(value) < _EXACT else None
    return None if re.fullmatch(r"-?\d+(\.\d+[eE]\+?|[eE]\+)\d+", text) else text


def as_count(value: object) -> int | None:
    """A whole number that is not negative; 12.0 and "1,204" count, anything else is None."""
    if is_empty(value) or isinstance(value, bool):
        return None
    try:
        number = float(str(value).replace(",", "").strip())
    except ValueError:
        return None
    return int(number) if 0 <= number < 1e15 else None


def as_time(value: object, zone: tzinfo) -> datetime:
    """A moment from ISO 8601, e-mail style dates, or seconds, milli- or microseconds since 1970. In UTC.

    Raises ValueError with the reason. ``zone`` is taken for times that name none.
    """
    if is_empty(value) or isinstance(value, bool):
        raise ValueError("there is no time")
    text = str(value).strip()
    if len(text) > 64:
        raise ValueError(f"{text[:40]!r}... is too long for a time")
    if re.fullmatch(r"-?\d{9,16}(\.\d+)?", text):
        number = float(text)
        while abs(number) >= 1e11:  # seconds reach that in the year 5138
            number /= 1000
        return datetime.fromtimestamp(number, UTC)
    # Some exports put a space before the offset or write UTC for it.
    iso = re.sub(r"\s+(?=[+-]\d\d:?\d\d$)", "", re.sub(r"\s*(UTC|GMT)$", "+00:00", text))
    try:
        moment: datetime | None = datetime.fromisoformat(iso)
    except ValueError:
        moment = _mail_time(text)
    if moment is None:
        raise ValueError(f"{text[:40]!r} is no time I can read: write it like 2026-05-31T14:00:00Z")
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text[:40]!r} is no time that can be") from error


def _mail_time(text: str) -> datetime | None:
    """RFC 5322 ("Tue, 17 Feb 2015 07:36:05 +0000") and what X's first API wrote ("Tue Feb 17 07:36:05 +0000 2015")."""
    try:
        return datetime.strptime(text, "%a %b %d %H:%M:%S %z %Y")
    except ValueError:
        pass
    try:
        return email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def within(row: Mapping[str, Any], path: str) -> Any:
    """``row["a.b"]``, else ``row["a"]["b"]``; None where there is none."""
    if path in row:
        return row[path]
    value: Any = row
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value
