"""Deliveries handed to senders: one at a time per channel, within its pace and budget, in the order of their worth.

A claim commits "sending" before anything is sent. A sender that dies leaves a lease that runs out; whoever claims next
knows that nobody can tell whether that try arrived, and marks it ambiguous. All of it happens under the channel's lock,
so that as many senders as one likes share one pace and one budget.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, RowMapping, and_, bindparam, case, func, or_, select, update
from sqlmodel import Session

from alerts import announcements, storm
from alerts.channel import Mode
from alerts.notice import Notice, NoticeKind
from alerts.policy import DEFAULT_BUDGET
from alerts.reasons import Reason
from alerts.severity import Severity
from listener.store import channels, outcomes
from listener.store.deliveries import Claim, behind_another, drop, put
from listener.store.tables import Delivery, DeliveryAttempt, Notification, table

_DELIVERY, _ATTEMPT, _TOLD = table(Delivery).c, table(DeliveryAttempt).c, table(Notification).c

_WORST_FIRST = case({one.value: one.rank for one in Severity}, value=_DELIVERY.severity, else_=0).desc()
_URGENT_FIRST = case((_DELIVERY.kind == NoticeKind.CHANNEL_OFF.value, 0), else_=1)
_NEW = _DELIVERY.mode != Mode.UPDATE.value

LONGEST_PAUSE = timedelta(hours=25)
"""What is to wait longer was written before a clock was set back (a channel may ask for a day): it waits no more."""


def claim(
    session: Session,
    channel: str,
    now: datetime,
    lease: timedelta,
    pace: timedelta,
    budget: int = DEFAULT_BUDGET,
    public_url: str = "",
) -> Claim | None:
    """The channel's next delivery; None where nothing may go now: none is due, or the channel waits, is busy or off.

    New messages come before updates of old ones, of which the budget allows so few that updates never wait long; then
    the worst before the less bad, then the older. What is about one incident goes in its order. ``pace``: the least
    time between two sends, ``budget``: the most new messages in any hour, both over all processes. ``public_url``:
    where the summary leads that is written when the budget is used up.

    Of deliveries that others hold none is waited for: whoever waited for one while holding another could be waited for
    in turn.
    """
    state = channels.held(session, channel, now)
    waits = now < state.not_before <= now + LONGEST_PAUSE
    if state.disabled_at is not None or waits or _busy(session, channel, now, lease):
        return None
    _without_message(session, channel, now)
    step = _next_new(session, channel, budget, now)
    if isinstance(step, storm.Go):
        found: int | None = step.id
    elif isinstance(step, storm.Summarise):
        found = _summarise(session, channel, public_url, now)
    else:
        found = _update(session, channel, now)
    taken = None if found is None else _take(session, found, channel, now, lease, pace)
    if isinstance(step, storm.Wait):
        _hold(session, channel, step.until, now)
    return taken


def _busy(session: Session, channel: str, now: datetime, lease: timedelta) -> bool:
    """Whether somebody is sending there: one at a time, so that a 429 meets one sender only. From whoever died, what
    they were sending is taken back."""
    sending = select(_DELIVERY.id, _DELIVERY.attempts, _DELIVERY.lease_until, _DELIVERY.mode).where(
        _DELIVERY.channel == channel, _DELIVERY.state == "sending"
    )
    row = session.connection().execute(sending.with_for_update()).first()
    if row is None:
        return False
    # One that ends later than any that is taken now was taken before the clock was set back.
    if now < row.lease_until <= now + 2 * lease:
        return True
    outcomes.given_up(session, row.id, row.attempts, Mode(row.mode), now)
    return False


def _waiting(channel: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    due = or_(
        _DELIVERY.not_before <= now,
        _DELIVERY.not_before > now + LONGEST_PAUSE,
        _DELIVERY.outcome == Reason.OVER_BUDGET.value,
    )
    return (_DELIVERY.channel == channel, _DELIVERY.state == "pending", due, ~behind_another())


def _next_new(
    session: Session, channel: str, budget: int, now: datetime
) -> storm.Go | storm.Summarise | storm.Wait | None:
    """What becomes of the new messages that wait: as ``storm.next_message`` says, of however many there are."""
    waiting = (*_waiting(channel, now), _NEW)
    first = session.connection().scalar(
        select(_DELIVERY.id).where(*waiting).order_by(_URGENT_FIRST, _WORST_FIRST, _DELIVERY.id).limit(1)
    )
    if first is None:
        return None
    taken = _taken(session, channel, now)
    free = storm.free_places(budget, taken, now)
    if free > 1:
        return storm.Go(int(first))
    if free < 1:
        return storm.Wait(storm.free_from(budget, taken, now))
    return storm.next_message(budget, taken, _telling(session, waiting), now)


def _telling(session: Session, waiting: Sequence[ColumnElement[bool]]) -> list[storm.Waiting]:
    """Of those that wait the two oldest of each sort: what goes next follows from them, be there tens of thousands."""
    sort = (_DELIVERY.severity, _DELIVERY.alert_id.is_(None), _DELIVERY.kind)
    place = func.row_number().over(partition_by=sort, order_by=(_DELIVERY.created_at, _DELIVERY.id)).label("place")
    ranked = select(
        _DELIVERY.id, _DELIVERY.alert_id, _DELIVERY.kind, _DELIVERY.severity, _DELIVERY.created_at, place
    ).where(*waiting).subquery()  # fmt: skip
    rows = session.connection().execute(select(ranked).where(ranked.c.place <= 2).order_by(ranked.c.id))
    return [_as_waiting(row) for row in rows.mappings()]


def _as_waiting(row: RowMapping) -> storm.Waiting:
    return storm.Waiting(
        row["id"], Severity(row["severity"]), row["created_at"], mergeable=row["alert_id"] is not None,
        summary=row["kind"] == NoticeKind.SUMMARY.value, urgent=row["kind"] == NoticeKind.CHANNEL_OFF.value,
    )  # fmt: skip


def _taken(session: Session, channel: str, now: datetime) -> list[datetime]:
    """When the tries of the last hour ended that take a place in the budget."""
    since = now - storm.HOUR
    return list(
        session.connection().scalars(
            select(_ATTEMPT.at)
            .join_from(table(Delivery), table(DeliveryAttempt), _ATTEMPT.delivery_id == _DELIVERY.id)
            .where(
                _DELIVERY.channel == channel, _DELIVERY.maybe_at.is_not(None), _DELIVERY.maybe_at > since, _NEW,
                _ATTEMPT.counts, _ATTEMPT.at > since,
                # What is further ahead than that was tried before a clock was set back.
                _ATTEMPT.at < now + storm.HOUR,
            )
        )
    )  # fmt: skip


def _hold(session: Session, channel: str, until: datetime, now: datetime) -> None:
    """Say of the new messages that wait that they wait for a place, and until when. What says so already is left alone:
    a channel whose budget is used up is asked every second."""
    says_so = and_(_DELIVERY.outcome == Reason.OVER_BUDGET.value, _DELIVERY.not_before == until)
    untold = (
        select(_DELIVERY.id)
        .where(*_waiting(channel, now), _NEW, or_(_DELIVERY.outcome.is_(None), ~says_so))
        .with_for_update(skip_locked=True)
    )
    session.connection().execute(
        update(table(Delivery))
        .where(_DELIVERY.id.in_(untold))
        .values(not_before=until, outcome=Reason.OVER_BUDGET.value)
    )


def _summarise(session: Session, channel: str, public_url: str, now: datetime) -> int | None:
    """Write the one message that tells of all that wait, and mark them as told by it."""
    held = (
        select(_DELIVERY.id, _DELIVERY.notice)
        .where(*_waiting(channel, now), _NEW, _DELIVERY.alert_id.is_not(None))
        .order_by(_DELIVERY.id)
        .with_for_update(skip_locked=True)
    )
    rows = session.connection().execute(held).all()
    told = {row.id: notice for row in rows if (notice := _read(row.notice)) is not None}
    if len(told) < 2:
        return next(iter(told), rows[0].id if rows else None)
    notice = announcements.summary(channel, list(told.values()), public_url, now)
    row = {
        "key": notice.key, "alert_id": None, "channel": channel, "kind": notice.kind.value, "mode": Mode.POST.value,
        "severity": notice.severity.value, "reason": Reason.SUMMARISED.value, "notice": notice.to_json(),
    }  # fmt: skip
    put(session, [row], now)
    written = select(_DELIVERY.id).where(_DELIVERY.key == notice.key, _DELIVERY.channel == channel)
    summary = int(session.connection().execute(written).scalar_one())
    session.connection().execute(
        update(table(Delivery))
        .where(_DELIVERY.id == bindparam("told"))
        .values(state="dropped", outcome=Reason.SUMMARISED.value, merged_into=summary, lease_until=None),
        [{"told": delivery_id} for delivery_id in told],
    )
    return summary


def _read(stored: str) -> Notice | None:
    """None for what cannot be read: nobody can sum it up, and it is dead as soon as it is its turn."""
    try:
        return Notice.from_json(stored)
    except ValueError:
        return None


def _without_message(session: Session, channel: str, now: datetime) -> None:
    """Updates that have no message to change: where that died one becomes a new message, and is dropped where people
    know in another way: from a summary, or because somebody gave the message up."""
    told = (_TOLD.alert_id == _DELIVERY.alert_id, _TOLD.channel == _DELIVERY.channel, _TOLD.ref.is_not(None))
    there = select(_TOLD.alert_id).where(*told).correlate(table(Delivery)).exists()
    due = (
        select(_DELIVERY.id, _DELIVERY.alert_id)
        .where(*_waiting(channel, now), ~_NEW, ~there)
        .order_by(_DELIVERY.id)
        .with_for_update(skip_locked=True)
    )
    for row in session.connection().execute(due).all():
        message = session.connection().scalar(
            select(_DELIVERY.state)
            .where(_DELIVERY.alert_id == row.alert_id, _DELIVERY.channel == channel, _NEW)
            .order_by(_DELIVERY.id.desc())
            .limit(1)
        )
        if message == "dead":
            session.connection().execute(
                update(table(Delivery)).where(_DELIVERY.id == row.id).values(mode=Mode.POST.value)
            )
        else:
            drop(session, row.id, Reason.NOTHING_TO_UPDATE)


def _update(session: Session, channel: str, now: datetime) -> int | None:
    """The update that may go out now."""
    due = select(_DELIVERY.id).where(*_waiting(channel, now), ~_NEW)
    found = session.connection().scalar(due.order_by(_WORST_FIRST, _DELIVERY.not_before, _DELIVERY.id).limit(1))
    return None if found is None else int(found)


def _ref(session: Session, alert_id: int | None, channel: str) -> str | None:
    query = select(_TOLD.ref).where(_TOLD.alert_id == alert_id, _TOLD.channel == channel)
    return session.connection().scalar(query)


def _take(
    session: Session, delivery_id: int, channel: str, now: datetime, lease: timedelta, pace: timedelta
) -> Claim | None:
    pending = select(table(Delivery)).where(_DELIVERY.id == delivery_id, _DELIVERY.state == "pending")
    row = session.connection().execute(pending.with_for_update(skip_locked=True)).mappings().first()
    if row is None:
        # Being written anew, or dropped for something newer since it was looked at.
        return None
    mode = Mode(row["mode"])
    ref = None if mode is Mode.POST else _ref(session, row["alert_id"], channel)
    if mode is Mode.THREAD and ref is None:
        mode = Mode.POST
    attempt, lease_until = row["attempts"] + 1, now + lease
    tries = attempt - row["tries_before"]
    session.connection().execute(
        update(table(Delivery))
        .where(_DELIVERY.id == delivery_id)
        .values(state="sending", mode=mode.value, attempts=attempt, lease_until=lease_until)
    )
    channels.pace(session, channel, now + pace)
    before = _outcomes(session, delivery_id, row["tries_before"])
    return Claim(
        id=delivery_id,
        key=row["key"],
        channel=channel,
        alert_id=row["alert_id"],
        attempt=attempt,
        tries=tries,
        lease_until=lease_until,
        notice=row["notice"],
        mode=mode,
        ref=ref,
        written_at=row["created_at"],
        taken_over=before[:1] == [Reason.LEASE_EXPIRED.value],
        put_off=before.count(Reason.RATE_LIMITED.value),
        in_doubt=row["ambiguous"] and mode is not Mode.UPDATE,
    )


def _outcomes(session: Session, delivery_id: int, tries_before: int) -> list[str]:
    """Of the tries since it was put or last revived, the latest first."""
    query = select(_ATTEMPT.outcome).where(_ATTEMPT.delivery_id == delivery_id, _ATTEMPT.number > tries_before)
    return list(session.connection().scalars(query.order_by(_ATTEMPT.id.desc())))
