"""The reddit source, through the real praw, against a server that speaks Reddit's protocol."""

import json
import logging
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from listener.http import Http
from listener.items import Item
from listener.query import parse
from listener.registry import build
from listener.source import FatalSourceError, Limit, RetriableSourceError
from listener.tools import Tools
from tests.listener.sources.conformance import (
    QUERY,
    START,
    UNTIL,
    CountingMeter,
    EditContract,
    Host,
    LateContract,
    MeterContract,
    Post,
    RecheckContract,
    RemoteContract,
    TokenContract,
    VanishContract,
    WindowContract,
    burst,
    html_page,
    status,
    texts,
)
from tests.listener.sources.fake_reddit import CLIENT_ID, SECRET, FakeReddit


@pytest.fixture
def platform(httpserver: HTTPServer, http: Http) -> FakeReddit:
    return FakeReddit(httpserver, http)


@pytest.fixture
def host(platform: FakeReddit) -> Host:
    return Host(platform.source())


class TestContract(
    RemoteContract,
    LateContract,
    TokenContract,
    WindowContract,
    EditContract,
    VanishContract,
    RecheckContract,
    MeterContract,
):
    pass


def one(host: Host) -> Item:
    (item,) = host.stored.values()
    return item


def asked(platform: FakeReddit) -> list[str]:
    return [request.path.removeprefix("/oauth/") for request in platform.requests if "/oauth/" in request.path]


