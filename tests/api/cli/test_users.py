"""``escucha users`` and ``escucha keys``: people and programs, from the terminal."""

import json
from pathlib import Path

import pytest

from listener import clock
from listener.access import Role
from listener.store import brands, callers, tokens, users
from listener.store.engine import Store
from listener.store.tokens import Purpose

from .conftest import Escucha

BO = ("bo@x.example", "--by", "ana")


@pytest.fixture
def store(escucha: Escucha, tmp_path: Path) -> Store:
    """The test's database, with a brand."""
    assert escucha("users", "list").status == 0
    store = Store(f"sqlite:///{tmp_path}/data/escucha.db")
    row = {"name": "Lumbra", "query": "lumbra", "role": "own", "alerting": {}, "channels": None, "relevance": {}}
    with store.transaction() as session:
        brands.save_brands(session, [row | {"accounts": [], "active": True, "themes": {}}], clock.now())
    return store


def test_a_user_from_invitation_to_switch(escucha: Escucha, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    added = escucha("users", "add", *BO, "--name", "Bo", "--role", "agent:Lumbra")
    token = added.out.strip().partition("token=")[2]
    with store.reading() as session:
        admitted = tokens.look(session, Purpose.JOIN, token, clock.now())
    assert admitted is not None
    assert "bo@x.example Bo (invited): agent:Lumbra" in escucha("users", "list").out
    assert escucha("users", "add", *BO, "--name", "Bo").status == 1

    assert escucha("users", "roles", *BO, "--role", "administrator").status == 0
    monkeypatch.setattr("typer.prompt", lambda *_, **__: "a lamp in the window")
    assert escucha("users", "password", *BO).status == 0
    with store.transaction() as session:
        open_one = users.open_session(session, 1, "test", clock.now())
    alone = escucha("users", "deactivate", *BO)
    assert (alone.status, "--role administrator first" in alone.err) == (1, True)
    assert escucha("users", "roles", *BO).status == 1
    with store.transaction() as session:
        users.add_user(session, "ana@x.example", "Ana", {None: Role.ADMINISTRATOR}, clock.now(), password_hash="kept")
    assert escucha("users", "deactivate", *BO).status == 0
    with store.reading() as session:
        assert callers.by_session(session, open_one, clock.now()) is None
    assert escucha("users", "activate", *BO).status == 0
    assert "/join?token=" in escucha("users", "password", *BO, "--link").out
    [bo, _] = json.loads(escucha("users", "list", "--json").out)
    assert (bo["email"], bo["roles"], bo["active"]) == ("bo@x.example", ["administrator"], True)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("users", "add", "bo", "--by", "ana", "--name", "Bo"), 2, "no e-mail address"),
        (("users", "add", *BO, "--name", " "), 2, "--name"),
        (("users", "add", *BO, "--name", "Bo", "--role", "king"), 2, "there are: viewer, agent"),
        (("users", "add", *BO, "--name", "Bo", "--role", "agent:Nobody"), 2, "no brand is called"),
        (("users", "add", *BO, "--name", "Bo", "--role", "agent", "--role", "viewer"), 2, "one role for a brand"),
        (("users", "roles", *BO, "--role", "agent"), 1, "nobody here has the e-mail address"),
        (("keys", "make", "Reports", "--by", "ana", "--scope", "everything"), 2, "there are: mentions:read"),
        (("keys", "make", " ", "--by", "ana", "--scope", "mentions:read"), 2, "what the key is for"),
        (("keys", "make", "R", "--by", "ana", "--scope", "users:admin", "--brand", "Lumbra"), 2, "no single brand"),
        (("keys", "make", "R", "--by", "ana", "--scope", "mentions:read", "--brand", "No"), 2, "no brand is called"),
        (("keys", "make", "R", "--by", "ana", "--scope", "mentions:read", "--until", "2020-01-01"), 2, "over already"),
        (("keys", "revoke", "7", "--by", "ana"), 1, "there is no key 7"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    escucha: Escucha, store: Store, arguments: tuple[str, ...], status: int, says: str
) -> None:
    result = escucha(*arguments)
    assert (result.status, says in result.err) == (status, True), result.err


def test_a_weak_password_is_refused(escucha: Escucha, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    escucha("users", "add", *BO, "--name", "Bo")
    monkeypatch.setattr("typer.prompt", lambda *_, **__: "short")
    refused = escucha("users", "password", *BO)
    assert (refused.status, "at least 12 characters" in refused.err) == (2, True)


def test_a_key_from_making_to_revoking(escucha: Escucha, store: Store) -> None:
    made = escucha("keys", "make", "Reports", "--by", "ana", "--scope", "mentions:read", "--brand", "Lumbra")
    key = made.out.strip()
    with store.reading() as session:
        found = callers.by_key(session, key, clock.now())
    assert found is not None
    assert f"#1 Reports {key[:10]}...: mentions:read of Lumbra; never used" in escucha("keys", "list").out
    assert key not in escucha("keys", "list", "--json").out
    assert escucha("keys", "revoke", "1", "--by", "ana").status == 0
    with store.reading() as session:
        assert callers.by_key(session, key, clock.now()) is None
    assert escucha("keys", "list").out == ""
    assert "revoked by ana" in escucha("keys", "list", "--past").out
