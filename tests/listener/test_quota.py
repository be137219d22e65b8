"""One quota and one purse per account, whoever asks: processes, platforms' headers, days, and crashes."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from listener.quota import HELD_FOR, PATIENCE, Meters, QuotaSpent, SharedMeter
from listener.source import FatalSourceError, Limit, Meter, RetriableSourceError, account_name
from listener.store import quota as store_quota
from listener.store.engine import Store
from listener.store.tables import QuotaAccount, QuotaUse, Spend, SpendHeld
from tests.conftest import Clock
from tests.listener.conftest import Site, together

MINUTE = timedelta(minutes=1)
FIVE_A_MINUTE = (Limit(5, MINUTE),)
YOUTUBE = (Limit(10_000, timedelta(days=1), midnight="America/Los_Angeles", unit="units"),)

MakeMeter = Callable[..., SharedMeter]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture
def pauses() -> list[float]:
    """How long anybody has waited."""
    return []


@pytest.fixture
def meter(store: Store, clock: Clock, pauses: list[float]) -> MakeMeter:
    """Makes meters that wait by moving the clock on."""

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        clock.advance(seconds=seconds)
        return False

    meters = Meters(store, clock, pause)

    def make(
        limits: Sequence[Limit] = FIVE_A_MINUTE, cap: Decimal | None = None, account: str = "reddit:1"
    ) -> SharedMeter:
        return meters(account, limits, cap)

    return make


def asked(meter: Meter, most: int = 50, weight: int = 1) -> int:
    """How many requests get leave before one is refused."""
    for number in range(most):
        try:
            meter.ask(weight)
        except QuotaSpent:
            return number
    return most


def test_a_quota_ends_and_says_until_when(meter: MakeMeter, clock: Clock) -> None:
    mine = meter((Limit(100, MINUTE),))
    assert asked(mine, 200) == 100

    with pytest.raises(
        QuotaSpent, match=r"^reddit: the account's 100 requests a minute are used up; goes on at"
    ) as told:
        mine.ask()

    assert told.value.retry_after == pytest.approx(60, abs=0.01)
    assert str(told.value).endswith("at 2026-11-21 12:02 UTC")  # rounded up: 12:01:00.001
    clock.advance(seconds=told.value.retry_after)
    mine.ask()


def test_the_time_rolls(meter: MakeMeter, clock: Clock) -> None:
    mine = meter((Limit(5, timedelta(hours=1)),))
    for _ in range(5):
        mine.ask()
        clock.advance(minutes=10)
    assert asked(mine) == 0
    clock.advance(minutes=10, seconds=1)
    assert asked(mine) == 1
    clock.advance(minutes=10, seconds=1)
    assert asked(mine) == 1


def test_a_short_wait_is_waited_for(meter: MakeMeter, clock: Clock, pauses: list[float]) -> None:
    mine = meter((Limit(1, timedelta(seconds=2)),))
    for _ in range(3):
        mine.ask()
    assert pauses == pytest.approx([2, 2], abs=0.01)


def test_one_request_in_five_seconds_is_only_a_matter_of_patience(meter: MakeMeter, clock: Clock) -> None:
    gdelt = meter((Limit(1, timedelta(seconds=5)),), account="gdelt")
    began = clock()
    for _ in range(4):
        gdelt.ask()
    assert clock() - began == pytest.approx(timedelta(seconds=15), abs=timedelta(seconds=0.1))


def test_nobody_waits_longer_than_patience_allows(meter: MakeMeter, clock: Clock, pauses: list[float]) -> None:
    mine = meter((Limit(1, PATIENCE + timedelta(seconds=1)),))
    mine.ask()
    with pytest.raises(QuotaSpent):
        mine.ask()
    assert pauses == []


def test_a_wait_ends_at_once_when_all_is_to_stop(store: Store, clock: Clock) -> None:
    mine = Meters(store, clock, lambda _seconds: True)("gdelt", (Limit(1, timedelta(seconds=3)),), None)
    mine.ask()
    with pytest.raises(QuotaSpent) as told:
        mine.ask()
    assert told.value.retry_after == pytest.approx(3, abs=0.01)


def test_accounts_do_not_share(meter: MakeMeter) -> None:
    assert asked(meter(account="reddit:1")) == 5
    assert asked(meter(account="reddit:2")) == 5
    assert asked(meter(account="reddit:1")) == 0


def test_several_limits_hold_at_once(meter: MakeMeter, clock: Clock) -> None:
    mine = meter((Limit(12, timedelta(hours=1)), Limit(5, MINUTE)))
    given = []
    for _ in range(4):
        given.append(asked(mine))
        clock.advance(minutes=1, seconds=1)
    assert given == [5, 5, 2, 0]
    with pytest.raises(QuotaSpent, match="12 requests an hour"):
        mine.ask()


def test_what_no_limit_counts_any_more_is_dropped(meter: MakeMeter, clock: Clock, site: Site) -> None:
    mine = meter()
    for _ in range(20):
        mine.ask()
        clock.advance(seconds=30)
    assert len(site.rows(QuotaUse)) <= 3


def test_weights_count(meter: MakeMeter) -> None:
    mine = meter(YOUTUBE, account="youtube:1")
    assert asked(mine, 200, weight=100) == 100
    assert asked(mine) == 0


def test_a_day_that_begins_at_the_platforms_midnight(meter: MakeMeter, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)  # 23:30 in Los Angeles
    mine = meter(YOUTUBE, account="youtube:1")
    mine.ask(10_000)
    with pytest.raises(QuotaSpent, match=r"10,000 units a day are used up; goes on at 2026-11-21 08:00 UTC") as told:
        mine.ask()
    clock.advance(seconds=told.value.retry_after)
    mine.ask(10_000)


def test_the_day_on_which_clocks_change_is_as_long_as_it_is(meter: MakeMeter, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 1, 7, 0, tzinfo=UTC)  # midnight in Los Angeles, before 25 hours
    mine = meter(YOUTUBE, account="youtube:1")
    mine.ask(10_000)
    with pytest.raises(QuotaSpent) as told:
        mine.ask()
    assert told.value.retry_after == 25 * 3600


def test_a_request_that_can_never_fit_needs_a_person(meter: MakeMeter) -> None:
    with pytest.raises(FatalSourceError, match="counts for 6 requests, more than the account's 5 a minute"):
        meter().ask(6)
    with pytest.raises(FatalSourceError, match=r"may cost \$0.60, more than the day's cap of \$0.50"):
        meter(cap=Decimal("0.5")).ask(cost=Decimal("0.6"))


# --- A part of the quota


def test_a_share_is_left_to_the_others(store: Store, clock: Clock) -> None:
    limits = (Limit(100, timedelta(minutes=10)),)
    past = Meters(store, clock, lambda _seconds: True, share=0.8)("reddit:1", limits, None)
    present = Meters(store, clock, lambda _seconds: True)("reddit:1", limits, None)
    assert asked(past, 200) == 80
    with pytest.raises(QuotaSpent, match=r"80 of the account's 100 requests in 10 minutes, its share, are used up;"):
        past.ask()
    assert asked(present, 200) == 20


def test_a_share_is_left_to_the_others_where_the_platform_counts(store: Store, clock: Clock) -> None:
    """Every answer has headers, as Reddit's have: then they are what counts, for a part of it as for all."""
    limits = (Limit(100, timedelta(minutes=10)), Limit(5000, timedelta(days=1)))
    past = Meters(store, clock, lambda _seconds: True, share=0.8)("reddit:1", limits, None)
    present = Meters(store, clock, lambda _seconds: True)("reddit:1", limits, None)
    for given in range(1, 81):
        past.ask()
        clock.advance(seconds=1)
        past.told(remaining=100 - given, resets_in=600 - given)
    with pytest.raises(QuotaSpent, match="80 of the account's 100 requests in 10 minutes, its share, are") as told:
        past.ask()
    assert told.value.retry_after == pytest.approx(600 - given, abs=0.01)
    assert asked(past, weight=20) == 0
    assert asked(present, 200) == 20

    clock.advance(seconds=600 - given + 1)  # renewed: a share of it again
    assert asked(past, 200) == 80
    past.told(remaining=20, resets_in=599)
    assert asked(past) == 0
    past.ask(0)  # money alone, or nothing at all, is no part of a quota
    present.ask()


