"""Trends: how much is said, how people feel about it and what it is about, each number with its interval."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal, TypedDict
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Query, Request, Response
from sqlmodel import Session

from alerts.digest_figures import Counts
from alerts.expectation import Interval, difference, share
from alerts.policy import zone_named
from api import asked as figures_asked
from api.access import needs
from api.asked import Raw
from api.dashboard import pictures, trends_view
from api.dashboard.language import chosen, words
from api.dashboard.pictures import Turn
from api.dashboard.rendering import show
from api.dashboard.trends_view import Asked, Look, Shown, Size
from api.dashboard.trends_words import BYS, EVERIES, share_words, value_name
from api.routes.dependencies import Installed, Moment, Reading
from api.routes.figures import counted, later
from listener import clock
from listener.access import Caller, Permission
from listener.buckets import Every
from listener.store import figures
from listener.store.figures import By, Uncounted

router = APIRouter(include_in_schema=False)

Viewer = Annotated[Caller, needs(Permission.READ_FIGURES)]
Text = Annotated[str, Query(max_length=500)]
Short = Annotated[str, Query(max_length=64)]

DAYS = (7, 30, 90)


class _Only(TypedDict):
    label: str
    polarity: str
    emotion: str
    source: str
    lang: str
    theme: str


@router.get("/trends")
def trends(
    request: Request,
    asking: Viewer,
    installed: Installed,
    session: Reading,
    brand: Text = "",
    days: Annotated[str, Query(max_length=10)] = "30",
    since: Annotated[str, Query(max_length=30)] = "",
    until: Annotated[str, Query(max_length=30)] = "",
    zone: Short = "",
    bucket: Short = "",
    by: Short = By.LABEL.value,
    label: Text = "",
    polarity: Text = "",
    emotion: Text = "",
    source: Text = "",
    lang: Text = "",
    theme: Text = "",
) -> Response:
    """The page."""
    its = words(chosen(request, asking.language))
    zones = list(dict.fromkeys(team.timezone for team in installed.policy.teams))
    chosen_zone = zone
    zone = zone or next(iter(zones), "UTC")
    form = {"brand": brand, "days": days, "since": since, "until": until, "zone": zone, "bucket": bucket, "by": by}
    shown: dict[str, Any] = {
        "form": form, "brands": figures.brands_of(session, asking.brands(Permission.READ_FIGURES)), "bys": BYS,
        "days": DAYS, "buckets": EVERIES, "zones": list(dict.fromkeys([*zones, "UTC", zone])),
        # Where nobody has said which, the field offers the reader's own.
        "readers_zone": not chosen_zone and not zones,
    }  # fmt: skip
    only = _Only(label=label, polarity=polarity, emotion=emotion, source=source, lang=lang, theme=theme)
    try:
        window = _window(days, since, until, zone)
        raw = Raw((brand,) if brand else (), *window, zone, **only)
        question = figures_asked.understand(session, raw, asking, clock.now())
        every = Every(bucket) if bucket in {one.value for one in Every} else None
        split = By(by) if by in {one.value for one in By} else By.LABEL
        query: dict[str, str] = {
            "since": question.since.isoformat(), "until": question.until.isoformat(), "zone": zone,
            **({"brand": brand} if brand else {}), **({"bucket": every.value} if every else {}),
            **({question.only.by.value: question.only.value} if question.only else {}),
        }  # fmt: skip
        asked = Asked(question, every, its, query | {"language": its.language})
        shown |= _charts(session, asked, split)
    except HTTPException as error:
        shown["problem"] = str(error.detail)
        return show(request, "trends/page.html", asking, shown, status_code=error.status_code)
    if question.only is not None:
        shown["only"] = (BYS[question.only.by], value_name(question.only.by, question.only.value, its))
    return show(request, "trends/page.html", asking, shown)


def _window(days: str, since: str, until: str, zone: str) -> tuple[datetime | None, datetime | None]:
    """From when to when; both days of a custom window are whole ones of that zone's. Raises HTTPException 422."""
    if days.isdigit() and int(days) in DAYS:
        now = clock.now()
        return now - timedelta(days=int(days)), now
    try:
        clocks = zone_named(zone)
        first, last = (date.fromisoformat(one) for one in (since, until))
        return _midnight(first, clocks), _midnight(last + timedelta(days=1), clocks)
    except (ValueError, OverflowError) as error:
        raise HTTPException(422, "give both days of the window, as in 2026-11-21") from error


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _charts(session: Session, asked: Asked, by: By) -> dict[str, Any]:
    _ = asked.words.gettext
    question = asked.question
    now = figures.totals(session, question.wanted)
    before = figures.totals(session, question.before.wanted)
    volume = trends_view.volume(session, asked)
    found = [volume]
    left_out: list[str] = []
    drawn: tuple[Callable[[], Shown], ...] = (
        lambda: trends_view.shares(session, asked, by),
        lambda: trends_view.made_of(session, asked, By.EMOTION, _("Emotions")),
        lambda: trends_view.made_of(session, asked, By.POLARITY, _("Tone of the text")),
        lambda: trends_view.made_of(session, asked, By.SOURCE, _("Sources")),
        lambda: trends_view.made_of(session, asked, By.LANG, _("Languages")),
        lambda: trends_view.made_of(session, asked, By.THEME, _("Themes")),
    )
    for one in drawn:
        try:
            found.append(one())
        except Uncounted:
            left_out.append(_("What is narrowed by one thing is not counted by another; some charts are left out."))
    unheard: list[str] = []
    if len(question.brands) > 1 and question.only is None:
        voice, kinds = trends_view.voices(session, asked)
        found.append(voice)
        unheard = list(kinds)
    return {
        "charts": found, "now": now, "before": before, "stances": _stances(now, before, asked), "net": now.net,
        "left_out": left_out[:1], "unheard": unheard, "later": later(question.before),
        "nothing": now.mentions == 0,
    }  # fmt: skip


