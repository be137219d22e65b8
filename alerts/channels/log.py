"""The log as a channel: for trying things out, and for whoever reads notices out of their logs."""

from typing import ClassVar, Self

import structlog
from pydantic import BaseModel, ConfigDict

from alerts.channel import Receipt
from alerts.notice import Notice
from alerts.text import shorten, visible

_Unfiltered = structlog.make_filtering_bound_logger(0)
"""A notice is for people: however little else the log shows, what counts as sent must stand in it."""

_TEXT_LIMIT = 300
"""Characters of the mention: a line of a log is for finding the mention, not for reading all of it."""


class LogOptions(BaseModel):
    """There is nothing to set."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LogChannel:
    """Writes each notice as one structured line, a warning, whatever level the log is filtered by.

    What could act on a terminal or break the line is made visible.
    """

    kind: ClassVar[str] = "log"

    def __init__(self, name: str) -> None:
        """The line goes wherever the host has pointed structlog."""
        self.name = name

    @classmethod
    def from_options(cls, name: str, _options: LogOptions) -> Self:
        """Build from a configuration."""
        return cls(name)

    def send(self, notice: Notice) -> Receipt:
        """Write the line. Never fails on account of the notice's content."""
        mention = notice.mention
        words = {
            "channel": self.name,
            "key": notice.key,
            "kind": notice.kind,
            "brand": notice.brand,
            "rule": notice.rule,
            "why": notice.why,
            "text": shorten(mention.text, _TEXT_LIMIT),
            "author": mention.author or "",
            "source": mention.source,
            "url": mention.url or "",
        }
        # Wrapped anew each time, so that it follows wherever the host points structlog.
        log = structlog.wrap_logger(None, wrapper_class=_Unfiltered)
        log.warning("notice", **{name: visible(word) for name, word in words.items()}, count=notice.count)
        return Receipt("logged")
