import math
from datetime import datetime

import pytest

from alerts.mentions import reactions_in


def test_probability_adds_the_two_detracting_steps(a_mention):
    assert a_mention().probability() == pytest.approx(0.9)


def test_probability_never_exceeds_one(a_mention):
    assert a_mention(stance={"-2": 0.7, "-1": 0.3000001}).probability() == 1.0


def test_without_a_stance_the_negative_polarity_counts(a_mention):
    mention = a_mention(stance=None, label=None, polarity={"negative": 0.4, "neutral": 0.35, "positive": 0.25})
    assert mention.probability() == 0.4
    assert mention.standing == "detractor"


@pytest.mark.parametrize(("likeliest", "standing"), [("neutral", "passive"), ("positive", "promoter")])
def test_without_a_stance_the_likeliest_polarity_stands_for_the_label(a_mention, likeliest, standing):
    polarity = {"negative": 0.3, "neutral": 0.3, "positive": 0.3, likeliest: 0.4}
    assert a_mention(stance=None, label=None, polarity=polarity).standing == standing


def test_a_label_wins_over_the_polarity(a_mention):
    assert a_mention(stance=None, label="passive").standing == "passive"


def test_naive_times_are_refused(a_mention):
    with pytest.raises(ValueError, match=r"created_at of mention 1 has no time zone"):
        a_mention(created_at=datetime(2026, 1, 1))  # noqa: DTZ001 - what is refused


def test_for_is_counted_as_against_is(a_mention):
    assert a_mention(stance={"1": 0.5, "2": 0.25, "-2": 0.25}).probability_for() == pytest.approx(0.75)
    assert a_mention(stance={"1": 0.5, "2": 0.5000001}).probability_for() == 1.0
    assert a_mention(stance=None, polarity={"positive": 0.3}).probability_for() == 0.3
    assert math.isnan(a_mention(stance={"2": float("nan")}).probability_for())


def test_what_nobody_did_for_or_against_a_post_is_no_reaction():
    assert reactions_in({"likes": 3, "shares": 2, "rating": 5, "views": 900, "impressions": 10}) == 5
