"""Exports: what lists show, as a file of any length. The last line says that nothing is missing."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import StreamingResponse

from api.access import Calling, needs
from api.asked_mentions import Asked as AskedMentions
from api.downloads import Download
from api.routes import alerts, audit
from api.routes.dependencies import Installed, named
from api.routes.mentions import unreadable
from api.routes.promoters import Asked
from api.turns import OwnTurns
from listener import clock
from listener.access import Caller, Permission
from listener.query import QueryError
from listener.reuse import Standing
from listener.store import exports
from listener.store.exports import Sheet
from listener.tabular import Format


async def take(request: Request, asking: Calling) -> AsyncIterator[None]:
    """Hold one of the caller's turns until the file is sent, or nobody reads it any more."""
    exporting: OwnTurns = request.app.state.exporting
    async with exporting.of(f"{asking.user_id} {asking.key_id}").wait(0):
        yield


router = APIRouter(prefix="/api/v1/exports", tags=["exports"], dependencies=[Depends(take)])

Kind = Annotated[Format, Path(description="csv or jsonl.")]
Exporter = Annotated[Caller, needs(Permission.EXPORT)]

ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The rows, and a last line that says how many they are; a file without it was cut off.",
        "content": {"text/csv": {"schema": {"type": "string"}}, "application/jsonl": {"schema": {"type": "string"}}},
    },
    404: {"description": "There is no brand of that name for you."},
    422: {"description": "`words` are no query, there is no such format, or no such filter."},
    429: {"description": "Two of your exports are under way; see Retry-After."},
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
        "probability": asked.chance, "whose": asked.whose, **asdict(asked.filters),
    }  # fmt: skip
    return _send(installed, sheet, kind, asking, more)


@router.get("/alerts.{kind}", summary="Export alerts", response_class=StreamingResponse, responses=ANSWERS)
def export_alerts(installed: Installed, asking: Exporter, kind: Kind, asked: alerts.Asked) -> Download:
    """Incidents, the latest first; the filters are those of `/api/v1/alerts`."""
    sheet = exports.alerts(asking.brands(Permission.EXPORT), asked)
    return _send(installed, sheet, kind, asking, asdict(asked))


@router.get(
    "/audit.jsonl", summary="Export the audit", response_class=StreamingResponse,
    responses={200: {**ANSWERS[200], "content": {"application/jsonl": {"schema": {"type": "string"}}}}},
)  # fmt: skip
def export_audit(
    installed: Installed, asking: Annotated[Caller, needs(Permission.AUDIT)], asked: audit.Asked
) -> Download:
    """Who changed or exported what, the latest first; the filters are those of `/api/v1/audit`."""
    return _send(installed, exports.kept_in_audit(**asked), Format.JSONL, asking, asked)


def _send(installed: Installed, sheet: Sheet, kind: Format, asking: Caller, asked: Mapping[str, Any]) -> Download:
    """Begin to send it. ``asked``: what it was narrowed down to, as the audit keeps it, without what was not asked."""
    said = {name: _kept(value) for name, value in asked.items() if value not in (None, False, "")}
    with installed.store.reading() as session:
        named(session, [asked.get("brand")], asking.brands(Permission.EXPORT))
    try:
        return Download(installed, sheet, kind, asking.actor, said)
    except QueryError as error:
        raise unreadable(error) from error


def _kept(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
