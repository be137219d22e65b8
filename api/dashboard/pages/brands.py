"""Brands: what is listened for, in words; changed with what the change would find in view."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from api.access import needs
from api.dashboard import brand_words, rule_fields
from api.dashboard.rendering import gettext_for, go, show, tell
from api.dashboard.rule_words import CHOICES, RULE_NAMES
from api.routes.brands import channels_for, edits_of, visible_brand
from api.routes.dependencies import Id, Installed, InTurn, Reading
from api.routes.queries import tried
from api.wiring import Installation
from listener import clock
from listener.access import Caller, Permission
from listener.brand_entries import RULES
from listener.configfile import phrase
from listener.query import QueryError, parse
from listener.query.dialects import DIALECTS
from listener.query.outline import outline
from listener.query_preview import Wanted
from listener.store import brand_edits, brands
from listener.store.brand_edits import LONGEST_NAME, LONGEST_TEXT, NotNow, exactly
from listener.store.tables import Brand

router = APIRouter(prefix="/brands", include_in_schema=False, default_response_class=HTMLResponse)

MayRead = Annotated[Caller, needs(Permission.READ_SETUP)]
MayEdit = Annotated[Caller, needs(Permission.EDIT_BRANDS)]
Text = Annotated[str, Form(max_length=LONGEST_TEXT)]

WEEK = 7
"""Days over which mentions a day are counted."""

THEMES = 5
"""Empty rows for further themes on a form."""


@dataclass(frozen=True)
class Filled:
    """A brand's form as it is filled in: texts, a line each where there are several."""

    name: str = ""
    query: str = ""
    context: str = ""
    unless: str = ""
    relevance: str = ""
    role: str = "own"
    accounts: str = ""
    themes: Sequence[tuple[str, str]] = ()
    channels: tuple[str, ...] | None = None
    version: int = 0

    @classmethod
    def of(cls, brand: Brand) -> "Filled":
        """As a brand stands."""
        said = brand_edits.held(brand)
        threshold = said.get("relevance")
        shown = "never" if threshold is False else "" if threshold is None else f"{100 * threshold:g}"
        return cls(
            brand.name, brand.query, _lines_of(said.get("context")), _lines_of(said.get("unless")), shown, brand.role,
            _lines_of(brand.accounts), tuple(brand.themes.items()),
            None if brand.channels is None else tuple(brand.channels), brand.version,
        )  # fmt: skip

    def said(self) -> dict[str, Any]:
        """The fields, as escucha.yml has them. Raises ValueError for a threshold that is none."""
        return {
            "query": self.query.strip(),
            "context": _several(self.context),
            "unless": _several(self.unless),
            "relevance": self._threshold(),
            "role": self.role,
            "accounts": _several(self.accounts),
            "themes": {name.strip(): query.strip() for name, query in self.themes if name.strip() or query.strip()},
            "channels": None if self.channels is None else list(self.channels),
        }

    def wanted(self) -> Wanted:
        """What a preview tries. Raises as ``said`` does."""
        return Wanted(
            self.query.strip() or phrase(self.name), _several(self.context), _several(self.unless), self._threshold()
        )

    def _threshold(self) -> float | bool | None:
        text = self.relevance.strip().rstrip("%").strip().replace(",", ".")
        if not text:
            return None
        return False if text == "never" else round(float(text) / 100, 6)


def filled(
    query: Text = "",
    name: Annotated[str, Form(max_length=LONGEST_NAME)] = "",
    context: Text = "",
    unless: Text = "",
    relevance: Annotated[str, Form(max_length=20)] = "",
    role: Annotated[str, Form(max_length=20)] = "own",
    accounts: Text = "",
    theme: Annotated[Sequence[Text], Form(max_length=60)] = (),
    finds: Annotated[Sequence[Text], Form(max_length=60)] = (),
    everywhere: Annotated[str, Form(max_length=5)] = "",
    channel: Annotated[Sequence[Text], Form(max_length=200)] = (),
    version: Annotated[int, Form(ge=0, le=2**31)] = 0,
) -> Filled:
    """A brand's form. Raises HTTPException 422 for what no database can hold."""
    texts = (query, name, context, unless, relevance, role, accounts, *theme, *finds, *channel)
    if any("\x00" in one for one in texts):
        raise HTTPException(422, "NUL is no character that can be looked for")
    themes = tuple(zip(theme, finds, strict=False))
    limit = None if everywhere else tuple(channel)
    return Filled(name.strip(), query, context, unless, relevance, role, accounts, themes, limit, version)


