"""The storm measures what it says, and the killed deliverers are judged rightly."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

import kill_deliver
import storm
from receive_slack import Temper


def test_a_temper_fails_its_share_from_the_first_on_in_every_way() -> None:
    temper = Temper(None, 1 / 3)
    turns = [temper.turn() for _ in range(9)]
    assert turns == ["lost", "ok", "ok", "500", "ok", "ok", "silence", "ok", "ok"]
    assert {Temper(None, 0.0).turn() for _ in range(5)} == {"ok"}


def test_a_temper_lets_so_many_through_in_a_second() -> None:
    temper = Temper(0.001, 0.0)
    assert [temper.turn(), temper.turn()] == ["ok", "429"]


def test_times_are_from_mentions_to_the_messages_that_tell_of_them() -> None:
    about = '{"about": {"count": %d}}'
    notices = [("a", 1, about % 1), ("b", 1, about % 3), ("digest", None, about % 9)]
    members = [(1, f"2026-11-22 09:00:{second:02}") for second in (0, 5, 10, 15)]
    zero = storm._seconds("2026-11-22 09:00:00")
    arrived = [(zero + 20, "post", "b"), (zero + 2, "post", "a"), (zero + 3, "post", "digest")]

    assert storm._times(arrived, members, notices) == ({1: 2.0}, [2.0], [2.0, 15.0, 10.0])


def test_the_fullest_hour_is_found() -> None:
    assert storm._most_in_an_hour([0, 10, 3599, 3600, 3605]) == 4
    assert storm._most_in_an_hour([]) == 0


@pytest.mark.parametrize(
    ("delivery", "settled"),
    [(("sent", "post", "sent", 1), True), (("pending", "post", "over_budget", 2), True),
     (("pending", "post", None, 1), False), (("sending", "post", None, 1), False)],
)  # fmt: skip
def test_a_message_without_a_fate_is_lost(delivery: tuple[str, str, str | None, int], settled: bool) -> None:
    assert storm.is_settled([delivery]) is settled


@pytest.mark.parametrize(
    ("in_incidents", "outside", "well"),
    [(100, {}, True), (96, {"copy": 1, "not_a_detractor": 3}, True), (99, {}, False), (99, {"not judged": 1}, False),
     (50, {"below_probability": 50}, False)],
)  # fmt: skip
def test_a_mention_in_no_incident_has_a_reason_and_is_rare(
    in_incidents: int, outside: dict[str, int], well: bool
) -> None:
    assert storm.is_accounted_for(100, in_incidents, outside) is well


@pytest.mark.parametrize(
    "wrong",
    [{"decided": 9}, {"decided_twice": 1}, {"decided_without_delivery": 1}, {"delivery_without_decision": 1},
     {"left": 1}, {"lost": 1}, {"invented": 1}, {"arrived_twice_unmarked": 1},
     {"channel": "bot"}],
)  # fmt: skip
def test_killed_deliverers_do_well_only_where_all_is_so(wrong: dict[str, object]) -> None:
    well = {
        "decided": 10, "incidents": 10, "decided_twice": 0, "lost": 0, "invented": 0, "arrived_twice_unmarked": 0,
        "arrived_twice": 2, "channel": "webhook", "decided_without_delivery": 0, "delivery_without_decision": 0,
        "left": 0,
    }  # fmt: skip
    assert kill_deliver.is_well(well)
    assert not kill_deliver.is_well(well | wrong)
