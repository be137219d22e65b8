"""Numbers for a monitor: there, right, and with nothing private among them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event

from api.dashboard.live import Live
from api.fresh import FRESH_S
from listener import clock

from .conftest import House


def values(house: House, client: object = None) -> dict[tuple[str, tuple[str, ...]], float]:
    asked = client or house.client(headers={})
    answer = asked.get("/metrics")  # type: ignore[attr-defined]
    assert answer.status_code == 200
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_what_waits_and_what_is_open_is_counted(full_house: House) -> None:
    found = values(full_house)
    assert found["escucha_database_up", ()] == 1
    assert found["escucha_backlog", ("scoring",)] == 1
    assert found["escucha_oldest_seconds", ("scoring",)] > 0
    assert found["escucha_open_incidents", ("warning",)] == 1
    assert found["escucha_open_incidents", ("critical",)] == 0
    assert found["escucha_deliveries", ("dead",)] == 0
    assert found["escucha_event_streams", ()] == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_requests_are_counted_by_route_and_not_by_address(full_house: House) -> None:
    client = full_house.client()
    client.get("/api/v1/alerts/1")
    client.get("/api/v1/alerts/2000")
    client.get("/nowhere/at/all")
    found = values(full_house, client)
    route = "/api/v1/alerts/{alert_id}"
    assert found["escucha_http_requests_total", ("GET", route, "200")] == 1
    assert found["escucha_http_requests_total", ("GET", route, "404")] == 1
    assert found["escucha_http_request_seconds_count", ("GET", route)] == 2
    assert found["escucha_http_requests_total", ("GET", "(none)", "404")] == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_private_is_in_it(full_house: House) -> None:
    client = full_house.client(headers={})
    for path in ("/metrics", "/healthz"):
        text = client.get(path).text.lower()
        assert not [word for word in ("lumbra", "telmira", "ana", 'stream"', '"log"') if word in text]
    assert client.get("/api/v1/health").status_code == 401


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", ["/metrics", "/healthz"])
def test_what_anybody_may_ask_costs_the_database_nothing_when_asked_again(
    full_house: House, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    client, said = full_house.client(headers={}), list[str]()
    event.listen(full_house.store.engine, "before_cursor_execute", lambda *of: said.append(of[2]))
    first = client.get(path).status_code
    assert said
    said.clear()
    assert client.get(path).status_code == first
    assert said == []
    later = clock.monotonic() + FRESH_S
    monkeypatch.setattr("listener.clock.monotonic", lambda: later)
    client.get(path)
    assert said


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_without_a_database_it_says_so(full_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    client = full_house.client(headers={})
    monkeypatch.setattr(Live, "followers", property(lambda _: 3))
    url = full_house.store.url
    full_house.store.close()
    monkeypatch.setattr(full_house.store.engine.dialect, "connect", _away)
    found = values(full_house, client)
    assert found["escucha_database_up", ()] == 0
    assert found["escucha_event_streams", ()] == 3
    assert str(url.database) not in client.get("/metrics").text


def _away(*_: object, **__: object) -> None:
    import sqlite3

    raise sqlite3.OperationalError("unable to open database file")
