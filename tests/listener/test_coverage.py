"""Stretches of time held against minutes counted one by one."""

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from listener.coverage import (
    HOUR,
    HourState,
    Missing,
    Polls,
    Record,
    Stretch,
    hour_of,
    hours,
    joined,
    length,
    within,
    without,
)
from tests.conftest import NOON


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


pieces = st.lists(
    st.tuples(st.integers(-90, 200), st.integers(-5, 90)).map(lambda pair: Stretch(at(pair[0]), at(sum(pair)))),
    max_size=6,
)


def minutes(stretches: list[Stretch]) -> set[int]:
    return {
        minute
        for since, until in stretches
        for minute in range(round((since - NOON) / HOUR * 60), round((until - NOON) / HOUR * 60))
    }


@given(pieces)
def test_joined_is_the_same_time_in_as_few_pieces_as_there_can_be(stretches: list[Stretch]) -> None:
    found = joined(stretches)
    assert minutes(found) == minutes(stretches)
    assert all(one.until < two.since for one, two in pairwise(found))
    assert length(stretches) == timedelta(minutes=len(minutes(stretches)))


@given(pieces, pieces)
def test_without_cuts_out(stretches: list[Stretch], holes: list[Stretch]) -> None:
    assert minutes(without(stretches, holes)) == minutes(stretches) - minutes(holes)


@given(pieces, st.integers(-50, 100), st.integers(0, 100))
def test_within_keeps_what_lies_in_the_frame(stretches: list[Stretch], start: int, size: int) -> None:
    frame = Stretch(at(start), at(start + size))
    assert minutes(within(stretches, frame)) == minutes(stretches) & set(range(start, start + size))


def record(**changes: object) -> Record:
    fields: dict[str, object] = {
        "listened_from": at(0), "covered_to": at(60), "every": timedelta(minutes=10),
        "covered": [Stretch(at(0), at(60))], "polls": {},
    }  # fmt: skip
    return Record(**fields | changes)  # type: ignore[arg-type]


def test_the_hours_begin_with_the_one_that_the_frame_begins_in_and_end_before_its_end() -> None:
    found = hours(record(), at(30), at(181), at(65))
    assert [hour.hour for hour in found] == [at(0), at(60), at(120), at(180)]
    assert [hour.state for hour in found] == [HourState.COVERED, HourState.WAITING, HourState.FUTURE, HourState.FUTURE]
    assert hours(record(), at(120), at(60), at(65)) == []


def test_of_a_source_that_is_read_once_a_day_an_hour_between_is_not_missing() -> None:
    daily = record(every=timedelta(days=1))
    assert {hour.state for hour in hours(daily, at(60), at(1440), at(1400))} == {HourState.WAITING}
    assert hours(daily, at(60), at(120), at(60 + 1440 + 3))[0].state is HourState.NOT_POLLED


def test_an_hour_that_is_not_due_yet_waits_whatever_was_found_while_a_gap_was_filled_in_it() -> None:
    """Filling counts what it finds in the hour it happens in, and is no poll."""
    for polls, state in [
        (Polls(found=71, stored=71), HourState.WAITING),
        (Polls(polls=1, rate_limited=1, found=71), HourState.RATE_LIMITED),
        (Polls(polls=1, failed=1), HourState.FAILED),
    ]:
        daily = record(every=timedelta(days=1), polls={at(120): polls})
        (hour,) = hours(daily, at(120), at(180), at(170))
        assert hour.state is state


def test_the_reasons_why_an_hour_is_not_covered() -> None:
    gap = Missing(Stretch(at(100), at(110)), "capped", "open", "too much")
    for polls, missing, state, why in [
        (None, [], HourState.NOT_POLLED, None),
        (Polls(polls=6, failed=6, why="503"), [], HourState.FAILED, "503"),
        (Polls(polls=6, rate_limited=4, failed=2, why="429"), [], HourState.RATE_LIMITED, "429"),
        (Polls(polls=6, failed=6, why="503"), [gap], HourState.FAILED, "503"),
        (Polls(polls=6, failed=1, finished=5), [gap], HourState.CAPPED, "too much"),
        (Polls(polls=6, failed=1, finished=5), [], HourState.FAILED, None),
        (Polls(polls=1, found=70), [], HourState.UNFINISHED, None),
        (Polls(polls=1, finished=1), [], HourState.NOT_POLLED, None),
    ]:
        found = record(polls={} if polls is None else {at(60): polls}, missing=missing)
        (hour,) = hours(found, at(60), at(120), at(300))
        assert (hour.state, hour.why) == (state, why)
        assert hour.gap == ("open" if missing else None)


def test_an_hour_begins_where_it_begins_in_utc() -> None:
    assert hour_of(datetime.fromisoformat("2026-11-21T13:29:59+05:30")) == datetime.fromisoformat(
        "2026-11-21T07:00:00+00:00"
    )
