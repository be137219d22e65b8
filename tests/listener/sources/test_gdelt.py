"""The gdelt source against a server with the real one's limits and manners."""

import json
from datetime import timedelta

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.http import USER_AGENT, Http
from listener.query import parse
from listener.source import FatalSourceError, RetriableSourceError
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
from tests.listener.sources.fake_gdelt import FakeGdelt, said


@pytest.fixture
def platform(httpserver: HTTPServer, http: Http) -> FakeGdelt:
    return FakeGdelt(httpserver, http)


@pytest.fixture
def host(platform: FakeGdelt) -> Host:
    return Host(platform.source())


class TestContract(RemoteContract, LateContract, WindowContract, MeterContract):
    pass


def test_an_article(platform: FakeGdelt, host: Host) -> None:
    platform.add("https://diario.example/a?utm_source=x", " Acme sube los precios ", START, language="Spanish")
    host.run()
    (item,) = host.stored.values()
    assert (item.kind, item.native_id) == ("gdelt", "https://diario.example/a?utm_source=x")
    assert (item.text, item.title, item.full_text) == ("Acme sube los precios",) * 3
    assert (item.url, item.lang, item.created_at) == (item.native_id, "es", START)
    assert item.author is not None
    assert (item.author.native_id, item.author.url) == ("news.example", "https://news.example")
    assert (item.reach, item.engagement, item.edited_at) == (None, {}, None)


def test_a_language_without_a_code_and_a_very_long_address(platform: FakeGdelt, host: Host) -> None:
    long = f"https://news.example/{'a' * 3000}"
    platform.add(long, "acme", START, language="Klingon")
    platform.add(f"{long}b", "acme other", START)
    host.run()
    assert sorted(item.lang or "" for item in host.stored.values()) == ["", "en"]
    assert all(len(item.native_id) < 300 for item in host.stored.values())
    assert {item.url for item in host.stored.values()} == {long, f"{long}b"}


@pytest.mark.parametrize("ends_belong", [True, False])
def test_a_dense_day_is_halved_until_it_fits(platform: FakeGdelt, host: Host, *, ends_belong: bool) -> None:
    # As GDELT stamps them: at each quarter of an hour.
    posts = [
        Post(f"{quarter}-{n}", f"acme {quarter} {n}", START + timedelta(minutes=15 * quarter))
        for quarter in range(20)
        for n in range(60)
    ]
    platform.ends_belong = ends_belong
    platform.publish(posts)
    host.run()
    assert host.texts == texts(posts)
    assert host.capped == 0


def test_a_run_of_one_request_at_a_time_comes_to_its_end(platform: FakeGdelt) -> None:
    # As when other processes use up the quota that all share.
    posts = burst(1500)
    platform.publish(posts)
    host = Host(platform.source())
    for _ in range(60):
        before = len(platform.requests)
        host.run(stop_after=1)
        assert len(platform.requests) == before + 1
    assert host.texts == texts(posts)


def test_how_long_windows_may_be_is_remembered_and_grows_again(platform: FakeGdelt, host: Host) -> None:
    platform.publish(burst(1500))
    host.run()
    (place,) = host.cursor["places"].values() if host.cursor else ()
    assert place["at"] == place["until"] == int(UNTIL.timestamp())
    before = len(platform.requests)
    for hours in range(1, 6):
        host.run(UNTIL + timedelta(hours=hours))
    assert len(platform.requests) == before + 5


def test_more_than_fits_into_the_shortest_window_is_a_known_gap(platform: FakeGdelt) -> None:
    platform.publish(burst(300, every=1))
    platform.publish(burst(10, first=5000, start=START + timedelta(hours=3)))
    pages = list(platform.source().fetch(parse("acme"), None, UNTIL))
    (capped,) = (page for page in pages if page.capped)
    assert capped.gap is not None
    assert capped.gap[0] <= START
    assert capped.gap[1] - capped.gap[0] <= timedelta(minutes=30)
    assert {item.text for item in pages[-1].items} <= {post.text for post in burst(10, first=5000)}


