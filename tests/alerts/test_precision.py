"""How useful people found a rule: counted in incidents, with an interval, and when it is too little."""

import pytest
from scipy.stats import binomtest

from alerts.policy import Learning
from alerts.precision import Precision, Rated, by_rule, precisions


def rated(incident: int, useful: int, not_useful: int, brand: str | None = "Aeroluz", rule: str = "detractor") -> Rated:
    return Rated(incident, brand, rule, useful, not_useful)


def test_several_answers_about_one_incident_are_one_trial() -> None:
    (found,) = precisions([rated(1, 5, 1), rated(2, 0, 1), rated(3, 2, 2)])
    assert (found.useful, found.rated, found.divided) == (1, 2, 1)


def test_the_interval_is_wilsons() -> None:
    share = Precision("Aeroluz", "detractor", 3, 10, 0).share
    assert share is not None
    reference = binomtest(3, 10).proportion_ci(method="wilson")
    assert (share.low, share.high) == pytest.approx((reference.low, reference.high))
    assert Precision("Aeroluz", "detractor", 0, 0, 2).share is None


@pytest.mark.parametrize(
    ("useful", "of", "too_low"), [(4, 10, True), (5, 10, False), (0, 9, False), (0, 10, True), (0, 0, False)]
)
def test_it_is_too_low_only_after_enough_answers(useful: int, of: int, too_low: bool) -> None:
    learning = Learning(precision=0.5, least_answers=10)
    assert Precision("Aeroluz", "detractor", useful, of, 0).too_low(learning) is too_low


def test_brands_and_rules_are_told_apart_and_added_up_by_rule() -> None:
    found = precisions([rated(1, 1, 0), rated(2, 0, 1, "Nubia"), rated(3, 1, 0, None, "coverage")])
    assert [(one.brand, one.rule, one.useful, one.rated) for one in found] == [
        (None, "coverage", 1, 1), ("Aeroluz", "detractor", 1, 1), ("Nubia", "detractor", 0, 1),
    ]  # fmt: skip
    assert [(one.rule, one.useful, one.rated) for one in by_rule(found)] == [("coverage", 1, 1), ("detractor", 1, 2)]
