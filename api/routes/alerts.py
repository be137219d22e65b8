"""Incidents, and what became of the messages about them."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from api.routes.dependencies import Before, BrandName, Id, Limit, Reading
from listener.store import read

router = APIRouter(prefix="/api/alerts", tags=["alerts"])


class Attempt(BaseModel):
    """One try at sending a message."""

    number: int
    at: datetime
    outcome: str = Field(description="A named reason.")
    detail: str


class Delivery(BaseModel):
    """A message about an incident for one channel."""

    id: int
    key: str = Field(description="The stable id that the message itself carries.")
    channel: str
    kind: Literal["opened", "grew"]
    reason: str = Field(description="Why it was decided to send it.")
    state: Literal["pending", "sending", "sent", "dead"]
    outcome: str | None = Field(description="What the last try came to.")
    ambiguous: bool = Field(
        description="A try ended so that nobody can know whether it arrived: it may be there twice."
    )
    attempts: int
    not_before: datetime
    created_at: datetime
    sent_at: datetime | None
    log: list[Attempt]


class Alert(BaseModel):
    """An incident: what one rule found about one brand within a window."""

    id: int
    brand: str
    rule: str
    opened_at: datetime = Field(description="When its first mention was written.")
    last_at: datetime = Field(description="When its latest mention was written.")
    count: int = Field(description="Mentions in it.")
    reach: int = Field(description="People its mentions may have reached, as far as known, counted once per mention.")
    notified_count: int = Field(description="Its size when people were last told.")
    created_at: datetime
    deliveries: list[Delivery]


class Alerts(BaseModel):
    """A page of incidents, the latest first."""

    items: list[Alert]
    next: int | None = Field(description="`before` of the next page; null = there is none.")


@router.get("", summary="List alerts")
def list_alerts(session: Reading, brand: BrandName = None, before: Before = None, limit: Limit = 50) -> Alerts:
    """Incidents with their deliveries, the latest first."""
    rows = read.alerts(session, brand=brand, before=before, limit=limit + 1)
    items = [Alert.model_validate(row) for row in rows[:limit]]
    return Alerts(items=items, next=items[-1].id if len(rows) > limit else None)


@router.get("/{alert_id}", summary="One alert", responses={404: {"description": "There is no such alert."}})
def one_alert(session: Reading, alert_id: Id) -> Alert:
    """One incident with its deliveries and what every try came to."""
    rows = read.alerts(session, alert_id=alert_id)
    if not rows:
        raise HTTPException(404, f"there is no alert {alert_id}")
    return Alert.model_validate(rows[0])
