"""An installation with mentions of two brands in it, scored, judged and told."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import uvicorn

from alerts.channels.log import LogChannel
from alerts.registry import RULES
from alerts.rule import MentionRule
from api.app import create_app
from api.wiring import Installation, brand_row
from listener.config import Settings
from listener.configfile import BrandEntry
from listener.items import Author, Item
from listener.jobs.alert import judge_batch
from listener.jobs.decide import decide_batch
from listener.jobs.deliver import Pacing, deliver_next
from listener.query import parse
from listener.store import brands, intake, scoring
from listener.store.engine import Store

from ..conftest import Clock

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


class Served:
    """The application behind a real socket."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._told = threading.Event()
        config = uvicorn.Config(
            create_app(house.installation, self._told), port=0, log_config=None, timeout_graceful_shutdown=3
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

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
