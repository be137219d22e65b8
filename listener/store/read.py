"""What the faces show: lists, totals and whether anything is stuck. Nothing here writes."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, func, or_, select
from sqlmodel import Session

from alerts.wording import moment
from listener.store.brands import collect_job, scheduled_sources
from listener.store.deliveries import OPEN, behind_another
from listener.store.tables import (
    Alert,
    AlertMention,
    Author,
    Brand,
    ChannelState,
    Delivery,
    DeliveryAttempt,
    Mention,
    MentionBrand,
    RollupHour,
    Score,
    Source,
    Task,
    table,
)

_PAIR, _MENTION, _BRAND, _SCORE, _AUTHOR = (table(model).c for model in (MentionBrand, Mention, Brand, Score, Author))
_ALERT, _DELIVERY = table(Alert).c, table(Delivery).c

_GAP_IS_NEWS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over everything kept. ``mentions`` are pairs of a mention and a brand: one about two brands is two."""

    mentions: int
    scored: int
    promoters: int
    passives: int
    detractors: int
    alerts: int
    delivered: int


@dataclass(frozen=True, slots=True)
class Pending:
    """What the stages still have to do."""

    unscored: int
    unjudged: int
    undelivered: int

    @property
    def nothing(self) -> bool:
        """Whether every stage is done."""
        return not (self.unscored or self.unjudged or self.undelivered)


def totals(session: Session) -> Totals:
    """The counts, read from the hourly rollups; only what is not scored yet is counted row by row."""
    rollup = table(RollupHour).c
    rows = session.connection().execute(select(rollup.label, func.sum(rollup.mentions)).group_by(rollup.label))
    labels: dict[str, int] = {label: int(count) for label, count in rows}
    scored = sum(labels.values())
    return Totals(
        mentions=scored + _count(session, select(func.count()).where(_PAIR.scored_at.is_(None))),
        scored=scored,
        promoters=labels.get("promoter", 0),
        passives=labels.get("passive", 0),
        detractors=labels.get("detractor", 0),
        alerts=_count(session, select(func.count()).select_from(table(Alert))),
        delivered=_count(session, select(func.count()).where(_DELIVERY.state == "sent")),
    )


def pending(session: Session, channels: Sequence[str]) -> Pending:
    """What is left for the stages; deliveries on channels other than ``channels``, or on ones that are off, are not."""
    state = table(ChannelState).c
    off = select(state.name).where(state.disabled_at.is_not(None))
    unjudged = select(func.count()).where(_PAIR.scored_at.is_not(None), _PAIR.judged_at.is_(None))
    undelivered = select(func.count()).where(
        _DELIVERY.state.in_(OPEN), _DELIVERY.channel.in_(channels), _DELIVERY.channel.not_in(off)
    )
    return Pending(
        unscored=_count(session, select(func.count()).where(_PAIR.scored_at.is_(None))),
        unjudged=_count(session, unjudged),
        undelivered=_count(session, undelivered),
    )


def movement(session: Session) -> tuple[int, ...]:
    """Numbers that change, besides the totals, whenever a list would look different: judged, grouped, delivered."""
    rows = session.connection().execute(select(_DELIVERY.state, func.count().label("number")).group_by(_DELIVERY.state))
    by_state = {row.state: row.number for row in rows}
    return (
        _count(session, select(func.count()).where(_PAIR.scored_at.is_not(None), _PAIR.judged_at.is_(None))),
        _count(session, select(func.sum(_ALERT.count))),
        *(by_state.get(state, 0) for state in ("pending", "sending", "sent", "dead")),
    )


