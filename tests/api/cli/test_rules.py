"""``escucha alerts rules``: what is on for a brand, and with which settings."""

import json
import os
from pathlib import Path

import pytest
from sqlalchemy import update

from alerts.registry import RULES
from listener import clock
from listener.store import brands, migrate
from listener.store.engine import Store
from listener.store.tables import Brand, table

from .conftest import Escucha


@pytest.fixture
def store() -> Store:
    """Two brands, as `escucha run` has taken them from escucha.yml."""
    folder = Path(os.environ["ESCUCHA_DATA_DIR"])
    store = Store(f"sqlite:///{folder}/escucha.db")
    migrate.upgrade(store)
    said = {"detractor": {"min_probability": 0.8, "window": "30m"}, "promoter": False}
    rows = [
        {"name": "Aeroluz", "query": "Aeroluz", "role": "own", "alerting": said, "channels": None},
        {"name": "Nimbus\x1b[2J", "query": "Nimbus", "role": "competitor", "alerting": {}, "channels": None},
    ]
    with store.transaction() as session:
        brands.save_brands(session, rows, clock.now())
    return store


def test_each_brand_with_its_rules_and_the_settings_that_are_its_own(escucha: Escucha, store: Store) -> None:
    result = escucha("alerts", "rules")

    assert (result.status, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "Aeroluz (own)"
    assert "  detractor   on   somebody speaks against the brand, and the model is sure enough" in lines
    at = next(number for number, line in enumerate(lines) if line.startswith("  detractor"))
    assert lines[at + 1 : at + 3] == ['      window: "30m"', "      min_probability: 0.8"]
    assert next(line for line in lines if line.startswith("  promoter")).startswith("  promoter    off")
    assert "Nimbus\\x1b[2J (competitor)" in lines
    assert any(line.startswith("all sources") for line in lines)


def test_one_rule_of_one_brand_with_all_its_settings(escucha: Escucha, store: Store) -> None:
    result = escucha("alerts", "rules", "--brand", "Aeroluz", "--rule", "detractor")

    lines = result.out.splitlines()
    assert [line.split(":")[0].strip() for line in lines[2:]] == [
        "when", "severity", "window", "max_age", "grow_at", "tell_at", "tell_reach", "group_by", "quiet_after",
        "labels", "min_probability", "min_reach", "critical_reach",
    ]  # fmt: skip
    assert "      min_reach: 0  (default)" in lines
    assert "      min_probability: 0.8" in lines


def test_everything_as_json(escucha: Escucha, store: Store) -> None:
    aeroluz, nimbus, everything = json.loads(escucha("alerts", "rules", "--json").out)

    assert (aeroluz["brand"], everything["brand"]) == ("Aeroluz", None)
    told = {rule["rule"]: rule for rule in [*aeroluz["rules"], *everything["rules"]]}
    assert set(told) == set(RULES)
    assert (told["detractor"]["on"], told["detractor"]["changed"]) == (True, ["window", "min_probability"])
    assert told["detractor"]["settings"]["window"] == "30m"
    assert {rule["rule"] for rule in nimbus["rules"] if rule["on"]} == {
        name for name, rule in RULES.items() if "competitor" in rule.roles and name in told and name != "coverage"
    }


def test_a_wrong_name_is_told_with_the_right_ones(escucha: Escucha, store: Store) -> None:
    result = escucha("alerts", "rules", "--brand", "Aerolux")
    assert result.status == 2
    assert "no brand is called 'Aerolux'; did you mean Aeroluz?" in result.err
    result = escucha("alerts", "rules", "--rule", "detracter")
    assert result.status == 2
    assert "there is no rule 'detracter'; did you mean detractor?" in result.err


def test_without_brands_it_says_where_they_come_from(escucha: Escucha) -> None:
    result = escucha("alerts", "rules")

    assert (result.status, result.out.splitlines()[0]) == (0, "all sources")
    assert "`escucha run` takes them from escucha.yml" in result.err


def test_settings_that_no_longer_read_are_told_beside_the_others(escucha: Escucha, store: Store) -> None:
    with store.transaction() as session:
        brand = table(Brand)
        broken = {"detractor": {"min_probability": 80}}
        session.connection().execute(update(brand).where(brand.c.name == "Aeroluz").values(alerting=broken))

    result = escucha("alerts", "rules")

    assert result.status == 1
    assert "      rule detractor: min_probability lies between 0 and 1 (0.6 means 60%); got 80.0" in result.out
    assert "  crisis      on " in result.out
    assert "nothing is judged for a brand with settings that do not read: Aeroluz: rule detractor" in result.err
