"""Brands over the API: what escucha.yml says holds until it is changed, and two who edit at once do not undo each
other's work."""

import json
from typing import Any

import pytest
from sqlmodel import select

from api.wiring import apply_config
from listener.access import Permission, Role
from listener.configfile import BrandEntry, ConfigFile
from listener.store.tables import Audit, Brand

from .conftest import House

one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def apply(house: House, *entries: BrandEntry) -> None:
    apply_config(house.store, ConfigFile(brands=entries))


def row(house: House, name: str = "Lumbra") -> Brand:
    with house.store.reading() as session:
        return session.exec(select(Brand).where(Brand.name == name)).one()


def patch(house: House, changes: dict[str, Any], version: int | None = None, name: str = "Lumbra") -> Any:
    client = house.client()
    # As text: half a character is none that the client would send by itself.
    tag = f'"{row(house, name).version if version is None else version}"'
    return client.patch(
        f"/api/v1/brands/{house.brand(name)}",
        content=json.dumps(changes),
        headers={"If-Match": tag, "Content-Type": "application/json"},
    )


def test_a_change_holds_for_the_jobs_and_outlives_the_file_being_read_again(house: House) -> None:
    apply(house, BrandEntry(name="Lumbra", query="lumbra", accounts=("@lumbra",)))

    answer = patch(
        house, {"query": "lumbra OR luz", "unless": ["concert"], "relevance": 0.3, "themes": {"price": "cheap"}}
    )

    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == f'"{row(house).version}"'
    assert [edit["field"] for edit in answer.json()["edits"]] == ["query", "unless", "relevance", "themes"]
    apply(house, BrandEntry(name="Lumbra", query="lumbra OR bombilla", accounts=("@lumbra", "@lumbrahelp")))
    brand = row(house)
    assert (brand.query, brand.accounts) == ("lumbra OR luz", ["@lumbra", "@lumbrahelp"])
    assert brand.relevance == {"context": [], "unless": ["concert"], "threshold": 0.3}
    edit = house.client().get(f"/api/v1/brands/{brand.id}").json()["edits"][0]
    assert edit == {"field": "query", "in_file": "lumbra OR bombilla", "in_force": "lumbra OR luz"}


def test_back_to_the_file(house: House) -> None:
    apply(house, BrandEntry(name="Lumbra", query="lumbra"))
    patch(house, {"query": "luz", "unless": ["concert"]})
    client, brand = house.client(), row(house)

    def back(**asked: str) -> Any:
        return client.delete(
            f"/api/v1/brands/{brand.id}/edits", params=asked, headers={"If-Match": f'"{row(house).version}"'}
        )

    assert back(field="query").json()["query"] == "lumbra"
    assert row(house).edits == {"unless": ["concert"]}
    again = back(field="query")
    assert (again.status_code, again.json()["detail"]) == (409, "query of 'Lumbra' is as escucha.yml says")
    assert back().json()["edits"] == []
    assert row(house).relevance == {"context": [], "unless": []}


def test_what_is_as_the_file_says_is_no_edit(house: House) -> None:
    apply(house, BrandEntry(name="Lumbra", query="lumbra"))
    before = row(house).version
    assert patch(house, {"query": "lumbra"}).json()["edits"] == []
    assert row(house).version == before


def test_two_who_edit_at_once_do_not_undo_each_others_work(house: House) -> None:
    version = row(house).version
    assert patch(house, {"query": "luz"}, version).status_code == 200

    stale = patch(house, {"unless": ["concert"]}, version)
    assert stale.status_code == 412
    assert stale.headers["ETag"] == f'"{version + 1}"'
    assert row(house).relevance["unless"] == []
    unsaid = house.client().patch(f"/api/v1/brands/{house.brand('Lumbra')}", json={"query": "x"})
    assert unsaid.status_code == 428


@one_database
@pytest.mark.parametrize(
    ("changes", "pointer", "words"),
    [
        ({"query": "lumbra AND"}, "/query", "the query does not read"),
        ({"unless": ["ok", '"never closed']}, "/unless/1", "does not read"),
        ({"themes": {"price\u202e": "x"}}, "/themes", "visible"),
        ({"relevance": 2}, "/relevance", "from 0 to 1"),
        ({"channels": ["nowhere"]}, "/channels/0", "no channel is called 'nowhere'"),
        ({"query": "a\x00b"}, "/query", "NUL"),
        ({"accounts": ["\ud800"]}, "/accounts", "unicode"),
        ({"query": "x" * 10_001}, "/query", "at most 10000 characters"),
        ({"colour": "red"}, "/colour", "Extra inputs"),
    ],
)
def test_what_makes_no_brand_is_refused_in_the_files_words(
    house: House, changes: dict[str, Any], pointer: str, words: str
) -> None:
    answer = patch(house, changes)
    assert answer.status_code == 422, answer.text
    [fault] = answer.json()["errors"]
    assert fault["pointer"].startswith(pointer)
    assert words in fault["detail"]
    assert row(house).edits == {}


