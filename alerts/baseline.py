"""What is usual for a brand at an hour of the week, and how surprising a window is against it. Pure statistics.

Counts of mentions are overdispersed: an hour varies more than chance around its mean mu would, with variance
mu + a * mu^2 (negative binomial; Hilbe, *Negative Binomial Regression*, 2011). `a` is the dispersion.

The mean of an hour of the week is shrunk towards that of its hour of the day, and that towards the mean of all hours,
by Bühlmann's credibility (*Experience rating and credibility*, ASTIN Bulletin 4, 1967): n own hours weigh n / (n + K),
with K the variance of one hour over the variance between the means, so that much is believed of busy hours after few
weeks, and of quiet ones after many. What is left in doubt widens the interval.

Past spikes must not raise what counts as usual: hours far above what is expected get less weight, as in the detection
of outbreaks by Farrington et al. (J. R. Stat. Soc. A 159, 1996) and Noufaily et al. (Stat. Med. 32, 2013).

A level that has shifted and stays is the new usual: what was before it is left out. See `alerts.level_shift`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, overload

import numpy as np
import numpy.typing as npt
from scipy import special

from alerts.level_shift import since_shift
from alerts.rule import Bucket

Numbers = npt.NDArray[np.float64]

HOUR = timedelta(hours=1)
WEEK_H, DAY_H = 168, 24

DAY_SPREAD, WEEK_SPREAD = 0.6**2, 0.3**2
"""How much the hours of a day differ in their mean, and the same hour on several weekdays: squared coefficients of
variation, of the order seen in support accounts. They only say how fast own hours are believed."""

FAR = 4.0
"""From so many standard deviations above its mean on, an hour counts less, by the square of how much further it is.
About one ordinary hour in 300 is: at 2.58, as Noufaily has it for weeks, the long tail of hours would be cut off."""

DISPERSION = 0.2
"""What is taken for the dispersion of a brand of which nothing is known yet; as if a day had shown it."""

LEAST_DISPERSION, MOST_DISPERSION = 0.02, 3.0
LEAST_CLUSTERING, MOST_CLUSTERING = 0.005, 0.5

_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class Expected:
    """What a window is expected to hold. `mean` in mentions; `dispersion` is that of one hour, together with the doubt
    about the mean. `basis`: whether the hour of the "week", of the "day" or "all" hours carry most of it; `hours`: how
    many hours of the history that basis has. `share` (0 to 1) and `clustering` are those of detractors."""

    mean: float
    dispersion: float
    basis: str
    hours: int
    share: float
    clustering: float

    def p_of(self, count: int) -> float:
        """How likely a usual window holds so many mentions or more."""
        return float(above(count, self.mean, self.dispersion))

    def most(self, p: float) -> int:
        """The largest count that is reached with more than this probability."""
        return most(p, self.mean, self.dispersion)

    def p_of_share(self, detractors: int, mentions: int) -> float:
        """How likely so many or more of a usual window's mentions are detractors'."""
        return share_above(detractors, mentions, self.share, self.clustering)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is usual. `mean`, and `doubt` as the squared coefficient of variation of that mean, stand for each hour of
    the week (0 = Monday 00:00 UTC); `hours`: how many hours of the history each has.

    `covered_h`: hours that could be used. `mentions`: those in them, spikes at their weight, without the busiest day:
    what one day tells, however much, is not what is usual. `since`: from where on, and `shifted` whether that is so
    because the level shifted there.
    """

    mean: Numbers
    doubt: Numbers
    credit: Numbers
    hours: npt.NDArray[np.int64]
    dispersion: float
    share: float
    clustering: float
    covered_h: int
    mentions: float
    since: datetime | None
    shifted: bool

    def expected(self, since: datetime, until: datetime) -> Expected:
        """What is usual between two moments: of each clock hour that they touch so much as lies between them."""
        parts = _parts(since, until)
        cells = [_cell(hour) for hour, _ in parts]
        shares = np.array([part for _, part in parts])
        means = self.mean[cells] * shares
        mean = float(means.sum())
        # Neighbouring hours err together, so their doubts are not averaged out; nor is what makes an hour busy.
        doubt = float((means * self.doubt[cells]).sum() / mean) if mean > 0 else 0.0
        longest = cells[int(np.argmax(shares))]
        of_day = self.hours[longest % DAY_H :: DAY_H]
        if self.hours[longest] >= 2 and self.credit[longest] >= 0.25:
            basis, hours = "week", int(self.hours[longest])
        elif of_day.sum() >= 2:
            basis, hours = "day", int(of_day.sum())
        else:
            basis, hours = "all", self.covered_h
        return Expected(mean, self.dispersion + doubt, basis, hours, self.share, self.clustering)


