"""The log as a channel: for trying things out, and for whoever reads notices out of their logs."""

from typing import ClassVar, Self

import structlog
from pydantic import BaseModel, ConfigDict

from alerts.channel import Mode, Receipt
from alerts.links import web_link
from alerts.notice import Notice
from alerts.text import shorten, visible

_Unfiltered = structlog.make_filtering_bound_logger(0)
"""A notice is for people: however little else the log shows, what counts as sent must stand in it."""

_LIMIT = 300
"""Characters of each part: a line of a log is for finding the mention, not for reading all of it."""

_WHY_LIMIT = 600


class LogOptions(BaseModel):
    """There is nothing to set."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LogChannel:
    """Writes each notice as one structured line, a warning, whatever level the log is filtered by.

    What could act on a terminal or break the line is made visible.
    """

    kind: ClassVar[str] = "log"
    edits: ClassVar[bool] = False

    def __init__(self, name: str) -> None:
        """The line goes wherever the host has pointed structlog."""
        self.name = name

    @classmethod
    def from_options(cls, name: str, _options: LogOptions) -> Self:
        """Build from a configuration."""
        return cls(name)

    def send(self, notice: Notice, mode: Mode = Mode.POST, ref: str | None = None) -> Receipt:  # noqa: ARG002
        """Write the line. Never fails on account of the notice's content."""
        quoted = notice.quotes[0] if notice.quotes else None
        words = {
            "channel": self.name,
            "key": notice.key,
            "kind": notice.kind.value,
            "severity": notice.severity.value,
            "title": notice.title,
            "why": notice.why,
            "text": quoted.text if quoted else "",
            "author": (quoted.author if quoted else None) or "",
            "source": quoted.source if quoted else "",
            "url": (web_link(quoted.url) if quoted else None) or "",
        }
        # Wrapped anew each time, so that it follows wherever the host points structlog.
        log = structlog.wrap_logger(None, wrapper_class=_Unfiltered)
        log.warning("notice", **{name: visible(_cut(name, word)) for name, word in words.items()})
        return Receipt("logged")


def _cut(name: str, word: str) -> str:
    return shorten(word, _WHY_LIMIT if name == "why" else _LIMIT)