def test_a_brand_added_here_is_none_of_the_files_business(house: House) -> None:
    client = house.client()
    added = client.post("/api/v1/brands", json={"name": "Aeroluz", "query": "aeroluz"})
    assert added.status_code == 201, added.text
    assert added.headers["Location"] == f"/api/v1/brands/{added.json()['id']}"
    apply(house, BrandEntry(name="Lumbra"))
    assert row(house, "Aeroluz").active
    assert not row(house, "Telmira").active

    twice = client.post("/api/v1/brands", json={"name": "aeroluz"})
    assert (twice.status_code, twice.json()["errors"][0]["pointer"]) == (422, "/name")
    in_file = client.delete(f"/api/v1/brands/{house.brand('Lumbra')}", headers={"If-Match": "*"})
    assert in_file.status_code == 409
    gone = client.delete(added.headers["Location"], headers={"If-Match": added.headers["ETag"]})
    assert gone.status_code == 204
    assert client.get(added.headers["Location"]).status_code == 404
    apply(house, BrandEntry(name="Lumbra"))
    assert not row(house, "Aeroluz").active


def test_a_brand_that_the_file_drops_is_retired_although_it_was_edited(house: House) -> None:
    apply(house, BrandEntry(name="Lumbra"), BrandEntry(name="Telmira"))
    patch(house, {"query": "x"}, name="Telmira")
    apply(house, BrandEntry(name="Lumbra"))
    assert not row(house, "Telmira").active
    apply(house, BrandEntry(name="Lumbra"), BrandEntry(name="Telmira"))
    assert (row(house, "Telmira").active, row(house, "Telmira").query) == (True, "x")


@one_database
def test_an_edit_of_a_brand_that_no_file_names_keeps_what_held(house: House) -> None:
    with house.store.transaction() as session:
        brand = session.exec(select(Brand).where(Brand.name == "Lumbra")).one()
        brand.file, brand.query, brand.accounts = None, "lumbra AND luz", ["@lumbra"]
        session.add(brand)
    patch(house, {"unless": ["concert"]})
    assert (row(house).query, row(house).accounts) == ("lumbra AND luz", ["@lumbra"])


@one_database
def test_whoever_may_see_one_brand_sees_and_changes_no_other(house: House) -> None:
    lumbra, telmira = house.brand("Lumbra"), house.brand("Telmira")
    client = house.client(headers=house.key(Permission.READ_SETUP, Permission.EDIT_BRANDS, brand="Lumbra"))
    assert [one["name"] for one in client.get("/api/v1/brands").json()["items"]] == ["Lumbra"]
    assert client.get(f"/api/v1/brands/{telmira}").status_code == 404
    change = client.patch(f"/api/v1/brands/{telmira}", json={"query": "x"}, headers={"If-Match": "*"})
    assert change.status_code == 404
    assert client.delete(f"/api/v1/brands/{telmira}", headers={"If-Match": "*"}).status_code == 404
    assert client.delete(f"/api/v1/brands/{telmira}/edits", headers={"If-Match": "*"}).status_code == 404
    assert client.post("/api/v1/brands", json={"name": "New"}).status_code == 403
    viewer = house.client(Role.VIEWER, "Lumbra")
    assert viewer.get(f"/api/v1/brands/{lumbra}").status_code == 200
    assert viewer.patch(f"/api/v1/brands/{lumbra}", json={}, headers={"If-Match": "*"}).status_code == 403


@one_database
def test_brands_come_in_pages_by_name(house: House) -> None:
    client = house.client()
    first = client.get("/api/v1/brands", params={"limit": 1}).json()
    second = client.get("/api/v1/brands", params={"limit": 1, "after": first["next"]}).json()
    assert [page["items"][0]["name"] for page in (first, second)] == ["Lumbra", "Telmira"]
    assert second["next"] is None


@one_database
def test_who_changed_what_is_kept(house: House) -> None:
    house.client(Role.ADMINISTRATOR).patch(
        f"/api/v1/brands/{house.brand('Lumbra')}", json={"query": "luz"}, headers={"If-Match": "*"}
    )
    with house.store.reading() as session:
        kept = session.exec(select(Audit).where(Audit.action == "brand.edited")).one()
    assert (kept.actor, kept.subject) == ("ana <ana@administrator.none.example>", "Lumbra")
    assert kept.detail == {"before": {"query": ""}, "after": {"query": "luz"}}
    assert row(house).edited_by == kept.actor
