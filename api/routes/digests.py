"""Digests: what each team is told of a day or a week, to look at as it would be sent now."""

from datetime import date, datetime, time
from email.headerregistry import Address
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Response
from pydantic import BaseModel, Field
from sqlmodel import Session

from alerts.digest_period import Every, Period, at
from alerts.mail.message import compose as as_mail
from alerts.mail.message import page_of
from alerts.notice import Notice
from alerts.policy import Team
from api.access import needs
from api.addresses import public_url
from api.dashboard.pictures import POLICY, Turn
from api.routes.dependencies import Installed, Reading
from listener import clock
from listener.access import Caller, Permission
from listener.jobs.digest import brands_of, channels_of, compose

router = APIRouter(prefix="/api/v1/digests", tags=["digests"])

Reader = Annotated[Caller, needs(Permission.READ_FIGURES)]
TeamName = Annotated[str, Path(min_length=1, max_length=200, description="A team of escucha.yml.")]

_TOLD = (Permission.READ_FIGURES, Permission.READ_MENTIONS, Permission.READ_ALERTS)
"""A digest quotes mentions and names incidents, too."""

UNKNOWN = "no team of this name has a digest that you may see; GET /api/v1/digests has those that there are"

_RENDERED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The digest, in the form that was asked for.", "content": {"text/html": {}, "text/plain": {}}},
    404: {"description": "There is no such team, or its digest is about brands that are not yours."},
    503: {"description": "Many charts are drawn this moment; see Retry-After."},
}


class Digest(BaseModel):
    """A team's digests."""

    team: str
    language: str
    timezone: str
    brands: list[str] = Field(description="What they are about.")
    daily: str | None = Field(description="At what time of day (the team's own) it is due; null = it gets none.")
    weekly: str | None = Field(description="The same with the day, as `mon 08:00`.")
    channels: list[str] = Field(description="Where they go.")


class Digests(BaseModel):
    """All that the caller may see, in the order of escucha.yml."""

    items: list[Digest]
    next: None = Field(None, description="There are never more pages.")


@router.get("")
def teams(asking: Reader, session: Reading, installed: Installed) -> Digests:
    """The teams' digests: when they are due, what they are about, where they go."""
    found = []
    for team in installed.policy.teams:
        brands = _theirs(session, team, asking)
        if brands:
            found.append(
                Digest(
                    team=team.name, language=team.language, timezone=team.timezone, brands=brands,
                    daily=None if team.digest.daily is None else f"{team.digest.daily:%H:%M}",
                    weekly=None if team.digest.weekly is None else f"{team.digest.weekly} {team.digest.at:%H:%M}",
                    channels=channels_of(team, installed.channel_names),
                )
            )  # fmt: skip
    return Digests(items=found)


@router.get("/{team}", responses=_RENDERED, response_model=None)
def rendered(
    asking: Reader,
    turn: Turn,  # noqa: ARG001 - its charts are drawn
    session: Reading,
    installed: Installed,
    team: TeamName,
    every: Annotated[Every, Query(description="Of a day, or of a week.")] = Every.DAILY,
    day: Annotated[date | None, Query(alias="date", description="The one due on this day, or the last before.")] = None,
    form: Annotated[Literal["json", "text", "html"], Query(alias="format")] = "json",
) -> Response | dict[str, Any]:
    """A team's digest as it would be sent now, from what is stored. Nothing is sent."""
    found = installed.policy.team(team)
    if found is None or not _theirs(session, found, asking):
        raise HTTPException(404, UNKNOWN)
    now = clock.now()
    period = at(found, every, _moment(found, day, now))
    address, heard = public_url(installed.settings), asking.brands(Permission.READ_FIGURES)
    notice = compose(session, found, period, installed.policy, address, now, heard=heard)
    if form == "json":
        return _said(notice, period)
    mail = as_mail(notice, channel="preview", sender=Address("", "escucha", "localhost"), to=())
    if form == "html":
        # Its charts stand in it as data; it is to be looked at alone, and nothing in it may act.
        policy = f"{POLICY}; img-src data:; style-src 'unsafe-inline'"
        return Response(page_of(mail), media_type="text/html", headers={"Content-Security-Policy": policy})
    text = mail.get_body(("plain",))
    assert text is not None
    return Response(text.get_content(), media_type="text/plain")


def _theirs(session: Session, team: Team, asking: Caller) -> list[str]:
    """The brands of a team's digest, by name; empty where the caller may not see all that it tells of them, or there
    are none."""
    brands = brands_of(session, team)
    mine = all(asking.may(permission, brand.id) for brand in brands for permission in _TOLD)
    return [brand.name for brand in brands] if mine else []


def _moment(team: Team, day: date | None, now: datetime) -> datetime:
    """The end of a day of the team's own, but nothing that has not happened yet. Raises HTTPException 422."""
    if day is None:
        return now
    if not 1990 <= day.year <= 2200:
        raise HTTPException(422, "give a day of the years 1990 to 2200")
    return min(now, datetime.combine(day, time.max, team.zone).astimezone(now.tzinfo))


def _said(notice: Notice, period: Period) -> dict[str, Any]:
    return {
        "title": notice.title, "since": period.since, "until": period.until,
        "sections": [{"heading": one.heading, "lines": list(one.lines)} for one in notice.sections],
        "charts": [{"name": one.name, "alt": one.alt} for one in notice.charts],
    }  # fmt: skip
