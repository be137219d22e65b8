"""Mentions with their scores."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.access import needs
from api.routes.dependencies import HIGHEST_ID, Before, BrandName, Limit, Reading
from listener.access import Permission
from listener.store import push, read

router = APIRouter(prefix="/api/v1/mentions", tags=["mentions"], dependencies=[needs(Permission.READ_MENTIONS)])

Label = Literal["promoter", "passive", "detractor"]


class Mark(BaseModel):
    """A mark and the ends of its scale."""

    value: float
    lowest: float
    highest: float


class Mention(BaseModel):
    """One mention of one brand; a post about two brands is two. Stance and label are inferred from the text."""

    id: int
    brand: str
    source: str = Field(description="The platform it was found on.")
    native_id: str = Field(description="The platform's own id.")
    text: str
    url: str | None
    author: str | None
    lang: str | None
    reach: int | None = Field(description="People it may have reached; null = unknown.")
    created_at: datetime
    collected_at: datetime
    spans: list[tuple[int, int]] = Field(description="Where the brand stands in the text (characters).")
    label: Label | None = Field(description="Null until scored.")
    polarity: dict[str, float] | None
    stance: dict[str, float] | None
    model: str | None
    revision: str | None
    scored_at: datetime | None
    verdict: str | None = Field(
        description="The named reason why it did or did not lead to an alert; null until judged."
    )
    notice: str | None = Field(
        None,
        description="With `alert`: the named reason why people were or were not told when it joined that incident.",
    )
    copies: int = Field(description="How many more say the same; they are counted once, and their reach is added.")
    cluster: int | None = Field(
        description="What to ask for as `cluster` to see its copies and those that quote it; null = there are none."
    )
    copy_of: int | None = Field(description="The mention that is counted in its place; null = it is counted itself.")
    edited_at: datetime | None = Field(description="When its author last changed it, as far as the platform says.")
    deleted_at: datetime | None = Field(description="When it was blanked here, because it had to go.")
    deleted_why: str | None
    relevance: float | None = Field(description="How likely the model finds it that it is about the brand.")
    hidden_why: str | None = Field(
        description="Why it is in no list, figure or alert: it only shares the brand's name; null = it is shown."
    )
    said_relevant: bool | None = Field(description="What a person said of that; null = nobody has.")
    declared: dict[str, Mark] = Field(description="Marks that its author gave (nps, csat, ...); never inferred.")


class Mentions(BaseModel):
    """A page of mentions, the latest stored first."""

    items: list[Mention]
    next: int | None = Field(description="`before` of the next page; null = there is none.")


@router.get("", summary="List mentions")
def list_mentions(
    session: Reading,
    brand: BrandName = None,
    label: Label | None = None,
    source: Annotated[str | None, Query(max_length=100, description="Only from this platform.")] = None,
    alert: Annotated[int | None, Query(ge=1, le=HIGHEST_ID, description="Only those of this incident.")] = None,
    cluster: Annotated[
        int | None,
        Query(ge=1, le=HIGHEST_ID, description="All that says the same or quotes it, and what was deleted of it."),
    ] = None,
    id: Annotated[  # noqa: A002 - the name people look for
        int | None, Query(ge=1, le=HIGHEST_ID, description="This one, even if it is a copy or was deleted.")
    ] = None,
    hidden: Annotated[bool, Query(description="Those that only share the brand's name instead.")] = False,
    before: Before = None,
    limit: Limit = 50,
) -> Mentions:
    """Mentions with their scores, the latest stored first, each once however often it was passed on."""
    rows = read.mentions(
        session, brand=brand, label=label, source=source, alert_id=alert, cluster=cluster, pair=id, hidden=hidden,
        before=before, limit=limit + 1,
    )  # fmt: skip
    marks = push.declared(session, [row["mention_id"] for row in rows])
    items = [Mention.model_validate({**row, "declared": marks.get(row["mention_id"], {})}) for row in rows[:limit]]
    return Mentions(items=items, next=items[-1].id if len(rows) > limit else None)
