"""The way in: the first administrator, passwords, invitations, and what keeps others out."""

import re
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient

from api import entering, passwords
from api.access import COOKIE
from api.app import create_app
from listener import clock as clock_module
from listener.access import Role
from listener.config import Settings
from listener.store import audit, callers, tokens, users
from listener.store.throttle import FREE_OF_EMAIL, LONGEST_WAIT
from listener.store.tokens import Purpose
from tests.api.conftest import House
from tests.conftest import Clock

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PASSWORD = "a lamp in the window"
EMAIL = "ana@lumbra.example"
HERE = "http://127.0.0.1:8765"


def browser_of(house: House, base_url: str = HERE, **settings: object) -> TestClient:
    """A browser that nobody is signed in with."""
    installation = replace(house.installation, settings=Settings(**settings))  # type: ignore[arg-type]
    return TestClient(create_app(installation, Event()), base_url=base_url, follow_redirects=False)


@pytest.fixture
def client(house: House) -> TestClient:
    return browser_of(house)


@pytest.fixture(scope="module")
def kept() -> str:
    """A password's hash, made once: it takes long by design."""
    return passwords.hashed(PASSWORD)


@pytest.fixture
def ana(house: House, kept: str) -> int:
    with house.store.transaction() as session:
        return users.add_user(session, EMAIL, "Ana", {None: Role.ADMINISTRATOR}, house.now, password_hash=kept)


def setup_token(house: House) -> str:
    address = entering.awaited(house.store, Settings(), house.now)
    assert address is not None
    assert address.startswith(f"{HERE}/setup?token=")
    return address.partition("token=")[2]


def sign_in(client: TestClient, password: str = PASSWORD, email: str = EMAIL, **more: str) -> int:
    return client.post("/sign-in", data={"email": email, "password": password} | more).status_code


# The first administrator


def test_the_first_administrator_is_made_once(house: House, client: TestClient) -> None:
    token, other = setup_token(house), setup_token(house)
    assert "terminal" in client.get("/setup").text
    assert client.get("/setup", params={"token": "guessed"}).status_code == 403
    assert client.get("/setup", params={"token": token}).status_code == 200
    form = {"token": token, "name": "Ana", "email": "Ana@Lumbra.example", "password": PASSWORD}
    assert client.post("/setup", data=form | {"token": "guessed"}).status_code == 403
    made = client.post("/setup", data=form)
    assert (made.status_code, made.headers["location"]) == (303, "/")
    assert client.get("/settings/users").status_code == 200

    for again in (token, other):
        stranger = browser_of(house)
        assert stranger.post("/setup", data=form | {"token": again, "email": "eve@x.example"}).status_code == 403
        assert COOKIE not in stranger.cookies
    assert entering.awaited(house.store, Settings(), house.now) is None
    with house.store.reading() as session:
        [only] = users.listed(session)
        assert (only.email, only.roles) == (EMAIL, {None: Role.ADMINISTRATOR})
        assert [row.action for row in audit.listed(session)] == ["user.set_up"]


def test_the_token_holds_for_a_day(house: House) -> None:
    token = setup_token(house)
    late = house.now + timedelta(hours=24)
    with pytest.raises(entering.SetUpError):
        entering.set_up(house.store, token, EMAIL, "Ana", PASSWORD, "test", late)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"password": "eleven char"}, "at least 12 characters"),
        ({"password": "x" * 201}, "at most 200 characters"),
        ({"password": "Ana@Lumbra.example"}, "first that anybody would try"),
        ({"name": "Ana of the Lake", "password": "ana of the LAKE"}, "first that anybody would try"),
        ({"email": "nobody"}, "no e-mail address"),
        ({"name": " \u200b"}, "Say what the others may call you"),
    ],
)
def test_what_is_wrong_is_said_and_the_token_stays_good(
    house: House, client: TestClient, changed: dict[str, str], says: str
) -> None:
    token = setup_token(house)
    form = {"token": token, "name": "Ana", "email": EMAIL, "password": PASSWORD}
    refused = client.post("/setup", data=form | changed)
    assert refused.status_code == 422
    assert says in refused.text
    assert client.post("/setup", data=form).status_code == 303


# Signing in


def test_a_session_begins_and_ends(house: House, client: TestClient, ana: int) -> None:
    assert client.get("/me").headers["location"] == "/sign-in?next=%2Fme"
    assert client.post("/me/password").headers["location"] == "/sign-in?next=%2F&lost=yes"
    for came, back in (("/me?a=1", "%2Fme%3Fa%3D1"), ("//evil.example/x", "%2F")):
        referer = f"{client.base_url}{came}" if not came.startswith("//") else f"http:{came}"
        sent = client.post("/me/password", headers={"Referer": referer})
        assert sent.headers["location"] == f"/sign-in?next={back}&lost=yes"
    assert "what you sent was not done" in client.get("/sign-in?next=%2Fme&lost=yes").text
    page = client.get("/sign-in", params={"next": "/alerts?state=open"})
    assert 'value="/alerts?state=open"' in page.text
    done = client.post(
        "/sign-in", data={"email": " ANA@lumbra.example", "password": PASSWORD, "next": "/alerts?state=open"}
    )
    assert (done.status_code, done.headers["location"]) == (303, "/alerts?state=open")
    assert client.get("/sign-in").headers["location"] == "/"
    me = client.get("/me")
    csrf = re.search(r'name="csrf" value="([^"]+)"', me.text)
    assert csrf is not None
    token = client.cookies[COOKIE]
    out = client.post("/sign-out", data={"csrf": csrf[1]})
    assert out.headers["location"] == "/sign-in"
    assert COOKIE not in client.cookies
    client.cookies.set(COOKIE, token)
    assert client.get("/me").status_code == 303


