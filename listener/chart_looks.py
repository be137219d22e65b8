"""How charts look: on light and dark paper, wide and narrow, for mail and for pages. Importing this imports altair."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import vl_convert

from alerts.notice import Language

COLOURS = {"promoter": "#009e73", "passive": "#9aa4af", "detractor": "#d55e00"}
"""Okabe and Ito's green and vermilion, which hardly anybody takes for each other, and a grey between them."""


@dataclass(frozen=True, slots=True)
class Look:
    """Paper and ink. ``others``: for what has no colour of its own, told apart by people who see few colours
    (Okabe and Ito again, in lighter steps on dark paper)."""

    ink: str
    paper: str | None
    faint: str
    accent: str
    other: str
    others: tuple[str, ...]


LIGHT = Look(
    "#1f2328", "#ffffff", "#d0d7de", "#0072b2", "#9aa4af", ("#0072b2", "#d55e00", "#009e73", "#b3529a", "#8a6d00")
)
DARK = Look(
    "#e7eeec", "#18201f", "#3d4a47", "#56b4e9", "#7d8894", ("#56b4e9", "#ff9a5c", "#4fd0a5", "#e79fc9", "#f0e442")
)
LOOKS: Mapping[str, Look] = {"light": LIGHT, "dark": DARK}


@dataclass(frozen=True, slots=True)
class Frame:
    """The room a chart has: pixels across, and how many words go beside each other on its axis and in its legend.
    ``fixed``: the margins are ``LEFT`` and so on whatever stands in them, so that a page knows where each point is."""

    width: int
    labels: int
    columns: int
    name: int
    fixed: bool = True


MAIL = Frame(620, 13, 5, 28, fixed=False)
"""All of a digest's charts are of this width."""

WIDE, NARROW = Frame(600, 8, 5, 22), Frame(360, 4, 2, 16)
FRAMES: Mapping[str, Frame] = {"wide": WIDE, "narrow": NARROW}

LEFT, RIGHT, BOTTOM = 48, 12, 30
"""Margins of charts over time, in pixels."""

NAMES = {WIDE.width: 160, NARROW.width: 116}
"""The left margin of bars beside each other's names, by the frame's width."""

_LOCALES: Mapping[Language, Any] = {
    "en": {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["$", ""]},
    "es": {"decimal": ",", "thousands": "\u00a0", "grouping": [3], "currency": ["", "\u00a0€"], "percent": "\u00a0%"},
}

_SCALE = 2.0


def finished(chart: Any, look: Look, frame: Frame, *, height: int, left: int = LEFT, top: int = 10) -> dict[str, Any]:
    """The whole specification: the chart in its frame, in these colours."""
    if frame.fixed:
        padding: Any = {"left": left, "right": RIGHT, "top": top, "bottom": BOTTOM}
        chart = chart.properties(
            width=frame.width - left - RIGHT, height=height, padding=padding, autosize=alt.AutoSizeParams(type="none")
        )
    else:
        chart = chart.properties(
            width=frame.width, height=height, padding=16, autosize=alt.AutoSizeParams(type="fit-x", contains="padding")
        )
    styled = (
        chart.properties(**({} if look.paper is None else {"background": look.paper}))
        .configure(font="sans-serif")
        .configure_axis(
            labelColor=look.ink, titleColor=look.ink, gridColor=look.faint, domainColor=look.faint,
            tickColor=look.faint, labelFontSize=12, titleFontSize=12, titleFontWeight="normal",
        )
        .configure_legend(labelColor=look.ink, labelFontSize=12, symbolSize=120)
        .configure_title(color=look.ink, anchor="start", fontSize=15, offset=12)
        .configure_view(stroke=None)
    )  # fmt: skip
    found: dict[str, Any] = styled.to_dict()
    return found


def png(spec: Mapping[str, Any], language: Language) -> bytes:
    """For mail, which shows no SVG."""
    return vl_convert.vegalite_to_png(
        dict(spec), vl_version=_version(), scale=_SCALE, format_locale=_LOCALES[language], allowed_base_urls=[]
    )


def svg(spec: Mapping[str, Any], language: Language) -> str:
    """For pages."""
    return vl_convert.vegalite_to_svg(
        dict(spec), vl_version=_version(), format_locale=_LOCALES[language], allowed_base_urls=[]
    )


def _version() -> str:
    return alt.SCHEMA_VERSION.removeprefix("v").rpartition(".")[0]


def expression(labels: Mapping[str, str]) -> str:
    """A Vega expression that gives each key its label, which may be anybody's words: JSON is a part of the language."""
    return f"({json.dumps(dict(labels))})[datum.value]"


def short(name: str, longest: int) -> str:
    """Cut to what there is room for."""
    name = printable(name)
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def apart(names: Sequence[str], longest: int) -> list[str]:
    """The same for several, of which two may be cut alike."""
    found: list[str] = []
    for name in (short(one, longest) for one in names):
        found.append(name if name not in found else f"{name} ({len(found) + 1})")
    return found


def printable(text: str) -> str:
    """Without what XML cannot hold: at a control character in a name the renderer would end the process."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
