"""Whose requests are taken: a page of another site must not act through somebody's browser, who is signed in here."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api import problems
from api.access import READING
from api.addresses import public_url
from listener.config import Settings

SIGNED = ("/api/v1/slack/", "/api/v1/ingest")
"""Paths whose requests carry a proof of their own."""

FORMERLY = ("/api/slack/", "/api/ingest", "/openapi.json")
"""Where those were before the API had versions: other systems have these addresses in their settings."""

FOREIGN = "a page of another site may not ask this; ask from Escucha's own address, or without a browser"


class FormerAddresses:
    """Answers what is sent to the addresses of before the API had versions."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(FORMERLY):
            path = "/api/v1" + scope["path"].removeprefix("/api")
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(scope, receive, send)


class OwnPages:
    """Refuses with 403 what a page of another site asks: whatever changes anything, known by ``Sec-Fetch-Site`` (W3C
    Fetch Metadata) or, where a browser says none, by ``Origin``; and under /api what is read as well.

    Pages may be read from elsewhere: a link in a message leads to them. What carries a key was made by a program; no
    page can make a browser send one here, as no answer of ours lets other origins name that header.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._own = urlsplit(public_url(settings)).netloc.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (said := self._refusal(scope)) is not None:
            await problems.response(403, said, scope["path"])(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        path: str = scope["path"]
        headers = Headers(scope=scope)
        if path.startswith(SIGNED) or headers.get("authorization", "").lower().startswith("bearer "):
            return None
        changes = scope["method"] not in READING
        if headers.get("sec-fetch-site") == "cross-site":
            return FOREIGN if changes or path.startswith("/api/") else None
        origin = headers.get("origin")
        if changes and origin is not None and _netloc(origin) not in (headers.get("host", "").lower(), self._own):
            return FOREIGN
        return None


def _netloc(origin: str) -> str | None:
    """The host and port of an Origin header; None of an opaque one ("null") or one that does not read."""
    try:
        return urlsplit(origin.lower()).netloc or None
    except ValueError:
        return None
