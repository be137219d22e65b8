"""Saved views: what somebody asked of a page, kept under a name of theirs to ask it again."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from alerts.text import one_line
from api import etags
from api.access import needs
from api.etags import IfMatch
from api.routes.dependencies import Id, Installed, Reading
from listener import clock
from listener.access import Caller
from listener.items import storable, wordless
from listener.store import views

router = APIRouter(prefix="/api/v1/views", tags=["views"])

Asking = Annotated[Caller, needs(None)]

PEOPLE_ONLY = "saved views belong to people: sign in, a key has none"
LONGEST_NAME = 80


def view_name(written: str) -> str:
    """A name as it is kept, in one line. Raises ValueError where nothing of it can be seen."""
    name = one_line(storable(written)).strip()
    if wordless(name) or len(name) > LONGEST_NAME:
        raise ValueError(f"a name of 1 to {LONGEST_NAME} characters that can be seen")
    return name


Text = Annotated[str, Field(max_length=2_000), AfterValidator(storable)]
Name = Annotated[str, Field(max_length=LONGEST_NAME, description="How it is called."), AfterValidator(view_name)]
Page = Annotated[str, Field(pattern=r"^[a-z]{1,40}$", description="The page it is a view of, such as `mentions`.")]


class NewView(BaseModel):
    """A view to keep."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"page": "mentions", "name": "Angry", "asked": {"label": ["detractor"]}}]},
    )

    page: Page
    name: Name
    asked: dict[Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")], Annotated[list[Text], Field(max_length=20)]] = Field(
        max_length=40, description="The address's query: name -> values."
    )


class View(BaseModel):
    """A saved view."""

    id: int
    page: str
    name: str
    asked: dict[str, list[str]]
    created_at: datetime


class Views(BaseModel):
    """All of a user's views, by page and name; at most 100 of a page."""

    items: list[View]
    next: None = Field(None, description="There is no other page.")


@router.get("", summary="Your saved views")
def list_views(
    session: Reading,
    asking: Asking,
    page: Annotated[str | None, Query(max_length=40, description="Only of this page.")] = None,
) -> Views:
    """What you saved."""
    return Views(items=[View.model_validate(dict(row)) for row in views.listed(session, _user(asking), page)])


@router.post(
    "", summary="Save a view", status_code=201, responses={409: {"description": "You have one of that name, or 100."}}
)
def add_view(installed: Installed, asking: Asking, new: NewView, response: Response) -> View:
    """Keep what was asked of a page."""
    user = _user(asking)
    with installed.store.transaction() as session:
        try:
            made = views.add(session, user, new.page, new.name, new.asked, asking.actor, clock.now())
        except views.TooManyError as error:
            raise HTTPException(409, f"you have {views.MOST} views of this page: remove one first") from error
        row = None if made is None else views.one(session, user, made)
    if row is None:
        raise HTTPException(409, "you have a view of that name here: choose another name, or remove that one first")
    response.headers["ETag"] = etags.etag(row["id"])
    return View.model_validate(dict(row))


@router.get("/{view_id}", summary="A saved view", responses={404: {"description": "You have no such view."}})
def one_view(session: Reading, asking: Asking, view_id: Id, response: Response) -> View:
    """One that you saved, with its ETag. A view never changes: it is saved anew or removed."""
    row = views.one(session, _user(asking), view_id)
    if row is None:
        raise HTTPException(404, f"you have no view {view_id}")
    response.headers["ETag"] = etags.etag(row["id"])
    return View.model_validate(dict(row))


@router.delete(
    "/{view_id}", summary="Remove a view", status_code=204, responses={404: {"description": "You have no such view."}}
)
def remove_view(installed: Installed, asking: Asking, view_id: Id, if_match: IfMatch = None) -> None:
    """Forget one that you saved."""
    user = _user(asking)
    with installed.store.transaction() as session:
        if views.one(session, user, view_id) is None:
            raise HTTPException(404, f"you have no view {view_id}")
        etags.check(if_match, view_id)
        views.remove(session, user, view_id, asking.actor, clock.now())


def _user(asking: Caller) -> int:
    if asking.user_id is None:
        raise HTTPException(403, PEOPLE_ONLY)
    return asking.user_id
