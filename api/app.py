"""The HTTP application: API, page and event stream over one installation."""

from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from threading import Event

from fastapi import Depends, FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from api import openapi, refusals
from api.addresses import trusted_hosts
from api.bodies import BodyLimit
from api.dashboard.live import Live
from api.gates import FormerAddresses, OwnPages
from api.idempotency import Idempotency
from api.registry import PAGES, RESOURCES
from api.turns import Turns
from api.wiring import Installation

STATIC = Path(__file__).parent / "dashboard" / "static"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""The pages show strangers' text to staff: nothing inline, nothing from elsewhere."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": browsers then say "Origin: null" of our own forms, which api.gates could not know from others.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def create_app(installation: Installation, stop: Event) -> FastAPI:
    """The application. ``stop``: set when the process is to end, so that event streams end too."""
    app = FastAPI(
        title="Escucha",
        version=version("escucha"),
        summary="Brand mentions, how each feels about the brand, and the alerts that came of them.",
        # Their pages come from elsewhere, which the policy forbids; the description itself is at /openapi.json.
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(refusals.storable)],
    )
    refusals.register(app)
    app.state.installation = installation
    app.state.live = Live(installation, stop)
    app.state.stop = stop
    app.state.turns = Turns()

    # Innermost, so that what they answer carries the headers as well.
    hosts = trusted_hosts(installation.settings)
    app.add_middleware(OwnPages, settings=installation.settings)
    app.add_middleware(FormerAddresses)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)

    @app.middleware("http")
    async def _headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    for module in (*RESOURCES, *PAGES):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app
