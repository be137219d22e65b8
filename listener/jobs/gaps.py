"""Fill gaps: read again what is known to be missing, window by window, as long as the platform still has it."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select
from sqlmodel import Session

from alerts.durations import in_words
from listener.breaker import Jitter, held
from listener.coverage import Stretch, in_part
from listener.items import storable
from listener.jobs.collect import Taken, TakenOver, collect_window
from listener.open_source import OpenSource, asked_to_wait
from listener.scheduler import claim_slot, slot_of
from listener.source import Cursor, FatalSourceError, Page, Source, SourceError
from listener.store import breakers, coverage
from listener.store.engine import Store
from listener.store.tables import Firing, Gap, table

log = structlog.get_logger()

EVERY = timedelta(minutes=1)
"""How often a gap is worked on, by whichever process comes first: following the present goes before the past."""

WINDOWS = 8
"""Windows read in one turn; then it is another gap's."""

SMALLEST = timedelta(minutes=1)
"""A window that is capped is halved, but not below this."""

LEASE = timedelta(minutes=10)
FIRST_WAIT = timedelta(minutes=2)
LONGEST_WAIT = timedelta(hours=6)

_JOB = "gaps"

_LOST = "another process fills this gap by now; it goes on from the last kept page"

_STILL = "; read again,"
"""What a gap's reason says from the first window on in which a part of the place could not be read."""


def fill_next(
    store: Store,
    build: Callable[[int], OpenSource],
    clock: Callable[[], datetime],
    keep_on: Callable[[], bool] = lambda: True,
    jitter: Jitter = random.random,
) -> int:
    """Give a gap that is due its turn; how many windows were read. ``build``: makes the source of an id.

    Of all processes on a database one does so in every minute. A pause that the platform asks for holds the runs of the
    source as well, and everybody on its accounts.
    """
    now = clock()
    with store.reading() as session:
        gap_id = coverage.next_gap(session, now)
        fired = session.connection().scalar(select(table(Firing).c.slot).where(table(Firing).c.job == _JOB))
    if gap_id is None or fired == slot_of(now, EVERY):
        return 0
    with store.transaction() as session:
        gap = coverage.claim_gap(session, gap_id, now, LEASE) if claim_slot(session, _JOB, EVERY, now) else None
    if gap is None:
        return 0
    filler = _Filler(store, gap, clock, keep_on)
    opened: OpenSource | None = None
    try:
        opened = build(gap.source_id)
        return filler.turn(opened.source)
    except TakenOver as error:
        log.warning("gap_taken_over", gap=gap_id, error=str(error))
    except SourceError as error:
        if opened is not None:
            opened.heed(error)
        filler.wait(error, jitter)
    return filler.windows


