"""What window rules are shown: mentions, hourly figures, what was read of the sources, answers. Nothing here writes."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, Select, func, or_, select
from sqlmodel import Session
from sqlmodel import select as select_rows

from alerts.mentions import ScoredMention
from listener.coverage import SLACK, Stretch, hour_of, joined, within, without
from listener.store import coverage
from listener.store.push import PUSH
from listener.store.tables import (
    Author,
    Brand,
    Mention,
    MentionBrand,
    RollupHour,
    Score,
    Source,
    table,
)

_PAIR, _MENTION, _AUTHOR, _SCORE = (table(model).c for model in (MentionBrand, Mention, Author, Score))

MATTERS = 0.1
"""A source that gives so much of a brand's mentions must have been read for an hour to count as listened to."""

_AT_ONCE = 400

_COUNTS = (_PAIR.scored_at.is_not(None), _PAIR.hidden_why.is_(None), _PAIR.void.is_(None), _PAIR.copy_of.is_(None))


@dataclass(frozen=True, slots=True)
class Said:
    """A mention as rules see it, and how its platform names it and what it answers."""

    mention: ScoredMention
    native_id: str
    reply_to: str | None


@dataclass(frozen=True, slots=True)
class Figures:
    """An hour of a brand: mentions (copies are not), those of them by label, and the reach of all."""

    mentions: int = 0
    detractors: int = 0
    promoters: int = 0
    reach: int = 0


def said(session: Session, brand: Brand, since: datetime, until: datetime) -> list[Said]:
    """What others said of the brand from ``since`` up to ``until``, the oldest first: scored, shown, and no copies."""
    latest = (
        select(func.max(_SCORE.id))
        .where(_SCORE.mention_brand_id == _PAIR.id)
        .correlate(table(MentionBrand))
        .scalar_subquery()
    )
    query: Select[Any] = (
        select(
            _PAIR.id, _PAIR.spans, _PAIR.label.label("pair_label"), _MENTION.text, _MENTION.kind, _MENTION.created_at,
            _MENTION.collected_at, _MENTION.url, _MENTION.lang, _MENTION.reach, _MENTION.native_id, _MENTION.reply_to,
            _SCORE.lang.label("scored_lang"), _SCORE.stance, _SCORE.polarity, _SCORE.model, _SCORE.revision,
            _SCORE.complaint, _AUTHOR.handle, _AUTHOR.name, _AUTHOR.followers, table(Source).c.judge_as_new,
            table(Source).c.name.label("feed"),
        )
        .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
        .join(table(Source), table(Source).c.id == _MENTION.source_id)
        .join(table(Score), _SCORE.id == latest)
        .outerjoin(table(Author), _AUTHOR.id == _MENTION.author_id)
        .where(*_counted(brand.id, since, until))
        .order_by(_MENTION.created_at, _PAIR.id)
    )  # fmt: skip
    found = (_said(row, brand.name) for row in session.connection().execute(query).mappings())
    return [one for one in found if not one.mention.written_by(brand.accounts)]


def _said(row: RowMapping, brand: str) -> Said:
    mention = ScoredMention(
        id=row["id"], brand=brand, text=row["text"], source=row["kind"], created_at=row["created_at"],
        collected_at=row["collected_at"], label=row["pair_label"], stance=row["stance"], polarity=row["polarity"],
        model=row["model"], revision=row["revision"], url=row["url"], author=row["handle"] or row["name"],
        lang=row["lang"] or row["scored_lang"], reach=row["reach"],
        spans=tuple((start, end) for start, end in row["spans"]), judge_as_new=row["judge_as_new"],
        complaint=row["complaint"], feed=row["feed"], followers=row["followers"],
    )  # fmt: skip
    return Said(mention, row["native_id"], row["reply_to"])


def _counted(brand_id: int | None, since: datetime, until: datetime) -> tuple[Any, ...]:
    """Pairs that the hourly figures count, so that a window and what is usual are of the same kind."""
    return (_PAIR.brand_id == brand_id, *_COUNTS, _MENTION.created_at >= since, _MENTION.created_at < until)


