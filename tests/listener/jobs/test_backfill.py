"""Windows of the past: what is reachable, within the quotas, and never lost or read twice however it ends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from structlog.testing import capture_logs

from listener.jobs.alert import judge_batch
from listener.jobs.backfill import MARGIN, SHARE, TRIES, Asked, Outcome, Planned, Told, plan, run
from listener.open_source import OpenSource
from listener.query import Query
from listener.quota import Meters
from listener.source import Cursor, Estimate, FatalSourceError, Limit, Meter, Page, RetriableSourceError, SourceError
from listener.store import backfill as rows
from listener.store import coverage
from listener.store.tables import Alert, Backfill, Mention, MentionBrand, Source, Spend
from tests.listener.conftest import Site, item

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
DAYS = 20


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


@dataclass
class Past:
    """A platform with a past: a post about Aeroluz and one about Nubia a day, a page a day."""

    meter: Meter | None = None
    history: timedelta | None = None
    ordered: bool = True
    cost: Decimal = Decimal(0)
    troubles: dict[int, SourceError] = field(default_factory=dict)
    asked: list[tuple[Cursor | None, datetime | None, datetime]] = field(default_factory=list)
    pages: int = 0
    capped: bool = False
    lacks: tuple[str, ...] = ()

    kind: ClassVar[str] = "rss"
    lag: ClassVar[timedelta] = timedelta(0)

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        self.asked.append((cursor, since, until))
        assert since is not None
        for day in range(cursor["day"] + 1 if cursor else 0, DAYS):
            said_at = SINCE + timedelta(days=day, hours=1)
            if not since <= said_at <= until:
                continue
            if self.meter is not None:
                self.meter.ask(cost=self.cost)
            self.pages += 1
            if trouble := self.troubles.pop(self.pages, None):
                raise trouble
            if self.meter is not None and self.cost:
                self.meter.paid(self.cost / 2)
            yield Page(
                tuple(
                    item(f"{name}-{day}", f"{name} did it again", kind="rss", created_at=said_at)
                    for name in ("Aeroluz", "Nubia")
                ),
                {"day": day}, progress=(day + 1) / DAYS, capped=self.capped,
                unread=self.lacks if day == 0 else (),
            )  # fmt: skip


class PricedPast(Past):
    def estimate(self, query: Query | None, since: datetime, until: datetime) -> Estimate:
        requests = max((until - since).days, 1)
        return Estimate(requests, self.cost * requests)


@dataclass
class Desk:
    """A person at work: asks, waits by moving the clock, and hears what is told."""

    site: Site
    past: Past
    meters: list[Meter] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    stop_after: int | None = None
    stopping: bool = False
    pages: int = 0

    def plan(self, *brands: str, again: bool = False, **asked: Any) -> Planned:
        question = Asked(brands or ("Aeroluz",), asked.get("since", SINCE), asked.get("until"))
        sources = [row for row in self.site.rows(Source) if row.every_s]
        (planned,) = plan(self.site.store, self.open, sources, question, self.site.clock(), again=again)
        return planned

    def open(self, row: Source) -> OpenSource:
        return OpenSource(self.past, self.meters)

    def run(self, planned: Planned | None = None, **options: Any) -> Outcome:
        self.stopping, self.pages = False, 0
        return run(
            self.site.store, planned or self.plan(), self.site.clock, options.get("pause", self.pause),
            Told(self.page, lambda until, why: self.waits.append(why)), lambda: 1.0,
        )  # fmt: skip

    def page(self, outcome: Outcome, page: Page) -> None:
        self.pages += 1
        if self.pages == self.stop_after:
            self.stopping = True

    def pause(self, seconds: float) -> bool:
        self.site.clock.advance(seconds=seconds)
        return self.stopping

    @property
    def stored(self) -> int:
        return len(self.site.rows(Mention))


@pytest.fixture
def desk(site: Site) -> Desk:
    site.brand()
    site.brand("Nubia")
    site.source(every_s=60)
    return Desk(site, Past())


def test_a_window_is_read_whole_for_the_brands_that_were_asked_for(desk: Desk) -> None:
    outcome = desk.run()
    assert (outcome.state, outcome.found, outcome.stored, outcome.pages) == ("finished", DAYS, DAYS, DAYS)
    assert desk.stored == DAYS
    row = desk.site.one(Backfill)
    assert (row.state, row.brands, row.found, row.stored, row.lease_until) == (
        "finished",
        ["Aeroluz"],
        DAYS,
        DAYS,
        None,
    )
    assert row.finished_at is not None
    source = desk.site.one(Source)
    assert (source.cursor, source.last_run_at, source.last_success_at) == (None, None, None)


def test_the_same_again_is_finished_until_again_is_said(desk: Desk) -> None:
    desk.run()
    assert desk.plan().finished
    anew = desk.plan(again=True)
    assert not anew.finished
    desk.site.clock.advance(hours=1)
    outcome = desk.run(anew)
    assert (outcome.state, outcome.found, outcome.stored) == ("finished", DAYS, 0)
    assert desk.stored == DAYS


@pytest.mark.parametrize("change", ["query", "options", "brands", "since", "until"])
def test_another_question_is_not_the_same(desk: Desk, change: str) -> None:
    desk.run()
    asked: dict[str, Any] = {}
    brands = ("Aeroluz",)
    match change:
        case "query":
            desk.site.brand(query="aeroluz OR luz")
        case "options":
            desk.site.source(options={"url": "https://news.example/other"}, every_s=60)
        case "brands":
            brands = ("Aeroluz", "Nubia")
        case "since":
            asked = {"since": SINCE - timedelta(days=1)}
        case "until":
            asked = {"until": SINCE + timedelta(days=3)}
    assert desk.plan(*brands, **asked).before is None


@pytest.mark.parametrize("stop_after", [1, 7, DAYS - 1])
def test_stopped_it_goes_on_where_it_was(desk: Desk, stop_after: int) -> None:
    desk.stop_after = stop_after
    first = desk.run()
    assert (first.state, desk.stored) == ("open", stop_after)

    desk.stop_after = None
    desk.site.clock.advance(hours=5)
    planned = desk.plan()
    assert (planned.before is not None, planned.finished) == (True, False)
    assert desk.run(planned).state == "finished"
    assert desk.stored == DAYS
    assert desk.past.pages == DAYS
    # A cursor only means something together with its window.
    assert desk.past.asked[0][1:] == desk.past.asked[1][1:]


class Killed(BaseException):
    """As SIGKILL: nothing of ours runs any more."""


def test_killed_it_goes_on_once_its_lease_has_run_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = rows.keep_page

    def killed(*args: Any, **options: Any) -> bool:
        if len(desk.site.rows(Mention)) == 5:
            raise Killed
        return keep(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(rows, "keep_page", killed)
        patch.setattr(rows, "release", lambda *_args: True)
        with pytest.raises(Killed):
            desk.run()
    assert desk.stored == 5

    outcome = desk.run()
    assert "another process is at it, or was killed" in desk.waits[0]
    assert outcome.state == "finished"
    assert (desk.stored, desk.site.one(Backfill).found) == (DAYS, DAYS)


def test_two_at_once_do_not_read_the_same(desk: Desk) -> None:
    other = Desk(desk.site, Past())
    outcomes: list[Outcome] = []

    def meddle(seconds: float) -> bool:
        if not outcomes and desk.pages == 3:
            outcomes.append(other.run(other.plan(), pause=lambda _seconds: False))
        return False

    assert desk.run(pause=meddle).state == "finished"
    assert [outcome.state for outcome in outcomes] == ["busy"]
    assert other.past.pages == 0


def test_a_process_that_was_too_slow_stores_nothing_more(desk: Desk) -> None:
    other = Desk(desk.site, Past())
    outcomes: list[Outcome] = []

    def slow(seconds: float) -> bool:
        if not outcomes and desk.pages == 3:
            desk.site.clock.now += rows.LEASE
            outcomes.append(other.run())
        return False

    mine = desk.run(pause=slow)
    assert (mine.state, mine.pages) == ("busy", 3)
    assert "taken this backfill over" in (mine.why or "")
    assert outcomes[0].state == "finished"
    assert (desk.stored, desk.site.one(Backfill).found) == (DAYS, DAYS)


def test_a_quota_is_waited_for_and_the_wait_is_told(desk: Desk) -> None:
    meters = Meters(desk.site.store, desk.site.clock, lambda _seconds: True, share=SHARE)
    desk.past.meter = meters("news:1", (Limit(10, timedelta(hours=1)),), None)
    desk.meters = [desk.past.meter]
    assert desk.run().state == "finished"
    assert desk.past.pages == DAYS
    assert len(desk.waits) == 2  # a share of 8 an hour
    assert "news: 8 of the account's 10 requests an hour, its share, are used up; goes on at" in desk.waits[0]


def test_a_wait_of_hours_keeps_others_off(desk: Desk) -> None:
    desk.past.troubles = {4: RetriableSourceError("slow down", retry_after=7200)}
    seen = []

    def pause(seconds: float) -> bool:
        if seconds:
            row = desk.site.one(Backfill)
            assert row.lease_until is not None
            seen.append(row.lease_until - desk.site.clock())
        return desk.pause(seconds)

    assert desk.run(pause=pause).state == "finished"
    assert len(seen) >= 120
    assert all(timedelta(0) < left <= rows.LEASE for left in seen)


def test_told_to_stop_while_it_waits_it_ends_and_goes_on_another_time(desk: Desk) -> None:
    desk.past.troubles = {4: RetriableSourceError("slow down", retry_after=7200)}
    outcome = desk.run(pause=lambda seconds: seconds > 0)
    assert (outcome.state, outcome.stored, outcome.why) == ("open", 3, "slow down")
    assert desk.site.one(Backfill).lease_until is None
    assert desk.run().state == "finished"
    assert desk.stored == DAYS


def test_a_pause_that_the_platform_asks_for_holds_the_account(desk: Desk) -> None:
    meters = Meters(desk.site.store, desk.site.clock, lambda _seconds: True)
    desk.past.meter = meters("news:1", (), None)
    desk.meters = [desk.past.meter]
    desk.past.troubles = {2: RetriableSourceError("429", retry_after=600)}
    outcome = desk.run(pause=lambda seconds: seconds > 0)
    assert outcome.state == "open"
    with pytest.raises(RetriableSourceError, match="has asked whoever uses this account to wait"):
        meters("news:1", (), None).ask()


def test_troubles_are_tried_again_but_not_for_ever(desk: Desk) -> None:
    desk.past.troubles = {2: RetriableSourceError("busy"), 3: RetriableSourceError("busy")}
    assert desk.run().state == "finished"
    assert desk.stored == DAYS

    desk.past.troubles = {n: RetriableSourceError("down") for n in range(desk.past.pages, 500)}
    outcome = desk.run(desk.plan(again=True))
    assert (outcome.state, outcome.why) == ("open", "down")
    assert desk.waits.count("down") == TRIES - 1
    row = desk.site.one(Backfill)
    assert (row.state, row.why, row.lease_until) == ("open", "down", None)


def test_what_a_person_must_mend_is_kept_and_tried_with_the_next_command(desk: Desk) -> None:
    desk.past.troubles = {3: FatalSourceError("401: check the credentials")}
    outcome = desk.run()
    assert (outcome.state, outcome.why) == ("failed", "401: check the credentials")
    assert desk.site.one(Backfill).state == "failed"
    assert not desk.site.one(Source).stopped
    assert desk.run().state == "finished"
    assert desk.stored == DAYS


def test_what_it_costs_is_said_before_and_counted_after(desk: Desk) -> None:
    past = desk.past = PricedPast(cost=Decimal("0.50"))
    meters = Meters(desk.site.store, desk.site.clock, lambda _seconds: True, share=SHARE)
    past.meter = meters("x:1", (), Decimal("5.00"))
    desk.meters = [past.meter]
    planned = desk.plan()
    assert planned.estimate == Estimate(20, Decimal(10))
    assert (planned.cap, planned.lasting) == (Decimal("5.00"), timedelta(days=2.5))

    outcome = desk.run(planned)
    assert outcome.state == "finished"
    assert outcome.cost == Decimal("0.25") * DAYS == desk.site.one(Backfill).cost
    assert sum(row.amount for row in desk.site.rows(Spend)) == outcome.cost
    assert max(row.amount for row in desk.site.rows(Spend)) <= Decimal("4.00")
    assert "$4.00 of the day's cap of $5.00, its share, is reached" in desk.waits[0]


@pytest.mark.parametrize(
    ("history", "says"),
    [
        (timedelta(0), "cannot look back: its platform only hands out what it has now"),
        (timedelta(hours=1), "cannot look back that far: its platform has the last 1h only"),
    ],
)
def test_what_cannot_look_back_says_so(desk: Desk, history: timedelta, says: str) -> None:
    desk.past.history = history
    assert desk.plan(until=SINCE + timedelta(days=3)).why_not == says


def test_the_window_is_cut_to_what_the_platform_has(desk: Desk) -> None:
    desk.past.history = timedelta(days=7)
    planned = desk.plan()
    assert planned.since == desk.site.clock() - timedelta(days=7) + MARGIN
    desk.run(planned)
    assert 0 < desk.stored < DAYS


def test_what_has_slipped_out_of_reach_meanwhile_is_not_asked_for(desk: Desk) -> None:
    desk.past.history = timedelta(days=15)
    desk.stop_after = 2
    desk.run()
    desk.stop_after = None
    desk.site.clock.advance(days=1)
    planned = desk.plan()
    assert "no longer has the beginning" in (planned.anew or "")
    outcome = desk.run(planned)
    assert outcome.state == "finished"
    assert desk.past.asked[-1][:2] == (None, desk.site.clock() - desk.past.history + MARGIN)


def test_a_source_that_is_not_read_for_these_brands_says_so(desk: Desk) -> None:
    desk.site.source(every_s=60, brands=["Nubia"])
    assert desk.plan().why_not == "is not read for Aeroluz"


def test_a_source_that_cannot_be_made_is_told_and_does_not_stop_for_it(desk: Desk) -> None:
    def fails(_row: Source) -> OpenSource:
        raise FatalSourceError("TOKEN is not set")

    sources: Sequence[Source] = desk.site.rows(Source)
    (planned,) = plan(desk.site.store, fails, sources, Asked(("Aeroluz",), SINCE, None), desk.site.clock())
    assert (planned.why_not, planned.broken) == ("cannot be read: TOKEN is not set", True)
    assert not desk.site.one(Source).stopped


@pytest.mark.parametrize(("brands", "capped", "covered"), [(2, False, True), (1, False, False), (2, True, False)])
def test_the_ledger_knows_what_was_read_whole(desk: Desk, brands: int, capped: bool, covered: bool) -> None:
    desk.past.capped = capped
    desk.run(desk.plan(*("Aeroluz", "Nubia")[:brands]))
    frame = coverage.Stretch(SINCE, SINCE + timedelta(days=5))
    with desk.site.store.reading() as session:
        assert bool(coverage.covered(session, desk.site.one(Source).id or 0, frame)) is covered


def test_what_could_not_be_read_of_a_window_is_told_and_not_forgotten_after_an_interruption(desk: Desk) -> None:
    desk.past.lacks = ("a part is closed",)
    desk.past.troubles = {2: FatalSourceError("a person must act")}
    assert desk.run(desk.plan("Aeroluz", "Nubia")).state == "failed"
    desk.past.lacks = ()

    outcome = desk.run(desk.plan("Aeroluz", "Nubia"))
    assert (outcome.state, outcome.unread) == ("finished", ["a part is closed"])
    frame = coverage.Stretch(SINCE, SINCE + timedelta(days=5))
    with desk.site.store.reading() as session:
        assert coverage.covered(session, desk.site.one(Source).id or 0, frame) == []


def test_mentions_of_another_brand_asked_for_later_are_not_stored_twice(desk: Desk) -> None:
    desk.run()
    outcome = desk.run(desk.plan("Aeroluz", "Nubia"))
    assert (outcome.found, outcome.stored) == (2 * DAYS, DAYS)
    assert len(desk.site.rows(MentionBrand)) == 2 * DAYS


def test_a_bug_of_a_source_is_told_like_any_trouble(desk: Desk) -> None:
    class Buggy(Past):
        def fetch(self, *args: Any, **options: Any) -> Iterator[Page]:
            raise TypeError("no such thing")

    outcome = replace(desk, past=Buggy()).run()
    assert (outcome.state, outcome.why) == ("open", "unforeseen TypeError: no such thing")


def test_being_old_what_is_found_raises_no_alerts(desk: Desk) -> None:
    desk.run()
    desk.site.score()
    assert judge_batch(desk.site.store, desk.site.clock()) == DAYS
    assert {row.verdict for row in desk.site.rows(MentionBrand)} == {"too_old"}
    assert desk.site.rows(Alert) == []
