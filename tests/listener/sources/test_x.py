"""The x source, through the real tweepy, against a server that speaks X's protocol."""

import json
import logging
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlmodel import col, select
from werkzeug import Response

from listener.http import USER_AGENT, Http
from listener.items import Item
from listener.jobs.collect import collect
from listener.jobs.recheck import recheck
from listener.open_source import OpenSource
from listener.query import parse
from listener.quota import Meters, QuotaSpent
from listener.registry import build
from listener.source import FatalSourceError, Limit, Priced, RetriableSourceError
from listener.sources.x import refusals
from listener.sources.x.posts import id_at
from listener.store.engine import Store
from listener.store.tables import Mention, Spend
from listener.tools import Endpoints, Tools
from tests.conftest import Clock
from tests.listener.conftest import Site
from tests.listener.sources.conformance import (
    QUERY,
    START,
    UNTIL,
    CountingMeter,
    EditContract,
    Fault,
    Host,
    LateContract,
    MeterContract,
    Post,
    RecheckContract,
    RemoteContract,
    TokenContract,
    WindowContract,
    burst,
    html_page,
    status,
    texts,
)
from tests.listener.sources.fake_x import TOKEN, FakeX


@pytest.fixture
def platform(httpserver: HTTPServer, http: Http) -> FakeX:
    return FakeX(httpserver, http)


@pytest.fixture
def host(platform: FakeX) -> Host:
    return Host(platform.source())


class TestContract(RemoteContract, LateContract, TokenContract, WindowContract, EditContract, RecheckContract):
    pass


class TestMeter(MeterContract):
    """What is asked for must be enough for pages that are full of the dearest posts."""

    @pytest.fixture
    def platform(self, httpserver: HTTPServer, http: Http) -> FakeX:
        platform = FakeX(httpserver, http)
        platform.dearest = True
        return platform

    def test_a_page_of_the_dearest_posts_costs_what_was_set_aside(self, platform: FakeX) -> None:
        platform.publish(burst(10))
        host = Host(platform.source(daily_cap=2))
        host.run()
        assert platform.requests[0].args["max_results"] == "10"
        assert len(host.stored) == 10
        assert platform.meter.spent == platform.meter.most == 10 * Decimal("0.025")

    def test_without_originals_and_with_their_price_only(self, platform: FakeX) -> None:
        platform.publish(burst(300))
        for options in ({"reposts": False}, {"price_per_user": 0}, {"price_per_post": 0}):
            platform.meter = CountingMeter()
            Host(platform.source(**options)).run()
            assert 0 < platform.meter.spent <= platform.meter.most


def one(host: Host) -> Item:
    (item,) = host.stored.values()
    return item


