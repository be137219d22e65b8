from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.mentions import Reading
from alerts.reasons import Reason
from alerts.rules.reach import ReachSettings, growth_of, judge
from alerts.severity import Severity


@pytest.fixture(scope="session")
def seen(a_mention, noon):
    """A mention written at noon whose reactions were read so many minutes later."""

    def make(*readings, **changes):
        rows = tuple(Reading(noon + timedelta(minutes=minute), reactions) for minute, reactions in readings)
        return a_mention(readings=rows, **changes)

    return make


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"followers": 100_000}, "100,000 followers (alerts from 100,000); 90% likely a detractor"),
        ({"reach": 250_000}, "reach 250,000 (alerts from 100,000); 90% likely a detractor"),
        (
            {"followers": 120_000, "reach": 250_000, "label": "passive"},
            "120,000 followers (alerts from 100,000), reach 250,000 (alerts from 100,000)",
        ),
    ],
)
def test_an_author_or_a_mention_with_many_readers_fires(a_mention, changes, because):
    verdict = judge(a_mention(**changes), ReachSettings())
    assert (verdict.fires, verdict.reason, verdict.because) == (True, Reason.FAR_REACHING, because)
    assert verdict.severity is (Severity.INFO if changes.get("label") == "passive" else None)


@pytest.mark.parametrize("label", ["passive", "promoter"])
def test_what_does_not_speak_against_the_brand_is_for_information(a_mention, label):
    verdict = judge(a_mention(followers=9_000_000, label=label), ReachSettings(severity=Severity.CRITICAL))
    assert (verdict.fires, verdict.severity) == (True, Severity.INFO)


def test_followers_that_stand_for_the_reach_are_named_once(a_mention):
    verdict = judge(a_mention(followers=250_000, reach=250_000), ReachSettings())
    assert verdict.because == "250,000 followers (alerts from 100,000); 90% likely a detractor"
    alone = judge(a_mention(followers=250_000, reach=250_000), ReachSettings(min_followers=None))
    assert alone.because == "reach 250,000 (alerts from 100,000); 90% likely a detractor"


def test_a_rise_between_two_readings_fires(seen):
    mention = seen((30, 40), (50, 60), (110, 340), label="passive")
    verdict = judge(mention, ReachSettings())
    assert (verdict.fires, verdict.reason) == (True, Reason.GROWING_FAST)
    assert verdict.because == "reactions rose from 60 to 340 within 1h, 280 an hour (alerts from 200)"


def test_what_rose_within_minutes_is_not_extrapolated(seen):
    assert growth_of(seen((10, 150))).per_hour == 150
    assert judge(seen((10, 150)), ReachSettings()).reason is Reason.NOT_GROWING
    assert judge(seen((10, 200)), ReachSettings()).fires


def test_what_was_always_there_is_no_growth(seen):
    week = 7 * 24 * 60
    assert not judge(seen((week, 20_000)), ReachSettings()).fires
    assert judge(seen((week, 20_000), (week + 60, 20_200)), ReachSettings()).fires


def test_reactions_that_went_away_are_no_growth(seen):
    assert growth_of(seen((600, 0))) is None
    assert growth_of(seen()) is None
    verdict = judge(seen((600, 0), reach=None, followers=7), ReachSettings())
    assert verdict.because == "reach unknown, followers 7, no growth seen"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"label": None, "stance": None, "polarity": {}}, Reason.NOT_SCORED_FOR_BRAND),
        ({"label": "promoter"}, Reason.STANCE_NOT_WATCHED),
        ({"reach": 99_999, "followers": 99_999}, Reason.NOT_GROWING),
    ],
)
def test_what_falls_short_is_held_with_its_reason(a_mention, changes, reason):
    settings = ReachSettings(labels=frozenset({"detractor", "passive"}))
    verdict = judge(a_mention(**{"reach": 1_000_000, **changes}), settings)
    assert (verdict.fires, verdict.reason) == (False, reason)


def test_old_news_are_held_unless_history_is_judged_as_new(a_mention, noon):
    old = {"created_at": noon, "collected_at": noon + timedelta(days=2), "reach": 1_000_000}
    assert judge(a_mention(**old), ReachSettings()).reason is Reason.TOO_OLD
    assert judge(a_mention(**old, judge_as_new=True), ReachSettings()).fires


def test_a_detractor_heard_by_very_many_is_critical(a_mention):
    assert judge(a_mention(followers=1_000_000), ReachSettings()).severity is Severity.CRITICAL
    assert judge(a_mention(reach=1_000_000), ReachSettings()).severity is Severity.CRITICAL
    assert judge(a_mention(reach=1_000_000), ReachSettings(critical_reach=None)).severity is None
    assert judge(a_mention(reach=1_000_000, label="promoter"), ReachSettings()).severity is Severity.INFO


def test_what_is_switched_off_does_not_fire(seen):
    mention = seen((60, 9_000), reach=9_000_000, followers=9_000_000)
    only = {"min_followers": None, "min_reach": None, "growth": None}
    for name, value in (("min_followers", 10_000_000), ("min_reach", 10_000_000), ("growth", 10_000)):
        assert not judge(mention, ReachSettings(**only | {name: value})).fires


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"labels": frozenset()}, "labels is empty"),
        ({"min_reach": 0}, "min_reach is a number from 1 upwards, or null"),
        ({"growth": -1}, "growth is a number"),
        ({"min_followers": None, "min_reach": None, "growth": None}, "could never fire"),
        ({"tell_at": 0}, "tell_at is a number of mentions"),
        ({"tell_reach": 0}, "tell_reach is a number of people"),
    ],
)
def test_wrong_settings_are_refused_in_words(wrong, words):
    with pytest.raises(ValueError, match=words):
        ReachSettings(**wrong)


@given(
    steps=st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 10**9)), min_size=1, max_size=24),
    reach=st.one_of(st.none(), st.integers(0, 10**9)),
    followers=st.one_of(st.none(), st.integers(0, 10**9)),
)
def test_a_rise_is_never_faster_than_all_there_is_and_more_of_it_is_never_slower(seen, steps, reach, followers):
    minutes, rows = 0, []
    for minute, reactions in steps:
        minutes += minute
        rows.append((minutes, reactions))
    mention = seen(*rows, reach=reach, followers=followers)
    found = growth_of(mention)
    now = rows[-1][1]
    assert (found is None) == (now == 0)
    if found is not None:
        assert 0 < found.per_hour <= now
        more = growth_of(seen(*rows[:-1], (minutes, now + 1)))
        assert more is not None
        assert more.per_hour > found.per_hour
    verdict = judge(mention, ReachSettings())
    assert verdict.fires == (
        (reach or 0) >= 100_000 or (followers or 0) >= 100_000 or (found is not None and found.per_hour >= 200)
    )
    assert verdict.because
