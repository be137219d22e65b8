"""The jetstream source against a websocket server that plays back, breaks off, refuses and talks nonsense."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from listener.http import Http
from listener.pipeline import Pipeline
from listener.query import parse
from listener.queue import WorkQueue
from listener.quota import Meters
from listener.scheduler import Scheduler
from listener.source import FatalSourceError, RetriableSourceError
from listener.sources.bluesky import BlueskySource
from listener.sources.jetstream import JetstreamOptions, JetstreamSource
from listener.store.tables import Mention, QuotaAccount, SourceBreaker, Task
from listener.store.tables import Source as SourceRow
from listener.tools import Endpoints, Tools
from tests.listener.conftest import Site
from tests.listener.sources.conformance import (
    QUERY,
    START,
    UNTIL,
    Host,
    LateContract,
    Post,
    SourceContract,
    WindowContract,
    burst,
    texts,
)
from tests.listener.sources.fake_jetstream import FakeJetstream


@pytest.fixture
def platform(http: Http) -> Iterator[FakeJetstream]:
    platform = FakeJetstream(None, http)
    yield platform
    platform.close()


@pytest.fixture
def host(platform: FakeJetstream) -> Host:
    return Host(platform.source())


class TestContract(SourceContract, LateContract, WindowContract):
    """No RemoteContract, whose faults are HTTP's: those of a websocket are below. Nothing is looked up again here."""


# What breaks


@pytest.mark.parametrize("after", [0, 1, 700, 1499, 1500])
def test_a_connection_lost_in_the_middle_of_a_frame_loses_nothing(platform: FakeJetstream, after: int) -> None:
    posts = burst(1500)
    platform.publish(posts)
    platform.drops = [after]
    host = Host(platform.source())
    assert host.run_through_troubles() == 1
    assert host.texts == texts(posts)


def test_what_came_before_the_connection_was_lost_is_kept(platform: FakeJetstream, host: Host) -> None:
    platform.others = False
    platform.publish(burst(100))
    platform.drops = [60]
    with pytest.raises(RetriableSourceError, match="broke off") as raised:
        host.run()
    assert f"{platform.server.host}:{platform.server.port}" in str(raised.value)
    assert len(host.stored) == 60
    host.run()
    assert platform.asked[1]["cursor"] == [str(_us(START + timedelta(seconds=590 - 10)))]
    assert host.texts == texts(burst(100))


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_handshake_refused_for_a_person_to_act(platform: FakeJetstream, host: Host, code: int) -> None:
    platform.refuses = [(code, {}, b"no")]
    with pytest.raises(FatalSourceError, match=str(code)) as raised:
        host.run()
    assert f"{platform.server.host}:{platform.server.port}" in str(raised.value)


@pytest.mark.parametrize("code", [429, 500, 502, 503])
def test_a_handshake_refused_for_a_while(platform: FakeJetstream, host: Host, code: int) -> None:
    platform.publish(burst(3))
    platform.refuses = [(code, {}, b"no"), (code, {"Retry-After": "17"}, b"no")]
    for delay in (None, 17):
        with pytest.raises(RetriableSourceError, match=str(code)) as raised:
            host.run()
        assert raised.value.retry_after == delay
    host.run()
    assert host.texts == texts(burst(3))


def test_a_web_page_instead_of_a_websocket(platform: FakeJetstream, host: Host) -> None:
    page = b"<!DOCTYPE html><html><body>Back soon</body></html>"
    platform.refuses = [(200, {"Content-Type": "text/html"}, page), (200, {}, b"ok")]
    with pytest.raises(RetriableSourceError, match=r"a web page.*ESCUCHA_JETSTREAM_URL"):
        host.run()
    with pytest.raises(RetriableSourceError, match="plain HTTP"):
        host.run()


def test_frames_of_nonsense_are_skipped_and_stop_nothing(platform: FakeJetstream, host: Host) -> None:
    platform.publish(burst(5))
    nonsense = ["{", "[]", "null", "7", b"\x28\xb5\x2f\xfd", '{"time_us": "soon"}', '{"time_us": -5}', "[" * 2000]
    nonsense.append(json.dumps({"time_us": _us(UNTIL + timedelta(days=400)), "kind": "commit"}))
    for number, frame in enumerate(nonsense):
        platform.add(START + timedelta(seconds=number), frame)
    host.run()
    assert host.texts == texts(burst(5))
    assert len(host.skipped) == len(nonsense)


