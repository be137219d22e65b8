"""Whether work moves."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import OperationalError

from api.routes.dependencies import Installed
from listener import clock
from listener.store import health

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """What a monitor needs to know; nothing in it is private."""

    status: Literal["ok", "stuck"]
    stuck: list[str] = Field(description="What should have moved on and has not.")
    attention: int = Field(
        description="Lines on the page under what waits for a person: sources, channels, deliveries, silence."
    )


@router.get("/healthz", summary="Health", responses={503: {"description": "Work is stuck.", "model": Health}})
def healthz(installed: Installed, response: Response) -> Health:
    """200 while work moves, 503 when something has waited longer than ESCUCHA_STUCK_MINUTES."""
    try:
        with installed.store.reading() as session:
            stuck = health.stuck(session, clock.now(), installed.patience, installed.channel_names)
            attention = len(installed.attention(session))
    except OperationalError:
        stuck, attention = ["the database does not answer"], 0
    if stuck:
        response.status_code = 503
    return Health(status="stuck" if stuck else "ok", stuck=stuck, attention=attention)
