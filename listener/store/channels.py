"""What all processes must know about a channel: until when it waits, how it fares, and whether it is off."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select, update
from sqlmodel import Session

from alerts.channel import Mode
from alerts.reasons import Reason
from listener.items import storable
from listener.store.audit import note
from listener.store.engine import insert_new
from listener.store.tables import ChannelState, Delivery, DeliveryAttempt, table

_STATE, _DELIVERY, _ATTEMPT = table(ChannelState).c, table(Delivery).c, table(DeliveryAttempt).c


def held_all(session: Session, channels: Collection[str], now: datetime) -> None:
    """Hold the states of several channels until the transaction ends, in the one order in which all take them."""
    for channel in sorted(set(channels)):
        held(session, channel, now)


def held(session: Session, channel: str, now: datetime) -> ChannelState:
    """A channel's state, held until the transaction ends."""
    insert_new(session, table(ChannelState), [{"name": channel, "not_before": now, "failures": 0}], returning=("name",))
    return session.get_one(ChannelState, channel, with_for_update=True, populate_existing=True)


def pace(session: Session, channel: str, until: datetime) -> None:
    """The next message goes then at the earliest."""
    _change(session, channel, not_before=until)


def pause(session: Session, channel: str, until: datetime) -> None:
    """Nothing goes to the channel before ``until``, from any process."""
    state = table(ChannelState)
    session.connection().execute(
        update(state).where(state.c.name == channel, state.c.not_before < until).values(not_before=until)
    )


def failed(session: Session, channel: str) -> int:
    """One more try in a row has failed; how many that makes."""
    return int(
        session.connection().execute(
            update(table(ChannelState)).where(_STATE.name == channel).values(failures=_STATE.failures + 1)
            .returning(_STATE.failures)
        ).scalar_one()
    )  # fmt: skip


def fares_well(session: Session, channel: str) -> None:
    """It has taken something."""
    session.connection().execute(
        update(table(ChannelState)).where(_STATE.name == channel, _STATE.failures > 0).values(failures=0)
    )


def disable(session: Session, channel: str, now: datetime, reason: str) -> bool:
    """Switch a channel off until a person switches it on again; whether it was on."""
    done = session.connection().execute(
        update(table(ChannelState))
        .where(_STATE.name == channel, _STATE.disabled_at.is_(None))
        .values(disabled_at=now, disabled_reason=storable(reason))
    )
    return bool(done.rowcount)


def disabled(session: Session, names: Sequence[str]) -> dict[str, str]:
    """Which of the channels are switched off, and why."""
    off = select(_STATE.name, _STATE.disabled_reason).where(_STATE.name.in_(names), _STATE.disabled_at.is_not(None))
    return {name: reason or "" for name, reason in session.connection().execute(off)}


def enable(session: Session, channel: str, now: datetime, actor: str = "escucha") -> int:
    """Switch a channel on again and revive what it has refused since it was switched off; how many deliveries that was.
    What died in other ways, or before, is for people to look at: see ``store.letters``."""
    off_since = held(session, channel, now).disabled_at
    _change(session, channel, disabled_at=None, disabled_reason=None, not_before=now, failures=0)
    revived: list[int] = []
    if off_since is not None:
        refused = (_ATTEMPT.delivery_id == _DELIVERY.id, _ATTEMPT.outcome == Reason.CHANNEL_REFUSED.value)
        since = select(_ATTEMPT.id).where(*refused, _ATTEMPT.at >= off_since).correlate(table(Delivery)).exists()
        wanted = (_DELIVERY.channel == channel, _DELIVERY.state == "dead", since)
        dead = select(_DELIVERY.id).where(*wanted).order_by(_DELIVERY.id).with_for_update()
        revived = [one for one in session.connection().scalars(dead).all() if revive(session, one, now)]
    note(session, actor, "channel_enabled", channel, {"revived": len(revived)}, now)
    return len(revived)


def revive(session: Session, delivery_id: int, now: datetime) -> bool:
    """Have a delivery tried again as if nobody had tried yet; what is in doubt stays marked. False where it would
    change a message back: that is dropped."""
    later = newer(session, delivery_id)
    fate: dict[str, Any] = {"state": "pending", "outcome": None, "merged_into": None}
    if later is not None:
        fate = {"state": "dropped", "outcome": Reason.SUPERSEDED.value, "merged_into": later}
    session.connection().execute(
        update(table(Delivery))
        .where(_DELIVERY.id == delivery_id)
        .values(tries_before=_DELIVERY.attempts, not_before=now, lease_until=None, **fate)
    )
    return later is None


def newer(session: Session, delivery_id: int) -> int | None:
    """The last delivery that shows, or will, a newer state of the message that this one was to change; None also for
    what was to be a message of its own."""
    old = table(Delivery).alias()
    found = session.connection().scalar(
        select(_DELIVERY.id)
        .join_from(table(Delivery), old, and_(old.c.alert_id == _DELIVERY.alert_id, old.c.channel == _DELIVERY.channel))
        .where(
            old.c.id == delivery_id, old.c.mode == Mode.UPDATE.value, _DELIVERY.id > old.c.id,
            _DELIVERY.mode != Mode.THREAD.value, _DELIVERY.state.in_(("pending", "sending", "sent")),
        )
        .order_by(_DELIVERY.id.desc())
        .limit(1)
    )  # fmt: skip
    return None if found is None else int(found)


def _change(session: Session, channel: str, **values: Any) -> None:
    session.connection().execute(update(table(ChannelState)).where(_STATE.name == channel).values(**values))
