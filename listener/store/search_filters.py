"""What a search is narrowed down to, as conditions on pairs of mention and brand."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, cast, func, or_, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Session

from listener.store.members import told_once
from listener.store.read import shown_with, still_theirs
from listener.store.tables import AlertMention, Author, Mention, MentionBrand, Score, Source, table

_PAIR, _MENTION, _SOURCE, _SCORE, _AUTHOR, _MEMBER = (
    table(model).c for model in (MentionBrand, Mention, Source, Score, Author, AlertMention)
)

NO_LABEL = "none"
"""Asked for as a label: scored, but by a model that gives none."""

UNSCORED = "unscored"
"""Asked for as a label: what no model has read yet."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What mentions must be; None = whatever they are.

    ``label``: promoter, passive, detractor, or ``NO_LABEL`` or ``UNSCORED``. ``polarity`` and ``emotion``: the
    likeliest one, or what a person said instead. ``source``: the platform, ``feed`` the name of one source. ``since``
    is the first moment and ``until`` the first one after. ``author``: a handle or a name, with or without @.
    ``hidden``: those that only share the brand's name instead of the others. ``unsure``: True = only where the model
    was. ``copies``: also what only repeats another mention. With ``cluster`` nothing of it is left out, not even what
    is blank because it was deleted.
    """

    brand: str | None = None
    label: str | None = None
    polarity: str | None = None
    emotion: str | None = None
    source: str | None = None
    feed: str | None = None
    lang: str | None = None
    theme: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    author: str | None = None
    min_reach: int | None = None
    alert: int | None = None
    cluster: int | None = None
    hidden: bool = False
    unsure: bool | None = None
    copies: bool = False


def few(filters: Filters) -> list[ColumnElement[bool]]:
    """The conditions that few pairs meet, as a rule: an index finds these."""
    found: list[ColumnElement[bool]] = []
    if filters.alert is not None:
        members = select(_MEMBER.mention_brand_id).where(_MEMBER.alert_id == filters.alert)
        found.append(_PAIR.id.in_(members))
    if filters.cluster is not None:
        found.append(_PAIR.mention_id.in_(shown_with(filters.cluster)))
    if filters.author is not None:
        said = select(_MENTION.id).where(_MENTION.author_id.in_(_named(filters.author)))
        found.append(_PAIR.mention_id.in_(said))
    return found


def passing(filters: Filters) -> list[ColumnElement[bool]]:
    """The same for a pair, joined with its mention, that is looked at: where there are many after all."""
    found: list[ColumnElement[bool]] = []
    if filters.alert is not None:
        its = select(_MEMBER.reason).where(_MEMBER.alert_id == filters.alert, _MEMBER.mention_brand_id == _PAIR.id)
        found.append(its.correlate(table(MentionBrand)).exists())
    if filters.cluster is not None:
        found.append(_PAIR.mention_id.in_(shown_with(filters.cluster)))
    if filters.author is not None:
        found.append(_MENTION.author_id.in_(_named(filters.author)))
    return found


def _named(author: str) -> Select[Any]:
    """The ids of who goes by a handle or a name, as the index has them; "@" is a part of no handle, but some platforms
    write it."""
    name = author.strip().removeprefix("@").lower()
    return select(_AUTHOR.id).where(
        or_(func.lower(_AUTHOR.handle).in_([name, f"@{name}"]), func.lower(_AUTHOR.name) == name)
    )


def meets(session: Session, filters: Filters) -> ColumnElement[bool]:
    """Whether a pair, joined with its mention, meets all else that is asked for."""
    return and_(true(), *_standing(filters), *_said(filters), *_read(session, filters))


def _standing(filters: Filters) -> Iterator[ColumnElement[bool]]:
    """Which pairs are listed at all: as those of ``read.mentions``."""
    if filters.cluster is not None:
        yield still_theirs(_PAIR)
        return
    yield _PAIR.void.is_(None)
    if filters.alert is not None:
        yield told_once(filters.alert)
        return
    if not filters.copies:
        yield _PAIR.copy_of.is_(None)
    yield _PAIR.hidden_why.is_not(None) if filters.hidden else _PAIR.hidden_why.is_(None)


def _said(filters: Filters) -> Iterator[ColumnElement[bool]]:
    """What is known of the mention itself."""
    if filters.source is not None:
        yield _MENTION.kind == filters.source
    if filters.feed is not None:
        yield _MENTION.source_id.in_(select(_SOURCE.id).where(_SOURCE.name == filters.feed))
    if filters.min_reach is not None:
        yield _MENTION.reach >= filters.min_reach


def _read(session: Session, filters: Filters) -> Iterator[ColumnElement[bool]]:
    """What a model or a person read out of it."""
    if filters.label == UNSCORED:
        yield _PAIR.scored_at.is_(None)
    elif filters.label == NO_LABEL:
        yield and_(_PAIR.scored_at.is_not(None), _PAIR.label.is_(None))
    elif filters.label is not None:
        yield _PAIR.label == filters.label
    if filters.polarity is not None:
        yield _PAIR.polarity == filters.polarity
    if filters.emotion is not None:
        yield _PAIR.emotion == filters.emotion
    if filters.lang is not None:
        # Kept without the region.
        yield _PAIR.lang == filters.lang.replace("_", "-").partition("-")[0].lower()
    if filters.theme is not None:
        yield _has_theme(session, filters.theme)
    if filters.unsure is not None:
        latest = select(_SCORE.unsure).where(_SCORE.mention_brand_id == _PAIR.id).order_by(_SCORE.id.desc()).limit(1)
        yield latest.correlate(table(MentionBrand)).scalar_subquery().is_(filters.unsure)


def _has_theme(session: Session, theme: str) -> ColumnElement[bool]:
    if session.get_bind().dialect.name == "postgresql":
        return cast(_PAIR.themes, JSONB).contains([theme])
    names = func.json_each(_PAIR.themes).table_valued("value")
    return select(names.c.value).where(names.c.value == theme).exists()
