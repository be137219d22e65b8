"""The promoters' pages: as forms without script, and in a browser."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page
from sqlmodel import update

from listener.access import Role
from listener.store.tables import Brand
from tests.api.conftest import HOSTILE, House, Served

LINK = "https://social.example/@ana/3"


@pytest.fixture
def praised(house: House) -> House:
    """Promoters of two brands: 1 and 3 of Lumbra, 2 of Telmira."""
    house.hear(1, "Gracias Lumbra, solved in a minute", "promoter", url="https://example.com/1", reach=40, lang="es")
    house.hear(2, "Telmira is the best", "promoter", brand="Telmira")
    house.clock.advance(minutes=1)
    house.hear(3, HOSTILE, "promoter", url="javascript:alert(1)")
    return house


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return found[1]


def keep(client: TestClient, mention: int, **said: str) -> tuple[int, str]:
    """Send the form of a step, from the page as it is."""
    version = field(client.get(f"/promoters/{mention}").text, "version")
    answer = client.post(f"/promoters/{mention}/permission", data={"version": version, **said})
    page = answer if answer.status_code != 303 else client.get(answer.headers["location"])
    return answer.status_code, page.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestForms:
    """Without script; the databases are tried where they differ."""

    def test_a_permission_is_kept_step_by_step(self, praised: House) -> None:
        client = praised.client(Role.MARKETER, "Lumbra")
        page = client.get("/promoters/1").text
        assert page.index("¡Hola") < page.index("Hello!")
        assert "(https://example.com/1)" in page
        assert 'id="granted"' not in page
        status, page = keep(client, 1, state="asked")
        assert (status, "Kept: the author has been asked." in page) == (303, True)
        status, page = keep(client, 1, state="granted", proof="yes", terms="<b>web</b>", last_day="2001-01-01")
        assert (status, 'role="alert"' in page, "Who said it" in page) == (422, True, True)
        assert "&lt;b&gt;web&lt;/b&gt;" in page
        status, page = keep(client, 1, state="granted", proof="yes", said_by="Ana", last_day="2001-01-01")
        assert (status, "Choose a last day" in page) == (422, True)
        status, page = keep(client, 1, state="granted", proof=LINK, terms="web")
        assert (status, f'href="{LINK}"' in page, 'data-permission="granted"' in page) == (303, True, True)
        status, page = keep(client, 1, state="refused", reason="changed their mind")
        assert (status, "changed their mind" in page) == (303, True)
        assert keep(client, 1, state="asked")[0] == 422

    def test_what_somebody_changed_meanwhile_is_shown(self, praised: House) -> None:
        client = praised.client(Role.MARKETER, "Lumbra")
        version = field(client.get("/promoters/1").text, "version")
        keep(client, 1, state="asked")
        answer = client.post("/promoters/1/permission", data={"version": version, "state": "refused"})
        assert (answer.status_code, "Somebody has changed this" in answer.text) == (422, True)
        assert 'data-permission="asked"' in answer.text

    def test_picked_ones_go_into_a_collection_and_out(self, praised: House) -> None:
        client = praised.client(Role.MARKETER)
        mixed = client.post("/promoters/pick", data={"picked": ["1", "2"], "name": "Spring"})
        assert (mixed.status_code, "all of one brand" in mixed.text) == (422, True)
        made = client.post("/promoters/pick", data={"picked": ["1", "3"], "name": "Spring"})
        assert made.status_code == 303
        page = client.get(made.headers["location"]).text
        assert (page.count("data-id="), "2 mentions" in page) == (2, True)
        assert "/api/v1/exports/promoters.csv?collection=1" in page
        more = client.post("/promoters/pick", data={"picked": ["2", "3"], "collection": "1"})
        assert "of another brand: 2." in client.get(more.headers["location"]).text
        assert client.post("/promoters/collections/1/items", data={"picked": "3"}).status_code == 303
        assert client.get("/promoters/collections/1").text.count("data-id=") == 1
        version = field(client.get("/promoters/collections/1").text, "version")
        for name, status in (("", 422), ("May", 303), ("June", 422)):
            changed = client.post("/promoters/collections/1/name", data={"name": name, "version": version})
            assert (name, changed.status_code) == (name, status)
        assert client.post("/promoters/collections", data={"brand": "Lumbra", "name": "May"}).status_code == 422
        assert client.post("/promoters/collections", data={"brand": "Telmira", "name": "May"}).status_code == 303
        assert client.post("/promoters/collections/1/delete", data={"version": version}).status_code == 422
        version = field(client.get("/promoters/collections/1").text, "version")
        assert client.post("/promoters/collections/1/delete", data={"version": version}).status_code == 303
        assert client.get("/promoters/collections").text.count("data-id=") == 1

    def test_filters(self, praised: House) -> None:
        client = praised.client()
        for asked, shown in (
            ({}, 2), ({"brand": "Lumbra"}, 2), ({"words": "gracias", "reach": "", "since": ""}, 1),
            ({"permission": "granted"}, 0), ({"reach": "41"}, 0), ({"probability": "0.8"}, 2), ({"lang": "fr"}, 0),
        ):  # fmt: skip
            page = client.get("/promoters", params=asked)
            assert (asked, page.status_code, page.text.count("data-id=")) == (asked, 200, shown)
        for wrong in ({"words": '"'}, {"reach": "many"}, {"since": "9999-13-01"}, {"until": "9999-12-31"},
                      {"probability": "nan"}, {"permission": "x"}, {"collection": "9" * 30}):  # fmt: skip
            page = client.get("/promoters", params=wrong)
            assert (wrong, page.status_code, 'role="alert"' in page.text) == (wrong, 422, True)

    def test_competitors_promoters_and_the_unlikely_are_shown_only_where_chosen(self, praised: House) -> None:
        with praised.store.transaction() as session:
            session.execute(update(Brand).where(Brand.name == "Telmira").values(role="competitor"))
        client = praised.client()
        for asked, shown in (({}, 2), ({"brand": "Telmira"}, 1), ({"brand": "", "probability": "0"}, 2)):
            page = client.get("/promoters", params=asked).text
            assert (asked, page.count("data-id=")) == (asked, shown)
        page = client.get("/promoters").text
        assert '<option value="0.6" selected>' in page
        assert "promoters.csv?probability=0.6&amp;whose=own" in page
        assert len(client.get("/api/v1/promoters", params={"whose": "competitor"}).json()["items"]) == 1

    def test_who_only_reads_has_no_forms_and_other_brands_are_not_there(self, praised: House) -> None:
        reader = praised.client(Role.VIEWER, "Lumbra")
        page = reader.get("/promoters").text
        assert (page.count("data-id="), 'id="pick"' in page, "/exports/" in page) == (2, False, False)
        assert 'action="/promoters/1/permission"' not in reader.get("/promoters/1").text
        assert reader.get("/promoters/2").status_code == 404
        assert reader.post("/promoters/1/permission", data={"version": "0-0", "state": "asked"}).status_code == 403
        other = praised.client(Role.MARKETER, "Telmira")
        assert other.post("/promoters/1/permission", data={"version": "0-0", "state": "asked"}).status_code == 404
        praised.client(Role.MARKETER).post("/promoters/pick", data={"picked": "1", "name": "Spring"})
        assert other.get("/promoters/collections/1").status_code == 404
        assert other.post("/promoters/pick", data={"picked": "2", "collection": "1"}).status_code == 404

    def test_hostile_words_are_inert(self, praised: House) -> None:
        client = praised.client()
        for path in ("/promoters", "/promoters/3"):
            page = client.get(path).text
            assert "<script>alert" not in page
            assert "javascript:" not in page
            assert "\u202e" not in page


@pytest.fixture
def open_page(browser: Browser, praised: House, problems: list[str]) -> Iterator[Page]:
    """The gallery in a narrow, dark window."""
    served = Served(praised)
    context = browser.new_context(viewport={"width": 380, "height": 800}, color_scheme="dark", accept_downloads=True)
    context.add_cookies([served.sign_in(Role.MARKETER)])
    page = context.new_page()
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(f"{served.url}/promoters?brand=Lumbra")
    yield page
    context.close()
    served.stop()


@pytest.mark.browser
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_from_picking_to_the_export_by_keyboard(
    open_page: Page, problems: list[str], praised: House, tmp_path: Path
) -> None:
    page = open_page
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("p")
    assert page.locator("[data-id='1'] input").is_checked()
    # What is picked stays picked while others change things.
    praised.client().put("/api/v1/promoters/3/permission", json={"state": "asked"}, headers={"If-Match": "*"})
    page.wait_for_timeout(2_500)
    assert page.locator("[data-id='1'] input").is_checked()
    page.get_by_label("Name of a new one").fill("Spring")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator("h1", has_text="Spring").wait_for()
    page.get_by_role("link", name="Permission").click()
    page.get_by_role("button", name="I have asked the author").click()
    page.locator("#said", has_text="the author has been asked").wait_for()
    page.get_by_label("Where they said so").fill(LINK)
    page.get_by_role("button", name="Keep the permission").click()
    page.locator("[data-permission='granted']").first.wait_for()
    for path in ("/promoters", "/promoters/collections", "/promoters/1", "/promoters/collections/1"):
        page.goto(page.url.split("/promoters")[0] + path)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    with page.expect_download() as download:
        page.locator("#export-granted-csv").click()
    download.value.save_as(tmp_path / "promoters.csv")
    exported = (tmp_path / "promoters.csv").read_text(encoding="utf-8-sig")
    assert (LINK in exported, "Gracias Lumbra" in exported, "# complete: 1 rows" in exported) == (True, True, True)
    assert problems == []


def test_one_that_is_over_shows_it(praised: House) -> None:
    client = praised.client(Role.MARKETER)
    tomorrow = f"{praised.now + timedelta(days=1):%Y-%m-%d}"
    keep(client, 1, state="asked")
    assert keep(client, 1, state="granted", proof=LINK, last_day=tomorrow)[0] == 303
    assert client.get("/promoters", params={"permission": "granted"}).text.count("data-id=") == 1
