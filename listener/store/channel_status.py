"""How each channel is doing, for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlmodel import Session

from alerts import storm
from alerts.channel import Mode
from listener.store.deliveries import OPEN
from listener.store.tables import ChannelState, Delivery, DeliveryAttempt, table

_STATE, _DELIVERY, _ATTEMPT = table(ChannelState).c, table(Delivery).c, table(DeliveryAttempt).c


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """``off``: why it is switched off, None where it is on. ``waits_until``: nothing goes there before, None where
    something may. ``open`` deliveries are to be sent still, ``dead`` ones are not any more. ``used``: new messages of
    the last hour that count against its budget. ``last_sent_at``: None where nothing ever was."""

    name: str
    off: str | None = None
    off_since: datetime | None = None
    waits_until: datetime | None = None
    open: int = 0
    dead: int = 0
    used: int = 0
    last_sent_at: datetime | None = None


def statuses(session: Session, names: Sequence[str], now: datetime) -> list[ChannelStatus]:
    """Of these channels, in their order."""
    connection = session.connection()
    states = {row.name: row for row in connection.execute(select(table(ChannelState)).where(_STATE.name.in_(names)))}
    counted = select(_DELIVERY.channel, _DELIVERY.state, func.count().label("number"))
    counted = counted.where(_DELIVERY.channel.in_(names), _DELIVERY.state.in_((*OPEN, "dead")))
    numbers = {
        (row.channel, row.state): row.number
        for row in connection.execute(counted.group_by(_DELIVERY.channel, _DELIVERY.state))
    }
    used = _used(session, names, now)
    sent = select(_DELIVERY.channel, func.max(_DELIVERY.sent_at).label("at")).where(_DELIVERY.channel.in_(names))
    last = {row.channel: row.at for row in connection.execute(sent.group_by(_DELIVERY.channel))}
    found = []
    for name in names:
        state = states.get(name)
        off = state is not None and state.disabled_at is not None
        found.append(
            ChannelStatus(
                name,
                off=(state.disabled_reason or "") if state is not None and off else None,
                off_since=state.disabled_at if state is not None else None,
                waits_until=state.not_before if state is not None and state.not_before > now else None,
                open=sum(numbers.get((name, one), 0) for one in OPEN),
                dead=numbers.get((name, "dead"), 0),
                used=used.get(name, 0),
                last_sent_at=last.get(name),
            )
        )
    return found


def _used(session: Session, names: Sequence[str], now: datetime) -> dict[str, int]:
    """As ``listener.store.claims`` counts them."""
    since = now - storm.HOUR
    query = (
        select(_DELIVERY.channel, func.count().label("number"))
        .join_from(table(Delivery), table(DeliveryAttempt), _ATTEMPT.delivery_id == _DELIVERY.id)
        .where(
            _DELIVERY.channel.in_(names), _DELIVERY.maybe_at.is_not(None), _DELIVERY.maybe_at > since,
            _DELIVERY.mode != Mode.UPDATE.value, _ATTEMPT.counts, _ATTEMPT.at > since,
        )
        .group_by(_DELIVERY.channel)
    )  # fmt: skip
    return {row.channel: row.number for row in session.connection().execute(query)}