FromForm = Annotated[Filled, Depends(filled)]


@router.get("")
def list_brands(request: Request, asking: MayRead, session: Reading) -> HTMLResponse:
    """The brands listened for."""
    rows = brands.listed(session, asking.brands(Permission.READ_SETUP))
    since = clock.now() - timedelta(days=WEEK)
    counted = brands.mentions_since(session, rows, since)
    shown = [
        {
            "brand": row, "outline": _outline(row.query), "edits": edits_of(row),
            "a_day": counted.get(row.id or 0, 0) / WEEK,
        }
        for row in rows
    ]  # fmt: skip
    return show(request, "brands/brands.html", asking, {"rows": shown, "may_add": asking.may(Permission.EDIT_BRANDS)})


@router.get("/new")
def new_brand(request: Request, asking: MayEdit, installed: Installed) -> HTMLResponse:
    """The form for a brand that is not listened for yet."""
    _add_only(asking)
    return _form(request, asking, installed, Filled())


@router.post("/new")
def add_brand(request: Request, asking: MayEdit, installed: Installed, form: FromForm) -> Response:
    """Listen for it from now on."""
    _ = gettext_for(request, asking)
    _add_only(asking)
    try:
        with installed.store.transaction() as session:
            made = brand_edits.add(
                session,
                form.name,
                form.said() | {RULES: {}},
                channels_for(installed, asking),
                asking.actor,
                clock.now(),
            )
            tell(request, session, _("The brand is listened for from now on."))
    except (brand_edits.Refused, ValueError) as error:
        return _form(request, asking, installed, form, wrong=_wrong(error, _), status_code=422)
    return go(f"/brands/{made.id}")


@router.post("/preview")
def preview_new(request: Request, asking: MayEdit, installed: Installed, turns: InTurn, form: FromForm) -> HTMLResponse:
    """What the query of a brand that is not listened for yet would find."""
    return _preview(request, asking, installed, turns, form, None)


@router.get("/{brand_id}")
def one_brand(request: Request, asking: MayRead, installed: Installed, session: Reading, brand_id: Id) -> HTMLResponse:
    """One brand and its form."""
    brand = visible_brand(session, brand_id, asking.brands(Permission.READ_SETUP))
    return _form(request, asking, installed, Filled.of(brand), brand)


@router.post("/{brand_id}/preview")
def preview(
    request: Request, asking: MayRead, installed: Installed, turns: InTurn, form: FromForm, brand_id: Id
) -> HTMLResponse:
    """What a changed query of a brand would find, and lose."""
    with installed.store.reading() as session:
        brand = visible_brand(session, brand_id, asking.brands(Permission.READ_SETUP))
    return _preview(request, asking, installed, turns, form, brand)


@router.post("/{brand_id}")
def change_brand(request: Request, asking: MayEdit, installed: Installed, form: FromForm, brand_id: Id) -> Response:
    """Have the brand be as it is filled in, from the next piece of work on."""
    _ = gettext_for(request, asking)
    with installed.store.reading() as session:
        brand = visible_brand(session, brand_id, asking.brands(Permission.EDIT_BRANDS))
    try:
        said = form.said()
        # A query that is looked for by the name alone stands as it is shown: left alone, it is no change.
        if brand_edits.held(brand).get("query") == "" and said["query"] == brand.query:
            said["query"] = ""
        channels = channels_for(installed, asking, brand, said)
        with installed.store.transaction() as session:
            brand_edits.change(session, brand_id, exactly(form.version), said, channels, asking.actor, clock.now())
            tell(request, session, _("Saved. It holds from the next look on."))
    except brand_edits.Stale as error:
        return _form(request, asking, installed, form, error.brand, theirs=Filled.of(error.brand), status_code=409)
    except (brand_edits.Refused, ValueError) as error:
        return _form(request, asking, installed, form, brand, wrong=_wrong(error, _), status_code=422)
    return go(f"/brands/{brand_id}")


@router.post("/{brand_id}/reset")
def back_to_file(
    request: Request,
    asking: MayEdit,
    installed: Installed,
    brand_id: Id,
    field: Annotated[str, Form(max_length=200)],
    version: Annotated[int, Form(ge=0, le=2**31)],
) -> Response:
    """Let what escucha.yml says of a field hold again."""
    _ = gettext_for(request, asking)
    with installed.store.transaction() as session:
        visible_brand(session, brand_id, asking.brands(Permission.EDIT_BRANDS))
        try:
            brand_edits.back_to_file(
                session, brand_id, exactly(version), [field], installed.channel_names, asking.actor, clock.now()
            )
            tell(request, session, _("What escucha.yml says holds again."))
        except (NotNow, brand_edits.Stale, brand_edits.Refused):
            tell(request, session, _("It was changed meanwhile. See how it stands now."))
    return go(f"/brands/{brand_id}")


