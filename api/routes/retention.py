"""How long mentions are kept."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field

from api import etags
from api.access import needs
from api.etags import IfMatch
from api.routes.dependencies import Installed, Reading
from listener import clock
from listener.access import Caller, Permission
from listener.registry import SOURCES
from listener.store import retention
from listener.store.retention import LEAST, MOST, ChangedMeanwhile

router = APIRouter(prefix="/api/v1/settings/retention", tags=["settings"])

Days = Annotated[
    int | None,
    Field(
        ge=LEAST, le=MOST, examples=[365],
        description="Mentions are blanked so many days after they were collected; null = as platforms ask for it.",
    ),
]  # fmt: skip


class Wanted(BaseModel):
    """How long mentions are to be kept."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"days": 365}]})

    days: Days


class Kept(BaseModel):
    """How long mentions are kept."""

    days: Days
    by: str | None = Field(description="Who settled it; null = nobody has.")
    platforms: dict[str, int] = Field(description="Days after which a platform's terms have its own blanked anyway.")


@router.get("", summary="How long mentions are kept")
def get_retention(
    session: Reading,
    response: Response,
    asking: Annotated[Caller, needs(Permission.SETTINGS)],  # noqa: ARG001
) -> Kept:
    """What people settled, and what platforms demand besides."""
    return _answer(response, retention.settled(session))


@router.put("", summary="Settle how long mentions are kept", responses={412: {}, 428: {}})
def put_retention(
    installed: Installed,
    response: Response,
    asking: Annotated[Caller, needs(Permission.SETTINGS)],
    wanted: Wanted,
    if_match: IfMatch = None,
) -> Kept:
    """From the next hour on. What is older is blanked, leaves lists and figures, and does not come back."""
    with installed.store.transaction() as session:
        before = retention.settled(session)
        etags.check(if_match, before.version)
        try:
            after = retention.settle(session, wanted.days, before.version, asking.actor, clock.now())
        except ChangedMeanwhile:
            raise HTTPException(412, etags.STALE) from None
    return _answer(response, after)


def _answer(response: Response, kept: retention.Retention) -> Kept:
    response.headers["ETag"] = etags.etag(kept.version)
    platforms = {name: kind.keep_for.days for name, kind in SOURCES.items() if kind.keep_for is not None}
    return Kept(days=kept.days, by=kept.by, platforms=platforms)
