"""Promoters: the gallery that marketing picks from, and a permission from asking its author to what they said."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from api.access import needs
from api.dashboard.language import N_
from api.dashboard.promoter_filters import CHANCES, STANDINGS, Fields, Filled, day, place
from api.dashboard.rendering import gettext_for, go, show, tell
from api.routes.dependencies import Id, Installed, Reading
from listener import clock, reuse
from listener.access import Caller, Permission
from listener.query import QueryError
from listener.registry import SOURCES
from listener.reuse import STEPS, State, Step, StepRefused
from listener.reuse_request import LANGUAGES, likely_language, request_words
from listener.store import brands, collections, promoters
from listener.store import reuse as permissions
from listener.store.promoters import Promoter, Whose

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

SHOWN = 30
"""Cards on a page."""

LONGEST_SHOWN = 20_000
"""Characters of what somebody said, where it is alone on the page."""

Reader = Annotated[Caller, needs(Permission.READ_PROMOTERS)]
Marketer = Annotated[Caller, needs(Permission.REUSE)]

REFUSALS: Mapping[type[StepRefused], str] = {
    reuse.TakeAnotherStep: N_("That does not follow from how the permission stands. Look at it again below."),
    reuse.GiveProof: N_(
        "Say what shows that the author allowed it: an address that begins with https://, or their words and who "
        "said them."
    ),
    reuse.GiveReason: N_("The author did not allow it. Say why they are asked again, so that others can read it."),
    reuse.ChooseAnotherEnd: N_("Choose a last day that is still to come and within 50 years, or leave it empty."),
}

STALE = N_("Somebody has changed this since you opened the page, or the author the words. This is how it is now.")

KEPT: Mapping[State, str] = {
    State.ASKED: N_("Kept: the author has been asked."),
    State.GRANTED: N_("Kept: the author allows it. It is now in the export."),
    State.REFUSED: N_("Kept: the author does not allow it."),
    State.NOT_ASKED: N_("Kept: the author has not been asked."),
}


@router.get("/promoters")
def gallery(
    request: Request,
    asking: Reader,
    session: Reading,
    filled: Filled,
    after: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """The gallery, or its cards alone."""
    part = "x-fragment" in request.headers
    context, status = cards(request, session, asking, filled, filled, after)
    own = collections.listed(session, asking.brands(Permission.READ_PROMOTERS))
    context |= {
        "brands": [row.name for row in brands.listed(session, asking.brands(Permission.READ_PROMOTERS))],
        "collections": own,
        "pickable": [row for row in own if asking.may(Permission.REUSE, row["brand_id"])],
        "sources": sorted(SOURCES),
        "chances": CHANCES,
        "longest": collections.LONGEST_NAME,
    }
    return show(request, f"promoters/{'cards' if part else 'gallery'}.html", asking, context, status_code=status)


def cards(
    request: Request, session: Session, asking: Caller, filled: Fields, addressed: Fields, after: str
) -> tuple[dict[str, Any], int]:
    """What the cards need, and the answer's status: 422 where what is asked for cannot be read. ``addressed``: what of
    it the page's address says."""
    _ = gettext_for(request, asking)
    found, problem, whose = None, None, ""
    try:
        wanted = filled.wanted()
        visible = asking.brands(Permission.READ_PROMOTERS)
        if whose := _whose(session, filled, visible):
            wanted = replace(wanted, whose=Whose(whose))
        found = promoters.find(session, wanted, clock.now(), brands=visible, after=place(after), limit=SHOWN)
    except QueryError as error:
        problem = " ".join((_("These words cannot be looked for."), str(error)))
    except ValueError:
        problem = _("One of the filters cannot be read. Choose another value, or leave it empty.")
    return {
        "fields": filled,
        "promoters": found.items if found else (),
        "older": addressed.address(request.url.path, after=str(found.next)) if found and found.next else None,
        "complete": found is None or found.complete,
        "problem": problem,
        "standings": STANDINGS,
        "whose": whose,
        "cards_from": addressed.address(request.url.path, after=after),
    }, 422 if problem else 200


def _whose(session: Session, filled: Fields, visible: frozenset[int] | None) -> str:
    """Our own brands, unless one is chosen: what people say for a competitor is no praise to quote. "" = whichever, for
    who sees competitors alone."""
    if filled.brand or filled.collection:
        return ""
    return Whose.OWN.value if any(row.role == Whose.OWN for row in brands.listed(session, visible)) else ""


@router.get("/promoters/{mention_id}")
def one(request: Request, asking: Reader, session: Reading, mention_id: Id) -> Response:
    """What somebody said, and the permission to use it."""
    return _page(request, session, asking, mention_id)


@router.post("/promoters/{mention_id}/permission")
def keep(
    request: Request,
    asking: Marketer,
    installed: Installed,
    mention_id: Id,
    state: Annotated[State, Form()],
    version: Annotated[str, Form(max_length=60)],
    proof: Annotated[str, Form(max_length=reuse.LONGEST_PROOF)] = "",
    said_by: Annotated[str, Form(max_length=reuse.LONGEST_NAME)] = "",
    terms: Annotated[str, Form(max_length=reuse.LONGEST_TERMS)] = "",
    last_day: Annotated[str, Form(max_length=20)] = "",
    reason: Annotated[str, Form(max_length=reuse.LONGEST_REASON)] = "",
) -> Response:
    """Keep a step of it."""
    _, mine = gettext_for(request, asking), asking.brands(Permission.REUSE)
    said = {"state": state, "proof": proof, "said_by": said_by, "terms": terms, "last_day": last_day, "reason": reason}
    try:
        step = Step(state, proof, said_by, terms, _end(last_day), reason)
        with installed.store.transaction() as session:
            permissions.take_step(session, mention_id, step, asking.actor, clock.now(), brands=mine, seen=version)
            tell(request, session, _(KEPT[state]))
    except KeyError as error:
        raise HTTPException(404, "there is no such promoter") from error
    except permissions.ReadAgain:
        problem, said = _(STALE), {}
    except StepRefused as refused:
        problem = _(REFUSALS[type(refused)])
    else:
        return go(f"/promoters/{mention_id}")
    with installed.store.reading() as session:
        return _page(request, session, asking, mention_id, problem, said)


def _end(last_day: str) -> Any:
    try:
        return day(last_day, whole=True)
    except ValueError as error:
        raise reuse.ChooseAnotherEnd("no such day") from error


def _page(
    request: Request,
    session: Session,
    asking: Caller,
    mention_id: int,
    problem: str | None = None,
    said: Mapping[str, Any] | None = None,
) -> Response:
    """The page of one promoter; with a ``problem``, and what was ``said`` in the form that had it."""
    try:
        found: Promoter = promoters.one(
            session, mention_id, clock.now(), brands=asking.brands(Permission.READ_PROMOTERS)
        )
    except KeyError as error:
        raise HTTPException(404, "there is no such promoter") from error
    likely = likely_language(found.row["lang"])
    context = {
        "promoter": found,
        "standings": STANDINGS,
        "steps": [step.value for step in STEPS[found.standing]],
        "requests": [
            (language, request_words(language, dict(found.row)))
            for language in sorted(LANGUAGES, key=lambda one: one != likely)
        ],
        "history": [{**step, "at": datetime.fromisoformat(step["at"])} for step in found.permission.history],
        "longest": LONGEST_SHOWN,
        "limits": reuse,
        "problem": problem,
        "said": said or {},
    }
    return show(request, "promoters/one.html", asking, context, status_code=422 if problem else 200)
