"""The youtube source against a server that speaks the Data API."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Response

from listener.http import USER_AGENT, Http
from listener.query import parse
from listener.source import CursorExpired, FatalSourceError, Priced, RetriableSourceError
from listener.sources.youtube import LIMITS, YouTubeOptions
from listener.sources.youtube.api import until_midnight
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
    TokenContract,
    WindowContract,
    burst,
    texts,
)
from tests.listener.sources.fake_youtube import CHANNEL, KEY, SECOND, VIDEO, FakeYouTube, error


@pytest.fixture
def platform(httpserver: HTTPServer, http: Http) -> FakeYouTube:
    return FakeYouTube(httpserver, http)


@pytest.fixture
def host(platform: FakeYouTube) -> Host:
    return Host(platform.source())


class TestContract(
    RemoteContract, LateContract, TokenContract, WindowContract, EditContract, RecheckContract, MeterContract
):
    pass


def asked(platform: FakeYouTube, method: str) -> list[Any]:
    return [request.args for request in platform.requests if request.path.endswith(f"/{method}")]


def test_a_comment(platform: FakeYouTube, host: Host) -> None:
    thread = platform.comment(Post("1", "acme is fine", START), likeCount=7, updatedAt="2026-05-01T07:00:00Z")
    platform.reply(thread, Post("2", "no, acme is not", START + timedelta(minutes=1), author="bo"))
    host.run()
    comment, reply = (host.stored["youtube", native_id] for native_id in ("Ug1", "Ug1.2"))
    assert (comment.text, comment.created_at, comment.edited_at) == ("acme is fine", START, START + timedelta(hours=1))
    assert comment.url == f"https://www.youtube.com/watch?v={VIDEO}&lc=Ug1"
    assert comment.author is not None
    assert (comment.author.native_id, comment.author.handle, comment.author.name) == ("UCana", "ana", "@ana")
    assert comment.author.url == "http://www.youtube.com/@ana"
    assert (comment.reach, comment.engagement) == (7, {"likes": 7, "replies": 1})
    assert (comment.reply_to, reply.reply_to, reply.edited_at) == (None, "Ug1", None)
    assert reply.url == f"https://www.youtube.com/watch?v={VIDEO}&lc=Ug1.2"


def test_replies_that_do_not_fit_into_the_thread_are_asked_for_and_only_when_there_are_more(
    platform: FakeYouTube, host: Host
) -> None:
    thread = platform.comment(Post("1", "acme", START))
    answers = burst(230, first=100, start=START + timedelta(minutes=1))
    for post in answers:
        platform.reply(thread, post)
    host.run()
    assert host.texts == texts([Post("1", "acme", START), *answers])
    assert len(asked(platform, "comments")) == 3
    host.run(UNTIL + timedelta(minutes=10))
    assert len(asked(platform, "comments")) == 3
    late = Post("999", "acme, a day later", UNTIL + timedelta(minutes=15))
    platform.reply(thread, late)
    platform.replies[thread].insert(0, platform.replies[thread].pop())  # not among the five that stand in the thread
    host.run(UNTIL + timedelta(minutes=20))
    assert late.text in host.texts
    assert len(asked(platform, "comments")) == 6


def test_a_reply_that_comes_as_another_goes_is_found(platform: FakeYouTube, host: Host) -> None:
    thread = platform.comment(Post("1", "acme", START))
    for post in burst(20, first=100, start=START + timedelta(minutes=1)):
        platform.reply(thread, post)
    host.run()
    del platform.replies[thread][3]
    for post in burst(1, first=900, start=UNTIL):
        platform.reply(thread, post)
    host.run(UNTIL + timedelta(minutes=5))
    assert "acme post number 900" in host.texts
    assert len(asked(platform, "comments")) == 2


@pytest.mark.parametrize("stop_after", [1, 2, 3, 4])
def test_a_run_broken_off_among_replies_goes_on_there(platform: FakeYouTube, stop_after: int) -> None:
    thread = platform.comment(Post("1", "acme", START))
    answers = burst(350, first=100, start=START + timedelta(minutes=1))
    for post in answers:
        platform.reply(thread, post)
    host = Host(platform.source())
    host.run(stop_after=stop_after)
    before = len(platform.requests)
    host.source = platform.source()
    platform.publish(burst(3, first=7000, start=UNTIL + timedelta(minutes=1)))  # said while nobody read
    host.run(UNTIL + timedelta(minutes=5))
    assert len(platform.requests) == 5 - stop_after + before == 5
    host.run(UNTIL + timedelta(minutes=6))
    assert len(host.stored) == 354


def test_what_was_said_while_a_broken_off_run_lay_for_days_is_not_lost(platform: FakeYouTube) -> None:
    platform.publish(burst(250))
    host = Host(platform.source(replies_hours=1))
    host.run(stop_after=1)
    meanwhile = burst(150, first=7000, start=UNTIL + timedelta(hours=1), every=1)
    platform.publish(meanwhile)
    host.run(UNTIL + timedelta(days=5))
    host.run(UNTIL + timedelta(days=5, minutes=1))
    assert host.texts == texts([*burst(250), *meanwhile])


def test_without_replies_none_is_asked_for(platform: FakeYouTube) -> None:
    thread = platform.comment(Post("1", "acme", START))
    for post in burst(20, first=100):
        platform.reply(thread, post)
    host = Host(platform.source(replies=False))
    host.run()
    assert host.texts == ["acme"]
    assert len(platform.requests) == 1


def test_a_thread_deleted_between_listing_and_its_replies_stops_nothing(platform: FakeYouTube, host: Host) -> None:
    for number in ("1", "2"):
        thread = platform.comment(Post(number, f"acme {number}", START))
        for post in burst(8, first=100 * int(number)):
            platform.reply(thread, post)
    platform.gone_between.add("Ug1")
    host.run()
    assert len(host.stored) == 2 + 5 + 8
    assert [skip.where for skip in host.skipped] == ["replies to Ug1"]


def test_a_target_that_cannot_be_read_is_told_and_read_on_from_there_when_it_is_back(platform: FakeYouTube) -> None:
    for video in ("closed-vid1", "private-vi1"):
        platform.found(video, "x", START)
    platform.comment(Post("1", "acme open", START))
    platform.comment(Post("2", "acme below the closed one", START), video="closed-vid1")
    platform.closed.add("closed-vid1")
    platform.private.add("private-vi1")
    host = Host(platform.source(channels=[], videos=["closed-vid1", "deleted-vi1", "private-vi1", VIDEO]))
    host.run()
    assert host.texts == ["acme open"]
    assert host.unread == [
        "video closed-vid1: The video has disabled comments: have its comments opened, or leave it out",
        "video deleted-vi1: The video could not be found: leave it out",
        "video private-vi1: Insufficient permissions: have its comments opened, or leave it out",
    ]
    platform.closed.clear()
    host.run(UNTIL + timedelta(hours=2))
    assert host.texts == ["acme below the closed one", "acme open"]


def test_a_closed_target_does_not_make_a_big_one_begin_again_after_each_interruption(platform: FakeYouTube) -> None:
    platform.publish(burst(700))
    make = platform.source_of_parts
    platform.spoil_part()
    host = Host(make())
    for _ in range(3):
        kept = json.dumps(host.provisional)
        host.run(stop_after=2)
        assert json.dumps(host.provisional) != kept
        host.source = make()
    host.run()
    asked = [r.args.get("pageToken") for r in platform.requests if r.args.get("videoId") == VIDEO]
    assert len(asked) == len(set(asked)) == 7
    assert [r.args.get("videoId") for r in platform.requests].count(SECOND) == 1
    assert host.texts == texts(burst(700))


def test_the_cursor_that_it_was_given_stays_as_it_was(platform: FakeYouTube, host: Host) -> None:
    platform.publish(burst(250))
    host.run(stop_after=1)
    kept = json.dumps(host.provisional)
    for _page in platform.source().fetch(QUERY, host.provisional, UNTIL + timedelta(hours=1)):
        pass
    assert json.dumps(host.provisional) == kept


@pytest.mark.parametrize("key", ["abc\ndef", "klucz-ł", "two words", " "])
def test_a_key_that_fits_no_header_is_told_without_a_word_of_it(platform: FakeYouTube, key: str) -> None:
    with pytest.raises(ValidationError, match="copy the API key") as raised:
        platform.source(api_key=key)
    assert key.strip() == "" or key not in str(raised.value)


def test_where_none_is_shown_they_are_gone_if_another_is(platform: FakeYouTube, host: Host) -> None:
    platform.publish(burst(4))
    host.run()
    for number in ("1", "2", "3"):
        platform.delete(number)
    assert platform.source().gone(["Ug1", "Ug2", "Ug3"]) == dict.fromkeys(["Ug1", "Ug2", "Ug3"], "deleted")
    assert platform.source().gone(["Ug1"]) == {"Ug1": "deleted"}
    platform.delete("4")
    with pytest.raises(RetriableSourceError, match="none of 1 comments"):
        platform.source().gone(["Ug1"])


def test_where_nothing_at_all_can_be_read_a_person_must_act(platform: FakeYouTube) -> None:
    host = Host(platform.source(channels=[CHANNEL[:-1] + "9"]))
    with pytest.raises(
        FatalSourceError, match=r"none of the channels and videos could be read: channel UC.*not be found"
    ):
        host.run()
    assert host.cursor is None
    with pytest.raises(FatalSourceError) as again:
        host.run()
    assert str(again.value).count("channel UC") == 1


def test_the_key_is_sent_in_a_header_and_shown_nowhere(
    platform: FakeYouTube, http: Http, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    platform.publish(burst(1))
    wrong = "AIzaSyWrong_Wrong_Wrong_Wrong_Wrong_Wro"
    with pytest.raises(FatalSourceError, match=r"refuses the API key \(400: API key not valid.*enabled") as raised:
        Host(platform.source(api_key=wrong)).run()
    Host(platform.source()).run()
    assert all(KEY not in request.url and "key" not in request.args for request in platform.requests)
    assert platform.requests[0].headers["User-Agent"] == USER_AGENT
    assert wrong not in str(raised.value)
    shown = caplog.text + repr(platform.source().__dict__) + repr(YouTubeOptions(api_key=KEY, search=True))
    assert wrong not in caplog.text
    assert KEY not in shown.replace(repr({"X-Goog-Api-Key": KEY}), "")


def test_an_api_that_is_not_enabled_is_said(platform: FakeYouTube, host: Host) -> None:
    platform.fail(
        lambda request, response: error(
            403, "forbidden", "YouTube Data API v3 has not been used in project 1 before or it is disabled.",
            "PERMISSION_DENIED", details=[{"reason": "SERVICE_DISABLED"}],
        )
    )  # fmt: skip
    with pytest.raises(FatalSourceError, match=r"it is disabled.*is enabled in its project"):
        host.run()


@pytest.mark.parametrize(
    ("date", "hours"),
    [
        ("Fri, 01 May 2026 18:00:00 GMT", 13.0),  # 11:00 in California's summer
        ("Sat, 10 Jan 2026 07:30:00 GMT", 0.5),  # 23:30 in its winter
        ("Sun, 08 Mar 2026 09:00:00 GMT", 22.0),  # 01:00 on the day its clocks go forward
        ("Sun, 01 Nov 2026 08:00:00 GMT", 24.0),  # 01:00 on the day they go back
        ("whenever", 1.0),
        (None, 1.0),
    ],
)
def test_midnight_in_california(date: str | None, hours: float) -> None:
    assert until_midnight(date) == hours * 3600


def test_a_spent_day_is_waited_out(platform: FakeYouTube, host: Host) -> None:
    platform.publish(burst(250))
    platform.units_a_day = 1
    with pytest.raises(RetriableSourceError, match=r"used up; .*midnight Pacific time, in [\d.]+ hours") as raised:
        host.run()
    assert raised.value.retry_after is not None
    assert 0 < raised.value.retry_after <= 25 * 3600
    assert platform.meter.heard == [(0, raised.value.retry_after)]
    platform.units_a_day = 1000
    host.run()
    assert host.texts == texts(burst(250))


@pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded"])
def test_too_many_at_once_is_waited_out(platform: FakeYouTube, host: Host, reason: str) -> None:
    platform.publish(burst(3))
    platform.fail(lambda request, response: error(403, reason, "Too many requests."))
    with pytest.raises(RetriableSourceError, match="too many requests at once"):
        host.run()
    host.run()
    assert len(host.stored) == 3


def test_a_place_the_platform_forgot_begins_again(platform: FakeYouTube, host: Host) -> None:
    platform.publish(burst(350))
    host.run(stop_after=2)
    platform.forget_tokens = True
    with pytest.raises(CursorExpired):
        host.run()
    with pytest.raises(RetriableSourceError, match=r"processing|failed"):  # its trouble, not our cursor's
        list(host.source.fetch(None, None, UNTIL))
    platform.forget_tokens = False
    host.provisional = None  # what the host does then
    host.run()
    assert host.texts == texts(burst(350))


def test_an_ordinary_visit_costs_one_unit_a_target(platform: FakeYouTube, host: Host) -> None:
    platform.publish(burst(90, start=UNTIL - timedelta(minutes=30)))
    host.run()
    platform.meter.asked.clear()
    host.run(UNTIL + timedelta(minutes=10))
    assert platform.meter.asked == [1]
    assert LIMITS[0].weight == 10_000


class TestSearch:
    def test_videos_are_found_and_their_comments_read(self, platform: FakeYouTube) -> None:
        platform.found("other-vid_1", "Acme, reviewed", START)
        platform.found("unrelated-1", "cats", START)
        platform.comment(Post("1", "acme one", START))
        platform.comment(Post("2", "acme two", START), video="other-vid_1")
        platform.comment(Post("3", "acme below cats", START), video="unrelated-1")
        host = Host(platform.source(channels=[], search=True))
        host.run()
        assert host.texts == ["acme one", "acme two"]
        assert platform.meter.asked == [100, 1, 1]
        (search,) = asked(platform, "search")
        assert (search["q"], search["type"], search["publishedBefore"]) == ("acme", "video", "2026-05-01T18:00:00Z")

    def test_no_more_searches_a_day_than_allowed(self, platform: FakeYouTube) -> None:
        host = Host(platform.source(channels=[], search=True, searches_a_day=4))
        for minutes in range(0, 24 * 60, 30):
            host.run(UNTIL + timedelta(minutes=minutes))
        assert platform.meter.asked.count(100) == 4

    def test_another_query_is_searched_for_at_once(self, platform: FakeYouTube) -> None:
        host = Host(platform.source(channels=[], search=True))
        host.run()
        host.run(UNTIL + timedelta(minutes=1), query=parse('acme OR "bolt cutters"'))
        assert [search["q"] for search in asked(platform, "search")] == ["acme", 'acme|"bolt cutters"']

    def test_a_search_is_not_paid_for_twice_when_reading_fails_afterwards(self, platform: FakeYouTube) -> None:
        platform.publish(burst(3))
        host = Host(platform.source(channels=[], search=True))
        platform.fail(lambda request, response: Response("no", 500), request=2)
        assert host.run_through_troubles() == 1
        assert platform.meter.asked.count(100) == 1
        assert len(host.stored) == 3

    def test_the_newest_videos_are_kept_and_one_closed_is_dropped(self, platform: FakeYouTube) -> None:
        for number in range(5):
            platform.found(f"acme-vid_1{number}", "acme", START + timedelta(minutes=number))
        platform.closed.add("acme-vid_14")
        host = Host(platform.source(channels=[], search=True, search_videos=3))
        host.run()
        assert [skip.where for skip in host.skipped] == ["video acme-vid_14"]
        assert host.cursor is not None
        assert sorted(host.cursor["videos"]) == ["acme-vid_12", "acme-vid_13"]
        host.run(UNTIL + timedelta(minutes=10))
        assert len(host.skipped) == 1

    def test_a_search_that_is_not_allowed_needs_a_person(self, platform: FakeYouTube) -> None:
        platform.fail(lambda request, response: error(403, "forbidden", "Access forbidden."))
        with pytest.raises(FatalSourceError, match="does not let this key search: Access forbidden"):
            Host(platform.source(search=True)).run()

    def test_without_a_query_nothing_is_searched_for(self, platform: FakeYouTube) -> None:
        host = Host(platform.source(search=True))
        host.run(query=None)
        assert asked(platform, "search") == []

    def test_a_window_of_the_past_is_searched_for_itself(self, platform: FakeYouTube) -> None:
        platform.publish(burst(5))
        host = Host(platform.source(channels=[], search=True))
        host.run(since=START)
        assert host.texts == texts(burst(5))
        assert asked(platform, "search")[0]["publishedAfter"] == "2026-04-01T06:00:00Z"


class TestEstimate:
    def test_pages_are_told_from_how_far_the_first_one_reaches(self, platform: FakeYouTube) -> None:
        platform.publish(burst(1000, every=60, start=UNTIL - timedelta(minutes=1000)))
        source = platform.source(replies_hours=1)
        assert isinstance(source, Priced)
        estimate = source.estimate(QUERY, UNTIL - timedelta(minutes=540), UNTIL)
        assert platform.meter.asked == [1]
        host = Host(source)
        host.run(since=UNTIL - timedelta(minutes=540))
        assert estimate.weight == estimate.requests
        assert abs(estimate.requests - (len(platform.requests) - 1)) <= 1

    def test_replies_and_searches_count(self, platform: FakeYouTube) -> None:
        thread = platform.comment(Post("1", "acme", START))
        for post in burst(230, first=100):
            platform.reply(thread, post)
        estimate = platform.source(search=True, search_videos=7).estimate(QUERY, START, UNTIL)
        assert (estimate.requests, estimate.weight) == (1 + 7 + 1 + 3, 100 + 7 + 1 + 3)
        assert platform.source(replies=False).estimate(None, START, UNTIL).requests == 1

    def test_what_cannot_be_read_costs_the_asking(self, platform: FakeYouTube) -> None:
        platform.closed.add(VIDEO)
        assert platform.source(channels=[], videos=[VIDEO]).estimate(QUERY, START, UNTIL).requests == 1


def test_lookups_that_refuse_the_whole_request_are_halved(platform: FakeYouTube, host: Host) -> None:
    platform.publish(burst(30))
    platform.strict_lookups = True
    ids = [f"Ug{number}" for number in range(1, 31)]
    assert platform.source().gone(ids) == {}
    platform.delete("7")
    platform.delete("30")
    assert platform.source().gone(ids) == {"Ug7": "deleted", "Ug30": "deleted"}


def test_a_refused_lookup_is_no_deletion(platform: FakeYouTube) -> None:
    platform.publish(burst(3))
    platform.fail(lambda request, response: error(403, "forbidden", "Insufficient permissions."))
    with pytest.raises(FatalSourceError, match="Insufficient"):
        platform.source().gone(["Ug1", "Ug2"])


def test_replies_can_be_looked_up_too(platform: FakeYouTube) -> None:
    thread = platform.comment(Post("1", "acme", START))
    reply = platform.reply(thread, Post("2", "acme", START))
    assert platform.source().gone([thread, reply, f"{thread}.gone"]) == {f"{thread}.gone": "deleted"}


def test_broken_entries_are_named_and_stop_nothing(platform: FakeYouTube, host: Host) -> None:
    platform.publish(burst(2))
    platform.comment(Post("8", "", START))
    platform.comment(Post("9", "acme", START), publishedAt="yesterday")
    platform.comment(Post("10", "acme nobody", START), authorDisplayName="", authorChannelId=None, authorChannelUrl="")
    platform.reply("Ug1", Post("11", "acme", START))
    platform.replies["Ug1"][0]["snippet"] = None
    host.run()
    assert sorted(skip.where for skip in host.skipped) == ["comment Ug1.11", "comment Ug8", "comment Ug9"]
    assert host.stored["youtube", "Ug10"].author is None
    assert len(host.stored) == 3


def test_a_comment_on_the_channel_itself(platform: FakeYouTube, host: Host) -> None:
    platform.comment(Post("1", "acme", START), video="")
    host.run()
    assert host.stored["youtube", "Ug1"].url == f"https://www.youtube.com/channel/{CHANNEL}/community?lc=Ug1"


def test_json_that_is_no_list(platform: FakeYouTube, host: Host) -> None:
    platform.fail(lambda request, response: Response('{"kind": "x"}', content_type="application/json"))
    with pytest.raises(RetriableSourceError, match="ESCUCHA_YOUTUBE_URL"):
        host.run()


def test_a_redirect_does_not_carry_the_key_away(platform: FakeYouTube, host: Host, httpserver: HTTPServer) -> None:
    platform.fail(lambda request, response: Response("", 302, {"Location": httpserver.url_for("/elsewhere")}))
    with pytest.raises(FatalSourceError, match="302"):
        host.run()
    assert len(platform.requests) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "name channels or videos, or set search: true"),
        ({"channels": ["@acme"]}, "which begins with UC"),
        ({"videos": ["https://youtu.be/acme-vid_01"]}, "the 11 characters after v="),
    ],
)
def test_what_is_wrong_with_options_is_said(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        YouTubeOptions(api_key=KEY, **options)
