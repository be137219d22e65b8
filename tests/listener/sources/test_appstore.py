"""The appstore source against a server with the manners of Apple's feed."""

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Response

from listener.http import USER_AGENT, Http
from listener.source import RetriableSourceError
from listener.sources.appstore import AppStoreOptions
from tests.listener.sources.conformance import (
    START,
    UNTIL,
    EditContract,
    Host,
    LateContract,
    MeterContract,
    Post,
    RemoteContract,
    burst,
    status,
    texts,
)
from tests.listener.sources.fake_appstore import APP, FakeAppStore


@pytest.fixture
def platform(httpserver: HTTPServer, http: Http) -> FakeAppStore:
    return FakeAppStore(httpserver, http)


@pytest.fixture
def host(platform: FakeAppStore) -> Host:
    return Host(platform.source())


class TestContract(RemoteContract, LateContract, EditContract, MeterContract):
    # Ten pages of 50 in each of three stores are all that Apple hands out.
    burst_size = 1500

    @pytest.mark.parametrize("code", [401, 403, 404, 410])
    def test_a_person_must_act(self, platform: FakeAppStore, host: Host, code: int) -> None:
        # Where one country of several refuses, the others are read first (below): here there is one.
        host.source = platform.source(countries=("us",))
        super().test_a_person_must_act(platform, host, code)

    def test_messages_name_the_place(self, platform: FakeAppStore, host: Host) -> None:
        host.source = platform.source(countries=("us",))
        super().test_messages_name_the_place(platform, host)

    def test_an_edit_within_reach_arrives(self, platform: FakeAppStore, host: Host) -> None:
        # A review has one date only, that of its last change: when it was first written is what was seen first, and
        # that the host keeps.
        posts = burst(20, start=UNTIL - timedelta(seconds=60), every=1)
        platform.publish(posts)
        host.run()
        before = host.stored["appstore", "20"]
        assert before.created_at == posts[-1].said_at
        platform.edit("20", "acme said otherwise", UNTIL + timedelta(seconds=10))
        host.run(UNTIL + timedelta(seconds=30))
        changed = host.stored["appstore", "20"]
        assert changed.text == "acme said otherwise"
        assert (before.edited_at, changed.edited_at) == (before.created_at, UNTIL + timedelta(seconds=10))
        assert len(host.stored) == 20


def test_a_review(platform: FakeAppStore, host: Host) -> None:
    platform.review(
        Post("1", "crashes on start", START), "es", title={"label": "Bad"}, **{"im:voteSum": {"label": "3"}}
    )
    host.run()
    (item,) = host.stored.values()
    assert (item.kind, item.native_id, item.title, item.text) == ("appstore", "1", "Bad", "crashes on start")
    assert (item.created_at, item.lang, item.reach) == (START, None, None)
    assert item.engagement == {"rating": 4, "votes": 0, "helpful": 3}
    assert item.url == f"https://apps.apple.com/es/app/id{APP}?see-all=reviews"
    assert item.author is not None
    assert (item.author.native_id, item.author.name) == ("73", "ana")
    assert item.author.url == "https://itunes.apple.com/es/reviews/id73"
    assert platform.requests[0].headers["User-Agent"] == USER_AGENT


def test_the_app_before_its_reviews_is_none_of_them(platform: FakeAppStore, host: Host) -> None:
    platform.app_first = True
    platform.publish(burst(3))
    host.run()
    assert host.texts == texts(burst(3))
    assert not host.skipped


def test_an_unchanged_feed_is_not_sent_again(platform: FakeAppStore, host: Host) -> None:
    platform.publish(burst(3))
    host.run()
    before = len(platform.requests)
    host.run(UNTIL + timedelta(hours=1))
    again = platform.requests[before:]
    assert len(again) == 3
    assert all("If-None-Match" in request.headers for request in again)
    platform.publish(burst(3, first=100, start=UNTIL))
    host.run(UNTIL + timedelta(hours=2))
    assert len(host.stored) == 6


def test_an_ordinary_visit_reads_no_further_than_what_is_known(platform: FakeAppStore, host: Host) -> None:
    for post in burst(450, every=3600, start=START - timedelta(days=20)):
        platform.review(post)
    host.run()
    before = len(platform.requests)
    platform.review(Post("new", "acme new", UNTIL))
    host.run(UNTIL + timedelta(hours=1))
    asked = [request.path for request in platform.requests[before:] if "/us/" in request.path]
    assert len(asked) == 2  # a day of the old ones again, and the page that lies wholly before it
    assert len(host.stored) == 451


