"""What people say of scores: that a mention feels otherwise about its brand, or is not about it at all.

A correction holds whatever models say before and after it, until it is taken back. It is for the mention and what only
repeats it, and the figures follow in the same transaction.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, RowMapping, Select, case, func, insert, or_, select, update
from sqlmodel import Session

from listener.store import audit, relevance
from listener.store.callers import among
from listener.store.links import portions
from listener.store.locks import alone
from listener.store.rollups import moving
from listener.store.scoring import likeliest
from listener.store.tables import Brand, Correction, Mention, MentionBrand, Score, table
from sentiment.labels import POLARITY, STEPS, label_of_step

_PAIR, _SCORE, _BRAND, _MENTION = (table(model).c for model in (MentionBrand, Score, Brand, Mention))
_CORRECTION = table(Correction).c


class What(StrEnum):
    """What of a mention is corrected."""

    STANCE = "stance"
    POLARITY = "polarity"
    RELEVANCE = "relevance"


ABOUT, NOT_ABOUT = "about", "not_about"
"""The two that can be said of relevance."""

VALUES = {What.STANCE: STEPS, What.POLARITY: POLARITY, What.RELEVANCE: (ABOUT, NOT_ABOUT)}
"""What can be said of each."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """What a correction came to: what held before and holds now, as it is shown; None = nobody knows."""

    id: int
    what: What
    before: str | None
    after: str | None


def correct(
    session: Session,
    pair_id: int,
    what: What,
    said: str | None,
    *,
    brands: frozenset[int] | None,
    actor: str,
    now: datetime,
) -> Corrected | None:
    """Somebody says what is right, one of ``VALUES``; None takes back what was said before.

    None: there is no such mention of these brands (``Caller.brands``), or it is gone. Raises ValueError for what
    cannot be said.
    """
    if said is not None and said not in VALUES[what]:
        raise ValueError(f"{what} is one of {', '.join(VALUES[what])}, or nothing to take a correction back")
    alone(session)
    row = _pair(session, pair_id, brands)
    if row is None:
        return None
    before = _standing(what, row)
    if what is What.RELEVANCE:
        about = None if said is None else said == ABOUT
        relevance.say(session, pair_id, relevant=about, now=now, by=actor)
    else:
        _write(session, pair_id, what, said)
    corrected = {
        "mention_brand_id": pair_id, "what": what.value, "before": before, "after": said, "model": row.model,
        "revision": row.revision, "actor": actor, "at": now,
    }  # fmt: skip
    made = session.connection().execute(insert(table(Correction)).values(**corrected).returning(_CORRECTION.id))
    changed = {"what": what.value, "before": before, "after": said, "brand": row.brand}
    audit.note(session, actor, "mention.corrected", f"mention {pair_id}", changed, now)
    return Corrected(made.scalar_one(), what, before, said)


def _pair(session: Session, pair_id: int, brands: frozenset[int] | None) -> Row[Any] | None:
    latest = select(func.max(_SCORE.id)).where(_SCORE.mention_brand_id == pair_id).scalar_subquery()
    query: Select[Any] = (
        select(
            _PAIR.said_stance, _PAIR.said_polarity, _PAIR.hidden_why, _SCORE.stance, _SCORE.polarity, _SCORE.model,
            _SCORE.revision, _BRAND.name.label("brand"),
        )
        .join_from(table(MentionBrand), table(Brand), _BRAND.id == _PAIR.brand_id)
        .outerjoin(table(Score), _SCORE.id == latest)
        .where(_PAIR.id == pair_id, _PAIR.void.is_(None), among(_PAIR.brand_id, brands))
    )  # fmt: skip
    return session.connection().execute(query).one_or_none()


def _standing(what: What, row: Row[Any]) -> str | None:
    match what:
        case What.STANCE:
            return row.said_stance or likeliest(row.stance or {})
        case What.POLARITY:
            return row.said_polarity or likeliest(row.polarity or {})
        case What.RELEVANCE:
            return ABOUT if row.hidden_why is None else NOT_ABOUT


def _write(session: Session, pair_id: int, what: What, said: str | None) -> None:
    """For the pair and its copies; one that no model has read yet gets its label with its first score."""
    family = session.connection().execute(
        select(_PAIR.id, _PAIR.scored_at)
        .where(or_(_PAIR.id == pair_id, _PAIR.copy_of == pair_id), _PAIR.void.is_(None))
        .order_by(_PAIR.id)
        .with_for_update(key_share=True)
    ).all()  # fmt: skip
    of_stance = what is What.STANCE
    said_at, shown_at = ("said_stance", "label") if of_stance else ("said_polarity", "polarity")
    scored = [one.id for one in family if one.scored_at is not None]
    if said is None:
        shown = _by_model(session, what, scored)
    else:
        shown = dict.fromkeys(scored, label_of_step(said) if of_stance else said)
    # A story may have tens of thousands of copies, and nobody else writes meanwhile: a statement for many at once.
    alike: defaultdict[tuple[tuple[str, str | None], ...], list[int]] = defaultdict(list)
    for one in family:
        values = {said_at: said}
        if one.scored_at is not None:
            values[shown_at] = shown.get(one.id)
        alike[tuple(values.items())].append(one.id)
    with moving(session, [one.id for one in family]):
        for its, ids in alike.items():
            for some in portions(ids):
                session.connection().execute(update(table(MentionBrand)).where(_PAIR.id.in_(some)).values(**dict(its)))


def _by_model(session: Session, what: What, pairs: Sequence[int]) -> dict[int, str | None]:
    """What these pairs' latest scores say; those without one are left out."""
    found: dict[int, str | None] = {}
    for some in portions(pairs):
        latest = select(func.max(_SCORE.id)).where(_SCORE.mention_brand_id.in_(some)).group_by(_SCORE.mention_brand_id)
        query: Select[Any] = select(_SCORE.mention_brand_id, _SCORE.label, _SCORE.polarity).where(_SCORE.id.in_(latest))
        for row in session.connection().execute(query):
            found[row.mention_brand_id] = row.label if what is What.STANCE else likeliest(row.polarity)
    return found


def listed(
    session: Session,
    *,
    brands: frozenset[int] | None,
    pair_id: int | None = None,
    what: What | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Sequence[RowMapping]:
    """Corrections, the last made first, with what was corrected: enough to teach a model from. Those of mentions that
    are gone, or no longer about the brand, have an empty text."""
    query = (
        select(
            _CORRECTION.id, _CORRECTION.mention_brand_id.label("mention"), _CORRECTION.what, _CORRECTION.before,
            _CORRECTION.after, _CORRECTION.model, _CORRECTION.revision, _CORRECTION.actor, _CORRECTION.at,
            _BRAND.name.label("brand"), func.coalesce(_MENTION.lang, _PAIR.lang).label("lang"), _PAIR.spans,
            case((_PAIR.void.is_(None), _MENTION.text), else_="").label("text"),
        )
        .join_from(table(Correction), table(MentionBrand), _PAIR.id == _CORRECTION.mention_brand_id)
        .join(table(Mention), _MENTION.id == _PAIR.mention_id)
        .join(table(Brand), _BRAND.id == _PAIR.brand_id)
        .where(among(_PAIR.brand_id, brands))
        .order_by(_CORRECTION.id.desc())
        .limit(limit)
    )  # fmt: skip
    if pair_id is not None:
        query = query.where(_CORRECTION.mention_brand_id == pair_id)
    if what is not None:
        query = query.where(_CORRECTION.what == what.value)
    if before is not None:
        query = query.where(_CORRECTION.id < before)
    return session.connection().execute(query).mappings().all()
