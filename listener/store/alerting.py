"""Scored pairs that nobody has judged yet, the incidents they join, and the verdicts written back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, func, or_, select, update
from sqlmodel import Session

from alerts.mentions import ScoredMention
from alerts.reasons import Reason
from alerts.rule import REACH_DECIDES
from listener.readings import readings_of
from listener.store.engine import insert_new
from listener.store.tables import Alert, AlertMention, Author, Brand, Mention, MentionBrand, Score, Source, table
from sentiment.labels import label_of_step

_PAIR, _MENTION, _SCORE, _MEMBER = (table(model).c for model in (MentionBrand, Mention, Score, AlertMention))

_UNJUDGED = (_PAIR.scored_at.is_not(None), _PAIR.judged_at.is_(None))
GROWN = (
    _PAIR.grown_at.is_not(None), _PAIR.judged_at.is_not(None), _PAIR.scored_at.is_not(None), _PAIR.void.is_(None),
    _PAIR.hidden_why.is_(None),
)  # fmt: skip
"""Judged pairs whose mention has more reach or reactions now than then."""


@dataclass(frozen=True, slots=True)
class Grown:
    """A judged pair whose mention has more reach or reactions now, and what each rule said of it before."""

    mention: ScoredMention
    verdicts: Mapping[str, str]


@dataclass(slots=True)
class Spoken:
    """What is known of a cluster that has been judged: the incident it led to, by rule, and the rules that would have
    taken it, had it reached more people (``alerts.rule.REACH_DECIDES``)."""

    incidents: dict[str, int] = field(default_factory=dict)
    open_for: set[str] = field(default_factory=set)


def brands_to_judge(session: Session) -> list[int]:
    """The brands that have scored pairs without a verdict, or such that have grown since."""
    found: set[int] = set()
    # One after the other, because each has an index of its own.
    for waiting in (_UNJUDGED, GROWN):
        found.update(session.connection().scalars(select(_PAIR.brand_id).where(*waiting).distinct()))
    return sorted(found)


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
    other = table(MentionBrand).alias().c
    # One that could not be scored was set aside for long; nobody is to wait for it.
    coming = or_(other.lease_until.is_(None), other.lease_until <= now + patience)
    first_unscored = (
        select(func.min(other.id))
        # Scored again after an edit they have their verdict already.
        .where(other.brand_id == brand.id, other.scored_at.is_(None), other.judged_at.is_(None), coming)
        .scalar_subquery()
    )
    in_turn = or_(first_unscored.is_(None), _PAIR.id < first_unscored, _PAIR.scored_at <= now - patience)
    query = selected().where(_PAIR.brand_id == brand.id, *_UNJUDGED, in_turn)
    rows = session.connection().execute(query.order_by(_PAIR.id).limit(limit))
    return [mention_of(row, brand.name) for row in rows]


def grown(session: Session, brand: Brand, limit: int) -> list[Grown]:
    """Judged pairs that have more reach or reactions now than when they were judged last, in the order of their ids."""
    query = selected().where(_PAIR.brand_id == brand.id, *GROWN)
    rows = session.connection().execute(query.order_by(_PAIR.id).limit(limit))
    return [Grown(mention_of(row, brand.name), row.verdicts or {}) for row in rows]


def selected() -> Select[Any]:
    """All that makes a judged or unjudged pair a mention as rules see it; for ``mention_of``."""
    author, source = table(Author).c, table(Source).c
    # A pair scored by several models is judged by the latest.
    latest = (
        select(func.max(_SCORE.id))
        .where(_SCORE.mention_brand_id == _PAIR.id)
        .correlate(table(MentionBrand))
        .scalar_subquery()
    )
    return (
        select(
            _PAIR.id, _PAIR.spans, _PAIR.verdicts, _MENTION.text, _MENTION.kind, _MENTION.created_at,
            _MENTION.collected_at, _MENTION.url, _MENTION.lang, _MENTION.reach, _MENTION.engagement, _MENTION.readings,
            _SCORE.lang.label("scored_lang"), _SCORE.label, _SCORE.stance, _SCORE.polarity, _SCORE.complaint,
            _SCORE.model, _SCORE.revision, author.handle, author.name, author.followers, source.judge_as_new,
            source.name.label("feed"), _PAIR.said_stance,
        )
        .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
        .join(table(Source), source.id == _MENTION.source_id)
        .join(table(Score), _SCORE.id == latest)
        .outerjoin(table(Author), author.id == _MENTION.author_id)
    )  # fmt: skip


def mention_of(row: Row[Any], brand: str) -> ScoredMention:
    """The mention of a row of ``selected``; ``ScoredMention.id`` is the pair's id."""
    return ScoredMention(
        id=row.id,
        brand=brand,
        text=row.text,
        source=row.kind,
        created_at=row.created_at,
        collected_at=row.collected_at,
        # A person's word is certain.
        label=row.label if row.said_stance is None else label_of_step(row.said_stance),
        stance=row.stance if row.said_stance is None else {row.said_stance: 1.0},
        polarity=row.polarity,
        model=row.model,
        revision=row.revision,
        url=row.url,
        author=row.handle or row.name,
        lang=row.lang or row.scored_lang,
        reach=row.reach,
        spans=tuple((start, end) for start, end in row.spans),
        judge_as_new=row.judge_as_new,
        complaint=row.complaint,
        feed=row.feed,
        followers=row.followers,
        readings=readings_of(row.readings, row.collected_at, row.engagement),
    )


