"""What somebody asks of the figures, in an address of the API or of a page: brands, a window, a clock, a narrowing."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import HTTPException, Query
from sqlmodel import Session

from alerts.policy import zone_named
from api.routes.dependencies import Moment, named
from listener.access import Caller, Permission
from listener.buckets import MOST, Buckets, Every, cut, fitting, whole_hours
from listener.store import figures
from listener.store.figures import By, Only, Wanted
from listener.store.tables import Brand

USUAL = timedelta(days=7)
LONGEST = timedelta(days=1_100)
"""Three years: a window of hours that is still read at once."""

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

MOST_BRANDS = 20

Name = Annotated[str, Query(max_length=500)]
Narrowed = Annotated[str | None, Query(max_length=500)]


@dataclass(frozen=True, slots=True)
class Raw:
    """What an address says, of the right types and lengths and no more. Make it with ``from_address``."""

    brand: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    zone: str = "UTC"
    label: str | None = None
    polarity: str | None = None
    emotion: str | None = None
    source: str | None = None
    lang: str | None = None
    theme: str | None = None


def from_address(
    brand: Annotated[
        list[Name],
        Query(max_length=MOST_BRANDS, description="Of these brands; of all that you may see."),
    ] = [],  # noqa: B006 - FastAPI copies it
    since: Annotated[
        Moment | None,
        Query(description="From when on, in whole hours of UTC; 7 days before `until`."),
    ] = None,
    until: Annotated[Moment | None, Query(description="Up to when; now.")] = None,
    zone: Annotated[
        str,
        Query(max_length=64, description="By whose clock days and weeks begin.", examples=["Europe/Madrid"]),
    ] = "UTC",
    label: Annotated[Narrowed, Query(description="Only promoter, passive or detractor.")] = None,
    polarity: Annotated[Narrowed, Query(description="Only of this polarity of the text.")] = None,
    emotion: Annotated[Narrowed, Query(description="Only with this emotion.")] = None,
    source: Annotated[Narrowed, Query(description="Only of this platform.")] = None,
    lang: Annotated[Narrowed, Query(description="Only in this language (`es`).")] = None,
    theme: Annotated[Narrowed, Query(description="Only of this theme.")] = None,
) -> Raw:
    """The parameters that all figures have."""
    return Raw(brand, since, until, zone, label, polarity, emotion, source, lang, theme)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, understood: brands that the caller may see, a window of whole hours in UTC, a clock."""

    brands: Sequence[Brand]
    since: datetime
    until: datetime
    zone: ZoneInfo
    only: Only | None = None

    @property
    def wanted(self) -> Wanted:
        """As the store asks for it."""
        ids = frozenset(brand.id for brand in self.brands if brand.id is not None)
        return Wanted(ids, self.since, self.until, self.only)

    @property
    def before(self) -> "Question":
        """The same of the window before, which is as long and ends where this one begins."""
        return replace(self, since=self.since - (self.until - self.since), until=self.since)

    def buckets(self, every: Every | None, most: int = MOST) -> Buckets:
        """The window cut up; None: as finely as ``most`` points allow. Raises HTTPException 422 for more of them."""
        finest = fitting(self.since, self.until, most)
        found = cut(self.since, self.until, every or finest, self.zone)
        if len(found.all) > most + 2:
            raise HTTPException(422, f"that would be {len(found.all)} points, {most} at most: ask for bucket={finest}")
        return found


def understand(session: Session, raw: Raw, asking: Caller, now: datetime) -> Question:
    """Raises HTTPException 404 for a brand that is not there or not theirs, 422 for what cannot be asked."""
    may = asking.brands(Permission.READ_FIGURES)
    brands = named(session, raw.brand, may) if raw.brand else figures.brands_of(session, may)
    since, until = _window(raw, now)
    try:
        zone = zone_named(raw.zone)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    return Question(brands, since, until, zone, _only(raw))


def _window(raw: Raw, now: datetime) -> tuple[datetime, datetime]:
    until = raw.until or now
    for moment in (raw.since or until, until):
        if not EARLIEST <= moment <= LATEST:
            raise HTTPException(422, f"give moments of the years {EARLIEST:%Y} to {LATEST:%Y}")
    since = raw.since or until - USUAL
    if since >= until:
        raise HTTPException(422, "the window is empty: since must come before until")
    if until - since > LONGEST:
        raise HTTPException(422, f"the window is longer than {LONGEST.days} days: ask for parts of it")
    return whole_hours(since, until)


def _only(raw: Raw) -> Only | None:
    said = {by: value for by in By if (value := getattr(raw, by.value))}
    if len(said) > 1:
        raise HTTPException(
            422,
            f"figures are narrowed by one thing at a time, not by {' and '.join(sorted(said))}: leave all but one out "
            "(GET /api/v1/mentions takes all filters together)",
        )
    return next((Only(by, value) for by, value in said.items()), None)


def version_of(*parts: Any) -> str:
    """A short name for figures: the same ones have the same name, others another."""
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()[:32]
