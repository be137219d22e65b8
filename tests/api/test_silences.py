"""Silences over the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from listener.access import Role

from .conftest import House


@pytest.fixture
def client(full_house: House) -> TestClient:
    """The application without a socket."""
    return full_house.client(Role.AGENT)


NONE: dict[str, Any] = {"items": [], "next": None}


MINE: dict[str, Any] = {"matchers": {"brand": ["Lumbra"]}, "for": "2h", "comment": "planned outage"}


def test_a_silence_is_added_listed_and_ended(full_house: House, client: TestClient) -> None:
    assert client.get("/api/v1/silences").json() == NONE
    added = client.post("/api/v1/silences", json=MINE)
    assert added.status_code == 201
    silence = added.json()
    assert (silence["stage"], silence["matchers"], silence["incidents"]) == ("active", {"brand": ["Lumbra"]}, 1)
    lasts = datetime.fromisoformat(silence["ends_at"]) - datetime.fromisoformat(silence["starts_at"])
    assert lasts == timedelta(hours=2)
    assert client.get("/api/v1/silences").json()["items"] == [silence]

    assert silence["created_by"].startswith("ana <ana@")

    luz = full_house.client(Role.AGENT, name="luz")
    ended = luz.delete(f"/api/v1/silences/{silence['id']}").json()
    assert (ended["stage"], ended["ended_by"].split(" <")[0], ended["incidents"]) == ("past", "luz", 0)
    assert client.delete(f"/api/v1/silences/{silence['id']}").json() == ended
    assert client.get("/api/v1/silences").json() == NONE
    assert client.get("/api/v1/silences", params={"stage": "past"}).json()["items"] == [ended]


def test_one_can_be_planned(client: TestClient) -> None:
    start = datetime.now(UTC) + timedelta(days=1)
    asked = {key: value for key, value in MINE.items() if key != "for"} | {
        "starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=1)).isoformat(), "matchers": {},
    }  # fmt: skip
    added = client.post("/api/v1/silences", json=asked).json()
    assert (added["stage"], added["matchers"], added["incidents"]) == ("future", {}, 0)
    assert client.get("/api/v1/silences", params={"stage": "active"}).json() == NONE


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"for": None}, "give either"),
        ({"ends_at": "2026-11-22T10:00:00Z"}, "give either"),
        ({"for": None, "ends_at": "2026-11-22T10:00:00"}, "time zone"),
        ({"for": None, "ends_at": "2001-01-01T00:00:00Z"}, "is over by then"),
        ({"for": "99d"}, "31d at most"),
        ({"for": "999999999d"}, "31d at most"),
        ({"for": "soon"}, "a length of time looks like"),
        ({"by": "ana"}, "Extra inputs"),
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
    assert client.get("/api/v1/silences").json() == NONE


def test_there_is_no_such_silence(client: TestClient) -> None:
    assert client.delete("/api/v1/silences/9").status_code == 404
    assert client.get("/api/v1/silences", params={"stage": "gone"}).status_code == 422


def test_they_are_listed_a_page_at_a_time(client: TestClient) -> None:
    made = [client.post("/api/v1/silences", json=MINE).json()["id"] for _ in range(3)]
    first = client.get("/api/v1/silences", params={"limit": 2}).json()
    then = client.get("/api/v1/silences", params={"limit": 2, "before": first["next"]}).json()
    assert [one["id"] for one in first["items"] + then["items"]] == made[::-1]
    assert then["next"] is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestBrands:
    @pytest.mark.parametrize(
        ("matchers", "status"),
        [
            ({"brand": ["Lumbra"]}, 201),
            ({"brand": ["Lumbra"], "rule": ["spike"]}, 201),
            ({"brand": ["Telmira"]}, 403),
            ({"brand": ["Nobody"]}, 403),
            ({"brand": ["Lumbra", "Telmira"]}, 403),
            ({"rule": ["spike"]}, 403),
            ({}, 403),
        ],
    )
    def test_whoever_may_silence_one_brand_names_it(
        self, full_house: House, matchers: dict[str, Any], status: int
    ) -> None:
        agent = full_house.client(Role.AGENT, "Lumbra")
        assert agent.post("/api/v1/silences", json=MINE | {"matchers": matchers}).status_code == status

    def test_one_sees_what_concerns_ones_own_brands_and_ends_what_concerns_no_others(
        self, full_house: House, client: TestClient
    ) -> None:
        lots = ({"brand": ["Lumbra"]}, {"brand": ["Lumbra", "Telmira"]}, {"brand": ["Telmira"]}, {})
        one, both, other, everything = (
            client.post("/api/v1/silences", json=MINE | {"matchers": matchers}).json()["id"] for matchers in lots
        )
        agent = full_house.client(Role.AGENT, "Lumbra")
        listed = agent.get("/api/v1/silences").json()["items"]
        assert [row["id"] for row in listed] == [everything, both, one]
        assert listed[1]["matchers"] == {"brand": ["Lumbra"]}
        ends = {number: agent.delete(f"/api/v1/silences/{number}").status_code for number in (one, both, other)}
        assert ends == {one: 200, both: 403, other: 404}
