"""What is handed on to other programs: rows a page at a time, so that however many there are, few are held at once.

A page ends where the next one begins, so that nothing goes out twice. What is stored meanwhile is in none, but for what
was said before that place: a source that is read from its start brings such.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from listener.reuse import Permission
from listener.store import audit, inbox, promoters, search
from listener.store.promoters import Promoter
from listener.store.search import Cursor, Filters

PAGE = 200
"""Rows that are held at once: texts of a hundred thousand letters among them are no trouble."""

Place = Cursor | int
"""Where a page ended."""

Rows = list[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is exported. ``name``: of the file; ``page``: the rows after a place (None = the first ones), and where the
    next ones begin (None = these are the last)."""

    name: str
    columns: Sequence[str]
    page: Callable[[Session, Place | None], tuple[Rows, Place | None]]


_MENTION = (
    "id", "brand", "source", "feed", "native_id", "created_at", "collected_at", "edited_at", "author", "text", "url",
    "lang", "reach", "copies", "label", "said_stance", "polarity", "said_polarity", "emotion", "themes",
    "p_detractor", "p_passive", "p_promoter", "unsure", "relevance", "hidden_why", "model", "revision",
)  # fmt: skip
_PROMOTER = (
    "id", "brand", "source", "author", "author_url", "created_at", "permission", "text", "url", "lang", "reach",
    "p_promoter", "confirmed", "proof", "terms", "expires_at", "asked_at", "asked_by", "answered_at", "changed_at",
    "changed_by", "model", "revision",
)  # fmt: skip
_ALERT = (
    "id", "brand", "rule", "severity", "state", "because", "opened_at", "last_at", "count", "reach", "platforms",
    "languages", "created_at", "acknowledged_at", "acknowledged_by", "assigned_to", "team", "snoozed_until",
    "answered_at", "resolved_at", "resolved_by", "resolved_why", "reopened",
)  # fmt: skip
_AUDIT = ("id", "at", "actor", "action", "subject", "detail")


def mentions(brands: frozenset[int] | None, words: str, filters: Filters) -> Sheet:
    """Mentions of these brands (None = all), as ``search.find`` finds them, the latest said first."""

    def page(session: Session, after: Place | None) -> tuple[Rows, Place | None]:
        at = _cursor(after)
        found = search.find(session, brands=brands, words=words, filters=filters, after=at, limit=PAGE)
        return [_mention(dict(row)) for row in found.rows], found.next

    return Sheet("mentions", _MENTION, page)


def with_permission(brands: frozenset[int] | None, wanted: promoters.Wanted, now: datetime) -> Sheet:
    """Promoters of these brands, each with what its author allowed and the proof of it, as it stands now."""

    def page(session: Session, after: Place | None) -> tuple[Rows, Place | None]:
        found = promoters.find(session, wanted, now, brands=brands, after=_cursor(after), limit=PAGE)
        return [_promoter(one) for one in found.items], found.next

    return Sheet("promoters", _PROMOTER, page)


def alerts(brands: frozenset[int] | None, wanted: inbox.Wanted) -> Sheet:
    """Incidents of these brands, the latest first."""

    def page(session: Session, after: Place | None) -> tuple[Rows, Place | None]:
        return _by_id(inbox.rows(session, wanted, brands=brands, before=_number(after), limit=PAGE))

    return Sheet("alerts", _ALERT, page)


def kept_in_audit(**wanted: Any) -> Sheet:
    """Who changed what, the latest first. ``wanted``: as ``audit.listed`` takes it."""

    def page(session: Session, after: Place | None) -> tuple[Rows, Place | None]:
        found = audit.listed(session, **wanted, before=_number(after), limit=PAGE)
        return _by_id([{name: getattr(one, name) for name in _AUDIT} for one in found])

    return Sheet("audit", _AUDIT, page)


def _mention(row: Mapping[str, Any]) -> Mapping[str, Any]:
    stance = row["stance"]
    chances = {
        "p_detractor": _sum(stance, ("-2", "-1")),
        "p_passive": _sum(stance, ("0",)),
        "p_promoter": _sum(stance, promoters.SAID_SO),
    }
    return {**row, **chances, "polarity": row["tone"]}


def _sum(stance: Mapping[str, float] | None, levels: Iterable[str]) -> float | None:
    return None if stance is None else round(sum(stance.get(level, 0.0) for level in levels), 6)


def _promoter(one: Promoter) -> Mapping[str, Any]:
    known: Permission = one.permission
    chance = None if one.chance is None else round(one.chance, 6)
    return {
        **one.row, "permission": one.standing.value, "p_promoter": chance, "confirmed": one.confirmed,
        "proof": known.proof, "terms": known.terms, "expires_at": known.expires_at, "asked_at": known.asked_at,
        "asked_by": known.asked_by, "answered_at": known.answered_at, "changed_at": known.changed_at,
        "changed_by": known.changed_by,
    }  # fmt: skip


def _by_id(rows: Sequence[Mapping[str, Any]]) -> tuple[Rows, Place | None]:
    return list(rows), rows[-1]["id"] if len(rows) == PAGE else None


def _cursor(place: Place | None) -> Cursor | None:
    assert not isinstance(place, int)
    return place


def _number(place: Place | None) -> int | None:
    assert not isinstance(place, Cursor)
    return place
