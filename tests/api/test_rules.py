"""Rules over the API: what each brand has, changes that the jobs go by at once, and nothing of other brands."""

from typing import Any

import pytest
from sqlmodel import select

from alerts.registry import RULES
from api.dashboard.rule_words import RULE_NAMES, SETTINGS
from listener.access import Permission, Role
from listener.jobs.alert import judge_batch
from listener.store.tables import Alert, Audit

from .conftest import House

one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def place(house: House, rule: str = "detractor", brand: str = "Lumbra") -> str:
    return f"/api/v1/brands/{house.brand(brand)}/rules/{rule}"


def patch(house: House, change: dict[str, Any], rule: str = "detractor", tag: str = "*") -> Any:
    return house.client().patch(place(house, rule), json=change, headers={"If-Match": tag})


def alerts(house: House) -> int:
    judge_batch(house.store, house.clock())
    with house.store.reading() as session:
        return len(session.exec(select(Alert)).all())


def test_a_changed_rule_is_what_the_alert_job_goes_by_next(house: House) -> None:
    house.hear(1, "Lumbra is down", "detractor", reach=900)
    assert alerts(house) == 1
    answer = patch(house, {"settings": {"min_reach": 1000}})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["changed"], answer.json()["edited"]) == (["min_reach"], True)
    house.clock.advance(hours=5)
    house.hear(2, "Lumbra lost my order", "detractor", reach=900)
    assert alerts(house) == 1
    patch(house, {"settings": {}})
    house.hear(3, "Lumbra never answers", "detractor", reach=900)
    assert alerts(house) == 2
    patch(house, {"on": False})
    house.clock.advance(hours=5)
    house.hear(4, "Lumbra is down again", "detractor", reach=900)
    assert alerts(house) == 2


@one_database
def test_on_and_off_and_back_to_the_file(house: House) -> None:
    assert house.client().get(place(house, "promoter")).json()["on"] is False
    on = patch(house, {"on": True}, "promoter").json()
    assert (on["on"], on["in_file"], on["settings"]["min_probability"]) == (True, False, 0.7)
    kept = patch(house, {"settings": {"min_probability": 0.9}}, "promoter").json()
    assert (kept["on"], kept["settings"]["min_probability"]) == (True, 0.9)
    client = house.client()
    back = client.delete(
        f"/api/v1/brands/{house.brand('Lumbra')}/edits", params={"field": "alerts.promoter"}, headers={"If-Match": "*"}
    )
    assert back.status_code == 200
    assert client.get(place(house, "promoter")).json()["on"] is False


@one_database
def test_two_editors_and_who_did_it(house: House) -> None:
    client = house.client(Role.ADMINISTRATOR)
    tag = client.get(place(house)).headers["ETag"]
    first = client.patch(place(house), json={"settings": {"min_reach": 5}}, headers={"If-Match": tag})
    second = client.patch(place(house), json={"settings": {"min_reach": 7}}, headers={"If-Match": tag})
    assert (first.status_code, second.status_code) == (200, 412)
    assert client.patch(place(house), json={"on": True}).status_code == 428
    with house.store.reading() as session:
        kept = session.exec(select(Audit).where(Audit.action == "rule.edited")).one()
    assert kept.actor == "ana <ana@administrator.none.example>"
    assert kept.detail["after"]["alerts"]["detractor"] == {"min_reach": 5}


@one_database
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"settings": {"min_probability": 7}}, "min_probability lies between 0 and 1"),
        ({"settings": {"min_probablity": 0.7}}, "min_probability"),
        ({"settings": {"when": "lumbra AND"}}, "it does not read"),
        ({"settings": {"min_reach": 10**30}}, "too large"),
        ({"settings": {"when": "a\u0000b"}}, "NUL"),
        ({"settings": {"labels": [[[[[[[["x"]]]]]]]]}}, "nested"),
    ],
)
def test_what_makes_no_rule_is_refused(house: House, change: dict[str, Any], words: str) -> None:
    answer = patch(house, change)
    assert answer.status_code == 422
    assert words in answer.text
    assert house.client().get(place(house)).json()["edited"] is False


@one_database
def test_only_ones_own_brands_rules(house: House) -> None:
    client = house.client(headers=house.key(Permission.READ_SETUP, Permission.EDIT_RULES, brand="Lumbra"))
    assert client.get(place(house)).status_code == 200
    for rule in ("detractor", "rain"):
        assert client.get(place(house, rule, "Telmira")).status_code == 404
        change = client.patch(place(house, rule, "Telmira"), json={"on": True}, headers={"If-Match": "*"})
        assert change.status_code == 404
    assert client.get(place(house, "coverage")).status_code == 404
    kinds = {one["rule"]: one for one in client.get("/api/v1/rules").json()["items"]}
    assert kinds["coverage"]["in_force"] is None
    whole = {one["rule"]: one for one in house.client().get("/api/v1/rules").json()["items"]}
    assert whole["coverage"]["in_force"]["failing"] == "1h"


@one_database
def test_every_rule_and_setting_has_words(house: House) -> None:
    kinds = house.client().get("/api/v1/rules").json()["items"]
    assert {one["rule"] for one in kinds} == set(RULES) == set(RULE_NAMES)
    assert {setting["name"] for one in kinds for setting in one["settings"]} == set(SETTINGS)
    listed = house.client().get(f"/api/v1/brands/{house.brand('Telmira')}/rules").json()["items"]
    assert [one["rule"] for one in listed if one["on"]] == ["competitor"]
