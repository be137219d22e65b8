"""What the ledger says of every hour, whatever happened in it; and that it never claims what was not read."""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from listener import coverage
from listener.coverage import Hour, HourState
from listener.jobs.collect import Collected
from listener.jobs.ledger import CAPPED
from listener.source import Cursor, CursorExpired, FatalSourceError, Page, RetriableSourceError
from listener.store import brands, intake
from listener.store import coverage as ledger
from listener.store.engine import Store
from listener.store.tables import Covered, Gap, Source, SourceHour
from tests.conftest import Clock
from tests.listener.conftest import Site, item
from tests.listener.jobs.minutes import (
    BUSY,
    CAP,
    EVERY,
    SHOWN,
    SIZE,
    SLOWER,
    Feed,
    Minutes,
    NewestFirst,
    OldestFirst,
    at,
    follow,
    minute,
    stored,
)

KINDS = [OldestFirst, NewestFirst, Feed]


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture
def listening(feed: Site) -> Site:
    """Aeroluz, and a source read every ten minutes."""
    feed.source(every_s=round(EVERY.total_seconds()))
    return feed


def hours(site: Site, since: int = 0, until: int | None = None) -> list[Hour]:
    """The hours of the source from a minute up to now, or up to another minute."""
    end = site.clock() if until is None else at(until)
    with site.store.reading() as session:
        row = brands.source_named(session, "feed")
        assert row is not None
        record = ledger.record(session, row, at(since), end)
    return coverage.hours(record, at(since), end, site.clock())


def states(site: Site, **frame: int) -> list[str]:
    return [hour.state.value for hour in hours(site, **frame)]


def claimed(site: Site) -> list[tuple[int, int]]:
    return [(minute(row.since), minute(row.until)) for row in site.rows(Covered)]


def gaps(site: Site) -> list[tuple[int, int, str, str]]:
    return [(minute(gap.since), minute(gap.until), gap.cause, gap.state) for gap in site.rows(Gap)]


def poll(site: Site, source: Minutes, times: int = 1) -> None:
    """Polls on schedule, at 12:09, 12:19 and so on, whatever comes of them."""
    for _ in range(times):
        site.clock.advance(minutes=10 if minute(site.clock()) % 10 == 9 else 9)
        with suppress(RetriableSourceError, FatalSourceError):
            follow(site, source)


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_that_is_read_well_has_one_stretch_and_covered_hours(listening: Site, kind: type[Minutes]) -> None:
    source = kind(listening.clock)
    follow(listening, source)
    poll(listening, source, times=12)

    assert states(listening) == ["covered", "covered"]
    assert claimed(listening) == [(0, 119)]
    assert gaps(listening) == []
    first, second = listening.rows(SourceHour)
    assert (first.polls, first.finished, first.stored) == (7, 7, 59)
    assert (second.polls, second.finished, second.stored) == (6, 6, 60)


@pytest.mark.parametrize(("words", "state"), [(BUSY, "failed"), (SLOWER, "rate_limited")])
@pytest.mark.parametrize("kind", KINDS)
def test_three_hours_down(listening: Site, kind: type[Minutes], words: str, state: str) -> None:
    """Each hour says that nothing of it is known; and once it is up again, what could be caught up with."""
    source = kind(listening.clock)
    follow(listening, source)
    poll(listening, source, times=6)
    source.fails(words)
    poll(listening, source, times=18)

    assert states(listening) == ["partly", state, state, state]
    assert [hour.why for hour in hours(listening)] == [None, words, words, words]
    assert [hour.polls.found for hour in hours(listening, since=60)] == [0, 0, 0]

    source.works()
    poll(listening, source)
    if kind is OldestFirst:
        assert states(listening) == ["covered"] * 5
        assert [hour.polls.refused for hour in hours(listening)] == [0, 6, 6, 6, 0]
    elif kind is NewestFirst:
        # 190 minutes since, of which it hands out the last 150.
        assert states(listening) == ["partly", "partly", "covered", "covered", "covered"]
        assert gaps(listening) == [(59, 249 - CAP, "capped", "open")]
    else:
        assert states(listening) == ["partly", state, "partly", "covered", "covered"]
        assert gaps(listening) == [(59, 249 - SHOWN, "capped", "lost")]
        assert hours(listening)[1].gap == "lost"


