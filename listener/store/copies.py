"""Which stored mentions are copies of each other, and which pair of a cluster is counted for each brand.

Mentions are linked where one reposts the other, where both repost the same, or where their words are alike
(``listener.copies``) and they were written within ``WINDOW`` of each other. A cluster is everything that hangs together
by such links; its first mention (no repost before a repost, then by time, then by key) gives it its id, and for each
brand the first one that is about it is counted. All of this follows from what is stored and from nothing else, so that
the order in which pages came changes nothing. The rules are argued in docs/decisions/0011.

Callers are alone (``store.turns``).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, and_, bindparam, delete, select, tuple_, update
from sqlalchemy.sql.selectable import ScalarSelect
from sqlmodel import Session

from listener.copies import Wording, alike, bands, wording
from listener.store.rollups import moving
from listener.store.tables import Mention, MentionBand, MentionBrand, table
from listener.store.turns import alone

WINDOW = timedelta(days=3)
"""Between a text and its copy; later the same words are news again. A longer chain of copies stays one cluster."""

KEPT = timedelta(days=14)
"""How long after it was first seen a text can be recognised in nearly the same words."""

CROWDED = 32
"""Texts in a band from which on no more are noted there: a template that everyone fills in is known by those."""

_AT_ONCE = 400
"""Ids or bands in one statement: SQLite takes a limited number of parameters."""

_MENTION, _PAIR, _BAND = (table(model).c for model in (Mention, MentionBrand, MentionBand))

Link = tuple[int, int]
Value = TypeVar("Value")


def join(session: Session, said: Mapping[int, Wording | None], now: datetime) -> None:
    """Bring stored mentions (id -> its wording) together with their copies, and count each cluster once."""
    _merge(session, [*_explicit(session, sorted(said)), *_nearly(session, said, now)])


def part(session: Session, mentions: Collection[int]) -> dict[int, Wording | None]:
    """Take clusters apart because of these mentions, whose words are about to change: all mentions they had, with
    their wording, to be joined again."""
    clusters = _scalars(session, _MENTION.cluster_id, _MENTION.id, mentions)
    members = set(mentions) | set(_scalars(session, _MENTION.id, _MENTION.cluster_id, {one for one in clusters if one}))
    if clusters:
        pairs = _scalars(session, _PAIR.id, _PAIR.mention_id, members)
        _point(session, dict.fromkeys(pairs))
        for some in _portions(sorted(members)):
            session.connection().execute(update(table(Mention)).where(_MENTION.id.in_(some)).values(cluster_id=None))
    texts: dict[int, str] = {}
    for some in _portions(sorted(members)):
        rows = session.connection().execute(select(_MENTION.id, _MENTION.text).where(_MENTION.id.in_(some)))
        texts |= {row.id: row.text for row in rows}
    return {mention: wording(texts[mention]) for mention in sorted(members)}


def settle(session: Session, clusters: Iterable[int]) -> None:
    """Find the first mention and the counted pairs of these clusters anew: something in them has changed."""
    for cluster in sorted(set(clusters)):
        keys = session.connection().execute(select(_MENTION.id, *_order()).where(_MENTION.cluster_id == cluster))
        first = min(((_place(row), row.id) for row in keys), default=None)
        if first is None:
            continue
        if first[1] != cluster:
            session.connection().execute(
                update(table(Mention)).where(_MENTION.cluster_id == cluster).values(cluster_id=first[1])
            )
        _point(session, _elected(session, first[1]))


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
    for some in _portions(ids):
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
        digest: [
            (band, other)
            for other, band in others.items()
            if other in wordings and alike(by_digest[digest], wordings[other])
        ]
        for digest, others in meeting.items()
    }
    times = [
        link
        for mention, one in said.items()
        if one is not None and near.get(one.digest)
        for link in _nearest(session, mention, near[one.digest])
    ]
    return _in_time(session, times)


def _standing(session: Session, wanted: Collection[int]) -> defaultdict[int, set[int]]:
    """The digests that stand in these bands."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for some in _portions(sorted(wanted)):
        rows = session.connection().execute(select(_BAND.band, _BAND.digest).where(_BAND.band.in_(some)))
        for row in rows:
            found[row.band].add(row.digest)
    return found


