"""What cannot be taken is refused in words, whatever was sent; on both databases."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from .conftest import House


@pytest.fixture
def client(full_house: House) -> TestClient:
    """Raises what the server would only log."""
    return full_house.client()


def texts(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every path that is read, with the name of every text in its address."""
    for path, methods in app.openapi()["paths"].items():
        for parameter in methods.get("get", {}).get("parameters", ()):
            shapes = str(parameter["schema"])
            if parameter["in"] == "query" and "'string'" in shapes and "enum" not in shapes and "date" not in shapes:
                yield path.replace("{", "").replace("}", ""), parameter["name"]


def test_no_text_in_an_address_may_hold_nul(client: TestClient) -> None:
    assert isinstance(client.app, FastAPI)
    asked = [*texts(client.app), *(("/alerts", name) for name in ("state", "rule", "brand", "assignee", "severity"))]
    assert {"brand", "assignee", "team", "channel", "source", "rule"} <= {name for _, name in asked}
    for path, name in asked:
        refused = client.get(f"{path}?{name}=a%00b")
        assert (path, name, refused.status_code) == (path, name, 422)
        if path.startswith("/api/"):
            assert refused.json()["detail"] == f"{name}: NUL is no character that can be looked for"
    assert client.get("/api/v1/sources/a%00b/coverage").status_code == 422
    assert client.delete("/api/v1/silences/1?x=%00").status_code == 422


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/silences", r'{"matchers": {"brand": ["\ud800"]}, "for": "1h"}'),
        ("/api/v1/silences", r'{"matchers": {}, "for": "\ud800"}'),
        ("/api/v1/silences", r'{"matchers": {"rule": ["\ud800"]}, "for": "1h", "comment": "\ud800"}'),
        ("/api/v1/alerts/1/note", r'{"text": "\u0000\ud800"}'),
        ("/api/v1/alerts/1/assign", r'{"x\ud800": 1}'),
        ("/api/v1/alerts/backtest", r'{"rule": "detractor", "brand": "\ud800"}'),
        ("/api/v1/alerts/backtest", r'{"rule": "detractor", "brand": "a\u0000b"}'),
        ("/api/v1/alerts/backtest", r'{"rule": "\ud800", "brand": "Lumbra"}'),
        ("/api/v1/alerts/backtest", r'{"rule": "detractor", "brand": "Lumbra", "settings": {"when": "\ud800"}}'),
        ("/api/v1/alerts/backtest", r'{"rule": "detractor", "brand": "Lumbra", "settings": {"\ud800": 1}}'),
    ],
)
def test_half_a_character_is_refused_and_nothing_breaks(client: TestClient, path: str, body: str) -> None:
    refused = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code == 422
    assert refused.json()["detail"]


def test_settings_in_an_address_are_looked_at_too(client: TestClient) -> None:
    asked = [("rule", "detractor"), ("brand", "Lumbra")]
    for value in (r'min_probability="\ud800"', "platforms=&a [*a]"):
        assert client.get("/api/v1/alerts/backtest", params=[*asked, ("set", value)]).status_code == 422


def test_what_was_sent_is_not_sent_back(client: TestClient) -> None:
    refused = client.post("/api/v1/silences", json={"matchers": {}, "for": [5], "a~/b": "hunter2"})
    said = refused.json()
    assert refused.headers["content-type"] == "application/problem+json"
    assert (said["type"], said["title"], said["status"]) == ("/problems/validation", "Unprocessable Content", 422)
    assert said["instance"] == "/api/v1/silences"
    faults: list[dict[str, Any]] = said["errors"]
    assert [one["pointer"] for one in faults] == ["/for", "/a~0~1b"]
    assert all(set(one) == {"pointer", "detail"} for one in faults)
    assert "hunter2" not in refused.text
    elsewhere = client.get("/api/v1/alerts?limit=900&before=x").json()["errors"]
    assert [one["parameter"] for one in elsewhere] == ["query:before", "query:limit"]


def test_no_more_than_two_have_rules_tried_at_once(client: TestClient) -> None:
    assert isinstance(client.app, FastAPI)
    turns, path = client.app.state.turns, "/api/v1/alerts/backtest?rule=detractor&brand=Lumbra"
    with turns.take(), turns.take():
        refused = client.get(path)
        assert (refused.status_code, int(refused.headers["Retry-After"]) > 0) == (503, True)
        assert client.post("/api/v1/alerts/backtest", json={"rule": "detractor", "brand": "Lumbra"}).status_code == 503
        assert client.get("/api/v1/alerts/precision").status_code == 200
        assert client.get("/api/v1/alerts").status_code == 200
    assert client.get(path).status_code == 200
    assert client.get("/api/v1/alerts/backtest?rule=detractor&brand=nobody").status_code == 422
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "until", ["0001-01-05T00:00:00Z", "0001-01-05T00:00:00%2B14:00", "0366-01-05T00:00:00Z", "9999-12-31T23:59:59Z"]
)
@pytest.mark.parametrize("rule", ["detractor&brand=Lumbra", "spike&brand=Lumbra", "coverage"])
def test_times_at_the_ends_of_the_calendar_are_answered_in_words(client: TestClient, until: str, rule: str) -> None:
    answer = client.get(f"/api/v1/alerts/backtest?rule={rule}&days=2&until={until}")
    assert answer.status_code in (200, 422)
    assert "out of range" not in answer.text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"ends_at": "0001-01-01T00:00:00+14:00"}, "no calendar reaches so far"),
        ({"starts_at": "9999-12-31T00:00:00Z", "for": "2d"}, "begins within 366d"),
        ({"starts_at": "9999-12-31T23:00:00-14:00", "for": "1h"}, "no calendar reaches so far"),
        ({"for": "40d"}, "31d at most"),
    ],
)
def test_silences_at_the_ends_of_the_calendar_are_refused_in_words(
    client: TestClient, change: dict[str, str], says: str
) -> None:
    refused = client.post("/api/v1/silences", json={"matchers": {}, **change})
    assert refused.status_code == 422
    said = refused.json()
    assert any(says in one["detail"] for one in (said, *said.get("errors", ()))), said