@pytest.mark.parametrize("kind", [OldestFirst, NewestFirst])
def test_hours_in_which_nobody_polled_are_not_hours_without_mentions(listening: Site, kind: type[Minutes]) -> None:
    source = kind(listening.clock)
    follow(listening, source)
    poll(listening, source, times=6)
    listening.clock.advance(minutes=120)

    assert states(listening) == ["partly", "not_polled", "not_polled"]
    assert states(listening, until=300) == ["partly", "not_polled", "not_polled", "future", "future"]

    poll(listening, source)
    assert states(listening) == ["covered"] * 4
    assert stored(listening) == set(range(189))


def test_a_quiet_hour_is_covered_and_says_that_nothing_was_found(listening: Site) -> None:
    source = OldestFirst(listening.clock)
    source.posts = lambda *_: []  # type: ignore[method-assign]
    follow(listening, source)
    poll(listening, source, times=6)

    (hour,) = hours(listening)
    assert (hour.state, hour.polls.polls, hour.polls.finished, hour.polls.found) == (HourState.COVERED, 7, 7, 0)
    assert hour.covered == timedelta(minutes=59)
    assert gaps(listening) == []


def test_before_the_first_run_nothing_is_claimed_and_a_late_one_is_told(listening: Site) -> None:
    assert states(listening, since=-60, until=60) == ["before", "future"]
    listening.clock.advance(minutes=5)
    assert states(listening) == ["waiting"]
    listening.clock.advance(minutes=120)
    assert states(listening) == ["not_polled"] * 3


def test_a_first_run_that_looks_back_covers_what_it_saw(listening: Site) -> None:
    listening.clock.advance(minutes=130)
    follow(listening, OldestFirst(listening.clock))

    assert claimed(listening) == [(0, 130)]


def test_a_feed_that_is_read_for_the_first_time_says_nothing_of_the_time_before(listening: Site) -> None:
    source = Feed(listening.clock)
    listening.clock.advance(minutes=5)
    follow(listening, source)
    assert claimed(listening) == []
    assert states(listening) == ["waiting"]

    poll(listening, source)
    assert claimed(listening) == [(5, 14)]
    assert states(listening) == ["covered"]


def test_a_source_that_fails_from_the_beginning_has_failed_and_not_begun_later(listening: Site) -> None:
    source = Feed(listening.clock)
    source.fails()
    poll(listening, source, times=12)
    source.works()
    poll(listening, source, times=6)

    assert states(listening) == ["failed", "failed", "partly"]


def test_a_run_of_which_no_page_says_how_far_it_got_covers_nothing_until_it_has_ended(listening: Site) -> None:
    """Oldest first may mean: of one hashtag after the other. What a page shows proves nothing of the others."""

    class Silent(OldestFirst):
        def pages(self, *asked: Any) -> Iterator[Page]:
            for page in super().pages(*asked):
                yield replace(page, read_to=None)

    source = Silent(listening.clock)
    poll(listening, source)
    listening.clock.advance(minutes=51)
    source.fails(after=3)
    with pytest.raises(RetriableSourceError):
        follow(listening, source)

    assert len(stored(listening)) == 9 + 3 * SIZE
    assert claimed(listening) == [(0, 9)]


def test_a_run_that_broke_off_covers_what_its_last_page_proves(listening: Site) -> None:
    source = OldestFirst(listening.clock)
    poll(listening, source)
    listening.clock.advance(minutes=51)
    source.fails(after=3)
    with pytest.raises(RetriableSourceError):
        follow(listening, source)

    assert stored(listening) == set(range(9 + 3 * SIZE))
    assert claimed(listening) == [(0, 9 + 3 * SIZE - 1)]
    assert states(listening) == ["partly"]

    source.works()
    follow(listening, source)
    assert claimed(listening) == [(0, 60)]


def test_an_unordered_run_that_broke_off_covers_nothing_until_it_has_ended(listening: Site) -> None:
    source = NewestFirst(listening.clock)
    follow(listening, source)
    listening.clock.advance(minutes=60)
    source.fails(after=3)
    with pytest.raises(RetriableSourceError):
        follow(listening, source)
    assert claimed(listening) == []

    listening.clock.advance(minutes=30)
    source.works()
    follow(listening, source)
    # What came while it was interrupted is the next run's.
    assert claimed(listening) == [(0, 60)]
    follow(listening, source)
    assert claimed(listening) == [(0, 90)]
    assert stored(listening) == set(range(90))


