"""Incidents in and out of their table, with their timelines. Whoever changes one holds its row until the end."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Select, and_, case, insert, or_, select, update
from sqlmodel import Session

from alerts.incident import Incident, State
from alerts.life import Event
from alerts.severity import Severity
from listener.store.tables import Alert, AlertEvent, Brand, table

_ALERT = table(Alert).c


def selected() -> Select[Any]:
    """All of an incident's columns, and its brand's name; for ``incident_of``."""
    return select(table(Alert), table(Brand).c.name.label("brand")).join_from(
        table(Alert), table(Brand), table(Brand).c.id == _ALERT.brand_id, isouter=True
    )


def incident_of(row: RowMapping) -> Incident:
    """The incident that a row of ``selected`` holds."""
    return Incident(
        id=row["id"],
        brand=row["brand"],
        rule=row["rule"],
        group=row["group_key"],
        opened_at=row["opened_at"],
        last_at=row["last_at"],
        count=row["count"],
        reach=row["reach"],
        severity=Severity(row["severity"]),
        state=State(row["state"]),
        because=row["because"],
        platforms=frozenset(row["platforms"]),
        languages=frozenset(row["languages"]),
        evidence=row["evidence"],
        version=row["version"],
        acknowledged_at=row["acknowledged_at"],
        acknowledged_by=row["acknowledged_by"],
        assigned_to=row["assigned_to"],
        snoozed_until=row["snoozed_until"],
        answered_at=row["answered_at"],
        resolved_at=row["resolved_at"],
        resolved_by=row["resolved_by"],
        resolved_why=row["resolved_why"],
        reopened=row["reopened"],
    )


def held(session: Session, alert_id: int) -> Incident | None:
    """An incident, held until the transaction ends; None where there is none."""
    query = selected().where(_ALERT.id == alert_id).with_for_update(of=table(Alert), key_share=True)
    row = session.connection().execute(query).mappings().first()
    return None if row is None else incident_of(row)


def near(
    session: Session, brand_id: int, opened: Mapping[str, tuple[datetime, datetime]], also: Collection[int] = ()
) -> list[Incident]:
    """The incidents of a brand that were opened between two moments, by rule (see ``alerts.grouping.horizon``), and
    some by their ids; all of them held until the transaction ends, in the order in which everybody takes several."""
    if not opened and not also:
        return []
    wanted = [
        and_(_ALERT.brand_id == brand_id, _ALERT.rule == rule, _ALERT.opened_at >= start, _ALERT.opened_at <= end)
        for rule, (start, end) in sorted(opened.items())
    ]
    query = selected().where(or_(*wanted, _ALERT.id.in_(sorted(also)))).order_by(_ALERT.id)
    rows = session.connection().execute(query.with_for_update(of=table(Alert), key_share=True)).mappings()
    return [incident_of(row) for row in rows]


def quiet(session: Session, now: datetime, limit: int) -> list[Incident]:
    """Incidents that nothing has come to for so long that they are over, held until the transaction ends; without those
    that somebody else is changing, which is news of them."""
    query = selected().where(_ALERT.ends_at <= now).order_by(_ALERT.id).limit(limit)
    rows = session.connection().execute(query.with_for_update(of=table(Alert), key_share=True, skip_locked=True))
    return [incident_of(row) for row in rows.mappings()]


def end_at(session: Session, alert_ids: Sequence[int], when: datetime | None) -> None:
    """Have incidents end by themselves then, unless a mention comes before; None = never."""
    if alert_ids:
        session.connection().execute(update(table(Alert)).where(_ALERT.id.in_(alert_ids)).values(ends_at=when))


def unresolved(session: Session, brand_id: int | None, rule: str) -> list[Incident]:
    """The incidents of a brand (None: of no single one) and rule that are not over."""
    query = selected().where(_ALERT.brand_id == brand_id, _ALERT.rule == rule, _ALERT.state != State.RESOLVED.value)
    return [incident_of(row) for row in session.connection().execute(query.order_by(_ALERT.id)).mappings()]


def open_new(session: Session, brand_id: int | None, incident: Incident, now: datetime) -> int:
    """Store a new incident, to be decided upon at once; its id."""
    values = _columns(incident) | {"brand_id": brand_id, "created_at": now, "changed_at": now, "decide_at": now}
    row = Alert(**values)
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def save(session: Session, incident: Incident, now: datetime) -> None:
    """Store how an incident has changed, and have it decided upon at once."""
    # What is due already stays due.
    due = case((_ALERT.decide_at <= now, _ALERT.decide_at), else_=now)
    values = _columns(incident) | {"changed_at": now, "decide_at": due}
    session.connection().execute(update(table(Alert)).where(_ALERT.id == incident.id).values(**values))


def note(session: Session, alert_id: int, events: Iterable[Event]) -> None:
    """Add to an incident's timeline."""
    rows = [
        {"alert_id": alert_id, "at": event.at, "kind": event.kind.value, "actor": event.actor,
         "detail": dict(event.detail)}
        for event in events
    ]  # fmt: skip
    if rows:
        session.connection().execute(insert(table(AlertEvent)), rows)


def timeline(session: Session, alert_id: int) -> Sequence[RowMapping]:
    """An incident's timeline, oldest first."""
    event = table(AlertEvent).c
    query = select(event.at, event.kind, event.actor, event.detail).where(event.alert_id == alert_id)
    return session.connection().execute(query.order_by(event.at, event.id)).mappings().all()


def _columns(incident: Incident) -> dict[str, Any]:
    return {
        "rule": incident.rule,
        "group_key": incident.group,
        "opened_at": incident.opened_at,
        "last_at": incident.last_at,
        "count": incident.count,
        "reach": incident.reach,
        "severity": incident.severity.value,
        "state": incident.state.value,
        "because": incident.because,
        "platforms": sorted(incident.platforms),
        "languages": sorted(incident.languages),
        "evidence": dict(incident.evidence),
        "version": incident.version,
        "acknowledged_at": incident.acknowledged_at,
        "acknowledged_by": incident.acknowledged_by,
        "assigned_to": incident.assigned_to,
        "snoozed_until": incident.snoozed_until,
        "answered_at": incident.answered_at,
        "resolved_at": incident.resolved_at,
        "resolved_by": incident.resolved_by,
        "resolved_why": incident.resolved_why,
        "reopened": incident.reopened,
    }
