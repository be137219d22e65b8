"""What is stuck, and what waits for a person."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from listener.coverage import Stretch
from listener.queue import WorkQueue
from listener.scheduler import Scheduler
from listener.store import brands, channels, coverage, deletion, health, scoring
from listener.store.tables import Mention, Source
from tests.conftest import NOON
from tests.listener.conftest import Site, item
from tests.listener.store.conftest import claim

CHANNELS = ("log", "slack")
PATIENCE = timedelta(minutes=10)


def stuck(site: Site, channels: Sequence[str] = CHANNELS) -> list[str]:
    with site.store.reading() as session:
        return health.stuck(session, site.clock(), PATIENCE, channels)


def attention(site: Site, channels: Sequence[str] = CHANNELS) -> list[str]:
    with site.store.reading() as session:
        return health.attention(session, site.clock(), PATIENCE, channels)


def note(site: Site, source: str = "my feed", **outcome: Any) -> None:
    with site.store.transaction() as session:
        brands.note_run(session, site.id_of(Source, source), site.clock(), **outcome)


def test_in_an_empty_store_all_is_well(site: Site) -> None:
    assert attention(site) == []
    assert stuck(site) == []


def test_fresh_work_is_not_stuck(busy: Site) -> None:
    busy.clock.advance(minutes=10)

    assert stuck(busy) == []


def test_each_stage_that_does_not_move_is_named_with_its_time(busy: Site) -> None:
    busy.score({3: "passive"})
    busy.source(every_s=60)
    with busy.store.transaction() as session:
        WorkQueue(busy.store).put_many(session, {"collect:1": {}}, busy.clock())
    busy.clock.advance(minutes=10, seconds=1)

    assert stuck(busy) == [
        "mentions wait to be scored since 2026-11-21 12:00 UTC",
        "scored mentions wait to be judged since 2026-11-21 12:00 UTC",
        "deliveries are due since 2026-11-21 12:00 UTC",
        "sources wait to be read since 2026-11-21 12:00 UTC",
    ]


def test_a_sender_that_does_not_come_back_is_stuck(busy: Site) -> None:
    claim(busy)
    busy.clock.advance(minutes=11, seconds=1)

    assert "deliveries were begun and not finished since 2026-11-21 12:01 UTC" in stuck(busy)


def test_a_delivery_is_not_stuck_where_its_channel_is_off_or_told_to_wait(busy: Site) -> None:
    claim(busy)
    with busy.store.transaction() as session:
        channels.pause(session, "log", NOON + timedelta(hours=1))
    busy.outbox("b")
    busy.clock.advance(minutes=30)
    assert not [line for line in stuck(busy) if "are due" in line]
    assert not [line for line in stuck(busy, ("slack",)) if "deliveries" in line]

    busy.clock.advance(hours=1)
    assert [line for line in stuck(busy) if "are due" in line]
    with busy.store.transaction() as session:
        channels.disable(session, "log", busy.clock(), "no_service")
    assert not [line for line in stuck(busy) if "are due" in line]


def test_a_task_in_a_workers_hands_is_not_stuck(site: Site) -> None:
    queue = WorkQueue(site.store)
    with site.store.transaction() as session:
        queue.put_many(session, {"a": {}}, site.clock())
    site.clock.advance(minutes=30)
    queue.claim(site.clock())
    site.clock.advance(minutes=10)

    assert stuck(site) == []


def test_a_stopped_source_waits_for_a_person_who_is_told_what_to_do(feed: Site) -> None:
    feed.source("my feed", every_s=60)
    note(feed, error="401: check the key", stopped=True)

    assert attention(feed) == [
        "source my feed stopped: 401: check the key; mend it and restart, or run `escucha collect --once 'my feed'`"
    ]


def test_an_import_that_failed_waits_for_nobody(feed: Site) -> None:
    feed.source("my feed")
    note(feed, error="line 3: broken quoting", stopped=True)
    feed.clock.advance(days=1)

    assert attention(feed) == stuck(feed) == []


def test_a_source_that_was_not_read_well_for_long_is_named_with_its_error(feed: Site) -> None:
    feed.source("my feed", every_s=300)
    note(feed)
    feed.clock.advance(minutes=15)
    note(feed, error="503: busy")
    assert attention(feed) == []

    feed.clock.advance(seconds=1)
    assert attention(feed) == ["source my feed was last read well at 2026-11-21 12:00 UTC: 503: busy"]
    # Somebody does try: work moves.
    assert stuck(feed) == []


def test_a_source_that_was_never_read_well_is_named(feed: Site) -> None:
    feed.source("my feed", every_s=300)
    note(feed, error="503: busy")
    feed.clock.advance(minutes=15, seconds=1)

    assert attention(feed) == ["source my feed was never read well: 503: busy"]


def test_sources_that_no_scheduler_fires_are_stuck(feed: Site) -> None:
    feed.source("my feed", every_s=300)
    feed.source("other", every_s=3600)
    feed.clock.advance(minutes=15)
    assert stuck(feed) == []
    feed.clock.advance(seconds=1)
    assert stuck(feed) == ["sources wait to be queued since 2026-11-21 12:05 UTC"]
    assert attention(feed) == ["source my feed was never read well: is `escucha run` running?"]

    note(feed)
    assert stuck(feed) == attention(feed) == []
    feed.clock.advance(minutes=16)
    assert stuck(feed) == ["sources wait to be queued since 2026-11-21 12:20 UTC"]


def test_a_source_that_is_being_read_for_long_is_all_right(feed: Site) -> None:
    feed.source("my feed", every_s=300)
    queue = WorkQueue(feed.store, lease=timedelta(hours=2))
    Scheduler(feed.store, queue, feed.clock).fire_due()
    queue.claim(feed.clock())
    feed.clock.advance(hours=1)

    assert stuck(feed) == attention(feed) == []


def gap(site: Site, hours: float, *, cause: str = "capped", **changes: Any) -> None:
    """A gap of so many hours before now."""
    stretch = Stretch(site.clock() - timedelta(hours=hours), site.clock())
    with site.store.transaction() as session:
        why = "the platform had more than it hands out at once"
        coverage.open_gap(session, site.id_of(Source, "my feed"), stretch, cause, why, site.clock(), **changes)


def test_a_source_that_missed_something_for_good_is_named_for_a_day(feed: Site) -> None:
    feed.source("my feed", every_s=7 * 86400)
    gap(feed, 1.5, lost=True)
    (line,) = attention(feed)
    assert line == (
        "source my feed misses what was said from 2026-11-21 10:30 UTC to 2026-11-21 12:00 UTC: "
        "the platform had more than it hands out at once; read it more often (every)"
    )

    feed.clock.advance(minutes=30)
    gap(feed, 0.2, cause="restart", lost=True)
    assert "from 2026-11-21 10:30 UTC to 2026-11-21 12:30 UTC, in 2 pieces:" in attention(feed)[0]

    feed.clock.advance(days=1)
    assert attention(feed) == []


def test_a_gap_that_may_still_be_filled_waits_for_nobody(feed: Site) -> None:
    feed.source("my feed", every_s=7 * 86400)
    gap(feed, 1)

    assert attention(feed) == []


def test_deliveries_for_a_channel_that_is_not_set_up_wait_for_a_person(busy: Site) -> None:
    busy.outbox("a", "b", channel="pager")
    busy.outbox("a", channel="post")

    assert attention(busy) == [
        "2 deliveries wait for channel pager, which is not set up",
        "1 delivery waits for channel post, which is not set up",
    ]
    assert attention(busy, ("log", "pager", "post")) == []


def test_a_pair_that_was_set_aside_makes_nothing_stuck_until_it_is_due_again(feed: Site) -> None:
    feed.take(item("1"))
    with feed.store.transaction() as session:
        scoring.set_aside(session, 1, feed.clock() + timedelta(hours=1))
    feed.clock.advance(minutes=30)
    assert stuck(feed) == []

    feed.clock.advance(minutes=30)
    assert stuck(feed) == ["mentions wait to be scored since 2026-11-21 12:00 UTC"]


def test_posts_that_nobody_looks_up_again_wait_for_a_person(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.brand()
    site.source(kind="x")
    site.take(item("1", kind="x"), item("2", "Aeroluz found it", kind="x"), item("3", "Aeroluz, elsewhere", kind="rss"))
    demands = {"x": timedelta(hours=24)}

    def told() -> list[str]:
        with site.store.reading() as session:
            found = health.attention(session, site.clock(), PATIENCE, (), demands)
        return [one for one in found if "looked up" in one]

    site.clock.advance(hours=24)
    assert told() == []
    site.clock.advance(minutes=11)
    assert [one.partition(":")[0] for one in told()] == [
        "2 mentions were not looked up on x within 1d, as its terms want"
    ]
    with site.store.transaction() as session:
        ours = next(row.id for row in site.rows(Mention) if row.kind == "x")
        deletion.note_checked(session, [ours], site.clock())
    assert told()[0].startswith("1 mention was")

    site.clock.advance(hours=25)
    monkeypatch.setattr(deletion, "MOST_COUNTED", 1)
    assert told()[0].startswith("more than 1 mentions were")


def test_a_brand_whose_rules_no_longer_read_waits_for_a_person(site: Site) -> None:
    site.brand("Aeroluz", alerting={"detractor": {"min_probability": 80}})
    site.brand("Nubia", alerting={"spike": {"every": "never"}})
    site.brand("Gone", alerting={"detractor": {"min_probability": 80}}, active=False)
    site.brand("Well", alerting={"detractor": {"min_probability": 0.8}, "spike": False})

    aeroluz, nubia = attention(site)
    assert aeroluz == (
        "brand Aeroluz is not judged: rule detractor: min_probability lies between 0 and 1 (0.6 means 60%); got 80.0; "
        "mend its alerts: in escucha.yml and restart `escucha run`"
    )
    assert nubia.startswith("brand Nubia is not judged: rule spike: every: a length of time looks like")
