"""The reddit source, through the real praw, against a server that speaks Reddit's protocol."""

import json
import logging
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.http import Http
from listener.items import Item
from listener.jobs.collect import collect
from listener.query import parse
from listener.registry import build
from listener.source import FatalSourceError, Limit, Page, RetriableSourceError
from listener.store.engine import Store
from listener.store.tables import Covered, Gap, Mention, Source
from listener.tools import Tools
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


def texts_of(pages: list[Page]) -> list[str]:
    return sorted(item.text for page in pages for item in page.items)


def lacking(*names: str) -> Fault:
    """A listing from which these are left out."""

    def fault(request: Request, response: Response) -> Response:
        told = json.loads(response.get_data())
        children = [child for child in told["data"]["children"] if child["data"]["name"] not in names]
        return Response(json.dumps({"data": {**told["data"], "children": children}}), content_type="application/json")

    return fault


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
        assert len(host.stored) == 302
        assert "acme held back" in host.texts

    def test_what_was_approved_late_stands_at_its_old_place_and_comes_all_the_same(self, platform: FakeReddit) -> None:
        host = Host(platform.source())
        platform.publish(burst(30, start=UNTIL - timedelta(hours=2), every=120))
        host.run()
        held_back = Post("900", "acme approved after an hour", UNTIL - timedelta(hours=1, seconds=1))
        too_old = Post("901", "acme approved after days", UNTIL - timedelta(hours=24))
        platform.publish([held_back])
        platform.publish([too_old])
        before = len(asked(platform))
        host.run(UNTIL + timedelta(minutes=5))
        assert held_back.text in host.texts
        assert too_old.text not in host.texts
        assert len(asked(platform)) - before == 2  # no page more than before

    def test_a_window_of_the_past_is_not_widened_by_that(self, platform: FakeReddit, host: Host) -> None:
        platform.comment("acme before", START)
        platform.comment("acme within", START + timedelta(hours=2))
        host.run(since=START + timedelta(hours=1))
        assert host.texts == ["acme within"]

    def test_a_run_does_not_change_the_cursor_that_it_was_given(self, platform: FakeReddit, host: Host) -> None:
        platform.publish(burst(300))
        host.run(stop_after=1)
        before = json.dumps(host.provisional)
        assert len(list(host.source.fetch(QUERY, host.provisional, UNTIL))) > 1
        assert json.dumps(host.provisional) == before

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