def test_a_review_shown_half_a_day_late_in_a_busy_store_is_found(platform: FakeAppStore, host: Host) -> None:
    for post in burst(180, start=UNTIL - timedelta(hours=3), every=60):
        platform.review(post)
    host.run()
    platform.review(Post("late", "acme late", UNTIL - timedelta(hours=12)))
    platform.review(Post("new", "acme new", UNTIL + timedelta(minutes=1)))
    host.run(UNTIL + timedelta(hours=1))
    assert len(host.stored) == 182


def test_an_interrupted_run_goes_on_with_the_countries_that_had_no_turn(platform: FakeAppStore, host: Host) -> None:
    platform.publish(burst(30))
    host.run(stop_after=1)
    host.source = platform.source()
    before = len(platform.requests)
    host.run(UNTIL + timedelta(minutes=1))
    assert [request.path[1:3] for request in platform.requests[before:]] == ["gb", "es", "us"]
    assert host.texts == texts(burst(30))
    before = len(platform.requests)
    Host(platform.source(countries=["es"]), cursor=host.cursor).run(UNTIL + timedelta(minutes=2))
    assert [request.path[1:3] for request in platform.requests[before:]] == ["es"]


def test_another_app_begins_anew(platform: FakeAppStore, host: Host) -> None:
    platform.publish(burst(3))
    host.run()
    assert host.cursor is not None
    host.cursor = {**host.cursor, "app": 1}
    host.stored.clear()
    host.run()
    assert len(host.stored) == 3


def test_more_than_five_hundred_between_two_visits_is_a_known_gap(platform: FakeAppStore) -> None:
    for post in burst(10):
        platform.review(post)
    host = Host(platform.source())
    host.run()
    assert host.capped == 0
    for post in burst(600, first=1000, start=UNTIL, every=60):
        platform.review(post)
    pages = list(host.source.fetch(None, host.cursor, UNTIL + timedelta(days=1)))
    assert [page.capped for page in pages] == [True, False, False]
    assert pages[0].gap == (START + timedelta(seconds=90), UNTIL + timedelta(minutes=100))
    assert len(pages[0].items) == 500


class TestEmptyMoods:
    def test_an_empty_page_is_asked_for_again(self, platform: FakeAppStore, host: Host) -> None:
        posts = burst(450)
        platform.publish(posts)
        platform.empty = {("us", 2)}
        platform.empty_answers = 2
        host.run()
        assert host.texts == texts(posts)
        assert not host.skipped

    @pytest.mark.parametrize("names_last", [True, False])
    def test_a_feed_that_stays_empty_is_no_zero_and_keeps_its_place(
        self, platform: FakeAppStore, host: Host, *, names_last: bool
    ) -> None:
        platform.names_last = names_last
        platform.publish(burst(30))
        host.run()
        assert host.cursor is not None
        place = host.cursor["countries"]["gb"]["at"]
        platform.empty = {("gb", 1)}
        new = burst(30, first=100, start=UNTIL)
        platform.publish(new)
        host.run(UNTIL + timedelta(hours=1))
        assert host.unread == ["the store gb: the feed is empty although it had reviews; it is read again next time"]
        assert len(host.stored) == 50
        assert host.cursor["countries"]["gb"]["at"] == place
        platform.empty = set()
        host.run(UNTIL + timedelta(hours=2))
        assert host.texts == texts([*burst(30), *new])
        assert "unread_since" not in host.cursor["countries"]["gb"]

    def test_where_all_stores_are_empty_it_is_tried_again_and_after_days_only_told(
        self, platform: FakeAppStore, host: Host
    ) -> None:
        platform.publish(burst(30))
        host.run()
        platform.empty = {(country, 1) for country in platform.reviews}
        with pytest.raises(RetriableSourceError, match=f"no reviews at all for app {APP} in us, gb, es, where it had"):
            host.run(UNTIL + timedelta(hours=1))
        with pytest.raises(RetriableSourceError):
            host.run(UNTIL + timedelta(days=2))
        host.run(UNTIL + timedelta(days=4))
        assert len(host.unread) == 9
        platform.empty = set()
        platform.publish([Post("99", "acme is back", UNTIL + timedelta(days=4))])
        host.run(UNTIL + timedelta(days=5))
        assert "acme is back" in host.texts

    def test_an_empty_page_in_the_middle_is_not_the_end(self, platform: FakeAppStore, host: Host) -> None:
        for post in burst(40):
            platform.review(post)
        host.run()
        new = burst(160, first=100, start=UNTIL)
        for post in new:
            platform.review(post)
        platform.empty = {("us", 3)}
        host.run(UNTIL + timedelta(hours=1))
        assert len(host.stored) == 40 + 100
        assert "page 3 of the feed is empty" in host.unread[0]
        platform.empty = set()
        host.run(UNTIL + timedelta(hours=2))
        assert host.texts == texts([*burst(40), *new])
        assert host.capped == 0

    def test_what_stays_unread_for_days_becomes_a_gap(self, platform: FakeAppStore, host: Host) -> None:
        for post in burst(40):
            platform.review(post)
        host.run()
        for post in burst(160, first=100, start=UNTIL):
            platform.review(post)
        platform.empty = {("us", 3)}
        host.run(UNTIL + timedelta(hours=1))
        assert host.capped == 0
        host.run(UNTIL + timedelta(days=4))
        assert host.capped == 1
        platform.review(Post("99", "acme goes on", UNTIL + timedelta(days=4)))
        host.run(UNTIL + timedelta(days=5))
        assert "acme goes on" in host.texts
        assert host.capped == 1

    @pytest.mark.parametrize("names_last", [True, False])
    def test_a_feed_that_ends_with_a_full_page_has_ended(
        self, platform: FakeAppStore, host: Host, *, names_last: bool
    ) -> None:
        platform.names_last = names_last
        for post in burst(100):
            platform.review(post)
        host.run()
        platform.review(Post("new", "acme new", UNTIL))
        host.run(UNTIL + timedelta(minutes=1))
        assert len(host.stored) == 101
        assert not host.skipped

    def test_a_store_without_reviews_costs_one_request_and_is_no_trouble(
        self, platform: FakeAppStore, host: Host
    ) -> None:
        host.run()
        host.run(UNTIL + timedelta(hours=1))
        assert len(platform.requests) == 6
        assert not host.skipped


