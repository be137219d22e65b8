"""The googleplay source against a server that checks its signature and speaks Google's protocol."""

import json
import logging
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Response

from listener.http import USER_AGENT, Http
from listener.source import CursorExpired, FatalSourceError, RetriableSourceError
from listener.sources.googleplay import GooglePlayOptions
from tests.listener.sources.conformance import (
    START,
    UNTIL,
    EditContract,
    Host,
    LateContract,
    MeterContract,
    Post,
    RemoteContract,
    TokenContract,
    WindowContract,
    burst,
    status,
    texts,
)
from tests.listener.sources.fake_googleplay import EMAIL, PACKAGE, FakeGooglePlay, error, key


@pytest.fixture
def platform(httpserver: HTTPServer, http: Http) -> FakeGooglePlay:
    return FakeGooglePlay(httpserver, http)


@pytest.fixture
def host(platform: FakeGooglePlay) -> Host:
    return Host(platform.source())


class TestContract(RemoteContract, LateContract, TokenContract, WindowContract, EditContract, MeterContract):
    def test_an_edit_within_reach_arrives(self, platform: FakeGooglePlay, host: Host) -> None:
        # A review has one date only, that of its last change: when it was first written is what was seen first, and
        # that the host keeps.
        posts = burst(20, start=UNTIL - timedelta(seconds=60), every=1)
        platform.publish(posts)
        host.run()
        before = host.stored["googleplay", "20"]
        assert before.created_at == posts[-1].said_at
        platform.edit("20", "acme said otherwise", UNTIL + timedelta(seconds=10))
        host.run(UNTIL + timedelta(seconds=30))
        changed = host.stored["googleplay", "20"]
        assert changed.text == "acme said otherwise"
        assert (before.edited_at, changed.edited_at) == (before.created_at, UNTIL + timedelta(seconds=10))
        assert len(host.stored) == 20


def test_a_review(platform: FakeGooglePlay, host: Host) -> None:
    platform.review(
        Post("gp:AOq/1", "Bad\tcrashes on start", START + timedelta(milliseconds=250)), starRating=1, thumbsUpCount=3,
        reviewerLanguage="es_419",
    )  # fmt: skip
    platform.reviews[0]["comments"].insert(0, {"developerComment": {"text": "acme is sorry", "lastModified": {}}})
    host.run()
    (item,) = host.stored.values()
    assert (item.kind, item.native_id, item.title, item.text) == ("googleplay", "gp:AOq/1", "Bad", "crashes on start")
    assert item.created_at == START + timedelta(milliseconds=250)
    assert (item.lang, item.reach) == ("es", None)
    assert item.engagement == {"rating": 1, "thumbs_up": 3, "thumbs_down": 0}
    assert item.url == f"https://play.google.com/store/apps/details?id={PACKAGE}&reviewId=gp%3AAOq%2F1"
    assert item.author is not None
    assert (item.author.native_id, item.author.name) == ("gp:AOq/1", "ana")
    assert {request.headers["User-Agent"] for request in platform.requests} == {USER_AGENT}


def test_texts_without_a_title(platform: FakeGooglePlay, host: Host) -> None:
    platform.review(Post("1", "\tacme body", START))
    platform.review(Post("2", "acme title\t", START))
    platform.review(Post("3", "acme\ttwo\tthree", START))
    host.run()
    assert [(item.title, item.text) for item in host.stored.values()] == [
        (None, "acme body"), ("acme title", "acme title"), ("acme", "two\tthree"),
    ]  # fmt: skip


def test_a_key_from_a_file(platform: FakeGooglePlay, tmp_path: Path) -> None:
    (tmp_path / "key.json").write_text(key())
    platform.publish(burst(2))
    host = Host(platform.source(key_file=tmp_path / "key.json"))
    host.run()
    assert len(host.stored) == 2
    with pytest.raises(FatalSourceError, match=r"none\.json cannot be read \(No such file"):
        Host(platform.source(key_file=tmp_path / "none.json")).run()


@pytest.mark.parametrize(
    "broken",
    [
        "hunter2",
        "[]",
        json.dumps({"client_email": EMAIL}),
        json.dumps({"client_email": EMAIL, "private_key": "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END"}),
    ],
)
def test_a_key_that_is_none_is_said_without_it(platform: FakeGooglePlay, broken: str) -> None:
    with pytest.raises(FatalSourceError, match="is not the JSON file that Google hands out") as raised:
        Host(platform.source(key=broken)).run()
    assert "hunter2" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert platform.requests == []


