"""Figures: mentions over time and by what is known of them, shares with intervals, share of voice, totals.

Everything is read from hourly rollups, so that it takes as long for a million mentions as for a thousand.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Response
from pydantic import BaseModel, Field

from alerts import expectation
from alerts.digest_figures import Counts
from alerts.expectation import Interval
from api import asked
from api.access import needs
from api.asked import Question, Raw
from api.etags import LONGEST, etag, none_match
from api.routes.dependencies import Reading
from listener import clock
from listener.access import Caller, Permission
from listener.buckets import Every
from listener.store import figures
from listener.store.figures import By, Uncounted

router = APIRouter(prefix="/api/v1/figures", tags=["figures"])

Found = TypeVar("Found")

Reader = Annotated[Caller, needs(Permission.READ_FIGURES)]
Asked = Annotated[Raw, Depends(asked.from_address)]
NoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=LONGEST, description="The last ETag.")]

NOTE = (
    "Counts of what the model said (less what people corrected), each story counted once, copies not. An interval is "
    "for chance alone, 95 %: that the model may be wrong is not in it."
)

REFUSED: dict[int | str, dict[str, Any]] = {
    304: {"description": "Nothing has changed since the ETag in If-None-Match."},
    404: {"description": "A brand is not there."},
    422: {"description": "The window, the zone or the combination cannot be asked; the detail says what can."},
}


class Share(BaseModel):
    """A share with its 95 % Wilson score interval, all 0 to 1. The interval is for chance alone."""

    value: float
    low: float
    high: float


class Net(BaseModel):
    """Net inferred stance: share of promoters less share of detractors, -1 to 1, with its 95 % interval (Agresti and
    Min). Inferred from words: it is no Net Promoter Score, nobody was asked."""

    value: float
    low: float
    high: float
    inferred: bool = Field(True, description="Always: nobody was asked.")


class Change(BaseModel):
    """What has changed since the window before, with the 95 % interval of the difference (Newcombe)."""

    value: float
    low: float
    high: float
    clear: bool = Field(description="Whether the interval leaves out 0: more than chance alone would do.")


class Answer(BaseModel):
    """What all figures say of themselves."""

    brands: list[str] = Field(description="The brands that were counted; one mention counts for each that it is about.")
    since: datetime = Field(description="Widened to whole hours (UTC).")
    until: datetime
    note: str = Field(NOTE, description="What these numbers are, in words.")


class Point(BaseModel):
    """A stretch of time."""

    since: datetime
    until: datetime
    whole: int = Field(description="Mentions that shares are of: of stances those that have one, else all.")


class Line(BaseModel):
    """One value over all points, in their order."""

    value: str = Field(description="`all` where nothing is told apart.")
    counts: list[int]
    shares: list[Share | None] = Field(description="null where there is nothing to have a share of.")


class Series(Answer):
    """Mentions over time."""

    zone: str
    bucket: Every
    points: list[Point]
    lines: list[Line] = Field(description="At most 30, those with the most mentions first; stances in their own order.")


class Part(BaseModel):
    """One value."""

    value: str
    mentions: int
    share: Share | None


class Shares(Answer):
    """What mentions are made up of."""

    by: By
    whole: int = Field(description="As in a series' points. Themes overlap: theirs need not come to the whole.")
    parts: list[Part] = Field(description="At most 30, those with the most mentions first; stances in their own order.")


class Voice(Answer):
    """How much of what is said of several brands is said of each."""

    whole: int
    parts: list[Part] = Field(description="A brand each, the most spoken of first.")
    kinds: list[str] = Field(description="The platforms that count: all brands are listened for in all their sources.")
    left_out: list[str] = Field(description="Platforms where some brand had no chance to be heard.")
    later: list[str] = Field(description="Brands that are listened for only since a moment within the window.")


class Total(BaseModel):
    """How many, in one window."""

    mentions: int
    promoters: int
    passives: int
    detractors: int
    copies: int | None = Field(description="null where the filter is one that copies are not counted by.")
    reach: int | None
    shares: dict[str, Share | None] = Field(description="By stance, of those that have one.")
    net: Net | None = Field(description="null where nothing has a stance.")


class Totals(Answer):
    """A window held against the one before, which is as long."""

    now: Total
    before: Total
    change: dict[str, Change | None] = Field(description="By stance: how far its share has moved; null where unknown.")
    net_change: Change | None
    comparable: bool = Field(description="false = a brand was not listened for through all of the window before.")


@router.get("/series", response_model=Series, responses=REFUSED)
def series(
    asking: Reader,
    session: Reading,
    response: Response,
    raw: Asked,
    by: Annotated[By | None, Query(description="What mentions are told apart by.")] = None,
    bucket: Annotated[Every | None, Query(description="As fine as 400 points allow where it is left out.")] = None,
    if_none_match: NoneMatch = None,
) -> Any:
    """Mentions over time, with shares and their intervals."""
    question = asked.understand(session, raw, asking, clock.now())
    buckets = question.buckets(bucket)
    found = counted(lambda: figures.series(session, question.wanted, by, buckets))
    lines = [
        Line(value=value, counts=list(counts), shares=[_share(*one) for one in zip(counts, found.whole, strict=True)])
        for value, counts in found.counts.items()
    ]
    points = [
        Point(since=one.since, until=one.until, whole=whole)
        for one, whole in zip(buckets.all, found.whole, strict=True)
    ]
    said = Series(**_about(question), zone=question.zone.key, bucket=buckets.every, points=points, lines=lines)
    return _tagged(response, said, if_none_match)


@router.get("/shares", response_model=Shares, responses=REFUSED)
def shares(
    asking: Reader,
    session: Reading,
    response: Response,
    raw: Asked,
    by: Annotated[By, Query(description="What mentions are told apart by.")] = By.LABEL,
    if_none_match: NoneMatch = None,
) -> Any:
    """What the mentions of a window are made up of, each share with its interval."""
    question = asked.understand(session, raw, asking, clock.now())
    found = counted(lambda: figures.parts(session, question.wanted, by))
    said = Shares(**_about(question), by=by, whole=found.whole, parts=_parts(found.counts, found.whole))
    return _tagged(response, said, if_none_match)


@router.get("/voice", response_model=Voice, responses=REFUSED)
def voice(asking: Reader, session: Reading, response: Response, raw: Asked, if_none_match: NoneMatch = None) -> Any:
    """Share of voice between brands, on the platforms where all of them are listened for."""
    question = asked.understand(session, raw, asking, clock.now())
    if question.only is not None:
        raise HTTPException(422, f"share of voice is of all mentions: leave {question.only.by} out")
    found = figures.voice(session, question.brands, question.since, question.until)
    whole = sum(found.counts.values())
    said = Voice(
        **_about(question), whole=whole, parts=_parts(found.counts, whole), kinds=list(found.kinds),
        left_out=list(found.left_out), later=later(question),
    )  # fmt: skip
    return _tagged(response, said, if_none_match)


@router.get("/totals", response_model=Totals, responses=REFUSED)
def totals(asking: Reader, session: Reading, response: Response, raw: Asked, if_none_match: NoneMatch = None) -> Any:
    """A window's totals and the ones of the window before, with the interval of every difference."""
    question = asked.understand(session, raw, asking, clock.now())
    now = counted(lambda: figures.totals(session, question.wanted))
    before = figures.totals(session, question.before.wanted)
    narrow = question.only is not None and question.only.by in figures.FACETS
    said = Totals(
        **_about(question), now=_total(now, narrow=narrow), before=_total(before, narrow=narrow),
        change={label: _change(_interval(now, label), _interval(before, label)) for label in figures.LABELS},
        net_change=_change(now.net, before.net), comparable=not later(question.before),
    )  # fmt: skip
    return _tagged(response, said, if_none_match)


