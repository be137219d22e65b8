"""A day at work in a real browser, on a running application with the real jobs behind it; by mouse, and by keys."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response

from api import passwords
from listener import clock
from listener.access import Role
from listener.store import users

from ..conftest import Served

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]

EMAIL, PASSWORD = "ana@example.com", "four words that stay"
PROOF = "https://example.com/posts/2/replies/1"
MOST_TABS = 400


@dataclass
class Office:
    """Somebody's browser, and what is wrong with anything that it was answered."""

    served: Served
    context: BrowserContext
    wrong: list[str] = field(default_factory=list)

    def tab(self) -> Page:
        """A new tab."""
        page = self.context.new_page()
        page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("request", lambda sent: None if self.ours(sent.url) else self.wrong.append(f"another host: {sent.url}"))
        page.on("response", self._answered)
        return page

    def ours(self, url: str) -> bool:
        """Whether an address is our own server's."""
        return url.startswith((f"{self.served.url}/", "data:", "blob:"))

    def _answered(self, answer: Response) -> None:
        policy = answer.headers.get("content-security-policy", "")
        if self.ours(answer.url) and not policy.startswith("default-src 'none'"):
            self.wrong.append(f"without the policy: {answer.url}")

    def somebody_complains(self, number: int) -> str:
        """A mention comes in, is scored and judged, and people are told; the words that stand in it alone."""
        words = f"hours without a signal, number {number}"
        self.served.house.clock.advance(minutes=1)
        self.served.house.hear(number, f"Lumbra, {words}", "detractor", reach=120_000)
        self.served.house.judge_and_tell()
        return words


@pytest.fixture
def office(browser: Browser, served: Served) -> Iterator[Office]:
    with served.house.store.transaction() as session:
        kept = passwords.hashed(PASSWORD)
        users.add_user(session, EMAIL, "Ana", {None: Role.ADMINISTRATOR}, clock.now(), password_hash=kept)
    context = browser.new_context(locale="en", accept_downloads=True)
    context.set_default_timeout(15_000)
    office = Office(served, context)
    yield office
    context.close()
    assert office.wrong == []


def sign_in(page: Page, address: str) -> None:
    """Through the form."""
    page.goto(address)
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Needs attention").wait_for()


def reach(page: Page, wanted: Locator) -> None:
    """Go to something by the Tab key, as whoever has no mouse does; it must be seen where one is."""
    wanted.first.wait_for()
    for _ in range(MOST_TABS):
        if wanted.first.evaluate("one => one === document.activeElement"):
            break
        page.keyboard.press("Tab")
    else:
        raise AssertionError(f"the Tab key does not come to {wanted}")
    outline = wanted.first.evaluate("one => getComputedStyle(one).outlineStyle + getComputedStyle(one).boxShadow")
    assert outline != "nonenone"


def write(page: Page, wanted: Locator, words: str) -> None:
    """Type into a field that the keyboard has come to."""
    reach(page, wanted)
    page.keyboard.press("Control+a")
    page.keyboard.type(words)


def test_a_day_at_work(office: Office) -> None:
    one, other = office.tab(), office.tab()
    sign_in(one, office.served.url)
    other.goto(f"{office.served.url}/alerts")
    an_alert_arrives_and_is_acknowledged(office, one, other)
    other.close()
    a_search_finds_it_and_a_correction_is_kept(office, one)
    a_promoter_is_exported_with_the_permission(office, one)
    a_rule_is_tried_and_saved(office, one)
    the_language_is_switched(one)


def an_alert_arrives_and_is_acknowledged(office: Office, one: Page, other: Page) -> None:
    """Both tabs see it come; what is done in one is seen in the other."""
    one.locator(".incident", has_text="1 mention").wait_for()
    office.somebody_complains(7)
    one.locator(".incident", has_text="3 mentions").wait_for()
    other.locator(".incident", has_text="3 mentions").wait_for()
    one.goto(f"{office.served.url}/alerts")
    one.locator("li.incident").first.get_by_role("button", name="Acknowledge").click()
    one.locator("li.incident.acknowledged").first.wait_for()
    other.locator("li.incident.acknowledged").first.wait_for()


