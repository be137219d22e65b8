"""The hourly figures: moved along in the transaction that changes what they count."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session

from listener.store.engine import upsert
from listener.store.tables import Mention, MentionBrand, RollupFacet, RollupHour, table

UNLABELLED = "none"
"""The rollup's label for a pair whose model gave none."""

Key = tuple[int, str, str, datetime]
FacetKey = tuple[int, str, str, str, datetime]


class Facet(StrEnum):
    """What else is known of a pair, and counted beside its label."""

    LANG = "lang"
    POLARITY = "polarity"
    EMOTION = "emotion"
    THEME = "theme"


def counted_as(row: Row[Any]) -> str | None:
    """The label under which the figures count a pair now (a row with scored_at, hidden_why, void and label);
    None = they do not."""
    left_out = row.scored_at is None or row.hidden_why is not None or row.void is not None
    return None if left_out else row.label or UNLABELLED


class Moves:
    """What is to be taken from and added to the figures. Only pairs that are scored and shown are counted; a copy
    counts among the copies, and its reach is added to the others'. By facets no copies are counted."""

    def __init__(self) -> None:
        self._mentions: Counter[Key] = Counter()
        self._copies: Counter[Key] = Counter()
        self._reach: Counter[Key] = Counter()
        self._facets: Counter[FacetKey] = Counter()

    def count(self, row: Row[Any], sign: int) -> None:
        """Count a pair as it stands (1), or count it no longer (-1)."""
        label = counted_as(row)
        if label is None:
            return
        hour = row.created_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        key = (row.brand_id, row.kind, label, hour)
        self._reach[key] += sign * (row.reach or 0)
        if row.is_copy:
            self._copies[key] += sign
            return
        self._mentions[key] += sign
        for facet, value in _facets(row):
            self._facets[row.brand_id, facet, value, label, hour] += sign

    def keep(self, session: Session) -> None:
        """Write them, in key order, so that two writers wait for each other instead of deadlocking."""
        numbers = {"mentions": self._mentions, "copies": self._copies, "reach": self._reach}
        _add(session, RollupHour, ("brand_id", "kind", "label", "hour"), numbers)
        _add(session, RollupFacet, ("brand_id", "facet", "value", "label", "hour"), {"mentions": self._facets})


def _facets(row: Row[Any]) -> Iterator[tuple[str, str]]:
    for facet, value in ((Facet.LANG, row.lang), (Facet.POLARITY, row.polarity), (Facet.EMOTION, row.emotion)):
        if value is not None:
            yield facet.value, value
    for theme in row.themes:
        yield Facet.THEME.value, theme


def _add(
    session: Session,
    model: type[RollupHour | RollupFacet],
    names: tuple[str, ...],
    numbers: dict[str, Counter[Any]],
) -> None:
    keys = sorted({key for counter in numbers.values() for key, number in counter.items() if number})
    rows = [
        dict(zip(names, key, strict=True)) | {name: counter[key] for name, counter in numbers.items()} for key in keys
    ]
    upsert(session, table(model), rows, key=names, add=tuple(numbers))


@contextmanager
def moving(session: Session, pairs: Collection[int]) -> Iterator[None]:
    """Whatever the block does to these pairs and their mentions, the figures follow. No such block within another
    about the same pairs: both would count what the inner one does."""
    moves = Moves()
    for row in _rows(session, pairs):
        moves.count(row, -1)
    yield
    for row in _rows(session, pairs):
        moves.count(row, 1)
    moves.keep(session)


def _rows(session: Session, pairs: Collection[int]) -> Iterator[Row[Any]]:
    pair, mention = table(MentionBrand).c, table(Mention).c
    ids = sorted(pairs)
    # SQLite takes a limited number of parameters in one statement.
    for start in range(0, len(ids), 500):
        yield from session.connection().execute(
            select(
                pair.brand_id, pair.label, pair.scored_at, pair.hidden_why, pair.void,
                pair.copy_of.is_not(None).label("is_copy"), pair.lang, pair.polarity, pair.emotion, pair.themes,
                mention.kind, mention.created_at, mention.reach,
            )
            .join_from(table(MentionBrand), table(Mention), mention.id == pair.mention_id)
            .where(pair.id.in_(ids[start : start + 500]), pair.scored_at.is_not(None))
        )  # fmt: skip
