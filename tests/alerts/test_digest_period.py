"""Digests come at a time of day where the team is, whatever is done to the clocks there, and leave no time out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.digest_period import Every, Period, at, latest, missed
from alerts.policy import Team


def team(timezone: str = "Europe/Madrid", **digest: object) -> Team:
    return Team.model_validate({"name": "care", "timezone": timezone, "digest": {"daily": "08:00", **digest}})


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


def test_a_daily_digest_is_about_the_day_until_it_is_due() -> None:
    found = latest(team(), Every.DAILY, utc(2026, 11, 21, 12))

    assert found == Period(
        Every.DAILY, utc(2026, 11, 21, 7), utc(2026, 11, 19, 7), utc(2026, 11, 20, 7), utc(2026, 11, 21, 7)
    )


def test_before_the_time_of_day_it_is_yesterdays() -> None:
    found = latest(team(), Every.DAILY, utc(2026, 11, 21, 6, 59))

    assert found is not None
    assert found.due == utc(2026, 11, 20, 7)


def test_at_the_very_moment_it_is_due() -> None:
    found = latest(team(), Every.DAILY, utc(2026, 11, 21, 7))

    assert found is not None
    assert found.due == utc(2026, 11, 21, 7)


def test_a_weekly_digest_comes_on_its_day() -> None:
    found = latest(team(weekly="mon", at="09:30"), Every.WEEKLY, utc(2026, 11, 22, 12))

    assert found is not None
    # Monday the 16th, 9:30 in Madrid; figures are by the hour.
    assert (found.due, found.since, found.until) == (
        utc(2026, 11, 16, 8, 30), utc(2026, 11, 9, 8), utc(2026, 11, 16, 8)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("day", "hours"),
    [(utc(2026, 3, 29, 12), 23), (utc(2026, 10, 25, 12), 25), (utc(2026, 10, 26, 12), 24)],
)
def test_the_day_on_which_clocks_are_changed_is_as_long_as_it_is(day: datetime, hours: int) -> None:
    found = latest(team(), Every.DAILY, day)

    assert found is not None
    assert found.until - found.since == timedelta(hours=hours)
    assert found.due.astimezone(team().zone).hour == 8


def test_a_time_that_the_clocks_leave_out_comes_all_the_same() -> None:
    found = latest(team(daily="02:30"), Every.DAILY, utc(2026, 3, 29, 12))

    assert found is not None
    assert found.due == utc(2026, 3, 29, 1, 30)


def test_who_gets_none_has_none_due() -> None:
    nobody = Team(name="care")

    assert latest(nobody, Every.DAILY, utc(2026, 11, 21)) is None
    assert latest(nobody, Every.WEEKLY, utc(2026, 11, 21)) is None


def test_what_was_missed_is_named_day_by_day() -> None:
    period = latest(team(), Every.DAILY, utc(2026, 11, 21, 12))

    assert period is not None
    assert missed(team(), Every.DAILY, utc(2026, 11, 18, 7), period) == [utc(2026, 11, 19, 7), utc(2026, 11, 20, 7)]
    assert missed(team(), Every.DAILY, utc(2026, 11, 20, 7), period) == []


ZONES = st.sampled_from(
    ["UTC", "Europe/Madrid", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]
)


@given(ZONES, st.sampled_from(Every), st.times(), st.integers(0, 10 * 365 * 24 * 60))
def test_periods_follow_each_other_without_a_gap(zone: str, every: Every, moment: object, minute: int) -> None:
    now = utc(2020, 1, 1) + timedelta(minutes=minute)
    them = team(zone, daily=moment, at=moment, weekly="wed")
    this = at(them, every, now)
    last = at(them, every, this.due - timedelta(seconds=1))

    assert last.due < this.due <= now
    assert (last.until, last.since) == (this.since, this.before)
    assert this.due - this.until < timedelta(hours=1)
