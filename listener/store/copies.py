"""Which stored mentions are copies of each other, and which pair of a cluster is counted for each brand.

Mentions are linked where one reposts the other, where both repost the same, or where their words are alike
(``store.links``). A cluster is everything that hangs together by such links; its first mention (no repost before a
repost, then by time, then by key) gives it its id, and for each brand the first one that is about it is counted: one
that is shown, as long as there is one, so that what is hidden hides no copy that is not. All of this follows from what
is stored and from nothing else, so that the order in which pages came changes nothing. The rules are argued in
docs/decisions/0011.

Callers are alone (``store.locks``).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select, update
from sqlmodel import Session

from listener.copies import Wording, wording
from listener.relevance import HIDDEN_BY_HAND
from listener.store.links import Link, links, portions
from listener.store.rollups import moving
from listener.store.tables import Mention, MentionBrand, table

_MENTION, _PAIR = table(Mention).c, table(MentionBrand).c


def join(session: Session, said: Mapping[int, Wording | None], now: datetime) -> None:
    """Bring stored mentions (id -> its wording) together with their copies, and count each cluster once."""
    _merge(session, links(session, said, now))


def part(session: Session, mentions: Collection[int]) -> dict[int, Wording | None]:
    """Take clusters apart because of these mentions, whose words are about to change: all mentions they had, with
    their wording, to be joined again."""
    clusters = _scalars(session, _MENTION.cluster_id, _MENTION.id, mentions)
    members = set(mentions) | set(_scalars(session, _MENTION.id, _MENTION.cluster_id, {one for one in clusters if one}))
    if clusters:
        pairs = _scalars(session, _PAIR.id, _PAIR.mention_id, members)
        _point(session, dict.fromkeys(pairs))
        for some in portions(sorted(members)):
            session.connection().execute(update(table(Mention)).where(_MENTION.id.in_(some)).values(cluster_id=None))
    texts: dict[int, str] = {}
    unmarked: set[int] = set()
    for some in portions(sorted(members)):
        rows = session.connection().execute(
            select(_MENTION.id, _MENTION.text, _MENTION.digest).where(_MENTION.id.in_(some))
        )
        for row in rows:
            texts[row.id] = row.text
            if row.digest is None:
                unmarked.add(row.id)
    # Thousands of reposts say the same words.
    found = {text: wording(text) for text in set(texts.values())}
    said = {mention: found[texts[mention]] for mention in sorted(members)}
    mark(session, {mention: said[mention] for mention in unmarked})
    return said


def mark(session: Session, said: Mapping[int, Wording | None]) -> None:
    """Note the wording of mentions that were stored before copies were looked for, so that copies find them."""
    rows = [{"mention": mention, "new_digest": one.digest} for mention, one in sorted(said.items()) if one is not None]
    if rows:
        session.connection().execute(
            update(table(Mention)).where(_MENTION.id == bindparam("mention")).values(digest=bindparam("new_digest")),
            rows,
        )


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


def _unsaid(pairs: Sequence[Any]) -> tuple[Any | None, list[Any]]:
    """What a person hid of a brand's pairs in a cluster, and those that came since and have not been looked at: they go
    the same way, or a story that somebody hid would come back with every repost."""
    # What stands there by itself says that they are not all the same.
    if any(row.said_relevant or (row.scored_at is not None and row.hidden_why is None) for row in pairs):
        return None, []
    said = [row for row in pairs if row.said_relevant is False and row.copy_of is None]
    heirs = [row for row in pairs if row.said_relevant is None and row.scored_at is None]
    return max(said, key=lambda row: (row.said_at, row.id), default=None), heirs


def _merge(session: Session, links: Sequence[Link]) -> None:
    """Make one cluster of all that hangs together."""
    cluster: dict[int, int] = {}
    for some in portions(sorted({one for link in links for one in link})):
        rows = session.connection().execute(select(_MENTION.id, _MENTION.cluster_id).where(_MENTION.id.in_(some)))
        cluster |= {row.id: row.cluster_id or row.id for row in rows}
    groups = _together((cluster[one], cluster[other]) for one, other in links)
    if not groups:
        return
    # A cluster's id is its first mention's: the first of several is the first of these.
    places: dict[int, Any] = {}
    alone: set[int] = set()
    for some in portions(sorted(set().union(*groups))):
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
    for pair, brand, copy_of, first, by_hand in pairs:
        # Where the first mention is about all their brands, no need to look at what may be thousands of others.
        leading = counted.get((first, brand))
        if leading is None or by_hand:
            unclear.add(first)
        elif leading != copy_of:
            pointed[pair] = leading
    for first in sorted(unclear):
        pointed |= _elected(session, first)
    _point(session, pointed)


def _pairs_of(session: Session, mentions: Sequence[int]) -> dict[tuple[int, int], int]:
    """The pairs of these mentions that are shown: (mention, brand) -> id."""
    found: dict[tuple[int, int], int] = {}
    for some in portions(sorted(mentions)):
        rows = session.connection().execute(
            select(_PAIR.id, _PAIR.mention_id, _PAIR.brand_id).where(
                _PAIR.mention_id.in_(some), _PAIR.void.is_(None), _PAIR.hidden_why.is_(None)
            )
        )
        found |= {(row.mention_id, row.brand_id): row.id for row in rows}
    return found


def _move(
    session: Session, into: Mapping[int, int], alone: Collection[int]
) -> list[tuple[int, int, int | None, int, bool]]:
    """Make mentions that were alone, and whole clusters, part of others (its id -> the other's); all pairs that moved:
    id, brand, what they were a copy of, the cluster they are in now, and whether a person hid them."""
    moved: list[tuple[int, int, int | None, int, bool]] = []
    for column, some_of in (
        (_MENTION.id, [one for one in into if one in alone]),
        (_MENTION.cluster_id, [one for one in into if one not in alone]),
    ):
        for some in portions(sorted(some_of)):
            rows = session.connection().execute(
                select(_PAIR.id, _PAIR.brand_id, _PAIR.copy_of, column.label("was"), _PAIR.said_relevant)
                .join_from(table(Mention), table(MentionBrand), _PAIR.mention_id == _MENTION.id)
                .where(column.in_(some), _PAIR.void.is_(None))
            )
            moved += [(row.id, row.brand_id, row.copy_of, into[row.was], row.said_relevant is False) for row in rows]
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
    """What of a cluster's pairs is to be a copy of which other (None: it is counted), where that is not so yet. What is
    hidden comes after all that is shown."""
    rows = session.connection().execute(
        select(
            _PAIR.id, _PAIR.brand_id, _PAIR.copy_of, _PAIR.scored_at, _PAIR.hidden_why, _PAIR.said_relevant,
            _PAIR.said_by, _PAIR.said_at, *_order(),
        )
        .join_from(table(Mention), table(MentionBrand), _PAIR.mention_id == _MENTION.id)
        .where(_MENTION.cluster_id == cluster, _PAIR.void.is_(None))
    )  # fmt: skip
    by_brand: defaultdict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_brand[row.brand_id].append(row)
    changed: dict[int, int | None] = {}
    for pairs in by_brand.values():
        voice, heirs = _unsaid(pairs)
        hidden = {row.id for row in pairs if row.hidden_why is not None}
        if voice is not None and heirs:
            _hide(session, [row.id for row in heirs], voice)
            hidden |= {row.id for row in heirs}
        counted = min(pairs, key=lambda row: (row.id in hidden, _place(row))).id
        wanted = {row.id: None if row.id == counted else counted for row in pairs}
        changed |= {row.id: wanted[row.id] for row in pairs if row.copy_of != wanted[row.id]}
    return changed


def _hide(session: Session, pairs: Sequence[int], voice: Any) -> None:
    """Hide pairs that have no score yet, and so no figures, as a person hid what they repeat."""
    said = {"said_relevant": False, "said_by": voice.said_by, "said_at": voice.said_at}
    for some in portions(sorted(pairs)):
        session.connection().execute(
            update(table(MentionBrand)).where(_PAIR.id.in_(some)).values(hidden_why=HIDDEN_BY_HAND, **said)
        )


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
        for some in portions(sorted(among))
        for value in session.connection().scalars(select(wanted).where(where.in_(some)))
    ]
