"""The host's Meter: one quota and one purse per account, shared by all processes on one database.

pyrate-limiter decides and computes the wait; the uses it counts lie in our own store (docs/decisions/0012 says why not
in the library's SQL buckets), so that block, headers, quota and money are looked at and written in one transaction.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import structlog
from pyrate_limiter import AbstractBucket, Rate, RateItem
from pyrate_limiter.abstracts.algorithm import SlidingWindowLog
from sqlmodel import Session

from alerts.retry_after import LONGEST
from alerts.wording import counted, moment
from listener.source import FatalSourceError, Limit, RetriableSourceError
from listener.spending import dollars
from listener.store import quota as store_quota
from listener.store.engine import Store
from listener.store.tables import QuotaAccount

log = structlog.get_logger()

PATIENCE = timedelta(seconds=10)
"""How long ``ask`` waits by itself: long enough for GDELT's one request in five seconds; longer, and the worker has
better things to do than to wait."""

HELD_FOR = timedelta(minutes=10)
"""How long the money for a request whose process died counts as spent: longer than any answer may take."""

_SAME_WINDOW = timedelta(seconds=2)
"""Headers tell whole seconds, and answers take different times: so far apart, two still speak of one window."""


class QuotaSpent(RetriableSourceError):
    """An account's quota, or its money for the day, is used up until ``again_at``; the platform was not asked."""

    def __init__(self, message: str, *, retry_after: float, again_at: datetime) -> None:
        super().__init__(message, retry_after=retry_after)
        self.again_at = again_at