@pytest.mark.parametrize("kind", [OldestFirst, NewestFirst])
def test_a_process_that_dies_between_its_pages_and_the_end_of_its_run(listening: Site, kind: type[Minutes]) -> None:
    """The pages stay, with what they counted; nothing is claimed that only the end of the run could say."""
    source = kind(listening.clock)
    poll(listening, source)
    listening.clock.advance(minutes=21)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "promote_cursor", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            follow(listening, source)

    assert stored(listening) == set(range(30))
    (row,) = listening.rows(SourceHour)
    assert (row.polls, row.found, row.stored, row.failed) == (2, 30, 30, 0)
    assert claimed(listening) == ([(0, 29)] if source.ordered else [(0, 9)])

    follow(listening, source)
    assert claimed(listening) == [(0, 30)]
    assert states(listening) == ["covered"]


def test_a_run_that_is_told_to_stop_is_counted_as_broken_off_by_us(listening: Site) -> None:
    source = NewestFirst(listening.clock)
    listening.clock.advance(minutes=60)
    follow(listening, source, keep_on=lambda: False)

    (row,) = listening.rows(SourceHour)
    assert (row.polls, row.found, row.truncated, row.failed) == (1, SIZE, 1, 0)
    assert "told to stop" in (row.why or "")
    assert states(listening) == [
        "unfinished",
    ] or states(listening) == ["not_polled"]


def test_a_page_that_is_capped_leaves_a_gap_before_the_oldest_that_was_seen(listening: Site) -> None:
    source = NewestFirst(listening.clock)
    follow(listening, source)
    listening.clock.advance(minutes=CAP + 50)
    follow(listening, source)

    (gap,) = listening.rows(Gap)
    assert (minute(gap.since), minute(gap.until), gap.cause, gap.why, gap.state) == (0, 50, "capped", CAPPED, "open")
    assert claimed(listening) == [(50, CAP + 50)]
    assert states(listening) == ["partly", "covered", "covered", "covered"]
    assert sum(hour.polls.capped for hour in hours(listening)) == 1


class TwoListings(NewestFirst):
    """A busy one, which is capped an hour and a half ago, and one in which little was said for a month."""

    broken_off = False

    def pages(self, cursor: Cursor | None, until: datetime, since: datetime | None) -> Iterator[Page]:
        now = minute(until)
        if cursor is None:
            for first in (0, 45):
                busy = tuple(item(f"a{ago}", minute=now - ago) for ago in range(first, first + 45))
                yield Page(busy, {"busy": first}, capped=first > 0)
        if self.broken_off:
            raise RetriableSourceError(BUSY)
        for first in (0, 15):
            quiet = tuple(item(f"b{day}", minute=now - day * 1440) for day in range(first, first + 15))
            yield Page(quiet, {"quiet": first})


@pytest.mark.parametrize("broken_off", [False, True])
def test_a_first_run_claims_nothing_behind_a_page_that_was_capped(listening: Site, broken_off: bool) -> None:
    """What another listing has from weeks ago does not show that this one was read so far."""
    source = TwoListings(listening.clock)
    source.broken_off = broken_off
    if broken_off:
        with pytest.raises(RetriableSourceError):
            follow(listening, source)
        source.broken_off = False
    follow(listening, source)

    assert claimed(listening) == [(-89, 0)]
    assert gaps(listening) == []


def test_a_first_run_that_is_not_capped_claims_as_far_back_as_it_saw(listening: Site) -> None:
    class Whole(TwoListings):
        def pages(self, *asked: Any) -> Iterator[Page]:
            for page in super().pages(*asked):
                yield replace(page, capped=False)

    follow(listening, Whole(listening.clock))
    assert claimed(listening) == [(-29 * 1440, 0)]


def test_an_hour_that_lies_in_a_capped_gap_is_capped(listening: Site) -> None:
    class Busy(NewestFirst):
        """More within ten minutes than it hands out."""

        def pages(self, *asked: Any) -> Iterator[Page]:
            for page in super().pages(*asked):
                yield Page((), page.cursor, capped=True)

    source = Busy(listening.clock)
    follow(listening, source)
    poll(listening, source, times=7)

    assert states(listening) == ["capped", "capped"]
    assert [hour.why for hour in hours(listening)] == [CAPPED] * 2


