"""How each source stands: whether it is read, how far behind it is, what is wrong and who must do something."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlmodel import Session
from sqlmodel import select as select_rows

from alerts.durations import in_words
from alerts.wording import moment
from listener.breaker import Breaker
from listener.coverage import SLACK, in_part
from listener.error_words import Kind, Trouble, trouble
from listener.scheduler import slot_of
from listener.store import breakers, coverage, quota
from listener.store.brands import collect_job
from listener.store.coverage import Found
from listener.store.push import PUSH
from listener.store.quota import Spending
from listener.store.tables import Firing, Gap, QuotaAccount, Source, Task, table

_MISSED_IS_NEWS = timedelta(days=1)


class Stand(StrEnum):
    """How a source stands, in a word."""

    OK = "ok"
    NEW = "new"
    READING = "reading"
    BEHIND = "behind"
    PARTLY = "partly"
    WAITING = "waiting"
    FAILING = "failing"
    STOPPED = "stopped"
    ON_DEMAND = "on_demand"
    SENDS = "sends"
    OFF = "off"


_PATIENT = (Kind.SLOW_DOWN, Kind.QUOTA, Kind.MONEY)
_FILLS = "nothing: it catches up as soon as workers come to it"
_PART = "what the message says of each part; all else of this source is read"
_RUNS = "see whether `escucha run` (or schedule and work) is running"


@dataclass(frozen=True, slots=True)
class Standing:
    """One source. ``behind``: how long ago the moment is up to which it was read; None = it was never read.

    ``late``: it is behind by more than its interval. ``waits``: for a person. ``missed``: gaps given up in the last
    day. ``spending`` and ``blocked``: of the accounts on its platform.
    """

    source: Source
    stand: Stand
    words: str
    to_do: str | None
    waits: bool
    trouble: Trouble | None
    behind: timedelta | None
    late: bool
    next_at: datetime | None
    found: Found
    open_gaps: int
    missed: Sequence[Gap]
    spending: Sequence[Spending] = field(default_factory=tuple)
    blocked: Sequence[QuotaAccount] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is read once for all sources."""

    now: datetime
    patience: timedelta
    tasks: dict[str, tuple[datetime, datetime | None]]
    slots: dict[str, int]
    breakers: dict[int, Breaker]
    found: dict[int, Found]
    open_gaps: dict[int, int]
    missed: dict[int, list[Gap]]
    spending: Sequence[Spending]
    blocked: Sequence[QuotaAccount]


def standings(session: Session, now: datetime, patience: timedelta, *, everything: bool = False) -> list[Standing]:
    """All sources that are read on a schedule or send to us, by name; with ``everything`` also those that are off or
    read on demand.

    ``patience``: how late a source may be before a person is asked to look.
    """
    wanted = select_rows(Source).order_by(Source.name)
    rows = [
        row
        for row in session.exec(wanted)
        if everything or (row.active and (row.every_s is not None or row.kind == PUSH))
    ]
    task, firing = table(Task).c, table(Firing).c
    tasks = session.connection().execute(select(task.key, task.not_before, task.lease_until))
    slots = session.connection().execute(select(firing.job, firing.slot))
    known = _Known(
        now, patience, {row.key: (row.not_before, row.lease_until) for row in tasks},
        {row.job: row.slot for row in slots}, breakers.breakers(session), coverage.found_lately(session, now),
        coverage.open_gaps(session), coverage.missed(session, now - _MISSED_IS_NEWS), quota.spending(session, now),
        quota.blocked(session, now),
    )  # fmt: skip
    return [_standing(row, known) for row in rows]


