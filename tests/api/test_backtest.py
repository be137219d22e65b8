"""A rule is tried over the API: what it would have done, what other settings change, and what cannot be asked."""

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from listener.items import Author
from listener.jobs.alert import judge_batch
from listener.store.tables import Alert

from .conftest import HOSTILE, House

PLACE = "/api/v1/alerts/backtest"


@pytest.fixture
def past(house: House) -> House:
    """Three incidents of Lumbra's, twelve hours apart, of which one is far-reaching and one hostile."""
    house.hear(1, "Lumbra is down again, I am leaving", "detractor", reach=900, author=Author("a1", handle="ana"))
    house.clock.advance(hours=12)
    house.hear(2, "Lumbra lost my order", "detractor", reach=5)
    house.hear(3, "Thank you Lumbra", "promoter")
    house.clock.advance(hours=12)
    house.hear(4, HOSTILE, "detractor")
    judge_batch(house.store, house.clock())
    house.clock.advance(hours=1)
    return house


@pytest.fixture
def client(past: House) -> TestClient:
    return past.client()


def test_what_a_rule_would_have_done_is_what_it_did(client: TestClient, past: House) -> None:
    until = past.clock().isoformat()

    found = client.get(PLACE, params={"brand": "Lumbra", "rule": "detractor", "days": 7, "until": until}).json()

    with past.store.reading() as session:
        stored = session.exec(select(Alert).order_by(col(Alert.id))).all()
    tried = found["in_force"]
    assert [(one["count"], one["because"]) for one in tried["incidents"]] == [
        (row.count, row.because) for row in stored
    ]
    assert (tried["told"], tried["too_small"], len(tried["incidents"])) == (3, 0, 3)
    assert tried["reasons"] == {"opened_incident": 3, "not_a_detractor": 1}
    assert tried["incidents"][0]["example"]["author"] == "ana"
    assert (found["proposed"], found["difference"], found["yaml"]) == (None, None, None)
    # An import is read from its first mention to its last.
    assert found["read_s"] == timedelta(hours=24).total_seconds()
    assert tried["expected"]["in_words"] == "about 21 a week (4 to 62)"


def test_settings_are_tried_before_they_are_saved(client: TestClient, past: House) -> None:
    asked = {
        "brand": "Lumbra", "rule": "detractor", "days": 7, "until": past.clock().isoformat(),
        "settings": {"min_reach": 100, "when": "-order"},
    }  # fmt: skip

    found = client.post(PLACE, json=asked).json()

    assert (found["in_force"]["told"], found["proposed"]["told"]) == (3, 1)
    change = found["difference"]
    assert (change["new"], change["gone"], change["staying"], change["kept"]) == (0, 2, 1, 1)
    assert len(change["gone_incidents"]) == 2
    assert found["proposed"]["settings"]["min_reach"] == 100
    assert found["proposed"]["settings"]["window"] == "4h"
    assert found["yaml"].splitlines()[2:] == [
        "  alerts:",
        "    detractor:",
        "      min_reach: 100",
        "      when: -order",
    ]
    query = {"brand": "Lumbra", "rule": "detractor", "days": 7, "until": past.clock().isoformat()}
    assert client.get(PLACE, params={**query, "set": ["min_reach=100", "when=-order"]}).json() == found


def test_nothing_is_saved(client: TestClient, past: House) -> None:
    with past.store.reading() as session:
        before = len(session.exec(select(Alert)).all())

    client.post(PLACE, json={"brand": "Lumbra", "rule": "detractor", "days": 366, "settings": {"min_probability": 0}})

    with past.store.reading() as session:
        assert len(session.exec(select(Alert)).all()) == before


@pytest.mark.parametrize("rule", ["spike", "unanswered", "competitor", "crisis", "reach", "promoter"])
def test_every_rule_about_a_brand_can_be_tried(client: TestClient, past: House, rule: str) -> None:
    asked = {"brand": "Lumbra", "rule": rule, "days": 2, "until": past.clock().isoformat()}

    found = client.get(PLACE, params=asked)

    assert found.status_code == 200, found.text
    assert sum(found.json()["in_force"]["reasons"].values()) > 0


def test_a_rule_about_sources_is_tried_without_a_brand(client: TestClient, past: House) -> None:
    found = client.get(
        PLACE, params={"rule": "coverage", "days": 1, "until": past.clock().isoformat(), "set": "every=1h"}
    )

    assert found.status_code == 200, found.text
    assert (found.json()["brand"], found.json()["yaml"]) == (None, "alerts:\n  coverage:\n    every: 1h\n")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("brand=Lumbra&rule=rain", "there is no rule 'rain'; there are competitor"),
        ("brand=Nobody&rule=detractor", "no brand is called 'Nobody'; there are: Lumbra, Telmira"),
        ("rule=detractor", "the rule detractor is about a brand; there are: Lumbra, Telmira"),
        ("brand=Lumbra&rule=coverage", "the rule coverage is about sources"),
        ("brand=Lumbra&rule=detractor&set=min_probability", "a setting is written as min_probability=0.8"),
        ("brand=Lumbra&rule=detractor&set=min_probability=7", "min_probability lies between 0 and 1"),
        ("brand=Lumbra&rule=detractor&set=min_probablity=0.7", "min_probability"),
        ("brand=Lumbra&rule=detractor&set=labels=[", "the value of labels is no YAML"),
        ("brand=Lumbra&rule=detractor&set=when=(late", "this ( is never closed"),
        ("brand=Lumbra&rule=detractor&until=0001-01-02T00:00:00Z", "too near an end of the calendar"),
    ],
)
def test_what_cannot_be_tried_is_said_in_words(client: TestClient, query: str, words: str) -> None:
    answer = client.get(f"{PLACE}?{query}")

    assert answer.status_code == 422
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    "query", ["rule=detractor&brand=Lumbra&days=0", "rule=detractor&brand=Lumbra&days=999", "brand=x"]
)
def test_what_has_the_wrong_shape_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"{PLACE}?{query}").status_code == 422


def test_one_request_does_so_much_and_no_more(client: TestClient, past: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routes.backtest.MOST", 3)

    answer = client.get(PLACE, params={"brand": "Lumbra", "rule": "detractor", "until": past.clock().isoformat()})

    assert answer.status_code == 422
    assert "4 mentions, and at most 3 are tried here" in answer.json()["detail"]
