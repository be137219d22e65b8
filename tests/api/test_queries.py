"""A query tried on what is stored: what it means, finds and would lose; and nothing of other people's brands."""

from typing import Any

import pytest

from listener.access import Permission
from listener.items import Author
from listener.query_preview import READ
from listener.store import previews
from tests.api.conftest import HOSTILE

from .conftest import House

one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def tried(house: House, headers: dict[str, str] | None = None, **asked: Any) -> Any:
    return house.client(headers=headers).post("/api/v1/queries/preview", json=asked)


def test_what_a_query_finds_and_what_the_brand_would_lose(full_house: House) -> None:
    found = tried(full_house, query="Lumbra (down OR solved) OR Telmira", brand="Lumbra").json()
    assert found["mistakes"] == []
    assert (found["read"], found["found"], found["new"]) == (5, 3, 1)
    assert [one["text"][:12] for one in found["matches"]] == ["Telmira cut ", "Thank you Lu", "Lumbra is do"]
    first = found["matches"][0]
    assert [first["text"][start:end] for start, end in first["spans"]] == ["Telmira"]
    assert first["brands"] == ["Telmira"]
    assert (found["held"], found["lost"]) == (4, 2)
    assert {one["text"] for one in found["losses"]} >= {"Lumbra?"}
    assert found["explanation"]["platforms"]["x"]["searches"]


def test_words_beside_the_query_hide_what_it_finds(full_house: House) -> None:
    found = tried(full_house, query="lumbra", brand="Lumbra", unless=["down", "solved"], context=["minute"]).json()
    assert (found["found"], found["hidden"]) == (4, 1)
    hidden = {one["text"][:9]: one["hidden"] for one in found["matches"] if one["hidden"]}
    assert hidden == {"Lumbra is": "the text has down, which stands under unless"}


def test_what_asks_for_authors_sources_and_languages_is_answered_too(house: House) -> None:
    house.hear(
        1, "Lumbra se ha caído otra vez y nadie contesta al teléfono", "detractor", author=Author("a", handle="ana")
    )
    house.hear(2, "Lumbra is down again and nobody picks up the phone", "detractor", lang="en")
    for query, text in (
        ("lumbra lang:es", "Lumbra se"),
        ("lumbra author:ana", "Lumbra se"),
        ("lumbra lang:en", "Lumbra is"),
    ):
        matches = tried(house, query=query).json()["matches"]
        assert [one["text"][:9] for one in matches] == [text], query


@one_database
def test_where_it_does_not_read_is_said_of_every_field(house: House) -> None:
    found = tried(house, query="lumbra AND (x", unless=["fine", "-"]).json()
    assert [(one["field"], one["column"]) for one in found["mistakes"]] == [("query", 12), ("unless.1", 1)]
    assert found["explanation"] is None
    assert tried(house, query="a\x00b").status_code == 422
    assert tried(house, query="x" * 10_001).status_code == 422
    assert tried(house, query="x", relevance=7).status_code == 422


def test_only_mentions_of_ones_own_brands_are_looked_at(full_house: House) -> None:
    key = full_house.key(Permission.READ_MENTIONS, brand="Lumbra")
    found = tried(full_house, key, query="Telmira OR Lumbra", brand="Lumbra").json()
    assert (found["read"], found["found"]) == (4, 4)
    assert {name for one in found["matches"] for name in one["brands"]} == {"Lumbra"}
    for unknown in ("Telmira", "Nobody"):
        answer = tried(full_house, key, query="x", brand=unknown)
        assert (answer.status_code, answer.json()["detail"]) == (404, f"there is no brand '{unknown}'")


@one_database
def test_strangers_text_comes_as_text(full_house: House) -> None:
    found = tried(full_house, query="script", brand="Lumbra").json()
    assert found["matches"][0]["text"] == HOSTILE.replace("\x00", "")


@one_database
def test_it_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    latest = previews.latest
    monkeypatch.setattr(
        previews, "latest", lambda session, only, limit: asked.append(limit) or latest(session, only, 2)
    )
    for number in range(4):
        house.hear(number, f"Lumbra {number}", None)
    assert tried(house, query="lumbra").json()["read"] == 2
    assert asked == [READ]


@one_database
def test_a_mention_of_a_million_letters_is_read_up_to_a_bound(house: House) -> None:
    house.hear(1, "lumbra " + "x" * 1_000_000 + " farewell", None)
    assert tried(house, query="lumbra").json()["found"] == 1
    assert tried(house, query="farewell").json()["found"] == 0
