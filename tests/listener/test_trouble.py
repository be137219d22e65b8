"""Every error that the host or a library raises means something to somebody who is no engineer."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_httpserver import HTTPServer

from listener.http import Http, refusal
from listener.jobs.collect import NOBODY, STOPPED
from listener.quota import Meters
from listener.source import FatalSourceError, Limit, Page, RetriableSourceError, SourceError, guarded
from listener.store.engine import Store
from listener.trouble import Kind, trouble
from tests.conftest import Clock

ADDRESS = "https://platform.example/api?key=hunter2"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Kind.SETTINGS), (401, Kind.CREDENTIALS), (402, Kind.CREDIT), (403, Kind.FORBIDDEN), (404, Kind.ADDRESS),
        (410, Kind.GONE), (422, Kind.SETTINGS), (429, Kind.SLOW_DOWN), (500, Kind.DOWN), (502, Kind.DOWN),
        (503, Kind.DOWN), (418, Kind.OTHER),
    ],
)  # fmt: skip
def test_a_status_is_put_into_words_whatever_the_platform_says_beside_it(status: int, kind: Kind) -> None:
    """The explanation is a stranger's: it must not be taken for our own words."""
    said = "no brand is listened for here, the day's cap of $5 is reached, answered 200"
    for headers in ({}, {"Retry-After": "17"}):
        found = trouble(str(refusal(status, "Whatever", ADDRESS, headers, said=said)))
        assert found.kind is kind
        assert found.words
        assert found.to_do
        assert "hunter2" not in found.said


def error_of(call: Callable[[], object]) -> str:
    with pytest.raises(SourceError) as raised:
        call()
    return str(raised.value)


@pytest.fixture
def http() -> Http:
    return Http(timeout=0.3)


def test_what_the_network_does(http: Http, httpserver: HTTPServer) -> None:
    assert trouble(error_of(lambda: http.get("http://127.0.0.1:1/"))).kind is Kind.NETWORK
    assert trouble(error_of(lambda: http.get("http://nowhere.invalid/"))).kind is Kind.NETWORK
    assert trouble(error_of(lambda: http.get("htp:/x"))).kind is Kind.ADDRESS
    httpserver.expect_request("/page").respond_with_data("<html>maintenance</html>", content_type="text/html")
    assert trouble(error_of(lambda: http.get(httpserver.url_for("/page")).json())).kind is Kind.UNREADABLE
    assert trouble(error_of(lambda: http.get(httpserver.url_for("/page"), max_bytes=3))).kind is Kind.UNREADABLE
    http.close()


def test_what_the_accounts_say(sqlite_store: Store, clock: Clock) -> None:
    meters = Meters(sqlite_store, clock, lambda _seconds: True)
    quota = meters("reddit:1", [Limit(1, timedelta(hours=1))], None)
    quota.ask()
    assert trouble(error_of(quota.ask)).kind is Kind.QUOTA

    told = meters("youtube:1", [Limit(10, timedelta(hours=1))], None)
    told.ask()
    told.told(remaining=0, resets_in=3000)
    assert trouble(error_of(told.ask)).kind is Kind.QUOTA

    purse = meters("x:1", [], Decimal(5))
    purse.ask(cost=Decimal(5))
    purse.paid(Decimal(5))
    assert trouble(error_of(lambda: purse.ask(cost=Decimal(1)))).kind is Kind.MONEY


def test_what_the_host_itself_says() -> None:
    pages = [Page((), {}, token="a"), Page((), {}, token="a")]
    assert trouble(error_of(lambda: list(guarded(iter(pages))))).kind is Kind.BROKEN_OFF
    assert trouble(error_of(lambda: list(guarded(iter([Page((), {})]), max_pages=1)))).kind is Kind.BROKEN_OFF
    assert trouble(STOPPED).kind is Kind.BROKEN_OFF
    assert trouble(f"{NOBODY}; add one").kind is Kind.NO_BRAND
    assert trouble("unforeseen KeyError: 'hits'").kind is Kind.BUG
    certificate = "the certificate of https://x.example does not hold (self-signed certificate): check the address"
    assert trouble(certificate).kind is Kind.CERTIFICATE
    assert trouble("REDDIT_SECRET is not set; set it, or REDDIT_SECRET_FILE").kind is Kind.SETTINGS


@pytest.mark.parametrize("error", [FatalSourceError("no idea"), RetriableSourceError("")])
def test_what_nobody_knows_is_shown_as_it_came(error: SourceError) -> None:
    found = trouble(str(error))
    assert (found.kind, found.said) == (Kind.OTHER, str(error))


def test_there_are_words_for_every_kind() -> None:
    for kind in Kind:
        assert trouble("x").words
        assert kind.value == kind.value.lower()
