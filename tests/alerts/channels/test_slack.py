"""Against real sockets, with the real SDK."""

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from alerts.channel import TryLater, Undeliverable
from alerts.channels.slack import SlackWebhook
from alerts.reasons import Reason
from alerts.text import size
from tests.alerts.slack.fake_slack import assert_inert, problem_with

from .conformance import HttpContract, HttpFarEnd

PATH = "/services/T00000000/B00000000/s3cretpart"


class IncomingWebhook(HttpFarEnd):
    """What Slack's webhooks do: "ok" to a message that keeps to the limits, a word to one that does not."""

    path = PATH
    secrets = ("s3cretpart",)

    def at(self, base: str, **options) -> SlackWebhook:
        return webhook(base, **options)

    def taken(self, request: Request) -> Response:
        return Response("invalid_blocks", 400) if problem_with(request.get_json()) else Response("ok")

    def received(self) -> list[dict[str, Any]]:
        return [request.get_json() for request in self.requests()]

    def words(self, message: dict[str, Any]) -> str:
        return json.dumps(message, ensure_ascii=False)

    def assert_inert(self, message: dict[str, Any]) -> None:
        assert_inert(message)

    def assert_within_limits(self, message: dict[str, Any]) -> None:
        assert problem_with(message) is None
        assert size(json.dumps(message, ensure_ascii=False)) < 12_000


class TestContract(HttpContract):
    @pytest.fixture
    def far_end(self, httpserver: HTTPServer) -> IncomingWebhook:
        return IncomingWebhook(httpserver)


def webhook(base: str, **options) -> SlackWebhook:
    return SlackWebhook("team", base.rstrip("/") + PATH, **{"timeout": 5.0, **options})


@contextmanager
def listening(answer: bytes | None) -> Iterator[str]:
    """A server that reads a request and then says these bytes and hangs up, or (None) says nothing at all."""
    server = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            if answer is None:
                done.wait(10)
            else:
                connection.sendall(answer)
                # Closed with something unread, a connection is reset, and the answer may be lost with it.
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(10)
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


def test_a_notice_arrives_whole(httpserver: HTTPServer, a_notice):
    httpserver.expect_request(PATH, method="POST").respond_with_data("ok", content_type="text/html")
    receipt = webhook(httpserver.url_for("/")).send(a_notice(text="ñandú <!channel> 😀"))
    assert receipt.detail == "ok"
    [(request, _)] = httpserver.log
    body = json.loads(request.get_data())
    assert request.headers["Content-Type"] == "application/json;charset=utf-8"
    assert body["blocks"][2]["text"]["text"] == "> ñandú &lt;!channel&gt; 😀"
    assert body["text"]
    assert "detractor-opened-0123456789abcdef" in json.dumps(body["blocks"][-1])


@pytest.mark.parametrize(
    ("status", "body", "headers", "reason", "after", "ambiguous"),
    [
        (429, "rate_limited", {"Retry-After": "3"}, Reason.RATE_LIMITED, 3.0, False),
        (500, "rollup_error", {}, Reason.SERVER_ERROR, None, True),
    ],
)
def test_try_later(httpserver: HTTPServer, a_notice, status, body, headers, reason, after, ambiguous):
    httpserver.expect_request(PATH).respond_with_data(body, status=status, headers=headers)
    with pytest.raises(TryLater) as caught:
        webhook(httpserver.url_for("/")).send(a_notice())
    assert (caught.value.reason, caught.value.after, caught.value.ambiguous) == (reason, after, ambiguous)
    assert len(httpserver.log) == 1, "the SDK must not retry by itself"


@pytest.mark.parametrize(
    ("status", "body", "disables"),
    [(400, "invalid_payload", False), (404, "no_service", True), (410, "channel_is_archived", True)],
)
def test_undeliverable(httpserver: HTTPServer, a_notice, status, body, disables):
    httpserver.expect_request(PATH).respond_with_data(body, status=status)
    with pytest.raises(Undeliverable) as caught:
        webhook(httpserver.url_for("/")).send(a_notice())
    assert caught.value.disables_channel is disables
    assert body in caught.value.message
    assert len(httpserver.log) == 1


