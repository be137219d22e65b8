#!/usr/bin/env python3
"""Pictures of every page, narrow and wide, light and dark, in English and in Spanish, of a house with the demo in it.

    scripts/screenshots.py FOLDER
    scripts/screenshots.py --only /mentions --language en FOLDER

The demo's stream goes through the real scorer and jobs first (half a minute). Says which page scrolls sideways, names
another host or complains on the console, and ends with 1 if one does. The pages are those of the registry.
"""

import argparse
import itertools
import logging
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import page_addresses
import structlog
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Error, sync_playwright
from sqlalchemy import text
from sqlmodel import select

from api.access import COOKIE
from api.app import create_app
from api.cli.demo import fill, story
from api.wiring import Installation, apply_config, install
from listener import clock
from listener.access import Role
from listener.config import Settings
from listener.reuse import State, Step
from listener.store import collections, life, reuse, silences, users
from listener.store.engine import Store
from listener.store.tables import MentionBrand

CHROMIUM = os.environ.get("ESCUCHA_TEST_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
ASKED = (Step(State.ASKED),)
GRANTED = Step(State.GRANTED, proof="https://example.com/posts/1/replies/2", terms="our pages, a year")
WIDTHS, SCHEMES, LANGUAGES = (1280, 380), ("light", "dark"), ("en", "es")


@contextmanager
def demo_house() -> Iterator[tuple[str, Store, str]]:
    """A server on the demo's two days, with what people would have done since; its address, and a session's token."""
    with tempfile.TemporaryDirectory(prefix="escucha-pictures-") as folder:
        settings = Settings(data_dir=Path(folder), poll_seconds=0.1)
        with install(settings, config := story(None)) as installation:
            apply_config(installation.store, config)
            if not fill(installation).nothing:
                sys.exit("the demo's stream could not be worked off")
            token = _people(installation.store)
            with served(installation) as address:
                yield address, installation.store, token


def _people(store: Store) -> str:
    """Incidents that somebody looks after, a silence, a promoter who said yes; and somebody is signed in."""
    now = clock.now()
    with store.transaction() as session:
        connection = session.connection()
        query = "SELECT id FROM alert WHERE state <> 'resolved' ORDER BY id DESC LIMIT 3"
        alerts = list(connection.scalars(text(query)))
        for alert_id in alerts[1:]:
            life.act(session, alert_id, "acknowledge", "Ana", now)
        life.act(session, alerts[0], "note", "Bruno", now, text="The network team knows; they expect an hour.")
        silences.add(session, {"brand": ["Telmira"]}, now, now + timedelta(hours=2), "Ana", "Their launch day.", now)
        query = "SELECT id FROM mention_brand WHERE label = 'promoter' AND hidden_why IS NULL ORDER BY id DESC LIMIT 3"
        promoters = list(connection.scalars(text(query)))
        for pair, steps in zip(promoters, (ASKED, (*ASKED, GRANTED)), strict=False):
            for number, step in enumerate(steps):
                seen = f"{number}-0"
                reuse.take_step(session, pair, step, "Ana", now, brands=None, seen=seen)
        brand_id = connection.scalar(select(MentionBrand.brand_id).where(MentionBrand.id == promoters[0]))
        spring = collections.one(session, collections.make(session, brand_id, "Spring", "Ana", now), None)
        collections.add(session, spring, promoters, "Ana", now)
        user = users.add_user(session, "ana@example.com", "Ana", {None: Role.ADMINISTRATOR}, now, password_hash=None)
        return users.open_session(session, user, "screenshots", now)


@contextmanager
def served(installation: Installation) -> Iterator[str]:
    """The application behind a socket of its own; its address."""
    stop = threading.Event()
    server = uvicorn.Server(uvicorn.Config(create_app(installation, stop), port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        stop.set()
        server.should_exit = True
        thread.join()


def shoot(context: BrowserContext, address: str, paths: list[str], folder: Path, look: str) -> list[str]:
    """A picture of each page as a whole; what is wrong with some of them."""
    wrong: list[str] = []
    page = context.new_page()
    page.on("console", lambda said: wrong.append(f"{page.url}: {said.text}") if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
    page.on("request", lambda sent: None if sent.url.startswith((address, "data:")) else wrong.append(sent.url))
    for path in paths:
        page.goto(address + path)
        # Pictures further down are fetched when they come into sight.
        page.evaluate("for (const one of document.images) one.loading = 'eager'")
        page.wait_for_timeout(150)
        # The policy lets nobody wait inside the page: that would evaluate a text there.
        while not page.evaluate("[...document.images].every(one => one.complete)"):
            page.wait_for_timeout(100)
        over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        if over > 0:
            wrong.append(f"{path} ({look}) scrolls sideways by {over} px")
        name = re.sub(r"\W+", "-", path).strip("-") or "now"
        page.screenshot(path=folder / f"{name}-{look}.png", full_page=True)
    page.close()
    return wrong


def shoot_all(
    browser: Browser, house: tuple[str, Store, str], folder: Path, only: str, languages: Sequence[str]
) -> list[str]:
    """All pages in all looks."""
    address, store, token = house
    wrong: list[str] = []
    for language, width, scheme in itertools.product(languages, WIDTHS, SCHEMES):
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, locale=language, reduced_motion="reduce"
        )
        out = _pages(context, address, [one for one in page_addresses.ENTRANCE if only in one], wrong)
        context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
        inside = page_addresses.pages(page_addresses.known(store))
        paths = _pages(context, address, [one for one in inside if only in one], wrong)
        look = f"{language}-{width}-{scheme}"
        context.clear_cookies()
        wrong += shoot(context, address, out, folder, look)
        context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
        wrong += shoot(context, address, paths, folder, look)
        context.close()
        print(f"{look}: {len(paths) + len(out)} pages", file=sys.stderr, flush=True)
    return wrong


def _pages(context: BrowserContext, address: str, paths: list[str], wrong: list[str]) -> list[str]:
    found = []
    for path in paths:
        try:
            if page_addresses.answer(context.request.get(address + path, max_redirects=0)) is not None:
                found.append(path)
        except (ValueError, Error) as error:
            wrong.append(str(error))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the pictures go: PAGE-LANGUAGE-WIDTH-COLOURS.png")
    parser.add_argument("--only", default="", metavar="WORDS", help="only pages with this in their address")
    parser.add_argument("--language", choices=LANGUAGES, help="only in this one")
    args = parser.parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    args.folder.mkdir(parents=True, exist_ok=True)
    with demo_house() as house, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        wrong = shoot_all(browser, house, args.folder, args.only, [args.language] if args.language else LANGUAGES)
        browser.close()
    print("\n".join(dict.fromkeys(wrong)) or "nothing wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
