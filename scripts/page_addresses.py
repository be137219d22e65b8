"""Where each page and list is: read off the registry, so that one added there is covered by itself."""

import re
from collections.abc import Iterable, Mapping
from types import ModuleType
from urllib.parse import urlsplit

from fastapi import APIRouter
from fastapi.routing import APIRoute
from playwright.sync_api import APIResponse
from sqlalchemy import text

from api.registry import PAGES, RESOURCES
from listener.store.engine import Store

ENTRANCE = ("/setup", "/join", "/sign-in")
"""Where people come in: whoever is in already is told that it is not for them, which is a page as well."""

_FIELD = re.compile(r"\{(\w+)(?::\w+)?\}")


def pages(known: Mapping[str, object]) -> list[str]:
    """The address of each page. ``known``: a parameter of addresses -> what to put there.

    Raises KeyError, naming it, for a parameter that is not known: whoever adds a page says which thing it is to show.
    """
    # Pictures are on pages, and are asked for with what those say of them.
    return [one for one in _addresses(PAGES, known, lacking_is_error=True) if not one.endswith(".svg")]


def lists(known: Mapping[str, object]) -> list[str]:
    """The address of each thing that the API lets be read, as far as its parameters are known."""
    return [one for one in _addresses(RESOURCES, known, lacking_is_error=False) if one != "/api/v1/events"]


def known(store: Store) -> Mapping[str, object]:
    """What stands for the parameters of addresses in a database that scripts/seed_mentions.py has filled."""
    queries = {
        "alert_id": "SELECT max(id) FROM alert",
        "delivery_id": "SELECT max(id) FROM delivery",
        "brand_id": "SELECT min(id) FROM brand",
        "mention_id": "SELECT max(mention_brand_id) FROM alert_mention",
        "pair_id": "SELECT max(mention_brand_id) FROM alert_mention",
        "promoters.mention_id": "SELECT max(id) FROM mention_brand WHERE label = 'promoter' AND hidden_why IS NULL",
        "collection_id": "SELECT min(id) FROM collection",
        "source_id": "SELECT min(id) FROM source",
        "user_id": "SELECT min(id) FROM user_account",
    }
    with store.reading() as session:
        found = {name: session.connection().scalar(text(query)) for name, query in queries.items()}
    more = {"rule": "detractor", "kind": "csv", "name": "x", "brand": "Lumbra", "token": "none"}
    return {name: value for name, value in found.items() if value is not None} | more


def answer(got: APIResponse) -> str | None:
    """The page, where what was asked for is one; None for a part of one, a picture, a file, or what leads elsewhere.

    Raises ValueError for what is refused or not there: whatever is registered can be looked at, but for what is only
    for people who are not in yet.
    """
    if 300 <= got.status < 400 or not got.headers.get("content-type", "").startswith("text/html"):
        return None
    if not got.ok and not urlsplit(got.url).path.startswith(ENTRANCE):
        raise ValueError(f"{got.url} answers {got.status}")
    found = got.text()
    return found if "<html" in found else None


def _addresses(modules: Iterable[ModuleType], known: Mapping[str, object], *, lacking_is_error: bool) -> list[str]:
    found: dict[str, None] = {}
    for module in modules:
        router: APIRouter = module.router
        # The same name may be of another thing there: "promoters.mention_id" goes before "mention_id".
        room = module.__name__.rpartition(".")[2] + "."
        here = dict(known) | {name.removeprefix(room): thing for name, thing in known.items() if name.startswith(room)}
        for route in router.routes:
            if not isinstance(route, APIRoute) or "GET" not in route.methods:
                continue
            lacking = set(_FIELD.findall(route.path)) - here.keys()
            if lacking and lacking_is_error:
                raise KeyError(f"{route.path} needs {', '.join(sorted(lacking))}: say which one is to be shown")
            if not lacking:
                found[_FIELD.sub(lambda field: str(here[field[1]]), route.path)] = None  # noqa: B023
    return list(found)