def test_a_redirect_is_not_followed(httpserver: HTTPServer, a_notice):
    """urllib would turn the POST into a GET, and the page's 200 would pass for a message delivered."""
    httpserver.expect_request(PATH).respond_with_data("", status=302, headers={"Location": httpserver.url_for("/page")})
    httpserver.expect_request("/page").respond_with_data("ok")
    with pytest.raises(Undeliverable, match="a redirect"):
        webhook(httpserver.url_for("/")).send(a_notice())
    assert [request.path for request, _ in httpserver.log] == [PATH]


def test_an_error_page_that_repeats_the_address_does_not_leak_it(httpserver: HTTPServer, a_notice):
    httpserver.expect_request(PATH).respond_with_handler(lambda request: Response(f"Cannot POST {request.path}", 400))
    with pytest.raises(Undeliverable) as caught:
        webhook(httpserver.url_for("/")).send(a_notice())
    assert caught.value.message.startswith(httpserver.url_for("/").removeprefix("http://").rstrip("/") + " answered")
    assert "Cannot POST [hidden]" in caught.value.message
    assert "s3cret" not in caught.value.message


def test_a_server_that_never_answers(a_notice):
    with listening(None) as base, pytest.raises(TryLater) as caught:
        webhook(base, timeout=0.2).send(a_notice())
    assert (caught.value.reason, caught.value.ambiguous) == (Reason.TIMED_OUT, True)
    assert "within 0.2 s" in caught.value.message


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 2", b"SSH-2.0-OpenSSH\r\n"])
def test_a_connection_that_breaks(a_notice, answer):
    with listening(answer) as base, pytest.raises(TryLater) as caught:
        webhook(base).send(a_notice())
    assert (caught.value.reason, caught.value.ambiguous) == (Reason.CONNECTION_LOST, True)


def test_an_answer_in_a_broken_encoding(a_notice):
    with listening(b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=none\r\n\r\n\xffok") as base:
        assert webhook(base).send(a_notice()).detail == "\ufffdok"


def refused_base() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def assert_not_sent(caught: pytest.ExceptionInfo[TryLater]) -> None:
    assert (caught.value.reason, caught.value.ambiguous) == (Reason.CONNECTION_FAILED, False)
    assert "nothing was sent" in caught.value.message
    assert "s3cret" not in caught.value.message


def test_connection_refused(a_notice):
    with pytest.raises(TryLater, match="Connection refused") as caught:
        webhook(refused_base()).send(a_notice())
    assert_not_sent(caught)


def test_no_such_host(a_notice):
    with pytest.raises(TryLater) as caught:
        webhook("http://slack.invalid").send(a_notice())
    assert_not_sent(caught)


def test_a_time_out_while_connecting_is_not_ambiguous(a_notice, monkeypatch):
    def too_slow(*_args: object, **_options: object) -> socket.socket:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", too_slow)
    with pytest.raises(TryLater, match="timed out") as caught:
        webhook("http://127.0.0.1:9").send(a_notice())
    assert_not_sent(caught)


def test_no_tls_where_https_is_expected(a_notice):
    with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as base, pytest.raises(TryLater) as caught:
        webhook(base.replace("http://", "https://")).send(a_notice())
    assert_not_sent(caught)


def test_a_proxy_is_used_only_when_set(httpserver: HTTPServer, a_notice, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", refused_base())
    monkeypatch.setenv("HTTPS_PROXY", refused_base())
    httpserver.expect_request(PATH).respond_with_data("ok")
    webhook(httpserver.url_for("/")).send(a_notice())
    webhook("http://slack.invalid", proxy=httpserver.url_for("/").rstrip("/")).send(a_notice())
    seen: list[Request] = [request for request, _ in httpserver.log]
    assert [request.host for request in seen] == [httpserver.url_for("/").split("/")[2], "slack.invalid"]


def test_the_secret_stays_out_of_logs_and_representations(httpserver: HTTPServer, a_notice, caplog):
    caplog.set_level(logging.DEBUG)
    httpserver.expect_request(PATH).respond_with_data("no", status=500)
    channel = webhook(httpserver.url_for("/"))
    with pytest.raises(TryLater) as caught:
        channel.send(a_notice())
    logged = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("werkzeug"))
    assert "s3cret" not in logged + repr(channel) + str(caught.value)
