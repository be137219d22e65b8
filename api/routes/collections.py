"""Collections: promoters' mentions of a brand that somebody put together. What is in one: `promoters?collection=`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api import etags
from api.access import needs
from api.routes.dependencies import HIGHEST_ID, BrandName, Id, Installed, Reading, named
from listener import clock
from listener.access import Caller, Permission
from listener.items import storable
from listener.store import brands, collections
from listener.store.collections import LONGEST_NAME, MOST_AT_ONCE

router = APIRouter(prefix="/api/v1/collections", tags=["collections"])

ANSWERS: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such collection or brand."},
    409: {"description": "The name is taken, or there is no room; `detail` says which."},
    412: {"description": "Somebody has changed the collection since; read it again."},
    428: {"description": "Say with If-Match which version you change."},
}

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, description="Its name; a brand has each once.")]
Mentions = Annotated[
    list[Annotated[int, Field(ge=1, le=HIGHEST_ID)]],
    Field(min_length=1, max_length=MOST_AT_ONCE, description="Their ids; what is not the brand's is passed over."),
]


class Renamed(BaseModel):
    """What a collection is to be called."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "Spring campaign"}]})

    name: Name


class NewCollection(Renamed):
    """A collection to make."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"brand": "Aeroluz", "name": "Spring campaign"}]}
    )

    brand: str = Field(min_length=1, max_length=500, description="The brand whose mentions it is for.")


class Items(BaseModel):
    """Mentions to put in or to take out."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"mentions": [12, 31]}]})

    mentions: Mentions


class Collection(BaseModel):
    """A collection."""

    id: int
    brand: str
    name: str
    items: int = Field(description="How many mentions are in it.")
    version: int = Field(description="Goes up with every change; the ETag.")
    created_at: datetime
    created_by: str


class Collections(BaseModel):
    """All that there are, by brand and name."""

    items: list[Collection]
    next: None = Field(None, description="There are few: all are on this page.")


class Changed(Collection):
    """A collection after mentions were put in or taken out."""

    changed: int = Field(description="How many were put in, or taken out, by this.")


@router.get("", summary="List collections", responses={404: ANSWERS[404]})
def list_collections(
    session: Reading, asking: Annotated[Caller, needs(Permission.READ_PROMOTERS)], brand: BrandName = None
) -> Collections:
    """Collections by brand and name; a brand has a few hundred at most."""
    mine = asking.brands(Permission.READ_PROMOTERS)
    named(session, [brand], mine)
    found = collections.listed(session, mine, brand=brand)
    return Collections(items=[Collection.model_validate(dict(row)) for row in found])


@router.get("/{collection_id}", summary="One collection", responses={404: ANSWERS[404]})
def one_collection(
    session: Reading, asking: Annotated[Caller, needs(Permission.READ_PROMOTERS)], collection_id: Id, response: Response
) -> Collection:
    """A collection; its mentions are at `/api/v1/promoters?collection=`."""
    return _answer(visible(session, collection_id, asking.brands(Permission.READ_PROMOTERS)), response)


@router.post("", status_code=201, summary="Make a collection", responses={code: ANSWERS[code] for code in (404, 409)})
def make_collection(
    installed: Installed, asking: Annotated[Caller, needs(Permission.REUSE)], new: NewCollection, response: Response
) -> Collection:
    """Make an empty one for a brand."""
    with installed.store.transaction() as session:
        brand = brands.brand_named(session, storable(new.brand))
        if brand is None or brand.id is None or not asking.may(Permission.REUSE, brand.id):
            raise HTTPException(404, "there is no such brand; /api/v1/brands lists those there are")
        try:
            made = collections.make(session, brand.id, new.name, asking.actor, clock.now())
        except (collections.ChooseAnotherName, collections.MakeRoom) as error:
            raise HTTPException(409, str(error)) from error
        found = visible(session, made, None)
    response.headers["Location"] = f"/api/v1/collections/{made}"
    return _answer(found, response)


@router.put("/{collection_id}", summary="Rename a collection", responses=ANSWERS)
def rename_collection(
    installed: Installed,
    asking: Annotated[Caller, needs(Permission.REUSE)],
    collection_id: Id,
    renamed: Renamed,
    response: Response,
    if_match: etags.IfMatch = None,
) -> Collection:
    """Call it something else."""
    with installed.store.transaction() as session:
        before = visible(session, collection_id, asking.brands(Permission.REUSE))
        etags.check(if_match, before["version"])
        try:
            collections.rename(session, before, renamed.name, asking.actor, clock.now())
        except collections.ChooseAnotherName as error:
            raise HTTPException(409, str(error)) from error
        except collections.ReadAgain as error:
            raise HTTPException(412, etags.STALE) from error
        found = visible(session, collection_id, None)
    return _answer(found, response)


@router.delete(
    "/{collection_id}", status_code=204, summary="Delete a collection",
    responses={code: ANSWERS[code] for code in (404, 412, 428)},
)  # fmt: skip
def delete_collection(
    installed: Installed,
    asking: Annotated[Caller, needs(Permission.REUSE)],
    collection_id: Id,
    if_match: etags.IfMatch = None,
) -> None:
    """Delete the list; the mentions, and what is known of permissions, stay."""
    with installed.store.transaction() as session:
        before = visible(session, collection_id, asking.brands(Permission.REUSE))
        etags.check(if_match, before["version"])
        try:
            collections.drop(session, before, asking.actor, clock.now())
        except collections.ReadAgain as error:
            raise HTTPException(412, etags.STALE) from error


@router.post(
    "/{collection_id}/items", summary="Put mentions in", responses={code: ANSWERS[code] for code in (404, 409)}
)
def add_items(
    installed: Installed, asking: Annotated[Caller, needs(Permission.REUSE)], collection_id: Id, items: Items
) -> Changed:
    """Put mentions of its brand in; those that are in it already stay where they are."""
    with installed.store.transaction() as session:
        before = visible(session, collection_id, asking.brands(Permission.REUSE))
        try:
            changed = collections.add(session, before, items.mentions, asking.actor, clock.now())
        except collections.MakeRoom as error:
            raise HTTPException(409, str(error)) from error
        except KeyError as error:
            raise not_there(collection_id) from error
        return _changed(session, collection_id, changed)


@router.post("/{collection_id}/items/remove", summary="Take mentions out", responses={404: ANSWERS[404]})
def remove_items(
    installed: Installed, asking: Annotated[Caller, needs(Permission.REUSE)], collection_id: Id, items: Items
) -> Changed:
    """Take mentions out; those that are not in it are passed over."""
    with installed.store.transaction() as session:
        before = visible(session, collection_id, asking.brands(Permission.REUSE))
        try:
            changed = collections.take_out(session, before, items.mentions, asking.actor, clock.now())
        except KeyError as error:
            raise not_there(collection_id) from error
        return _changed(session, collection_id, changed)


def visible(session: Session, collection_id: int, only: frozenset[int] | None) -> Any:
    """The collection, if it is one of these brands' (None = any). Raises HTTPException 404."""
    try:
        return collections.one(session, collection_id, only)
    except KeyError as error:
        raise not_there(collection_id) from error


def not_there(collection_id: int) -> HTTPException:
    """What is answered where there is no such collection."""
    return HTTPException(404, f"there is no collection {collection_id}; /api/v1/collections lists those there are")


def _answer(row: Mapping[str, Any], response: Response) -> Collection:
    response.headers["ETag"] = etags.etag(row["version"])
    return Collection.model_validate(dict(row))


def _changed(session: Session, collection_id: int, changed: int) -> Changed:
    return Changed.model_validate({**visible(session, collection_id, None), "changed": changed})
