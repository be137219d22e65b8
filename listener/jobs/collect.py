"""Collect: read a source to its end, or a window of its past, a page a transaction."""

from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlmodel import Session

from alerts.text import shorten
from listener.jobs.ledger import RunLedger, count_failure
from listener.matching import Matcher
from listener.source import (
    Cursor,
    CursorExpired,
    FatalSourceError,
    Page,
    RetriableSourceError,
    Skipped,
    Source,
    SourceError,
    guarded,
)
from listener.store import brands as brand_store
from listener.store import intake
from listener.store.deletion import blank_authors, blank_native
from listener.store.engine import Store
from listener.store.engine import in_words as database_in_words
from listener.store.tables import Source as SourceRow

log = structlog.get_logger()

NOBODY = "no brand is listened for here"
DELETED = "deleted on the platform"
ACCOUNT_GONE = "account deleted on the platform"
STOPPED = "told to stop: Escucha was shut down or restarted; the next run goes on from the last kept page"


class TakenOver(RetriableSourceError):
    """Whoever reads this was too slow: it is in another's hands, and nothing of this run is kept any more."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one page came to: items ``seen``, mentions ``stored``, ``known`` already, about nobody (``unmatched``), and
    new ``pairs`` of mention and brand; and what the page said of itself. ``refused``: those that had to go once, and
    stay out."""

    seen: int
    stored: int
    known: int
    unmatched: int
    pairs: int
    page: Page
    refused: int = 0


@dataclass(slots=True)
class Collected:
    """What a run came to.

    ``other_brands``: items whose source says that they are about a brand not asked for. ``finished``: the source was
    read to its end, and not only until the run was told to stop. ``unread``: parts of the place that could not be read.
    ``refused``: items that had to go once, and stay out.
    """

    seen: int = 0
    stored: int = 0
    known: int = 0
    unmatched: int = 0
    pairs: int = 0
    refused: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    other_brands: Counter[str] = field(default_factory=Counter)
    capped: int = 0
    unread: list[str] = field(default_factory=list)
    finished: bool = False

    def add(self, taken: Taken) -> None:
        """Count a page that has been kept."""
        self.seen += taken.seen
        self.stored += taken.stored
        self.known += taken.known
        self.unmatched += taken.unmatched
        self.pairs += taken.pairs
        self.refused += taken.refused
        self.skipped.extend(taken.page.skipped)
        self.capped += taken.page.capped
        self.unread += [part for part in dict.fromkeys(taken.page.unread) if part not in self.unread]


Keep = Callable[[Session, Cursor, Taken], None]
"""Remembers a page's cursor and what it came to, in the transaction that stores its items."""

Hold = Callable[[Session], None]
"""Raises TakenOver where somebody else is reading by now; then nothing of the transaction is kept."""


