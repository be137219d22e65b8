"""Backfill: read windows of the past for some brands, within the quotas, and go on after any interruption."""

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import structlog
from sqlmodel import Session

from alerts.durations import in_words
from listener.breaker import Breaker, Jitter, failed
from listener.coverage import Stretch
from listener.jobs.collect import Taken, TakenOver, collect_window
from listener.matching import Matcher
from listener.open_source import OpenSource
from listener.quota import SharedMeter
from listener.source import Cursor, Estimate, FatalSourceError, Page, Priced, SourceError
from listener.store import backfill as rows
from listener.store import brands as brand_store
from listener.store import coverage
from listener.store.engine import Store
from listener.store.tables import Backfill, Brand
from listener.store.tables import Source as SourceRow

log = structlog.get_logger()

SHARE = 0.8
"""How much of every quota a backfill may use up: what follows the present must not stand still for the past."""

MARGIN = timedelta(minutes=10)
"""Kept from the edge of what a platform still has, which moves on while it is read."""

TRIES = 6
"""Failures in a row, none of them a quota's, after which a source is left for another time."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks for. ``until``: None = up to now."""

    brands: tuple[str, ...]
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Planned:
    """What a source will do about it.

    ``why_not``: in words why it does nothing; ``broken``: that is a fault, and no property of its platform.
    ``since`` and ``until``: what is reachable of the window. ``whole``: these are all the brands that it is read for.
    ``before``: the same asked for earlier. ``anew``: why it is read from its start although it was begun before.
    """

    row: SourceRow
    key: str
    brands: tuple[str, ...]
    since: datetime
    until: datetime
    opened: OpenSource | None = None
    history: timedelta | None = None
    whole: bool = False
    estimate: Estimate | None = None
    lasting: timedelta = timedelta(0)
    cap: Decimal | None = None
    before: Backfill | None = None
    anew: str | None = None
    why_not: str | None = None
    broken: bool = False

    @property
    def finished(self) -> bool:
        """It was read to its end before, and is not to be read again."""
        return self.before is not None and self.before.state == "finished" and self.anew is None


def plan(
    store: Store,
    open_source: Callable[[SourceRow], OpenSource],
    sources: Sequence[SourceRow],
    asked: Asked,
    now: datetime,
    *,
    again: bool = False,
) -> list[Planned]:
    """What each of these sources can do, before anything is read. ``again``: also what was read to its end before."""
    with store.reading() as session:
        brands = brand_store.active_brands(session)
    return [_plan(store, open_source, row, brands, asked, now, again=again) for row in sources]


def _plan(
    store: Store,
    open_source: Callable[[SourceRow], OpenSource],
    row: SourceRow,
    brands: Sequence[Brand],
    asked: Asked,
    now: datetime,
    *,
    again: bool,
) -> Planned:
    assert row.id is not None
    all_of_it = [brand for brand in brands if row.brands is None or brand.name in row.brands]
    mine = [brand for brand in all_of_it if brand.name in asked.brands]
    names = tuple(brand.name for brand in mine)
    until = min(asked.until or now, now)
    key = _key(row, mine, asked)

    def none(why: str, *, broken: bool = False) -> Planned:
        return Planned(row, key, names, asked.since, until, why_not=why, broken=broken)

    if not mine:
        return none(f"is not read for {' or '.join(asked.brands)}")
    try:
        opened = open_source(row)
    except FatalSourceError as error:
        return none(f"cannot be read: {error}", broken=True)
    history = opened.source.history
    if history == timedelta(0):
        return none("cannot look back: its platform only hands out what it has now")
    with store.reading() as session:
        before = rows.find(session, row.id, key)
    reach = asked.since if history is None else max(asked.since, now - history + MARGIN)
    since, anew = reach, None
    if before is not None:
        if again and before.state == "finished":
            anew = "it is read again from its start"
        elif history is not None and before.state != "finished" and before.since < now - history:
            anew = "its platform no longer has the beginning of what was begun before; the rest is read from its start"
        else:
            since, until = before.since, before.until
    if since >= until:
        back = in_words(history) if history is not None else ""
        return none(f"cannot look back that far: its platform has the last {back} only")
    estimate = None
    finished = before is not None and before.state == "finished" and anew is None
    if isinstance(opened.source, Priced) and not finished:
        query = Matcher(mine, about_brands=row.about_brands, source=row.name).query()
        try:
            estimate = opened.source.estimate(query, since, until)
        except SourceError as error:
            return none(f"cannot say what it would take: {error}", broken=True)
    meters = [meter for meter in opened.meters if isinstance(meter, SharedMeter)]
    lasting, cap = timedelta(0), None
    if estimate is not None:
        weight = estimate.requests if estimate.weight is None else estimate.weight
        lasting = max((meter.lasting(weight, estimate.cost) for meter in meters), default=lasting)
    cap = min((meter.cap for meter in meters if meter.cap is not None), default=None)
    return Planned(
        row, key, names, since, until, opened, history=history, whole=len(mine) == len(all_of_it), estimate=estimate,
        lasting=lasting, cap=cap, before=before, anew=anew,
    )  # fmt: skip


