"""The episodes of incidents, for figures of how soon people acted (``alerts.service``)."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import RowMapping, or_, select
from sqlmodel import Session

from alerts.life import Event, EventKind
from alerts.service import Episode, episodes
from alerts.severity import Severity
from listener.store.callers import among
from listener.store.tables import Alert, AlertEvent, Brand, table

_ALERT, _EVENT, _BRAND = table(Alert).c, table(AlertEvent).c, table(Brand).c

_TELLING = tuple(
    kind.value
    for kind in (
        EventKind.ACKNOWLEDGED, EventKind.ASSIGNED, EventKind.ANSWERED, EventKind.RESOLVED, EventKind.ENDED,
        EventKind.REOPENED, EventKind.TOLD, EventKind.ESCALATED,
    )
)  # fmt: skip


def episodes_since(
    session: Session, since: datetime, *, brand: str | None = None, brands: frozenset[int] | None = None
) -> list[Episode]:
    """The episodes that began at ``since`` or later, incident by incident; of one brand, and of some (None = all).

    Timelines of incidents from before Escucha kept them tell nothing; such an incident has no episode.
    """
    reopened = select(_EVENT.alert_id).where(_EVENT.kind == EventKind.REOPENED.value, _EVENT.at >= since)
    wanted = [or_(_ALERT.created_at >= since, _ALERT.id.in_(reopened))]
    wanted.append(among(_ALERT.brand_id, brands))
    if brand is not None:
        wanted.append(_BRAND.name == brand)
    about = (
        select(_ALERT.id, _BRAND.name.label("brand"), _ALERT.rule, _ALERT.severity, _ALERT.team, _ALERT.created_at)
        .join_from(table(Alert), table(Brand), _BRAND.id == _ALERT.brand_id, isouter=True)
        .where(*wanted)
    )
    ids = about.with_only_columns(_ALERT.id)
    opened = select(_EVENT.alert_id).where(_EVENT.kind == EventKind.OPENED.value)
    timelines: dict[int, list[Event]] = defaultdict(list)
    events = select(_EVENT.alert_id, _EVENT.at, _EVENT.kind, _EVENT.actor, _EVENT.detail).where(
        _EVENT.alert_id.in_(ids), _EVENT.kind.in_(_TELLING)
    )
    for row in session.connection().execute(events.order_by(_EVENT.at, _EVENT.id)):
        timelines[row.alert_id].append(Event(row.at, EventKind(row.kind), row.actor, row.detail))
    found = []
    rows = session.connection().execute(about.where(_ALERT.id.in_(opened)).order_by(_ALERT.id)).mappings()
    for first in map(_first, rows):
        found += [one for one in episodes(first, timelines[first.incident]) if one.started >= since]
    return found


def _first(row: RowMapping) -> Episode:
    return Episode(
        incident=row["id"],
        brand=row["brand"],
        rule=row["rule"],
        severity=Severity(row["severity"]),
        team=row["team"],
        started=row["created_at"],
    )
