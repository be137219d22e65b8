"""What every source must do, as test classes a source's own test file inherits.

A new source writes a platform (a scripted stand-in for the real one: ``publish`` puts posts on it, ``source`` makes the
source that reads it) and inherits ``SourceContract``, or ``RemoteContract`` if it reads over HTTP; ``LateContract`` if
the platform shows posts late, ``TokenContract`` if it pages by tokens, ``WindowContract`` if it lets one look back,
``EditContract`` if posts can be changed, ``VanishContract`` if a post can go between being listed and being read,
``RecheckContract`` if stored posts can be looked up again, ``MeterContract`` if it has a quota. That is all:

    class TestMine(RemoteContract, TokenContract):
        @pytest.fixture
        def platform(self, httpserver, http): return MyPlatform(httpserver, http)
"""

import dataclasses
import json
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.items import Item, storable
from listener.query import Query, parse
from listener.source import Cursor, FatalSourceError, Rechecked, RetriableSourceError, Skipped, Source, guarded

START = datetime(2026, 5, 1, 6, 0, tzinfo=UTC)
UNTIL = START + timedelta(hours=12)
QUERY = parse("acme")


@dataclass(frozen=True)
class Post:
    """What somebody says on the platform."""

    id: str
    text: str
    said_at: datetime
    author: str = "ana"


def burst(count: int, *, first: int = 1, start: datetime = START, every: float = 10.0) -> list[Post]:
    """Many posts about Acme, ``every`` seconds."""
    return [
        Post(str(first + n), f"acme post number {first + n}", start + timedelta(seconds=int(n * every)))
        for n in range(count)
    ]


class Platform(Protocol):
    """A scripted platform."""

    def publish(self, posts: Iterable[Post]) -> None: ...

    def source(self) -> Source: ...


@dataclass
class Host:
    """What the host does with a source: items and cursor together, unordered runs provisional, keys deduplicate."""

    source: Source
    stored: dict[tuple[str, str], Item] = field(default_factory=dict)
    cursor: Cursor | None = None
    provisional: Cursor | None = None
    skipped: list[Skipped] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    capped: int = 0
    pages: int = 0

    def run(
        self,
        until: datetime = UNTIL,
        *,
        query: Query | None = QUERY,
        stop_after: int | None = None,
        since: datetime | None = None,
    ) -> None:
        place = self.provisional or self.cursor
        for number, page in enumerate(guarded(self.source.fetch(query, place, until, since)), start=1):
            for item in page.items:
                check_item(item, until)
                known = self.stored.setdefault((item.kind, item.native_id), item)
                if known.text != item.text and _later(item, known):
                    self.stored[item.kind, item.native_id] = item
            for native_id in page.deleted:
                self.stored.pop((next(iter(self.stored), ("", ""))[0], native_id), None)
            if page.gap is not None:
                assert page.capped
                assert page.gap[0] <= page.gap[1] <= until
            self.skipped += page.skipped
            self.unread += page.unread
            self.capped += page.capped
            place = json.loads(json.dumps(page.cursor))
            if self.source.ordered:
                self.cursor = place
            else:
                self.provisional = place
            self.pages += 1
            assert page.progress is None or 0.0 <= page.progress <= 1.0
            if stop_after is not None and number >= stop_after:
                return
        self.cursor, self.provisional = place, None

    def run_through_troubles(self, until: datetime = UNTIL, *, attempts: int = 10) -> int:
        """Run until it ends, resuming after each retriable failure; the number of failures."""
        for failures in range(attempts):
            try:
                self.run(until)
            except RetriableSourceError:
                continue
            return failures
        raise AssertionError(f"still failing after {attempts} attempts")

    @property
    def texts(self) -> list[str]:
        return sorted(item.text for item in self.stored.values())


def _later(item: Item, known: Item) -> bool:
    return item.edited_at is None or known.edited_at is None or item.edited_at > known.edited_at


def check_item(item: Item, until: datetime) -> None:
    assert item.created_at.tzinfo is UTC
    assert item.created_at <= until
    assert item.kind
    assert item.native_id
    assert item.url is None or item.url.startswith(("http://", "https://"))


def texts(posts: Iterable[Post]) -> list[str]:
    return sorted(post.text for post in posts)


HOSTILE = [
    "acme <script>alert('x')</script> & <b>bold</b>",
    "acme <!channel> &lt;already escaped&gt; &amp;amp;",
    "acme \u202egnp.exe\u202c e\u0301 👩‍💻 ❤️ 🇪🇸",
    "acme ]]> --> \"quotes\" 'single' \\n {{7*7}} ${x} %s",
    "acme =cmd|' /C calc'!A0",
    "acme javascript:alert(1) \ufffe \x07bell",
]


