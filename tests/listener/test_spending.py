"""What a platform will cost, from what it has cost."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listener.spending import dollars, forecast
from tests.conftest import NOON

TODAY = NOON.date()
money = st.decimals(0, 1000, places=4)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def test_a_steady_spend_goes_on_as_it_was() -> None:
    seen = forecast({ago(n): Decimal(2) for n in range(1, 8)} | {TODAY: Decimal(1)}, Decimal(5), NOON)
    assert (seen.per_day, seen.per_month, seen.spent_today, seen.rate) == (2, 60, 1, 2)
    assert seen.reached_at is None
    assert seen.words == (
        "$1.00 spent today; at the rate of the last days about $2.00 a day and $60.00 a month; "
        "the day's cap of $5.00 is not reached at today's rate"
    )


def test_days_before_the_first_spend_do_not_count_but_days_without_any_do() -> None:
    assert forecast({ago(4): Decimal(6), ago(1): Decimal(2)}, None, NOON).per_day == 2


def test_what_is_older_than_a_week_does_not_count() -> None:
    assert forecast({ago(8): Decimal(700), ago(7): Decimal(7)}, None, NOON).per_day == 1


def test_on_the_first_day_there_is_only_todays_rate() -> None:
    seen = forecast({TODAY: Decimal(3)}, Decimal(4), NOON)
    assert (seen.per_day, seen.rate) == (6, 6)
    assert seen.reached_at == NOON + timedelta(hours=4)
    assert "the day's cap of $4.00 is reached at 2026-11-21 16:00 UTC" in seen.words


def test_just_after_midnight_one_request_is_no_trend() -> None:
    midnight = NOON.replace(hour=0, minute=1)
    assert forecast({TODAY: Decimal("0.50")}, None, midnight).rate == 12


def test_a_cap_that_is_reached() -> None:
    seen = forecast({TODAY: Decimal(4)}, Decimal(4), NOON)
    assert seen.reached_at == NOON
    assert "is reached, and it goes on at midnight UTC" in seen.words


def test_nothing_spent_is_nothing_to_come() -> None:
    seen = forecast({}, Decimal(4), NOON)
    assert (seen.per_day, seen.per_month, seen.reached_at) == (0, 0, None)
    assert forecast({}, None, NOON).words.endswith("no cap is set")


@given(st.dictionaries(st.integers(0, 12).map(ago), money), st.none() | money, st.integers(0, 86_399))
def test_no_ledger_makes_nonsense(days: dict[date, Decimal], cap: Decimal | None, second: int) -> None:
    now = NOON.replace(hour=0) + timedelta(seconds=second)
    seen = forecast(days, cap, now)
    assert seen.per_day >= 0
    assert seen.per_month == seen.per_day * 30
    if seen.reached_at is not None:
        assert now <= seen.reached_at < NOON.replace(hour=0) + timedelta(days=1)
    assert seen.words


@pytest.mark.parametrize(("amount", "text"), [("0", "$0.00"), ("0.004", "less than $0.01"), ("1234.5", "$1,234.50")])
def test_dollars(amount: str, text: str) -> None:
    assert dollars(Decimal(amount)) == text