@router.post("/{brand_id}/retire")
def retire(
    request: Request, asking: MayEdit, installed: Installed, brand_id: Id,
    version: Annotated[int, Form(ge=0, le=2**31)],
) -> Response:  # fmt: skip
    """Listen for it no more."""
    _ = gettext_for(request, asking)
    _add_only(asking)
    with installed.store.transaction() as session:
        visible_brand(session, brand_id, asking.brands(Permission.EDIT_BRANDS))
        try:
            brand_edits.retire(session, brand_id, exactly(version), asking.actor, clock.now())
            tell(request, session, _("The brand is no longer listened for. What is stored stays."))
        except (NotNow, brand_edits.Stale):
            tell(request, session, _("It was changed meanwhile. See how it stands now."))
            return go(f"/brands/{brand_id}")
    return go("/brands")


def _add_only(asking: Caller) -> None:
    if not asking.may(Permission.EDIT_BRANDS):
        raise HTTPException(403, "only who may edit all brands may do this")


def _preview(
    request: Request, asking: Caller, installed: Installation, turns: InTurn, form: Filled, brand: Brand | None
) -> HTMLResponse:
    _ = gettext_for(request, asking)
    context: dict[str, Any] = {"dialects": DIALECTS, "brand": brand}
    try:
        found = tried(installed.store, turns, asking.brands(Permission.READ_MENTIONS), form.wanted(), brand)
        context |= {"found": found, "outline": found.explained.outline if found.explained else ()}
    except ValueError:
        context |= {"problem": _('The threshold is a number from 0 to 100, "never", or empty.')}
    except HTTPException as error:
        if error.status_code != 503:
            raise
        context |= {"problem": _("Others try theirs this moment. Go on typing, or come again in a few seconds.")}
    return show(request, "brands/preview.html", asking, context)


def _wrong(error: Exception, _: Any) -> Mapping[str, str]:
    """What is the matter, by the field of the form."""
    if isinstance(error, brand_edits.Refused):
        return {place.partition(".")[0]: words for place, words in error.problems}
    return {"relevance": _('The threshold is a number from 0 to 100, "never", or empty.')}


def _form(
    request: Request, asking: Caller, installed: Installation, form: Filled, brand: Brand | None = None, *,
    wrong: Mapping[str, str] | None = None, theirs: Filled | None = None, status_code: int = 200,
) -> HTMLResponse:  # fmt: skip
    _ = gettext_for(request, asking)
    context = {
        "form": form,
        "brand": brand,
        "version": brand.version if brand is not None else 0,
        "edits": edits_of(brand) if brand is not None else (),
        "wrong": wrong or {},
        "theirs": _apart(form, theirs) if theirs is not None else (),
        "stale": theirs is not None,
        "channels": channels_for(installed, asking, brand),
        "themes": [*form.themes, *[("", "")] * THEMES],
        "may_edit": asking.may(Permission.EDIT_BRANDS, brand.id if brand is not None else None),
        "may_retire": brand is not None and brand.file is None and asking.may(Permission.EDIT_BRANDS),
        "setting": lambda field, said: brand_words.value(field, said, _),
        "labels": brand_words.FIELDS,
        "rules": RULE_NAMES,
        "choices": CHOICES,
        "outlined": rule_fields.outlined,
        "read_by": _read_by(installed, brand) if brand is not None else (),
    }
    return show(request, "brands/brand.html", asking, context, status_code=status_code)


def _apart(mine: Filled, theirs: Filled) -> list[tuple[str, Any, Any]]:
    both = ((name, mine.said().get(name), theirs.said().get(name)) for name in theirs.said())
    return [(name, one, other) for name, one, other in both if one != other]


def _read_by(installed: Installation, brand: Brand) -> list[str]:
    with installed.store.reading() as session:
        sources = brands.scheduled_sources(session, stopped=True)
    return [source.name for source in sources if source.brands is None or brand.name in source.brands]


def _outline(query: str) -> list[tuple[int, str]]:
    try:
        return outline(parse(query))
    except QueryError:
        return [(0, query)]


def _lines_of(values: Any) -> str:
    return "\n".join(values or ())


def _several(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