class Meters:
    """Gives every account its meter; this is ``Tools.meter``.

    ``clock``: the current time in UTC. ``pause``: waits so many seconds, or less where it returns True: told to stop
    (an Event's ``wait``). ``share``: how much of every limit, and of the day's money, may be used up before these
    meters refuse; less than 1 for work that must leave something to other work.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        pause: Callable[[float], bool],
        patience: timedelta = PATIENCE,
        share: float = 1.0,
    ) -> None:
        self._store, self._clock, self._pause, self._patience = store, clock, pause, patience
        self._share = share

    def __call__(self, account: str, limits: Sequence[Limit], day_cap: Decimal | None) -> "SharedMeter":
        """The meter of one account, for one source: it is not shared between threads, its rows are."""
        return SharedMeter(
            self._store, self._clock, self._pause, self._patience, account, limits, day_cap, share=self._share
        )


@dataclass(frozen=True, slots=True)
class _Refusal:
    words: str
    until: datetime


class SharedMeter:
    """A ``listener.source.Meter``. What the platform says goes before what we have counted.

    - A block (``block``, a header that says 0) holds everybody until it is over.
    - What a header says is left stands in for the shortest limit it can be about: the first whose time is not shorter
      than until the header's renewal. Longer limits, and money, are counted here all the same. A meter with a share
      leaves of what the header grants what its share of that limit leaves.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        pause: Callable[[float], bool],
        patience: timedelta,
        account: str,
        limits: Sequence[Limit],
        day_cap: Decimal | None,
        *,
        share: float = 1.0,
    ) -> None:
        self.account = account
        self.cost = Decimal(0)
        """What has been paid through this meter, in US dollars."""
        self._share = Decimal(str(share))
        self._platform = store_quota.platform_of(account)
        self._store, self._clock, self._pause, self._patience = store, clock, pause, patience
        self._limits = sorted(limits, key=lambda limit: limit.per)
        self._cap = day_cap
        self._held: store_quota.Held | None = None

    def ask(self, weight: int = 1, *, cost: Decimal = Decimal(0)) -> None:
        """Leave for one request: waits a few seconds where that is enough, else raises QuotaSpent.

        Raises FatalSourceError for what no waiting will allow.
        """
        self._refuse_the_impossible(weight, cost)
        waited = timedelta(0)
        while True:
            now = self._clock()
            refusal = self._try(weight, cost, now)
            if refusal is None:
                return
            wait = refusal.until - now
            if waited + wait > self._patience or self._pause(wait.total_seconds()):
                raise QuotaSpent(
                    f"{self._platform}: {refusal.words}; goes on at {_time(refusal.until)}",
                    retry_after=wait.total_seconds(),
                    again_at=refusal.until,
                )
            waited += max(wait, timedelta(milliseconds=1))

    def told(self, *, remaining: float | None, resets_in: float | None) -> None:
        """What a platform's headers say: so much is left, renewed in so many seconds.

        Answers come in another order than they were given: within one window the least that was told holds. A header
        without a time is taken to mean the account's shortest limit. One whose time has passed says nothing: one of
        the two clocks is wrong, and obeyed it would lift a limit for nothing.
        """
        if remaining is None or math.isnan(remaining):
            return
        now = self._clock()
        wait = min((limit.per for limit in self._limits if limit.midnight is None), default=timedelta(minutes=1))
        if resets_in is not None and not math.isnan(resets_in):
            if resets_in <= 0 and remaining >= 1:
                return
            wait = timedelta(seconds=min(max(resets_in, 1.0), LONGEST))
        renewed_at = now + wait
        with self._store.transaction() as session:
            row = store_quota.hold_account(session, self.account)
            left = max(remaining, 0.0)
            if row.renewed_at is not None and now < row.renewed_at >= renewed_at - _SAME_WINDOW:
                left = min(left, row.left or 0.0)
            if row.renewed_at is None or abs(renewed_at - row.renewed_at) > _SAME_WINDOW:
                row.told_at, row.renewed_at = now, renewed_at
            row.left = left
            session.add(row)
            if remaining < 1:
                store_quota.block(session, self.account, now + wait, "nothing is left of what the platform grants")

    def paid(self, cost: Decimal) -> None:
        """What the last request cost, into the ledger; what was set aside for it is given back."""
        now = self._clock()
        with self._store.transaction() as session:
            self._give_back(session)
            if cost:
                store_quota.hold_account(session, self.account)
                store_quota.pay(session, self.account, cost, now.date())
        self._held = None
        self.cost += cost

    def block(self, seconds: float, why: str) -> None:
        """Let nobody use this account for so long, because its platform has said so (``Retry-After``)."""
        until = self._clock() + timedelta(seconds=min(seconds, LONGEST))
        with self._store.transaction() as session:
            store_quota.block(session, self.account, until, why)
        log.warning("account_blocked", account=self.account, until=until.isoformat(), why=why)

    def lasting(self, weight: int, cost: Decimal) -> timedelta:
        """How long so much will take at the least, when nobody else uses the account."""
        longest = timedelta(0)
        for limit in self._limits:
            if weight > limit.weight:
                longest = max(longest, limit.per * (weight / self._allowed(limit, 1)))
        if self._cap is not None and cost > self._cap * self._share:
            longest = max(longest, timedelta(days=1) * float(cost / (self._cap * self._share)))
        return longest

    @property
    def cap(self) -> Decimal | None:
        """The most that the account may cost in a day, in US dollars."""
        return self._cap

    def _allowed(self, limit: Limit, weight: int) -> int:
        """The share of a limit; one request is always let through in the end."""
        return max(int(limit.weight * self._share), weight)

    def _refuse_the_impossible(self, weight: int, cost: Decimal) -> None:
        for limit in self._limits:
            if weight > limit.weight:
                raise FatalSourceError(
                    f"{self._platform}: one request counts for {weight} {limit.unit}, more than the account's "
                    f"{limit.weight:,} {_per(limit)}: ask for less at once in the options of this source"
                )
        if self._cap is not None and cost > self._cap:
            raise FatalSourceError(
                f"{self._platform}: one request may cost {dollars(cost)}, more than the day's cap of "
                f"{dollars(self._cap)}: raise the cap, or ask for less at once, in the options of this source"
            )

    def _try(self, weight: int, cost: Decimal, now: datetime) -> _Refusal | None:
        """Take what is asked for, all of it or nothing."""
        with self._store.transaction() as session:
            row = store_quota.hold_account(session, self.account)
            if cost:
                # The last request's money was never paid: it failed before it cost anything.
                self._give_back(session)
            refusal = self._blocked(row, weight, now) or self._spent(session, cost, now)
            refusal = refusal or self._counted(session, row, weight, now)
            held = None if cost else self._held
            if refusal is None:
                if row.left is not None:
                    row.left = max(row.left - weight, 0.0)
                row.day_cap = self._cap
                session.add(row)
                if cost:
                    held = store_quota.hold_money(session, self.account, cost, now, HELD_FOR)
        # After a refusal as well: what was given back is no longer ours to give back.
        self._held = held
        return refusal

    def _blocked(self, row: QuotaAccount, weight: int, now: datetime) -> _Refusal | None:
        if row.blocked_until is not None and row.blocked_until > now:
            return _Refusal(row.why or "the account is blocked", row.blocked_until)
        if row.renewed_at is None or row.renewed_at <= now:
            return None
        left = row.left or 0.0
        if weight > left:
            return _Refusal("nothing is left of what the platform grants", row.renewed_at)
        about = self._described(row)
        if about is not None and weight > max(left - (about.weight - self._allowed(about, weight)), 0.0):
            return _Refusal(f"{self._part_of(about, weight)} are used up, as the platform counts", row.renewed_at)
        return None

    def _described(self, row: QuotaAccount) -> Limit | None:
        """The limit that the last header is about: the shortest one that it can be about."""
        if row.told_at is None or row.renewed_at is None:
            return None
        told = row.renewed_at - row.told_at
        return next((limit for limit in self._limits if limit.midnight is None and limit.per >= told), None)

    def _part_of(self, limit: Limit, weight: int) -> str:
        """`the account's 100 requests a minute`, or this meter's share of them."""
        what = f"the account's {limit.weight:,} {limit.unit} {_per(limit)}"
        allowed = self._allowed(limit, weight)
        return what if allowed >= limit.weight else f"{allowed:,} of {what}, its share,"

    def _spent(self, session: Session, cost: Decimal, now: datetime) -> _Refusal | None:
        if not cost or self._cap is None:
            return None
        cap = max(self._cap * self._share, cost)
        if store_quota.spent_on(session, self.account, now.date(), now) + cost <= cap:
            return None
        midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
        what = f"the day's cap of {dollars(self._cap)}"
        if cap < self._cap:
            what = f"{dollars(cap)} of {what}, its share,"
        return _Refusal(f"{what} is reached", midnight)

    def _counted(self, session: Session, row: QuotaAccount, weight: int, now: datetime) -> _Refusal | None:
        rates, described = [], self._described(row)
        for limit in self._limits:
            rate = _LimitRate(limit, self._allowed(limit, weight))
            if limit is described and row.renewed_at is not None:
                if row.renewed_at > now:
                    continue
                rate.since = _ms(row.renewed_at)
            rates.append(rate)
        if not rates:
            if self._limits:
                store_quota.use(session, self.account, _ms(now), weight)
            return None
        bucket = StoreBucket(session, self.account, rates)
        if bucket.put(RateItem(self.account, _ms(now), weight)):
            longest = max(self._limits, key=lambda limit: limit.per)
            oldest = _WINDOWS.window_start(_LimitRate(longest, longest.weight), _ms(now))
            store_quota.forget_uses(session, self.account, oldest)
            return None
        failing = bucket.failing_rate
        assert isinstance(failing, _LimitRate)
        wait = bucket.waiting(RateItem(self.account, _ms(now), weight))
        assert isinstance(wait, int)
        words = f"{self._part_of(failing.of, weight)} are used up"
        return _Refusal(words, now + timedelta(milliseconds=max(wait, 1)))

    def _give_back(self, session: Session) -> None:
        if self._held is not None:
            store_quota.give_money_back(session, self._held)


