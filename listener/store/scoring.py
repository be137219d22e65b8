"""Pairs of mention and brand that have no score yet, and the scores written back with the hourly rollups."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, or_, select, update
from sqlmodel import Session

from listener.relevance import trusted
from listener.store import relevance, themes
from listener.store.engine import insert_new
from listener.store.locks import alone, beside
from listener.store.rollups import moving
from listener.store.tables import Brand, Mention, MentionBrand, Score, table
from sentiment import language
from sentiment.labels import label_of_step

FELT = 0.5
"""An emotion that is less likely than this is none: emotions are asked for one by one, so that all may be unlikely."""

_NOTHING = frozenset({"others", "neutral"})
"""What models with one answer call the lack of any emotion."""

_LANGUAGE = re.compile(r"[a-z]{2,3}")


@dataclass(frozen=True, slots=True)
class Unscored:
    """A pair to score: the text, and the brand with its places in the text. ``edition``: of the text, for
    ``write_scores``."""

    id: int
    text: str
    lang: str | None
    brand: str
    spans: tuple[tuple[int, int], ...]
    edition: int = 0


def claim_unscored(session: Session, limit: int, now: datetime, lease: timedelta) -> list[Unscored]:
    """Take up to ``limit`` pairs for this scorer, oldest first. Another scorer gets them back when the lease ends."""
    beside(session)
    pair = table(MentionBrand).c
    free = or_(pair.lease_until.is_(None), pair.lease_until <= now)
    ids = list(
        session.connection().scalars(
            select(pair.id)
            .where(pair.scored_at.is_(None), free)
            .order_by(pair.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )
    if not ids:
        return []
    session.connection().execute(update(table(MentionBrand)).where(pair.id.in_(ids)).values(lease_until=now + lease))
    mention, brand = table(Mention).c, table(Brand).c
    rows = session.connection().execute(
        select(pair.id, mention.text, mention.lang, brand.name, pair.spans, pair.edition)
        .join_from(table(MentionBrand), table(Mention), mention.id == pair.mention_id)
        .join(table(Brand), brand.id == pair.brand_id)
        .where(pair.id.in_(ids))
        .order_by(pair.id)
    )
    return [
        Unscored(row.id, row.text, row.lang, row.name, tuple((a, b) for a, b in row.spans), row.edition) for row in rows
    ]


def release(session: Session, ids: Sequence[int]) -> None:
    """Give claimed pairs back unscored, for a scorer that stops."""
    beside(session)
    pairs = table(MentionBrand)
    session.connection().execute(
        update(pairs).where(pairs.c.id.in_(ids), pairs.c.scored_at.is_(None)).values(lease_until=None)
    )


def set_aside(session: Session, pair_id: int, until: datetime) -> None:
    """Leave a pair unscored until then."""
    beside(session)
    pairs = table(MentionBrand)
    session.connection().execute(
        update(pairs).where(pairs.c.id == pair_id, pairs.c.scored_at.is_(None)).values(lease_until=until)
    )


def write_scores(session: Session, scores: Sequence[dict[str, Any]], now: datetime) -> int:
    """Write score rows (columns of ``Score`` without id and created_at) and move the rollups along; how many were new.

    A row may have the ``edition`` of the text that was scored: where the text was edited meanwhile, or its mention is
    gone, the score is dropped, and what the text says now is scored in its turn.

    A pair scored by two scorers at once (a lease that ran out) is kept and counted once. A pair scored again by
    another model moves from its old label's count to the new one's. One that only shares the brand's name is hidden
    and counted nowhere.
    """
    # What is hidden or shown may change which of its copies is counted.
    alone(session)
    by_pair = {(score["mention_brand_id"], score["model"], score["revision"]): score for score in scores}
    pair = table(MentionBrand).c
    # Locked in id order: two scorers with overlapping batches wait for each other instead of deadlocking. Scores that
    # other models' scorers have just written share their pair's key with it, so the lock must allow that.
    rows = session.connection().execute(
        relevance.columns()
        .where(pair.id.in_({pair_id for pair_id, _, _ in by_pair}), pair.void.is_(None))
        .with_for_update(of=table(MentionBrand), key_share=True)
    )
    there = {row.id: row for row in rows}
    inserted = insert_new(
        session,
        table(Score),
        [
            {name: value for name, value in by_pair[key].items() if name != "edition"} | {"created_at": now}
            for key in sorted(by_pair)
            if key[0] in there and by_pair[key].get("edition", there[key[0]].edition) == there[key[0]].edition
        ],
        returning=("mention_brand_id", "label", "relevance", "lang", "polarity", "emotions"),
    )
    read = {row.mention_brand_id: row for row in inserted}
    pairs = {pair_id: there[pair_id] for pair_id in sorted(read)}
    decisions = relevance.decide(
        session, pairs, {pair_id: trusted(row.relevance, row.lang) for pair_id, row in read.items()}
    )
    told = themes.tags(session, {pair_id: row.themes for pair_id, row in pairs.items()})
    with moving(session, pairs):
        _keep(
            session,
            [_columns(row, read[pair_id]) | {"its_themes": told[pair_id]} for pair_id, row in pairs.items()],
            now,
        )
        relevance.write(session, pairs, decisions, now)
    relevance.settle(session, pairs, decisions)
    return len(inserted)


def _columns(pair: Row[Any], score: Row[Any]) -> dict[str, Any]:
    """What a pair repeats of its latest score, less what a person has corrected."""
    return {
        "pair": pair.id,
        "its_label": score.label if pair.said_stance is None else label_of_step(pair.said_stance),
        "its_lang": spoken(pair.lang) or spoken(score.lang),
        "its_polarity": pair.said_polarity or likeliest(score.polarity),
        "its_emotion": felt(score.emotions or {}),
    }


def _keep(session: Session, rows: Sequence[dict[str, Any]], now: datetime) -> None:
    if rows:
        pair = table(MentionBrand).c
        values: dict[str, Any] = {name: bindparam(f"its_{name}") for name in ("label", "lang", "polarity", "emotion")}
        session.connection().execute(
            update(table(MentionBrand))
            .where(pair.id == bindparam("pair"))
            .values(scored_at=now, lease_until=None, themes=bindparam("its_themes", type_=pair.themes.type), **values),
            rows,
        )


def spoken(tag: str | None) -> str | None:
    """The language of a tag such as "es-MX", without what comes after; None for none, and for what is no language."""
    first = (tag or "").replace("_", "-").partition("-")[0].lower()
    return first if first != language.UNKNOWN and _LANGUAGE.fullmatch(first) else None


def likeliest(chances: Mapping[str, float]) -> str | None:
    """The likeliest class; None of none."""
    return max(sorted(chances), key=chances.__getitem__, default=None)


def felt(emotions: Mapping[str, float]) -> str | None:
    """The likeliest emotion; None where even that is less likely than ``FELT``, or is the lack of any."""
    name = likeliest(emotions)
    return None if name is None or emotions[name] < FELT or name in _NOTHING else name
