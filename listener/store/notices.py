"""What a notice about an incident shows: the mentions that tell the most, read from a bounded number of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlmodel import Session

from alerts.incident import Incident
from alerts.mentions import ScoredMention
from alerts.notice import Notice, NoticeKind
from alerts.policy import Team
from alerts.reasons import Reason
from alerts.telling import most_telling
from alerts.writing import write
from listener.store.alerting import mention_of, selected
from listener.store.members import told_once
from listener.store.tables import AlertMention, Brand, Mention, MentionBrand, Score, table

CONSIDERED = 40
"""Mentions that are looked at for each of what may make one telling: an incident may have thousands."""

_MEMBER, _PAIR, _MENTION, _SCORE = (table(model).c for model in (AlertMention, MentionBrand, Mention, Score))


def notice_for(
    session: Session,
    incident: Incident,
    kind: NoticeKind,
    *,
    key: str,
    reason: Reason,
    detail: str = "",
    team: Team | None = None,
    public_url: str,
    now: datetime,
) -> Notice:
    """The notice about a stored incident with its most telling mentions; see ``alerts.writing.write``."""
    assert incident.id is not None
    shown = most_telling(candidates(session, incident.id))
    found = because(session, incident.id, shown[0].id) if shown else ""
    return write(
        incident, kind, shown, key=key, reason=reason, detail=detail, team=team, public_url=public_url, now=now,
        found=found,
    )  # fmt: skip


def candidates(session: Session, alert_id: int) -> list[ScoredMention]:
    """Those of an incident's mentions that reach furthest, and the latest; none that is deleted or hidden, and none
    that only repeats another of them."""
    found: set[int] = set()
    for order in (_MENTION.reach.desc().nulls_last(), _MENTION.created_at.desc()):
        found |= set(session.connection().scalars(_ids(alert_id, order)))
    return scored(session, sorted(found))


def because(session: Session, alert_id: int, pair: int) -> str:
    """What the rule found in one of an incident's mentions; "" where that was not noted."""
    query = select(_MEMBER.because).where(_MEMBER.alert_id == alert_id, _MEMBER.mention_brand_id == pair)
    return session.connection().scalar(query) or ""


def _ids(alert_id: int, order: ColumnElement[Any]) -> Any:
    return (
        select(_PAIR.id)
        .join_from(table(AlertMention), table(MentionBrand), _PAIR.id == _MEMBER.mention_brand_id)
        .join(table(Mention), _MENTION.id == _PAIR.mention_id)
        .where(_MEMBER.alert_id == alert_id, told_once(alert_id), *presentable())
        .order_by(order, _PAIR.id)
        .limit(CONSIDERED)
    )


def presentable() -> Sequence[ColumnElement[bool]]:
    """Which of an incident's mentions may stand for it: none that was deleted or hidden, or is no evidence any more."""
    return _PAIR.void.is_(None), _PAIR.hidden_why.is_(None), _MENTION.deleted_at.is_(None), _still_so()


def _still_so() -> ColumnElement[bool]:
    """Not what came in for a label that a person has corrected since: it is no evidence any more."""
    latest = select(_SCORE.label).where(_SCORE.mention_brand_id == _PAIR.id).order_by(_SCORE.id.desc()).limit(1)
    read = latest.correlate(table(MentionBrand)).scalar_subquery()
    return or_(_PAIR.said_stance.is_(None), _PAIR.label == read)


def scored(session: Session, pairs: Sequence[int]) -> list[ScoredMention]:
    """These pairs with their latest scores, by id; those that have none yet are left out."""
    rows = session.connection().execute(
        selected()
        .add_columns(table(Brand).c.name.label("brand"))
        .join(table(Brand), table(Brand).c.id == _PAIR.brand_id)
        .where(_PAIR.id.in_(pairs))
        .order_by(_PAIR.id)
    )
    return [mention_of(row, row.brand) for row in rows]
