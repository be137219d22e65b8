"""Where each page and list is: read off the registry, so that one added there is covered by itself."""

import re
from collections.abc import Iterable, Mapping
from types import ModuleType

from fastapi import APIRouter
from fastapi.routing import APIRoute

from api.registry import PAGES, RESOURCES

_FIELD = re.compile(r"\{(\w+)(?::\w+)?\}")


def pages(known: Mapping[str, object]) -> list[str]:
    """The address of each page. ``known``: a parameter of addresses -> what to put there.

    Raises KeyError, naming it, for a parameter that is not known: whoever adds a page says which thing it is to show.
    """
    return _addresses(PAGES, known, lacking_is_error=True)


def lists(known: Mapping[str, object]) -> list[str]:
    """The address of each thing that the API lets be read, as far as its parameters are known."""
    return [one for one in _addresses(RESOURCES, known, lacking_is_error=False) if one != "/api/v1/events"]


def _addresses(modules: Iterable[ModuleType], known: Mapping[str, object], *, lacking_is_error: bool) -> list[str]:
    found: dict[str, None] = {}
    for module in modules:
        router: APIRouter = module.router
        for route in router.routes:
            if not isinstance(route, APIRoute) or "GET" not in route.methods:
                continue
            lacking = set(_FIELD.findall(route.path)) - known.keys()
            if lacking and lacking_is_error:
                raise KeyError(f"{route.path} needs {', '.join(sorted(lacking))}: say which one is to be shown")
            if not lacking:
                found[_FIELD.sub(lambda field: str(known[field[1]]), route.path)] = None
    return list(found)