def _said(session: Session, wanted: Mapping[int, int]) -> dict[int, Wording]:
    """What these digests (digest -> one of its bands) stand for, read from any mention that says it; without those
    that nobody says any more."""
    found: dict[int, Wording] = {}
    sample = select(_MENTION.text).where(_MENTION.digest == _BAND.digest).limit(1).correlate(table(MentionBand))
    for some in _portions(sorted(wanted)):
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


def _nearest(session: Session, mention: int, near: Sequence[tuple[int, int]]) -> list[Link]:
    """The mentions that were written next before and after this one in each of these texts (band, digest)."""
    here = select(_MENTION.created_at).where(_MENTION.id == mention).scalar_subquery()
    other = table(Mention).alias().c
    said = select(other.id).where(other.digest == _BAND.digest).correlate(table(MentionBand)).limit(1)
    before = said.where(other.created_at <= here).order_by(other.created_at.desc(), other.id.desc())
    after = said.where(other.created_at >= here).order_by(other.created_at, other.id)
    found: list[Link] = []
    for some in _portions(near):
        rows = session.connection().execute(
            select(before.scalar_subquery(), after.scalar_subquery()).where(tuple_(_BAND.band, _BAND.digest).in_(some))
        )
        found += [(mention, one) for row in rows for one in row if one is not None]
    return found


def _standing_at(places: Sequence[tuple[int, int]]) -> ColumnElement[bool]:
    """The rows of these texts (band, digest), each at least once."""
    # Given pairs, SQLite reads the whole table; given two lists, it tries each of one with each of the other, unless
    # the second is of something that its index does not know.
    digests = {digest for _, digest in places}
    return and_(_BAND.band.in_({band for band, _ in places}), (_BAND.digest + 0).in_(digests))


def _in_time(session: Session, links: Sequence[Link]) -> list[Link]:
    """The links between mentions that were written within the window of each other."""
    at: dict[int, datetime] = {}
    for some in _portions(sorted({one for link in links for one in link})):
        rows = session.connection().execute(select(_MENTION.id, _MENTION.created_at).where(_MENTION.id.in_(some)))
        at |= {row.id: row.created_at for row in rows}
    return [(one, other) for one, other in links if abs(at[one] - at[other]) <= WINDOW]


def _merge(session: Session, links: Sequence[Link]) -> None:
    """Make one cluster of all that hangs together."""
    cluster: dict[int, int] = {}
    for some in _portions(sorted({one for link in links for one in link})):
        rows = session.connection().execute(select(_MENTION.id, _MENTION.cluster_id).where(_MENTION.id.in_(some)))
        cluster |= {row.id: row.cluster_id or row.id for row in rows}
    groups = _together((cluster[one], cluster[other]) for one, other in links)
    if not groups:
        return
    # A cluster's id is its first mention's: the first of several is the first of these.
    places: dict[int, Any] = {}
    alone: set[int] = set()
    for some in _portions(sorted(set().union(*groups))):
        found = session.connection().execute(
            select(_MENTION.id, _MENTION.cluster_id, *_order()).where(_MENTION.id.in_(some))
        )
        for row in found:
            places[row.id] = _place(row)
            if row.cluster_id is None:
                alone.add(row.id)
    firsts = [min(group, key=places.__getitem__) for group in groups]
    into = {one: first for group, first in zip(groups, firsts, strict=True) for one in group if one != first}
    counted = _pairs_of(session, firsts)
    pairs = _move(session, into, alone)
    _set_cluster(session, {first: first for first in firsts if first in alone}, alone)
    pointed: dict[int, int | None] = {}
    unclear: set[int] = set()
    for pair, brand, copy_of, first in pairs:
        # Where the first mention is about all their brands, no need to look at what may be thousands of others.
        leading = counted.get((first, brand))
        if leading is None:
            unclear.add(first)
        elif leading != copy_of:
            pointed[pair] = leading
    for first in sorted(unclear):
        pointed |= _elected(session, first)
    _point(session, pointed)


def _pairs_of(session: Session, mentions: Sequence[int]) -> dict[tuple[int, int], int]:
    """The pairs of these mentions: (mention, brand) -> id."""
    found: dict[tuple[int, int], int] = {}
    for some in _portions(sorted(mentions)):
        rows = session.connection().execute(
            select(_PAIR.id, _PAIR.mention_id, _PAIR.brand_id).where(_PAIR.mention_id.in_(some), _PAIR.void.is_(None))
        )
        found |= {(row.mention_id, row.brand_id): row.id for row in rows}
    return found