class _Filler:
    """One gap's turn."""

    def __init__(self, store: Store, gap: Gap, clock: Callable[[], datetime], keep_on: Callable[[], bool]) -> None:
        assert gap.id is not None
        self._store = store
        self._gap = gap
        self._id = gap.id
        self._clock = clock
        self._keep_on = keep_on
        self._too_much = False
        self.windows = 0

    def turn(self, source: Source) -> int:
        """Read some windows. Raises what the source raises; the cursor says where to go on."""
        while self._leave_behind(source) and self.windows < WINDOWS and self._keep_on():
            self._window(source)
            self.windows += 1
        if self._gap.state == "open":
            with self._store.transaction() as session:
                self._change(session, lease_until=None, not_before=self._clock())
        return self.windows

    def wait(self, error: SourceError, jitter: Jitter) -> None:
        """It did not work: later, and ever later."""
        now = self._clock()
        asked = getattr(error, "retry_after", None) or 0.0
        wait = max(min(FIRST_WAIT * 2 ** min(self._gap.tries, 10), LONGEST_WAIT), timedelta(seconds=asked))
        if isinstance(error, FatalSourceError):
            wait = LONGEST_WAIT  # the source's own runs tell a person
        log.warning("gap_again", gap=self._id, error=str(error), in_s=round(wait.total_seconds()))
        with self._store.transaction() as session:
            values = {"lease_until": None, "not_before": now + wait}
            coverage.change_gap(session, self._id, self._gap.lease_until, tries=1, **values)
            if (pause := asked_to_wait(error)) is not None:
                before = breakers.breaker_of(session, self._gap.source_id)
                after = held(before, now, str(error), jitter, retry_after=pause)
                if before is None or before.again_at < after.again_at:
                    breakers.save_breaker(session, self._gap.source_id, after)

    def _leave_behind(self, source: Source) -> bool:
        """Pass over what the platform no longer has, and what a backfill has read meanwhile; False once nothing is left
        to be read, the gap being closed."""
        gap, now = self._gap, self._clock()
        why = "it cannot be asked for less than a minute"
        if _STILL in gap.why:
            why = "there is nothing else to read it from"
        if source.history is not None:
            back = in_words(source.history)
            why = f"it can be asked for the last {back} only" if source.history else "it only shows what it has now"
            # All of it, where the platform has no past: what was said in this very moment is no exception.
            reach = now - source.history if source.history else gap.until
            if reach > gap.read_to:
                with self._store.transaction() as session:
                    self._change(session, read_to=min(reach, gap.until), cursor=None)
        with self._store.reading() as session:
            read = coverage.covered(session, gap.source_id, Stretch(gap.read_to, gap.until))
        if there := next((part for part in read if part.since <= gap.read_to < part.until), None):
            with self._store.transaction() as session:
                self._change(session, read_to=min(there.until, gap.until), cursor=None)
        if gap.read_to < gap.until:
            return True
        with self._store.transaction() as session:
            closed = coverage.close_gap(session, gap, why, now)
        if closed is None:
            raise TakenOver(_LOST)
        gap.state = closed
        log.info("gap_closed", gap=self._id, state=gap.state, found=gap.found)
        return False

    def _window(self, source: Source) -> None:
        gap = self._gap
        window = Stretch(gap.read_to, min(gap.read_to + timedelta(seconds=gap.width_s), gap.until))
        self._too_much = False

        def keep(session: Session, cursor: Cursor, taken: Taken) -> None:
            now = self._clock()
            coverage.count(session, gap.source_id, now, found=taken.seen, stored=taken.stored)
            changes = self._capped(taken.page, window) if taken.page.capped else {}
            if taken.page.unread and not self._too_much:
                changes |= self._unread(taken.page, window, changes.get("holes", gap.holes))
            place: dict[str, Any] = {"cursor": dict(cursor), "lease_until": now + LEASE}
            self._change(session, found=taken.seen, **(place | changes))
            gap.found += taken.seen

        result = collect_window(
            self._store, gap.source_id, source, window.since, window.until, gap.cursor, keep, self._clock,
            keep_on=lambda: self._keep_on() and not self._too_much,
        )  # fmt: skip
        if self._too_much or not result.finished:
            return
        longer = min(2 * gap.width_s, round(coverage.WINDOW.total_seconds()))
        holes = [Stretch(datetime.fromisoformat(since), datetime.fromisoformat(until)) for since, until in gap.holes]
        with self._store.transaction() as session:
            coverage.fill(session, gap.source_id, window, holes)
            self._change(session, read_to=window.until, cursor=None, width_s=longer)

    def _capped(self, page: Page, window: Stretch) -> dict[str, Any]:
        """The platform has more here than it hands out: ask for less at once, or know that this much is missing."""
        hole = Stretch(*page.gap) if page.gap else window
        hole = Stretch(hole.since, max(hole.until, hole.since + timedelta(seconds=1)))
        if min(hole.until - hole.since, window.until - window.since) > SMALLEST:
            self._too_much = True
            half = max((window.until - window.since) / 2, SMALLEST)
            return {"width_s": int(half.total_seconds()), "cursor": None}
        return {"holes": [*self._gap.holes, [hole.since.isoformat(), hole.until.isoformat()]]}

    def _unread(self, page: Page, window: Stretch, holes: list[list[str]]) -> dict[str, Any]:
        """A part of the place cannot be read: this much of the gap stays one, and the rest is gone on with."""
        whole = [window.since.isoformat(), window.until.isoformat()]
        why = self._gap.why
        return {
            "holes": holes if whole in holes else [*holes, whole],
            "why": why if _STILL in why else storable(f"{why}{_STILL} {in_part(page.unread)}"),
        }

    def _change(self, session: Session, *, found: int = 0, **values: Any) -> None:
        """Raises TakenOver, so that nothing of the transaction is kept."""
        if not coverage.change_gap(session, self._id, self._gap.lease_until, found=found, **values):
            raise TakenOver(_LOST)
        for name, value in values.items():
            setattr(self._gap, name, value)
