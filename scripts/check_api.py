"""Ask every operation of the API with whatever its description allows, and much that it does not: nothing may answer
500, and every answer must be what the description says.

    .venv/bin/python scripts/check_api.py                                    # SQLite, 100 examples for each operation
    .venv/bin/python scripts/check_api.py --database postgresql+psycopg://postgres@127.0.0.1/empty --examples 30

A server with invented mentions runs on this machine meanwhile, and the key that asks may do everything. The database
must be empty, and is filled. Ends with 1 where anything was found.
"""

import argparse
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import hypothesis
import schemathesis
import uvicorn
from schemathesis.checks import not_a_server_error
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from alerts.channels.log import LogChannel
from api.app import create_app
from api.openapi import ADDRESS
from api.wiring import Installation, brand_row
from listener import clock
from listener.access import Permission
from listener.config import Settings
from listener.configfile import BrandEntry
from listener.items import Author, Item
from listener.jobs.alert import judge_batch
from listener.jobs.decide import decide_batch
from listener.query import parse
from listener.store import api_keys, brands, intake, migrate, scoring
from listener.store.engine import Store

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ENDLESS = "/api/v1/events"
"""Its answer ends when somebody stops listening: it is asked by the tests of the stream."""

TEXTS = ("Lumbra is down again", "thank you Lumbra, solved", "Lumbra, I am leaving", "is Lumbra any good?")


@dataclass
class Found:
    """What one operation came to."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def fill(store: Store) -> str:
    """Two brands, forty mentions, what was judged of them; a key that may do everything."""
    now = clock.now()
    with store.transaction() as session:
        entries = [BrandEntry(name="Lumbra"), BrandEntry(name="Telmira", role="competitor")]
        brands.save_brands(session, [brand_row(entry) for entry in entries], now)
        brands.save_sources(session, [{"name": "stream", "kind": "file", "options": {"path": "x"}}], now)
        source = brands.source_named(session, "stream")
        ids = {row.name: row.id for row in brands.active_brands(session)}
        assert source is not None
        assert source.id is not None
        for number in range(40):
            text = f"{TEXTS[number % len(TEXTS)]} {number}"
            item = Item(
                kind="x", native_id=str(number), text=text, created_at=now - timedelta(minutes=number), reach=number,
                author=Author(f"a{number % 7}", handle=f"person{number % 7}"), url=f"https://x.example/{number}",
            )  # fmt: skip
            found = {ids["Lumbra"]: parse("Lumbra").match(text) or ()}
            intake.take_page(session, source.id, [intake.Matched(item, found)], now)  # type: ignore[dict-item]
    with store.transaction() as session:
        batch = scoring.claim_unscored(session, 100, now, timedelta(minutes=1))
        scoring.write_scores(session, [_score(pair.id, pair.text) for pair in batch], now)
    judge_batch(store, now)
    decide_batch(store, Installation(Settings(), store, (), {}).policy, {"log": False}, "http://127.0.0.1", now)
    with store.transaction() as session:
        return api_keys.make_key(session, "check_api", tuple(Permission), "check_api", now)[1]


def _score(pair_id: int, text: str) -> dict[str, object]:
    good = "thank" in text
    return {
        "mention_brand_id": pair_id, "model": "invented", "revision": "1", "unsure": False, "lang": "en",
        "label": "promoter" if good else "detractor", "emotions": None, "irony": None, "offensive": None,
        "complaint": None, "relevance": None, "polarity": {"negative": 0.1, "neutral": 0.1, "positive": 0.8},
        "stance": {"-2": 0.0, "-1": 0.0, "0": 0.1, "1": 0.4, "2": 0.5} if good
        else {"-2": 0.5, "-1": 0.4, "0": 0.1, "1": 0.0, "2": 0.0},
    }  # fmt: skip


@contextmanager
def served(store: Store) -> Iterator[str]:
    """The address of a server over this database."""
    stop = Event()
    installation = Installation(Settings(), store, ("log",), {"log": LogChannel("log")})
    config = uvicorn.Config(create_app(installation, stop), port=0, log_config=None, timeout_graceful_shutdown=3)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        stop.set()
        server.should_exit = True
        thread.join()


def check(url: str, key: str, examples: int, *, seed: int = 7, only: str = "") -> dict[str, Found]:
    """Ask every operation; by method and path what it came to. ``only``: a part of the paths that are asked."""
    schema = schemathesis.openapi.from_url(f"{url}{ADDRESS}")
    found: dict[str, Found] = {}
    operations = [result.ok() for result in schema.get_all_operations()]
    # Last what may take the key away that asks.
    for operation in sorted(operations, key=lambda one: "key_id" in one.path):
        if operation.path == ENDLESS or only not in operation.path:
            continue
        found[f"{operation.method.upper()} {operation.path}"] = _asked(operation, key, examples, seed)
    return found


def _asked(operation: Any, key: str, examples: int, seed: int) -> Found:
    found = Found()
    strategy = hypothesis.strategies.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples, deadline=None, database=None, derandomize=False,
        suppress_health_check=list(hypothesis.HealthCheck), phases=[hypothesis.Phase.generate],
    )  # fmt: skip
    @hypothesis.given(case=strategy)
    def ask(case: Any) -> None:
        # As a program would: with its key, and knowing the version that it changes.
        headers = {"Authorization": f"Bearer {key}"}
        if case.method.upper() in ("PUT", "PATCH", "DELETE"):
            headers["If-Match"] = "*"
        response = case.call(headers=headers, timeout=30)
        found.cases += 1
        found.statuses[response.status_code] += 1
        try:
            case.validate_response(response, checks=CHECKS)
        except Exception as error:
            if len(found.failures) < 3:
                found.failures.append(
                    f"{str(error)[:1500]}\n{case.as_curl_command(headers={'Authorization': '...'})[:600]}"
                )

    try:
        ask()
    except hypothesis.errors.Unsatisfiable:
        found.failures += [] if found.cases else ["nothing could be made up that fits its description"]
    except Exception as error:
        found.failures.append(f"{type(error).__name__}: {str(error)[:800]}")
    return found


def main() -> int:
    """Print what every operation came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", help="address of an empty database; by default SQLite in a temporary folder")
    parser.add_argument("--examples", type=int, default=100, help="for each operation")
    parser.add_argument("--only", default="", help="a part of the paths that are asked")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(asked.database or f"sqlite:///{Path(folder)}/check.db")
        migrate.upgrade(store)
        key = fill(store)
        with served(store) as url:
            found = check(url, key, asked.examples, seed=asked.seed, only=asked.only)
        store.close()
    statuses: Counter[int] = Counter()
    for name, one in found.items():
        statuses += one.statuses
        print(f"{one.cases:5} {name:65} {' '.join(f'{status}:{n}' for status, n in sorted(one.statuses.items()))}")
        for failure in one.failures:
            print("      " + failure.replace("\n", "\n      "))
    broken = sum(bool(one.failures) for one in found.values())
    cases = sum(one.cases for one in found.values())
    errors = sum(number for status, number in statuses.items() if status >= 500)
    print(
        f"{cases} cases over {len(found)} operations: {errors} answers of 500 and above, {broken} operations that fail"
    )
    return 1 if broken or errors else 0


if __name__ == "__main__":
    raise SystemExit(main())
