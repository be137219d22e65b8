"""Incidents: lists of them, and one with everything that is known about it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query

from alerts.severity import Severity
from api.access import needs
from api.routes.alert_models import Alert, Alerts, Whole
from api.routes.dependencies import Before, BrandName, Id, Limit, Reading, named
from listener import clock
from listener.access import Caller, Permission
from listener.store import inbox
from listener.store.dossier import dossier

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

NOT_THERE: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such alert."}}


def not_there(alert_id: int) -> HTTPException:
    """What is answered where there is no such incident."""
    return HTTPException(404, f"there is no alert {alert_id}; /api/v1/alerts lists those there are")


Reader = Annotated[Caller, needs(Permission.READ_ALERTS)]


def wanted(
    brand: BrandName = None,
    rule: Annotated[str | None, Query(max_length=100, description="Only of this rule.")] = None,
    state: Annotated[
        Literal["open", "acknowledged", "snoozed", "resolved", "unresolved"] | None,
        Query(description="Only in this state; unresolved = all that are not over."),
    ] = None,
    severity: Annotated[Severity | None, Query(description="Only of this severity.")] = None,
    assignee: Annotated[
        str | None, Query(max_length=200, description="Only those assigned to them; nobody = those without.")
    ] = None,
    team: Annotated[str | None, Query(max_length=200, description="Only those routed to this team.")] = None,
    text: Annotated[
        str | None,
        Query(max_length=200, description="Only those that name it: in what was found, rule, brand, team, assignee."),
    ] = None,
) -> inbox.Wanted:
    """Which incidents."""
    return inbox.Wanted(state, severity, rule, brand, assignee, team, text)


Asked = Annotated[inbox.Wanted, Depends(wanted)]


@router.get("", summary="List alerts", responses={404: {"description": "There is no brand of that name for you."}})
def list_alerts(asking: Reader, session: Reading, asked: Asked, before: Before = None, limit: Limit = 50) -> Alerts:
    """Incidents of the caller's brands with their deliveries, the latest first."""
    brands = asking.brands(Permission.READ_ALERTS)
    named(session, [asked.brand], brands)
    rows = inbox.listed(session, asked, brands=brands, before=before, limit=limit + 1)
    items = [Alert.model_validate(row) for row in rows[:limit]]
    return Alerts(items=items, next=items[-1].id if len(rows) > limit else None)


@router.get("/{alert_id}", summary="One alert", responses=NOT_THERE)
def one_alert(asking: Reader, session: Reading, alert_id: Id) -> Whole:
    """One incident: its life, what was told of it and what was held back and why, and what to read before answering."""
    found = dossier(session, alert_id, clock.now(), brands=asking.brands(Permission.READ_ALERTS))
    if found is None:
        raise not_there(alert_id)
    return Whole.of(found)
