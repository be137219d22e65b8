"""``escucha silences`` and ``escucha alerts route``."""

import json
from pathlib import Path

import pytest

from .conftest import Escucha

CONFIG = """
brands:
  - {name: Aeroluz, channels: [log, boss]}
  - {name: Nubia, role: competitor, channels: [boss]}
teams:
  - {name: care, channels: [log]}
routes:
  - match: {rule: competitor}
    channels: [log]
  - match: {brand: Aeroluz}
    team: care
    escalate: [{after: 15m, channels: [boss]}]
    routes:
      - {match: {severity: critical}, channels: [log, boss], repeat: 1h}
channels:
  - {name: log, kind: log}
  - {name: boss, kind: log}
"""


@pytest.fixture(autouse=True)
def _config(tmp_path: Path) -> None:
    (tmp_path / "escucha.yml").write_text(CONFIG, encoding="utf-8")


def test_a_silence_is_added_listed_and_ended(escucha: Escucha) -> None:
    assert "no silence is in force" in escucha("silences", "list").err
    added = escucha(
        "silences", "add", "--brand", "Aeroluz", "--rule", "spike", "--for", "2h", "--by", "ana", "--comment", "x"
    )
    assert added.status == 0
    assert added.err.startswith("silence 1: brand Aeroluz, rule spike until ")
    listed = escucha("silences", "list")
    assert "#1 active brand Aeroluz, rule spike until " in listed.out
    assert "holds back 0 incidents, by ana: x" in listed.out
    (plain,) = json.loads(escucha("silences", "list", "--json").out)
    assert (plain["stage"], plain["matchers"]) == ("active", {"brand": ["Aeroluz"], "rule": ["spike"]})

    assert escucha("silences", "end", "1", "--by", "luz").err == "silence 1 is over\n"
    assert escucha("silences", "end", "1", "--by", "luz").err == "silence 1 is over already\n"
    assert "#1 past" in escucha("silences", "list", "--past").out
    assert "ended by luz" in escucha("silences", "list", "--past").out


def test_one_can_be_planned_for_everything(escucha: Escucha) -> None:
    added = escucha("silences", "add", "--all", "--from", "2099-01-01", "--until", "2099-01-02", "--by", "ana")
    assert (added.status, "begins within 366d" in added.err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        ("--brand Aeroluz --by ana", 2, "a silence has an end"),
        ("--brand Aeroluz --for 2h --until 2026-11-23 --by ana", 2, "a silence has an end"),
        ("--for 2h --by ana", 2, "say which incidents"),
        ("--all --brand Aeroluz --for 2h --by ana", 2, "say which incidents"),
        ("--all --for 2h", 2, "--by"),
        ("--all --for soon --by ana", 2, "a length of time looks like"),
        ("--all --for 99d --by ana", 2, "31d at most"),
        ("--brand Aero --for 2h --by ana", 2, "no brand is called 'Aero'"),
        ("--all --for 2h --from 9999-12-31 --by ana", 2, "begins within 366d"),
        ("--all --until 0001-01-01 --by ana", 2, "is over by then"),
        ("--rule spikes --for 2h --by ana", 2, "did you mean spike?"),
    ],
)
def test_what_makes_no_silence_is_refused(escucha: Escucha, arguments: str, status: int, says: str) -> None:
    result = escucha("silences", "add", *arguments.split())
    assert result.status == status
    assert says in " ".join(result.err.replace("│", " ").split())
    assert json.loads(escucha("silences", "list", "--past", "--json").out) == []


def test_ending_what_is_not_there_says_where_to_look(escucha: Escucha) -> None:
    result = escucha("silences", "end", "7", "--by", "ana")
    assert (result.status, "escucha silences list --past" in result.err) == (1, True)


def test_the_way_of_an_incident_is_shown_with_what_holds_on_it(escucha: Escucha) -> None:
    result = escucha("alerts", "route", "--brand", "Aeroluz", "--severity", "critical")
    assert result.status == 0
    assert result.out.splitlines() == [
        "every incident > brand Aeroluz > severity from critical",
        "  team care; channels: log, boss",
        "  wait 0s, interval 5m, repeat 1h",
        "  when nobody has acknowledged it 15m after the first message: boss",
    ]


def test_where_an_incident_reaches_nobody_that_is_said_with_the_reason(escucha: Escucha) -> None:
    result = escucha("alerts", "route", "--brand", "Nubia", "--rule", "competitor")
    assert result.status == 1
    assert "left out: log, because the brand is limited to other channels" in result.out
    assert "No route leads" in result.err


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        ("--brand Aero", 2, "there are: Aeroluz, Nubia"), ("--rule spikes", 2, "there is no rule 'spikes'"),
        ("--severity bad", 2, "'info', 'warning', 'critical'"), ("12", 1, "there is no incident 12"),
        ("99999999999999999999", 2, "less than or equal to"),
    ],
)  # fmt: skip
def test_what_cannot_be_routed_is_named(escucha: Escucha, arguments: str, status: int, says: str) -> None:
    result = escucha("alerts", "route", *arguments.split())
    assert result.status == status
    assert says in " ".join(result.err.replace("│", " ").split())


def test_a_platform_of_which_nothing_is_stored_is_pointed_out(escucha: Escucha) -> None:
    added = escucha("silences", "add", "--platform", "mastodn", "--for", "1h", "--by", "ana")
    assert (added.status, "nothing is stored of a platform called 'mastodn'" in added.err) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("alerts list --brand Aeroluzz", "no brand is called 'Aeroluzz'"),
        ("alerts list --rule spikes", "did you mean spike?"),
        ("alerts precision --rule spikes", "did you mean spike?"),
        ("deliveries list --channel lg", "did you mean log?"),
    ],
)
def test_a_misspelt_filter_is_named_and_does_not_find_nothing(escucha: Escucha, arguments: str, says: str) -> None:
    result = escucha(*arguments.split())
    assert (result.status, result.out) == (2, "")
    assert says in result.err


def test_lists_are_data(escucha: Escucha) -> None:
    escucha("silences", "add", "--all", "--for", "1h", "--by", "ana")
    for arguments, line in (("silences list", "#1 active every incident"), ("channels list", "log: log, on")):
        result = escucha(*arguments.split())
        assert (result.out.startswith(line), result.err) == (True, "")
