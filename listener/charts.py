"""Charts: mentions over time by inferred stance, shares over time, and shares beside each other, with their intervals.

The same ones stand in digests, as PNG on light paper (a picture cannot ask on what paper it is shown, and many a mail
reader lays dark paper under it), and on pages, as SVG. Importing this imports altair, which takes a moment: import it
where a chart is wanted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import altair as alt

from alerts.notice import Language
from listener.chart_looks import (
    COLOURS,
    LIGHT,
    MAIL,
    NAMES,
    Frame,
    Look,
    apart,
    expression,
    finished,
    png,
    printable,
)

_HOUR = timedelta(hours=1)

_WORDS: Mapping[str, Mapping[Language, str]] = {
    "promoter": {"en": "promoters", "es": "promotores"},
    "passive": {"en": "passives", "es": "pasivos"},
    "detractor": {"en": "detractors", "es": "detractores"},
    "mentions": {"en": "mentions", "es": "menciones"},
    "share": {
        "en": "share of all mentions, with its 95% interval",
        "es": "parte de todas las menciones, con su intervalo del 95 %",
    },
}


@dataclass(frozen=True, slots=True)
class Bar:
    """Mentions of one inferred stance in one hour or day. ``start`` is aware; ``label`` one of ``COLOURS``."""

    start: datetime
    label: str
    mentions: int


@dataclass(frozen=True, slots=True)
class Slice:
    """A brand's share, 0 to 1, with its interval. ``own``: it is drawn to stand out."""

    brand: str
    value: float
    low: float
    high: float
    own: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One value over all points of a chart: how many mentions at each, or their share with its interval (None: there
    was nothing to have a share of). ``colour``: None = the next one of the look's."""

    name: str
    counts: tuple[int, ...] = ()
    shares: tuple[tuple[float, float, float] | None, ...] = ()
    colour: str | None = None


