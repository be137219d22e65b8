"""The hourly figures: moved along in the transaction that changes what they count."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import Session

from listener.store.engine import upsert
from listener.store.tables import Mention, MentionBrand, RollupHour, table

UNLABELLED = "none"
"""The rollup's label for a pair whose model gave none."""

Key = tuple[int, str, str, datetime]


def counted_as(row: Row[Any]) -> str | None:
    """The label under which the figures count a pair now (a row with scored_at, hidden_why, void and label);
    None = they do not."""
    left_out = row.scored_at is None or row.hidden_why is not None or row.void is not None
    return None if left_out else row.label or UNLABELLED


class Moves:
    """What is to be taken from and added to the figures. Only pairs that are scored and shown are counted; a copy
    counts among the copies, and its reach is added to the others'."""

    def __init__(self) -> None:
        self._mentions: Counter[Key] = Counter()
        self._copies: Counter[Key] = Counter()
        self._reach: Counter[Key] = Counter()

    def move(
        self,
        brand_id: int,
        kind: str,
        said_at: datetime,
        reach: int | None,
        *,
        before: str | None,
        after: str | None,
        copy: bool = False,
    ) -> None:
        """A pair goes from one label's figures to another's. None: it was not, or is no longer, counted."""
        if before == after:
            return
        hour = said_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        numbers = self._copies if copy else self._mentions
        for label, sign in ((before, -1), (after, 1)):
            if label is not None:
                numbers[brand_id, kind, label, hour] += sign
                self._reach[brand_id, kind, label, hour] += sign * (reach or 0)

    def keep(self, session: Session) -> None:
        """Write them, in key order, so that two writers wait for each other instead of deadlocking."""
        rows = [
            {
                "brand_id": key[0],
                "kind": key[1],
                "label": key[2],
                "hour": key[3],
                "mentions": self._mentions[key],
                "copies": self._copies[key],
                "reach": self._reach[key],
            }
            # Every change is one of reach too, if only of none.
            for key in sorted(self._reach)
            if self._mentions[key] or self._copies[key] or self._reach[key]
        ]
        upsert(
            session,
            table(RollupHour),
            rows,
            key=("brand_id", "kind", "label", "hour"),
            add=("mentions", "copies", "reach"),
        )
        for counter in (self._mentions, self._copies, self._reach):
            counter.clear()


@contextmanager
def moving(session: Session, pairs: Collection[int]) -> Iterator[None]:
    """Whatever the block does to these pairs and their mentions, the figures follow."""
    moves = Moves()
    for row in _rows(session, pairs):
        label = counted_as(row)
        moves.move(row.brand_id, row.kind, row.created_at, row.reach, before=label, after=None, copy=row.is_copy)
    yield
    for row in _rows(session, pairs):
        label = counted_as(row)
        moves.move(row.brand_id, row.kind, row.created_at, row.reach, before=None, after=label, copy=row.is_copy)
    moves.keep(session)


def _rows(session: Session, pairs: Collection[int]) -> Iterator[Row[Any]]:
    pair, mention = table(MentionBrand).c, table(Mention).c
    ids = sorted(pairs)
    # SQLite takes a limited number of parameters in one statement.
    for start in range(0, len(ids), 500):
        yield from session.connection().execute(
            select(
                pair.brand_id, pair.label, pair.scored_at, pair.hidden_why, pair.void,
                pair.copy_of.is_not(None).label("is_copy"), mention.kind, mention.created_at, mention.reach,
            )
            .join_from(table(MentionBrand), table(Mention), mention.id == pair.mention_id)
            .where(pair.id.in_(ids[start : start + 500]), pair.scored_at.is_not(None))
        )  # fmt: skip