class _LimitRate(Rate):
    """A limit as the library knows them, of which ``allowed`` may be used.

    ``since``: what was used before this moment (milliseconds since 1970) counts no more.
    """

    def __init__(self, limit: Limit, allowed: int) -> None:
        super().__init__(allowed, max(round(limit.per.total_seconds() * 1000), 1))
        self.of = limit
        self.since = 0


class _Windows(SlidingWindowLog):
    """Rolling windows, and days that begin at a platform's midnight."""

    def window_start(self, rate: Rate, now: int) -> int:
        assert isinstance(rate, _LimitRate)
        if rate.of.midnight is not None:
            return max(_midnight(now, rate.of.midnight, days=0), rate.since)
        return max(super().window_start(rate, now), rate.since)

    def blocking_offset(self, rate: Rate, weight: int) -> int | None:
        assert isinstance(rate, _LimitRate)
        return None if rate.of.midnight is not None else super().blocking_offset(rate, weight)

    def retry_after(self, rate: Rate, now: int, blocking_timestamp: int | None) -> int:
        assert isinstance(rate, _LimitRate)
        if rate.of.midnight is not None:
            return _midnight(now, rate.of.midnight, days=1) - now
        return super().retry_after(rate, now, blocking_timestamp)


_WINDOWS = _Windows()