def mentions(
    session: Session,
    *,
    brand: str | None = None,
    label: str | None = None,
    source: str | None = None,
    alert_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Sequence[RowMapping]:
    """Mentions with their scores, the latest stored first. ``before``: the id after which the last page ended.

    With ``alert_id`` those of one incident, each with ``notice``: the named reason why people were or were not told
    when it joined.
    """
    latest = select(func.max(_SCORE.id)).where(_SCORE.mention_brand_id == _PAIR.id).correlate(table(MentionBrand))
    query: Select[Any] = (
        select(
            _PAIR.id, _BRAND.name.label("brand"), _PAIR.spans, _PAIR.label, _PAIR.scored_at, _PAIR.judged_at,
            _PAIR.verdict, _MENTION.kind.label("source"), _MENTION.native_id, _MENTION.title, _MENTION.text,
            _MENTION.url, func.coalesce(_MENTION.lang, _SCORE.lang).label("lang"), _MENTION.reach,
            _MENTION.created_at, _MENTION.collected_at, func.coalesce(_AUTHOR.handle, _AUTHOR.name).label("author"),
            _SCORE.polarity, _SCORE.stance, _SCORE.model, _SCORE.revision,
        )
        .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
        .join(table(Brand), _BRAND.id == _PAIR.brand_id)
        .outerjoin(table(Author), _AUTHOR.id == _MENTION.author_id)
        .outerjoin(table(Score), _SCORE.id == latest.scalar_subquery())
        .order_by(_PAIR.id.desc())
        .limit(limit)
    )  # fmt: skip
    query = _filtered(query, {_BRAND.name: brand, _PAIR.label: label, _MENTION.kind: source})
    if alert_id is not None:
        member = table(AlertMention).c
        query = query.join(table(AlertMention), member.mention_brand_id == _PAIR.id).where(member.alert_id == alert_id)
        query = query.add_columns(member.reason.label("notice"))
    if before is not None:
        query = query.where(_PAIR.id < before)
    return session.connection().execute(query).mappings().all()


def alerts(
    session: Session,
    *,
    brand: str | None = None,
    alert_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Incidents, the latest first, each with its deliveries and what every attempt came to."""
    query: Select[Any] = (
        select(table(Alert), _BRAND.name.label("brand"))
        .join_from(table(Alert), table(Brand), _BRAND.id == _ALERT.brand_id)
        .order_by(_ALERT.id.desc())
        .limit(limit)
    )
    query = _filtered(query, {_BRAND.name: brand, _ALERT.id: alert_id})
    if before is not None:
        query = query.where(_ALERT.id < before)
    found = [dict(row) for row in session.connection().execute(query).mappings()]
    by_alert = _deliveries(session, [alert["id"] for alert in found])
    return [alert | {"deliveries": by_alert.get(alert["id"], [])} for alert in found]


def stuck(session: Session, now: datetime, patience: timedelta, channels: Sequence[str]) -> list[str]:
    """What should have moved on ``patience`` ago and has not, in words; empty = all is well.

    A long queue that moves is late, not stuck: scoring and delivering count as stuck when nothing came out of them
    for as long, too.
    """
    late = now - patience
    attempt, score = table(DeliveryAttempt).c, table(Score).c
    scored_at = select(score.created_at).order_by(score.id.desc()).limit(1)
    tried_at = select(attempt.at).order_by(attempt.id.desc()).limit(1)
    # Without those in a scorer's hands, and those set aside because they cannot be scored.
    free = or_(_PAIR.lease_until.is_(None), _PAIR.lease_until <= now)
    first_unscored = select(func.min(_PAIR.id)).where(_PAIR.scored_at.is_(None), free).scalar_subquery()
    due = (_DELIVERY.channel.in_(channels), _DELIVERY.channel.not_in(_waiting(late)), ~behind_another())
    checks: list[tuple[str, Select[Any], Select[Any] | None]] = [
        (
            "mentions wait to be scored since",
            select(_MENTION.collected_at)
            .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
            .where(_PAIR.id == first_unscored),
            scored_at,
        ),
        (
            "scored mentions wait to be judged since",
            select(func.min(_PAIR.scored_at)).where(_PAIR.scored_at.is_not(None), _PAIR.judged_at.is_(None)),
            None,
        ),
        (
            "deliveries are due since",
            select(func.min(_DELIVERY.not_before)).where(_DELIVERY.state == "pending", *due),
            tried_at,
        ),
        (
            "deliveries were begun and not finished since",
            select(func.min(_DELIVERY.lease_until)).where(_DELIVERY.state == "sending", *due),
            None,
        ),
        (
            "sources wait to be read since",
            select(func.min(table(Task).c.not_before)).where(
                or_(table(Task).c.lease_until.is_(None), table(Task).c.lease_until < late)
            ),
            None,
        ),
    ]
    problems = []
    for what, waiting, progress in checks:
        since = session.connection().scalar(waiting)
        if since is None or since >= late:
            continue
        moved = session.connection().scalar(progress) if progress is not None else None
        if moved is None or moved < late:
            problems.append(f"{what} {moment(since)}")
    return problems + _not_fired(session, now, patience)


def attention(session: Session, now: datetime, patience: timedelta, channels: Sequence[str]) -> list[str]:
    """What waits for a person: sources that stopped or are not read well, channels that are off, deliveries that
    are dead or meant for none of ``channels``, which are those set up here.

    ``patience``: how late a source may be without being mentioned. Imports are not: whoever began one has been told.
    """
    state = table(ChannelState).c
    off = select(state.name, state.disabled_reason).where(state.disabled_at.is_not(None)).order_by(state.name)
    lost = (
        select(_DELIVERY.channel, func.count())
        .where(_DELIVERY.state.in_(OPEN), _DELIVERY.channel.not_in(channels))
        .group_by(_DELIVERY.channel)
        .order_by(_DELIVERY.channel)
    )
    found = _ailing(session, now, patience)
    found += [f"channel {name} is off: {reason}" for name, reason in session.connection().execute(off)]
    for name, number in session.connection().execute(lost):
        what = "delivery waits" if number == 1 else "deliveries wait"
        found.append(f"{number} {what} for channel {name}, which is not set up")
    if dead := _count(session, select(func.count()).where(_DELIVERY.state == "dead")):
        found.append(f"{dead} {'delivery is' if dead == 1 else 'deliveries are'} dead")
    return found


def _ailing(session: Session, now: datetime, patience: timedelta) -> list[str]:
    """The sources read on a schedule that a person should look at, in words."""
    task = table(Task).c
    being_read = set(session.connection().scalars(select(task.key).where(task.lease_until > now)))
    found = []
    for source in scheduled_sources(session, stopped=True):
        mend = f"mend it and restart, or run `escucha collect --once {shlex.quote(source.name)}`"
        read_well = source.last_success_at or source.created_at
        if source.stopped:
            found.append(f"source {source.name} stopped: {source.last_error}; {mend}")
        elif now - read_well > _every(source) + patience and (
            source.last_error or collect_job(source.id or 0) not in being_read
        ):
            last = f"was last read well at {moment(read_well)}" if source.last_success_at else "was never read well"
            found.append(f"source {source.name} {last}: {source.last_error or 'is `escucha run` running?'}")
        elif source.last_gap_at is not None and now - source.last_gap_at < _GAP_IS_NEWS:
            gap = f"had more than it hands out at once at {moment(source.last_gap_at)}, so mentions are missing"
            found.append(f"source {source.name} {gap}; read it more often (every)")
    return found


def _not_fired(session: Session, now: datetime, patience: timedelta) -> list[str]:
    """Sources that are overdue although nothing is wrong with them: no scheduler queues them."""
    task = table(Task).c
    # Once it is queued, the age of the task says whether workers come for it; and a long run notes itself at its end.
    queued = set(session.connection().scalars(select(task.key)))
    due = [
        _last_run(source, now) + _every(source)
        for source in scheduled_sources(session)
        if source.last_error is None and collect_job(source.id or 0) not in queued
    ]
    since = min(due, default=now)
    return [f"sources wait to be queued since {moment(since)}"] if since < now - patience else []


def _last_run(source: Source, now: datetime) -> datetime:
    """When it was read last; a time to come was a wrong clock's and says nothing."""
    last = source.last_run_at
    return source.created_at if last is None or last > now else last


def _every(source: Source) -> timedelta:
    return timedelta(seconds=source.every_s or 0)


def _waiting(late: datetime) -> Select[Any]:
    """Channels that are off or were told to wait: their deliveries are not stuck."""
    state = table(ChannelState).c
    return select(state.name).where(or_(state.disabled_at.is_not(None), state.not_before > late))


def _deliveries(session: Session, alert_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    attempt = table(DeliveryAttempt).c
    rows = session.connection().execute(
        select(
            _DELIVERY.id, _DELIVERY.alert_id, _DELIVERY.key, _DELIVERY.channel, _DELIVERY.kind, _DELIVERY.reason,
            _DELIVERY.state, _DELIVERY.outcome, _DELIVERY.ambiguous, _DELIVERY.attempts, _DELIVERY.not_before,
            _DELIVERY.created_at, _DELIVERY.sent_at,
        )
        .where(_DELIVERY.alert_id.in_(alert_ids))
        .order_by(_DELIVERY.id)
    ).mappings().all()  # fmt: skip
    tries = session.connection().execute(
        select(attempt.delivery_id, attempt.number, attempt.at, attempt.outcome, attempt.detail)
        .where(attempt.delivery_id.in_([row["id"] for row in rows]))
        .order_by(attempt.id)
    ).mappings().all()  # fmt: skip
    result: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        log = [dict(entry) for entry in tries if entry["delivery_id"] == row["id"]]
        result.setdefault(row["alert_id"], []).append(dict(row) | {"log": log})
    return result


def _filtered(query: Select[Any], wanted: Mapping[ColumnElement[Any], Any]) -> Select[Any]:
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    return query


def _count(session: Session, query: Select[Any]) -> int:
    return int(session.connection().scalar(query) or 0)
