"""Windows are cut by people's own clocks, without a gap, also where those clocks are changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.buckets import MOST, Every, cut, fitting, whole_hours

MADRID = ZoneInfo("Europe/Madrid")


def lengths(since: datetime, days: int, every: Every, zone: str) -> list[float]:
    """Hours that each bucket lasts."""
    found = cut(since, since + timedelta(days=days), every, ZoneInfo(zone)).all
    return [(bucket.until - bucket.since) / timedelta(hours=1) for bucket in found]


def test_days_are_the_zones_own_also_when_its_clocks_change() -> None:
    # Madrid went back on 2026-10-25 and forward on 2026-03-29 (tz database).
    assert lengths(datetime(2026, 10, 23, 22, tzinfo=UTC), 3, Every.DAY, "Europe/Madrid") == [24, 25, 23]
    assert lengths(datetime(2026, 3, 27, 23, tzinfo=UTC), 3, Every.DAY, "Europe/Madrid") == [24, 23, 24, 1]


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    weeks = cut(datetime(2026, 10, 21, 22, tzinfo=UTC), datetime(2026, 11, 3, tzinfo=UTC), Every.WEEK, MADRID).all
    assert [bucket.until.astimezone(MADRID).isoformat() for bucket in weeks] == [
        "2026-10-26T00:00:00+01:00", "2026-11-02T00:00:00+01:00", "2026-11-03T01:00:00+01:00",
    ]  # fmt: skip
    months = cut(datetime(2026, 11, 21, tzinfo=UTC), datetime(2027, 2, 3, tzinfo=UTC), Every.MONTH, ZoneInfo("UTC")).all
    assert [(bucket.since.month, bucket.since.day) for bucket in months] == [(11, 21), (12, 1), (1, 1), (2, 1)]


def test_an_hour_of_half_an_hour_off_goes_where_it_begins() -> None:
    # Midnight in Kolkata is 18:30 UTC; the hour that begins at 18:00 is still the day before.
    buckets = cut(
        datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 22, tzinfo=UTC), Every.DAY, ZoneInfo("Asia/Kolkata")
    )
    assert [bucket.until.hour for bucket in buckets.all] == [19, 19, 0]
    assert [buckets.place(datetime(2026, 11, 20, hour, tzinfo=UTC)) for hour in (18, 19)] == [0, 1]


@given(
    st.integers(0, 90 * 365).map(lambda day: datetime(2000, 1, 1, 5, tzinfo=UTC) + timedelta(days=day)),
    st.integers(1, 24 * 1_000),
    st.sampled_from(Every),
    st.sampled_from(["Europe/Madrid", "Asia/Kathmandu", "America/Havana", "Pacific/Apia", "Africa/Cairo", "UTC"]),
)
def test_buckets_cover_the_window_once(since: datetime, hours: int, every: Every, zone: str) -> None:
    since, until = whole_hours(since, since + timedelta(hours=hours))
    buckets = cut(since, until, every, ZoneInfo(zone))

    assert (buckets.all[0].since, buckets.all[-1].until) == (since, until)
    for number, bucket in enumerate(buckets.all):
        assert bucket.since < bucket.until
        assert bucket.until == (buckets.all[number + 1].since if number + 1 < len(buckets.all) else until)
        assert buckets.place(bucket.since) == buckets.place(bucket.until - timedelta(hours=1)) == number
    assert len(cut(since, until, fitting(since, until, MOST), ZoneInfo(zone)).all) <= MOST + 2


def test_what_is_empty_is_refused() -> None:
    with pytest.raises(ValueError, match="since must come before until"):
        cut(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), Every.DAY, MADRID)
