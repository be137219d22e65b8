"""The outbox, which is the notification log too: claimed one at a time per channel, sent at least once.

A claim commits "sending" before anything is sent. A sender that dies leaves a lease that runs out; whoever claims the
delivery next knows that nobody can tell whether the first try arrived, and marks it ambiguous.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlmodel import Session

from alerts.reasons import Reason
from listener.items import storable
from listener.store.engine import insert_new
from listener.store.tables import ChannelState, Delivery, DeliveryAttempt, table

OPEN = ("pending", "sending")


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this process, and no other, may send until its lease ends."""

    id: int
    key: str
    channel: str
    attempt: int
    notice: str
    taken_over: bool
    """The attempt before was never finished."""
    put_off: int
    """How many of the attempts before ended with being told to slow down."""


def put(session: Session, rows: Sequence[dict[str, Any]], now: datetime) -> int:
    """Write deliveries beside the decision they carry out; how many were new. A key that exists is left alone."""
    defaults = {"state": "pending", "attempts": 0, "ambiguous": False, "not_before": now, "created_at": now}
    return len(insert_new(session, table(Delivery), [defaults | row for row in rows], returning=("id",)))


def claim(session: Session, channel: str, now: datetime, lease: timedelta, pace: timedelta) -> Claim | None:
    """The channel's oldest due delivery; None where nothing is due, or the channel waits, is busy or is off.

    What an incident grew to is not told before its opening: a delivery waits for earlier ones about the same incident.
    ``pace``: the least time between two sends on this channel, over all processes.
    """
    state = _lock_channel(session, channel, now)
    if state.disabled_at is not None or state.not_before > now:
        return None
    delivery = table(Delivery).c
    # One at a time, so that a 429 meets one sender only. Messages about other incidents pass one that waits for its
    # next try: news of a second fire must not wait for the first.
    row = (
        session.connection()
        .execute(
            select(delivery.id, delivery.key, delivery.state, delivery.notice, delivery.attempts, delivery.lease_until)
            .where(
                delivery.channel == channel,
                ~behind_another(),
                or_(delivery.state == "sending", and_(delivery.state == "pending", delivery.not_before <= now)),
            )
            .order_by(delivery.state.desc(), delivery.id)
            .limit(1)
        )
        .first()
    )
    if row is None or (row.state == "sending" and row.lease_until > now):
        return None
    changes: dict[str, Any] = {"state": "sending", "attempts": row.attempts + 1, "lease_until": now + lease}
    taken_over = row.state == "sending"
    if taken_over:
        changes["ambiguous"] = True
        _log(session, row.id, row.attempts, now, Reason.LEASE_EXPIRED, "the sender stopped before it said how it went")
    session.connection().execute(update(table(Delivery)).where(delivery.id == row.id).values(**changes))
    session.connection().execute(
        update(table(ChannelState)).where(table(ChannelState).c.name == channel).values(not_before=now + pace)
    )
    return Claim(
        row.id, row.key, channel, row.attempts + 1, row.notice, taken_over, _put_off(session, row.id, row.attempts)
    )


def _put_off(session: Session, delivery_id: int, attempts: int) -> int:
    attempt = table(DeliveryAttempt).c
    # Those since the delivery was last revived: its attempts are numbered from 1 again then.
    outcomes = session.connection().scalars(
        select(attempt.outcome).where(attempt.delivery_id == delivery_id).order_by(attempt.id.desc()).limit(attempts)
    )
    return sum(outcome == Reason.RATE_LIMITED for outcome in outcomes)


def behind_another() -> ColumnElement[bool]:
    """Whether a delivery waits for an earlier one about the same incident on its channel."""
    delivery, other = table(Delivery).c, table(Delivery).alias()
    earlier = (other.c.alert_id == delivery.alert_id, other.c.channel == delivery.channel, other.c.id < delivery.id)
    return select(other.c.id).where(*earlier, other.c.state.in_(OPEN)).correlate(table(Delivery)).exists()


