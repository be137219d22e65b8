"""docs/routing.md is held against the code: its files read, and incidents take the ways that it says."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.incident import Incident
from alerts.policy import DEFAULT_INTERVAL, DEFAULT_REPEAT, DEFAULT_WAIT, Policy, Route
from alerts.reasons import Reason
from alerts.routing import Leaf, route
from alerts.severity import Severity
from listener.configfile import ConfigFile, parse_text
from listener.policy_check import doubts

PAGE = (Path(__file__).parent.parent / "docs" / "routing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def config() -> ConfigFile:
    return parse_text(BLOCKS[0], Path("escucha.yml"), {})


def way(config: ConfigFile, rule: str = "detractor", brand: str | None = "Aeroluz", **more: object) -> dict[str, Leaf]:
    incident = Incident(None, brand, rule, NOON, NOON, 1, 0, **more)  # type: ignore[arg-type]
    names = [entry.name for entry in config.channels or ()]
    return route(incident, config, None, names).by_channel


def test_every_block_reads_and_leaves_no_doubt(config: ConfigFile) -> None:
    assert len(BLOCKS) == 2
    assert list(doubts(config, [entry.name for entry in config.channels or ()])) == []
    assert len(parse_text(BLOCKS[1], Path("escucha.yml"), {}).inhibit) == 3


def test_a_critical_incident_takes_the_way_that_the_page_says(config: ConfigFile) -> None:
    found = way(config, severity=Severity.CRITICAL)
    assert list(found) == ["care-bot", "pr-mail"]
    leaf = found["care-bot"]
    assert (leaf.wait, leaf.repeat, leaf.team) == (timedelta(0), timedelta(hours=1), "care")
    assert [(step.after, step.channels) for step in leaf.escalate] == [
        (timedelta(minutes=15), ("care-bot",)), (timedelta(minutes=45), ("boss-mail",)),
    ]  # fmt: skip


def test_so_do_the_others(config: ConfigFile) -> None:
    review = way(config, platforms=frozenset({"appstore"}), languages=frozenset({"es"}))
    assert {name: (leaf.wait, leaf.interval) for name, leaf in review.items()} == {
        "care-bot": (timedelta(minutes=1), timedelta(minutes=30))
    }
    assert list(way(config, "competitor", "Nubia")) == ["pr-mail"]
    assert list(way(config, "coverage", None)) == ["ops"]
    assert list(way(config, "detractor", "Nubia")) == ["care-bot", "pr-mail", "boss-mail", "ops"]


def test_the_table_says_what_there_is_and_what_holds_otherwise() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", PAGE, re.MULTILINE))
    assert set(rows) == set(Route.model_fields) - {"routes"}
    said = [timedelta(0), timedelta(minutes=5), timedelta(hours=24)]
    assert [rows[name] for name in ("wait", "interval", "repeat")] == ["`0s`", "`5m`", "`24h`"]
    assert said == [DEFAULT_WAIT, DEFAULT_INTERVAL, DEFAULT_REPEAT]
    assert rows["go_on"] == "`false`"


def test_every_reason_that_is_named_is_one_and_they_stand_in_their_order() -> None:
    section = PAGE.partition("## What holds a message back")[2].partition("## Inhibition")[0].partition("\n1. ")[2]
    named = [name for name in re.findall(r"`(\w+)`", section) if name in set(Reason)]
    assert named == [
        "no_route", "no_channel", "is_snoozed", "too_small", "waiting", "inhibited", "told_elsewhere",
        "silenced", "quiet_hours", "channel_disabled", "interval",
    ]  # fmt: skip


def test_the_default_inhibitions_are_those_that_are_told() -> None:
    said = [(one.by, one.of) for one in Policy().inhibit]
    assert said == [(("spike",), ("detractor", "unanswered"))]