def test_windows_that_gdelt_finds_too_short_are_widened(platform: FakeGdelt, host: Host) -> None:
    platform.shortest = timedelta(hours=1)
    posts = burst(700, every=20)
    platform.publish(posts)
    host.run()
    assert host.texts == texts(posts)
    assert host.capped == 0


def test_a_short_window_of_the_past_is_asked_for_in_one_that_gdelt_takes(platform: FakeGdelt, host: Host) -> None:
    platform.publish(burst(30, every=60))
    host.run(START + timedelta(minutes=12), since=START + timedelta(minutes=10))
    assert {"acme post number 11", "acme post number 13"} <= set(host.texts)


def test_every_search_is_asked_and_an_article_of_two_comes_once(platform: FakeGdelt, host: Host) -> None:
    platform.publish([Post("1", "acme and bolt cutters", START), Post("2", "bolt cutters", START)])
    host.run(query=parse('acme OR "bolt cutters"'))
    assert [request.args["query"] for request in platform.requests] == ['(acme OR "bolt cutters")']
    assert len(host.stored) == 2
    assert platform.requests[0].headers["User-Agent"] == USER_AGENT


class Refusal:
    """Makes a platform refuse the searches that hold a word, if only for a while."""

    def __init__(self, word: str) -> None:
        self.word = word

    def on(self, platform: FakeGdelt) -> None:
        answer = platform.answer

        def instead(request: Request) -> Response:
            if self.word and self.word in request.args["query"]:
                return said("One or more of your keywords were too short, too long or too common.\n")
            return answer(request)

        platform.answer = instead  # type: ignore[method-assign]


def two_searches() -> tuple[str, int]:
    """A query that takes more than one search, because together they are too long."""
    names = [f"acmename{n:02d}{'x' * 30}" for n in range(12)]
    return " OR ".join(names), len(names)


def test_a_refused_search_holds_up_no_other_and_loses_nothing(platform: FakeGdelt, host: Host) -> None:
    query, count = two_searches()
    posts = [Post(str(n), f"acmename{n:02d}{'x' * 30}", START) for n in range(count)]
    platform.publish(posts)
    refusal = Refusal(posts[0].text)
    refusal.on(platform)
    host.run(query=parse(query))
    assert 0 < len(host.stored) < count
    (unread,) = host.unread
    assert "too common" in unread
    assert posts[0].text in unread
    assert "Change the query" in unread
    refusal.word = ""
    host.run(UNTIL + timedelta(hours=8), query=parse(query))
    assert host.texts == texts(posts)


def test_where_every_search_is_refused_a_person_must_act(platform: FakeGdelt, host: Host) -> None:
    Refusal("acme").on(platform)
    with pytest.raises(FatalSourceError, match=r"refuses the search 'acme': One or more .*Change the query") as raised:
        host.run()
    assert raised.value.may_pass


def test_a_changed_query_is_read_from_where_the_old_one_was_left(platform: FakeGdelt) -> None:
    host = Host(platform.source(lookback_hours=1))
    host.run()
    unread = Post("1", "bolt news", UNTIL + timedelta(hours=2))
    platform.publish([unread])
    host.run(UNTIL + timedelta(days=2), query=parse("bolt"))
    assert host.texts == ["bolt news"]


def test_an_interrupted_run_reads_again_what_may_have_come_late(platform: FakeGdelt) -> None:
    platform.publish(burst(300))
    host = Host(platform.source())
    host.run(stop_after=4)
    late = Post("late", "acme late", UNTIL - timedelta(minutes=50))
    platform.publish([late])
    host.run(UNTIL + timedelta(days=1))
    assert host.texts == texts([*burst(300), late])


def test_what_gdelt_cannot_search_for_is_said(platform: FakeGdelt, host: Host) -> None:
    with pytest.raises(FatalSourceError, match="nothing that GDELT can search for"):
        host.run(query=parse("bp"))
    with pytest.raises(FatalSourceError, match="can only be searched"):
        host.run(query=None)
    assert platform.requests == []


