"""What a platform will cost, from what it has cost: pure functions of a ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from alerts.wording import moment

LOOK_BACK = timedelta(days=7)
"""Whole days before today that count; weekdays and weekends differ."""

DAYS_A_MONTH = 30

_LEAST = timedelta(hours=1)
"""A rate is not read out of less of a day than this: the first request after midnight would cost a fortune by night."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """US dollars. ``rate``: what today comes to if it goes on as it has gone since midnight (UTC).

    ``reached_at``: when the day's cap is reached at that rate; None = not today, or there is no cap.
    """

    spent_today: Decimal
    per_day: Decimal
    per_month: Decimal
    rate: Decimal
    cap: Decimal | None
    reached_at: datetime | None

    @property
    def words(self) -> str:
        """All of it in a sentence or two."""
        said = (
            f"{dollars(self.spent_today)} spent today; at the rate of the last days about {dollars(self.per_day)} a "
            f"day and {dollars(self.per_month)} a month"
        )
        if self.cap is None:
            return f"{said}; no cap is set"
        if self.spent_today >= self.cap:
            return f"{said}; the day's cap of {dollars(self.cap)} is reached, and it goes on at midnight UTC"
        if self.reached_at is not None:
            return (
                f"{said}; at today's rate the day's cap of {dollars(self.cap)} is reached at {moment(self.reached_at)}"
            )
        return f"{said}; the day's cap of {dollars(self.cap)} is not reached at today's rate"


def forecast(days: Mapping[date, Decimal], cap: Decimal | None, now: datetime) -> Forecast:
    """What the days' spend (UTC) comes to per day and month.

    Days before the first one with any spend do not count; days without any after it do. On the first day there is only
    today's rate to go by.
    """
    now = now.astimezone(UTC)
    today = now.date()
    midnight = datetime.combine(today, time(), UTC)
    elapsed = max(now - midnight, _LEAST)
    spent = days.get(today, Decimal(0))
    rate = spent * _seconds(timedelta(days=1)) / _seconds(elapsed)
    whole = {day: amount for day, amount in days.items() if today - LOOK_BACK <= day < today}
    per_day = sum(whole.values(), Decimal(0)) / (today - min(whole)).days if whole else rate
    reached_at = None
    if cap is not None and spent > 0:
        reached_at = now
        if spent < cap:
            ahead = timedelta(seconds=float(min((cap - spent) / spent, Decimal(10**4)) * _seconds(elapsed)))
            reached_at = now + ahead
        if reached_at >= midnight + timedelta(days=1):
            reached_at = None
    return Forecast(spent, per_day, per_day * DAYS_A_MONTH, rate, cap, reached_at)


def dollars(amount: Decimal) -> str:
    """`$1,234.50`; what is less than a cent is not shown as nothing."""
    if 0 < amount < Decimal("0.01"):
        return "less than $0.01"
    return f"${amount:,.2f}"


def _seconds(length: timedelta) -> Decimal:
    return Decimal(str(length.total_seconds()))
