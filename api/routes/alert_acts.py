"""What people do with incidents. Asked for twice, each is done once; nobody signs in yet, so each names who does it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from alerts.durations import Duration
from alerts.life import NotPossible
from api.access import needs
from api.routes.alert_models import Whole
from api.routes.alerts import NOT_THERE, not_there
from api.routes.dependencies import Id, Installed
from api.wiring import Installation
from listener import clock
from listener.access import Permission
from listener.store import life
from listener.store.dossier import dossier
from listener.store.life import LONGEST_NAME, LONGEST_NOTE, Act

router = APIRouter(
    prefix="/api/v1/alerts",
    tags=["alerts"],
    dependencies=[needs(Permission.ACT)],
    responses={**NOT_THERE, 409: {"description": "It makes no sense for the incident as it is; the answer says why."}},
)

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Why = Annotated[str, Field(max_length=LONGEST_NOTE, description="In words, for the timeline.")]


class By(BaseModel):
    """Who does it."""

    model_config = ConfigDict(extra="forbid")

    by: Name = Field(description="The person, as the team knows them.")


class Assign(By):
    """Who is to answer it."""

    to: Name | None = Field(None, description="null = whoever asks.")
    over: bool = Field(False, description="Take it although somebody else has it already.")


class Snooze(By):
    """Until when nobody is told: either a moment, or a length from now on."""

    until: AwareDatetime | None = None
    length: Duration | None = Field(None, alias="for", description="Such as 30m, 4h, 1d.")

    @model_validator(mode="after")
    def _one(self) -> "Snooze":
        if (self.until is None) == (self.length is None):
            raise ValueError('give either "until", a moment with its time zone, or "for", such as "4h"')
        return self


class Answer(By):
    """The brand has answered."""

    at: AwareDatetime | None = Field(None, description="When; null = now.")


class Because(By):
    """With a reason, if there is something to say."""

    why: Why = ""


class Note(By):
    """Something for the timeline."""

    text: str = Field(min_length=1, max_length=LONGEST_NOTE)


class Useful(By):
    """Whether the messages about it were useful; a person's last word counts."""

    useful: bool


class Acted(Whole):
    """The incident as it is afterwards."""

    changed: bool = Field(description="false: it was so already, and nothing changed; see who was first.")


@router.post("/{alert_id}/acknowledge", summary="Acknowledge an alert")
def acknowledge(installed: Installed, alert_id: Id, asked: By) -> Acted:
    """You have seen it: nobody is reminded, or told further up."""
    return _done(installed, alert_id, Act.ACKNOWLEDGE, asked)


@router.post("/{alert_id}/assign", summary="Assign an alert")
def assign(installed: Installed, alert_id: Id, asked: Assign) -> Acted:
    """Say who is to answer it. To take what somebody else has taken is refused unless `over` is set."""
    return _done(installed, alert_id, Act.ASSIGN, asked, to=asked.to, over=asked.over)


@router.post("/{alert_id}/snooze", summary="Snooze an alert")
def snooze(installed: Installed, alert_id: Id, asked: Snooze) -> Acted:
    """Nobody is told before then, however it grows; then it is open again."""
    return _done(installed, alert_id, Act.SNOOZE, asked, until=asked.until, length=asked.length)


@router.post("/{alert_id}/wake", summary="End a snooze")
def wake(installed: Installed, alert_id: Id, asked: By) -> Acted:
    """It is open again at once."""
    return _done(installed, alert_id, Act.WAKE, asked)


@router.post("/{alert_id}/answer", summary="Note that the brand has answered")
def answer(installed: Installed, alert_id: Id, asked: Answer) -> Acted:
    """The first answer counts, for the time it took."""
    return _done(installed, alert_id, Act.ANSWER, asked, at=asked.at)


@router.post("/{alert_id}/resolve", summary="Resolve an alert")
def resolve(installed: Installed, alert_id: Id, asked: Because) -> Acted:
    """Nothing more is to be done. Another mention of the same opens it again."""
    return _done(installed, alert_id, Act.RESOLVE, asked, why=asked.why)


@router.post("/{alert_id}/reopen", summary="Reopen an alert")
def reopen(installed: Installed, alert_id: Id, asked: Because) -> Acted:
    """It was resolved too soon; it is to be acknowledged and answered anew."""
    return _done(installed, alert_id, Act.REOPEN, asked, why=asked.why)


@router.post("/{alert_id}/note", summary="Write a note")
def note(installed: Installed, alert_id: Id, asked: Note) -> Acted:
    """Into the timeline; the same words of the same person once."""
    return _done(installed, alert_id, Act.NOTE, asked, text=asked.text)


@router.post("/{alert_id}/feedback", summary="Say whether an alert was useful")
def feedback(installed: Installed, alert_id: Id, asked: Useful) -> Acted:
    """Answers give a rule's precision; see /api/v1/alerts/precision."""
    return _done(installed, alert_id, Act.FEEDBACK, asked, useful=asked.useful, via="api")


def _done(installed: Installation, alert_id: int, act: Act, asked: By, **what: Any) -> Acted:
    now: datetime = clock.now()
    try:
        with installed.store.transaction() as session:
            done = life.perform(session, alert_id, act, asked.by, now, **what)
    except KeyError:
        raise not_there(alert_id) from None
    except NotPossible as error:
        raise HTTPException(409, str(error)) from error
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    with installed.store.reading() as session:
        found = dossier(session, alert_id, now)
    assert found is not None
    return Acted.model_validate({**Whole.of(found).model_dump(), "changed": done.event is not None})
