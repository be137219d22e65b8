"""Which stored mentions are copies of which: by repost, and by words that are alike within ``WINDOW``.

Looks at two mentions at a time, so that it does not matter which came first. Callers are alone (``store.locks``).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, select, tuple_
from sqlalchemy.sql.selectable import ScalarSelect
from sqlmodel import Session

from listener.copies import Wording, alike, bands, wording
from listener.store.locks import alone
from listener.store.tables import Mention, MentionBand, table

WINDOW = timedelta(days=3)
"""Between a text and its copy; later the same words are news again. A longer chain of copies stays one cluster."""

KEPT = timedelta(days=14)
"""How long after it was first seen a text can be recognised in nearly the same words."""

CROWDED = 32
"""Texts in a band from which on no more are noted there: a template that everyone fills in is known by those."""

_AT_ONCE = 400
"""Ids or bands in one statement: SQLite takes a limited number of parameters."""

_MENTION, _BAND = table(Mention).c, table(MentionBand).c


def _nearest_statement() -> Select[Any]:
    """A text's mentions next before and next after a moment. Made once: making it takes longer than asking."""
    said = select(_MENTION.id).where(_MENTION.digest == bindparam("digest")).limit(1)
    before = said.where(_MENTION.created_at <= bindparam("at")).order_by(_MENTION.created_at.desc(), _MENTION.id.desc())
    after = said.where(_MENTION.created_at >= bindparam("at")).order_by(_MENTION.created_at, _MENTION.id)
    return select(before.scalar_subquery(), after.scalar_subquery())


_NEAREST = _nearest_statement()

Link = tuple[int, int]
Value = TypeVar("Value")


def links(session: Session, said: Mapping[int, Wording | None], now: datetime) -> list[Link]:
    """What these stored mentions (id -> its wording) are copies of, or have as copies; and their words noted where
    others will meet them."""
    return [*_explicit(session, sorted(said)), *_nearly(session, said, now)]


def forget(session: Session, texts: Iterable[str]) -> None:
    """Forget where these texts meet others, unless a mention still says one of them."""
    for said in {found for text in texts if (found := wording(text)) is not None}:
        met = bands(said)
        still = select(_MENTION.id).where(_MENTION.digest == said.digest).limit(1)
        if met and session.connection().scalar(still) is None:
            session.connection().execute(
                delete(table(MentionBand)).where(_BAND.band.in_(met), _BAND.digest == said.digest)
            )


def forget_old(session: Session, now: datetime, least: int, most: int) -> int:
    """Forget texts that were first seen long ago and that nobody has said since, in the bands from ``least`` to
    ``most``; how many rows that was."""
    alone(session)
    recent = (
        select(_MENTION.id)
        .where(_MENTION.digest == _BAND.digest, _MENTION.created_at > now - KEPT)
        .correlate(table(MentionBand))
        .exists()
    )
    old = (_BAND.band >= least, _BAND.band <= most, _BAND.day < _day(now - KEPT))
    return session.connection().execute(delete(table(MentionBand)).where(*old, ~recent)).rowcount


def _explicit(session: Session, ids: Sequence[int]) -> list[Link]:
    """Links by repost, and by the same words: to the nearest before and after, which are linked with all the others."""
    mention, other = table(Mention), table(Mention).alias()

    def one(*conditions: ColumnElement[bool], by: Sequence[ColumnElement[Any]] = ()) -> ScalarSelect[Any]:
        return select(other.c.id).where(*conditions).order_by(*by).limit(1).correlate(mention).scalar_subquery()

    same, here = other.c.digest == mention.c.digest, tuple_(mention.c.created_at, mention.c.id)
    there = tuple_(other.c.created_at, other.c.id)
    found: list[Link] = []
    times: list[Link] = []
    for some in portions(ids):
        rows = session.connection().execute(
            select(
                mention.c.id,
                one(other.c.kind == mention.c.kind, other.c.native_id == mention.c.repost_of).label("original"),
                # All reposts of one post hang on the one with the lowest id, whether that post is stored or not.
                one(
                    other.c.kind == mention.c.kind, other.c.repost_of == mention.c.repost_of, by=[other.c.id]
                ).label("fellow"),
                one(
                    other.c.kind == mention.c.kind, other.c.repost_of == mention.c.native_id, by=[other.c.id]
                ).label("repost"),
                one(same, there < here, by=[other.c.created_at.desc(), other.c.id.desc()]).label("before"),
                one(same, there > here, by=[other.c.created_at, other.c.id]).label("after"),
            ).where(mention.c.id.in_(some))
        )  # fmt: skip
        for row in rows:
            found += [(row.id, linked) for linked in (row.original, row.fellow, row.repost) if linked is not None]
            times += [(row.id, linked) for linked in (row.before, row.after) if linked is not None]
    return found + _in_time(session, times)


