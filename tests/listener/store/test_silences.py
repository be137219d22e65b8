"""Silences as they are stored: checked, audited, visible, and never without an end."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts.incident import Incident, State
from listener.store import incidents, silences
from listener.store.silences import LONGEST, LONGEST_COMMENT
from listener.store.tables import Alert, Audit, Brand
from tests.conftest import NOON
from tests.listener.conftest import Site

HOUR = timedelta(hours=1)


@pytest.fixture
def desk(site: Site) -> Iterator[Site]:
    site.brand()
    site.brand("Nubia")
    return site


def add(
    site: Site, matchers: dict[str, list[str]], start: datetime = NOON, end: datetime = NOON + HOUR, **more: Any
) -> int:
    said = {"created_by": "ana", "comment": "", "now": NOON} | more
    with site.store.transaction() as session:
        return silences.add(session, matchers, start, end, **said).id


def shown(site: Site, *stages: silences.Stage) -> list[silences.Shown]:
    with site.store.reading() as session:
        return silences.shown(session, site.clock(), *([stages] if stages else []))


def open_incident(site: Site, brand: str = "Aeroluz", rule: str = "detractor", **changes: Any) -> int:
    incident = Incident(None, brand, rule, NOON, NOON, 1, 0, **changes)
    with site.store.transaction() as session:
        return incidents.open_new(session, site.id_of(Brand, brand), incident, NOON)


def test_a_silence_is_active_then_past_and_says_how_many_it_mutes(desk: Site) -> None:
    number = add(desk, {"brand": ["Aeroluz"]}, comment="planned outage")
    open_incident(desk)
    open_incident(desk, rule="spike")
    open_incident(desk, brand="Nubia")
    open_incident(desk, rule="reach", state=State.RESOLVED)
    (one,) = shown(desk)
    assert (one.silence.id, one.stage, one.incidents, one.silence.comment) == (number, "active", 2, "planned outage")
    desk.clock.now = NOON + HOUR
    assert shown(desk) == []
    (one,) = shown(desk, "past")
    assert (one.stage, one.incidents, one.ended_by) == ("past", 0, None)


def test_one_is_found_by_its_number_whatever_else_there_is(desk: Site) -> None:
    first, second = add(desk, {"rule": ["spike"]}), add(desk, {"severity": ["warning"], "brand": ["Nubia"]})
    open_incident(desk, rule="spike")
    open_incident(desk, brand="Nubia")
    open_incident(desk, brand="Nubia", rule="spike")
    with desk.store.reading() as session:
        found = [silences.one(session, number, NOON) for number in (first, second)]
        assert [(one.silence.id, one.incidents) for one in found] == [(first, 2), (second, 2)]
        assert sorted(found, key=lambda one: one.silence.id) == sorted(
            silences.shown(session, NOON), key=lambda one: one.silence.id
        )
        with pytest.raises(KeyError, match="there is no silence 99"):
            silences.one(session, 99, NOON)


def test_one_that_is_to_come_mutes_nothing_yet(desk: Site) -> None:
    open_incident(desk)
    add(desk, {}, NOON + HOUR, NOON + 2 * HOUR)
    (one,) = shown(desk)
    assert (one.stage, one.incidents) == ("future", 0)
    assert shown(desk, "active") == []


def test_ending_one_is_done_once_and_kept(desk: Site) -> None:
    number = add(desk, {})
    desk.clock.advance(minutes=10)
    with desk.store.transaction() as session:
        assert silences.end(session, number, "luz", desk.clock())
        assert not silences.end(session, number, "bo", desk.clock())
    (one,) = shown(desk, "past")
    assert (one.silence.ends_at, one.ended_by) == (desk.clock.now, "luz")
    assert [(row.actor, row.action, row.subject) for row in desk.rows(Audit)] == [
        ("ana", "silence_added", f"silence {number}"), ("luz", "silence_ended", f"silence {number}"),
    ]  # fmt: skip
    assert desk.rows(Audit)[1].detail == {"would_have_ended": (NOON + HOUR).isoformat()}


def test_one_that_is_to_come_can_be_taken_back(desk: Site) -> None:
    number = add(desk, {}, NOON + HOUR, NOON + 2 * HOUR)
    with desk.store.transaction() as session:
        assert silences.end(session, number, "ana", NOON)
        assert silences.in_force(session, NOON) == []
    (one,) = shown(desk, "past")
    assert one.silence.starts_at == one.silence.ends_at == NOON


def test_ending_what_is_not_there_is_an_error(desk: Site) -> None:
    with desk.store.transaction() as session, pytest.raises(KeyError, match="there is no silence 9"):
        silences.end(session, 9, "ana", NOON)


def test_what_it_is_about_is_decided_at_once(desk: Site) -> None:
    mine, other = open_incident(desk), open_incident(desk, rule="spike")
    told = open_incident(desk, rule="reach", state=State.RESOLVED)
    with desk.store.transaction() as session:
        for number in (mine, other, told):
            session.get_one(Alert, number).decide_at = NOON + HOUR if number != told else None
    add(desk, {"rule": ["detractor"]}, now=NOON + timedelta(minutes=1))
    assert {row.id: row.decide_at for row in desk.rows(Alert)} == {
        mine: NOON + timedelta(minutes=1), other: NOON + HOUR, told: None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("matchers", "start", "end", "says"),
    [
        ({}, NOON, NOON, "is over by then"),
        ({}, NOON - 2 * HOUR, NOON - HOUR, "is over by then"),
        ({}, NOON, NOON + LONGEST + HOUR, "a silence lasts 31d at most"),
        ({}, NOON + timedelta(days=400), NOON + timedelta(days=401), "begins within 366d"),
        ({"colour": ["red"]}, NOON, NOON + HOUR, "incidents have no label 'colour'; there are: brand, rule"),
        ({"brands": ["Aeroluz"]}, NOON, NOON + HOUR, "did you mean brand?"),
        ({"brand": ["aeroluz"]}, NOON, NOON + HOUR, "no brand is called 'aeroluz'"),
        ({"rule": ["detractors"]}, NOON, NOON + HOUR, "did you mean detractor?"),
        ({"severity": ["awful"]}, NOON, NOON + HOUR, "no severity is called 'awful'; there are: info"),
        ({"platform": []}, NOON, NOON + HOUR, "platform: give one value or more"),
    ],
)  # fmt: skip
def test_what_makes_no_silence_is_refused_in_words(
    desk: Site, matchers: dict[str, list[str]], start: datetime, end: datetime, says: str
) -> None:
    with pytest.raises(ValueError, match=says.replace("?", r"\?")):
        add(desk, matchers, start, end)
    assert shown(desk, "active", "future", "past") == []


def test_it_begins_now_at_the_earliest(desk: Site) -> None:
    add(desk, {}, NOON - timedelta(days=60), NOON + HOUR)
    (one,) = shown(desk)
    assert one.silence.starts_at == NOON


def test_names_and_comments_are_kept_on_one_line_and_short(desk: Site) -> None:
    hostile = "a\x00na\n\u202ex\ud800"
    add(desk, {"platform": ["x\x00"]}, created_by=hostile, comment=hostile + "y" * 5_000)
    (one,) = shown(desk)
    assert one.silence.created_by == "ana x\ufffd"
    assert len(one.silence.comment) <= LONGEST_COMMENT
    assert one.silence.matchers == {"platform": ["x"]}
    with pytest.raises(ValueError, match="say who does it"):
        add(desk, {}, created_by=" \n")
