"""How a mention's reactions rose: what was seen of them each time, thinned to what says something about the pace.

A platform tells no history of its counts, so this is what was seen when a source happened to read the mention again. A
reading is kept as ``[seconds since 1970, reactions]``; together they are small enough to live in the mention's row.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from alerts.mentions import Reading, reactions_in

APART_S = 600
"""Readings closer than this to each other say nothing that those around them do not."""

MOST = 24
"""Of one mention: with ten minutes between them, the last four hours at least."""

Rows = Sequence[Sequence[int]]


def added(
    rows: Rows | None, first_at: datetime, before: Mapping[str, int], now: datetime, after: Mapping[str, int]
) -> list[list[int]]:
    """The readings with one more. ``first_at`` and ``before``: when the mention was first seen and what it had then,
    for one that has no readings yet. What is not later than the last reading replaces it."""
    kept = [list(row) for row in rows or [[_seconds(first_at), reactions_in(before)]]]
    at = _seconds(now)
    # The last one so far was kept because it was the last.
    if len(kept) > 1 and kept[-1][0] - kept[-2][0] < APART_S:
        kept.pop()
    while kept and kept[-1][0] >= at:
        kept.pop()
    return [*kept, [at, reactions_in(after)]][-MOST:]


def readings_of(rows: Rows | None, first_at: datetime, engagement: Mapping[str, int]) -> tuple[Reading, ...]:
    """What a stored mention's row holds, oldest first. Empty where its platform counts no reactions."""
    if not engagement and not rows:
        return ()
    kept = rows or [[_seconds(first_at), reactions_in(engagement)]]
    return tuple(Reading(datetime.fromtimestamp(at, UTC), reactions) for at, reactions in kept)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