class TestListings:
    def test_submissions_and_comments_of_each_subreddit(self, platform: FakeReddit) -> None:
        platform.submit("acme here", START, subreddit="travel")
        platform.comment("acme there", START, subreddit="travel")
        host = Host(platform.source(subreddits=["r/airlines", "/r/travel/", "Travel"]))
        host.run()
        assert asked(platform) == ["r/airlines/new", "r/airlines/comments", "r/travel/new", "r/travel/comments"]
        assert host.texts == ["acme here", "acme there"]

    def test_comments_only(self, platform: FakeReddit) -> None:
        platform.publish(burst(4))
        host = Host(platform.source(what=["comments"]))
        host.run()
        assert asked(platform) == ["r/airlines/comments"]
        assert host.texts == texts(burst(4)[1::2])

    def test_more_between_two_polls_than_a_listing_holds_is_a_known_gap(self, platform: FakeReddit) -> None:
        host = Host(platform.source(what=["comments"]))
        platform.comment("acme long ago", START)
        host.run(START + timedelta(minutes=1))
        for second in range(1300):
            platform.comment(f"acme {second}", START + timedelta(hours=1, seconds=second))
        pages = list(host.source.fetch(QUERY, host.cursor, UNTIL))
        assert sum(len(page.items) for page in pages) == 1000
        assert [page.capped for page in pages] == [False] * 9 + [True]
        assert pages[-1].gap == (START - host.source.lag, START + timedelta(hours=1, seconds=300))

    def test_a_small_subreddit_that_is_read_to_its_first_day_has_no_gap(self, platform: FakeReddit, host: Host) -> None:
        platform.publish(burst(500))
        host.run()
        assert host.capped == 0

    def test_removed_things_shorten_a_listing_and_the_gap_is_known_all_the_same(self, platform: FakeReddit) -> None:
        for second in range(1300):
            name = platform.comment(f"acme {second}", START + timedelta(seconds=second))
            if second % 12 == 0:
                platform.remove(name)
        platform.ends = 917
        host = Host(platform.source(what=["comments"]))
        host.run()
        assert host.capped == 1

    def test_paging_stops_where_the_last_run_stood_less_the_lag(self, platform: FakeReddit) -> None:
        host = Host(platform.source(what=["comments"]))
        for minute in range(600):
            platform.comment(f"acme {minute}", START + timedelta(minutes=minute))
        host.run()
        before = len(asked(platform))
        platform.comment("acme new", UNTIL + timedelta(minutes=1))
        host.run(UNTIL + timedelta(minutes=2))
        assert len(asked(platform)) - before == 1
        assert "acme new" in host.texts

    def test_the_post_that_stood_last_is_deleted_and_nothing_is_lost(self, platform: FakeReddit, host: Host) -> None:
        """What ``before`` would lose."""
        platform.publish(burst(40))
        host.run()
        for number in (39, 40):
            platform.delete(str(number))
        new = burst(20, first=100, start=UNTIL)
        platform.publish(new)
        host.run(UNTIL + timedelta(hours=1))
        assert set(texts(new)) <= set(host.texts)

    def test_the_anchor_of_a_page_is_deleted_before_the_next_is_asked(self, platform: FakeReddit) -> None:
        names = [platform.comment(f"acme {n}", START + timedelta(minutes=n)) for n in range(350)]
        platform.before_page = lambda number: platform.remove(names[250])  # the last one of the first page
        host = Host(platform.source(what=["comments"]))
        host.run()
        assert len(host.stored) == 350
        assert host.capped == 0

    def test_all_anchors_are_deleted_and_the_listing_is_read_again_from_its_top(self, platform: FakeReddit) -> None:
        names = [platform.comment(f"acme {n}", START + timedelta(minutes=n)) for n in range(350)]
        host = Host(platform.source(what=["comments"]))
        host.run(stop_after=1)
        for name in names[250:260]:
            platform.remove(name)
        host.source = platform.source(what=["comments"])
        host.run()
        assert len(host.stored) == 350
        assert host.capped == 0

    def test_a_run_left_for_long_meets_the_end_of_the_listing(self, platform: FakeReddit) -> None:
        for n in range(350):
            platform.comment(f"acme {n}", START + timedelta(seconds=n))
        host = Host(platform.source(what=["comments"]))
        host.run(stop_after=1)
        for n in range(1200):
            platform.comment(f"acme later {n}", START + timedelta(hours=1, seconds=n))
        host.run()
        assert host.capped == 1
        host.run()
        assert "acme later 1199" in host.texts

    def test_what_was_approved_late_does_not_end_the_paging(self, platform: FakeReddit) -> None:
        host = Host(platform.source(what=["comments"]))
        platform.comment("acme first", START)
        host.run(START + timedelta(minutes=30))
        for n in range(300):
            platform.comment(f"acme {n}", START + timedelta(minutes=60, seconds=n))
        old = platform.comment("acme held back", START - timedelta(hours=5))
        platform.things[old]["_place"] = (START + timedelta(minutes=60, seconds=200.5)).timestamp()
        host.run()
        assert len(host.stored) == 301

    def test_what_is_posted_while_a_run_is_broken_off_comes_with_the_next(self, platform: FakeReddit) -> None:
        host = Host(platform.source(what=["comments"]))
        for n in range(250):
            platform.comment(f"acme {n}", START + timedelta(minutes=n))
        host.run(stop_after=1)
        for n in range(120):
            platform.comment(f"acme meanwhile {n}", START + timedelta(minutes=300 + n))
        host.run()
        host.run()
        assert len(host.stored) == 370

    def test_nothing_older_than_the_lookback(self, platform: FakeReddit) -> None:
        platform.comment("acme old", UNTIL - timedelta(hours=3))
        platform.comment("acme new", UNTIL - timedelta(hours=1))
        host = Host(platform.source(lookback_hours=2))
        host.run()
        assert host.texts == ["acme new"]


class TestSearch:
    def test_all_over_reddit(self, platform: FakeReddit) -> None:
        platform.submit("acme lost my bag", START, subreddit="travel")
        platform.submit("something else", START, subreddit="travel")
        platform.comment("acme in a comment", START, subreddit="travel")
        host = Host(platform.source(subreddits=[], search=True))
        host.run(query=parse('acme OR "acme air"'))
        assert host.texts == ["acme lost my bag"]
        request = platform.requests[-1]
        assert request.path == "/oauth/search"
        assert request.args["q"] == 'acme OR "acme air"'
        assert (request.args["sort"], request.args["limit"]) == ("new", "100")

    def test_within_subreddits_and_their_comments(self, platform: FakeReddit) -> None:
        host = Host(platform.source(search=True))
        host.run()
        assert asked(platform) == ["r/airlines/search", "r/airlines/comments"]

    def test_a_search_ends_sooner(self, platform: FakeReddit) -> None:
        for n in range(300):
            platform.submit(f"acme {n}", START + timedelta(minutes=n))
        host = Host(platform.source(subreddits=[], search=True))
        host.run()
        assert len(host.stored) == 250
        assert host.capped == 1

    def test_a_search_needs_words(self, platform: FakeReddit) -> None:
        with pytest.raises(FatalSourceError, match="add a brand"):
            Host(platform.source(search=True)).run(query=None)

    def test_a_query_that_cannot_be_asked_is_told(self, platform: FakeReddit) -> None:
        with pytest.raises(FatalSourceError, match="cannot be searched for any of this query"):
            Host(platform.source(search=True)).run(query=parse("x" * 600))

    def test_a_changed_query_is_a_new_search_with_its_own_lookback(self, platform: FakeReddit) -> None:
        platform.submit("bolt is here", START)
        host = Host(platform.source(subreddits=[], search=True))
        host.run(query=parse("acme"))
        host.run(UNTIL + timedelta(hours=1), query=parse("bolt"))
        assert host.texts == ["bolt is here"]