def test_a_share_of_hardly_anything_is_one_request_all_the_same(store: Store, clock: Clock) -> None:
    limits = (Limit(1, timedelta(seconds=30)),)
    spared = Meters(store, clock, lambda _seconds: True, share=0.5)("gdelt", limits, None)
    given = []
    for _ in range(4):
        given.append(asked(spared, 3))
        spared.told(remaining=1 - given[-1], resets_in=30)
        clock.advance(seconds=31)
    assert given == [1, 1, 1, 1]


def test_headers_about_no_limit_of_ours_hold_all_alike(store: Store, clock: Clock) -> None:
    spared = Meters(store, clock, lambda _seconds: True, share=0.5)("reddit:1", (Limit(10, MINUTE),), None)
    spared.told(remaining=3, resets_in=7200)
    assert asked(spared) == 3


# --- What the platform's headers say


def test_headers_that_leave_less_go_before_our_count(meter: MakeMeter, clock: Clock) -> None:
    mine, other = meter(), meter()
    mine.ask()
    mine.told(remaining=2, resets_in=30)
    assert asked(other) == 2
    with pytest.raises(QuotaSpent, match="nothing is left of what the platform grants; goes on at") as told:
        mine.ask()
    assert told.value.retry_after == pytest.approx(30, abs=0.01)


