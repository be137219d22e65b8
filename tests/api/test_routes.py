"""The API over the store, on both databases where these are asked something."""

from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, update

from api.headers import POLICY
from api.wiring import brand_row
from listener.configfile import BrandEntry
from listener.items import Author
from listener.store import brands, health, scoring
from listener.store.tables import ChannelState, Mention, table

from .conftest import House

sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what no database has a part in."""


@pytest.fixture
def client(full_house: House) -> TestClient:
    """The application without a socket."""
    return full_house.client()


def test_mentions_come_latest_first_with_scores_and_verdicts(client: TestClient) -> None:
    items = client.get("/api/v1/mentions").json()["items"]
    assert [item["native_id"] for item in items] == ["5", "4", "3", "2", "1"]
    first = items[-1]
    assert (first["brand"], first["label"], first["author"], first["reach"]) == ("Lumbra", "detractor", "ana", 900)
    assert first["stance"]["-2"] == 0.5
    assert (first["model"], first["revision"]) == ("test", "1")
    assert first["verdict"] == "opened_incident"
    assert first["text"][slice(*first["spans"][0])] == "Lumbra"
    assert items[1]["verdict"] == "rule_off"
    assert items[2]["verdict"] == "not_a_detractor"
    waiting = items[0]
    assert (waiting["label"], waiting["scored_at"], waiting["polarity"]) == (None, None, None)


def test_filters_narrow_the_list(client: TestClient) -> None:
    for query, expected in (
        ("brand=Telmira", ["4"]),
        ("label=promoter", ["2"]),
        ("source=x&brand=Lumbra&label=detractor", ["1"]),
        ("source=reddit", []),
    ):
        items = client.get(f"/api/v1/mentions?{query}").json()["items"]
        assert [item["native_id"] for item in items] == expected, query


def test_pages_follow_each_other_without_gap_or_overlap(client: TestClient) -> None:
    found, after = [], None
    while True:
        page = client.get("/api/v1/mentions", params={"limit": "2"} | ({"after": after} if after else {})).json()
        found += [item["native_id"] for item in page["items"]]
        after = page["next"]
        assert page["complete"]
        if after is None:
            break
    assert found == ["5", "4", "3", "2", "1"]


@sqlite
def test_wrong_parameters_are_refused_and_named(client: TestClient) -> None:
    cursor = "after=20269921T000000.000000Z-1"
    for query in ("limit=0", "limit=201", "after=0", cursor, "label=fan", "limit=x", "before=1"):
        answer = client.get(f"/api/v1/mentions?{query}")
        assert answer.status_code == 422, query
        assert query.split("=")[0] in answer.text


def test_an_alert_shows_its_deliveries_and_what_each_try_came_to(client: TestClient) -> None:
    (alert,) = client.get("/api/v1/alerts").json()["items"]
    assert (alert["brand"], alert["rule"], alert["count"], alert["reach"]) == ("Lumbra", "detractor", 1, 900)
    (delivery,) = alert["deliveries"]
    assert (delivery["channel"], delivery["state"], delivery["reason"]) == ("log", "sent", "incident_opened")
    assert [entry["outcome"] for entry in delivery["log"]] == ["sent"]
    assert client.get(f"/api/v1/alerts/{alert['id']}").json().items() >= alert.items()


def test_the_mentions_of_an_incident_say_how_they_came_into_it(house: House) -> None:
    for number in (1, 2):
        house.hear(number, "Lumbra is down here too", "detractor")
        house.judge_and_tell()
    client = house.client()
    (alert,) = client.get("/api/v1/alerts").json()["items"]
    items = client.get("/api/v1/mentions", params={"alert": alert["id"]}).json()["items"]
    assert [item["notice"] for item in items] == ["joined_incident", "opened_incident"]
    assert {item["notice"] for item in client.get("/api/v1/mentions").json()["items"]} == {None}


@pytest.mark.parametrize(
    ("channels", "sentence"),
    [
        ([], "No channel is set up for this brand, so there is nobody to tell."),
        (["log"], "The channel is switched off until a person has looked at it."),
    ],
)
def test_an_incident_nobody_was_told_of_says_the_real_reason(house: House, channels: list[str], sentence: str) -> None:
    with house.store.transaction() as session:
        brands.save_brands(session, [brand_row(BrandEntry(name="Lumbra", channels=tuple(channels)))], house.clock())
        session.connection().execute(
            insert(table(ChannelState)).values(
                name="log", not_before=house.clock(), disabled_at=house.clock(), disabled_reason="x"
            )
        )
    house.hear(1, "Lumbra is down", "detractor")
    house.judge_and_tell()
    client = house.client()
    page = client.get("/alerts/1").text
    assert "Nobody was told." in page
    assert sentence in page
    assert [one["sentence"] for one in client.get("/api/v1/alerts/1").json()["decisions"]] == [sentence]


def test_an_author_known_by_name_alone_is_shown(house: House) -> None:
    house.hear(1, "Lumbra works", "promoter", author=Author("a1", name="Ana of the News"))
    client = house.client()
    assert client.get("/api/v1/mentions").json()["items"][0]["author"] == "Ana of the News"


@sqlite
def test_only_its_own_names_are_answered(client: TestClient) -> None:
    for host, status in (
        ("127.0.0.1:8765", 200), ("localhost", 200), ("[::1]:8765", 200), ("evil.example", 400),
        ("evil.example:8765", 400), ("127.0.0.1.evil.example", 400),
    ):  # fmt: skip
        answer = client.get("/api/v1/mentions", headers={"Host": host})
        assert answer.status_code == status, host
        assert answer.headers["content-security-policy"] == POLICY


def test_what_is_not_there_is_not_found(client: TestClient) -> None:
    for path in ("/api/v1/alerts/999", "/alerts/999"):
        assert client.get(path).status_code == 404, path


def test_work_is_stuck_when_it_has_waited_longer_than_allowed(full_house: House) -> None:
    now, names = full_house.clock(), full_house.installation.channel_names
    with full_house.store.reading() as session:
        assert health.stuck(session, now + timedelta(minutes=9), timedelta(minutes=10), names) == []
        (problem,) = health.stuck(session, now + timedelta(minutes=11), timedelta(minutes=10), names)
    assert problem == "mentions wait to be scored since 2026-11-21 12:00 UTC"


def test_a_long_queue_that_moves_is_late_but_not_stuck(full_house: House) -> None:
    now, names = full_house.clock(), full_house.installation.channel_names
    full_house.clock.advance(minutes=11)
    with full_house.store.transaction() as session:
        (waiting,) = scoring.claim_unscored(session, 1, full_house.clock(), timedelta(minutes=1))
    full_house.hear(6, "Lumbra works", "promoter")
    assert waiting.text == "Lumbra?"
    with full_house.store.reading() as session:
        assert health.stuck(session, now + timedelta(minutes=12), timedelta(minutes=10), names) == []


def test_health_answers_503_when_work_is_stuck_and_200_when_it_is_not(full_house: House, client: TestClient) -> None:
    # /healthz reads the real clock, so the waiting mention is aged by setting when it was collected.
    with full_house.store.transaction() as session:
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        session.connection().execute(update(table(Mention)).values(collected_at=long_ago))
    stuck = client.get("/healthz")
    assert (stuck.status_code, stuck.json()["status"]) == (503, "stuck")


def test_health_is_ok_in_an_empty_house(house: House) -> None:
    answer = house.client().get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "stuck": [], "attention": 0})


@sqlite
def test_every_answer_carries_the_policy(client: TestClient) -> None:
    for path in ("/", "/api/v1/mentions", "/static/page.js", "/nowhere", "/alerts/1"):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"


@sqlite
def test_openapi_describes_every_operation(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert {"/healthz", "/api/v1/mentions", "/api/v1/alerts", "/api/v1/alerts/{alert_id}", "/api/v1/ingest"} < set(
        described["paths"]
    )
    assert all(operation["summary"] for path in described["paths"].values() for operation in path.values())
