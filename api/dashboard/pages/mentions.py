"""Mentions: searched by words and filters, corrected with a key, kept as views; what is new comes in by itself."""

from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError
from sqlmodel import Session, select

from alerts.text import tame
from api.access import needs
from api.asked_mentions import MOST_WORDS, Asked, AskedPage, of_page
from api.dashboard.mention_words import LABELS, POLARITIES, SAID, STANCES
from api.dashboard.rendering import gettext_for, go, show, tell
from api.routes.dependencies import Id, Installed, Reading, named
from api.routes.views import LONGEST_NAME, view_name
from listener import clock
from listener.access import Caller, Permission
from listener.query import QueryError
from listener.store import corrections, figures, search, views
from listener.store.callers import among
from listener.store.corrections import VALUES, What
from listener.store.search import Number, Page
from listener.store.tables import Brand, table

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Reader = Annotated[Caller, needs(Permission.READ_MENTIONS)]
Corrector = Annotated[Caller, needs(Permission.CORRECT)]
Word = Annotated[str, Form(max_length=4_000)]

MOST_COUNTED = 1_000
"""Of more it is only said that there are: counting them would take longer than finding a page."""

SHOWN = 25
"""Rows on a page: with more of them it would weigh too much."""

MORE = frozenset({"lang", "emotion", "author", "reach", "since", "until", "hidden", "unsure"})
"""Filters that are folded away while they are not used."""

NOT_EXPORTED = frozenset({"alert", "cluster", "unsure", "copies"})
"""Filters that exports do not know."""

PAGE = "mentions"


@router.get("/mentions")
def mentions(request: Request, asking: Reader, session: Reading) -> HTMLResponse:
    """The page, or the list alone, which follows what comes in."""
    return _list(request, asking, session)


@router.post("/mentions/views")
def save_view(request: Request, asking: Reader, installed: Installed, name: Word = "", asked: Word = "") -> Response:
    """Keep what is asked for under a name."""
    _ = gettext_for(request, asking)
    if asking.user_id is None:
        raise HTTPException(403, "saved views belong to people: sign in")
    given = {key: value[:1] for key, value in parse_qs(asked).items() if key in Asked.model_fields}
    problem = None
    with installed.store.transaction() as session:
        try:
            made = views.add(session, asking.user_id, PAGE, view_name(name), given, asking.actor, clock.now())
            problem = None if made is not None else _("You have a view of that name. Choose another name.")
        except ValueError:
            problem = _("Give the view a name of 1 to 80 characters.")
        except views.TooManyError:
            problem = _("You have a hundred views of this page. Remove one first.")
        if problem is None:
            tell(request, session, _("The view is saved."))
    if problem is None:
        return go(_back(asked))
    with installed.store.reading() as session:
        return _list(request, asking, session, given=parse_qs(asked), problem=problem)


@router.post("/mentions/views/{view_id}/remove")
def remove_view(request: Request, asking: Reader, installed: Installed, view_id: Id) -> Response:
    """Forget a view."""
    _ = gettext_for(request, asking)
    with installed.store.transaction() as session:
        gone = asking.user_id is not None and views.remove(session, asking.user_id, view_id, asking.actor, clock.now())
        if not gone:
            raise HTTPException(404, "you have no such view")
        tell(request, session, _("The view is removed."))
    return go("/mentions")


@router.post("/mentions/{mention_id}/correct")
def correct(
    request: Request,
    asking: Corrector,
    installed: Installed,
    mention_id: Id,
    say: Annotated[str, Form(max_length=40)],
    asked: Word = "",
    whole: Annotated[bool, Form()] = False,
) -> Response:
    """One key: what is right, as "stance:-2"; "stance:" takes back what was said. ``whole``: from the mention's own
    page."""
    _ = gettext_for(request, asking)
    name, _colon, value = say.partition(":")
    what = next((one for one in What if one.value == name), None)
    if what is None or (value and value not in VALUES[what]):
        raise HTTPException(422, "this cannot be said of a mention")
    with installed.store.transaction() as session:
        done = corrections.correct(
            session, mention_id, what, value or None, brands=asking.brands(Permission.CORRECT), actor=asking.actor,
            now=clock.now(),
        )  # fmt: skip
        if done is None:
            raise HTTPException(404, f"there is no mention {mention_id}")
        told = _("Corrected: {said}. Lists and figures follow.").format(said=_(SAID[value])) if value else ""
        tell(request, session, told or _("The correction is taken back."))
    return go(f"/mentions/{mention_id}" if whole else _back(asked))


