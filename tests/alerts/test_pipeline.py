import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.pipeline import Decision, decide, notified
from alerts.reasons import Reason
from alerts.rules.detractor import DetractorSettings

GROWTH = DetractorSettings(grow_at=(5, 25))


def test_an_opening_is_told(an_incident):
    decision = decide(None, an_incident(), GROWTH, ["team", "log", "team"])
    assert decision == Decision("notify", Reason.INCIDENT_OPENED, "opened", 1, ("team", "log"))


@pytest.mark.parametrize(
    ("count", "known", "told", "step"),
    [(2, 1, False, 0), (4, 1, False, 0), (5, 1, True, 5), (6, 5, False, 0), (30, 3, True, 25), (9, 6, False, 0)],
)
def test_growth_is_told_at_its_sizes(an_incident, count, known, told, step):
    decision = decide(
        an_incident(count=count - 1, notified_count=known),
        an_incident(count=count, notified_count=known),
        GROWTH,
        ["log"],
    )
    if told:
        assert decision == Decision("notify", Reason.INCIDENT_GREW, "grew", step, ("log",))
    else:
        assert decision == Decision("hold", Reason.ALREADY_NOTIFIED, None)


def test_without_growth_only_the_opening_is_told(an_incident):
    never = DetractorSettings(grow_at=())
    assert decide(None, an_incident(count=900, notified_count=1), never, ["log"]).reason is Reason.ALREADY_NOTIFIED


def test_nobody_to_tell(an_incident):
    assert decide(None, an_incident(), GROWTH, []) == Decision("hold", Reason.NO_CHANNEL, "opened", 1)


def test_channels_that_are_switched_off(an_incident):
    held = decide(None, an_incident(), GROWTH, ["team"], disabled=["team"])
    assert held == Decision("hold", Reason.CHANNEL_DISABLED, "opened", 1)
    assert decide(None, an_incident(), GROWTH, ["team", "log"], disabled=["team"]).channels == ("log",)


def test_old_news_outranks_the_missing_channel(an_incident):
    """Otherwise a channel set up later would seem to promise news that is none."""
    assert decide(None, an_incident(count=2, notified_count=1), GROWTH, []).reason is Reason.ALREADY_NOTIFIED


def test_an_opening_held_for_want_of_a_channel_is_told_later(an_incident):
    decision = decide(an_incident(count=7), an_incident(count=8), GROWTH, ["log"])
    assert (decision.kind, decision.step) == ("opened", 1)


@pytest.mark.parametrize("other", [{"brand": "Nimbus"}, {"count": 3}, {"notified_count": 1}])
def test_two_states_of_one_incident_only(an_incident, other):
    with pytest.raises(ValueError, match="one incident"):
        decide(an_incident(**other), an_incident(count=2), GROWTH, ["log"])


@settings(deadline=None)
@given(
    channels_at=st.lists(st.booleans(), min_size=1, max_size=60),
    sizes=st.sets(st.integers(min_value=2, max_value=60), max_size=6),
)
def test_one_state_is_told_once(an_incident, channels_at, sizes):
    growth = DetractorSettings(grow_at=tuple(sorted(sizes)))
    before, told, steps = None, set(), []
    for number, reachable in enumerate(channels_at, start=1):
        known = before.notified_count if before else 0
        after = an_incident(count=number, notified_count=known)
        decision = decide(before, after, growth, ["log"] if reachable else [])
        assert decision == decide(before, after, growth, ["log"] if reachable else [])
        if decision.action == "notify":
            assert after.notified_count not in told
            told.add(after.notified_count)
            steps.append(decision.step)
            after = notified(after)
            assert decide(before, after, growth, ["log"]).reason is Reason.ALREADY_NOTIFIED
        before = after
    assert steps == sorted(set(steps)), "a step, and with it a notice's key, comes once"
    if all(channels_at):
        assert steps == [1, *(size for size in sorted(sizes) if size <= len(channels_at))]