class TestWhatIsAsked:
    def test_a_search_as_documented(self, platform: FakeX, host: Host) -> None:
        host.run()
        (request,) = platform.requests
        assert request.args["query"] == "acme"
        assert request.args["max_results"] == "100"
        assert int(request.args["since_id"]) == id_at(UNTIL - timedelta(hours=24)) - 1
        assert request.args["expansions"] == "author_id,referenced_tweets.id"
        assert "note_tweet" in request.args["tweet.fields"]
        assert "until_id" not in request.args
        assert "start_time" not in request.args  # X refuses ids and times together
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert request.headers["User-Agent"] == USER_AGENT

    def test_since_id_stays_the_same_to_the_last_page_and_the_next_run_starts_below_the_newest(
        self, platform: FakeX, host: Host
    ) -> None:
        posts = burst(250)
        platform.publish(posts)
        host.run()
        assert len({request.args["since_id"] for request in platform.requests}) == 1
        assert [("next_token" in request.args) for request in platform.requests] == [False, True, True]
        host.run(UNTIL + timedelta(hours=1))
        newest = posts[-1].said_at
        assert int(platform.requests[-1].args["since_id"]) == id_at(newest - host.source.lag) - 1

    def test_a_long_query_becomes_several_searches_and_each_keeps_its_own_place(self, platform: FakeX) -> None:
        names = [f"acme{n:03} {'x' * 30}" for n in range(20)]
        query = parse(" OR ".join(f'"{name}"' for name in names))
        posts = [Post(str(n), f"I like {name}", START + timedelta(minutes=n)) for n, name in enumerate(names)]
        platform.publish(posts)
        host = Host(platform.source())
        host.run(query=query)
        asked = [request.args["query"] for request in platform.requests]
        assert len(asked) > 1
        assert all(len(search) <= 512 for search in asked)
        assert host.texts == texts(posts)
        # What is said of one search's names while another is read must not fall between them.
        late = Post("99", f"and {names[0]}", START + timedelta(minutes=15))
        platform.publish([late])
        host.run(UNTIL + timedelta(hours=1), query=query)
        assert late.text in host.texts

    def test_a_search_broken_off_in_the_second_search_goes_on_there(self, platform: FakeX) -> None:
        names = [f"acme{n:03} {'x' * 30}" for n in range(20)]
        query = parse(" OR ".join(f'"{name}"' for name in names))
        posts = [
            Post(f"{n}-{m}", f"{name} {m}", START + timedelta(minutes=n, seconds=m))
            for n, name in enumerate(names)
            for m in range(20)
        ]
        platform.publish(posts)
        whole = Host(platform.source())
        whole.run(query=query)
        assert whole.texts == texts(posts)
        for stop in range(1, whole.pages):
            host = Host(platform.source())
            host.run(query=query, stop_after=stop)
            before = len(platform.requests)
            host.source = platform.source()
            host.run(query=query)
            assert host.texts == texts(posts)
            assert len(platform.requests) - before == whole.pages - stop  # nothing is read (and paid) twice

    def test_what_is_posted_while_a_run_is_broken_off_comes_with_the_next(self, platform: FakeX, host: Host) -> None:
        posts = burst(250)
        platform.publish(posts)
        host.run(stop_after=1)
        new = burst(30, first=5000, start=UNTIL - timedelta(minutes=30))
        platform.publish(new)
        host.run()
        host.run(UNTIL + timedelta(minutes=5))
        assert host.texts == texts([*posts, *new])

    def test_a_run_does_not_change_the_cursor_that_it_was_given(self, platform: FakeX, host: Host) -> None:
        platform.publish(burst(300))
        host.run(stop_after=1)
        before = json.dumps(host.provisional)
        assert len(list(host.source.fetch(QUERY, host.provisional, UNTIL))) > 1
        assert json.dumps(host.provisional) == before

    def test_a_query_that_shrank_while_a_run_was_broken_off(self, platform: FakeX, host: Host) -> None:
        names = [f"acme{n:03} {'x' * 30}" for n in range(20)]
        platform.publish(Post(str(n), name, START) for n, name in enumerate(names))
        host.run(query=parse(" OR ".join(f'"{name}"' for name in names)), stop_after=1)
        first = platform.requests[0].args["query"]
        host.run(query=parse(first.strip("()")))
        assert host.provisional is None
        assert host.cursor is not None
        assert "run" not in host.cursor

    def test_without_reposts_less_is_asked_and_paid(self, platform: FakeX) -> None:
        original = platform.add("acme is great", START)
        platform.repost(original, START + timedelta(minutes=1))
        host = Host(platform.source(reposts=False))
        host.run()
        assert platform.requests[0].args["query"] == "(acme) -is:retweet"
        assert platform.requests[0].args["expansions"] == "author_id"
        assert host.texts == ["acme is great"]

    def test_a_query_that_cannot_be_asked_is_told(self, host: Host) -> None:
        with pytest.raises(FatalSourceError, match="cannot be asked for any of this query"):
            host.run(query=parse("x" * 600))

    def test_nothing_can_be_read_without_a_query(self, host: Host) -> None:
        with pytest.raises(FatalSourceError, match="add a brand"):
            host.run(query=None)


