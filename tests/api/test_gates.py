"""Whose requests are taken: none that a page elsewhere makes through somebody's browser."""

from collections.abc import Iterator
from dataclasses import replace
from threading import Event

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from api.access import COOKIE
from api.addresses import cookie_name
from api.app import create_app
from api.gates import SIGNED
from api.registry import PAGES, RESOURCES
from listener.access import Role
from listener.config import Settings
from listener.store import callers

from .conftest import House

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

HERE = "http://127.0.0.1:8765"
MINE = {"matchers": {}, "for": "2h"}


def client_of(house: House, base_url: str = HERE, **settings: object) -> TestClient:
    """A browser in which an administrator is signed in, and whose forms carry their token."""
    installation = replace(house.installation, settings=Settings(**settings))  # type: ignore[arg-type]
    client = TestClient(create_app(installation, Event()), base_url=base_url, follow_redirects=False)
    token = house.user(Role.ADMINISTRATOR)
    client.cookies.set(cookie_name(COOKIE, installation.settings), token)
    with house.store.reading() as session:
        found = callers.by_session(session, token, house.now)
    assert found is not None
    client.headers["X-CSRF-Token"] = found[0].csrf or ""
    return client


def mutating() -> Iterator[tuple[str, str]]:
    """All that changes something, on pages too, and carries no signature of its own: method and path."""
    for route in (route for module in (*RESOURCES, *PAGES) for route in module.router.routes):
        if isinstance(route, APIRoute) and not f"{route.path}/".startswith(SIGNED):
            for method in sorted(route.methods - {"GET", "HEAD", "OPTIONS"}):
                yield method, route.path.replace("{", "").replace("}", "")


@pytest.fixture
def client(full_house: House) -> TestClient:
    return client_of(full_house)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:3000", "http://[", ""])
def test_nothing_is_changed_for_a_page_of_another_origin(client: TestClient, origin: str) -> None:
    asked = list(mutating())
    assert {("POST", "/sign-in"), ("POST", "/api/v1/silences"), ("POST", "/me/password")} <= set(asked)
    for method, path in asked:
        refused = client.request(method, path, json=MINE, headers={"Origin": origin})
        assert (method, path, refused.status_code) == (method, path, 403)
        assert "another site" in refused.json()["detail"]
        assert refused.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("/api/v1/silences").json()["items"] == []


def test_browsers_that_say_where_a_page_is_from_are_believed(client: TestClient) -> None:
    for method, path in mutating():
        assert client.request(method, path, json=MINE, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


@pytest.mark.parametrize("headers", [{}, {"Origin": HERE, "Sec-Fetch-Site": "same-origin"}])
def test_our_own_pages_and_the_terminal_may(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/api/v1/silences", json=MINE, headers=headers).status_code == 201


def test_a_cookie_alone_changes_nothing(client: TestClient) -> None:
    """Nor with the token of another session of the same person."""
    for said in ("", "guessed"):
        assert client.post("/api/v1/silences", json=MINE, headers={"X-CSRF-Token": said}).status_code == 403
    assert client.get("/api/v1/silences").json()["items"] == []


def test_a_program_with_a_key_is_no_page(full_house: House) -> None:
    client = full_house.client()
    done = client.post("/api/v1/silences", json=MINE, headers={"Origin": "https://tool.example"})
    assert done.status_code == 201
    # What is no key opens nothing, whatever else the browser sends with it.
    signed_in = client_of(full_house)
    wrong = signed_in.post("/api/v1/silences", json=MINE, headers={"Authorization": "Bearer x", "Origin": "null"})
    assert wrong.status_code == 401


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
    for path in ("/", "/alerts", "/alerts/1", "/channels", "/settings"):
        assert client.get(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


def test_signed_requests_are_judged_by_their_signature(client: TestClient) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    for path in ("/api/v1/slack/team/interactions", "/api/v1/ingest/feed"):
        assert client.post(path, json={}, headers=headers).status_code == 401


@pytest.mark.parametrize("base_url", ["http://escucha:8765", "http://10.0.0.5", "http://[::1]:8765"])
def test_where_any_host_is_answered_our_own_page_under_any_name_may(full_house: House, base_url: str) -> None:
    """A stranger's name that leads here (DNS rebinding) has no cookie of ours, and without one nothing is changed."""
    client = client_of(full_house, base_url, host="0.0.0.0")
    headers = {"Origin": base_url}
    assert client.post("/api/v1/silences", json=MINE, headers=headers).status_code == 201
    client.cookies.clear()
    assert client.post("/api/v1/silences", json=MINE, headers=headers).status_code == 401
