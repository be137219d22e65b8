"""The life of an incident: what each act changes, what it leaves alone, and what is refused."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import life
from alerts.incident import Incident, State
from alerts.life import Event, EventKind, NotPossible

Make = Callable[..., Incident]
HOUR = timedelta(hours=1)


def test_whoever_acknowledges_first_is_remembered_and_the_second_changes_nothing(
    an_incident: Make, noon: datetime
) -> None:
    first, event = life.acknowledge(an_incident(), "ana", noon)
    assert event == Event(noon, EventKind.ACKNOWLEDGED, "ana")
    assert (first.state, first.acknowledged_by, first.acknowledged_at) == (State.ACKNOWLEDGED, "ana", noon)
    assert life.acknowledge(first, "luis", noon + HOUR) == (first, None)


def test_whoever_takes_it_has_seen_it_and_whoever_is_given_it_has_not(an_incident: Make, noon: datetime) -> None:
    taken, _ = life.assign(an_incident(), "ana", "ana", noon)
    assert (taken.state, taken.assigned_to, taken.acknowledged_by) == (State.ACKNOWLEDGED, "ana", "ana")
    given_away, event = life.assign(an_incident(), "ana", "luis", noon)
    assert (given_away.state, given_away.assigned_to) == (State.OPEN, "luis")
    assert event is not None
    assert event.detail == {"to": "luis", "before": None}


def test_of_two_who_take_it_the_second_is_told_who_has_it(an_incident: Make, noon: datetime) -> None:
    taken, _ = life.assign(an_incident(), "ana", "ana", noon)
    with pytest.raises(NotPossible, match="ana has it already"):
        life.assign(taken, "luis", "luis", noon)
    over, _ = life.assign(taken, "luis", "luis", noon, over=True)
    handed_on, _ = life.assign(taken, "ana", "luis", noon)
    assert over.assigned_to == handed_on.assigned_to == "luis"


@pytest.mark.parametrize(
    ("length", "says"),
    [(timedelta(0), "ends in the future"), (-HOUR, "is over"), (timedelta(days=31), "30 days at most")],
)
def test_a_snooze_has_an_end_that_is_near(an_incident: Make, noon: datetime, length: timedelta, says: str) -> None:
    with pytest.raises(NotPossible, match=says):
        life.snooze(an_incident(), "ana", noon + length, noon)


def test_a_snooze_asked_for_twice_within_a_minute_is_one(an_incident: Make, noon: datetime) -> None:
    asleep, _ = life.snooze(an_incident(), "ana", noon + HOUR, noon)
    assert life.snooze(asleep, "ana", noon + HOUR + timedelta(seconds=4), noon) == (asleep, None)
    longer, event = life.snooze(asleep, "luis", noon + 4 * HOUR, noon)
    assert event is not None
    assert longer.snoozed_until == noon + 4 * HOUR


def test_a_snooze_ends_by_itself_at_its_time_and_by_hand_before(an_incident: Make, noon: datetime) -> None:
    asleep, _ = life.snooze(an_incident(), "ana", noon + HOUR, noon)
    assert life.wake(asleep, noon) == (asleep, None)
    by_hand, event = life.wake(asleep, noon, "luis")
    assert (by_hand.state, event and event.actor) == (State.OPEN, "luis")
    by_itself, event = life.wake(asleep, noon + HOUR)
    assert (by_itself.state, by_itself.snoozed_until, event and event.actor) == (State.OPEN, None, None)


def test_what_comes_back_is_to_be_acknowledged_and_answered_anew(an_incident: Make, noon: datetime) -> None:
    incident, _ = life.acknowledge(an_incident(), "ana", noon)
    incident, _ = life.answer(incident, "ana", noon)
    incident, _ = life.resolve(incident, "ana", noon + HOUR, "sorted")
    assert (incident.resolved_by, incident.resolved_why) == ("ana", "sorted")
    again, _ = life.reopen(incident, None, noon + 2 * HOUR, "another mention came")
    assert (again.state, again.reopened) == (State.OPEN, 1)
    assert (again.acknowledged_at, again.acknowledged_by, again.answered_at, again.resolved_at) == (None,) * 4


@pytest.mark.parametrize("act", ["acknowledge", "assign", "snooze"])
def test_what_is_resolved_is_reopened_first(an_incident: Make, noon: datetime, act: str) -> None:
    over, _ = life.resolve(an_incident(), "ana", noon)
    call = {
        "acknowledge": lambda: life.acknowledge(over, "ana", noon),
        "assign": lambda: life.assign(over, "ana", "ana", noon),
        "snooze": lambda: life.snooze(over, "ana", noon + HOUR, noon),
    }[act]
    with pytest.raises(NotPossible, match="reopen it first"):
        call()


def test_only_the_first_answer_counts_at_its_own_time(an_incident: Make, noon: datetime) -> None:
    answered, _ = life.answer(an_incident(), "ana", noon + HOUR, noon)
    assert answered.answered_at == noon
    assert life.answer(answered, "luis", noon + 2 * HOUR) == (answered, None)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["acknowledge", "take", "give", "snooze", "wake", "answer", "resolve", "end", "reopen"]),
        st.sampled_from(["ana", "luis"]),
        st.integers(0, 90),
    ),
    max_size=12,
)


@given(STEPS)
def test_every_change_has_one_event_and_raises_the_version_and_nothing_else_does(
    steps: list[tuple[str, str, int]],
) -> None:
    now = datetime.fromisoformat("2026-11-21T12:00:00+00:00")
    incident = Incident(None, "Aeroluz", "detractor", now, now, 1, 0)
    for act, actor, minutes in steps:
        now += timedelta(minutes=minutes)
        try:
            after, event = _act(incident, act, actor, now)
        except NotPossible:
            continue
        assert (after != incident) == (event is not None)
        assert after.version == incident.version + (event is not None)
        # What is so already stays so: the same act at once again changes nothing.
        if event is not None and act != "take":
            assert _act(after, act, actor, now) == (after, None)
        assert (after.state is State.SNOOZED) == (after.snoozed_until is not None)
        assert after.resolved == (after.resolved_at is not None)
        if after.state is State.ACKNOWLEDGED:
            assert after.acknowledged_by
        incident = after


def _act(incident: Incident, act: str, actor: str, now: datetime) -> life.Change:
    return {
        "acknowledge": lambda: life.acknowledge(incident, actor, now),
        "take": lambda: life.assign(incident, actor, actor, now),
        "give": lambda: life.assign(incident, actor, "eva", now),
        "snooze": lambda: life.snooze(incident, actor, now + HOUR, now),
        "wake": lambda: life.wake(incident, now, actor),
        "answer": lambda: life.answer(incident, actor, now),
        "resolve": lambda: life.resolve(incident, actor, now),
        "end": lambda: life.end(incident, now, "quiet"),
        "reopen": lambda: life.reopen(incident, actor, now),
    }[act]()
