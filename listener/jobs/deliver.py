"""Deliver: what the outbox holds for one channel, one message at a time, sent at least once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random

import structlog

from alerts.channel import Channel, DeliveryError, TryLater, Undeliverable, lease_expired, unforeseen
from alerts.notice import Notice
from alerts.reasons import Reason
from alerts.retrying import Dead, Retry, after_failure
from listener.store import deliveries
from listener.store.engine import Store

log = structlog.get_logger()

LEASE = timedelta(seconds=90)
"""Longer than a send may take with any channel's longest timeout, so that a slow answer is not taken for a dead sender.
(Slack's: `alerts.channels.slack.LONGEST_TIMEOUT`; a test holds the two against each other.)"""


@dataclass(frozen=True, slots=True)
class Pacing:
    """``pace``: least time between two sends on a channel. ``max_attempts``: tries before a delivery is dead."""

    pace: timedelta = timedelta(0)
    max_attempts: int = 8


def deliver_next(
    store: Store,
    channel: Channel,
    clock: Callable[[], datetime],
    pacing: Pacing,
    jitter: Callable[[], float] = random,
) -> bool:
    """Send the channel's next due delivery, if there is one; whether there was.

    The claim is committed before anything is sent and the outcome after it. A process killed in between leaves a lease
    that runs out: the next try is marked ambiguous, because the message may be there twice.
    """
    with store.transaction() as session:
        claim = deliveries.claim(session, channel.name, clock(), LEASE, pacing.pace)
    if claim is None:
        return False
    told = log.bind(channel=channel.name, delivery=claim.key, attempt=claim.attempt)
    if claim.taken_over and claim.attempt - claim.put_off > pacing.max_attempts:
        # Tries that nobody finished count too, or a message that kills its sender would be tried for ever.
        lost = lease_expired()
        _fail(store, channel, claim, clock(), lost, Dead(Reason.ATTEMPTS_EXHAUSTED, ambiguous=True), told)
        return True
    try:
        receipt = channel.send(Notice.from_json(claim.notice))
    except (TryLater, Undeliverable) as error:
        failure: TryLater | Undeliverable = error
    except Exception as error:
        told.exception("delivery_unforeseen_failure")
        failure = unforeseen(error)
    else:
        with store.transaction() as session:
            deliveries.sent(session, claim, clock(), receipt.detail)
        told.info("delivery_sent", detail=receipt.detail)
        return True
    now = clock()
    step = after_failure(
        claim.attempt, failure, now, jitter=jitter(), max_attempts=pacing.max_attempts, put_off=claim.put_off
    )
    _fail(store, channel, claim, now, failure, step, told)
    return True


def _fail(
    store: Store,
    channel: Channel,
    claim: deliveries.Claim,
    now: datetime,
    failure: DeliveryError,
    step: Retry | Dead,
    told: structlog.stdlib.BoundLogger,
) -> None:
    with store.transaction() as session:
        # The channel before the delivery, in the order in which a claim locks them.
        if isinstance(step, Retry):
            if step.pauses_channel_until is not None:
                deliveries.pause_channel(session, channel.name, step.pauses_channel_until)
            deliveries.again(session, claim, now, step.reason, failure.message, at=step.at, ambiguous=step.ambiguous)
        else:
            if step.disables_channel:
                deliveries.disable_channel(session, channel.name, now, failure.message)
            deliveries.dead(session, claim, now, step.reason, failure.message, ambiguous=step.ambiguous)
    if isinstance(step, Retry):
        told.warning(
            "delivery_again", reason=step.reason.value, detail=failure.message, ambiguous=step.ambiguous,
            in_s=round((step.at - now).total_seconds(), 1),
        )  # fmt: skip
    else:
        told.error("delivery_dead", reason=step.reason.value, detail=failure.message, disabled=step.disables_channel)
