"""Trends: charts with what is in them in words and numbers, links to the mentions behind them, nothing that acts."""

from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest

from api.wiring import brand_row
from listener import clock as clock_module
from listener.access import Role
from listener.configfile import BrandEntry
from listener.store import brands
from tests.api.conftest import House

HOSTILE = '<script>alert(1)</script> "onload=x ]]> & {{7*7}} datum'
WINDOW = "since=2026-11-18T12:00:00Z&until=2026-11-21T13:00:00Z"
LIGHT = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


class Links(HTMLParser):
    """All addresses of a page, and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found += [value for name, value in attrs if name in ("href", "src", "srcset") and value]


@pytest.fixture
def said(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A dozen mentions of Lumbra over two days, of a theme with a hostile name, and one of Telmira."""
    noon = house.clock.now
    with house.store.transaction() as session:
        entry = brand_row(BrandEntry(name="Lumbra")) | {"themes": {HOSTILE: "bill", "app": "app"}}
        brands.save_brands(session, [entry], noon)
    for number in range(12):
        house.clock.now = noon - timedelta(hours=4 * number)
        label = ["promoter", "passive", "detractor"][number % 3]
        house.hear(number, f"Lumbra {'bill' if number % 2 else 'app'} {number}", label, lang="es")
    house.clock.now = noon + timedelta(minutes=1)
    house.hear(50, "Telmira cut me off", "detractor", brand="Telmira")
    monkeypatch.setattr(clock_module, "now", house.clock)
    return house


def test_the_page_leads_from_each_point_to_its_mentions(said: House) -> None:
    answer = said.client(Role.VIEWER).get("/trends?brand=Lumbra&days=7&zone=Europe/Madrid")

    assert answer.status_code == 200
    links = Links(answer.text)
    mentions = [parse_qs(urlsplit(link).query) for link in links.found if link.startswith("/mentions?")]
    window = {"since": ["2026-11-14T12:00Z"], "until": ["2026-11-21T13:00Z"]}
    assert {"brand": ["Lumbra"], "label": ["detractor"]} | window in mentions
    assert {"brand": ["Lumbra"], "since": ["2026-11-19T23:00Z"], "until": ["2026-11-20T23:00Z"]} in mentions
    assert {HOSTILE} <= {one["theme"][0] for one in mentions if "theme" in one}
    assert "script" in links.tags
    assert links.tags.count("script") == 1
    assert " style=" not in answer.text
    assert "alert(1)</script>" not in answer.text
    assert len(answer.text) < 70_000


@LIGHT
def test_every_chart_of_the_page_is_there_and_inert(said: House) -> None:
    client = said.client(Role.VIEWER)
    page = client.get("/trends?by=theme&days=7").text
    charts = [link for link in Links(page).found if link.startswith("/charts/") and "light" in link and "wide" in link]
    assert len(charts) == 7

    drawn = [client.get(link) for link in charts]
    assert [answer.status_code for answer in drawn] == [200] * 7
    for answer in drawn:
        assert answer.headers["content-type"].startswith("image/svg+xml")
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["cache-control"] == "private, no-cache"
        names = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(answer.text).iter()}
        assert names <= {"svg", "g", "path", "rect", "text", "line", "defs", "clipPath", "circle"}
    assert any("&lt;script&gt;" in answer.text for answer in drawn)
    # Known by its figures: not drawn again, and not sent again.
    again = client.get(charts[0], headers={"If-None-Match": drawn[0].headers["etag"]})
    assert again.status_code == 304
    said.hear(99, "Lumbra is up", "promoter")
    assert client.get(charts[0], headers={"If-None-Match": drawn[0].headers["etag"]}).status_code == 200


@LIGHT
def test_charts_are_for_who_may_see_the_brand(said: House) -> None:
    theirs = said.client(Role.VIEWER, "Telmira")
    assert theirs.get(f"/charts/volume.svg?{WINDOW}&brand=Lumbra").status_code == 404
    assert theirs.get(f"/charts/volume.svg?{WINDOW}&brand=Nobody").status_code == 404
    assert "Lumbra" not in theirs.get("/trends").text
    assert theirs.get("/trends?brand=Lumbra").status_code == 404
    assert said.client(headers={}).get(f"/charts/volume.svg?{WINDOW}").status_code in (303, 401)
    assert theirs.get(f"/charts/other.svg?{WINDOW}").status_code == 422


@LIGHT
def test_what_cannot_be_shown_says_so_and_keeps_the_form(said: House) -> None:
    client = said.client(Role.VIEWER)
    for query, words in (
        ("days=custom&since=2026-11-20&until=never", "give both days"),
        ("zone=Mars/Olympus", "no time zone"),
        ("lang=es&theme=app", "one thing at a time"),
        ("days=90&bucket=hour", "ask for bucket"),
    ):
        answer = client.get(f"/trends?{query}")
        assert (answer.status_code, 'role="alert"' in answer.text, "<form" in answer.text) == (422, True, True), query
        assert words in answer.text
    custom = client.get("/trends?days=custom&since=2026-11-19&until=2026-11-20&zone=Europe/Madrid")
    assert "until=2026-11-20T23:00Z" in custom.text


@LIGHT
def test_nothing_and_narrowed_windows_are_told_in_words(said: House) -> None:
    client = said.client(Role.VIEWER)
    empty = client.get("/trends?days=custom&since=2026-01-01&until=2026-01-02").text
    assert "Nothing was heard of this in that window" in empty
    narrowed = client.get("/trends?brand=Lumbra&lang=es")
    assert "Only mentions of this language: Spanish." in narrowed.text
    assert "some charts are left out" in narrowed.text
    spanish = client.get("/trends?brand=Lumbra", headers={"Accept-Language": "es"}).text
    assert "Menciones a lo largo del tiempo" in spanish
    assert "detractores" in spanish


@LIGHT
def test_days_are_those_of_a_clock_that_is_named(said: House) -> None:
    client = said.client(Role.VIEWER)
    page = client.get("/trends?brand=Lumbra&days=7").text
    assert 'value="UTC" maxlength="64" size="16" list="zones" autocomplete="off" data-zone>' in page
    assert "Days and weeks begin by the clock of UTC." in page
    chosen = client.get("/trends?brand=Lumbra&days=7&zone=Europe/Madrid").text
    assert 'list="zones" autocomplete="off">' in chosen
    assert "Days and weeks begin by the clock of Europe/Madrid." in chosen


@LIGHT
def test_where_no_themes_are_set_up_the_page_says_where_they_are_made(said: House) -> None:
    client = said.client(Role.VIEWER)
    assert "No themes are set up yet." in client.get("/trends?brand=Telmira&days=7").text
    assert "No themes are set up yet." not in client.get("/trends?brand=Lumbra&days=7").text


@LIGHT
def test_less_than_nothing_is_written_with_a_minus(said: House) -> None:
    page = said.client(Role.VIEWER).get("/trends?brand=Telmira&days=7").text
    assert "−100 points" in page
    assert "-100 points" not in page