def counted(ask: Callable[[], Found]) -> Found:
    """What the store answers. Raises HTTPException 422 for what the rollups do not hold."""
    try:
        return ask()
    except Uncounted as error:
        raise HTTPException(422, str(error)) from error


def _tagged(response: Response, said: Answer, if_none_match: str | None) -> Any:
    tag = etag(asked.version_of(said.model_dump(mode="json")))
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if none_match(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return said


def later(question: Question) -> list[str]:
    """The brands that were not listened for yet when the window began."""
    return [brand.name for brand in question.brands if brand.created_at > question.since]


def _about(question: Question) -> dict[str, object]:
    return {
        "brands": [brand.name for brand in question.brands], "since": question.since, "until": question.until
    }  # fmt: skip


def _parts(counts: Mapping[str, int], whole: int) -> list[Part]:
    return [Part(value=value, mentions=number, share=_share(number, whole)) for value, number in counts.items()]


def _share(part: int, whole: int) -> Share | None:
    found = expectation.share(part, whole)
    return None if found is None else Share(value=found.value, low=found.low, high=found.high)


def _interval(counts: Counts, label: str) -> Interval | None:
    found = expectation.share(counts.of(label), counts.labelled)
    return None if found is None else found.interval


def _change(now: Interval | None, before: Interval | None) -> Change | None:
    if now is None or before is None:
        return None
    value, low, high = expectation.difference(now, before)
    return Change(value=value, low=low, high=high, clear=low > 0 or high < 0)


def _total(counts: Counts, *, narrow: bool) -> Total:
    net = counts.net
    return Total(
        mentions=counts.mentions, promoters=counts.promoters, passives=counts.passives, detractors=counts.detractors,
        copies=None if narrow else counts.copies, reach=None if narrow else counts.reach,
        shares={label: _share(counts.of(label), counts.labelled) for label in figures.LABELS},
        net=None if net is None else Net(value=net[0], low=net[1], high=net[2]),
    )  # fmt: skip