def test_a_country_that_fails_for_ever_holds_up_no_other(platform: FakeAppStore, host: Host) -> None:
    platform.publish(burst(9))
    host.run()
    platform.failing = {"us"}
    for hours in range(1, 4):
        platform.publish(burst(9, first=100 * hours, start=UNTIL + timedelta(hours=hours - 1)))
        now = UNTIL + timedelta(hours=hours)
        if hours == 1:  # it may pass
            with pytest.raises(RetriableSourceError, match=r"/us/.* answered 500"):
                host.run(now)
        else:
            host.run(now)
        assert len(host.stored) == 9 + 6 * hours
    assert len(host.unread) == 3
    assert all(told.startswith("the store us: ") for told in host.unread)

    platform.failing = set()
    host.run(UNTIL + timedelta(hours=5))
    assert len(host.stored) == 9 * 4
    assert host.cursor is not None
    assert "failing_since" not in host.cursor["countries"]["us"]


def test_one_country_that_refuses_is_no_matter_for_a_person_at_once(platform: FakeAppStore, host: Host) -> None:
    platform.publish(burst(9))
    platform.fail(status(403))
    with pytest.raises(RetriableSourceError, match=r"403.*the other countries were read"):
        host.run()
    assert len(host.stored) == 6


def test_what_the_quota_refuses_goes_for_every_country(platform: FakeAppStore, host: Host) -> None:
    platform.publish(burst(9))
    platform.meter.refuse = RetriableSourceError("the quota is used up", retry_after=60)
    with pytest.raises(RetriableSourceError, match="used up"):
        host.run()
    assert host.cursor is None


def test_reviews_not_as_documented_are_told(platform: FakeAppStore, host: Host) -> None:
    platform.publish(burst(3))
    platform.review(Post("8", "acme", START), **{"im:rating": {"label": "9"}})
    platform.review(Post("9", "acme", START), updated={"label": "yesterday"})
    platform.review(Post("10", "", START))
    platform.review(Post("11", "acme", START), author=None, **{"im:voteSum": {"label": "-2"}})
    host.run()
    assert len(host.skipped) == 3
    assert all(skip.where.startswith("a review in us") for skip in host.skipped)
    item = host.stored["appstore", "11"]
    assert item.author is None
    assert item.engagement == {"rating": 4, "votes": 0}


def test_json_that_is_no_feed(platform: FakeAppStore, host: Host) -> None:
    platform.fail(lambda request, response: Response(json.dumps({"feed": None}), content_type="application/json"))
    with pytest.raises(RetriableSourceError, match="ESCUCHA_APPSTORE_URL"):
        host.run()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"app": 0}, "greater than 0"),
        ({"app": 1, "countries": []}, "at least 1"),
        ({"app": 1, "countries": ["usa"]}, "write countries as two letters"),
    ],
)
def test_what_is_wrong_with_options_is_said(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        AppStoreOptions(**options)


def test_countries_are_read_once_each() -> None:
    assert AppStoreOptions(app=1, countries=("US", "us", "es")).countries == ("us", "es")
