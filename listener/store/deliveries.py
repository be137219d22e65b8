"""The outbox, which is the notification log too: what is to be sent is written here beside the decision to send it.

``store.claims`` hands it out to senders, ``store.outcomes`` writes down how it went, ``store.letters`` is for people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, func, select, update
from sqlmodel import Session

from alerts.channel import Mode
from alerts.notice import Notice
from alerts.reasons import Reason
from alerts.severity import Severity, worst
from alerts.writing import refreshed
from listener.store.engine import insert_new
from listener.store.tables import Delivery, Quotation, table

OPEN = ("pending", "sending")

_DELIVERY = table(Delivery).c


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this process, and no other, may send until its lease ends: ``lease_until``.

    ``attempt``: its number, never used twice; ``tries``: which one it is since it was put, or last revived.
    ``ref``: the message to change, or to reply under. ``written_at``: when the notice was put into the outbox.
    ``taken_over``: the attempt before was never finished. ``put_off``: how many of the attempts before ended with being
    told to slow down. ``in_doubt``: an earlier one may have arrived.
    """

    id: int
    key: str
    channel: str
    alert_id: int | None
    attempt: int
    tries: int
    lease_until: datetime
    notice: str
    mode: Mode
    ref: str | None
    written_at: datetime
    taken_over: bool
    put_off: int
    in_doubt: bool


def put(session: Session, rows: Sequence[Mapping[str, Any]], now: datetime) -> int:
    """Write deliveries beside the decision they carry out; how many were new. A key that a channel has had is left
    alone.

    What about the same incident has not gone out on the channel yet goes with it: a new message that nobody has tried
    to send tells this instead, and an older update is dropped for a newer one.
    """
    return sum(_put(session, row, now) for row in rows)


def behind_another() -> ColumnElement[bool]:
    """Whether a delivery waits for an earlier one about the same incident on its channel."""
    other = table(Delivery).alias()
    same = (other.c.alert_id == _DELIVERY.alert_id, other.c.channel == _DELIVERY.channel, other.c.state.in_(OPEN))
    # Not EXISTS: PostgreSQL may make a join of that which compares each with each.
    first = select(func.min(other.c.id)).where(*same).correlate(table(Delivery)).scalar_subquery()
    return func.coalesce(first, _DELIVERY.id) < _DELIVERY.id


def _put(session: Session, row: Mapping[str, Any], now: datetime) -> int:
    defaults = {
        "state": "pending", "mode": Mode.POST.value, "severity": Severity.WARNING.value, "attempts": 0,
        "ambiguous": False, "not_before": now, "created_at": now,
    }  # fmt: skip
    written = insert_new(session, table(Delivery), [defaults | dict(row)], returning=("id", "mode", "severity"))
    if not written:
        return 0
    new = _New(written[0].id, Mode(written[0].mode), Severity(written[0].severity), row["notice"])
    if row["alert_id"] is not None:
        _coalesce(session, new, row["alert_id"], row["channel"])
    else:
        _note_quotations(session, new.id, row["notice"])
    return 1


@dataclass(frozen=True, slots=True)
class _New:
    id: int
    mode: Mode
    severity: Severity
    notice: str


def _coalesce(session: Session, new: _New, alert_id: int, channel: str) -> None:
    """Held in the order of their ids, as by whoever summarises: nobody waits for somebody who waits for them."""
    before = session.connection().execute(
        select(
            _DELIVERY.id, _DELIVERY.mode, _DELIVERY.severity, _DELIVERY.notice, _DELIVERY.attempts,
            _DELIVERY.not_before,
        )
        .where(
            _DELIVERY.alert_id == alert_id, _DELIVERY.channel == channel, _DELIVERY.state == "pending",
            _DELIVERY.id < new.id,
        )
        .order_by(_DELIVERY.id)
        .with_for_update()
    ).mappings().all()  # fmt: skip
    # A try that failed may have arrived all the same, so what it said stays what it said.
    takes = (Mode.POST,) if new.mode is Mode.UPDATE else (Mode.POST, Mode.THREAD)
    untried = [row for row in before if row["mode"] in takes and not row["attempts"]]
    if untried and _fold(session, untried[0], new):
        return
    if new.mode is not Mode.UPDATE:
        return
    older = [row for row in before if row["mode"] == Mode.UPDATE.value]
    for row in older:
        drop(session, row["id"], Reason.SUPERSEDED, new.id)
    if older:
        # In the place of the oldest: an incident that changes all the time must not wait behind the others for ever.
        place = min(row["not_before"] for row in older)
        _change(session, new.id, not_before=place)


def _fold(session: Session, older: RowMapping, new: _New) -> bool:
    """Have a message that nobody has tried to send say what the new one does, which is dropped; whether it can."""
    try:
        notice = refreshed(Notice.from_json(older["notice"]), Notice.from_json(new.notice))
    except ValueError:
        return False
    severity = worst(Severity(older["severity"]), new.severity)
    # What is a message of its own, as one about what has come back, is not hidden in a thread.
    mode = Mode.POST if new.mode is Mode.POST else Mode(older["mode"])
    _change(
        session, older["id"], notice=notice.to_json(), kind=notice.kind.value, severity=severity.value, mode=mode.value
    )
    drop(session, new.id, Reason.TOLD_TOGETHER, older["id"])
    return True


def drop(session: Session, delivery_id: int, reason: Reason, merged_into: int | None = None) -> None:
    """It is not sent. ``merged_into``: what tells of it instead."""
    _change(session, delivery_id, state="dropped", outcome=reason.value, merged_into=merged_into, lease_until=None)


def _change(session: Session, delivery_id: int, **values: Any) -> None:
    session.connection().execute(update(table(Delivery)).where(_DELIVERY.id == delivery_id).values(**values))


def _note_quotations(session: Session, delivery_id: int, stored: str) -> None:
    """What is about no single incident is found by its quotations when one of them must go."""
    try:
        quoted = {one.id for one in Notice.from_json(stored).quotes if one.id is not None}
    except ValueError:
        return
    rows = [{"delivery_id": delivery_id, "mention_brand_id": pair} for pair in sorted(quoted)]
    insert_new(session, table(Quotation), rows, returning=("delivery_id",))
