"""What people say of scores: a mention feels otherwise about its brand, or is not about it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from api.access import needs
from api.routes.dependencies import HIGHEST_ID, Before, Id, Installed, Limit, Reading
from api.routes.mention_models import Correction, Corrections
from listener import clock
from listener.access import Caller, Permission
from listener.store import corrections, mention_file
from listener.store.corrections import VALUES, What

router = APIRouter(prefix="/api/v1", tags=["corrections"])

Reader = Annotated[Caller, needs(Permission.READ_MENTIONS)]
Corrector = Annotated[Caller, needs(Permission.CORRECT)]

NONE: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such mention, or not for you, or it was deleted."}
}


class NewCorrection(BaseModel):
    """What is right; it holds for what only repeats the mention, too, and no model overrides it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"what": "stance", "value": "-2"}, {"what": "stance", "value": None}]},
    )

    what: Literal["stance", "polarity", "relevance"]
    value: Annotated[str, Field(max_length=20)] | Annotated[int, Field(strict=True)] | None = Field(
        description="Stance: -2 to 2; polarity: negative, neutral or positive; relevance: about or not_about. "
        "null takes back what was said before."
    )


class Corrected(BaseModel):
    """What a correction came to."""

    id: int
    what: Literal["stance", "polarity", "relevance"]
    before: str | None = Field(description="What held before; null = nobody knew.")
    after: str | None


@router.post("/mentions/{mention_id}/corrections", summary="Correct a score", status_code=201, responses=NONE)
def correct(installed: Installed, asking: Corrector, mention_id: Id, said: NewCorrection) -> Corrected:
    """Say what a mention really feels or is about; lists, figures and rules follow at once."""
    what, value = What(said.what), None if said.value is None else str(said.value)
    if value is not None and value not in VALUES[what]:
        raise HTTPException(422, f"value: {what} is one of {', '.join(VALUES[what])}; null takes a correction back")
    with installed.store.transaction() as session:
        done = corrections.correct(
            session, mention_id, what, value, brands=asking.brands(Permission.CORRECT), actor=asking.actor,
            now=clock.now(),
        )  # fmt: skip
    if done is None:
        raise HTTPException(404, f"there is no mention {mention_id}")
    return Corrected(id=done.id, what=said.what, before=done.before, after=done.after)


@router.get("/mentions/{mention_id}/corrections", summary="A mention's corrections", responses=NONE)
def of_mention(
    session: Reading, asking: Reader, mention_id: Id, before: Before = None, limit: Limit = 50
) -> Corrections:
    """What people said of one mention's scores, the last first."""
    brands = asking.brands(Permission.READ_MENTIONS)
    if mention_file.one(session, mention_id, brands) is None:
        raise HTTPException(404, f"there is no mention {mention_id}")
    rows = corrections.listed(session, brands=brands, pair_id=mention_id, before=before, limit=limit + 1)
    return _page([Correction.model_validate(dict(row)) for row in rows], limit)


@router.get("/corrections", summary="All corrections")
def all_corrections(
    session: Reading,
    asking: Reader,
    what: Annotated[Literal["stance", "polarity", "relevance"] | None, Query(description="Only those.")] = None,
    before: Annotated[int | None, Query(ge=1, le=HIGHEST_ID, description="`next` of the page before this one.")] = None,
    limit: Limit = 50,
) -> Corrections:
    """What people said of scores, the last first, each with the text it is about: a line of training data each."""
    rows = corrections.listed(
        session, brands=asking.brands(Permission.READ_MENTIONS), what=None if what is None else What(what),
        before=before, limit=limit + 1,
    )  # fmt: skip
    return _page([Correction.model_validate(dict(row)) for row in rows], limit)


def _page(found: list[Correction], limit: int) -> Corrections:
    return Corrections(items=found[:limit], next=found[limit - 1].id if len(found) > limit else None)
