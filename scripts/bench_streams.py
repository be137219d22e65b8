"""Many open event streams: what each costs the server, and how long a change takes to every one of them.

A change is a mention that comes in and is scored, committed by the code of the jobs. From its commit on it is measured
until each stream says so, until a part of the page has been fetched on that, and until a browser shows it.
"""

import asyncio
import os
import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from bench_server import Server
from playwright.async_api import Page, async_playwright

from api.access import COOKIE
from listener.items import Item
from listener.store import brands, intake, scoring
from listener.store.engine import Store

CHROMIUM = os.environ.get("ESCUCHA_TEST_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FETCHERS = 20
"""So many of the streams fetch a part of the page when something has moved, as open pages do."""

PATIENCE_S = 30.0


@dataclass
class Streams:
    """Open streams, and when each (by its number) first said that something had moved since ``told`` was emptied."""

    server: Server
    told: dict[int, float] = field(default_factory=dict)
    fetched: list[float] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _open: int = 0

    async def open(self, number: int) -> None:
        """Open so many more, and wait for their first word."""
        wanted = self._open + number
        self._tasks += [asyncio.create_task(self._follow(one)) for one in range(self._open, wanted)]
        while self._open < wanted:
            await asyncio.sleep(0.05)
            for task in self._tasks:
                if task.done():
                    task.result()

    async def close(self) -> None:
        """Close all of them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, number: int) -> None:
        place = urlsplit(self.server.url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        head = f"GET /api/v1/events HTTP/1.1\r\nHost: {place.netloc}\r\nCookie: {COOKIE}={self.server.token}\r\n\r\n"
        writer.write(head.encode())
        first = await reader.readline()
        if b" 200 " not in first:
            raise ConnectionError(f"the stream was refused: {first!r}")
        seen = 0
        while line := await reader.readline():
            if line.startswith(b"data:"):
                self.told.setdefault(number, time.perf_counter())
                seen += 1
                self._open += seen == 1
                if number < FETCHERS and seen > 1:
                    await asyncio.to_thread(self._fetch)
        raise ConnectionError("the server ended a stream")

    def _fetch(self) -> None:
        headers = self.server.signed_in | {"X-Fragment": "1"}
        requests.get(f"{self.server.url}/", headers=headers, timeout=PATIENCE_S).raise_for_status()
        self.fetched.append(time.perf_counter())


def hear(store: Store, number: int) -> str:
    """Take in a mention, as the jobs do; words that stand in it alone."""
    now = datetime.now(UTC)
    words = f"stream{number}x{now:%H%M%S}"
    item = Item(kind="x", native_id=f"bench-{words}", text=f"Lumbra {words} once more", created_at=now)
    with store.transaction() as session:
        source, brand = brands.source_named(session, "x"), brands.brand_named(session, "Lumbra")
        assert source is not None
        assert source.id is not None
        assert brand is not None
        assert brand.id is not None
        intake.take_page(session, source.id, [intake.Matched(item, {brand.id: ((0, 6),)})], now)
    return words


def score(store: Store) -> None:
    """Score what has come in."""
    now = datetime.now(UTC)
    with store.transaction() as session:
        batch = scoring.claim_unscored(session, 100, now, timedelta(minutes=1))
        scoring.write_scores(session, [_score(one.id) for one in batch], now)


def _score(pair: int) -> dict[str, Any]:
    stance = {"-2": 0.6, "-1": 0.3, "0": 0.1, "1": 0.0, "2": 0.0}
    return {
        "mention_brand_id": pair, "model": "bench", "revision": "1", "label": "detractor", "unsure": False,
        "lang": "en", "polarity": {"negative": 0.9, "neutral": 0.1, "positive": 0.0}, "stance": stance,
        "emotions": None, "irony": None, "offensive": None, "complaint": None, "relevance": None,
    }  # fmt: skip


def measure(server: Server, database: str, streams: int, rounds: int) -> dict[str, Any]:
    """Hold streams open while so many mentions come, one after the other."""
    return asyncio.run(_measure(server, database, streams, rounds))


async def _measure(server: Server, database: str, number: int, rounds: int) -> dict[str, Any]:
    store, streams = Store(database), Streams(server)
    try:
        # One first, so that what is made once for all of them does not count as theirs.
        await streams.open(1)
        await asyncio.sleep(3)
        before = server.resident()
        await streams.open(number - 1)
        await asyncio.sleep(3)
        after = server.resident()
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            context = await browser.new_context()
            await context.add_cookies([{"name": COOKIE, "value": server.token, "url": server.url}])
            page = await context.new_page()
            await page.goto(f"{server.url}/mentions")
            delays = await _rounds(store, streams, page, number, rounds)
            await browser.close()
    finally:
        await streams.close()
        store.close()
    return {
        "streams": number,
        "memory_mib": [round(before, 1), round(after, 1)],
        "kib_a_stream": round((after - before) * 1024 / max(number - 1, 1), 1),
        **{name: _spread(some) for name, some in delays.items()},
    }


async def _rounds(store: Store, streams: Streams, page: Page, number: int, rounds: int) -> dict[str, list[float]]:
    delays: dict[str, list[float]] = {"to_stream_s": [], "to_part_s": [], "to_screen_s": []}
    for one in range(rounds):
        words = await asyncio.to_thread(hear, store, one)
        # What is told of that is told before the scores come, which are measured; at any moment of the server's second.
        await asyncio.sleep(3 + one % 7 / 7)
        streams.told.clear()
        streams.fetched.clear()
        await asyncio.to_thread(score, store)
        committed = time.perf_counter()
        await page.locator(".detractor", has_text=words).first.wait_for(timeout=PATIENCE_S * 1000)
        delays["to_screen_s"].append(time.perf_counter() - committed)
        await _until(lambda: len(streams.told) >= number and len(streams.fetched) >= min(FETCHERS, number))
        delays["to_stream_s"] += [at - committed for at in streams.told.values()]
        delays["to_part_s"] += [at - committed for at in sorted(streams.fetched)[: min(FETCHERS, number)]]
    return delays


async def _until(holds: Callable[[], bool]) -> None:
    until = time.perf_counter() + PATIENCE_S
    while not holds():
        if time.perf_counter() > until:
            raise TimeoutError("a stream was not told, or a part of the page could not be fetched")
        await asyncio.sleep(0.01)


def _spread(some: list[float]) -> dict[str, float]:
    ordered = sorted(some)
    return {
        "p50": round(statistics.median(ordered), 3),
        "p95": round(ordered[int(len(ordered) * 0.95)], 3),
        "max": round(ordered[-1], 3),
    }


def shown(found: dict[str, Any]) -> str:
    """The result in words."""
    before, after = found["memory_mib"]
    each = f"{found['kib_a_stream']} KiB a stream"
    lines = [f"{found['streams']} streams: the server holds {after} MiB, {before} with one of them: {each}"]
    for name, words in (
        ("to_stream_s", "from commit to each stream"),
        ("to_part_s", f"to a part of the page, fetched by {FETCHERS} of them at once"),
        ("to_screen_s", "to the screen of a browser"),
    ):
        spread = found[name]
        lines.append(f"  {words}: p50 {spread['p50']} s, p95 {spread['p95']} s, max {spread['max']} s")
    return "\n".join(lines)
