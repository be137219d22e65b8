"""Silences over the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from .conftest import House


@pytest.fixture
def client(full_house: House) -> TestClient:
    """The application without a socket."""
    return full_house.client()


MINE: dict[str, Any] = {"matchers": {"brand": ["Lumbra"]}, "for": "2h", "by": "ana", "comment": "planned outage"}


def test_a_silence_is_added_listed_and_ended(client: TestClient) -> None:
    assert client.get("/api/v1/silences").json() == {"items": []}
    added = client.post("/api/v1/silences", json=MINE)
    assert added.status_code == 201
    silence = added.json()
    assert (silence["stage"], silence["matchers"], silence["incidents"]) == ("active", {"brand": ["Lumbra"]}, 1)
    lasts = datetime.fromisoformat(silence["ends_at"]) - datetime.fromisoformat(silence["starts_at"])
    assert lasts == timedelta(hours=2)
    assert client.get("/api/v1/silences").json()["items"] == [silence]

    ended = client.delete(f"/api/v1/silences/{silence['id']}", params={"by": "luz"}).json()
    assert (ended["stage"], ended["ended_by"], ended["incidents"]) == ("past", "luz", 0)
    assert client.delete(f"/api/v1/silences/{silence['id']}", params={"by": "bo"}).json() == ended
    assert client.get("/api/v1/silences").json() == {"items": []}
    assert client.get("/api/v1/silences", params={"stage": "past"}).json()["items"] == [ended]


def test_one_can_be_planned(client: TestClient) -> None:
    start = datetime.now(UTC) + timedelta(days=1)
    asked = {key: value for key, value in MINE.items() if key != "for"} | {
        "starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=1)).isoformat(), "matchers": {},
    }  # fmt: skip
    added = client.post("/api/v1/silences", json=asked).json()
    assert (added["stage"], added["matchers"], added["incidents"]) == ("future", {}, 0)
    assert client.get("/api/v1/silences", params={"stage": "active"}).json() == {"items": []}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"for": None}, "give either"),
        ({"ends_at": "2026-11-22T10:00:00Z"}, "give either"),
        ({"for": None, "ends_at": "2026-11-22T10:00:00"}, "timezone"),
        ({"for": None, "ends_at": "2001-01-01T00:00:00Z"}, "is over by then"),
        ({"for": "99d"}, "31d at most"),
        ({"for": "999999999d"}, "31d at most"),
        ({"for": "soon"}, "a length of time looks like"),
        ({"by": ""}, "at least 1 character"),
        ({"by": "\n"}, "say who does it"),
        ({"matchers": {"brand": ["Lumbr"]}}, "did you mean Lumbra?"),
        ({"matchers": {"brand": []}}, "at least 1 item"),
        ({"matchers": {"colour": ["red"]}}, "Extra inputs"),
        ({"matchers": {"severity": ["awful"]}}, "'info', 'warning' or 'critical'"),
        ({"sooner": True}, "Extra inputs"),
    ],
)
def test_what_makes_no_silence_is_refused(client: TestClient, change: dict[str, Any], says: str) -> None:
    asked = {key: value for key, value in (MINE | change).items() if value is not None}
    refused = client.post("/api/v1/silences", json=asked)
    assert refused.status_code == 422
    assert says in refused.text
    assert client.get("/api/v1/silences").json() == {"items": []}


def test_there_is_no_such_silence(client: TestClient) -> None:
    assert client.delete("/api/v1/silences/9", params={"by": "ana"}).status_code == 404
    assert client.delete("/api/v1/silences/9").status_code == 422
    assert client.get("/api/v1/silences", params={"stage": "gone"}).status_code == 422
