"""What is decided about incidents: those that are due, what channels were told of them, and why or why not.

The same decision made again is one row that says how often. A channel has two series of rows: what it is told in
messages, and how those messages are kept up to date (kind "updated").
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, and_, case, func, insert, not_, or_, select, update
from sqlmodel import Session

from alerts.incident import Incident, State
from alerts.life import EventKind
from alerts.news import Told, is_kept
from alerts.notice import NoticeKind
from alerts.pipeline import Decision
from alerts.registry import RULES
from alerts.rule import EARLIER, MentionRule, Usual, usual_of
from alerts.severity import Severity
from listener.store.engine import upsert
from listener.store.incidents import incident_of, selected
from listener.store.tables import Alert, AlertEvent, AlertMention, Brand, DecisionLog, MentionBrand, Notification, table

_ALERT, _BRAND, _EVENT = table(Alert).c, table(Brand).c, table(AlertEvent).c
_DECISION, _NOTIFICATION = table(DecisionLog).c, table(Notification).c


@dataclass(frozen=True, slots=True)
class Due:
    """An incident to decide upon, with what only the store knows of it.

    ``channels``: those that its brand is limited to, None = not limited; ``alerting``: the brand's settings of rules;
    ``usual``: what earlier incidents like it came to, where its rule asks for that.
    """

    incident: Incident
    brand_id: int | None
    since: datetime
    escalated: int
    channels: tuple[str, ...] | None
    alerting: dict[str, Any]
    usual: Usual | None = None


_MOST_MEMBERS = 50
"""Whatever has more mentions is told of in any case."""


def due(session: Session, now: datetime, limit: int) -> list[int]:
    """The incidents to decide upon, the most severe first, then those that have waited longest."""
    rank = case({severity.value: severity.rank for severity in Severity}, value=_ALERT.severity, else_=0)
    query = select(_ALERT.id).where(_ALERT.decide_at <= now).order_by(rank.desc(), _ALERT.decide_at, _ALERT.id)
    return list(session.connection().scalars(query.limit(limit)))


def held(session: Session, ids: Collection[int], now: datetime) -> list[Due]:
    """Those of these incidents that are due still and that nobody else has in hand, held until the transaction ends."""
    query = (
        selected()
        .add_columns(_BRAND.channels, _BRAND.alerting)
        .where(_ALERT.id.in_(ids), _ALERT.decide_at <= now)
        .order_by(_ALERT.id)
        .with_for_update(of=table(Alert), key_share=True, skip_locked=True)
    )
    return [_due(row) for row in session.connection().execute(query).mappings()]


def usual(session: Session, one: Due) -> Usual | None:
    """What the brand's incidents of the rule and group came to before this one; None where they are too few to say."""
    query = (
        select(table(Alert).c["count"].label("mentions"), _ALERT.reach)
        .where(
            _ALERT.brand_id == one.brand_id, _ALERT.rule == one.incident.rule,
            _ALERT.group_key == one.incident.group, _ALERT.opened_at < one.incident.opened_at,
        )
        .order_by(_ALERT.opened_at.desc())
        .limit(EARLIER)
    )  # fmt: skip
    return usual_of([(row.mentions, row.reach) for row in session.connection().execute(query)])


def elsewhere(session: Session, one: Due) -> dict[str, str]:
    """Channels that know all mentions of an incident of a mention rule already, each with the incident it was told of.

    That is one of the same brand and at least as severe that holds all of them, of which the channel has had a message
    since the last of them was judged and this incident opened.
    """
    incident = one.incident
    assert incident.id is not None
    mine, theirs, pair = table(AlertMention).alias().c, table(AlertMention).alias().c, table(MentionBrand).c
    members = session.connection().execute(
        select(mine.mention_brand_id, pair.judged_at)
        .where(mine.alert_id == incident.id, pair.id == mine.mention_brand_id)
        .limit(_MOST_MEMBERS + 1)
    ).all()  # fmt: skip
    if not members or len(members) > _MOST_MEMBERS:
        return {}
    since = max([one.since, *(row.judged_at for row in members if row.judged_at is not None)])
    as_severe = [severity.value for severity in Severity if severity.at_least(incident.severity)]
    of_mentions = [name for name, rule in RULES.items() if isinstance(rule, MentionRule)]
    holding = (
        select(theirs.alert_id)
        .where(theirs.mention_brand_id.in_([row.mention_brand_id for row in members]))
        .group_by(theirs.alert_id)
        .having(func.count() == len(members))
    )
    rows = session.connection().execute(
        select(_NOTIFICATION.channel, _ALERT.rule, _ALERT.id)
        .where(
            _NOTIFICATION.alert_id == _ALERT.id, _ALERT.id != incident.id, _ALERT.brand_id == one.brand_id,
            _ALERT.rule.in_(of_mentions), _ALERT.severity.in_(as_severe), _ALERT.id.in_(holding),
            _NOTIFICATION.posted_at >= since,
        )
        .order_by(_ALERT.id.desc())
    )  # fmt: skip
    return {row.channel: f"{row.rule} incident {row.id}" for row in rows}


