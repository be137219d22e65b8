"""Which pairs of mention and brand are hidden: as scores come in, when a person says so, and when words change.

A hidden pair is in no list, figure or alert; it stays where it is and can be shown again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, or_, select, update
from sqlmodel import Session

from alerts.reasons import Reason
from listener.relevance import About, Decision, rules, trusted
from listener.store import copies
from listener.store.links import portions
from listener.store.locks import alone
from listener.store.rollups import moving
from listener.store.tables import Author, Brand, Mention, MentionBrand, Score, Source, table

_PAIR, _MENTION, _BRAND, _SOURCE, _SCORE, _AUTHOR = (
    table(model).c for model in (MentionBrand, Mention, Brand, Source, Score, Author)
)


@dataclass(frozen=True, slots=True)
class Redecided:
    """What looking again at some pairs came to. ``last``: the id of the last one, None = there were none."""

    looked_at: int
    hidden: int
    shown: int
    last: int | None


def decide(
    session: Session, pairs: Mapping[int, Row[Any]], probabilities: Mapping[int, float | None]
) -> dict[int, Decision]:
    """Keep or hide, for pairs (id -> row of ``columns()``) by the model's probabilities. Writes nothing."""
    by_pair = {pair_id: rules(row.relevance) for pair_id, row in pairs.items()}
    doubtful = [
        pair_id for pair_id, its_rules in by_pair.items()
        if pairs[pair_id].said_relevant is None and its_rules.may_hide(probabilities[pair_id])
    ]  # fmt: skip
    # Texts are long and most are beyond doubt.
    said = texts(session, doubtful) if doubtful else {}
    return {
        pair_id: by_pair[pair_id].judge(
            (read := said.get(pair_id, ("", About())))[0],
            row.spans,
            probabilities[pair_id],
            from_source=row.about_brand or row.about_brands,
            said=row.said_relevant,
            wordless=row.wordless,
            about=read[1],
        )
        for pair_id, row in pairs.items()
    }


def texts(session: Session, pairs: Sequence[int], longest: int | None = None) -> dict[int, tuple[str, About]]:
    """What the mentions of these pairs say (the first ``longest`` characters; None = all), and what is known of them
    beside it."""
    latest = select(func.max(_SCORE.id)).where(_SCORE.mention_brand_id == _PAIR.id).correlate(table(MentionBrand))
    text = _MENTION.text if longest is None else func.substr(_MENTION.text, 1, longest).label("text")
    query = (
        select(
            _PAIR.id, text, func.coalesce(_MENTION.lang, _SCORE.lang).label("lang"), _MENTION.kind,
            _SOURCE.name.label("source"), _AUTHOR.handle, _AUTHOR.name, _AUTHOR.native_id,
        )
        .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
        .join(table(Source), _SOURCE.id == _MENTION.source_id)
        .outerjoin(table(Author), _AUTHOR.id == _MENTION.author_id)
        .outerjoin(table(Score), _SCORE.id == latest.scalar_subquery())
    )  # fmt: skip
    rows = (row for some in portions(pairs) for row in session.connection().execute(query.where(_PAIR.id.in_(some))))
    return {
        row.id: (
            row.text,
            About(row.lang, [row.kind, row.source], [one for one in (row.handle, row.name, row.native_id) if one]),
        )
        for row in rows
    }


def columns() -> Select[Any]:
    """What ``decide``, ``write`` and ``scoring`` must know of a pair; to be narrowed and locked by the caller."""
    return (
        select(
            _PAIR.id, _PAIR.brand_id, _PAIR.label, _PAIR.scored_at, _PAIR.judged_at, _PAIR.verdict, _PAIR.spans,
            _PAIR.hidden_why, _PAIR.said_relevant, _PAIR.about_brand, _MENTION.kind, _MENTION.created_at,
            _MENTION.reach, _MENTION.cluster_id, _BRAND.relevance, _SOURCE.about_brands, _PAIR.void, _PAIR.copy_of,
            _PAIR.edition, (_MENTION.text == "").label("wordless"), _PAIR.said_stance, _PAIR.said_polarity,
            _MENTION.lang, _BRAND.themes,
        )
        .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
        .join(table(Brand), _BRAND.id == _PAIR.brand_id)
        .join(table(Source), _SOURCE.id == _MENTION.source_id)
        .order_by(_PAIR.id)
    )  # fmt: skip


def write(session: Session, pairs: Mapping[int, Row[Any]], decisions: Mapping[int, Decision], now: datetime) -> None:
    """Keep what was decided for pairs as they stood before; to be followed by ``settle``. Alerts are told nothing of
    what is hidden, and nothing late of what is shown again. The caller moves the figures of these pairs
    (``rollups.moving``) and is alone (``store.locks``)."""
    hide: dict[str, list[int]] = {}
    show: list[int] = []
    for pair_id, decision in decisions.items():
        why = decision.sentence if decision.hidden else None
        # An edit shows what it changed until its new text has been looked at.
        was_hidden = pairs[pair_id].hidden_why is not None or pairs[pair_id].verdict == Reason.NOT_RELEVANT
        if why is None and was_hidden:
            show.append(pair_id)
        elif why is not None and why != pairs[pair_id].hidden_why:
            hide.setdefault(why, []).append(pair_id)
    for why in sorted(hide):
        _set(session, hide[why], hidden_why=why)
    _set(session, show, hidden_why=None)
    # Also where it was hidden before anybody looked at it.
    unjudged = [one for one, decision in decisions.items() if decision.hidden and pairs[one].judged_at is None]
    _set(session, unjudged, judged_at=now, verdict=str(Reason.NOT_RELEVANT))
    again = [one for ids in hide.values() for one in ids if pairs[one].verdict == Reason.SHOWN_LATER]
    _set(session, again, verdict=str(Reason.NOT_RELEVANT))
    _set(session, [one for one in show if pairs[one].verdict == Reason.NOT_RELEVANT], verdict=str(Reason.SHOWN_LATER))


