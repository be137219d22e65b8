"""How each source stands, in words that tell a person what to do."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from structlog.testing import capture_logs

from listener.breaker import Breaker
from listener.coverage import Stretch
from listener.queue import WorkQueue
from listener.quota import Meters
from listener.scheduler import Scheduler
from listener.source import FatalSourceError, Limit
from listener.store import brands, breakers, coverage, health
from listener.store.source_status import Stand, Standing, standings
from listener.store.tables import Source
from tests.listener.conftest import Site
from tests.listener.jobs.minutes import BUSY, SLOWER, OldestFirst, at, follow

PATIENCE = timedelta(minutes=10)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture
def source(feed: Site) -> OldestFirst:
    feed.source(every_s=600)
    return OldestFirst(feed.clock)


def standing(site: Site) -> Standing:
    with site.store.reading() as session:
        (found,) = standings(session, site.clock(), PATIENCE, everything=True)
    return found


def run(site: Site, source: OldestFirst) -> None:
    try:
        follow(site, source)
    except Exception:
        assert source.error is not None


def test_a_new_source_is_not_read_yet_and_in_time_somebody_is_asked_why(feed: Site, source: OldestFirst) -> None:
    assert (standing(feed).stand, standing(feed).waits, standing(feed).found.day) == (Stand.NEW, False, None)
    feed.clock.advance(minutes=21)

    found = standing(feed)
    assert (found.stand, found.waits, found.behind) == (Stand.BEHIND, True, None)
    assert found.to_do is not None
    assert "escucha run" in found.to_do


def test_a_source_that_is_read_well(feed: Site, source: OldestFirst) -> None:
    Scheduler(feed.store, WorkQueue(feed.store), feed.clock).fire_due()
    feed.clock.advance(minutes=5)
    run(feed, source)
    with feed.store.transaction() as session:
        session.connection().exec_driver_sql("DELETE FROM task")

    found = standing(feed)
    assert (found.stand, found.words, found.to_do, found.waits) == (Stand.OK, "up to date", None, False)
    assert (found.behind, found.late, found.found.hour, found.found.day) == (timedelta(0), False, 5, 5)
    assert found.next_at == at(10)


def test_zero_found_and_not_read_are_told_apart(feed: Site, source: OldestFirst) -> None:
    source.fails()
    run(feed, source)
    assert (standing(feed).found.hour, standing(feed).found.day) == (None, None)

    source.works()
    source.posts = lambda *_: []  # type: ignore[method-assign]
    run(feed, source)
    assert (standing(feed).found.hour, standing(feed).found.day) == (0, 0)

    feed.clock.advance(hours=3)
    assert (standing(feed).found.hour, standing(feed).found.day) == (None, 0)


def test_a_source_that_failed_says_when_it_is_tried_again(feed: Site, source: OldestFirst) -> None:
    source.fails()
    run(feed, source)
    with feed.store.transaction() as session:
        breaker = Breaker(at(30), BUSY, failures=7, opened_at=at(0))
        breakers.save_breaker(session, 1, breaker)
        WorkQueue(feed.store).put_many(session, {brands.collect_job(1): {"source_id": 1}}, feed.clock())

    found = standing(feed)
    assert (found.stand, found.waits, found.next_at) == (Stand.FAILING, False, at(30))
    assert found.words == (
        "the platform has trouble of its own (7 times in a row); tried again at 2026-11-21 12:30 UTC"
    )
    assert found.trouble is not None
    assert found.trouble.said == BUSY
    feed.clock.advance(minutes=21)
    assert standing(feed).waits


def test_a_source_that_was_told_to_slow_down_waits_and_nobody_need_do_anything(feed: Site, source: OldestFirst) -> None:
    source.fails(SLOWER)
    run(feed, source)

    assert standing(feed).stand is Stand.WAITING
    assert "nothing" in (standing(feed).to_do or "")


def test_a_source_that_stopped_waits_for_a_person(feed: Site, source: OldestFirst) -> None:
    source.error = FatalSourceError("https://x.example answered 401 Unauthorized: check the credentials of this source")
    run(feed, source)

    found = standing(feed)
    assert (found.stand, found.waits, found.next_at) == (Stand.STOPPED, True, None)
    assert found.words == "stopped: the platform does not accept our password or key"
    assert "escucha collect --once" in (found.to_do or "")


def test_a_source_that_fell_behind(feed: Site, source: OldestFirst) -> None:
    run(feed, source)
    feed.clock.advance(minutes=95)

    found = standing(feed)
    assert (found.stand, found.words, found.late, found.waits) == (Stand.BEHIND, "behind by 1h35m", True, True)
    queue = WorkQueue(feed.store)
    Scheduler(feed.store, queue, feed.clock).fire_due()
    assert "workers" in (standing(feed).to_do or "")
    queue.claim(feed.clock())
    assert (standing(feed).stand, standing(feed).waits, standing(feed).next_at) == (Stand.READING, False, None)


def test_what_was_missed_for_good_waits_for_a_person_for_a_day(feed: Site, source: OldestFirst) -> None:
    run(feed, source)
    with feed.store.transaction() as session:
        coverage.open_gap(session, 1, Stretch(at(-30), at(-20)), "capped", "too much", feed.clock(), lost=True)
        coverage.open_gap(session, 1, Stretch(at(-10), at(-5)), "capped", "too much", feed.clock())

    found = standing(feed)
    assert (found.stand, found.waits, found.open_gaps, len(found.missed)) == (Stand.OK, True, 1, 1)
    assert "more often" in (found.to_do or "")


def test_sources_that_are_off_or_read_on_demand_are_told_only_when_asked_for(feed: Site) -> None:
    assert (standing(feed).stand, standing(feed).waits) == (Stand.ON_DEMAND, False)
    with feed.store.reading() as session:
        assert standings(session, feed.clock(), PATIENCE) == []
    feed.source("off", every_s=600)
    with feed.store.transaction() as session:
        brands.retire_sources(session, [])
    with feed.store.reading() as session:
        found = {one.source.name: one for one in standings(session, feed.clock(), PATIENCE, everything=True)}
    assert (found["off"].stand, found["off"].waits, found["off"].next_at) == (Stand.OFF, False, None)


def test_money_and_blocks_of_the_platforms_accounts_are_shown(feed: Site, source: OldestFirst) -> None:
    meters = Meters(feed.store, feed.clock, lambda _seconds: True)
    meter = meters("rss:1", [Limit(5, timedelta(hours=1))], Decimal(5))
    meter.ask(cost=Decimal(1))
    meter.paid(Decimal(1))
    meters("other:1", [], Decimal(5)).ask(cost=Decimal(1))

    (spending,) = standing(feed).spending
    assert (spending.account, spending.forecast.spent_today) == ("rss:1", Decimal(1))
    assert standing(feed).source.name == feed.one(Source).name


def test_what_cannot_be_read_of_a_source_is_told_until_it_can(feed: Site, source: OldestFirst) -> None:
    words = "r/secret is private: have the account let in, or leave it out"
    feed.clock.advance(minutes=5)
    source.lacks = (words, "b", "c", "d")
    run(feed, source)

    found = standing(feed)
    assert (found.stand, found.waits, found.trouble) == (Stand.PARTLY, True, None)
    assert found.words == f"read in part: {words}; b; c; and 1 more"
    with feed.store.reading() as session:
        assert health.attention(session, feed.clock(), PATIENCE, ()) == [f"source feed is {found.words}"]
    source.lacks = ()
    feed.clock.advance(minutes=5)
    run(feed, source)
    assert (standing(feed).stand, standing(feed).waits) == (Stand.OK, False)
