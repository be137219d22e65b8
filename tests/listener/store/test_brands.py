"""Brands and sources follow escucha.yml; what was read stays read, and nothing that is stored goes away."""

from datetime import timedelta
from typing import Any

import pytest

from listener.queue import WorkQueue
from listener.scheduler import Scheduler
from listener.store import brands, intake
from listener.store.tables import Brand, Source
from tests.conftest import NOON
from tests.listener.conftest import Site


def keep_cursor(site: Site, *, provisional: bool = False) -> None:
    with site.store.transaction() as session:
        intake.keep_cursor(session, site.id_of(Source, "feed"), {"page": 2}, provisional=provisional)


def note(site: Site, **outcome: Any) -> None:
    with site.store.transaction() as session:
        brands.note_run(session, site.id_of(Source, "feed"), site.clock(), **outcome)


def scheduled(site: Site) -> list[str]:
    with site.store.reading() as session:
        return [source.name for source in brands.scheduled_sources(session)]


def test_a_brand_saved_again_is_changed_and_keeps_its_id(site: Site) -> None:
    first = site.brand(query="a", alerting={"detractor": False}, channels=["log"])
    site.clock.advance(days=1)

    assert site.brand(query="b", role="competitor", alerting={}, channels=["slack"]) == first

    brand = site.one(Brand)
    assert (brand.query, brand.role, brand.alerting, brand.channels) == ("b", "competitor", {}, ["slack"])
    assert brand.created_at == NOON


def test_a_brand_freed_from_its_channels_is_told_of_on_all(site: Site) -> None:
    site.brand(channels=["log"])
    site.brand(channels=None)

    assert site.one(Brand).channels is None


def test_a_source_saved_again_unchanged_is_read_on_from_where_it_was(site: Site) -> None:
    first = site.source(every_s=60)
    keep_cursor(site)

    assert site.source(every_s=90, judge_as_new=True) == first

    source = site.one(Source)
    assert (source.cursor, source.every_s, source.judge_as_new) == ({"page": 2}, 90, True)


@pytest.mark.parametrize("change", [{"kind": "hackernews"}, {"options": {"url": "https://elsewhere.example/feed"}}])
def test_a_source_that_is_another_place_now_is_read_from_its_start(site: Site, change: dict[str, Any]) -> None:
    site.source()
    keep_cursor(site)
    keep_cursor(site, provisional=True)
    note(site, error=None)

    site.source(**change)

    source = site.one(Source)
    assert (source.cursor, source.provisional_cursor, source.last_success_at) == (None, None, None)


@pytest.mark.parametrize("change", [{"brands": ["Nubia"]}, {"brands": None}, {"about_brands": True}])
def test_a_source_read_for_other_brands_is_read_from_its_start(site: Site, change: dict[str, Any]) -> None:
    before = {"brands": ["Aeroluz"], "about_brands": False}
    site.source(**before)
    keep_cursor(site)
    note(site, error=None)

    site.source(**before | change)

    source = site.one(Source)
    assert (source.cursor, source.last_success_at) == (None, NOON)


@pytest.mark.parametrize(
    ("stopped", "change", "soon"),
    [
        (True, {}, True),
        (False, {"options": {"url": "https://elsewhere.example/feed"}}, True),
        (False, {"kind": "hackernews"}, True),
        (False, {}, False),
    ],
)
def test_a_source_that_was_mended_is_read_at_once(
    site: Site, stopped: bool, change: dict[str, Any], soon: bool
) -> None:
    site.source(every_s=3600)
    queue = WorkQueue(site.store)
    scheduler = Scheduler(site.store, queue, site.clock)
    assert scheduler.fire_due() == 1
    (work,) = queue.claim(site.clock())
    queue.ack(work)
    note(site, error="401", stopped=stopped)
    site.clock.advance(seconds=1)

    site.source(every_s=3600, **change)

    assert scheduler.fire_due() == int(soon)