def test_a_page_may_say_itself_what_is_missing(listening: Site) -> None:
    class Tells(OldestFirst):
        def pages(self, *asked: Any) -> Iterator[Page]:
            for page in super().pages(*asked):
                gap = (at(20), at(25)) if page.cursor["at"] >= 25 else None
                yield replace(page, capped=gap is not None, gap=gap)

    source = Tells(listening.clock)
    follow(listening, source)
    listening.clock.advance(minutes=30)
    follow(listening, source)

    assert gaps(listening) == [(20, 25, "capped", "open")]
    assert claimed(listening) == [(0, 20), (25, 30)]


@pytest.mark.parametrize("kind", [OldestFirst, NewestFirst])
def test_a_place_that_the_platform_has_forgotten_is_left_and_what_lies_between_is_a_gap(
    listening: Site, kind: type[Minutes]
) -> None:
    class Forgetful(kind):  # type: ignore[misc, valid-type]
        def pages(self, cursor: Cursor | None, *asked: Any) -> Iterator[Page]:
            if cursor is not None:
                raise CursorExpired("the platform no longer knows this cursor")
            # Read anew, it looks back for an hour.
            yield from (
                page for page in super().pages(cursor, *asked) if minute(page.items[0].created_at) >= now - 60 + SIZE
            )

    source = kind(listening.clock)
    follow(listening, source)
    poll(listening, source, times=6)
    listening.clock.advance(minutes=120)
    now = minute(listening.clock())
    follow(listening, Forgetful(listening.clock))

    ((since, until, cause, state),) = gaps(listening)
    assert (since, cause, state) == (59, "restart", "open")
    assert 59 < until < 179
    assert stored(listening) >= set(range(until, 179))
    assert claimed(listening) == [(0, 59), (until, 179)]
    assert listening.one(Source).last_error is None


def test_what_lies_further_back_than_the_platform_looks_is_lost(listening: Site) -> None:
    class Week(OldestFirst):
        history = timedelta(hours=2)

        def posts(self, after: int, until: Any) -> list[Any]:
            return super().posts(max(after, minute(self.clock()) - 121), until)

    source = Week(listening.clock)
    follow(listening, source)
    poll(listening, source, times=6)
    listening.clock.advance(minutes=300)
    follow(listening, source)

    assert gaps(listening) == [(59, 239, "history", "lost")]
    assert claimed(listening) == [(0, 59), (239, 359)]
    assert states(listening) == ["partly", "not_polled", "not_polled", "partly", "covered", "covered"]
    assert [hour.gap for hour in hours(listening)] == ["lost"] * 4 + [None] * 2


def test_a_source_that_is_read_for_other_brands_has_a_gap_where_it_did_not_look_back_far_enough(
    listening: Site,
) -> None:
    source = OldestFirst(listening.clock)
    follow(listening, source)
    poll(listening, source, times=6)
    listening.source(every_s=600, brands=["Aeroluz"])
    listening.clock.advance(minutes=10)
    source.posts = lambda *_: []  # type: ignore[method-assign]
    follow(listening, source)

    assert gaps(listening) == [(59, 69, "restart", "open")]


def test_a_feed_that_is_read_for_other_brands_has_no_gap_where_it_still_shows_the_time_before(listening: Site) -> None:
    source = Feed(listening.clock)
    follow(listening, source)
    poll(listening, source, times=6)
    listening.source(every_s=600, brands=["Aeroluz"])
    poll(listening, source)

    assert gaps(listening) == []
    assert claimed(listening) == [(0, 69)]


def test_a_source_that_is_another_place_now_owes_nothing_of_the_time_before(listening: Site) -> None:
    source = Feed(listening.clock)
    follow(listening, source)
    poll(listening, source, times=6)
    listening.source(every_s=600, options={"url": "https://elsewhere.example/feed"})
    poll(listening, source)

    assert gaps(listening) == []
    assert claimed(listening) == [(0, 59)]


def test_what_nobody_reads_on_a_schedule_has_counts_and_no_coverage(feed: Site) -> None:
    feed.clock.advance(minutes=30)
    follow(feed, OldestFirst(feed.clock))

    assert claimed(feed) == []
    assert feed.one(SourceHour).stored == 30


def test_with_nobody_to_listen_for_the_hour_is_not_covered(listening: Site) -> None:
    listening.brand(active=False)
    poll(listening, OldestFirst(listening.clock), times=6)

    assert states(listening) == ["failed"]
    assert "no brand is listened for here" in (hours(listening)[0].why or "")


