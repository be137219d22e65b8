"""Whose requests are taken: nobody signs in yet, so a page elsewhere must not act through somebody's browser."""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from api.addresses import public_url
from listener.config import Settings

SIGNED = ("/api/v1/slack/", "/api/v1/ingest")
"""Paths whose requests carry a proof of their own."""

FORMERLY = ("/api/slack/", "/api/ingest")
"""Where those were before the API had versions: other systems have these addresses in their settings."""

READING = frozenset({"GET", "HEAD", "OPTIONS"})

FOREIGN = "a page of another site may not ask this; ask from Escucha's own address, or without a browser"
UNNAMED = (
    "nobody said under which names this Escucha is reached, so under a name nothing is changed: set "
    "ESCUCHA_PUBLIC_URL, or use its IP address"
)


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
    """Refuses with 403, under /api: what a browser asks for a page of another site (``Sec-Fetch-Site``, W3C Fetch
    Metadata); what changes anything for a page of another origin; and, where every host is answered, what changes
    anything under a host name, which may be a stranger's own that leads here (DNS rebinding)."""

    def __init__(self, app: ASGIApp, settings: Settings, *, any_host: bool) -> None:
        """``any_host``: no host name is refused (``api.addresses.trusted_hosts`` is ``["*"]``)."""
        self._app, self._any_host = app, any_host
        self._own = urlsplit(public_url(settings)).netloc.lower()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (said := self._refusal(scope)) is not None:
            await JSONResponse({"detail": said}, 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str | None:
        path: str = scope["path"]
        if not path.startswith("/api/") or path.startswith(SIGNED):
            return None
        headers = Headers(scope=scope)
        if headers.get("sec-fetch-site") == "cross-site":
            return FOREIGN
        if scope["method"] in READING:
            return None
        host, origin = headers.get("host", "").lower(), headers.get("origin")
        if origin is not None and _netloc(origin) not in (host, self._own):
            return FOREIGN
        return UNNAMED if self._any_host and not _is_address(host) else None


def _netloc(origin: str) -> str | None:
    """The host and port of an Origin header; None of an opaque one ("null") or one that does not read."""
    try:
        return urlsplit(origin.lower()).netloc or None
    except ValueError:
        return None


def _is_address(host: str) -> bool:
    """Whether a Host header is this machine or an IP address, which no stranger's name server can lead elsewhere."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or bool(ipaddress.ip_address(name))
    except ValueError:
        return False