def _stances(now: Counts, before: Counts, asked: Asked) -> list[dict[str, str | None]]:
    """Each stance: its share, and whether that has moved by more than chance alone would do."""
    found = []
    for label in figures.LABELS:
        part, was = (share(count.of(label), count.labelled) for count in (now, before))
        moved = difference(part.interval, was.interval) if part is not None and was is not None else None
        found.append(
            {
                "label": label,
                "moved": moved and _moved(moved, asked),
                "name": value_name(By.LABEL, label, asked.words),
                "share": share_words(part, asked.words),
                "before": None if was is None else share_words(was, asked.words),
                "href": asked.mentions(None, {"label": label}),
            }
        )
    return found


def _moved(moved: Interval, asked: Asked) -> str | None:
    """A change in words, unless chance alone may have made it."""
    value, low, high = (asked.words.number(end * 100, 0) for end in moved)
    if moved[1] <= 0 <= moved[2]:
        return None
    _ = asked.words.gettext
    words = (
        _("up by {value} points ({low} to {high})") if moved[0] > 0 else _("down by {value} points ({low} to {high})")
    )
    if moved[0] < 0:
        value, low, high = (asked.words.number(-end * 100, 0) for end in (moved[0], moved[2], moved[1]))
    return words.format(value=value, low=low, high=high)


@router.get("/charts/{kind}.svg")
def chart(
    request: Request,
    asking: Viewer,
    turn: Turn,  # noqa: ARG001 - held for as long as this takes
    session: Reading,
    kind: Literal["volume", "shares", "parts", "voice"],
    since: Moment,
    until: Moment,
    brand: Text = "",
    zone: Short = "UTC",
    bucket: Every | None = None,
    by: By = By.LABEL,
    label: Text = "",
    polarity: Text = "",
    emotion: Text = "",
    source: Text = "",
    lang: Text = "",
    theme: Text = "",
    language: Literal["en", "es"] = "en",
    look: Look = "light",
    size: Size = "wide",
) -> Response:
    """A chart of the caller's brands."""
    only = _Only(label=label, polarity=polarity, emotion=emotion, source=source, lang=lang, theme=theme)
    raw = Raw((brand,) if brand else (), since, until, zone, **only)
    question = figures_asked.understand(session, raw, asking, clock.now())
    asked = Asked(question, bucket, words(language), {})
    return pictures.answer(request, counted(lambda: trends_view.picture(session, asked, kind, by, look, size)))
