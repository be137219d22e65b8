"""Whether work moves: in a word for monitors, and with names for those who run Escucha."""

from typing import Annotated, Literal, cast

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import OperationalError

from api.access import needs
from api.fresh import Fresh
from api.routes.dependencies import Installed, Reading
from api.wiring import Installation
from listener import clock
from listener.access import Caller, Permission
from listener.store import health

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """What a monitor needs to know; nothing in it is private."""

    status: Literal["ok", "stuck"]
    stuck: list[health.Name | Literal["database"]] = Field(description="Stages that should have moved on and have not.")
    attention: int = Field(description="How many things wait for a person: sources, channels, deliveries, silence.")


class HealthInFull(BaseModel):
    """The same with names."""

    status: Literal["ok", "stuck"]
    stuck: list[str] = Field(description="What should have moved on and has not, and since when.")
    attention: list[str] = Field(description="What waits for a person, and what to do about it.")


def known(installed: Installation) -> Fresh[Health]:
    """The health of an installation, for an application to keep: anybody may ask for it."""
    return Fresh(lambda: _found(installed))


@router.get("/healthz", summary="Health", responses={503: {"description": "Work is stuck.", "model": Health}})
def healthz(request: Request, response: Response) -> Health:
    """200 while work moves, 503 when something has waited longer than ESCUCHA_STUCK_MINUTES. Found out anew every few
    seconds."""
    found = cast(Fresh[Health], request.app.state.health)()
    if found.status == "stuck":
        response.status_code = 503
    return found


def _found(installed: Installation) -> Health:
    stuck: list[health.Name | Literal["database"]]
    try:
        with installed.store.reading() as session:
            found = health.stuck_stages(session, clock.now(), installed.patience, installed.channel_names)
            stuck, attention = list(found), len(installed.attention(session))
    except OperationalError:
        stuck, attention = ["database"], 0
    return Health(status="stuck" if stuck else "ok", stuck=stuck, attention=attention)


@router.get("/api/v1/health", summary="Health in full")
def health_in_full(
    installed: Installed, session: Reading, asking: Annotated[Caller, needs(Permission.READ_SETUP)]
) -> HealthInFull:
    """What is stuck and what waits for a person, by name. What waits is told to those who may see everything's setup:
    the lines name sources, channels and brands."""
    stuck = health.stuck(session, clock.now(), installed.patience, installed.channel_names)
    everything = asking.brands(Permission.READ_SETUP) is None
    attention = installed.attention(session) if everything else []
    return HealthInFull(status="stuck" if stuck else "ok", stuck=stuck, attention=attention)
