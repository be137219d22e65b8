"""Incidents as people see them: listed by filters, each with what became of the messages about it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlmodel import Session

from alerts.incident import State
from alerts.severity import Severity
from listener.store.callers import among
from listener.store.tables import Alert, Brand, Delivery, DeliveryAttempt, table

UNRESOLVED = "unresolved"
"""All incidents that are not over, where a state is asked for."""

NOBODY = "nobody"
"""Incidents that nobody has, where an assignee is asked for."""

_ALERT, _BRAND, _DELIVERY = table(Alert).c, table(Brand).c, table(Delivery).c

_OVER = _ALERT.state == State.RESOLVED.value


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which incidents; None = any. ``state``: one of ``alerts.incident.State``, or UNRESOLVED. ``assignee``: a name, or
    NOBODY. ``text``: part of what was found, of the rule, or of the name of the brand, the team or whoever has it."""

    state: str | None = None
    severity: str | None = None
    rule: str | None = None
    brand: str | None = None
    assignee: str | None = None
    team: str | None = None
    text: str | None = None


ALL = Wanted()


def listed(
    session: Session,
    wanted: Wanted = ALL,
    *,
    brands: frozenset[int] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Incidents, the latest first, each with its deliveries and what every attempt came to.

    ``brands``: only of these (``Caller.brands``); ``before``: the id after which the last page ended.
    """
    return _with_deliveries(session, rows(session, wanted, brands=brands, before=before, limit=limit))


def rows(
    session: Session,
    wanted: Wanted = ALL,
    *,
    brands: frozenset[int] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """The same without their deliveries, of which there may be thousands."""
    query = _selected().where(among(_ALERT.brand_id, brands), *_conditions(wanted))
    if before is not None:
        query = query.where(_ALERT.id < before)
    return _read(session, query.order_by(_ALERT.id.desc()).limit(limit))


def one(session: Session, alert_id: int, brands: frozenset[int] | None = None) -> dict[str, Any] | None:
    """The incident of this id, as ``listed`` gives it; None where there is none among these brands."""
    query = _selected().where(_ALERT.id == alert_id, among(_ALERT.brand_id, brands))
    return next(iter(_with_deliveries(session, _read(session, query))), None)


def is_among(session: Session, alert_id: int, brands: frozenset[int] | None) -> bool:
    """Whether there is such an incident, and it is of one of these brands."""
    query = select(_ALERT.id).where(_ALERT.id == alert_id, among(_ALERT.brand_id, brands))
    return session.connection().scalar(query) is not None


def waiting(session: Session, brands: frozenset[int] | None, limit: int) -> list[dict[str, Any]]:
    """Incidents that want somebody now: not over and not snoozed, the most severe first, those nobody has seen before
    those that somebody has, the longest open first. Without their deliveries."""
    severity = case({one.value: one.rank for one in Severity}, value=_ALERT.severity, else_=0)
    seen = case((_ALERT.state == State.OPEN.value, 0), else_=1)
    query = (
        _selected()
        .where(~_OVER, _ALERT.state != State.SNOOZED.value, among(_ALERT.brand_id, brands))
        .order_by(severity.desc(), seen, _ALERT.created_at, _ALERT.id)
        .limit(limit)
    )
    return _read(session, query)


def standing(session: Session, brands: frozenset[int] | None) -> dict[str, int]:
    """How many incidents that are not over are in each state."""
    query = select(_ALERT.state, func.count().label("number")).where(~_OVER, among(_ALERT.brand_id, brands))
    return {row.state: row.number for row in session.connection().execute(query.group_by(_ALERT.state))}


def teams(session: Session, brands: frozenset[int] | None) -> list[str]:
    """The teams that incidents which are not over were routed to."""
    query = select(_ALERT.team).where(~_OVER, _ALERT.team.is_not(None), among(_ALERT.brand_id, brands)).distinct()
    return sorted(session.connection().scalars(query))


def _selected() -> Select[Any]:
    return select(table(Alert), _BRAND.name.label("brand")).join_from(
        table(Alert), table(Brand), _BRAND.id == _ALERT.brand_id, isouter=True
    )


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    equal = (
        (_ALERT.severity, wanted.severity), (_ALERT.rule, wanted.rule), (_BRAND.name, wanted.brand),
        (_ALERT.team, wanted.team),
        (_ALERT.state, None if wanted.state == UNRESOLVED else wanted.state),
        (_ALERT.assigned_to, None if wanted.assignee == NOBODY else wanted.assignee),
    )  # fmt: skip
    found = [column == value for column, value in equal if value is not None]
    if wanted.state == UNRESOLVED:
        found.append(~_OVER)
    if wanted.assignee == NOBODY:
        found.append(_ALERT.assigned_to.is_(None))
    if wanted.text is not None:
        places = (_ALERT.because, _ALERT.rule, _BRAND.name, _ALERT.team, _ALERT.assigned_to)
        found.append(or_(*(place.icontains(wanted.text, autoescape=True) for place in places)))
    return found


def _read(session: Session, query: Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in session.connection().execute(query).mappings()]


def _with_deliveries(session: Session, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    by_alert = _deliveries(session, [alert["id"] for alert in found])
    return [alert | {"deliveries": by_alert.get(alert["id"], [])} for alert in found]


def _deliveries(session: Session, alert_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    attempt = table(DeliveryAttempt).c
    mine = _DELIVERY.alert_id.in_(alert_ids)
    sent = session.connection().execute(
        select(
            _DELIVERY.id, _DELIVERY.alert_id, _DELIVERY.key, _DELIVERY.channel, _DELIVERY.kind, _DELIVERY.reason,
            _DELIVERY.state, _DELIVERY.outcome, _DELIVERY.ambiguous, _DELIVERY.attempts, _DELIVERY.not_before,
            _DELIVERY.created_at, _DELIVERY.sent_at,
        )
        .where(mine)
        .order_by(_DELIVERY.id)
    ).mappings().all()  # fmt: skip
    tries = session.connection().execute(
        select(attempt.delivery_id, attempt.number, attempt.at, attempt.outcome, attempt.detail)
        .join_from(table(DeliveryAttempt), table(Delivery), _DELIVERY.id == attempt.delivery_id)
        .where(mine)
        .order_by(attempt.id)
    ).mappings()  # fmt: skip
    logs: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for entry in tries:
        logs[entry["delivery_id"]].append(dict(entry))
    result: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in sent:
        result[row["alert_id"]].append(dict(row) | {"log": logs[row["id"]]})
    return result
