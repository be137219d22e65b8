"""What a run that follows the present tells the ledger, beside its pages.

A run that ends well has read everything from where the one before it ended, until it began itself. What it has *not*
read is cut out of that: where the platform had more than it handed out, and where the run did not begin at the mark
because its place was lost or lies further back than the platform remembers. And where some part of the place could not
be read (``Page.unread``) nothing is claimed at all: the mark moves, and what lies behind it is a gap that grows until a
run reads every part.
"""

from datetime import datetime, timedelta

from sqlmodel import Session

from listener.coverage import SLACK, Stretch, in_part
from listener.error_words import Kind, trouble
from listener.items import storable
from listener.source import Page, Source
from listener.store import coverage
from listener.store.tables import Source as SourceRow

CAPPED = "the platform had more than it hands out at once"
RESTARTED = "the place where reading had been left was lost, so it began anew later than that"
TOO_LATE = "it was not read for longer than the platform looks back"

_NOTHING = timedelta(0)


def count_failure(session: Session, source_id: int, now: datetime, error: str, *, polls: int = 1) -> None:
    """A poll came to nothing, or was broken off by us; the error's words say which."""
    match trouble(error).kind:
        case Kind.SLOW_DOWN | Kind.QUOTA:
            counts = {"rate_limited": 1}
        case Kind.BROKEN_OFF | Kind.MONEY:
            counts = {"truncated": 1}
        case _:
            counts = {"failed": 1}
    coverage.count(session, source_id, now, why=error, polls=polls, **counts)