class TestSevenDays:
    def test_a_gap_longer_than_seven_days_is_told_and_jumped_over(self, platform: FakeX, host: Host) -> None:
        platform.publish(burst(5))
        host.run()
        later = UNTIL + timedelta(days=10)
        platform.now = later
        platform.publish([Post("50", "acme too old", UNTIL + timedelta(days=1)), Post("51", "acme new", later)])
        pages = list(host.source.fetch(QUERY, host.cursor, later))
        assert [item.text for page in pages for item in page.items] == ["acme new"]
        assert [page.capped for page in pages] == [True]
        gap = pages[0].gap
        assert gap is not None
        assert abs(gap[0] - UNTIL) <= timedelta(minutes=2)
        assert timedelta(0) <= later - timedelta(days=7) + timedelta(minutes=10) - gap[1] < timedelta(minutes=1)

    def test_nothing_said_for_long_is_no_gap(self, platform: FakeX, host: Host) -> None:
        platform.publish(burst(5))
        host.run()
        for day in range(1, 12):
            platform.now = UNTIL + timedelta(days=day, minutes=1)
            host.run(UNTIL + timedelta(days=day))
        assert host.capped == 0

    def test_x_s_own_word_for_too_old_is_obeyed(self, platform: FakeX, host: Host) -> None:
        """Our clock is a day and a half slow, so only X knows."""
        platform.publish(burst(5))
        host.run()
        platform.now = UNTIL + timedelta(days=7, hours=12)
        platform.publish([Post("51", "acme new", UNTIL + timedelta(days=5))])
        pages = list(host.source.fetch(QUERY, host.cursor, UNTIL + timedelta(days=6)))
        assert [request.args["since_id"] for request in platform.requests[-2:]] == [
            str(id_at(burst(5)[-1].said_at - host.source.lag) - 1),
            str(id_at(platform.now - timedelta(days=7) + timedelta(minutes=1))),
        ]
        assert [item.text for page in pages for item in page.items] == ["acme new"]
        assert pages[0].gap == (
            UNTIL - host.source.lag, platform.now - timedelta(days=7) + timedelta(minutes=1)
        )  # fmt: skip

    def test_a_run_left_for_days_goes_on_with_what_is_left_of_it(self, platform: FakeX, host: Host) -> None:
        posts = burst(300, every=600)  # two days
        platform.publish(posts)
        until = START + timedelta(days=2, hours=12)
        platform.now = until
        host = Host(platform.source(lookback_hours=72))
        host.run(until, stop_after=1)
        platform.now = START + timedelta(days=7, hours=12)
        host.run(platform.now - timedelta(hours=1))
        assert host.capped == 1
        lost = [post for post in posts if post.text not in host.texts]
        assert {post.said_at < START + timedelta(hours=12, minutes=2) for post in lost} == {True}

    def test_a_window_partly_too_old(self, platform: FakeX, host: Host) -> None:
        platform.publish(burst(5, start=UNTIL - timedelta(days=6)))
        pages = list(host.source.fetch(QUERY, None, UNTIL, UNTIL - timedelta(days=30)))
        assert len([item for page in pages for item in page.items]) == 5
        assert pages[0].capped
        assert pages[0].gap is not None
        assert abs(pages[0].gap[0] - (UNTIL - timedelta(days=30))) < timedelta(seconds=1)

    def test_a_window_that_ends_now_is_tried_again_in_a_moment(self, platform: FakeX, host: Host) -> None:
        platform.fail(
            problem(400, errors=[{"message": "'until_id' must be a tweet id created at least 10 seconds ago"}])
        )
        with pytest.raises(RetriableSourceError, match="in a moment") as raised:
            host.run(since=START)
        assert raised.value.retry_after == 30


