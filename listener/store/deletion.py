"""What had to go: blanked everywhere it stood, with a tombstone so that nothing brings it back.

A blank mention keeps its row, its time and its place among its copies, so that what followed from it can still be
explained: an incident keeps its numbers, which are what people were told. All that somebody said or that leads to them
is gone.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from alerts.notice import Notice, QuotedMention
from listener.store import collections, copies, links, request_receipts, reuse
from listener.store.edits import set_void
from listener.store.engine import insert_new
from listener.store.locks import alone
from listener.store.rollups import moving
from listener.store.tables import (
    Alert,
    AlertMention,
    Author,
    DeclaredScore,
    Delivery,
    Mention,
    MentionBrand,
    Quotation,
    Score,
    Source,
    Tombstone,
    table,
)

VOID_DELETED = "deleted"

BLANK = "(This mention was deleted.)"
"""What a notice shows in its place."""

MOST_COUNTED = 1_000
"""Mentions that nobody has looked up of late are counted up to here."""

_MENTION, _PAIR, _SCORE, _AUTHOR = (table(model).c for model in (Mention, MentionBrand, Score, Author))
_MEMBER, _DELIVERY, _DECLARED = (table(model).c for model in (AlertMention, Delivery, DeclaredScore))
_ALERT, _QUOTATION = table(Alert).c, table(Quotation).c
_AT_ONCE = 400

Value = TypeVar("Value")


def blank_native(session: Session, kind: str, native_ids: Collection[str], why: str, now: datetime) -> int:
    """Blank what a platform says is gone, by its own ids; how many were stored and not blank yet.

    First in its transaction, or after ``intake.take_page``: it takes the same turn.
    """
    if not native_ids:
        return 0
    alone(session)
    ids: list[int] = []
    for some in _portions(sorted(set(native_ids))):
        wanted = (_MENTION.kind == kind, _MENTION.native_id.in_(some), _MENTION.deleted_at.is_(None))
        ids += session.connection().scalars(select(_MENTION.id).where(*wanted))
    return blank(session, ids, why, now)


def blank_authors(session: Session, kind: str, native_ids: Collection[str], why: str, now: datetime) -> int:
    """Blank all that accounts have said which a platform says are gone, by its own ids; how many mentions.

    When it may be called: as ``blank_native``.
    """
    if not native_ids:
        return 0
    alone(session)
    ids: list[int] = []
    for some in _portions(sorted(set(native_ids))):
        theirs = select(_AUTHOR.id).where(_AUTHOR.kind == kind, _AUTHOR.native_id.in_(some))
        wanted = (_MENTION.author_id.in_(theirs), _MENTION.deleted_at.is_(None))
        ids += session.connection().scalars(select(_MENTION.id).where(*wanted))
    return blank(session, ids, why, now)


def blank(session: Session, mentions: Collection[int], why: str, now: datetime) -> int:
    """Blank mentions by id; how many that changed. ``why`` is a word or two for a person: "deleted", "removed"."""
    alone(session)
    done = 0
    for some in _portions(sorted(set(mentions))):
        done += _blank(session, some, why, now)
    if done:
        # Answers that are kept for whoever asks again may quote it.
        request_receipts.forget_bodies(session)
    return done


def sources_to_recheck(session: Session) -> Sequence[Source]:
    """The sources that have found mentions of their own platform which are still there, by name."""
    found = (
        select(_MENTION.id)
        .where(_MENTION.source_id == col(Source.id), _MENTION.kind == col(Source.kind), _MENTION.deleted_at.is_(None))
        .exists()
    )
    return session.exec(select_rows(Source).where(found).order_by(Source.name)).all()


def unchecked(session: Session, kind: str, source_id: int, before: datetime, limit: int) -> dict[int, str]:
    """Mentions of a platform that a source found and that nobody has looked up since then, the longest unseen first:
    id -> the platform's own id."""
    rows = session.connection().execute(
        select(_MENTION.id, _MENTION.native_id)
        .where(
            _MENTION.kind == kind, _MENTION.source_id == source_id, _MENTION.deleted_at.is_(None),
            _MENTION.checked_at <= before,
        )
        .order_by(_MENTION.checked_at, _MENTION.id)
        .limit(limit)
    )  # fmt: skip
    return {row.id: row.native_id for row in rows}


def unseen_since(session: Session, kind: str, before: datetime) -> int:
    """How many mentions of a platform, found by its own sources, nobody has looked up since then; at most one more
    than ``MOST_COUNTED``, because pages ask every few seconds and all that is kept may have been left alone."""
    ours = select(col(Source.id)).where(col(Source.kind) == kind)
    late = (_MENTION.kind == kind, _MENTION.deleted_at.is_(None), _MENTION.checked_at < before)
    wanted = (*late, _MENTION.source_id.in_(ours))
    some = select(_MENTION.id).where(*wanted).limit(MOST_COUNTED + 1).subquery()
    return int(session.connection().scalar(select(func.count()).select_from(some)) or 0)


def note_checked(session: Session, mentions: Sequence[int], now: datetime) -> None:
    """These were looked up now."""
    alone(session)
    for some in _portions(sorted(mentions)):
        session.connection().execute(update(table(Mention)).where(_MENTION.id.in_(some)).values(checked_at=now))


