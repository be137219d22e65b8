"""One real request with a source's own options and credentials: what comes back. Stores nothing, moves no cursor."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from listener.items import Item
from listener.query import Query
from listener.source import Limit, Meter, Page, Priced, Source


@dataclass(frozen=True, slots=True)
class Tried:
    """What one page came to. ``page``: None where the source had none to give. ``seconds``: how long it took."""

    page: Page | None
    seconds: float

    @property
    def items(self) -> Sequence[Item]:
        """What came back, the oldest first."""
        return sorted(self.page.items, key=lambda item: item.created_at) if self.page else ()


@dataclass(slots=True)
class Watched:
    """A meter, with what passed through it: how many requests, what they cost, and what the headers said is left."""

    meter: Meter
    requests: int = 0
    cost: Decimal = Decimal(0)
    remaining: float | None = None
    resets_in: float | None = None

    def ask(self, weight: int = 1, *, cost: Decimal = Decimal(0)) -> None:
        """As the meter itself."""
        self.meter.ask(weight, cost=cost)
        self.requests += 1

    def told(self, *, remaining: float | None, resets_in: float | None) -> None:
        """As the meter itself."""
        self.meter.told(remaining=remaining, resets_in=resets_in)
        self.remaining, self.resets_in = remaining, resets_in

    def paid(self, cost: Decimal) -> None:
        """As the meter itself."""
        self.meter.paid(cost)
        self.cost += cost


def watching(
    make: Callable[[str, Sequence[Limit], Decimal | None], Meter], seen: list[Watched]
) -> Callable[[str, Sequence[Limit], Decimal | None], Meter]:
    """Makes the same meters, each watched; they are added to ``seen``."""

    def meter(account: str, limits: Sequence[Limit], day_cap: Decimal | None) -> Meter:
        seen.append(Watched(make(account, limits, day_cap)))
        return seen[-1]

    return meter


def try_once(
    source: Source, query: Query | None, clock: Callable[[], datetime], monotonic: Callable[[], float]
) -> Tried:
    """Ask for the first page and no more. Raises what the source raises."""
    began = monotonic()
    now = clock()
    # As its first run would; but where that costs something, an hour of the past is enough.
    since = now - timedelta(hours=1) if isinstance(source, Priced) else None
    with closing(_pages(source, query, now, since)) as pages:
        page = next(pages, None)
    return Tried(page, monotonic() - began)


def _pages(source: Source, query: Query | None, until: datetime, since: datetime | None) -> Generator[Page]:
    yield from source.fetch(query, None, until, since)
