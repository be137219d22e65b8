"""Silences in and out of their table. Whoever adds or ends one has the incidents it is about decided upon again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Literal

from sqlalchemy import ColumnElement, RowMapping, and_, insert, or_, select, true, update
from sqlmodel import Session

from alerts.durations import in_words
from alerts.incident import State
from alerts.muting import LABELS, Silence
from alerts.problems import hint
from alerts.registry import RULES
from alerts.severity import Severity
from alerts.text import one_line, shorten
from alerts.wording import moment
from listener.items import storable
from listener.store.audit import note
from listener.store.brands import active_brands
from listener.store.callers import among
from listener.store.incidents import incident_of, selected
from listener.store.tables import Alert, Brand, Mention, table
from listener.store.tables import Silence as SilenceRow

LONGEST = timedelta(days=31)
"""A silence that is forgotten must not last; a longer one is begun anew by somebody who has looked."""

FURTHEST = timedelta(days=366)
"""How far ahead one may begin."""

_TOO_LONG = f"a silence lasts {in_words(LONGEST)} at most; add another when this one ends"
_TOO_FAR = f"a silence begins within {in_words(FURTHEST)}"

LONGEST_NAME = 500
LONGEST_COMMENT = 1_000
MOST_VALUES = 100
"""Of one label."""

Stage = Literal["active", "future", "past"]

_SILENCE, _ALERT = table(SilenceRow).c, table(Alert).c


@dataclass(frozen=True, slots=True)
class Shown:
    """A silence as people see it. ``incidents``: how many open ones it mutes now; ``ended_by``: who ended it early."""

    silence: Silence
    stage: Stage
    incidents: int
    created_at: datetime
    ended_by: str | None


def in_force(session: Session, now: datetime) -> list[Silence]:
    """Those that mute something now or will."""
    rows = session.execute(select(table(SilenceRow)).where(_SILENCE.ends_at > now).order_by(_SILENCE.id)).mappings()
    return [_silence(row) for row in rows]


def shown(
    session: Session,
    now: datetime,
    stages: Sequence[Stage] = ("active", "future"),
    *,
    brands: frozenset[int] | None = None,
    before: int | None = None,
    limit: int | None = None,
) -> list[Shown]:
    """Those of these stages, the latest added first.

    ``brands``: only those that may mute incidents of these brands (None = all there are), and of them only what
    concerns these. ``before``: the last page's last id.
    """
    query = select(table(SilenceRow)).order_by(_SILENCE.id.desc())
    if "past" not in stages:
        query = query.where(_SILENCE.ends_at > now)
    if before is not None:
        query = query.where(_SILENCE.id < before)
    names = _names(session, brands)
    rows = (row for row in session.execute(query).mappings() if stage_of(_silence(row), now) in stages)
    return _shown(session, list(islice((row for row in rows if _touches(row, names)), limit)), now, brands, names)


def one(session: Session, number: int, now: datetime, *, brands: frozenset[int] | None = None) -> Shown:
    """The one of this number. Raises KeyError where there is none that may mute incidents of these brands."""
    rows = session.execute(select(table(SilenceRow)).where(_SILENCE.id == number)).mappings().all()
    names = _names(session, brands)
    if not rows or not _touches(rows[0], names):
        raise KeyError(f"there is no silence {number}")
    return _shown(session, rows, now, brands, names)[0]


def matchers_of(session: Session, number: int) -> Mapping[str, Sequence[str]]:
    """What the silence of this number is about. Raises KeyError where there is none."""
    found = session.connection().scalar(select(_SILENCE.matchers).where(_SILENCE.id == number))
    if found is None:
        raise KeyError(f"there is no silence {number}")
    wanted: dict[str, list[str]] = found
    return wanted


def is_within(session: Session, matchers: Mapping[str, Sequence[str]], brands: frozenset[int] | None) -> bool:
    """Whether a silence can mute incidents of these brands alone; None = it may mute any."""
    names = _names(session, brands)
    named = matchers.get("brand")
    return names is None or (bool(named) and names.issuperset(named or ()))


def stage_of(silence: Silence, now: datetime) -> Stage:
    """Whether it mutes now, will, or did."""
    if silence.ends_at <= now:
        return "past"
    return "active" if silence.starts_at <= now else "future"


def end_of(starts_at: datetime, length: timedelta) -> datetime:
    """When a silence of this length ends. Raises ValueError, in words, for one that is too long, or begins too late."""
    if length > LONGEST:
        raise ValueError(_TOO_LONG)
    try:
        return starts_at + length
    except OverflowError as error:
        raise ValueError(_TOO_FAR) from error


def add(
    session: Session,
    matchers: Mapping[str, Sequence[str]],
    starts_at: datetime,
    ends_at: datetime,
    created_by: str,
    comment: str,
    now: datetime,
) -> Silence:
    """Mute the incidents that match from one moment to another; kept in the audit log.

    Raises ValueError, in words, for times that make no silence, and for labels, brands, rules and severities that there
    are not.
    """
    try:
        starts_at, ends_at = max(starts_at, now).astimezone(UTC), ends_at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a silence begins and ends in a year that the calendar has") from error
    if ends_at <= starts_at:
        raise ValueError(f"a silence ends after it begins and after now; {moment(ends_at)} is over by then")
    if ends_at - starts_at > LONGEST:
        raise ValueError(_TOO_LONG)
    if starts_at - now > FURTHEST:
        raise ValueError(_TOO_FAR)
    wanted = _checked(session, matchers)
    values = {
        "matchers": wanted, "starts_at": starts_at, "ends_at": ends_at, "created_at": now,
        "created_by": _named(created_by), "comment": shorten(storable(one_line(comment)), LONGEST_COMMENT),
        "ended_by": None,
    }  # fmt: skip
    (number,) = session.connection().execute(insert(table(SilenceRow)).values(**values)).inserted_primary_key or (0,)
    silence = Silence(number, wanted, starts_at, ends_at, str(values["created_by"]), str(values["comment"]))
    detail = {"matchers": wanted, "starts_at": starts_at.isoformat(), "ends_at": ends_at.isoformat()}
    note(session, silence.created_by, "silence_added", f"silence {number}", detail | {"comment": silence.comment}, now)
    _decide_again(session, silence, now)
    return silence


def end(session: Session, number: int, by: str, now: datetime) -> bool:
    """End a silence now, or take back one that has not begun; False where it was over already.

    What it muted is told at once. Raises KeyError where there is none, ValueError for a name that is none.
    """
    query = select(table(SilenceRow)).where(_SILENCE.id == number).with_for_update()
    row = session.execute(query).mappings().first()
    if row is None:
        raise KeyError(f"there is no silence {number}")
    name, silence = _named(by), _silence(row)
    if silence.ends_at <= now:
        return False
    changes = {"ends_at": now, "starts_at": min(silence.starts_at, now), "ended_by": name}
    session.connection().execute(update(table(SilenceRow)).where(_SILENCE.id == number).values(**changes))
    note(session, name, "silence_ended", f"silence {number}", {"would_have_ended": silence.ends_at.isoformat()}, now)
    _decide_again(session, silence, now)
    return True


def heard_on(session: Session, platform: str) -> bool:
    """Whether anything is stored of a platform: a misspelt one would silence nothing."""
    kind = table(Mention).c.kind
    return session.connection().scalar(select(kind).where(kind == platform).limit(1)) is not None


def _names(session: Session, brands: frozenset[int] | None) -> frozenset[str] | None:
    if brands is None:
        return None
    brand = table(Brand).c
    return frozenset(session.connection().scalars(select(brand.name).where(among(brand.id, brands))))


def _touches(row: RowMapping, names: frozenset[str] | None) -> bool:
    named = row["matchers"].get("brand")
    return names is None or (bool(names) and (named is None or not names.isdisjoint(named)))


def _only(silence: Silence, names: frozenset[str] | None) -> Silence:
    """A silence without the names of other brands."""
    named = silence.matchers.get("brand")
    if names is None or named is None:
        return silence
    return replace(silence, matchers={**silence.matchers, "brand": [name for name in named if name in names]})


def _shown(
    session: Session,
    rows: Sequence[RowMapping],
    now: datetime,
    brands: frozenset[int] | None,
    names: frozenset[str] | None,
) -> list[Shown]:
    """With how many open incidents each of them mutes now; only those that one of them may mute are loaded."""
    active = [silence for row in rows if stage_of(silence := _silence(row), now) == "active"]
    open_ones = []
    if active:
        may_mute = or_(*(and_(true(), *_asked(silence)) for silence in active))
        query = selected().where(_ALERT.state != State.RESOLVED.value, among(_ALERT.brand_id, brands), may_mute)
        open_ones = [incident_of(row) for row in session.execute(query).mappings()]
    return [
        Shown(
            silence=(silence := _only(_silence(row), names)),
            stage=stage_of(silence, now),
            incidents=sum(silence.holds(incident, now) for incident in open_ones),
            created_at=row["created_at"],
            ended_by=row["ended_by"],
        )
        for row in rows
    ]


def _asked(silence: Silence) -> list[ColumnElement[bool]]:
    """What a silence asks for that the database can look at; the rest is looked at by hand."""
    columns = (("rule", _ALERT.rule), ("severity", _ALERT.severity))
    return [column.in_(wanted) for label, column in columns if (wanted := silence.matchers.get(label))]


def _decide_again(session: Session, silence: Silence, now: datetime) -> None:
    """Locked in the order of their ids, as everywhere. Whoever has one in hand is waited for: he has read the silences
    as they were before."""
    to_be_decided = or_(_ALERT.state != State.RESOLVED.value, _ALERT.decide_at.is_not(None))
    query = select(_ALERT.id).where(to_be_decided, *_asked(silence))
    held = query.order_by(_ALERT.id).with_for_update(key_share=True)
    ids = list(session.connection().scalars(held))
    session.connection().execute(update(table(Alert)).where(_ALERT.id.in_(ids)).values(decide_at=now))


def _silence(row: RowMapping) -> Silence:
    return Silence(
        id=row["id"],
        matchers=row["matchers"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        created_by=row["created_by"],
        comment=row["comment"],
    )


def _named(name: str) -> str:
    said = shorten(storable(one_line(name)), LONGEST_NAME)
    if not said:
        raise ValueError("say who does it: a name, or the handle by which the team knows you")
    return said


def _checked(session: Session, matchers: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    known = {
        "brand": [brand.name for brand in active_brands(session)],
        "rule": list(RULES),
        "severity": [severity.value for severity in Severity],
    }
    found = {}
    for label, values in matchers.items():
        if label not in LABELS:
            raise ValueError(f"incidents have no label {one_line(label)[:40]!r}; {hint(label, LABELS)}")
        if not values or len(values) > MOST_VALUES:
            raise ValueError(f"{label}: give one value or more, {MOST_VALUES} at most; or leave it out")
        for value in values:
            if label in known and value not in known[label]:
                raise ValueError(f"no {label} is called {one_line(value)[:80]!r}; {hint(value, known[label])}")
        found[label] = sorted({storable(value) for value in values})
    return found
