"""What the templates need: text cut to what a list shows, with the brand marked, and words for reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi.templating import Jinja2Templates

from alerts.links import web_link
from alerts.text import one_line, shorten, tame
from alerts.wording import counted
from api import story

SHOWN = 320
"""Characters of a mention that a list shows."""

NAME = 60
"""Characters of a name beside other things."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text; ``marked`` where it names the brand."""

    text: str
    marked: bool


def pieces(text: str, spans: Sequence[Sequence[int]], limit: int = SHOWN) -> list[Piece]:
    """The part of the text around the brand, in runs, without characters that could act on the page.

    ``spans``: (start, end) offsets in ``text``, sorted. Cut ends are shown by "…".
    """
    first = spans[0][0] if spans else 0
    start = max(0, min(first - limit // 3, len(text) - limit))
    end = min(len(text), start + limit)
    found = [Piece("…", False)] if start > 0 else []
    at = start
    for span_start, span_end in spans:
        if span_start < at or span_end > end:
            continue
        found += [Piece(text[at:span_start], False), Piece(text[span_start:span_end], True)]
        at = span_end
    found.append(Piece(text[at:end], False))
    if end < len(text):
        found.append(Piece("…", False))
    return [Piece(tame(piece.text), piece.marked) for piece in found if piece.text]


def moment(when: datetime) -> str:
    """For people without script: UTC, named. The page's script shows the reader's own time."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def iso(when: datetime) -> str:
    """For the page's script."""
    return when.astimezone(UTC).isoformat()


def evidence_rows(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A rule's numbers, name by name; what is nested is shown as it is stored."""
    rows = []
    for name, value in evidence.items():
        shown = f"{value:,.4g}" if isinstance(value, float) else f"{value:,}" if _whole(value) else str(value)
        rows.append((name.replace("_", " "), one_line(shown)[:SHOWN]))
    return rows


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def percent(part: int, whole: int) -> str:
    """A share in whole per cent; a dash of nothing."""
    return f"{100 * part / whole:.0f} %" if whole else "–"


def templates() -> Jinja2Templates:
    """The templates, escaping everything."""
    found = Jinja2Templates(directory=Path(__file__).parent / "templates")
    found.env.filters |= {
        "pieces": pieces,
        "moment": moment,
        "iso": iso,
        "sentence": story.sentence,
        "told": story.told,
        "decided": story.decided,
        "standing": story.standing,
        "silenced_ones": story.silenced_ones,
        "counted": counted,
        "one_line": one_line,
        "name": lambda text: shorten(one_line(text), NAME),
        "web_link": web_link,
    }
    found.env.globals["percent"] = percent
    return found
