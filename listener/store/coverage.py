"""The ledger: what has been read of each source, what happened meanwhile, and what is missing.

Every write belongs to the transaction of what it speaks of: a page's counts to the page, a stretch to the end of the
run that read it. Sources that are read on demand only (imports) have counts and no stretches: nobody waits for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from alerts.durations import in_words
from listener.coverage import UNREAD, Missing, Polls, Record, Stretch, hour_of, joined, without
from listener.items import storable
from listener.store.engine import upsert
from listener.store.tables import Covered, Gap, Mention, Source, SourceBreaker, SourceHour, table

_COUNTS = ("polls", "finished", "found", "stored", "capped", "truncated", "rate_limited", "failed")

WINDOW = timedelta(hours=6)
"""How much of a gap is asked for at first; less where the platform has more than it hands out."""


AGAIN = timedelta(days=7)
"""How much of what was read in part is read again once every part can be; what may be months would eat a quota."""


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a source of late: items handed out in this and the last hour, and in the last 24 (``hour``, ``day``;
    a feed hands out the same ones again and again), and the new mentions among them (``new_hour``, ``new_day``). None =
    it was not read in that time, so nobody knows."""

    hour: int | None = None
    day: int | None = None
    new_hour: int | None = None
    new_day: int | None = None


def count(session: Session, source_id: int, now: datetime, *, why: str | None = None, **counts: int) -> None:
    """Add to the hour that ``now`` lies in. ``counts``: polls, finished, found, stored, capped, truncated,
    rate_limited, failed.

    ``why``: the trouble in the words of the error; the last one is kept.
    """
    row: dict[str, Any] = dict.fromkeys(_COUNTS, 0) | counts
    row |= {"source_id": source_id, "hour": hour_of(now), "why": why and storable(why)}
    upsert(session, table(SourceHour), [row], key=("source_id", "hour"), replace=("why",), add=_COUNTS)


def was_capped(session: Session, source_id: int, before: datetime) -> bool:
    """Whether the platform ever had more than it handed out, up to a moment."""
    hour = table(SourceHour).c
    wanted = select(hour.hour).where(hour.source_id == source_id, hour.capped > 0, hour.hour <= before).limit(1)
    return session.connection().scalar(wanted) is not None


def mark(session: Session, source_id: int, **marks: datetime | Sequence[str] | None) -> None:
    """Move a source's marks: listened_from, covered_to, run_from, run_until; unread and run_unread."""
    session.connection().execute(update(table(Source)).where(table(Source).c.id == source_id).values(**marks))


def cover(session: Session, source_id: int, stretch: Stretch) -> None:
    """All of ``stretch`` has been read, but for the gaps known in it."""
    _hold(session, source_id)
    gaps = _gap_stretches(session, source_id, stretch)
    _add(session, source_id, without([stretch], gaps))


def fill(session: Session, source_id: int, stretch: Stretch, missing: Sequence[Stretch] = ()) -> None:
    """All of ``stretch`` but ``missing`` has been read, whatever gaps were known in it."""
    _hold(session, source_id)
    _add(session, source_id, without([stretch], missing))


def open_gap(
    session: Session, source_id: int, stretch: Stretch, cause: str, why: str, now: datetime, *, lost: bool = False
) -> list[Stretch]:
    """Note that something of ``stretch`` is missing; what is covered, or known to be missing, already is left out.

    ``lost``: the platform cannot be asked for it any more. The stretches that were new.
    """
    _hold(session, source_id)
    known = _gap_stretches(session, source_id, stretch) + _covered(session, source_id, stretch)
    new = without([stretch], known)
    for since, until in new:
        gap = Gap(
            source_id=source_id, since=since, until=until, cause=cause, why=why, state="lost" if lost else "open",
            read_to=since, width_s=round(WINDOW.total_seconds()), not_before=now, opened_at=now,
            closed_at=now if lost else None,
        )  # fmt: skip
        session.add(gap)
    session.flush()
    return new


def leave_unread(session: Session, source_id: int, stretch: Stretch, why: str, now: datetime) -> None:
    """All of ``stretch`` was read but for some parts of the place. What lasts is one gap, which grows."""
    _hold(session, source_id)
    known = _gap_stretches(session, source_id, stretch) + _covered(session, source_id, stretch)
    growing = session.exec(select_rows(Gap).where(*_growing(source_id)).order_by(col(Gap.until).desc())).first()
    for since, until in without([stretch], known):
        if growing is not None and growing.until >= since:
            growing.until, growing.why = until, storable(why)
            continue
        growing = Gap(
            source_id=source_id, since=since, until=until, cause=UNREAD, why=storable(why), state="growing",
            read_to=since, width_s=round(WINDOW.total_seconds()), not_before=now, opened_at=now,
        )  # fmt: skip
        session.add(growing)
    session.flush()


