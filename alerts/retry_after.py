"""The Retry-After header (RFC 9110, 10.2.3): seconds, or a date."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 86_400.0
"""Seconds. A header that asks for more is a mistake at the other end, and a day is long enough to notice it."""


def seconds_to_wait(header: str | None, date: str | None = None) -> float | None:
    """Seconds to wait, 0 to LONGEST; None when there is no header or no sense in it.

    `date` is the answer's own Date header: a date is measured against the clock that wrote it, not against ours.
    """
    if header is None:
        return None
    try:
        wait = float(header)
    except ValueError:
        then, sent = _moment(header), _moment(date)
        if then is None or sent is None:
            return None
        wait = (then - sent).total_seconds()
    if math.isnan(wait):
        return None
    return min(max(wait, 0.0), LONGEST)


def _moment(header: str | None) -> datetime | None:
    if header is None:
        return None
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
