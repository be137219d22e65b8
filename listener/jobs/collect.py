"""Collect: read a source to its end, a page a transaction."""

from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from listener.items import Item
from listener.query import Query, parse, prepare
from listener.query.tree import Or
from listener.source import (
    Cursor,
    CursorExpired,
    FatalSourceError,
    Page,
    RetriableSourceError,
    Skipped,
    Source,
    guarded,
)
from listener.store import brands as brand_store
from listener.store import intake
from listener.store.engine import Store
from listener.store.tables import Brand
from listener.store.tables import Source as SourceRow

log = structlog.get_logger()

NOBODY = "no brand is listened for here"


@dataclass(slots=True)
class Collected:
    """What a run came to.

    ``other_brands``: items whose source says that they are about a brand not asked for. ``finished``: the source was
    read to its end, and not only until the run was told to stop.
    """

    seen: int = 0
    stored: int = 0
    known: int = 0
    unmatched: int = 0
    pairs: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    other_brands: Counter[str] = field(default_factory=Counter)
    capped: int = 0
    finished: bool = False


class Matcher:
    """Says which brands an item is about."""

    def __init__(self, brands: Sequence[Brand], *, about_brands: bool) -> None:
        self._queries = {brand.id: parse(brand.query) for brand in brands if brand.id is not None}
        self._by_name = {brand.name.casefold(): brand.id for brand in brands if brand.id is not None}
        self._about_brands = about_brands

    def query(self) -> Query | None:
        """What a platform may be asked for: all brands' queries together."""
        queries = list(self._queries.values())
        if len(queries) < 2:
            return queries[0] if queries else None
        # Not written and parsed again: each query keeps to the parser's limits, all of them together need not.
        return Query(Or(tuple(query.root for query in queries)))

    def match(self, item: Item) -> intake.Matched | None:
        """The brands of an item, or None. A brand that the item itself names goes before what its words say."""
        # Cut into words once, however many queries it is held against.
        text = prepare(item.full_text)
        if item.target is not None:
            named = self._by_name.get(item.target.strip().casefold())
            brands = {} if named is None else {named: self._queries[named].match(text) or ()}
        else:
            brands = {brand_id: spans for brand_id, query in self._queries.items() if (spans := query.match(text))}
            if self._about_brands:
                brands = {brand_id: brands.get(brand_id, ()) for brand_id in self._queries}
        return intake.Matched(item, brands) if brands else None


def collect(
    store: Store,
    source_id: int,
    source: Source,
    clock: Callable[[], datetime],
    on_page: Callable[[Page], None] | None = None,
    result: Collected | None = None,
    keep_on: Callable[[], bool] = lambda: True,
) -> Collected:
    """Read a source until its platform has no more. Mentions and cursor of a page are kept together or not at all.

    ``result`` is filled as it goes, for a caller that wants to know what was kept even when this raises. ``keep_on``
    is asked after every page: where it says no the run ends there, unfinished, and the next one goes on.

    Raises what the source raises, after noting it at the source: FatalSourceError stops the source until a person has
    acted; RetriableSourceError and CursorExpired leave the cursor where the last kept page left it. Any other error
    of the source is logged, noted and raised as a RetriableSourceError.
    """
    with store.reading() as session:
        row = session.get_one(SourceRow, source_id)
        brands = [
            brand for brand in brand_store.active_brands(session) if row.brands is None or brand.name in row.brands
        ]
    matcher = Matcher(brands, about_brands=row.about_brands)
    result = result or Collected()
    if matcher.query() is None:
        # Read now, all would be passed over, and the cursor would leave it behind for good.
        _note(store, source_id, clock(), f"{NOBODY}; add one, or switch the source off", stopped=False)
        log.warning("not_collected", source=row.name, why=NOBODY)
        result.finished = True
        return result
    try:
        _read(store, row, source, matcher, clock, on_page, result, keep_on)
    except FatalSourceError as error:
        _note(store, source_id, clock(), str(error), stopped=True)
        raise
    except (RetriableSourceError, CursorExpired) as error:
        _note(store, source_id, clock(), str(error), stopped=False)
        raise
    except Exception as error:
        log.exception("source_unforeseen_failure", source=row.name, error=str(error))
        words = f"unforeseen {type(error).__name__}: {error}"
        _note(store, source_id, clock(), words, stopped=False)
        raise RetriableSourceError(words) from error
    if result.finished:
        _note(store, source_id, clock(), None, stopped=False)
    tell = log.info if result.seen else log.debug
    tell(
        "collected", source=row.name, seen=result.seen, stored=result.stored, known=result.known,
        unmatched=result.unmatched, other_brands=result.other_brands.total(), skipped=len(result.skipped),
        capped=result.capped, finished=result.finished,
    )  # fmt: skip
    return result


def _read(
    store: Store,
    row: SourceRow,
    source: Source,
    matcher: Matcher,
    clock: Callable[[], datetime],
    on_page: Callable[[Page], None] | None,
    result: Collected,
    keep_on: Callable[[], bool],
) -> None:
    with closing(_pages(store, row, source, matcher.query(), clock())) as pages:
        for page in pages:
            _keep(store, row, matcher, page, result, clock(), ordered=source.ordered)
            if on_page is not None:
                on_page(page)
            if not keep_on():
                return
    result.finished = True


def _pages(store: Store, row: SourceRow, source: Source, query: Query | None, until: datetime) -> Generator[Page]:
    assert row.id is not None
    cursor: Cursor | None = row.provisional_cursor or row.cursor
    try:
        yield from guarded(source.fetch(query, cursor, until))
    except CursorExpired:
        if row.provisional_cursor is None:
            raise
        log.warning("cursor_expired", source=row.name, action="starting again from the last kept cursor")
        with store.transaction() as session:
            brand_store.forget_provisional(session, row.id)
        yield from guarded(source.fetch(query, row.cursor, until))


def _keep(
    store: Store, row: SourceRow, matcher: Matcher, page: Page, result: Collected, now: datetime, *, ordered: bool
) -> None:
    assert row.id is not None
    matched = []
    for item in page.items:
        if match := matcher.match(item):
            matched.append(match)
        elif item.target is not None:
            result.other_brands[item.target] += 1
        else:
            result.unmatched += 1
    with store.transaction() as session:
        taken = intake.take_page(session, row.id, matched, now)
        intake.keep_cursor(session, row.id, page.cursor, provisional=not ordered)
        if page.capped:
            brand_store.note_gap(session, row.id, now)
    result.seen += len(page.items)
    result.stored += taken.stored
    result.known += len(matched) - taken.stored
    result.pairs += taken.pairs
    result.skipped.extend(page.skipped)
    result.capped += page.capped
    if page.capped:
        log.warning("gap", source=row.name, why="the platform has more here than it hands out")
    for skipped in page.skipped:
        log.warning("entry_skipped", source=row.name, where=skipped.where, why=skipped.why)


def _note(store: Store, source_id: int, now: datetime, error: str | None, *, stopped: bool) -> None:
    with store.transaction() as session:
        if error is None:
            intake.promote_cursor(session, source_id)
        brand_store.note_run(session, source_id, now, error=error, stopped=stopped)