def standing(session: Session, pairs: Collection[int]) -> set[int]:
    """Which of these still count: what was loaded may have been hidden, deleted, or taken for a copy since."""
    found: set[int] = set()
    for some in in_pieces(sorted(pairs)):
        found |= set(session.connection().scalars(select(_PAIR.id).where(_PAIR.id.in_(some), *_COUNTS)))
    return found


def unscored(session: Session, brand_id: int, since: datetime, until: datetime, soon: datetime) -> bool:
    """Whether something said between two moments will have its score ``soon``; what was set aside for longer, because
    it could not be scored, will not."""
    coming = or_(_PAIR.lease_until.is_(None), _PAIR.lease_until <= soon)
    query = (
        select(_PAIR.id)
        .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
        .where(
            _PAIR.brand_id == brand_id, _PAIR.scored_at.is_(None), _PAIR.hidden_why.is_(None),
            _PAIR.void.is_(None), coming, _MENTION.created_at >= since, _MENTION.created_at < until,
        )
        .limit(1)
    )  # fmt: skip
    return session.connection().scalar(query) is not None


def figures(session: Session, brand: Brand, since: datetime, until: datetime) -> dict[datetime, Figures]:
    """What others said of the brand in the hours that begin from ``since`` up to ``until``; hours without any are left
    out. As in ``said``, what the brand's own accounts wrote does not count."""
    assert brand.id is not None
    found = _all_figures(session, brand.id, since, until)
    for hour, label, reach in _own(session, brand, since, until):
        one = found.get(hour, Figures())
        found[hour] = Figures(
            one.mentions - 1, one.detractors - (label == "detractor"), one.promoters - (label == "promoter"),
            one.reach - reach,
        )  # fmt: skip
    return found


def _all_figures(session: Session, brand_id: int, since: datetime, until: datetime) -> dict[datetime, Figures]:
    hour = table(RollupHour).c
    rows = session.connection().execute(
        select(hour.hour, hour.label, func.sum(hour.mentions).label("mentions"), func.sum(hour.reach).label("reach"))
        .where(hour.brand_id == brand_id, hour.hour >= since, hour.hour < until)
        .group_by(hour.hour, hour.label)
    )
    found: dict[datetime, Figures] = {}
    for row in rows:
        before, mentions = found.get(row.hour, Figures()), int(row.mentions)
        found[row.hour] = Figures(
            before.mentions + mentions,
            before.detractors + (mentions if row.label == "detractor" else 0),
            before.promoters + (mentions if row.label == "promoter" else 0),
            before.reach + int(row.reach),
        )
    return found


def _own(session: Session, brand: Brand, since: datetime, until: datetime) -> list[tuple[datetime, str | None, int]]:
    """Hour, label and reach of each of the brand's own posts among what the figures count."""
    found: list[tuple[datetime, str | None, int]] = []
    for some in in_pieces(people_of(session, brand.accounts)):
        rows = session.connection().execute(
            select(_MENTION.created_at, _PAIR.label, _MENTION.reach)
            .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
            .where(_MENTION.author_id.in_(some), *_counted(brand.id, since, until))
        )
        found += [(hour_of(row.created_at), row.label, row.reach or 0) for row in rows]
    return found


@dataclass(frozen=True, slots=True)
class Read:
    """``likely``: what was read, or is not overdue; ``surely``: what was read. Sorted, and apart."""

    likely: list[Stretch]
    surely: list[Stretch]


def read_throughout(session: Session, brand: Brand, since: datetime, until: datetime) -> list[Stretch]:
    """The time between two moments in which the brand was listened to: see ``read_between``; what is likely."""
    return read_between(session, brand, since, until).likely


