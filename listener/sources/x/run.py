"""Where a run over all searches of X stands, as a cursor keeps it."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from listener.source import Cursor
from listener.sources.x.posts import id_at, time_of

Gap = tuple[datetime, datetime] | None


@dataclass(slots=True)
class Run:
    """Where a run over all searches stands; ids as text, each search under its key.

    ``bounds`` and ``read_to``: what earlier runs have read to. ``newest``: of each search's first page in this run.
    ``search`` is under way: above ``floor``, and what is left of it is older than ``before``.
    """

    bounds: dict[str, str]
    read_to: str | None
    until: str
    newest: dict[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    search: str | None = None
    floor: str = "0"
    before: str | None = None

    @classmethod
    def of(cls, cursor: Cursor | None, until: datetime) -> "Run":
        """From a cursor, of a run to go on with or of a finished one."""
        kept = deepcopy(dict(cursor or {}))  # a run must not change what its caller keeps
        begun = kept.get("run") or {"until": until.isoformat()}
        return cls(kept.get("bounds", {}), kept.get("read_to"), **begun)

    def begin(self, key: str, floor: int, before: int | None) -> None:
        """Turn to another search."""
        self.search, self.floor, self.before = key, str(floor), None if before is None else str(before)
        self.bounds.setdefault(key, self.floor)

    def seen(self, key: str, ids: Sequence[int], highest: int) -> None:
        """A page with these posts was read; nothing above ``highest`` counts as read."""
        if ids:
            self.newest.setdefault(key, str(min(max(ids), highest)))
            self.before = str(min(ids))

    def cursor(self, keys: Sequence[str]) -> Cursor:
        """To go on from here: with the rest of this run, or with the next one where this has read everything."""
        if set(keys) <= set(self.done):
            bounds = {key: max(self.bounds[key], self.newest.get(key, "0"), key=int) for key in keys}
            return {"bounds": bounds, "read_to": self.until}
        begun: dict[str, Any] = {"until": self.until, "newest": dict(self.newest), "done": list(self.done)}
        begun |= {"search": self.search, "floor": self.floor, "before": self.before}
        return {"bounds": dict(self.bounds), "read_to": self.read_to, "run": begun}

    def jump(self, oldest: int, until: datetime, lag: timedelta) -> "Gap":
        """Raise the lower bound where X does not go back so far; what is left out by that, if anything is."""
        floor = int(self.floor)
        if floor >= oldest:
            return None
        self.floor = str(oldest)
        start = time_of(floor)
        if self.read_to is not None:  # nothing was found for long, but it was looked for
            start = max(start, datetime.fromisoformat(self.read_to) - lag)
        end = min(time_of(oldest), until, time_of(int(self.before)) if self.before is not None else until)
        return (start, end) if start < end else None

    def share(self, key: str, keys: Sequence[str]) -> float:
        """How much of it is done, by the time that its searches have behind them."""
        top, floor = int(self.newest.get(key, "0")), int(self.floor)
        begun = (top - int(self.before)) / (top - floor) if self.before is not None and top > floor else 0.0
        return min(max((len(self.done) + begun) / len(keys), 0.0), 1.0)


def above(moment: datetime) -> int:
    """The first id above all posts up to that moment."""
    return id_at(moment + timedelta(milliseconds=1))


def below(moment: datetime) -> int:
    """The last id below all posts from that moment on."""
    return max(id_at(moment) - 1, 1)
