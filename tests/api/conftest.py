"""An installation with mentions of two brands in it, scored, judged and told."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, sync_playwright
from sqlmodel import select

from alerts.channels.log import LogChannel
from alerts.registry import RULES
from alerts.rule import MentionRule
from api.access import COOKIE
from api.app import create_app
from api.wiring import Installation, brand_row
from listener import clock as clock_module
from listener.access import Permission, Role
from listener.config import Settings
from listener.configfile import BrandEntry
from listener.items import Author, Item
from listener.jobs.alert import judge_batch
from listener.jobs.decide import decide_batch
from listener.jobs.deliver import Pacing, deliver_next
from listener.query import parse
from listener.store import api_keys, brands, callers, intake, scoring, users
from listener.store.engine import Store
from listener.store.tables import UserAccount

from ..conftest import Clock, absent

HOSTILE = '<script>alert("lumbra")</script> "onload=x <!channel> \u202egnp.exe lumbra\x00 =HYPERLINK("http://x")'

STANCES = {  # "doubtful": a detractor by a narrow margin
    "detractor": {"-2": 0.5, "-1": 0.4, "0": 0.1, "1": 0.0, "2": 0.0},
    "doubtful": {"-2": 0.32, "-1": 0.3, "0": 0.38, "1": 0.0, "2": 0.0},
    "passive": {"-2": 0.0, "-1": 0.1, "0": 0.8, "1": 0.1, "2": 0.0},
    "promoter": {"-2": 0.0, "-1": 0.0, "0": 0.1, "1": 0.4, "2": 0.5},
}


@dataclass
class House:
    """A small installation and what a test does with it."""

    installation: Installation
    clock: Clock

    @property
    def store(self) -> Store:
        return self.installation.store

    def listen(self) -> None:
        """Set up the brands and a source. Of the mention rules one, so that a mention is in one incident at most."""
        others = {name: False for name, rule in RULES.items() if isinstance(rule, MentionRule) and name != "detractor"}
        entries = (BrandEntry(name="Lumbra", alerts=others), BrandEntry(name="Telmira", role="competitor"))
        with self.store.transaction() as session:
            brands.save_brands(session, [brand_row(entry) for entry in entries], self.clock())
            brands.save_sources(session, [{"name": "stream", "kind": "file", "options": {"path": "x"}}], self.clock())

    def hear(self, number: int, text: str, label: str | None, brand: str = "Lumbra", **more: object) -> None:
        """Store a mention and, unless ``label`` is None, score it."""
        item = Item(kind="x", native_id=str(number), text=text, created_at=self.clock(), **more)  # type: ignore[arg-type]
        with self.store.transaction() as session:
            source = brands.source_named(session, "stream")
            ids = {row.name: row.id for row in brands.active_brands(session)}
            assert source is not None
            spans = parse(brand).match(text) or ()
            intake.take_page(session, source.id, [intake.Matched(item, {ids[brand]: spans})], self.clock())  # type: ignore
        if label is None:
            return
        with self.store.transaction() as session:
            batch = scoring.claim_unscored(session, 100, self.clock(), timedelta(minutes=1))
            scoring.write_scores(session, [_score(pair.id, label) for pair in batch], self.clock())

    def judge_and_tell(self) -> None:
        """Let the later stages do what there is to do."""
        judge_batch(self.store, self.clock())
        self.decide()
        for channel in self.installation.channels.values():
            while deliver_next(self.store, channel, self.clock, Pacing()):
                pass

    def user(self, role: Role = Role.ADMINISTRATOR, brand: str | None = None, name: str = "ana") -> str:
        """Somebody signed in with this role, for one brand or for all; the token of their session's cookie."""
        with self.store.transaction() as session:
            where = None if brand is None else self.brand(brand)
            email = f"{name}@{role}.{where}.example".lower()
            known = session.exec(select(UserAccount).where(UserAccount.email == email)).first()
            user_id = (
                known.id if known else users.add_user(session, email, name, {where: role}, self.now, password_hash=None)
            )
            assert user_id is not None
            return users.open_session(session, user_id, "a test", self.now)

    def key(self, *scopes: Permission, brand: str | None = None) -> dict[str, str]:
        """The header of a program with a key: all scopes unless some are named, for one brand or for all."""
        only = None if brand is None else [self.brand(brand)]
        with self.store.transaction() as session:
            _, key = api_keys.make_key(session, "test", scopes or tuple(Permission), "ana", self.now, brands=only)
        return {"Authorization": f"Bearer {key}"}

    @property
    def now(self) -> datetime:
        """Sessions and keys are checked on the real clock, unless a test has it replaced."""
        return clock_module.now()

    def brand(self, name: str) -> int:
        """A brand's id."""
        with self.store.reading() as session:
            found = brands.brand_named(session, name)
        assert found is not None
        assert found.id is not None
        return found.id

    def client(
        self,
        role: Role | None = None,
        brand: str | None = None,
        headers: dict[str, str] | None = None,
        *,
        name: str = "ana",
        **more: Any,
    ) -> TestClient:
        """The application without a socket: asked with a key for everything, as a user with a role (forms have their
        token), or with ``headers``."""
        app = create_app(self.installation, Event())
        client = TestClient(app, base_url="http://127.0.0.1", follow_redirects=False, **more)
        if headers is not None or role is None:
            client.headers.update(self.key() if headers is None else headers)
            return client
        token = self.user(role, brand, name)
        client.cookies.set(COOKIE, token)
        with self.store.reading() as session:
            found = callers.by_session(session, token, self.now)
        assert found is not None
        client.headers["X-CSRF-Token"] = found[0].csrf or ""
        return client

    def decide(self) -> None:
        """Decide upon the incidents that are due."""
        edits = {name: channel.edits for name, channel in self.installation.channels.items()}
        decide_batch(self.store, self.installation.policy, edits, "http://127.0.0.1:8765", self.clock())


