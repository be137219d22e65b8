"""Scored pairs that nobody has judged yet, the incidents they join, and the verdicts written back."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from alerts.grouping import Incident
from alerts.mentions import ScoredMention
from listener.store.engine import insert_new
from listener.store.tables import Alert, AlertMention, Author, Brand, Mention, MentionBrand, Score, Source, table


def brands_to_judge(session: Session) -> list[int]:
    """The brands that have scored pairs without a verdict."""
    pair = table(MentionBrand).c
    waiting = select(pair.brand_id).where(pair.scored_at.is_not(None), pair.judged_at.is_(None))
    return list(session.connection().scalars(waiting.distinct().order_by(pair.brand_id)))


def lock_brand(session: Session, brand_id: int) -> Brand:
    """The brand, held until the transaction ends: one judge at a time, or two would open two incidents at once.

    Rows that refer to the brand may be stored meanwhile: intake does not wait for judges.
    """
    return session.get_one(Brand, brand_id, with_for_update={"key_share": True})


def unjudged(session: Session, brand: Brand, limit: int, now: datetime, patience: timedelta) -> list[ScoredMention]:
    """Scored pairs without a verdict in the order they came in; ``ScoredMention.id`` is the pair's id.

    Incidents depend on the order, so a pair waits for those before it that are being scored still (by a scorer that
    died, perhaps), though not longer than ``patience`` after its own score.
    """
    pair, mention, author, source = table(MentionBrand).c, table(Mention).c, table(Author).c, table(Source).c
    score = table(Score).c
    # A pair scored by several models is judged by the latest.
    latest = (
        select(func.max(score.id))
        .where(score.mention_brand_id == pair.id)
        .correlate(table(MentionBrand))
        .scalar_subquery()
    )
    other = table(MentionBrand).alias().c
    # One that could not be scored was set aside for long; nobody is to wait for it.
    coming = or_(other.lease_until.is_(None), other.lease_until <= now + patience)
    first_unscored = (
        select(func.min(other.id))
        # Scored again after an edit they have their verdict already.
        .where(other.brand_id == brand.id, other.scored_at.is_(None), other.judged_at.is_(None), coming)
        .scalar_subquery()
    )
    in_turn = or_(first_unscored.is_(None), pair.id < first_unscored, pair.scored_at <= now - patience)
    rows = session.connection().execute(
        select(
            pair.id, pair.spans, mention.text, mention.kind, mention.created_at, mention.collected_at, mention.url,
            mention.lang, mention.reach, score.lang.label("scored_lang"), score.label, score.stance, score.polarity,
            score.model, score.revision, author.handle, author.name, source.judge_as_new,
        )
        .join_from(table(MentionBrand), table(Mention), mention.id == pair.mention_id)
        .join(table(Source), source.id == mention.source_id)
        .join(table(Score), score.id == latest)
        .outerjoin(table(Author), author.id == mention.author_id)
        .where(pair.brand_id == brand.id, pair.scored_at.is_not(None), pair.judged_at.is_(None), in_turn)
        .order_by(pair.id)
        .limit(limit)
    )  # fmt: skip
    return [
        ScoredMention(
            id=row.id,
            brand=brand.name,
            text=row.text,
            source=row.kind,
            created_at=row.created_at,
            collected_at=row.collected_at,
            label=row.label,
            stance=row.stance,
            polarity=row.polarity,
            model=row.model,
            revision=row.revision,
            url=row.url,
            author=row.handle or row.name,
            lang=row.lang or row.scored_lang,
            reach=row.reach,
            spans=tuple((start, end) for start, end in row.spans),
            judge_as_new=row.judge_as_new,
        )
        for row in rows
    ]


def clusters_of(session: Session, pairs: Sequence[int]) -> dict[int, int]:
    """Of these pairs those that are copies of others or have copies, each with the pair that is counted for all."""
    pair, copy = table(MentionBrand).c, table(MentionBrand).alias().c
    has_copies = select(copy.id).where(copy.copy_of == pair.id).correlate(table(MentionBrand)).exists()
    rows = session.connection().execute(
        select(pair.id, func.coalesce(pair.copy_of, pair.id).label("counted"))
        .where(pair.id.in_(pairs), or_(pair.copy_of.is_not(None), has_copies))
    )  # fmt: skip
    return {row.id: row.counted for row in rows}


def spoken_for(session: Session, counted: Collection[int]) -> dict[int, int | None]:
    """Of these counted pairs those that were judged, or a copy of them was: the first incident that came of it."""
    pair, member = table(MentionBrand).c, table(AlertMention).c
    found: dict[int, int | None] = {}
    for column in (pair.id, pair.copy_of):
        rows = session.connection().execute(
            select(column.label("counted"), func.min(member.alert_id).label("alert_id"))
            .join_from(table(MentionBrand), table(AlertMention), member.mention_brand_id == pair.id, isouter=True)
            .where(column.in_(counted), pair.judged_at.is_not(None), pair.hidden_why.is_(None))
            .group_by(column)
        )
        for row in rows:
            known = [one for one in (found.get(row.counted), row.alert_id) if one is not None]
            found[row.counted] = min(known, default=None)
    return found


def add_reach(session: Session, alert_id: int, reach: int) -> None:
    """Add the reach of copies to an incident."""
    alert = table(Alert)
    session.connection().execute(update(alert).where(alert.c.id == alert_id).values(reach=alert.c.reach + reach))


def incidents_between(
    session: Session, brand: Brand, rule: str, earliest: datetime, latest: datetime
) -> list[Incident]:
    """The incidents of a brand and rule that were opened between two moments (see ``alerts.grouping.horizon``)."""
    rows = session.exec(
        select_rows(Alert)
        .where(
            Alert.brand_id == brand.id,
            Alert.rule == rule,
            col(Alert.opened_at) >= earliest,
            col(Alert.opened_at) <= latest,
        )
        .order_by(col(Alert.opened_at))
    ).all()
    return [
        Incident(
            id=row.id,
            brand=brand.name,
            rule=row.rule,
            opened_at=row.opened_at,
            last_at=row.last_at,
            count=row.count,
            reach=row.reach,
            notified_count=row.notified_count,
        )
        for row in rows
    ]


def open_alert(session: Session, brand: Brand, incident: Incident, now: datetime) -> int:
    """Store a new incident; its id."""
    assert brand.id is not None
    row = Alert(brand_id=brand.id, created_at=now, **_columns(incident))
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def update_alert(session: Session, incident: Incident) -> None:
    """Store how an incident has grown."""
    alert = table(Alert)
    session.connection().execute(update(alert).where(alert.c.id == incident.id).values(**_columns(incident)))


def write_verdicts(session: Session, verdicts: Mapping[int, str], now: datetime) -> None:
    """Keep for each pair (id -> named reason) why it did or did not lead to an alert."""
    pairs = table(MentionBrand)
    for reason in sorted(set(verdicts.values())):
        ids = [pair_id for pair_id, its_reason in verdicts.items() if its_reason == reason]
        session.connection().execute(update(pairs).where(pairs.c.id.in_(ids)).values(judged_at=now, verdict=reason))


def write_members(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Keep which pairs belong to which incident, each with the reason why it was or was not notified."""
    insert_new(session, table(AlertMention), rows, returning=("alert_id",))


def _columns(incident: Incident) -> dict[str, Any]:
    return {
        "rule": incident.rule,
        "opened_at": incident.opened_at,
        "last_at": incident.last_at,
        "count": incident.count,
        "reach": incident.reach,
        "notified_count": incident.notified_count,
    }
