"""The hackernews source against a server with the real one's limits."""

import json
from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.http import Http
from listener.query import parse
from listener.source import RetriableSourceError
from tests.listener.sources.conformance import (
    START,
    UNTIL,
    Host,
    LateContract,
    MeterContract,
    Post,
    RemoteContract,
    WindowContract,
    burst,
    texts,
)
from tests.listener.sources.fake_hackernews import FakeHackerNews


@pytest.fixture
def platform(httpserver: HTTPServer, http: Http) -> FakeHackerNews:
    return FakeHackerNews(httpserver, http)


@pytest.fixture
def host(platform: FakeHackerNews) -> Host:
    return Host(platform.source())


class TestContract(RemoteContract, LateContract, WindowContract, MeterContract):
    burst_size = 1500


def test_a_dense_hour_is_halved_until_it_fits(platform: FakeHackerNews, host: Host) -> None:
    posts = burst(3000, every=0.5)
    platform.publish(posts)
    host.run()
    assert host.texts == texts(posts)
    assert host.capped == 0


def test_pages_come_oldest_first_each_with_its_own_cursor(platform: FakeHackerNews) -> None:
    platform.publish(burst(2500))
    source = platform.source()
    pages = list(source.fetch(parse("acme"), None, UNTIL))
    times = [item.created_at for page in pages for item in page.items]
    assert times == sorted(times)
    cursors = [page.cursor["until"] for page in pages]
    assert cursors == sorted(set(cursors))
    assert pages[-1].progress == 1.0


def test_a_second_above_the_cap_is_a_known_gap(platform: FakeHackerNews, host: Host) -> None:
    platform.publish(burst(1005, every=0))
    platform.publish(burst(10, first=5000, start=START + timedelta(hours=1)))
    host.run()
    assert host.capped == 1
    assert len(host.stored) == 1010
    host.run()
    assert len(host.stored) == 1010


def test_a_server_that_hands_out_fewer_a_page_loses_nothing(platform: FakeHackerNews, host: Host) -> None:
    platform.most_per_page = 50
    platform.publish(burst(400))
    host.run()
    assert host.texts == texts(burst(400))


def test_each_anchor_is_asked_and_a_hit_of_two_comes_once(platform: FakeHackerNews, host: Host) -> None:
    both = Post("1", "acme and bolt cutters", START)
    platform.publish([both, Post("2", "only bolt cutters", START), Post("3", "something else", START)])
    source_pages = list(host.source.fetch(parse('acme OR "bolt cutters"'), None, UNTIL))
    assert [item.native_id for page in source_pages for item in page.items] == ["1", "2"]
    assert [request.args["query"] for request in platform.requests] == ["acme", '"bolt cutters"']


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("acme", ["1", "2", "3", "4"]),
        ("acm", ["1", "2", "3", "4"]),
        ('"acme air"', ["1"]),
        ("acme air", ["1", "2", "4"]),
        ("acme -air", ["3"]),
        ('acme -"acme air"', ["2", "3", "4"]),
        ("acme-air", ["1", "2", "4"]),
        ("acme -river", ["1", "2"]),
        ("-river", ["1", "2"]),
    ],
)
def test_the_fake_reads_a_search_as_algolia_does(platform: FakeHackerNews, asked: str, found: list[str]) -> None:
    """Or what is asked below would prove nothing: "-" looks at links and authors, and words may go on."""
    when = int(START.timestamp())
    platform.add(objectID="1", author="ana", comment_text="Acme Air!", created_at_i=when)
    platform.add(objectID="2", author="ana", comment_text="air by <i>acme</i>", created_at_i=when)
    platform.add(objectID="3", author="riverman", comment_text="acme", created_at_i=when)
    platform.add(objectID="4", author="ana", title="Acme airlines", url="https://rivers.example", created_at_i=when)
    answer = platform.answer(Request.from_values("/api/v1/search_by_date", query_string=_asked(asked)))
    assert sorted(hit["objectID"] for hit in json.loads(answer.get_data())["hits"]) == found


