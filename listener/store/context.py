"""What a person reads before answering a mention: its thread, its author's history with the brand, the brand's answers.

As far as it was stored: what nobody collected is missing, and so are other posts than of the brands whose mentions the
reader may see. Everything is bounded, so that a thread of ten thousand
replies costs what a short one does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, or_, select, true
from sqlmodel import Session

from alerts.points import Situation
from listener.store.callers import among
from listener.store.read import still_theirs
from listener.store.tables import Author, Brand, Mention, MentionBrand, Score, table

_PAIR, _MENTION, _BRAND, _SCORE, _AUTHOR = (table(model).c for model in (MentionBrand, Mention, Brand, Score, Author))

LONGEST_CHAIN = 10
"""How far up a thread is followed."""

MOST_REPLIES = 20
"""How many answers to one mention are shown."""

LAST_FEW = 5
"""Of an author's earlier mentions."""

UNSCORED = "unscored"
"""What a mention without an inferred stance is counted as."""


@dataclass(frozen=True, slots=True)
class Post:
    """A stored mention in a thread. `by_brand`: one of the brand's own accounts wrote it. `text` is blank where it was
    deleted. `label`: the inferred stance towards the brand, None where it is not about the brand or not scored."""

    mention_id: int
    kind: str
    native_id: str
    text: str
    author: str | None
    url: str | None
    created_at: datetime
    label: str | None
    by_brand: bool


