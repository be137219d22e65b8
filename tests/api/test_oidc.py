"""Signing in with a provider, against one that speaks OpenID Connect on a real socket."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from fastapi import FastAPI
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import RSAKey
from pytest_httpserver import HTTPServer
from sqlmodel import select
from werkzeug import Request, Response

from api import oidc
from api.access import COOKIE
from api.app import create_app
from api.dashboard.pages import sign_in_oidc
from api.oidc import OidcError
from listener import clock
from listener.access import Role
from listener.config import ConfigError, Settings
from listener.store import audit, throttle, users
from listener.store.tables import OneTimeToken

from .conftest import House

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

BASE = "http://127.0.0.1:8765"
EMAIL = "ana@lumbra.example"
KEY = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
OTHER = RSAKey.generate_key(2048, {"kid": "one"}, private=True)


@dataclass
class Provider:
    """The provider's side: whom it lets in, and what it says of them."""

    issuer: str
    key: RSAKey = field(default_factory=lambda: KEY)
    published: list[RSAKey] = field(default_factory=lambda: [KEY])
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, dict[str, str]] = field(default_factory=dict)
    taken: list[dict[str, Any]] = field(default_factory=list)
    broken: bool = False

    def about(self, _: Request) -> Response:
        if self.broken:
            return Response("no", 500)
        return _json(
            {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
            }
        )  # fmt: skip

    def keys(self, _: Request) -> Response:
        return _json({"keys": [one.as_dict(private=False) for one in self.published]})

    def authorize(self, address: str) -> str:
        """What a browser is sent back with, once somebody has signed in there: the code."""
        code = f"code {len(self.asked)}"
        self.asked[code] = {name: one for name, [one] in parse_qs(urlsplit(address).query).items()}
        return code

    def token(self, request: Request) -> Response:
        form = request.form
        self.taken.append(dict(form) | {"who": request.authorization and request.authorization.username})
        asked = self.asked.pop(form["code"], None)
        if asked is None or create_s256_code_challenge(form["code_verifier"]) != asked["code_challenge"]:
            return _json({"error": "invalid_grant"}, 400)
        now = int(time.time())
        said = {
            "iss": self.issuer, "sub": "ana-1", "aud": "escucha", "iat": now, "exp": now + 300,
            "nonce": asked["nonce"], "email": "Ana@Lumbra.example", "email_verified": True, "name": "Ana",
        }  # fmt: skip
        said |= self.claims
        header = {"alg": "RS256", "kid": "one"} | self.header
        proof = jwt.encode(header, {name: one for name, one in said.items() if one is not None}, self.key)
        return _json({"access_token": "x", "token_type": "Bearer", "id_token": proof})


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


@pytest.fixture
def provider(httpserver: HTTPServer) -> Iterator[Provider]:
    found = Provider(httpserver.url_for("").rstrip("/"))
    for path, handler in (
        ("/.well-known/openid-configuration", found.about), ("/keys", found.keys), ("/token", found.token),
    ):  # fmt: skip
        httpserver.expect_request(path).respond_with_handler(handler)
    return found


def browser_of(house: House, provider: Provider, **settings: Any) -> TestClient:
    given = {"oidc_issuer": provider.issuer, "oidc_client_id": "escucha", "oidc_client_secret": "s3cret"}
    installation = replace(house.installation, settings=Settings(**given | settings))
    return TestClient(create_app(installation, Event()), base_url=BASE, follow_redirects=False)


def there(client: TestClient, provider: Provider, wanted: str = "/alerts") -> dict[str, str]:
    """To the provider, and what it sends the browser back with."""
    sent = client.get("/sign-in/oidc", params={"next": wanted})
    assert sent.status_code == 303, sent.text
    address = sent.headers["location"]
    assert address.startswith(f"{provider.issuer}/authorize?")
    code = provider.authorize(address)
    return {"code": code, "state": provider.asked[code]["state"]}


def ana(house: House, **more: Any) -> int:
    with house.store.transaction() as session:
        made = users.invite(session, EMAIL, "Ana", {None: Role.VIEWER}, house.now)
        users.edit(session, made, **more)
        return made