PRIVATE = "r/secret is private: have the account let in, or leave it out"


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_run_could_not_read_of_a_place_is_not_covered_and_told(listening: Site, kind: type[Minutes]) -> None:
    """However often: one gap, which grows, and the run after it does not cover it."""
    source = kind(listening.clock)
    follow(listening, source)
    poll(listening, source)
    source.lacks = (PRIVATE,)
    poll(listening, source, times=12)

    assert claimed(listening) == [(0, 9)]
    assert states(listening) == ["partly", "partly", "partly"]
    assert {hour.why for hour in hours(listening)} == {f"read in part: {PRIVATE}"}
    assert gaps(listening) == [(9, 129, "unread", "growing")]
    row = listening.one(Source)
    assert (row.unread, row.run_unread, row.last_error) == ([PRIVATE], None, None)
    assert (minute(row.covered_to or at(0)), row.last_success_at) == (129, at(129))
    assert stored(listening) == set(range(129))
    first, *_ = listening.rows(SourceHour)
    assert (first.polls, first.finished, first.truncated, first.failed) == (7, 7, 5, 0)

    source.lacks = ()
    poll(listening, source, times=3)
    assert claimed(listening) == [(0, 9), (129, 159)]
    assert listening.one(Source).unread is None
    # A feed has no past that could be read again.
    assert gaps(listening) == [(9, 129, "unread", "partly" if kind is Feed else "open")]


@pytest.mark.parametrize("kind", [OldestFirst, NewestFirst])
def test_a_run_that_goes_on_still_lacks_what_it_lacked_before_it_was_interrupted(
    listening: Site, kind: type[Minutes]
) -> None:
    source = kind(listening.clock)
    follow(listening, source)
    listening.clock.advance(minutes=60)
    source.lacks = (PRIVATE,)
    source.fails(after=3)
    with pytest.raises(RetriableSourceError):
        follow(listening, source)
    assert claimed(listening) == []
    assert listening.one(Source).run_unread == [PRIVATE]

    source.works()
    source.lacks = ()
    follow(listening, source)
    assert claimed(listening) == []
    assert gaps(listening) == [(0, 60, "unread", "growing")]
    follow(listening, source)
    assert gaps(listening) == [(0, 60, "unread", "open")]


def test_a_long_time_that_was_read_in_part_is_read_again_as_far_as_is_worth_it(listening: Site) -> None:
    source = OldestFirst(listening.clock)
    source.posts = lambda *_: [item("0", minute=minute(listening.clock()) - 1)]  # type: ignore[method-assign]
    follow(listening, source)
    source.lacks = (PRIVATE,)
    for _ in range(3):
        listening.clock.advance(minutes=4 * 24 * 60)
        follow(listening, source)
    source.lacks = ()
    follow(listening, source)

    (gap,) = listening.rows(Gap)
    assert (gap.state, gap.since, gap.read_to) == ("open", at(0), at(5 * 24 * 60))
    assert gap.why == f"read in part: {PRIVATE} (of this the last 7d are read again)"


def test_what_was_unread_of_a_place_is_not_looked_for_in_another(listening: Site) -> None:
    source = OldestFirst(listening.clock)
    source.lacks = (PRIVATE,)
    follow(listening, source)
    poll(listening, source)
    listening.source(every_s=600, options={"url": "https://elsewhere.example/feed"})

    assert gaps(listening) == [(0, 9, "unread", "partly")]
    assert listening.one(Source).unread is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ok", "ok", "ok", "unread", "failed", "rate_limited", "truncated", "killed"]),
        st.integers(1, 4).map(lambda number: number * 7) | st.integers(60, 250),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=12,
)
"""What becomes of each run, the minutes since the one before, and the pages that it gets before its end."""


def take_step(site: Site, source: Minutes, outcome: str, pages: int) -> str:
    """One run; what really became of it, as it may have ended well before its trouble."""
    left = [pages]
    lacking = bool(site.one(Source).run_unread)

    def keep_on() -> bool:
        left[0] -= 1
        return left[0] > 0

    if outcome == "truncated":
        return _became(follow(site, source, keep_on=keep_on), "truncated", lacking=lacking)
    if outcome in ("ok", "unread"):
        source.lacks = (PRIVATE,) if outcome == "unread" else ()
        result = follow(site, source)
        source.lacks = ()
        return _became(result, outcome, lacking=lacking)
    source.error, source.fail_after = {
        "failed": RetriableSourceError(BUSY), "rate_limited": RetriableSourceError(SLOWER), "killed": Killed(),
    }[outcome], pages  # fmt: skip
    with suppress(RetriableSourceError, Killed):
        follow(site, source)
    source.works()
    return outcome


