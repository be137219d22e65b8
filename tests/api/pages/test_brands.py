"""The brands' pages: a query is tried as it is changed, and saved it is what is listened for."""

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from listener.access import Role
from listener.store.tables import Brand
from tests.api.conftest import House

one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def client(full_house: House) -> TestClient:
    return full_house.client(Role.ADMINISTRATOR)


def row(house: House, name: str = "Lumbra") -> Brand:
    with house.store.reading() as session:
        return session.get_one(Brand, house.brand(name))


def save(house: House, client: TestClient, **changes: Any) -> Any:
    sent = {"query": row(house).query, "everywhere": "yes", "version": row(house).version} | changes
    return client.post(f"/brands/{house.brand('Lumbra')}", data=sent)


@one_database
def test_a_query_is_tried_with_what_it_finds_and_loses(full_house: House, client: TestClient) -> None:
    answer = client.post(
        f"/brands/{full_house.brand('Lumbra')}/preview",
        data={"query": "lumbra OR telmira", "unless": "solved"},
        headers={"X-Fragment": "1"},
    )
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "5 of the last 5 mentions" in answer.text
    assert "<mark>Telmira</mark>" in answer.text
    assert "the text has solved, which stands under unless" in answer.text
    assert "&lt;script&gt;" in answer.text
    assert "<script>" not in answer.text
    less = client.post(f"/brands/{full_house.brand('Lumbra')}/preview", data={"query": "lumbra AND down"})
    assert "3 of the brand" in less.text
    wrong = client.post("/brands/preview", data={"query": "lumbra AND <b>("})
    assert "is missing" in wrong.text or "cannot" in wrong.text or 'role="alert"' in wrong.text
    assert "<b>(" not in wrong.text


@one_database
def test_saved_and_back_to_the_file(full_house: House, client: TestClient) -> None:
    changes = {"query": "lumbra OR luz", "unless": "concert\n\nmuseum", "theme": ["price", ""], "finds": ["cheap", ""],
               "relevance": "30"}  # fmt: skip
    assert save(full_house, client, **changes).status_code == 303
    brand = row(full_house)
    assert (brand.query, brand.themes) == ("lumbra OR luz", {"price": "cheap"})
    assert brand.relevance == {"context": [], "unless": ["concert", "museum"], "threshold": 0.3}
    page = client.get(f"/brands/{brand.id}").text
    assert "Not as escucha.yml says" in page
    back = client.post(f"/brands/{brand.id}/reset", data={"field": "query", "version": brand.version})
    assert back.status_code == 303
    assert row(full_house).query == '"Lumbra"'


@one_database
def test_two_who_edit_at_once_see_both_versions(full_house: House, client: TestClient) -> None:
    stale = row(full_house).version
    assert save(full_house, client, query="theirs").status_code == 303
    answer = save(full_house, client, query="mine", version=stale)
    assert answer.status_code == 409
    assert "<td>mine</td><td>theirs</td>" in answer.text
    assert row(full_house).query == "theirs"
    version = re.search(r'name="version" value="(\d+)"', answer.text)
    assert version is not None
    assert save(full_house, client, query="mine", version=version[1]).status_code == 303


@one_database
@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"query": "a AND"}, 422, "the query does not read"),
        ({"unless": "fine\n-"}, 422, "does not read"),
        ({"relevance": "half"}, 422, "The threshold is a number from 0 to 100"),
        ({"theme": ["x" * 61], "finds": ["y"]}, 422, "at most 60 characters"),
        ({"role": "friend"}, 422, "role"),
    ],
)
def test_what_makes_no_brand_comes_back_as_it_was_filled_in(
    full_house: House, client: TestClient, changes: dict[str, Any], status: int, words: str
) -> None:
    answer = save(full_house, client, **changes)
    assert (answer.status_code, words in answer.text) == (status, True), answer.text[-3000:]
    assert row(full_house).edits == {}


@one_database
def test_added_listed_and_retired(full_house: House, client: TestClient) -> None:
    hostile = '<i>Aero</i> "luz"'
    added = client.post("/brands/new", data={"name": hostile, "everywhere": "yes"})
    assert added.status_code == 303
    listed = client.get("/brands").text
    assert "&lt;i&gt;Aero&lt;/i&gt;" in listed
    assert "<i>Aero" not in listed
    page = client.get(added.headers["location"]).text
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    assert client.post("/brands/new", data={"name": hostile.upper(), "everywhere": "yes"}).status_code == 422
    assert client.post(f"{added.headers['location']}/retire", data={"version": version[1]}).status_code == 303
    assert client.get(added.headers["location"]).status_code == 404


@one_database
def test_whose_brands_are_seen_and_changed(full_house: House) -> None:
    viewer = full_house.client(Role.VIEWER, "Lumbra")
    listed = viewer.get("/brands").text
    assert "Telmira" not in listed
    assert "Add a brand" not in listed
    assert viewer.get(f"/brands/{full_house.brand('Telmira')}").status_code == 404
    assert save(full_house, viewer, query="x").status_code == 403
    other = full_house.client(Role.ADMINISTRATOR, "Telmira")
    assert save(full_house, other, query="x").status_code == 404
    assert other.get("/brands/new").status_code == 403
    seen = viewer.post(f"/brands/{full_house.brand('Lumbra')}/preview", data={"query": "telmira"})
    assert "0 of the last 4 mentions" in seen.text
