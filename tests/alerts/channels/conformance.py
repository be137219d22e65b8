"""What every channel must do, as test classes that a channel's own test file inherits.

A new channel writes its far end (a real server that speaks the platform's documented protocol) and inherits
``ChannelContract``, and ``HttpContract`` as well if it posts over HTTP. That is all:

    class TestMine(HttpContract):
        @pytest.fixture
        def far_end(self, httpserver): return MyFarEnd(httpserver)
"""

import logging
import re
import socket
import threading
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar, get_args

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alerts.channel import Channel, DeliveryError, Mode, TryLater, Undeliverable
from alerts.notice import Action, Button, Chart, Language, Link, Notice, NoticeKind, Section, for_test
from alerts.reasons import Reason

Failure = TypeVar("Failure", bound=DeliveryError)

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00IEND\xaeB`\x82"
)
"""One white pixel."""

MARK = "zebra"
"""Stands in every hostile text, and must still be read at the other end."""

HOSTILE = (
    f"<!channel> <!everyone> <!here|x> <@U0123456> {MARK} <https://evil.example|your bank>",
    f"@everyone @here <@123456789012345678> <@&99> <#42> {MARK} </shrug:1> <t:0:R> <:x:1> :smile:",
    f"[your bank](https://evil.example) {MARK} ![x](https://evil.example/x.png) **b** _i_ `c` ```d``` ||e|| ~~f~~",
    f"# head\n## head\n-# small\n> quoted\n>>> all of it\n- item\n1. item\n{MARK}\n***",
    f"<script>alert(1)</script><img src=x onerror=alert(1)><a href='javascript:x'>{MARK}</a></td></tr></table><style>",
    f"x\r\nBcc: evil@example.com\r\nSubject: forged\r\n\r\n{MARK}\r\n.\r\nMAIL FROM:<evil@example.com>\r\nDATA",
    f"=?utf-8?q?Bcc:_evil?= \"><b onmouseover='x'> {MARK} ' \" & &amp; &lt;",
    f"{{{{DATE(2026-01-01T00:00:00Z,SHORT)}}}} ${{title}} {{{{ 7*7 }}}} {{% raw %}} <at>All</at> {MARK} %s {{0}}",
    f"\u202eesrever {MARK} \u2066iso\u2069 \x00 \x1b[31m \x07 \ud800 \ufeff\u200b",
    f"https://evil.example/{MARK} www.evil.example evil@example.com mailto:evil@example.com",
)

HOSTILE_URLS = (
    "javascript:alert(1)",
    "https://evil.example/a)b[c](d)\"><script>'|x> ",
    "https://user:pass@evil.example/",
    "data:text/html,<script>",
)

ENORMOUS = (
    "x" * 50_000,
    "👩‍👩‍👧‍👦" * 5_000,
    "e\u0301\u0302\u0303" * 8_000,
    "*_[\\" * 8_000,
    "&<>\"'" * 8_000,
    "a\n" * 15_000,
    "\u202e\u0000\ud800" * 5_000,
    "𝔘" * 20_000,
    "@everyone " * 4_000,
)


class FarEnd(Protocol):
    """A channel's other end. ``secrets``: what no message, log or error may show."""

    secrets: tuple[str, ...]

    def channel(self) -> Channel:
        """The channel, set up to write here."""
        ...

    def received(self) -> list[Any]:
        """What has come, oldest first, read as the platform reads it."""
        ...

    def words(self, message: Any) -> str:
        """All that a message says, to people and to programs."""
        ...

    def assert_inert(self, message: Any) -> None:
        """Nothing in it acts: it pings nobody, formats nothing and links where we link alone."""
        ...

    def assert_within_limits(self, message: Any) -> None:
        """The platform takes and shows all of it."""
        ...


def full_notice(a_notice: Callable[..., Notice], kind: NoticeKind = NoticeKind.OPENED, **changes: Any) -> Notice:
    """One with everything a notice can hold."""
    fields: dict[str, Any] = {
        "kind": kind,
        "key": f"detractor-{kind.value}-0123456789abcdef",
        "sections": (Section("Most told of", ("Aeroluz lost bags: 31 mentions", "Refunds: 12 mentions")),),
        "charts": (Chart("hours", "31 mentions at 11:00, usually 4", b64encode(PNG).decode()),),
        "buttons": tuple(Button(action, action.value) for action in Action),
    }
    return a_notice(**{**fields, **changes})


class ChannelContract:
    """What holds for every channel, whatever it speaks."""

    @pytest.fixture
    def far_end(self) -> FarEnd:
        raise NotImplementedError

    @pytest.mark.parametrize("language", get_args(Language))
    @pytest.mark.parametrize("kind", NoticeKind)
    def test_every_kind_of_notice_arrives_once_in_either_language(self, far_end, a_notice, kind, language):
        notice = full_notice(a_notice, kind, language=language)
        receipt = far_end.channel().send(notice)
        [message] = far_end.received()
        assert notice.key in far_end.words(message)
        assert "lost my bag again" in far_end.words(message)
        far_end.assert_inert(message)
        far_end.assert_within_limits(message)
        assert receipt.detail
        assert receipt.detail.isprintable()
        assert len(receipt.detail) <= 300

    def test_a_digest_without_a_quotation_and_a_notice_with_nothing_but_a_title(self, far_end, a_notice):
        digest = full_notice(a_notice, NoticeKind.DIGEST, about=None, buttons=())
        bare = Notice(key="bare-0123456789abcdef", kind=NoticeKind.SUMMARY, title="t", why="", made_at=NOON)
        for notice in (replace(digest, quotes=()), bare):
            far_end.channel().send(notice)
        for message, notice in zip(far_end.received(), (digest, bare), strict=True):
            assert notice.key in far_end.words(message)
            far_end.assert_within_limits(message)

    def test_a_test_is_told_as_one(self, far_end):
        notice = for_test("team", NOON)
        far_end.channel().send(notice)
        [message] = far_end.received()
        assert "Test message from Escucha" in far_end.words(message)
        assert notice.key in far_end.words(message)

    @pytest.mark.parametrize("text", HOSTILE)
    def test_what_strangers_say_is_text(self, far_end, a_notice, text):
        notice = full_notice(a_notice, text=text, author=text, source=text)
        far_end.channel().send(notice)
        [message] = far_end.received()
        assert MARK in far_end.words(message)
        far_end.assert_inert(message)
        far_end.assert_within_limits(message)

    @pytest.mark.parametrize("text", HOSTILE)
    def test_names_that_somebody_chose_are_text_everywhere_else_too(self, far_end, a_notice, text):
        """A brand's name, a source's, a person's: not strangers', and no reason to trust them."""
        notice = full_notice(
            a_notice, title=text, why=text, facts=((text, text),), sections=(Section(text, (text, text)),),
            charts=(Chart(text, text, b64encode(PNG).decode()),),
        )  # fmt: skip
        far_end.channel().send(notice)
        [message] = far_end.received()
        far_end.assert_inert(message)
        far_end.assert_within_limits(message)

    @pytest.mark.parametrize("url", HOSTILE_URLS)
    def test_addresses_out_of_posts_lead_to_the_web_or_nowhere(self, far_end, a_notice, url):
        notice = full_notice(a_notice, url=url, links=(Link("Open the incident", url),))
        far_end.channel().send(notice)
        [message] = far_end.received()
        far_end.assert_inert(message)
        assert "javascript:" not in far_end.words(message)
        assert "user:pass" not in far_end.words(message)

    @pytest.mark.parametrize("text", ENORMOUS, ids=lambda text: repr(text[:4]))
    def test_however_much_there_is_the_platform_takes_it(self, far_end, a_notice, text):
        one = full_notice(
            a_notice, text=text, author=text, source=text, lang="en", url="https://e.example/" + "x" * 1_900
        )
        notice = replace(
            one, title=text, why=text, quotes=one.quotes * 30, facts=((text, text),) * 60,
            sections=(Section(text, (text[:9_000],) * 100),) * 40,
            links=(Link(text, "https://e.example/" + "y" * 1_900),) * 30, charts=one.charts * 15,
        )  # fmt: skip
        far_end.channel().send(notice)
        [message] = far_end.received()
        assert notice.key in far_end.words(message)
        far_end.assert_inert(message)
        far_end.assert_within_limits(message)

    def test_a_key_of_any_characters_does_no_harm(self, far_end, a_notice):
        notice = a_notice(key="summary-ops@x\r\nBcc: <evil@example.com> ñ-0123")
        far_end.channel().send(notice)
        [message] = far_end.received()
        far_end.assert_inert(message)

    def test_a_reply_is_a_message_too(self, far_end, a_notice):
        channel = far_end.channel()
        first = channel.send(a_notice())
        later = channel.send(a_notice(kind=NoticeKind.GREW, key="detractor-grew-00"), Mode.THREAD, first.ref)
        assert later.ref == first.ref
        assert ["detractor-grew-00" in far_end.words(message) for message in far_end.received()] == [False, True]

    def test_a_message_that_can_be_changed_is_changed(self, far_end, a_notice):
        channel = far_end.channel()
        first = channel.send(a_notice())
        if not channel.edits:
            pytest.skip("this channel's messages stay as they are, and no update is asked of it")
        assert first.ref
        later = channel.send(a_notice(kind=NoticeKind.UPDATED, key="detractor-updated-00"), Mode.UPDATE, first.ref)
        assert later.ref == first.ref
        [message] = far_end.received()
        assert "detractor-updated-00" in far_end.words(message)

    def test_several_threads_may_send_at_once(self, far_end, a_notice):
        channel = far_end.channel()
        notices = [a_notice(key=f"detractor-opened-{number:016x}") for number in range(24)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(channel.send, notices))
        words = [far_end.words(message) for message in far_end.received()]
        assert [sum(notice.key in one for one in words) for notice in notices] == [1] * len(notices)

    def test_a_name_and_a_kind_and_nothing_secret_in_how_it_is_shown(self, far_end, a_notice, caplog):
        caplog.set_level(logging.DEBUG)
        channel = far_end.channel()
        channel.send(a_notice())
        assert channel.name == "team"
        assert channel.kind in type(channel).__module__
        assert isinstance(channel.edits, bool)
        shown = repr(channel) + str(channel) + logged(caplog)
        assert not [secret for secret in far_end.secrets if secret in shown]


class HttpFarEnd:
    """A platform's HTTP server. ``path`` is where the channel posts; ``taken`` what is answered to a good message.

    ``disabling``: the statuses with which the platform says that no message will ever be taken. ``pages``: whether it
    may answer a good status with a web page.
    """

    path: str
    secrets: tuple[str, ...]
    disabling: frozenset[int] = frozenset({401, 404, 410})
    pages = False

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.answers: list[Response] = []
        server.expect_request(re.compile(".*")).respond_with_handler(self._respond)

    def at(self, base: str, **options: Any) -> Channel:
        """The channel as if the platform were at this address."""
        raise NotImplementedError

    def channel(self) -> Channel:
        return self.at(self.server.url_for("").rstrip("/"))

    def requests(self) -> list[Request]:
        """All that was asked."""
        return [request for request, _ in self.server.log]

    def taken(self, request: Request) -> Response:
        """What the platform answers to a message that it takes."""
        return Response("ok")

    def _respond(self, request: Request) -> Response:
        return self.answers.pop(0) if self.answers else self.taken(request)


class HttpContract(ChannelContract):
    """What holds for every channel that posts over HTTP."""

    @pytest.fixture
    def far_end(self, httpserver: HTTPServer) -> HttpFarEnd:
        raise NotImplementedError

    @pytest.mark.parametrize(
        ("status", "headers", "reason", "after", "ambiguous", "whole"),
        [
            (429, {"Retry-After": "7"}, Reason.RATE_LIMITED, 7.0, False, True),
            (429, {}, Reason.RATE_LIMITED, None, False, True),
            (500, {}, Reason.SERVER_ERROR, None, True, False),
            (502, {}, Reason.SERVER_ERROR, None, True, False),
            (503, {"Retry-After": "30"}, Reason.SERVER_ERROR, 30.0, True, False),
            (408, {}, Reason.TIMED_OUT, None, True, False),
        ],
    )
    @pytest.mark.parametrize("body", ["", "<html><body>Sorry</body></html>"])
    def test_what_heals_with_time(
        self, far_end, a_notice, status, headers, reason, after, ambiguous, whole, body
    ):  # fmt: skip
        far_end.answers = [Response(body, status, headers)]
        error = failure(TryLater, far_end, a_notice)
        assert (error.reason, error.after, error.ambiguous, error.whole_channel) == (reason, after, ambiguous, whole)
        assert len(far_end.requests()) == 1, "a channel does not try again by itself"

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 422])
    def test_what_a_person_must_see_to(self, far_end, a_notice, status):
        far_end.answers = [Response("", status)]
        error = failure(Undeliverable, far_end, a_notice)
        disables = status in far_end.disabling
        assert error.disables_channel is disables
        assert error.reason is (Reason.CHANNEL_REFUSED if disables else Reason.REJECTED)
        assert str(status) in error.message
        assert len(far_end.requests()) == 1

    @pytest.mark.parametrize("body", ["<html><body>Blocked</body></html>", "Request blocked", '{"blocked": true}'])
    def test_a_firewall_that_dislikes_what_a_stranger_wrote_switches_nothing_off(self, far_end, a_notice, body):
        far_end.answers = [Response(body, 403)]
        error = failure(Undeliverable, far_end, a_notice)
        assert (error.reason, error.disables_channel) == (Reason.REJECTED, False)
        assert "firewall" in error.message

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_is_not_followed(self, far_end, a_notice, status):
        far_end.answers = [Response("", status, {"Location": far_end.server.url_for("/elsewhere")})]
        error = failure(Undeliverable, far_end, a_notice)
        assert (error.reason, error.disables_channel) == (Reason.CHANNEL_REFUSED, True)
        assert "redirect" in error.message
        assert len(far_end.requests()) == 1

    def test_a_web_page_is_no_yes(self, far_end, a_notice):
        if far_end.pages:
            pytest.skip("whatever is answered with a good status takes the message here")
        far_end.answers = [Response("<!doctype html><title>Log in</title>", 200, content_type="text/html")]
        error = failure(Undeliverable, far_end, a_notice)
        assert (error.reason, error.disables_channel) == (Reason.CHANNEL_REFUSED, True)

    def test_nobody_listens(self, far_end, a_notice):
        with pytest.raises(TryLater) as caught:
            far_end.at(nobody()).send(a_notice())
        assert_not_sent(caught.value, far_end)

    def test_a_name_that_nobody_has(self, far_end, a_notice):
        with pytest.raises(TryLater) as caught:
            far_end.at("https://platform.invalid").send(a_notice())
        assert_not_sent(caught.value, far_end)

    def test_no_tls_where_it_is_expected(self, far_end, a_notice):
        with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as base, pytest.raises(TryLater) as caught:
            far_end.at(base.replace("http://", "https://")).send(a_notice())
        assert_not_sent(caught.value, far_end)

    def test_an_answer_that_never_comes(self, far_end, a_notice):
        with listening(None) as base, pytest.raises(TryLater) as caught:
            far_end.at(base, timeout=0.3).send(a_notice())
        assert (caught.value.reason, caught.value.ambiguous) == (Reason.TIMED_OUT, True)

    @pytest.mark.parametrize(
        "answer", [b"", b"HTTP/1.1 2", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"]
    )
    def test_a_connection_that_breaks(self, far_end, a_notice, answer):
        with listening(answer) as base, pytest.raises(TryLater) as caught:
            far_end.at(base).send(a_notice())
        assert (caught.value.reason, caught.value.ambiguous) == (Reason.CONNECTION_LOST, True)

    def test_an_endless_answer_is_not_read_to_its_end(self, far_end, a_notice):
        far_end.answers = [Response("no " * 5_000_000, 400)]
        assert len(failure(Undeliverable, far_end, a_notice).message) < 500

    def test_an_answer_that_trickles_is_cut_off_before_anybody_else_sends_the_same(self, far_end, a_notice):
        """Each wait is short, and there is no end to them."""
        with trickling() as base, pytest.raises(TryLater) as caught:
            far_end.at(base, timeout=0.4).send(a_notice())
        assert (caught.value.reason, caught.value.ambiguous) == (Reason.TIMED_OUT, True)
        assert "within 1.2 s" in caught.value.message

    def test_no_proxy_out_of_the_environment(self, far_end, a_notice, monkeypatch):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, nobody())
        far_end.channel().send(a_notice())
        assert len(far_end.received()) == 1

    def test_a_proxy_where_one_is_set(self, far_end, a_notice):
        proxy = far_end.server.url_for("").rstrip("/")
        far_end.at("http://platform.internal", proxy=proxy).send(a_notice())
        assert [request.host for request in far_end.requests()] == ["platform.internal"]

    def test_a_server_that_repeats_what_it_was_asked_leaks_nothing(self, far_end, a_notice, caplog):
        caplog.set_level(logging.DEBUG)

        def parrot(request: Request) -> Response:
            return Response(f"Cannot {request.method} {request.url} {dict(request.headers)}", 400)

        far_end.taken = parrot
        failure(Undeliverable, far_end, a_notice)
        assert not [secret for secret in far_end.secrets if secret in logged(caplog)]


def failure(kind: type[Failure], far_end: Any, a_notice: Callable[..., Notice]) -> Failure:
    """What sending fails with, of this kind and without a secret in it."""
    with pytest.raises(kind) as caught:
        far_end.channel().send(a_notice())
    assert_discreet(caught.value, far_end)
    return caught.value


def assert_discreet(error: DeliveryError, far_end: Any) -> None:
    """One line for people, and no secret in it nor in what a log would show of it."""
    told = error.message + repr(error) + "".join(traceback.format_exception(error))
    assert not [secret for secret in far_end.secrets if secret in told]
    assert error.message.isprintable()
    assert len(error.message) < 500


def assert_not_sent(error: TryLater, far_end: Any) -> None:
    """It certainly did not arrive, and says so."""
    assert_discreet(error, far_end)
    assert (error.reason, error.ambiguous, error.after) == (Reason.CONNECTION_FAILED, False, None)
    assert "nothing was sent" in error.message


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """What we and our libraries logged; the server's own lines are its business."""
    ours = (record for record in caplog.records if not record.name.startswith(("werkzeug", "mail")))
    return "\n".join(record.getMessage() + str(record.exc_text or "") for record in ours)


def nobody() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def listening(answer: bytes | None) -> Iterator[str]:
    """A server that reads a request and then says these bytes and hangs up, or (None) says nothing at all."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(30)
    done = threading.Event()

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.settimeout(30)
            connection.recv(65_536)
            if answer is None:
                done.wait(30)
                return
            connection.sendall(answer)
            # Closed with something unread, a connection is reset, and the answer may be lost with it.
            connection.shutdown(socket.SHUT_WR)
            with suppress(OSError):
                while connection.recv(65_536):
                    pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        done.set()
        thread.join()
        server.close()


@contextmanager
def trickling() -> Iterator[str]:
    """A server that reads a request and begins an answer that has no end, a byte at a time."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(30)
    done = threading.Event()

    def serve() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-More: ")
            while not done.wait(0.05):
                connection.sendall(b"x")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        done.set()
        thread.join()
        server.close()


def strings(value: object) -> Iterator[str]:
    """Every text in a piece of JSON, names left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from strings(one)


def assert_tame(text: str) -> None:
    """No control characters but line ends, nothing that turns text round, and all of it can be stored."""
    text.encode("utf-8")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
