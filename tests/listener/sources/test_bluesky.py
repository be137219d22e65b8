"""The bluesky source against a server with the real one's sessions, search and limits."""

import threading
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Response

from listener.bluesky import author_of, post_of
from listener.http import Http
from listener.query import parse
from listener.source import FatalSourceError, RetriableSourceError
from listener.sources.bluesky import BlueskyOptions
from tests.listener.sources.conformance import (
    START,
    UNTIL,
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
from tests.listener.sources.fake_bluesky import HANDLE, PASSWORD, FakeBluesky, did_of


@pytest.fixture
def platform(httpserver: HTTPServer, http: Http) -> FakeBluesky:
    return FakeBluesky(httpserver, http)


@pytest.fixture
def host(platform: FakeBluesky) -> Host:
    return Host(platform.source())


class TestContract(RemoteContract, LateContract, TokenContract, WindowContract, RecheckContract, MeterContract):
    """No EditContract: posts cannot be changed. No VanishContract: a search hands out whole posts."""


def test_a_post_in_full(platform: FakeBluesky, host: Host) -> None:
    text = "¡Acme, cómo no! acme.example/a/lon... and here 👩‍💻 docs.acme.example/x"
    link = {"$type": "app.bsky.richtext.facet#link", "uri": "https://acme.example/a/long/path"}
    start = len("¡Acme, cómo no! ".encode())
    parent = "at://did:plc:x/app.bsky.feed.post/3parent"
    quoted = "at://did:plc:y/app.bsky.feed.post/3quoted"
    uri = platform.add(
        text=text, at=START, author="bea",
        record={
            "langs": ["es-MX", "en"], "tags": ["AcmeFail", "acme"],
            "facets": [{"index": {"byteStart": start, "byteEnd": start + 21}, "features": [link]}],
            "reply": {"parent": {"uri": parent, "cid": "c"}, "root": {"uri": parent, "cid": "c"}},
            "embed": {"$type": "app.bsky.embed.record", "record": {"uri": quoted, "cid": "c"}},
        },
    )  # fmt: skip
    platform.followers[did_of("bea")] = 1234
    host.run()
    item = host.stored["bluesky", uri]
    assert item.text == (
        "¡Acme, cómo no! https://acme.example/a/long/path and here 👩‍💻 docs.acme.example/x\n#AcmeFail #acme"
    )
    assert item.title is None
    assert item.lang == "es"
    assert (item.reply_to, item.quote_of, item.repost_of) == (parent, quoted, None)
    assert item.url == f"https://bsky.app/profile/bea.bsky.social/post/{uri.rpartition('/')[2]}"
    assert item.engagement == {"likes": 3, "reposts": 2, "replies": 1, "quotes": 4}
    assert item.author is not None
    assert (item.author.native_id, item.author.handle, item.author.name) == (did_of("bea"), "bea.bsky.social", "Bea")
    assert item.reach == item.author.followers == 1234


@pytest.mark.parametrize(
    ("facet", "expected"),
    [
        ((0, 11, "https://example.org/a"), "https://example.org/a and more"),
        ((0, 11, "https://www.example.org/a"), "https://www.example.org/a and more"),
        ((0, 11, "https://evil.example/"), "example.... and more"),  # it shows another place: kept as it was shown
        ((12, 15, "https://example.org/a"), "example.... and more"),  # a label, not an address
        ((0, 999, "https://example.org/a"), "example.... and more"),
        ((-3, 4, "https://example.org/a"), "example.... and more"),
        ((9, 3, "https://example.org/a"), "example.... and more"),
        (("x", None, "https://example.org/a"), "example.... and more"),
        ((0, 11, "javascript://example.org/%0aalert(1)"), "example.... and more"),
    ],
)
def test_links_that_are_shortened_and_others(facet: tuple[Any, Any, str], expected: str) -> None:
    first, last, uri = facet
    facets = [
        "nonsense",
        {"index": {"byteStart": first, "byteEnd": last}, "features": [{"$type": "…#link", "uri": uri}, {"tag": "x"}]},
    ]
    record = {"text": "example.... and more", "facets": facets, "createdAt": "2026-05-01T06:00:00Z"}
    item = post_of("at://did:plc:x/app.bsky.feed.post/3k", record, author_of("did:plc:x"), START)
    assert item.text == expected


def test_a_quote_beside_pictures_and_things_that_are_no_posts(platform: FakeBluesky, host: Host) -> None:
    quoted = "at://did:plc:y/app.bsky.feed.post/3quoted"
    embeds = {
        "pictures": {"record": {"$type": "app.bsky.embed.record", "record": {"uri": quoted}}, "media": {}},
        "feed": {"record": {"uri": "at://did:plc:y/app.bsky.feed.generator/whats-hot"}},
        "link": {"external": {"uri": "https://acme.example", "title": "Acme"}},
        "odd": {"record": "text"},
    }
    for name, embed in embeds.items():
        platform.add(text=f"acme {name}", at=START, record={"embed": embed})
    host.run()
    quotes = {item.text.removeprefix("acme "): item.quote_of for item in host.stored.values()}
    assert quotes == {"pictures": quoted, "feed": None, "link": None, "odd": None}


def test_an_app_whose_clock_lies_moves_nothing_into_the_future(platform: FakeBluesky, host: Host) -> None:
    seen = START + timedelta(minutes=10)
    claims = {
        "ahead": "2026-05-01T06:15:00.000Z",
        "zoned": "2026-05-01T08:05:00+02:00",
        "long ago": "0001-01-01T00:00:00Z",
        "naive": "2026-05-01T06:05:00",
        "words": "yesterday",
    }
    for name, claim in claims.items():
        platform.add(text=f"acme {name}", at=START, seen_at=seen, record={"createdAt": claim})
    # What is claimed to be long ago is found where it claims to be.
    host.run(since=START - timedelta(days=1))
    said = {item.text.removeprefix("acme "): item.created_at for item in host.stored.values()}
    assert said == {"ahead": seen, "zoned": START + timedelta(minutes=5), "naive": seen, "words": seen}


def test_entries_that_are_no_posts_are_skipped_and_named(platform: FakeBluesky, host: Host) -> None:
    platform.publish(burst(3))
    bad = [
        platform.add(text="acme", at=START, record={"text": 7}),
        platform.add(text="acme", at=START, author="bea", record={"reply": {"root": {}}}),
        platform.add(text="acme", at=START, author="cem"),
        platform.add(text="acme", at=START, author="dan"),
    ]
    del platform.posts[bad[2]]["author"]
    platform.posts[bad[3]]["record"] = {"text": "acme", "createdAt": "2026-05-01T06:00:00Z", "embed": 3, "langs": 5}
    host.run()
    assert host.texts == sorted([*texts(burst(3)), "acme"])
    # The first has no text to be found by.
    assert {skip.where for skip in host.skipped} == {f"post {uri}" for uri in bad[1:3]}


def test_an_account_without_a_handle_that_holds(platform: FakeBluesky, host: Host) -> None:
    did = did_of("ana")
    platform.add(text="acme", at=START, author="ana", rkey="3k", author_view=None)
    next(iter(platform.posts.values()))["author"] = {"did": did, "handle": "handle.invalid"}
    host.run()
    (item,) = host.stored.values()
    assert item.url == f"https://bsky.app/profile/{did}/post/3k"
    assert item.author is not None
    assert item.author.handle is None


def test_more_than_a_thousand_hits_are_halved(platform: FakeBluesky, host: Host) -> None:
    posts = burst(3000, every=0.5)
    platform.publish(posts)
    host.run()
    assert host.texts == texts(posts)
    assert host.capped == 0


def test_a_second_with_more_hits_than_can_be_had_is_a_known_gap(
    platform: FakeBluesky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("listener.sources.bluesky.source._COMFORTABLE", 200)
    monkeypatch.setattr("listener.sources.bluesky.source._REACHABLE", 500)
    platform.reachable = 500
    platform.publish(burst(530, every=0))
    source = platform.source(followers=False, lookback_hours=13)
    capped = [page for page in source.fetch(parse("acme"), None, UNTIL) if page.capped]
    assert [page.gap for page in capped] == [(START, START)]
    assert len(capped[0].items) == 500


def test_what_a_quota_breaks_off_goes_on_and_comes_to_an_end(platform: FakeBluesky) -> None:
    """13 searches with 300 hits each, and leave for 20 requests a run."""
    terms = [f"acme{letter}" for letter in "abcdefghijklm"]
    posts = [Post(f"{term}{n}", f"{term} {n}", START + timedelta(seconds=11 * n)) for term in terms for n in range(300)]
    platform.publish(posts)
    host = Host(platform.source(followers=False))
    host.run(START - timedelta(hours=1), query=parse("nobody"))
    for runs in range(1, 12):
        platform.remaining = 20
        with suppress(RetriableSourceError):
            host.run(UNTIL + timedelta(minutes=5 * runs), query=parse(" OR ".join(terms)))
            break
    assert len(host.stored) == len(posts)
    assert 2 < runs < 8
    assert host.cursor == {"until": int((UNTIL + timedelta(minutes=5 * runs)).timestamp())}


def test_followers_are_asked_for_mentions_only_and_once(platform: FakeBluesky) -> None:
    for number in range(60):
        platform.add(text="acme", at=START + timedelta(minutes=number), author=f"fan{number}")
        platform.add(text="acmeology", at=START, author=f"other{number}")  # found by the search, and no mention
    host = Host(platform.source())
    host.run()
    asked = [request.args.getlist("actors") for request in platform.requests if "getProfiles" in request.path]
    assert [len(actors) for actors in asked] == [25, 25, 10]
    assert sum(item.reach == 42 for item in host.stored.values()) == 60
    assert sum(item.reach is None for item in host.stored.values()) == 60


def test_followers_can_be_left_out_and_an_account_may_be_gone(platform: FakeBluesky) -> None:
    platform.publish(burst(3))
    platform.followers.clear()
    host = Host(platform.source())
    host.run()
    assert {item.reach for item in host.stored.values()} == {None}
    before = len(platform.requests)
    Host(platform.source(followers=False)).run()
    assert not any("getProfiles" in request.path for request in platform.requests[before:])


def test_what_is_sent_and_what_the_meter_hears(platform: FakeBluesky) -> None:
    Host(platform.source()).run(query=parse('("acme air" OR #acme) lang:es'))
    login, first, second = platform.requests
    assert login.path == "/xrpc/com.atproto.server.createSession"
    assert [first.args["q"], second.args["q"]] == ['"acme air" lang:es', "#acme lang:es"]
    assert (first.args["sort"], first.args["limit"], first.args["until"]) == (
        "latest",
        "100",
        "2026-05-01T18:00:01.000Z",
    )
    assert {request.headers["User-Agent"].partition("/")[0] for request in platform.requests} == {"Escucha"}
    (left, seconds), _ = platform.meter.heard
    assert left == 2999
    assert seconds is not None
    assert 118 < seconds < 122


# Looking posts up again


def test_an_empty_answer_blanks_nothing(platform: FakeBluesky, host: Host) -> None:
    platform.publish(burst(30))
    host.run()
    ids = [item.native_id for item in host.stored.values()]
    platform.empty_lookups = True
    with pytest.raises(RetriableSourceError, match=f"{platform.server.host}:{platform.server.port} left out posts"):
        platform.source().gone(ids[:25])
    platform.delete("1")
    with pytest.raises(RetriableSourceError):
        platform.source().gone(ids[:25])


def test_a_batch_that_is_all_gone_holds_up_nothing(platform: FakeBluesky, host: Host) -> None:
    platform.publish(burst(3))
    host.run()
    platform.posts.clear()
    assert len(platform.source().gone([item.native_id for item in host.stored.values()])) == 3


def test_one_who_has_blocked_us_has_deleted_nothing(platform: FakeBluesky, host: Host) -> None:
    platform.publish(burst(3))
    host.run()
    ids = sorted(platform.posts)
    platform.blocked.add(ids[0])
    platform.delete("2")
    assert platform.source().gone(ids) == {ids[1]: "no longer shown"}


# Sessions


def test_one_login_serves_all_runs(platform: FakeBluesky) -> None:
    platform.publish(burst(3))
    for _ in range(3):
        Host(platform.source()).run()
    assert (platform.logins, platform.renewals) == (1, 0)


def test_sources_at_the_same_moment_log_in_once(platform: FakeBluesky, http: Http) -> None:
    platform.publish(burst(3))
    hosts = [Host(platform.source()) for _ in range(4)]
    threads = [threading.Thread(target=host.run) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [host.texts for host in hosts] == [texts(burst(3))] * 4
    assert platform.logins == 1


def test_an_expired_token_is_renewed_once(platform: FakeBluesky, host: Host) -> None:
    platform.publish(burst(3))
    host.run()
    platform.expire()
    host.run()
    assert (platform.logins, platform.renewals) == (1, 1)


def test_a_token_about_to_expire_is_renewed_beforehand(platform: FakeBluesky, host: Host) -> None:
    platform.holds = 60
    host.run()
    platform.holds = 7200
    host.run()
    assert platform.logins == 1
    assert platform.renewals >= 1


def test_a_session_that_is_revoked_is_logged_in_again(platform: FakeBluesky, host: Host) -> None:
    platform.publish(burst(3))
    host.run()
    platform.revoke()
    host.run()
    assert (platform.logins, platform.renewals) == (2, 0)
    assert host.texts == texts(burst(3))


def test_a_server_that_takes_no_token_it_gives_is_not_asked_for_ever(platform: FakeBluesky, host: Host) -> None:
    host.run()
    given = platform._session
    platform._session = lambda: (given(), platform._good.clear())[0]  # type: ignore[method-assign, func-returns-value]
    platform.expire()
    with pytest.raises(RetriableSourceError, match="does not take the session"):
        host.run()
    assert len(platform.requests) < 8


def test_a_wrong_password_is_told_in_the_servers_words(platform: FakeBluesky) -> None:
    host = Host(platform.source(app_password="hunter2-hunter2"))
    with pytest.raises(FatalSourceError, match=r"401.*Invalid identifier or password") as raised:
        host.run()
    assert "hunter2" not in str(raised.value)


def test_a_main_password_with_a_second_factor_wants_an_app_password(platform: FakeBluesky, host: Host) -> None:
    body = '{"error": "AuthFactorTokenRequired", "message": "A sign in code has been sent to your email address"}'
    platform.fail(lambda request, response: Response(body, 401, content_type="application/json"))
    with pytest.raises(FatalSourceError, match="app password"):
        host.run()


def test_too_many_logins_wait(platform: FakeBluesky, host: Host) -> None:
    platform.login_limit = 0
    with pytest.raises(RetriableSourceError, match=r"429.*Rate Limit Exceeded") as raised:
        host.run()
    assert raised.value.retry_after is not None
    assert 118 < raised.value.retry_after < 122
    assert platform.meter.heard == []  # that is another limit than the one of asking


@pytest.mark.parametrize("body", ["{}", "[]", '{"accessJwt": "x", "refreshJwt": "y", "did": "d", "handle": "h"}'])
def test_a_login_that_gives_no_session(platform: FakeBluesky, host: Host, body: str) -> None:
    platform.fail(lambda request, response: Response(body, content_type="application/json"))
    with pytest.raises(RetriableSourceError):
        host.run()
    host.run()


# Limits and odd answers


def test_a_limit_that_is_reached_tells_when_it_is_renewed(platform: FakeBluesky, host: Host) -> None:
    platform.publish(burst(500))
    platform.remaining = 2
    with pytest.raises(RetriableSourceError, match=r"429.*RateLimitExceeded") as raised:
        host.run()
    assert raised.value.retry_after is not None
    assert 118 < raised.value.retry_after < 122
    assert platform.meter.heard[-1][0] == 0
    platform.remaining = None
    host.run()
    assert host.texts == texts(burst(500))


@pytest.mark.parametrize("body", ["{}", "[]", '{"posts": null}', "7"])
def test_json_that_is_no_search_result(platform: FakeBluesky, host: Host, body: str) -> None:
    platform.fail(lambda request, response: Response(body, content_type="application/json"), request=2)
    with pytest.raises(RetriableSourceError, match="ESCUCHA_BLUESKY_URL"):
        host.run()


def test_a_query_for_other_platforms_asks_nothing(platform: FakeBluesky, host: Host) -> None:
    host.run(query=parse("acme source:x"))
    assert platform.requests == []
    assert host.cursor is not None


def test_there_is_no_search_for_nothing(platform: FakeBluesky, host: Host) -> None:
    with pytest.raises(FatalSourceError, match="add a brand"):
        host.run(query=None)


def test_hostile_handles_and_addresses_stay_where_they_are() -> None:
    record = {"text": "acme", "createdAt": "2026-05-01T06:00:00Z", "reply": {"parent": {"uri": "javascript:alert(1)"}}}
    author = author_of("did:plc:x", "evil.example/../../x?<script>")
    item = post_of("at://did:plc:x/app.bsky.feed.post/3k?x=<y>", record, author, START)
    assert item.url == ("https://bsky.app/profile/evil.example%2F..%2F..%2Fx%3F%3Cscript%3E/post/3k%3Fx%3D%3Cy%3E")
    assert item.reply_to is None
    with pytest.raises(ValueError, match="at://"):
        post_of("at://did:plc:x/app.bsky.feed.post/" + "3" * 5000, record, author, START)


@pytest.mark.parametrize(
    ("options", "message"), [({"handle": "acme", "app_password": "x"}, "whole handle"), ({"handle": "a.b"}, "required")]
)
def test_options_that_cannot_work(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        BlueskyOptions(**options)


def test_options_as_people_write_them() -> None:
    options = BlueskyOptions(handle=f" @{HANDLE} ", app_password=PASSWORD)
    assert options.handle == HANDLE
    assert PASSWORD not in repr(options)
