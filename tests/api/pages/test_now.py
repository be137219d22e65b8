"""Now: what needs somebody, for whom it is meant, and that it follows what happens."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlmodel import Session

from listener import clock
from listener.access import Role
from listener.store import life, silences
from listener.store.tables import Brand, ChannelState, Delivery, MentionBrand, Source, table

from ..conftest import HOSTILE, House, Served

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""One database is enough: templates and browsers cannot tell them apart."""


@SQLITE
class TestWhatNeedsSomebody:
    def test_an_empty_house_is_told_that_all_is_well(self, house: House) -> None:
        page = house.client(Role.VIEWER).get("/").text
        assert "Nothing needs you now." in page
        assert "inferred from the text" in page
        assert "Ahora mismo nada requiere atención." in house.client(
            Role.VIEWER, name="bo"
        ).get("/", headers={"Accept-Language": "es-AR, es;q=0.9"}).text  # fmt: skip

    def test_where_nobody_listens_it_says_so_and_what_is_to_be_done(self, house: House) -> None:
        with house.store.transaction() as session:
            session.connection().execute(table(Source).update().values(active=False))
        page = house.client(Role.VIEWER).get("/").text
        assert "Nothing needs you now." not in page
        assert "No source is read, so nothing can be heard." in page
        assert "an administrator adds brands." in page
        with house.store.transaction() as session:
            session.connection().execute(table(Brand).update().values(active=False))
        page = house.client(Role.ADMINISTRATOR, name="bo").get("/").text
        assert "There is no brand to listen for, so nothing can be heard." in page
        assert '<a href="/brands/new">Add a brand</a>' in page

    def test_a_card_quotes_what_was_said_and_gives_reasons_in_the_readers_language(self, full_house: House) -> None:
        client = full_house.client(Role.AGENT)
        for path in ("/", "/alerts"):
            page = client.get(path, headers={"Accept-Language": "es"}).text
            assert '<bdi>ana</bdi>: <q dir="auto">Lumbra is down again, I am leaving</q>' in page
            assert "probable detractor: 90\u00a0% (alerta desde 60\u00a0%), alcance 900" in page
        assert "Escucha lo abrió: probable detractor" in client.get("/alerts/1", headers={"Accept-Language": "es"}).text
        with full_house.store.transaction() as session:
            session.connection().execute(table(MentionBrand).update().values(hidden_why="another Lumbra"))
        assert "I am leaving" not in client.get("/").text

    def test_an_incident_stands_there_until_somebody_has_put_it_off(self, full_house: House) -> None:
        client = full_house.client(Role.AGENT)
        page = client.get("/").text
        assert "nobody has it yet" in page
        assert 'href="/alerts/1"' in page
        assert client.post("/alerts/1/snooze", data={"length": "4h"}).headers["location"] == "/alerts/1"
        page = client.get("/").text
        assert "Nothing needs you now." in page
        assert "1 incident is snoozed." in page

    def test_what_could_not_be_sent_says_why_and_of_which_incident(self, full_house: House) -> None:
        with full_house.store.transaction() as session:
            session.connection().execute(table(Delivery).update().values(state="dead", outcome="rejected", attempts=3))
        page = full_house.client(Role.VIEWER).get("/").text
        assert "A message for log could not be sent. The channel refuses this message for good" in page

    def test_the_last_day_is_counted_by_brand(self, full_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        client = full_house.client(Role.VIEWER)
        monkeypatch.setattr(clock, "now", full_house.clock)
        rows = client.get("/", headers={"X-Fragment": "1"}).text.partition("<tbody>")[2]
        lumbra, telmira = rows.split("</tr>")[:2]
        assert [part in lumbra for part in ("<bdi>Lumbra</bdi>", '"figure">3</td>', "33%")] == [True] * 3
        assert [part in telmira for part in ("<bdi>Telmira</bdi>", '"figure">1</td>', "100%")] == [True] * 3

    def test_nobody_sees_what_is_not_theirs(self, full_house: House) -> None:
        with full_house.store.transaction() as session:
            _trouble(session, full_house)
        whole, part = (full_house.client(Role.VIEWER, brand).get("/").text for brand in (None, "Telmira"))
        for said in ("Lumbra", "channel log is off", "could not be sent"):
            assert (said, said in whole) == (said, True)
            assert (said, said in part) == (said, False)
        assert "Telmira" in part


def _trouble(session: Session, house: House) -> None:
    """A channel that is off, a message that is dead."""
    session.connection().execute(table(Delivery).update().values(state="dead", outcome="rejected", attempts=3))
    off = {"name": "log", "not_before": house.clock(), "disabled_at": house.clock(), "disabled_reason": "x" * 500}
    session.connection().execute(table(ChannelState).delete())
    session.connection().execute(table(ChannelState).insert().values(**off))


def crowd(served: Served) -> None:
    """Names that cannot be broken, silences, a channel that is off and a message that is dead."""
    long, now = "Q" * 200, served.house.clock()
    with served.house.store.transaction() as session:
        life.act(session, 1, "acknowledge", "N" * 200, now)
        life.act(session, 1, "assign", "ana", now, to=long, over=True)
        life.act(session, 1, "note", long, now, text="Z" * 1500)
        real = clock.now()
        silences.add(session, {}, real, real + timedelta(hours=2), long, "C" * 900, real)
        silences.add(session, {"brand": ["Lumbra", "Telmira"]}, real, real + timedelta(hours=1), "ana", "", real)
        _trouble(session, served.house)


@SQLITE
@pytest.mark.browser
class TestInABrowser:
    @pytest.fixture(params=[(1280, "light"), (380, "dark")], ids=["wide-light", "narrow-dark"])
    def page(
        self, request: pytest.FixtureRequest, browser: Browser, served: Served, problems: list[str]
    ) -> Iterator[Page]:
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

    def test_what_happens_appears_and_hostile_or_endless_text_harms_nothing(
        self, page: Page, served: Served, problems: list[str]
    ) -> None:
        expect(page.locator(".incident")).to_have_count(1)
        served.house.clock.advance(days=2)
        served.house.hear(7, f"{HOSTILE} Lumbra is down", "detractor", reach=120_000)
        served.house.judge_and_tell()
        expect(page.locator(".incident")).to_have_count(2)
        crowd(served)
        page.locator(".attention", has_text="Silenced: every incident").wait_for(timeout=10_000)
        for path in ("/", "/alerts?state=", "/alerts/1", "/alerts/2", "/channels"):
            page.goto(f"{served.url}{path}")
            for closed in page.locator("main summary").all():
                closed.click()
            page.locator("body", has_text="Q" * 50).wait_for() if path != "/alerts/2" else None
            assert (path, page.evaluate("document.documentElement.scrollWidth - window.innerWidth")) == (path, 0)
            cut = """[...document.querySelectorAll("main *")]
                .filter((one) => one.getBoundingClientRect().right > window.innerWidth && !one.closest(".scrolls"))
                .map((one) => one.className || one.tagName)"""
            assert (path, page.evaluate(cut)) == (path, [])
        assert problems == []


@SQLITE
@pytest.mark.browser
class TestTheScript:
    @pytest.fixture
    def page(self, browser: Browser, served: Served) -> Iterator[Page]:
        """The first page, open."""
        context = browser.new_context()
        context.add_cookies([served.sign_in(Role.AGENT)])
        page = context.new_page()
        page.goto(served.url)
        yield page
        context.close()

    def test_a_part_that_could_not_be_fetched_is_fetched_again_and_a_lost_connection_is_told(
        self, page: Page, served: Served
    ) -> None:
        page.wait_for_timeout(1500)
        failures = []

        def fail_once(route: Route) -> None:
            if "x-fragment" not in route.request.headers:
                route.continue_()
                return
            failures.append(route.request.url)
            route.fulfill(status=500, body="") if len(failures) == 1 else route.continue_()

        page.route(f"{served.url}/", fail_once)
        with served.house.store.transaction() as session:
            life.act(session, 1, "acknowledge", "luis", served.house.clock())
        page.locator(".incident.acknowledged").wait_for(timeout=15_000)
        assert len(failures) > 1
        served.stop()
        page.locator("#connection", has_text="Connection lost").wait_for(timeout=10_000)
