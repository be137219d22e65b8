"""Incidents over HTTP: found by filters, acted on once, told in full, and counted."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, select

from api.wiring import brand_row
from listener import clock as clock_module
from listener.access import Permission, Role
from listener.configfile import BrandEntry
from listener.items import Author
from listener.store import brands, life
from listener.store.life import Act
from listener.store.tables import Alert, table

from .conftest import House

Post = Callable[..., Any]


@pytest.fixture
def client(full_house: House, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """The application without a socket, on the house's own clock."""
    monkeypatch.setattr(clock_module, "now", full_house.clock)
    return full_house.client()


@pytest.fixture
def post(full_house: House, client: TestClient) -> Post:
    """Act on the incident, as somebody who may act on everything."""
    people: dict[str, TestClient] = {}

    def send(act: str, alert_id: int = 1, by: str = "ana", **body: Any) -> Any:
        if by not in people:
            people[by] = full_house.client(Role.AGENT, name=by)
        return people[by].post(f"/api/v1/alerts/{alert_id}/{act}", json=body)

    return send


def test_an_act_answers_with_the_incident_as_it_is_then(post: Post) -> None:
    done = post("acknowledge").json()
    assert (done["state"], done["acknowledged_by"], done["changed"]) == ("acknowledged", "ana", True)
    assert done["timeline"][-1]["kind"] == "acknowledged"


def test_the_same_again_is_done_once_and_says_who_was_first(post: Post) -> None:
    first = post("acknowledge").json()
    again = post("acknowledge", by="luis").json()
    assert (again["changed"], again["acknowledged_by"]) == (False, "ana")
    assert {**again, "changed": True} == first


def test_each_act_has_its_door(post: Post) -> None:
    assert post("assign").json()["assigned_to"] == "ana"
    assert post("snooze", **{"for": "4h"}).json()["snoozed_until"] == "2026-11-21T16:00:00Z"
    assert post("wake").json()["state"] == "open"
    assert post("answer", at="2026-11-21T13:00:00+01:00").json()["answered_at"] == "2026-11-21T12:00:00Z"
    assert post("note", text="called them").json()["timeline"][-1]["detail"] == {"text": "called them"}
    assert post("feedback", useful=False).json()["feedback"][0]["useful"] is False
    resolved = post("resolve", why="refunded").json()
    assert (resolved["state"], resolved["resolved_by"], resolved["resolved_why"]) == ("resolved", "ana", "refunded")
    assert post("reopen").json()["reopened"] == 1


@pytest.mark.parametrize(
    ("act", "body", "status", "says"),
    [
        ("assign", {"to": ""}, 422, "to"),
        ("assign", {"to": " \u202e\n"}, 422, "say who does it"),
        ("resolve", {"why": "x", "as": "root"}, 422, "/as"),
        ("answer", {"at": "0001-01-01T00:00:00+14:00"}, 422, "calendar"),
        ("snooze", {}, 422, 'such as \\"4h\\"'),
        ("snooze", {"until": "2026-11-21T14:00:00"}, 422, "time zone"),
        ("snooze", {"for": "soon"}, 422, "looks like"),
        ("snooze", {"for": "60d"}, 409, "30 days"),
        ("snooze", {"until": "2020-01-01T00:00:00Z"}, 409, "ends in the future"),
        ("note", {"text": ""}, 422, "text"),
        ("feedback", {}, 422, "useful"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(
    post: Post, act: str, body: dict[str, Any], status: int, says: str
) -> None:
    answer = post(act, **body)
    assert answer.status_code == status
    assert says in answer.text


def test_an_act_on_what_is_resolved_says_to_reopen_it(post: Post) -> None:
    post("resolve")
    answer = post("acknowledge", by="luis")
    assert (answer.status_code, answer.json()["detail"]) == (
        409, "the incident is resolved, so it cannot be acknowledged; reopen it first",
    )  # fmt: skip


def test_to_take_what_another_has_is_refused_unless_it_is_taken_over(post: Post) -> None:
    post("assign")
    refused = post("assign", by="luis")
    assert (refused.status_code, "ana has it already" in refused.text) == (409, True)
    assert post("assign", by="luis", over=True).json()["assigned_to"] == "luis"


def test_what_is_not_there_cannot_be_acted_on(post: Post) -> None:
    assert post("acknowledge", alert_id=999).status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 1), ("brand=Lumbra&rule=detractor", 1), ("rule=spike", 0), ("state=open", 0), ("state=acknowledged", 1),
        ("state=unresolved", 1), ("severity=warning", 1), ("severity=critical", 0), ("assignee=ana", 1),
        ("assignee=luis", 0), ("assignee=nobody", 0), ("team=press", 0), ("text=LUMBR", 1), ("text=_x", 0),
    ],
)  # fmt: skip
def test_lists_are_narrowed(client: TestClient, post: Post, query: str, found: int) -> None:
    post("assign")
    assert len(client.get(f"/api/v1/alerts?{query}").json()["items"]) == found