def over_time(
    bars: Sequence[Bar],
    *,
    since: datetime,
    until: datetime,
    by_day: bool,
    zone: ZoneInfo,
    title: str,
    language: Language,
) -> bytes:
    """Stacked bars from ``since`` to ``until``, with room for empty ones: one an hour of the team's own clock,
    or one a day, which begins at the time of day at which ``since`` lies."""
    wall = since.astimezone(zone)
    begins = timedelta(hours=wall.hour, minutes=wall.minute) if by_day else timedelta(0)

    def place(moment: datetime) -> str:
        local = moment.astimezone(zone)
        # Of two hours that a clock shows alike each has its own offset.
        return f"{local.replace(tzinfo=None) - begins:%Y-%m-%d}" if by_day else f"{local:%Y-%m-%dT%H%z}"

    totals: Counter[tuple[str, str]] = Counter()
    for bar in bars:
        totals[place(bar.start), bar.label] += bar.mentions
    count = max(-(-(until - since) // _HOUR), 1)
    order = list(dict.fromkeys(place(since + number * _HOUR) for number in range(count)))
    lines = [
        Line(_WORDS[label][language], tuple(totals[start, label] for start in order), colour=colour)
        for label, colour in COLOURS.items()
    ]
    labels = [_axis_label(start, by_day=by_day, language=language) for start in order]
    return png(stacked(labels, lines, _WORDS["mentions"][language], LIGHT, MAIL, title=title), language)


def shares(slices: Sequence[Slice], *, title: str, language: Language) -> bytes:
    """A bar for each brand, the greatest first, with its interval as a line and its share as a number."""
    return png(beside(slices, _WORDS["share"][language], language, LIGHT, MAIL, title=title), language)


def stacked(
    labels: Sequence[str], lines: Sequence[Line], unit: str, look: Look, frame: Frame, *, title: str | None = None
) -> dict[str, Any]:
    """Bars on top of each other at each point, of which ``labels`` has the words. On a page, what the axes are of
    (``unit``, here and below) stands beside the picture."""
    names = apart([line.name for line in lines], frame.name)
    rows = [
        {"start": f"{place}", "label": name, "rank": rank, "mentions": line.counts[place]}
        for place in range(len(labels))
        for rank, (name, line) in enumerate(zip(names, lines, strict=True))
    ]
    chart = (
        alt.Chart({"values": rows})
        .mark_bar()
        .encode(
            x=_over(labels, frame),
            y=alt.Y(
                "mentions:Q",
                title=None if frame.fixed else unit,
                axis=alt.Axis(tickMinStep=1, tickCount=5, format=",d"),
            ),
            color=_colour(names, lines, look, frame),
            order=alt.Order("rank:Q", sort="descending"),
        )
        .properties(**_titled(title))
    )
    return finished(chart, look, frame, height=220, top=_top(names, frame))


def bands(labels: Sequence[str], lines: Sequence[Line], look: Look, frame: Frame) -> dict[str, Any]:
    """Shares as lines, each within the band of its interval; broken where there was nothing to have a share of."""
    names = apart([line.name for line in lines], frame.name)
    rows = [
        {"start": f"{place}", "label": name}
        | (
            dict.fromkeys(("value", "low", "high"))
            if one is None
            else dict(zip(("value", "low", "high"), one, strict=True))
        )
        for name, line in zip(names, lines, strict=True)
        for place, one in enumerate(line.shares)
    ]
    base = alt.Chart({"values": rows}).encode(
        x=_over(labels, frame),
        y=alt.Y("value:Q", title=None, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%", tickCount=5)),
        color=_colour(names, lines, look, frame),
    )
    area = base.mark_area(opacity=0.18, invalid="break-paths-show-domains").encode(
        y=alt.Y("low:Q", title=None), y2="high:Q"
    )
    line = base.mark_line(strokeWidth=2, invalid="break-paths-show-domains", point=alt.OverlayMarkDef(size=22))
    return finished(alt.layer(area, line), look, frame, height=240, top=_top(names, frame))


def beside(
    slices: Sequence[Slice], unit: str, language: Language, look: Look, frame: Frame, *, title: str | None = None
) -> dict[str, Any]:
    """A bar for each, the greatest first, with its interval as a line and its share as a number."""
    ordered = sorted(slices, key=lambda one: (-one.value, one.brand))
    names = apart([one.brand for one in ordered], frame.name)
    rows = [
        {
            "brand": name, "value": one.value, "low": one.low, "high": one.high, "own": one.own,
            "text": _percent(one.value, language),
        }
        for name, one in zip(names, ordered, strict=True)
    ]  # fmt: skip
    furthest = max((one.high for one in slices), default=1.0)
    base = alt.Chart({"values": rows}).encode(
        y=alt.Y("brand:N", sort=names, title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=220))
    )
    whole = alt.Scale(domain=[0, min(1.0, furthest) * 1.18])
    bars = base.mark_bar(height={"band": 0.6}).encode(
        x=alt.X("value:Q", title=None if frame.fixed else unit, scale=whole, axis=alt.Axis(format=".0%", tickCount=5)),
        color=alt.Color("own:N", legend=None, scale=alt.Scale(domain=[True, False], range=[look.accent, look.other])),
    )
    lines = base.mark_rule(color=look.ink, strokeWidth=1.5).encode(x="low:Q", x2="high:Q")
    texts = base.mark_text(align="left", dx=7, color=look.ink, fontSize=12).encode(x="high:Q", text="text:N")
    chart = alt.layer(bars, lines, texts).properties(**_titled(title))
    return finished(chart, look, frame, height=max(60, 34 * len(rows)), left=NAMES.get(frame.width, 0))


def _over(labels: Sequence[str], frame: Frame) -> Any:
    order = [f"{place}" for place in range(len(labels))]
    axis = alt.Axis(
        labelAngle=0, ticks=False, values=order[:: max(1, -(-len(order) // frame.labels))],
        labelExpr=expression(dict(zip(order, labels, strict=True))),
    )  # fmt: skip
    # The same places in every chart over time, bars and lines, so that what is laid over them fits both.
    return alt.X(
        "start:O", sort=order, title=None, axis=axis,
        scale=alt.Scale(type="band", paddingInner=0.15, paddingOuter=0.1, domain=order),
    )  # fmt: skip


def _colour(names: Sequence[str], lines: Sequence[Line], look: Look, frame: Frame) -> Any:
    spare = iter(look.others * (len(lines) // len(look.others) + 1))
    colours = [line.colour or next(spare) for line in lines]
    legend = alt.Legend(
        orient="top",
        direction="horizontal",
        symbolType="square",
        symbolOpacity=1,
        columns=frame.columns,
        labelLimit=260,
    )
    return alt.Color("label:N", title=None, scale=alt.Scale(domain=list(names), range=colours), legend=legend)


def _titled(title: str | None) -> dict[str, Any]:
    return {} if title is None else {"title": printable(title)}


def _top(names: Sequence[str], frame: Frame) -> int:
    """Room for the legend above the chart."""
    return 20 + 20 * -(-len(names) // frame.columns)


_DAYS: Mapping[Language, str] = {"en": "Mon Tue Wed Thu Fri Sat Sun", "es": "lun mar mié jue vie sáb dom"}


def _axis_label(start: str, *, by_day: bool, language: Language) -> str:
    if not by_day:
        return f"{start[11:13]}h"
    day = datetime.strptime(f"{start}+0000", "%Y-%m-%d%z")
    return f"{_DAYS[language].split()[day.weekday()]} {day.day}"


def _percent(share: float, language: Language) -> str:
    text = f"{share * 100:.1f}" if share < 0.0995 else f"{share * 100:.0f}"
    return f"{text}%" if language == "en" else f"{text.replace('.', ',')}\u00a0%"