class StoreBucket(AbstractBucket):
    """An account's uses in our store. Lives as long as one transaction that holds the account's row."""

    is_async = False

    def __init__(self, session: Session, account: str, rates: Sequence[Rate]) -> None:
        self._session, self._account = session, account
        self._algorithm = _WINDOWS
        self.rates = list(rates)

    def put(self, item: RateItem) -> bool:
        """Write the use down where all limits allow it."""
        starts = [self._algorithm.window_start(rate, item.timestamp) for rate in self.rates]
        counts = store_quota.used(self._session, self._account, starts)
        decision = self._algorithm.decide(
            self.rates, counts, item.weight, item.timestamp,
            lambda offset: store_quota.used_at(self._session, self._account, offset),
        )  # fmt: skip
        if not self._record(item, decision):
            return False
        store_quota.use(self._session, self._account, item.timestamp, item.weight)
        return True

    def leak(self, current_timestamp: int | None = None) -> int:
        """Drop what no limit counts any more."""
        if current_timestamp is None:
            return 0
        bound = self._algorithm.leak_bound(self.rates, current_timestamp)
        return store_quota.forget_uses(self._session, self._account, bound)

    def flush(self) -> None:
        """Begin to count anew."""
        store_quota.forget_all_uses(self._session, self._account)
        self.failing_rate = None
        self._last_wait = None

    def count(self) -> int:
        """The weight of all uses that are written down."""
        (count,) = store_quota.used(self._session, self._account, [0])
        return count

    def peek(self, index: int) -> RateItem | None:
        """The use ``index`` units before the latest."""
        at = store_quota.used_at(self._session, self._account, index)
        return None if at is None else RateItem(self._account, at)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _midnight(now_ms: int, zone: str, *, days: int) -> int:
    """The last midnight in a zone, or the next: not 24 hours later where the clocks change."""
    place = ZoneInfo(zone)
    today = datetime.fromtimestamp(now_ms / 1000, place).date()
    return _ms(datetime.combine(today + timedelta(days=days), time(), place))


_LENGTHS = {60: "a minute", 3600: "an hour", 86_400: "a day", 1: "a second"}


def _per(limit: Limit) -> str:
    """`a minute`, `in 15 minutes`."""
    seconds = limit.per.total_seconds()
    if seconds in _LENGTHS:
        return _LENGTHS[int(seconds)]
    for length, noun in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % length == 0:
            return f"in {counted(int(seconds // length), noun)}"
    return f"in {seconds:g} seconds"


def _time(when: datetime) -> str:
    """To the minute, rounded up, so that nobody looks too early."""
    return moment(when if not (when.second or when.microsecond) else when + timedelta(minutes=1))
