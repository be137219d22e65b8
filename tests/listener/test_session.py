"""The session that libraries on requests are given: the meter first, limits on everything, failures in our words."""

import gzip
import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.http import MAX_REDIRECTS
from listener.session import CheckedSession, as_json, source_error
from listener.source import FatalSourceError, RetriableSourceError, SourceError
from tests.listener.sources.conformance import CountingMeter, connection_lost, half_body, html_page, status

MakeSession = Callable[..., CheckedSession]


@pytest.fixture
def meter() -> CountingMeter:
    return CountingMeter()


@pytest.fixture
def session(meter: CountingMeter) -> Iterator[MakeSession]:
    made: list[CheckedSession] = []

    def make(**options: Any) -> CheckedSession:
        made.append(CheckedSession(meter, **{"timeout": 0.5, **options}))
        return made[-1]

    yield make
    for one in made:
        one.close()


def failure(session: requests.Session, address: str, **options: Any) -> SourceError:
    with pytest.raises(SourceError) as raised:
        session.get(address, **options)
    return raised.value


@contextmanager
def raw_server(*answers: bytes, hold: threading.Event | None = None) -> Iterator[str]:
    """A server that sends these bytes to one connection each, whatever is asked, and then closes it or holds it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
                if hold is not None:
                    hold.wait(10)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"
    if hold is not None:
        hold.set()
    thread.join(5)
    listener.close()


def test_a_good_answer_is_asked_for_and_its_headers_are_told(
    httpserver: HTTPServer, session: MakeSession, meter: CountingMeter
) -> None:
    httpserver.expect_request("/x").respond_with_json({"a": 1}, headers={"X-Left": "7", "X-Reset": "30"})

    def left(headers: Any) -> tuple[float, float]:
        return float(headers["x-left"]), float(headers["x-reset"])

    answer = session(left=left, price=lambda _request: Decimal("0.5")).get(httpserver.url_for("/x"))

    assert as_json(answer) == answer.json() == {"a": 1}
    assert (meter.asked, meter.heard, meter.most) == ([1], [(7, 30)], Decimal("0.5"))
    assert httpserver.log[0][0].headers["Accept-Encoding"] == "gzip"


def test_without_leave_nothing_is_sent(httpserver: HTTPServer, session: MakeSession, meter: CountingMeter) -> None:
    httpserver.expect_request("/x").respond_with_data("x")
    meter.refuse = RetriableSourceError("the quota is used up", retry_after=60)
    assert failure(session(), httpserver.url_for("/x")) is meter.refuse
    assert httpserver.log == []


@pytest.mark.parametrize("fault", [connection_lost, half_body])
def test_a_body_that_breaks_off(httpserver: HTTPServer, session: MakeSession, fault: Any) -> None:
    answers = iter([True, False])

    def answer(request: Request) -> Response:
        good = Response(json.dumps({"a": "x" * 5000}), content_type="application/json")
        return fault(request, good) if next(answers) else good

    httpserver.expect_request("/x").respond_with_handler(answer)
    one = session()
    error = failure(one, httpserver.url_for("/x"))
    assert isinstance(error, RetriableSourceError)
    assert "broke off" in str(error)
    assert one.get(httpserver.url_for("/x")).json() == {"a": "x" * 5000}


@pytest.mark.parametrize("code", [429, 500, 502, 503])
@pytest.mark.parametrize("delay", [None, "17"])
def test_statuses_that_time_may_heal(
    httpserver: HTTPServer, session: MakeSession, meter: CountingMeter, code: int, delay: str | None
) -> None:
    httpserver.expect_request("/x").respond_with_handler(lambda request: status(code, delay)(request, Response()))
    error = failure(session(), httpserver.url_for("/x"))
    assert isinstance(error, RetriableSourceError)
    assert str(code) in str(error)
    assert error.retry_after == (None if delay is None else 17)
    # Whoever else uses the account must wait too.
    assert meter.heard == ([] if delay is None else [(0, 17)])


@pytest.mark.parametrize(("code", "may_pass"), [(400, False), (401, False), (403, True), (404, True), (410, False)])
def test_statuses_that_a_person_must_look_at(
    httpserver: HTTPServer, session: MakeSession, code: int, may_pass: bool
) -> None:
    httpserver.expect_request("/x").respond_with_handler(lambda request: status(code)(request, Response()))
    error = failure(session(), httpserver.url_for("/x"))
    assert isinstance(error, FatalSourceError)
    assert error.may_pass is may_pass
    assert f"{httpserver.host}:{httpserver.port}/x answered {code}" in str(error)


def test_a_status_that_is_the_librarys_own_business(httpserver: HTTPServer, session: MakeSession) -> None:
    httpserver.expect_request("/x").respond_with_data("renew", status=401)
    assert session(passed=(401,)).get(httpserver.url_for("/x")).text == "renew"


def test_a_platforms_own_words_go_first(httpserver: HTTPServer, session: MakeSession) -> None:
    httpserver.expect_request("/x").respond_with_json({"reason": "private"}, status=403)
    httpserver.expect_request("/y").respond_with_json({}, status=403)

    def refused(response: requests.Response) -> SourceError | None:
        why = response.json().get("reason")
        return RetriableSourceError(f"it is {why}") if why else None

    one = session(refused=refused)
    assert str(failure(one, httpserver.url_for("/x"))) == "it is private"
    assert "answered 403" in str(failure(one, httpserver.url_for("/y")))


def test_a_web_page_instead_of_data(httpserver: HTTPServer, session: MakeSession) -> None:
    httpserver.expect_request("/x").respond_with_handler(lambda request: html_page(request, Response()))
    with pytest.raises(RetriableSourceError, match="web page where JSON was expected"):
        as_json(session().get(httpserver.url_for("/x")))


def test_silence(session: MakeSession) -> None:
    with raw_server(b"", hold=threading.Event()) as address:
        error = failure(session(timeout=0.2), address)
    assert isinstance(error, RetriableSourceError)
    assert "did not answer in time" in str(error)


def test_silence_in_the_middle_of_a_body(session: MakeSession) -> None:
    with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome", hold=threading.Event()) as address:
        error = failure(session(timeout=0.2), address)
    assert isinstance(error, RetriableSourceError)
    assert "did not answer in time" in str(error)


@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_that_drips_is_stopped(httpserver: HTTPServer, session: MakeSession, chunked: bool) -> None:
    headers = {} if chunked else {"Content-Length": "1000"}
    stopped = threading.Event()

    def drips() -> Iterator[bytes]:
        for _ in range(1000):
            yield b"x"
            if stopped.wait(0.02):
                return

    httpserver.expect_request("/x").respond_with_handler(lambda _request: Response(drips(), headers=headers))
    error = failure(session(timeout=5, deadline=0.3), httpserver.url_for("/x"))
    stopped.set()
    assert isinstance(error, RetriableSourceError)
    assert "took longer than" in str(error)


def test_a_connection_closed_without_a_word(session: MakeSession) -> None:
    with raw_server(b"") as address:
        assert isinstance(failure(session(), address), RetriableSourceError)


def test_what_is_no_http(session: MakeSession) -> None:
    with raw_server(b"220 smtp.example ESMTP\r\n") as address:
        assert isinstance(failure(session(), address), RetriableSourceError)


@pytest.mark.parametrize("encoding", [None, "gzip"])
def test_too_large_however_it_is_packed(httpserver: HTTPServer, session: MakeSession, encoding: str | None) -> None:
    body = b"\0" * 3_000_000
    httpserver.expect_request("/x").respond_with_data(
        gzip.compress(body) if encoding else body, headers={"Content-Encoding": encoding} if encoding else {}
    )
    error = failure(session(max_bytes=1_000_000), httpserver.url_for("/x"))
    assert isinstance(error, FatalSourceError)
    assert "more than" in str(error)


def test_gzip_is_unpacked_and_broken_gzip_is_told(httpserver: HTTPServer, session: MakeSession) -> None:
    packed = gzip.compress(json.dumps({"a": list(range(5000))}).encode())
    httpserver.expect_request("/x").respond_with_data(packed, headers={"Content-Encoding": "gzip"})
    httpserver.expect_request("/y").respond_with_data(b"nothing of the kind", headers={"Content-Encoding": "gzip"})
    one = session()
    assert one.get(httpserver.url_for("/x")).json()["a"][-1] == 4999
    error = failure(one, httpserver.url_for("/y"))
    assert isinstance(error, RetriableSourceError)
    assert "broke off" in str(error)


def test_redirects_are_followed_each_with_leave_but_not_for_ever(
    httpserver: HTTPServer, session: MakeSession, meter: CountingMeter
) -> None:
    httpserver.expect_request("/a").respond_with_data(b"", status=302, headers={"Location": "/b"})
    httpserver.expect_request("/b").respond_with_data(b"here", headers={"X-Left": "3"})
    httpserver.expect_request("/loop").respond_with_data(b"", status=302, headers={"Location": "/loop"})
    one = session(left=lambda headers: (float(headers.get("X-Left", "nan")), None))
    assert one.get(httpserver.url_for("/a")).text == "here"
    assert (len(meter.asked), meter.heard) == (2, [(3, None)])
    error = failure(one, httpserver.url_for("/loop"))
    assert isinstance(error, FatalSourceError)
    assert f"redirects more than {MAX_REDIRECTS} times" in str(error)


def test_a_redirects_own_body_is_bounded_too(httpserver: HTTPServer, session: MakeSession) -> None:
    sent = itertools.count()

    def endless() -> Iterator[bytes]:
        while next(sent) < 1000:
            yield b"x" * 65536

    httpserver.expect_request("/x").respond_with_handler(lambda _request: Response(endless(), 302, {"Location": "/y"}))
    for follow in (True, False):
        error = failure(session(max_bytes=200_000, timeout=5), httpserver.url_for("/x"), allow_redirects=follow)
        assert isinstance(error, FatalSourceError)
        assert "more than" in str(error)


@pytest.mark.parametrize("location", ["http://[::1", "ftp://elsewhere.example/", "http://\xff\xfe/", "http:// /"])
def test_a_redirect_to_nowhere(session: MakeSession, location: str) -> None:
    answer = f"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n".encode("latin-1")
    with raw_server(answer) as address:
        assert isinstance(failure(session(), address), SourceError)


def test_a_token_is_not_redirected_to_another_host(httpserver: HTTPServer, session: MakeSession) -> None:
    elsewhere = httpserver.url_for("/b").replace("localhost", "127.0.0.1")
    httpserver.expect_request("/a").respond_with_data(b"", status=302, headers={"Location": elsewhere})
    httpserver.expect_request("/b").respond_with_data(b"x")
    session().get(httpserver.url_for("/a"), headers={"Authorization": "Bearer secret"})
    assert "Authorization" in httpserver.log[0][0].headers
    assert "Authorization" not in httpserver.log[1][0].headers


def test_everything_goes_to_the_origin_that_is_set(httpserver: HTTPServer, session: MakeSession) -> None:
    httpserver.expect_request("/relay/2/tweets", query_string="q=a%20b").respond_with_data("here")
    one = session(origin=httpserver.url_for("/relay/"))
    assert one.get("https://api.x.example/2/tweets?q=a%20b").text == "here"


def test_nobody_listens(session: MakeSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure(session(), f"http://127.0.0.1:{port}/")
    assert isinstance(error, RetriableSourceError)
    assert "no connection to" in str(error)


def test_a_name_that_does_not_exist(session: MakeSession, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failure(session(), "http://nowhere.example/")
    assert isinstance(error, RetriableSourceError)
    assert "no server of the name" in str(error)


@pytest.mark.parametrize("address", ["nowhere", "ftp://a.example/", "http://", "http://a b/"])
def test_what_is_no_address(session: MakeSession, address: str) -> None:
    assert isinstance(failure(session(), address), FatalSourceError)


def test_tls_where_there_is_none(httpserver: HTTPServer, session: MakeSession) -> None:
    error = failure(session(), httpserver.url_for("/").replace("http:", "https:"))
    assert isinstance(error, FatalSourceError)
    assert "TLS" in str(error)


def test_no_cookie_is_kept(httpserver: HTTPServer, session: MakeSession) -> None:
    httpserver.expect_request("/x").respond_with_data(b"ok", headers={"Set-Cookie": "a=b"})
    one = session()
    one.get(httpserver.url_for("/x"))
    one.get(httpserver.url_for("/x"))
    assert "Cookie" not in httpserver.log[1][0].headers


def test_no_failure_shows_a_secret(httpserver: HTTPServer, session: MakeSession) -> None:
    httpserver.expect_request("/x").respond_with_data(b"", status=403)
    address = f"http://ana:hunter2@{httpserver.host}:{httpserver.port}/x?api_key=hunter2"
    one = session()
    assert "hunter2" not in str(failure(one, address))
    assert "hunter2" not in str(failure(one, address.replace("http:", "https:")))


def test_our_error_is_found_in_a_librarys() -> None:
    ours = RetriableSourceError("busy", retry_after=3)
    caused = ValueError("theirs")
    caused.__cause__ = ours
    held = ValueError("theirs", ours)
    named = ValueError("theirs")
    named.original_exception = ours  # type: ignore[attr-defined]
    ring, other = ValueError("a"), ValueError("b")
    ring.__context__, other.__context__ = other, ring

    assert source_error(ours) is source_error(caused) is source_error(held) is source_error(named) is ours
    assert source_error(ValueError("theirs", KeyError("x"))) is None
    assert source_error(ring) is None
