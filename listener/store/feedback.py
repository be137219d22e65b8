"""Whether people found an incident's messages useful, as they said themselves."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, case, func, select
from sqlmodel import Session

from alerts.incident import Incident
from alerts.precision import Rated
from listener.store import incidents
from listener.store.callers import among
from listener.store.engine import upsert
from listener.store.tables import Alert, AlertMention, Brand, Feedback, table

_SAID, _ALERT, _BRAND = table(Feedback).c, table(Alert).c, table(Brand).c


def say(session: Session, alert_id: int, actor: str, *, useful: bool, via: str, now: datetime) -> bool:
    """Keep what somebody said of an incident in place of what they said before; whether that is any different.

    The incident's row must be held: otherwise one person's two words at once may both be called new.
    """
    mine = select(_SAID.useful).where(_SAID.alert_id == alert_id, _SAID.actor == actor)
    if session.connection().scalar(mine) == useful:
        return False
    row = {"alert_id": alert_id, "actor": actor, "useful": useful, "via": via, "at": now}
    upsert(session, table(Feedback), [row], key=("alert_id", "actor"), replace=("useful", "via", "at"))
    return True


def rated(
    session: Session,
    since: datetime | None = None,
    *,
    brand: str | None = None,
    rule: str | None = None,
    brands: frozenset[int] | None = None,
) -> list[Rated]:
    """The incidents that somebody spoke of, opened at ``since`` or later, with what was said of each; ``brands``: only
    of these."""
    query = (
        select(
            _ALERT.id, _BRAND.name.label("brand"), _ALERT.rule,
            func.sum(case((_SAID.useful, 1), else_=0)).label("useful"),
            func.sum(case((_SAID.useful, 0), else_=1)).label("not_useful"),
        )
        .join_from(table(Feedback), table(Alert), _ALERT.id == _SAID.alert_id)
        .outerjoin(table(Brand), _BRAND.id == _ALERT.brand_id)
        .where(among(_ALERT.brand_id, brands))
        .group_by(_ALERT.id, _BRAND.name, _ALERT.rule)
        .order_by(_ALERT.id)
    )  # fmt: skip
    for column, value in ((_BRAND.name, brand), (_ALERT.rule, rule)):
        if value is not None:
            query = query.where(column == value)
    if since is not None:
        query = query.where(_ALERT.opened_at >= since)
    rows = session.connection().execute(query)
    return [Rated(row.id, row.brand, row.rule, int(row.useful), int(row.not_useful)) for row in rows]


def of_incident(session: Session, alert_id: int) -> Sequence[RowMapping]:
    """What each person said of an incident, the latest first."""
    query = select(_SAID.actor, _SAID.useful, _SAID.via, _SAID.at).where(_SAID.alert_id == alert_id)
    return session.connection().execute(query.order_by(_SAID.at.desc(), _SAID.actor)).mappings().all()


def members(session: Session, alert_ids: Sequence[int]) -> dict[int, tuple[Incident, frozenset[int]]]:
    """These incidents by id, each with the pairs that belong to it."""
    member = table(AlertMention).c
    of: dict[int, set[int]] = defaultdict(set)
    pairs = select(member.alert_id, member.mention_brand_id).where(member.alert_id.in_(alert_ids))
    for alert_id, pair_id in session.connection().execute(pairs):
        of[alert_id].add(pair_id)
    rows = session.connection().execute(incidents.selected().where(_ALERT.id.in_(alert_ids))).mappings()
    return {row["id"]: (incidents.incident_of(row), frozenset(of[row["id"]])) for row in rows}