def end_unread(session: Session, source_id: int, now: datetime, *, again: bool) -> None:
    """Every part can be read: what was left is read again (``again``), as far back as is worth it, or is missing."""
    for gap in session.exec(select_rows(Gap).where(*_growing(source_id))):
        if not again:
            gap.state, gap.closed_at = "partly", now
            continue
        gap.state, gap.not_before = "open", now
        gap.read_to = max(gap.since, min(now - AGAIN, gap.until))
        if gap.read_to > gap.since:
            gap.why += f" (of this the last {in_words(AGAIN)} are read again)"
    session.flush()


def _growing(source_id: int) -> tuple[ColumnElement[bool], ...]:
    return col(Gap.source_id) == source_id, col(Gap.state) == "growing"


def covered(session: Session, source_id: int, stretch: Stretch) -> list[Stretch]:
    """What of ``stretch``, or touching it, has been read; not cut to it."""
    return joined(_covered(session, source_id, stretch))


def record(session: Session, source: Source, since: datetime, until: datetime) -> Record:
    """All that the ledger knows of a source between two moments."""
    assert source.id is not None
    frame = Stretch(since, until)
    hour = table(SourceHour).c
    rows = session.connection().execute(
        select(hour.hour, hour.why, *(hour[name] for name in _COUNTS)).where(
            hour.source_id == source.id, hour.hour >= hour_of(since), hour.hour < until
        )
    )
    return Record(
        listened_from=source.listened_from or source.created_at,
        covered_to=source.covered_to,
        every=timedelta(seconds=source.every_s or 0),
        covered=tuple(_covered(session, source.id, frame)),
        polls={row.hour: Polls(**{name: getattr(row, name) for name in (*_COUNTS, "why")}) for row in rows},
        missing=tuple(
            Missing(Stretch(gap.since, gap.until), gap.cause, gap.state, gap.why)
            for gap in gaps(session, source.id, since, until)
            if gap.state != "filled"
        ),
    )


def mentions(session: Session, source_id: int, since: datetime, until: datetime) -> dict[datetime, int]:
    """How many mentions of a source were said in each hour, whenever they were found; hours without any are left out.

    Counted from the mentions themselves, so that it is true whatever was deleted or came late; what was deleted counts
    here as little as in any figure.
    """
    said = table(Mention).c
    sqlite = session.get_bind().dialect.name == "sqlite"
    hour: Any = (
        func.strftime("%Y-%m-%dT%H", said.created_at) if sqlite else func.date_trunc("hour", said.created_at, "UTC")
    )
    rows = session.connection().execute(
        select(hour, func.count())
        .where(
            said.source_id == source_id, said.created_at >= since, said.created_at < until, said.deleted_at.is_(None)
        )
        .group_by(hour)
    )
    return {
        datetime.strptime(f"{row[0]}+0000", "%Y-%m-%dT%H%z") if sqlite else row[0].astimezone(UTC): row[1]
        for row in rows
    }


def found_lately(session: Session, now: datetime) -> dict[int, Found]:
    """What came of each source in the hours that the last 1 and 24 hours lie in."""
    hour = table(SourceHour).c
    rows = session.connection().execute(
        select(hour.source_id, hour.hour, hour.found, hour.stored).where(
            hour.hour > now - timedelta(hours=25), hour.hour <= now, or_(hour.finished > 0, hour.found > 0)
        )
    )
    found: dict[int, Found] = {}
    for row in rows:
        before = found.get(row.source_id, Found())
        last, new = before.hour, before.new_hour
        if row.hour > now - timedelta(hours=2):
            last, new = (last or 0) + row.found, (new or 0) + row.stored
        found[row.source_id] = Found(last, (before.day or 0) + row.found, new, (before.new_day or 0) + row.stored)
    return found


def gaps(session: Session, source_id: int, since: datetime, until: datetime) -> Sequence[Gap]:
    """The gaps of a source between two moments, the oldest first; filled ones too."""
    return session.exec(
        select_rows(Gap)
        .where(Gap.source_id == source_id, col(Gap.until) > since, col(Gap.since) < until)
        .order_by(col(Gap.since), col(Gap.id))
    ).all()


def open_gaps(session: Session) -> dict[int, int]:
    """How many gaps of each source are still to be filled."""
    gap = table(Gap).c
    rows = session.connection().execute(
        select(gap.source_id, func.count()).where(gap.state == "open").group_by(gap.source_id)
    )
    return {row[0]: row[1] for row in rows}


def missed(session: Session, since: datetime) -> dict[int, list[Gap]]:
    """The gaps of each source that were given up after ``since``, in whole or in part."""
    rows = session.exec(
        select_rows(Gap)
        # What could not be read of a place was told for as long as that lasted.
        .where(col(Gap.state).in_(("lost", "partly")), col(Gap.closed_at) > since, Gap.cause != UNREAD)
        .order_by(col(Gap.since), col(Gap.id))
    )
    found: dict[int, list[Gap]] = {}
    for gap in rows:
        found.setdefault(gap.source_id, []).append(gap)
    return found