class TestPosts:
    def test_a_post(self, platform: FakeX, host: Host) -> None:
        post_id = platform.add("acme & sons <3 &amp; co", START, "ana", lang="es")
        host.run()
        item = one(host)
        assert (item.kind, item.native_id, item.text, item.lang) == ("x", post_id, "acme & sons <3 &amp; co", "es")
        assert item.url == f"https://x.com/ana/status/{post_id}"
        assert item.author is not None
        assert (item.author.handle, item.author.name, item.author.followers) == ("ana", "Ana", 250)
        assert item.author.url == "https://x.com/ana"
        assert item.reach == 250
        assert item.engagement == {"likes": 7, "reposts": 2, "replies": 1, "quotes": 0}
        assert item.edited_at is None

    def test_a_long_post_comes_whole(self, platform: FakeX, host: Host) -> None:
        long = "acme " + "tells a long story " * 100
        platform.add(long, START)
        host.run()
        assert one(host).text == long

    def test_a_repost_has_the_original_s_whole_text(self, platform: FakeX, host: Host) -> None:
        said = (
            "a story that names nobody for a long, long time, until after a hundred and forty characters it turns out "
            * 2
        )
        original = platform.add(f"{said} to be about acme", START)
        repost = platform.repost(original, START + timedelta(minutes=5))
        host.run()
        item = host.stored["x", repost]
        assert item.text.endswith("to be about acme")
        assert item.repost_of == original
        assert item.author is not None
        assert item.author.handle == "bea"
        assert item.engagement == {}  # they are the original's
        assert host.stored["x", original].repost_of is None

    def test_a_repost_whose_original_has_gone_keeps_its_own_words(self, platform: FakeX, host: Host) -> None:
        original = platform.add("acme was here", START - timedelta(days=2))
        repost = platform.repost(original, START)
        del platform.posts[original]
        host.run()
        assert host.stored["x", repost].text == "RT @ana: acme was here"
        assert host.stored["x", repost].repost_of == original

    def test_quotes_and_replies(self, platform: FakeX, host: Host) -> None:
        first = platform.add("something else", START)
        refers = [{"type": "quoted", "id": first}, {"type": "replied_to", "id": "55"}]
        urls = [
            {"url": "https://t.co/aaaaaaaaaa", "expanded_url": f"https://x.com/ana/status/{first}"},
            {"url": "https://t.co/bbbbbbbbbb", "expanded_url": "https://x.com/a/status/1/photo/1", "media_key": "3_1"},
            {"url": "https://t.co/cccccccccc", "expanded_url": "https://acme.example/offer?a=1&b=2"},
            {"url": "https://t.co/dddddddddd", "expanded_url": "javascript:alert(1)"},
        ]
        text = " ".join(["see acme", *(url["url"] for url in urls)])
        platform.add(text, START + timedelta(minutes=1), referenced_tweets=refers, entities={"urls": urls})
        host.run()
        item = one(host)
        assert (item.quote_of, item.reply_to, item.repost_of) == (first, "55", None)
        assert item.text.split() == ["see", "acme", "https://acme.example/offer?a=1&b=2", "https://t.co/dddddddddd"]

    def test_an_edit_is_no_second_mention(self, platform: FakeX, host: Host) -> None:
        platform.publish([Post("1", "acme is fine", START)])
        host.run()
        platform.edit("1", "acme is not fine", START + timedelta(minutes=20))
        pages = list(platform.source().fetch(QUERY, host.cursor, UNTIL + timedelta(hours=1)))
        (item,) = [item for page in pages for item in page.items]
        assert item.native_id == platform.ids["1"]
        assert item.created_at == START
        assert item.edited_at is not None
        assert abs(item.edited_at - START - timedelta(minutes=20)) < timedelta(seconds=1)

    def test_a_reply_to_an_edited_post_names_its_first_version(self, platform: FakeX, host: Host) -> None:
        platform.publish([Post("1", "something else", START)])
        platform.edit("1", "something new", START + timedelta(minutes=5))
        newest = platform.posts[platform.ids["1"]]["edit_history_tweet_ids"][-1]
        refers = [{"type": "replied_to", "id": newest}]
        platform.add("acme!", START + timedelta(minutes=9), referenced_tweets=refers)
        host.run()
        assert one(host).reply_to == platform.ids["1"]

    def test_what_is_not_as_documented_is_skipped_and_named(self, platform: FakeX, host: Host) -> None:
        platform.publish(burst(3))
        broken = platform.add("acme", START)
        platform.posts[broken]["created_at"] = "yesterday"
        bare = platform.add("acme bare", START, author_id=None, public_metrics=None, lang=7, entities=[1])
        host.run()
        assert [skip.where for skip in host.skipped] == [f"post {broken}"]
        assert host.stored["x", bare].author is None
        assert len(host.stored) == 4


