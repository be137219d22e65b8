"""What was said of each brand of late, from the hourly rollups."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlmodel import Session

from listener.store.callers import among
from listener.store.tables import Brand, RollupHour, table

DAY = timedelta(hours=24)

LABELS = ("promoter", "passive", "detractor")


@dataclass(frozen=True, slots=True)
class Said:
    """Mentions of a brand, each thing counted once. ``scored`` are those with a label."""

    brand: str
    mentions: int
    promoter: int
    passive: int
    detractor: int

    @property
    def scored(self) -> int:
        """Those with an inferred stance."""
        return self.promoter + self.passive + self.detractor


def last_day(session: Session, now: datetime, brands: frozenset[int] | None) -> list[Said]:
    """Of each brand that is listened for, the most spoken of first: whole hours, of which the last is under way."""
    hour, brand = table(RollupHour).c, table(Brand).c
    names = select(brand.id, brand.name).where(brand.active, among(brand.id, brands))
    known = {row.id: row.name for row in session.connection().execute(names)}
    since = (now - DAY).replace(minute=0, second=0, microsecond=0)
    query = (
        select(hour.brand_id, hour.label, func.sum(hour.mentions).label("number"))
        .where(hour.brand_id.in_(known), hour.hour > since, hour.hour <= now)
        .group_by(hour.brand_id, hour.label)
    )
    counted: dict[int, dict[str, int]] = defaultdict(dict)
    for row in session.connection().execute(query):
        counted[row.brand_id][row.label] = int(row.number)
    found = [
        Said(name, sum(counted[number].values()), *(counted[number].get(label, 0) for label in LABELS))
        for number, name in known.items()
    ]
    return sorted(found, key=lambda one: (-one.mentions, one.brand.casefold()))