class RunLedger:
    """The bookkeeping of one run. Every method writes in the transaction of what it speaks of.

    ``until``: when the run began, and so the latest moment that it can have read.
    """

    def __init__(self, row: SourceRow, source: Source, until: datetime) -> None:
        assert row.id is not None
        self._id = row.id
        self._row = row
        self._every = timedelta(seconds=row.every_s or 0)
        self._scheduled = row.every_s is not None
        self._ordered = source.ordered
        self._history = source.history
        self._mark = row.covered_to
        self._polled = False
        self._now = until
        # An interrupted run that goes on still ends where it began to look: what came since is the next one's.
        self._until = row.run_until or until
        self._from = self._begins(row)
        # A run that goes on lacks what it lacked before it was interrupted.
        self._unread = list(row.run_unread or ())
        # Before this a first run claims nothing: a page broke off there, and what came from elsewhere is no proof.
        self._cut: datetime | None = None
        self._resumed = row.covered_to is None and row.run_from is not None

    def _begins(self, row: SourceRow) -> datetime | None:
        """None = at the mark. Otherwise only what is seen is known to have been read: this is the moment so far."""
        if row.covered_to is None:
            return row.run_from or self._until
        if row.cursor is not None or row.provisional_cursor is not None:
            return row.run_from
        # Some places give a cursor only once there is something to read. They look back far enough to bear one poll
        # that came late, but nobody knows how far.
        late = self._until - row.covered_to > self._every + SLACK
        return self._until if late or row.run_from is not None else None

    def begin_anew(self, session: Session, until: datetime, *, lost: bool) -> None:
        """The run's cursor was dropped, and with ``lost`` the source's kept one too: it starts again."""
        self._now = self._until = until
        if lost or self._from is not None:
            self._from = until
        self._unread, self._cut, self._resumed = [], None, False
        coverage.mark(session, self._id, run_from=self._from, run_until=None, run_unread=None)

    def keep(self, session: Session, page: Page, stored: int, now: datetime) -> None:
        """A page was stored."""
        if self._resumed and not self._ordered and coverage.was_capped(session, self._id, now):
            # Where it was cut off before it was interrupted, or later than that.
            self._cut = self._row.run_from
        self._resumed = False
        coverage.count(
            session, self._id, now, polls=0 if self._polled else 1, found=len(page.items), stored=stored,
            capped=int(page.capped), why=CAPPED if page.capped else None,
        )  # fmt: skip
        self._polled = True
        if new := [storable(part) for part in dict.fromkeys(page.unread) if storable(part) not in self._unread]:
            self._unread += new
            coverage.mark(session, self._id, run_unread=self._unread)
        if not self._scheduled:
            return
        times = sorted(item.created_at for item in page.items)
        if self._from is not None and times:
            self._from = min(self._from, times[0])
        self._cut_off(page, times)
        if page.capped and (missing := self._missing(page, times)):
            coverage.open_gap(session, self._id, missing, "capped", CAPPED, now, lost=self._gone(missing, now))
        if page.read_to is not None and self._history != _NOTHING and not self._unread:
            self._prove(session, page.read_to)
        until = None if self._ordered else self._until
        coverage.mark(session, self._id, run_from=self._from, run_until=until, covered_to=self._mark)

    def _cut_off(self, page: Page, times: list[datetime]) -> None:
        """What a first run claims ends at the oldest of a page behind which the platform had more, however far other
        pages go back; nobody was waiting for what is missing there, so it is no gap."""
        if self._mark is not None or self._from is None or self._ordered:
            return
        if page.capped and page.gap is None:
            oldest = times[0] if times else self._until
            self._cut = oldest if self._cut is None else max(self._cut, oldest)
        if self._cut is not None:
            self._from = max(self._from, self._cut)

    def finish(self, session: Session, now: datetime) -> None:
        """The source was read to its end."""
        unread = in_part(self._unread) if self._unread else None
        coverage.count(
            session, self._id, now, polls=0 if self._polled else 1, finished=1, truncated=int(unread is not None),
            why=unread,
        )  # fmt: skip
        coverage.mark(session, self._id, unread=self._unread or None, run_unread=None)
        if not self._scheduled:
            return
        start = self._start(session, now)
        begun = self._row.listened_from
        if begun is None:
            # A first run that came in time says that nothing was to be read before it.
            early = self._row.created_at
            begun = self._until if self._until - early <= self._every + SLACK else early
        if unread is None:
            coverage.cover(session, self._id, Stretch(start, self._until))
            coverage.end_unread(session, self._id, now, again=self._history != _NOTHING)
        else:
            # A first run looks back as far as it gets; nobody waited for that.
            since = start if self._mark is not None else max(start, begun)
            coverage.leave_unread(session, self._id, Stretch(since, self._until), unread, now)
        mark = max(self._mark or self._until, self._until)
        coverage.mark(session, self._id, covered_to=mark, listened_from=begun, run_from=None, run_until=None)

    def fail(self, session: Session, now: datetime, error: str) -> None:
        """The run ended early, with an error or because it was told to stop; the next one goes on."""
        count_failure(session, self._id, now, error, polls=0 if self._polled else 1)

    def _start(self, session: Session, now: datetime) -> datetime:
        """From when on everything has been read, if nothing was capped; what lies between the mark and that is told."""
        mark, start = self._mark, self._until if self._from is None else self._from
        if mark is None:
            # The first run. A place that only shows what it has now says nothing of the time before.
            return self._until if self._history == _NOTHING else self._reachable(start)
        if self._from is None:
            cause, why, start = "history", TOO_LATE, self._reachable(mark)
        elif self._history == _NOTHING and (start <= mark or start == self._until):
            # What a feed showed at the mark it still shows, or it shows nothing at all.
            return mark
        else:
            cause, why, start = "restart", RESTARTED, self._reachable(start)
        if mark < start:
            missing = Stretch(mark, start)
            coverage.open_gap(session, self._id, missing, cause, why, now, lost=self._gone(missing, now))
        return start

    def _reachable(self, moment: datetime) -> datetime:
        if self._history is None or self._history == _NOTHING:
            return moment
        return min(max(moment, self._until - self._history), self._until)

    def _gone(self, missing: Stretch, now: datetime) -> bool:
        """Whether the platform cannot be asked for it any more."""
        return self._history is not None and missing.until <= now - self._history

    def _missing(self, page: Page, times: list[datetime]) -> Stretch | None:
        """Where a capped page leaves a gap; None where nobody was waiting for what is there."""
        if page.gap is not None:
            since, until = page.gap
            # Platforms count in seconds, and the last one belongs to what is missing.
            return Stretch(since, max(until, since + timedelta(seconds=1)))
        # Of a first run that was interrupted, what was seen before counts as read as well.
        past = self._history != _NOTHING
        mark = self._mark or (self._row.run_from if past else None)
        if mark is None:
            # A first run looks back as far as it gets.
            return Stretch(times[0], times[-1]) if self._ordered and times and past else None
        if self._ordered and past:
            return Stretch(mark, min(times[-1], self._now) if times else self._now)
        if self._mark is None and times and times[0] <= mark:
            return None
        # The latest come first, so what is missing lies before the oldest. That may be later than this run will answer
        # for, where it goes on with one that was interrupted.
        oldest = times[0] if times and times[0] >= mark else self._now
        return Stretch(mark, min(oldest, self._now))

    def _prove(self, session: Session, read_to: datetime) -> None:
        """All up to a moment has been read, whatever becomes of this run."""
        read_to = min(read_to, self._until)
        # Of a run that began anew nobody knows the beginning before it has ended.
        if self._from is None and self._mark is not None and self._reachable(self._mark) == self._mark < read_to:
            coverage.cover(session, self._id, Stretch(self._mark, read_to))
            self._mark = read_to
