"""Errors that nobody foresaw are kept and shown for long: nothing that somebody said is in them."""

import traceback
from typing import Any

import pytest
from structlog.testing import capture_logs

from listener.error_words import Kind, trouble
from listener.jobs.collect import _foreseen
from listener.source import RetriableSourceError
from listener.store import engine, intake
from listener.store.engine import Store
from listener.store.tables import Source, SourceHour
from tests.conftest import Clock
from tests.listener.conftest import Site, item
from tests.listener.jobs.test_collect import ONE, Told, row, run


def test_what_somebody_said_is_in_no_error_about_it(feed: Site) -> None:
    """Neither what is shown of the source nor what is kept of its hours, nor the log."""
    page = [item("1", "Aeroluz SECRET"), item("2", "Aeroluz SECRET too")]
    no_place = "CREATE TRIGGER full BEFORE INSERT ON mention BEGIN SELECT RAISE(ABORT, 'no place'); END"
    if feed.store.dialect == "postgresql":
        no_place = "ALTER TABLE mention ADD CONSTRAINT no_place CHECK (position('SECRET' IN text) = 0)"
    with feed.store.transaction() as session:
        session.connection().exec_driver_sql(no_place)
    try:
        with capture_logs() as logged, pytest.raises(RetriableSourceError, match="IntegrityError") as raised:
            run(feed, Told(page))
    finally:
        if feed.store.dialect == "postgresql":
            with feed.store.transaction() as session:
                session.connection().exec_driver_sql("ALTER TABLE mention DROP CONSTRAINT no_place")

    told = [str(row(feed).last_error), *(str(hour.why) for hour in feed.rows(SourceHour)), str(logged)]
    assert "unforeseen IntegrityError" in told[0]
    assert len(told) == 3
    told += traceback.format_exception(raised.value)
    assert not [line for line in told if "SECRET" in line and "item(" not in line]


def test_a_value_that_a_bug_stumbled_over_is_not_shown(feed: Site) -> None:
    with capture_logs(), pytest.raises(RetriableSourceError):
        run(feed, Told(ONE, ValueError("invalid literal for int() with base 10: 'Aeroluz SECRET'")))

    assert row(feed).last_error == "unforeseen ValueError; the log tells more"


def test_a_database_that_is_busy_is_told_as_such(sqlite_store: Store, clock: Clock, monkeypatch: Any) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0)
    site = Site(Store(sqlite_store.url), clock)
    site.brand()
    site.source()
    source = site.id_of(Source, "feed")
    foreseen = _foreseen(row(site))
    with (
        capture_logs(), pytest.raises(RetriableSourceError) as raised, foreseen, sqlite_store.engine.begin(),
        site.store.transaction() as session,
    ):  # fmt: skip
        intake.promote_cursor(session, source)

    assert trouble(str(raised.value)).kind is Kind.DATABASE
    site.store.close()