def _standing(row: Source, known: _Known) -> Standing:
    assert row.id is not None
    now, every = known.now, timedelta(seconds=row.every_s or 0)
    not_before, lease_until = known.tasks.get(collect_job(row.id), (None, None))
    reading = lease_until is not None and lease_until > now
    wrong = trouble(row.last_error) if row.last_error else None
    read_to = row.covered_to
    behind = now - read_to if read_to is not None else None
    late = now - (read_to or row.created_at) > every + SLACK
    missed = known.missed.get(row.id, [])
    scheduled = row.active and row.every_s is not None
    next_at = None
    if scheduled and not row.stopped and not reading:
        next_at = _next(row, known, not_before, every)
    overdue = now - (row.last_success_at or row.created_at) > every + known.patience
    stand, words, to_do = _said(row, known, wrong, next_at, reading=reading, late=late, behind=behind)
    waits = scheduled and (
        row.stopped or bool(missed) or bool(row.unread) or (overdue and (wrong is not None or not reading))
    )
    if missed and to_do is None and scheduled:
        to_do = "see what was missed; reading more often (every) may prevent it"
    return Standing(
        row, stand, words, to_do, waits, wrong, behind, late, next_at, known.found.get(row.id, Found()),
        known.open_gaps.get(row.id, 0), missed,
        [account for account in known.spending if account.kind == row.kind],
        [account for account in known.blocked if quota.platform_of(account.name) == row.kind],
    )  # fmt: skip


def _next(row: Source, known: _Known, not_before: datetime | None, every: timedelta) -> datetime:
    """When it is read again, as far as that is known: a task in the queue, or the next slot."""
    assert row.id is not None
    waits = known.breakers.get(row.id)
    if not_before is not None:
        return max(not_before, waits.again_at) if waits else not_before
    slot = known.slots.get(collect_job(row.id))
    if slot is None or slot != slot_of(known.now, every):
        return known.now
    return datetime.fromtimestamp((slot + 1) * every.total_seconds(), UTC)


def _said(
    row: Source, known: _Known, wrong: Trouble | None, next_at: datetime | None, *, reading: bool, late: bool,
    behind: timedelta | None,
) -> tuple[Stand, str, str | None]:  # fmt: skip
    """How it stands, in words, and what to do about it."""
    if not row.active:
        return Stand.OFF, "switched off: escucha.yml does not name it any more", None
    if row.kind == PUSH:
        last = f"last received at {moment(row.last_success_at)}" if row.last_success_at else "nothing received yet"
        return Stand.SENDS, f"it sends to us; {last}", None
    if row.every_s is None:
        said = f"read on demand; {wrong.words}" if wrong else "read on demand"
        return Stand.ON_DEMAND, said, wrong.to_do if wrong else None
    if row.stopped:
        return Stand.STOPPED, f"stopped: {wrong.words if wrong else 'it waits for a person'}", _mend(wrong, row.name)
    if reading:
        return Stand.READING, "being read just now", None
    if wrong is not None:
        again = f"; tried again at {moment(next_at)}" if next_at else ""
        waits = known.breakers.get(row.id or 0)
        down = waits is not None and waits.opened_at is not None
        times = f" ({waits.failures} times in a row)" if waits is not None and down and waits.failures > 1 else ""
        stand = Stand.WAITING if wrong.kind in _PATIENT else Stand.FAILING
        return stand, f"{wrong.words}{times}{again}", wrong.to_do
    if row.last_success_at is None:
        return (Stand.BEHIND, "never read yet, and overdue", _RUNS) if late else (Stand.NEW, "not read yet", None)
    if row.unread:
        return Stand.PARTLY, in_part(row.unread), _PART
    if late:
        said = f"behind by {in_words(_rounded(behind))}" if behind else "behind"
        return Stand.BEHIND, said, _FILLS if _queued(row, known) else _RUNS
    return Stand.OK, "up to date", None


def _mend(wrong: Trouble | None, name: str) -> str:
    to_do = wrong.to_do if wrong else "read the message below"
    return f"{to_do}; then restart Escucha, or run `escucha collect --once {shlex.quote(name)}`"


def _queued(row: Source, known: _Known) -> bool:
    return collect_job(row.id or 0) in known.tasks


def _rounded(length: timedelta | None) -> timedelta:
    """To the minute, from a minute on: nobody needs the seconds."""
    if length is None:
        return timedelta(0)
    return length - (length % timedelta(minutes=1)) if length >= timedelta(minutes=1) else length