def test_headers_that_leave_more_go_before_our_count(meter: MakeMeter) -> None:
    mine = meter()
    assert asked(mine) == 5
    mine.told(remaining=3, resets_in=30)
    assert asked(mine) == 3


def test_headers_about_a_short_time_do_not_lift_a_long_limit(meter: MakeMeter) -> None:
    mine = meter((Limit(5, MINUTE), Limit(7, timedelta(days=1))))
    assert asked(mine) == 5
    mine.told(remaining=100, resets_in=59)
    assert asked(mine) == 2


def test_headers_about_a_long_time_do_not_lift_a_short_limit(meter: MakeMeter) -> None:
    mine = meter((Limit(5, MINUTE), Limit(1000, timedelta(hours=1))))
    mine.told(remaining=900, resets_in=1800)
    assert asked(mine) == 5


def test_after_the_headers_renewal_the_window_begins_anew(meter: MakeMeter, clock: Clock) -> None:
    mine = meter((Limit(5, timedelta(minutes=15)),))
    assert asked(mine) == 5
    mine.told(remaining=0, resets_in=61)
    assert asked(mine) == 0
    clock.advance(seconds=62)
    assert asked(mine) == 5


def test_nothing_left_blocks_everybody_until_then(meter: MakeMeter, clock: Clock, site: Site) -> None:
    meter().told(remaining=0, resets_in=120)
    with pytest.raises(QuotaSpent):
        meter().ask()
    with site.store.reading() as session:
        (row,) = store_quota.blocked(session, clock())
    assert (row.name, row.blocked_until) == ("reddit:1", clock() + timedelta(minutes=2))
    # An answer that was longer on its way must not lift the block.
    meter().told(remaining=80, resets_in=600)
    assert asked(meter()) == 0
    clock.advance(seconds=121)
    assert asked(meter(), 3) == 3


def test_answers_in_another_order_leave_the_least(meter: MakeMeter) -> None:
    mine = meter((Limit(100, MINUTE),))
    mine.told(remaining=3, resets_in=30)
    mine.told(remaining=4, resets_in=29.5)
    assert asked(mine) == 3


@pytest.mark.parametrize(("remaining", "resets_in"), [(None, None), (None, 30), (float("nan"), 30)])
def test_headers_that_say_nothing_change_nothing(
    meter: MakeMeter, remaining: float | None, resets_in: float | None
) -> None:
    mine = meter()
    mine.told(remaining=remaining, resets_in=resets_in)
    assert asked(mine) == 5


@pytest.mark.parametrize("resets_in", [0, -300])
def test_a_header_from_another_time_lifts_no_limit(meter: MakeMeter, resets_in: float) -> None:
    mine = meter()
    given = 0
    for _ in range(9):
        given += asked(mine, 1)
        mine.told(remaining=50, resets_in=resets_in)
    assert given == 5


@pytest.mark.parametrize(
    ("resets_in", "holds"), [(-300, 1), (float("inf"), 86_400), (1e15, 86_400), (float("nan"), 60)]
)
def test_an_absurd_header_holds_nobody_for_ever(meter: MakeMeter, clock: Clock, resets_in: float, holds: float) -> None:
    mine = meter((Limit(5, MINUTE),))
    mine.told(remaining=0, resets_in=resets_in)
    clock.advance(seconds=holds)
    mine.ask()


def test_a_header_without_a_time_means_the_shortest_limit(meter: MakeMeter, clock: Clock) -> None:
    mine = meter()
    mine.told(remaining=0, resets_in=None)
    assert asked(mine) == 0
    clock.advance(seconds=61)
    assert asked(mine) == 5