@pytest.mark.parametrize(
    ("public", "secure"), [(None, False), ("http://escucha.example", False), ("https://escucha.example", True)]
)
def test_the_cookie_is_out_of_reach(house: House, ana: int, public: str | None, secure: bool) -> None:
    client = browser_of(house, public_url=public)
    set_cookie = client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD}).headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(set_cookie.split("; "))
    assert ("Secure" in set_cookie.split("; ")) == secure
    assert "Domain" not in set_cookie
    assert set_cookie.startswith(f"__Host-{COOKIE}=" if secure else f"{COOKIE}=")


def test_by_https_only_the_cookie_of_this_very_host_counts(house: House, ana: int) -> None:
    client = browser_of(house, public_url="https://escucha.example")
    token = house.user(Role.VIEWER, name="eve")
    assert client.get("/me", headers={"Cookie": f"{COOKIE}={token}"}).status_code == 303
    assert client.get("/me", headers={"Cookie": f"__Host-{COOKIE}={token}"}).status_code == 200
    with house.store.reading() as session:
        found = callers.by_session(session, token, house.now)
    assert found is not None
    headers = {"Cookie": f"__Host-{COOKIE}={token}", "X-CSRF-Token": found[0].csrf or "", "Idempotency-Key": "k"}
    view = {"page": "mentions", "name": "mine", "asked": {}}
    said = [client.post("/api/v1/views", json=view, headers=headers) for _ in range(2)]
    assert said[1].headers.get("idempotent-replayed") == "true", said[0].text


def test_a_session_that_somebody_planted_is_not_taken_over(house: House, client: TestClient, ana: int) -> None:
    planted = house.user(Role.VIEWER, name="eve")
    for cookie in ("chosen by eve", planted):
        client.cookies.clear()
        done = client.post(
            "/sign-in", data={"email": EMAIL, "password": PASSWORD}, headers={"Cookie": f"{COOKIE}={cookie}"}
        )
        assert done.status_code == 303
        assert client.cookies[COOKIE] != cookie
    with house.store.reading() as session:
        assert callers.by_session(session, planted, house.now) is None


@pytest.mark.parametrize(
    "elsewhere",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "evil",
        "",
    ],
)
def test_nobody_is_led_elsewhere(house: House, client: TestClient, ana: int, elsewhere: str) -> None:
    done = client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD, "next": elsewhere})
    assert done.headers["location"] == "/"
    assert client.get("/sign-in", params={"next": elsewhere}).headers["location"] == "/"
    assert (
        client.post("/language", data={"language": "es", "next": elsewhere}, headers=_csrf(house, client)).headers[
            "location"
        ]
        == "/"
    )


def _csrf(house: House, client: TestClient) -> dict[str, str]:
    with house.store.reading() as session:
        found = callers.by_session(session, client.cookies[COOKIE], house.now)
    assert found is not None
    return {"X-CSRF-Token": found[0].csrf or ""}


def test_wrong_and_unknown_are_answered_alike(house: House, client: TestClient, ana: int) -> None:
    answers = [
        client.post("/sign-in", data={"email": email, "password": "not the password"})
        for email in (EMAIL, "nobody@lumbra.example")
    ]
    assert [one.status_code for one in answers] == [422, 422]
    assert answers[0].text.replace(EMAIL, "") == answers[1].text.replace("nobody@lumbra.example", "")