def test_what_was_told_and_what_was_not_is_told_with_its_reason(full_house: House, client: TestClient) -> None:
    full_house.hear(7, "Lumbra is down here as well", "detractor")
    full_house.judge_and_tell()
    whole = client.get("/api/v1/alerts/1").json()
    told, held = whole["decisions"]
    assert (told["action"], told["channel"], told["reason"], told["key"]) == (
        "send", "log", "incident_opened", whole["deliveries"][0]["key"],
    )  # fmt: skip
    assert (held["action"], held["reason"]) == ("hold", "already_notified")
    assert held["sentence"] == "People know of this incident, and it has not grown to its next size."


class TestContext:
    def test_thread_history_answers_and_suggestions_stand_around_a_mention(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(clock_module, "now", house.clock)
        with house.store.transaction() as session:
            rows = [brand_row(BrandEntry(name="Lumbra", accounts=("@LumbraHelp",), alerts={"promoter": False}))]
            brands.save_brands(session, rows, house.clock())
        ana, team = Author("a1", handle="ana"), Author("b1", handle="lumbrahelp")
        house.hear(1, "Lumbra charged me twice", "detractor", author=ana)
        house.clock.advance(days=2)
        house.hear(2, "Lumbra, anybody?", "passive", reply_to="0")
        house.clock.advance(minutes=1)
        house.hear(3, "Lumbra is down and I want a refund", "detractor", author=ana, reply_to="2", reach=90)
        house.clock.advance(minutes=1)
        house.hear(4, "Lumbra here: we look into it", "passive", author=team, reply_to="3")
        house.judge_and_tell()
        client = house.client()
        (around,) = client.get("/api/v1/alerts/2").json()["context"]
        assert [post["native_id"] for post in around["above"]] == ["2"]
        assert around["cut_above"]
        assert [(post["native_id"], post["by_brand"]) for post in around["below"]] == [("4", True)]
        assert [post["native_id"] for post in around["answers"]] == ["4"]
        assert (around["history"]["total"], around["history"]["labels"]) == (1, {"detractor": 1})
        assert [one["native_id"] for one in around["history"]["last"]] == ["1"]
        assert [one["name"] for one in around["suggestions"]] == ["outage", "billing", "returning"]

    def test_references_that_go_round_in_circles_end(self, house: House) -> None:
        house.hear(1, "Lumbra is down", "detractor", reply_to="2")
        house.hear(2, "Lumbra too", "passive", reply_to="1")
        house.judge_and_tell()
        client = house.client()
        (around,) = client.get("/api/v1/alerts/1").json()["context"]
        assert ([post["native_id"] for post in around["above"]], around["cut_above"]) == (["2"], False)


class TestFigures:
    def test_service_levels_count_what_is_late_and_open(self, full_house: House, client: TestClient) -> None:
        full_house.clock.advance(minutes=61)
        (row,) = client.get("/api/v1/alerts/service?by=severity").json()["items"]
        assert (row["name"], row["episodes"]) == ("warning", 1)
        assert (row["acknowledge"]["late_open"], row["acknowledge"]["within"]["value"]) == (1, 0.0)
        assert (row["resolve"]["waiting"], row["resolve"]["within"]) == (1, None)

    def test_times_are_of_what_people_did(self, full_house: House, client: TestClient, post: Post) -> None:
        full_house.clock.advance(minutes=10)
        post("acknowledge")
        (row,) = client.get("/api/v1/alerts/service").json()["items"]
        assert (row["acknowledge"]["p50_s"], row["acknowledge"]["within"]["part"]) == (600.0, 1)

    def test_precision_has_its_interval_and_its_number(self, client: TestClient, post: Post) -> None:
        post("feedback", useful=True)
        post("feedback", useful=True, by="luis")
        (row,) = client.get("/api/v1/alerts/precision").json()["items"]
        assert (row["share"]["part"], row["share"]["whole"], row["too_low"]) == (1, 1, False)
        assert row["share"]["low"] == pytest.approx(0.2065, abs=1e-4)

    def test_a_rule_that_is_too_seldom_useful_gets_a_threshold_proposed_and_keeps_its_own(self, house: House) -> None:
        # Ten of which nobody had use, at 62 %, and four that were useful, at 90 %.
        for number in range(14):
            house.clock.now = datetime.now(UTC) - timedelta(days=14 - number)
            house.hear(number, "Lumbra is down", "detractor" if number < 4 else "doubtful")
            house.judge_and_tell()
            with house.store.transaction() as session:
                life.perform(session, number + 1, Act.FEEDBACK, "ana", house.clock(), useful=number < 4)
        client = house.client()
        (row,) = client.get("/api/v1/alerts/precision?propose=true").json()["items"]
        assert row["too_low"]
        proposal = row["proposal"]
        assert (proposal["in_force"]["useful"], proposal["in_force"]["not_useful"]) == (4, 10)
        assert proposal["chosen"]["changes"] == {"min_probability": 0.65}
        assert (proposal["chosen"]["useful"], proposal["chosen"]["not_useful"]) == (4, 0)
        assert "min_probability: 0.65" in proposal["yaml"]
        with house.store.reading() as session:
            lumbra = brands.brand_named(session, "Lumbra")
        assert lumbra is not None
        assert "detractor" not in lumbra.alerting


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestBrands:
    """Lumbra's incident is number 1; number 2 is of no single brand."""

    @pytest.fixture
    def of_all(self, full_house: House) -> None:
        with full_house.store.transaction() as session:
            row = session.connection().execute(select(table(Alert))).mappings().one()
            of_none = {**row, "id": 2, "brand_id": None, "rule": "coverage"}
            session.connection().execute(insert(table(Alert)).values(**of_none))

    @pytest.mark.parametrize(
        ("role", "brand", "sees", "acts"),
        [
            (Role.AGENT, None, [2, 1], [1, 2]),
            (Role.AGENT, "Lumbra", [1], [1]),
            (Role.AGENT, "Telmira", [], []),
            (Role.VIEWER, "Lumbra", [1], []),
            (Role.MARKETER, None, [2, 1], []),
        ],
    )
    def test_everybody_sees_and_changes_what_is_theirs(
        self, full_house: House, of_all: None, role: Role, brand: str | None, sees: list[int], acts: list[int]
    ) -> None:
        client = full_house.client(role, brand)
        listed = client.get("/api/v1/alerts").json()["items"]
        assert [one["id"] for one in listed] == sees
        assert [number for number in (1, 2, 3) if client.get(f"/api/v1/alerts/{number}").status_code == 200] == sorted(
            sees
        )
        answers = {number: client.post(f"/api/v1/alerts/{number}/acknowledge").status_code for number in (1, 2, 3)}
        refused = 404 if role is Role.AGENT else 403
        assert answers == {number: 200 if number in acts else refused for number in (1, 2, 3)}

    def test_figures_are_of_ones_own_brands(self, full_house: House, post: Post) -> None:
        post("feedback", useful=True)
        for brand, found in (("Lumbra", 1), ("Telmira", 0)):
            other = full_house.client(headers=full_house.key(Permission.READ_ALERTS, brand=brand))
            assert len(other.get("/api/v1/alerts/precision").json()["items"]) == found
            episodes = [row["episodes"] for row in other.get("/api/v1/alerts/service").json()["items"]]
            assert sum(episodes) == found
            assert len(other.get("/api/v1/deliveries").json()["items"]) == found
            assert other.get("/api/v1/deliveries/1").status_code == (200 if found else 404)
            assert other.post("/api/v1/deliveries/1/resend").status_code == 403