def _move(session: Session, into: Mapping[int, int], alone: Collection[int]) -> list[tuple[int, int, int | None, int]]:
    """Make mentions that were alone, and whole clusters, part of others (its id -> the other's); all pairs that moved:
    id, brand, what they were a copy of, and the cluster they are in now."""
    moved: list[tuple[int, int, int | None, int]] = []
    for column, some_of in (
        (_MENTION.id, [one for one in into if one in alone]),
        (_MENTION.cluster_id, [one for one in into if one not in alone]),
    ):
        for some in _portions(sorted(some_of)):
            rows = session.connection().execute(
                select(_PAIR.id, _PAIR.brand_id, _PAIR.copy_of, column.label("was"))
                .join_from(table(Mention), table(MentionBrand), _PAIR.mention_id == _MENTION.id)
                .where(column.in_(some), _PAIR.void.is_(None))
            )
            moved += [(row.id, row.brand_id, row.copy_of, into[row.was]) for row in rows]
    _set_cluster(session, into, alone)
    return moved


def _set_cluster(session: Session, into: Mapping[int, int], alone: Collection[int]) -> None:
    for column, wanted in (
        (_MENTION.id, [one for one in sorted(into) if one in alone]),
        (_MENTION.cluster_id, [one for one in sorted(into) if one not in alone]),
    ):
        if wanted:
            session.connection().execute(
                update(table(Mention)).where(column == bindparam("was")).values(cluster_id=bindparam("now")),
                [{"was": one, "now": into[one]} for one in wanted],
            )


def _elected(session: Session, cluster: int) -> dict[int, int | None]:
    """What of a cluster's pairs is to be a copy of which other (None: it is counted), where that is not so yet."""
    rows = session.connection().execute(
        select(_PAIR.id, _PAIR.brand_id, _PAIR.copy_of, *_order())
        .join_from(table(Mention), table(MentionBrand), _PAIR.mention_id == _MENTION.id)
        .where(_MENTION.cluster_id == cluster, _PAIR.void.is_(None))
    )
    by_brand: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_brand[row.brand_id].append(row)
    changed: dict[int, int | None] = {}
    for pairs in by_brand.values():
        counted = min(pairs, key=_place).id
        wanted = {row.id: None if row.id == counted else counted for row in pairs}
        changed |= {row.id: wanted[row.id] for row in pairs if row.copy_of != wanted[row.id]}
    return changed


def _point(session: Session, changed: Mapping[int, int | None]) -> None:
    """Make pairs copies of others, or counted (None), and let the figures follow."""
    if not changed:
        return
    with moving(session, changed):
        session.connection().execute(
            update(table(MentionBrand)).where(_PAIR.id == bindparam("pair")).values(copy_of=bindparam("counted")),
            [{"pair": pair, "counted": changed[pair]} for pair in sorted(changed)],
        )


def _together(links: Iterable[Link]) -> list[set[int]]:
    """What hangs together by links, as sets of two and more."""
    leader: dict[int, int] = {}

    def lead(one: int) -> int:
        while leader.setdefault(one, one) != one:
            leader[one] = leader[leader[one]]
            one = leader[one]
        return one

    for one, other in links:
        leader[lead(one)] = lead(other)
    sets: defaultdict[int, set[int]] = defaultdict(set)
    for one in list(leader):
        sets[lead(one)].add(one)
    return [found for found in sets.values() if len(found) > 1]


def _order() -> tuple[ColumnElement[Any], ...]:
    return (_MENTION.deleted_at, _MENTION.repost_of, _MENTION.created_at, _MENTION.kind, _MENTION.native_id)


def _place(row: Any) -> tuple[bool, bool, datetime, str, str]:
    """Where a mention stands in its cluster: what is gone is never counted, an original rather than a repost."""
    return row.deleted_at is not None, row.repost_of is not None, row.created_at, row.kind, row.native_id


def _scalars(
    session: Session, wanted: ColumnElement[Any], where: ColumnElement[Any], among: Collection[int]
) -> list[Any]:
    """The values of a column in the rows where another is one of these numbers."""
    return [
        value
        for some in _portions(sorted(among))
        for value in session.connection().scalars(select(wanted).where(where.in_(some)))
    ]


def _portions(ids: Sequence[Value]) -> Iterable[Sequence[Value]]:
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _day(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() // 86400)