class FixedContract:
    """For every source, also one that reads something that never grows."""

    burst_size = 1500

    @pytest.fixture
    def host(self, platform: Platform) -> Host:
        return Host(platform.source())

    def test_a_burst_arrives_whole_and_once(self, platform: Platform, host: Host) -> None:
        posts = burst(self.burst_size)
        platform.publish(posts)
        host.run()
        assert host.texts == texts(posts)
        assert host.capped == 0
        assert not host.skipped

    def test_times_are_kept(self, platform: Platform, host: Host) -> None:
        posts = burst(3, every=61)
        platform.publish(posts)
        host.run()
        assert {item.text: item.created_at for item in host.stored.values()} == {p.text: p.said_at for p in posts}

    def test_items_cannot_be_changed(self, platform: Platform, host: Host) -> None:
        platform.publish(burst(1))
        host.run()
        (item,) = host.stored.values()
        with pytest.raises(dataclasses.FrozenInstanceError):
            item.text = "changed"  # type: ignore[misc]

    def test_a_second_run_loses_nothing_and_adds_nothing(self, platform: Platform, host: Host) -> None:
        platform.publish(burst(40))
        host.run()
        before = dict(host.stored)
        host.run()
        assert host.stored == before

    def test_every_cursor_goes_on_without_a_gap(self, platform: Platform) -> None:
        posts = burst(self.burst_size)
        platform.publish(posts)
        whole = Host(platform.source())
        whole.run()
        for stop in range(1, min(whole.pages, 6) + 1):
            host = Host(platform.source())
            host.run(stop_after=stop)
            host.source = platform.source()  # another process
            host.run()
            assert host.texts == texts(posts)

    def test_posts_out_of_order_all_arrive(self, platform: Platform, host: Host) -> None:
        posts = burst(120)
        platform.publish(posts[1::2] + posts[0::2][::-1])
        host.run()
        assert host.texts == texts(posts)

    @pytest.mark.parametrize("text", HOSTILE)
    def test_hostile_text_stays_text(self, platform: Platform, host: Host, text: str) -> None:
        platform.publish([Post("1", text, START)])
        host.run()
        assert self.as_typed(host.texts[0]) == self.as_typed(storable(text))

    @staticmethod
    def as_typed(text: str) -> str:
        """Control characters no format can carry do not count."""
        return re.sub(r"[\x00-\x08\x0b-\x1f\ufffe\ufffd]", "", text)


class SourceContract(FixedContract):
    """For every source of something that goes on."""

    def test_the_next_run_brings_what_is_new(self, platform: Platform, host: Host) -> None:
        platform.publish(burst(40))
        host.run()
        new = burst(60, first=1001, start=UNTIL + timedelta(minutes=5))
        platform.publish(new)
        host.run(UNTIL + timedelta(hours=2))
        assert host.texts == texts([*burst(40), *new])

    def test_nothing_from_the_future_and_nothing_of_it_lost(self, platform: Platform, host: Host) -> None:
        ahead = Post("77", "acme from a clock five minutes off", UNTIL + timedelta(minutes=5))
        platform.publish([*burst(5), ahead])
        host.run()  # check_item holds the times against UNTIL
        host.run(UNTIL + timedelta(hours=1))
        assert host.texts == texts([*burst(5), ahead])

    def test_an_empty_platform_is_no_failure(self, platform: Platform, host: Host) -> None:
        platform.publish([])
        host.run()
        assert host.stored == {}


class LateContract:
    """For platforms that show a post some time after it was said."""

    def test_a_post_shown_late_is_found(self, platform: Platform) -> None:
        host = Host(platform.source())
        platform.publish(burst(30))
        host.run()
        late = Post("900", "acme shown late", UNTIL - host.source.lag / 2)
        platform.publish([late])
        host.run(UNTIL + timedelta(minutes=30))
        assert host.texts == texts([*burst(30), late])


Fault = Callable[[Request, Response], Response]