def test_a_server_that_speaks_of_something_else(platform: FakeJetstream, host: Host) -> None:
    platform.first = ["hello"] * 300
    with pytest.raises(RetriableSourceError, match="no Jetstream"):
        host.run()


def test_a_huge_frame_does_not_fill_the_memory(platform: FakeJetstream, host: Host) -> None:
    platform.publish(burst(3))
    platform.first = ["x" * (3 * 1024 * 1024)]
    with pytest.raises(RetriableSourceError, match="1024 KB at once"):
        host.run()
    platform.first = []
    platform.post("acme " + "x" * 600_000, START, rkey="3huge")
    host.run()
    assert host.texts == texts(burst(3))  # it was asked not to send such a one


def test_a_server_that_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf, Http() as http:
        port = deaf.getsockname()[1]
        source = JetstreamSource(
            JetstreamOptions(), Tools(http, Endpoints(jetstream=f"ws://127.0.0.1:{port}"), timeout=0.3)
        )
        with pytest.raises(RetriableSourceError, match="in time"):
            Host(source).run()


@pytest.mark.parametrize(
    ("address", "error", "message"),
    [
        ("ws://127.0.0.1:1", RetriableSourceError, "no connection to ws://127.0.0.1:1"),
        ("https://jetstream.example", FatalSourceError, "write it as wss://"),
        ("wss://no.such.host.invalid", RetriableSourceError, "no server of the name"),
    ],
)
def test_an_address_where_nobody_is(address: str, error: type[Exception], message: str, http: Http) -> None:
    source = JetstreamSource(JetstreamOptions(), Tools(http, Endpoints(jetstream=address), timeout=3))
    with pytest.raises(error, match=message):
        Host(source).run()


def test_a_server_that_speaks_no_http(http: Http) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        address = f"ws://127.0.0.1:{listening.getsockname()[1]}"
        source = JetstreamSource(JetstreamOptions(), Tools(http, Endpoints(jetstream=address), timeout=3))
        with pytest.raises(RetriableSourceError, match=r"no websocket|broke off"):
            Host(source).run()
        thread.join(5)


# Cursors and times


def test_events_come_twice_and_out_of_order(platform: FakeJetstream, host: Host) -> None:
    platform.publish(burst(50))
    platform.publish(burst(50))
    early, late = platform.events[10], platform.events[90]
    platform.events[10], platform.events[90] = (late[0], early[1]), (early[0], late[1])
    ahead = Post("900", "acme ahead", UNTIL + timedelta(minutes=1))
    platform.publish([ahead])
    platform.events[-1] = (_us(START + timedelta(seconds=100)), platform.events[-1][1])  # comes long before its time_us
    host.run()
    assert host.texts == texts(burst(50))
    platform.events[-1] = (_us(ahead.said_at), platform.events[-1][1])
    host.run(UNTIL + timedelta(minutes=5))
    assert host.texts == texts([*burst(50), ahead])


def test_a_clock_of_ours_five_minutes_behind_or_ahead(platform: FakeJetstream, host: Host) -> None:
    platform.now = UNTIL
    platform.publish(burst(10, start=UNTIL - timedelta(minutes=3)))
    host.run(UNTIL - timedelta(minutes=5))
    assert host.texts == []
    host.source = platform.source(listen_seconds=2)
    host.run(UNTIL + timedelta(minutes=5))  # the server's live events are not yet there: the time is up instead
    assert host.texts == texts(burst(10))
    assert host.cursor is not None
    assert host.cursor["time_us"] <= _us(UNTIL) + 10_000
    more = burst(3, first=500, start=UNTIL + timedelta(minutes=1))
    platform.publish(more)
    platform.now = UNTIL + timedelta(minutes=10)
    host.run(UNTIL + timedelta(minutes=6))
    assert host.texts == texts([*burst(10), *more])


def test_an_app_whose_clock_lies_moves_nothing_into_the_future(platform: FakeJetstream, host: Host) -> None:
    platform.post("acme ahead", START + timedelta(hours=3), rkey="1", seen_at=START)
    platform.post("acme before", START - timedelta(hours=3), rkey="2", seen_at=START)
    platform.post("acme never", START, rkey="3", record={"createdAt": "soon"})
    host.run()
    said = {item.text.removeprefix("acme "): item.created_at for item in host.stored.values()}
    assert said == {"ahead": START, "before": START - timedelta(hours=3), "never": START}