class History(Sequence[Bucket]):
    """Whole clock hours in a row, with what is usual in them, found once however often it is asked for."""

    def __init__(self, buckets: Sequence[Bucket]) -> None:
        self._buckets = buckets

    @classmethod
    def of(cls, buckets: Sequence[Bucket]) -> "History":
        """The same buckets, as they are where they are a History already."""
        return buckets if isinstance(buckets, cls) else cls(buckets)

    @overload
    def __getitem__(self, index: int) -> Bucket: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Bucket]: ...
    def __getitem__(self, index: int | slice) -> Bucket | Sequence[Bucket]:
        return self._buckets[index]

    def __len__(self) -> int:
        return len(self._buckets)

    @cached_property
    def baseline(self) -> Baseline:
        """What is usual, from all of them."""
        return fit(self._buckets)


def fit(buckets: Sequence[Bucket], poor: int = 100) -> Baseline:
    """What is usual in these hours, which are in a row, the oldest first.

    Hours that are not covered are left out, and so is all before the first mention: nobody listened then, or nothing
    was there to be heard. A history of fewer than `poor` mentions is given up for a new level after a day.
    """
    mentions = np.array([one.mentions for one in buckets], dtype=np.float64)
    detractors = np.array([one.detractors for one in buckets], dtype=np.float64)
    covered = np.array([one.covered for one in buckets], dtype=bool)
    said = np.flatnonzero((mentions > 0) & covered)
    first = int(said[0]) if len(said) else len(buckets)
    shift = since_shift(mentions[first:], covered[first:], poor)
    start = first + shift
    first_cell = _cell(buckets[start].hour) if start < len(buckets) else 0
    kept = covered[start:]
    cells = ((first_cell + np.arange(len(buckets) - start)) % WEEK_H)[kept]
    counts, against = mentions[start:][kept], detractors[start:][kept]
    mean, doubt, credit, dispersion, weights = _levels(counts, cells)
    share, clustering = _share(counts, against)
    return Baseline(
        mean=mean, doubt=doubt, credit=credit, hours=np.bincount(cells, minlength=WEEK_H), dispersion=dispersion,
        share=share, clustering=clustering, covered_h=len(counts),
        mentions=_told(counts * weights, np.flatnonzero(kept), len(kept)),
        since=buckets[start].hour if start < len(buckets) else None, shifted=shift > 0,
    )  # fmt: skip


def above(count: int, mean: float, dispersion: float) -> Any:
    """P(N >= count) for N negative binomial with this mean and variance mean + dispersion * mean^2.

    By the regularised incomplete beta function: https://dlmf.nist.gov/8.17#E24
    """
    if count <= 0:
        return 1.0
    size = 1 / dispersion
    return special.betainc(count, size, mean / (size + mean))


def most(p: float, mean: float, dispersion: float) -> int:
    """The largest count with P(N >= count) > p; 0 where only that is so likely."""
    low, high = 0, 1
    while above(high, mean, dispersion) > p:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if above(middle, mean, dispersion) > p else (low, middle)
    return low


def share_above(detractors: int, mentions: int, share: float, clustering: float) -> float:
    """P(D >= detractors) of so many mentions, for D beta-binomial: the share differs from hour to hour around `share`,
    with `clustering` the correlation between two mentions of one hour."""
    if detractors <= 0:
        return 1.0
    both = 1 / clustering - 1
    a, b = share * both, (1 - share) * both
    k = np.arange(detractors, mentions + 1)
    log_chance = (
        special.gammaln(mentions + 1) - special.gammaln(k + 1) - special.gammaln(mentions - k + 1)
        + special.betaln(k + a, mentions - k + b) - special.betaln(a, b)
    )  # fmt: skip
    return float(min(np.exp(special.logsumexp(log_chance)), 1.0))