def _became(result: Collected, outcome: str, *, lacking: bool) -> str:
    return outcome if not result.finished else "unread" if result.unread or lacking else "ok"


def minutes_of(pieces: list[tuple[int, int]]) -> set[int]:
    return {number for since, until in pieces for number in range(since, until)}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(steps=STEPS)
def test_whatever_happens_no_minute_is_claimed_that_was_not_read_and_none_forgotten(
    _sqlite_template: Path,  # noqa: PT019 - copied by hand, for every example
    kind: type[Minutes],
    steps: list[tuple[str, int, int]],
) -> None:
    with TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{shutil.copy(_sqlite_template, folder)}")
        try:
            _hold_to_account(Site(store, Clock()), kind, steps)
        finally:
            store.close()


def _hold_to_account(site: Site, kind: type[Minutes], steps: list[tuple[str, int, int]]) -> None:
    site.brand()
    site.source(every_s=600)
    source = kind(site.clock)
    log: dict[int, Counter[str]] = {}
    troubled = False
    for outcome, idle, pages in steps:
        site.clock.advance(minutes=idle)
        became = take_step(site, source, outcome, pages)
        log.setdefault(minute(site.clock()) // 60, Counter())[became] += 1
        now = minute(site.clock())
        claims, missing = minutes_of(claimed(site)), minutes_of([(gap[0], gap[1]) for gap in gaps(site)])
        partly = minutes_of([(gap[0], gap[1]) for gap in gaps(site) if gap[2] == "unread"])
        row = site.one(Source)

        # Nothing is claimed that is not stored: somebody spoke in every minute.
        assert claims <= stored(site)
        assert not claims & missing
        # Up to the mark every minute is claimed or known to be missing, from the first that was.
        if row.covered_to is not None and (claims or missing):
            mark = minute(row.covered_to)
            known = {number for number in claims | missing if number < mark}
            assert known == set(range(min(known, default=mark), mark))
            # Only an unordered run that goes on after an interruption ends where that one began.
            assert mark == now or became not in ("ok", "unread") or not source.ordered
        # Pages of a run that broke off may lie in a gap; otherwise what is missing is missing.
        troubled = troubled or became != "ok"
        assert troubled or missing.isdisjoint(stored(site))

        for hour in hours(site):
            number = minute(hour.hour) // 60
            happened = log.get(number, Counter())
            counts = hour.polls
            assert (counts.failed, counts.rate_limited, counts.truncated) == (
                happened["failed"], happened["rate_limited"], happened["truncated"] + happened["unread"],
            )  # fmt: skip
            # A run that was killed before its first page leaves no trace.
            assert happened.total() - happened["killed"] <= counts.polls <= happened.total()
            state = _simple_state(number, now, claims, counts.polls, happened, missing, partly, row)
            assert hour.state == state, hour
        # One row while it lasts: between two of them something was read whole, or was capped.
        growing = sorted(gap[:2] for gap in gaps(site) if gap[3] == "growing")
        assert all(before[1] < after[0] for before, after in pairwise(growing))


def _simple_state(
    hour: int, now: int, claims: set[int], polls: int, happened: Counter[str], missing: set[int],
    partly: set[int], row: Source,
) -> str:  # fmt: skip
    """The state of an hour, found out minute by minute."""
    listened = minute(row.listened_from) if row.listened_from else 0
    read_to = minute(row.covered_to) if row.covered_to else listened
    due = set(range(read_to, now)) if now - read_to <= 12 else set()
    whole = set(range(hour * 60, hour * 60 + 60))
    wanted = {number for number in whole if listened <= number < now}
    read = whole & claims
    if max(whole) < listened:
        return "covered" if read == whole else "partly" if read else "before"
    refused = happened["failed"] + happened["rate_limited"]
    worse = "rate_limited" if happened["rate_limited"] >= happened["failed"] else "failed"
    if wanted <= read | due:
        return "covered" if read else worse if polls and refused >= polls else "waiting"
    if read or whole & partly:
        return "partly"
    if not polls:
        return "not_polled"
    if refused and refused >= polls:
        return worse
    if whole & missing:
        return "capped"
    if refused:
        return worse
    return "not_polled" if happened["ok"] + happened["unread"] >= polls else "unfinished"