def settle(session: Session, pairs: Mapping[int, Row[Any]], decisions: Mapping[int, Decision]) -> None:
    """Find out anew which of these pairs' copies are counted, once all else about them is written: it moves figures
    of its own."""
    turned = [row for one, row in pairs.items() if decisions[one].hidden is not (row.hidden_why is not None)]
    copies.settle(session, [row.cluster_id for row in turned if row.cluster_id is not None])


def say(session: Session, pair_id: int, *, relevant: bool | None, now: datetime, by: str) -> bool:
    """A person (``by``) says whether a pair, and with it its copies, is about its brand; no model overrides that. None:
    what a person said of it holds no longer, and the model's word does again. False: there is no such pair.

    What is shown again is judged as if it had just been scored: somebody is looking.
    """
    alone(session)
    pairs = _family(session, pair_id)
    if pair_id not in pairs:
        return False
    said_by, said_at = (None, None) if relevant is None else (by, now)
    _set(session, list(pairs), said_relevant=relevant, said_by=said_by, said_at=said_at)
    if relevant is None:
        decisions = decide(session, _family(session, pair_id), _probabilities(session, list(pairs)))
    else:
        decisions = dict.fromkeys(pairs, rules({}).judge("", (), None, said=relevant))
    _apply(session, pairs, decisions, now)
    shown = [one for one, decision in decisions.items() if not decision.hidden]
    passed_over = [one for one in shown if pairs[one].verdict == Reason.NOT_RELEVANT]
    _set(session, passed_over, judged_at=None, verdict=None)
    return True


def _family(session: Session, pair_id: int) -> dict[int, Row[Any]]:
    """A pair and its copies, locked, by id."""
    rows = session.connection().execute(
        columns()
        .where(or_(_PAIR.id == pair_id, _PAIR.copy_of == pair_id), _PAIR.void.is_(None))
        .with_for_update(of=table(MentionBrand), key_share=True)
    )
    return {row.id: row for row in rows}


def decide_again(
    session: Session, brand_id: int, now: datetime, *, after: int = 0, since: datetime | None = None, limit: int = 500
) -> Redecided:
    """Decide anew for a brand's next scored pairs (``after`` that id; ``since`` it was said), with its words of now."""
    alone(session)
    wanted = columns().where(
        _PAIR.brand_id == brand_id, _PAIR.id > after, _PAIR.scored_at.is_not(None), _PAIR.void.is_(None)
    )
    if since is not None:
        wanted = wanted.where(_MENTION.created_at >= since)
    rows = session.connection().execute(wanted.limit(limit).with_for_update(of=table(MentionBrand), key_share=True))
    pairs = {row.id: row for row in rows}
    if not pairs:
        return Redecided(0, 0, 0, None)
    decisions = decide(session, pairs, _probabilities(session, list(pairs)))
    _apply(session, pairs, decisions, now)
    was = {pair_id: row.hidden_why is not None for pair_id, row in pairs.items()}
    return Redecided(
        looked_at=len(pairs),
        hidden=sum(decisions[pair_id].hidden and not was[pair_id] for pair_id in pairs),
        shown=sum(was[pair_id] and not decisions[pair_id].hidden for pair_id in pairs),
        last=max(pairs),
    )


def to_decide_again(session: Session, brand_id: int, since: datetime | None = None) -> int:
    """How many pairs ``decide_again`` would look at."""
    wanted = (
        select(func.count())
        .select_from(table(MentionBrand))
        .join(table(Mention), _MENTION.id == _PAIR.mention_id)
        .where(_PAIR.brand_id == brand_id, _PAIR.scored_at.is_not(None), _PAIR.void.is_(None))
    )
    if since is not None:
        wanted = wanted.where(_MENTION.created_at >= since)
    return int(session.connection().scalar(wanted) or 0)


def _apply(session: Session, pairs: Mapping[int, Row[Any]], decisions: Mapping[int, Decision], now: datetime) -> None:
    with moving(session, pairs):
        write(session, pairs, decisions, now)
    settle(session, pairs, decisions)


def _probabilities(session: Session, ids: Sequence[int]) -> dict[int, float | None]:
    """What the latest model gave."""
    found: dict[int, float | None] = dict.fromkeys(ids)
    for some in portions(ids):
        latest = select(func.max(_SCORE.id)).where(_SCORE.mention_brand_id.in_(some)).group_by(_SCORE.mention_brand_id)
        rows = session.connection().execute(
            select(_SCORE.mention_brand_id, _SCORE.relevance, _SCORE.lang).where(_SCORE.id.in_(latest))
        )
        found |= {row.mention_brand_id: trusted(row.relevance, row.lang) for row in rows}
    return found


def _set(session: Session, ids: Sequence[int], **values: Any) -> None:
    for some in portions(ids):
        session.connection().execute(update(table(MentionBrand)).where(_PAIR.id.in_(some)).values(**values))
