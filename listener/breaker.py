"""When a source that fails is tried again: backoff, a circuit breaker, and patience with refusals that may pass.

Pure: the time and the randomness are handed in. The host stores what comes out, so that every process knows it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.wording import moment

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
SHORTEST_WAIT = timedelta(seconds=1)

OPENS_AFTER = 5
"""Failures in a row after which a source counts as down."""

REFUSAL_WAITS = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
"""How long to wait after each refusal that may pass, of a source that has worked before; then it stops."""

_SPREAD = 0.1
_WIDEST_SPREAD = timedelta(seconds=30)

Jitter = Callable[[], float]
"""Anything from 0 to 1, as ``random.random`` gives it."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """How a source has been failing since it last worked.

    Closed: it is tried again soon. Open: not before ``again_at``. Half-open: that time has come, one try decides.
    ``failures`` and ``refusals`` are counted since it last worked; ``opened_at``: since when it is not closed.
    """

    again_at: datetime
    why: str
    failures: int = 0
    refusals: int = 0
    opened_at: datetime | None = None

    def state(self, now: datetime) -> str:
        """``closed``, ``open`` or ``half-open``."""
        if self.opened_at is None:
            return "closed"
        return "open" if now < self.again_at else "half-open"

    @property
    def words(self) -> str:
        """For people: when it is tried again and why not sooner."""
        return f"tried again at {moment(_minute(self.again_at))}: {self.why}"


def failed(
    before: Breaker | None, now: datetime, why: str, jitter: Jitter, *, retry_after: float | None = None
) -> Breaker:
    """After a failure that time may heal.

    Without a delay from the platform: full jitter (anything up to a bound that doubles) while the breaker is closed, so
    that sources which failed together do not come back together; at least half the bound once it is open. With one:
    that, and a little more for the same reason; the platform has named the time, so the breaker opens at once.
    """
    failures = (before.failures if before else 0) + 1
    refusals = before.refusals if before else 0
    opened_at = before.opened_at if before else None
    if retry_after is not None:
        asked = timedelta(seconds=max(retry_after, 0.0))
        return Breaker(now + _spread(asked, jitter), why, failures, refusals, opened_at or now)
    bound = min(FIRST_WAIT * 2 ** min(failures - 1, 20), LONGEST_WAIT)
    if failures >= OPENS_AFTER or opened_at is not None:
        return Breaker(now + bound / 2 + bound / 2 * jitter(), why, failures, refusals, opened_at or now)
    return Breaker(now + max(bound * jitter(), SHORTEST_WAIT), why, failures, refusals)


def held(before: Breaker | None, now: datetime, why: str, jitter: Jitter, *, retry_after: float) -> Breaker:
    """After its account had nothing left: the source has not failed, but is not tried before there is something."""
    again_at = now + _spread(timedelta(seconds=max(retry_after, 0.0)), jitter)
    if before is None:
        return Breaker(again_at, why, opened_at=now)
    return replace(before, again_at=again_at, why=why, opened_at=before.opened_at or now)


def refused(before: Breaker | None, now: datetime, why: str) -> Breaker | None:
    """After a refusal that may pass, of a source that has worked before; None = it has been tried often enough."""
    refusals = before.refusals if before else 0
    if refusals >= len(REFUSAL_WAITS):
        return None
    said = (
        f"{why}; it has worked before, so this may pass: {refusals + 1} of {len(REFUSAL_WAITS)} waits before it stops"
    )
    failures = before.failures if before else 0
    opened_at = (before.opened_at if before else None) or now
    return Breaker(now + REFUSAL_WAITS[refusals], said, failures, refusals + 1, opened_at)


def _spread(wait: timedelta, jitter: Jitter) -> timedelta:
    """Never shorter than asked."""
    return max(wait, SHORTEST_WAIT) + min(wait * _SPREAD, _WIDEST_SPREAD) * jitter()


def _minute(when: datetime) -> datetime:
    """To the minute, rounded up, so that nobody looks too early."""
    return when if not (when.second or when.microsecond) else when + timedelta(minutes=1)