def _asked(query: str) -> dict[str, str]:
    return {"query": query, "advancedSyntax": "true"}


def test_not_leaves_out_nothing_that_only_the_platform_sees(platform: FakeHackerNews, host: Host) -> None:
    when = int(START.timestamp())
    platform.publish([Post("1", "acme", START, author="riverman"), Post("2", "acme rivers", START)])
    platform.publish([Post("3", "acme by the river", START)])
    platform.add(objectID="4", author="ana", title="Acme", url="https://river.example", created_at_i=when)
    host.run(query=parse("acme -river"))
    assert sorted(item.native_id for item in host.stored.values()) == ["1", "2", "3", "4"]  # the host matches again
    assert {request.args["query"] for request in platform.requests} == {"acme"}


def test_without_a_query_everything_is_asked_for(platform: FakeHackerNews, host: Host) -> None:
    platform.publish([Post("3", "something else", START)])
    host.run(query=None)
    assert len(host.stored) == 1


def test_the_first_run_looks_back_as_far_as_told(platform: FakeHackerNews) -> None:
    platform.publish([Post("1", "acme old", UNTIL - timedelta(hours=3)), Post("2", "acme new", UNTIL)])
    host = Host(platform.source(lookback_hours=2))
    host.run()
    assert host.texts == ["acme new"]


def test_a_long_phrase_is_shortened_at_a_word(platform: FakeHackerNews, host: Host) -> None:
    list(host.source.fetch(parse(f'"{"acme " * 150}"'), None, UNTIL))
    asked = platform.requests[0].args["query"]
    assert len(asked) <= 512
    assert asked.endswith('acme"')


def test_a_story(platform: FakeHackerNews, host: Host) -> None:
    platform.add(
        objectID="42", author="pg", title="Acme raises prices", url="https://example.org/a", story_text=None,
        created_at_i=int(START.timestamp()), points=120, num_comments=7,
    )  # fmt: skip
    host.run()
    (item,) = host.stored.values()
    assert (item.kind, item.native_id, item.title, item.text) == (
        "hackernews", "42", "Acme raises prices", "Acme raises prices",
    )  # fmt: skip
    assert item.url == "https://news.ycombinator.com/item?id=42"
    assert item.reach == 120
    assert item.engagement == {"points": 120, "comments": 7}
    assert item.author is not None
    assert item.author.url == "https://news.ycombinator.com/user?id=pg"
    assert item.full_text == "Acme raises prices"


def test_a_comment(platform: FakeHackerNews, host: Host) -> None:
    platform.add(
        objectID="43", author="ana", created_at_i=int(START.timestamp()), parent_id=42, story_title="Acme",
        comment_text='I like acme.<p>See <a href="https:&#x2F;&#x2F;x.org" rel="nofollow">https:&#x2F;&#x2F;x.org</a> '
        "&amp; <i>this</i>",
    )  # fmt: skip
    host.run()
    (item,) = host.stored.values()
    assert item.text == "I like acme.\n\nSee https://x.org & this"
    assert item.title is None
    assert item.reply_to == "42"
    assert item.reach is None


def test_stories_only(platform: FakeHackerNews) -> None:
    platform.publish(burst(3))
    host = Host(platform.source(comments=False))
    host.run()
    assert host.stored == {}


def test_a_broken_hit_is_skipped_and_named(platform: FakeHackerNews, host: Host) -> None:
    platform.publish(burst(2))
    platform.add(objectID="9", author="x", comment_text="", created_at_i=int(START.timestamp()), title="acme")
    platform.hits[-1]["title"] = None
    platform.hits[-1]["url"] = "https://acme.example"
    host.run()
    assert [skip.where for skip in host.skipped] == ["item 9"]
    assert len(host.stored) == 2


def test_json_that_is_no_search_result(platform: FakeHackerNews, host: Host) -> None:
    platform.fail(lambda request, response: Response('{"message": "index moved"}', content_type="application/json"))
    with pytest.raises(RetriableSourceError, match="ESCUCHA_HACKERNEWS_URL"):
        host.run()
