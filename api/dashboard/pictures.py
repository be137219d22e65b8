"""Charts as SVG for pages: drawn a few at a time, and kept by what is on them."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated, Literal

from fastapi import Depends, Request, Response

from api import asked
from api.access import Calling
from api.dashboard.language import Language
from api.etags import etag, none_match
from api.turns import Turns

AT_ONCE = 2
"""A picture takes a tenth of a second of a whole core: however many are wanted, the rest is answered meanwhile."""

WAITING = 100
PATIENCE_S = 30.0
"""A page has half a dozen of them, and whoever waits for one holds nothing."""

BUSY = "many charts are drawn this moment; come again in some seconds"

KEPT = 300
"""Pictures of some ten to sixty kilobytes."""

POLICY = "default-src 'none'; sandbox"
"""Whatever is in a picture, nothing in it acts, not even where it is opened by itself."""


def turns() -> Turns:
    """For all requests of an application together."""
    return Turns(BUSY, AT_ONCE, WAITING)


async def take(request: Request, asking: Calling) -> AsyncIterator[None]:  # noqa: ARG001 - strangers do not wait here
    """Hold a turn for as long as the request takes. Whoever waits for one holds no thread and no connection."""
    drawing: Turns = request.app.state.drawing
    async with drawing.wait(PATIENCE_S):
        yield


Turn = Annotated[None, Depends(take)]
"""In the signature of whatever draws: after who asks, before all that holds a connection."""


@dataclass(frozen=True, slots=True)
class Line:
    """As ``listener.charts.Line``, which only who draws imports."""

    name: str
    counts: tuple[int, ...] = ()
    shares: tuple[tuple[float, float, float] | None, ...] = ()
    stance: str | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """As ``listener.charts.Slice``."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Picture:
    """All that a picture is made of: the same ones are drawn once."""

    form: Literal["stacked", "bands", "beside"]
    language: Language
    look: Literal["light", "dark"]
    size: Literal["wide", "narrow"]
    labels: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    slices: tuple[Slice, ...] = ()

    def draw(self) -> str:
        """The SVG."""
        # Only who draws waits the half second that altair takes to come.
        from listener import charts
        from listener.chart_looks import COLOURS, FRAMES, LOOKS, svg

        look, frame = LOOKS[self.look], FRAMES[self.size]
        if self.form == "beside":
            slices = [charts.Slice(one.name, one.value, one.low, one.high, own=True) for one in self.slices]
            return svg(charts.beside(slices, "", self.language, look, frame), self.language)
        lines = [
            charts.Line(one.name, one.counts, one.shares, None if one.stance is None else COLOURS[one.stance])
            for one in self.lines
        ]
        if self.form == "stacked":
            return svg(charts.stacked(self.labels, lines, "", look, frame), self.language)
        return svg(charts.bands(self.labels, lines, look, frame), self.language)


@dataclass
class Kept:
    """The last pictures. Safe to share between threads."""

    _found: OrderedDict[Picture, str] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def drawn(self, picture: Picture) -> str:
        """As it was drawn before, or drawn now."""
        with self._lock:
            found = self._found.get(picture)
            if found is not None:
                self._found.move_to_end(picture)
                return found
        found = picture.draw()
        with self._lock:
            self._found[picture] = found
            while len(self._found) > KEPT:
                self._found.popitem(last=False)
        return found


kept = Kept()


def answer(request: Request, picture: Picture) -> Response:
    """The picture, or that it is still the same (304), which is known before it is drawn."""
    tag = etag(asked.version_of(repr(picture)))
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Content-Security-Policy": POLICY}
    if none_match(request.headers.get("if-none-match"), tag):
        return Response(status_code=304, headers=headers)
    return Response(kept.drawn(picture), media_type="image/svg+xml", headers=headers)
