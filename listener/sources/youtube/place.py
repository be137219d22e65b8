"""Where a run stands: all that the cursor of a ``youtube`` source holds."""

from copy import deepcopy
from dataclasses import asdict, dataclass, field
from typing import Self

from listener.source import Cursor


@dataclass(slots=True)
class Run:
    """Where a run stands; it goes into the cursor, so that an interrupted one goes on with the same window."""

    until: str
    searches: list[str] = field(default_factory=list)
    """Searches still to be sent."""
    at: str | None = None
    """The channel or video being read."""
    page: str | None = None
    more: bool = True
    threads: list[list[str]] = field(default_factory=list)
    """Threads (id, video) whose replies are still to be asked for."""
    reply_page: str | None = None
    replies: dict[str, str] = field(default_factory=dict)
    """What is known of the replies to each long thread met in this run."""
    read: int = 0
    troubles: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Channels and videos that could not be read: an interrupted run does not begin again with them."""

    def begin(self, target: str) -> None:
        """Start on another channel or video."""
        self.at, self.page, self.more, self.threads, self.reply_page = target, None, True, [], None


@dataclass(slots=True)
class State:
    """All that the cursor holds."""

    done: dict[str, str] = field(default_factory=dict)
    """Until when each channel and video has been read."""
    replies: dict[str, str] = field(default_factory=dict)
    """What was known of the replies to each long thread when they were last read."""
    videos: dict[str, str] = field(default_factory=dict)
    """Videos found by search, and when they were published."""
    searched: str | None = None
    plan: str | None = None
    run: Run | None = None

    @classmethod
    def of(cls, cursor: Cursor | None) -> Self:
        """From a copy of what was kept. What another version has left in it that this one does not know is let go."""
        kept = deepcopy(dict(cursor or {}))
        values = {name: value for name, value in kept.items() if name in cls.__dataclass_fields__}
        run = values.pop("run", None)
        known = {name: value for name, value in (run or {}).items() if name in Run.__dataclass_fields__}
        return cls(**values, run=Run(**known) if run else None)

    def cursor(self) -> Cursor:
        """To be kept: a copy of all."""
        return asdict(self)
