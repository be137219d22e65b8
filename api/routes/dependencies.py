"""What the routes ask for."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, HTTPException, Path, Query, Request
from pydantic import AfterValidator
from sqlmodel import Session

from alerts.text import one_line, shorten
from api.evidence import Evidences
from api.turns import Turns
from api.wiring import Installation
from listener.items import as_utc
from listener.store import figures
from listener.store.tables import Brand

HIGHEST_ID = 2**63 - 1
"""The largest id either database can hold: a greater one is refused at the door."""


def installation(request: Request) -> Installation:
    """The installation behind this application."""
    return cast(Installation, request.app.state.installation)


def reading(request: Request) -> Iterator[Session]:
    """A session that sees one state of the database."""
    with installation(request).store.reading() as session:
        yield session


def turns(request: Request) -> Turns:
    """Whose turn it is to do what takes long."""
    return cast(Turns, request.app.state.turns)


def evidences(request: Request) -> Evidences:
    """Which words moved scores."""
    return cast(Evidences, request.app.state.evidences)


def _in_utc(moment: datetime) -> datetime:
    try:
        return as_utc(moment)
    except OverflowError as error:  # at either end of the calendar another zone's moment has no year in ours
        raise ValueError("no calendar reaches so far; give a moment of these centuries") from error


Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""A moment with its zone, of a body or an address, in UTC."""

Installed = Annotated[Installation, Depends(installation)]
Explained = Annotated[Evidences, Depends(evidences)]
InTurn = Annotated[Turns, Depends(turns)]
Reading = Annotated[Session, Depends(reading)]
Id = Annotated[int, Path(ge=1, le=HIGHEST_ID)]
Before = Annotated[int | None, Query(ge=1, le=HIGHEST_ID, description="`next` of the page before this one.")]
Limit = Annotated[int, Query(ge=1, le=200, description="Rows on a page.")]
BrandName = Annotated[str | None, Query(max_length=500, description="Only of this brand.")]


def named(session: Session, names: Collection[str | None], brands: frozenset[int] | None) -> Sequence[Brand]:
    """The brands of these names (None = none is asked for) among those that somebody may see (None = all). Raises
    HTTPException 404 where one is not there or not theirs: no rows would look as if nobody spoke of it."""
    wanted = {name for name in names if name is not None}
    found = figures.brands_of(session, brands, wanted) if wanted else ()
    missing = sorted(wanted - {brand.name for brand in found})
    if missing:
        said = shorten(one_line(missing[0]), 60)
        raise HTTPException(404, f"no brand is called {said!r}; GET /api/v1/brands has those that there are")
    return found
