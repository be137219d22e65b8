"""Users, keys and the audit over the API: who may give what, and what is shown once."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from listener.access import PERMISSIONS, Permission, Role
from listener.store import tokens
from listener.store.tokens import Purpose

from .conftest import House

ADMINISTRATOR = [{"role": "administrator"}]
ANA = "ana <ana@administrator.none.example>"


def invited(client: TestClient, email: str = "bo@x.example", **more: Any) -> dict[str, Any]:
    made = client.post("/api/v1/users", json={"email": email, "name": "Bo"} | more)
    assert made.status_code == 201, made.text
    return dict(made.json())


def one_of(house: House, *scopes: Permission, brand: str | None = None) -> TestClient:
    return house.client(headers=house.key(*scopes, brand=brand))


def test_somebody_is_invited_changed_and_switched_off(house: House) -> None:
    client = house.client(Role.ADMINISTRATOR)
    made = invited(client, "Bo@X.example", roles=[{"role": "agent", "brand": "Lumbra"}])
    user, token = made["user"], made["link"].partition("token=")[2]
    assert (user["email"], user["joined"], user["active"]) == ("bo@x.example", False, True)
    assert user["roles"] == [{"role": "agent", "brand": "Lumbra"}]
    with house.store.reading() as session:
        assert tokens.look(session, Purpose.JOIN, token, house.now) is not None
    assert client.post("/api/v1/users", json={"email": "bo@x.example", "name": "B"}).status_code == 409

    address = f"/api/v1/users/{user['id']}"
    tag = client.get(address).headers["etag"]
    assert client.patch(address, json={"name": "Bob"}).status_code == 428
    changed = client.patch(address, json={"name": "Bob", "roles": ADMINISTRATOR}, headers={"If-Match": tag})
    assert (changed.json()["name"], changed.json()["roles"]) == ("Bob", [{"role": "administrator", "brand": None}])
    assert client.patch(address, json={"name": "Rob"}, headers={"If-Match": tag}).status_code == 412

    again = client.post(f"{address}/link").json()["link"].partition("token=")[2]
    with house.store.reading() as session:
        assert tokens.look(session, Purpose.JOIN, token, house.now) is None
        assert tokens.look(session, Purpose.JOIN, again, house.now) is not None
    off = client.patch(address, json={"active": False}, headers={"If-Match": "*"})
    assert off.json()["active"] is False
    assert client.post(f"{address}/link").status_code == 409
    with house.store.reading() as session:
        assert tokens.look(session, Purpose.JOIN, again, house.now) is None
    done = [(row["action"], row["subject"], row["actor"]) for row in client.get("/api/v1/audit").json()["items"]]
    assert done == [
        ("user.edited", "bo@x.example", ANA), ("user.link", "bo@x.example", ANA),
        ("user.edited", "bo@x.example", ANA), ("user.added", "bo@x.example", ANA),
    ]  # fmt: skip


def test_users_are_listed_page_by_page(house: House) -> None:
    client = house.client(Role.ADMINISTRATOR)
    for number in range(3):
        invited(client, f"u{number}@x.example", name=f"U{number}")
    page = client.get("/api/v1/users", params={"limit": 3}).json()
    rest = client.get("/api/v1/users", params={"limit": 3, "after": page["next"]}).json()
    assert [len(page["items"]), len(rest["items"]), rest["next"]] == [3, 1, None]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"roles": [{"role": "agent", "brand": "Nobody's"}]}, 422), ({"roles": [{"role": "king"}]}, 422),
        ({"roles": [{"role": "agent"}, {"role": "viewer"}]}, 422), ({"email": "bo"}, 422), ({"email": "b o@x.y"}, 422),
        ({"name": " "}, 422), ({"name": "\x00"}, 422), ({"email": "bo\x00@x.y"}, 422), ({"by": "eve"}, 422),
        ({"name": "Bo\x00"}, 201), ({"name": " Ａna\u200b"}, 409), ({"name": "Bot (key esc_abcdef)"}, 409),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_invitation_is_said(house: House, more: dict[str, Any], status: int) -> None:
    client = house.client(Role.ADMINISTRATOR)
    asked = {"email": "bo@x.example", "name": "Bo"} | more
    assert client.post("/api/v1/users", json=asked).status_code == status


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_last_administrator_stays(house: House) -> None:
    client = house.client(Role.ADMINISTRATOR)
    with house.store.transaction() as session:
        # Whoever has a password is one; those of tests have none.
        session.connection().exec_driver_sql("UPDATE user_account SET password_hash = 'kept'")
    for change in ({"active": False}, {"roles": []}):
        refused = client.patch("/api/v1/users/1", json=change, headers={"If-Match": "*"})
        assert (refused.status_code, "administrator of all brands" in refused.text) == (409, True)
    assert client.get("/api/v1/users/1").json()["active"] is True


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("change", [{"active": False}, {"name": "Gone"}, {"roles": []}])
def test_who_may_do_less_changes_nothing_of_who_may_do_more(house: House, change: dict[str, Any]) -> None:
    house.client(Role.ADMINISTRATOR)
    key = one_of(house, Permission.USERS)
    refused = key.patch("/api/v1/users/1", json=change, headers={"If-Match": "*"})
    kept = key.get("/api/v1/users/1").json()
    assert (refused.status_code, kept["active"], kept["name"]) == (403, True, "ana")
    assert kept["roles"] == [{"role": "administrator", "brand": None}]
    form = {"act": "deactivate"} if "active" in change else {"version": "1", "name": "Gone", "role-all": "viewer"}
    assert key.post("/settings/users/1", data=form).status_code == 422
    assert key.get("/api/v1/users/1").json() == kept


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_two_people_of_one_name_are_told_apart(house: House) -> None:
    boss, eve = house.client(Role.ADMINISTRATOR, name="Ana Boss"), house.client(Role.AGENT, "Lumbra", name="Eve")
    for name in ("Ana Boss", "ana  boss\u200b", "Bot (key esc_abcdef)"):
        assert eve.post("/me", data={"name": name, "language": ""}).status_code == 422
    match = {"If-Match": "*"}
    assert boss.patch("/api/v1/users/2", json={"name": "Ana Boss"}, headers=match).status_code == 409
    # Whoever had left comes back to find the name taken.
    boss.patch("/api/v1/users/2", json={"active": False}, headers=match)
    boss.patch("/api/v1/users/1", json={"name": "Eve"}, headers=match)
    assert boss.patch("/api/v1/users/2", json={"active": True}, headers=match).status_code == 409
    # Two of one name from before: who did it is known all the same.
    with house.store.transaction() as session:
        session.connection().exec_driver_sql("UPDATE user_account SET name = 'Ana', active = TRUE")
    house.hear(1, "Lumbra is bad", "detractor")
    again = house.client(Role.AGENT, "Lumbra", name="Eve")
    assert again.post("/api/v1/mentions/1/corrections", json={"what": "stance", "value": "2"}).status_code == 201
    assert boss.patch("/api/v1/users/1", json={"name": "Ana"}, headers=match).status_code == 200
    rows = boss.get("/api/v1/audit", params={"actor": "Ana"}).json()["items"]
    assert [(row["actor"], row["action"]) for row in rows] == [
        ("Ana <ana boss@administrator.none.example>", "user.edited"),
        (f"Ana <eve@agent.{house.brand('Lumbra')}.example>", "mention.corrected"),
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_key_for_users_is_no_key_for_everything(house: House) -> None:
    boss, key = house.client(Role.ADMINISTRATOR), one_of(house, Permission.USERS)
    bo = {"email": "bo@x.example", "name": "Bo"}
    assert key.post("/api/v1/users", json=bo | {"roles": ADMINISTRATOR}).status_code == 403
    made = invited(key)["user"]["id"]
    match = {"If-Match": "*"}
    assert key.patch(f"/api/v1/users/{made}", json={"roles": ADMINISTRATOR}, headers=match).status_code == 403
    assert key.post("/api/v1/users/1/link").status_code == 403, "the administrator's own"
    assert boss.patch("/api/v1/users/1", json={"name": "Ana"}, headers=match).status_code == 200
    reader = one_of(house, Permission.USERS, *PERMISSIONS[Role.VIEWER])
    assert (
        invited(reader, "cy@x.example", name="Cy", roles=[{"role": "viewer"}])["user"]["roles"][0]["role"] == "viewer"
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", ["users", "keys", "audit"])
def test_they_belong_to_no_single_brand(house: House, path: str) -> None:
    for role in Role:
        expected = 200 if role is Role.ADMINISTRATOR else 403
        assert house.client(role).get(f"/api/v1/{path}").status_code == expected
        assert house.client(role, "Lumbra").get(f"/api/v1/{path}").status_code == 403
    assert one_of(house, brand="Lumbra").get(f"/api/v1/{path}").status_code == 403


def made_key(client: TestClient, **more: Any) -> dict[str, Any]:
    made = client.post("/api/v1/keys", json={"name": "Reports", "scopes": ["mentions:read"]} | more)
    assert made.status_code == 201, made.text
    assert made.headers["cache-control"] == "no-store"
    return dict(made.json())


def bearer(made: Mapping[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {made['key']}"}


def test_what_a_key_made_ends_with_it(house: House) -> None:
    boss = house.client(Role.ADMINISTRATOR)
    due = (house.now + timedelta(days=1)).isoformat()
    soon = (house.now + timedelta(hours=1)).isoformat()
    scopes = {"scopes": ["keys:admin", "mentions:read"]}
    first = made_key(boss, **scopes, expires_at=due)
    second = made_key(house.client(headers=bearer(first)), **scopes)
    third = made_key(house.client(headers=bearer(second)), **scopes, expires_at=soon)
    ends = [datetime.fromisoformat(one["about"]["expires_at"]) for one in (first, second, third)]
    assert ends == [datetime.fromisoformat(one) for one in (due, due, soon)]
    mine = made_key(boss, **scopes)
    boss.delete(f"/api/v1/keys/{first['about']['id']}")
    for key, status in ((first, 401), (second, 401), (third, 401), (mine, 200)):
        assert house.client(headers=bearer(key)).get("/api/v1/mentions").status_code == status


def test_a_key_is_shown_once_and_taken_back(house: House) -> None:
    client = house.client(Role.ADMINISTRATOR)
    made = made_key(client, brands=["Lumbra"], name="Reports\x00")
    program = house.client(headers=bearer(made))
    assert program.get("/api/v1/mentions").status_code == 200
    assert program.get("/api/v1/alerts").status_code == 403
    [listed] = client.get("/api/v1/keys").json()["items"]
    assert listed["prefix"] == made["key"][:10]
    assert (listed["brands"], listed["created_by"], listed["name"]) == (["Lumbra"], ANA, "Reports")
    assert made["key"] not in client.get("/api/v1/keys").text + client.get("/api/v1/audit").text

    assert client.delete(f"/api/v1/keys/{made['about']['id']}").json()["revoked_by"] == ANA
    assert program.get("/api/v1/mentions").status_code == 401
    assert client.delete(f"/api/v1/keys/{made['about']['id']}").status_code == 200
    assert client.delete("/api/v1/keys/999").status_code == 404
    done = [row["action"] for row in client.get("/api/v1/audit", params={"action": "key"}).json()["items"]]
    assert done == ["key.revoked", "key.made"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_key_ends(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    client = house.client(Role.ADMINISTRATOR)
    ends = datetime.now(UTC) + timedelta(hours=1)
    program = house.client(headers=bearer(made_key(client, expires_at=ends.isoformat())))
    assert program.get("/api/v1/mentions").status_code == 200
    monkeypatch.setattr("listener.clock.now", lambda: ends)
    assert program.get("/api/v1/mentions").status_code == 401


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"scopes": []}, 422), ({"scopes": ["everything"]}, 422), ({"brands": []}, 422), ({"brands": ["None's"]}, 422),
        ({"scopes": ["users:admin"], "brands": ["Lumbra"]}, 422), ({"name": "\u200b"}, 422),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 422), ({"expires_at": "9999-12-31T23:59:59-12:00"}, 422),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_key_is_said(house: House, more: dict[str, Any], status: int) -> None:
    asked = {"name": "Reports", "scopes": ["mentions:read"]} | more
    assert house.client(Role.ADMINISTRATOR).post("/api/v1/keys", json=asked).status_code == status


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_key_gives_no_more_than_it_has(house: House) -> None:
    key = one_of(house, Permission.KEYS, Permission.READ_MENTIONS)
    made_key(key)
    refused = key.post("/api/v1/keys", json={"name": "More", "scopes": ["mentions:read", "users:admin"]})
    assert (refused.status_code, "users:admin" in refused.text) == (403, True)


def test_the_audit_is_filtered_and_paged(house: House) -> None:
    client = house.client(Role.ADMINISTRATOR)
    for number in range(3):
        invited(client, f"u{number}@x.example", name=f"U{number}")
    made_key(client)

    def found(**asked: Any) -> list[str]:
        answer = client.get("/api/v1/audit", params=asked)
        assert answer.status_code == 200, answer.text
        return [row["subject"] for row in answer.json()["items"]]

    added = [f"u{number}@x.example" for number in (2, 1, 0)]
    assert (
        found(action="user")
        == found(action="user.added")
        == found(actor="ana", action="user")
        == found(actor=ANA, action="user")
        == added
    )
    assert found(action="use") == found(actor="eve") == []
    assert found(subject="u1@x.example") == added[1:2]
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    assert found(action="user", until=soon) == added
    assert found(since=soon) == []
    page = client.get("/api/v1/audit", params={"limit": 2}).json()
    assert len(page["items"]) == 2
    assert found(before=page["next"]) == added[1:]
    assert client.get("/api/v1/audit", params={"since": "2026-01-01"}).status_code == 422
