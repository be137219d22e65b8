"""All stages together, from a feed to a channel; and what a collect task does when its source does not work."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from structlog.testing import capture_logs
from werkzeug import Request, Response

from alerts.channels.log import LogChannel
from listener.http import Http
from listener.jobs.deliver import Pacing
from listener.pipeline import LONGEST_WAIT, Pipeline
from listener.queue import WorkQueue
from listener.scheduler import Scheduler
from listener.source import FatalSourceError
from listener.sources.rss import RssSource
from listener.store import brands, health, read
from listener.store.tables import Delivery, Mention, Source, Task
from listener.tools import Tools
from listener.worker import Worker
from tests.listener.conftest import Site, WordScorer

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
        assert read.totals(session) == read.Totals(
            mentions=2, scored=2, promoters=1, passives=0, detractors=1, alerts=1, delivered=1
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
    assert list(pipeline.after_collecting(scorer)) == ["score", "alert", "deliver-log"]


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


def test_a_source_that_says_when_to_come_back_is_taken_at_its_word(
    site: Site, pipeline: Pipeline, feed_at: Callable[..., None]
) -> None:
    feed_at(Response("slow down", status=429, headers={"Retry-After": "77"}), Response(FEED))
    fire(site, pipeline)
    collect_next(pipeline)
    assert site.one(Task).not_before == site.clock() + timedelta(seconds=77)

    site.clock.advance(seconds=77)
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
    assert "another worker" in (site.one(Source).last_error or "")
    assert len(site.rows(Mention)) == 2


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
