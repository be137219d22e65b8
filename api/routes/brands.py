"""Brands: what is listened for. What escucha.yml says of them holds until it is changed here."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api import etags
from api.access import needs
from api.problems import VALIDATION, Fault, Refused
from api.routes.dependencies import Id, Installed, Limit, Reading
from api.wiring import Installation
from listener import clock
from listener.access import Caller, Permission
from listener.brand_entries import RULES, edited_fields
from listener.store import brand_edits, brands
from listener.store.brand_edits import LONGEST_NAME, LONGEST_TEXT, MOST_VALUES, Check, NotNow
from listener.store.tables import Brand as BrandRow

router = APIRouter(prefix="/api/v1/brands", tags=["brands"])

Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Texts = Annotated[list[Text], Field(max_length=MOST_VALUES)]
Role = Literal["own", "competitor"]

ANSWERS: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such brand."},
    409: {"description": "It makes no sense for the brand as it is; `detail` says why."},
    412: {"description": "Somebody has changed the brand since; read it again."},
    422: {"description": "`errors` says what is wrong, in the words that escucha.yml is refused with."},
    428: {"description": "Say with If-Match which version you change."},
}


class Changes(BaseModel):
    """What to change of a brand; what is left out stays as it is. The same fields as in escucha.yml."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"query": 'aeroluz OR "aero luz"', "unless": ["concert"]}]}
    )

    query: Text = Field("", description='What is looked for; "" = the name, as a phrase.')
    context: Texts = Field([], description="Words that make sure that the brand is meant.")
    unless: Texts = Field([], description="Words that say that something else is meant.")
    relevance: float | Literal[False] | None = Field(
        None,
        description="Below this probability (0 to 1) the model hides a mention; false = never, null = the default.",
    )
    themes: dict[Annotated[str, Field(max_length=60)], Text] = Field(
        {}, description="What its mentions may be about: a name -> a query.", max_length=50
    )
    accounts: Texts = Field([], description="The handles that the brand itself answers from.")
    role: Role = Field("own", description="One's own brand, or a competitor's.")
    channels: Texts | None = Field(None, description="The only channels that may be told of it; null = all.")