def collected_before(session: Session, kind: str | None, before: datetime, limit: int) -> list[int]:
    """Mentions of a platform (None = of any) that were collected before then and are not blank."""
    wanted = select(_MENTION.id).where(_MENTION.deleted_at.is_(None), _MENTION.collected_at < before)
    if kind is not None:
        wanted = wanted.where(_MENTION.kind == kind)
    return list(session.connection().scalars(wanted.limit(limit)))


def _blank(session: Session, some: Sequence[int], why: str, now: datetime) -> int:
    rows = session.connection().execute(
        select(
            _MENTION.id, _MENTION.kind, _MENTION.native_id, _MENTION.text, _MENTION.author_id, _MENTION.cluster_id
        ).where(_MENTION.id.in_(some), _MENTION.deleted_at.is_(None))
    ).all()  # fmt: skip
    if not rows:
        return 0
    ids = [row.id for row in rows]
    insert_new(
        session,
        table(Tombstone),
        [{"kind": row.kind, "native_id": row.native_id, "at": now, "why": why} for row in rows],
        returning=("kind",),
    )
    _void(session, ids, now)
    session.connection().execute(delete(table(DeclaredScore)).where(_DECLARED.mention_id.in_(ids)))
    session.connection().execute(
        update(table(Mention))
        .where(_MENTION.id.in_(ids))
        .values(
            text="", also_words=None, title=None, url=None, author_id=None, lang=None, reach=None, engagement={},
            readings=None, reply_to=None, repost_of=None, quote_of=None, digest=None, deleted_at=now, deleted_why=why,
        )
    )  # fmt: skip
    copies.settle(session, {row.cluster_id for row in rows if row.cluster_id is not None})
    links.forget(session, [row.text for row in rows])
    _forget_authors(session, {row.author_id for row in rows if row.author_id is not None})
    return len(ids)


def _void(session: Session, mentions: Sequence[int], now: datetime) -> None:
    """The pairs of these mentions, their scores, and the notices that quote them."""
    pairs = list(session.connection().scalars(select(_PAIR.id).where(_PAIR.mention_id.in_(mentions))))
    members = session.connection().execute(
        select(_MEMBER.mention_brand_id, _MEMBER.alert_id).where(_MEMBER.mention_brand_id.in_(pairs))
    ).all()  # fmt: skip
    _unquote(session, {row.mention_brand_id for row in members}, {row.alert_id for row in members}, now)
    # A crisis word that was found in it is a word of its author's.
    session.connection().execute(
        update(table(AlertMention)).where(_MEMBER.mention_brand_id.in_(pairs)).values(because="")
    )
    with moving(session, pairs):
        session.connection().execute(delete(table(Score)).where(_SCORE.mention_brand_id.in_(pairs)))
        set_void(session, pairs, VOID_DELETED, now)
    reuse.end_for(session, pairs, now)
    collections.forget(session, pairs)


def _unquote(session: Session, pairs: Collection[int], alerts: Collection[int], now: datetime) -> None:
    """Take what was said out of the notices about these incidents and out of digests, those already sent too: the log
    keeps them. Messages that show it still and can be changed are brought up to date."""
    for some in _portions(sorted(alerts)):
        # Incidents before deliveries, in the order in which all take these locks.
        held = select(_ALERT.id).where(_ALERT.id.in_(some)).order_by(_ALERT.id).with_for_update(key_share=True)
        session.connection().execute(held).all()
        for alert_id in sorted(_blank_notices(session, _DELIVERY.alert_id.in_(some), pairs)):
            session.connection().execute(
                update(table(Alert))
                .where(_ALERT.id == alert_id)
                .values(version=_ALERT.version + 1, changed_at=now, decide_at=now)
            )
    for some in _portions(sorted(pairs)):
        quoting = select(_QUOTATION.delivery_id).where(_QUOTATION.mention_brand_id.in_(some))
        _blank_notices(session, _DELIVERY.id.in_(quoting), pairs)
        session.connection().execute(delete(table(Quotation)).where(_QUOTATION.mention_brand_id.in_(some)))


def _blank_notices(session: Session, which: ColumnElement[bool], pairs: Collection[int]) -> set[int]:
    """Blank quotations in notices; the incidents that those are about."""
    found = set()
    query = select(_DELIVERY.id, _DELIVERY.alert_id, _DELIVERY.notice).where(which)
    for row in session.connection().execute(query.order_by(_DELIVERY.id).with_for_update()).all():
        try:
            notice = Notice.from_json(row.notice)
        except ValueError:
            # Nobody can send it, and nobody can tell whom it quotes.
            blank = ""
        else:
            if not any(quoted.id in pairs for quoted in notice.quotes):
                continue
            quotes = tuple(_blanked(quoted) if quoted.id in pairs else quoted for quoted in notice.quotes)
            blank = replace(notice, quotes=quotes).to_json()
            if row.alert_id is not None:
                found.add(row.alert_id)
        session.connection().execute(update(table(Delivery)).where(_DELIVERY.id == row.id).values(notice=blank))
    return found


def _blanked(quoted: QuotedMention) -> QuotedMention:
    return replace(quoted, text=BLANK, url=None, author=None, lang=None, reach=None, label=None)


def _forget_authors(session: Session, authors: Collection[int]) -> None:
    said = select(_MENTION.id).where(_MENTION.author_id == _AUTHOR.id).correlate(table(Author)).exists()
    for some in _portions(sorted(authors)):
        session.connection().execute(delete(table(Author)).where(_AUTHOR.id.in_(some), ~said))


def _portions(values: Sequence[Value]) -> list[Sequence[Value]]:
    return [values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE)]
