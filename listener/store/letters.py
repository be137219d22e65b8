"""Deliveries for people: listed, sent again, given up; and what one channel is told of another."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlmodel import Session

from alerts.channel import Mode
from alerts.notice import Notice, NoticeKind
from alerts.reasons import Reason
from listener.store import audit, channels
from listener.store.callers import among
from listener.store.deliveries import OPEN, drop
from listener.store.tables import Alert, Brand, Delivery, DeliveryAttempt, table

_DELIVERY, _ATTEMPT, _ALERT, _BRAND = (table(model).c for model in (Delivery, DeliveryAttempt, Alert, Brand))


_DROPPED = {
    Reason.SUPERSEDED.value: "a newer state of the incident is shown instead",
    Reason.TOLD_TOGETHER.value: "an earlier message that had not gone out yet tells it",
    Reason.SUMMARISED.value: "a summary tells of it",
    Reason.NOTHING_TO_UPDATE.value: "there is no message on the channel that it could change",
    Reason.MESSAGE_GONE.value: "the message that it was to change is gone",
}


class NotNow(Exception):
    """What was asked of a delivery makes no sense as it is; the message says why."""


def listed(
    session: Session,
    *,
    state: str | None = None,
    channel: str | None = None,
    brands: frozenset[int] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Deliveries with the brand and rule of their incidents, the latest first; without what they say. ``brands``: only
    about incidents of these; None = all there are. ``before``: the last page's last id."""
    query = _selected().where(among(_ALERT.brand_id, brands)).order_by(_DELIVERY.id.desc()).limit(limit)
    if state is not None:
        query = query.where(_DELIVERY.state == state)
    if channel is not None:
        query = query.where(_DELIVERY.channel == channel)
    if before is not None:
        query = query.where(_DELIVERY.id < before)
    return [dict(row) for row in session.connection().execute(query).mappings()]


def one(session: Session, delivery_id: int, brands: frozenset[int] | None = None) -> dict[str, Any] | None:
    """A delivery as ``listed`` gives it, and its notice; None where there is none, or none about these brands."""
    whole = _selected().add_columns(_DELIVERY.notice).where(_DELIVERY.id == delivery_id, among(_ALERT.brand_id, brands))
    row = session.connection().execute(whole).mappings().first()
    return None if row is None else dict(row)


def attempts(session: Session, delivery_id: int) -> list[dict[str, Any]]:
    """What each try came to, in their order."""
    query = select(_ATTEMPT.number, _ATTEMPT.at, _ATTEMPT.outcome, _ATTEMPT.detail)
    query = query.where(_ATTEMPT.delivery_id == delivery_id).order_by(_ATTEMPT.id)
    return [dict(row) for row in session.connection().execute(query).mappings()]


def resend(session: Session, delivery_id: int, actor: str, now: datetime) -> None:
    """Try a dead delivery again, or one that was given up, as if nobody had tried yet.

    Raises KeyError where there is none; NotNow where it is not over, nothing is left to tell, or its channel is off.
    """
    row = _held(session, delivery_id)
    if row.state in OPEN:
        raise NotNow(f"delivery {delivery_id} is on its way already")
    if row.state == "sent":
        raise NotNow(f"delivery {delivery_id} was sent; sending it again would only repeat it")
    if row.state == "dropped" and row.outcome != Reason.GIVEN_UP.value:
        raise NotNow(f"delivery {delivery_id} was not sent, and need not be: {_DROPPED.get(row.outcome, row.outcome)}")
    if row.channel in channels.disabled(session, [row.channel]):
        raise NotNow(
            f"delivery {delivery_id} cannot be sent: {row.channel} is off; mend it, then run: escucha channels enable "
            f"{row.channel}"
        )
    if channels.newer(session, delivery_id) is not None:
        raise NotNow(f"delivery {delivery_id} would change its message back: {_DROPPED[Reason.SUPERSEDED.value]}")
    channels.revive(session, delivery_id, now)
    audit.note(session, actor, "delivery_resent", str(delivery_id), {"key": row.key, "channel": row.channel}, now)


def give_up(session: Session, delivery_id: int, actor: str, now: datetime) -> None:
    """Send a delivery no more.

    Raises KeyError where there is none; NotNow where it is over already, or being sent this moment.
    """
    row = _held(session, delivery_id)
    if row.state == "sending":
        raise NotNow(f"delivery {delivery_id} is being sent this moment; try again in a minute")
    if row.state not in ("pending", "dead"):
        raise NotNow(f"delivery {delivery_id} is over: it was {row.state}")
    drop(session, delivery_id, Reason.GIVEN_UP)
    audit.note(session, actor, "delivery_given_up", str(delivery_id), {"key": row.key, "channel": row.channel}, now)


def waiting(session: Session, channel: str) -> int:
    """How many deliveries are open on a channel."""
    query = select(func.count()).where(_DELIVERY.channel == channel, _DELIVERY.state.in_(OPEN))
    return int(session.connection().scalar(query) or 0)


def channels_off(session: Session, channel: str) -> list[Notice]:
    """What a channel was to be told of others that are off, and has not been."""
    rows = session.connection().scalars(
        select(_DELIVERY.notice).where(
            _DELIVERY.channel == channel, _DELIVERY.kind == NoticeKind.CHANNEL_OFF.value, _DELIVERY.state != "sent",
            _DELIVERY.state != "dropped",
        )
    )  # fmt: skip
    return [Notice.from_json(row) for row in rows]


def about_channel(notice: Notice, to: str) -> dict[str, Any]:
    """The delivery that tells a channel of another one."""
    return {
        "key": notice.key, "alert_id": None, "channel": to, "kind": notice.kind.value, "mode": Mode.POST.value,
        "severity": notice.severity.value, "reason": Reason.CHANNEL_SWITCHED_OFF.value, "notice": notice.to_json(),
    }  # fmt: skip


def _selected() -> Select[Any]:
    return select(
        _DELIVERY.id, _DELIVERY.key, _DELIVERY.alert_id, _DELIVERY.channel, _DELIVERY.kind, _DELIVERY.mode,
        _DELIVERY.severity, _DELIVERY.reason, _DELIVERY.state, _DELIVERY.outcome, _DELIVERY.ambiguous,
        _DELIVERY.attempts, _DELIVERY.not_before, _DELIVERY.created_at, _DELIVERY.sent_at, _DELIVERY.merged_into,
        _BRAND.name.label("brand"), _ALERT.rule,
    ).join_from(table(Delivery), table(Alert), _ALERT.id == _DELIVERY.alert_id, isouter=True).join(
        table(Brand), _BRAND.id == _ALERT.brand_id, isouter=True
    )  # fmt: skip


def _held(session: Session, delivery_id: int) -> Any:
    query = select(_DELIVERY.state, _DELIVERY.outcome, _DELIVERY.key, _DELIVERY.channel)
    row = session.connection().execute(query.where(_DELIVERY.id == delivery_id).with_for_update()).first()
    if row is None:
        raise KeyError(f"there is no delivery {delivery_id}")
    return row
