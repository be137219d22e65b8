"""How often, and how large a share: with the interval that so few cases leave open."""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil, floor, sqrt

from scipy.special import gammaincinv, ndtri

WEEK = timedelta(days=7)
CONFIDENCE = 0.95

_DAY, _MONTH = timedelta(days=1), timedelta(days=30)


Interval = tuple[float, float, float]
"""A value and the ends of its interval."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` cases in `exposure`, the time in which one could have been seen; the rest is in cases a week.

    `low` and `high` are the exact interval for the mean of a Poisson count.
    """

    count: int
    exposure: timedelta
    per_week: float
    low: float
    high: float

    def in_words(self) -> str:
        """`about 4 a week (2 to 7)`; in days or months (of 30 days) where a week holds very many or hardly any."""
        unit, length = "week", WEEK
        if self.per_week >= 70:
            unit, length = "day", _DAY
        elif self.high < 1 or 0 < self.per_week < 0.5:
            unit, length = "month", _MONTH
        low, mean, high = (value * (length / WEEK) for value in (self.low, self.per_week, self.high))
        if mean >= 2:
            # Outwards, so that whole numbers promise no more than the interval does.
            low, high = floor(low), ceil(high)
        least, likely, most = (_number(value) for value in (low, mean, high))
        return f"about {likely} a {unit} ({least} to {most})" if self.count else f"none, at most {most} a {unit}"


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole`; `value`, `low` and `high` are 0 to 1."""

    part: int
    whole: int
    value: float
    low: float
    high: float

    @property
    def interval(self) -> Interval:
        """The value and its ends."""
        return self.value, self.low, self.high


def rate(count: int, exposure: timedelta, confidence: float = CONFIDENCE) -> Rate | None:
    """How many a week to expect after so many in so long; None where there was no time in which to see any.

    The interval is Garwood's (Biometrika 28, 1936): exact for a Poisson count, so wide after a few. Incidents come in
    clusters sometimes, and then it is a little too narrow. Raises ValueError for a negative count.
    """
    if count < 0:
        raise ValueError(f"nothing happens {count} times")
    if exposure <= timedelta(0):
        return None
    weeks = exposure / WEEK
    # Half the quantiles of chi-squared with 2n and 2n + 2 degrees of freedom, which are those of the gamma function.
    tail = (1 - confidence) / 2
    low = float(gammaincinv(count, tail)) if count else 0.0
    return Rate(count, exposure, count / weeks, low / weeks, float(gammaincinv(count + 1, 1 - tail)) / weeks)


def share(part: int, whole: int, confidence: float = CONFIDENCE) -> Share | None:
    """A share with Wilson's score interval (JASA 22, 1927); None of nothing.

    The interval is for chance alone: that a model may have put a mention into the wrong part is not in it. Raises
    ValueError unless 0 <= part <= whole.
    """
    if not 0 <= part <= whole:
        raise ValueError(f"{part} of {whole} is no share")
    if not whole:
        return None
    z = float(ndtri((1 + confidence) / 2))
    value = part / whole
    middle = (value + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z / (1 + z * z / whole) * sqrt(value * (1 - value) / whole + z * z / (4 * whole * whole))
    return Share(part, whole, value, max(0.0, min(middle - half, value)), min(1.0, max(middle + half, value)))


def difference(now: Interval, before: Interval) -> Interval:
    """What has changed between two estimates from different cases, with the interval of the difference.

    Their own intervals are squared and added: of shares with Wilson's this is Newcombe's tenth method (Statistics in
    Medicine 17, 1998), of other estimates the method of variance estimates recovery (Zou and Donner, same journal 27,
    2008). It holds for chance alone, as they do.
    """
    value = now[0] - before[0]
    down = sqrt((now[0] - now[1]) ** 2 + (before[2] - before[0]) ** 2)
    up = sqrt((now[2] - now[0]) ** 2 + (before[0] - before[1]) ** 2)
    return value, value - down, value + up


def _number(value: float) -> str:
    """Two digits that count, and whole numbers from ten on."""
    if value >= 9.95:
        return f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if value >= 0.95 else f"{value:.1g}"
