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
EDITED = (14, 24)


class Mixed:
    """Two brands in one thread, one mention and one edit. Each brand's posts carry its ``marker`` in text, author and
    address; what both may see carries none."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.marker = {brand: f"m{secrets.token_hex(6)}" for brand in BOTH}
        self._both(30)
        for first, other, number in ((TELMIRA, LUMBRA, 10), (LUMBRA, TELMIRA, 20)):
            # A thread: the one brand's post, a reply about the other, and a reply to that about the first again.
            self._hear(number, first)
            self._hear(number + 1, other, reply_to=str(number))
            self._hear(number + 2, first, reply_to=str(number + 1))
            self._hear(number + 3, first, quote_of=str(number + 1))
            # Corrected while it is about the other brand; then an edit makes it the first one's.
            self._hear(number + 4, other)
        house.judge_and_tell()
        with house.store.transaction() as session:
            for brand in BOTH:
                collections.make(session, house.brand(brand), self.marker[brand], self.marker[brand], house.clock())
        self._edit(14, LUMBRA, TELMIRA)
        self._edit(24, TELMIRA, LUMBRA)

    def _hear(self, number: int, brand: str, **more: Any) -> None:
        # Who wrote something stays when it is edited: that of an edited one is for both to see.
        marker = self.marker[brand]
        whose = "both" if number in EDITED else marker
        author, url = Author(f"id{whose}", handle=f"by{whose}"), f"https://x.example/{whose}/{number}"
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


def addresses(mixed: Mixed, brand: str, *, page: bool) -> list[tuple[Operation, str]]:
    """Everything to read, about each thing that a brand has."""
    house, found = mixed.house, []
    whole = house.client(headers=house.key(brand=brand))
    items = whole.get("/api/v1/mentions?limit=200&copies=true").json()["items"]
    with house.store.reading() as session:
        alerts = session.exec(select(Alert.id).where(Alert.brand_id == house.brand(brand))).all()
    its: dict[str, list[Any]] = {
        "brand_id": [house.brand(brand)], "alert_id": list(alerts), "rule": ["detractor"], "name": ["stream"],
        # One of each: of both, in a thread, edited.
        "mention_id": [one["id"] for one in items if one["native_id"][-1] in "014"],
        "collection_id": [one["id"] for one in whole.get("/api/v1/collections").json()["items"]],
        "author_id": [1, 2], "kind": ["csv", "jsonl"], "silence_id": [1], "delivery_id": [1, 2], "view_id": [1],
        "user_id": [1], "key_id": [1], "channel": ["log"], "source_id": [1], "team": ["Care"],
    }  # fmt: skip
    for one in operations():
        if one.method != "GET" or one.public or one.page != page or one.path.startswith("/api/v1/events"):
            continue
        named = [name for name in its if f"{{{name}}}" in one.path or f"{{{name}:path}}" in one.path]
        for number in range(max((len(its[name]) for name in named), default=1)):
            path = one.path
            for name in named:
                value = str(its[name][min(number, len(its[name]) - 1)])
                path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:path}}", value)
            assert "{" not in path, f"say what to ask {one.path} about"
            found.append((one, path))
    return found


def asked(client: TestClient, mixed: Mixed, reader: str, *, page: bool) -> tuple[list[str], int]:
    """Where a reader of one brand meets the other's marker; and how often their own."""
    other = next(brand for brand in BOTH if brand != reader)
    wrong, own = [], 0
    paths = [*addresses(mixed, other, page=page), *addresses(mixed, reader, page=page)]
    for one, path in dict.fromkeys(paths):
        answer = client.get(path)
        own += mixed.marker[reader] in answer.text
        if answer.status_code >= 500 and not path.endswith(("/evidence", "/words")):
            wrong.append(f"{path}: {answer.status_code}")
        if one.permission in EVERYWHERE and answer.status_code != 403:
            wrong.append(f"{path}: {answer.status_code}, though it concerns everything")
        if mixed.marker[other] in answer.text:
            at = answer.text.index(mixed.marker[other])
            wrong.append(f"{path}: ...{answer.text[max(0, at - 100) : at + 30]!r}")
    return wrong, own


def test_nothing_of_another_brand_can_be_read(mixed: Mixed) -> None:
    """With a key that holds everything for the one brand, and as somebody who administers it, every address of the API
    and every page, about the things of both."""
    house, wrong = mixed.house, []
    for reader in BOTH:
        by_key = house.client(headers=house.key(brand=reader))
        signed_in = house.client(Role.ADMINISTRATOR, reader)
        for client, page in ((by_key, False), (signed_in, True)):
            met, own = asked(client, mixed, reader, page=page)
            wrong += met
            assert own > 5, "their own are found by the same look"
    assert not wrong, "\n".join(wrong)


