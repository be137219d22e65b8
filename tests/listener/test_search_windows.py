"""Searches in windows: nothing is lost however often a run is broken off, and every run gets further."""

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from listener.search_windows import Answer, Span, Step, in_windows

LAG = timedelta(seconds=60)
LOOKBACK = timedelta(hours=1)
_MOST = 10


class BrokenOff(Exception):
    """The quota is spent, or the process has died."""


@dataclass
class Platform:
    """Posts as (second said, second shown, search). ``leave``: so many requests, then it refuses."""

    posts: list[tuple[int, int, str]] = field(default_factory=list)
    leave: int = 10**9
    now: int = 10_000
    asked: list[tuple[str, int, int]] = field(default_factory=list)
    found: set[tuple[int, int, str]] = field(default_factory=set)

    def ask(self, search: str, start: int, end: int) -> Answer[list[tuple[int, int, str]]]:
        assert start <= end <= self.now
        if self.leave <= 0:
            raise BrokenOff
        self.leave -= 1
        self.asked.append((search, start, end))
        hits = [post for post in self.posts if start <= post[0] <= end and post[1] <= self.now and post[2] == search]
        return Answer(hits, whole=len(hits) <= _MOST, few=len(hits) * 4 <= _MOST)

    def run(
        self, searches: list[str], cursor: Mapping[str, Any] | None, since: int | None = None
    ) -> tuple[Mapping[str, Any] | None, bool]:
        """The cursor after a run, and whether it came to its end."""
        try:
            for step in self.steps(searches, cursor, since):
                self.found |= set(step.found or ())
                cursor = json.loads(json.dumps(step.cursor))
                for post in self.posts:
                    # What is said to be read is read, but for what is shown later.
                    if post[1] <= self.now and (since or 0) <= post[0] <= step.read_to.timestamp() - LAG.seconds:
                        assert post in self.found or post[2] not in searches
        except BrokenOff:
            return cursor, False
        return cursor, True

    def steps(
        self, searches: list[str], cursor: Mapping[str, Any] | None, since: int | None = None
    ) -> Iterator[Step[list[tuple[int, int, str]]]]:
        from_there = None if since is None else _at(since)
        return in_windows(searches, cursor, Span(_at(self.now), from_there, LAG, LOOKBACK), self.ask)


def _at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


@pytest.mark.parametrize("seed", range(40))
def test_nothing_is_lost_however_it_is_broken_off(seed: int) -> None:
    chance = random.Random(seed)
    platform = Platform(now=10_000)
    searches = [f"s{n}" for n in range(chance.randint(1, 6))]
    cursor: Mapping[str, Any] | None = None
    begun = platform.now - 3600
    for _ in range(30):
        for _ in range(chance.choice([0, 1, 10, 60])):
            said = platform.now - chance.randint(0, 40)
            platform.posts.append((said, said + chance.randint(0, 55), chance.choice(searches)))
        platform.leave = chance.randint(1, 12)
        cursor, _ = platform.run(searches, cursor)
        platform.now += chance.choice([1, 30, 300, 3000])
    platform.leave = 10**9
    platform.now += 60
    cursor, ended = platform.run(searches, cursor)
    assert ended
    assert {post for post in platform.posts if post[0] > begun} <= platform.found
    assert cursor == {"until": platform.now}


def test_every_run_comes_further_however_little_leave_it_has() -> None:
    searches = [f"s{n}" for n in range(8)]
    posts = [(second, second, search) for second in range(9_000, 10_000, 9) for search in searches]
    platform = Platform(posts)
    cursor: Mapping[str, Any] | None = None
    for _ in range(150):  # fewer requests than searches: no run ends, and all the same nothing is left unread
        platform.leave = 3
        cursor, ended = platform.run(searches, cursor)
        assert not ended
        platform.now += 1
    assert set(posts) == platform.found
    platform.leave = 100
    _, ended = platform.run(searches, cursor)
    assert ended


def test_a_second_with_too_much_is_told_and_left_behind() -> None:
    platform = Platform([(9_000, 9_000, "s")] * 30 + [(9_001, 9_001, "s")])
    gaps = [step.gap for step in platform.steps(["s"], None) if step.gap]
    assert gaps == [(_at(9_000), _at(9_000))]


def test_a_quiet_search_takes_one_request() -> None:
    platform = Platform()
    cursor, _ = platform.run(["a", "b"], None)
    platform.now += 300
    platform.run(["a", "b"], cursor)
    assert platform.asked == [
        ("a", 6_400, 10_000), ("b", 6_400, 10_000), ("a", 9_940, 10_300), ("b", 9_940, 10_300)
    ]  # fmt: skip


def test_a_search_that_is_new_begins_where_all_others_are() -> None:
    platform = Platform()
    cursor, _ = platform.run(["a"], None)
    platform.now += 300
    platform.run(["b"], cursor)
    assert platform.asked[-1] == ("b", 9_940, 10_300)


def test_who_is_furthest_behind_goes_first() -> None:
    platform = Platform()
    platform.leave = 1
    cursor, ended = platform.run(["a", "b"], None)
    assert not ended
    platform.leave = 1
    platform.now += 300
    platform.run(["a", "b"], cursor)
    assert [search for search, _, _ in platform.asked] == ["a", "b"]


def test_a_window_of_the_past_is_kept_to() -> None:
    platform = Platform([(second, second, "s") for second in range(5_000, 9_000, 7)])
    platform.now = 8_000
    cursor: Mapping[str, Any] | None = None
    for _ in range(500):
        platform.leave = 2
        cursor, ended = platform.run(["s"], cursor, since=6_000)
        if ended:
            break
    assert {post for post in platform.posts if 6_000 <= post[0] <= 8_000} == platform.found
    assert min(start for _, start, _ in platform.asked) == 6_000


def test_nothing_to_search_for_moves_on() -> None:
    platform = Platform()
    assert platform.run([], None) == ({"until": 10_000}, True)
    assert platform.asked == []


def test_a_clock_set_back_loses_nothing() -> None:
    platform = Platform()
    platform.now = 9_000
    assert platform.run(["a"], {"until": 10_000}) == ({"until": 10_000}, True)
    assert platform.asked == [("a", 9_000, 9_000)]