def a_search_finds_it_and_a_correction_is_kept(office: Office, page: Page) -> None:
    """By words that stand in one mention alone; one key corrects what the model made of it."""
    page.goto(f"{office.served.url}/mentions")
    page.locator("#words").fill('"number 7"')
    page.locator("#words").press("Enter")
    found = page.locator("li.mention")
    page.wait_for_url("**words=**")
    found.filter(has_text="number 7").wait_for()
    assert found.count() == 1
    page.keyboard.press("Escape")
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.get_by_role("heading", name="Corrections").wait_for()
    page.get_by_role("button", name="neither", exact=True).click()
    # The model is loaded for the words behind the score, once.
    page.locator("p.meta", has_text="corrected: neither").first.wait_for(timeout=60_000)


def a_promoter_is_exported_with_the_permission(office: Office, page: Page) -> None:
    """Asked, granted with its proof, picked into a collection, and out as a file that carries the proof."""
    page.goto(f"{office.served.url}/promoters")
    page.locator("li.quote").first.get_by_role("link", name="Permission").click()
    page.get_by_role("button", name="I have asked the author").click()
    page.locator("#granted textarea[name=proof]").fill(PROOF)
    page.get_by_role("button", name="Keep the permission").click()
    page.locator("dl.facts", has_text=PROOF).wait_for()
    page.get_by_role("link", name="← Promoters").click()
    page.locator("li.quote input[name=picked]").first.check()
    page.locator("#pick input[name=name]").fill("Spring")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("heading", name="Spring").wait_for()
    with page.expect_download() as download:
        page.locator("#export-granted-csv").click()
    rows = list(csv.reader(Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()))
    assert any(PROOF in row for row in rows[1:])
    assert any("Thank you Lumbra" in cell for row in rows for cell in row)


def a_rule_is_tried_and_saved(office: Office, page: Page) -> None:
    """What other settings would have made of the last days is there before they are saved."""
    page.goto(f"{office.served.url}/rules")
    rule = page.locator("#detractor")
    rule.locator("#detractor-min_reach").fill("1000")
    rule.get_by_role("button", name="Try it").click()
    rule.locator("#detractor-tried table.compared").wait_for()
    rule.get_by_role("button", name="Save").click()
    page.locator("#said", has_text="Saved").wait_for()
    assert page.locator("#detractor-min_reach").input_value() == "1000"


def the_language_is_switched(page: Page) -> None:
    """And stays so on the next page."""
    page.get_by_role("button", name="Español").click()
    page.locator("html[lang=es]").wait_for()
    page.get_by_role("link", name="Alertas").click()
    page.get_by_role("heading", name="Alertas").wait_for()
    page.get_by_role("button", name="English").click()
    page.locator("html[lang=en]").wait_for()


def test_the_same_by_keys_alone(office: Office) -> None:
    page = office.tab()
    page.goto(office.served.url)
    write(page, page.get_by_label("E-mail address"), EMAIL)
    write(page, page.get_by_label("Password"), PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Needs attention").wait_for()

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.get_by_role("heading", name="Timeline").wait_for()
    page.wait_for_load_state()
    page.keyboard.press("a")
    page.locator(".badges", has_text="acknowledged").first.wait_for()
    page.keyboard.press("i")
    page.keyboard.type("They know.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".timeline", has_text="They know.").wait_for()

    reach(page, page.get_by_role("link", name="Rules", exact=True))
    page.keyboard.press("Enter")
    write(page, page.locator("#detractor-min_reach"), "2000")
    reach(page, page.locator("#detractor").get_by_role("button", name="Try it"))
    page.keyboard.press("Enter")
    page.locator("#detractor-tried table.compared").wait_for()
    reach(page, page.locator("#detractor").get_by_role("button", name="Save"))
    page.keyboard.press("Enter")
    page.locator("#said", has_text="Saved").wait_for()

    reach(page, page.get_by_role("button", name="Español"))
    page.keyboard.press("Enter")
    page.locator("html[lang=es]").wait_for()