def test_threads_and_edits_leave_out_what_is_about_others(mixed: Mixed) -> None:
    client = mixed.house.client(headers=mixed.house.key(brand=LUMBRA))
    items = client.get("/api/v1/mentions", params={"limit": 200}).json()["items"]
    reply = next(one["id"] for one in items if one["native_id"] == "11")
    thread = client.get(f"/api/v1/mentions/{reply}").json()["thread"]
    assert (thread["above"], thread["cut_above"], thread["below"], thread["replies"]) == ([], True, [], 0)
    whole = mixed.house.client().get(f"/api/v1/mentions/{reply}").json()["thread"]
    assert ([post["native_id"] for post in whole["above"]], whole["replies"]) == (["10"], 1)

    # An edit took this one from them.
    (corrected,) = client.get("/api/v1/corrections").json()["items"][:1]
    (gone,) = [one for one in client.get("/api/v1/corrections").json()["items"] if not one["text"]]
    assert corrected["brand"] == gone["brand"] == LUMBRA
    for part in ("", "/evidence"):
        assert client.get(f"/api/v1/mentions/{gone['mention']}{part}").status_code == 404
    with_key = mixed.house.key(Permission.READ_MENTIONS)
    assert mixed.house.client(headers=with_key).get(f"/api/v1/mentions/{gone['mention']}").status_code == 404


def test_scopes_are_limits_of_what_is_told(full_house: House) -> None:
    house = full_house
    acting = house.client(headers=house.key(Permission.ACT))
    assert acting.post("/api/v1/alerts/1/acknowledge").json() == {"id": 1, "state": "acknowledged", "changed": True}
    both = house.client(headers=house.key(Permission.ACT, Permission.READ_ALERTS))
    assert "timeline" in both.post("/api/v1/alerts/1/acknowledge").json()

    reading = house.client(headers=house.key(Permission.READ_MENTIONS))
    assert reading.get("/api/v1/mentions/1").json()["incidents"] == []
    assert reading.get("/api/v1/mentions", params={"alert": 1}).json()["items"] == []
    assert reading.get("/api/v1/mentions/counts", params={"alert": 1}).json()["count"] == 0
    for path in ("/mentions/1", "/mentions?alert=1"):
        assert 'href="/alerts/1' not in reading.get(path).text
    told = house.client(headers=house.key(Permission.READ_MENTIONS, Permission.READ_ALERTS))
    assert [one["id"] for one in told.get("/api/v1/mentions/1").json()["incidents"]] == [1]
    assert told.get("/api/v1/mentions", params={"alert": 1}).json()["items"][0]["notice"]

    keeping = house.client(headers={**house.key(Permission.REUSE), "If-Match": "*"})
    kept = keeping.put("/api/v1/promoters/2/permission", json={"state": "asked"})
    assert kept.json() == {"id": 2, "state": "asked"}


def test_channels_are_for_who_sees_the_whole_setup(house: House) -> None:
    brand = house.brand(LUMBRA)
    boss, its = house.client(Role.ADMINISTRATOR), house.client(Role.ADMINISTRATOR, LUMBRA)
    match = {"If-Match": "*"}
    place = f"/api/v1/brands/{brand}"
    assert 'value="log"' not in its.get(f"/brands/{brand}").text
    refused = its.patch(place, json={"channels": ["lug"]}, headers=match)
    assert (refused.status_code, "log" in refused.text) == (422, False)
    assert its.patch(place, json={"channels": ["log"]}, headers=match).status_code == 422

    assert boss.patch(place, json={"channels": ["log"]}, headers=match).status_code == 200
    assert 'value="log"' in its.get(f"/brands/{brand}").text
    assert its.patch(place, json={"channels": ["log"], "unless": ["x"]}, headers=match).status_code == 200
    assert its.patch(place, json={"channels": None}, headers=match).status_code == 422
    version = its.get(place).json()["version"]
    for more in ({"everywhere": "yes"}, {"channel": "mail"}):
        form = {"query": "lumbra", "version": str(version)} | more
        assert its.post(f"/brands/{brand}", data=form).status_code == 422
    assert its.get(place).json()["channels"] == ["log"]
