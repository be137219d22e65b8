"""What is in nobody's view but a brand's own readers': threads, quotations, edits and incidents with two brands in
them, looked for by a random marker for each brand in everything that can be read."""

import secrets
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from api.operations import Operation, operations
from listener.access import EVERYWHERE, Permission, Role
from listener.items import Author, Item
from listener.query import parse
from listener.store import brands, collections, intake
from listener.store.tables import Alert

from .conftest import House

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

LUMBRA, TELMIRA = "Lumbra", "Telmira"
BOTH = (LUMBRA, TELMIRA)


class Mixed:
    """Two brands in one thread, one mention and one edit. Each brand's posts carry its ``marker`` in text, author and
    address; what both may see carries none."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.marker = {brand: f"m{secrets.token_hex(6)}" for brand in BOTH}
        for first, other, number in ((TELMIRA, LUMBRA, 10), (LUMBRA, TELMIRA, 20)):
            # A thread: the one brand's post, a reply about the other, and a reply to that about the first again.
            self._hear(number, first)
            self._hear(number + 1, other, reply_to=str(number))
            self._hear(number + 2, first, reply_to=str(number + 1))
            self._hear(number + 3, first, quote_of=str(number + 1))
            # Corrected while it is about the other brand; then an edit makes it the first one's.
            self._hear(number + 4, other)
        self._both(30)
        house.judge_and_tell()
        with house.store.transaction() as session:
            for brand in BOTH:
                collections.make(session, house.brand(brand), self.marker[brand], self.marker[brand], house.clock())
        self._edit(14, LUMBRA, TELMIRA)
        self._edit(24, TELMIRA, LUMBRA)

    def _hear(self, number: int, brand: str, **more: Any) -> None:
        marker = self.marker[brand]
        author = Author(f"id{marker}", handle=f"by{marker}")
        url = f"https://x.example/{marker}/{number}"
        self.house.hear(number, f"{brand} is down {marker}", "detractor", brand, author=author, url=url, **more)

    def _both(self, number: int) -> None:
        text = "Lumbra or Telmira, which is worse?"
        item = Item(kind="x", native_id=str(number), text=text, created_at=self.house.clock())
        with self.house.store.transaction() as session:
            source = brands.source_named(session, "stream")
            assert source is not None
            found = {self.house.brand(brand): parse(brand).match(text) or () for brand in BOTH}
            intake.take_page(session, source.id, [intake.Matched(item, found)], self.house.clock())  # type: ignore[arg-type]

    def _edit(self, number: int, before: str, after: str) -> None:
        asked = self.house.client()
        (corrected,) = (
            one["id"] for one in asked.get("/api/v1/mentions", params={"limit": 200, "brand": before}).json()["items"]
            if one["native_id"] == str(number)
        )  # fmt: skip
        assert asked.post(f"/api/v1/mentions/{corrected}/corrections", json={"what": "stance", "value": "2"}).is_success
        self.house.clock.advance(minutes=5)
        self._hear(number, after, edited_at=self.house.clock())


@pytest.fixture
def mixed(house: House) -> Mixed:
    return Mixed(house)
