"""Which rules are in force for a brand, with what settings, and their filters as predicates."""

from datetime import timedelta
from typing import Any

import pytest

from alerts.mentions import ScoredMention
from alerts.reasons import Reason
from alerts.registry import RULES
from alerts.rule import MentionRule
from listener.query import QueryError
from listener.rules import is_on, mention_rules, off, predicate, settings_of, window_rules
from tests.conftest import NOON


def mention(text: str = "Aeroluz lost my bag", **changes: Any) -> ScoredMention:
    fields: dict[str, Any] = {
        "id": 1, "brand": "Aeroluz", "text": text, "source": "reddit", "created_at": NOON, "collected_at": NOON,
        "label": "detractor", "stance": {"-2": 0.9}, "polarity": {}, "model": "m", "revision": "1",
    }  # fmt: skip
    return ScoredMention(**fields | changes)


def test_an_own_brand_has_the_rules_on_mentions_and_a_competitor_none() -> None:
    names = {rule.name for rule in mention_rules("own", {})}
    assert names == {name for name, rule in RULES.items() if isinstance(rule, MentionRule)}
    assert mention_rules("competitor", {}) == []
    assert set(off([])) == names
    assert {rule.name for rule in window_rules("competitor", {})} == {
        name for name, rule in RULES.items() if "competitor" in rule.roles and not isinstance(rule, MentionRule)
    }


@pytest.mark.parametrize(
    ("role", "said", "on"),
    [
        ("own", {}, True), ("own", {"detractor": False}, False), ("own", {"detractor": {"window": "1h"}}, True),
        ("competitor", {}, False), ("competitor", {"detractor": True}, True), ("competitor", {"detractor": {}}, True),
    ],
)  # fmt: skip
def test_what_the_row_says_goes_before_the_role(role: str, said: dict[str, Any], on: bool) -> None:
    assert is_on("detractor", role, said) is on


def test_settings_are_the_rules_own_where_the_row_says_nothing() -> None:
    assert settings_of("detractor", {"detractor": True}) == RULES["detractor"].settings()
    assert settings_of("detractor", {"detractor": {"window": "1h"}}).window == timedelta(hours=1)
    with pytest.raises(ValueError, match="rule detractor: nothing here is called 'windo'; did you mean window"):
        settings_of("detractor", {"detractor": {"windo": "1h"}})


@pytest.mark.parametrize(
    ("when", "passes"),
    [
        ("bag", True), ("bag -lost", False), ("-lost", False), ("-found", True), ("lang:es", False), ("lang:en", True),
        ("lang:es OR source:reddit", True), ("source:complaints", True), ("source:news", False), ("author:ana", True),
        ("NOT (lang:en AND bag)", False),
    ],
)  # fmt: skip
def test_a_filter_is_any_expression_and_needs_no_word_to_look_for(when: str, passes: bool) -> None:
    test = predicate(when)
    assert test is not None
    assert test(mention(lang="en", feed="complaints", author="ana")) is passes


def test_no_filter_is_no_predicate_and_one_that_does_not_read_is_refused() -> None:
    assert predicate(None) is None
    with pytest.raises(QueryError, match="never closed"):
        predicate("(bag")


def test_what_the_filter_leaves_out_has_a_reason_of_its_own() -> None:
    (rule,) = mention_rules("own", dict.fromkeys(off([]), False) | {"detractor": {"when": "-lost"}})

    assert rule.verdict(mention()).reason is Reason.NOT_IN_WHEN
    assert rule.verdict(mention("Aeroluz broke my bag")).reason is Reason.IS_DETRACTOR
