"""A write that is sent twice under one key is done once, and answered twice; on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from api.idempotency import REPLAYED
from listener import clock
from listener.access import Permission
from listener.store import deletion, request_receipts
from listener.store.tables import ApiKey, RequestReceipt, Silence

from .conftest import House

MINE: dict[str, Any] = {"matchers": {"brand": ["Lumbra"]}, "for": "2h", "comment": "planned"}


def post(client: TestClient, key: str, body: dict[str, Any] | None = None, path: str = "/api/v1/silences") -> Any:
    return client.post(path, json=MINE if body is None else body, headers={"Idempotency-Key": key})


def silences(house: House) -> int:
    with house.store.reading() as session:
        return len(session.exec(select(Silence)).all())


def test_the_same_request_again_is_answered_and_not_done(house: House) -> None:
    client = house.client()
    first, second = post(client, "k-1"), post(client, '"k-1"')
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert (first.headers.get(REPLAYED), second.headers[REPLAYED]) == (None, "true")
    assert second.headers["content-type"] == first.headers["content-type"]
    assert silences(house) == 1
    assert post(client, "k-2").json()["id"] != first.json()["id"]


def test_another_request_under_the_same_key_is_refused(house: House) -> None:
    client = house.client()
    assert post(client, "k").status_code == 201
    other = post(client, "k", MINE | {"for": "3h"})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert silences(house) == 1


def test_keys_are_each_callers_own(house: House) -> None:
    assert post(house.client(), "k").status_code == 201
    again = post(house.client(), "k")  # another API key
    assert (again.status_code, again.headers.get(REPLAYED)) == (201, None)
    assert silences(house) == 2


def test_two_at_once_are_done_once(house: House) -> None:
    clients = [house.client(headers=headers) for headers in [house.key()] * 4]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda client: post(client, "k"), clients))
    assert {answer.status_code for answer in answers} <= {201, 409}
    at_work = [answer for answer in answers if answer.status_code == 409]
    assert all(answer.headers["Retry-After"] for answer in at_work)
    assert silences(house) == 1


def test_what_a_dead_process_left_is_free_when_its_lease_is_over(house: House) -> None:
    client = house.client()
    first = post(client, "k")
    with house.store.transaction() as session:
        row = session.exec(select(RequestReceipt)).one()
        row.status, row.body, row.lease_until = None, None, clock.now() + timedelta(minutes=1)
        session.add(row)
    waits = post(client, "k")
    assert (waits.status_code, waits.json()["type"]) == (409, "/problems/request-at-work")
    with house.store.transaction() as session:
        row = session.exec(select(RequestReceipt)).one()
        row.lease_until = clock.now() - timedelta(seconds=1)
        session.add(row)
    anew = post(client, "k")
    assert (anew.status_code, anew.headers.get(REPLAYED)) == (201, None)
    assert anew.json()["id"] != first.json()["id"]


def test_a_refusal_is_kept_but_not_one_of_how_it_was_asked(house: House) -> None:
    client = house.client()
    bad = MINE | {"for": "40d"}
    assert post(client, "bad", bad).status_code == 422
    assert post(client, "bad", bad).headers[REPLAYED] == "true"
    reader = house.client(headers=house.key(Permission.READ_ALERTS))
    assert post(reader, "k").status_code == 403
    assert post(reader, "k").headers.get(REPLAYED) is None


def test_a_key_that_was_shown_once_is_kept_nowhere(house: House) -> None:
    client = house.client()
    body = {"name": "reports", "scopes": ["figures:read"]}
    first = post(client, "k", body, "/api/v1/keys")
    assert first.status_code == 201
    again = post(client, "k", body, "/api/v1/keys")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/answer-not-kept")
    with house.store.reading() as session:
        assert session.exec(select(RequestReceipt)).one().body is None
        assert len(session.exec(select(ApiKey).where(ApiKey.name == "reports")).all()) == 1


def test_what_was_deleted_is_not_told_again(full_house: House) -> None:
    client, note = full_house.client(), {"text": "seen"}
    assert "down again" in post(client, "k", note, "/api/v1/alerts/1/note").text
    now = full_house.now
    with full_house.store.transaction() as session:
        request_receipts.claim(session, "user 1", "at work", b"", "", now)
    with full_house.store.transaction() as session:
        assert deletion.blank_native(session, "x", ["1"], "deleted", now) == 1
    with full_house.store.transaction() as session:
        request_receipts.keep(session, "user 1", "at work", now, 200, {}, b"Lumbra is down again")
    again = post(client, "k", note, "/api/v1/alerts/1/note")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/answer-not-kept")
    with full_house.store.reading() as session:
        assert [row.body for row in session.exec(select(RequestReceipt))] == [None, None]


def test_who_may_do_less_than_then_is_not_shown_it(house: House) -> None:
    headers = house.key()
    client = house.client(headers=headers)
    assert post(client, "k").status_code == 201
    with house.store.transaction() as session:
        for row in session.exec(select(ApiKey)):
            row.scopes = [Permission.READ_ALERTS.value]
            session.add(row)
    assert post(client, "k").json()["type"] == "/problems/answer-not-kept"


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, 'a"b'])
def test_what_is_no_key_is_refused(house: House, key: str) -> None:
    refused = post(house.client(), key)
    assert (refused.status_code, "1 to 255" in refused.json()["detail"]) == (400, True)
    assert silences(house) == 0


def test_a_day_later_keys_are_forgotten(house: House) -> None:
    post(house.client(), "k")
    now = clock.now()
    for later, forgotten in ((timedelta(hours=23), 0), (timedelta(hours=25), 1)):
        with house.store.transaction() as session:
            assert request_receipts.forget(session, now + later) == forgotten


def test_a_body_that_is_too_large_is_not_read_to_its_end(house: House) -> None:
    def endless() -> Any:
        for _ in range(40):
            yield b"x" * 2**16

    headers = {"Content-Type": "application/json"}
    client = house.client()
    assert client.post("/api/v1/silences", content=endless(), headers=headers).status_code == 413
    with_key = client.post("/api/v1/silences", content=endless(), headers=headers | {"Idempotency-Key": "k"})
    assert (with_key.status_code, with_key.headers["content-type"]) == (413, "application/problem+json")
    assert client.post("/api/v1/silences", content=b"x" * 2**22, headers=headers).status_code == 413
