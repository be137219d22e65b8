"""Alerts: the inbox and one incident, by form, by key and live in another tab."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from listener.access import Role
from listener.items import Author
from listener.store import inbox, life

from ..conftest import HOSTILE, House, Served

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def state_of(house: House, number: int = 1) -> tuple[str, str | None]:
    """How an incident stands, and who has it."""
    with house.store.reading() as session:
        found = inbox.one(session, number)
    assert found is not None
    return found["state"], found["assigned_to"]


class TestForms:
    def test_each_button_does_its_act_and_leads_back_to_where_it_was_pressed(self, full_house: House) -> None:
        client = full_house.client(Role.AGENT)
        back = "/alerts?state=&brand=Lumbra"
        pressed = (
            ("take", {}, ("acknowledged", "ana")), ("assign", {"to": "luis"}, ("acknowledged", "luis")),
            ("take-over", {}, ("acknowledged", "ana")), ("snooze", {"length": "tomorrow", "zone": "Europe/Madrid"},
            ("snoozed", "ana")), ("wake", {}, ("open", "ana")), ("answer", {}, ("open", "ana")),
            ("note", {"text": "called them"}, ("open", "ana")), ("useful", {}, ("open", "ana")),
            ("resolve", {"why": "refunded"}, ("resolved", "ana")), ("reopen", {}, ("open", "ana")),
        )  # fmt: skip
        for act, data, expected in pressed:
            done = client.post(f"/alerts/1/{act}", data={"back": back, **data})
            assert (act, done.status_code, done.headers["location"]) == (act, 303, back)
            assert (act, state_of(full_house)) == (act, expected)
        page = client.get("/alerts/1").text
        for said in ("called them", "ana resolved it: refunded", "useful", "noted an answer"):
            assert said in page

    def test_what_makes_no_sense_is_told_on_the_page_it_came_from(self, full_house: House) -> None:
        client = full_house.client(Role.AGENT)
        client.post("/alerts/1/resolve")
        for back, heading in (("/alerts?state=", "<h1>Alerts</h1>"), ("", "</bdi>: Detractors</h1>")):
            refused = client.post("/alerts/1/acknowledge", data={"back": back})
            assert refused.status_code == 422
            assert "resolved, so it cannot be acknowledged" in refused.text
            assert heading in refused.text
        assert client.post("/alerts/1/acknowledge", data={"back": "https://evil.example/"}).status_code == 422
        assert client.post("/alerts/1/reopen", data={"back": "//evil.example"}).headers["location"] == "/alerts/1"
        assert client.post("/alerts/1/explode").status_code == 404

    @pytest.mark.parametrize(
        ("role", "brand", "sees", "acts"),
        [(Role.VIEWER, "Lumbra", 200, 403), (Role.AGENT, "Telmira", 404, 404), (Role.AGENT, "Lumbra", 200, 303)],
    )
    def test_the_inbox_is_of_ones_own_brands(
        self, full_house: House, role: Role, brand: str, sees: int, acts: int
    ) -> None:
        client = full_house.client(role, brand)
        assert client.get("/alerts/1").status_code == sees
        assert ('data-id="1"' in client.get("/alerts").text) == (sees == 200)
        assert ("Acknowledge</button>" in client.get("/alerts").text) == (acts == 303)
        assert client.post("/alerts/1/acknowledge").status_code == acts

    def test_filters_and_views(self, full_house: House) -> None:
        client = full_house.client(Role.AGENT)
        for query, found in (
            ("assignee=nobody", True), ("assignee=me", False), ("text=detractor", True), ("text=%3Cscript%3E", False),
            ("severity=critical", False), ("brand=Lumbra&rule=detractor", True), ("state=resolved", False),
        ):  # fmt: skip
            page = client.get(f"/alerts?{query}").text
            assert (query, 'data-id="1"' in page) == (query, found)
            assert "<script>" not in page.replace('<script type="module"', "")
        assert client.post("/alerts/views", data={"name": "Mine", "back": "/alerts?assignee=me"}).status_code == 303
        page = client.get("/alerts").text
        assert "The view is saved." in page
        assert "assignee=me" in page
        again = client.post("/alerts/views", data={"name": "Mine", "back": "/alerts"})
        assert (again.status_code, "choose another" in again.text) == (422, True)
        client.post("/alerts/views/1/remove")
        assert "assignee=me" not in client.get("/alerts").text

    def test_hostile_words_are_words_in_every_language(self, full_house: House) -> None:
        client = full_house.client(Role.AGENT)
        client.post("/alerts/1/note", data={"text": "<script>alert(1)</script> called\u202e {who} %(n)s"})
        full_house.hear(8, f"{HOSTILE} Lumbra is down", "detractor", reach=10**6, author=Author("h", handle=HOSTILE))
        full_house.judge_and_tell()
        for language, said in (("en", "ana noted"), ("es", "ana anotó")):
            page = client.get("/alerts/1", headers={"Accept-Language": language}).text
            assert f"{said}: &lt;script&gt;alert(1)&lt;/script&gt; called {{who}} %(n)s" in page
            assert "<script>alert" not in page
            assert "\u202e" not in page
            assert "javascript:" not in page
            assert len(page.encode()) < 60_000


@pytest.mark.browser
class TestInABrowser:
    @pytest.fixture
    def context(self, browser: Browser, served: Served) -> Iterator[BrowserContext]:
        """Somebody signed in who may act."""
        context = browser.new_context(timezone_id="Europe/Madrid")
        context.add_cookies([served.sign_in(Role.AGENT)])
        yield context
        context.close()

    def open(self, context: BrowserContext, served: Served, path: str) -> Page:
        page = context.new_page()
        page.goto(f"{served.url}{path}")
        return page

    def test_what_is_done_by_keys_in_one_tab_is_seen_in_another(self, context: BrowserContext, served: Served) -> None:
        one, other = self.open(context, served, "/alerts?state="), self.open(context, served, "/alerts/1")
        other.wait_for_timeout(1500)
        other.locator("#note").fill("I am writing")
        one.keyboard.press("j")
        one.keyboard.press("a")
        expect(one.locator("[data-id='1'] .state")).to_have_text("acknowledged")
        assert one.evaluate("document.activeElement.dataset.id") == "1"
        # What is being written is not taken away; when it is done with, the page is as it should be.
        other.wait_for_timeout(2500)
        assert other.locator("#note").input_value() == "I am writing"
        other.locator("#note").fill("")
        expect(other.locator(".state").first).to_have_text("acknowledged", timeout=2500)
        one.keyboard.press("r")
        one.keyboard.type("refunded")
        one.keyboard.press("Enter")
        expect(one.locator("[data-id='1'] .state")).to_have_text("resolved")
        expect(other.locator(".state").first).to_have_text("resolved", timeout=2500)
        expect(other.locator(".standing")).to_contain_text("refunded")

    def test_filters_work_by_keys_the_back_button_and_refusals(self, context: BrowserContext, served: Served) -> None:
        page = self.open(context, served, "/alerts")
        page.keyboard.press("/")
        page.keyboard.type("nothing like it")
        page.keyboard.press("Enter")
        expect(page.locator(".empty")).to_contain_text("No incident matches.")
        page.go_back()
        expect(page.locator("[data-id='1']")).to_be_visible()
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_visible()
        page.keyboard.press("Escape")
        # Somebody resolves it while the page cannot hear of it.
        page.evaluate("document.querySelector('[data-live]').dataset.from = '/nowhere'")
        with served.house.store.transaction() as session:
            life.act(session, 1, "resolve", "luis", served.house.clock(), why="")
        page.locator("[data-id='1'] button", has_text="Acknowledge").click()
        expect(page.locator("[role=alert]")).to_be_focused()
        expect(page.locator("[role=alert]")).to_contain_text("reopen it first")
