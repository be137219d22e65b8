"""Whose requests are taken: none that a page elsewhere makes through somebody's browser."""

from collections.abc import Iterator
from dataclasses import replace
from threading import Event

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from api.app import create_app
from api.gates import SIGNED
from listener.config import Settings

from .conftest import House

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

HERE = "http://127.0.0.1:8765"
MINE = {"matchers": {}, "for": "2h", "by": "ana"}


def client_of(house: House, base_url: str = HERE, **settings: object) -> TestClient:
    installation = replace(house.installation, settings=Settings(**settings))  # type: ignore[arg-type]
    return TestClient(create_app(installation, Event()), base_url=base_url)


def mutating(app: FastAPI) -> Iterator[tuple[str, str]]:
    """All that changes something and carries no signature of its own: method and path."""
    for path, methods in app.openapi()["paths"].items():
        for method in methods:
            if path.startswith("/api/") and method != "get" and not f"{path}/".startswith(SIGNED):
                yield method.upper(), path.replace("{", "").replace("}", "")


@pytest.fixture
def client(full_house: House) -> TestClient:
    return client_of(full_house)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:3000", "http://[", ""])
def test_nothing_is_changed_for_a_page_of_another_origin(client: TestClient, origin: str) -> None:
    assert isinstance(client.app, FastAPI)
    asked = list(mutating(client.app))
    assert len(asked) >= 14
    for method, path in asked:
        refused = client.request(method, path, json=MINE, headers={"Origin": origin})
        assert (method, path, refused.status_code) == (method, path, 403)
        assert "another site" in refused.json()["detail"]
        assert refused.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/api/v1/silences").json() == {"items": []}


def test_every_route_that_changes_something_is_asked_about(client: TestClient) -> None:
    assert isinstance(client.app, FastAPI)
    paths = {path for _, path in mutating(client.app)}
    for route in client.app.routes:
        if isinstance(route, APIRoute) and route.methods - {"GET"} and not f"{route.path}/".startswith(SIGNED):
            assert route.path.replace("{", "").replace("}", "") in paths


@pytest.mark.parametrize("headers", [{}, {"Origin": HERE, "Sec-Fetch-Site": "same-origin"}])
def test_our_own_pages_and_the_terminal_may(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/api/v1/silences", json=MINE, headers=headers).status_code == 201


def test_the_public_address_is_our_own_whatever_a_proxy_calls_us(full_house: House) -> None:
    client = client_of(full_house, "http://127.0.0.1", public_url="https://escucha.example:8443")
    answers = [
        client.post("/api/v1/silences", json=MINE, headers={"Origin": origin}).status_code
        for origin in ("https://escucha.example:8443", "https://escucha.example")
    ]
    assert answers == [201, 403]


@pytest.mark.parametrize(
    "path", ["/api/v1/alerts/backtest?rule=coverage", "/api/v1/alerts/precision?propose=true", "/api/v1/mentions"]
)
def test_a_page_elsewhere_cannot_have_us_work(client: TestClient, path: str) -> None:
    """As an <img> on any page would ask."""
    assert client.get(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get(path, headers={"Sec-Fetch-Site": "none"}).status_code == 200


def test_a_link_from_elsewhere_leads_to_the_page(client: TestClient) -> None:
    for path in ("/", "/alerts", "/alerts/1", "/channels"):
        assert client.get(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_signed_requests_are_judged_by_their_signature(client: TestClient) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    for path in ("/api/v1/slack/team/interactions", "/api/v1/ingest/feed"):
        assert client.post(path, json={}, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("base_url", "status"),
    [
        ("http://rebound.example:8765", 403), ("http://escucha:8765", 403), ("http://127.0.0.1:8765", 201),
        ("http://localhost:8765", 201), ("http://[::1]:8765", 201), ("http://10.0.0.5", 201),
    ],
)  # fmt: skip
def test_where_any_host_is_answered_a_name_changes_nothing(full_house: House, base_url: str, status: int) -> None:
    client = client_of(full_house, base_url, host="0.0.0.0")
    added = client.post("/api/v1/silences", json=MINE, headers={"Origin": base_url})
    assert added.status_code == status
    assert "ESCUCHA_PUBLIC_URL" in added.text or status == 201
    assert client.get("/api/v1/silences").status_code == 200


def test_under_its_public_name_it_may_be_changed(full_house: House) -> None:
    client = client_of(full_house, "http://escucha.example", host="0.0.0.0", public_url="http://escucha.example")
    assert client.post("/api/v1/silences", json=MINE).status_code == 201