def test_a_block_holds_all_sources_of_an_account_and_only_that(meter: MakeMeter, clock: Clock) -> None:
    meter().block(300, "the platform answered 429")
    meter().block(60, "a shorter one")
    with pytest.raises(QuotaSpent, match="reddit: the platform answered 429; goes on at 2026-11-21 12:05 UTC"):
        meter().ask()
    meter(account="x:1").ask()
    clock.advance(seconds=300)
    meter().ask()


# --- Money


def test_spend_is_in_the_ledger_at_once_and_exact(meter: MakeMeter, site: Site, clock: Clock) -> None:
    mine = meter((), account="x:1")
    for _ in range(3):
        mine.ask(cost=Decimal("0.5"))
        mine.paid(Decimal("0.105"))
    row = site.one(Spend)
    assert (row.account, row.kind, row.day, row.amount, row.requests) == (
        "x:1", "x", clock().date(), Decimal("0.315"), 3,
    )  # fmt: skip
    assert site.rows(SpendHeld) == []


def test_the_days_cap_is_never_passed_and_lifts_at_midnight(meter: MakeMeter, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 21, 23, 50, tzinfo=UTC)
    mine = meter((), Decimal("1.00"), account="x:1")
    for _ in range(2):
        mine.ask(cost=Decimal("0.50"))
        mine.paid(Decimal("0.40"))
    with pytest.raises(
        QuotaSpent, match=r"x: the day's cap of \$1.00 is reached; goes on at 2026-11-22 00:00 UTC"
    ) as told:
        mine.ask(cost=Decimal("0.50"))
    assert told.value.retry_after == 600
    mine.ask(cost=Decimal("0.20"))
    mine.paid(Decimal("0.20"))
    clock.advance(seconds=580)
    with pytest.raises(QuotaSpent):
        meter((), Decimal("1.00"), account="x:1").ask(cost=Decimal("0.01"))
    clock.advance(seconds=20)
    mine.ask(cost=Decimal("1.00"))


def test_requests_under_way_count_until_they_are_paid(meter: MakeMeter) -> None:
    mine, other = (meter((), Decimal(1), account="x:1") for _ in range(2))
    mine.ask(cost=Decimal("0.60"))
    with pytest.raises(QuotaSpent):
        other.ask(cost=Decimal("0.60"))
    mine.paid(Decimal("0.10"))
    other.ask(cost=Decimal("0.60"))


def test_a_request_that_failed_gives_its_money_back_with_the_next(meter: MakeMeter, site: Site) -> None:
    mine = meter((), Decimal(1), account="x:1")
    for _ in range(5):
        mine.ask(cost=Decimal("0.60"))
    assert len(site.rows(SpendHeld)) == 1


def test_a_request_refused_later_takes_nobody_elses_money_away(meter: MakeMeter, site: Site, clock: Clock) -> None:
    """SQLite gives the number of a row that is gone to the next one."""
    mine, other = (meter((), Decimal(1), account="x:1") for _ in range(2))
    mine.ask(cost=Decimal("0.50"))  # it fails, and is never paid
    other.block(60, "slow down")
    assert refused(mine, Decimal("0.50"))
    clock.advance(seconds=61)

    other.ask(cost=Decimal("0.60"))
    assert refused(mine, Decimal("0.50")), "the other's request is still under way"
    mine.paid(Decimal(0))
    assert [row.amount for row in site.rows(SpendHeld)] == [Decimal("0.60")]


def test_money_held_for_too_long_is_no_longer_ours_to_give_back(meter: MakeMeter, site: Site, clock: Clock) -> None:
    mine, other = (meter((), Decimal(1), account="x:1") for _ in range(2))
    mine.ask(cost=Decimal("0.50"))
    clock.now += HELD_FOR
    other.ask(cost=Decimal("0.60"))
    mine.paid(Decimal("0.10"))
    assert [row.amount for row in site.rows(SpendHeld)] == [Decimal("0.60")]


def refused(meter: Meter, cost: Decimal) -> bool:
    try:
        meter.ask(cost=cost)
    except QuotaSpent:
        return True
    return False


def test_the_money_of_a_process_that_died_comes_back_in_the_end(meter: MakeMeter, clock: Clock) -> None:
    meter((), Decimal(1), account="x:1").ask(cost=Decimal("0.60"))
    other = meter((), Decimal(1), account="x:1")
    with pytest.raises(QuotaSpent):
        other.ask(cost=Decimal("0.60"))
    clock.now += HELD_FOR
    other.ask(cost=Decimal("0.60"))