def clusters_of(session: Session, pairs: Sequence[int]) -> dict[int, int]:
    """Of these pairs those that are copies of others or have copies, each with the pair that is counted for all."""
    pair, copy = table(MentionBrand).c, table(MentionBrand).alias().c
    has_copies = select(copy.id).where(copy.copy_of == pair.id).correlate(table(MentionBrand)).exists()
    rows = session.connection().execute(
        select(pair.id, func.coalesce(pair.copy_of, pair.id).label("counted"))
        .where(pair.id.in_(pairs), or_(pair.copy_of.is_not(None), has_copies))
    )  # fmt: skip
    return {row.id: row.counted for row in rows}


def spoken_for(session: Session, counted: Collection[int]) -> dict[int, Spoken]:
    """Of these counted pairs those that were judged, or a copy of them was. Of several incidents of a rule the first
    counts."""
    found: dict[int, Spoken] = {}
    for column in (_PAIR.id, _PAIR.copy_of):
        judged = (column.in_(counted), _PAIR.judged_at.is_not(None), _PAIR.hidden_why.is_(None))
        speakers = select(column.label("counted"), _PAIR.verdicts).where(*judged, _PAIR.verdict != str(Reason.COPY))
        # What only repeats says nothing but that it does.
        copies = select(column.label("counted")).where(*judged, _PAIR.verdict == str(Reason.COPY)).distinct()
        for row in session.connection().execute(copies):
            found.setdefault(row.counted, Spoken())
        for row in session.connection().execute(speakers):
            held = {rule for rule, reason in (row.verdicts or {}).items() if reason in REACH_DECIDES}
            found.setdefault(row.counted, Spoken()).open_for |= held
        members = (
            select(column.label("counted"), table(Alert).c.rule, func.min(_MEMBER.alert_id).label("alert_id"))
            .join_from(table(MentionBrand), table(AlertMention), _MEMBER.mention_brand_id == _PAIR.id)
            .join(table(Alert), table(Alert).c.id == _MEMBER.alert_id)
            .where(*judged)
            .group_by(column, table(Alert).c.rule)
        )
        for row in session.connection().execute(members):
            known = found.setdefault(row.counted, Spoken()).incidents
            known[row.rule] = min(known.get(row.rule, row.alert_id), row.alert_id)
    return found


def write_verdicts(session: Session, verdicts: Mapping[int, tuple[str, Mapping[str, str]]], now: datetime) -> None:
    """Keep for each pair why it did or did not lead to an alert: the named reason to show, and that of each rule.
    One that was judged before keeps the time of that."""
    pairs = table(MentionBrand)
    alike: dict[tuple[str, tuple[tuple[str, str], ...]], list[int]] = {}
    for pair_id, (reason, by_rule) in verdicts.items():
        alike.setdefault((reason, tuple(sorted(by_rule.items()))), []).append(pair_id)
    for (reason, of_rules), ids in alike.items():
        judged_at = func.coalesce(pairs.c.judged_at, now)
        values = {"judged_at": judged_at, "grown_at": None, "verdict": reason, "verdicts": dict(of_rules)}
        session.connection().execute(update(pairs).where(pairs.c.id.in_(ids)).values(**values))


def write_members(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Keep which pairs belong to which incident, each with the reason why it was or was not notified."""
    insert_new(session, table(AlertMention), rows, returning=("alert_id",))