def _key(row: SourceRow, brands: Collection[Brand], asked: Asked) -> str:
    """The same question, by what decides its answer: another query or another place is another question."""
    until = None if asked.until is None else asked.until.isoformat()
    question = [
        row.kind, row.options, sorted([brand.name, brand.query] for brand in brands), asked.since.isoformat(), until
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:32]


@dataclass(slots=True)
class Outcome:
    """What became of a source's backfill. ``state``: finished, open (to go on another time), failed or busy.
    ``unread``: parts of the place that could not be read. ``refused``: those that had to go once, and stay out."""

    name: str
    state: str = "open"
    why: str | None = None
    found: int = 0
    stored: int = 0
    refused: int = 0
    pages: int = 0
    capped: int = 0
    unread: list[str] = field(default_factory=list)
    cost: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Told:
    """Whom a backfill tells how it is going: after each page, and before each wait (until when, and why)."""

    page: Callable[[Outcome, Page], None]
    waiting: Callable[[datetime, str], None]


_LOST = "another process has taken this backfill over; it goes on from the last kept page"


def run(
    store: Store,
    planned: Planned,
    clock: Callable[[], datetime],
    pause: Callable[[float], bool],
    told: Told,
    jitter: Jitter,
) -> Outcome:
    """Read what is planned, from where it was left.

    ``pause``: waits so many seconds; True = told to stop, after which the page under way is the last one. Whatever ends
    it, the same call another time goes on from the last page that was kept.
    """
    opened = planned.opened
    assert opened is not None
    outcome = Outcome(planned.row.name)
    number, token = _claim(store, planned, clock())
    if token is None and (lease_until := _leased(store, number)) is not None:
        told.waiting(lease_until, "another process is at it, or was killed a moment ago")
        if not pause(max((lease_until - clock()).total_seconds(), 0.0) + 0.1):
            number, token = _claim(store, planned, clock())
    if token is None:
        outcome.state, outcome.why = "busy", "another process is at it; look again when it has ended"
        return outcome
    reader = _Reader(store, planned, opened, clock, pause, told, jitter, number, token, outcome)
    try:
        reader.read_on()
    except TakenOver as error:
        outcome.state, outcome.why = "busy", str(error)
    except FatalSourceError as error:
        reader.release("failed", str(error))
    except SourceError as error:
        reader.release("open", str(error))
    except BaseException:
        reader.release("open", None)
        raise
    return outcome


def _claim(store: Store, planned: Planned, now: datetime) -> tuple[int, str | None]:
    assert planned.row.id is not None
    with store.transaction() as session:
        number = rows.begin(session, planned.row.id, planned.key, planned.brands, planned.since, planned.until, now)
        token = rows.claim(session, number, now)
        if token is not None and planned.anew is not None:
            rows.start_over(session, number, token, planned.since, planned.until, now)
    return number, token