def test_the_cursor_moves_where_nothing_is_a_mention(
    platform: FakeJetstream, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("listener.sources.jetstream.events._EVENTS_A_PAGE", 500)
    for number in range(1200):
        platform.post("somebody else", START + timedelta(seconds=number), rkey=str(number))
    pages = list(host.source.fetch(QUERY, None, UNTIL))
    times = [page.cursor["time_us"] for page in pages]
    assert len(pages) == 3  # 1,200 posts and 216 other events before UNTIL, a few of those after it
    assert times == sorted(times)
    assert times[-1] == _us(UNTIL)
    assert all(page.items == () for page in pages)
    assert [page.progress for page in pages] == sorted(page.progress or 0 for page in pages)


def test_a_cursor_older_than_what_is_kept_is_a_known_gap(platform: FakeJetstream, host: Host) -> None:
    platform.publish(burst(1))
    host.run()
    platform.keeps = timedelta(hours=7)
    platform.publish(burst(20, first=100, start=UNTIL - timedelta(hours=3), every=600))
    pages = list(host.source.fetch(QUERY, {"time_us": _us(START)}, UNTIL))
    begun = UNTIL - timedelta(hours=1)  # seven hours before the server's now
    assert [page.gap for page in pages] == [(START - timedelta(seconds=10), begun)]
    assert pages[0].capped


def test_playback_that_begins_where_it_should_is_no_gap(platform: FakeJetstream, host: Host) -> None:
    platform.publish(burst(1, start=UNTIL - timedelta(minutes=9)))
    assert not any(
        page.capped for page in host.source.fetch(QUERY, {"time_us": _us(UNTIL - timedelta(minutes=18))}, UNTIL)
    )


def test_a_few_quiet_accounts_are_no_gap(platform: FakeJetstream) -> None:
    platform.publish(burst(1, start=UNTIL - timedelta(hours=2)))
    source = platform.source(wanted_dids=["did:plc:ana"])
    assert not any(page.capped for page in source.fetch(QUERY, {"time_us": _us(START)}, UNTIL))
    assert any(page.capped for page in source.fetch(QUERY, {"time_us": _us(START - timedelta(hours=12))}, UNTIL))


def test_silence_of_a_few_accounts_lets_no_cursor_get_too_old(platform: FakeJetstream) -> None:
    platform.beats = False
    host = Host(platform.source(listen_seconds=0.4, wanted_dids=["did:plc:ana"]))
    host.cursor = {"time_us": _us(UNTIL - timedelta(hours=3))}
    host.run()
    assert host.cursor == {"time_us": _us(UNTIL - timedelta(hours=3))}
    host.run(UNTIL + timedelta(hours=40))
    assert host.cursor == {"time_us": _us(UNTIL + timedelta(hours=28))}


def test_a_few_accounts_that_fall_silent_are_no_trouble(platform: FakeJetstream) -> None:
    platform.beats = False
    platform.publish(burst(30, every=600))
    host = Host(platform.source(listen_seconds=1.5, wanted_dids=["did:plc:ana"]))
    host.run()
    assert host.texts == texts(burst(30, every=600))


def test_silence_of_the_whole_network_is_trouble(platform: FakeJetstream) -> None:
    platform.beats = platform.others = False
    host = Host(platform.source(listen_seconds=0.4))
    with pytest.raises(RetriableSourceError, match="to send anything"):
        host.run()
    platform.publish(burst(3))  # it falls silent in the middle of playback
    host.source = platform.source(listen_seconds=1.5)
    with pytest.raises(RetriableSourceError, match="to send anything"):
        host.run()
    assert host.texts == texts(burst(3))


def test_a_run_that_is_behind_goes_on_until_it_has_caught_up(platform: FakeJetstream) -> None:
    posts = burst(100)
    platform.others = False
    platform.publish(posts)
    platform.pace = 0.02
    host = Host(platform.source(listen_seconds=0.5))
    began = time.monotonic()
    host.run()
    assert time.monotonic() - began > 4 * 0.5
    assert host.texts == texts(posts)
    assert host.cursor == {"time_us": _us(UNTIL)}
    assert platform.handshakes == 1


def test_catching_up_is_no_failure_of_the_source_and_holds_up_nobody(
    platform: FakeJetstream, sqlite_store: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the scheduler, the queue, the collect job, the breaker, the meter and the ledger."""
    monkeypatch.setattr("listener.sources.jetstream.events._SECONDS_A_PAGE", 0.2)
    site = Site(sqlite_store, clock)
    clock.now = UNTIL
    site.brand("Acme", query="acme")
    options = {"listen_seconds": 0.3, "lookback_hours": 13}
    site.source("it", kind="jetstream", options=options, every_s=600)
    posts = burst(80)
    platform.others = False
    platform.publish(posts)
    platform.pace = 0.02
    queue = WorkQueue(site.store)
    with Http() as http:
        meters = Meters(site.store, clock, lambda _seconds: True)
        pipeline = Pipeline(
            store=site.store, queue=queue, channels={}, pacing={}, secrets={}, public_url="http://here", clock=clock,
            tools=Tools(http, Endpoints(jetstream=platform.server.url_for("")), meter=meters, timeout=2),
        )  # fmt: skip
        Scheduler(site.store, queue, clock).fire_due()
        (work,) = queue.claim(clock())
        extended: list[int] = []
        hold = queue.hold
        monkeypatch.setattr(queue, "hold", lambda *args: extended.append(1) or hold(*args))
        pipeline._collect(work)
    assert sorted(row.text for row in site.rows(Mention)) == texts(posts)
    assert platform.handshakes == 1
    assert len(extended) > 4  # the lease, as it went
    assert site.rows(Task) == []
    assert site.rows(SourceBreaker) == []
    assert [row.blocked_until for row in site.rows(QuotaAccount)] == [None]
    (source,) = site.rows(SourceRow)
    assert (source.last_error, source.covered_to) == (None, UNTIL)


def test_catching_up_hands_out_a_page_every_few_seconds(platform: FakeJetstream, monkeypatch: Any) -> None:
    monkeypatch.setattr("listener.sources.jetstream.events._SECONDS_A_PAGE", 0.2)
    for number in range(100):
        platform.post("somebody else", START + timedelta(seconds=number), rkey=str(number))
    platform.others = False
    platform.pace = 0.02
    waits, last = [], time.monotonic()
    for page in platform.source(listen_seconds=0.5).fetch(QUERY, None, UNTIL):
        waits.append(time.monotonic() - last)
        last = time.monotonic()
        assert page.items == ()
    assert len(waits) > 4
    assert max(waits) < 1.5


def test_what_an_account_that_is_gone_has_said_goes(platform: FakeJetstream, host: Host) -> None:
    platform.publish([Post("1", "acme one", START, "ana"), Post("2", "acme two", START, "bea")])
    states = {"ana": "deleted", "cem": "takendown", "bea": "deactivated", "dan": "suspended"}
    for name, status in states.items():
        account = {"active": False, "did": f"did:plc:{name}", "seq": 1, "status": status}
        platform.add(START + timedelta(hours=1), {"did": f"did:plc:{name}", "kind": "account", "account": account})
    back = {"active": True, "did": "did:plc:eli", "seq": 2}
    platform.add(START + timedelta(hours=1), {"did": "did:plc:eli", "kind": "account", "account": back})
    for odd in (None, "deleted", {"active": False}, {"active": False, "status": ["deleted"]}):
        platform.add(START + timedelta(hours=1), {"did": "did:plc:fay", "kind": "account", "account": odd})
    gone = {did for page in host.source.fetch(QUERY, None, UNTIL) for did in page.deleted_authors}
    assert gone == {"did:plc:ana", "did:plc:cem"}
    host.run()
    assert host.texts == ["acme two"]


def test_a_run_that_is_stopped_hangs_up(platform: FakeJetstream) -> None:
    platform.beats = False
    platform.publish(burst(600))
    began = time.monotonic()
    pages = platform.source(listen_seconds=300).fetch(QUERY, None, UNTIL)
    assert len(next(pages).items) > 400
    pages.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 60


# What is read


def test_a_post_in_full(platform: FakeJetstream, host: Host) -> None:
    parent, quoted = "at://did:plc:x/app.bsky.feed.post/3p", "at://did:plc:y/app.bsky.feed.post/3q"
    uri = platform.post(
        "acme, again", START, did="did:plc:bea",
        record={
            "langs": ["es"], "reply": {"parent": {"uri": parent}, "root": {"uri": parent}},
            "embed": {"$type": "app.bsky.embed.record", "record": {"uri": quoted}},
        },
    )  # fmt: skip
    host.run()
    item = host.stored["bluesky", uri]
    assert (item.text, item.lang, item.reply_to, item.quote_of) == ("acme, again", "es", parent, quoted)
    assert item.url == "https://bsky.app/profile/did:plc:bea/post/3k"
    assert item.author is not None
    assert (item.author.native_id, item.author.handle, item.reach) == ("did:plc:bea", None, None)
    assert BlueskySource.kind == item.kind


def test_only_mentions_are_handed_out(platform: FakeJetstream) -> None:
    platform.publish(burst(3))
    platform.post("somebody else", START, rkey="3other")
    for query, wanted in ((QUERY, 3), (parse("acme source:elsewhere"), 4), (None, 4)):
        host = Host(platform.source())
        host.run(query=query)
        assert len(host.stored) == wanted


def test_deletions_are_told_and_changes_are_not(platform: FakeJetstream, host: Host) -> None:
    platform.publish(burst(5))
    platform.delete("2", START + timedelta(minutes=5))  # in the same page
    changed = {"text": "acme changed", "createdAt": "2026-05-01T06:00:00Z"}
    platform.commit(START + timedelta(minutes=6), "did:plc:ana", "update", "3k3", changed)
    platform.commit(START + timedelta(minutes=6), "did:plc:ana", "delete", "3k4", collection="app.bsky.feed.like")
    host.run()
    assert host.texts == [f"acme post number {number}" for number in (1, 3, 4, 5)]
    platform.delete("5", UNTIL + timedelta(minutes=1))
    host.run(UNTIL + timedelta(minutes=2))
    assert host.texts == [f"acme post number {number}" for number in (1, 3, 4)]


def test_odd_events_are_skipped_or_passed_over(platform: FakeJetstream, host: Host) -> None:
    at = START + timedelta(seconds=1)
    platform.publish(burst(2))
    for event in (
        {"did": "did:plc:x", "kind": "account", "account": {"active": False}}, {"did": "did:plc:x", "kind": "new"},
        {"did": "did:plc:x", "kind": "commit", "commit": "gone"}, {"kind": "commit", "commit": None},
    ):  # fmt: skip
        platform.add(at, event)
    platform.post("", at, rkey="3picture")
    platform.post(7, at, rkey="3seven")
    platform.commit(at, "did:plc:x", "create", "3none")
    platform.commit(at, "", "create", "3nobody", {"text": "acme"})
    platform.commit(at, "did:plc:x", "create", "3" * 5000, {"text": "acme"})
    platform.commit(at, "did:plc:x", "delete", "3" * 5000)
    host.run()
    assert host.texts == texts(burst(2))
    assert len(host.skipped) == 5


def test_what_is_asked(platform: FakeJetstream) -> None:
    dids = ["did:plc:ana", "did:plc:bea"]
    platform.publish([*burst(2), Post("9", "of somebody else", START, "cem"), Post("8", "no brand", START, "bea")])
    host = Host(platform.source(wanted_dids=dids))
    host.run()
    assert host.texts == sorted([*texts(burst(2)), "no brand"])
    (asked,) = platform.asked
    assert asked["wantedDids"] == dids
    assert asked["wantedCollections"] == ["app.bsky.feed.post"]
    assert asked["maxMessageSizeBytes"] == ["524288"]
    assert platform.agents[0] is not None
    assert platform.agents[0].startswith("Escucha/")
    assert platform.meter.asked == [1]


def test_a_spent_quota_opens_no_connection(platform: FakeJetstream, host: Host) -> None:
    platform.meter.refuse = RetriableSourceError("the quota is used up", retry_after=60)
    with pytest.raises(RetriableSourceError, match="used up"):
        host.run()
    assert platform.handshakes == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wanted_dids": ["acme.bsky.social"]}, "as their DIDs"),
        ({"lookback_hours": 48}, "less than or equal to 24"),
        ({"listen_seconds": 0}, "greater than 0"),
    ],
)
def test_options_that_cannot_work(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        JetstreamOptions(**options)


def _us(moment: Any) -> int:
    return int(moment.timestamp()) * 1_000_000 + int(moment.microsecond)