def test_a_source_that_is_another_place_now_does_not_wait_as_long_as_the_old_one_asked(site: Site) -> None:
    site.source(every_s=60)
    queue = WorkQueue(site.store)
    Scheduler(site.store, queue, site.clock).fire_due()
    (work,) = queue.claim(site.clock())
    queue.nack(work, site.clock.now + timedelta(hours=1))

    site.source(every_s=60)
    assert queue.claim(site.clock()) == []
    site.source(every_s=60, options={"url": "https://elsewhere.example/feed"})
    (again,) = queue.claim(site.clock())
    assert again.attempts == 1


def test_a_choice_taken_back_is_gone(site: Site) -> None:
    site.source(every_s=60, brands=["Aeroluz"], judge_as_new=True, about_brands=True)
    site.source()

    source = site.one(Source)
    assert (source.every_s, source.brands, source.judge_as_new, source.about_brands) == (None, None, False, False)


def test_a_source_that_stopped_is_tried_again_once_saved(site: Site) -> None:
    site.source(every_s=60)
    note(site, error="401", stopped=True)
    assert scheduled(site) == []

    site.source(every_s=60)
    assert scheduled(site) == ["feed"]


def test_only_sources_with_an_interval_that_are_on_are_scheduled(site: Site) -> None:
    site.source("on demand")
    site.source("off", every_s=60, active=False)
    site.source("b", every_s=60)
    site.source("a", every_s=60)

    assert scheduled(site) == ["a", "b"]


def test_what_the_file_names_no_more_is_switched_off_but_not_an_import(site: Site) -> None:
    for name in ("Aeroluz", "Nubia"):
        site.brand(name)
    site.source("old", every_s=60)
    site.source("new", every_s=60)
    site.source("import:/data.csv")

    with site.store.transaction() as session:
        brands.retire_brands(session, ["Aeroluz"])
        brands.retire_sources(session, ["new"])

    assert {brand.name: brand.active for brand in site.rows(Brand)} == {"Aeroluz": True, "Nubia": False}
    assert {row.name: row.active for row in site.rows(Source)} == {"old": False, "new": True, "import:/data.csv": True}
    with site.store.reading() as session:
        assert [brand.name for brand in brands.active_brands(session)] == ["Aeroluz"]


def test_a_brand_named_again_is_switched_on_again(site: Site) -> None:
    site.brand()
    with site.store.transaction() as session:
        brands.retire_brands(session, [])
        brands.retire_sources(session, [])
    site.brand()

    assert site.one(Brand).active


def test_a_run_leaves_a_note(site: Site) -> None:
    site.source()
    note(site, error=None)
    site.clock.advance(minutes=5)
    note(site, error="503: come back later")

    source = site.one(Source)
    assert (source.last_run_at, source.last_success_at) == (site.clock(), NOON)
    assert (source.last_error, source.stopped) == ("503: come back later", False)

    note(site, error=None)
    assert site.one(Source).last_error is None


def test_an_error_is_noted_without_what_a_database_refuses(site: Site) -> None:
    site.source()
    note(site, error="the feed says \x00\ud800", stopped=True)

    assert site.one(Source).last_error == "the feed says ?"


def test_a_source_is_found_by_its_name(site: Site) -> None:
    site.source()
    with site.store.reading() as session:
        assert brands.source_named(session, "feed") == site.one(Source)
        assert brands.source_named(session, "food") is None


def test_a_source_can_be_read_anew(site: Site) -> None:
    source_id = site.source()
    keep_cursor(site)
    keep_cursor(site, provisional=True)
    with site.store.transaction() as session:
        brands.forget_provisional(session, source_id)
    assert (site.one(Source).cursor, site.one(Source).provisional_cursor) == ({"page": 2}, None)

    with site.store.transaction() as session:
        brands.read_anew(session, source_id)
    assert site.one(Source).cursor is None