def _back(asked: str) -> str:
    """The list that somebody came from: its own query and nothing else of what the form says."""
    given = {key: value[0] for key, value in parse_qs(asked[: MOST_WORDS * 2]).items() if key in AskedPage.model_fields}
    return f"/mentions?{urlencode(given)}" if given else "/mentions"


def _list(
    request: Request,
    asking: Caller,
    session: Session,
    *,
    given: dict[str, list[str]] | None = None,
    problem: str | None = None,
) -> HTMLResponse:
    params = dict(request.query_params) if given is None else {name: value[0] for name, value in given.items()}
    shown = of_page({name: value for name, value in params.items() if name != "limit"})
    page, said, status, number = Page((), None, True), problem, 422, None
    brands = asking.brands(Permission.READ_MENTIONS)
    try:
        asked = AskedPage.model_validate(shown)
        named(session, [asked.brand], brands)
        page = search.find(
            session,
            brands=asked.brands(asking),
            words=asked.words,
            filters=asked.filters(),
            after=asked.place,
            limit=SHOWN,
        )
        number = _number(session, asked, page, asked.brands(asking))
    except ValidationError as error:
        found = error.errors()[0]
        said = f"{'.'.join(str(part) for part in found['loc'])}: {tame(found['msg'])}"
    except QueryError as error:
        said = tame(str(error))
    except HTTPException as error:
        said, status = str(error.detail), error.status_code
    query = urlencode({name: value for name, value in shown.items() if name != "after"})
    context: dict[str, Any] = {
        "asked": shown, "query": query, "problem": said, "page": page, "shown": SHOWN, "longest_name": LONGEST_NAME,
        "number_found": number, "most_counted": MOST_COUNTED,
        "older": None if page.next is None else f"/mentions?{urlencode({**shown, 'after': str(page.next)})}",
        "live": "after" not in shown and said is None, "stances": STANCES, "labels": LABELS, "polarities": POLARITIES,
        "most_words": MOST_WORDS, "narrowed": not MORE.isdisjoint(shown),
        "unexportable": not NOT_EXPORTED.isdisjoint(shown),
    }  # fmt: skip
    if "x-fragment" in request.headers:
        return show(request, "mentions/found.html", asking, context)
    context |= _choices(session, brands)
    if (source := shown.get("source")) is not None and source not in context["sources"]:
        context["sources"].append(source)  # else the choice would show that any is asked for
    own = [] if asking.user_id is None else views.listed(session, asking.user_id, PAGE)
    context["views"] = [(one["id"], one["name"], urlencode(one["asked"], doseq=True)) for one in own]
    return show(request, "mentions/list.html", asking, context, status_code=200 if said is None else status)


def _number(session: Session, asked: AskedPage, page: Page, brands: frozenset[int] | None) -> Number | None:
    """How many there are, where that is known or quick to know: on the first page."""
    if asked.after is not None or not page.rows:
        return None
    if page.next is None:
        return Number(len(page.rows), None)
    if not page.complete:  # it has looked as far as can be looked at once
        return Number(len(page.rows), page.next.created_at)
    return search.count(session, brands=brands, words=asked.words, filters=asked.filters(), most=MOST_COUNTED)


def _choices(session: Session, brands: frozenset[int] | None) -> dict[str, list[str]]:
    """What the filters offer: the brands and themes of whoever asks, and the platforms where these were spoken of."""
    mine = session.exec(select(Brand).where(among(table(Brand).c.id, brands)).order_by(Brand.name)).all()
    return {
        "brands": [brand.name for brand in mine],
        "themes": sorted({theme for brand in mine for theme in brand.themes}),
        "sources": figures.platforms(session, brands),
    }
