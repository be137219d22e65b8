"""The audit: who changed or exported what."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from api.access import needs
from api.routes.dependencies import Before, Limit, Moment, Reading
from listener.access import Caller, Permission
from listener.store import audit

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])

Word = Annotated[str | None, Query(max_length=500)]


class Entry(BaseModel):
    """One thing that somebody did."""

    id: int
    at: datetime
    actor: str = Field(description="A user's name, or a key's with how it begins.")
    action: str = Field(description="Such as `brand.edited` or `export.mentions`.")
    subject: str = Field(description="What it was done to.")
    detail: dict[str, Any]


class Entries(BaseModel):
    """A page of what was done, the latest first."""

    items: list[Entry]
    next: int | None = Field(description="`before` of the next page; null = this is the last.")


def wanted(
    actor: Word = None,
    action: Annotated[
        str | None, Query(max_length=100, description="This one, or all that begin with it and a dot: `user`.")
    ] = None,
    subject: Word = None,
    since: Annotated[Moment | None, Query(description="Not before this moment.")] = None,
    until: Annotated[Moment | None, Query(description="Before this moment.")] = None,
) -> dict[str, Any]:
    """Which entries, as ``listener.store.audit.listed`` takes it."""
    return {"actor": actor, "action": action, "subject": subject, "since": since, "until": until}


Asked = Annotated[dict[str, Any], Depends(wanted)]


@router.get("", summary="Read the audit")
def read_audit(
    asking: Annotated[Caller, needs(Permission.AUDIT)],  # noqa: ARG001
    session: Reading,
    asked: Asked,
    limit: Limit = 50,
    before: Before = None,
) -> Entries:
    """What was changed and exported, by whom, and when. What became of an incident stands in its own timeline."""
    found = audit.listed(session, **asked, before=before, limit=limit + 1)
    shown = found[:limit]
    items = [Entry.model_validate(one, from_attributes=True) for one in shown]
    return Entries(items=items, next=shown[-1].id if len(found) > limit else None)
