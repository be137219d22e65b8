"""What a platform no longer shows is looked up in time, by one process, and blanked; a failure blanks nothing."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from listener.jobs.recheck import EVERY, ROUND, Build, recheck, recheck_next
from listener.open_source import OpenSource
from listener.query import Query
from listener.quota import Meters, QuotaSpent
from listener.source import Cursor, FatalSourceError, Meter, Page, Rechecked, RetriableSourceError, Source
from listener.store.tables import Mention
from listener.store.tables import Source as SourceRow
from tests.listener.conftest import Site, item, together


class Unasked:
    """A source that needs no looking up."""

    kind: ClassVar[str] = "rss"
    ordered: ClassVar[bool] = True
    lag: ClassVar[timedelta] = timedelta(0)
    history: ClassVar[timedelta | None] = timedelta(0)

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        yield from ()


class Platform(Unasked):
    """Shows all posts but those that are gone, two at a time."""

    recheck_every: ClassVar[timedelta] = timedelta(hours=20)
    recheck_batch: ClassVar[int] = 2

    def __init__(self, site: Site, gone: Mapping[str, str]) -> None:
        self.site = site
        self.hidden = dict(gone)
        self.asked: list[list[str]] = []
        self.fails_after: int | None = None
        self.error: Exception = RetriableSourceError("429", retry_after=60)

    def gone(self, native_ids: Sequence[str]) -> Mapping[str, str]:
        assert len(native_ids) <= self.recheck_batch
        if self.fails_after is not None and len(self.asked) >= self.fails_after:
            raise self.error
        self.asked.append(list(native_ids))
        return {name: self.hidden[name] for name in native_ids if name in self.hidden}


@pytest.fixture
def platform(feed: Site) -> Platform:
    feed.take(*(item(str(number)) for number in range(5)))
    feed.score()
    feed.clock.advance(hours=20)
    found = Platform(feed, {"1": "deleted", "4": "account suspended"})
    assert isinstance(found, Rechecked)
    return found


def building(*sources: Source, meters: Sequence[Meter] = ()) -> Build:
    left = list(sources)

    def build(kind: str, options: Mapping[str, Any], *, urgent: bool) -> OpenSource:
        return OpenSource(left.pop(0) if len(left) > 1 else left[0], meters)

    return build


def blank(site: Site) -> dict[str, str | None]:
    return {mention.native_id: mention.deleted_why for mention in site.rows(Mention) if mention.deleted_at is not None}


def test_what_is_gone_is_blanked_with_the_platforms_reason(feed: Site, platform: Platform) -> None:
    assert recheck(feed.store, building(platform), feed.clock) == 5

    assert platform.asked == [["0", "1"], ["2", "3"], ["4"]]
    assert blank(feed) == {"1": "deleted", "4": "account suspended"}
    assert feed.rollups() == feed.recount()
    assert recheck(feed.store, building(platform), feed.clock) == 0


def test_nothing_is_looked_up_before_it_is_due_nor_later_than_demanded(feed: Site, platform: Platform) -> None:
    recheck(feed.store, building(platform), feed.clock)
    platform.asked.clear()
    feed.clock.advance(hours=19, minutes=49)
    assert recheck(feed.store, building(platform), feed.clock) == 0

    # The next round would be too late for what is due ten minutes from now.
    feed.clock.advance(minutes=1)
    assert recheck(feed.store, building(platform), feed.clock) == 3
    assert platform.asked == [["0", "2"], ["3"]]


def test_the_longest_unseen_come_first(feed: Site, platform: Platform) -> None:
    feed.clock.advance(hours=1)
    feed.take(item("later"))
    feed.clock.advance(hours=30)
    recheck(feed.store, building(platform), feed.clock)

    assert [name for batch in platform.asked for name in batch][-1] == "later"


@pytest.mark.parametrize("error", [RetriableSourceError("429"), FatalSourceError("401"), ValueError("a bug of ours")])
def test_a_failure_leaves_the_rest_for_the_next_round(feed: Site, platform: Platform, error: Exception) -> None:
    platform.fails_after, platform.error = 1, error
    recheck(feed.store, building(platform), feed.clock)
    assert blank(feed) == {"1": "deleted"}

    platform.fails_after = None
    recheck(feed.store, building(platform), feed.clock)
    assert platform.asked == [["0", "1"], ["2", "3"], ["4"]]
    assert blank(feed) == {"1": "deleted", "4": "account suspended"}


def test_a_source_that_fails_stops_no_other(feed: Site, platform: Platform) -> None:
    feed.source("another")
    feed.take(item("another's"), source="another")
    feed.clock.advance(hours=20)
    broken = Platform(feed, {})
    broken.fails_after = 0

    assert recheck(feed.store, building(broken, platform), feed.clock) == 5


def test_each_is_looked_up_through_the_source_that_found_it(feed: Site, platform: Platform) -> None:
    feed.source("another", active=False)
    feed.take(item("another's"), item("of another platform", kind="x"), source="another")
    feed.clock.advance(hours=20)
    other = Platform(feed, {})
    recheck(feed.store, building(other, platform), feed.clock)

    assert {row.name for row in feed.rows(SourceRow)} == {"another", "feed"}
    assert other.asked == [["another's"]]


def test_sources_whose_platform_demands_nothing_are_not_asked(feed: Site, platform: Platform) -> None:
    assert recheck(feed.store, building(Unasked()), feed.clock) == 0


def test_it_stops_promptly_and_goes_on_later(feed: Site, platform: Platform) -> None:
    assert recheck(feed.store, building(platform), feed.clock, lambda: len(platform.asked) < 1) == 2
    assert recheck(feed.store, building(platform), feed.clock) == 3


def test_a_round_is_begun_by_one_process_and_ends_before_the_next(feed: Site, platform: Platform) -> None:
    work = [lambda: recheck_next(feed.store, building(platform), feed.clock)] * 4

    assert sorted(together(*work)) == [0, 0, 0, 5]
    assert recheck_next(feed.store, building(platform), feed.clock) == 0
    feed.clock.advance(hours=20)
    assert recheck_next(feed.store, building(platform), feed.clock) == 3
    assert ROUND < EVERY


def test_a_round_that_takes_too_long_leaves_the_rest_to_the_next(feed: Site, platform: Platform) -> None:
    answers = platform.gone

    def slow(native_ids: Sequence[str]) -> Mapping[str, str]:
        feed.clock.advance(minutes=5)
        return answers(native_ids)

    platform.gone = slow  # type: ignore[method-assign]
    assert recheck_next(feed.store, building(platform), feed.clock) == 4
    assert recheck_next(feed.store, building(platform), feed.clock) == 1


def test_a_pause_that_is_asked_for_holds_everybody_on_the_account(feed: Site, platform: Platform) -> None:
    meters = Meters(feed.store, feed.clock, lambda _seconds: True, share=0.5)
    mine, other = meters("x:1", (), None), meters("x:1", (), None)
    platform.fails_after = 0
    recheck(feed.store, building(platform, meters=[mine]), feed.clock)

    with pytest.raises(QuotaSpent, match="asked whoever uses this account to wait") as told:
        other.ask()
    assert told.value.retry_after == 60


def test_what_must_not_wait_any_longer_may_use_what_the_rest_leaves(feed: Site, platform: Platform) -> None:
    """Of the 24 hours in which it must be done, 20 pass before it is due; from 22 on it is pressing."""
    thrifty = Platform(feed, {})
    thrifty.fails_after, thrifty.error = 0, QuotaSpent("its share", retry_after=60, again_at=feed.clock())

    def build(kind: str, options: Mapping[str, Any], *, urgent: bool) -> OpenSource:
        return OpenSource(platform if urgent else thrifty)

    within = {"rss": timedelta(hours=24)}
    feed.clock.advance(hours=1, minutes=59)
    feed.take(item("new"))
    assert recheck(feed.store, build, feed.clock, demands=within) == 0
    feed.clock.advance(minutes=1)
    recheck(feed.store, build, feed.clock)
    assert platform.asked == [], "of a kind that demands nothing, nothing presses"
    recheck(feed.store, build, feed.clock, demands=within)

    assert platform.asked == [["0", "1"], ["2", "3"], ["4"]]
    assert blank(feed) == {"1": "deleted", "4": "account suspended"}
