"""The mastodon source against an instance with the real one's paging, limits, search and streams."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Response

from listener.http import Http
from listener.query import parse
from listener.source import FatalSourceError, RetriableSourceError
from listener.sources.mastodon import MastodonOptions
from tests.listener.sources.conformance import (
    QUERY,
    START,
    UNTIL,
    EditContract,
    Host,
    LateContract,
    MeterContract,
    Post,
    RecheckContract,
    RemoteContract,
    WindowContract,
    burst,
    texts,
)
from tests.listener.sources.fake_mastodon import TOKEN, FakeMastodon, FakeStreams


@pytest.fixture
def platform(httpserver: HTTPServer, http: Http) -> FakeMastodon:
    return FakeMastodon(httpserver, http)


@pytest.fixture
def host(platform: FakeMastodon) -> Host:
    return Host(platform.source())


class TestHashtags(RemoteContract, LateContract, WindowContract, EditContract, RecheckContract, MeterContract):
    """No VanishContract: a timeline hands out whole statuses, nothing is fetched afterwards. No TokenContract: pages
    come oldest first and are kept at once, so a run in circles leaves a true cursor (see below)."""


class SearchingMastodon(FakeMastodon):
    def source(self, **options: Any) -> Any:
        return super().source(search=True, access_token=TOKEN, **options)


class TestSearch(RemoteContract, LateContract, WindowContract, EditContract, MeterContract):
    """The same instance read through its full-text search."""

    burst_size = 200  # 1,700 come below, once

    @pytest.fixture
    def platform(self, httpserver: HTTPServer, http: Http) -> FakeMastodon:
        return SearchingMastodon(httpserver, http)


def test_a_status_in_full(platform: FakeMastodon, host: Host) -> None:
    parent = platform.add(text="acme is late", at=START, author="bea", host="other.example")
    quoted = platform.statuses[parent]
    platform.add(
        text="", at=START + timedelta(minutes=1), host="far.example", language="pt-BR", in_reply_to_id=str(parent),
        spoiler_text="Rant & rave", edited_at="2026-05-01T06:09:00.000Z", quotes_count=4, visibility="unlisted",
        quote={"state": "accepted", "quoted_status": quoted},
        content='<p>I like <a href="https://far.example/tags/acme" class="mention hashtag" rel="tag">#<span>acme</span>'
        '</a>.<br />See <a href="https://acme.example/a/long/path" rel="nofollow"><span class="invisible">https://'
        '</span><span class="ellipsis">acme.example/a/lo</span><span class="invisible">ng/path</span></a></p>',
    )  # fmt: skip
    host.run()
    item = host.stored["mastodon", f"https://far.example/users/ana/statuses/{_there(START + timedelta(minutes=1))}"]
    assert item.text == "I like #acme.\nSee https://acme.example/a/long/path"
    assert item.title == "Rant & rave"
    assert item.lang == "pt"
    assert item.created_at == START + timedelta(minutes=1)
    assert item.edited_at == START + timedelta(minutes=9)
    assert item.reply_to == item.quote_of == quoted["uri"]
    assert item.url == f"https://far.example/@ana/{_there(START + timedelta(minutes=1))}"
    assert item.engagement == {"favourites": 3, "reblogs": 2, "replies": 1, "quotes": 4}
    assert item.author is not None
    assert (item.author.handle, item.author.name) == ("ana@far.example", "Ana")
    assert item.author.native_id == item.author.url == "https://far.example/@ana"
    assert item.reach == item.author.followers == 250


def _there(at: Any) -> int:
    return (int(at.timestamp() * 1000) << 16) + 7


def test_a_boost_passes_on_somebody_elses_words(platform: FakeMastodon, host: Host) -> None:
    original = platform.statuses.pop(platform.add(text="acme is late", at=START, author="bea", host="other.example"))
    platform.add(text="", at=START, content="", reblog=original, author="cem")
    host.run()
    (item,) = host.stored.values()
    assert (item.text, item.repost_of) == ("acme is late", original["uri"])
    assert item.author is not None
    assert item.author.handle == f"cem@{platform.server.host}:{platform.server.port}"


def test_an_answer_to_a_status_not_seen_still_is_an_answer(platform: FakeMastodon, host: Host) -> None:
    platform.add(text="acme", at=START, in_reply_to_id="77")
    host.run()
    (item,) = host.stored.values()
    assert item.reply_to == f"{platform.address}/statuses/77"


def test_two_instances_see_one_mention(platform: FakeMastodon, host: Host, http: Http) -> None:
    with HTTPServer(port=0) as server:
        other = FakeMastodon(server, http)
        platform.add(text="acme here and there", at=START, host="far.example")
        local = other.add(text="acme here and there", at=START, host="far.example", id_at=START + timedelta(seconds=9))
        assert local not in platform.statuses
        host.run()
        host.source, host.cursor = platform.source(instance=other.address), None
        host.run()
        assert len(other.requests) == 2
    assert len(host.stored) == 1


def test_what_is_not_for_everybody_is_left_alone(platform: FakeMastodon, host: Host) -> None:
    for visibility in ("private", "direct", "unlisted", "public"):
        platform.add(text=f"acme {visibility}", at=START, visibility=visibility)
    host.run()
    assert host.texts == ["acme public", "acme unlisted"]
    assert not host.skipped


def test_entries_that_are_no_statuses_are_skipped_and_named(platform: FakeMastodon, host: Host) -> None:
    platform.publish(burst(3))
    bad = [
        platform.add(text="acme", at=START, created_at="yesterday"),
        platform.add(text="acme", at=START, account=None),
        platform.add(text="acme", at=START, uri=None),
        platform.add(text="", at=START, content="", media_attachments=[{"type": "image"}]),
        platform.add(text="acme", at=START, created_at="2026-05-01T06:00:00"),
    ]
    host.run()
    assert host.texts == texts(burst(3))
    named = {skip.where for skip in host.skipped}
    assert {f"status {local}" for local in bad} - named == {f"status {bad[2]}"}
    assert len(host.skipped) == 5


def test_hostile_addresses_are_no_links_and_no_endless_keys(platform: FakeMastodon, host: Host) -> None:
    far = "https://far.example/" + "x" * 5000
    platform.add(text="acme", at=START, url="javascript:alert(1)", uri=far)
    platform.add(text="acme too", at=START, url="javascript:alert(1)", uri="tag:old.example,2016:objectId=1")
    for status in platform.statuses.values():
        status["account"]["url"] = far
    host.run()
    items = {item.text: item for item in host.stored.values()}
    assert items["acme"].url == far
    assert items["acme too"].url is None
    assert items["acme too"].native_id == "tag:old.example,2016:objectId=1"
    assert all(
        len(item.native_id) < 400 and item.native_id.startswith(("far.example#", "tag:")) for item in items.values()
    )
    assert all(item.author is not None and len(item.author.native_id) < 400 for item in items.values())


def test_there_is_no_search_for_nothing(platform: FakeMastodon) -> None:
    with pytest.raises(FatalSourceError, match="add a brand"):
        Host(platform.source(search=True, access_token=TOKEN)).run(query=None)


def test_pages_come_oldest_first_each_with_its_own_cursor(platform: FakeMastodon) -> None:
    platform.publish(burst(100))
    platform.add(text="acme and more", at=START + timedelta(seconds=500), tags=["other"])
    platform.add(text="acme at last", at=START + timedelta(seconds=2000), tags=["other"])
    pages = list(platform.source(hashtags=["#Acme", "other", "quiet"]).fetch(QUERY, None, UNTIL))
    # Of all hashtags the page that begins earliest: what is older than a page has come before it.
    assert [len(page.items) for page in pages] == [0, 40, 40, 2, 20]
    assert [sorted(page.cursor["tags"]) for page in pages] == [
        ["quiet"], ["acme", "quiet"], ["acme", "quiet"], ["acme", "other", "quiet"], ["acme", "other", "quiet"]
    ]  # fmt: skip
    begins = [min(item.created_at for item in page.items) for page in pages[1:]]
    assert begins == sorted(begins)
    assert [page.progress for page in pages] == sorted(page.progress or 0 for page in pages)


def test_a_run_over_several_hashtags_goes_on_where_each_was_left(platform: FakeMastodon) -> None:
    platform.publish(burst(100))
    for number in range(60):
        platform.add(text=f"acme other {number}", at=START + timedelta(seconds=37 * number), tags=["other"])
    for stop in range(1, 6):
        host = Host(platform.source(hashtags=["acme", "other"], search=True, access_token=TOKEN))
        host.run(stop_after=stop)
        host.run()
        assert len(host.stored) == 160


def test_a_timeline_in_circles_is_left_with_a_true_cursor(platform: FakeMastodon, host: Host) -> None:
    posts = burst(300)
    platform.publish(posts)
    platform.repeat_token = True
    with pytest.raises(RetriableSourceError, match="twice"):
        host.run()
    platform.repeat_token = False
    host.run()
    assert host.texts == texts(posts)


def test_a_hashtag_that_was_quiet_keeps_its_beginning(platform: FakeMastodon, host: Host) -> None:
    host.run()
    first = host.cursor
    late = Post("1", "acme", UNTIL - timedelta(hours=23))  # shown only now, long after
    platform.publish([late])
    host.run(UNTIL + timedelta(hours=6))
    assert host.texts == ["acme"]
    platform.statuses.clear()
    host.cursor = first
    for hours in range(3):
        host.run(UNTIL + timedelta(hours=hours))
        assert host.cursor == first


def test_a_clock_that_is_ahead_is_not_believed(platform: FakeMastodon, host: Host) -> None:
    platform.add(text="acme from a fast clock", at=START + timedelta(minutes=5), id_at=START, host="far.example")
    platform.add(text="acme a bit ahead", at=UNTIL + timedelta(seconds=30), id_at=UNTIL, host="far.example")
    host.run()
    assert {item.text: item.created_at for item in host.stored.values()} == {"acme from a fast clock": START}
    host.run(UNTIL + timedelta(minutes=1))
    assert host.texts == ["acme a bit ahead", "acme from a fast clock"]


def test_what_is_sent_and_what_the_meter_hears(platform: FakeMastodon) -> None:
    platform.publish(burst(1))
    Host(platform.source(access_token=TOKEN)).run()
    request = platform.requests[0]
    assert request.headers["User-Agent"].startswith("Escucha/")
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.args["limit"] == "40"
    left, seconds = platform.meter.heard[0]
    assert left == 299
    assert seconds is not None
    assert 89 < seconds < 92


def test_search_asks_in_mastodons_own_words(platform: FakeMastodon) -> None:
    host = Host(platform.source(search=True, access_token=TOKEN))
    host.run(query=parse('("acme air" OR #acme) lang:es'))
    assert [request.args["q"] for request in platform.requests] == [
        '"acme air" language:es', "#acme language:es"
    ]  # fmt: skip
    assert all("resolve" not in request.args for request in platform.requests)


def test_a_search_of_more_than_a_thousand_hits_is_halved(platform: FakeMastodon) -> None:
    platform.most_hits = 1040
    posts = burst(1700, every=0.5)
    platform.publish(posts)
    host = Host(platform.source(search=True, access_token=TOKEN))
    host.run()
    assert host.texts == texts(posts)
    assert host.capped == 0


def test_what_a_quota_breaks_off_goes_on_and_comes_to_an_end(platform: FakeMastodon) -> None:
    """13 searches with 120 hits each, and leave for 20 requests a run, at a platform where a run once took 70."""
    terms = [f"acme{letter}" for letter in "abcdefghijklm"]
    posts = [Post(f"{term}{n}", f"{term} {n}", START + timedelta(seconds=11 * n)) for term in terms for n in range(120)]
    platform.publish(posts)
    host = Host(platform.source(search=True, access_token=TOKEN))
    for runs in range(1, 12):
        platform.remaining = 20
        with suppress(RetriableSourceError):
            host.run(UNTIL + timedelta(minutes=5 * runs), query=parse(" OR ".join(terms)))
            break
    assert len(host.stored) == len(posts)
    assert 2 < runs < 8


def test_a_second_with_more_hits_than_can_be_had_is_a_known_gap(
    platform: FakeMastodon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("listener.sources.mastodon.source._MOST_HITS", 120)
    platform.publish(burst(200, every=0))
    source = platform.source(search=True, access_token=TOKEN, lookback_hours=13)
    capped = [page for page in source.fetch(QUERY, None, UNTIL) if page.capped]
    assert [page.gap for page in capped] == [(START, START)]


def test_a_limit_that_is_reached_tells_when_it_is_renewed(platform: FakeMastodon, host: Host) -> None:
    platform.publish(burst(100))
    platform.remaining = 2
    with pytest.raises(RetriableSourceError, match=r"429.*Too many requests") as raised:
        host.run()
    assert raised.value.retry_after in (90, 91, 92)
    assert [left for left, _ in platform.meter.heard][-1] == 0
    platform.remaining = None
    host.run()
    assert host.texts == texts(burst(100))


def test_a_wrong_token_is_told_in_the_servers_words(platform: FakeMastodon) -> None:
    host = Host(platform.source(access_token="stolen-token"))
    with pytest.raises(FatalSourceError, match="The access token is invalid") as raised:
        host.run()
    assert "stolen-token" not in str(raised.value)


def test_a_server_that_wants_a_token_says_so(platform: FakeMastodon, host: Host) -> None:
    platform.locked = True
    with pytest.raises(FatalSourceError, match=r"401.*requires an authenticated user.*access_token"):
        host.run()


@pytest.mark.parametrize("body", ["{}", '{"error": "x"}', "null", '"text"', "[[1]]", '[{"id": "x-1"}]'])
def test_json_that_is_no_timeline(platform: FakeMastodon, host: Host, body: str) -> None:
    platform.fail(lambda request, response: Response(body, content_type="application/json"))
    with pytest.raises(RetriableSourceError, match="ESCUCHA_MASTODON_URL"):
        host.run()


@pytest.mark.parametrize("body", ["[]", '{"statuses": null}', "{}"])
def test_json_that_is_no_search_result(platform: FakeMastodon, body: str) -> None:
    platform.fail(lambda request, response: Response(body, content_type="application/json"))
    with pytest.raises(RetriableSourceError, match="ESCUCHA_MASTODON_URL"):
        Host(platform.source(search=True, access_token=TOKEN)).run()


# Looking statuses up again


def test_a_server_before_4_3_is_asked_one_by_one(platform: FakeMastodon, host: Host) -> None:
    platform.batches = False
    platform.publish(burst(3))
    host.run()
    ids = {item.text: item.native_id for item in host.stored.values()}
    platform.delete("2")
    assert platform.source().gone(sorted(ids.values())) == {ids["acme post number 2"]: "no longer shown"}


def test_a_404_that_is_not_mastodons_is_no_deletion(platform: FakeMastodon, host: Host) -> None:
    platform.publish(burst(1))
    host.run()
    (item,) = host.stored.values()
    for nth in (1, 2):
        platform.fail(lambda request, response: Response("<html>not here</html>", 404), request=nth)
    with pytest.raises(RetriableSourceError):
        platform.source().gone([item.native_id])


def test_an_empty_answer_blanks_nothing(platform: FakeMastodon) -> None:
    platform.publish(burst(20))
    far = platform.add(text="acme from afar", at=START - timedelta(hours=1), host="far.example")
    source = platform.source(access_token=TOKEN)
    host = Host(source)
    host.run()
    own = [item.native_id for item in host.stored.values() if "far.example" not in item.native_id]
    platform.empty_lookups = True
    with pytest.raises(RetriableSourceError, match=f"{platform.server.host}:{platform.server.port} left out statuses"):
        source.gone(own)
    # Nothing under the hashtag, and nothing found: whether it is gone cannot be told.
    assert source.gone([platform.statuses[far]["uri"]]) == {}
    platform.empty_lookups = False
    uri = platform.statuses.pop(far)["uri"]
    assert source.gone([uri]) == {uri: "no longer shown"}
    platform.statuses.clear()
    assert source.gone([uri]) == {}
    assert len(source.gone(own)) == 20  # of each the server says that there is none: nothing is held up by them


def test_one_left_out_of_a_batch_is_gone_only_where_the_server_says_so(platform: FakeMastodon, host: Host) -> None:
    platform.publish(burst(3))
    host.run()
    ids = {item.text: item.native_id for item in host.stored.values()}
    platform.delete("2")
    left_out = platform.statuses[platform._ids["3"]]["id"]

    def without(request: Any, response: Response) -> Response:
        shown = [status for status in json.loads(response.get_data()) if status["id"] != left_out]
        return Response(json.dumps(shown), content_type="application/json")

    platform.fail(without)
    assert platform.source().gone(sorted(ids.values())) == {ids["acme post number 2"]: "no longer shown"}


def test_other_servers_statuses_are_looked_for_in_two_ways(platform: FakeMastodon) -> None:
    source = platform.source(access_token=TOKEN)
    host = Host(source)
    for minute, name in enumerate(("found", "unreachable", "deleted", "elsewhere")):
        platform.add(text=f"acme {name}", at=START + timedelta(minutes=minute), host=f"{name}.example")
    platform.add(text="acme pleroma", at=START, host="pleroma.example", uri="https://pleroma.example/objects/5e8f")
    host.run()
    ids = {item.text.removeprefix("acme "): item.native_id for item in host.stored.values()}
    platform.unreachable |= {"unreachable.example", "pleroma.example"}
    for local in [local for local, status in platform.statuses.items() if "deleted" in status["uri"]]:
        del platform.statuses[local]
    assert source.gone(list(ids.values())) == {ids["deleted"]: "no longer shown"}
    assert platform.source().gone(list(ids.values())) == {}  # without a token it cannot be told


# Listening


@pytest.fixture
def streams(platform: FakeMastodon) -> Iterator[FakeStreams]:
    streams = FakeStreams()
    platform.streams_at = lambda: streams.address  # type: ignore[method-assign]
    yield streams
    streams.close()


def _listening(platform: FakeMastodon, seconds: float = 0.6, **options: Any) -> Host:
    return Host(platform.source(access_token=TOKEN, listen_seconds=seconds, **options))


def test_deletions_and_edits_are_heard(platform: FakeMastodon, streams: FakeStreams) -> None:
    platform.publish(burst(45))
    far = platform.add(text="acme from afar", at=START, host="far.example")
    host = _listening(platform, hashtags=["acme", "other"])
    host.run()
    assert "acme from afar" in host.texts
    edited = platform.statuses[platform._ids["44"]] | {"content": "<p>acme 44, mended</p>"}
    edited["edited_at"] = "2026-05-01T18:00:00.000Z"
    new = platform.statuses[platform._ids["45"]] | {
        "id": "1",
        "uri": "https://x.example/1",
        "content": "<p>acme new</p>",
    }
    streams.events["acme"] = [("delete", str(far)), ("update", new), ("status.update", edited)]
    streams.events["other"] = [b":thump\n", ("delete", str(platform._ids["7"])), ("delete", "123")]
    host.run()
    said = [post.text for post in burst(45) if post.id not in ("7", "44")]
    assert host.texts == sorted([*said, "acme 44, mended"])
    assert sorted(streams.asked[-2:]) == [
        "/api/v1/streaming/hashtag?tag=acme", "/api/v1/streaming/hashtag?tag=other"
    ]  # fmt: skip
    assert all(agent and agent.startswith("Escucha/") for agent in streams.agents)


def test_only_mentions_are_remembered_for_deletions(platform: FakeMastodon, streams: FakeStreams) -> None:
    streams.ends = "well"
    platform.add(text="acme", at=START)
    platform.add(text="somebody else", at=START)
    host = _listening(platform)
    host.run()
    assert host.cursor is not None
    assert len(host.cursor["known"]) == 1
    host.run(query=parse("acme source:fosstodon"))  # what a source is called is not known to it
    assert len(host.cursor["known"]) == 2


def test_listening_ends_in_time(platform: FakeMastodon, streams: FakeStreams) -> None:
    began = time.monotonic()
    _listening(platform, 0.5).run()
    assert 0.4 < time.monotonic() - began < 30


def test_a_silent_stream_ends_in_time(platform: FakeMastodon, streams: FakeStreams) -> None:
    streams.events["acme"] = [b"event: dele"]
    streams.pause = 8
    began = time.monotonic()
    _listening(platform, 0.5).run()
    assert time.monotonic() - began < 7.5


@pytest.mark.parametrize("news", [False, True])
def test_listening_to_a_quiet_stream_hands_out_a_page_now_and_then(
    platform: FakeMastodon, streams: FakeStreams, monkeypatch: pytest.MonkeyPatch, news: bool
) -> None:
    monkeypatch.setattr("listener.sources.mastodon.listening.QUIET_SECONDS", 0.2)
    monkeypatch.setattr("listener.sources.mastodon.source.QUIET_SECONDS", 0.2)
    if news:  # that are the next run's
        new = platform.statuses[platform.add(text="acme", at=UNTIL + timedelta(minutes=1))]
        streams.events["acme"] = [("update", new)] * 100
        streams.pause = 0.05
    pages = list(_listening(platform, 1.5).source.fetch(QUERY, None, UNTIL))
    assert 2 <= len(pages) <= 9
    assert all(page.items == () and page.cursor == pages[0].cursor for page in pages)


def test_a_run_that_is_stopped_hangs_up(platform: FakeMastodon, streams: FakeStreams) -> None:
    platform.publish(burst(1))
    host = _listening(platform, 200)
    streams.events["acme"] = [("delete", str(platform._ids["1"]))]
    began = time.monotonic()
    pages = host.source.fetch(QUERY, None, UNTIL)
    assert [len(page.deleted) for page in (next(pages), next(pages))] == [0, 1]
    pages.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 60


def test_a_window_of_the_past_does_not_listen(platform: FakeMastodon, streams: FakeStreams) -> None:
    host = _listening(platform, 200)
    host.run(since=START)
    assert streams.asked == []


@pytest.mark.parametrize("junk", [b"nonsense\n\n", b"event: delete\n\n", b"event: update\ndata: {\n\n", b"\xff\xfe\n"])
def test_a_stream_of_nonsense_is_told_after_all_that_was_heard(
    platform: FakeMastodon, streams: FakeStreams, junk: bytes
) -> None:
    platform.publish(burst(2))
    streams.events["acme"] = [("delete", str(platform._ids["1"])), junk]
    host = _listening(platform)
    with pytest.raises(RetriableSourceError, match="#acme"):
        host.run()
    assert host.texts == ["acme post number 2"]


def test_a_stream_that_breaks_off_is_told(platform: FakeMastodon, streams: FakeStreams) -> None:
    streams.ends = "broken"
    with pytest.raises(RetriableSourceError, match="#acme"):
        _listening(platform, 5).run()


@pytest.mark.parametrize(
    ("code", "error"), [(401, FatalSourceError), (403, FatalSourceError), (503, RetriableSourceError)]
)
def test_a_stream_that_is_refused(
    platform: FakeMastodon, streams: FakeStreams, code: int, error: type[Exception]
) -> None:
    streams.refuses = code
    platform.publish(burst(1))
    host = _listening(platform)
    with pytest.raises(error, match=str(code)):
        host.run()
    assert host.texts == texts(burst(1))


def test_a_token_is_not_sent_in_the_open(platform: FakeMastodon, streams: FakeStreams) -> None:
    source = platform.source(access_token=TOKEN, listen_seconds=1)
    from listener.sources.mastodon.listening import _StreamSession

    session = _StreamSession(platform.meter, "https://safe.example", timeout=1, ends=1e12)
    with pytest.raises(FatalSourceError, match="without encryption"):
        session.get(f"{streams.address.replace('ws', 'http')}/api/v1/streaming/hashtag?tag=acme")
    assert streams.asked == []
    assert source.kind == "mastodon"


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "name hashtags to read, or set search: true"),
        ({"search": True}, "search wants access_token: make one on the server"),
        ({"hashtags": ["acme"], "listen_seconds": 5}, "listen_seconds wants access_token"),
        ({"search": True, "access_token": "x", "listen_seconds": 5}, "listen_seconds wants hashtags"),
        ({"hashtags": ["two words"]}, "one word each"),
        ({"hashtags": ["../../statuses"]}, "one word each"),
        ({"hashtags": ["acme"], "instance": "ftp://acme"}, "write the server's name"),
        ({"hashtags": ["acme"], "access_token": "two\nlines"}, "one word of plain characters"),
        ({"hashtags": ["acme"], "access_token": " "}, "one word of plain characters"),
    ],
)
def test_options_that_cannot_work(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MastodonOptions(**options)


def test_options_as_people_write_them() -> None:
    options = MastodonOptions(instance="fosstodon.org", hashtags=("#Acme", "acme", "Café"), access_token="hunter2")
    assert options.instance == "https://fosstodon.org"
    assert options.hashtags == ("acme", "café")
    assert "hunter2" not in repr(options)