@pytest.mark.parametrize("code", [200, 429])
def test_too_many_requests_in_words(platform: FakeGdelt, host: Host, code: int) -> None:
    platform.publish(burst(3))
    platform.fail(lambda request, response: said("Please limit requests to one every 5 seconds or contact us.", code))
    with pytest.raises(RetriableSourceError, match="too many requests"):
        host.run()
    if code == 200:
        assert platform.meter.heard == [(0, 5.0)]
    host.run()
    assert host.texts == texts(burst(3))


def test_an_empty_answer_is_no_empty_result(platform: FakeGdelt, host: Host) -> None:
    platform.publish(burst(3))
    platform.fail(lambda request, response: said(""))
    with pytest.raises(RetriableSourceError, match="answered with nothing"):
        host.run()
    assert host.cursor is None


def careless(request: Request, response: Response) -> Response:
    """The same articles with what GDELT has been seen to send: a stray backslash, a tab, a byte that is no UTF-8."""
    body = response.get_data().replace(b"number 1", b"number\\ \\x 1").replace(b"number 2", b"number\t\x01 \xff2")
    return Response(body, content_type="application/json")


def test_careless_json_is_read(platform: FakeGdelt, host: Host) -> None:
    platform.publish(burst(3))
    platform.fail(careless)
    host.run()
    assert host.texts == sorted(["acme post number\\ \\x 1", "acme post number\t\x01 \ufffd2", "acme post number 3"])
    assert not host.skipped


def test_good_escapes_stay_what_they_are(platform: FakeGdelt, host: Host) -> None:
    text = 'acme \\ "quoted" \u00e9 \\u0041 \\\\n \U0001f600 end\\'
    platform.publish([Post("1", text, START)])
    host.run()
    assert host.texts == [text]


def test_one_broken_article_spoils_no_other(platform: FakeGdelt, host: Host) -> None:
    platform.publish(burst(3))
    platform.fail(
        lambda request, response: Response(
            response.get_data().replace(b"number 2", b'number "2"'), content_type="application/json"
        )
    )
    host.run()
    assert host.texts == ["acme post number 1", "acme post number 3"]
    assert [skip.where for skip in host.skipped] == ["article 2"]


def test_half_an_answer_of_the_announced_length_is_not_taken_for_the_whole(platform: FakeGdelt, host: Host) -> None:
    platform.publish(burst(30))
    platform.fail(
        lambda request, response: Response(
            response.get_data()[: response.content_length // 2], content_type="application/json"
        )
    )
    with pytest.raises(RetriableSourceError, match="broke off in the middle"):
        host.run()
    host.run()
    assert host.texts == texts(burst(30))


def test_articles_not_as_documented_are_named(platform: FakeGdelt, host: Host) -> None:
    platform.publish(burst(1))
    platform.add("javascript:alert(1)", "acme", START)
    platform.add("https://a.example/1", "acme", START)
    platform.fail(
        lambda request, response: Response(
            json.dumps(
                {
                    "articles": [
                        *json.loads(response.get_data())["articles"],
                        {"url": "https://a.example/2", "title": "", "seendate": "20260501T060000Z"},
                        {"url": "https://a.example/3", "title": "acme", "seendate": "yesterday"},
                        "text",
                    ]
                }
            ),
            content_type="application/json",
        )
    )
    host.run()
    assert [skip.where for skip in host.skipped] == [
        "article javascript:alert(1)", "article https://a.example/2", "article https://a.example/3", "article 6",
    ]  # fmt: skip
    assert len(host.stored) == 2


def test_json_that_holds_no_articles(platform: FakeGdelt, host: Host) -> None:
    platform.fail(lambda request, response: Response('{"error": "x"}', content_type="application/json"))
    with pytest.raises(RetriableSourceError, match="ESCUCHA_GDELT_URL"):
        host.run()
