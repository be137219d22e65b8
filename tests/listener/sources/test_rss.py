"""The rss source against a server that serves feeds: whole, broken, huge, unchanged, and pages that are none."""

import contextlib
import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from listener.http import Http
from listener.source import FatalSourceError, RetriableSourceError
from listener.sources.rss import RssOptions, RssSource
from tests.listener.sources.conformance import START, UNTIL, Host, LateContract, Post, RemoteContract
from tests.listener.sources.fake_rss import FakeFeed, rss


@pytest.fixture
def platform(httpserver: HTTPServer, http: Http) -> FakeFeed:
    return FakeFeed(httpserver, http)


@pytest.fixture
def host(platform: FakeFeed) -> Host:
    return Host(platform.source())


class TestContract(RemoteContract, LateContract):
    burst_size = 150
    html_is_fatal = True


def only(host: Host) -> Any:
    host.run()
    (item,) = host.stored.values()
    return item


def test_an_entry(platform: FakeFeed, host: Host) -> None:
    platform.body = rss(
        "<item><guid>https://news.example/1</guid><link>https://news.example/1?x=1&amp;y=2</link>"
        "<title>Acme &amp;amp; Söhne</title><description>Short</description>"
        "<content:encoded><![CDATA[<p>Long &amp; <b>good</b></p><script>evil()</script><p>End&nbsp;of it</p>]]>"
        "</content:encoded><dc:creator>Ana</dc:creator><pubDate>Fri, 01 May 2026 08:00:00 +0200</pubDate></item>",
        channel="<language>es-MX</language>",
    )
    item = only(host)
    assert item.kind == "rss"
    assert item.native_id == "https://news.example/1"
    assert item.url == "https://news.example/1?x=1&y=2"
    assert item.title == "Acme & Söhne"
    assert item.text == "Long & good\n\nEnd of it"
    assert item.author.name == "Ana"
    assert item.created_at == START
    assert item.lang == "es"


def test_atom(platform: FakeFeed, host: Host) -> None:
    platform.body = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><entry><id>tag:x,2026:1</id>'
        '<title type="text">List&lt;Acme&gt;</title><link href="javascript:alert(1)"/>'
        '<updated>2026-05-01T06:00:00Z</updated><summary type="html">&lt;i&gt;hi&lt;/i&gt;</summary></entry></feed>'
    )
    item = only(host)
    assert (item.native_id, item.title, item.text, item.url) == ("tag:x,2026:1", "List<Acme>", "hi", None)
    assert item.created_at == START


def test_numbers_as_guids_are_kept_apart_by_feed(platform: FakeFeed, host: Host) -> None:
    platform.publish([Post("7", "acme", START)])
    assert only(host).native_id == f"{platform.server.host}/feed:7"


def test_without_a_guid_the_link_is_the_key_and_then_the_content(platform: FakeFeed, host: Host) -> None:
    platform.body = rss(
        "<item><link>https://a.example/1</link><title>a</title></item>", "<item><title>b</title></item>"
    )
    host.run()
    keys = sorted(item.native_id for item in host.stored.values())
    assert keys[0] == "https://a.example/1"
    assert keys[1].startswith(f"{platform.server.host}/feed#")
    host.run(UNTIL + timedelta(hours=1))
    assert sorted(item.native_id for item in host.stored.values()) == keys


def test_without_a_date_the_feeds_own_counts_and_then_now(platform: FakeFeed, host: Host) -> None:
    entry = "<item><guid>https://a.example/1</guid><title>a</title></item>"
    platform.body = rss(entry, channel="<pubDate>Fri, 01 May 2026 06:00:00 GMT</pubDate>")
    assert only(host).created_at == START
    platform.body = rss(entry)
    other = Host(platform.source())
    assert only(other).created_at == UNTIL


@pytest.mark.parametrize(
    "date", ["Fri, 01 May 2099 06:00:00 GMT", "someday", "0000-00-00T00:00:00Z", "Fri, 31 Dec 9999 23:59:59 GMT"]
)
def test_strange_dates_do_not_leave_the_present(platform: FakeFeed, host: Host, date: str) -> None:
    platform.body = rss(f"<item><guid>https://a.example/1</guid><title>a</title><pubDate>{date}</pubDate></item>")
    assert only(host).created_at == UNTIL


