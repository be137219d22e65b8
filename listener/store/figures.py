"""Figures over time, by what is known of mentions, and between brands: read from the rollups alone, so that they take
as long for a million mentions as for a thousand.

All of them are counts of what a model said of mentions (less what people corrected), each story counted once. How often
the model is wrong is not in any interval; those are for chance alone.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, or_, select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from alerts.digest_figures import Counts
from listener.buckets import Bucket, Buckets
from listener.store.callers import among
from listener.store.rollups import Facet
from listener.store.tables import Brand, RollupFacet, RollupHour, Source, table

LABELS = ("promoter", "passive", "detractor")

MOST_VALUES = 30
"""Languages, sources, emotions or themes that are told apart, those with the most mentions."""

_HOUR, _FACET, _BRAND = (table(model).c for model in (RollupHour, RollupFacet, Brand))


class By(StrEnum):
    """What mentions are told apart by."""

    LABEL = "label"
    SOURCE = "source"
    LANG = Facet.LANG.value
    POLARITY = Facet.POLARITY.value
    EMOTION = Facet.EMOTION.value
    THEME = Facet.THEME.value


FACETS = frozenset(By(facet.value) for facet in Facet)


class Uncounted(ValueError):
    """The rollups do not hold this combination; the words say what can be asked instead."""


@dataclass(frozen=True, slots=True)
class Only:
    """One narrowing: the mentions of which something is known to be so."""

    by: By
    value: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which mentions are counted: of these brands (ids; None = all), said in a stretch of whole hours (UTC)."""

    brands: frozenset[int] | None
    since: datetime
    until: datetime
    only: Only | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """Mentions by bucket: ``counts`` has one number a bucket for each value, ``whole`` of all that shares are of."""

    buckets: Sequence[Bucket]
    counts: Mapping[str, Sequence[int]]
    whole: Sequence[int]


@dataclass(frozen=True, slots=True)
class Parts:
    """Mentions by value, the most first, and of how many: those that are of one of these values, or of all (``by``)."""

    counts: Mapping[str, int]
    whole: int


@dataclass(frozen=True, slots=True)
class Voices:
    """Mentions by brand on the platforms (``kinds``) where all these brands are listened for in every source; on
    others (``left_out``) some brand had no chance to be heard."""

    counts: Mapping[str, int]
    kinds: Sequence[str]
    left_out: Sequence[str]


def series(session: Session, wanted: Wanted, by: By | None, buckets: Buckets) -> Series:
    """Mentions over time, told apart (None: all together). Raises Uncounted."""
    found: defaultdict[str, Counter[int]] = defaultdict(Counter)
    totals: Counter[str] = Counter()
    place = buckets.place
    for row in session.connection().execute(_query(wanted, by, hourly=True)):
        found[row.value][place(row.hour)] += row.mentions
        totals[row.value] += row.mentions
    if by is None or by is By.LABEL:
        whole = sum(found.values(), Counter())
    else:
        # Of a mention that meets two themes, or none, each theme's share is still of all mentions.
        whole = Counter()
        for row in session.connection().execute(_query(wanted, None, hourly=True)):
            whole[place(row.hour)] += row.mentions
    numbers = range(len(buckets.all))
    return Series(
        buckets.all,
        {value: [found[value][number] for number in numbers] for value in _shown(totals, by)},
        [whole[number] for number in numbers],
    )


def parts(session: Session, wanted: Wanted, by: By) -> Parts:
    """Mentions of the whole stretch, told apart. Raises Uncounted."""
    rows = session.connection().execute(_query(wanted, by, hourly=False))
    totals = Counter({row.value: int(row.mentions) for row in rows})
    if by is By.LABEL:
        return Parts({value: totals[value] for value in LABELS}, sum(totals[value] for value in LABELS))
    whole = sum(int(row.mentions) for row in session.connection().execute(_query(wanted, None, hourly=False)))
    return Parts({value: totals[value] for value in _shown(totals, by)}, whole)


def totals(session: Session, wanted: Wanted) -> Counts:
    """How many in all, by stance. Copies and reach are counted by source and stance only, so they are 0 where
    ``wanted`` asks for anything else. Raises Uncounted."""
    facet = wanted.only is not None and wanted.only.by in FACETS
    columns = _FACET if facet else _HOUR
    names = ("mentions",) if facet else ("mentions", "copies", "reach")
    rows = session.connection().execute(
        select(columns.label, *(func.sum(columns[name]).label(name) for name in names))
        .where(*_narrowed(wanted, None))
        .group_by(columns.label)
    )
    found: Counter[str] = Counter()
    for row in rows.mappings():
        for name in names:
            found[name] += int(row[name])
        found[row["label"]] += int(row["mentions"])
    return Counts(
        found["mentions"], found["promoter"], found["passive"], found["detractor"], found["copies"], found["reach"]
    )