def test_an_unknown_email_costs_as_much_as_a_wrong_password(
    house: House, client: TestClient, ana: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []
    real = passwords._kept.verify_and_update
    monkeypatch.setattr(
        passwords._kept, "verify_and_update", lambda said, kept: compared.append(kept) or real(said, kept)
    )
    sign_in(client, "not the password")
    sign_in(client, "not the password", "nobody@lumbra.example")
    assert len(compared) == 2
    parameters = [kept.split("$")[1:4] for kept in compared]
    assert parameters[0] == parameters[1]


@pytest.mark.parametrize(
    "data", [{}, {"email": "\x00", "password": "\x00"}, {"email": "a" * 400, "password": "x" * 1500}]
)
def test_whatever_is_sent_is_answered(client: TestClient, data: dict[str, str]) -> None:
    assert client.post("/sign-in", data=data).status_code == 422


def test_guessing_is_slowed_down_and_the_wait_is_told(
    house: House, ana: int, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(clock_module, "now", clock)
    monkeypatch.setattr(passwords, "matches", lambda said, kept: (said == PASSWORD and kept is not None, None))
    client = browser_of(house)
    assert [sign_in(client, "wrong") for _ in range(FREE_OF_EMAIL)] == [422] * FREE_OF_EMAIL
    held = client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD})
    assert (held.status_code, held.headers["retry-after"]) == (429, "31")
    assert "Try again after this moment" in held.text
    assert COOKIE not in client.cookies
    clock.advance(seconds=30)
    assert sign_in(client) == 303
    client.cookies.clear()
    assert sign_in(client, "wrong") == 422, "a right password begins anew"

    while sign_in(client, "wrong") == 422:
        pass
    clock.now += LONGEST_WAIT
    assert sign_in(client) == 303, "nobody is locked out for longer than that"


def test_who_is_switched_off_is_out_at_once(house: House, client: TestClient, ana: int) -> None:
    house.user(Role.ADMINISTRATOR, name="bo")
    with house.store.transaction() as session:
        bo = users.with_email(session, "bo@administrator.none.example")
        assert bo is not None
        users.set_password(session, bo.id or 0, "kept")
    assert sign_in(client) == 303
    assert client.get("/me").status_code == 200
    with house.store.transaction() as session:
        users.edit(session, ana, active=False)
    assert client.get("/me").status_code == 303
    assert sign_in(client) == 422


def test_an_old_hash_is_renewed(house: House, client: TestClient) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with house.store.transaction() as session:
        user = users.add_user(session, EMAIL, "Ana", {}, house.now, password_hash=weak)
    assert sign_in(client) == 303
    with house.store.reading() as session:
        kept = users.with_email(session, EMAIL)
    assert kept is not None
    assert kept.id == user
    assert kept.password_hash not in (None, weak)
    client.cookies.clear()
    assert sign_in(client) == 303


# Invitations


def test_an_invitation_is_taken_once(house: House, client: TestClient) -> None:
    with house.store.transaction() as session:
        user = users.invite(session, EMAIL, "Ana", {None: Role.VIEWER}, house.now)
        token = tokens.issue(session, Purpose.JOIN, house.now, user_id=user)
    assert sign_in(client) == 422, "without a password nobody signs in"
    assert "Ana" in client.get("/join", params={"token": token}).text
    assert client.post("/join", data={"token": token, "password": "short"}).status_code == 422
    assert client.post("/join", data={"token": token, "password": PASSWORD}).headers["location"] == "/"
    assert client.get("/me").status_code == 200
    assert client.post("/join", data={"token": token, "password": "an intruder's words"}).status_code == 403
    assert client.get("/join", params={"token": token}).status_code == 403


def test_a_link_lets_nobody_in_who_was_switched_off(house: House, client: TestClient) -> None:
    with house.store.transaction() as session:
        user = users.invite(session, EMAIL, "Ana", {}, house.now)
        token = tokens.issue(session, Purpose.JOIN, house.now, user_id=user)
        users.edit(session, user, active=False)
    assert client.post("/join", data={"token": token, "password": PASSWORD}).status_code == 403


# Forms of others


def test_a_form_without_its_token_or_with_another_ones_is_refused(house: House) -> None:
    client, other = house.client(Role.AGENT), house.client(Role.AGENT, "Lumbra")
    theirs = other.headers.pop("X-CSRF-Token")
    mine = client.headers.pop("X-CSRF-Token")
    form = {"name": "Eve", "language": "es"}
    for path in ("/me", "/me/password", "/me/sessions", "/sign-out", "/language"):
        for sent in ({}, {"csrf": theirs}, {"csrf": ""}):
            assert client.post(path, data=form | sent).status_code == 403
    assert client.post("/me", data=form | {"csrf": mine}).status_code == 303


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": HERE, "Sec-Fetch-Site": "same-origin"}, 303),
    ],
)  # fmt: skip
def test_a_page_elsewhere_signs_nobody_in(
    house: House, client: TestClient, ana: int, headers: dict[str, str], status: int
) -> None:
    done = client.post("/sign-in", data={"email": EMAIL, "password": PASSWORD}, headers=headers)
    assert done.status_code == status


# Languages


def test_the_language_is_kept_in_the_browser_and_with_the_account(house: House, client: TestClient, ana: int) -> None:
    assert 'lang="en"' in client.get("/sign-in").text
    client.post("/language", data={"language": "es", "next": "/sign-in"})
    assert 'lang="es"' in client.get("/sign-in").text
    client.post("/language", data={"language": "tlh"})
    assert 'lang="es"' in client.get("/sign-in").text
    sign_in(client)
    client.post("/language", data={"language": "en"}, headers=_csrf(house, client))
    with house.store.reading() as session:
        found = users.person(session, ana)
    assert found is not None
    assert found.language == "en"
