"""Whether a mention is about its brand: a person's word, which no model overrides."""

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from api.access import needs
from api.routes.dependencies import Id, Installed
from listener import clock
from listener.access import Permission
from listener.store import relevance

router = APIRouter(prefix="/api/v1/mentions", tags=["mentions"], dependencies=[needs(Permission.CORRECT)])


class Said(BaseModel):
    """What a person says."""

    model_config = ConfigDict(extra="forbid", strict=True)

    relevant: bool = Field(description="It is about the brand; false = it only shares its name, so it is hidden.")


@router.post(
    "/{mention_id}/relevance",
    summary="Show or hide a mention",
    status_code=204,
    responses={404: {"description": "There is no such mention."}},
)
def say(installed: Installed, mention_id: Id, said: Said) -> None:
    """Show a mention that was hidden, or hide one; the figures follow at once. Remembered as a person's decision."""
    with installed.store.transaction() as session:
        # Nobody signs in yet, so nobody knows who it was.
        there = relevance.say(session, mention_id, relevant=said.relevant, now=clock.now(), by="somebody")
    if not there:
        raise HTTPException(404, f"there is no mention {mention_id}")
