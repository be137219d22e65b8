"""Numbers for a monitor: what waits for each stage, deliveries, open incidents. They name no brand, person or channel.

Everything is read from what is still to do, so that it takes as long with a million mentions as with none; a queue
longer than ``MOST`` counts as that long.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, literal, select
from sqlmodel import Session

from alerts.incident import State
from alerts.severity import Severity
from listener.store import health
from listener.store.deliveries import OPEN
from listener.store.tables import Alert, Delivery, Interaction, MentionBrand, Task, table

MOST = 100_000

DELIVERIES = (*OPEN, "dead")
"""States of deliveries that somebody or something still has to look after."""

Numbers = Mapping[str, int] | Mapping[str, float]

_PAIR, _ALERT, _DELIVERY = (table(model).c for model in (MentionBrand, Alert, Delivery))


@dataclass(frozen=True, slots=True)
class Gauges:
    """``backlog``: stage -> how many wait. ``oldest``: stage -> seconds that the oldest has waited. ``deliveries``:
    state -> how many. ``incidents``: severity -> how many are open."""

    backlog: Mapping[str, int]
    oldest: Mapping[str, float]
    deliveries: Mapping[str, int]
    incidents: Mapping[str, int]


def read(session: Session, now: datetime, channels: Sequence[str]) -> Gauges:
    """The numbers now. ``channels``: those set up here; what waits for others waits for a person."""
    deliveries = {state: _counted(session, select(_one()).where(_DELIVERY.state == state)) for state in DELIVERIES}
    waiting = {
        "scoring": select(_one()).where(_PAIR.scored_at.is_(None)),
        "judging": select(_one()).where(_PAIR.scored_at.is_not(None), _PAIR.judged_at.is_(None)),
        "deciding": select(_one()).where(_ALERT.decide_at <= now),
        "buttons": select(_one()).where(table(Interaction).c.done_at.is_(None)),
        "collecting": select(_one()).where(table(Task).c.not_before <= now),
    }
    by_severity = (
        select(_ALERT.severity, func.count()).where(_ALERT.state != State.RESOLVED.value).group_by(_ALERT.severity)
    )
    open_now = {str(severity): int(number) for severity, number in session.connection().execute(by_severity)}
    return Gauges(
        backlog={stage: _counted(session, rows) for stage, rows in waiting.items()}
        | {"delivering": deliveries["pending"], "sending": deliveries["sending"]},
        oldest=health.oldest(session, now, channels),
        deliveries=deliveries,
        incidents={one.value: open_now.get(one.value, 0) for one in Severity},
    )


def _one() -> Any:
    return literal(1).label("one")


def _counted(session: Session, rows: Select[Any]) -> int:
    some = rows.limit(MOST).subquery()
    return int(session.connection().scalar(select(func.count()).select_from(some)) or 0)
