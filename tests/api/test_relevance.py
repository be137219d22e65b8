"""Hiding and showing by hand, over the API, on both databases: a correction of relevance."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from listener.store import brands, scoring
from listener.store.tables import MentionBrand, table
from tests.listener.conftest import score_row

from .conftest import House


@pytest.fixture
def client(house: House) -> TestClient:
    """Two detractors of Lumbra, of which the model finds the second to be about something else."""
    for number, text in ((1, "Lumbra is down"), (2, "the lumbra of the theatre is down")):
        house.hear(number, text, None, reach=10)
    rows = [score_row(1, relevance=0.9), score_row(2, relevance=0.04)]
    with house.store.transaction() as session:
        scoring.write_scores(session, rows, house.clock())
    house.judge_and_tell()
    return house.client()


def listed(client: TestClient, query: str = "") -> list[str]:
    return [item["native_id"] for item in client.get(f"/api/v1/mentions?{query}").json()["items"]]


def say(client: TestClient, mention: int, value: str | None) -> int:
    """Say whether a mention is about its brand; the answer's status."""
    body = {"what": "relevance", "value": value}
    return client.post(f"/api/v1/mentions/{mention}/corrections", json=body).status_code


def test_a_hidden_mention_is_in_no_list_and_can_be_found(client: TestClient) -> None:
    assert (listed(client), listed(client, "hidden=true")) == (["1"], ["2"])
    assert client.get("/api/v1/mentions/2").json()["native_id"] == "2"
    (hidden,) = client.get("/api/v1/mentions?hidden=true").json()["items"]
    assert hidden["hidden_why"] == "the model gives 4 %"
    assert (hidden["relevance"], hidden["said_relevant"], hidden["verdict"]) == (0.04, None, "not_relevant")
    assert client.get("/api/v1/alerts").json()["items"][0]["count"] == 1
    assert "theatre" not in client.get("/").text


def test_a_person_shows_one_and_hides_another(client: TestClient, house: House) -> None:
    assert (say(client, 2, "about"), say(client, 1, "not_about")) == (201, 201)
    assert (listed(client), listed(client, "hidden=true")) == (["2"], ["1"])
    shown = client.get("/api/v1/mentions").json()["items"][0]
    assert (shown["said_relevant"], shown["hidden_why"], shown["verdict"]) == (True, None, None)
    house.judge_and_tell()
    # An incident keeps what people were told of.
    assert listed(client, "alert=1") == ["2", "1"]
    assert client.get("/api/v1/mentions").json()["items"][0]["verdict"] == "joined_incident"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422), ({"what": "relevance"}, 422), ({"what": "relevance", "value": True}, 422), ([], 422),
        ({"what": "relevance", "value": "1"}, 422), ({"what": "relevance", "value": "about", "by": "me"}, 422),
        ({"what": "mood", "value": "about"}, 422), ({"what": "stance", "value": "about"}, 422),
    ],
)  # fmt: skip
def test_what_is_not_said_clearly_changes_nothing(client: TestClient, body: Any, status: int) -> None:
    assert client.post("/api/v1/mentions/2/corrections", json=body).status_code == status
    assert listed(client, "hidden=true") == ["2"]


def test_a_page_elsewhere_cannot_say_it_for_a_person(client: TestClient) -> None:
    # What a browser sends across sites without asking first: no JSON, and not under a name of ours.
    path, body = "/api/v1/mentions/2/corrections", {"what": "relevance", "value": "about"}
    plain = client.post(path, content=json.dumps(body), headers={"Content-Type": "text/plain"})
    assert plain.status_code == 422
    foreign = client.post(path, json=body, headers={"Host": "evil.example"})
    assert foreign.status_code == 400
    assert listed(client, "hidden=true") == ["2"]


def test_a_mention_that_is_not_there_or_is_gone_is_not_found(client: TestClient, house: House) -> None:
    assert say(client, 99, "about") == 404
    with house.store.transaction() as session:
        session.connection().execute(update(table(MentionBrand)).values(void="deleted"))
    assert say(client, 1, "about") == 404


def test_a_retired_brands_mentions_can_still_be_judged_by_people(client: TestClient, house: House) -> None:
    with house.store.transaction() as session:
        brands.retire_brands(session, ["Telmira"])
    assert say(client, 2, "about") == 201


def test_a_stance_is_taken_as_a_number_too_and_what_is_none_is_said(client: TestClient) -> None:
    address = "/api/v1/mentions/1/corrections"
    assert client.post(address, json={"what": "stance", "value": -2}).json()["after"] == "-2"
    for value in (3, "3", True, 10**30):
        assert client.post(address, json={"what": "stance", "value": value}).status_code == 422
    refused = client.post(address, json={"what": "stance", "value": 3}).json()["detail"]
    assert refused == "value: stance is one of -2, -1, 0, 1, 2; null takes a correction back"