class TestRefusals:
    def test_the_limit_s_reset_is_the_time_to_wait(self, platform: FakeX, host: Host) -> None:
        platform.publish(burst(300))
        platform.left = 1
        with pytest.raises(RetriableSourceError, match="429") as raised:
            host.run()
        assert raised.value.retry_after is not None
        assert 595 <= raised.value.retry_after <= 601
        assert platform.meter.heard[0][0] == 0
        platform.left = 450
        host.run()
        assert host.texts == texts(burst(300))

    def test_the_reset_is_measured_by_the_clock_that_wrote_it(self) -> None:
        headers = {"x-rate-limit-remaining": "3", "x-rate-limit-reset": str(int(UNTIL.timestamp()) + 77)}
        assert refusals.left(headers | {"Date": "Fri, 01 May 2026 18:00:00 GMT"}) == (3, 77)
        assert refusals.left(headers | {"Date": "Fri, 01 May 2026 19:00:00 GMT"}) == (3, 0)
        assert refusals.left(headers | {"Date": "today"}) == (3, None)
        assert refusals.left({"x-rate-limit-remaining": "-", "x-rate-limit-reset": "soon", "Date": "x"}) == (None, None)
        assert refusals.spent_only(headers) == (None, None)

    def test_a_month_that_is_used_up(self, platform: FakeX, host: Host) -> None:
        platform.fail(
            problem(
                429, type="https://api.twitter.com/2/problems/usage-capped", title="UsageCapExceeded",
                detail="Usage cap exceeded: Monthly product cap", period="Monthly", scope="Product",
            )
        )  # fmt: skip
        with pytest.raises(RetriableSourceError, match="all that X allows it this month") as raised:
            host.run()
        assert raised.value.retry_after == 6 * 3600

    @pytest.mark.parametrize(
        ("status", "body", "words"),
        [
            (402, {"title": "CreditsDepleted", "detail": "no credits"}, "buy some"),
            (403, {"title": "Client Forbidden", "detail": "must be attached to a Project"}, "attached to a Project"),
            (400, {"errors": [{"message": "Ambiguous use of OR"}], "detail": "x"}, "Ambiguous use of OR"),
            (401, ["strange"], "credentials"),
        ],
    )
    def test_a_person_is_told_in_x_s_own_words(
        self, platform: FakeX, host: Host, status: int, body: Any, words: str
    ) -> None:
        platform.fail(lambda request, response: Response(json.dumps(body), status, content_type="application/json"))
        with pytest.raises(FatalSourceError, match=words):
            host.run()
        assert platform.meter.spent == 0

    def test_a_wrong_token_is_told_and_never_shown(self, platform: FakeX, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        with pytest.raises(FatalSourceError, match="401") as raised:
            Host(platform.source(bearer_token="AAAAsecret")).run()
        assert "AAAAsecret" not in str(raised.value)
        assert "AAAAsecret" not in caplog.text

    @pytest.mark.parametrize("body", ["[]", "null", '{"errors": [{"detail": "something broke"}]}', "{}"])
    def test_json_that_is_no_page(self, platform: FakeX, host: Host, body: str) -> None:
        platform.fail(lambda request, response: Response(body, content_type="application/json"))
        with pytest.raises(RetriableSourceError, match="ESCUCHA_X_URL"):
            host.run()


class TestMoney:
    def test_each_page_is_asked_for_at_its_most_and_paid_at_what_came(self, platform: FakeX) -> None:
        platform.publish(burst(3))
        original = platform.add("acme original", START)
        platform.repost(original, START + timedelta(minutes=1))
        platform.publish([Post("77", "acme by another", START, "bea")])
        Host(platform.source()).run()
        # Six posts, one of which came along once more as an original, and two authors.
        assert platform.meter.spent == 7 * Decimal("0.005") + 2 * Decimal("0.010")
        assert platform.meter.most == 100 * Decimal("0.025")

    def test_a_small_purse_gets_small_pages(self, platform: FakeX) -> None:
        Host(platform.source(daily_cap=5)).run()
        assert platform.requests[0].args["max_results"] == "20"
        Host(platform.source(daily_cap=1, price_per_user=0)).run()
        assert platform.requests[1].args["max_results"] == "10"
        assert platform.meter.most == 20 * Decimal("0.025") + 10 * Decimal("0.015")

    def test_the_purse_runs_dry_in_the_middle_and_nothing_is_lost_or_paid_twice(self, platform: FakeX) -> None:
        posts = burst(1000)
        platform.publish(posts)
        platform.meter = Purse(Decimal("2.5"))
        host = Host(platform.source())
        for _day in range(3):
            with pytest.raises(RetriableSourceError, match="purse"):
                host.run()
            platform.meter.left = Decimal("2.5")
        platform.meter.left = Decimal(100)
        host.run()
        assert host.texts == texts(posts)
        assert host.capped == 0
        assert platform.meter.spent == 1000 * Decimal("0.005") + 10 * Decimal("0.010")

    def test_the_host_s_own_purse_holds_the_day_s_cap_and_the_run_goes_on_the_next_day(
        self, platform: FakeX, http: Http, store: Store, clock: Clock
    ) -> None:
        posts = burst(250)
        platform.publish(posts)
        tools = Tools(http, Endpoints(x=platform.server.url_for("")), Meters(store, clock, lambda seconds: True))
        options = {"bearer_token": TOKEN, "daily_cap": 1, "price_per_user": 0}
        host = Host(build("x", options, tools))
        with pytest.raises(QuotaSpent, match=r"day's cap of \$1.00"):
            host.run()
        assert len(host.stored) == 180  # one page more could cost more than the dollar
        clock.advance(days=1)
        host.source = build("x", options, tools)  # another process
        host.run()
        assert host.texts == texts(posts)
        with store.reading() as session:
            days = [spend.amount for spend in session.exec(select(Spend).order_by(col(Spend.day)))]
        assert days == [Decimal("0.90"), Decimal("0.35")]

    def test_what_broke_off_or_was_refused_is_not_paid(self, platform: FakeX, host: Host) -> None:
        platform.publish(burst(3))
        for fault in (status(500), html_page):
            platform.fail(fault)
            with pytest.raises(RetriableSourceError):
                host.run()
        assert platform.meter.spent == 0

    def test_a_window_s_price_is_known_before(self, platform: FakeX) -> None:
        platform.publish(burst(240, every=60))
        source = platform.source()
        assert isinstance(source, Priced)
        estimate = source.estimate(QUERY, START, START + timedelta(minutes=199))
        assert estimate.requests == 2
        assert estimate.cost == 200 * Decimal("0.025")
        assert [request.path for request in platform.requests] == ["/2/tweets/counts/recent"]
        assert platform.meter.spent == Decimal("0.005")

    def test_a_price_reaches_no_further_than_x(self, platform: FakeX) -> None:
        platform.publish(burst(10))
        assert platform.source().estimate(QUERY, START - timedelta(days=60), UNTIL).requests == 1
        assert platform.source().estimate(QUERY, START - timedelta(days=60), START - timedelta(days=30)).cost == 0

    def test_the_account_is_named_without_its_secret(self, platform: FakeX, http: Http) -> None:
        accounts = []

        def meter(*account: Any) -> CountingMeter:
            accounts.append(account)
            return CountingMeter()

        build("x", {"bearer_token": TOKEN, "daily_cap": "7.50"}, Tools(http, meter=meter))
        ((name, limits, cap),) = accounts
        assert name.startswith("x:")
        assert TOKEN not in name
        assert limits == (Limit(450, timedelta(minutes=15)),)
        assert cap == Decimal("7.50")

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"bearer_token": TOKEN, "daily_cap": "0.10"}, "set at least that"),
            ({"bearer_token": "two words"}, "one word of plain characters"),
            ({}, "bearer_token"),
            ({"bearer_token": TOKEN, "lookback_hours": 200}, "lookback_hours"),
        ],
    )
    def test_options_that_cannot_be(self, http: Http, options: dict[str, Any], words: str) -> None:
        with pytest.raises(FatalSourceError, match=words) as raised:
            build("x", options, Tools(http))
        assert "two words" not in str(raised.value)


