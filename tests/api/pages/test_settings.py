"""The settings' pages, and one's own: what they show to whom, and what their forms do."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from alerts.policy import Policy
from api import passwords
from api.access import COOKIE
from listener.access import Role
from listener.store import api_keys, audit, callers, users
from tests.api.conftest import HOSTILE, House

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PASSWORD = "a lamp in the window"


@pytest.fixture
def boss(house: House) -> TestClient:
    return house.client(Role.ADMINISTRATOR)


def invite(client: TestClient, **more: str) -> Any:
    form = {"name": "Bo", "email": "bo@x.example", "role": "agent", "brand": "all"}
    return client.post("/settings/users", data=form | more)


def roles_of(house: House, user_id: int) -> Mapping[int | None, Role]:
    with house.store.reading() as session:
        found = users.person(session, user_id)
    assert found is not None
    return found.roles


def test_the_overview_shows_what_one_may(house: House, boss: TestClient) -> None:
    whole = boss.get("/settings").text
    for address in ("/settings/users", "/settings/keys", "/settings/audit", "/channels", "/me"):
        assert f'href="{address}"' in whole
    assert "Mentions from youtube" in whole
    for client in (house.client(Role.VIEWER), house.client(Role.ADMINISTRATOR, "Lumbra")):
        part = client.get("/settings").text
        assert 'href="/settings/users"' not in part
        for path in ("users", "users/1", "keys", "audit"):
            assert client.get(f"/settings/{path}").status_code == 403
            assert client.post(f"/settings/{path}", data={}).status_code in (403, 405)
    assert "only administrators of all brands see them" in part


def test_somebody_is_invited_and_given_roles(house: House, boss: TestClient) -> None:
    page = invite(boss, brand=str(house.brand("Lumbra")))
    link = re.search(r"http://127\.0\.0\.1:8765/join\?token=[\w-]+", page.text)
    assert link is not None
    assert link[0] not in boss.get("/settings/users").text
    user = boss.get("/settings/users/2").text
    assert f'name="role-{house.brand("Lumbra")}"' in user
    form = {"version": "1", "name": "Bob", "role-all": "viewer", f"role-{house.brand('Telmira')}": "marketer"}
    assert boss.post("/settings/users/2", data=form).headers["location"] == "/settings/users/2"
    assert roles_of(house, 2) == {None: Role.VIEWER, house.brand("Telmira"): Role.MARKETER}
    stale = boss.post("/settings/users/2", data=form)
    assert (stale.status_code, "Somebody else changed" in stale.text) == (422, True)
    assert "/join?token=" in boss.post("/settings/users/2", data={"act": "link"}).text
    boss.post("/settings/users/2", data={"act": "deactivate"})
    assert "<b>switched off</b>" in boss.get("/settings/users/2").text
    boss.post("/settings/users/2", data={"act": "activate"})
    assert "<b>switched off</b>" not in boss.get("/settings/users/2").text
    assert boss.get("/settings/users/9").status_code == 404
    with house.store.reading() as session:
        assert len(audit.listed(session, action="user")) == 5


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"email": "nobody"}, 422), ({"name": "\u200b"}, 422), ({"name": "x" * 201}, 422), ({"role": "king"}, 422),
        ({"brand": "99"}, 422), ({"email": "ANA@administrator.none.example"}, 422), ({"name": "Bo\x00"}, 200),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_invitation_is_said(
    house: House, boss: TestClient, more: dict[str, str], status: int
) -> None:
    answer = invite(boss, **more)
    assert answer.status_code == status
    assert ("/join?token=" in answer.text) == (status == 200)


def test_the_last_administrator_stays(house: House, boss: TestClient) -> None:
    with house.store.transaction() as session:
        users.set_password(session, 1, "kept", keep=boss.cookies[COOKIE])
    for form in ({"act": "deactivate"}, {"version": "1", "name": "ana", "role-all": "agent"}):
        refused = boss.post("/settings/users/1", data=form)
        assert (refused.status_code, "Nobody would be left" in refused.text) == (422, True)
    assert roles_of(house, 1) == {None: Role.ADMINISTRATOR}


def test_a_key_is_shown_once_and_revoked(house: House, boss: TestClient) -> None:
    form = {"name": "Reports", "scope": ["mentions:read", "figures:read"], "days": "30"}
    page = boss.post("/settings/keys", data=form | {"brand": [str(house.brand("Lumbra"))]})
    key = re.search(r"esc_[\w-]{43}", page.text)
    assert key is not None
    assert key[0] not in boss.get("/settings/keys").text
    with house.store.reading() as session:
        found = callers.by_key(session, key[0], house.now)
        [row] = api_keys.listed(session)
    assert found is not None
    assert found[0].by_brand.keys() == {house.brand("Lumbra")}
    assert row.expires_at is not None
    assert boss.post("/settings/keys/revoke", data={"key_id": str(row.id)}).status_code == 303
    assert "The key opens nothing any more." in boss.get("/settings/keys").text
    assert boss.post("/settings/keys/revoke", data={"key_id": "99"}).status_code == 404
    with house.store.reading() as session:
        assert callers.by_key(session, key[0], house.now) is None


@pytest.mark.parametrize(
    "more",
    [
        {"name": ""}, {"scope": []}, {"scope": ["everything"]}, {"days": "1000"}, {"brand": ["99"]},
        {"scope": ["users:admin"], "brand": ["1"]},
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_key_is_said(house: House, boss: TestClient, more: dict[str, Any]) -> None:
    form = {"name": "Reports", "scope": ["mentions:read"], "days": ""} | more
    answer = boss.post("/settings/keys", data=form)
    assert answer.status_code == 422
    with house.store.reading() as session:
        assert api_keys.listed(session) == []


def test_the_audit_is_shown_inert_and_filtered(house: House, boss: TestClient) -> None:
    with house.store.transaction() as session:
        for number in range(120):
            audit.note(session, HOSTILE, "brand.edited", f"thing {number}", {"text": HOSTILE}, house.now)
    page = boss.get("/settings/audit")
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "\u202e" not in page.text
    assert "<td>changed a brand</td>" in page.text
    assert "{&#34;" not in page.text, "no marks for programs"
    assert (page.text.count("data-id="), "thing 119" in page.text, "thing 19<" in page.text) == (100, True, False)
    older = re.search(r'href="(/settings/audit\?[^"]+)"', page.text)
    assert older is not None
    assert boss.get(older[1].replace("&amp;", "&")).text.count("data-id=") == 20
    assert boss.get("/settings/audit", params={"actor": "nobody"}).text.count("data-id=") == 0
    day = f"{house.now:%Y-%m-%d}"
    assert boss.get("/settings/audit", params={"since": day, "until": day}).text.count("data-id=") == 100
    for wrong in ("yesterday", "9999-12-31"):
        refused = boss.get("/settings/audit", params={"until": wrong})
        assert (refused.status_code, 'role="alert"' in refused.text) == (422, True)


# One's own page


def test_people_settle_their_own_things(house: House) -> None:
    client = house.client(Role.VIEWER, "Lumbra")
    assert "Viewer: <bdi>Lumbra</bdi>" in client.get("/me").text
    assert client.post("/me", data={"name": "  ", "language": ""}).status_code == 422
    assert client.post("/me", data={"name": "Anita", "language": "es"}).status_code == 303
    page = client.get("/me").text
    assert 'lang="es"' in page
    assert "Anita" in page
    with house.store.reading() as session:
        [row] = audit.listed(session)
        assert (row.actor.split(" <")[0], row.subject in row.actor) == ("ana", True)
        assert row.detail == {"name": "Anita"}


def test_a_new_password_takes_the_present_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "hashed", lambda said: f"kept {said}")
    monkeypatch.setattr(passwords, "matches", lambda said, kept: (kept == f"kept {said}", None))
    client = house.client(Role.VIEWER)
    # Who comes through a provider has none, and nothing but an open page would prove that it is they.
    assert client.post("/me/password", data={"password": PASSWORD}).status_code == 422
    assert "An administrator can send you a link" in client.get("/me").text
    with house.store.transaction() as session:
        users.set_password(session, 1, f"kept {PASSWORD}", keep=client.cookies[COOKIE])
    other = house.user(Role.VIEWER)
    weak = [client.post("/me/password", data={"present": PASSWORD, "password": "short"}).text for _ in range(6)]
    assert all("at least 12 characters" in one for one in weak), "those are no wrong passwords"
    for form, says in (
        ({"present": "not it", "password": "another lamp there"}, "The present password is not right."),
        ({"present": PASSWORD, "password": "short"}, "at least 12 characters"),
    ):
        refused = client.post("/me/password", data=form)
        assert (refused.status_code, says in refused.text) == (422, True)
    done = client.post("/me/password", data={"present": PASSWORD, "password": "another lamp there"})
    assert done.status_code == 303
    assert "every other session is over" in client.get("/me").text
    with house.store.reading() as session:
        assert callers.by_session(session, other, house.now) is None
    wrong = {"present": "not it", "password": "another lamp there"}
    said = [client.post("/me/password", data=wrong).text for _ in range(6)]
    assert ["Too many wrong passwords" in one for one in said] == [False] * 5 + [True]


def test_people_end_their_other_sessions(house: House) -> None:
    client = house.client(Role.VIEWER)
    others = [house.user(Role.VIEWER) for _ in range(3)]

    def open_ones() -> int:
        with house.store.reading() as session:
            return sum(callers.by_session(session, one, house.now) is not None for one in others)

    handle = re.search(r'name="session_id" value="(\w+)"', client.get("/me").text)
    assert handle is not None
    assert client.post("/me/sessions", data={"session_id": handle[1]}).status_code == 303
    assert open_ones() == 2
    assert client.post("/me/sessions").status_code == 303
    assert open_ones() == 0
    assert client.get("/me").status_code == 200


def test_a_key_has_no_account(house: House) -> None:
    client = house.client()
    assert client.get("/me").status_code == 403
    assert client.post("/me/sessions").status_code == 403


def test_digests_are_listed_for_who_sees_all_brands(house: House) -> None:
    policy = Policy.model_validate({"teams": [{"name": "Care", "digest": {"daily": "07:30", "weekly": "mon"}}]})
    house.installation = replace(house.installation, policy=policy)
    page = house.client(Role.VIEWER).get("/settings").text
    assert "every day at 07:30; on Mondays, 08:00 (UTC)" in page
    assert 'href="/api/v1/digests/Care?every=weekly&amp;format=html"' in page
    assert "Care" not in house.client(Role.VIEWER, "Lumbra").get("/settings").text
