"""Gaps are filled as long as the platform still has what is missing, and called lost when it has not."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from structlog.testing import capture_logs

from listener.breaker import Breaker
from listener.coverage import Stretch
from listener.jobs.gaps import EVERY as TURN
from listener.jobs.gaps import LEASE, LONGEST_WAIT, WINDOWS, fill_next
from listener.open_source import OpenSource
from listener.quota import Meters, QuotaSpent
from listener.source import Cursor, FatalSourceError, Page, RetriableSourceError
from listener.store import breakers, coverage
from listener.store.tables import Covered, Gap, Source, SourceBreaker, SourceHour
from tests.listener.conftest import Site, broken_off, together
from tests.listener.jobs.minutes import CAP, Feed, Minutes, NewestFirst, OldestFirst, at, follow, minute, stored


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture
def listening(feed: Site) -> Site:
    """Aeroluz, and a source read every ten minutes; it is five in the afternoon."""
    feed.source(every_s=600)
    feed.clock.advance(minutes=300)
    return feed


def gap(site: Site, since: int, until: int, **changes: Any) -> None:
    with site.store.transaction() as session:
        coverage.open_gap(
            session, site.id_of(Source, "feed"), Stretch(at(since), at(until)), "capped", "it was too much",
            site.clock(), **changes,
        )  # fmt: skip


def turn(site: Site, source: Minutes, **options: Any) -> int:
    """The next turn, a minute later."""
    site.clock.advance(seconds=TURN.total_seconds())
    return fill_next(site.store, lambda _source_id: OpenSource(source), site.clock, **options)


def claimed(site: Site) -> list[tuple[int, int]]:
    return [(minute(row.since), minute(row.until)) for row in site.rows(Covered)]


@pytest.mark.parametrize("kind", [OldestFirst, NewestFirst])
def test_a_gap_is_read_again_and_filled(listening: Site, kind: type[Minutes]) -> None:
    gap(listening, 60, 130)
    before = listening.one(Source)
    source = kind(listening.clock)

    assert turn(listening, source) == 1

    assert stored(listening) == set(range(60, 131))
    assert claimed(listening) == [(60, 130)]
    row = listening.one(Gap)
    assert (row.state, row.found, row.tries, row.closed_at) == ("filled", 71, 0, listening.clock())
    assert listening.one(Source) == before
    assert (listening.one(SourceHour).found, listening.one(SourceHour).polls) == (71, 0)
    assert turn(listening, source) == 0


def test_a_run_that_was_capped_is_made_whole(listening: Site) -> None:
    """From the cap that was hit to the last minute of the gap, with what the run itself had read."""
    source = NewestFirst(listening.clock)
    follow(listening, source)
    listening.clock.advance(minutes=CAP + 400)
    follow(listening, source)
    (row,) = listening.rows(Gap)
    assert (minute(row.since), minute(row.until)) == (300, 300 + 400)

    for _ in range(10):
        turn(listening, source)

    assert listening.one(Gap).state == "filled"
    assert stored(listening) >= set(range(150, 850))
    assert claimed(listening) == [(150, 850)]


def test_a_window_that_is_capped_is_halved_until_it_is_not(listening: Site) -> None:
    gap(listening, 0, 299)
    source = NewestFirst(listening.clock)

    turn(listening, source)

    assert [until - since for since, until in source.windows][:2] == [299, 150]
    assert stored(listening) == set(range(300))
    assert listening.one(Gap).state == "filled"


def test_what_is_too_much_even_for_a_minute_is_partly_lost(listening: Site) -> None:
    class Flooded(OldestFirst):
        """Between 12:20 and 12:22 it has more than it hands out, however little is asked for."""

        def pages(self, *asked: Any) -> Iterator[Page]:
            for page in super().pages(*asked):
                much = any(20 <= int(post.native_id) < 22 for post in page.items)
                yield Page(page.items, page.cursor, capped=much)

    gap(listening, 0, 40)
    source = Flooded(listening.clock)
    while listening.one(Gap).state == "open":
        turn(listening, source)

    row = listening.one(Gap)
    assert row.state == "partly"
    assert row.why == "it was too much, and it cannot be asked for less than a minute"
    ((first, last), (again, end)) = claimed(listening)
    assert (first, end) == (0, 40)
    assert 17 <= last <= 20
    assert 22 <= again <= 24


def test_what_a_page_says_is_missing_stays_missing(listening: Site) -> None:
    class Tells(OldestFirst):
        def pages(self, *asked: Any) -> Iterator[Page]:
            for page in super().pages(*asked):
                hole = (at(20), at(20)) if any(post.native_id == "20" for post in page.items) else None
                yield Page(page.items, page.cursor, capped=hole is not None, gap=hole)

    gap(listening, 0, 40)
    turn(listening, Tells(listening.clock))

    assert listening.one(Gap).state == "partly"
    first, second = listening.rows(Covered)
    assert (first.since, first.until) == (at(0), at(20))
    assert (second.since, second.until) == (at(20) + timedelta(seconds=1), at(40))


def test_a_feed_has_no_past(listening: Site) -> None:
    gap(listening, 60, 130)
    source = Feed(listening.clock)

    assert turn(listening, source) == 0

    row = listening.one(Gap)
    assert (row.state, row.why) == ("lost", "it was too much, and it only shows what it has now")
    assert source.windows == []


class TwoHours(OldestFirst):
    """It hands out the last two hours."""

    history: ClassVar[timedelta | None] = timedelta(hours=2)


def test_what_the_platform_no_longer_has_is_lost(listening: Site) -> None:
    gap(listening, 60, 130)
    source = TwoHours(listening.clock)
    turn(listening, source)

    assert (listening.one(Gap).state, source.windows) == ("lost", [])
    assert "it can be asked for the last 2h only" in listening.one(Gap).why


def test_of_what_is_half_out_of_reach_the_other_half_is_saved(listening: Site) -> None:
    gap(listening, 60, 240)
    source = TwoHours(listening.clock)
    turn(listening, source)

    assert listening.one(Gap).state == "partly"
    assert claimed(listening) == [(181, 240)]


def test_a_long_gap_takes_several_turns_and_lets_others_have_theirs(listening: Site) -> None:
    listening.clock.advance(days=4)
    gap(listening, 0, 4 * 1440)
    source = OldestFirst(listening.clock)
    source.posts = lambda *_: []  # type: ignore[method-assign]

    assert turn(listening, source) == WINDOWS
    assert listening.one(Gap).state == "open"
    gap(listening, 5800, 5900)
    assert turn(listening, source) == WINDOWS
    assert turn(listening, source) == 1
    assert [row.state for row in listening.rows(Gap)] == ["filled", "filled"]


def test_a_platform_that_fails_is_asked_again_later_and_ever_later(listening: Site) -> None:
    gap(listening, 60, 130)
    source = OldestFirst(listening.clock)
    source.fails(after=2)
    waits = []
    for _ in range(12):
        turn(listening, source)
        waits.append(listening.one(Gap).not_before - listening.clock())
        listening.clock.now = listening.one(Gap).not_before

    assert waits[:3] == [timedelta(minutes=2), timedelta(minutes=4), timedelta(minutes=8)]
    assert waits[-1] == LONGEST_WAIT
    assert listening.one(Gap).tries == 12

    source.works()
    turn(listening, source)
    assert listening.one(Gap).state == "filled"
    assert stored(listening) == set(range(60, 131))


def test_a_platform_that_says_when_to_come_back_is_taken_at_its_word(listening: Site) -> None:
    gap(listening, 60, 130)
    source = OldestFirst(listening.clock)
    source.error = RetriableSourceError("slower", retry_after=7200)
    turn(listening, source, jitter=lambda: 0.0)

    assert listening.one(Gap).not_before == listening.clock() + timedelta(hours=2)
    breaker = listening.one(SourceBreaker)
    assert (breaker.again_at, breaker.why, breaker.failures) == (listening.one(Gap).not_before, "slower", 0)
    assert breaker.opened_at == listening.clock(), "its own runs wait as well"


def test_a_pause_that_is_asked_for_while_a_gap_is_filled_holds_everybody_on_the_account(listening: Site) -> None:
    gap(listening, 60, 130)
    meters = Meters(listening.store, listening.clock, lambda _seconds: True, share=0.5)
    mine, other = meters("news:1", (), None), meters("news:1", (), None)
    source = OldestFirst(listening.clock)
    source.error = RetriableSourceError("slower", retry_after=600)
    listening.clock.advance(seconds=TURN.total_seconds())
    fill_next(listening.store, lambda _: OpenSource(source, [mine]), listening.clock)

    with pytest.raises(QuotaSpent, match="asked whoever uses this account to wait"):
        other.ask()


def test_a_quota_that_is_spared_holds_the_gap_alone(listening: Site) -> None:
    """Half of it is left for the runs that follow the present; they need not wait."""
    gap(listening, 60, 130)
    source = OldestFirst(listening.clock)
    source.error = QuotaSpent("its share", retry_after=600, again_at=listening.clock())
    turn(listening, source)

    assert listening.one(Gap).not_before == listening.clock() + timedelta(minutes=10)
    assert listening.rows(SourceBreaker) == []


def test_a_longer_wait_of_the_source_itself_stands(listening: Site) -> None:
    gap(listening, 60, 130)
    source = OldestFirst(listening.clock)
    refused = Breaker(listening.clock() + timedelta(hours=6), "403", refusals=2)

    def meanwhile(*_asked: Any) -> Iterator[Page]:
        with listening.store.transaction() as session:
            breakers.save_breaker(session, 1, refused)
        raise RetriableSourceError("slower", retry_after=60)
        yield

    source.pages = meanwhile  # type: ignore[method-assign]
    turn(listening, source)
    assert listening.one(SourceBreaker).why == "403"


def test_what_a_backfill_has_read_meanwhile_is_not_read_again(listening: Site) -> None:
    gap(listening, 60, 130)
    gap(listening, 140, 200)
    with listening.store.transaction() as session:  # as a backfill that has ended
        coverage.fill(session, 1, Stretch(at(30), at(100)))
        coverage.fill(session, 1, Stretch(at(140), at(200)))
    source = OldestFirst(listening.clock)

    assert turn(listening, source) == 1
    assert turn(listening, source) == 0
    assert source.windows == [(100, 130)]
    assert [row.state for row in listening.rows(Gap)] == ["filled", "filled"]
    assert claimed(listening) == [(30, 130), (140, 200)]


def test_a_process_that_was_too_slow_keeps_nothing_of_the_gap_that_another_fills(listening: Site) -> None:
    gap(listening, 60, 130)
    slow, quick = OldestFirst(listening.clock), OldestFirst(listening.clock)
    pages = slow.pages

    def late(*asked: Any) -> Iterator[Page]:
        for number, page in enumerate(pages(*asked)):
            if number == 2:
                listening.clock.advance(seconds=LEASE.total_seconds())
                assert turn(listening, quick) == 1
            yield page

    slow.pages = late  # type: ignore[method-assign]
    assert turn(listening, slow) == 0

    row = listening.one(Gap)
    assert (row.state, row.found, row.tries) == ("filled", 71, 0)
    assert stored(listening) == set(range(60, 131))
    assert listening.rows(SourceBreaker) == []


def test_a_failure_of_one_that_was_too_slow_holds_up_nobody(listening: Site) -> None:
    gap(listening, 60, 130)
    slow = OldestFirst(listening.clock)

    def late(*_asked: Any) -> Iterator[Page]:
        listening.clock.advance(seconds=LEASE.total_seconds())
        with listening.store.transaction() as session:
            assert coverage.claim_gap(session, listening.one(Gap).id or 0, listening.clock(), LEASE) is not None
        raise RetriableSourceError("503")
        yield

    slow.pages = late  # type: ignore[method-assign]
    turn(listening, slow)
    row = listening.one(Gap)
    assert (row.tries, row.lease_until) == (0, listening.clock() + LEASE)


def test_a_source_that_cannot_be_made_keeps_its_gap(listening: Site) -> None:
    def build(_source_id: int) -> OpenSource:
        raise FatalSourceError("401: check the key")

    gap(listening, 60, 130)
    fill_next(listening.store, build, listening.clock)

    row = listening.one(Gap)
    assert (row.state, row.not_before, row.lease_until) == ("open", listening.clock() + LONGEST_WAIT, None)


def test_a_process_that_dies_while_it_fills_a_gap_goes_on_where_it_was(listening: Site) -> None:
    gap(listening, 60, 130)
    source = OldestFirst(listening.clock)
    source.error, source.fail_after = Killed(), 3
    with pytest.raises(Killed):
        turn(listening, source)
    assert stored(listening) == set(range(60, 81))

    source.works()
    assert turn(listening, source) == 0  # its lease has not run out
    listening.clock.advance(minutes=10)
    asked: list[Cursor | None] = []
    pages = source.pages

    def remember(cursor: Cursor | None, until: datetime, since: datetime | None) -> Iterator[Page]:
        asked.append(cursor)
        return pages(cursor, until, since)

    source.pages = remember  # type: ignore[method-assign]
    turn(listening, source)
    assert asked == [{"at": 80}]
    assert listening.one(Gap).state == "filled"


def test_a_worker_that_is_told_to_stop_gives_the_gap_back(listening: Site) -> None:
    gap(listening, 60, 130)
    source = OldestFirst(listening.clock)
    pages = iter([True, True, False, False])
    turn(listening, source, keep_on=lambda: next(pages))

    row = listening.one(Gap)
    assert (row.state, row.lease_until, row.cursor) == ("open", None, {"at": 66 + 7})
    turn(listening, source)
    assert listening.one(Gap).state == "filled"


@pytest.mark.parametrize("trouble", ["stopped", "active", "breaker"])
def test_a_source_that_does_not_work_is_left_alone(listening: Site, trouble: str) -> None:
    gap(listening, 60, 130)
    with listening.store.transaction() as session:
        row = session.get_one(Source, 1)
        if trouble == "breaker":
            breakers.save_breaker(session, 1, Breaker(listening.clock() + timedelta(hours=1), "503", 5))
        else:
            setattr(row, trouble, trouble == "stopped")
            session.add(row)

    assert turn(listening, OldestFirst(listening.clock)) == 0
    assert listening.one(Gap).state == "open"


def test_of_many_processes_one_fills_a_gap(listening: Site) -> None:
    gap(listening, 60, 130)
    gap(listening, 200, 210)
    source = OldestFirst(listening.clock)

    read = together(
        *(lambda: fill_next(listening.store, lambda _: OpenSource(source), listening.clock) for _ in range(4))
    )

    assert sorted(read) == [0, 0, 0, 1]
    assert source.windows == [(60, 130)]


def test_what_is_known_already_opens_no_second_gap(listening: Site) -> None:
    with listening.store.transaction() as session:
        coverage.cover(session, 1, Stretch(at(0), at(100)))
    gap(listening, 90, 130)
    gap(listening, 90, 140)
    gap(listening, 150, 160, lost=True)

    assert [(minute(row.since), minute(row.until), row.state) for row in listening.rows(Gap)] == [
        (100, 130, "open"), (130, 140, "open"), (150, 160, "lost"),
    ]  # fmt: skip
    with broken_off(listening.store) as session:
        coverage.cover(session, 1, Stretch(at(0), at(300)))
    with listening.store.transaction() as session:
        coverage.cover(session, 1, Stretch(at(100), at(300)))
    assert claimed(listening) == [(0, 100), (140, 150), (160, 300)]


PRIVATE = "r/secret is private: have the account let in, or leave it out"


def test_what_was_read_in_part_is_read_again_once_every_part_can_be(listening: Site) -> None:
    source = NewestFirst(listening.clock)
    follow(listening, source)
    source.lacks = (PRIVATE,)
    listening.clock.advance(minutes=10)
    follow(listening, source)
    assert turn(listening, source) == 0, "as long as it lasts it is not worth asking for"

    source.lacks = ()
    listening.clock.advance(minutes=9)
    follow(listening, source)
    assert claimed(listening)[-1] == (310, 320)
    assert turn(listening, source) == 1
    assert listening.one(Gap).state == "filled"
    assert claimed(listening) == [(150, 320)]


def test_a_window_of_which_a_part_cannot_be_read_stays_a_hole(listening: Site) -> None:
    gap(listening, 60, 130)
    source = OldestFirst(listening.clock)
    source.lacks = (PRIVATE,)
    turn(listening, source)

    row = listening.one(Gap)
    assert (row.state, row.found) == ("partly", 71)
    assert row.why == (
        f"it was too much; read again, read in part: {PRIVATE}, and there is nothing else to read it from"
    )
    assert claimed(listening) == []
    assert turn(listening, source) == 0