def read_between(session: Session, brand: Brand, since: datetime, until: datetime) -> Read:
    """The time between two moments in which the brand was listened to.

    That is when every source that is read for it, and that matters (``MATTERS``), was read; and what imports hold, from
    their first mention to their last. What a source read before it had a mention of the brand, or before there was the
    brand, is left out: nobody asked for it then. A source that is not overdue has likely been read.
    """
    rows = {row.id: row for row in session.exec(select_rows(Source))}
    span = Stretch(since, until)
    given = _given(session, brand, since, until)
    total = sum(number for number, _, _ in given.values())
    imported: list[Stretch] = []
    live: list[Read] = []
    for source_id, row in rows.items():
        assert source_id is not None
        number, first, last = given.get(source_id, (0, None, None))
        if row.every_s is None and row.kind != PUSH:
            if first is not None and last is not None:
                imported.append(Stretch(first, last))
            continue
        listens = row.active and (row.brands is None or brand.name in row.brands)
        if not listens or number < MATTERS * total or first is None:
            continue
        begun = Stretch(max(first, brand.created_at), until)
        live.append(_read(session, row, begun))
    found = (_everywhere([within(part, span) for part in parts], span) for parts in (
        [one.likely for one in live], [one.surely for one in live],
    ))  # fmt: skip
    likely, surely = (joined([*everywhere, *within(imported, span)]) for everywhere in found)
    return Read(likely, surely)


def _everywhere(live: Sequence[list[Stretch]], span: Stretch) -> list[Stretch]:
    """What of a stretch is in each of these."""
    if not live:
        return []
    return without([span], [hole for one in live for hole in without([span], one)])


def _read(session: Session, row: Source, begun: Stretch) -> Read:
    """What of a live source was read since then."""
    assert row.id is not None
    if row.kind == PUSH:
        # Nobody knows what a sender did not send.
        return Read([begun], [begun])
    surely = coverage.covered(session, row.id, begun)
    read_to, every = row.covered_to, timedelta(seconds=row.every_s or 0)
    if read_to is not None and begun.until - read_to <= every + SLACK:
        return Read(within([*surely, Stretch(read_to, begun.until)], begun), within(surely, begun))
    return Read(within(surely, begun), within(surely, begun))


def _given(
    session: Session, brand: Brand, since: datetime, until: datetime
) -> dict[int, tuple[int, datetime | None, datetime | None]]:
    """What each source gave of the brand between two moments: how many, and from when to when."""
    rows = session.connection().execute(
        select(
            _MENTION.source_id, func.count().label("number"), func.min(_MENTION.created_at).label("first"),
            func.max(_MENTION.created_at).label("last"),
        )
        .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
        .where(
            _PAIR.brand_id == brand.id, _PAIR.void.is_(None), _MENTION.created_at >= since, _MENTION.created_at < until
        )
        .group_by(_MENTION.source_id)
    )  # fmt: skip
    return {row.source_id: (row.number, row.first, row.last) for row in rows}


def own_posts(session: Session, accounts: Sequence[str], since: datetime, until: datetime) -> list[RowMapping]:
    """What the brand's accounts wrote between two moments: kind, native_id, reply_to and created_at."""
    names = [form for one in accounts for form in _forms(one)]
    people = list(session.connection().scalars(select(_AUTHOR.id).where(func.lower(_AUTHOR.handle).in_(names))))
    found: list[RowMapping] = []
    for some in in_pieces(people):
        query = select(_MENTION.kind, _MENTION.native_id, _MENTION.url, _MENTION.reply_to, _MENTION.created_at).where(
            _MENTION.author_id.in_(some), _MENTION.created_at >= since, _MENTION.created_at < until,
            _MENTION.deleted_at.is_(None),
        )  # fmt: skip
        found += session.connection().execute(query).mappings().all()
    return found


def people_of(session: Session, accounts: Sequence[str]) -> list[int]:
    """The authors whose posts count as these accounts' own, as ``ScoredMention.written_by`` has it."""
    names = [form for one in accounts for form in _forms(one)]
    called = func.lower(func.coalesce(func.nullif(_AUTHOR.handle, ""), _AUTHOR.name))
    return list(session.connection().scalars(select(_AUTHOR.id).where(called.in_(names)))) if names else []


def _forms(account: str) -> tuple[str, str]:
    plain = account.removeprefix("@").lower()
    return plain, f"@{plain}"


def in_pieces(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """So many ids as one statement may hold, and the rest."""
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]