def sent(session: Session, claim: Claim, now: datetime, detail: str) -> None:
    """It arrived. True even when the lease has run out meanwhile: what is sent is sent."""
    delivery = table(Delivery).c
    doubt = session.connection().scalar(select(delivery.ambiguous).where(delivery.id == claim.id))
    reason = Reason.SENT_AMBIGUOUS if doubt else Reason.SENT
    _finish(session, claim, now, reason, detail, state="sent", sent_at=now)


def again(
    session: Session, claim: Claim, now: datetime, reason: Reason, detail: str, *, at: datetime, ambiguous: bool
) -> None:
    """It may be tried again at ``at``."""
    doubt = {"ambiguous": True} if ambiguous else {}
    _finish(session, claim, now, reason, detail, state="pending", not_before=at, **doubt)


def dead(session: Session, claim: Claim, now: datetime, reason: Reason, detail: str, *, ambiguous: bool) -> None:
    """It will not be tried again by itself; it stays visible with its reason."""
    doubt = {"ambiguous": True} if ambiguous else {}
    _finish(session, claim, now, reason, detail, state="dead", **doubt)


def pause_channel(session: Session, channel: str, until: datetime) -> None:
    """Nothing goes to the channel before ``until``, from any process."""
    state = table(ChannelState)
    session.connection().execute(
        update(state).where(state.c.name == channel, state.c.not_before < until).values(not_before=until)
    )


def disable_channel(session: Session, channel: str, now: datetime, reason: str) -> None:
    """Switch a channel off until a person switches it on again: it answered that it will never take a message."""
    state = table(ChannelState)
    session.connection().execute(
        update(state).where(state.c.name == channel).values(disabled_at=now, disabled_reason=storable(reason))
    )


def disabled_channels(session: Session, names: Sequence[str]) -> dict[str, str]:
    """Which of the channels are switched off, and why."""
    state = table(ChannelState).c
    off = select(state.name, state.disabled_reason).where(state.name.in_(names), state.disabled_at.is_not(None))
    return {name: reason or "" for name, reason in session.connection().execute(off)}


def enable_channel(session: Session, channel: str, now: datetime) -> int:
    """Switch a channel on again and revive all that is dead on it; how many deliveries that was."""
    state, delivery = table(ChannelState), table(Delivery)
    session.connection().execute(
        update(state).where(state.c.name == channel).values(disabled_at=None, disabled_reason=None, not_before=now)
    )
    return (
        session.connection()
        .execute(
            update(delivery)
            .where(delivery.c.channel == channel, delivery.c.state == "dead")
            .values(state="pending", attempts=0, not_before=now, lease_until=None, outcome=None)
        )
        .rowcount
    )


def _lock_channel(session: Session, channel: str, now: datetime) -> ChannelState:
    insert_new(session, table(ChannelState), [{"name": channel, "not_before": now}], returning=("name",))
    return session.get_one(ChannelState, channel, with_for_update=True, populate_existing=True)


def _finish(session: Session, claim: Claim, now: datetime, reason: Reason, detail: str, **values: Any) -> None:
    delivery = table(Delivery)
    _log(session, claim.id, claim.attempt, now, reason, detail)
    still_ours = and_(delivery.c.state == "sending", delivery.c.attempts == claim.attempt)
    if values["state"] == "sent":
        # Whoever took it over meanwhile may have failed; that it arrived is the truth all the same.
        still_ours = delivery.c.state != "sent"
    session.connection().execute(
        update(delivery)
        .where(delivery.c.id == claim.id, still_ours)
        .values(outcome=reason.value, lease_until=None, **values)
    )


def _log(session: Session, delivery_id: int, number: int, now: datetime, outcome: Reason, detail: str) -> None:
    session.add(
        DeliveryAttempt(delivery_id=delivery_id, number=number, at=now, outcome=outcome.value, detail=storable(detail))
    )
    session.flush()
