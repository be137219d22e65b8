from datetime import timedelta

import pytest

from alerts.reasons import Reason
from alerts.rule import Usual, usual_of
from alerts.rules.promoter import PromoterSettings, judge
from alerts.severity import Severity

LOVES = {"label": "promoter", "stance": {"-2": 0.02, "-1": 0.03, "0": 0.05, "1": 0.3, "2": 0.6}}


def test_a_sure_promoter_fires_and_says_why_in_numbers(a_mention):
    verdict = judge(a_mention(**LOVES, reach=1200), PromoterSettings())
    assert (verdict.fires, verdict.reason, verdict.severity) == (True, Reason.IS_PROMOTER, None)
    assert verdict.probability == pytest.approx(0.9)
    assert verdict.because == "90% likely a promoter (counts from 70%), reach 1,200"


@pytest.mark.parametrize(
    ("changes", "reason", "because"),
    [
        ({"label": None, "stance": None, "polarity": {}}, Reason.NOT_SCORED_FOR_BRAND, "no score yet"),
        ({"label": "passive"}, Reason.NOT_A_PROMOTER, "inferred stance: passive"),
        ({"stance": {"2": 0.69}}, Reason.BELOW_PROBABILITY, "69% likely, needs 70%"),
        ({"stance": {"2": float("nan")}}, Reason.BELOW_PROBABILITY, "nan% likely, needs 70%"),
    ],
)
def test_what_falls_short_is_held_with_its_reason(a_mention, changes, reason, because):
    verdict = judge(a_mention(**LOVES | changes), PromoterSettings())
    assert (verdict.fires, verdict.reason, verdict.because) == (False, reason, because)


def test_old_praise_is_held(a_mention, noon):
    old = {"created_at": noon, "collected_at": noon + timedelta(days=2)}
    assert judge(a_mention(**LOVES, **old), PromoterSettings()).reason is Reason.TOO_OLD
    assert judge(a_mention(**LOVES, **old, judge_as_new=True), PromoterSettings()).fires


def test_a_model_without_stance_is_judged_by_its_polarity(a_mention):
    praise = {"label": None, "stance": None, "polarity": {"negative": 0.1, "neutral": 0.1, "positive": 0.8}}
    assert judge(a_mention(**praise), PromoterSettings()).fires


def test_people_are_told_of_a_burst_or_of_one_whom_many_see(an_incident):
    settings = PromoterSettings()
    assert settings.severity is Severity.INFO
    assert not settings.worth_telling(an_incident(count=9, reach=49_999))
    assert settings.worth_telling(an_incident(count=10, reach=0))
    assert settings.worth_telling(an_incident(count=1, reach=50_000))
    assert not PromoterSettings(tell_reach=None).worth_telling(an_incident(count=1, reach=50_000))


def test_a_burst_is_well_above_what_the_brand_is_used_to(an_incident):
    usual = usual_of([(20, 100_000), (30, 300_000), (1, 0)])
    assert usual == Usual(20, 100_000)
    assert usual_of([(20, 0), (30, 0)]) is None
    settings = PromoterSettings()
    assert not settings.worth_telling(an_incident(count=39, reach=199_999), usual)
    assert settings.worth_telling(an_incident(count=40, reach=0), usual)
    assert settings.worth_telling(an_incident(count=1, reach=200_000), usual)
    assert PromoterSettings(burst=0).worth_telling(an_incident(count=10, reach=0), usual)
    with pytest.raises(ValueError, match="burst is how many times the usual"):
        PromoterSettings(burst=-1)


def test_wrong_settings_are_refused_in_words():
    with pytest.raises(ValueError, match="between 0 and 1"):
        PromoterSettings(min_probability=70)