def next_gap(session: Session, now: datetime) -> int | None:
    """The id of a gap that is due: its source works, and nobody is filling it."""
    gap, source, breaker = table(Gap).c, table(Source).c, table(SourceBreaker).c
    waits = select(breaker.source_id).where(breaker.source_id == gap.source_id, breaker.again_at > now).exists()
    found: int | None = session.connection().scalar(
        select(gap.id)
        .join_from(table(Gap), table(Source), gap.source_id == source.id)
        .where(gap.state == "open", gap.not_before <= now, _free(now), source.active, ~source.stopped, ~waits)
        # Whoever had a turn goes to the back, so that one long gap does not hold up the others.
        .order_by(gap.not_before, gap.since, gap.id)
        .limit(1)
    )
    return found


def claim_gap(session: Session, gap_id: int, now: datetime, lease: timedelta) -> Gap | None:
    """Take a gap to fill it; None where somebody else has. Its ``lease_until`` is what to hold it by: a later claim's
    is later, because it waited for this one's end."""
    gap = table(Gap).c
    taken = session.connection().execute(
        update(table(Gap)).where(gap.id == gap_id, gap.state == "open", _free(now)).values(lease_until=now + lease)
    )
    return session.get_one(Gap, gap_id) if taken.rowcount else None


def change_gap(
    session: Session, gap_id: int, held: datetime | None, *, found: int = 0, tries: int = 0, **values: Any
) -> bool:
    """Set columns of a gap; False where it is no longer held until ``held``, so that another has claimed it since.
    ``found`` and ``tries``: so many more."""
    gap = table(Gap).c
    values |= {"found": gap.found + found, "tries": gap.tries + tries}
    mine = (gap.id == gap_id, gap.state == "open", gap.lease_until == held)
    return bool(session.connection().execute(update(table(Gap)).where(*mine).values(**values)).rowcount)


def close_gap(session: Session, gap: Gap, why: str, now: datetime) -> str | None:
    """Nothing more can be had of a gap: it is filled, partly so, or lost; None where another has claimed it since.
    ``why`` is kept unless it is filled."""
    assert gap.id is not None
    whole = Stretch(gap.since, gap.until)
    left = without([whole], _covered(session, gap.source_id, whole))
    lost = left == [whole] and not gap.found and gap.cause != UNREAD
    state = "filled" if not left else "lost" if lost else "partly"
    said = gap.why if state == "filled" else f"{gap.why}, and {why}"
    values: dict[str, Any] = {"state": state, "why": said, "closed_at": now, "lease_until": None, "cursor": None}
    return state if change_gap(session, gap.id, gap.lease_until, **values) else None


def _free(now: datetime) -> ColumnElement[bool]:
    gap = table(Gap).c
    return or_(gap.lease_until.is_(None), gap.lease_until <= now)


def _hold(session: Session, source_id: int) -> None:
    """One writer of a source's stretches at a time; whoever stores mentions of it need not wait for that."""
    row = select(table(Source).c.id).where(table(Source).c.id == source_id)
    session.connection().execute(row.with_for_update(key_share=True))


def _add(session: Session, source_id: int, stretches: Sequence[Stretch]) -> None:
    columns = table(Covered).c
    for stretch in stretches:
        touching = (
            session.connection()
            .execute(
                select(columns.id, columns.since, columns.until).where(
                    columns.source_id == source_id, columns.since <= stretch.until, columns.until >= stretch.since
                )
            )
            .all()
        )
        (whole,) = joined([stretch, *(Stretch(row.since, row.until) for row in touching)])
        if len(touching) == 1:
            session.connection().execute(
                update(table(Covered)).where(columns.id == touching[0].id).values(since=whole.since, until=whole.until)
            )
            continue
        if touching:
            session.connection().execute(delete(table(Covered)).where(columns.id.in_([row.id for row in touching])))
        session.connection().execute(
            table(Covered).insert(), {"source_id": source_id, "since": whole.since, "until": whole.until}
        )


def _covered(session: Session, source_id: int, frame: Stretch) -> list[Stretch]:
    columns = table(Covered).c
    rows = session.connection().execute(
        select(columns.since, columns.until).where(
            columns.source_id == source_id, columns.since <= frame.until, columns.until >= frame.since
        )
    )
    return [Stretch(row.since, row.until) for row in rows]


def _gap_stretches(session: Session, source_id: int, frame: Stretch) -> list[Stretch]:
    columns = table(Gap).c
    rows = session.connection().execute(
        select(columns.since, columns.until).where(
            columns.source_id == source_id,
            columns.state != "filled",
            columns.since < frame.until,
            columns.until > frame.since,
        )
    )
    return [Stretch(row.since, row.until) for row in rows]