def test_nothing_secret_is_logged(platform: FakeGooglePlay, host: Host, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    platform.publish(burst(3))
    host.run()
    assert "ya29" not in caplog.text
    assert "PRIVATE KEY" not in caplog.text + repr(GooglePlayOptions(package=PACKAGE, key=key()))
    assert not any("ya29" in request.url for request in platform.requests)


def test_a_token_that_has_expired_is_renewed_and_the_run_goes_on(platform: FakeGooglePlay, host: Host) -> None:
    platform.uses = 2
    platform.publish(burst(450))
    host.run()
    assert host.texts == texts(burst(450))
    assert sum(request.path == "/token" for request in platform.requests) == 3


def test_a_token_that_is_refused_twice_needs_a_person(platform: FakeGooglePlay, host: Host) -> None:
    platform.uses = 0
    platform.publish(burst(3))
    with pytest.raises(FatalSourceError, match=r"401 Unauthorized .Request had invalid authentication credentials"):
        host.run()
    assert [request.path == "/token" for request in platform.requests] == [True, False, True, False]


@pytest.mark.parametrize("code", ["internal_failure", "server_error", "temporarily_unavailable"])
def test_a_login_with_trouble_of_its_own_is_tried_again(platform: FakeGooglePlay, host: Host, code: str) -> None:
    body = json.dumps({"error": code, "error_description": "Backend Error"})
    platform.fail(lambda _request, _response: Response(body, 400, content_type="application/json"))
    with pytest.raises(RetriableSourceError, match=f"400 {code}: Backend Error.*tried again"):
        host.run()


def test_a_login_that_is_refused_says_what_to_look_at(platform: FakeGooglePlay, host: Host) -> None:
    platform.key_deleted = True
    with pytest.raises(
        FatalSourceError, match=r"invalid_grant: Invalid JWT Signature.*deleted and that this machine's"
    ) as e:
        host.run()
    assert e.value.may_pass
    assert EMAIL in str(e.value)
    assert "assertion" not in str(e.value)


@pytest.mark.parametrize("body", ["{}", "[]"])
def test_a_login_without_a_token_is_tried_again(platform: FakeGooglePlay, host: Host, body: str) -> None:
    platform.fail(lambda request, response: Response(body, content_type="application/json"))
    with pytest.raises(RetriableSourceError, match="no access token"):
        host.run()
    assert len(platform.requests) == 1  # google-auth tries nothing by itself


@pytest.mark.parametrize("code", [500, 503, 429])
def test_trouble_at_the_login_is_left_to_the_host(platform: FakeGooglePlay, host: Host, code: int) -> None:
    platform.fail(status(code, "9"))
    with pytest.raises(RetriableSourceError, match=str(code)) as raised:
        host.run()
    assert raised.value.retry_after == 9
    assert len(platform.requests) == 1


@pytest.mark.parametrize(
    ("code", "reason", "state"),
    [(403, "forbidden", "PERMISSION_DENIED"), (401, "permissionDenied", None), (403, "projectNotLinked", None)],
)
def test_without_permission_it_says_whom_to_invite(
    platform: FakeGooglePlay, host: Host, code: int, reason: str, state: str | None
) -> None:
    refusal = error(code, reason, "The caller does not have permission", state)
    platform.fail(lambda request, response: refusal, request=2)
    platform.fail(lambda request, response: refusal, request=4)
    with pytest.raises(FatalSourceError, match=f"Users and permissions, invite the service account {EMAIL}"):
        host.run()


def test_an_api_that_is_not_enabled_is_said(platform: FakeGooglePlay, host: Host) -> None:
    refusal = error(
        403, "accessNotConfigured", "Google Play Android Developer API has not been used in project 1 before.",
        "PERMISSION_DENIED", details=[{"reason": "SERVICE_DISABLED"}],
    )  # fmt: skip
    platform.fail(lambda request, response: refusal, request=2)
    with pytest.raises(FatalSourceError, match="enable the Google Play Android Developer API"):
        host.run()


def test_an_app_that_is_not_there(platform: FakeGooglePlay) -> None:
    with pytest.raises(FatalSourceError, match=r"404 Not Found .No application was found"):
        Host(platform.source(package="com.example.other")).run()


@pytest.mark.parametrize(
    ("code", "reason", "words"),
    [(403, "quotaExceeded", "200 requests an hour are used up"), (429, "rateLimitExceeded", "too many requests")],
)
def test_a_spent_quota_is_waited_out(platform: FakeGooglePlay, host: Host, code: int, reason: str, words: str) -> None:
    platform.publish(burst(250))
    platform.fail(lambda request, response: error(code, reason, "Quota exceeded", "RESOURCE_EXHAUSTED"), request=3)
    with pytest.raises(RetriableSourceError, match=words):
        host.run()
    host.run()
    assert host.texts == texts(burst(250))


def test_a_place_the_platform_forgot_begins_again(platform: FakeGooglePlay, host: Host) -> None:
    platform.publish(burst(250))
    host.run(stop_after=1)
    platform.forget_pages = True
    with pytest.raises(CursorExpired, match="Invalid token"):
        host.run()
    platform.forget_pages = False
    host.provisional = None  # what the host does then
    host.run()
    assert host.texts == texts(burst(250))


@pytest.mark.parametrize("later", [timedelta(hours=1), timedelta(days=4)])
def test_an_interrupted_run_keeps_its_window_and_loses_nothing_said_meanwhile(
    platform: FakeGooglePlay, host: Host, later: timedelta
) -> None:
    platform.publish(burst(250))
    host.run(stop_after=1)
    new = burst(150, first=1000, start=UNTIL + timedelta(minutes=1), every=1)
    platform.publish(new)
    host.run(UNTIL + later)
    host.run(UNTIL + later + timedelta(minutes=1))
    assert host.texts == texts([*burst(250), *new])


def test_an_ordinary_visit_reads_a_day_again_and_no_more(platform: FakeGooglePlay, host: Host) -> None:
    platform.publish(burst(600, start=UNTIL - timedelta(days=5.5), every=792))
    host.run()
    before = len(platform.requests)
    host.run(UNTIL + timedelta(minutes=10))
    assert len(platform.requests) - before == 4  # a login, a day's 108, and the page that lies wholly before it


def test_another_app_begins_anew(platform: FakeGooglePlay, host: Host) -> None:
    platform.publish(burst(3, start=UNTIL - timedelta(days=3)))
    host.run()
    assert host.cursor is not None
    host.cursor = {**host.cursor, "package": "com.example.other"}
    host.stored.clear()
    host.run()
    assert len(host.stored) == 3


def test_what_is_older_than_a_week_is_out_of_reach(platform: FakeGooglePlay, host: Host) -> None:
    platform.publish([Post("1", "acme old", UNTIL - timedelta(days=8)), Post("2", "acme new", UNTIL)])
    host.run()
    assert host.texts == ["acme new"]
    assert host.source.history == timedelta(days=7)


def test_reviews_not_as_documented_are_told(platform: FakeGooglePlay, host: Host) -> None:
    platform.publish(burst(2))
    platform.review(Post("7", "", START))
    platform.review(Post("8", "acme", START), lastModified={"seconds": "yesterday"})
    platform.review(Post("9", "acme", START, author=""), starRating=None, reviewerLanguage=None)
    platform.reviews.append({"reviewId": "10", "comments": [{"developerComment": {"text": "acme"}}]})
    platform.reviews.append({})
    host.run()
    assert sorted(skip.where for skip in host.skipped) == ["review 10", "review 7", "review 7 of its page", "review 8"]
    item = host.stored["googleplay", "9"]
    assert (item.author, item.lang, item.engagement) == (None, None, {"thumbs_up": 0, "thumbs_down": 0})


def test_json_that_holds_no_reviews(platform: FakeGooglePlay, host: Host) -> None:
    platform.fail(lambda request, response: Response('{"a": 1}', content_type="application/json"), request=2)
    with pytest.raises(RetriableSourceError, match="ESCUCHA_GOOGLEPLAY_URL"):
        host.run()


def test_a_redirect_does_not_carry_the_token_away(platform: FakeGooglePlay, host: Host, httpserver: HTTPServer) -> None:
    elsewhere = {"Location": httpserver.url_for("/elsewhere")}
    platform.fail(lambda request, response: Response("", 302, elsewhere), request=2)
    with pytest.raises(FatalSourceError, match="302"):
        host.run()
    assert len(platform.requests) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"package": PACKAGE}, "either key_from or key_file"),
        ({"package": PACKAGE, "key": "x", "key_file": "y"}, "either key_from or key_file"),
        ({"package": "https://play.google.com", "key": "x"}, "package"),
    ],
)
def test_what_is_wrong_with_options_is_said(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        GooglePlayOptions(**options)


@pytest.mark.parametrize("spoilt", [("PRIVATE", "PRIVATĘ"), ("k1", "k\n1ł"), ("-----\\n", "-----\\nł")])
def test_a_key_with_a_letter_that_does_not_belong_is_told_without_a_word_of_it(
    platform: FakeGooglePlay, spoilt: tuple[str, str]
) -> None:
    broken = key().replace(*spoilt)
    secret = json.loads(key())["private_key"].splitlines()[3]
    with pytest.raises(FatalSourceError, match="the service account's key is not") as raised:
        Host(platform.source(key=broken)).run()
    assert secret not in "".join(traceback.format_exception(raised.value))