def status(code: int, retry_after: str | None = None) -> Fault:
    """An answer with this status and an unhelpful body."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return lambda request, response: Response("no", code, headers)


def html_page(request: Request, response: Response) -> Response:
    """A maintenance page with status 200."""
    return Response("<!DOCTYPE html><html><body>Back soon</body></html>", content_type="text/html")


def half_body(request: Request, response: Response) -> Response:
    """Half of the bytes that were announced, then an ordinary end of the connection."""
    body = response.get_data()
    headers = {"Content-Type": response.content_type or "", "Content-Length": str(len(body))}
    return Response(iter([body[: len(body) // 2]]), 200, headers)


def connection_lost(request: Request, response: Response) -> Response:
    """The connection breaks in the middle of the body."""
    body = response.get_data()

    def pieces() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)

    return Response(pieces(), 200, {"Content-Type": response.content_type or "", "Content-Length": str(len(body))})


class CountingMeter:
    """Gives leave to everything and remembers what it was asked and told. ``refuse``: raise this instead."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.heard: list[tuple[float | None, float | None]] = []
        self.spent = Decimal(0)
        self.most = Decimal(0)
        self.refuse: RetriableSourceError | None = None

    def ask(self, weight: int = 1, *, cost: Decimal = Decimal(0)) -> None:
        if self.refuse is not None:
            raise self.refuse
        self.asked.append(weight)
        self.most += cost

    def told(self, *, remaining: float | None, resets_in: float | None) -> None:
        self.heard.append((remaining, resets_in))

    def paid(self, cost: Decimal) -> None:
        self.spent += cost


class RemotePlatform:
    """A platform behind a real socket. Subclasses write ``answer``; ``fail`` spoils the nth request from now on."""

    def __init__(self, httpserver: HTTPServer) -> None:
        self.server = httpserver
        self.requests: list[Request] = []
        self.meter = CountingMeter()
        self._faults: dict[int, Fault] = {}
        httpserver.expect_request(re.compile(".*")).respond_with_handler(self._handle)

    def answer(self, request: Request) -> Response:
        raise NotImplementedError

    def fail(self, fault: Fault, *, request: int = 1) -> None:
        self._faults[len(self.requests) + request] = fault

    def _handle(self, request: Request) -> Response:
        self.requests.append(request)
        response = self.answer(request)
        fault = self._faults.get(len(self.requests))
        return fault(request, response) if fault else response


class RemoteContract(SourceContract):
    """For sources that read over HTTP; their platform is a RemotePlatform."""

    html_is_fatal = False

    @pytest.mark.parametrize("fault", [connection_lost, half_body, status(500), status(429)])
    def test_trouble_at_any_request_loses_nothing(self, platform: Any, fault: Fault) -> None:
        posts = burst(self.burst_size)
        platform.publish(posts)
        Host(platform.source()).run()
        needed = len(platform.requests)
        for nth in range(1, min(needed, 4) + 1):
            host = Host(platform.source())
            platform.fail(fault, request=nth)
            assert host.run_through_troubles() == 1
            assert host.texts == texts(posts)

    @pytest.mark.parametrize("code", [401, 403, 404, 410])
    def test_a_person_must_act(self, platform: Any, host: Host, code: int) -> None:
        platform.publish(burst(3))
        platform.fail(status(code))
        with pytest.raises(FatalSourceError, match=str(code)):
            host.run()
        assert host.cursor is None

    @pytest.mark.parametrize("code", [429, 500, 502, 503])
    def test_time_may_heal(self, platform: Any, host: Host, code: int) -> None:
        platform.publish(burst(3))
        platform.fail(status(code))
        with pytest.raises(RetriableSourceError, match=str(code)) as raised:
            host.run()
        assert raised.value.retry_after is None
        host.run()
        assert host.texts == texts(burst(3))

    @pytest.mark.parametrize("code", [429, 503])
    def test_the_delay_asked_for_is_told(self, platform: Any, host: Host, code: int) -> None:
        platform.publish(burst(3))
        platform.fail(status(code, retry_after="17"))
        with pytest.raises(RetriableSourceError) as raised:
            host.run()
        assert raised.value.retry_after == 17

    def test_a_web_page_instead_of_data(self, platform: Any, host: Host) -> None:
        platform.publish(burst(3))
        platform.fail(html_page)
        with pytest.raises(FatalSourceError if self.html_is_fatal else RetriableSourceError, match="web page"):
            host.run()
        host.run()
        assert host.texts == texts(burst(3))

    def test_messages_name_the_place(self, platform: Any, host: Host) -> None:
        platform.publish(burst(3))
        platform.fail(status(403))
        with pytest.raises(FatalSourceError, match=f"{platform.server.host}:{platform.server.port}"):
            host.run()


class TokenContract:
    """For platforms that page by tokens; their platform has ``repeat_token``, after which it sends one token again."""

    def test_a_repeated_token_stops_the_run(self, platform: Any) -> None:
        posts = burst(300)
        platform.publish(posts)
        platform.repeat_token = True
        host = Host(platform.source())
        with pytest.raises(RetriableSourceError, match="twice"):
            host.run()
        assert host.cursor is None
        platform.repeat_token = False
        host.provisional = None  # a platform in circles is started afresh
        host.run()
        assert host.texts == texts(posts)


