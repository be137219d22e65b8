"""Exports: what lists show, as a file of any length. The last line says that nothing is missing."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import StreamingResponse

from alerts.severity import Severity
from api.access import needs
from api.asked_mentions import Asked as AskedMentions
from api.downloads import Download
from api.routes.dependencies import BrandName, Installed, Moment
from api.routes.mentions import unreadable
from api.routes.promoters import Asked
from listener import clock
from listener.access import Caller, Permission
from listener.query import QueryError
from listener.reuse import Standing
from listener.store import exports, inbox
from listener.store.exports import Sheet
from listener.tabular import Format

router = APIRouter(prefix="/api/v1/exports", tags=["exports"])

Kind = Annotated[Format, Path(description="csv or jsonl.")]
Exporter = Annotated[Caller, needs(Permission.EXPORT)]

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The rows, and a last line that says how many they are; a file without it was cut off.",
        "content": {"text/csv": {"schema": {"type": "string"}}, "application/jsonl": {"schema": {"type": "string"}}},
    },
    422: {"description": "`words` are no query, or there is no such format."},
}


class Only(StrEnum):
    """Which promoters: those whose author allows it as things stand, or all."""

    GRANTED = "granted"
    ALL = "all"


@router.get(
    "/mentions.{kind}", summary="Export mentions", response_class=StreamingResponse, responses=ANSWERS
)  # fmt: skip
def export_mentions(
    installed: Installed, asking: Exporter, kind: Kind, asked: Annotated[AskedMentions, Query()]
) -> Download:
    """Mentions with their scores, the latest said first; the filters are those of `/api/v1/mentions`."""
    sheet = exports.mentions(asking.brands(Permission.EXPORT), asked.words, asked.filters())
    return _send(installed, sheet, kind, asking, asked.model_dump())


@router.get("/promoters.{kind}", summary="Export promoters", response_class=StreamingResponse, responses=ANSWERS)
def export_promoters(
    installed: Installed,
    asking: Exporter,
    kind: Kind,
    asked: Asked,
    only: Annotated[
        Only, Query(description="`granted`: only those whose author allows it now; `all`: the others, too.")
    ] = Only.GRANTED,
) -> Download:
    """Promoters with the permission to use their words: its state, the proof, the terms, its end."""
    if only is Only.GRANTED:
        if asked.permission not in (None, Standing.GRANTED):
            raise HTTPException(422, "for those whose author has not allowed it, ask with only=all")
        asked = replace(asked, permission=Standing.GRANTED)
    sheet = exports.with_permission(asking.brands(Permission.EXPORT), asked, clock.now())
    more = {
        "only": only.value, "words": asked.words, "permission": asked.permission, "collection": asked.collection,
        "probability": asked.chance, **asdict(asked.filters),
    }  # fmt: skip
    return _send(installed, sheet, kind, asking, more)


@router.get("/alerts.{kind}", summary="Export alerts", response_class=StreamingResponse, responses=ANSWERS)
def export_alerts(
    installed: Installed,
    asking: Exporter,
    kind: Kind,
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
    text: Annotated[str | None, Query(max_length=200, description="Only those that name it.")] = None,
) -> Download:
    """Incidents, the latest first; the filters are those of `/api/v1/alerts`."""
    wanted = inbox.Wanted(state, severity, rule, brand, assignee, team, text)
    return _send(installed, exports.alerts(asking.brands(Permission.EXPORT), wanted), kind, asking, asdict(wanted))


@router.get(
    "/audit.jsonl", summary="Export the audit", response_class=StreamingResponse,
    responses={200: {**ANSWERS[200], "content": {"application/jsonl": {"schema": {"type": "string"}}}}},
)  # fmt: skip
def export_audit(
    installed: Installed,
    asking: Annotated[Caller, needs(Permission.AUDIT)],
    actor: Annotated[str | None, Query(max_length=500, description="Only by them.")] = None,
    action: Annotated[str | None, Query(max_length=100, description="This one, or all that begin with it.")] = None,
    subject: Annotated[str | None, Query(max_length=500, description="Only what was done to this.")] = None,
    since: Annotated[Moment | None, Query(description="Not before this moment.")] = None,
    until: Annotated[Moment | None, Query(description="Before this moment.")] = None,
) -> Download:
    """Who changed or exported what, the latest first."""
    wanted = {"actor": actor, "action": action, "subject": subject, "since": since, "until": until}
    return _send(installed, exports.kept_in_audit(**wanted), Format.JSONL, asking, wanted)


def _send(installed: Installed, sheet: Sheet, kind: Format, asking: Caller, asked: Mapping[str, Any]) -> Download:
    """Begin to send it. ``asked``: what it was narrowed down to, as the audit keeps it, without what was not asked."""
    said = {name: _kept(value) for name, value in asked.items() if value not in (None, False, "")}
    try:
        return Download(installed, sheet, kind, asking.actor, said)
    except QueryError as error:
        raise unreadable(error) from error


def _kept(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