def test_an_invited_user_signs_in_and_is_known_from_then_on(house: House, provider: Provider) -> None:
    made, client = ana(house), browser_of(house, provider, oidc_name="The house")
    assert "Sign in with The house" in client.get("/sign-in").text
    back = there(client, provider)
    asked = provider.asked[back["code"]]
    assert (asked["code_challenge_method"], asked["response_type"], asked["scope"]) == (
        "S256", "code", "openid email profile",
    )  # fmt: skip
    assert asked["redirect_uri"] == BASE + oidc.ANSWER
    done = client.get(oidc.ANSWER, params=back, headers={"Sec-Fetch-Site": "cross-site"})
    assert (done.status_code, done.headers["location"]) == (303, "/alerts")
    assert client.get("/me").status_code == 200
    assert provider.taken[0]["who"] == "escucha"

    # Another address there, and it is still the same person.
    client.cookies.clear()
    provider.claims = {"email": "ana.new@elsewhere.example", "email_verified": False}
    assert client.get(oidc.ANSWER, params=there(client, provider, "//evil.example")).headers["location"] == "/"
    with house.store.reading() as session:
        known = users.known_as(session, provider.issuer, "ana-1")
    assert known is not None
    assert known.id == made


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"nonce": "another"}, {}), ({"nonce": None}, {}), ({"aud": "another"}, {}), ({"aud": None}, {}),
        ({"iss": "https://evil.example"}, {}), ({"exp": 1_700_000_000}, {}), ({"exp": None}, {}),
        ({"iat": None}, {}), ({"sub": None}, {}), ({"aud": ["escucha", "b"], "azp": "b"}, {}), ({}, {"kid": "two"}),
    ],
)  # fmt: skip
def test_a_token_that_does_not_hold_lets_nobody_in(
    house: House, provider: Provider, claims: dict[str, Any], header: dict[str, Any]
) -> None:
    ana(house)
    client = browser_of(house, provider)
    provider.claims, provider.header = claims, header
    refused = client.get(oidc.ANSWER, params=there(client, provider))
    assert (refused.status_code, "could not be verified" in refused.text) == (403, True)
    assert COOKIE not in client.cookies


def test_another_ones_signature_lets_nobody_in(house: House, provider: Provider) -> None:
    ana(house)
    client = browser_of(house, provider)
    provider.key = OTHER
    assert client.get(oidc.ANSWER, params=there(client, provider)).status_code == 403
    # And what the provider publishes from now on is read anew.
    provider.published = [OTHER]
    assert client.get(oidc.ANSWER, params=there(client, provider)).status_code == 303