def _leased(store: Store, number: int) -> datetime | None:
    with store.reading() as session:
        return session.get_one(Backfill, number).lease_until


class _Reader:
    """One source's backfill in this process's hands."""

    def __init__(
        self,
        store: Store,
        planned: Planned,
        opened: OpenSource,
        clock: Callable[[], datetime],
        pause: Callable[[float], bool],
        told: Told,
        jitter: Jitter,
        number: int,
        token: str,
        outcome: Outcome,
    ) -> None:
        self._store, self._planned, self._opened = store, planned, opened
        self._clock, self._pause, self._told, self._jitter = clock, pause, told, jitter
        self._id, self._token, self._outcome = number, token, outcome
        self._paid = Decimal(0)
        self._failing: Breaker | None = None

    def read_on(self) -> None:
        """To the end, or until told to stop. Raises the SourceError that waiting does not mend."""
        while True:
            try:
                finished = self._window()
            except (FatalSourceError, TakenOver):
                raise
            except SourceError as error:
                self._opened.heed(error)
                if not self._wait(error):
                    self.release("open", str(error))
                    return
                continue
            self.release("finished" if finished else "open", None)
            return

    def release(self, state: str, why: str | None) -> None:
        """Give it back and note what came of it."""
        now = self._clock()
        with self._store.transaction() as session:
            rows.release(session, self._id, self._token, state, why, now)
            planned = self._planned
            row = self._row(session)
            if state == "finished" and planned.whole and not row.capped and not row.unread:
                assert planned.row.id is not None
                coverage.fill(session, planned.row.id, Stretch(planned.since, planned.until))
        self._outcome.state, self._outcome.why = state, why

    def _window(self) -> bool:
        with self._store.reading() as session:
            row = self._row(session)
        self._outcome.unread = list(row.unread or ())
        planned = self._planned
        assert planned.row.id is not None
        result = collect_window(
            self._store, planned.row.id, self._opened.source, row.since, row.until, row.cursor, self._keep, self._clock,
            on_page=lambda page: self._told.page(self._outcome, page), keep_on=lambda: not self._pause(0),
            brands=planned.brands,
        )  # fmt: skip
        return result.finished

    def _keep(self, session: Session, cursor: Cursor, taken: Taken) -> None:
        paid = sum((meter.cost for meter in self._opened.meters if isinstance(meter, SharedMeter)), Decimal(0))
        found = taken.stored + taken.known
        cost, capped = paid - self._paid, taken.page.capped
        unread = list(dict.fromkeys([*self._outcome.unread, *taken.page.unread]))
        kept = rows.keep_page(
            session, self._id, self._token, cursor, self._clock(), found=found, stored=taken.stored, capped=capped,
            cost=cost, unread=unread,
        )  # fmt: skip
        if not kept:
            raise TakenOver(_LOST)
        self._paid = paid
        self._failing = None
        outcome = self._outcome
        outcome.found += found
        outcome.stored += taken.stored
        outcome.refused += taken.refused
        outcome.pages += 1
        outcome.capped += capped
        outcome.unread = unread
        outcome.cost += cost

    def _wait(self, error: SourceError) -> bool:
        """Until it may go on; False = told to stop, or it has failed too often in a row."""
        now = self._clock()
        asked = getattr(error, "retry_after", None)
        self._failing = failed(self._failing, now, str(error), self._jitter, retry_after=asked)
        if asked is None and self._failing.failures >= TRIES:
            return False
        until = self._failing.again_at
        log.info("backfill_waits", source=self._planned.row.name, until=until.isoformat(), why=str(error))
        self._told.waiting(until, str(error))
        while now < until:
            with self._store.transaction() as session:
                if not rows.hold(session, self._id, self._token, now):
                    raise TakenOver(_LOST)
            if self._pause(min((until - now).total_seconds(), rows.LEASE.total_seconds() / 2)):
                return False
            now = self._clock()
        return True

    def _row(self, session: Session) -> Backfill:
        return session.get_one(Backfill, self._id)