def told(session: Session, ids: Collection[int]) -> dict[int, dict[str, Told]]:
    """What each of these incidents' channels has been told."""
    found: dict[int, dict[str, Told]] = defaultdict(dict)
    for row in session.execute(select(table(Notification)).where(_NOTIFICATION.alert_id.in_(ids))).mappings():
        found[row["alert_id"]][row["channel"]] = Told(
            channel=row["channel"], first_at=row["first_at"], told_at=row["told_at"], posted_at=row["posted_at"],
            step=row["step"], escalation=row["escalation"], version=row["version"], state=row["state"],
            reopened=row["reopened"], count=row["count"], severity=Severity(row["severity"]), times=row["times"],
        )  # fmt: skip
    return found


def doings(session: Session, ids: Collection[int]) -> dict[int, tuple[datetime | None, datetime | None]]:
    """When each of these incidents was last woken from a snooze, and when a person last did something about it."""
    woken = func.max(case((_EVENT.kind == EventKind.WOKEN.value, _EVENT.at)))
    acted = func.max(case((_EVENT.actor.is_not(None), _EVENT.at)))
    query = select(_EVENT.alert_id, woken, acted).where(_EVENT.alert_id.in_(ids)).group_by(_EVENT.alert_id)
    return {alert_id: (woken_at, acted_at) for alert_id, woken_at, acted_at in session.connection().execute(query)}


def muted(session: Session, ids: Collection[int]) -> dict[int, dict[str, NoticeKind]]:
    """Of each of these incidents, by channel, what was held back there when it was last decided upon and is not given
    up for its end (``alerts.news.is_kept``)."""
    silent = func.coalesce(_DECISION.kind == NoticeKind.UPDATED.value, False)
    latest = (
        select(func.max(_DECISION.id))
        .where(_DECISION.alert_id.in_(ids), not_(silent))
        .group_by(_DECISION.alert_id, _DECISION.channel)
    )
    query = select(table(DecisionLog)).where(
        _DECISION.id.in_(latest), _DECISION.action == "hold", _DECISION.kind.is_not(None)
    )
    found: dict[int, dict[str, NoticeKind]] = defaultdict(dict)
    for row in session.connection().execute(query).mappings():
        kind = NoticeKind(row["kind"])
        if is_kept(row["reason"], kind):
            found[row["alert_id"]][row["channel"]] = kind
    return found


def speaking(session: Session, rules: Collection[str]) -> list[Due]:
    """The open incidents of these rules, of any brand."""
    query = selected().add_columns(_BRAND.channels, _BRAND.alerting)
    query = query.where(_ALERT.rule.in_(rules), _ALERT.state != State.RESOLVED.value).order_by(_ALERT.id)
    return [_due(row) for row in session.connection().execute(query).mappings()]


def keep_told(session: Session, alert_id: int, rows: Iterable[Told]) -> None:
    """Store what channels have been told. The message that updates go to is the sender's to write."""
    values = [
        {
            "alert_id": alert_id, "channel": one.channel, "first_at": one.first_at, "told_at": one.told_at,
            "posted_at": one.posted_at, "step": one.step, "escalation": one.escalation, "version": one.version,
            "state": one.state, "reopened": one.reopened, "count": one.count, "severity": one.severity.value,
            "times": one.times,
        }
        for one in rows
    ]  # fmt: skip
    changed = [name for name in (values[0] if values else {}) if name not in ("alert_id", "channel")]
    upsert(session, table(Notification), values, key=("alert_id", "channel"), replace=changed)


