"""Queries tried on what is stored, before a brand has them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field, field_validator

from alerts.text import tame
from api.access import needs
from api.routes.brands import Text, Texts
from api.routes.dependencies import Installed, InTurn
from api.turns import Turns
from listener.access import Caller, Permission
from listener.query.explaining import Explained, Mistake
from listener.query_preview import READ, READ_OF_BRAND, SHOWN, Match, Preview, Wanted, preview
from listener.store import brands
from listener.store.engine import Store
from listener.store.tables import Brand

router = APIRouter(prefix="/api/v1/queries", tags=["queries"])

PATIENCE_S = 5.0
"""How long one waits for its turn: previews come while somebody types, and take a second."""

LONGEST_SHOWN = 2_000
"""Characters of a mention in an answer."""


class Asked(BaseModel):
    """What to try: the fields of a brand."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"query": "aeroluz -concert"}]})

    query: Text
    brand: str | None = Field(None, max_length=500, description="Whose query it is to be; null = nobody's yet.")
    context: Texts = []
    unless: Texts = []
    relevance: float | Literal[False] | None = Field(None, ge=0, le=1)
    only: bool = Field(False, description="Look only at mentions that are stored for this brand.")

    @field_validator("query", "context", "unless")
    @classmethod
    def _readable(cls, value: str | list[str]) -> str | list[str]:
        if any("\x00" in words for words in ([value] if isinstance(value, str) else value)):
            raise ValueError("NUL is no character that can be looked for")
        return value


class QueryMistake(BaseModel):
    """Where something does not read."""

    field: str = Field(description="`query`, or `unless.0` for the first of `unless`.")
    column: int = Field(description="The place, from 1.")
    problem: str = Field(description="What is wrong and what to do.")

    @classmethod
    def of(cls, field: str, found: Mistake) -> Self:
        """The same of a field."""
        return cls(field=field, column=found.column, problem=found.problem)


class Line(BaseModel):
    """A line of the outline."""

    depth: int
    part: str = Field(description="A word or phrase, or AND, OR, NOT, NEAR/n for what stands below it.")


class Platform(BaseModel):
    """What a platform is asked."""

    searches: list[str]
    complete: bool = Field(description="It can find everything that the query matches.")
    exact: bool = Field(description="Nothing is left to filter afterwards.")
    notes: list[str] = Field(description="What is filtered afterwards, or cannot be found there.")


class Explanation(BaseModel):
    """What the query means."""

    outline: list[Line]
    hints: list[str] = Field(description="What may be meant otherwise.")
    fields: list[str] = Field(description="What it asks beside words: lang, source, author.")
    platforms: dict[str, Platform]

    @classmethod
    def of(cls, found: Explained) -> Self:
        """The same as ``listener.query.explaining`` gives it."""
        return cls(
            outline=[Line(depth=depth, part=tame(part)) for depth, part in found.outline],
            hints=list(found.hints), fields=list(found.fields),
            platforms={
                name: Platform(
                    searches=list(plan.searches), complete=plan.complete, exact=plan.exact, notes=list(plan.notes)
                )
                for name, plan in found.plans.items()
            },
        )  # fmt: skip


class Found(BaseModel):
    """A stored mention."""

    id: int
    text: str = Field(description=f"Its first {LONGEST_SHOWN} characters.")
    spans: list[tuple[int, int]] = Field(description="Where the query stands in it, as offsets.")
    created_at: datetime
    author: str | None
    url: str | None
    source: str
    brands: list[str] = Field(description="The brands that it is stored for.")
    hidden: str | None = Field(description="Why it would be hidden all the same; null = it would be shown.")


class Previewed(BaseModel):
    """What came of it: parts of what is stored, never all of it."""

    mistakes: list[QueryMistake] = Field(description="With any, nothing below is known.")
    explanation: Explanation | None
    read: int = Field(description=f"The latest mentions that were looked at, at most {READ}.")
    since: datetime | None = Field(description="When the oldest of them was written.")
    found: int = Field(description="Those that the query matches.")
    hidden: int = Field(description="Those of them that `context`, `unless` and `relevance` would hide.")
    new: int = Field(description="Those of them that are not stored for the brand yet.")
    matches: list[Found] = Field(description=f"The latest {SHOWN} that match.")
    held: int = Field(description=f"Mentions of the brand that were looked at, the latest {READ_OF_BRAND} at most.")
    lost: int = Field(description="Those of them that the query does not match any more.")
    losses: list[Found] = Field(description=f"The latest {SHOWN} of those.")

    @classmethod
    def of(cls, found: Preview) -> Self:
        """The same as ``listener.query_preview`` gives it."""
        return cls(
            mistakes=[QueryMistake.of(field, one) for field, one in found.mistakes.items()],
            explanation=None if found.explained is None else Explanation.of(found.explained),
            read=found.read, since=found.since, found=found.found, hidden=found.hidden, new=found.new,
            matches=_found(found.matches), held=found.held, lost=found.lost, losses=_found(found.losses),
        )  # fmt: skip


@router.post(
    "/preview",
    summary="Try a query on stored mentions",
    responses={404: {"description": "There is no such brand."}, 503: {"description": "Others try theirs just now."}},
)
def try_query(
    installed: Installed, turns: InTurn, asking: Annotated[Caller, needs(Permission.READ_MENTIONS)], asked: Asked
) -> Previewed:
    """What a query means, what each platform is asked for it, which of the latest stored mentions it finds, and which
    of a brand's it would lose. Only what is stored can be found: what other words would bring, nobody knows before they
    are asked for. Saves nothing."""
    mine = asking.brands(Permission.READ_MENTIONS)
    with installed.store.reading() as session:
        brand = None if asked.brand is None else brands.brand_named(session, asked.brand.replace("\x00", ""))
    if asked.brand is not None and (brand is None or not brand.active or (mine is not None and brand.id not in mine)):
        raise HTTPException(404, f"there is no brand {asked.brand!r}")
    wanted = Wanted(asked.query, asked.context, asked.unless, asked.relevance)
    return Previewed.of(tried(installed.store, turns, mine, wanted, brand, only=asked.only))


def tried(
    store: Store, turns: Turns, mine: frozenset[int] | None, wanted: Wanted, brand: Brand | None, *, only: bool = False
) -> Preview:
    """Try it in turn, on the mentions of these brands (ids; None = all). Raises HTTPException 503 where too many others
    do."""
    with turns.take(PATIENCE_S), store.reading() as session:
        own = frozenset({brand.id or 0}) if only and brand is not None else mine
        return preview(session, wanted, brand, mine, own)


def _found(matches: Sequence[Match]) -> list[Found]:
    return [
        Found(
            id=one.mention.id, text=one.mention.text[:LONGEST_SHOWN],
            spans=[(start, end) for start, end in one.spans if end <= LONGEST_SHOWN],
            created_at=one.mention.created_at, author=one.mention.author, url=one.mention.url,
            source=one.mention.platform, brands=list(one.brands), hidden=one.hidden,
        )
        for one in matches
    ]  # fmt: skip
