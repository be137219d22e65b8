"""No hour holds more new messages than the budget; the last place is for what tells of all that is held back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.severity import Severity
from alerts.storm import HOUR, SETTLE, Go, Summarise, Wait, Waiting, free_from, free_places, next_message

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def waiting(number: int, severity: str = "warning", *, minutes: float = 10, **more: bool) -> Waiting:
    return Waiting(number, Severity(severity), NOON - minutes * MINUTE, **more)


def taken(*minutes: float) -> list[datetime]:
    """Messages that went so many minutes ago."""
    return [NOON - one * MINUTE for one in minutes]


def test_what_was_sent_an_hour_ago_takes_no_place() -> None:
    assert free_places(3, taken(60, 59, 1), NOON) == 1
    assert free_from(3, taken(60, 59, 1), NOON) == NOON
    assert free_from(3, taken(60, 59, 1), NOON, places=2) == NOON + MINUTE


def test_more_than_the_budget_were_sent_under_a_greater_one() -> None:
    assert free_places(2, taken(50, 40, 30, 20), NOON) == -2
    assert free_from(2, taken(50, 40, 30, 20), NOON) == NOON + 30 * MINUTE


def test_no_budget_has_more_places_than_it_has() -> None:
    with pytest.raises(ValueError, match="no 3 places"):
        free_from(2, [], NOON, places=3)


def test_nothing_goes_where_nothing_waits() -> None:
    assert next_message(3, [], [], NOON) is None


def test_while_there_is_room_the_worst_goes_first_and_then_the_oldest() -> None:
    held = [waiting(1, "info"), waiting(3, "critical"), waiting(2, "critical"), waiting(4)]
    assert next_message(3, [], held, NOON) == Go(2)


def test_the_last_place_is_for_a_summary_of_all_that_is_held_back() -> None:
    held = [waiting(5), waiting(3), waiting(4, "info")]
    assert next_message(3, taken(1, 2), held, NOON) == Summarise((3, 4, 5))


def test_a_summary_waits_a_little_for_what_else_comes() -> None:
    held = [waiting(1, minutes=0.5), waiting(2, minutes=0.1)]
    assert next_message(3, taken(1, 2), held, NOON) == Wait(NOON - 0.5 * MINUTE + SETTLE)


def test_it_does_not_wait_where_something_is_critical() -> None:
    held = [waiting(1, minutes=0.5), waiting(2, "critical", minutes=0.1)]
    assert next_message(3, taken(1, 2), held, NOON) == Summarise((1, 2))


def test_it_waits_no_longer_than_until_there_is_more_room() -> None:
    held = [waiting(1, minutes=0), waiting(2, minutes=0)]
    assert next_message(3, taken(59.9, 2), held, NOON) == Wait(NOON + 0.1 * MINUTE)


def test_a_single_message_takes_the_last_place_itself() -> None:
    assert next_message(3, taken(1, 2), [waiting(1)], NOON) == Go(1)


def test_without_a_place_all_wait_until_one_is_free() -> None:
    assert next_message(3, taken(50, 2, 1), [waiting(1, "critical")], NOON) == Wait(NOON + 10 * MINUTE)


def test_what_a_summary_cannot_tell_goes_first_where_it_is_worse() -> None:
    off = waiting(9, "critical", mergeable=False)
    assert next_message(3, taken(1, 2), [waiting(1), waiting(2), off], NOON) == Go(9)
    digest = waiting(9, "info", mergeable=False)
    assert next_message(3, taken(1, 2), [waiting(1), waiting(2), digest], NOON) == Summarise((1, 2))


def test_what_a_summary_cannot_tell_goes_once_it_has_waited_for_an_hour_however_long_the_storm() -> None:
    held = [waiting(1, "critical"), waiting(2, "critical")]
    digest = waiting(9, "info", mergeable=False, minutes=59)
    assert next_message(3, taken(1, 2), [*held, digest], NOON) == Summarise((1, 2))
    digest = waiting(9, "info", mergeable=False, minutes=60)
    assert next_message(3, taken(1, 2), [*held, digest], NOON) == Go(9)


@pytest.mark.parametrize("before", [(1, 2), ()])
def test_that_a_channel_is_off_goes_before_all_others(before: tuple[int, ...]) -> None:
    off = waiting(9, "critical", mergeable=False, urgent=True, minutes=0)
    held = [waiting(1, "critical"), waiting(2, "critical"), waiting(3, "critical", mergeable=False)]
    assert next_message(3, taken(*before), [*held, off], NOON) == Go(9)


def test_a_summary_that_failed_is_tried_again_before_another_is_written() -> None:
    failed = waiting(9, "info", mergeable=False, summary=True)
    assert next_message(3, taken(1, 2), [waiting(1), waiting(2), failed], NOON) == Go(9)


ARRIVALS = st.lists(st.tuples(st.floats(0, 240), st.sampled_from(list(Severity)), st.booleans()), max_size=60)


@settings(deadline=None, max_examples=25)
@given(arrivals=ARRIVALS, budget=st.integers(1, 8), maybe=st.lists(st.booleans(), min_size=1, max_size=20))
def test_the_budget_holds_for_any_pattern_and_nothing_is_lost(
    arrivals: list[tuple[float, Severity, bool]], budget: int, maybe: list[bool]
) -> None:
    """Messages come when they will, and each try that fails may have arrived all the same."""
    coming = sorted(
        (NOON + at * MINUTE, number, severity, whole) for number, (at, severity, whole) in enumerate(arrivals)
    )
    held: dict[int, Waiting] = {}
    ended: list[datetime] = []
    told: set[int] = set()
    now, tries = NOON, 0
    # Long enough for one place an hour, of which each seventh tells.
    until = NOON + (20 + 7 * len(arrivals)) * HOUR
    while now < until and (coming or held):
        while coming and coming[0][0] <= now:
            at, number, severity, mergeable = coming.pop(0)
            held[number] = Waiting(number, severity, at, mergeable)
        step = next_message(budget, ended, list(held.values()), now)
        if isinstance(step, Wait):
            assert step.until > now
            now = min([step.until, *(coming[:1] and [coming[0][0]])])
        elif step is None:
            now = coming[0][0] if coming else until
        else:
            tries += 1
            ended.append(now)
            if maybe[tries % len(maybe)] or tries % 7 == 0:
                ids = step.ids if isinstance(step, Summarise) else (step.id,)
                told |= set(ids)
                held = {number: one for number, one in held.items() if number not in ids}
            now += timedelta(seconds=1)
    assert told == set(range(len(arrivals)))
    for at in ended:
        assert sum(at - HOUR < other <= at for other in ended) <= budget
