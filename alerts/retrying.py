"""What to do after a failed try: when to try again, or that it is over. Pure: the time and the dice are passed in."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.channel import TryLater, Undeliverable
from alerts.reasons import Reason

FIRST_WAIT = 2.0
"""Seconds before the second try, before jitter doubles it at most."""

FACTOR = 3.0
"""With eight tries the waits add up to 14 to 28 minutes: longer than a short outage of a channel or a network."""

LONGEST_WAIT = 600.0
"""Seconds; waits asked for by the channel may be longer."""

JITTER_AFTER_REQUEST = 1.0
"""Seconds by which tries are spread after a wait that the channel asked for, so that they do not all come at once."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again at `at`, not earlier. `ambiguous`: this failed try may have arrived.

    `pauses_channel_until`: until then nothing at all may be sent to this channel (None: other notices may go).
    """

    at: datetime
    reason: Reason
    ambiguous: bool
    pauses_channel_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dead:
    """No more tries.

    `ambiguous`: the last try may have arrived; whether an earlier one may have is for the caller to remember.
    `disables_channel`: switch the channel off and tell a person elsewhere.
    """

    reason: Reason
    ambiguous: bool = False
    disables_channel: bool = False


def after_failure(
    attempts: int,
    error: TryLater | Undeliverable,
    now: datetime,
    *,
    jitter: float,
    max_attempts: int = 8,
    put_off: int = 0,
) -> Retry | Dead:
    """What follows the `attempts`-th failed try (1 for the first), for `jitter` drawn from [0, 1).

    Being told to slow down uses up no try: the channel said when to come back, and the notice certainly did not
    arrive. `put_off` is how many of the tries before ended so. Raises ValueError for attempts below 1 or jitter outside
    [0, 1).
    """
    if attempts < 1:
        raise ValueError(f"attempts counts the failed tries including this one, from 1; got {attempts}")
    if not 0 <= jitter < 1:
        raise ValueError(f"jitter lies in [0, 1); got {jitter}")
    if isinstance(error, Undeliverable):
        return Dead(error.reason, disables_channel=error.disables_channel)
    if error.reason is not Reason.RATE_LIMITED:
        attempts -= put_off
        if attempts >= max_attempts:
            return Dead(Reason.ATTEMPTS_EXHAUSTED, error.ambiguous)
    at = now + timedelta(seconds=_wait(attempts, error, jitter))
    return Retry(at, error.reason, error.ambiguous, at if error.whole_channel else None)


def channel_pause(failures: int) -> timedelta:
    """How long a channel rests after so many failed tries in a row, whatever they were to send.

    One may be the message's own fault, and the next message goes at once. More are the channel's: it is asked ever more
    rarely, so that an outage does not use up the budget with tries that may have arrived.
    """
    if failures < 2:
        return timedelta(0)
    return timedelta(seconds=min(FIRST_WAIT * FACTOR ** min(failures - 2, 32), LONGEST_WAIT / 2))


def _wait(attempts: int, error: TryLater, jitter: float) -> float:
    """Seconds. Each wait is drawn between one and two times its floor, so none goes over LONGEST_WAIT."""
    # The exponent is bounded because 3.0 ** 1000 overflows, and rate-limited notices may get there.
    floor = min(FIRST_WAIT * FACTOR ** min(attempts - 1, 32), LONGEST_WAIT / 2)
    backoff = floor * (1 + jitter)
    if error.after is None:
        return backoff
    asked = error.after + jitter * JITTER_AFTER_REQUEST
    # A rate limit's wait is the whole truth; a failing server's is only a least one.
    return asked if error.reason is Reason.RATE_LIMITED else max(asked, backoff)
