"""Messages over the API: what waits and why; sent again or given up by somebody who may."""

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from alerts.reasons import Reason
from listener.access import Role
from listener.store.tables import Audit, Delivery, table

from .conftest import House


@pytest.fixture
def dead(full_house: House) -> TestClient:
    """The application, whose only message is dead, as an administrator sees it."""
    with full_house.store.transaction() as session:
        session.connection().execute(table(Delivery).update().values(state="dead", outcome="rejected", attempts=3))
    return full_house.client(Role.ADMINISTRATOR)


def test_a_dead_delivery_is_listed_with_its_reason_and_sent_again(full_house: House, dead: TestClient) -> None:
    (listed,) = dead.get("/api/v1/deliveries", params={"state": "dead"}).json()["items"]
    assert (listed["outcome"], listed["sentence"]) == ("rejected", Reason.REJECTED.sentence)
    assert (listed["brand"], listed["rule"], listed["channel"]) == ("Lumbra", "detractor", "log")

    again = dead.post(f"/api/v1/deliveries/{listed['id']}/resend")
    assert (again.status_code, again.json()["state"], again.json()["attempts"]) == (200, "pending", 3)
    twice = dead.post(f"/api/v1/deliveries/{listed['id']}/resend")
    assert twice.status_code == 409
    assert "on its way" in twice.json()["detail"]
    with full_house.store.reading() as session:
        assert [row.actor.split(" <")[0] for row in session.exec(select(Audit))] == ["ana"]


def test_one_that_is_given_up_is_shown_so(dead: TestClient) -> None:
    answer = dead.post("/api/v1/deliveries/1/give-up")
    assert (answer.json()["state"], answer.json()["outcome"]) == ("dropped", "given_up")
    assert dead.get("/api/v1/deliveries/1").json()["log"]


def test_what_is_not_there_or_not_ones_own_is_refused(full_house: House, dead: TestClient) -> None:
    assert dead.get("/api/v1/deliveries/9").status_code == 404
    assert dead.post("/api/v1/deliveries/9/resend").status_code == 404
    agent = full_house.client(Role.AGENT)
    assert agent.post("/api/v1/deliveries/1/resend").status_code == 403
    assert agent.get("/api/v1/deliveries/1").status_code == 200