class NewBrand(Changes):
    """A brand to listen for."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Aeroluz"}]})

    name: str = Field(min_length=1, max_length=LONGEST_NAME, description="Its name, which is for ever.")


class Edit(BaseModel):
    """A field that was changed over the pages or the API since escucha.yml was written."""

    field: str = Field(description="`query`, or `alerts.detractor` for a rule's settings.")
    in_file: Any = Field(description="What escucha.yml says; null = nothing.")
    in_force: Any = Field(description="What holds instead.")


class Brand(BaseModel):
    """A brand as it is listened for."""

    id: int
    name: str
    query: str = Field(description="What is looked for.")
    context: list[str] = Field(description="Words that make sure that the brand is meant.")
    unless: list[str] = Field(description="Words that say that something else is meant.")
    relevance: float | Literal[False] | None = Field(
        description="Below this probability the model hides a mention; null = the default, false = it hides none."
    )
    themes: dict[str, str] = Field(description="What its mentions may be about: a name -> a query.")
    accounts: list[str] = Field(description="The handles that the brand itself answers from.")
    role: Role
    channels: list[str] | None = Field(description="The only channels that may be told of it; null = all.")
    in_file: bool = Field(description="escucha.yml names it.")
    edits: list[Edit] = Field(description="Where it is no longer as escucha.yml says.")
    version: int = Field(description="Goes up with every change; the ETag.")
    edited_at: datetime | None
    edited_by: str | None
    created_at: datetime

    @classmethod
    def of(cls, row: BrandRow) -> Self:
        """The same as it is stored."""
        said = row.relevance
        return cls(
            id=row.id or 0, name=row.name, query=row.query, context=said.get("context", []),
            unless=said.get("unless", []), relevance=said.get("threshold"), themes=row.themes, accounts=row.accounts,
            role="competitor" if row.role == "competitor" else "own", channels=row.channels,
            in_file=row.file is not None, edits=edits_of(row), version=row.version, edited_at=row.edited_at,
            edited_by=row.edited_by, created_at=row.created_at,
        )  # fmt: skip


class Brands(BaseModel):
    """A page of brands, by name."""

    items: list[Brand]
    next: str | None = Field(description="`after` of the next page; null = there is none.")


def edits_of(row: BrandRow) -> list[Edit]:
    """Where a brand is not as escucha.yml says."""
    return [Edit(field=name, in_file=said, in_force=holds) for name, said, holds in edited_fields(row.file, row.edits)]


@router.get("", summary="List brands")
def list_brands(
    session: Reading,
    asking: Annotated[Caller, needs(Permission.READ_SETUP)],
    after: Annotated[str, Query(max_length=LONGEST_NAME * 3, description="`next` of the page before this one.")] = "",
    limit: Limit = 50,
) -> Brands:
    """The brands listened for, by name."""
    found = brands.listed(session, asking.brands(Permission.READ_SETUP), after, limit + 1)
    items = [Brand.of(row) for row in found[:limit]]
    return Brands(items=items, next=items[-1].name if len(found) > limit else None)


@router.get("/{brand_id}", summary="One brand", responses={404: ANSWERS[404]})
def one_brand(
    session: Reading, asking: Annotated[Caller, needs(Permission.READ_SETUP)], brand_id: Id, response: Response
) -> Brand:
    """A brand as it is listened for, and where that is not what escucha.yml says. Its rules: see `rules`."""
    return answer(visible_brand(session, brand_id, asking.brands(Permission.READ_SETUP)), response)


@router.post("", status_code=201, summary="Add a brand", responses={422: ANSWERS[422]})
def add_brand(
    installed: Installed, asking: Annotated[Caller, needs(Permission.EDIT_BRANDS)], new: NewBrand, response: Response
) -> Brand:
    """Listen for a brand from now on; what was said before, `escucha backfill` fetches. It takes `brands:write` for all
    brands."""
    if not asking.may(Permission.EDIT_BRANDS):
        raise HTTPException(403, "only who may edit all brands may add one")
    said = new.model_dump(exclude={"name"}) | {RULES: {}}
    with installed.store.transaction() as session:
        try:
            row = brand_edits.add(session, new.name, said, channels_for(installed, asking), asking.actor, clock.now())
        except brand_edits.Refused as error:
            raise refused(error) from error
    response.headers["Location"] = f"/api/v1/brands/{row.id}"
    return answer(row, response)


@router.patch("/{brand_id}", summary="Change a brand", responses=ANSWERS)
def change_brand(
    installed: Installed, asking: Annotated[Caller, needs(Permission.EDIT_BRANDS)], brand_id: Id, changes: Changes,
    response: Response, if_match: etags.IfMatch = None,
) -> Brand:  # fmt: skip
    """Have other fields hold from now on: the jobs read them before each piece of work. What is stored stays as it was
    matched and scored."""
    wanted = changes.model_dump(exclude_unset=True)
    return answer(changed(installed, asking, brand_id, matching(if_match), wanted), response)


@router.delete("/{brand_id}/edits", summary="Go back to escucha.yml", responses=ANSWERS)
def forget_edits(
    installed: Installed,
    asking: Annotated[Caller, needs(Permission.EDIT_BRANDS)],
    brand_id: Id,
    response: Response,
    field: Annotated[
        list[Annotated[str, Field(max_length=200)]] | None,
        Query(description="Only of these fields, as `edits` names them; by default of all.", max_length=50),
    ] = None,
    if_match: etags.IfMatch = None,
) -> Brand:
    """Let what escucha.yml says hold again."""
    with installed.store.transaction() as session:
        visible_brand(session, brand_id, asking.brands(Permission.EDIT_BRANDS))
        try:
            row = brand_edits.back_to_file(
                session, brand_id, matching(if_match), field or (), installed.channel_names, asking.actor, clock.now()
            )
        except NotNow as error:
            raise HTTPException(409, str(error)) from error
        except brand_edits.Refused as error:
            raise refused(error) from error
    return answer(row, response)


@router.delete("/{brand_id}", status_code=204, summary="Retire a brand", responses=ANSWERS)
def retire_brand(
    installed: Installed, asking: Annotated[Caller, needs(Permission.EDIT_BRANDS)], brand_id: Id,
    if_match: etags.IfMatch = None,
) -> None:  # fmt: skip
    """Listen for it no more; what is stored stays. Only for brands that escucha.yml does not name; it takes
    `brands:write` for all brands."""
    with installed.store.transaction() as session:
        visible_brand(session, brand_id, asking.brands(Permission.EDIT_BRANDS))
        if not asking.may(Permission.EDIT_BRANDS):
            raise HTTPException(403, "only who may edit all brands may retire one")
        try:
            brand_edits.retire(session, brand_id, matching(if_match), asking.actor, clock.now())
        except NotNow as error:
            raise HTTPException(409, str(error)) from error


def changed(
    installed: Installed, asking: Caller, brand_id: int, check: Check, wanted: Mapping[str, Any],
    permission: Permission = Permission.EDIT_BRANDS, action: str = "brand.edited",
) -> BrandRow:  # fmt: skip
    """Change a brand for whoever asks. Raises HTTPException, and what ``check`` does."""
    with installed.store.transaction() as session:
        brand = visible_brand(session, brand_id, asking.brands(permission))
        try:
            channels = channels_for(installed, asking, brand, wanted)
            return brand_edits.change(session, brand_id, check, wanted, channels, asking.actor, clock.now(), action)
        except brand_edits.Refused as error:
            raise refused(error) from error


def channels_for(
    installed: Installation, asking: Caller, brand: BrandRow | None = None, wanted: Mapping[str, Any] | None = None
) -> Sequence[str]:
    """The channels that whoever asks may choose for a brand (None = a new one): they concern no single brand, so who
    may not see the whole setup knows only those that it has. Raises brand_edits.Refused where they want to have all
    told instead."""
    if asking.may(Permission.READ_SETUP):
        return installed.channel_names
    present = None if brand is None else brand.channels
    if present is not None and wanted is not None and "channels" in wanted and wanted["channels"] is None:
        raise brand_edits.Refused([("channels", "only who may see the whole setup may have all channels told")])
    return [name for name in present or () if name in installed.channel_names]


def visible_brand(session: Reading, brand_id: int, among: frozenset[int] | None) -> BrandRow:
    """A brand that whoever asks may see. Raises HTTPException 404 for any other."""
    found = brands.brand_of(session, brand_id, among)
    if found is None:
        raise HTTPException(404, f"there is no brand {brand_id}")
    return found


def matching(if_match: str | None) -> Check:
    """A check of the version that a request says it changes."""
    return lambda brand: etags.check(if_match, brand.version)


def refused(error: brand_edits.Refused) -> Refused:
    """What is wrong, each thing with its place in the body."""
    faults = [Fault(detail=words, pointer="/" + field.replace(".", "/")) for field, words in error.problems[:50]]
    return Refused(422, str(error), kind=VALIDATION, errors=faults)


def answer(row: BrandRow, response: Response) -> Brand:
    """A brand, with its version in the head of the answer."""
    response.headers["ETag"] = etags.etag(row.version)
    return Brand.of(row)
