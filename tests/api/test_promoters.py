"""Promoters, permissions and collections over the API."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from listener.access import Permission, Role

from .conftest import HOSTILE, House

LINK = "https://social.example/@ana/3"
GRANTED = {"state": "granted", "proof": LINK, "terms": "Web page"}


@pytest.fixture
def praised(house: House) -> House:
    """Promoters of two brands: 1 and 3 of Lumbra, 2 of Telmira."""
    house.hear(1, "Thank you Lumbra, solved in a minute", "promoter", url="https://example.com/1", reach=40)
    house.hear(2, "Telmira is the best", "promoter", brand="Telmira")
    house.clock.advance(minutes=1)
    house.hear(3, HOSTILE, "promoter", url="javascript:alert(1)")
    house.hear(4, "Lumbra?", "passive")
    return house


def ids(client: TestClient, **asked: Any) -> list[int]:
    answer = client.get("/api/v1/promoters", params=asked)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["items"]]


def put(client: TestClient, mention: int, step: dict[str, Any], seen: str = "*") -> Any:
    return client.put(f"/api/v1/promoters/{mention}/permission", json=step, headers={"If-Match": seen})


def test_a_permission_from_asking_to_its_end(praised: House) -> None:
    client = praised.client(Role.MARKETER, "Lumbra")
    assert ids(client) == [3, 1]
    first = client.get("/api/v1/promoters/1")
    assert first.json()["permission"]["state"] == "not_asked"
    assert first.json()["permission"]["steps"] == ["asked", "refused"]
    assert "https://example.com/1" in first.json()["request"]["es"]
    assert first.json()["probability"] == pytest.approx(0.9)

    asked = put(client, 1, {"state": "asked"}, first.headers["ETag"])
    assert (asked.status_code, asked.json()["permission"]["asked_by"].partition(" <")[0]) == (200, "ana")
    assert put(client, 1, {"state": "asked"}, first.headers["ETag"]).status_code == 412
    assert put(client, 1, {"state": "asked"}).status_code == 409
    assert put(client, 1, {"state": "granted"}).status_code == 422
    assert client.put("/api/v1/promoters/1/permission", json=GRANTED).status_code == 428
    granted = put(client, 1, GRANTED, asked.headers["ETag"])
    assert (granted.json()["permission"]["state"], granted.json()["permission"]["proof"]) == ("granted", LINK)
    assert [one["state"] for one in granted.json()["history"]] == ["asked", "granted"]
    assert ids(client, permission="granted") == [1]
    assert ids(client, permission="not_asked") == [3]
    assert put(client, 1, {"state": "refused"}).json()["permission"]["proof"] is None
    assert put(client, 1, {"state": "asked"}).status_code == 422
    assert put(client, 1, {"state": "asked", "reason": "another campaign"}).status_code == 200
    said = praised.client().get("/api/v1/audit", params={"action": "promoter"}).json()["items"]
    assert [one["detail"]["to"] for one in said] == ["asked", "refused", "granted", "asked"]
    assert LINK not in str(said)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestOneDatabase:
    """What SQL does not differ in."""

    def test_only_ones_own_brands_are_there(self, praised: House) -> None:
        client = praised.client(Role.MARKETER, "Telmira")
        assert ids(client) == [2]
        assert client.get("/api/v1/promoters?brand=Lumbra").status_code == 404
        assert client.get("/api/v1/promoters/1").status_code == 404
        assert put(client, 1, {"state": "asked"}).status_code == 404
        mine = praised.client().post("/api/v1/collections", json={"brand": "Lumbra", "name": "Spring"}).json()
        assert client.get("/api/v1/collections").json()["items"] == []
        assert client.get(f"/api/v1/collections/{mine['id']}").status_code == 404
        assert client.post("/api/v1/collections", json={"brand": "Lumbra", "name": "x"}).status_code == 404
        for path in ("items", "items/remove"):
            answer = client.post(f"/api/v1/collections/{mine['id']}/{path}", json={"mentions": [1]})
            assert answer.status_code == 404
        assert client.delete(f"/api/v1/collections/{mine['id']}", headers={"If-Match": "*"}).status_code == 404

    @pytest.mark.parametrize("role", [Role.VIEWER, Role.AGENT])
    def test_others_than_marketing_only_look(self, praised: House, role: Role) -> None:
        client = praised.client(role, "Lumbra")
        assert ids(client) == [3, 1]
        assert put(client, 1, {"state": "asked"}).status_code == 403
        assert client.post("/api/v1/collections", json={"brand": "Lumbra", "name": "x"}).status_code == 403

    def test_pages_of_promoters(self, praised: House) -> None:
        client = praised.client()
        first = client.get("/api/v1/promoters", params={"limit": 2}).json()
        second = client.get("/api/v1/promoters", params={"limit": 2, "after": first["next"]}).json()
        assert [one["id"] for one in (*first["items"], *second["items"])] == [3, 2, 1]
        assert (first["complete"], second["next"]) == (True, None)

    @pytest.mark.parametrize(
        "asked",
        [{"after": "x"}, {"after": "99991231T235959.000000Z-9223372036854775808"}, {"words": '"'}, {"permission": "x"},
         {"since": "0001-01-01T00:00:00+23:00"}, {"since": "2026-01-01T00:00:00"}, {"probability": "nan"},
         {"collection": 2**63}, {"reach": -1}],
    )  # fmt: skip
    def test_what_makes_no_sense_is_refused(self, praised: House, asked: dict[str, Any]) -> None:
        assert praised.client().get("/api/v1/promoters", params=asked).status_code == 422

    @pytest.mark.parametrize(
        "step",
        [{"state": "expired"}, {"state": "asked", "by": "luz"}, {"state": "granted", "proof": "x" * 4_001},
         {"state": "granted", "proof": LINK, "expires_at": "2001-01-01T00:00:00Z"},
         {"state": "granted", "proof": LINK, "expires_at": "9999-12-31T23:59:59-23:00"},
         {"state": "granted", "proof": "\x00", "said_by": "\x00"}],
    )  # fmt: skip
    def test_a_step_that_makes_no_sense_is_refused(self, praised: House, step: dict[str, Any]) -> None:
        client = praised.client()
        assert put(client, 1, {"state": "asked"}).status_code == 200
        assert put(client, 1, step).status_code == 422

    def test_collections(self, praised: House) -> None:
        client = praised.client(Role.MARKETER, "Lumbra")
        made = client.post("/api/v1/collections", json={"brand": "Lumbra", "name": "Spring"})
        assert (made.status_code, made.headers["Location"]) == (201, f"/api/v1/collections/{made.json()['id']}")
        place = made.headers["Location"]
        assert client.post("/api/v1/collections", json={"brand": "Lumbra", "name": "Spring"}).status_code == 409
        put_in = client.post(f"{place}/items", json={"mentions": [1, 2, 3]}).json()
        assert (put_in["changed"], put_in["items"]) == (2, 2)
        assert ids(client, collection=made.json()["id"]) == [3, 1]
        assert client.put(place, json={"name": "May"}, headers={"If-Match": made.headers["ETag"]}).status_code == 412
        tag = client.get(place).headers["ETag"]
        assert client.put(place, json={"name": "May"}, headers={"If-Match": tag}).json()["name"] == "May"
        assert client.post(f"{place}/items/remove", json={"mentions": [1, 9]}).json()["changed"] == 1
        assert client.delete(place).status_code == 428
        assert client.delete(place, headers={"If-Match": "*"}).status_code == 204
        assert client.get("/api/v1/collections").json() == {"items": [], "next": None}


def test_a_name_that_no_database_takes(praised: House) -> None:
    client = praised.client(headers=praised.key(Permission.REUSE))
    assert client.post("/api/v1/collections", json={"brand": "\x00", "name": "x"}).status_code == 404
    made = client.post("/api/v1/collections", json={"brand": "Lumbra", "name": "a\x00b"})
    assert (made.status_code, made.json()["name"]) == (201, "ab")