class TestGone:
    def test_why_a_post_is_gone(self, platform: FakeX, host: Host) -> None:
        platform.publish(burst(4))
        host.run()
        platform.delete("1")
        platform.hides[platform.ids["2"]] = "not-authorized-for-resource"
        ids = [platform.ids[str(n)] for n in (1, 2, 3, 4)]
        assert platform.source().gone([*ids, "no id"]) == {ids[0]: "deleted", ids[1]: "protected or suspended"}
        assert platform.requests[-1].path == "/2/tweets"
        assert "expansions" not in platform.requests[-1].args

    def test_an_edited_post_is_known_by_its_first_id(self, platform: FakeX, host: Host) -> None:
        platform.publish(burst(1))
        platform.edit("1", "acme otherwise", START + timedelta(minutes=5))
        assert platform.source().gone([platform.ids["1"]]) == {}
        platform.delete("1")
        assert platform.source().gone([platform.ids["1"]]) == {platform.ids["1"]: "deleted"}

    @pytest.mark.parametrize("how", ["a problem that passes", "not a word"])
    def test_what_x_tells_nothing_clear_about_is_not_gone_and_holds_up_no_other(
        self, platform: FakeX, capsys: pytest.CaptureFixture[str], how: str
    ) -> None:
        platform.publish(burst(3))
        platform.delete("1")
        if how == "not a word":
            platform.untold.add(platform.ids["2"])
        else:
            platform.hides[platform.ids["2"]] = "service-unavailable"
        assert platform.source().gone(list(platform.ids.values())) == {platform.ids["1"]: "deleted"}
        assert "lookup_unclear" in capsys.readouterr().out

    def test_one_alone_that_has_a_problem_does_not_block_the_queue(self, platform: FakeX) -> None:
        platform.publish(burst(1))
        platform.hides[platform.ids["1"]] = "service-unavailable"
        assert platform.source().gone([platform.ids["1"]]) == {}

    def test_an_answer_about_none_of_them_is_no_answer(self, platform: FakeX) -> None:
        platform.publish(burst(3))
        platform.empty_lookups = True
        with pytest.raises(RetriableSourceError, match="nothing about any of 3 posts"):
            platform.source().gone(list(platform.ids.values()))

    def test_through_the_host_the_next_in_the_queue_are_looked_up(
        self, platform: FakeX, sqlite_store: Store, clock: Clock
    ) -> None:
        site = Site(sqlite_store, clock)
        clock.now = UNTIL
        site.brand("Acme", query="acme")
        source_id = site.source("it", kind="x", options={}, every_s=600)
        platform.publish(burst(130))
        collect(site.store, source_id, platform.source(), clock)
        platform.untold.add(platform.ids["1"])
        platform.delete("2")
        platform.delete("129")
        clock.advance(hours=21)
        assert recheck(site.store, lambda *_, urgent: OpenSource(platform.source()), clock) == 130
        gone = {row.native_id for row in site.rows(Mention) if row.deleted_at is not None}
        assert gone == {platform.ids["2"], platform.ids["129"]}
        assert recheck(site.store, lambda *_, urgent: OpenSource(platform.source()), clock) == 0

    def test_it_costs_what_is_read(self, platform: FakeX) -> None:
        platform.publish(burst(30))
        platform.source().gone(list(platform.ids.values()))
        assert platform.meter.spent == platform.meter.most == 30 * Decimal("0.005")


class Purse(CountingMeter):
    """Refuses what is more than is left."""

    def __init__(self, left: Decimal) -> None:
        super().__init__()
        self.left = left

    def ask(self, weight: int = 1, *, cost: Decimal = Decimal(0)) -> None:
        if cost > self.left:
            raise RetriableSourceError("the day's purse is empty", retry_after=3600)
        super().ask(weight, cost=cost)

    def paid(self, cost: Decimal) -> None:
        super().paid(cost)
        self.left -= cost


def problem(code: int, **body: Any) -> Fault:
    return lambda request, response: Response(json.dumps(body), code, content_type="application/json")
