"""Who asks, and whether they may: what every route says of itself before it does anything.

A browser is known by its session's cookie, and what it changes must carry the session's token (``X-CSRF-Token``, or
the field ``csrf`` of a form); a program by its key (``Authorization: Bearer``, RFC 6750), which no page can make a
browser send.
"""

import hmac
from collections.abc import Callable
from typing import Annotated, Any, cast

from fastapi import Depends, HTTPException, Request
from fastapi.params import Depends as Dependency
from fastapi.security import APIKeyCookie, HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials
from starlette.requests import HTTPConnection

from api.addresses import cookie_name
from api.routes.dependencies import Installed
from listener import clock
from listener.access import Caller, Permission
from listener.store import callers

COOKIE = "escucha_session"
READING = frozenset({"GET", "HEAD", "OPTIONS"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

NOBODY = "sign in, or send an API key as `Authorization: Bearer ...`"
SPENT = "this key or session is not known, or no longer: sign in again, or use another key"
FORGED = "the form is not from a page of this session; load the page again and send it once more"

_bearer = HTTPBearer(auto_error=False, scheme_name="key", description="An API key, from the settings page.")
# For the description alone: ``session_token`` reads it, which knows what it is called here.
_cookie = APIKeyCookie(
    name=COOKIE,
    auto_error=False,
    scheme_name="session",
    description=f"Somebody signed in. By HTTPS it is called `__Host-{COOKIE}`.",
)


def session_token(request: HTTPConnection) -> str | None:
    """The token of the session that a browser says it has."""
    settings = request.app.state.installation.settings
    return request.cookies.get(cookie_name(COOKIE, settings))


class SignInNeeded(HTTPException):
    """401: nobody is known behind the request. A browser that asks for a page is shown where to sign in."""

    def __init__(self, said: str) -> None:
        super().__init__(401, said, {"WWW-Authenticate": 'Bearer realm="Escucha"'})


async def _said_csrf(request: Request) -> str | None:
    """The token that came with the request, in a header or in a form."""
    if (said := request.headers.get("x-csrf-token")) is not None:
        return said
    if request.method in READING or not request.headers.get("content-type", "").startswith(_FORMS):
        return None
    found = (await request.form()).get("csrf")
    return found if isinstance(found, str) else None


def caller(
    request: Request,
    installed: Installed,
    csrf: Annotated[str | None, Depends(_said_csrf)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    _named: Annotated[str | None, Depends(_cookie)],
) -> Caller:
    """Who asks. Raises SignInNeeded for nobody, HTTPException 403 for a form that is not from our own page."""
    now = clock.now()
    key, token = (bearer.credentials if bearer is not None else None), session_token(request)
    if key is None and token is None:
        raise SignInNeeded(NOBODY)
    with installed.store.reading() as session:
        if key is not None:
            found, token = callers.by_key(session, key, now), None
        else:
            found = callers.by_session(session, cast(str, token), now)
    if found is None:
        raise SignInNeeded(SPENT)
    asking, due = found
    unsafe = asking.csrf is not None and request.method not in READING
    if unsafe and not hmac.compare_digest((csrf or "").encode(), (asking.csrf or "").encode()):
        raise HTTPException(403, FORGED)
    if due:
        with installed.store.transaction() as session:
            callers.seen(session, token=token, key=key, now=now)
    request.state.caller = asking
    return asking


Calling = Annotated[Caller, Depends(caller)]


def perhaps(
    request: Request,
    installed: Installed,
    csrf: Annotated[str | None, Depends(_said_csrf)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    _named: Annotated[str | None, Depends(_cookie)],
) -> Caller | None:
    """The same, or None for nobody: for the few pages that are there before somebody signs in."""
    try:
        return caller(request, installed, csrf, bearer, _named)
    except SignInNeeded:
        return None


Perhaps = Annotated[Caller | None, Depends(perhaps)]


class Needs:
    """What a route asks of its caller; found by the table of operations and roles, so every route has one."""

    def __init__(self, permission: Permission | None) -> None:
        self.permission = permission

    def __call__(self, asking: Calling) -> Caller:
        """The caller. Raises HTTPException 403 where they may do this with no brand at all."""
        if self.permission is not None and not asking.ever(self.permission):
            raise HTTPException(403, f"you may not do this; it takes {self.permission.value!r}")
        return asking


def needs(permission: Permission | None) -> Any:
    """For a route's signature: ``asking: Annotated[Caller, needs(Permission.ACT)]``. None: anybody who is signed in.

    It lets in who may do this for some brand; the route itself shows and changes only what belongs to
    ``asking.brands(permission)``, and answers 404 for all else, so that nobody learns what there is.
    """
    return Depends(Needs(permission))


def required(dependency: Dependency | Callable[..., Any]) -> Needs | None:
    """The ``Needs`` behind a dependency, if it is one."""
    held = getattr(dependency, "dependency", dependency)
    return held if isinstance(held, Needs) else None
