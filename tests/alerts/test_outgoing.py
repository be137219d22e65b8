"""Feeds and channels reach the public network and what a setting allows; whatever a name stands for, and when."""

import socket
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from pytest_httpserver import HTTPServer

from alerts import outgoing
from alerts.channel import Undeliverable
from alerts.web.address import checked
from alerts.web.post import Sender
from listener.http import Http
from listener.source import FatalSourceError


@pytest.fixture(autouse=True)
def _nothing_more() -> Iterator[None]:
    before = outgoing._allowed
    outgoing.allow(())
    yield
    outgoing.allow(before)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "::", "::1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "fe80::1", "fe80::1%eth0",
        "fc00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::",
        "2002:a00:1::1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2001:db8::1", "2001:0:7f00:1::1", "100::1",
    ],
)  # fmt: skip
def test_our_own_network_is_refused_in_every_spelling(address: str) -> None:
    assert outgoing.refusal(address) is not None


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::101:101"])
def test_the_public_network_is_not(address: str) -> None:
    assert outgoing.refusal(address) is None


def test_what_the_setting_names_may_be_reached_and_nothing_beside_it() -> None:
    outgoing.allow(outgoing.networks("10.0.0.0/8, ::1,"))
    assert outgoing.refusal("10.9.8.7") is None
    assert outgoing.refusal("::ffff:10.9.8.7") is None
    assert outgoing.refusal("::1") is None
    assert outgoing.refusal("127.0.0.1") is not None
    with pytest.raises(ValueError, match="is no network; write networks such as"):
        outgoing.networks("10.0.0.0/8, home")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]"])
def test_a_feed_in_our_own_network_is_not_asked(httpserver: HTTPServer, host: str) -> None:
    httpserver.expect_request("/feed").respond_with_data("secret")
    with Http(timeout=2) as http, pytest.raises(FatalSourceError, match="ESCUCHA_ALLOWED_NETWORKS"):
        http.get(f"http://{host}:{httpserver.port}/feed", anywhere=False)
    assert httpserver.log == []


def test_no_redirect_leads_there_either(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    port = httpserver.port
    httpserver.expect_request("/feed").respond_with_data("", 302, {"Location": f"http://inside.example:{port}/secret"})
    httpserver.expect_request("/secret").respond_with_data("secret")
    outgoing.allow(outgoing.networks("127.0.0.1"))
    _named(monkeypatch, {"inside.example": ["127.0.0.2"]})
    with Http(timeout=2) as http, pytest.raises(FatalSourceError, match=r"127\.0\.0\.2\) is this machine"):
        http.get(f"http://127.0.0.1:{port}/feed", anywhere=False)
    assert [request.path for request, _ in httpserver.log] == ["/feed"]


def test_a_name_is_looked_up_once_and_that_address_connected_to(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/feed").respond_with_data("news")
    outgoing.allow(outgoing.networks("127.0.0.1"))
    asked = _named(monkeypatch, {"rebound.example": ["127.0.0.1"]})
    with Http(timeout=2) as http:
        assert http.get(f"http://rebound.example:{httpserver.port}/feed", anywhere=False).body == b"news"
    assert asked.count("rebound.example") == 1
    ((request, _),) = httpserver.log
    assert request.headers["Host"] == f"rebound.example:{httpserver.port}"


def test_of_several_addresses_only_those_that_may_be_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    _named(monkeypatch, {"both.example": ["10.0.0.1", "93.184.216.34"], "none.example": ["10.0.0.1", "fd00::1"]})
    assert outgoing.reachable("both.example", 443) == ["93.184.216.34"]
    with pytest.raises(outgoing.ForbiddenAddress, match=r"none\.example \(10\.0\.0\.1\) is a private or reserved"):
        outgoing.reachable("none.example", 443)


def test_what_the_settings_name_is_the_operators_own_affair(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api").respond_with_data("ours")
    with Http(timeout=2) as http:
        assert http.get(httpserver.url_for("/api")).body == b"ours"


def test_a_channel_is_switched_off_rather_than_sent_into_our_own_network(httpserver: HTTPServer) -> None:
    sender = Sender(checked(httpserver.url_for("/hook"), "a webhook", "https://x.example"), 2.0)
    with pytest.raises(Undeliverable, match=r"nothing was sent: .*ESCUCHA_ALLOWED_NETWORKS=") as refused:
        sender.send(b"{}", {})
    assert refused.value.disables_channel
    assert httpserver.log == []


def test_the_library_still_makes_its_connections_where_we_look() -> None:
    with outgoing.guard(httpx2.Client()) as client, pytest.raises(httpx2.ConnectError, match="is this machine"):
        client.get("http://127.0.0.1:9/")


def _named(monkeypatch: pytest.MonkeyPatch, names: dict[str, list[str]]) -> list[str]:
    """Have names stand for addresses; the names that were asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def answer(host: Any, port: Any, *more: Any, **options: Any) -> Any:
        asked.append(host)
        if host not in names:
            return real(host, port, *more, **options)
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, port)) for one in names[host]]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return asked
