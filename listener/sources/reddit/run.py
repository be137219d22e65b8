"""Where a run over all of Reddit's listings stands, as a cursor keeps it."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from listener.source import Cursor


@dataclass(frozen=True, slots=True)
class Listing:
    """``subreddit``: None = it is of all of Reddit. ``ends_after``: so many things, and Reddit is likely to have more
    than it lists (some of them are left out)."""

    key: str
    path: str
    subreddit: str | None
    params: Mapping[str, str] = field(default_factory=dict)
    ends_after: int = 800


@dataclass(slots=True)
class Run:
    """Times in seconds since 1970, each listing under its key.

    Of earlier runs: ``bounds``, the newest thing that each listing had; ``read_to``, when the last whole run began;
    ``left_out``, the listings that it could not read. Of this one: ``began``; ``newest`` of each listing's first page;
    the listings that are ``done``, and those among them that could not be read, with why (``unread``). ``listing`` is
    under way: down to ``floor``, ``seen`` of its things were read, the last of them are ``after``, the oldest last.
    """

    bounds: dict[str, float]
    read_to: float | None
    left_out: list[str]
    began: float
    newest: dict[str, float] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    listing: str | None = None
    floor: float = 0.0
    seen: int = 0
    after: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, cursor: Cursor | None, until: datetime, keys: Sequence[str]) -> "Run":
        """From a cursor, of a run to go on with or of a finished one."""
        kept = deepcopy(dict(cursor or {}))  # a run must not change what its caller keeps
        begun = {"began": until.timestamp(), **kept.get("run", {})}
        run = cls(kept.get("bounds", {}), kept.get("read_to"), kept.get("left_out", []), **begun)
        if keys and set(keys) <= set(run.done):  # the query has changed since the run was broken off
            return cls.of(run.cursor(keys), until, ())
        return run

    def first_floor(self, key: str, lookback: timedelta, lag: timedelta) -> float:
        """How far down a listing is read that no earlier run knew.

        Mostly a search that was made anew because somebody changed a brand: it must not leave out what an outage has
        left unread. Others than ``left_out`` were read until ``read_to``, also where nothing stood in them.
        """
        place = _place(key)
        others = [self.bounds[one] for one in self.left_out if one in self.bounds and _place(one) == place]
        others += [] if self.read_to is None else [self.read_to]
        return min([self.began - lookback.total_seconds(), *(other - lag.total_seconds() for other in others)])

    def begin(self, key: str, floor: float) -> None:
        """Turn to another listing."""
        self.listing, self.floor, self.seen, self.after = key, floor, 0, []
        self.bounds.setdefault(key, floor)

    def end(self) -> None:
        """The listing under way was read down to its floor, or as far as Reddit lists it."""
        assert self.listing is not None
        self.done.append(self.listing)
        self.listing, self.after = None, []

    def leave_out(self, why: str) -> None:
        """The listing under way cannot be read: the next run begins where this one would have."""
        assert self.listing is not None
        self.newest.pop(self.listing, None)
        self.unread[self.listing] = why
        self.end()

    def cursor(self, keys: Sequence[str]) -> Cursor:
        """To go on from here: with the rest of this run, or with the next one where this has read everything."""
        if set(keys) <= set(self.done):
            bounds = {key: max(self.bounds[key], self.newest.get(key, 0.0)) for key in keys}
            return {"bounds": bounds, "read_to": self.began, "left_out": [key for key in keys if key in self.unread]}
        now = asdict(self)
        earlier = {name: now.pop(name) for name in ("bounds", "read_to", "left_out")}
        return {**earlier, "run": now}

    def share(self, oldest: float, key: str, keys: Sequence[str]) -> float:
        """How much of it is done, by the time that its listings have behind them."""
        top = self.newest.get(key, 0.0)
        begun = (top - oldest) / (top - self.floor) if top > self.floor else 0.0
        return min(max((len(self.done) + min(max(begun, 0.0), 1.0)) / len(keys), 0.0), 1.0)


def _place(key: str) -> str:
    """What a key names without the words that are searched for there."""
    return key.partition(":")[0]
