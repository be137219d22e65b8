"""All stages together, from a feed to a channel; and what a collect task does when its source does not work."""

import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import update
from structlog.testing import capture_logs
from werkzeug import Request, Response

from alerts.channels.log import LogChannel
from listener import clock as real_clock
from listener import registry
from listener.breaker import LONGEST_WAIT, OPENS_AFTER, REFUSAL_WAITS
from listener.http import Http
from listener.jobs.deliver import Pacing
from listener.pipeline import COLLECTORS, Pipeline
from listener.queue import WorkQueue
from listener.quota import Meters
from listener.scheduler import Scheduler
from listener.source import FatalSourceError, Limit, Meter, Page
from listener.sources.rss import RssSource
from listener.store import brands, breakers, health, read
from listener.store.tables import Delivery, Mention, MentionBand, Source, SourceBreaker, SourceHour, Task, table
from listener.tools import Tools
from listener.worker import Worker
from tests.listener.conftest import Site, WordScorer, item

FEED = """<rss version="2.0"><channel><title>News</title>
<item><guid>1</guid><title>Aeroluz lost my bag</title><pubDate>Sat, 21 Nov 2026 11:00:00 GMT</pubDate></item>
<item><guid>2</guid><title>I love Aeroluz</title><pubDate>Sat, 21 Nov 2026 11:30:00 GMT</pubDate></item>
<item><guid>3</guid><title>About nobody</title><pubDate>Sat, 21 Nov 2026 11:45:00 GMT</pubDate></item>
</channel></rss>"""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture
def pipeline(site: Site) -> Iterator[Pipeline]:
    with Http(timeout=5) as http:
        yield Pipeline(
            store=site.store, queue=WorkQueue(site.store, lease=timedelta(minutes=5)),
            channels={"log": LogChannel("log")}, pacing={"log": Pacing()}, tools=Tools(http),
            secrets={"FEED_URL": "https://news.example/secret"}, public_url="http://here", clock=site.clock,
            jitter=lambda: 1.0,
        )  # fmt: skip


@pytest.fixture
def feed_at(site: Site, httpserver: HTTPServer) -> Callable[..., None]:
    """Set up Aeroluz and a source that reads what the server answers at /feed."""

    def serve(*answers: Response) -> None:
        left = list(answers)
        httpserver.expect_request("/feed").respond_with_handler(
            lambda _request: left.pop(0) if len(left) > 1 else left[0]
        )
        site.brand()
        site.source(options={"url": httpserver.url_for("/feed")}, every_s=60)

    return serve


def collect_next(pipeline: Pipeline) -> int:
    return next(iter(pipeline.collecting().values()))()


def fire(site: Site, pipeline: Pipeline) -> None:
    Scheduler(site.store, pipeline.queue, site.clock).fire_due()


def run_all(pipeline: Pipeline, scorer: Any) -> None:
    stages = {**pipeline.collecting(), **pipeline.after_collecting(scorer)}
    while sum(stage() for stage in stages.values()):
        pass


def test_a_feed_becomes_mentions_scores_an_incident_and_a_notice(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None], scorer: WordScorer
) -> None:
    feed_at(Response(FEED, content_type="application/rss+xml"))
    fire(site, pipeline)
    run_all(pipeline, scorer)

    with site.store.reading() as session:
        # One promoter opens an incident too, but that is told of several only.
        assert read.totals(session) == read.Totals(
            mentions=2, scored=2, promoters=1, passives=0, detractors=1, alerts=2, delivered=1
        )
    assert pipeline.pending().nothing
    assert site.rows(Task) == []
    assert site.one(Delivery).notice.count("http://here/alerts/1") == 1


def test_the_same_feed_again_changes_nothing(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None], scorer: WordScorer
) -> None:
    feed_at(Response(FEED, content_type="application/rss+xml"))
    for _ in range(2):
        fire(site, pipeline)
        run_all(pipeline, scorer)
        site.clock.advance(minutes=1)

    assert len(site.rows(Mention)) == 2
    assert len(site.rows(Delivery)) == 1


def test_there_is_a_stage_for_every_channel(pipeline: Pipeline, scorer: WordScorer) -> None:
    stages = list(pipeline.after_collecting(scorer))
    assert [name for name in stages if name.startswith("deliver")] == ["deliver-log"]
    assert {"score", "alert", "windows", "decide"} <= set(stages)


def test_without_a_task_there_is_nothing_to_collect(pipeline: Pipeline) -> None:
    assert collect_next(pipeline) == 0