def _told(mentions: Numbers, places: npt.NDArray[np.int64], hours: int) -> float:
    """How many there are without those of the busiest day; days are counted back from the end."""
    by_day = np.bincount((hours - 1 - places) // DAY_H, mentions, minlength=1)
    return float(by_day.sum() - by_day.max())


def _levels(counts: Numbers, cells: npt.NDArray[np.int64]) -> tuple[Numbers, Numbers, Numbers, float, Numbers]:
    """For each hour of the week the mean, the doubt about it and the credit of its own hours; the dispersion; and the
    weight of each hour."""
    weights = np.ones(len(counts))
    dispersion = DISPERSION
    mean = doubt = credit = np.zeros(WEEK_H)
    for _ in range(_ROUNDS):
        mean, doubt, credit = _means(counts, cells, weights, dispersion)
        here = np.maximum(mean[cells], 1e-9)
        far = (counts - here) / np.sqrt(here + dispersion * here**2)
        weights = np.where(far > FAR, (FAR / np.maximum(far, FAR)) ** 2, 1.0)
        # By moments; what is far off tells the less of ordinary hours the further it is.
        beyond = ((counts - here) * weights) ** 2 - here
        # Own hours have drawn the mean towards themselves: what they vary around it is too little by that.
        left = np.maximum(1 - credit[cells] / np.maximum(np.bincount(cells, minlength=WEEK_H)[cells], 1), 0.5)
        total = float((here**2 * left).sum())
        known = DAY_H * (1 + float(here.mean()) ** 2) if len(here) else 1.0
        found = (float(beyond.sum()) + known * DISPERSION) / (total + known)
        dispersion = float(np.clip(found, LEAST_DISPERSION, MOST_DISPERSION))
    return mean, doubt, credit, dispersion, weights


def _means(
    counts: Numbers, cells: npt.NDArray[np.int64], weights: Numbers, dispersion: float
) -> tuple[Numbers, Numbers, Numbers]:
    """Means of the hours of the week, shrunk towards the hour of the day and that towards all; with their doubt."""
    hours, said = weights.sum(), float((weights * counts).sum())
    # Half a mention more, so that "none in so many hours" is not "never".
    overall = (said + 0.5) / (hours + 1)
    noise = 1 / overall + dispersion
    doubt_of_all = noise / (hours + 1)
    of_day = cells % DAY_H
    mean_of_day, credit_of_day = _shrunk(counts, of_day, weights, DAY_H, np.full(DAY_H, overall), noise / DAY_SPREAD)
    doubt_of_day = DAY_SPREAD * (1 - credit_of_day) + (1 - credit_of_day) ** 2 * doubt_of_all
    prior = np.tile(mean_of_day, 7)
    pull = (1 / np.maximum(prior, 1e-9) + dispersion) / WEEK_SPREAD
    mean, credit = _shrunk(counts, cells, weights, WEEK_H, prior, pull)
    doubt = WEEK_SPREAD * (1 - credit) + (1 - credit) ** 2 * np.tile(doubt_of_day, 7)
    return mean, doubt, credit


def _shrunk(
    counts: Numbers, cells: npt.NDArray[np.int64], weights: Numbers, number: int, prior: Numbers, pull: float | Numbers
) -> tuple[Numbers, Numbers]:
    """The means of cells, each drawn towards its prior mean as by `pull` hours of it; and their own hours' weight."""
    own = np.bincount(cells, weights, minlength=number)
    said = np.bincount(cells, weights * counts, minlength=number)
    return (said + pull * prior) / (own + pull), own / (own + pull)


def _share(counts: Numbers, against: Numbers) -> tuple[float, float]:
    """The usual share of detractors, and how much they come together (the correlation within an hour)."""
    weights = np.ones(len(counts))
    share, clustering = 0.5, 0.05
    several = counts >= 2
    for _ in range(_ROUNDS):
        # As if one mention of each kind had been seen before: Laplace's rule.
        share = float(((weights * against).sum() + 1) / ((weights * counts).sum() + 2))
        spread = counts * share * (1 - share) * (1 + (counts - 1) * clustering)
        away = (against - counts * share) / np.sqrt(np.maximum(spread, 1e-9))
        weights = np.where(away > FAR, (FAR / np.maximum(away, FAR)) ** 2, 1.0)
        beyond = np.minimum(away, FAR) ** 2 * spread - counts * share * (1 - share)
        pairs = float((counts * (counts - 1) * share * (1 - share))[several].sum())
        found = float(beyond[several].sum()) / pairs if pairs > 0 else LEAST_CLUSTERING
        clustering = float(np.clip(found, LEAST_CLUSTERING, MOST_CLUSTERING))
    return share, clustering


def _cell(hour: datetime) -> int:
    """The hour of the week, 0 = Monday 00:00 UTC."""
    utc = hour.astimezone(UTC)
    return utc.weekday() * DAY_H + utc.hour


def _parts(since: datetime, until: datetime) -> list[tuple[datetime, float]]:
    """The clock hours between two moments, each with how much of it lies there (0 to 1)."""
    found = []
    hour = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    while hour < until:
        found.append((hour, (min(hour + HOUR, until) - max(hour, since)) / HOUR))
        hour += HOUR
    return found
