"""Every error that the host or a library raises means something to somebody who is no engineer."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import cast

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy.exc import SQLAlchemyError

from listener.error_words import Kind, trouble
from listener.http import Http, refusal
from listener.jobs.collect import NOBODY, STOPPED
from listener.pipeline import OpenSource
from listener.quota import Meters
from listener.source import FatalSourceError, Limit, Page, RetriableSourceError, Source, SourceError, guarded
from listener.store.engine import Store, in_words
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


def test_all_that_the_accounts_say(sqlite_store: Store, clock: Clock) -> None:
    """Every refusal and every block of ``listener.quota``, in its own words."""
    meters = Meters(sqlite_store, clock, lambda _seconds: True)
    hourly = [Limit(10, timedelta(hours=1))]

    used = meters("reddit:1", hourly, None)
    used.ask(10)
    assert trouble(error_of(used.ask)).kind is Kind.QUOTA

    half = Meters(sqlite_store, clock, lambda _seconds: True, share=0.5)("reddit:2", hourly, None)
    half.ask(5)
    assert "its share" in error_of(half.ask)
    assert trouble(error_of(half.ask)).kind is Kind.QUOTA

    for remaining in (0, 3):
        told = meters(f"youtube:{remaining}", hourly, None)
        told.ask()
        told.told(remaining=remaining, resets_in=3000)
        assert trouble(error_of(lambda told=told: told.ask(4))).kind is Kind.QUOTA  # type: ignore[misc]
    spare = Meters(sqlite_store, clock, lambda _seconds: True, share=0.5)("youtube:3", hourly, None)
    assert trouble(error_of(lambda: spare.ask(4))).kind is Kind.QUOTA

    purse = meters("x:1", [], Decimal(5))
    purse.ask(cost=Decimal(5))
    purse.paid(Decimal(5))
    assert trouble(error_of(lambda: purse.ask(cost=Decimal(1)))).kind is Kind.MONEY
    thrifty = Meters(sqlite_store, clock, lambda _seconds: True, share=0.5)("x:2", [], Decimal(5))
    thrifty.ask(cost=Decimal(2))
    thrifty.paid(Decimal(2))
    assert trouble(error_of(lambda: thrifty.ask(cost=Decimal(1)))).kind is Kind.MONEY

    # No waiting will allow these: somebody must act.
    assert trouble(error_of(lambda: used.ask(11))).kind is Kind.SETTINGS
    assert trouble(error_of(lambda: purse.ask(cost=Decimal(6)))).kind is Kind.SETTINGS


def test_an_account_whose_platform_asked_for_a_pause_is_slowed_down_and_not_broken(
    sqlite_store: Store, clock: Clock
) -> None:
    meters = Meters(sqlite_store, clock, lambda _seconds: True)
    meter = meters("x:1", [Limit(1, timedelta(hours=1))], None)
    OpenSource(cast(Source, None), [meter]).heed(RetriableSourceError("slow down", retry_after=600))

    assert trouble(error_of(meters("x:1", [], None).ask)).kind is Kind.SLOW_DOWN

    nameless = meters("x:2", [], None)
    nameless.block(600, "")
    assert trouble(error_of(nameless.ask)).kind is Kind.QUOTA


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("unforeseen KeyError: 'https://x.example answered 401'", Kind.BUG),
        ("our own database is busy, full or away (OperationalError: x answered 401)", Kind.DATABASE),
        ("reading was broken off after 'example.org answered 401'; told to stop", Kind.BROKEN_OFF),
        ("feed (which answered 403 yesterday): the answer could not be read", Kind.NETWORK),
        ("https://[::1]:8080 answered 401 Unauthorized (no brand is listened for)", Kind.CREDENTIALS),
        ("tried again at 12:10 UTC: https://x.example answered 403 Forbidden", Kind.FORBIDDEN),
    ],
)
def test_a_status_that_somebody_quotes_is_not_an_answer(said: str, kind: Kind) -> None:
    assert trouble(said).kind is kind


def test_what_our_own_database_says(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/full.db")
    with store.transaction() as session:
        session.connection().exec_driver_sql("CREATE TABLE said (words TEXT UNIQUE)")
        # Of this connection, which all of them use one after the other.
        session.connection().exec_driver_sql("PRAGMA max_page_count=1")

    def failing(statement: str, *values: str) -> str:
        with pytest.raises(SQLAlchemyError) as raised, store.transaction() as session:
            session.connection().exec_driver_sql(statement, values)
        assert "secret" not in str(raised.value)
        words = in_words(raised.value)
        assert words is not None
        assert "secret" not in words
        return words

    full = failing("INSERT INTO said VALUES (?)", "secret answered 401 " * 10_000)
    assert "database or disk is full" in full
    assert trouble(full).kind is Kind.DATABASE
    assert trouble(failing("SELECT * FROM nothing WHERE words = ?", "secret")).kind is Kind.BUG
    assert trouble(failing("INSERT INTO said VALUES (?), (?)", "secret", "secret")).kind is Kind.BUG
    store.close()


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
