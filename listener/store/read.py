"""What the faces show: lists and totals. Nothing here writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnCollection,
    ColumnElement,
    CompoundSelect,
    RowMapping,
    Select,
    and_,
    func,
    or_,
    select,
    union_all,
)
from sqlmodel import Session

from listener.store.alerting import GROWN
from listener.store.deliveries import OPEN
from listener.store.edits import VOID_EDITED
from listener.store.members import told_once
from listener.store.tables import (
    Alert,
    AlertMention,
    Author,
    Brand,
    ChannelState,
    Delivery,
    Mention,
    MentionBrand,
    RollupHour,
    Score,
    Source,
    table,
)

_PAIR, _MENTION, _BRAND, _SCORE, _AUTHOR = (table(model).c for model in (MentionBrand, Mention, Brand, Score, Author))
_ALERT, _DELIVERY, _SOURCE = table(Alert).c, table(Delivery).c, table(Source).c


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over everything kept. ``mentions`` are pairs of a mention and a brand: one about two brands is two, and
    what only repeats it is none."""

    mentions: int
    scored: int
    promoters: int
    passives: int
    detractors: int
    alerts: int
    delivered: int


@dataclass(frozen=True, slots=True)
class Pending:
    """What the stages still have to do."""

    unscored: int
    unjudged: int
    undecided: int
    undelivered: int

    @property
    def nothing(self) -> bool:
        """Whether every stage is done."""
        return not (self.unscored or self.unjudged or self.undecided or self.undelivered)


def totals(session: Session) -> Totals:
    """The counts, read from the hourly rollups; only what is not scored yet is counted row by row. Copies are not."""
    rollup = table(RollupHour).c
    rows = session.connection().execute(select(rollup.label, func.sum(rollup.mentions)).group_by(rollup.label))
    labels: dict[str, int] = {label: int(count) for label, count in rows}
    scored = sum(labels.values())
    waiting = select(func.count()).where(_PAIR.scored_at.is_(None), _PAIR.hidden_why.is_(None), counted())
    return Totals(
        mentions=scored + _count(session, waiting),
        scored=scored,
        promoters=labels.get("promoter", 0),
        passives=labels.get("passive", 0),
        detractors=labels.get("detractor", 0),
        alerts=_count(session, select(func.count()).select_from(table(Alert))),
        delivered=_count(session, select(func.count()).where(_DELIVERY.state == "sent")),
    )


def pending(session: Session, channels: Sequence[str], now: datetime) -> Pending:
    """What is left for the stages; deliveries on channels other than ``channels``, or on ones that are off, are not."""
    state = table(ChannelState).c
    off = select(state.name).where(state.disabled_at.is_not(None))
    unjudged = select(func.count()).where(_PAIR.scored_at.is_not(None), _PAIR.judged_at.is_(None))
    grown = select(func.count()).where(*GROWN)
    undelivered = select(func.count()).where(
        _DELIVERY.state.in_(OPEN), _DELIVERY.channel.in_(channels), _DELIVERY.channel.not_in(off)
    )
    return Pending(
        unscored=_count(session, select(func.count()).where(_PAIR.scored_at.is_(None))),
        unjudged=_count(session, unjudged) + _count(session, grown),
        undecided=_count(session, select(func.count()).where(_ALERT.decide_at <= now)),
        undelivered=_count(session, undelivered),
    )


def mentions(
    session: Session,
    *,
    brand: str | None = None,
    label: str | None = None,
    source: str | None = None,
    alert_id: int | None = None,
    cluster: int | None = None,
    pair: int | None = None,
    hidden: bool = False,
    before: int | None = None,
    limit: int = 50,
) -> Sequence[RowMapping]:
    """Mentions with their scores, the latest stored first. ``before``: the id after which the last page ended.

    Each once, however often it was passed on: ``copies`` says how many more there are, and ``cluster`` is what to ask
    for to see them, and those that quote it; None = there are none. With ``cluster``, or with ``pair`` for the one of
    that id, nothing is left out, not even what is blank because it was deleted. ``hidden``: those that only share the
    brand's name, instead of the others.

    With ``alert_id`` those of one incident, each with ``notice``: the named reason why people were or were not told
    when it joined. A copy is among them where what it repeats is not.
    """
    query = mention_columns().order_by(_PAIR.id.desc()).limit(limit)
    query = _filtered(query, {_BRAND.name: brand, _PAIR.label: label, _MENTION.kind: source, _PAIR.id: pair})
    if cluster is not None:
        query = query.where(_PAIR.mention_id.in_(shown_with(cluster)))
    elif pair is None:
        query = query.where(counted() if alert_id is None else and_(told_once(alert_id), _PAIR.void.is_(None)))
        if alert_id is None:
            query = query.where(_PAIR.hidden_why.is_not(None) if hidden else _PAIR.hidden_why.is_(None))
    if alert_id is not None:
        member = table(AlertMention).c
        query = query.join(table(AlertMention), member.mention_brand_id == _PAIR.id).where(member.alert_id == alert_id)
        query = query.add_columns(member.reason.label("notice"))
    if before is not None:
        query = query.where(_PAIR.id < before)
    return session.connection().execute(query).mappings().all()


