"""Sources and coverage: how each place that is read stands, what was missed and why, and who must do something."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from api.access import needs
from api.dashboard.language import N_
from api.dashboard.rendering import show
from api.routes.dependencies import Id, Installed, Reading
from api.routes.sources import SourceCoverage, reads_for
from api.wiring import Installation
from listener import clock
from listener.access import Caller, Permission
from listener.coverage import HourState
from listener.store.source_status import Stand, standings
from listener.store.tables import Source

router = APIRouter(prefix="/sources", include_in_schema=False, default_response_class=HTMLResponse)

MayRead = Annotated[Caller, needs(Permission.READ_SETUP)]

STANDS = {
    Stand.OK: N_("up to date"),
    Stand.NEW: N_("not read yet"),
    Stand.READING: N_("being read"),
    Stand.BEHIND: N_("behind"),
    Stand.PARTLY: N_("read in part"),
    Stand.WAITING: N_("waits for its platform"),
    Stand.FAILING: N_("failing"),
    Stand.STOPPED: N_("stopped"),
    Stand.ON_DEMAND: N_("read on demand"),
    Stand.SENDS: N_("sends to us"),
    Stand.OFF: N_("off"),
}

HOURS = {
    HourState.COVERED: N_("read"),
    HourState.PARTLY: N_("read in part"),
    HourState.CAPPED: N_("more than the platform hands out"),
    HourState.RATE_LIMITED: N_("slowed down by the platform"),
    HourState.FAILED: N_("failed"),
    HourState.UNFINISHED: N_("begun, not ended"),
    HourState.NOT_POLLED: N_("not read"),
    HourState.WAITING: N_("still to be read"),
    HourState.BEFORE: N_("before it was listened to"),
    HourState.FUTURE: N_("to come"),
}
"""How an hour of a source stands."""

DAY = timedelta(hours=23)


@router.get("")
def list_sources(
    request: Request,
    asking: MayRead,
    installed: Installed,
    session: Reading,
    everything: Annotated[bool, Query(alias="all")] = False,
) -> HTMLResponse:
    """The sources read for the caller's brands, those that wait for a person first."""
    return show(request, "sources/sources.html", asking, _listed(session, installed, asking, everything=everything))


@router.get("/list")
def part(
    request: Request,
    asking: MayRead,
    installed: Installed,
    session: Reading,
    everything: Annotated[bool, Query(alias="all")] = False,
) -> HTMLResponse:
    """The part of that page that changes."""
    return show(request, "sources/list.html", asking, _listed(session, installed, asking, everything=everything))


@router.get("/{source_id}")
def one_source(request: Request, asking: MayRead, session: Reading, source_id: Id) -> HTMLResponse:
    """The last day of a source, hour by hour."""
    source = session.get(Source, source_id)
    if source is None or not reads_for(session, asking)(source):
        raise HTTPException(404, f"there is no source {source_id}")
    now = clock.now()
    found = SourceCoverage.of(session, source, now - DAY, now, now)
    return show(request, "sources/source.html", asking, {"source": source, "found": found, "hours": HOURS})


def _listed(session: Session, installed: Installation, asking: Caller, *, everything: bool) -> dict[str, Any]:
    mine = reads_for(session, asking)
    found = standings(session, clock.now(), installed.patience, everything=everything)
    rows = sorted((one for one in found if mine(one.source)), key=lambda one: not one.waits)
    return {
        "rows": rows,
        "stands": STANDS,
        "waiting": sum(one.waits for one in rows),
        "everything": everything,
        "spends": asking.may(Permission.READ_SETUP),
    }
