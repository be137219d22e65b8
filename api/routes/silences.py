"""Silences: incidents that people are not told of for a while."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from alerts.durations import Duration
from api.access import needs
from api.routes.dependencies import Id, Installed, Reading
from listener import clock
from listener.access import Permission
from listener.store import silences
from listener.store.silences import LONGEST_COMMENT, LONGEST_NAME, MOST_VALUES

router = APIRouter(prefix="/api/v1/silences", tags=["silences"], dependencies=[needs(Permission.READ_ALERTS)])

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
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
    starts_at: AwareDatetime | None = Field(None, description="null = now.")
    ends_at: AwareDatetime | None = None
    length: Duration | None = Field(None, alias="for", description='Instead of "ends_at": such as 30m, 4h, 2d.')
    by: Name = Field(description="The person, as the team knows them.")
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
    """Those of the stages asked for, the one that ends last first."""

    items: list[Silence]


@router.get("", summary="List silences")
def list_silences(
    session: Reading,
    stage: Annotated[
        list[Literal["active", "future", "past"]] | None, Query(description="Only these; active and future.")
    ] = None,
) -> Silences:
    """Silences in force and to come, and on request those that are over."""
    found = silences.shown(session, clock.now(), stage or ("active", "future"))
    return Silences(items=[_silence(one) for one in found])


@router.post("", status_code=201, summary="Add a silence", responses={422: {"description": "It says what is wrong."}})
def add_silence(installed: Installed, asked: NewSilence) -> Silence:
    """Incidents that match are not told while it is in force; they stay to be seen, and are told when it ends."""
    now = clock.now()
    starts_at = max(asked.starts_at or now, now)
    matchers = asked.matchers.model_dump(exclude_none=True)
    with installed.store.transaction() as session:
        try:
            ends_at = asked.ends_at if asked.length is None else silences.end_of(starts_at, asked.length)
            assert ends_at is not None
            made = silences.add(session, matchers, starts_at, ends_at, asked.by, asked.comment, now)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
    return _one(installed, made.id)


@router.delete("/{silence_id}", summary="End a silence", responses={404: {"description": "There is no such silence."}})
def end_silence(
    installed: Installed, silence_id: Id, by: Annotated[str, Query(min_length=1, max_length=LONGEST_NAME)]
) -> Silence:
    """End it now, or take back one that is to come; what it held back is told at once. It stays in the list."""
    with installed.store.transaction() as session:
        try:
            silences.end(session, silence_id, by, clock.now())
        except KeyError as error:
            raise HTTPException(404, f"there is no silence {silence_id}") from error
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
    return _one(installed, silence_id)


def _one(installed: Installed, silence_id: int) -> Silence:
    with installed.store.reading() as session:
        return _silence(silences.one(session, silence_id, clock.now()))


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