class TestThroughTheHost:
    """The real collect job, database and ledger."""

    @pytest.fixture
    def site(self, sqlite_store: Store, clock: Clock) -> Site:
        clock.now = UNTIL
        site = Site(sqlite_store, clock)
        site.brand("Acme", query="acme")
        site.source("it", kind="reddit", options={}, every_s=600)
        return site

    @staticmethod
    def run(site: Site, platform: FakeReddit, **options: Any) -> set[str]:
        """What is stored after one more run."""
        (source,) = site.rows(Source)
        assert source.id is not None
        collect(site.store, source.id, platform.source(**options), site.clock)
        return {mention.title or mention.text for mention in site.rows(Mention)}

    def test_a_brand_that_is_new_after_an_outage_leaves_nothing_out(self, platform: FakeReddit, site: Site) -> None:
        """The words asked for change with it, so every search is a new one to Reddit, and none may be to us."""
        only_search: Any = {"search": True, "what": ["submissions"]}
        platform.submit("acme early", UNTIL - timedelta(hours=1))
        self.run(site, platform, **only_search)
        platform.submit("acme in the outage", UNTIL + timedelta(hours=10))
        site.clock.advance(hours=72)
        site.brand("Foo", query="foobar")
        assert self.run(site, platform, **only_search) == {"acme early", "acme in the outage"}
        assert [row.until for row in site.rows(Covered)][-1] == site.clock.now
        assert site.rows(Gap) == []

    def test_so_does_one_that_is_new_while_the_first_run_is_broken_off(self, platform: FakeReddit, site: Site) -> None:
        for n in range(120):
            platform.submit(f"acme {n}", UNTIL - timedelta(minutes=n + 1))
        early = platform.comment("acme in a comment", UNTIL - timedelta(hours=20))
        platform.fail(status(503), request=3)  # the second page of the first listing
        with pytest.raises(RetriableSourceError):
            self.run(site, platform, search=True)
        site.clock.advance(hours=72)
        site.brand("Foo", query="foobar")
        assert len(self.run(site, platform, search=True)) == 121
        assert early in {mention.native_id for mention in site.rows(Mention)}

    def test_a_quiet_search_gives_a_new_one_no_bound_of_long_ago(self, platform: FakeReddit, site: Site) -> None:
        """It would read what is years old, and call what Reddit no longer lists a gap."""
        only_search: Any = {"search": True, "what": ["submissions"], "lookback_hours": 1}
        self.run(site, platform, **only_search)
        site.clock.advance(hours=72)
        self.run(site, platform, **only_search)
        for n in range(300):
            platform.submit(f"foobar {n}", UNTIL + timedelta(hours=1, minutes=n))
        site.brand("Foo", query="foobar")
        site.clock.advance(hours=1)
        assert self.run(site, platform, **only_search) == set()
        assert site.rows(Gap) == []

    def test_approved_by_moderators_after_an_hour(self, platform: FakeReddit, site: Site) -> None:
        platform.publish(burst(20, start=UNTIL - timedelta(minutes=10)))
        self.run(site, platform)
        platform.submit("acme held back", UNTIL - timedelta(hours=1))
        site.clock.advance(minutes=10)
        assert "acme held back" in self.run(site, platform)
        assert len(site.rows(Mention)) == 21

    def test_a_subreddit_that_turns_private_holds_up_no_other_and_is_read_from_where_it_was(
        self, platform: FakeReddit, site: Site
    ) -> None:
        both: Any = {"subreddits": ["travel", "airlines"], "lookback_hours": 1}
        platform.submit("acme before", UNTIL - timedelta(minutes=30), subreddit="travel")
        self.run(site, platform, **both)
        platform.private.add("travel")
        platform.submit("acme hidden", UNTIL + timedelta(hours=3), subreddit="travel")
        platform.submit("acme elsewhere", UNTIL + timedelta(hours=71, minutes=30))
        site.clock.advance(hours=72)
        assert self.run(site, platform, **both) == {"acme before", "acme elsewhere"}
        (row,) = site.rows(Source)
        assert row.last_error is None
        assert not row.stopped
        assert row.unread is not None
        assert "r/travel is private" in row.unread[0]
        assert site.rows(Covered) == []
        assert [(gap.since, gap.until, gap.cause) for gap in site.rows(Gap)] == [(UNTIL, site.clock.now, "unread")]
        platform.private.clear()
        site.clock.advance(hours=1)
        assert self.run(site, platform, **both) == {"acme before", "acme elsewhere", "acme hidden"}
        assert site.rows(Source)[0].unread is None

    def test_a_brand_that_is_new_while_a_subreddit_is_private_leaves_nothing_of_it_out(
        self, platform: FakeReddit, site: Site
    ) -> None:
        both: Any = {"subreddits": ["travel", "airlines"], "search": True, "what": ["submissions"]}
        platform.submit("acme before", UNTIL - timedelta(minutes=30), subreddit="travel")
        self.run(site, platform, **both)
        platform.private.add("travel")
        platform.submit("acme hidden", UNTIL + timedelta(hours=3), subreddit="travel")
        for _ in range(2):
            site.clock.advance(hours=72)
            self.run(site, platform, **both)
        for n in range(300):
            platform.submit(f"foobar {n}", UNTIL + timedelta(minutes=n))  # in the other one, which was read meanwhile
        platform.private.clear()
        site.brand("Foo", query="foobar")
        site.clock.advance(hours=1)
        assert self.run(site, platform, **both) == {"acme before", "acme hidden"}


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
        assert time.monotonic() - begun < 120  # the library's own limiter would sleep here
        platform.left = 1000
        host.run()
        assert host.texts == texts(burst(1000))

    def test_a_private_subreddit(self, platform: FakeReddit, host: Host) -> None:
        platform.private.add("airlines")
        with pytest.raises(FatalSourceError, match=r"r/airlines/new.*403.*private"):
            host.run()

    def test_one_subreddit_that_is_not_shown_is_left_out_and_told(self, platform: FakeReddit) -> None:
        platform.publish(burst(4))
        for name in ("secret", "gone", "old-name", "odd"):
            platform.submit("acme there", START, subreddit=name)
        platform.private.add("secret")
        platform.banned.add("gone")
        platform.renamed.add("old-name")
        source = platform.source(subreddits=["secret", "gone", "airlines", "old-name"])
        pages = list(source.fetch(QUERY, None, UNTIL))
        assert texts_of(pages) == texts(burst(4))
        secret, gone, old_name = (word for page in pages for word in page.unread)
        assert re.search(r"r/secret/new answered 403 \(Forbidden, private\): r/secret is private: take it out", secret)
        assert re.search(r"r/gone/new answered 404 \(Not Found, banned\): r/gone was banned by Reddit", gone)
        assert re.search(r"r/old-name/new is nowhere on Reddit.*correct it, or take it out", old_name)
        # Each is asked for once: what is not shown has no comments either.
        assert len(asked(platform)) == 5

    def test_none_that_is_shown_is_for_a_person(self, platform: FakeReddit) -> None:
        platform.private |= {"airlines", "secret"}
        host = Host(platform.source(subreddits=["airlines", "secret"]))
        with pytest.raises(FatalSourceError, match=r"r/airlines is private.*; .*r/secret is private") as raised:
            host.run()
        assert raised.value.may_pass
        assert host.pages == 0

    def test_a_refusal_without_reddit_s_words_is_no_subreddit_s(self, platform: FakeReddit) -> None:
        platform.submit("acme", START, subreddit="travel")
        platform.fail(status(403), request=2)
        with pytest.raises(FatalSourceError, match=r"airlines/new answered 403 FORBIDDEN: it refuses"):
            Host(platform.source(subreddits=["airlines", "travel"])).run()

    def test_one_that_turns_private_between_two_pages(self, platform: FakeReddit) -> None:
        for n in range(350):
            platform.comment(f"acme {n}", START + timedelta(minutes=n))
        platform.submit("acme", START, subreddit="travel")
        host = Host(platform.source(subreddits=["airlines", "travel"], what=["comments"]))
        host.run(stop_after=2)
        platform.private.add("airlines")
        host.source = platform.source(subreddits=["airlines", "travel"], what=["comments"])
        host.run()
        assert len(host.stored) == 200
        platform.private.clear()
        host.run(UNTIL + timedelta(hours=1))
        assert len(host.stored) == 350

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

    def test_one_that_is_not_named_is_asked_for_again_beside_one_that_is(self, platform: FakeReddit) -> None:
        platform.publish(burst(3))
        names = list(platform.names.values())
        missing = platform.things.pop(names[2])
        assert platform.source().gone(names) == {names[2]: "no longer there"}
        assert platform.requests[-1].args["id"] == f"{names[2]},{names[0]}"
        platform.things[names[2]] = missing
        platform.fail(lacking(names[2]), request=2)  # after the token
        assert platform.source().gone(names) == {}

    def test_without_anything_that_is_named_nothing_is_gone(self, platform: FakeReddit) -> None:
        platform.publish(burst(3))
        platform.empty_lookups = True
        with pytest.raises(RetriableSourceError, match="named none of 3 things"):
            platform.source().gone(list(platform.names.values()))
        assert len(platform.requests) == 2

    def test_a_second_answer_that_is_empty_confirms_nothing(self, platform: FakeReddit) -> None:
        platform.publish(burst(3))
        names = list(platform.names.values())
        del platform.things[names[2]]
        platform.fail(lacking(*names), request=3)
        assert platform.source().gone(names) == {}

    def test_what_comes_without_its_name_is_not_gone(self, platform: FakeReddit) -> None:
        platform.publish(burst(3))
        names = list(platform.names.values())
        platform.odd_lookups.add(names[1])
        platform.delete("3")
        assert platform.source().gone(names) == {names[2]: "deleted by its author"}

    def test_an_author_that_is_missing_is_no_mark_of_deletion(self, platform: FakeReddit) -> None:
        platform.publish(burst(2))
        names = list(platform.names.values())
        platform.things[names[0]]["author"] = None
        platform.things[names[1]]["author"] = "[deleted]"
        assert platform.source().gone(names) == {names[1]: "its author is gone"}

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
