"""What a brand has answered: read from its own stored posts and noted at incidents, or noted there by people."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import exists, func, or_, select, tuple_
from sqlmodel import Session

from alerts import life
from alerts.incident import State
from alerts.life import EventKind
from alerts.registry import RULES
from alerts.rule import WindowRule
from listener.store import incidents
from listener.store.tables import Alert, AlertEvent, AlertMention, Brand, Mention, MentionBrand, table
from listener.store.windows import in_pieces, own_posts

_ALERT, _EVENT, _MEMBER, _PAIR, _MENTION = (
    table(model).c for model in (Alert, AlertEvent, AlertMention, MentionBrand, Mention)
)

_AT_ONCE = 200

_OWN_EACH = [name for name, rule in RULES.items() if isinstance(rule, WindowRule) and "answers" in rule.needs]
"""Rules that look at the answer to each mention themselves: an answer to one of them says nothing of the others."""


def brands_that_answer(session: Session) -> list[Brand]:
    """The active brands whose own accounts are known."""
    rows = session.scalars(select(Brand).where(table(Brand).c.active))
    return [brand for brand in rows if brand.accounts]


def unnoted(session: Session, brand: Brand, since: datetime, until: datetime) -> dict[int, datetime]:
    """Incidents of a brand that its posts between two moments answer, though nobody noted it: id -> the first answer.

    Those of what waits for an answer are left out: they end once each mention has its own.
    Those that have been over since before ``since`` are left alone.
    """
    posts = own_posts(session, brand.accounts, since, until)
    answered: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for post in posts:
        if post["reply_to"] is not None:
            answered[post["kind"], post["reply_to"]].append(post["created_at"])
    found: dict[int, datetime] = {}
    asked = sorted(answered)
    for start in range(0, len(asked), _AT_ONCE):
        some = {key: answered[key] for key in asked[start : start + _AT_ONCE]}
        for alert_id, at in _waiting(session, brand, some, since):
            found[alert_id] = min(at, found.get(alert_id, at))
    return found


def note(session: Session, alert_id: int, at: datetime, now: datetime) -> bool:
    """Note at an incident that the brand answered; False where somebody has already."""
    incident = incidents.held(session, alert_id)
    if incident is None:
        return False
    after, event = life.answer(incident, None, now, at)
    if event is None:
        return False
    incidents.save(session, after, now)
    incidents.note(session, alert_id, [event])
    return True


def by_hand(session: Session, brand_id: int, rule: str, pairs: Collection[int]) -> dict[int, datetime]:
    """Which of these mentions a person has dealt with, and when.

    They noted an answer at this rule's incident after the mention was written, or at another one that held this mention
    alone then; or they resolved this rule's incident. A note counts no more once a person has reopened the incident.
    """
    found: dict[int, datetime] = {}
    for some in in_pieces(sorted(pairs)):
        for pair, when in [*_noted(session, brand_id, rule, some), *_resolved(session, brand_id, rule, some)]:
            found[pair] = min(when, found.get(pair, when))
    return found


def _noted(session: Session, brand_id: int, rule: str, pairs: Sequence[int]) -> list[tuple[int, datetime]]:
    later = table(AlertEvent).alias()
    taken_back = exists().where(
        later.c.alert_id == _ALERT.id, later.c.id > _EVENT.id, later.c.kind == EventKind.REOPENED.value,
        later.c.actor.is_not(None),
    )  # fmt: skip
    member, pair, mention = (table(model).alias() for model in (AlertMention, MentionBrand, Mention))
    held_then = (
        select(func.count())
        .select_from(member)
        .join(pair, pair.c.id == member.c.mention_brand_id)
        .join(mention, mention.c.id == pair.c.mention_id)
        .where(member.c.alert_id == _ALERT.id, mention.c.created_at <= _EVENT.at)
        .correlate(table(Alert), table(AlertEvent))
        .scalar_subquery()
    )
    rows = session.connection().execute(
        select(_MEMBER.mention_brand_id, _EVENT.at)
        .join_from(table(AlertMention), table(Alert), _ALERT.id == _MEMBER.alert_id)
        .join(table(AlertEvent), _EVENT.alert_id == _ALERT.id)
        .join(table(MentionBrand), _PAIR.id == _MEMBER.mention_brand_id)
        .join(table(Mention), _MENTION.id == _PAIR.mention_id)
        .where(
            _ALERT.brand_id == brand_id,
            _MEMBER.mention_brand_id.in_(pairs),
            _EVENT.kind == EventKind.ANSWERED.value,
            _EVENT.actor.is_not(None),
            _MENTION.created_at <= _EVENT.at,
            or_(_ALERT.rule == rule, held_then == 1),
            ~taken_back,
        )
    )
    return [(row.mention_brand_id, row.at) for row in rows]


def _resolved(session: Session, brand_id: int, rule: str, pairs: Sequence[int]) -> list[tuple[int, datetime]]:
    rows = session.connection().execute(
        select(_MEMBER.mention_brand_id, _ALERT.resolved_at)
        .join_from(table(AlertMention), table(Alert), _ALERT.id == _MEMBER.alert_id)
        .where(
            _ALERT.brand_id == brand_id, _ALERT.rule == rule, _ALERT.resolved_by.is_not(None),
            _MEMBER.mention_brand_id.in_(pairs),
        )
    )  # fmt: skip
    return [(row.mention_brand_id, row.resolved_at) for row in rows]


def _waiting(
    session: Session, brand: Brand, answered: Mapping[tuple[str, str], Sequence[datetime]], since: datetime
) -> list[tuple[int, datetime]]:
    # What came back is to be answered anew: an answer from before that is no news.
    came_back = (
        select(func.max(_EVENT.at))
        .where(_EVENT.alert_id == _ALERT.id, _EVENT.kind == EventKind.REOPENED.value)
        .correlate(table(Alert))
        .scalar_subquery()
    )
    rows = session.connection().execute(
        select(_ALERT.id, _MENTION.kind, _MENTION.native_id, came_back.label("came_back"))
        .join_from(table(Alert), table(AlertMention), _MEMBER.alert_id == _ALERT.id)
        .join(table(MentionBrand), _PAIR.id == _MEMBER.mention_brand_id)
        .join(table(Mention), _MENTION.id == _PAIR.mention_id)
        .where(
            tuple_(_MENTION.kind, _MENTION.native_id).in_(list(answered)),
            _ALERT.brand_id == brand.id,
            _ALERT.rule.not_in(_OWN_EACH),
            _ALERT.answered_at.is_(None),
            or_(_ALERT.state != State.RESOLVED.value, _ALERT.resolved_at >= since),
        )
    )
    return [
        (row.id, at)
        for row in rows
        for at in answered[row.kind, row.native_id]
        if row.came_back is None or at > row.came_back
    ]
