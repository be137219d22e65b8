"""The figures that digests tell: mentions, shares, incidents, declared marks, what was not read. Nothing here writes.

Shares of voice are counted from the mentions themselves, in the sources that all brands are looked for in; everything
else about mentions comes from the hourly figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, false, func, not_, or_, select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from alerts.digest_figures import (
    BrandFigures,
    Counts,
    DeclaredMarks,
    DigestFigures,
    IncidentFigures,
    OpenIncident,
    Unread,
    Voice,
)
from alerts.digest_period import Period
from alerts.expectation import Share, share
from alerts.mentions import ScoredMention
from alerts.policy import Policy
from alerts.service import Promise
from alerts.service import figures as service_figures
from alerts.severity import Severity
from alerts.telling import most_telling
from listener.coverage import Stretch, due, length, within, without
from listener.store import coverage, notices
from listener.store.service import episodes_since
from listener.store.tables import (
    Alert,
    Brand,
    DeclaredScore,
    Mention,
    MentionBrand,
    Notification,
    RollupHour,
    Source,
    table,
)
from listener.store.windows import people_of

MOST_OPEN = 10
"""Open incidents that are named."""

_CONSIDERED = 40
_SATISFIED = 0.75
"""How far up its scale a CSAT mark must be to count as satisfied: 4 and 5 of 5."""

_PAIR, _MENTION, _ALERT, _BRAND, _HOUR = (table(model).c for model in (MentionBrand, Mention, Alert, Brand, RollupHour))
_NOTIFICATION = table(Notification).c


@dataclass(frozen=True, slots=True)
class HourCount:
    """Mentions of a brand with one label in one hour."""

    brand: str
    hour: datetime
    label: str
    mentions: int


def figures(
    session: Session, brands: Sequence[Brand], everybody: Sequence[Brand], period: Period, policy: Policy, now: datetime
) -> DigestFigures:
    """All of a period's figures. ``brands``: those that the digest is about; ``everybody``: all that are listened for,
    whose voices are held against each other."""
    this, last = Stretch(period.since, period.until), Stretch(period.before, period.since)
    counted, before = _counts(session, brands, this), _counts(session, brands, last)
    sources = _sources(session, brands)
    return DigestFigures(
        brands=[
            BrandFigures(
                brand.name, counted[brand.name], before[brand.name] if brand.created_at <= last.since else None
            )
            for brand in brands
        ],
        voices=_voices(session, brands, everybody, this, last),
        incidents=_incidents(session, brands, this, last, policy, now),
        unread=_unread(session, sources, this),
        unread_before=bool(_unread(session, sources, last)),
        declared=_declared(session, brands, this),
    )  # fmt: skip


def hours(session: Session, brands: Sequence[Brand], period: Period) -> list[HourCount]:
    """What was said of these brands hour by hour, by label."""
    names = {brand.id: brand.name for brand in brands}
    rows = session.connection().execute(
        select(_HOUR.brand_id, _HOUR.hour, _HOUR.label, func.sum(_HOUR.mentions).label("mentions"))
        .where(_HOUR.brand_id.in_(names), _HOUR.hour >= period.since, _HOUR.hour < period.until)
        .group_by(_HOUR.brand_id, _HOUR.hour, _HOUR.label)
        .order_by(_HOUR.brand_id, _HOUR.hour, _HOUR.label)
    )
    return [HourCount(names[row.brand_id], row.hour, row.label, int(row.mentions)) for row in rows]


def telling(session: Session, brands: Sequence[Brand], label: str, period: Period, n: int = 3) -> list[ScoredMention]:
    """The period's most telling mentions with a label, of those that reach furthest and of the latest, less what a
    brand wrote itself."""
    found: set[int] = set()
    own = [
        and_(_PAIR.brand_id == brand.id, func.coalesce(_MENTION.author_id, 0).in_(people))
        for brand in brands
        if (people := people_of(session, brand.accounts))
    ]
    for order in (_MENTION.reach.desc().nulls_last(), _MENTION.created_at.desc()):
        query = (
            select(_PAIR.id)
            .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
            .where(
                _PAIR.brand_id.in_([brand.id for brand in brands]), _PAIR.label == label, *_counted(),
                _MENTION.deleted_at.is_(None), *_said(Stretch(period.since, period.until)), not_(or_(false(), *own)),
            )
            .order_by(order, _PAIR.id)
            .limit(_CONSIDERED)
        )  # fmt: skip
        found |= set(session.connection().scalars(query))
    return most_telling(notices.scored(session, sorted(found)), n)


def _counted() -> tuple[ColumnElement[bool], ...]:
    """Pairs that the figures count."""
    return (
        _PAIR.scored_at.is_not(None), _PAIR.copy_of.is_(None), _PAIR.void.is_(None), _PAIR.hidden_why.is_(None),
    )  # fmt: skip


def _said(stretch: Stretch) -> tuple[ColumnElement[bool], ...]:
    return _MENTION.created_at >= stretch.since, _MENTION.created_at < stretch.until


def _counts(session: Session, brands: Sequence[Brand], stretch: Stretch) -> dict[str, Counts]:
    labels = ("promoter", "passive", "detractor")
    sums = [func.sum(case((_HOUR.label == label, _HOUR.mentions), else_=0)).label(f"{label}s") for label in labels]
    totals = [func.sum(_HOUR[name]).label(name) for name in ("mentions", "copies", "reach")]
    rows = session.connection().execute(
        select(_HOUR.brand_id, *totals, *sums)
        .where(
            _HOUR.brand_id.in_([brand.id for brand in brands]), _HOUR.hour >= stretch.since, _HOUR.hour < stretch.until
        )
        .group_by(_HOUR.brand_id)
    )
    found = {
        row["brand_id"]: Counts(**{name: int(value) for name, value in row.items() if name != "brand_id"})
        for row in rows.mappings()
    }
    return {brand.name: found.get(brand.id, Counts()) for brand in brands}


def _voices(
    session: Session, brands: Sequence[Brand], everybody: Sequence[Brand], this: Stretch, last: Stretch
) -> list[Voice]:
    """Share of voice of every brand, the greatest first; empty where there is nobody to share with."""
    names = {brand.name for brand in everybody}
    rows = session.exec(select_rows(Source).where(~col(Source.about_brands)))
    common = [row.id for row in rows if row.brands is None or names <= set(row.brands)]
    if len(everybody) < 2 or not common:
        return []
    now, before = _by_brand(session, everybody, common, this), _by_brand(session, everybody, common, last)
    whole, whole_before = sum(now.values()), sum(before.values())
    # A brand that nobody listened for all of the time has no share of it.
    comparable = all(brand.created_at <= last.since for brand in everybody)
    found = []
    for brand in everybody:
        mine = share(now.get(brand.id, 0), whole)
        if mine is not None:
            earlier: Share | None = share(before.get(brand.id, 0), whole_before) if comparable else None
            found.append(Voice(brand.name, mine, earlier, own=brand.name in {one.name for one in brands}))
    return sorted(found, key=lambda one: (-one.share.part, one.brand))


def _by_brand(
    session: Session, brands: Sequence[Brand], sources: Sequence[int | None], stretch: Stretch
) -> Mapping[int | None, int]:
    rows = session.connection().execute(
        select(_PAIR.brand_id, func.count().label("mentions"))
        .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
        .where(
            _PAIR.brand_id.in_([brand.id for brand in brands]), _MENTION.source_id.in_(sources), *_counted(),
            *_said(stretch),
        )
        .group_by(_PAIR.brand_id)
    )  # fmt: skip
    return {row.brand_id: row.mentions for row in rows}


def _incidents(
    session: Session, brands: Sequence[Brand], this: Stretch, last: Stretch, policy: Policy, now: datetime
) -> IncidentFigures:
    """Those of the brands, and those of no single brand, which concern everybody. A digest speaks of what people were
    told of; how many they were not told of is a number of its own."""
    ours = or_(_ALERT.brand_id.in_([brand.id for brand in brands]), _ALERT.brand_id.is_(None))
    names = {brand.name for brand in brands} | {None}
    began = [one for one in episodes_since(session, this.since) if one.brand in names and one.started < this.until]
    (measured,) = service_figures(began, policy, now)
    seen = measured.measures[Promise.ACKNOWLEDGE]
    was_told = select(_NOTIFICATION.alert_id).where(_NOTIFICATION.alert_id == _ALERT.id).exists()
    told = and_(ours, was_told)
    rows = session.connection().execute(_opened(told, this)).all()
    unresolved = and_(told, _ALERT.state != "resolved")
    return IncidentFigures(
        opened=sum(row.number for row in rows),
        before=sum(row.number for row in session.connection().execute(_opened(told, last))),
        by_severity={Severity(row.severity): row.number for row in rows},
        untold=sum(row.number for row in session.connection().execute(_opened(and_(ours, ~was_told), this))),
        acknowledged=seen.times,
        unseen=seen.waiting + seen.late_open,
        in_time=seen.within,
        open=_open(session, unresolved),
        open_in_all=int(session.connection().scalar(select(func.count()).where(unresolved)) or 0),
    )  # fmt: skip


def _opened(ours: ColumnElement[bool], stretch: Stretch) -> Any:
    return (
        select(_ALERT.severity, func.count().label("number"))
        .where(ours, _ALERT.created_at >= stretch.since, _ALERT.created_at < stretch.until)
        .group_by(_ALERT.severity)
    )


def _open(session: Session, unresolved: ColumnElement[bool]) -> list[OpenIncident]:
    rank = case({severity.value: severity.rank for severity in Severity}, value=_ALERT.severity)
    rows = session.connection().execute(
        select(
            _ALERT.id, _BRAND.name, _ALERT.rule, _ALERT.group_key, _ALERT.severity, _ALERT.state,
            table(Alert).c["count"].label("mentions"), _ALERT.opened_at,
        )
        .join_from(table(Alert), table(Brand), _BRAND.id == _ALERT.brand_id, isouter=True)
        .where(unresolved)
        .order_by(rank.desc(), _ALERT.id.desc())
        .limit(MOST_OPEN)
    )  # fmt: skip
    return [
        OpenIncident(
            row.id, row.name, row.rule, row.group_key, Severity(row.severity), row.state, row.mentions, row.opened_at
        )
        for row in rows
    ]


def _sources(session: Session, brands: Sequence[Brand]) -> list[Source]:
    """Those read on a schedule for any of the brands."""
    rows = session.exec(
        select_rows(Source).where(col(Source.active), col(Source.every_s).is_not(None)).order_by(Source.name)
    )
    names = {brand.name for brand in brands}
    return [row for row in rows if row.brands is None or names & set(row.brands)]


def _unread(session: Session, sources: Sequence[Source], stretch: Stretch) -> list[Unread]:
    """What the ledger lacks, the most first. What a source is not overdue for is not missing, and nothing is that came
    before it was listened to."""
    found = []
    for source in sources:
        record = coverage.record(session, source, stretch.since, stretch.until)
        wanted = Stretch(max(stretch.since, record.listened_from), stretch.until)
        missing = length(without([wanted], [*within(record.covered, wanted), due(record, stretch.until)]))
        if wanted.since < wanted.until and missing >= timedelta(minutes=1):
            found.append(Unread(source.name, missing, wanted.until - wanted.since))
    return sorted(found, key=lambda one: (-one.missing, one.source))


def _declared(session: Session, brands: Sequence[Brand], stretch: Stretch) -> list[DeclaredMarks]:
    """Marks that came with mentions of the brands, by question and scale."""
    mark = table(DeclaredScore).c
    about = (
        select(_PAIR.mention_id)
        .where(
            _PAIR.brand_id.in_([brand.id for brand in brands]), _PAIR.void.is_(None), _PAIR.hidden_why.is_(None),
        )
    )  # fmt: skip
    # NPS counts 9 and 10 as promoters and 0 to 6 as detractors (Reichheld 2003).
    net = case((mark.value >= 9, 1.0), (mark.value <= 6, -1.0), else_=0.0)
    satisfied = case((mark.value >= mark.lowest + _SATISFIED * (mark.highest - mark.lowest), 1.0), else_=0.0)
    rows = session.connection().execute(
        select(
            mark.name, mark.lowest, mark.highest, func.count().label("answers"), func.avg(mark.value).label("mean"),
            func.avg(net).label("net"), func.avg(satisfied).label("satisfied"),
        )
        .join_from(table(DeclaredScore), table(Mention), _MENTION.id == mark.mention_id)
        .where(_MENTION.id.in_(about), *_said(stretch))
        .group_by(mark.name, mark.lowest, mark.highest)
        .order_by(mark.name, mark.lowest)
    )  # fmt: skip
    return [
        DeclaredMarks(
            row.name, row.answers, {"nps": row.net * 100, "csat": row.satisfied}.get(row.name, row.mean), row.lowest,
            row.highest,
        )
        for row in rows
    ]  # fmt: skip