def test_a_token_without_a_signature_lets_nobody_in(house: House, provider: Provider, monkeypatch: Any) -> None:
    ana(house)
    client = browser_of(house, provider)
    made = jwt.encode

    def unsigned(header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
        _, payload, _ = made(header, claims, key).split(".")
        return f"eyJhbGciOiJub25lIn0.{payload}."

    monkeypatch.setattr(jwt, "encode", unsigned)
    assert client.get(oidc.ANSWER, params=there(client, provider)).status_code == 403


def test_an_attempt_is_of_one_browser_and_for_once(house: House, provider: Provider) -> None:
    ana(house)
    client, other = browser_of(house, provider), browser_of(house, provider)
    back = there(client, provider)
    held = client.cookies["escucha_oidc"]
    assert "in another browser" in other.get(oidc.ANSWER, params=back).text
    forged = client.get(oidc.ANSWER, params=back | {"state": "guessed"})
    assert forged.status_code == 403
    client.cookies.set("escucha_oidc", held, domain="127.0.0.1", path="/")
    assert client.get(oidc.ANSWER, params=back).status_code == 303
    client.cookies.clear()
    client.cookies.set("escucha_oidc", held)
    replayed = client.get(oidc.ANSWER, params=back)
    assert (replayed.status_code, COOKIE in client.cookies) == (403, False)
    assert len(provider.taken) == 1


def test_an_attempt_does_not_wait_for_ever(house: House, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    ana(house)
    client = browser_of(house, provider)
    back, later = there(client, provider), house.now + timedelta(minutes=10)
    monkeypatch.setattr("listener.clock.now", lambda: later)
    assert client.get(oidc.ANSWER, params=back).status_code == 403


@pytest.mark.parametrize(
    ("claims", "says"),
    [
        ({"email_verified": False}, "does not vouch"), ({"email_verified": "true"}, "does not vouch"),
        ({"email": None}, "does not vouch"), ({"email": "bo@lumbra.example"}, "invited you yet"),
    ],
)  # fmt: skip
def test_who_is_not_known_is_told_so(house: House, provider: Provider, claims: dict[str, Any], says: str) -> None:
    ana(house)
    client = browser_of(house, provider)
    provider.claims = claims
    refused = client.get(oidc.ANSWER, params=there(client, provider))
    assert (refused.status_code, says in refused.text) == (403, True)


def test_who_was_switched_off_or_is_somebody_else_stays_out(house: House, provider: Provider) -> None:
    made = ana(house, active=False)
    client = browser_of(house, provider)
    assert "switched off" in client.get(oidc.ANSWER, params=there(client, provider)).text
    with house.store.transaction() as session:
        users.edit(session, made, active=True)
        users.link(session, made, provider.issuer, "ana-0")
    assert "another identity" in client.get(oidc.ANSWER, params=there(client, provider)).text


def test_with_a_role_for_the_new_nobody_needs_an_invitation(house: House, provider: Provider) -> None:
    client = browser_of(house, provider, oidc_role="agent")
    assert client.get(oidc.ANSWER, params=there(client, provider)).status_code == 303
    with house.store.reading() as session:
        [made] = users.listed(session)
        assert (made.email, dict(made.roles), made.joined) == (EMAIL, {None: Role.AGENT}, True)
        assert [row.action for row in audit.listed(session)] == ["user.added"]


def test_two_first_sign_ins_at_once_are_one_person(
    house: House, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, real = browser_of(house, provider, oidc_role="agent"), sign_in_oidc._user

    def beaten(*known: Any) -> int:
        monkeypatch.setattr(sign_in_oidc, "_user", real)
        real(*known)
        raise users.TakenError

    monkeypatch.setattr(sign_in_oidc, "_user", beaten)
    assert client.get(oidc.ANSWER, params=there(client, provider)).status_code == 303
    with house.store.reading() as session:
        assert [one.email for one in users.listed(session)] == [EMAIL]


def test_a_provider_that_fails_is_told_of(house: House, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    client = browser_of(house, provider)
    provider.broken = True
    assert "does not answer as it should" in client.get("/sign-in/oidc").text
    provider.broken = False
    # Not asked again at once: that may take long, and strangers can want it.
    assert "does not answer as it should" in client.get("/sign-in/oidc").text
    later = clock.monotonic() + oidc.GIVEN_UP_S
    monkeypatch.setattr("listener.clock.monotonic", lambda: later)
    back = there(client, provider)
    refused = client.get(oidc.ANSWER, params={"state": back["state"], "error": "access_denied"})
    assert "did not let you in" in refused.text
    back = there(client, provider)
    provider.asked.clear()
    assert "does not answer as it should" in client.get(oidc.ANSWER, params=back).text
    assert browser_of(house, provider, oidc_issuer=None).get("/sign-in/oidc").status_code == 404


def test_strangers_wait_for_no_silent_provider_and_leave_nothing_here(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One asks it, a few wait for a moment, all others are told at once; and so is whoever comes after that."""
    monkeypatch.setattr(oidc, "TIMEOUT_S", 0.5)
    monkeypatch.setattr(oidc, "PATIENCE_S", 0.05)
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        silent.settimeout(0)
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        found = oidc.provider(Settings(oidc_issuer=address, oidc_client_id="escucha"))
        assert found is not None

        def begin() -> str:
            with pytest.raises(OidcError) as refused:
                found.reach(house.now)
            return str(refused.value)

        with ThreadPoolExecutor(40) as pool:
            said = [one.result() for one in [pool.submit(begin) for _ in range(40)]]
        assert sum(one.endswith("ReadTimeout") for one in said) == 1
        assert "a moment ago" in begin()
        client = browser_of(house, Provider(address))
        assert isinstance(client.app, FastAPI)
        client.app.state.oidc = found
        assert client.get("/sign-in/oidc").status_code == 403
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
    with house.store.reading() as session:
        assert session.exec(select(OneTimeToken)).all() == []


def test_ways_to_the_provider_are_not_begun_without_end(
    house: House, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "FREE_OF_PROVIDER", 2)
    ana(house)
    client = browser_of(house, provider)
    for _ in range(4):  # each that leads here counts for nothing
        assert client.get(oidc.ANSWER, params=there(client, provider)).status_code == 303
    assert [client.get("/sign-in/oidc").status_code for _ in range(3)] == [303, 303, 429]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"oidc_issuer": "https://login.example"}, "ESCUCHA_OIDC_CLIENT_ID"),
        ({"oidc_issuer": "http://login.example", "oidc_client_id": "x"}, "must begin with https://"),
    ],
)
def test_half_a_setting_is_refused_at_start(house: House, settings: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        oidc.provider(Settings(**settings))  # type: ignore[arg-type]