def _score(pair_id: int, label: str) -> dict[str, object]:
    return {
        "mention_brand_id": pair_id, "model": "test", "revision": "1",
        "label": "detractor" if label == "doubtful" else label, "unsure": False, "lang": "en",
        "polarity": {"negative": 0.1, "neutral": 0.8, "positive": 0.1}, "stance": STANCES[label],
        "emotions": None, "irony": None, "offensive": None, "complaint": None, "relevance": None,
    }  # fmt: skip


ON_BOTH = {
    "test_brands", "test_copies_and_deletions", "test_digests", "test_entering", "test_exports", "test_figures",
    "test_idempotency", "test_ingest", "test_promoters", "test_queries", "test_routes", "test_rules", "test_users",
}  # fmt: skip
"""Modules whose tests run on each database in turn. The others ask the store what its own tests ask it on both, so here
one is enough; ESCUCHA_BOTH_DATABASES=1 has all of them run on both."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Both databases for the tests that have need of them, unless they name one themselves."""
    named = any("database_url" in str(mark.args[0]) for mark in metafunc.definition.iter_markers("parametrize"))
    if "database_url" not in metafunc.fixturenames or named:
        return
    both = metafunc.module.__name__.rpartition(".")[2] in ON_BOTH or os.environ.get("ESCUCHA_BOTH_DATABASES")
    postgres = [pytest.param("postgres", marks=pytest.mark.postgres)] if both else []
    metafunc.parametrize("database_url", ["sqlite", *postgres], indirect=True)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """The database of the test's parameter."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def house(store: Store, clock: Clock) -> House:
    """An installation on each database in turn, without mentions."""
    house = House(Installation(Settings(), store, ("log",), {"log": LogChannel("log")}), clock)
    house.listen()
    return house


@pytest.fixture
def full_house(house: House) -> House:
    """Five mentions: one detractor of Lumbra told to the log, the rest of other kinds."""
    house.hear(1, "Lumbra is down again, I am leaving", "detractor", reach=900, author=Author("a1", handle="ana"))
    house.hear(2, "Thank you Lumbra, solved in a minute", "promoter", url="https://example.com/2")
    house.hear(3, HOSTILE, "passive", url="javascript:alert(1)", author=Author("a2", handle="<b>bo\u202eb</b>"))
    house.hear(4, "Telmira cut me off", "detractor", brand="Telmira")
    house.judge_and_tell()
    house.hear(5, "Lumbra?", None)
    return house


CHROMIUM = os.environ.get("ESCUCHA_TEST_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"


class Served:
    """The application behind a real socket."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._told = threading.Event()
        self.app = create_app(house.installation, self._told)
        config = uvicorn.Config(self.app, port=0, log_config=None, timeout_graceful_shutdown=3)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"
        self.headers = house.key()

    def sign_in(self, role: Role = Role.ADMINISTRATOR, brand: str | None = None) -> Any:
        """The cookie of somebody signed in, for a browser's context."""
        return {"name": COOKIE, "value": self.house.user(role, brand), "url": self.url}

    def stop(self) -> None:
        """End in good order."""
        self._told.set()
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture
def served(full_house: House) -> Iterator[Served]:
    """A running server."""
    served = Served(full_house)
    yield served
    served.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if not Path(CHROMIUM).exists():
        absent(f"there is no Chromium at {CHROMIUM} (set ESCUCHA_TEST_CHROMIUM)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        yield browser
        browser.close()


@pytest.fixture
def problems() -> list[str]:
    """What the browser complains of: errors on its console, and requests to other hosts."""
    return []
