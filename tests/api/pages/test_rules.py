"""The rules page: what is filled in is tried before it is saved, and saved it is what the jobs go by."""

import re
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from alerts.expectation import rate
from alerts.registry import RULES
from api.dashboard import rule_fields
from api.dashboard.rule_words import CHOICES
from api.routes import backtest
from listener.access import Role
from listener.jobs.alert import judge_batch
from listener.store.tables import Alert, Brand
from tests.api.conftest import HOSTILE, House

one_database = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def form(house: House, rule: str = "detractor", **changes: Any) -> dict[str, Any]:
    """What a browser sends of a rule's form as it is, with some settings filled in otherwise."""
    with house.store.reading() as session:
        brand = session.get_one(Brand, house.brand("Lumbra"))
    sent: dict[str, Any] = {"rule": rule, "on": "on", "version": str(brand.version)}
    said = brand.alerting.get(rule)
    for field in rule_fields.fields(rule, said if isinstance(said, dict) else {}):
        if field.kind != "check" or field.value:
            sent[f"set.{field.name}"] = "on" if field.kind == "check" else field.value
    sent |= {name if name in ("on", "version") else f"set.{name}": value for name, value in changes.items()}
    return {name: value for name, value in sent.items() if value is not None}


def save(house: House, client: TestClient, rule: str = "detractor", **changes: Any) -> Any:
    return client.post(f"/rules/{house.brand('Lumbra')}", data=form(house, rule, **changes))


@pytest.fixture
def client(house: House) -> TestClient:
    return house.client(Role.ADMINISTRATOR)


