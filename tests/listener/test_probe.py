"""One request and no more, and what it counted for."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from listener.probe import Watched, try_once, watching
from listener.query import Query
from listener.source import Cursor, Estimate, Page, RetriableSourceError, Unmetered
from tests.conftest import NOON, Clock
from tests.listener.conftest import item


class Paged:
    """Two pages, each of which costs; it remembers what it was asked for and how far it was read."""

    kind: ClassVar[str] = "rss"
    ordered: ClassVar[bool] = True
    lag: ClassVar[timedelta] = timedelta(0)
    history: ClassVar[timedelta | None] = None

    def __init__(self, meter: Any) -> None:
        self.meter = meter
        self.asked: list[tuple[Cursor | None, datetime | None]] = []
        self.closed = False

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        self.asked.append((cursor, since))
        try:
            for number in (2, 1):
                self.meter.ask(cost=Decimal("0.5"))
                self.meter.told(remaining=41.0, resets_in=900.0)
                self.meter.paid(Decimal("0.25"))
                yield Page((item(str(number), minute=number), item("0", minute=0)), {"next": number})
        finally:
            self.closed = True


class Costly(Paged):
    def estimate(self, query: Query | None, since: datetime, until: datetime) -> Estimate:
        return Estimate(1)


@pytest.fixture
def seen() -> list[Watched]:
    return []


def paged(seen: list[Watched], kind: type[Paged] = Paged) -> Paged:
    return kind(watching(lambda *_: Unmetered(), seen)("x:1", [], None))


def test_the_first_page_is_asked_for_and_the_rest_left(seen: list[Watched], clock: Clock) -> None:
    source = paged(seen)
    seconds = iter([5.0, 6.5])
    tried = try_once(source, None, clock, lambda: next(seconds))

    assert [found.native_id for found in tried.items] == ["0", "2"]
    assert (tried.seconds, source.closed, source.asked) == (1.5, True, [(None, None)])
    (meter,) = seen
    assert (meter.requests, meter.cost, meter.remaining, meter.resets_in) == (1, Decimal("0.25"), 41.0, 900.0)


def test_where_looking_back_costs_something_an_hour_is_enough(seen: list[Watched], clock: Clock) -> None:
    source = paged(seen, Costly)
    try_once(source, None, clock, lambda: 0.0)

    assert source.asked == [(None, NOON - timedelta(hours=1))]


def test_a_source_that_has_no_page_to_give(seen: list[Watched], clock: Clock) -> None:
    source = paged(seen)
    source.fetch = lambda *_: iter(())  # type: ignore[method-assign]

    assert try_once(source, None, clock, lambda: 0.0).items == ()


def test_an_account_that_may_not_ask_is_not_counted(seen: list[Watched]) -> None:
    class Empty(Unmetered):
        def ask(self, weight: int = 1, *, cost: Decimal = Decimal(0)) -> None:
            raise RetriableSourceError("used up")

    meter = watching(lambda *_: Empty(), seen)("x:1", [], None)
    with pytest.raises(RetriableSourceError):
        meter.ask()
    assert seen[0].requests == 0
