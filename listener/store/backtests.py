"""What a backtest is shown: mentions as the judges got them, in the order in which they came. Nothing here writes."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlmodel import Session

from alerts.mentions import ScoredMention
from alerts.reasons import Reason
from listener.store.alerting import mention_of, selected
from listener.store.tables import Brand, Mention, MentionBrand, table

_PAIR, _MENTION = table(MentionBrand).c, table(Mention).c


def how_many(session: Session, brand: Brand, since: datetime, until: datetime) -> int:
    """How many mentions written between two moments a rule is shown."""
    query = (
        select(func.count())
        .select_from(table(MentionBrand).join(table(Mention), _MENTION.id == _PAIR.mention_id))
        .where(*_wanted(brand, since, until))
    )
    return int(session.connection().scalar(query) or 0)


def arrived(
    session: Session, brand: Brand, since: datetime, until: datetime, after: int, limit: int
) -> list[ScoredMention]:
    """The next of these in the order in which they came in, those of the ids above ``after``."""
    query = selected().where(*_wanted(brand, since, until), _PAIR.id > after).order_by(_PAIR.id).limit(limit)
    return [mention_of(row, brand.name) for row in session.connection().execute(query)]


def spoke_before(session: Session, counted: Collection[int], before: datetime) -> dict[int, int]:
    """Of these counted pairs those of which one, or a copy, was written before a moment and judged: its id."""
    found: dict[int, int] = {}
    for column in (_PAIR.id, _PAIR.copy_of):
        rows = session.connection().execute(
            select(column.label("counted"), func.min(_PAIR.id).label("first"))
            .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
            .where(column.in_(counted), *_SHOWN, _MENTION.created_at < before)
            .group_by(column)
        )
        for row in rows:
            found[row.counted] = min(row.first, found.get(row.counted, row.first))
    return found


# What was shown again later was never judged: telling of it would have come too late.
_SHOWN = (
    _PAIR.scored_at.is_not(None), _PAIR.hidden_why.is_(None), _PAIR.void.is_(None),
    func.coalesce(_PAIR.verdict, "") != str(Reason.SHOWN_LATER),
)  # fmt: skip


def _wanted(brand: Brand, since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    return (_PAIR.brand_id == brand.id, *_SHOWN, _MENTION.created_at >= since, _MENTION.created_at < until)