def _nearly(session: Session, said: Mapping[int, Wording | None], now: datetime) -> list[Link]:
    """Links by nearly the same words, and these words noted where others will meet them."""
    by_digest = {one.digest: one for one in said.values() if one is not None}
    places = {digest: met for digest, one in by_digest.items() if (met := bands(one))}
    if not places:
        return []
    standing = _standing(session, {band for met in places.values() for band in met})
    _note(session, places, standing, now)
    meeting = {
        # By one of the bands where they meet, which is enough to find the other again.
        digest: {other: band for band in met for other in standing[band] if other != digest}
        for digest, met in places.items()
    }
    wordings = by_digest | _said(
        session,
        {other: band for others in meeting.values() for other, band in others.items() if other not in by_digest},
    )
    near = {
        digest: [other for other in others if other in wordings and alike(by_digest[digest], wordings[other])]
        for digest, others in meeting.items()
    }
    saying: defaultdict[int, list[int]] = defaultdict(list)
    for mention, one in said.items():
        if one is not None and near.get(one.digest):
            saying[one.digest].append(mention)
    at = _times(session, [mention for mentions in saying.values() for mention in mentions])
    found = [
        (mention, other)
        for digest, mentions in saying.items()
        for moment, mention in _standing_for((at[mention], mention) for mention in mentions)
        for text in near[digest]
        for other in _nearest(session, moment, text)
    ]
    return _in_time(session, found)


def _standing(session: Session, wanted: Collection[int]) -> defaultdict[int, set[int]]:
    """The digests that stand in these bands."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for some in portions(sorted(wanted)):
        rows = session.connection().execute(select(_BAND.band, _BAND.digest).where(_BAND.band.in_(some)))
        for row in rows:
            found[row.band].add(row.digest)
    return found


def _said(session: Session, wanted: Mapping[int, int]) -> dict[int, Wording]:
    """What these digests (digest -> one of its bands) stand for, read from any mention that says it; without those
    that nobody says any more."""
    found: dict[int, Wording] = {}
    sample = select(_MENTION.text).where(_MENTION.digest == _BAND.digest).limit(1).correlate(table(MentionBand))
    for some in portions(sorted(wanted)):
        rows = session.connection().execute(
            select(_BAND.digest, sample.scalar_subquery().label("text")).where(
                _standing_at([(wanted[digest], digest) for digest in some])
            )
        )
        for row in rows:
            said = None if row.text is None else wording(row.text)
            if said is not None and said.digest == row.digest:
                found[row.digest] = said
    return found


def _note(
    session: Session, places: Mapping[int, Sequence[int]], standing: Mapping[int, set[int]], now: datetime
) -> None:
    """Let texts stand in their bands, as long as there is room."""
    rows = []
    for digest in sorted(places):
        for band in places[digest]:
            if digest not in standing[band] and len(standing[band]) < CROWDED:
                standing[band].add(digest)
                rows.append({"band": band, "digest": digest, "day": _day(now)})
    if rows:
        rows.sort(key=lambda row: row["band"])
        session.connection().execute(table(MentionBand).insert(), rows)


def _nearest(session: Session, at: datetime, digest: int) -> list[int]:
    """The mentions that were written next before and after a moment and say a text."""
    row = session.connection().execute(_NEAREST, {"digest": digest, "at": at}).one()
    return [one for one in row if one is not None]


def _standing_for(moments: Iterable[tuple[datetime, int]]) -> list[tuple[datetime, int]]:
    """Of mentions that say the same (moment, id) so many that what is linked with any of them is linked with these.

    Those within the window of each other hang together already. What another text says between two of them that are so
    near lies within the window of both, and of all else that it says between them: the first and the last will do.
    """
    ordered = sorted(moments)
    kept = ordered[:1]
    for place, one in enumerate(ordered[1:], start=2):
        if place == len(ordered) or ordered[place][0] - kept[-1][0] > WINDOW:
            kept.append(one)
    return kept


def _standing_at(places: Sequence[tuple[int, int]]) -> ColumnElement[bool]:
    """The rows of these texts (band, digest), each at least once."""
    # Given pairs, SQLite reads the whole table; given two lists, it tries each of one with each of the other, unless
    # the second is of something that its index does not know.
    digests = {digest for _, digest in places}
    return and_(_BAND.band.in_({band for band, _ in places}), (_BAND.digest + 0).in_(digests))


def _in_time(session: Session, links: Sequence[Link]) -> list[Link]:
    """The links between mentions that were written within the window of each other."""
    at = _times(session, {one for link in links for one in link})
    return [(one, other) for one, other in links if abs(at[one] - at[other]) <= WINDOW]


def _times(session: Session, mentions: Iterable[int]) -> dict[int, datetime]:
    """When these mentions were written."""
    at: dict[int, datetime] = {}
    for some in portions(sorted(mentions)):
        rows = session.connection().execute(select(_MENTION.id, _MENTION.created_at).where(_MENTION.id.in_(some)))
        at |= {row.id: row.created_at for row in rows}
    return at


def portions(ids: Sequence[Value]) -> Iterable[Sequence[Value]]:
    """As many at once as a statement takes."""
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _day(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() // 86400)
