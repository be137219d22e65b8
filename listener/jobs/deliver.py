"""Deliver: what the outbox holds for one channel, one message at a time, sent at least once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random

import structlog
from sqlmodel import Session

from alerts import announcements
from alerts.channel import (
    Channel,
    DeliveryError,
    Receipt,
    Searchable,
    TryLater,
    Undeliverable,
    lease_expired,
    unforeseen,
)
from alerts.notice import Notice
from alerts.policy import DEFAULT_BUDGET
from alerts.reasons import Reason
from alerts.retrying import Dead, Retry, after_failure, channel_pause
from listener.store import channels, letters, outcomes
from listener.store.claims import claim
from listener.store.deliveries import Claim, put
from listener.store.engine import Store

log = structlog.get_logger()

LEASE = timedelta(seconds=90)
"""Longer than a send may take with any channel's longest timeout, so that a slow answer is not taken for a dead sender.
(Slack's: `alerts.channels.slack.LONGEST_TIMEOUT`; a test holds the two against each other.)"""

SKEW = timedelta(minutes=5)
"""By how much a platform's clock may lag behind ours when a message is looked for."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """``pace``: least time between two sends on a channel. ``max_attempts``: tries before a delivery is dead.
    ``budget``: the most new messages in any hour. ``fallback``: the channel that is told when this one is switched off;
    None, or where that is off too: all of the ``others``. ``public_url``: where messages about the channel lead."""

    pace: timedelta = timedelta(0)
    max_attempts: int = 8
    budget: int = DEFAULT_BUDGET
    fallback: str | None = None
    others: tuple[str, ...] = ()
    public_url: str = ""


def deliver_next(
    store: Store,
    channel: Channel,
    clock: Callable[[], datetime],
    pacing: Pacing,
    jitter: Callable[[], float] = random,
) -> bool:
    """Send the channel's next due delivery, if there is one; whether there was.

    The claim is committed before anything is sent and the outcome after it. A process killed in between leaves a lease
    that runs out: the next try is marked ambiguous, because the message may be there twice; unless the channel can be
    read, and is looked through first.
    """
    with store.transaction() as session:
        claimed = claim(session, channel.name, clock(), LEASE, pacing.pace, pacing.budget, pacing.public_url)
    if claimed is None:
        return False
    _Sending(store, channel, claimed, clock, pacing, jitter).run()
    return True


class _Sending:
    """One delivery that was claimed."""

    def __init__(
        self,
        store: Store,
        channel: Channel,
        claimed: Claim,
        clock: Callable[[], datetime],
        pacing: Pacing,
        jitter: Callable[[], float],
    ) -> None:
        self._store = store
        self._channel = channel
        self._claim = claimed
        self._clock = clock
        self._pacing = pacing
        self._jitter = jitter
        self._lease_until = claimed.lease_until
        self._log = log.bind(channel=channel.name, delivery=claimed.key, attempt=claimed.attempt)

    def run(self) -> None:
        claimed, most = self._claim, self._pacing.max_attempts
        if claimed.taken_over and claimed.tries - claimed.put_off > most:
            # Tries that nobody finished count too, or a message that kills its sender would be tried for ever.
            lost = lease_expired()
            self._dead(lost, Dead(Reason.ATTEMPTS_EXHAUSTED, ambiguous=True))
            return
        try:
            if claimed.in_doubt and isinstance(self._channel, Searchable) and self._settled(self._channel):
                return
            notice = _read(claimed.notice)
            if self._clock() >= self._lease_until:
                # It was asleep for longer than it may take: whoever takes it over, or has, sends it.
                self._log.warning("delivery_lease_lost")
                return
            receipt = self._channel.send(notice, claimed.mode, claimed.ref)
        except (TryLater, Undeliverable) as error:
            self._failed(error)
        except Exception as error:
            self._log.exception("delivery_unforeseen_failure")
            self._failed(unforeseen(error))
        else:
            self._sent(receipt)

    def _settled(self, channel: Searchable) -> bool:
        """Look for what an earlier try may have left there; whether nothing is to be sent."""
        claimed = self._claim
        try:
            receipt = channel.find(claimed.key, claimed.written_at - SKEW, claimed.ref)
        except Undeliverable as error:
            # It cannot be read after all, by us: then it is as with channels that nobody can read.
            self._log.warning("delivery_not_looked_for", reason=error.reason.value, detail=error.message)
            return False
        except TryLater as error:
            # Nothing was sent by looking.
            self._failed(TryLater(error.reason, error.message, error.after, False, whole_channel=error.whole_channel))
            return True
        now = self._clock()
        with self._store.transaction() as session:
            if receipt is None:
                self._lease_until = now + LEASE
                return not outcomes.not_there(session, claimed, self._lease_until)
            outcomes.found(session, claimed, now, receipt)
        self._log.info("delivery_found", detail=receipt.detail)
        return True

    def _sent(self, receipt: Receipt) -> None:
        with self._store.transaction() as session:
            outcomes.sent(session, self._claim, self._clock(), receipt)
        self._log.info("delivery_sent", detail=receipt.detail)

    def _failed(self, failure: TryLater | Undeliverable) -> None:
        if failure.reason is Reason.MESSAGE_GONE:
            with self._store.transaction() as session:
                outcomes.gone(session, self._claim, self._clock(), failure.message)
            self._log.info("delivery_without_message", detail=failure.message)
            return
        step = after_failure(
            self._claim.tries, failure, self._clock(), jitter=self._jitter(),
            max_attempts=self._pacing.max_attempts, put_off=self._claim.put_off,
        )  # fmt: skip
        if isinstance(step, Retry):
            self._again(failure, step)
        else:
            self._dead(failure, step)

    def _again(self, failure: DeliveryError, step: Retry) -> None:
        now, name = self._clock(), self._channel.name
        with self._store.transaction() as session:
            # The channel before the delivery, in the order in which a claim locks them.
            pause = step.pauses_channel_until
            if pause is None:
                pause = now + channel_pause(channels.failed(session, name))
            channels.pause(session, name, pause)
            outcomes.again(
                session, self._claim, now, step.reason, failure.message, at=step.at, ambiguous=step.ambiguous
            )
        self._log.warning(
            "delivery_again", reason=step.reason.value, detail=failure.message, ambiguous=step.ambiguous,
            in_s=round((step.at - now).total_seconds(), 1),
        )  # fmt: skip

    def _dead(self, failure: DeliveryError, step: Dead) -> None:
        now = self._clock()
        with self._store.transaction() as session:
            if step.disables_channel:
                # Two that are switched off at once must see it of each other, or each tells nobody but the other.
                channels.held_all(session, (self._channel.name, *self._pacing.others), now)
            if step.disables_channel and channels.disable(session, self._channel.name, now, failure.message):
                self._tell_elsewhere(session, failure.message, now)
            outcomes.dead(session, self._claim, now, step.reason, failure.message, ambiguous=step.ambiguous)
        self._log.error(
            "delivery_dead", reason=step.reason.value, detail=failure.message, disabled=step.disables_channel
        )

    def _tell_elsewhere(self, session: Session, said: str, now: datetime) -> None:
        """That the channel is off, once, where a person may see it; and what was to be told here of other channels."""
        pacing, name = self._pacing, self._channel.name
        off = channels.disabled(session, pacing.others)
        on = [other for other in pacing.others if other not in off]
        to = [pacing.fallback] if pacing.fallback in on else on
        notice = announcements.channel_off(name, said, letters.waiting(session, name), pacing.public_url, now)
        rows = [letters.about_channel(notice, other) for other in to]
        rows += [letters.about_channel(one, other) for one in letters.channels_off(session, name) for other in to]
        put(session, rows, now)
        self._log.error("channel_off", told=to or "nobody: there is no other channel that is on")


def _read(stored: str) -> Notice:
    """Raises Undeliverable for what is no notice: nobody could send it however often."""
    try:
        return Notice.from_json(stored)
    except ValueError:
        words = "the message is stored in a way that cannot be read, so that it was not sent"
        raise Undeliverable(Reason.REJECTED, words) from None
