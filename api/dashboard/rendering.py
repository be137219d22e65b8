"""What the templates need: text cut to what a list shows, with the brand marked, and words for reasons."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.templating import Jinja2Templates
from markupsafe import Markup
from sqlmodel import Session

from alerts.links import web_link
from alerts.text import around, one_line, shorten, tame
from alerts.wording import counted
from api import findings, story
from api.access import session_token
from api.dashboard import alert_words
from api.dashboard.language import N_, Language, chosen, globals_of, words
from api.wiring import Installation
from listener.access import Caller, Permission
from listener.store import callers

SHOWN = 320
"""Characters of a mention that a list shows."""

NAME = 60
"""Characters of a name beside other things."""

QUOTED = 140
"""Characters of a mention that stands for an incident in a list."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text; ``marked`` where it names the brand."""

    text: str
    marked: bool


def pieces(text: str, spans: Sequence[Sequence[int]], limit: int = SHOWN) -> list[Piece]:
    """The part of the text around the brand, in runs, without characters that could act on the page.

    ``spans``: (start, end) offsets in ``text``, sorted. Cut ends are shown by "…".
    """
    first = spans[0][0] if spans else 0
    start = max(0, min(first - limit // 3, len(text) - limit))
    end = min(len(text), start + limit)
    found = [Piece("…", False)] if start > 0 else []
    at = start
    for span_start, span_end in spans:
        if span_start < at or span_end > end:
            continue
        found += [Piece(text[at:span_start], False), Piece(text[span_start:span_end], True)]
        at = span_end
    found.append(Piece(text[at:end], False))
    if end < len(text):
        found.append(Piece("…", False))
    return [Piece(tame(piece.text), piece.marked) for piece in found if piece.text]


def moment(when: datetime) -> str:
    """For people without script: UTC, named. The page's script shows the reader's own time."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def iso(when: datetime) -> str:
    """For the page's script."""
    return when.astimezone(UTC).isoformat()


NAVIGATION: tuple[tuple[str, str, Permission], ...] = (
    ("/", N_("Now"), Permission.READ_ALERTS),
    ("/alerts", N_("Alerts"), Permission.READ_ALERTS),
    ("/mentions", N_("Mentions"), Permission.READ_MENTIONS),
    ("/trends", N_("Trends"), Permission.READ_FIGURES),
    ("/promoters", N_("Promoters"), Permission.READ_PROMOTERS),
    ("/sources", N_("Sources"), Permission.READ_SETUP),
    ("/rules", N_("Rules"), Permission.READ_SETUP),
    ("/brands", N_("Brands"), Permission.READ_SETUP),
    ("/settings", N_("Settings"), Permission.READ_SETUP),
)
"""The pages that the head of every page leads to: address, name, what it takes to see them."""


def _navigation(asking: Caller | None, path: str) -> list[tuple[str, str, bool]]:
    """(address, name, whether we are there) of what this caller may see."""
    if asking is None:
        return []
    return [
        (address, name, path == address or (address != "/" and path.startswith(f"{address}/")))
        for address, name, permission in NAVIGATION
        if asking.ever(permission)
    ]


_CSRF_FIELD = Markup('<input type="hidden" name="csrf" value="{}">')


@cache
def _templates(language: Language) -> Jinja2Templates:
    """The templates in one language, escaping everything."""
    found = Jinja2Templates(directory=Path(__file__).parent / "templates")
    found.env.add_extension("jinja2.ext.i18n")
    its = words(language)
    found.env.install_gettext_callables(its.gettext, its.ngettext, newstyle=True)  # type: ignore[attr-defined]
    found.env.policies["ext.i18n.trimmed"] = True
    found.env.filters |= {
        "pieces": pieces,
        "moment": moment,
        "iso": iso,
        "sentence": partial(story.sentence, voice=its),
        "told": partial(story.told, voice=its),
        "found": partial(findings.said, voice=its),
        "decided": partial(story.decided, voice=its),
        "standing": partial(story.standing, voice=its),
        "silenced_ones": partial(story.silenced_ones, voice=its),
        "counted": counted,
        "rule_name": lambda name: its.gettext(alert_words.RULES.get(name, name)),
        "delivery_state": lambda name: its.gettext(alert_words.DELIVERIES.get(name, name)),
        "kind_name": lambda name: its.gettext(alert_words.KINDS.get(name, name.replace("_", " "))),
        "one_line": one_line,
        "quoted": lambda quote: one_line(around(quote.text, quote.at, QUOTED)),
        "name": lambda text: shorten(one_line(text), NAME),
        "web_link": web_link,
    }
    found.env.globals.update(globals_of(language))
    return found


def show(
    request: Request,
    template: str,
    asking: Caller | None = None,
    context: Mapping[str, Any] | None = None,
    *,
    status_code: int = 200,
) -> HTMLResponse:
    """A page or a part of one, in the reader's language.

    ``template``: its file's name under ``templates``. ``asking``: who is signed in; None = nobody yet. What the
    session was told with ``tell`` stands on it, if it is a whole page.
    """
    language = chosen(request, asking.language if asking else None)
    whole = "x-fragment" not in request.headers
    shown = {
        "asking": asking,
        "csrf_field": lambda: _CSRF_FIELD.format(asking.csrf) if asking and asking.csrf else "",
        "may": asking.may if asking else lambda *_: False,
        "ever": asking.ever if asking else lambda _: False,
        "navigation": _navigation(asking, request.url.path),
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "flash": _flash(request) if asking is not None and asking.user_id is not None and whole else None,
        "Permission": Permission,
    }
    answer = _templates(language).TemplateResponse(request, template, shown | dict(context or {}), status_code)
    answer.headers["Content-Language"] = language
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Vary"] = "Cookie, Accept-Language, X-Fragment"
    return answer


def _flash(request: Request) -> str | None:
    installed: Installation = request.app.state.installation
    token = session_token(request)
    if token is None:
        return None
    with installed.store.reading() as session:
        waiting = callers.flash(session, token)
    if waiting is None:
        return None
    with installed.store.transaction() as session:
        return callers.flash(session, token, take=True)


def tell(request: Request, session: Session, said: str) -> None:
    """Have the next page of this session say something, once: in the transaction that does what it tells of."""
    if (token := session_token(request)) is not None:
        callers.tell(session, token, said)


def gettext_for(request: Request, asking: Caller | None) -> Callable[[str], str]:
    """``_`` for what a page's own code says in the reader's language."""
    return words(chosen(request, asking.language if asking else None)).gettext


def go(path: str) -> RedirectResponse:
    """To a page of ours after a form was taken (303: whatever was sent, it is asked for with GET)."""
    return RedirectResponse(path, 303)
