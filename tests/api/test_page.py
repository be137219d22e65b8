"""The page in a real browser, following a real server."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, Route

from listener import clock
from listener.store import life, silences
from listener.store.tables import ChannelState, Delivery, table

from .conftest import HOSTILE, Served

pytestmark = pytest.mark.browser


@pytest.fixture(params=[(1280, "light"), (380, "dark")], ids=["wide-light", "narrow-dark"])
def page(request: pytest.FixtureRequest, browser: Browser, served: Served, problems: list[str]) -> Iterator[Page]:
    """The first page, open."""
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    context.add_cookies([served.sign_in()])
    page = context.new_page()
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda sent: None if sent.url.startswith(served.url) else problems.append(sent.url))
    page.goto(served.url)
    yield page
    context.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestFirstPage:
    """One database is enough here: the browser cannot tell them apart."""

    def test_shows_mentions_and_incidents(self, page: Page, problems: list[str]) -> None:
        assert page.locator(".mention").count() == 5
        assert page.locator(".incident").count() == 1
        assert page.locator(".mention.detractor mark").first.inner_text() == "Telmira"
        assert problems == []

    def test_hostile_text_is_inert(self, page: Page, problems: list[str]) -> None:
        shown = page.locator(".mention.passive .text").inner_text()
        assert shown == HOSTILE.replace("\x00", "").replace("\u202e", "")
        assert page.locator(".mention.passive a").count() == 0
        assert problems == []

    def test_what_arrives_appears_by_itself(self, page: Page, served: Served, problems: list[str]) -> None:
        served.house.clock.advance(minutes=1)
        served.house.hear(7, "Lumbra, three hours without a signal", "detractor", reach=120_000)
        served.house.judge_and_tell()
        page.locator(".mention", has_text="three hours without a signal").wait_for(timeout=10_000)
        page.locator(".incident .count", has_text="3").wait_for(timeout=10_000)
        assert page.locator(".totals .detractor b").inner_text() == "4"
        assert problems == []

    def test_a_part_that_could_not_be_fetched_is_fetched_again(self, page: Page, served: Served) -> None:
        failures = []

        def fail_once(route: Route) -> None:
            failures.append(route.request.url)
            route.fulfill(status=500, body="") if len(failures) == 1 else route.continue_()

        page.route("**/partials/arriving", fail_once)
        served.house.hear(8, "Lumbra, a single change", "passive")
        page.locator(".mention", has_text="a single change").wait_for(timeout=15_000)
        assert len(failures) > 1

    def test_says_so_when_the_connection_is_lost(self, page: Page, served: Served) -> None:
        page.wait_for_timeout(500)
        served.stop()
        page.locator("#connection", has_text="Connection lost").wait_for(timeout=10_000)

    def test_fits_the_window_and_leads_to_the_incident(self, page: Page, problems: list[str]) -> None:
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.locator(".incident a").first.click()
        page.locator("h1", has_text="Lumbra: detractor incident").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.locator(".delivery.sent").count() == 1
        assert problems == []

    def test_names_without_spaces_do_not_make_a_page_scroll_sideways(
        self, page: Page, served: Served, problems: list[str]
    ) -> None:
        crowd(served)
        for path in ("/", "/alerts?state=", "/alerts/1", "/channels"):
            page.goto(f"{served.url}{path}")
            for closed in page.locator("summary").all():
                closed.click()
            page.locator("body", has_text="Q" * 50).wait_for()
            over = "document.documentElement.scrollWidth - window.innerWidth"
            assert (path, page.evaluate(over)) == (path, 0)
            cut = """[...document.querySelectorAll("main *")]
                .filter((one) => one.getBoundingClientRect().right > window.innerWidth)
                .map((one) => one.className || one.tagName)"""
            assert (path, page.evaluate(cut)) == (path, [])
        assert problems == []

    def test_a_silence_shows_by_itself_and_leads_to_what_else_is_held_back(self, page: Page, served: Served) -> None:
        crowd(served)
        page.locator(".attention", has_text="Silenced: every incident").wait_for(timeout=10_000)
        page.locator(".silenced", has_text="Silenced: brand Lumbra or Telmira").wait_for(timeout=10_000)
        page.locator(".silenced a").click()
        page.locator("h1", has_text="Channels and silences").wait_for()
        assert page.locator(".silence.active").count() == 2
        assert page.locator(".channel.off").count() == 1
        assert page.locator(".letter.dead").count() == 1


def crowd(served: Served) -> None:
    """Names that cannot be broken, silences, a channel that is off and a message that is dead."""
    long, now = "Q" * 200, served.house.clock()
    with served.house.store.transaction() as session:
        life.act(session, 1, "acknowledge", "N" * 200, now)
        life.act(session, 1, "assign", "ana", now, to=long, over=True)
        life.act(session, 1, "note", long, now, text="Z" * 1500)
        real = clock.now()
        silences.add(session, {}, real, real + timedelta(hours=2), long, "C" * 900, real)
        brands = {"brand": ["Lumbra", "Telmira"]}
        silences.add(session, brands, real, real + timedelta(hours=1), "ana", "", real)
        connection = session.connection()
        connection.execute(table(Delivery).update().values(state="dead", outcome="rejected", attempts=3))
        off = {"name": "log", "not_before": now, "disabled_at": now, "disabled_reason": "x" * 500}
        connection.execute(table(ChannelState).delete())
        connection.execute(table(ChannelState).insert().values(**off))
