"""What people do with incidents. Asked for twice, each is done once; who does it is whoever asks."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field, model_validator

from alerts.durations import Duration
from alerts.incident import State
from alerts.life import NotPossible
from api.access import needs
from api.routes.alert_models import Whole
from api.routes.alerts import NOT_THERE, not_there
from api.routes.dependencies import Id, Installed, Moment
from api.wiring import Installation
from listener import clock
from listener.access import Caller, Permission
from listener.store import inbox, life
from listener.store.dossier import dossier
from listener.store.life import LONGEST_NAME, LONGEST_NOTE, Act

router = APIRouter(
    prefix="/api/v1/alerts",
    tags=["alerts"],
    responses={**NOT_THERE, 409: {"description": "It makes no sense for the incident as it is; the answer says why."}},
)

Acting = Annotated[Caller, needs(Permission.ACT)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
Why = Annotated[str, Field(max_length=LONGEST_NOTE, description="In words, for the timeline.")]


class Body(BaseModel):
    """What an act needs to know."""

    model_config = ConfigDict(extra="forbid")


class Assign(Body):
    """Who is to answer it."""

    to: Name | None = Field(None, description="null = whoever asks.")
    over: bool = Field(False, description="Take it although somebody else has it already.")


class Snooze(Body):
    """Until when nobody is told: either a moment, or a length from now on."""

    until: Moment | None = None
    length: Duration | None = Field(None, alias="for", description="Such as 30m, 4h, 1d.")

    @model_validator(mode="after")
    def _one(self) -> "Snooze":
        if (self.until is None) == (self.length is None):
            raise ValueError('give either "until", a moment with its time zone, or "for", such as "4h"')
        return self


class Answer(Body):
    """The brand has answered."""

    at: Moment | None = Field(None, description="When; null = now.")


class Because(Body):
    """With a reason, if there is something to say."""

    why: Why = ""


class Note(Body):
    """Something for the timeline."""

    text: str = Field(min_length=1, max_length=LONGEST_NOTE)


class Useful(Body):
    """Whether the messages about it were useful; a person's last word counts."""

    useful: bool


class Changed(BaseModel):
    """The same for a key that may act on incidents and not read them."""

    id: int
    state: State = Field(description="As it is afterwards.")
    changed: bool = Field(description="false: it was so already, and nothing changed.")


class Acted(Whole):
    """The incident as it is afterwards."""

    changed: bool = Field(description="false: it was so already, and nothing changed; see who was first.")


Done = Acted | Changed


@router.post("/{alert_id}/acknowledge", summary="Acknowledge an alert")
def acknowledge(asking: Acting, installed: Installed, alert_id: Id) -> Done:
    """You have seen it: nobody is reminded, or told further up."""
    return _done(asking, installed, alert_id, Act.ACKNOWLEDGE)


@router.post("/{alert_id}/assign", summary="Assign an alert")
def assign(asking: Acting, installed: Installed, alert_id: Id, asked: Assign | None = None) -> Done:
    """Say who is to answer it. To take what somebody else has taken is refused unless `over` is set."""
    return _done(asking, installed, alert_id, Act.ASSIGN, **(asked or Assign()).model_dump())


@router.post("/{alert_id}/snooze", summary="Snooze an alert")
def snooze(asking: Acting, installed: Installed, alert_id: Id, asked: Snooze) -> Done:
    """Nobody is told before then, however it grows; then it is open again."""
    return _done(asking, installed, alert_id, Act.SNOOZE, until=asked.until, length=asked.length)


@router.post("/{alert_id}/wake", summary="End a snooze")
def wake(asking: Acting, installed: Installed, alert_id: Id) -> Done:
    """It is open again at once."""
    return _done(asking, installed, alert_id, Act.WAKE)


@router.post("/{alert_id}/answer", summary="Note that the brand has answered")
def answer(asking: Acting, installed: Installed, alert_id: Id, asked: Answer | None = None) -> Done:
    """The first answer counts, for the time it took."""
    return _done(asking, installed, alert_id, Act.ANSWER, at=asked.at if asked else None)


@router.post("/{alert_id}/resolve", summary="Resolve an alert")
def resolve(asking: Acting, installed: Installed, alert_id: Id, asked: Because | None = None) -> Done:
    """Nothing more is to be done. Another mention of the same opens it again."""
    return _done(asking, installed, alert_id, Act.RESOLVE, why=asked.why if asked else "")


@router.post("/{alert_id}/reopen", summary="Reopen an alert")
def reopen(asking: Acting, installed: Installed, alert_id: Id, asked: Because | None = None) -> Done:
    """It was resolved too soon; it is to be acknowledged and answered anew."""
    return _done(asking, installed, alert_id, Act.REOPEN, why=asked.why if asked else "")


@router.post("/{alert_id}/note", summary="Write a note")
def note(asking: Acting, installed: Installed, alert_id: Id, asked: Note) -> Done:
    """Into the timeline; the same words of the same person once."""
    return _done(asking, installed, alert_id, Act.NOTE, text=asked.text)


@router.post("/{alert_id}/feedback", summary="Say whether an alert was useful")
def feedback(asking: Acting, installed: Installed, alert_id: Id, asked: Useful) -> Done:
    """Answers give a rule's precision; see /api/v1/alerts/precision."""
    return _done(asking, installed, alert_id, Act.FEEDBACK, useful=asked.useful, via="api")


def _done(asking: Caller, installed: Installation, alert_id: int, act: Act, **what: Any) -> Done:
    now = clock.now()
    try:
        with installed.store.transaction() as session:
            if not inbox.is_among(session, alert_id, asking.brands(Permission.ACT)):
                raise not_there(alert_id)
            done = life.perform(session, alert_id, act, asking.name, now, **what)
    except NotPossible as error:
        raise HTTPException(409, str(error)) from error
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    with installed.store.reading() as session:
        found = dossier(session, alert_id, now, brands=asking.brands(Permission.READ_ALERTS))
    if found is None:
        return Changed(id=alert_id, state=done.incident.state, changed=done.event is not None)
    return Acted.model_validate({**Whole.of(found).model_dump(), "changed": done.event is not None})
