"""What became of a delivery that somebody claimed: sent, found, to be tried again, dead; every try is logged."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, select, update
from sqlmodel import Session

from alerts.channel import Mode, Receipt, lease_expired
from alerts.reasons import Reason
from listener.items import storable
from listener.store import channels
from listener.store.deliveries import Claim
from listener.store.tables import Delivery, DeliveryAttempt, Notification, table

_DELIVERY, _ATTEMPT, _TOLD = table(Delivery).c, table(DeliveryAttempt).c, table(Notification).c


def sent(session: Session, claim: Claim, now: datetime, receipt: Receipt) -> None:
    """It arrived. True even when the lease has run out meanwhile: what is sent is sent. Where somebody else has taken
    it over by then, or has sent it too, it may be there twice; updates and replies go to the message sent first."""
    # The channel before the delivery, in the order in which a claim locks them.
    channels.fares_well(session, claim.channel)
    held = select(_DELIVERY.ambiguous, _DELIVERY.state, _DELIVERY.attempts).where(_DELIVERY.id == claim.id)
    row = session.connection().execute(held.with_for_update()).one()
    again = row.state == "sent"
    doubt = row.ambiguous
    if claim.mode is not Mode.UPDATE and (again or row.attempts > claim.attempt):
        doubt = True
        session.connection().execute(
            update(table(Delivery)).where(_DELIVERY.id == claim.id)
            .values(ambiguous=True, outcome=Reason.SENT_AMBIGUOUS.value)
        )  # fmt: skip
    reason = Reason.SENT_AMBIGUOUS if doubt else Reason.SENT
    _finish(session, claim, now, reason, receipt.detail, arrived=True, state="sent", sent_at=now)
    if not again:
        _keep_ref(session, claim, receipt)


def found(session: Session, claim: Claim, now: datetime, receipt: Receipt) -> None:
    """An earlier try had arrived after all: it is there once, and is not sent again."""
    channels.fares_well(session, claim.channel)
    _finish(
        session, claim, now, Reason.SENT_FOUND, receipt.detail, arrived=False, state="sent", sent_at=now,
        ambiguous=False,
    )  # fmt: skip
    _keep_ref(session, claim, receipt)


def not_there(session: Session, claim: Claim, lease_until: datetime) -> bool:
    """No earlier try arrived: none is in doubt any more or takes a place in the budget. Whether it is still ours to
    send, until ``lease_until``."""
    ours = session.connection().execute(
        update(table(Delivery)).where(*_ours(claim)).values(ambiguous=False, maybe_at=None, lease_until=lease_until)
    )
    if ours.rowcount:
        session.connection().execute(
            update(table(DeliveryAttempt)).where(_ATTEMPT.delivery_id == claim.id).values(counts=False)
        )
    return bool(ours.rowcount)


def again(
    session: Session, claim: Claim, now: datetime, reason: Reason, detail: str, *, at: datetime, ambiguous: bool
) -> None:
    """It may be tried again at ``at``."""
    maybe = ambiguous and claim.mode is not Mode.UPDATE
    doubt = {"ambiguous": True} if maybe else {}
    _finish(session, claim, now, reason, detail, arrived=maybe, state="pending", not_before=at, **doubt)


def dead(session: Session, claim: Claim, now: datetime, reason: Reason, detail: str, *, ambiguous: bool) -> None:
    """It will not be tried again by itself; it stays visible with its reason."""
    maybe = ambiguous and claim.mode is not Mode.UPDATE
    doubt = {"ambiguous": True} if maybe else {}
    _finish(session, claim, now, reason, detail, arrived=maybe, state="dead", **doubt)


def gone(session: Session, claim: Claim, now: datetime, detail: str) -> None:
    """The message that was to be changed is gone: there is nothing to change, and news will be a new one."""
    _finish(session, claim, now, Reason.MESSAGE_GONE, detail, arrived=False, state="dropped")
    told = (_TOLD.alert_id == claim.alert_id, _TOLD.channel == claim.channel, _TOLD.ref == claim.ref)
    session.connection().execute(update(table(Notification)).where(*told).values(ref=None))


def given_up(session: Session, delivery_id: int, attempt: int, mode: Mode, now: datetime) -> None:
    """Whoever was sending it stopped, or took longer than its lease; it is anybody's again."""
    # The same update made twice is there once.
    maybe = mode is not Mode.UPDATE
    doubt: dict[str, Any] = {"ambiguous": True, "maybe_at": now} if maybe else {}
    _log(session, delivery_id, attempt, now, Reason.LEASE_EXPIRED, lease_expired().message, counts=maybe)
    session.connection().execute(
        update(table(Delivery))
        .where(_DELIVERY.id == delivery_id)
        .values(state="pending", outcome=Reason.LEASE_EXPIRED.value, not_before=now, lease_until=None, **doubt)
    )


def _keep_ref(session: Session, claim: Claim, receipt: Receipt) -> None:
    """The message that updates and replies go to; after the delivery, in the order in which all take these locks.

    A reply whose message was gone is a message of its own, and names itself.
    """
    if claim.mode is not Mode.UPDATE and claim.alert_id is not None and receipt.ref is not None:
        told = (_TOLD.alert_id == claim.alert_id, _TOLD.channel == claim.channel)
        session.connection().execute(update(table(Notification)).where(*told).values(ref=receipt.ref))


def _ours(claim: Claim) -> tuple[Any, ...]:
    return (_DELIVERY.id == claim.id, _DELIVERY.state == "sending", _DELIVERY.attempts == claim.attempt)


def _finish(
    session: Session, claim: Claim, now: datetime, reason: Reason, detail: str, *, arrived: bool, **values: Any
) -> None:
    """``arrived``: this try did, or may have, as a new message; it takes a place in the budget."""
    _log(session, claim.id, claim.attempt, now, reason, detail, counts=arrived and claim.mode is not Mode.UPDATE)
    if arrived:
        session.connection().execute(update(table(Delivery)).where(_DELIVERY.id == claim.id).values(maybe_at=now))
    still_ours = and_(*_ours(claim))
    if values["state"] == "sent":
        # Whoever took it over meanwhile may have failed; that it arrived is the truth all the same.
        still_ours = and_(_DELIVERY.id == claim.id, _DELIVERY.state != "sent")
    session.connection().execute(
        update(table(Delivery)).where(still_ours).values(outcome=reason.value, lease_until=None, **values)
    )


def _log(
    session: Session, delivery_id: int, number: int, now: datetime, outcome: Reason, detail: str, *, counts: bool
) -> None:
    session.add(
        DeliveryAttempt(
            delivery_id=delivery_id, number=number, at=now, outcome=outcome.value, detail=storable(detail),
            counts=counts,
        )
    )  # fmt: skip
    session.flush()
