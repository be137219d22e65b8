"""A digest's charts as PNG: mentions over time by inferred stance, and each brand's share of what was said.

A picture cannot ask on what paper it is shown, and many a mail reader lays dark paper under it: so each brings its own
light paper. Importing this imports altair, which takes a moment: import it where a chart is wanted.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import altair as alt
import vl_convert

from alerts.notice import Language

INK, PAPER, FAINT = "#1f2328", "#ffffff", "#d0d7de"
COLOURS = {"promoter": "#009e73", "passive": "#9aa4af", "detractor": "#d55e00"}
"""Okabe and Ito's green and vermilion, which hardly anybody takes for each other, and a grey between them."""

_ACCENT, _OTHER = "#0072b2", "#9aa4af"
_WIDTH = 620
"""Of the whole picture, so that all of a digest's are shown at one size."""
_LONGEST_NAME = 28
_MOST_LABELS = 13
_HOUR = timedelta(hours=1)
_SCALE = 2.0

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

_LOCALES: Mapping[Language, Any] = {
    "en": {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["$", ""]},
    "es": {"decimal": ",", "thousands": "\u00a0", "grouping": [3], "currency": ["", "\u00a0€"], "percent": "\u00a0%"},
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
    names = {label: _WORDS[label][language] for label in COLOURS}
    rows = [
        {"start": start, "label": names[label], "rank": rank, "mentions": totals[start, label]}
        for start in order
        for rank, label in enumerate(COLOURS)
    ]
    labels = {start: _axis_label(start, by_day=by_day, language=language) for start in order}
    chart = (
        alt.Chart({"values": rows})
        .mark_bar()
        .encode(
            x=alt.X(
                "start:O", sort=order, title=None, scale=alt.Scale(paddingInner=0.15, paddingOuter=0.1),
                axis=alt.Axis(
                    labelAngle=0, ticks=False, values=order[:: max(1, -(-len(order) // _MOST_LABELS))],
                    # A Vega expression: all in it are digits and words of ours.
                    labelExpr=f"({json.dumps(labels)})[datum.value]",
                ),
            ),
            y=alt.Y("mentions:Q", title=_WORDS["mentions"][language], axis=alt.Axis(tickMinStep=1, tickCount=5)),
            color=alt.Color(
                "label:N", title=None, scale=alt.Scale(domain=list(names.values()), range=list(COLOURS.values())),
                legend=alt.Legend(orient="top", direction="horizontal", symbolType="square"),
            ),
            order=alt.Order("rank:Q", sort="descending"),
        )
        .properties(width=_WIDTH, height=220, title=_printable(title))
    )  # fmt: skip
    return _png(chart, language)


def shares(slices: Sequence[Slice], *, title: str, language: Language) -> bytes:
    """A bar for each brand, the greatest first, with its interval as a line and its share as a number."""
    named: dict[str, Slice] = {}
    for one in sorted(slices, key=lambda one: (-one.value, one.brand)):
        name = _short(one.brand)
        # Cut short, two may be called alike.
        named[name if name not in named else f"{name} ({len(named) + 1})"] = one
    rows = [
        {
            "brand": name, "value": one.value, "low": one.low, "high": one.high, "own": one.own,
            "text": _percent(one.value, language),
        }
        for name, one in named.items()
    ]  # fmt: skip
    furthest = max((one.high for one in slices), default=1.0)
    base = alt.Chart({"values": rows}).encode(
        y=alt.Y("brand:N", sort=list(named), title=None, axis=alt.Axis(ticks=False, domain=False, labelLimit=220))
    )
    whole = alt.Scale(domain=[0, min(1.0, furthest) * 1.12])
    bars = base.mark_bar(height={"band": 0.6}).encode(
        x=alt.X("value:Q", title=_WORDS["share"][language], scale=whole, axis=alt.Axis(format=".0%", tickCount=5)),
        color=alt.Color("own:N", legend=None, scale=alt.Scale(domain=[True, False], range=[_ACCENT, _OTHER])),
    )
    lines = base.mark_rule(color=INK, strokeWidth=1.5).encode(x="low:Q", x2="high:Q")
    texts = base.mark_text(align="left", dx=7, color=INK, fontSize=12).encode(x="high:Q", text="text:N")
    chart = alt.layer(bars, lines, texts).properties(
        width=_WIDTH, height=max(60, 34 * len(rows)), title=_printable(title)
    )
    return _png(chart, language)


def _png(chart: Any, language: Language) -> bytes:
    styled = (
        chart.properties(
            background=PAPER, padding=16, autosize=alt.AutoSizeParams(type="fit-x", contains="padding")
        )
        .configure(font="sans-serif")
        .configure_axis(
            labelColor=INK, titleColor=INK, gridColor=FAINT, domainColor=FAINT, tickColor=FAINT, labelFontSize=12,
            titleFontSize=12, titleFontWeight="normal",
        )
        .configure_legend(labelColor=INK, labelFontSize=12, symbolSize=120)
        .configure_title(color=INK, anchor="start", fontSize=15, offset=12)
        .configure_view(stroke=None)
    )  # fmt: skip
    version = alt.SCHEMA_VERSION.removeprefix("v").rpartition(".")[0]
    return vl_convert.vegalite_to_png(
        styled.to_dict(), vl_version=version, scale=_SCALE, format_locale=_LOCALES[language]
    )


_DAYS: Mapping[Language, str] = {"en": "Mon Tue Wed Thu Fri Sat Sun", "es": "lun mar mié jue vie sáb dom"}


def _axis_label(start: str, *, by_day: bool, language: Language) -> str:
    if not by_day:
        return f"{start[11:13]}h"
    day = datetime.strptime(f"{start}+0000", "%Y-%m-%d%z")
    return f"{_DAYS[language].split()[day.weekday()]} {day.day}"


def _percent(share: float, language: Language) -> str:
    text = f"{share * 100:.1f}" if share < 0.0995 else f"{share * 100:.0f}"
    return f"{text}%" if language == "en" else f"{text.replace('.', ',')}\u00a0%"


def _short(name: str) -> str:
    name = _printable(name)
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _printable(text: str) -> str:
    """Without what XML cannot hold: at a control character in a name the renderer would end the process."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