def keep(session: Session, alert_id: int, decisions: Sequence[Decision], now: datetime) -> list[Decision]:
    """Log decisions; those that differ from the channel's last."""
    last = _last(session, alert_id)
    fresh = []
    for one in decisions:
        before = last.get((one.channel, one.kind is NoticeKind.UPDATED))
        if before is not None and _same(before, one):
            session.connection().execute(
                update(table(DecisionLog))
                .where(_DECISION.id == before["id"])
                .values(last_at=now, times=_DECISION.times + 1, until=one.until, key=one.key)
            )
        else:
            fresh.append(one)
    rows = [
        {
            "alert_id": alert_id, "channel": one.channel, "action": one.action, "reason": one.reason.value,
            "kind": one.kind and one.kind.value, "detail": one.detail, "key": one.key, "until": one.until,
            "first_at": now, "last_at": now, "times": 1,
        }
        for one in fresh
    ]  # fmt: skip
    if rows:
        session.connection().execute(insert(table(DecisionLog)), rows)
    return fresh


def settle(session: Session, alert_id: int, *, team: str | None, escalated: int, decide_at: datetime | None) -> None:
    """Say whose an incident is and when it is to be decided upon next."""
    values = {"team": team, "escalated": escalated, "decide_at": decide_at}
    session.connection().execute(update(table(Alert)).where(_ALERT.id == alert_id).values(**values))


def put_off(session: Session, ids: Collection[int], until: datetime, now: datetime) -> None:
    """Leave incidents that cannot be decided upon until then; but not where somebody has changed one since ``now``,
    because then it is another."""
    same = and_(_ALERT.id.in_(ids), _ALERT.decide_at <= now)
    session.connection().execute(update(table(Alert)).where(same).values(decide_at=until))


def look_again(session: Session, brand_id: int | None, rules: Collection[str], now: datetime) -> None:
    """Decide at once upon a brand's open incidents of these rules: what spoke for them is over.

    Those that somebody has in hand are passed over, so that nobody waits for somebody who waits for them; they are
    looked at again before long by themselves (``alerts.pipeline.LOOK_AGAIN``).
    """
    muted = (
        select(_ALERT.id)
        .where(_ALERT.brand_id == brand_id, _ALERT.rule.in_(rules), _ALERT.state != State.RESOLVED.value)
        .where(or_(_ALERT.decide_at.is_(None), _ALERT.decide_at > now))
        .with_for_update(key_share=True, skip_locked=True)
    )
    ids = list(session.connection().scalars(muted))
    session.connection().execute(update(table(Alert)).where(_ALERT.id.in_(ids)).values(decide_at=now))


def of_incident(session: Session, alert_id: int) -> Sequence[RowMapping]:
    """All decisions about an incident, oldest first."""
    return session.execute(
        select(table(DecisionLog)).where(_DECISION.alert_id == alert_id).order_by(_DECISION.id)
    ).mappings().all()  # fmt: skip


def _due(row: RowMapping) -> Due:
    channels = row["channels"]
    return Due(
        incident=incident_of(row),
        brand_id=row["brand_id"],
        since=row["created_at"],
        escalated=row["escalated"],
        channels=None if channels is None else tuple(channels),
        alerting=row["alerting"] or {},
    )


def _last(session: Session, alert_id: int) -> dict[tuple[str, bool], RowMapping]:
    silent = func.coalesce(_DECISION.kind == NoticeKind.UPDATED.value, False)
    latest = select(func.max(_DECISION.id)).where(_DECISION.alert_id == alert_id).group_by(_DECISION.channel, silent)
    rows = session.execute(select(table(DecisionLog)).where(_DECISION.id.in_(latest))).mappings()
    return {(row["channel"], row["kind"] == NoticeKind.UPDATED.value): row for row in rows}


def _same(before: RowMapping, one: Decision) -> bool:
    kind = one.kind and one.kind.value
    same = (before["action"], before["reason"], before["kind"], before["detail"]) == (
        one.action, one.reason.value, kind, one.detail,
    )  # fmt: skip
    # Every new message is told by itself; that a message is kept up to date is one thing however often it happens.
    return same and (one.action == "hold" or one.kind is NoticeKind.UPDATED)