def test_a_conditional_request_brings_nothing_twice(platform: FakeFeed, host: Host) -> None:
    platform.headers |= {"ETag": '"v1"', "Last-Modified": "Fri, 01 May 2026 06:00:00 GMT"}
    platform.publish([Post("1", "acme", START)])
    host.run()
    host.run()
    assert platform.requests[0].headers.get("If-None-Match") is None
    assert platform.requests[1].headers["If-None-Match"] == '"v1"'
    assert platform.requests[1].headers["If-Modified-Since"] == "Fri, 01 May 2026 06:00:00 GMT"
    host.run()
    assert platform.requests[2].headers["If-None-Match"] == '"v1"'
    assert len(host.stored) == 1


def test_a_cursor_of_another_feed_is_not_used(platform: FakeFeed, host: Host) -> None:
    platform.headers |= {"ETag": '"v1"'}
    platform.publish([Post("1", "acme", START)])
    host.run()
    host.source = RssSource(RssOptions(url=platform.server.url_for("/other")), platform._http)
    host.run()
    assert platform.requests[1].headers.get("If-None-Match") is None


def test_a_feed_that_has_moved_on_entirely_is_a_known_gap(platform: FakeFeed, host: Host) -> None:
    platform.publish([Post("1", "acme one", START)])
    host.run()
    platform._entries.clear()
    platform.publish([Post("2", "acme two", START)])
    host.run()
    assert host.capped == 1
    host.run()
    assert host.capped == 1


def test_gzip_is_read(platform: FakeFeed, host: Host) -> None:
    platform.body = gzip.compress(rss("<item><title>acme</title></item>").encode())
    platform.headers |= {"Content-Encoding": "gzip"}
    assert only(host).text == "acme"


def test_a_feed_above_the_limit_says_how_to_raise_it(platform: FakeFeed) -> None:
    platform.body = b"x" * 300_000
    with pytest.raises(FatalSourceError, match=r"more than 0\.2 MB.*max_megabytes"):
        Host(platform.source(max_megabytes=0.2)).run()


def test_broken_xml_gives_what_can_be_read(platform: FakeFeed, host: Host) -> None:
    platform.body = rss("<item><title>acme & sons <br> &nbsp; &unknown;</title><guid>https://a.example/1</guid></item>")
    assert "acme" in only(host).text


def test_a_feed_cut_off_keeps_its_last_entry_for_next_time(platform: FakeFeed, host: Host) -> None:
    whole = rss(*(f"<item><guid>https://a.example/{n}</guid><title>acme {n}</title></item>" for n in range(3)))
    platform.headers |= {"ETag": '"v1"'}
    platform.body = whole[: whole.index("acme 2") + 3]
    host.run()
    assert host.texts == ["acme 0", "acme 1"]
    platform.body = whole
    host.run()
    assert host.texts == ["acme 0", "acme 1", "acme 2"]


def test_a_web_page_names_its_feed(platform: FakeFeed, host: Host) -> None:
    platform.body = (
        '<!doctype html><html><head><link rel="alternate" type="application/rss+xml" href="/real.xml"></head></html>'
    )
    with pytest.raises(FatalSourceError, match=r"web page, not a feed; the page names this feed: /real\.xml"):
        host.run()


@pytest.mark.parametrize("body", ['{"items": []}', "/etc/passwd", "hello", "<xml/>"])
def test_what_is_no_feed_is_refused(platform: FakeFeed, host: Host, body: str) -> None:
    platform.body = body
    with pytest.raises(FatalSourceError, match="not a feed"):
        host.run()


def test_an_empty_answer_is_tried_again(platform: FakeFeed, host: Host) -> None:
    platform.body = b""
    with pytest.raises(RetriableSourceError, match="nothing"):
        host.run()


def test_an_entry_without_words_is_skipped(platform: FakeFeed, host: Host) -> None:
    platform.body = rss("<item><guid>https://a.example/1</guid></item>", "<item><title>acme</title></item>")
    host.run()
    assert [skip.where for skip in host.skipped] == ["entry 1"]
    assert host.texts == ["acme"]


def test_entities_that_multiply_do_not_blow_up(platform: FakeFeed, host: Host) -> None:
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    declared = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY l0 "lol">{lol}]>'
    platform.body = f'{declared}<rss version="2.0"><channel><item><title>&l9;</title></item></channel></rss>'
    before = datetime.now(UTC)
    with contextlib.suppress(FatalSourceError):
        host.run()
    assert datetime.now(UTC) - before < timedelta(seconds=60)
    assert all(len(item.text) < 10_000 for item in host.stored.values())
