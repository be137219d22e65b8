"""The charts of one file as SVG: reliability, accuracy against coverage, and confusion; for light and dark pages.

Importing this imports altair, which takes a moment: import it where a chart is wanted.
"""

from typing import Any

import altair as alt
import vl_convert

from sentiment.evaluation.results import Confusion, Figures

INK, PAPER = "#1f2328", "#ffffff"
_DARK = {INK: "#e6edf3", PAPER: "#0d1117"}
_ACCENT, _FAINT = "#3b82f6", "#8b949e"  # legible on both papers
_SIDE = 200
_Layers = alt.LayerChart | alt.FacetChart


def draw(figures: Figures, title: str) -> str | None:
    """What there is to draw of these figures, side by side; None where that is nothing."""
    parts: list[Any] = []
    if figures.reliability:
        parts.append(_reliability(figures))
    if figures.coverage:
        parts.append(_coverage(figures))
    parts += [_confusion(confusion) for confusion in figures.confusions]
    if not parts:
        return None
    chart = (
        alt.hconcat(*parts, title=_printable(title), background=PAPER, padding=12)
        .configure_axis(
            labelColor=INK, titleColor=INK, gridColor=_FAINT, gridOpacity=0.3, domainColor=_FAINT, tickColor=_FAINT
        )
        .configure_title(color=INK, anchor="start")
        .configure_view(stroke=_FAINT)
        .resolve_scale(color="independent", opacity="independent")
    )
    version = alt.SCHEMA_VERSION.removeprefix("v").rpartition(".")[0]
    return _for_both_papers(vl_convert.vegalite_to_svg(chart.to_dict(), vl_version=version))


def _printable(text: str) -> str:
    """Without what XML cannot hold: at a control character in a file's name the renderer would end the process."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _for_both_papers(svg: str) -> str:
    """The same drawing, with ink and paper exchanged where the reader's pages are dark."""
    rules = "".join(
        f'[{attribute}="{light}"]{{{attribute}:{dark}}}'
        for light, dark in _DARK.items()
        for attribute in ("fill", "stroke")
    )
    opening = svg.index(">") + 1
    return f"{svg[:opening]}<style>@media (prefers-color-scheme: dark){{{rules}}}</style>{svg[opening:]}"


def _percent(shorthand: str, title: str) -> dict[str, Any]:
    return {"shorthand": shorthand, "title": title, "axis": alt.Axis(format="%", tickCount=5)}


def _reliability(figures: Figures) -> _Layers:
    """Accuracy of each bin of confidence; on the dashed line they are the same."""
    bins = [{"low": one.low, "high": one.high, "accuracy": one.accuracy} for one in figures.reliability]
    whole = alt.Scale(domain=[0, 1])
    bars = (
        alt.Chart({"values": bins})
        .mark_rect(color=_ACCENT, opacity=0.7)
        .encode(
            x=alt.X(**_percent("low:Q", "confidence"), scale=whole),
            x2="high:Q",
            y=alt.Y(**_percent("accuracy:Q", "accuracy"), scale=whole),
            y2=alt.datum(0),
        )
    )
    ends = {"values": [{"low": 0, "accuracy": 0}, {"low": 1, "accuracy": 1}]}
    ideal = alt.Chart(ends).mark_line(color=INK, strokeDash=[4, 4], strokeWidth=1).encode(x="low:Q", y="accuracy:Q")
    return alt.layer(bars, ideal, width=_SIDE, height=_SIDE, title="Reliability")


def _coverage(figures: Figures) -> _Layers:
    """Accuracy of the surest rows; the dot is where the model's own flag cuts."""
    kept = [{"coverage": one.coverage, "accuracy": one.accuracy} for one in figures.coverage]
    x = alt.X(**_percent("coverage:Q", "rows kept, surest first"), scale=alt.Scale(domain=[0, 1]))
    y = alt.Y(**_percent("accuracy:Q", "accuracy"), scale=alt.Scale(zero=False))
    layers: list[Any] = [alt.Chart({"values": kept}).mark_line(color=_ACCENT).encode(x=x, y=y)]
    if figures.without_unsure:
        flag = figures.without_unsure
        here = {"values": [{"coverage": flag.coverage, "accuracy": flag.accuracy}]}
        layers.append(alt.Chart(here).mark_point(color=INK, filled=True, size=60).encode(x=x, y=y))
    return alt.layer(*layers, width=_SIDE, height=_SIDE, title="Unsure ones left out")


def _confusion(confusion: Confusion) -> _Layers:
    """Rows by true and said class, shaded by the share of the true class."""
    names = [_printable(name) for name in confusion.names]
    cells = [
        {"truth": true, "said": said, "rows": f"{rows:,}", "share": rows / max(1, sum(counts))}
        for true, counts in zip(names, confusion.counts, strict=True)
        for said, rows in zip(names, counts, strict=True)
    ]
    base = alt.Chart({"values": cells}).encode(
        x=alt.X("said:N", title="said", sort=names, axis=alt.Axis(labelAngle=0)),
        y=alt.Y("truth:N", title="true", sort=names),
    )
    shade = alt.Opacity("share:Q", scale=alt.Scale(domain=[0, 1], range=[0, 0.75]), legend=None)
    squares = base.mark_rect(color=_ACCENT).encode(opacity=shade)
    counts = base.mark_text(color=INK).encode(text="rows:N")
    title = f"Confusion: {_printable(confusion.title)}" if confusion.title else "Confusion"
    return alt.layer(squares, counts, width=_SIDE, height=_SIDE, title=title)
