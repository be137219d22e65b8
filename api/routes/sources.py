"""How each source stands, and what was read of it hour by hour."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Self

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import AwareDatetime, BaseModel, Field
from sqlmodel import Session

from alerts.wording import counted
from api.access import needs
from api.routes.dependencies import Installed, Reading
from listener import clock, coverage
from listener.access import Caller, Permission
from listener.coverage import HourState
from listener.error_words import Kind
from listener.store import brands
from listener.store import coverage as ledger
from listener.store.source_status import Stand, Standing, standings
from listener.store.tables import Gap as GapRow
from listener.store.tables import Source

router = APIRouter(prefix="/api/v1/sources", tags=["sources"])

MayRead = Annotated[Caller, needs(Permission.READ_SETUP)]

LONGEST = timedelta(days=31)
"""The longest stretch that is told at once."""


class Trouble(BaseModel):
    """What is wrong."""

    kind: Kind
    words: str = Field(description="What is wrong, for somebody who is no engineer.")
    to_do: str = Field(description="Who must do what.")
    said: str = Field(description="The error as it came, for whoever set the source up.")


class Gap(BaseModel):
    """A stretch of which something is known to be missing."""

    since: datetime
    until: datetime
    cause: str = Field(description="capped, restart, history or unread (a part of the place could not be read).")
    why: str
    state: str = Field(
        description="growing (as long as a part cannot be read), open (it is read again), filled, partly (some of it "
        "came) or lost."
    )
    tries: int = Field(description="Tries that failed.")
    found: int = Field(description="Items that came out of reading it again.")
    closed_at: datetime | None = Field(description="When it was filled or given up.")

    @classmethod
    def of(cls, row: GapRow) -> Self:
        """The same as it is stored."""
        return cls.model_validate(row.model_dump(include=set(cls.model_fields)))


class SourceStatus(BaseModel):
    """How a source stands."""

    name: str
    kind: str
    state: Stand
    words: str = Field(description="The same in words.")
    to_do: str | None = Field(description="What somebody must do, if anything.")
    unread: list[str] = Field(description="Parts of the place that the last run could not read, with why.")
    waits_for_a_person: bool
    trouble: Trouble | None
    every_s: int | None = Field(description="Read every so many seconds; null = on demand.")
    last_run_at: datetime | None
    last_success_at: datetime | None
    covered_to: datetime | None = Field(description="Up to when it has been read, gaps apart.")
    behind_s: int | None = Field(description="How long ago that is, in seconds; null = it was never read.")
    late: bool = Field(description="It is behind by more than its interval.")
    next_at: datetime | None = Field(description="When it is read next; null = now, or not by itself.")
    found_1h: int | None = Field(description="Items handed out in this and the last hour; null = it was not read.")
    found_24h: int | None = Field(description="The same of the last 24 hours.")
    new_1h: int | None = Field(description="New mentions among those of this and the last hour.")
    new_24h: int | None = Field(description="The same of the last 24 hours.")
    open_gaps: int
    missed: list[Gap] = Field(description="What was given up in the last day.")

    @classmethod
    def of(cls, standing: Standing) -> Self:
        """The same of a source."""
        row, wrong = standing.source, standing.trouble
        return cls(
            name=row.name,
            kind=row.kind,
            state=standing.stand,
            words=standing.words,
            to_do=standing.to_do,
            unread=row.unread or [],
            waits_for_a_person=standing.waits,
            trouble=wrong and Trouble(kind=wrong.kind, words=wrong.words, to_do=wrong.to_do, said=wrong.said),
            every_s=row.every_s,
            last_run_at=row.last_run_at,
            last_success_at=row.last_success_at,
            covered_to=row.covered_to,
            behind_s=None if standing.behind is None else round(standing.behind.total_seconds()),
            late=standing.late,
            next_at=standing.next_at,
            found_1h=standing.found.hour,
            found_24h=standing.found.day,
            new_1h=standing.found.new_hour,
            new_24h=standing.found.new_day,
            open_gaps=standing.open_gaps,
            missed=[Gap.of(gap) for gap in standing.missed],
        )


class Sources(BaseModel):
    """All sources, by name."""

    items: list[SourceStatus]


class Hour(BaseModel):
    """One hour of a source. Only in a `covered` hour do no mentions mean that nobody said anything."""

    hour: datetime = Field(description="When it begins.")
    state: HourState
    covered: float = Field(description="The share of it that has been read, from 0 to 1.")
    mentions: int | None = Field(
        description="Mentions said in it, whenever they were found; null = none is stored and none of it was read, so "
        "nobody knows."
    )
    why: str | None = Field(description="Why it is not covered, in the words of the last error or of its gap.")
    gap: str | None = Field(
        description="The state of a known gap in it: growing, open, partly or lost; null = there is none."
    )
    polls: int = Field(description="Runs begun in it, by the clock; the figures below are of these.")
    finished: int
    found: int | None = Field(description="Items handed out; null = nothing was read.")
    stored: int | None = Field(description="New mentions among them; null = nothing was read.")
    capped: int
    truncated: int = Field(description="Runs broken off on our side, or that ended without a part of the place.")
    rate_limited: int
    failed: int


class SourceCoverage(BaseModel):
    """What was read of a source, hour by hour."""

    name: str
    since: datetime
    until: datetime
    mentions: int = Field(description="Mentions said in these hours and stored.")
    mentions_in_words: str
    hours: list[Hour]
    gaps: list[Gap]

    @classmethod
    def of(cls, session: Session, source: Source, since: datetime, until: datetime, now: datetime) -> Self:
        """The coverage of a source between two moments."""
        assert source.id is not None
        since = coverage.hour_of(since)
        record = ledger.record(session, source, since, until)
        said = ledger.mentions(session, source.id, since, until)
        hours = [_hour(hour, said.get(hour.hour, 0)) for hour in coverage.hours(record, since, until, now)]
        number = sum(said.values())
        return cls(
            name=source.name, since=since, until=until, mentions=number,
            mentions_in_words=_in_words(number, hours), hours=hours,
            gaps=[Gap.of(gap) for gap in ledger.gaps(session, source.id, since, until)],
        )  # fmt: skip


_NOBODYS = (HourState.WAITING, HourState.BEFORE, HourState.FUTURE)
"""Hours of which nothing was to be read."""


def _in_words(number: int, hours: list[Hour]) -> str:
    """How many mentions, with how sure that is: no mentions is not the same as nothing read."""
    asked = [hour for hour in hours if hour.state not in _NOBODYS]
    whole = sum(hour.state is HourState.COVERED for hour in asked)
    if not asked and not number:
        return "nothing of these hours was to be read yet"
    if not number and not any(hour.covered for hour in hours):
        return "whether anything was said nobody knows: nothing of these hours was read"
    said = f"{counted(number, 'mention')} in {counted(len(asked), 'hour')}"
    return f"{said}, all of them read" if whole == len(asked) else f"at least {said}, of which {whole} read to the end"


def _hour(hour: coverage.Hour, mentions: int) -> Hour:
    polls = hour.polls
    return Hour(
        hour=hour.hour, state=hour.state, covered=round(hour.covered / coverage.HOUR, 4),
        mentions=mentions if mentions or hour.covered else None, why=hour.why, gap=hour.gap, polls=polls.polls,
        finished=polls.finished, found=polls.found if polls.read else None,
        stored=polls.stored if polls.read else None, capped=polls.capped, truncated=polls.truncated,
        rate_limited=polls.rate_limited, failed=polls.failed,
    )  # fmt: skip


@router.get("", summary="List sources")
def list_sources(
    session: Reading,
    installed: Installed,
    asking: MayRead,
    everything: Annotated[
        bool, Query(alias="all", description="Also those that are switched off or read on demand.")
    ] = False,
) -> Sources:
    """How every source stands that is read for the caller's brands: last success, how far behind, next run, what is
    wrong and who must act."""
    found = standings(session, clock.now(), installed.patience, everything=everything)
    mine = reads_for(session, asking)
    return Sources(items=[SourceStatus.of(standing) for standing in found if mine(standing.source)])


def reads_for(session: Session, asking: Caller) -> Callable[[Source], bool]:
    """Whether a source is read for a brand that whoever asks may see; those read for all brands are."""
    among = asking.brands(Permission.READ_SETUP)
    names = None if among is None else {row.name for row in brands.listed(session, among)}
    return lambda source: names is None or source.brands is None or not names.isdisjoint(source.brands)


@router.get(
    "/{name:path}/coverage",
    summary="Coverage of a source",
    responses={404: {"description": "There is no such source."}},
)
def list_hours(
    session: Reading,
    asking: MayRead,
    name: Annotated[str, Path(max_length=500)],
    since: Annotated[
        AwareDatetime | None, Query(description="From when on, with its zone; by default the last 24 hours.")
    ] = None,
    until: Annotated[AwareDatetime | None, Query(description="Up to when; by default now.")] = None,
) -> SourceCoverage:
    """Hour by hour: whether all was read, and if not, why. At most 31 days at once."""
    now = clock.now()
    end = until or now
    start = since or end - timedelta(hours=23)
    if start >= end or end - start > LONGEST:
        raise HTTPException(422, "since must lie before until, and not more than 31 days")
    source = brands.source_named(session, name)
    if source is None or not reads_for(session, asking)(source):
        raise HTTPException(404, f"there is no source {name!r}")
    return SourceCoverage.of(session, source, start, end, now)
