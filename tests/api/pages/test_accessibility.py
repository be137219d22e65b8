"""Every page there is, held against axe-core's rules, light and wide, dark and narrow; and what each weighs."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from alerts.channels.log import LogChannel
from api.wiring import Installation
from listener import clock
from listener.config import Settings
from listener.store.engine import Store

from ...conftest import Clock
from ..conftest import House, Served

sys.path.append(str(Path(__file__).parents[3] / "scripts"))

import page_addresses
import seed_mentions

pytestmark = pytest.mark.browser

HEAVIEST = 100 * 1024
"""Bytes of a page with its styles and scripts, as they are sent, without charts."""

OF_A_PAGE = re.compile(r'(?:href|src)="(/static/[^"]+\.(?:css|js))"')

SERIOUS = frozenset({"serious", "critical"})

RULES: dict[str, Any] = {"resultTypes": ["violations"]}
LOOKS = ((1280, "light"), (380, "dark"))
"""Windows' widths and colours: what there is to be found follows from the one or from the other."""


@pytest.fixture(scope="module")
def year(_sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A running server on a year of invented mentions."""
    path = tmp_path_factory.mktemp("year") / "escucha.db"
    path.write_bytes(_sqlite_template.read_bytes())
    store = Store(f"sqlite:///{path}")
    seed_mentions.seed(store, 1_500, clock.now())
    served = Served(House(Installation(Settings(), store, ("log",), {"log": LogChannel("log")}), Clock()))
    yield served
    served.stop()
    store.close()


@pytest.fixture(scope="module")
def addresses(year: Served) -> list[str]:
    """The address of each page, with something to be seen on it."""
    return page_addresses.pages(page_addresses.known(year.house.store))


def findings(page: Page) -> list[str]:
    """What is serious of what axe-core finds, in words."""
    found = page.evaluate("rules => axe.run(rules)", RULES)["violations"]
    return [
        f"{one['id']}: {one['help']}: "
        + "; ".join(f"{node['target']} {node['failureSummary']}" for node in one["nodes"])
        for one in found
        if one["impact"] in SERIOUS
    ]


def test_no_page_has_a_serious_finding(browser: Browser, year: Served, addresses: list[str]) -> None:
    context = browser.new_context()
    context.add_cookies([year.sign_in()])
    page, script = context.new_page(), Axe().axe_script
    found: dict[str, list[str]] = {}
    looked_at = 0
    for address in addresses:
        if page_addresses.answer(context.request.get(f"{year.url}{address}", max_redirects=0)) is None:
            continue
        looked_at += 1
        page.goto(f"{year.url}{address}")
        page.evaluate(script)
        for width, colours in LOOKS:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=colours)
            here = findings(page)
            if (over := page.evaluate("document.documentElement.scrollWidth - window.innerWidth")) > 0:
                here.append(f"scrolls sideways by {over} px")
            if here:
                found[f"{address} {width} {colours}"] = here
    context.close()
    assert found == {}
    assert looked_at > 8


def test_nor_has_what_somebody_sees_who_is_not_signed_in(browser: Browser, year: Served) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(year.url)
    page.locator("input[type=password]").wait_for()
    page.evaluate(Axe().axe_script)
    found = findings(page)
    context.close()
    assert found == []


def test_no_page_weighs_more_than_a_hundred_kilobytes(browser: Browser, year: Served, addresses: list[str]) -> None:
    context = browser.new_context()
    context.add_cookies([year.sign_in()])
    weights: dict[str, int] = {}
    parts: dict[str, int] = {}
    for address in addresses:
        said = page_addresses.answer(context.request.get(f"{year.url}{address}", max_redirects=0))
        if said is None:
            continue
        weights[address] = len(said.encode())
        for part in OF_A_PAGE.findall(said):
            if part not in parts:
                parts[part] = len(context.request.get(f"{year.url}{part}").body())
            weights[address] += parts[part]
    context.close()
    assert parts
    assert {address: weight for address, weight in weights.items() if weight > HEAVIEST} == {}
