"""What came again is found again, by any process; what is old or too much goes."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from listener.store import score_cache
from listener.store.engine import Store
from listener.store.score_cache import STALE, UNUSED, StoredScores
from listener.store.tables import ScoreCache
from tests.conftest import Clock
from tests.listener.conftest import Site, together


def chances(*letters: str) -> dict[bytes, bytes]:
    """Something to keep, under these keys."""
    return {letter.encode(): b"\x00\xff said of " + letter.encode() for letter in letters}


def keys(*letters: str) -> list[bytes]:
    return list(chances(*letters))


@pytest.fixture
def cache(store: Store, clock: Clock) -> StoredScores:
    return StoredScores(store, clock, 100)


def held(site: Site) -> str:
    return "".join(sorted(row.digest.decode() for row in site.rows(ScoreCache)))


def test_what_was_put_is_found_by_another_process(site: Site, cache: StoredScores) -> None:
    cache.put_many("1", chances("a", "b"))
    another = StoredScores(site.store, site.clock, 100)
    assert another.get_many("1", keys("a", "c", "b")) == chances("a", "b")


def test_another_revision_finds_nothing(cache: StoredScores) -> None:
    cache.put_many("1", chances("a"))
    assert cache.get_many("2", keys("a")) == {}


def test_nothing_is_asked_and_nothing_found(cache: StoredScores) -> None:
    assert cache.get_many("1", []) == {}


def test_putting_again_keeps_the_first(site: Site, cache: StoredScores) -> None:
    cache.put_many("1", chances("a"))
    site.clock.advance(hours=1)
    cache.put_many("1", {b"a": b"other", **chances("b")})
    assert cache.get_many("1", keys("a", "b")) == chances("a", "b")
    first, second = site.rows(ScoreCache)
    assert second.created_at - first.created_at == timedelta(hours=1)


@pytest.mark.parametrize(("after", "moves"), [(STALE, False), (STALE + timedelta(seconds=1), True)])
def test_use_is_noted_once_a_day(site: Site, cache: StoredScores, after: timedelta, moves: bool) -> None:
    cache.put_many("1", chances("a", "b"))
    site.clock.advance(seconds=after.total_seconds())
    cache.get_many("1", keys("a"))
    used = {row.digest: row.used_at == site.clock() for row in site.rows(ScoreCache)}
    assert used == {b"a": moves, b"b": False}


def test_beyond_the_cap_those_go_that_were_used_longest_ago(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_cache, "PRUNE_EVERY", 1)
    monkeypatch.setattr(score_cache, "PRUNED_AT_ONCE", 2)
    cache = StoredScores(site.store, site.clock, 3)
    for letter in "abc":
        cache.put_many("1", chances(letter))
        site.clock.advance(hours=1)
    site.clock.advance(days=2)
    cache.get_many("1", keys("a"))
    cache.put_many("1", chances("d", "e"))
    assert held(site) == "ade"


def test_a_lowered_cap_shows_with_the_first_write(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_cache, "PRUNED_AT_ONCE", 2)
    StoredScores(site.store, site.clock, 100).put_many("1", chances(*"abcdefg"))
    site.clock.advance(seconds=1)
    StoredScores(site.store, site.clock, 2).put_many("1", chances("z"))
    assert len(site.rows(ScoreCache)) == 2
    assert "z" in held(site)


def test_between_prunings_it_may_grow_over_the_cap(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_cache, "PRUNE_EVERY", 3)
    cache = StoredScores(site.store, site.clock, 1)
    cache.put_many("1", chances("a"))
    for letter in "bc":
        cache.put_many("1", chances(letter))
    assert held(site) == "abc"
    cache.put_many("1", chances("d"))
    assert len(held(site)) == 1


@pytest.mark.parametrize(("after", "left"), [(UNUSED, "ab"), (UNUSED + timedelta(seconds=1), "b")])
def test_what_another_revision_said_goes_when_nobody_went_back_to_it(site: Site, after: timedelta, left: str) -> None:
    StoredScores(site.store, site.clock, 100).put_many("1", chances("a"))
    site.clock.advance(seconds=after.total_seconds())
    StoredScores(site.store, site.clock, 100).put_many("2", chances("b"))
    assert held(site) == left


def test_several_processes_putting_the_same_at_once(site: Site) -> None:
    letters = "abcdefghijklmnop"
    caches = [StoredScores(site.store, site.clock, 5) for _ in range(4)]
    orders = [chances(*letters), chances(*reversed(letters))] * 2
    together(*(partial(cache.put_many, "1", order) for cache, order in zip(caches, orders, strict=True)))
    assert len(site.rows(ScoreCache)) <= 16
    caches[0].put_many("1", chances("z"))


def test_a_database_that_fails_is_no_reason_not_to_score(tmp_path: Path, clock: Clock) -> None:
    store = Store(f"sqlite:///{tmp_path / 'without-tables.db'}")
    cache = StoredScores(store, clock, 100)
    cache.put_many("1", chances("a"))
    assert cache.get_many("1", keys("a")) == {}
    store.close()
