"""HTTP for sources: limits, and every failure in the host's words."""

import gzip
import socket
import threading
import traceback
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from listener.http import MAX_REDIRECTS, USER_AGENT, Http, shown
from listener.source import FatalSourceError, RetriableSourceError, SourceError


@pytest.fixture
def http() -> Iterator[Http]:
    with Http(timeout=0.5) as client:
        yield client


def test_a_good_answer(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/x", query_string="q=a+b").respond_with_json({"a": 1}, headers={"X-Y": "z"})
    reply = http.get(httpserver.url_for("/x"), params={"q": "a b"})
    assert reply.status == 200
    assert reply.json() == {"a": 1}
    assert reply.headers["x-y"] == "z"
    assert httpserver.log[0][0].headers["User-Agent"] == USER_AGENT
    assert httpserver.log[0][0].headers["Accept-Encoding"] == "gzip"


def test_not_modified_is_an_answer(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/x").respond_with_data(b"", status=304)
    assert http.get(httpserver.url_for("/x"), headers={"If-None-Match": "x"}).status == 304


def test_a_bad_status_let_pass_comes_with_its_body_and_its_error(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/x").respond_with_json({"why": "spent"}, status=429, headers={"Retry-After": "9"})
    reply = http.get(httpserver.url_for("/x?key=abc"), passed=(429,))
    assert (reply.status, reply.json()) == (429, {"why": "spent"})
    error = reply.refused("spent")
    assert isinstance(error, RetriableSourceError)
    assert error.retry_after == 9
    assert "429 Too Many Requests (spent)" in str(error)
    assert "abc" not in str(error)


def test_a_status_nobody_has_named_is_refused_all_the_same(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/x").respond_with_data(b"no", status=499)
    assert "answered 499" in str(http.get(httpserver.url_for("/x"), passed=(499,)).refused())


def test_a_redirect_is_not_followed_where_a_header_holds_a_secret(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/x").respond_with_data(
        b"", status=302, headers={"Location": "http://elsewhere.example/"}
    )
    with pytest.raises(FatalSourceError, match="302"):
        http.get(httpserver.url_for("/x"), headers={"X-Key": "secret"}, follow=False)
    with pytest.raises(FatalSourceError, match="302"):
        http.post(httpserver.url_for("/x"), form={"secret": "x"}, follow=False)
    assert len(httpserver.log) == 2


def test_an_address_keeps_its_own_query(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/x", query_string="format=rss").respond_with_data(b"ok")
    assert http.get(httpserver.url_for("/x?format=rss")).body == b"ok"


def test_user_and_password_in_the_address_are_used(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/x").respond_with_data(b"ok")
    http.get(f"http://ana:secret@{httpserver.host}:{httpserver.port}/x")
    assert httpserver.log[0][0].authorization.password == "secret"


def test_no_cookie_is_kept(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/x").respond_with_data(b"ok", headers={"Set-Cookie": "a=b"})
    http.get(httpserver.url_for("/x"))
    http.get(httpserver.url_for("/x"))
    assert "Cookie" not in httpserver.log[1][0].headers


def failure(http: Http, address: str, **options: int) -> SourceError:
    with pytest.raises(SourceError) as raised:
        http.get(address, **options)  # type: ignore[arg-type]
    return raised.value


@pytest.mark.parametrize("code", [300, 400, 401, 403, 404, 405, 410, 422, 451])
def test_fatal_statuses(httpserver: HTTPServer, http: Http, code: int) -> None:
    httpserver.expect_request("/x").respond_with_data(b"", status=code)
    error = failure(http, httpserver.url_for("/x"))
    assert isinstance(error, FatalSourceError)
    assert str(code) in str(error)
    assert "check" in str(error) or "remove" in str(error)


@pytest.mark.parametrize("code", [408, 425, 429, 500, 501, 502, 503, 504, 529])
def test_retriable_statuses(httpserver: HTTPServer, http: Http, code: int) -> None:
    httpserver.expect_request("/x").respond_with_data(b"", status=code, headers={"Retry-After": "120"})
    error = failure(http, httpserver.url_for("/x"))
    assert isinstance(error, RetriableSourceError)
    assert error.retry_after == 120
    assert str(code) in str(error)


def test_a_date_in_retry_after_counts_from_the_answers_own(httpserver: HTTPServer, http: Http) -> None:
    in_90_s = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    httpserver.expect_request("/x").respond_with_data(b"", status=429, headers={"Retry-After": in_90_s})
    error = failure(http, httpserver.url_for("/x"))
    assert isinstance(error, RetriableSourceError)
    assert error.retry_after == pytest.approx(90, abs=5)


@pytest.mark.parametrize("absurd", ["Fri, 31 Dec 9999 23:59:59 -2359", "Fri, 01 May 99999999999 05:00:00 GMT", "1e999"])
def test_an_absurd_retry_after_is_no_surprise(httpserver: HTTPServer, http: Http, absurd: str) -> None:
    httpserver.expect_request("/x").respond_with_data(b"", status=503, headers={"Retry-After": absurd})
    error = failure(http, httpserver.url_for("/x"))
    assert isinstance(error, RetriableSourceError)
    assert error.retry_after in (None, 86400.0)


@pytest.mark.parametrize(
    "address",
    ["ftp://a.example/x", "http://", "a.example/x", "", "http://[::1", "http://a.example:99999/", "http://a b/"],
)
def test_what_is_no_address(http: Http, address: str) -> None:
    assert isinstance(failure(http, address), FatalSourceError)


def test_a_name_that_does_not_exist(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failure(http, "http://nowhere.invalid/x")
    assert isinstance(error, RetriableSourceError), "a machine without a network must not stop every source"
    assert "no server of the name" in str(error)


def test_a_resolver_that_is_down(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", down)
    assert isinstance(failure(http, "http://nowhere.invalid/x"), RetriableSourceError)


def test_nobody_listens(http: Http) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = failure(http, f"http://127.0.0.1:{port}/x")
    assert isinstance(error, RetriableSourceError)
    assert "no connection" in str(error)


def test_tls_where_there_is_none(httpserver: HTTPServer, http: Http) -> None:
    error = failure(http, f"https://{httpserver.host}:{httpserver.port}/x")
    assert isinstance(error, FatalSourceError)
    assert "TLS" in str(error)


def test_redirects_are_followed_but_not_for_ever(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/once").respond_with_data(b"", status=301, headers={"Location": "/x"})
    httpserver.expect_request("/x").respond_with_data(b"ok")
    httpserver.expect_request("/loop").respond_with_data(b"", status=302, headers={"Location": "/loop"})
    assert http.get(httpserver.url_for("/once")).address.endswith("/x")
    error = failure(http, httpserver.url_for("/loop"))
    assert isinstance(error, FatalSourceError)
    assert str(MAX_REDIRECTS) in str(error)


@pytest.mark.parametrize("onward", ["/x", "http://127.0.0.2:{port}/x"])
def test_what_stands_in_a_redirect_is_read_by_nobody(httpserver: HTTPServer, http: Http, onward: str) -> None:
    taken = threading.Event()

    def endless() -> Iterator[bytes]:
        for _ in range(400):
            yield b"x" * 1_000_000
        taken.set()

    with HTTPServer(host="127.0.0.2") as other:
        where = onward.format(port=other.port)
        for server in (httpserver, other):
            server.expect_request("/x").respond_with_data(b"ok")
        httpserver.expect_request("/once").respond_with_handler(
            lambda request: Response(endless(), 302, headers={"Location": where})
        )
        assert http.get(httpserver.url_for("/once"), max_bytes=10).body == b"ok"
    assert not taken.is_set()


def test_a_redirect_that_is_a_bomb_is_left_packed(
    httpserver: HTTPServer, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = gzip.compress(b"\x00" * 60_000_000)
    headers = {"Location": "/x", "Content-Encoding": "gzip"}
    httpserver.expect_request("/once").respond_with_data(bomb, status=302, headers=headers)
    httpserver.expect_request("/x").respond_with_data(b"ok")
    unpacked: list[int] = []
    unpack = zlib.decompressobj

    def watched(*args: int, **options: int) -> object:
        unpacked.append(1)
        return unpack(*args, **options)

    monkeypatch.setattr(zlib, "decompressobj", watched)
    assert http.get(httpserver.url_for("/once"), max_bytes=1000).body == b"ok"
    assert unpacked == []


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_headers_go_to_the_host_they_are_for_and_no_other(httpserver: HTTPServer, http: Http, code: int) -> None:
    given = {"X-Key": "let-me-in", "Authorization": "Bearer t", "Accept": "text/x", "User-Agent": "somebody"}
    with HTTPServer(host="127.0.0.2") as other:
        other.expect_request("/x").respond_with_data(b"ok")
        httpserver.expect_request("/here").respond_with_data(b"", status=code, headers={"Location": "/near"})
        httpserver.expect_request("/near").respond_with_data(b"", code, headers={"Location": other.url_for("/x")})
        assert http.get(httpserver.url_for("/here"), headers=given).address == other.url_for("/x")
        near, far = httpserver.log[1][0], other.log[0][0]
        assert {name: near.headers[name] for name in given} == given
        assert not {"X-Key", "Authorization"} & set(far.headers.keys())
        assert far.headers["User-Agent"] == USER_AGENT
        assert far.headers["Accept-Encoding"] == "gzip"
        assert far.headers["Host"] == f"127.0.0.2:{other.port}"


def test_another_port_is_another_host(httpserver: HTTPServer, http: Http) -> None:
    with HTTPServer(port=0) as other:
        other.expect_request("/x").respond_with_data(b"ok")
        httpserver.expect_request("/x").respond_with_data(b"", 302, headers={"Location": other.url_for("/x")})
        http.get(httpserver.url_for("/x"), headers={"X-Key": "let-me-in"})
        assert "X-Key" not in other.log[0][0].headers


@pytest.mark.parametrize("code", [307, 308])
def test_a_form_goes_to_the_host_it_is_for_and_no_other(httpserver: HTTPServer, http: Http, code: int) -> None:
    with HTTPServer(host="127.0.0.2") as other:
        other.expect_request("/x").respond_with_data(b"ok")
        httpserver.expect_request("/here").respond_with_data(b"", code, headers={"Location": "/near"})
        httpserver.expect_request("/near").respond_with_data(b"ok")
        assert http.post(httpserver.url_for("/here"), form={"secret": "x"}).body == b"ok"
        assert httpserver.log[1][0].form["secret"] == "x"
        httpserver.expect_request("/far").respond_with_data(b"", code, headers={"Location": other.url_for("/x")})
        with pytest.raises(FatalSourceError, match=str(code)):
            http.post(httpserver.url_for("/far"), form={"secret": "x"})
        assert other.log == []


def test_a_redirect_to_nowhere(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/x").respond_with_data(b"", 302, headers={"Location": "ftp://a.example/x"})
    assert isinstance(failure(http, httpserver.url_for("/x")), FatalSourceError)


def test_too_large(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/x").respond_with_data(b"x" * 100_001)
    assert isinstance(failure(http, httpserver.url_for("/x"), max_bytes=100_000), FatalSourceError)
    assert len(http.get(httpserver.url_for("/x"), max_bytes=100_001).body) == 100_001


def zipped(server: HTTPServer, body: bytes) -> str:
    server.expect_request("/z").respond_with_data(body, headers={"Content-Encoding": "gzip"})
    return server.url_for("/z")


def test_gzip_in_one_and_in_two_members(httpserver: HTTPServer, http: Http) -> None:
    two = gzip.compress(b"one ") + gzip.compress(b"two")
    assert http.get(zipped(httpserver, two + b"\x00\x00")).body == b"one two"


def test_a_gzip_bomb_is_stopped(httpserver: HTTPServer, http: Http) -> None:
    bomb = gzip.compress(b"\x00" * 60_000_000)
    assert len(bomb) < 100_000
    error = failure(http, zipped(httpserver, bomb), max_bytes=5_000_000)
    assert isinstance(error, FatalSourceError)
    assert "more than" in str(error)


@pytest.mark.parametrize("spoil", [lambda b: b[:-10], lambda b: b"not gzip at all", lambda b: b[:40] + b"\xff" * 40])
def test_broken_gzip(httpserver: HTTPServer, http: Http, spoil: Callable[[bytes], bytes]) -> None:
    body = spoil(gzip.compress(b"hello " * 1000))
    assert isinstance(failure(http, zipped(httpserver, body)), RetriableSourceError)


def test_a_compression_nobody_asked_for(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/x").respond_with_data(b"x", headers={"Content-Encoding": "br"})
    assert "'br'" in str(failure(http, httpserver.url_for("/x")))


def test_half_a_body(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/x").respond_with_response(Response(iter([b"half"]), headers={"Content-Length": "8"}))
    error = failure(http, httpserver.url_for("/x"))
    assert isinstance(error, RetriableSourceError)
    assert "broke off" in str(error)


def test_silence(httpserver: HTTPServer, http: Http) -> None:
    done = threading.Event()

    def wait(request: Request) -> Response:
        done.wait(5)
        return Response(b"late")

    httpserver.expect_request("/x").respond_with_handler(wait)
    error = failure(http, httpserver.url_for("/x"))
    done.set()
    assert isinstance(error, RetriableSourceError)
    assert "in time" in str(error)


def test_an_answer_that_drips_is_stopped(httpserver: HTTPServer) -> None:
    ticks = iter(range(0, 1000, 100))
    httpserver.expect_request("/x").respond_with_response(Response(iter([b"a", b"b", b"c", b"d"])))
    with Http(timeout=5, monotonic=lambda: float(next(ticks)), deadline=60) as http:
        assert "longer than 60 s" in str(failure(http, httpserver.url_for("/x")))


@pytest.mark.parametrize("body", [b"<!doctype html><html>", b"{half", b"", b"[" * 100_000, b"\xff\xfe{"])
def test_what_is_no_json(httpserver: HTTPServer, http: Http, body: bytes) -> None:
    httpserver.expect_request("/x").respond_with_data(body)
    with pytest.raises(RetriableSourceError, match="JSON was expected"):
        http.get(httpserver.url_for("/x")).json()


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("https://ana:secret@a.example/x?q=acme&api_key=1&token=2", "https://a.example/x?q=acme&api_key=...&token=..."),
        ("https://a.example/x#access_token=1", "https://a.example/x"),
        ("ana:secret@a.example/x", "a.example/x"),
        ("http://ana:secret@[bad", "the address"),
        ("https://a.example/" + "x" * 300, "https://a.example/" + "x" * 181 + "…"),
    ],
)
def test_messages_show_no_secret(address: str, text: str) -> None:
    assert shown(address) == text


def test_no_failure_shows_a_secret(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/x").respond_with_data(b"", status=403)
    address = f"http://ana:hunter2@{httpserver.host}:{httpserver.port}/x?api_key=hunter2"
    assert "hunter2" not in str(failure(http, address))
    assert "hunter2" not in str(failure(http, address.replace("http:", "https:")))


@pytest.mark.parametrize("secret", ["abc\ndef", "klucz-ł"])
def test_what_fits_no_header_is_told_without_a_word_of_it(http: Http, httpserver: HTTPServer, secret: str) -> None:
    with pytest.raises(FatalSourceError, match="check the credentials") as raised:
        http.get(httpserver.url_for("/x"), headers={"X-Key": secret})
    shown = "".join(traceback.format_exception(raised.value))
    assert secret not in shown
    assert repr(secret)[1:-1] not in shown
