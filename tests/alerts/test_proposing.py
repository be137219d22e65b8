"""Which stricter threshold is proposed, and that every rule's ladder holds only settings that rule takes."""

from datetime import timedelta

import pytest

from alerts.policy import Learning
from alerts.proposing import Changes, Trial, ladder, propose
from alerts.registry import RULES, read_settings

LEARNING = Learning(precision=0.5)


def trial(useful: int, not_useful: int, changes: Changes | None = None) -> Trial:
    return Trial(changes or {"min_probability": 0.7}, useful, not_useful, None)


def test_the_mildest_step_that_reaches_the_precision_is_chosen() -> None:
    steps = [trial(4, 6), trial(4, 4), trial(3, 0)]
    found = propose("Aeroluz", "detractor", trial(4, 16, {}), steps, LEARNING)
    assert found.chosen is steps[1]
    assert not found.enough


def test_a_step_that_leaves_nothing_useful_is_no_answer() -> None:
    found = propose("Aeroluz", "detractor", trial(2, 16, {}), [trial(2, 9), trial(0, 1), trial(0, 0)], LEARNING)
    assert (found.chosen, found.enough) == (None, False)


def test_a_step_that_loses_most_of_what_is_useful_is_not_proposed() -> None:
    found = propose("Aeroluz", "detractor", trial(6, 14, {}), [trial(5, 9), trial(1, 1), trial(1, 0)], LEARNING)
    assert (found.chosen, found.enough) == (None, False)
    half = [trial(5, 9), trial(3, 3), trial(1, 0)]
    assert propose("Aeroluz", "detractor", trial(6, 14, {}), half, LEARNING).chosen is half[1]


def test_settings_that_were_changed_since_may_be_good_enough_already() -> None:
    found = propose("Aeroluz", "detractor", trial(4, 3, {}), [trial(4, 0)], LEARNING)
    assert (found.chosen, found.enough) == (None, True)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_has_a_ladder_of_settings_that_it_takes(rule: str) -> None:
    settings = read_settings(rule, {})
    steps = ladder(rule, settings)
    assert steps
    for step in steps:
        assert read_settings(rule, step) != settings


def test_a_probability_rises_in_steps_and_stays_below_certainty() -> None:
    steps = ladder("detractor", read_settings("detractor", {"min_probability": 0.87}))
    assert [step["min_probability"] for step in steps] == [0.9, 0.95]


def test_a_threshold_that_is_switched_off_stays_so() -> None:
    steps = ladder("reach", read_settings("reach", {"growth": None, "min_reach": 1000}))
    assert steps[0]["min_reach"] == 1500
    assert "growth" not in steps[0]


def test_lengths_of_time_are_whole_minutes() -> None:
    (first, *_) = ladder("coverage", read_settings("coverage", {"failing": "35m"}))
    assert first["failing"] == timedelta(minutes=52)
