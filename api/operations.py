"""Every operation there is, and what it takes: read from the routes themselves, for the table of who may do what."""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from api.access import Needs
from api.registry import PAGES, RESOURCES
from listener.access import Permission

PUBLIC = frozenset(
    {
        "/healthz", "/metrics", "/api/v1/ingest", "/api/v1/ingest/{name}", "/api/v1/slack/{channel}/interactions",
        "/sign-in", "/sign-in/oidc", "/sign-in/oidc/answer", "/sign-out", "/language", "/setup", "/join",
    }
)  # fmt: skip
"""All that asks for nobody: monitors; what other systems sign themselves; and the way in. Beside these are only the
files under /static and the description of the API."""


@dataclass(frozen=True, slots=True)
class Operation:
    """``permission`` None: whoever is signed in, or with ``public`` anybody. ``page``: it answers people."""

    method: str
    path: str
    permission: Permission | None
    public: bool
    page: bool


def operations() -> list[Operation]:
    """All of them, in the order in which addresses are matched."""
    return [
        _described(method, route, page=page)
        for modules, page in ((RESOURCES, False), (PAGES, True))
        for module in modules
        for route in module.router.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
    ]


def _described(method: str, route: APIRoute, *, page: bool) -> Operation:
    needed = [one.permission for one in _needs(route.dependant)]
    if len(set(needed)) > 1:
        raise ValueError(f"{method} {route.path} asks for several permissions: {needed}")
    return Operation(method, route.path, needed[0] if needed else None, not needed, page)


def _needs(dependant: Dependant) -> Iterator[Needs]:
    for one in dependant.dependencies:
        if isinstance(one.call, Needs):
            yield one.call
        yield from _needs(one)
