"""How what cannot be done is refused: programs are answered with problem details, people with a page in their language.

Whatever was sent, the answer can be written; and none of it is sent back but where it stood.
"""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response

from alerts.text import tame
from api import problems
from api.access import FORGED, READING, SignInNeeded
from api.addresses import came_from
from api.dashboard import problem_page
from api.headers import HEADERS
from api.problems import Fault, Refused
from listener.store.engine import in_words

log = structlog.get_logger()

COME_AGAIN_S = 5
"""Seconds after which a busy database is worth another try."""

BUSY = "the database is busy, and nothing was changed: come again in a moment"
UNFORESEEN = "something here is broken; nothing is known of it yet but what the log says under this reference"

_PLAIN = {
    404: "there is nothing at this address; /api/v1/openapi.json names all there are",
    405: "this cannot be asked of this address; it takes {}",
}

_MOST_FAULTS = 50
"""Faults that an answer tells: a body may have many thousands."""

_FOR_PROGRAMS = ("/api/", "/static/")
_PROGRAMS_ONLY = frozenset({"/healthz", "/metrics", "/openapi.json"})


async def storable(request: Request) -> None:
    """Asked before every route. Raises 422 for a NUL in the address: PostgreSQL can neither hold nor look for one."""
    for name, value in (*request.path_params.items(), *request.query_params.multi_items()):
        if "\x00" in name or "\x00" in str(value):
            raise HTTPException(422, f"{name}: NUL is no character that can be looked for")


def register(app: FastAPI) -> None:
    """Have the application answer so."""
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(StarletteHTTPException, _refused)
    app.add_exception_handler(SQLAlchemyError, _not_stored)
    app.add_exception_handler(Exception, _broken)


def is_page(request: Request) -> bool:
    """Whether a person reads the answer: it is asked for by a browser, as a page or a part of one."""
    path = request.url.path
    return not path.startswith(_FOR_PROGRAMS) and path not in _PROGRAMS_ONLY


def _malformed(request: Request, error: Exception) -> Response:
    """Where and why, and not what was sent: it may be large, private, or no text that UTF-8 can write."""
    assert isinstance(error, RequestValidationError)
    if is_page(request):
        return problem_page.show(request, 422)
    found = error.errors()
    count = "one thing" if len(found) == 1 else f"{len(found)} things"
    said = f"{count} in the request {'is' if len(found) == 1 else 'are'} not as it should be: see `errors`"
    faults = [_fault(one) for one in found[:_MOST_FAULTS]]
    return problems.response(422, said, request.url.path, kind=problems.VALIDATION, errors=faults)


def _fault(found: Mapping[str, Any]) -> Fault:
    place, *within = found["loc"] or ("body",)
    said = tame(str(found["msg"]))[:500]
    if place == "body":
        return Fault(detail=said, pointer="".join(f"/{_token(part)}" for part in within))
    return Fault(detail=said, parameter=f"{place}:{'.'.join(tame(str(part)) for part in within)}"[:200])


def _token(part: object) -> str:
    """A step of a JSON pointer (RFC 6901, section 3)."""
    return tame(str(part))[:200].replace("~", "~0").replace("/", "~1")


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    status, page = error.status_code, is_page(request)
    if isinstance(error, SignInNeeded) and page and "x-fragment" not in request.headers:
        if request.method in READING:
            asked = {"next": request.url.path + (f"?{request.url.query}" if request.url.query else "")}
        else:
            # Where a form is sent to there may be no page to come back to, but it was sent from one.
            asked = {"next": came_from(request), "lost": "yes"}
        return RedirectResponse(f"/sign-in?{urlencode(asked)}", 303)
    if status < 400:
        return Response(status_code=status, headers=error.headers)
    if page:
        return problem_page.show(request, status, headers=error.headers, forged=error.detail == FORGED)
    said = str(error.detail)
    if said == HTTPStatus(status).phrase:  # Starlette's own, of an address that no route has
        said = _PLAIN.get(status, said).format((error.headers or {}).get("Allow", ""))
    kind, faults = (error.kind, error.errors) if isinstance(error, Refused) else (problems.BLANK, ())
    return problems.response(status, said, request.url.path, kind=kind, errors=faults, headers=error.headers)


def _not_stored(request: Request, error: Exception) -> Response:
    """A busy database is nobody's fault and passes; what else it says is an error of ours. Raises that."""
    words = in_words(error)
    if words is None or not words.startswith("our own database"):
        raise error
    # In words of ours: the error itself quotes the statement.
    log.warning("database_busy", path=request.url.path, why=words)
    headers = {"Retry-After": str(COME_AGAIN_S)}
    if is_page(request):
        return problem_page.show(request, 503, headers=headers)
    return problems.response(503, BUSY, request.url.path, kind=problems.DATABASE_BUSY, headers=headers)


def _broken(request: Request, error: Exception) -> Response:
    """500 without a word of what broke. The server logs the error itself after this line."""
    reference = secrets.token_hex(6)
    what = type(error).__name__
    log.error("unforeseen", reference=reference, method=request.method, path=request.url.path, error=what)
    # This answer alone does not come through ``OwnHeaders``: the server's last resort stands outside of everything.
    if is_page(request):
        return problem_page.show(request, 500, reference=reference, headers=HEADERS)
    path, kind = request.url.path, problems.UNFORESEEN
    return problems.response(500, UNFORESEEN, path, kind=kind, headers=HEADERS, reference=reference)
