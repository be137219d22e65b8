"""What the API tells of sources: how they stand, and what was read of them hour by hour."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from listener import clock as wall
from listener.coverage import HourState, Stretch, hour_of
from listener.error_words import Kind
from listener.store import brands, coverage
from listener.store.source_status import Stand

from .conftest import House

NOW = datetime.fromisoformat("2026-11-21T18:30:00+00:00")


@pytest.fixture
def client(house: House, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """Half past six; a source that is read every ten minutes since noon."""
    monkeypatch.setattr(wall, "now", lambda: NOW)
    row = {"name": "my news/feed", "kind": "rss", "options": {"url": "https://n.example"}, "every_s": 600}
    with house.store.transaction() as session:
        brands.save_sources(session, [row], house.clock())
    return house.client()


def note(house: House, hour: int, **counts: Any) -> None:
    """Something happened in an hour."""
    with house.store.transaction() as session:
        source = brands.source_named(session, "my news/feed")
        assert source is not None
        assert source.id is not None
        coverage.count(session, source.id, house.clock() + timedelta(hours=hour), **counts)


def cover(house: House, since: float, until: float) -> None:
    with house.store.transaction() as session:
        source = brands.source_named(session, "my news/feed")
        assert source is not None
        assert source.id is not None
        start, end = (house.clock() + timedelta(hours=hours) for hours in (since, until))
        coverage.cover(session, source.id, Stretch(start, end))
        coverage.mark(session, source.id, covered_to=end, listened_from=house.clock())
        brands.note_run(session, source.id, end)


def read(client: TestClient, **query: str) -> dict[str, Any]:
    answer = client.get("/api/v1/sources/my news/feed/coverage", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_source_that_is_read_well(client: TestClient, house: House) -> None:
    cover(house, 0, 6.4)
    note(house, 6, polls=3, finished=3, found=7, stored=2)

    (source,) = client.get("/api/v1/sources").json()["items"]
    assert (source["name"], source["kind"], source["state"]) == ("my news/feed", "rss", "ok")
    assert (source["found_1h"], source["found_24h"], source["behind_s"], source["late"]) == (7, 7, 360, False)
    assert (source["new_1h"], source["new_24h"]) == (2, 2)
    assert (source["waits_for_a_person"], source["trouble"], source["to_do"]) == (False, None, None)


def test_a_source_in_trouble_says_so_for_everybody_and_for_whoever_set_it_up(client: TestClient, house: House) -> None:
    error = "https://n.example answered 401 Unauthorized: check the credentials of this source"
    with house.store.transaction() as session:
        source = brands.source_named(session, "my news/feed")
        assert source is not None
        brands.note_run(session, source.id or 0, NOW, error=error, stopped=True)

    (found,) = client.get("/api/v1/sources").json()["items"]
    assert (found["state"], found["waits_for_a_person"], found["found_24h"]) == ("stopped", True, None)
    assert (found["trouble"]["kind"], found["trouble"]["said"]) == ("credentials", error)
    assert "password or key" in found["trouble"]["words"]


def test_sources_read_on_demand_are_listed_when_asked_for(client: TestClient) -> None:
    names = [one["name"] for one in client.get("/api/v1/sources", params={"all": "true"}).json()["items"]]
    assert names == ["my news/feed", "stream"]


def test_no_mentions_and_no_coverage_do_not_look_alike(client: TestClient, house: House) -> None:
    cover(house, 0, 2)
    note(house, 0, polls=6, finished=6)
    note(house, 1, polls=6, finished=6, found=4)
    note(house, 3, polls=6, failed=6, why="503")
    note(house, 4, polls=6, rate_limited=6, why="429")

    found = read(client, since="2026-11-21T11:00:00Z", until="2026-11-21T20:00:00Z")
    hours = {hour["hour"][11:13]: hour for hour in found["hours"]}
    assert {hour: told["state"] for hour, told in hours.items()} == {
        "11": "before", "12": "covered", "13": "covered", "14": "not_polled", "15": "failed", "16": "rate_limited",
        "17": "not_polled", "18": "not_polled", "19": "future",
    }  # fmt: skip
    assert (hours["12"]["mentions"], hours["12"]["found"], hours["12"]["covered"]) == (0, 0, 1)
    for hour in ("14", "15", "16", "17"):
        assert (hours[hour]["mentions"], hours[hour]["found"], hours[hour]["covered"]) == (None, None, 0)
    assert (hours["15"]["why"], hours["16"]["why"]) == ("503", "429")
    assert found["mentions_in_words"] == "at least 0 mentions in 7 hours, of which 2 read to the end"


def test_what_nobody_read_is_said_in_words(client: TestClient) -> None:
    assert "nobody knows" in read(client)["mentions_in_words"]


def test_gaps_come_with_what_became_of_them(client: TestClient, house: House) -> None:
    with house.store.transaction() as session:
        source = brands.source_named(session, "my news/feed")
        assert source is not None
        stretch = Stretch(house.clock(), house.clock() + timedelta(hours=1))
        coverage.open_gap(session, source.id or 0, stretch, "capped", "too much", NOW, lost=True)

    found = read(client)
    (gap,) = found["gaps"]
    assert (gap["state"], gap["cause"], gap["why"], gap["tries"]) == ("lost", "capped", "too much", 0)
    (source_found,) = client.get("/api/v1/sources").json()["items"]
    assert source_found["missed"] == [gap]
    assert source_found["waits_for_a_person"]


def test_by_default_the_last_24_hours_are_told(client: TestClient) -> None:
    hours = read(client)["hours"]
    assert len(hours) == 24
    assert hours[-1]["hour"] == hour_of(NOW).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"since": "2026-11-21T12:00:00"}, 422), ({"since": "yesterday"}, 422),
        ({"since": "2026-11-21T12:00:00Z", "until": "2026-11-21T11:00:00Z"}, 422),
        ({"since": "2026-01-01T00:00:00Z"}, 422), ({"until": "2026-11-20T12:00:00+02:00"}, 200),
    ],
)  # fmt: skip
def test_a_frame_that_makes_no_sense_is_refused(client: TestClient, query: dict[str, str], status: int) -> None:
    assert client.get("/api/v1/sources/my news/feed/coverage", params=query).status_code == status


def test_an_unknown_source_is_not_found(client: TestClient) -> None:
    assert client.get("/api/v1/sources/nope/coverage").status_code == 404


def test_the_description_names_every_state(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert set(schemas["HourState"]["enum"]) == {state.value for state in HourState}
    assert set(schemas["Stand"]["enum"]) == {state.value for state in Stand}
    assert set(schemas["Kind"]["enum"]) == {kind.value for kind in Kind}
    assert {"/api/v1/sources", "/api/v1/sources/{name}/coverage"} <= document["paths"].keys()
    told = schemas["Hour"]["properties"]
    assert all("description" in told[name] or "$ref" in told[name] for name in ("mentions", "why", "covered", "state"))
