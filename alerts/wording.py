"""Numbers and times as every notice writes them."""

from datetime import UTC, datetime


def percent(share: float) -> str:
    """A share (0 to 1) with at most three digits, so that 59.6% is not shown as the 60% that it missed."""
    return f"{share * 100:.3g}%"


def counted(number: int, noun: str) -> str:
    """`1 mention`, `1,234 mentions`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def moment(when: datetime) -> str:
    """To the minute and always in UTC, which is named: readers sit in several time zones."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
