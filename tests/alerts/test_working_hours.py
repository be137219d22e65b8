"""Working time, in zones and on days when clocks change."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.policy import Hours
from alerts.working_hours import least_worked, worked, working

MADRID = ZoneInfo("Europe/Madrid")
OFFICE = Hours(days=("mon", "tue", "wed", "thu", "fri"), since=time(9), until=time(18))
NIGHT = Hours(since=time(22), until=time(6))
FRIDAY = datetime(2026, 11, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(day: int, hour: float, zone: ZoneInfo = MADRID) -> datetime:
    return datetime(2026, 11, day, int(hour), int(hour % 1 * 60), tzinfo=zone)


@pytest.mark.parametrize(
    ("since", "until", "hours"),
    [
        (at(20, 10), at(20, 12), 2),
        (at(20, 7), at(20, 10), 1),
        (at(20, 17), at(23, 10), 2),  # over a weekend
        (at(21, 9), at(22, 18), 0),
        (at(20, 20), at(20, 8), 0),  # backwards
        (at(16, 0), at(23, 0), 45),
    ],
)
def test_only_working_hours_count(since: datetime, until: datetime, hours: float) -> None:
    assert worked(since, until, (OFFICE,), MADRID) == hours * HOUR


def test_hours_past_midnight_belong_to_the_evening_they_begin_on() -> None:
    assert worked(at(20, 20), at(21, 8), (NIGHT,), MADRID) == 8 * HOUR
    assert working(at(21, 5.5), (NIGHT,), MADRID)
    assert not working(at(21, 6), (NIGHT,), MADRID)


def test_the_night_on_which_clocks_go_back_is_an_hour_longer() -> None:
    since, until = datetime(2026, 10, 24, 20, tzinfo=MADRID), datetime(2026, 10, 25, 8, tzinfo=MADRID)

    assert worked(since, until, (NIGHT,), MADRID) == 9 * HOUR


def test_hours_that_overlap_count_once() -> None:
    assert worked(at(20, 0), at(21, 0), (OFFICE, Hours(since=time(12), until=time(20))), MADRID) == 11 * HOUR


def test_without_hours_all_time_is_working_time() -> None:
    assert worked(at(21, 0), at(22, 0), (), MADRID) == 24 * HOUR
    assert working(at(21, 3), (), MADRID)


@given(st.integers(0, 60 * 24 * 400), st.integers(0, 60 * 24 * 5), st.integers(0, 60 * 24 * 5))
def test_working_time_adds_up_and_is_never_more_than_the_time(start: int, first: int, second: int) -> None:
    since = FRIDAY + timedelta(minutes=start)
    middle = since + timedelta(minutes=first)
    until = middle + timedelta(minutes=second)
    whole = worked(since, until, (OFFICE, NIGHT), MADRID)

    assert whole == worked(since, middle, (OFFICE, NIGHT), MADRID) + worked(middle, until, (OFFICE, NIGHT), MADRID)
    assert timedelta(0) <= whole <= until - since


def test_the_least_working_time_of_three_days_is_over_a_weekend() -> None:
    assert least_worked(timedelta(days=3), (OFFICE,)) == 9 * HOUR
    assert least_worked(timedelta(days=7), (OFFICE,)) == 45 * HOUR
    assert least_worked(timedelta(days=2), ()) == 48 * HOUR


@given(st.integers(1, 14 * 24), st.integers(0, 7 * 24 * 4))
def test_no_stretch_holds_less_than_the_least(hours: int, quarter: int) -> None:
    begin, zone = at(16, 0, ZoneInfo("UTC")) + quarter * HOUR / 4, ZoneInfo("UTC")
    for some in ((OFFICE,), (NIGHT,), (OFFICE, NIGHT)):
        assert worked(begin, begin + hours * HOUR, some, zone) >= least_worked(hours * HOUR, some)
