"""Readings of a mention's reactions: in order, apart, few, and never without the latest."""

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from alerts.mentions import Reading
from listener.readings import APART_S, MOST, added, readings_of
from tests.conftest import NOON


def test_the_first_reading_is_that_of_when_it_was_collected() -> None:
    later = NOON + timedelta(hours=1)

    assert readings_of(None, NOON, {"likes": 3, "shares": 1, "rating": 5, "views": 900}) == (Reading(NOON, 4),)
    rows = added(None, NOON, {"likes": 4}, later, {"likes": 9, "views": 10_000})
    assert readings_of(rows, NOON, {"likes": 9}) == (Reading(NOON, 4), Reading(later, 9))


def test_a_platform_without_counts_has_no_readings() -> None:
    assert readings_of(None, NOON, {}) == ()


def test_the_last_is_replaced_by_one_that_comes_close_after_it() -> None:
    rows = None
    for minute, likes in ((5, 10), (9, 20), (12, 30), (30, 40)):
        rows = added(rows, NOON, {"likes": 0}, NOON + timedelta(minutes=minute), {"likes": likes})

    assert [one.reactions for one in readings_of(rows, NOON, {"likes": 40})] == [0, 30, 40]


@given(steps=st.lists(st.tuples(st.integers(-120, 4_000), st.integers(0, 1_000)), min_size=1, max_size=80))
def test_readings_rise_in_time_are_apart_and_end_with_the_latest(steps: list[tuple[int, int]]) -> None:
    rows: list[list[int]] | None = None
    now: datetime = NOON
    for seconds, likes in steps:
        # A clock may be set back.
        now += timedelta(seconds=seconds)
        rows = added(rows, NOON, {"likes": 7}, now, {"likes": likes})

    assert rows is not None
    times = [at for at, _ in rows]
    assert len(rows) <= MOST
    assert times == sorted(set(times))
    assert rows[-1] == [int(now.timestamp()), steps[-1][1]]
    assert all(later - earlier >= APART_S for earlier, later in pairwise(times[:-1]))