def voice(session: Session, brands: Sequence[Brand], since: datetime, until: datetime) -> Voices:
    """What was said of each of these brands. What senders and files give as another platform's counts as that
    platform's."""
    names = {brand.name for brand in brands}
    uneven = {
        row.kind
        for row in session.exec(select_rows(Source).where(or_(col(Source.active), col(Source.last_run_at) >= since)))
        if row.about_brands or (row.brands is not None and not names <= set(row.brands))
    }
    ids = {brand.id: brand.name for brand in brands}
    rows = (
        session.connection()
        .execute(
            select(_HOUR.brand_id, _HOUR.kind, func.sum(_HOUR.mentions).label("mentions"))
            .where(_HOUR.brand_id.in_(list(ids)), _HOUR.hour >= since, _HOUR.hour < until)
            .group_by(_HOUR.brand_id, _HOUR.kind)
        )
        .all()
    )
    counts = Counter({brand.name: 0 for brand in brands})
    for row in rows:
        if row.kind not in uneven:
            counts[ids[row.brand_id]] += int(row.mentions)
    heard = {row.kind for row in rows if row.mentions}
    return Voices(dict(counts.most_common()), sorted(heard - uneven), sorted(heard & uneven))


def brands_of(session: Session, brands: frozenset[int] | None, names: Collection[str] | None = None) -> Sequence[Brand]:
    """The brands that a caller may see, by name: those of these names, or all that are listened for."""
    which = _BRAND.active if names is None else _BRAND.name.in_(sorted(names))
    return session.exec(select_rows(Brand).where(which, among(_BRAND.id, brands)).order_by(Brand.name)).all()


def platforms(session: Session, brands: frozenset[int] | None) -> list[str]:
    """Where mentions of these brands (None = all) were said, as far as they were read by a model, by name."""
    # From one to the next by the key: there may be a row for each hour of years.
    first = select(func.min(_HOUR.kind)).where(_HOUR.brand_id == _BRAND.id).correlate(table(Brand)).scalar_subquery()
    at = select(_BRAND.id, first.label("kind")).where(among(_BRAND.id, brands)).cte("at", recursive=True)
    beyond = select(func.min(_HOUR.kind)).where(_HOUR.brand_id == at.c.id, _HOUR.kind > at.c.kind)
    at = at.union_all(select(at.c.id, beyond.correlate(at).scalar_subquery()).where(at.c.kind.is_not(None)))
    return sorted(session.connection().scalars(select(at.c.kind).where(at.c.kind.is_not(None)).distinct()))


def _shown(totals: Counter[str], by: By | None) -> Sequence[str]:
    if by is By.LABEL:
        return LABELS
    if by is None:
        return ("all",)
    return [value for value, number in sorted(totals.items(), key=lambda one: (-one[1], one[0])) if number][
        :MOST_VALUES
    ]


def _query(wanted: Wanted, by: By | None, *, hourly: bool) -> Select[Any]:
    """Rows of value and mentions, and of hour where that is wanted. The labels are those of a stance: what has none is
    in no share of them, and in all other counts."""
    facet = by in FACETS or (wanted.only is not None and wanted.only.by in FACETS)
    columns = _FACET if facet else _HOUR
    value: ColumnElement[Any] = literal("all") if by is None else _column(by, columns)
    hours = [columns.hour] if hourly else []
    grouped = hours if by is None else [value, *hours]
    query = select(
        value.label("value"), *([columns.hour] if hourly else []), func.sum(columns.mentions).label("mentions")
    )
    if by is By.LABEL:
        query = query.where(columns.label.in_(LABELS))
    query = query.where(*_narrowed(wanted, by))
    # Without a GROUP BY a sum of nothing would be a row of NULL.
    return query.group_by(*grouped) if grouped else query.having(func.count() > 0)


def _column(by: By, columns: Any) -> ColumnElement[Any]:
    found: ColumnElement[Any] = {By.LABEL: columns.label, By.SOURCE: _HOUR.kind}.get(by, _FACET.value)
    return found


def _narrowed(wanted: Wanted, by: By | None) -> list[ColumnElement[bool]]:
    """Raises Uncounted."""
    only = wanted.only
    facets = {one for one in (by, only.by if only else None) if one in FACETS}
    others = {one for one in (by, only.by if only else None) if one is By.SOURCE}
    if len(facets) > 1 or (facets and others):
        one, other = sorted([*facets, *others])
        raise Uncounted(
            f"mentions are not counted by {one} and {other} at once: ask for one of the two, alone or with label; "
            "/api/v1/mentions takes all filters together"
        )
    columns = _FACET if facets else _HOUR
    found = [among(columns.brand_id, wanted.brands), columns.hour >= wanted.since, columns.hour < wanted.until]
    if facets:
        found.append(_FACET.facet == next(iter(facets)).value)
    if only is not None:
        found.append(_column(only.by, columns) == only.value)
    return found
