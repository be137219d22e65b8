"""Mentions by words and by what is known of them, the latest said first: what lists, exports and figures are made of.

Words are a query (``listener.query``). Nothing is counted and nothing skipped: a page is found by looking at a bounded
number of mentions from where the last one ended, however many there are.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, RowMapping, Select, and_, func, or_, select, union_all
from sqlmodel import Session

from listener.query import Query, parse_filter, prepare
from listener.query.index import asked
from listener.relevance import About
from listener.store.callers import among
from listener.store.previews import LONGEST
from listener.store.read import mention_columns
from listener.store.relevance import texts
from listener.store.search_filters import Filters, few, meets, passing
from listener.store.search_index import having
from listener.store.tables import Brand, Mention, MentionBrand, table

__all__ = ["Also", "Cursor", "Filters", "Number", "Page", "Rows", "count", "find"]

_PAIR, _MENTION, _BRAND = (table(model).c for model in (MentionBrand, Mention, Brand))

MOST_LOOKED_AT = 20_000
"""Pairs that are looked at for one page: some tenths of a second on either database."""

FIRST_STEP = 400
LONGEST_STEP = 5_000

MOST_READ = 1_000_000
"""Letters that are held against a query for one page: a tenth of a second in short posts, 1.5 s in long ones."""

LEAST_READ = 250
"""Letters that each text counts as at least: a short one takes some 30 µs."""

MOST_BRANDS = 20
"""Brands that are each looked up by themselves; of more, those that are not asked for are passed over."""

MOST_GATHERED = 20_000
"""Pairs of an author, an incident, a cluster that are put in order for a page; where there are more, what was said last
is gone through for them. As ``search_index.MOST`` for those with a word."""

_AT_ONCE = 200
"""Texts that are read at once: some are long."""

Rows = Sequence[RowMapping]


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: what comes after it was said earlier, or at the same time and stored earlier."""

    created_at: datetime
    id: int

    def __str__(self) -> str:
        """As addresses carry it."""
        at = self.created_at.astimezone(UTC)
        # %Y gives the year 1, which some programs write for "never", a single digit.
        return f"{at.year:04d}{at:%m%dT%H%M%S.%fZ}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """The cursor that ``str`` wrote so. Raises ValueError for anything else."""
        if (found := re.fullmatch(r"([0-9]{8}T[0-9]{6}\.[0-9]{6}Z)-([0-9]{1,19})", text, re.ASCII)) is None:
            raise ValueError("no cursor of ours")
        at, pair_id = datetime.strptime(found[1], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC), int(found[2])
        if pair_id >= 2**63:
            raise ValueError("no cursor of ours")
        return cls(at, pair_id)


@dataclass(frozen=True, slots=True)
class Page:
    """Mentions with their latest scores (``read.mention_columns``), the latest said first.

    ``next``: where to go on; None = there is nothing more. ``complete`` False: the page may have fewer rows than asked
    for because it took too long to look further; everything back to ``next.created_at`` was looked at.
    """

    rows: Rows
    next: Cursor | None
    complete: bool


@dataclass(frozen=True, slots=True)
class Also:
    """What else pairs must be, beyond ``Filters``. ``few``: conditions that an index finds the few pairs by that meet
    them; ``meets``: those that are looked at pair by pair."""

    few: Sequence[ColumnElement[bool]] = ()
    meets: Sequence[ColumnElement[bool]] = ()


def find(
    session: Session,
    *,
    brands: frozenset[int] | None,
    words: str,
    filters: Filters,
    after: Cursor | None,
    limit: int,
    also: Also | None = None,
) -> Page:
    """A page of at most ``limit`` mentions of these brands (None = all) that match the query ``words`` ("" = whatever
    they say) and meet the filters. Raises QueryError where the words are no query."""
    query = parse_filter(words) if words.strip() else None
    scope = _scope(session, brands, filters.brand)
    if scope is not None and not scope:
        return Page((), None, True)
    search = _Search(session, scope, query, filters, also or Also())
    ids, following, complete = search.page(after, limit)
    return Page(_rows(session, ids), following, complete)


@dataclass(frozen=True, slots=True)
class Number:
    """How many mentions there are; ``since`` None = these are all, otherwise those said since then were looked at, and
    there may be more."""

    found: int
    since: datetime | None


def count(session: Session, *, brands: frozenset[int] | None, words: str, filters: Filters, most: int) -> Number:
    """How many mentions ``find`` would find, the latest ``most`` of them at most. Raises QueryError."""
    query = parse_filter(words) if words.strip() else None
    scope = _scope(session, brands, filters.brand)
    if scope is not None and not scope:
        return Number(0, None)
    ids, following, _ = _Search(session, scope, query, filters, Also()).page(None, most)
    return Number(len(ids), following.created_at if following else None)


def _scope(session: Session, brands: frozenset[int] | None, name: str | None) -> frozenset[int] | None:
    """The ids of the brands to look at; None = all. A brand that is not among them is like one that is not there."""
    if name is None:
        return brands
    wanted = select(_BRAND.id).where(_BRAND.name == name, among(_BRAND.id, brands))
    return frozenset(session.connection().scalars(wanted))


def _rows(session: Session, ids: Sequence[int]) -> Rows:
    if not ids:
        return ()
    found = session.connection().execute(mention_columns().where(_PAIR.id.in_(ids))).mappings()
    by_id = {row["id"]: row for row in found}
    return tuple(by_id[one] for one in ids if one in by_id)


class _Search:
    """One search, and how far it has looked."""

    def __init__(
        self, session: Session, scope: frozenset[int] | None, query: Query | None, filters: Filters, also: Also
    ) -> None:
        self._session = session
        self._scope = scope
        self._query = query
        self._filters = filters
        self._few = [*few(filters), *also.few]
        self._meets = and_(meets(session, filters), *also.meets)
        self._read = 0
        ask = None if query is None else asked(query)
        if ask is not None and (rare := having(session, ask)) is not None:
            self._few.append(_PAIR.mention_id.in_(rare))
        elif self._few and self._are_many():
            self._few = []
            self._meets = and_(self._meets, *passing(filters), *also.few)

    def page(self, after: Cursor | None, limit: int) -> tuple[list[int], Cursor | None, bool]:
        """The ids of a page, where the next one begins, and whether the page is all there is up to there."""
        found: list[Cursor] = []
        looked_at, at = 0, after
        # What is gathered is put in order anew for each step: few steps, then.
        step = LONGEST_STEP if self._few else max(FIRST_STEP, 2 * limit)
        while True:
            rows = self._step(at, step)
            candidates = [row for row in rows if row.meets]
            for start in range(0, len(candidates), _AT_ONCE):
                some = candidates[start : start + _AT_ONCE]
                for place, matching in self._matching(some):
                    if matching:
                        found.append(place)
                    if len(found) > limit:
                        return [one.id for one in found[:limit]], found[limit - 1], True
                    if self._read >= MOST_READ:
                        return [one.id for one in found], place, False
            looked_at += len(rows)
            if len(rows) < step:
                return [one.id for one in found], None, True
            at = _place(rows[-1])
            if looked_at >= MOST_LOOKED_AT:
                return [one.id for one in found], at, False
            step = min(2 * step, LONGEST_STEP)

    def _are_many(self) -> bool:
        """Whether those that an index finds are more than can be put in order, whatever else is asked of them."""
        some = select(_PAIR.id).where(*self._few).limit(MOST_GATHERED + 1).subquery()
        return (self._session.connection().scalar(select(func.count()).select_from(some)) or 0) > MOST_GATHERED

    def _step(self, after: Cursor | None, limit: int) -> Sequence[Row[Any]]:
        """The next pairs in order, and whether each meets the filters; fewer than ``limit`` = there are no more."""
        conditions = [*self._few, *self._times(), *([] if after is None else [_beyond(after)])]
        if self._few:
            return self._gathered(conditions, limit)
        scope = self._scope
        if scope is None or len(scope) > MOST_BRANDS:
            walk = _walk([among(_PAIR.brand_id, scope), *conditions], limit).subquery()
        else:
            # Each brand by its own index: the pairs of a small one are not looked for among all others'.
            each = [_walk([_PAIR.brand_id == brand, *conditions], limit).subquery() for brand in sorted(scope)]
            walk = union_all(*(select(one) for one in each)).subquery()
        ahead = select(walk).order_by(walk.c.created_at.desc(), walk.c.id.desc()).limit(limit).subquery()
        return (
            self._session.connection()
            .execute(
                select(_PAIR.id, _PAIR.created_at, self._meets.label("meets"))
                .join_from(ahead, table(MentionBrand), _PAIR.id == ahead.c.id)
                .join(table(Mention), _MENTION.id == _PAIR.mention_id)
                .order_by(ahead.c.created_at.desc(), ahead.c.id.desc())
            )
            .all()
        )

    def _gathered(self, conditions: Sequence[ColumnElement[bool]], limit: int) -> Sequence[Row[Any]]:
        """The same where an index has just the few that may be it: those that meet the filters, put in order."""
        # The order must not tempt the planner to go through all mentions by time instead.
        said = func.coalesce(_PAIR.created_at, _PAIR.created_at)
        return (
            self._session.connection()
            .execute(
                select(_PAIR.id, _PAIR.created_at, self._meets.label("meets"))
                .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
                .where(*conditions, among(_PAIR.brand_id, self._scope), self._meets)
                .order_by(said.desc(), _PAIR.id.desc())
                .limit(limit)
            )
            .all()
        )

    def _times(self) -> list[ColumnElement[bool]]:
        found = []
        if self._filters.since is not None:
            found.append(_PAIR.created_at >= self._filters.since)
        if self._filters.until is not None:
            found.append(_PAIR.created_at < self._filters.until)
        return found

    def _matching(self, rows: Sequence[Row[Any]]) -> Iterator[tuple[Cursor, bool]]:
        """These pairs, and whether their texts match the query itself: found out one by one, for some are long."""
        said = texts(self._session, [row.id for row in rows], LONGEST) if self._query is not None else {}
        for row in rows:
            if self._query is None:
                yield _place(row), True
            elif row.id in said:
                self._read += max(len(said[row.id][0]), LEAST_READ)
                yield _place(row), matches(self._query, *said[row.id])


def matches(query: Query, text: str, about: About) -> bool:
    """Whether a query matches a mention's text, as ``relevance.texts`` has it; a blank one says nothing."""
    prepared = prepare(text, lang=about.lang, source=about.source, author=about.author)
    return query.places(prepared) is not None


def _walk(conditions: Sequence[ColumnElement[bool]], limit: int) -> Select[Any]:
    order = (_PAIR.created_at.desc(), _PAIR.id.desc())
    return select(_PAIR.id, _PAIR.created_at).where(*conditions).order_by(*order).limit(limit)


def _beyond(after: Cursor) -> ColumnElement[bool]:
    same = and_(_PAIR.created_at == after.created_at, _PAIR.id < after.id)
    # The first part says what the second does as well, in a way that both databases can begin in the index with.
    return and_(_PAIR.created_at <= after.created_at, or_(_PAIR.created_at < after.created_at, same))


def _place(row: Row[Any]) -> Cursor:
    return Cursor(row.created_at, row.id)
