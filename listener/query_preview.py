"""A query, and the words beside it, tried on what is stored before anybody saves them. Writes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from listener.query import Query, QueryError, Span, explaining, parse, prepare
from listener.query.explaining import Explained, Mistake
from listener.query.text import MatchText
from listener.relevance import Decision, Rules, rules, trusted
from listener.store import previews
from listener.store.previews import Stored
from listener.store.tables import Brand
from sentiment import language

READ = 2_000
"""The latest mentions that a query is held against: some days of most brands, and within a second."""

READ_OF_BRAND = 1_000
"""The latest of a brand's own, to see which of them a changed query would lose."""

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is tried; as the fields of a brand in escucha.yml."""

    query: str
    context: Sequence[str] = ()
    unless: Sequence[str] = ()
    relevance: float | bool | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A stored mention that the query finds. ``hidden``: why it would be hidden all the same (None = it would not);
    ``brands``: those it is stored for already."""

    mention: Stored
    spans: tuple[Span, ...]
    hidden: str | None = None
    brands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What came of it.

    ``mistakes``: a field (``query``, ``unless.0``) -> where it does not read; with any, nothing else is known.
    ``read``: how many mentions were looked at, the oldest from ``since``; ``found`` of them match, of which ``hidden``
    would be hidden and ``new`` are not stored for the brand yet. ``lost`` of ``held``: mentions of the brand that the
    query finds no more, and how many of them were looked at.
    """

    mistakes: Mapping[str, Mistake] = field(default_factory=dict)
    explained: Explained | None = None
    read: int = 0
    since: datetime | None = None
    found: int = 0
    hidden: int = 0
    new: int = 0
    matches: Sequence[Match] = ()
    held: int = 0
    lost: int = 0
    losses: Sequence[Match] = ()


def preview(
    session: Session, wanted: Wanted, brand: Brand | None, among: frozenset[int] | None, only: frozenset[int] | None
) -> Preview:
    """Try it. ``brand``: whose query it is to be, if it exists already. ``among``: ids of the brands whose mentions may
    be seen, ``only``: those that are looked at (None = all)."""
    mistakes = _mistakes(wanted)
    if mistakes:
        return Preview(mistakes=mistakes)
    explained = explaining.explain(wanted.query)
    decide = rules(_relevance(wanted))
    stored = previews.latest(session, only, READ)
    hits = _hits(explained.query, stored)
    known = previews.known(session, brand.id or 0, [one.id for one, _ in hits]) if brand is not None else {}
    judged = [(one, spans, _judged(decide, one, spans, known.get(one.id))) for one, spans in hits]
    shown = judged[:SHOWN]
    names = previews.names(session, [one.id for one, _, _ in shown], among)
    held = previews.of_brand(session, brand.id or 0, READ_OF_BRAND) if brand is not None else []
    kept = {one.id for one, _ in _hits(explained.query, held)}
    losses = [one for one in held if one.id not in kept]
    return Preview(
        explained=explained,
        read=len(stored),
        since=stored[-1].created_at if stored else None,
        found=len(hits),
        hidden=sum(decision.hidden for _, _, decision in judged),
        new=sum(one.id not in known for one, _ in hits) if brand is not None else 0,
        matches=[
            Match(one, spans, decision.sentence if decision.hidden else None, tuple(names.get(one.id, ())))
            for one, spans, decision in shown
        ],
        held=len(held),
        lost=len(losses),
        losses=[Match(one, ()) for one in losses[:SHOWN]],
    )


def _mistakes(wanted: Wanted) -> dict[str, Mistake]:
    written = {"query": wanted.query}
    for name, several in (("context", wanted.context), ("unless", wanted.unless)):
        written |= {f"{name}.{number}": words for number, words in enumerate(several)}
    found = {}
    for place, words in written.items():
        try:
            parse(words)
        except QueryError as error:
            found[place] = explaining.mistake(words, error.problem, error.column)
    return found


def _relevance(wanted: Wanted) -> dict[str, Any]:
    said: dict[str, Any] = {"context": list(wanted.context), "unless": list(wanted.unless)}
    return said if wanted.relevance is None else said | {"threshold": wanted.relevance}


def _hits(query: Query, stored: Sequence[Stored]) -> list[tuple[Stored, tuple[Span, ...]]]:
    asks_language = "lang" in query.fields()
    held = ((one, query.match(_prepared(one, asks_language=asks_language))) for one in stored)
    return [(one, spans) for one, spans in held if spans is not None]


def _prepared(one: Stored, *, asks_language: bool) -> MatchText:
    """As ``listener.matching`` prepares what comes in."""
    lang = one.about.lang
    if lang is None and asks_language:
        found = language.identify(one.text)
        lang = None if found == language.UNKNOWN else found
    return prepare(one.text, lang=lang, source=one.about.source, author=one.about.author)


def _judged(decide: Rules, one: Stored, spans: Sequence[Span], known: previews.Known | None) -> Decision:
    probability = None if known is None or known.probability is None else trusted(known.probability, known.lang)
    said = None if known is None else known.said
    return decide.judge(one.text, spans, probability, said=said, wordless=not one.text, about=one.about)