def test_a_source_that_fails_is_tried_again_after_a_growing_wait(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None]
) -> None:
    feed_at(Response("busy", status=503))
    fire(site, pipeline)
    waits = []
    for _ in range(50):
        assert collect_next(pipeline) == 1
        wait = site.one(Task).not_before - site.clock()
        waits.append(wait.total_seconds())
        site.clock.advance(seconds=wait.total_seconds())

    assert waits[:8] == [30, 60, 120, 240, 480, 960, 1920, 3600]
    assert set(waits[8:]) == {LONGEST_WAIT.total_seconds()}
    assert not site.one(Source).stopped
    breaker = site.one(SourceBreaker)
    assert breaker.failures == 50
    assert "503" in breaker.why


def test_the_wait_is_drawn_so_that_sources_do_not_come_back_together(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None]
) -> None:
    feed_at(Response("busy", status=503))
    fire(site, pipeline)
    collect_next(replace(pipeline, jitter=lambda: 0.4))
    assert site.one(Task).not_before == site.clock() + timedelta(seconds=12)


def test_the_breaker_opens_half_opens_and_closes_where_all_processes_see_it(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None]
) -> None:
    feed_at(*[Response("busy", status=503)] * (OPENS_AFTER + 1), Response(FEED))
    fire(site, pipeline)
    states = []
    for _ in range(OPENS_AFTER + 1):
        collect_next(pipeline)
        with site.store.reading() as session:
            breaker = breakers.breakers(session)[site.one(Source).id or 0]
        states.append(breaker.state(site.clock()))
        site.clock.now = breaker.again_at
    assert states == ["closed"] * (OPENS_AFTER - 1) + ["open"] * 2
    assert breaker.state(site.clock()) == "half-open"

    collect_next(pipeline)
    assert site.rows(SourceBreaker) == []
    assert site.one(Source).last_error is None


def test_an_open_breaker_is_obeyed_by_a_task_that_comes_too_early(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None], httpserver: HTTPServer
) -> None:
    feed_at(Response("slow down", status=429, headers={"Retry-After": "600"}))
    fire(site, pipeline)
    collect_next(pipeline)
    with site.store.transaction() as session:  # as if its process had died before it gave the task back
        session.connection().execute(update(table(Task)).values(not_before=site.clock()))
    collect_next(pipeline)
    assert len(httpserver.log) == 1
    assert site.one(Task).not_before == site.one(SourceBreaker).again_at


def test_a_source_that_a_person_saved_again_is_read_soon_whatever_its_breaker(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None], httpserver: HTTPServer
) -> None:
    feed_at(Response("slow down", status=429, headers={"Retry-After": "600"}), Response(FEED))
    fire(site, pipeline)
    collect_next(pipeline)
    site.source(options={"url": httpserver.url_for("/feed"), "max_megabytes": 3}, every_s=60)
    fire(site, pipeline)
    collect_next(pipeline)
    assert len(site.rows(Mention)) == 2
    assert site.rows(SourceBreaker) == []


def test_a_refusal_of_a_source_that_has_worked_is_tried_again_a_few_times_before_it_stops(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None]
) -> None:
    feed_at(Response(FEED), Response("no", status=403))
    fire(site, pipeline)
    collect_next(pipeline)
    site.clock.advance(minutes=1)
    fire(site, pipeline)
    waits = []
    for _ in REFUSAL_WAITS:
        collect_next(pipeline)
        source = site.one(Source)
        assert not source.stopped
        assert "it has worked before, so this may pass" in (source.last_error or "")
        assert "tried again at 2026-11-2" in (source.last_error or "")
        waits.append(site.one(Task).not_before - site.clock())
        site.clock.now += waits[-1]
    assert tuple(waits) == REFUSAL_WAITS

    collect_next(pipeline)
    source = site.one(Source)
    assert source.stopped
    assert "403" in (source.last_error or "")
    assert "tried again 3 times" in (source.last_error or "")
    assert site.rows(Task) == site.rows(SourceBreaker) == []


def test_a_refusal_that_passes_leaves_no_trace(site: Site, pipeline: Pipeline, feed_at: Callable[..., None]) -> None:
    feed_at(Response(FEED), Response("no", status=404), Response(FEED))
    fire(site, pipeline)
    collect_next(pipeline)
    site.clock.advance(minutes=1)
    fire(site, pipeline)
    collect_next(pipeline)
    site.clock.now += REFUSAL_WAITS[0]
    collect_next(pipeline)
    assert (site.one(Source).last_error, site.one(Source).stopped) == (None, False)
    assert site.rows(Task) == site.rows(SourceBreaker) == []


