"""Incidents: lists of them, and one with everything that is known about it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query

from alerts.severity import Severity
from api.access import needs
from api.routes.alert_models import Alert, Alerts, Whole
from api.routes.dependencies import Before, BrandName, Id, Limit, Reading
from listener import clock
from listener.access import Permission
from listener.store import read
from listener.store.dossier import dossier

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"], dependencies=[needs(Permission.READ_ALERTS)])

NOT_THERE: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such alert."}}


def not_there(alert_id: int) -> HTTPException:
    """What is answered where there is no such incident."""
    return HTTPException(404, f"there is no alert {alert_id}; /api/v1/alerts lists those there are")


@router.get("", summary="List alerts")
def list_alerts(
    session: Reading,
    brand: BrandName = None,
    rule: Annotated[str | None, Query(max_length=100, description="Only of this rule.")] = None,
    state: Annotated[
        Literal["open", "acknowledged", "snoozed", "resolved", "unresolved"] | None,
        Query(description="Only in this state; unresolved = all that are not over."),
    ] = None,
    severity: Annotated[Severity | None, Query(description="Only of this severity.")] = None,
    assignee: Annotated[str | None, Query(max_length=200, description="Only those assigned to them.")] = None,
    team: Annotated[str | None, Query(max_length=200, description="Only those routed to this team.")] = None,
    before: Before = None,
    limit: Limit = 50,
) -> Alerts:
    """Incidents with their deliveries, the latest first."""
    rows = read.alerts(
        session, brand=brand, rule=rule, state=state, severity=severity, assignee=assignee, team=team, before=before,
        limit=limit + 1,
    )  # fmt: skip
    items = [Alert.model_validate(row) for row in rows[:limit]]
    return Alerts(items=items, next=items[-1].id if len(rows) > limit else None)


@router.get("/{alert_id}", summary="One alert", responses=NOT_THERE)
def one_alert(session: Reading, alert_id: Id) -> Whole:
    """One incident: its life, what was told of it and what was held back and why, and what to read before answering."""
    found = dossier(session, alert_id, clock.now())
    if found is None:
        raise not_there(alert_id)
    return Whole.of(found)
