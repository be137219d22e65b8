"""A recorded story told again: JSON lines with the second each was said at, shown as if it happened now.

The story's times lie in the past, ending at ``started_at``, and its mentions come to light as the clock goes on,
``speed`` story seconds a second. It feeds the demo and load tests.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator

from listener.items import Author, Item, as_utc
from listener.markup import web_address
from listener.query import Query
from listener.source import Cursor, FatalSourceError, Page, Skipped

PAGE_LINES = 200


class ReplayOptions(BaseModel):
    """Options of a ``replay`` source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(
        description="JSON lines with at (seconds from the story's start), platform, id, text, and optionally "
        "author {id, handle, name, followers}, title, lang, url, reach, reply_to, target"
    )
    speed: float | None = Field(
        default=None, gt=0, description="story seconds told in one second; left out: the whole story at once"
    )
    started_at: AwareDatetime | None = Field(
        default=None, description="when the telling began; left out: at the first run of this source"
    )

    @field_validator("path")
    @classmethod
    def _expanded(cls, path: Path) -> Path:
        return path.expanduser()


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    at: float
    values: Mapping[str, Any]
    problem: str = ""


class ReplaySource:
    """The story as far as it has come; ``until`` says how far that is."""

    kind: ClassVar[str] = "replay"
    ordered: ClassVar[bool] = True
    lag: ClassVar[timedelta] = timedelta(0)
    history: ClassVar[timedelta | None] = timedelta(0)

    def __init__(self, options: ReplayOptions) -> None:
        self._options = options

    def fetch(
        self,
        query: Query | None,  # noqa: ARG002 - there is nobody to ask for less
        cursor: Cursor | None,
        until: datetime,
        since: datetime | None = None,  # noqa: ARG002 - it hands out what it has
    ) -> Iterator[Page]:
        """The lines told since ``cursor``. Raises FatalSourceError if the file cannot be read."""
        story = _story(self._options.path)
        index = int(cursor["index"]) if cursor else 0
        started_at = self._started_at(cursor, until)
        begun = started_at - timedelta(seconds=story[-1].at)
        told = len(story)
        if self._options.speed is not None:
            now = (until - started_at).total_seconds() * self._options.speed
            told = sum(1 for line in story if line.at <= now)
        while index < told:
            lines = story[index : min(index + PAGE_LINES, told)]
            index += len(lines)
            items: list[Item] = []
            skipped: list[Skipped] = []
            for line in lines:
                try:
                    items.append(_item(line, begun))
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    skipped.append(Skipped(f"line {line.number}", line.problem or f"{type(error).__name__}: {error}"))
            place = {"index": index, "started_at": started_at.isoformat()}
            yield Page(tuple(items), place, tuple(skipped), progress=index / len(story))

    def _started_at(self, cursor: Cursor | None, until: datetime) -> datetime:
        if self._options.started_at is not None:
            return min(as_utc(self._options.started_at), as_utc(until))
        return datetime.fromisoformat(cursor["started_at"]) if cursor else as_utc(until)


def _story(path: Path) -> list[_Line]:
    """All lines in the order in which they are told. A line that cannot be read stands where its neighbour does."""
    try:
        raw = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise FatalSourceError(f"the story {path} cannot be read ({error}): check the path") from error
    story: list[_Line] = []
    at = 0.0
    for number, text in enumerate(raw.split("\n"), start=1):
        if not text.strip():
            continue
        try:
            values = json.loads(text)
            at = max(float(values["at"]), 0.0)
            story.append(_Line(number, at, values))
        except (ValueError, KeyError, TypeError) as error:
            problem = f"not a line of a story ({type(error).__name__}: {error})"
            story.append(_Line(number, at, {}, problem))
    if not story:
        raise FatalSourceError(f"the story {path} is empty")
    return sorted(story, key=lambda line: line.at)


def _item(line: _Line, begun: datetime) -> Item:
    values = line.values
    given = values.get("author") or {}
    author_id = given.get("id") or given.get("handle")
    author = None
    if author_id:
        author = Author(
            str(author_id), handle=given.get("handle"), name=given.get("name"), followers=given.get("followers")
        )
    reach = values.get("reach")
    return Item(
        kind=str(values["platform"]),
        native_id=str(values["id"]),
        text=str(values["text"]),
        title=values.get("title"),
        created_at=begun + timedelta(seconds=line.at),
        url=web_address(values.get("url")),
        author=author,
        lang=values.get("lang"),
        reach=reach if reach is not None or author is None else author.followers,
        reply_to=values.get("reply_to"),
        target=values.get("target"),
    )
