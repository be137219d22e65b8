"""Collections of promoters' mentions: picked in the gallery, looked at here, and handed on."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from api.access import needs
from api.dashboard.pages.promoters import cards
from api.dashboard.promoter_filters import Fields
from api.dashboard.rendering import gettext_for, go, show, tell
from api.routes.dependencies import HIGHEST_ID, Id, Installed, Reading
from listener import clock
from listener.access import Caller, Permission
from listener.store import brands, collections, promoters

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Reader = Annotated[Caller, needs(Permission.READ_PROMOTERS)]
Marketer = Annotated[Caller, needs(Permission.REUSE)]
Name = Annotated[str, Form(max_length=collections.LONGEST_NAME)]
Version = Annotated[int, Form(ge=1, le=2**31)]
Picked = Annotated[
    Sequence[Annotated[int, Form(ge=1, le=HIGHEST_ID)]], Form(max_length=collections.MOST_AT_ONCE)
]  # fmt: skip

AT = "/promoters/collections"


@router.get(AT)
def every(request: Request, asking: Reader, session: Reading) -> Response:
    """All collections, and a form for another."""
    return _list(request, session, asking)


@router.post(AT)
def make(
    request: Request,
    asking: Marketer,
    installed: Installed,
    brand: Annotated[str, Form(max_length=500)],
    name: Name = "",
) -> Response:
    """Make one."""
    _, problem = gettext_for(request, asking), None
    try:
        with installed.store.transaction() as session:
            of = next(
                (row for row in brands.listed(session, asking.brands(Permission.REUSE)) if row.name == brand), None
            )
            if of is None or of.id is None:
                raise HTTPException(404, "there is no such brand")
            made = collections.make(session, of.id, name, asking.actor, clock.now())
            tell(request, session, _("The collection is there. Pick what goes into it among the promoters."))
        return go(f"{AT}/{made}")
    except collections.ChooseAnotherName:
        problem = _("Choose a name that this brand has for no other collection.")
    except collections.MakeRoom:
        problem = _("The brand has as many collections as there may be. Delete one first.")
    with installed.store.reading() as session:
        return _list(request, session, asking, problem, {"brand": brand, "name": name})


@router.post("/promoters/pick")
def pick(
    request: Request,
    asking: Marketer,
    installed: Installed,
    picked: Picked = (),
    collection: Annotated[str, Form(max_length=20)] = "",
    name: Name = "",
) -> Response:
    """Put what was picked into a collection, or into a new one of a name."""
    _ = gettext_for(request, asking)
    try:
        with installed.store.transaction() as session:
            into = _into(session, picked, collection, name, asking)
            added = collections.add(session, into, picked, asking.actor, clock.now())
            left = len(set(picked)) - added
            said = _("Added to the collection: %(added)s.") % {"added": added}
            if left:
                said += " " + _("Already in it, or of another brand: %(left)s.") % {"left": left}
            tell(request, session, said)
        return go(f"{AT}/{into['id']}")
    except collections.ChooseAnotherName:
        problem = _("Choose a name that this brand has for no other collection.")
    except collections.MakeRoom:
        problem = _("There is no room in this collection, or for another one.")
    except KeyError as error:
        raise HTTPException(404, "there is no such collection") from error
    except LookupError:
        problem = _("Pick something first, all of one brand, and choose a collection or name a new one.")
    with installed.store.reading() as session:
        return _list(request, session, asking, problem)


def _into(session: Session, picked: Sequence[int], collection: str, name: str, asking: Caller) -> Any:
    """The collection that was chosen, or the new one. Raises KeyError where there is none of that number, LookupError
    where it cannot be told which."""
    mine = asking.brands(Permission.REUSE)
    if not picked or not (name.strip() or collection):
        raise LookupError
    if not name.strip():
        if not collection.isascii() or not collection.isdigit() or int(collection) > HIGHEST_ID:
            raise KeyError(collection)
        return collections.one(session, int(collection), mine)
    of = promoters.brands_of(session, picked, mine)
    if len(of) != 1:
        raise LookupError
    made = collections.make(session, next(iter(of)), name, asking.actor, clock.now())
    return collections.one(session, made, mine)


@router.get(AT + "/{collection_id}")
def one(
    request: Request,
    asking: Reader,
    session: Reading,
    collection_id: Id,
    after: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """What is in one."""
    return _page(request, session, asking, collection_id, after)


@router.post(AT + "/{collection_id}/items")
def take_out(
    request: Request, asking: Marketer, installed: Installed, collection_id: Id, picked: Picked = ()
) -> Response:
    """Take out what was picked."""
    _ = gettext_for(request, asking)
    with installed.store.transaction() as session:
        before = _visible(session, collection_id, asking.brands(Permission.REUSE))
        gone = collections.take_out(session, before, picked, asking.actor, clock.now())
        tell(request, session, _("Taken out of the collection: %(gone)s.") % {"gone": gone})
    return go(f"{AT}/{collection_id}")


@router.post(AT + "/{collection_id}/name")
def rename(
    request: Request, asking: Marketer, installed: Installed, collection_id: Id, version: Version, name: Name = ""
) -> Response:
    """Call it something else."""
    _ = gettext_for(request, asking)
    try:
        with installed.store.transaction() as session:
            before = _visible(session, collection_id, asking.brands(Permission.REUSE))
            _as_seen(before, version)
            collections.rename(session, before, name, asking.actor, clock.now())
            tell(request, session, _("The collection has another name."))
        return go(f"{AT}/{collection_id}")
    except collections.ChooseAnotherName:
        problem = _("Choose a name that this brand has for no other collection.")
    except collections.ReadAgain:
        problem = _("Somebody has changed this collection since you opened the page. This is how it is now.")
    with installed.store.reading() as session:
        return _page(request, session, asking, collection_id, problem=problem)


@router.post(AT + "/{collection_id}/delete")
def delete(request: Request, asking: Marketer, installed: Installed, collection_id: Id, version: Version) -> Response:
    """Delete the list; what is in it stays among the promoters."""
    _ = gettext_for(request, asking)
    try:
        with installed.store.transaction() as session:
            before = _visible(session, collection_id, asking.brands(Permission.REUSE))
            _as_seen(before, version)
            collections.drop(session, before, asking.actor, clock.now())
            tell(request, session, _("The collection is deleted. What was in it is still among the promoters."))
        return go(AT)
    except collections.ReadAgain:
        problem = _("Somebody has changed this collection since you opened the page. This is how it is now.")
    with installed.store.reading() as session:
        return _page(request, session, asking, collection_id, problem=problem)


def _as_seen(collection: Any, version: int) -> None:
    if collection["version"] != version:
        raise collections.ReadAgain


def _visible(session: Session, collection_id: int, only: frozenset[int] | None) -> Any:
    try:
        return collections.one(session, collection_id, only)
    except KeyError as error:
        raise HTTPException(404, "there is no such collection") from error


def _list(
    request: Request, session: Session, asking: Caller, problem: str | None = None, said: dict[str, Any] | None = None
) -> Response:
    context = {
        "collections": collections.listed(session, asking.brands(Permission.READ_PROMOTERS)),
        "brands": [row.name for row in brands.listed(session, asking.brands(Permission.REUSE))],
        "longest": collections.LONGEST_NAME,
        "problem": problem,
        "said": said or {},
    }
    return show(request, "promoters/collections.html", asking, context, status_code=422 if problem else 200)


def _page(
    request: Request, session: Session, asking: Caller, collection_id: int, after: str = "", problem: str | None = None
) -> Response:
    found = _visible(session, collection_id, asking.brands(Permission.READ_PROMOTERS))
    context, _ = cards(request, session, asking, Fields(collection=str(collection_id)), Fields(), after)
    context |= {"collection": found, "longest": collections.LONGEST_NAME, "problem": problem, "taking": True}
    part = "x-fragment" in request.headers
    template = f"promoters/{'cards' if part else 'collection'}.html"
    return show(request, template, asking, context, status_code=422 if problem else 200)
