"""How what cannot be taken is refused: whatever was sent, the answer can be written."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response

from alerts.text import tame
from api.access import SignInNeeded


async def storable(request: Request) -> None:
    """Asked before every route. Raises 422 for a NUL in the address: PostgreSQL can neither hold nor look for one."""
    for name, value in (*request.path_params.items(), *request.query_params.multi_items()):
        if "\x00" in name or "\x00" in str(value):
            raise HTTPException(422, f"{name}: NUL is no character that can be looked for")


def register(app: FastAPI) -> None:
    """Have the application answer so."""
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(StarletteHTTPException, _refused)


async def _malformed(_: Request, error: Exception) -> Response:
    """Where and why, and not what was sent: it may be large, private, or no text that UTF-8 can write."""
    assert isinstance(error, RequestValidationError)
    return JSONResponse({"detail": [_problem(one) for one in error.errors()]}, 422)


def _problem(found: Mapping[str, Any]) -> dict[str, Any]:
    where = [tame(part) if isinstance(part, str) else part for part in found["loc"]]
    return {"type": found["type"], "loc": where, "msg": tame(found["msg"])}


def _is_page(request: Request) -> bool:
    """Whether somebody would see the answer as a page: not what asks the API, or for a part of a page."""
    return not request.url.path.startswith("/api/") and "x-fragment" not in request.headers


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    if isinstance(error, SignInNeeded) and _is_page(request):
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?{urlencode({'next': asked})}", 303)
    if error.status_code in (204, 304):
        return Response(status_code=error.status_code, headers=error.headers)
    return JSONResponse({"detail": tame(str(error.detail))}, error.status_code, error.headers)