def collect(
    store: Store,
    source_id: int,
    source: Source,
    clock: Callable[[], datetime],
    on_page: Callable[[Page], None] | None = None,
    result: Collected | None = None,
    keep_on: Callable[[], bool] = lambda: True,
    hold: Hold = lambda _session: None,
) -> Collected:
    """Read a source until its platform has no more. Mentions and cursor of a page are kept together or not at all.

    ``result`` is filled as it goes, for a caller that wants to know what was kept even when this raises. ``keep_on``
    is asked after every page: where it says no the run ends there, unfinished, and the next one goes on. ``hold`` has
    the last word in every transaction.

    Raises what the source raises, after noting it at the source: FatalSourceError stops the source until a person has
    acted, unless it may pass and the source has worked before; RetriableSourceError and CursorExpired leave the cursor
    where the last kept page left it. Any other error of the source is logged, noted and raised as a
    RetriableSourceError. TakenOver is noted nowhere.
    """
    row, matcher = _listening(store, source_id)
    result = result or Collected()
    if matcher.query() is None:
        # Read now, all would be passed over, and the cursor would leave it behind for good.
        log.warning("not_collected", source=row.name, why=NOBODY)
        with store.transaction() as session:
            error = f"{NOBODY}; add one, or switch the source off"
            count_failure(session, source_id, clock(), error)
            brand_store.note_run(session, source_id, clock(), error=error)
            hold(session)
        result.finished = True
        return result
    until = clock()
    ledger = RunLedger(row, source, until)

    def keep(session: Session, cursor: Cursor, taken: Taken) -> None:
        intake.keep_cursor(session, source_id, cursor, provisional=not source.ordered)
        ledger.keep(session, taken.page, taken.stored, clock())
        hold(session)

    try:
        with _foreseen(row):
            pages = _pages(store, row, source, matcher, ledger, until, hold)
            _read(store, row, pages, matcher, keep, clock, on_page, result, keep_on)
    except TakenOver:
        raise
    except SourceError as error:
        with store.transaction() as session:
            ledger.fail(session, clock(), str(error))
            stopped = isinstance(error, FatalSourceError) and not (error.may_pass and row.last_success_at is not None)
            brand_store.note_run(session, source_id, clock(), error=str(error), stopped=stopped)
            hold(session)
        raise
    with store.transaction() as session:
        if result.finished:
            ledger.finish(session, clock())
            intake.promote_cursor(session, source_id)
            brand_store.note_run(session, source_id, clock())
        else:
            ledger.fail(session, clock(), STOPPED)
        hold(session)
    _tell("collected", row, result)
    return result


def collect_window(
    store: Store,
    source_id: int,
    source: Source,
    since: datetime,
    until: datetime,
    cursor: Cursor | None,
    keep: Keep,
    clock: Callable[[], datetime],
    on_page: Callable[[Page], None] | None = None,
    keep_on: Callable[[], bool] = lambda: True,
    brands: Collection[str] | None = None,
) -> Collected:
    """Read what was said from ``since`` to ``until``, apart from the run that follows the present.

    ``cursor``: where an earlier call for the very same window was left (None = at its start); ``keep`` remembers it
    page by page, in the transaction that stores the page. ``brands``: only these names' queries (None = all that the
    source is read for). What the source itself remembers (its cursor, its last run) is left alone; a cursor that the
    platform no longer knows begins the window again. The other arguments are as for ``collect``.

    Raises what the source raises; FatalSourceError also where no brand is listened for. Any other error of the source
    is logged and raised as a RetriableSourceError.
    """
    row, matcher = _listening(store, source_id, brands)
    if matcher.query() is None:
        raise FatalSourceError(f"{row.name}: {NOBODY}; add one")
    result = Collected()
    with _foreseen(row):
        pages = _window(row, source, matcher, cursor, since, until)
        _read(store, row, pages, matcher, keep, clock, on_page, result, keep_on)
    _tell("collected_window", row, result)
    return result


def _listening(store: Store, source_id: int, only: Collection[str] | None = None) -> tuple[SourceRow, Matcher]:
    """A source, and the brands it is read for."""
    with store.reading() as session:
        row = session.get_one(SourceRow, source_id)
        brands = [
            brand
            for brand in brand_store.active_brands(session)
            if (row.brands is None or brand.name in row.brands) and (only is None or brand.name in only)
        ]
    return row, Matcher(brands, about_brands=row.about_brands, source=row.name)


@contextmanager
def _foreseen(row: SourceRow) -> Iterator[None]:
    """Whatever is no SourceError becomes one: a source's bug is tried again, and told."""
    try:
        yield
    except SourceError:
        raise
    except Exception as error:
        said = _unforeseen(error)
        log.exception("source_unforeseen_failure", source=row.name, error=said)
        raise RetriableSourceError(said) from error


def _unforeseen(error: Exception) -> str:
    """An error in words that are kept and shown for long: nothing of what somebody said is to stay in them."""
    if said := database_in_words(error):
        return said
    if isinstance(error, ValueError):
        # "invalid literal for int(): ..." and its like quote what they were given.
        return f"unforeseen {type(error).__name__}; the log tells more"
    return f"unforeseen {type(error).__name__}: {shorten(str(error), 200)}"