def test_tried_then_saved_then_what_the_jobs_go_by(
    house: House, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.hear(1, "Lumbra is down", "detractor", reach=900)
    house.hear(2, HOSTILE, "detractor", reach=5)
    house.clock.advance(hours=1)
    monkeypatch.setattr("api.dashboard.pages.rules.clock.now", house.clock)
    asked = form(house, min_reach="100")

    tried = client.post(f"/rules/{house.brand('Lumbra')}/try", data=asked, headers={"X-Fragment": "1"})

    assert tried.status_code == 200, tried.text
    assert "<html" not in tried.text
    rows = re.findall(r'<th scope="row">(.*?)</th><td class="figure">(.*?)</td>', tried.text)
    assert rows == [("As it is now", "1"), ("As filled in", "1")]
    assert "<script>alert" not in tried.text
    with house.store.reading() as session:
        assert session.get_one(Brand, house.brand("Lumbra")).edits == {}
    saved = save(house, client, min_reach="1000")
    assert (saved.status_code, saved.headers["location"]) == (303, "/rules?brand=Lumbra#detractor")
    assert "It holds from the next mention on." in client.get("/rules").text
    judge_batch(house.store, house.clock())
    with house.store.reading() as session:
        assert session.exec(select(Alert)).all() == []


@one_database
def test_without_script_the_whole_page_comes_with_what_was_tried(house: House, client: TestClient) -> None:
    answer = client.post(f"/rules/{house.brand('Lumbra')}/try", data=form(house, min_probability="85"))
    assert answer.status_code == 200
    assert 'value="85"' in answer.text
    assert "In the last 30 days" in answer.text
    assert "nobody can say" in answer.text


@one_database
def test_a_rate_needs_a_day_that_was_read_and_comes_in_whole_numbers(
    house: House, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = backtest.tried

    def expected(hours: int) -> str:
        found = rate(0, timedelta(hours=hours))
        assert found is not None
        read = {"expected": backtest.Expected.of(found)}

        def as_read(*asked: Any) -> backtest.Answer:
            answer = tried(*asked)
            assert answer.proposed is not None
            lots = {"in_force": answer.in_force, "proposed": answer.proposed}
            changed = {name: lot.model_copy(update=read) for name, lot in lots.items()}
            return answer.model_copy(update=changed | {"read_s": hours * 3600.0})

        monkeypatch.setattr(backtest, "tried", as_read)
        page = client.post(f"/rules/{house.brand('Lumbra')}/try", data=form(house), headers={"X-Fragment": "1"}).text
        return page[page.index("As filled in") :][:200]

    assert "less than a day of the time was read: too little to say" in expected(2)
    assert re.search(r"none; at most \d a week", expected(24 * 20))


@one_database
def test_what_the_file_says_is_told_in_the_words_of_the_form(house: House, client: TestClient) -> None:
    page = client.get("/rules").text
    assert "Asked every: " in page
    assert "when: null" not in page
    assert save(house, client, min_reach="5").status_code == 303
    brand = client.get(f"/brands/{house.brand('Lumbra')}").text
    assert "alerts.detractor" not in brand.replace('value="alerts.detractor"', "")


@one_database
def test_two_who_edit_at_once_see_both_versions(house: House, client: TestClient) -> None:
    stale = form(house, min_reach="7")["version"]
    assert save(house, client, min_reach="5").status_code == 303
    answer = save(house, client, min_reach="7", version=stale)
    assert answer.status_code == 409
    assert "nothing was saved" in answer.text
    assert "<td><bdi>7</bdi></td><td><bdi>5</bdi></td>" in answer.text
    with house.store.reading() as session:
        assert session.get_one(Brand, house.brand("Lumbra")).alerting["detractor"] == {"min_reach": 5}


@one_database
@pytest.mark.parametrize(
    ("rule", "changes", "words"),
    [
        ("detractor", {"min_probability": "many"}, "&#39;many&#39; is no number"),
        ("detractor", {"min_probability": "170"}, "a probability is from 0 to 100 %; got 170 %"),
        ("detractor", {"window": "soon"}, "a length of time looks like"),
        ("detractor", {"grow_at": "5, x"}, "numbers with commas between"),
        ("detractor", {"when": "<b> AND"}, "&lt;b&gt; AND"),
        ("unanswered", {"hours": "- &a [*a, *a]"}, "no &amp; and * here"),
        ("unanswered", {"hours": "- ["}, "this cannot be read"),
    ],
)
def test_what_makes_no_rule_comes_back_as_it_was_filled_in(
    house: House, client: TestClient, rule: str, changes: dict[str, str], words: str
) -> None:
    answer = save(house, client, rule, **changes)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'role="alert"' in answer.text


@one_database
def test_off_and_back_to_the_file(house: House, client: TestClient) -> None:
    assert save(house, client, on=None).status_code == 303
    page = client.get("/rules", params={"brand": "Lumbra"}).text
    assert "changed here" in page
    version = form(house)["version"]
    back = client.post(f"/rules/{house.brand('Lumbra')}/reset", data={"rule": "detractor", "version": version})
    assert back.status_code == 303
    assert "changed here" not in client.get("/rules").text


@one_database
def test_whose_rules_are_seen_and_changed(house: House) -> None:
    viewer = house.client(Role.VIEWER, "Lumbra")
    page = viewer.get("/rules")
    assert page.status_code == 200
    assert "Telmira" not in page.text
    assert ">Save<" not in page.text
    assert save(house, viewer, min_reach="5").status_code == 403
    assert viewer.get("/rules", params={"brand": "Telmira"}).status_code == 404
    admin = house.client(Role.ADMINISTRATOR, "Telmira")
    assert save(house, admin, min_reach="5").status_code == 404
    assert admin.post(f"/rules/{house.brand('Lumbra')}/try", data=form(house)).status_code == 404


@one_database
def test_in_spanish(house: House, client: TestClient) -> None:
    page = client.get("/rules", headers={"Accept-Language": "es"}).text
    assert "Reglas" in page
    assert "Probabilidad mínima" in page


def test_a_form_says_what_it_was_made_from() -> None:
    for rule, kind in RULES.items():
        fields = rule_fields.fields(rule, {})
        sent = {
            one.name: one.value if one.kind == "choices" else ["on"] * one.value if one.kind == "check" else [one.value]
            for one in fields
        }
        assert rule_fields.read(fields, sent) == ({}, {}), rule
        assert all(option in CHOICES for one in fields for option in one.options)
        assert kind.summary
    changed = rule_fields.fields("detractor", {"min_probability": 0.85, "labels": ["passive"], "critical_reach": None})
    sent = {one.name: one.value if one.kind == "choices" else [one.value] for one in changed}
    settings, wrong = rule_fields.read(changed, sent)
    assert (settings, wrong) == ({"min_probability": 0.85, "labels": ["passive"], "critical_reach": None}, {})
