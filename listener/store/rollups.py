"""The hourly figures: moved along in the transaction that changes what they count."""

from collections import Counter
from datetime import UTC, datetime

from sqlmodel import Session

from listener.store.engine import upsert
from listener.store.tables import RollupHour, table

UNLABELLED = "none"
"""The rollup's label for a pair whose model gave none."""

Key = tuple[int, str, str, datetime]


class Moves:
    """What is to be taken from and added to the figures. Only pairs that are scored and shown are counted."""

    def __init__(self) -> None:
        self._mentions: Counter[Key] = Counter()
        self._reach: Counter[Key] = Counter()

    def move(
        self, brand_id: int, kind: str, said_at: datetime, reach: int | None, *, before: str | None, after: str | None
    ) -> None:
        """A pair goes from one label's figures to another's. None: it was not, or is no longer, counted."""
        if before == after:
            return
        hour = said_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        for label, sign in ((before, -1), (after, 1)):
            if label is not None:
                self._mentions[brand_id, kind, label, hour] += sign
                self._reach[brand_id, kind, label, hour] += sign * (reach or 0)

    def keep(self, session: Session) -> None:
        """Write them, in key order, so that two writers wait for each other instead of deadlocking."""
        upsert(
            session,
            table(RollupHour),
            [
                {
                    "brand_id": key[0],
                    "kind": key[1],
                    "label": key[2],
                    "hour": key[3],
                    "mentions": self._mentions[key],
                    "reach": self._reach[key],
                }
                for key in sorted(self._mentions)
            ],
            key=("brand_id", "kind", "label", "hour"),
            add=("mentions", "reach"),
        )
        self._mentions.clear()
        self._reach.clear()
