"""The HTTP application: API, page and event stream over one installation."""

from importlib.metadata import version
from pathlib import Path
from threading import Event

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.middleware.trustedhost import TrustedHostMiddleware

from api import oidc, openapi, parameters, refusals
from api.addresses import trusted_hosts
from api.bodies import BodyLimit
from api.dashboard import pictures
from api.dashboard.live import Live
from api.evidence import Evidences
from api.gates import FormerAddresses, OwnPages
from api.headers import OwnHeaders
from api.idempotency import Idempotency
from api.measuring import Measured, Measures
from api.registry import PAGES, RESOURCES
from api.routes import health
from api.turns import OwnTurns, Turns
from api.wiring import Installation

STATIC = Path(__file__).parent / "dashboard" / "static"


def create_app(installation: Installation, stop: Event) -> FastAPI:
    """The application. ``stop``: set when the process is to end, so that event streams end too."""
    app = FastAPI(
        title="Escucha",
        version=version("escucha"),
        summary="Brand mentions, how each feels about the brand, and the alerts that came of them.",
        # Their pages come from elsewhere, which the policy forbids; the description itself is at its address.
        docs_url=None,
        redoc_url=None,
        openapi_url=openapi.ADDRESS,
        generate_unique_id_function=openapi.operation_id,
        dependencies=[Depends(refusals.storable), Depends(parameters.known_only)],
    )
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]
    refusals.register(app)
    app.state.installation = installation
    app.state.live = Live(installation, stop)
    app.state.stop = stop
    app.state.measures = Measures(installation, app.state.live)
    app.state.health = health.known(installation)
    app.state.turns = Turns("others try rules or queries this moment; come again in some seconds")
    app.state.exporting = OwnTurns("two of your exports are under way; come again when one of them has ended")
    app.state.drawing = pictures.turns()
    app.state.evidences = Evidences(installation.settings)
    app.state.oidc = oidc.provider(installation.settings)

    # The first is the innermost: what any of them answers is measured, and carries the headers.
    hosts = trusted_hosts(installation.settings)
    app.add_middleware(Idempotency)
    app.add_middleware(OwnPages, settings=installation.settings)
    app.add_middleware(BodyLimit)
    app.add_middleware(Measured, measures=app.state.measures)
    app.add_middleware(FormerAddresses)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)
    app.add_middleware(OwnHeaders)

    for module in (*RESOURCES, *PAGES):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app