@dataclass(frozen=True, slots=True)
class History:
    """An author's mentions of the brand before this one; `labels` counts them by inferred stance, `last` holds the
    latest few, the latest first."""

    total: int = 0
    labels: Mapping[str, int] = field(default_factory=dict)
    last: tuple[Post, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """Around one mention of a brand. `above`: what it answers, the beginning of the thread first (`cut_above`: there is
    more, or its beginning was never stored). `below`: the replies to it, oldest first, of `replies` there are.
    `answers`: what the brand itself replied, to it or below that. `author_url`, `followers`: as the platform has them.
    """

    pair_id: int
    said: Post
    lang: str | None
    author_url: str | None
    followers: int | None
    complaint: float | None
    irony: float | None
    emotions: Mapping[str, float]
    above: tuple[Post, ...]
    cut_above: bool
    below: tuple[Post, ...]
    replies: int
    answers: tuple[Post, ...]
    history: History


def of_pair(session: Session, pair_id: int, brands: frozenset[int] | None) -> Context | None:
    """The context of a mention of a brand, for who may see mentions of these brands (None = all); None where there is
    no such pair."""
    connection = session.connection()
    latest = select(func.max(_SCORE.id)).where(_SCORE.mention_brand_id == _PAIR.id).correlate(table(MentionBrand))
    query = (
        select(
            _PAIR.brand_id, _PAIR.label, _BRAND.accounts, _MENTION.id, _MENTION.kind, _MENTION.native_id,
            _MENTION.text, _MENTION.url, _MENTION.created_at, _MENTION.reply_to, _MENTION.author_id,
            func.coalesce(_MENTION.lang, _SCORE.lang).label("lang"), _AUTHOR.handle, _AUTHOR.name,
            _AUTHOR.url.label("author_url"), _AUTHOR.followers, _SCORE.complaint, _SCORE.irony, _SCORE.emotions,
        )
        .join_from(table(MentionBrand), table(Mention), _MENTION.id == _PAIR.mention_id)
        .join(table(Brand), _BRAND.id == _PAIR.brand_id)
        .outerjoin(table(Author), _AUTHOR.id == _MENTION.author_id)
        .outerjoin(table(Score), _SCORE.id == latest.scalar_subquery())
        .where(_PAIR.id == pair_id)
    )  # fmt: skip
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    accounts = folded(row["accounts"])
    posts, replying = _posts(row["brand_id"]).where(_seen(brands)), _answers_to(row["kind"], [row["native_id"]])
    above, cut_above = _above(session, posts, row, accounts)
    below = _first(session, posts.where(replying), accounts)
    others = [post.native_id for post in below if not post.by_brand]
    further = _first(session, posts.where(_answers_to(row["kind"], others)), accounts) if others else []
    replies = connection.scalar(select(func.count()).select_from(table(Mention)).where(replying, _seen(brands)))
    answers = _own_replies(session, posts.where(replying), accounts)
    answers += [post for post in further if post.by_brand]
    return Context(
        pair_id=pair_id,
        said=_post(row, accounts),
        lang=row["lang"],
        author_url=row["author_url"],
        followers=row["followers"],
        complaint=row["complaint"],
        irony=row["irony"],
        emotions=row["emotions"] or {},
        above=tuple(above),
        cut_above=cut_above,
        below=tuple(below),
        replies=int(replies or 0),
        answers=tuple(answers),
        history=_history(session, row, accounts),
    )


def folded(accounts: Sequence[str]) -> frozenset[str]:
    """A brand's handles as they are compared: without @, and without regard to case."""
    return frozenset(name.removeprefix("@").casefold() for name in accounts)


def _above(session: Session, posts: Select[Any], row: RowMapping, accounts: frozenset[str]) -> tuple[list[Post], bool]:
    found: list[Post] = []
    seen = {row["native_id"]}
    parent = row["reply_to"]
    # Strangers' systems wrote these references: they may go round in circles.
    while parent is not None and parent not in seen and len(found) < LONGEST_CHAIN:
        query = posts.where(_MENTION.kind == row["kind"], _MENTION.native_id == parent)
        above = session.connection().execute(query).mappings().first()
        if above is None:
            break
        seen.add(parent)
        found.insert(0, _post(above, accounts))
        parent = above["reply_to"]
    return found, parent is not None and parent not in seen


def _first(session: Session, posts: Select[Any], accounts: frozenset[str]) -> list[Post]:
    """The oldest of these."""
    query = posts.order_by(_MENTION.created_at, _MENTION.id).limit(MOST_REPLIES)
    return [_post(row, accounts) for row in session.connection().execute(query).mappings()]


def _own_replies(session: Session, replies: Select[Any], accounts: frozenset[str]) -> list[Post]:
    """What the brand said to a mention, however many others replied before."""
    if not accounts:
        return []
    return _first(session, replies.where(func.lower(func.ltrim(_AUTHOR.handle, "@")).in_(accounts)), accounts)


def _history(session: Session, row: RowMapping, accounts: frozenset[str]) -> History:
    if row["author_id"] is None:
        return History()
    earlier = and_(
        _MENTION.author_id == row["author_id"],
        _PAIR.brand_id == row["brand_id"],
        _PAIR.hidden_why.is_(None),
        _PAIR.void.is_(None),
        or_(
            _MENTION.created_at < row["created_at"],
            and_(_MENTION.created_at == row["created_at"], _MENTION.id < row["id"]),
        ),
    )
    counts = session.connection().execute(
        select(_PAIR.label, func.count().label("number"))
        .join_from(table(Mention), table(MentionBrand), _PAIR.mention_id == _MENTION.id)
        .where(earlier)
        .group_by(_PAIR.label)
    )
    labels = {one.label or UNSCORED: int(one.number) for one in counts}
    last = _posts(row["brand_id"]).where(earlier).order_by(_MENTION.created_at.desc(), _MENTION.id.desc())
    rows = session.connection().execute(last.limit(LAST_FEW)).mappings()
    return History(sum(labels.values()), labels, tuple(_post(one, accounts) for one in rows))


def _posts(brand_id: int) -> Select[Any]:
    """Mentions with their authors, and with what they say of this brand."""
    return (
        select(
            _MENTION.id, _MENTION.kind, _MENTION.native_id, _MENTION.text, _MENTION.url, _MENTION.created_at,
            _MENTION.reply_to, _AUTHOR.handle, _AUTHOR.name, _PAIR.label,
        )
        .join_from(table(Mention), table(Author), _AUTHOR.id == _MENTION.author_id, isouter=True)
        .outerjoin(table(MentionBrand), and_(_PAIR.mention_id == _MENTION.id, _PAIR.brand_id == brand_id))
    )  # fmt: skip


def _seen(brands: frozenset[int] | None) -> ColumnElement[bool]:
    """The mentions that are about one of these brands; a blank one was. A post is stored because it is about some
    brand, so what is about none of these is for others to read."""
    if brands is None:
        return true()
    pair = table(MentionBrand).alias().c
    return (
        select(pair.id).where(pair.mention_id == _MENTION.id, among(pair.brand_id, brands), still_theirs(pair)).exists()
    )


def _answers_to(kind: str, native_ids: Sequence[str]) -> ColumnElement[bool]:
    return and_(_MENTION.kind == kind, _MENTION.reply_to.in_(native_ids))


def _post(row: RowMapping, accounts: frozenset[str]) -> Post:
    handle = row["handle"]
    return Post(
        mention_id=row["id"],
        kind=row["kind"],
        native_id=row["native_id"],
        text=row["text"],
        author=handle or row["name"],
        url=row["url"],
        created_at=row["created_at"],
        label=row["label"],
        by_brand=handle is not None and handle.removeprefix("@").casefold() in accounts,
    )


def situation(context: Context, now: datetime) -> Situation:
    """What points for an answer are made from (``alerts.points``)."""
    first = min((post.created_at for post in context.answers), default=None)
    against = context.history.labels.get("detractor", 0)
    return Situation(
        text=context.said.text,
        lang=context.lang,
        label=context.said.label,
        complaint=context.complaint,
        irony=context.irony,
        emotions=context.emotions,
        waiting=None if first is not None else now - context.said.created_at,
        earlier=context.history.total,
        earlier_detractors=against,
    )