class TestThings:
    def test_a_submission(self, platform: FakeReddit, host: Host) -> None:
        name = platform.submit("Acme raises prices", START, "ana", selftext="Says acme & co.\n\n&gt; really", score=-4)
        host.run()
        item = one(host)
        assert (item.kind, item.native_id, item.title) == ("reddit", name, "Acme raises prices")
        assert item.text == "Says acme & co.\n\n&gt; really"
        assert item.url == f"https://www.reddit.com/r/airlines/comments/{name[3:]}/a_title/"
        assert item.author is not None
        assert (item.author.native_id, item.author.handle, item.author.url) == (
            "t2_ana", "ana", "https://www.reddit.com/user/ana",
        )  # fmt: skip
        assert item.reach == 0
        assert item.engagement == {"points": -4, "comments": 3}
        assert item.reply_to is item.repost_of is item.edited_at is None
        assert platform.requests[-1].args["raw_json"] == "1"

    def test_a_link(self, platform: FakeReddit, host: Host) -> None:
        platform.submit("Acme in the news", START, is_self=False, url="https://news.example/acme")
        platform.submit("Acme in a picture", START, is_self=False, url="https://i.redd.it/acme.png")
        platform.submit("Acme in a trap", START, is_self=False, url="javascript:alert(1)")
        host.run()
        assert host.texts == ["Acme in a picture", "Acme in a trap", "Acme in the news\nhttps://news.example/acme"]

    def test_a_crosspost(self, platform: FakeReddit, host: Host) -> None:
        parent = {"selftext": "all about acme", "title": "Acme"}
        platform.submit("Look at this", START, crosspost_parent="t3_origin", crosspost_parent_list=[parent])
        host.run()
        assert one(host).repost_of == "t3_origin"
        assert one(host).text == "all about acme"

    def test_a_comment(self, platform: FakeReddit, host: Host) -> None:
        name = platform.comment("acme is fine", START, "bea", parent_id="t1_above")
        host.run()
        item = one(host)
        assert (item.native_id, item.text, item.title, item.reply_to) == (name, "acme is fine", None, "t1_above")
        assert item.url == f"https://www.reddit.com/r/airlines/comments/above/a_title/{name[3:]}/"
        assert item.reach == 12
        assert item.engagement == {"points": 12}

    def test_an_edit_has_its_time(self, platform: FakeReddit, host: Host) -> None:
        platform.publish(burst(1))
        platform.edit("1", "acme, as I meant", START + timedelta(minutes=9))
        host.run()
        assert one(host).edited_at == START + timedelta(minutes=9)

    def test_what_lost_its_words_while_listed_is_told_as_gone(self, platform: FakeReddit, host: Host) -> None:
        platform.publish(burst(6))
        host.run()
        platform.vanish("3")
        platform.things[platform.names["4"]]["body"] = "[deleted]"
        platform.things[platform.names["5"]]["author"] = "[deleted]"
        pages = list(platform.source(lookback_hours=100).fetch(QUERY, None, UNTIL))
        assert {name for page in pages for name in page.deleted} == {platform.names[n] for n in ("3", "4", "5")}
        assert len([item for page in pages for item in page.items]) == 3

    def test_what_is_not_as_documented_is_skipped_and_named(self, platform: FakeReddit, host: Host) -> None:
        platform.publish(burst(3))
        broken = platform.comment("acme", START, created_utc=START.timestamp())
        platform.things[broken]["created_utc"] = "yesterday"
        empty = platform.comment(" ", START)
        platform.things[empty]["body"] = None
        bare = platform.submit("acme bare", START, score=None, num_comments=None, permalink=None, edited=True)
        host.run()
        assert sorted(skip.where for skip in host.skipped) == sorted([f"thing {broken}", f"thing {empty}"])
        assert host.stored["reddit", bare].url == f"https://www.reddit.com/comments/{bare[3:]}"
        assert len(host.stored) == 4