@pytest.mark.parametrize("answers", [(403,), (404,), (200, 401), (200, 410)])
def test_refusals_that_do_not_pass_stop_at_once(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None], answers: tuple[int, ...]
) -> None:
    feed_at(*(Response(FEED if code == 200 else "no", status=code) for code in answers))
    for _ in answers:
        fire(site, pipeline)
        collect_next(pipeline)
        site.clock.advance(minutes=1)
    assert site.one(Source).stopped
    assert site.rows(Task) == []


class MeteredRss(RssSource):
    """A feed of an account with a quota."""

    def __init__(self, *args: Any, meter: Meter) -> None:
        super().__init__(*args)
        self._meter = meter

    def fetch(self, *args: Any, **options: Any) -> Iterator[Page]:
        self._meter.ask()
        yield from super().fetch(*args, **options)


@pytest.fixture
def metered(site: Site, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Feeds share an account of five requests an hour."""
    limits = (Limit(5, timedelta(hours=1)),)
    make = lambda options, tools: MeteredRss(options, tools.http, meter=tools.meter("news:1", limits, None))  # noqa: E731
    kind = replace(registry.SOURCES["rss"], make=make)
    monkeypatch.setattr(registry, "SOURCES", {**registry.SOURCES, "rss": kind})
    meters = Meters(site.store, site.clock, lambda _seconds: True)
    return replace(pipeline, tools=replace(pipeline.tools, meter=meters))


def test_a_pause_that_the_platform_asks_for_holds_every_source_of_the_account(
    site: Site, metered: Pipeline, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/busy").respond_with_data("no", status=429, headers={"Retry-After": "120"})
    site.brand()
    for name in ("one", "two"):
        site.source(name, options={"url": httpserver.url_for("/busy")}, every_s=60)
    fire(site, metered)
    collect_next(metered)
    collect_next(metered)

    assert len(httpserver.log) == 1
    first, second = site.rows(SourceBreaker)
    assert "429" in first.why
    assert second.why == (
        "news: the platform has asked whoever uses this account to wait; goes on at 2026-11-21 12:02 UTC"
    )
    assert (first.failures, second.failures) == (1, 0)
    assert second.again_at >= site.clock() + timedelta(seconds=120)


def test_a_quota_that_is_used_up_opens_the_breaker_and_is_no_failure(
    site: Site, metered: Pipeline, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/feed").respond_with_data(FEED)
    site.brand()
    site.source(options={"url": httpserver.url_for("/feed")}, every_s=60)
    for _ in range(7):
        fire(site, metered)
        collect_next(metered)
        site.clock.advance(minutes=1)
    assert len(httpserver.log) == 5
    breaker = site.one(SourceBreaker)
    assert breaker.failures == 0
    assert "5 requests an hour are used up; goes on at 2026-11-21 13:0" in breaker.why
    assert breaker.why == site.one(Source).last_error
    assert not site.one(Source).stopped


def test_sources_that_hang_hold_up_no_other(site: Site, pipeline: Pipeline, httpserver: HTTPServer) -> None:
    hanging = 12
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:  # it accepts, and never answers
        httpserver.expect_request("/feed").respond_with_data(FEED)
        site.brand()
        for number in range(hanging):
            url = f"http://127.0.0.1:{silent.getsockname()[1]}/{number}"
            site.source(f"hangs-{number:02}", options={"url": url}, every_s=60)
        site.source("works", options={"url": httpserver.url_for("/feed")}, every_s=60)
        fire(site, pipeline)
        with Http(timeout=5.0) as http:
            patient = replace(pipeline, tools=Tools(http), clock=real_clock.now)
            began = time.monotonic()
            with Worker({"collect": patient.collecting()["collect"]}, 0.02, patient.stop):
                while not site.rows(Mention):
                    assert time.monotonic() - began < 4.8, "the source that works waits for those that hang"
                    time.sleep(0.02)
    assert hanging < COLLECTORS
    errors = {row.name: row.last_error for row in site.rows(Source)}
    assert errors["works"] is None
    assert all("did not answer in time" in (errors[f"hangs-{n:02}"] or "") for n in range(hanging))


def test_a_source_that_says_when_to_come_back_is_taken_at_its_word(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None]
) -> None:
    feed_at(Response("slow down", status=429, headers={"Retry-After": "77"}), Response(FEED))
    fire(site, pipeline)
    collect_next(pipeline)
    wait = site.one(Task).not_before - site.clock()
    assert timedelta(seconds=77) <= wait <= timedelta(seconds=77 * 1.1)

    site.clock.advance(seconds=wait.total_seconds())
    collect_next(pipeline)
    assert site.rows(Task) == []
    assert len(site.rows(Mention)) == 2


def test_a_source_that_a_person_must_look_at_stops_and_leaves_the_queue(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None]
) -> None:
    feed_at(Response("no", status=401))
    fire(site, pipeline)
    collect_next(pipeline)

    source = site.one(Source)
    assert source.stopped
    assert "401" in (source.last_error or "")
    assert site.rows(Task) == []


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"kind": "telepathy", "options": {}}, "no source of the kind 'telepathy'"),
        ({"options": {"ulr": "https://news.example/feed"}}, "did you mean url?"),
        ({"options": {"url_from": "NOT_SET"}}, "NOT_SET is not set"),
    ],
)
def test_a_source_that_cannot_even_be_built_stops_with_the_reason(
    site: Site, pipeline: Pipeline, row: dict[str, Any], words: str
) -> None:
    site.source(every_s=60, **row)
    fire(site, pipeline)
    collect_next(pipeline)

    source = site.one(Source)
    assert source.stopped
    assert words in (source.last_error or "")
    assert site.rows(Task) == []
    with site.store.reading() as session:
        (line,) = health.attention(session, site.clock(), timedelta(minutes=10), ["log"])
    assert words in line


def test_secrets_are_put_in_where_a_source_is_built(site: Site, pipeline: Pipeline) -> None:
    source_id = site.source(options={"url_from": "FEED_URL"})

    source = pipeline.source(source_id)

    assert isinstance(source, RssSource)
    assert source._options.url == "https://news.example/secret"
    assert site.one(Source).options == {"url_from": "FEED_URL"}


def test_an_unknown_kind_is_refused(pipeline: Pipeline) -> None:
    with pytest.raises(FatalSourceError, match="telepathy"):
        pipeline.build_source("telepathy", {})


def test_a_worker_that_lost_its_task_stops_and_leaves_it_to_the_other(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None], httpserver: HTTPServer
) -> None:
    def too_slow(_request: Request) -> Response:
        site.clock.advance(minutes=6)
        assert len(pipeline.queue.claim(site.clock())) == 1
        return Response(FEED)

    feed_at(Response(FEED))
    httpserver.clear()
    httpserver.expect_request("/feed").respond_with_handler(too_slow)
    fire(site, pipeline)
    collect_next(pipeline)

    assert site.one(Task).lease_until == site.clock() + timedelta(minutes=5)
    assert site.rows(Mention) == [], "the other reads it"
    assert site.rows(SourceHour) == site.rows(SourceBreaker) == []
    source = site.one(Source)
    assert (source.cursor, source.last_run_at, source.last_error, source.covered_to) == (None, None, None, None)


@pytest.mark.parametrize("answer", [Response("busy", status=503), Response("no", status=401)])
def test_a_failure_of_a_worker_that_lost_its_task_is_nobodys(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None], httpserver: HTTPServer, answer: Response
) -> None:
    def too_slow(_request: Request) -> Response:
        site.clock.advance(minutes=6)
        assert len(pipeline.queue.claim(site.clock())) == 1
        return answer

    feed_at(Response(FEED))
    httpserver.clear()
    httpserver.expect_request("/feed").respond_with_handler(too_slow)
    fire(site, pipeline)
    collect_next(pipeline)

    assert site.one(Task).lease_until == site.clock() + timedelta(minutes=5)
    assert site.rows(SourceHour) == site.rows(SourceBreaker) == []
    assert (site.one(Source).stopped, site.one(Source).last_error) == (False, None)


def test_a_long_run_keeps_its_task_page_by_page(site: Site, pipeline: Pipeline, tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    rows = (f'{{"id": "{number}", "text": "Aeroluz", "created_at": "2026-11-21T11:00:00Z"}}\n' for number in range(900))
    path.write_text("".join(rows))
    site.brand()
    site.source(kind="file", options={"path": str(path)}, every_s=60)
    fire(site, pipeline)
    times: list[datetime] = []

    def slow() -> datetime:
        """Every look at the clock takes a minute."""
        site.clock.advance(minutes=1)
        times.append(site.clock.now)
        return site.clock.now

    collect_next(replace(pipeline, clock=slow))
    assert times[-1] - times[0] > timedelta(minutes=5)
    assert len(site.rows(Mention)) == 900
    assert site.rows(Task) == []


def test_a_file_is_imported_through_the_same_stages(
    site: Site, pipeline: Pipeline, scorer: WordScorer, tmp_path: Path
) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_text('{"id": "1", "text": "Aeroluz lost my bag", "created_at": "2026-11-21T11:00:00Z"}\n')
    site.brand()
    site.source(kind="file", options={"path": str(path)}, every_s=60)
    fire(site, pipeline)
    run_all(pipeline, scorer)

    assert [row.state for row in site.rows(Delivery)] == ["sent"]


def test_a_fatal_failure_is_noted_once(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = []
    note_run = brands.note_run
    monkeypatch.setattr(brands, "note_run", lambda *args, **kwargs: noted.append(note_run(*args, **kwargs)))
    feed_at(Response("no", status=401))
    fire(site, pipeline)
    collect_next(pipeline)
    assert len(noted) == 1

    site.source(kind="telepathy", every_s=60)
    fire(site, pipeline)
    collect_next(pipeline)
    assert len(noted) == 2


def test_told_to_stop_a_source_is_given_back_after_its_page_as_if_nothing_had_happened(
    site: Site, pipeline: Pipeline, tmp_path: Path
) -> None:
    path = tmp_path / "posts.jsonl"
    rows = (f'{{"id": "{number}", "text": "Aeroluz", "created_at": "2026-11-21T11:00:00Z"}}\n' for number in range(900))
    path.write_text("".join(rows))
    site.brand()
    site.source(kind="file", options={"path": str(path)}, every_s=60)
    fire(site, pipeline)
    pipeline.stop.set()
    collect_next(pipeline)

    assert len(site.rows(Mention)) == 500
    task, source = site.one(Task), site.one(Source)
    assert (task.lease_until, task.not_before) == (None, site.clock())
    assert (source.last_error, source.stopped, source.last_run_at) == (None, False, None)

    pipeline.stop.clear()
    collect_next(pipeline)
    assert len(site.rows(Mention)) == 900
    assert site.rows(Task) == []


def test_a_worker_that_is_stopped_stops_its_sources(pipeline: Pipeline) -> None:
    with Worker(pipeline.collecting(), 60, pipeline.stop):
        assert not pipeline.stop.is_set()
    assert pipeline.stop.is_set()


def test_a_task_of_a_source_that_was_switched_off_goes_away(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None], httpserver: HTTPServer
) -> None:
    feed_at(Response("busy", status=503))
    fire(site, pipeline)
    collect_next(pipeline)
    with site.store.transaction() as session:
        brands.retire_sources(session, [])
    site.clock.advance(hours=1)
    collect_next(pipeline)

    assert site.rows(Task) == []
    assert len(httpserver.log) == 1


def test_a_failure_that_nobody_foresaw_is_tried_again_like_any_other(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise TypeError("no such thing")

    feed_at(Response(FEED))
    monkeypatch.setattr(Http, "get", breaks)
    fire(site, pipeline)
    collect_next(pipeline)

    assert site.one(Task).not_before == site.clock() + timedelta(seconds=30)
    assert site.one(Source).last_error == "unforeseen TypeError: no such thing"


def test_a_closed_pipeline_has_given_its_connections_back(pipeline: Pipeline) -> None:
    pipeline.close()

    assert pipeline.tools.http._client.is_closed


def test_workers_look_up_what_may_be_gone_and_let_go_of_what_nobody_needs(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def gone(self: RssSource, native_ids: Sequence[str]) -> Mapping[str, str]:
        asked.extend(native_ids)
        return dict.fromkeys(native_ids, "deleted")

    for name, value in (("recheck_every", timedelta(days=1)), ("recheck_batch", 10), ("gone", gone)):
        monkeypatch.setattr(RssSource, name, value, raising=False)
    feed_at(Response(FEED, content_type="application/rss+xml"))
    site.take(
        item("1", "Aeroluz lost the bags of a whole plane from Madrid to Lima and nobody knows anything about it")
    )
    site.clock.advance(days=15)
    stages = pipeline.collecting()

    assert (stages["recheck"](), stages["retain"]()) == (1, 0)
    assert asked == ["1"]
    assert (site.one(Mention).deleted_why, site.rows(MentionBand)) == ("deleted", [])
    assert (stages["recheck"](), stages["retain"]()) == (0, 0)