def _read(
    store: Store,
    row: SourceRow,
    pages: Generator[Page],
    matcher: Matcher,
    keep: Keep,
    clock: Callable[[], datetime],
    on_page: Callable[[Page], None] | None,
    result: Collected,
    keep_on: Callable[[], bool],
) -> None:
    with closing(pages):
        for page in pages:
            _take(store, row, matcher, page, keep, result, clock())
            if on_page is not None:
                on_page(page)
            if not keep_on():
                return
    result.finished = True


def _pages(
    store: Store, row: SourceRow, source: Source, matcher: Matcher, ledger: RunLedger, until: datetime, hold: Hold
) -> Generator[Page]:
    """The pages from where the source was left. A cursor that the platform has forgotten is dropped, first that of an
    interrupted run and then the kept one: the ledger knows what may be missing because of it."""
    assert row.id is not None
    places: list[Cursor | None] = [row.provisional_cursor, row.cursor] if row.provisional_cursor else [row.cursor]
    places += [None] if row.cursor is not None else []
    for number, place in enumerate(places):
        try:
            yield from guarded(source.fetch(matcher.query(), place, until))
        except CursorExpired as error:
            if number + 1 == len(places):
                raise
            anew = places[number + 1] is None
            action = "reading anew" if anew else "starting again from the last kept cursor"
            log.warning("cursor_expired", source=row.name, why=str(error), action=action)
            with store.transaction() as session:
                if anew:
                    brand_store.read_anew(session, row.id)
                else:
                    brand_store.forget_provisional(session, row.id)
                ledger.begin_anew(session, until, lost=anew)
                hold(session)
        else:
            return


def _window(
    row: SourceRow, source: Source, matcher: Matcher, cursor: Cursor | None, since: datetime, until: datetime
) -> Generator[Page]:
    try:
        yield from guarded(source.fetch(matcher.query(), cursor, until, since))
    except CursorExpired:
        if cursor is None:
            raise
        log.warning("cursor_expired", source=row.name, action="reading the window again from its start")
        yield from guarded(source.fetch(matcher.query(), None, until, since))


def _take(
    store: Store, row: SourceRow, matcher: Matcher, page: Page, keep: Keep, result: Collected, now: datetime
) -> None:
    assert row.id is not None
    matched, unmatched, others = [], [], Counter[str]()
    for item in page.items:
        if match := matcher.match(item):
            matched.append(match)
            continue
        unmatched.append(item)
        if item.target is not None:
            others[item.target] += 1
    with store.transaction() as session:
        kept = intake.take_page(session, row.id, matched, now)
        # One that was about a brand may have been edited so that it no longer is.
        intake.take_unmatched(session, row.id, unmatched, now)
        taken = Taken(
            seen=len(page.items), stored=kept.stored, known=len(matched) - kept.stored - kept.refused,
            unmatched=len(page.items) - len(matched) - others.total(), pairs=kept.pairs, page=page,
            refused=kept.refused,
        )  # fmt: skip
        blank_native(session, page.platform or row.kind, page.deleted, DELETED, now)
        blank_authors(session, page.platform or row.kind, page.deleted_authors, ACCOUNT_GONE, now)
        keep(session, page.cursor, taken)
    result.add(taken)
    result.other_brands += others
    if page.capped:
        log.warning("gap", source=row.name, why="the platform has more here than it hands out")
    for part in page.unread:
        log.warning("read_in_part", source=row.name, why=part)
    for skipped in page.skipped:
        log.warning("entry_skipped", source=row.name, where=skipped.where, why=skipped.why)


def _tell(event: str, row: SourceRow, result: Collected) -> None:
    tell = log.info if result.seen else log.debug
    tell(
        event, source=row.name, seen=result.seen, stored=result.stored, known=result.known,
        unmatched=result.unmatched, refused=result.refused, other_brands=result.other_brands.total(),
        skipped=len(result.skipped), capped=result.capped, unread=len(result.unread), finished=result.finished,
    )  # fmt: skip
