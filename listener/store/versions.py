"""Whether what the pages show has changed, asked once a second: nothing here grows with the number of mentions.

Each topic is read from the ends of indexes, from small tables that people fill, and of mentions from the newest only:
what happens to an older one shows by the rows that it leaves (a score, a correction, themes told again).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Executable, case, func, select
from sqlmodel import Session

from alerts.incident import State
from listener.reuse import State as Permitted
from listener.store.deliveries import OPEN
from listener.store.tables import (
    Alert,
    AlertEvent,
    Audit,
    Brand,
    ChannelState,
    Collection,
    CollectionItem,
    Correction,
    DecisionLog,
    Delivery,
    DeliveryAttempt,
    Gap,
    Mention,
    MentionBrand,
    ReusePermission,
    Score,
    Setting,
    Silence,
    Source,
    table,
)
from listener.store.themes import TOLD as THEMES_TOLD

NEWEST = 500
"""Mentions that are looked at one by one: more than any page that follows by itself shows."""

Seen = tuple[Any, ...]

_PAIR, _MENTION, _ALERT, _DELIVERY, _SILENCE, _SETTING = (
    table(model).c for model in (MentionBrand, Mention, Alert, Delivery, Silence, Setting)
)


def _rows(session: Session, query: Executable) -> Seen:
    return tuple(tuple(row) for row in session.connection().execute(query))


def _last(model: type[Any]) -> Any:
    return select(func.max(table(model).c.id)).scalar_subquery()


def mentions(session: Session, _now: datetime) -> Seen:
    """New ones, scores, what rules made of them, corrections; shown, hidden, edited or deleted; reach; themes."""
    newest_rows = (
        select(
            _PAIR.mention_id, _PAIR.judged_at, _PAIR.hidden_why, _PAIR.void, _PAIR.edition, _PAIR.copy_of,
            _PAIR.said_at, _PAIR.said_stance, _PAIR.said_polarity, _PAIR.label,
        )
        .order_by(_PAIR.id.desc())
        .limit(NEWEST)
        .subquery()
    )  # fmt: skip
    newest = newest_rows.c
    counted: Sequence[ColumnElement[Any]] = [
        func.count(column)
        for column in (
            newest.judged_at, newest.hidden_why, newest.void, newest.copy_of, newest.said_stance, newest.said_polarity,
            newest.label,
        )
    ]  # fmt: skip
    told = select(func.max(_SETTING.updated_at)).where(_SETTING.key.startswith(THEMES_TOLD)).scalar_subquery()
    ends = [_last(MentionBrand), _last(Score), _last(Correction), told]
    sums = [func.sum(newest.edition), func.sum(_MENTION.reach), func.max(newest.said_at)]
    query = (
        select(*ends, *counted, *sums).select_from(newest_rows).join(table(Mention), _MENTION.id == newest.mention_id)
    )
    return _rows(session, query)


def alerts(session: Session, _now: datetime) -> Seen:
    """Incidents that open, grow and change; their timelines; what was decided about them."""
    unresolved = _ALERT.state != State.RESOLVED.value
    standing = select(
        func.count(), func.sum(_ALERT.version), func.sum(_ALERT.count), func.sum(_ALERT.reach),
        func.count(_ALERT.team), func.max(_ALERT.changed_at),
    ).where(unresolved)  # fmt: skip
    return _rows(session, select(_last(Alert), _last(AlertEvent), _last(DecisionLog))) + _rows(session, standing)


def deliveries(session: Session, _now: datetime) -> Seen:
    """Messages written, tried, sent, put off and given up. The last of these only the audit tells."""
    sending = func.sum(case((_DELIVERY.state == "sending", 1), else_=0))
    open_ones = select(func.count(), sending, func.max(_DELIVERY.not_before)).where(_DELIVERY.state.in_(OPEN))
    return _rows(session, select(_last(Delivery), _last(DeliveryAttempt), _last(Audit))) + _rows(session, open_ones)


def silences(session: Session, now: datetime) -> Seen:
    """Those in force and to come; one that begins or ends by itself is news as well."""
    query = select(_SILENCE.id, _SILENCE.starts_at, _SILENCE.ends_at).where(_SILENCE.ends_at > now)
    rows = session.connection().execute(query.order_by(_SILENCE.id))
    return tuple((row.id, row.starts_at <= now, row.ends_at) for row in rows)


def health(session: Session, _now: datetime) -> Seen:
    """How sources and channels are doing. What else waits for a person is read by ``Installation.attention``."""
    source, state = table(Source).c, table(ChannelState).c
    sources = select(
        source.id, source.active, source.stopped, source.last_success_at, source.last_error, source.unread
    ).order_by(source.id)
    channels = select(state.name, state.disabled_at, state.not_before, state.failures).order_by(state.name)
    read = tuple((*row[:-1], tuple(row[-1] or ())) for row in session.connection().execute(sources))
    return read + _rows(session, channels) + _rows(session, select(_last(Gap)))


def promoters(session: Session, now: datetime) -> Seen:
    """Permissions to reuse, and collections: few, since people make each of them. One that ends by itself, or whose
    words are edited, is news as well."""
    permission, collection, item = (table(model).c for model in (ReusePermission, Collection, CollectionItem))
    over = (permission.state == Permitted.GRANTED.value) & (permission.expires_at <= now)
    words = (
        select(func.sum(_PAIR.edition), func.count(_PAIR.void))
        .join_from(table(ReusePermission), table(MentionBrand), _PAIR.id == permission.mention_brand_id)
    )  # fmt: skip
    return (
        _rows(session, select(func.count()).where(over))
        + _rows(session, words)
        + _rows(session, select(func.count(), func.sum(permission.version), func.max(permission.changed_at)))
        + _rows(session, select(func.count(), func.max(collection.id), func.sum(collection.version)))
        + _rows(session, select(func.count(), func.max(item.added_at)))
    )


def brands(session: Session, _now: datetime) -> Seen:
    """What is listened for."""
    brand = table(Brand).c
    return _rows(session, select(brand.id, brand.version, brand.active).order_by(brand.id))


TOPICS: dict[str, Callable[[Session, datetime], Seen]] = {
    "alerts": alerts,
    "mentions": mentions,
    "deliveries": deliveries,
    "silences": silences,
    "health": health,
    "promoters": promoters,
    "brands": brands,
}
"""What a page may follow, and what tells that it has changed: equal as long as nothing has."""


def states(session: Session, now: datetime) -> dict[str, Seen]:
    """All topics as they are."""
    return {topic: read(session, now) for topic, read in TOPICS.items()}
