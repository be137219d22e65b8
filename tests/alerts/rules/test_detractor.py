from datetime import timedelta

import pytest

from alerts.reasons import Reason
from alerts.rules.detractor import DetractorSettings, judge


def test_a_sure_detractor_fires_and_says_why_in_numbers(a_mention):
    verdict = judge(a_mention(reach=1200), DetractorSettings(min_reach=500))
    assert (verdict.fires, verdict.reason) == (True, Reason.IS_DETRACTOR)
    assert verdict.probability == pytest.approx(0.9)
    assert verdict.because == "90% likely a detractor (alerts from 60%), reach 1,200 (alerts from 500)"


@pytest.mark.parametrize(
    ("changes", "reason", "because"),
    [
        ({"label": None, "stance": None, "polarity": {}}, Reason.NOT_SCORED_FOR_BRAND, "no score yet"),
        ({"label": "passive"}, Reason.NOT_A_DETRACTOR, "inferred stance: passive"),
        ({"stance": {"-2": 0.3, "-1": 0.29}}, Reason.BELOW_PROBABILITY, "59% likely, needs 60%"),
        ({"stance": {"-2": 0.3, "-1": 0.296}}, Reason.BELOW_PROBABILITY, "59.6% likely, needs 60%"),
        ({"stance": {"-2": float("nan")}}, Reason.BELOW_PROBABILITY, "nan% likely, needs 60%"),
        ({"reach": 99}, Reason.BELOW_REACH, "reach 99, needs 100"),
        ({"reach": None}, Reason.BELOW_REACH, "reach unknown (counts as 0), needs 100"),
    ],
)
def test_what_falls_short_is_held_with_its_reason(a_mention, changes, reason, because):
    verdict = judge(a_mention(**{"reach": 100, **changes}), DetractorSettings(min_reach=100))
    assert (verdict.fires, verdict.reason, verdict.because) == (False, reason, because)


def test_thresholds_are_inclusive(a_mention):
    mention = a_mention(stance={"-2": 0.6}, reach=100)
    assert judge(mention, DetractorSettings(min_reach=100)).fires


def test_unknown_reach_meets_no_demand(a_mention):
    assert judge(a_mention(reach=None), DetractorSettings()).fires


def test_age_is_measured_when_collected(a_mention, noon):
    settings = DetractorSettings(max_age=timedelta(hours=24))
    fresh = a_mention(created_at=noon, collected_at=noon + timedelta(hours=24))
    stale = a_mention(created_at=noon, collected_at=noon + timedelta(hours=24, seconds=1))
    assert judge(fresh, settings).fires
    assert judge(stale, settings).reason is Reason.TOO_OLD


def test_history_can_be_judged_as_new(a_mention, noon):
    old = {"created_at": noon, "collected_at": noon + timedelta(days=900)}
    assert judge(a_mention(**old), DetractorSettings()).because == "900d old when collected, at most 1d"
    assert judge(a_mention(**old, judge_as_new=True), DetractorSettings()).fires


def test_a_post_dated_mention_is_not_old(a_mention, noon):
    assert judge(a_mention(created_at=noon, collected_at=noon - timedelta(days=3)), DetractorSettings()).fires


def test_a_model_without_stance_is_judged_by_its_polarity(a_mention):
    mention = a_mention(label=None, stance=None, polarity={"negative": 0.35, "neutral": 0.45, "positive": 0.2})
    assert judge(mention, DetractorSettings(min_probability=0.3)).reason is Reason.NOT_A_DETRACTOR


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"labels": frozenset()}, "labels is empty"),
        ({"min_probability": 60}, "between 0 and 1"),
        ({"min_probability": float("nan")}, "between 0 and 1"),
        ({"min_reach": -1}, "0 or more; got -1"),
        ({"window": timedelta(0)}, "window must be longer than nothing"),
        ({"max_age": timedelta(0)}, "max_age must be longer than nothing"),
        ({"grow_at": (1, 5)}, "from 2 upwards"),
        ({"grow_at": (5, 5)}, "must rise"),
        ({"grow_at": (25, 5)}, "must rise"),
    ],
)
def test_wrong_settings_are_refused_in_words(wrong, words):
    with pytest.raises(ValueError, match=words):
        DetractorSettings(**wrong)