def test_a_library_that_asks_for_itself_leaves_the_money_set_aside(meter: MakeMeter, site: Site) -> None:
    mine = meter(cap=Decimal(1), account="x:1")
    mine.ask(0, cost=Decimal("0.60"))
    mine.ask()
    assert [row.amount for row in site.rows(SpendHeld)] == [Decimal("0.60")]
    mine.paid(Decimal("0.50"))
    assert site.rows(SpendHeld) == []


def test_what_is_refused_leaves_nothing_behind(meter: MakeMeter, site: Site) -> None:
    mine = meter(cap=Decimal(1))
    assert asked(mine) == 5
    with pytest.raises(QuotaSpent):
        mine.ask(cost=Decimal("0.5"))
    assert site.rows(SpendHeld) == []
    poor = meter((Limit(9, MINUTE),), Decimal("0.10"), account="x:2")
    poor.ask(cost=Decimal("0.10"))
    with pytest.raises(QuotaSpent):
        meter((Limit(9, MINUTE),), Decimal("0.10"), account="x:2").ask(cost=Decimal("0.01"))
    assert sum(row.account == "x:2" for row in site.rows(QuotaUse)) == 1


def test_spending_shows_the_ledger_and_what_it_comes_to(meter: MakeMeter, site: Site, clock: Clock) -> None:
    mine = meter((), Decimal(5), account="x:1")
    for _ in range(3):
        mine.ask(cost=Decimal(1))
        mine.paid(Decimal(1))
        clock.advance(days=1)
    with site.store.reading() as session:
        (shown,) = store_quota.spending(session, clock())
    assert (shown.account, shown.kind, shown.cap, len(shown.days), shown.requests_today) == ("x:1", "x", 5, 3, 0)
    assert (shown.forecast.per_day, shown.forecast.per_month) == (1, 30)


# --- Several at once


def test_threads_with_connections_of_their_own_never_pass_the_limit(database_url: str, clock: Clock) -> None:
    stores = [Store(database_url) for _ in range(4)]

    def take(store: Store) -> int:
        return asked(Meters(store, clock, lambda _seconds: True)("reddit:1", (Limit(20, MINUTE),), None), 15)

    assert sum(together(*(lambda store=store: take(store) for store in stores))) == 20
    for store in stores:
        store.close()


_PROCESS = """
import sys
from datetime import timedelta
from decimal import Decimal
from listener import clock
from listener.quota import Meters, QuotaSpent
from listener.source import Limit
from listener.store.engine import Store

store = Store(sys.argv[1])
meter = Meters(store, clock.now, lambda seconds: True)("x:1", (Limit(40, timedelta(hours=1)),), Decimal("0.30"))
print("ready", flush=True)
sys.stdin.readline()
given = {"requests": 0, "paid": 0}
for _ in range(40):
    for name, cost in (("requests", Decimal(0)), ("paid", Decimal("0.01"))):
        try:
            meter.ask(cost=cost)
        except QuotaSpent:
            continue
        given[name] += 1
        if cost:
            meter.paid(cost)
print(given["requests"] + given["paid"], given["paid"])
"""


def test_processes_share_one_quota_and_one_purse(database_url: str, site: Site) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", _PROCESS, database_url], stdin=-1, stdout=-1, stderr=-1, text=True)
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    outputs = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        outputs.append([int(number) for number in out.split()])

    assert sum(requests for requests, _ in outputs) == 40
    paid = sum(number for _, number in outputs)
    assert paid <= 30
    assert site.one(Spend).amount == Decimal("0.01") * paid


def test_a_quota_refused_is_a_failure_that_may_be_tried_again() -> None:
    assert issubclass(QuotaSpent, RetriableSourceError)


def test_account_names_tell_no_secret_and_are_the_same_everywhere() -> None:
    name = account_name("reddit", "client", "hunter2")
    assert name == account_name("reddit", "client", "hunter2")
    assert name.startswith("reddit:")
    assert "hunter2" not in name
    assert account_name("reddit", "clienth", "unter2") != name
    assert account_name("gdelt") == "gdelt"


def test_only_days_can_begin_at_midnight() -> None:
    with pytest.raises(ValueError, match="per day"):
        Limit(1, MINUTE, midnight="UTC")


def test_the_cap_in_force_is_known_to_whoever_shows_it(meter: MakeMeter, site: Site) -> None:
    meter(cap=Decimal("2.50")).ask()
    assert site.one(QuotaAccount).day_cap == Decimal("2.50")
