"""Silences: incidents that people are not told of for a while."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.durations import Duration
from api.access import needs
from api.routes.dependencies import Before, Id, Installed, Limit, Moment, Reading
from listener import clock
from listener.access import Caller, Permission
from listener.store import silences
from listener.store.silences import LONGEST_COMMENT, MOST_VALUES

router = APIRouter(prefix="/api/v1/silences", tags=["silences"])

Reader = Annotated[Caller, needs(Permission.READ_ALERTS)]
Silencer = Annotated[Caller, needs(Permission.SILENCE)]
BROADER = (
    "a silence of yours names the brands it is about, and you may silence each of them: say for instance "
    '"matchers": {"brand": ["..."]}'
)

Values = Annotated[list[Annotated[str, Field(max_length=500)]], Field(min_length=1, max_length=MOST_VALUES)]


class Matchers(BaseModel):
    """What incidents must be like; of each label that is named any one value will do. {} = every incident."""

    model_config = ConfigDict(extra="forbid")

    brand: Values | None = None
    rule: Values | None = None
    severity: Annotated[list[Literal["info", "warning", "critical"]], Field(min_length=1)] | None = None
    language: Values | None = None
    platform: Values | None = None


class NewSilence(BaseModel):
    """A silence to add; it must have an end, 31 days after its beginning at most."""

    model_config = ConfigDict(extra="forbid")

    matchers: Matchers
    starts_at: Moment | None = Field(None, description="null = now.")
    ends_at: Moment | None = None
    length: Duration | None = Field(None, alias="for", description='Instead of "ends_at": such as 30m, 4h, 2d.')
    comment: str = Field("", max_length=LONGEST_COMMENT, description="Why, for the others.")

    @model_validator(mode="after")
    def _one_end(self) -> "NewSilence":
        if (self.ends_at is None) == (self.length is None):
            raise ValueError('give either "ends_at", a moment with its time zone, or "for", such as "4h"')
        return self


class Silence(BaseModel):
    """A silence."""

    id: int
    stage: Literal["active", "future", "past"]
    matchers: dict[str, list[str]] = Field(description="Label -> values, any of which will do.")
    starts_at: datetime
    ends_at: datetime
    incidents: int = Field(description="Open incidents that it mutes now.")
    created_by: str
    comment: str
    created_at: datetime
    ended_by: str | None = Field(description="Who ended it before its time.")


class Silences(BaseModel):
    """A page of those of the stages asked for, the latest added first."""

    items: list[Silence]
    next: int | None = Field(description="`before` of the next page; null = there is none.")


@router.get("", summary="List silences")
def list_silences(
    asking: Reader,
    session: Reading,
    stage: Annotated[
        list[Literal["active", "future", "past"]] | None,
        Query(max_length=3, description="Only these; active and future."),
    ] = None,
    before: Before = None,
    limit: Limit = 50,
) -> Silences:
    """Silences in force and to come, and on request those that are over: those that may hold back incidents of the
    caller's brands."""
    found = silences.shown(
        session, clock.now(), stage or ("active", "future"), brands=asking.brands(Permission.READ_ALERTS),
        before=before, limit=limit + 1,
    )  # fmt: skip
    items = [_silence(one) for one in found[:limit]]
    return Silences(items=items, next=items[-1].id if len(found) > limit else None)


@router.post(
    "",
    status_code=201,
    summary="Add a silence",
    responses={
        403: {"description": "It would hold back incidents of other brands than the caller's."},
        422: {"description": "It says what is wrong."},
    },
)
def add_silence(asking: Silencer, installed: Installed, asked: NewSilence) -> Silence:
    """Incidents that match are not told while it is in force; they stay to be seen, and are told when it ends. One
    that names no brand takes the permission for all of them."""
    now, brands = clock.now(), asking.brands(Permission.SILENCE)
    starts_at = max(asked.starts_at or now, now)
    matchers = asked.matchers.model_dump(exclude_none=True)
    with installed.store.transaction() as session:
        if not silences.is_within(session, matchers, brands):
            raise HTTPException(403, BROADER)
        try:
            ends_at = asked.ends_at if asked.length is None else silences.end_of(starts_at, asked.length)
            assert ends_at is not None
            made = silences.add(session, matchers, starts_at, ends_at, asking.actor, asked.comment, now)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        return _silence(silences.one(session, made.id, now, brands=brands))


@router.delete(
    "/{silence_id}",
    summary="End a silence",
    responses={
        403: {"description": "It holds back incidents of other brands than the caller's, too."},
        404: {"description": "There is no such silence."},
    },
)
def end_silence(asking: Silencer, installed: Installed, silence_id: Id) -> Silence:
    """End it now, or take back one that is to come; what it held back is told at once. It stays in the list."""
    now, brands = clock.now(), asking.brands(Permission.SILENCE)
    with installed.store.transaction() as session:
        try:
            silences.one(session, silence_id, now, brands=brands)
            if not silences.is_within(session, silences.matchers_of(session, silence_id), brands):
                raise HTTPException(403, "it is about other brands than yours, too: ask who may silence all of them")
            silences.end(session, silence_id, asking.actor, now)
        except KeyError as error:
            raise HTTPException(404, f"there is no silence {silence_id}") from error
        return _silence(silences.one(session, silence_id, now, brands=brands))


def _silence(one: silences.Shown) -> Silence:
    silence = one.silence
    return Silence(
        id=silence.id,
        stage=one.stage,
        matchers={label: list(values) for label, values in silence.matchers.items()},
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        incidents=one.incidents,
        created_by=silence.created_by,
        comment=silence.comment,
        created_at=one.created_at,
        ended_by=one.ended_by,
    )