class TestAccess:
    def test_the_app_logs_in_and_names_itself(self, platform: FakeReddit, host: Host) -> None:
        host.run()
        login = platform.requests[0]
        assert login.path == "/www/api/v1/access_token"
        assert login.form["grant_type"] == "client_credentials"
        agents = {request.headers["User-Agent"] for request in platform.requests}
        assert len(agents) == 1
        assert agents.pop().startswith(f"server:escucha.{CLIENT_ID}:v0.1 (by the owner of this client id)")

    def test_with_user_name_and_password(self, platform: FakeReddit) -> None:
        Host(platform.source(username="ana", password="hunter2")).run()
        assert platform.requests[0].form["grant_type"] == "password"
        assert "(by /u/ana)" in platform.requests[0].headers["User-Agent"]

    def test_a_wrong_password(self, platform: FakeReddit, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        with pytest.raises(FatalSourceError, match=r"invalid_grant.*of the type script") as raised:
            Host(platform.source(username="ana", password="letmein77")).run()
        assert "letmein77" not in str(raised.value) + caplog.text
        assert SECRET not in caplog.text

    def test_a_wrong_secret(self, platform: FakeReddit) -> None:
        with pytest.raises(FatalSourceError, match=r"access_token answered 401.*credentials"):
            Host(platform.source(client_secret="wrong")).run()
        assert len(platform.requests) == 1

    def test_a_token_that_ran_out_is_renewed_once(self, platform: FakeReddit) -> None:
        platform.token_lives = 3
        platform.publish(burst(1000))
        host = Host(platform.source())
        host.run()
        assert host.texts == texts(burst(1000))
        assert len(platform.tokens) > 2

    def test_a_token_that_is_never_taken(self, platform: FakeReddit, host: Host) -> None:
        platform.token_lives = 0
        with pytest.raises(FatalSourceError, match="401"):
            host.run()
        assert len(platform.tokens) == 2

    def test_no_praw_ini_and_no_environment_has_a_say(
        self, platform: FakeReddit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("praw.ini").write_text("[DEFAULT]\nusername=planted\npassword=planted\nclient_id=planted\n")
        monkeypatch.setattr("praw.config.Config.CONFIG", None)  # it reads its files once
        for name in ("client_id", "username", "password", "user_agent", "refresh_token"):
            monkeypatch.setenv(f"praw_{name}", "planted")
        monkeypatch.setenv("praw_site", "planted")
        platform.publish(burst(2))
        host = Host(platform.source())
        host.run()
        assert len(host.stored) == 2
        assert platform.requests[0].form["grant_type"] == "client_credentials"

    def test_the_account_is_named_without_its_secret(self, http: Http) -> None:
        accounts = []

        def meter(*account: Any) -> CountingMeter:
            accounts.append(account)
            return CountingMeter()

        options = {"client_id": CLIENT_ID, "client_secret": SECRET, "subreddits": ["airlines"]}
        build("reddit", options, Tools(http, meter=meter))
        ((name, limits, cap),) = accounts
        assert name.startswith("reddit:")
        assert SECRET not in name
        assert limits == (Limit(1000, timedelta(minutes=10)),)
        assert cap is None


class TestRefusals:
    def test_the_limit_s_reset_is_in_seconds(self, platform: FakeReddit, host: Host) -> None:
        platform.publish(burst(1000))
        platform.left = 2
        begun = time.monotonic()
        with pytest.raises(RetriableSourceError, match="429") as raised:
            host.run()
        assert raised.value.retry_after == 321
        assert (1, 321) in platform.meter.heard
        assert time.monotonic() - begun < 5  # the library's own limiter would sleep here
        platform.left = 1000
        host.run()
        assert host.texts == texts(burst(1000))

    def test_a_private_subreddit(self, platform: FakeReddit, host: Host) -> None:
        platform.private.add("airlines")
        with pytest.raises(FatalSourceError, match=r"r/airlines/new.*403.*private"):
            host.run()

    def test_a_subreddit_that_is_not_there(self, platform: FakeReddit) -> None:
        with pytest.raises(FatalSourceError, match="no subreddit of that name"):
            Host(platform.source(subreddits=["nowhere"])).run()

    @pytest.mark.parametrize("request_number", [1, 2])
    @pytest.mark.parametrize("body", ["[]", "null", "{}", '{"kind": "Listing", "data": []}', ""])
    def test_json_that_is_nothing_of_reddit_s(
        self, platform: FakeReddit, host: Host, body: str, request_number: int
    ) -> None:
        platform.publish(burst(2))
        platform.fail(lambda request, response: Response(body, content_type="application/json"), request=request_number)
        with pytest.raises(RetriableSourceError):
            host.run()
        host.run()
        assert len(host.stored) == 2

    @pytest.mark.parametrize("request_number", [1, 2])
    def test_a_web_page_at_the_door_and_inside(self, platform: FakeReddit, host: Host, request_number: int) -> None:
        platform.fail(html_page, request=request_number)
        with pytest.raises(RetriableSourceError, match="web page"):
            host.run()

    @pytest.mark.parametrize("code", [401, 403, 404])
    def test_a_refusal_of_the_listing_itself(self, platform: FakeReddit, host: Host, code: int) -> None:
        platform.fail(status(code), request=2)
        if code == 401:
            host.run()  # renewed
            return
        with pytest.raises(FatalSourceError, match=str(code)):
            host.run()

    def test_trouble_is_told_at_once_and_not_tried_again_by_the_library(self, platform: FakeReddit, host: Host) -> None:
        platform.fail(status(503), request=2)
        with pytest.raises(RetriableSourceError, match="503"):
            host.run()
        assert len(platform.requests) == 2

    def test_reddit_s_own_words(self, platform: FakeReddit, host: Host) -> None:
        body = json.dumps({"reason": "quarantined", "message": "Forbidden", "error": 403})
        platform.fail(lambda request, response: Response(body, 403, content_type="application/json"), request=2)
        with pytest.raises(FatalSourceError, match="quarantined"):
            host.run()


class TestGone:
    def test_why_a_thing_is_gone(self, platform: FakeReddit, host: Host) -> None:
        platform.publish(burst(6))
        host.run()
        names = [platform.names[str(n)] for n in range(1, 7)]
        platform.delete("1")
        platform.vanish("2")
        platform.vanish("3")
        del platform.things[names[3]]
        platform.things[names[4]]["removed_by_category"] = "content_takedown"
        assert platform.source().gone([*names, "not a name"]) == {
            names[0]: "deleted by its author",
            names[1]: "removed",
            names[2]: "removed by moderators",
            names[3]: "no longer there",
            names[4]: "removed after a legal notice",
        }

    def test_nothing_to_look_up_asks_nothing(self, platform: FakeReddit) -> None:
        assert platform.source().gone(["x"]) == {}
        assert platform.requests == []

    @pytest.mark.parametrize("body", ["{}", '{"kind": "Listing", "data": {}}'])
    def test_an_answer_that_is_no_listing_is_no_deletion(self, platform: FakeReddit, host: Host, body: str) -> None:
        platform.publish(burst(2))
        platform.fail(lambda request, response: Response(body, content_type="application/json"), request=2)
        with pytest.raises(RetriableSourceError, match="ESCUCHA_REDDIT_URL"):
            platform.source().gone(list(platform.names.values()))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "name at least one, or set search: true"),
        ({"search": True, "what": ["comments"]}, "no search for comments"),
        ({"subreddits": ["airlines"], "search": True, "what": ["comments"]}, "finds submissions"),
        ({"subreddits": ["air lines"]}, "no name of a subreddit"),
        ({"subreddits": ["airlines"], "username": "ana"}, "belong together"),
        ({"subreddits": ["airlines"], "user_agent": "héllo wörld"}, "plain characters"),
        ({"subreddits": ["airlines"], "lookback_hours": 0}, "lookback_hours"),
    ],
)
def test_options_that_cannot_be(http: Http, options: dict[str, Any], words: str) -> None:
    with pytest.raises(FatalSourceError, match=words):
        build("reddit", {"client_id": CLIENT_ID, "client_secret": SECRET, **options}, Tools(http))


def test_posts_of_one_second_all_arrive(platform: FakeReddit, host: Host) -> None:
    posts = [Post(str(n), f"acme {n}", START) for n in range(300)]
    platform.publish(posts)
    host.run()
    assert host.texts == texts(posts)
