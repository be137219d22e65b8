"""Messages over the API: what waits and why; sent again or given up by somebody with a name."""

import httpx2
import pytest
from sqlmodel import select

from alerts.reasons import Reason
from listener.store.tables import Audit, Delivery, table


@pytest.fixture
def dead(served):  # type: ignore[no-untyped-def]
    """A server whose only message is dead."""
    with served.house.store.transaction() as session:
        session.connection().execute(table(Delivery).update().values(state="dead", outcome="rejected", attempts=3))
    return served


def test_a_dead_delivery_is_listed_with_its_reason_and_sent_again(dead) -> None:  # type: ignore[no-untyped-def]
    (listed,) = httpx2.get(f"{dead.url}/api/v1/deliveries", params={"state": "dead"}, headers=dead.headers).json()[
        "items"
    ]
    assert (listed["outcome"], listed["sentence"]) == ("rejected", Reason.REJECTED.sentence)
    assert (listed["brand"], listed["rule"], listed["channel"]) == ("Lumbra", "detractor", "log")

    again = httpx2.post(f"{dead.url}/api/v1/deliveries/{listed['id']}/resend", json={"by": "ana"}, headers=dead.headers)
    assert (again.status_code, again.json()["state"], again.json()["attempts"]) == (200, "pending", 3)
    twice = httpx2.post(f"{dead.url}/api/v1/deliveries/{listed['id']}/resend", json={"by": "ben"}, headers=dead.headers)
    assert twice.status_code == 409
    assert "on its way" in twice.json()["detail"]
    with dead.house.store.reading() as session:
        assert [row.actor for row in session.exec(select(Audit))] == ["ana"]


def test_one_that_is_given_up_is_shown_so(dead) -> None:  # type: ignore[no-untyped-def]
    answer = httpx2.post(f"{dead.url}/api/v1/deliveries/1/give-up", json={"by": "ana"}, headers=dead.headers)
    assert (answer.json()["state"], answer.json()["outcome"]) == ("dropped", "given_up")
    assert httpx2.get(f"{dead.url}/api/v1/deliveries/1", headers=dead.headers).json()["log"]


def test_what_is_not_there_or_without_a_name_is_refused(dead) -> None:  # type: ignore[no-untyped-def]
    assert httpx2.get(f"{dead.url}/api/v1/deliveries/9", headers=dead.headers).status_code == 404
    assert (
        httpx2.post(f"{dead.url}/api/v1/deliveries/9/resend", json={"by": "ana"}, headers=dead.headers).status_code
        == 404
    )
    assert httpx2.post(f"{dead.url}/api/v1/deliveries/1/resend", json={}, headers=dead.headers).status_code == 422
    assert (
        httpx2.post(f"{dead.url}/api/v1/deliveries/1/resend", json={"by": " \n"}, headers=dead.headers).status_code
        == 422
    )