def mention_columns() -> Select[Any]:
    """What the faces know of a mention of a brand, with its latest score; to be narrowed by the caller.

    ``polarity`` holds the model's probabilities, ``tone`` the likeliest of them or what a person said instead.
    """
    latest = select(func.max(_SCORE.id)).where(_SCORE.mention_brand_id == _PAIR.id).correlate(table(MentionBrand))
    return (
        select(
            _PAIR.id, _PAIR.brand_id, _BRAND.name.label("brand"), _PAIR.spans, _PAIR.label, _PAIR.scored_at,
            _PAIR.judged_at, _PAIR.verdict, _PAIR.verdicts, _MENTION.kind.label("source"), _SOURCE.name.label("feed"),
            _MENTION.native_id, _MENTION.title, _MENTION.text, _MENTION.url,
            func.coalesce(_MENTION.lang, _SCORE.lang).label("lang"), _MENTION.reach, _MENTION.created_at,
            _MENTION.collected_at, func.coalesce(_AUTHOR.handle, _AUTHOR.name).label("author"), _MENTION.author_id,
            _SCORE.polarity, _SCORE.stance, _SCORE.emotions, _SCORE.irony, _SCORE.offensive, _SCORE.complaint,
            _SCORE.unsure, _SCORE.model, _SCORE.revision, _cluster().label("cluster"), _copies().label("copies"),
            _PAIR.copy_of, _PAIR.mention_id, _PAIR.hidden_why, _PAIR.void, _PAIR.said_relevant, _PAIR.said_by,
            _SCORE.relevance, _MENTION.edited_at, _MENTION.deleted_at, _MENTION.deleted_why,
            _PAIR.polarity.label("tone"), _PAIR.emotion, _PAIR.themes, _PAIR.said_stance, _PAIR.said_polarity,
            _PAIR.edition, _AUTHOR.url.label("author_url"),
        )
        .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
        .join(table(Brand), _BRAND.id == _PAIR.brand_id)
        .join(table(Source), _SOURCE.id == _MENTION.source_id)
        .outerjoin(table(Author), _AUTHOR.id == _MENTION.author_id)
        .outerjoin(table(Score), _SCORE.id == latest.scalar_subquery())
    )  # fmt: skip


def counted() -> ColumnElement[bool]:
    """Pairs that stand for themselves: not copies of others, and not void."""
    return and_(_PAIR.copy_of.is_(None), _PAIR.void.is_(None))


def still_theirs(pair: ColumnCollection[str, Any]) -> ColumnElement[bool]:
    """Pairs whose brand's readers may see the mention, a blank one as well: not those that an edit took its words away
    from, for what it says now is about others."""
    return or_(pair.void.is_(None), pair.void != VOID_EDITED)


def _copies() -> ColumnElement[int]:
    """How many copies a counted pair has."""
    copy = table(MentionBrand).alias().c
    return select(func.count()).where(copy.copy_of == _PAIR.id).correlate(table(MentionBrand)).scalar_subquery()


def _cluster() -> ColumnElement[int | None]:
    """The cluster a mention is shown with: its own, that of what it quotes, or itself where others quote it."""
    original, quote = table(Mention).alias().c, table(Mention).alias().c
    quoted = select(func.coalesce(original.cluster_id, original.id)).where(
        original.kind == _MENTION.kind, original.native_id == _MENTION.quote_of
    )
    quotes = select(_MENTION.id).where(quote.kind == _MENTION.kind, quote.quote_of == _MENTION.native_id).limit(1)
    here = table(Mention)
    return func.coalesce(
        _MENTION.cluster_id, quoted.correlate(here).scalar_subquery(), quotes.correlate(here).scalar_subquery()
    )


def shown_with(cluster: int) -> CompoundSelect[Any]:
    """The ids of a cluster's mentions, and of those that quote one of them."""
    quotes = table(Mention).alias()
    inside = or_(_MENTION.cluster_id == cluster, _MENTION.id == cluster)
    quoting = (
        select(quotes.c.id)
        .join_from(
            table(Mention), quotes, and_(quotes.c.kind == _MENTION.kind, quotes.c.quote_of == _MENTION.native_id)
        )
        .where(inside)
    )
    return union_all(select(_MENTION.id).where(inside), quoting)


def _filtered(query: Select[Any], wanted: Mapping[ColumnElement[Any], Any]) -> Select[Any]:
    for column, value in wanted.items():
        if value is not None:
            query = query.where(column == value)
    return query


def _count(session: Session, query: Select[Any]) -> int:
    return int(session.connection().scalar(query) or 0)