class WindowContract:
    """For platforms that let one look back: a window of the past, whole, once, and nothing else."""

    def test_a_window_of_the_past_comes_whole_and_alone(self, platform: Any) -> None:
        posts = burst(240, every=60)
        platform.publish(posts)
        since, until = START + timedelta(minutes=60), START + timedelta(minutes=120)
        host = Host(platform.source())
        host.run(until, since=since)
        wanted = [post for post in posts if since <= post.said_at <= until]
        # A platform whose windows are coarser may give more around them; the host holds items against the window.
        assert set(texts(wanted)) <= set(host.texts)
        assert all(item.created_at <= until for item in host.stored.values())

    def test_a_window_broken_off_goes_on(self, platform: Any) -> None:
        posts = burst(240, every=60)
        platform.publish(posts)
        since, until = START, START + timedelta(minutes=180)
        host = Host(platform.source())
        host.run(until, since=since, stop_after=1)
        host.source = platform.source()
        host.run(until, since=since)
        assert set(texts(post for post in posts if post.said_at <= until)) <= set(host.texts)


class EditContract:
    """For platforms whose posts can be changed; their platform has ``edit(id, text, at)``."""

    def test_an_edit_within_reach_arrives(self, platform: Any, host: Host) -> None:
        # What is older than the source's lag is looked at again by nobody but the recheck.
        posts = burst(20, start=UNTIL - timedelta(seconds=60), every=1)
        platform.publish(posts)
        host.run()
        platform.edit("20", "acme said otherwise", UNTIL + timedelta(seconds=10))
        host.run(UNTIL + timedelta(seconds=30))
        changed = next(item for item in host.stored.values() if item.text == "acme said otherwise")
        assert changed.created_at == posts[-1].said_at
        assert len(host.stored) == 20


class VanishContract:
    """For platforms where a post may go between being listed and being read; ``vanish(id)`` does that."""

    def test_a_post_gone_between_listing_and_reading_stops_nothing(self, platform: Any, host: Host) -> None:
        posts = burst(30)
        platform.publish(posts)
        platform.vanish("7")
        host.run()
        assert host.texts == texts(post for post in posts if post.id != "7")


class RecheckContract:
    """For platforms that can be asked what is still there; ``delete(id)`` takes a post away."""

    def test_what_is_gone_is_told_and_nothing_else(self, platform: Any, host: Host) -> None:
        platform.publish(burst(30))
        host.run()
        ids = {item.text: item.native_id for item in host.stored.values()}
        platform.delete("7")
        source = platform.source()
        assert isinstance(source, Rechecked)
        gone: dict[str, str] = {}
        every = sorted(ids.values())
        for start in range(0, len(every), source.recheck_batch):
            gone |= source.gone(every[start : start + source.recheck_batch])
        assert set(gone) == {ids["acme post number 7"]}
        assert all(gone.values())

    empty_lookups_cannot_be: str | None = None
    """Why the platform cannot answer a look-up well and with nothing; None = it can, and ``empty_lookups`` does so."""

    def test_an_answer_that_shows_nothing_at_all_is_not_taken_for_deletion(self, platform: Any, host: Host) -> None:
        if self.empty_lookups_cannot_be is not None:
            pytest.skip(self.empty_lookups_cannot_be)
        platform.publish(burst(10))
        host.run()
        assert hasattr(platform, "empty_lookups")
        platform.empty_lookups = True
        source = platform.source()
        with pytest.raises(RetriableSourceError):
            source.gone([item.native_id for item in host.stored.values()])
        platform.empty_lookups = False
        assert source.gone([item.native_id for item in host.stored.values()]) == {}

    def test_trouble_is_not_taken_for_deletion(self, platform: Any, host: Host) -> None:
        platform.publish(burst(3))
        host.run()
        source = platform.source()
        for fault in (status(500), status(429), connection_lost, html_page):
            platform.fail(fault)
            with pytest.raises(RetriableSourceError):
                source.gone([item.native_id for item in host.stored.values()])


class MeterContract:
    """For platforms with a quota: leave is asked before every request, and a refusal stops the run where it stands."""

    def test_every_request_was_asked_for(self, platform: Any, host: Host) -> None:
        platform.publish(burst(300))
        host.run()
        assert len(platform.meter.asked) == len(platform.requests)
        assert platform.meter.spent <= platform.meter.most

    def test_a_spent_quota_stops_the_run_and_loses_nothing(self, platform: Any, host: Host) -> None:
        platform.publish(burst(300))
        platform.meter.refuse = RetriableSourceError("the quota is used up", retry_after=60)
        with pytest.raises(RetriableSourceError, match="used up") as raised:
            host.run()
        assert raised.value.retry_after == 60
        assert platform.requests == []
        platform.meter.refuse = None
        host.run()
        assert host.texts == texts(burst(300))
