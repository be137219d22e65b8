"""What can be set for an import."""

from datetime import UTC, tzinfo
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

FieldName = Literal[
    "id", "text", "created_at", "author", "author_name", "followers", "lang", "target", "url", "title", "reach",
    "shares", "likes", "in_reply_to",
]  # fmt: skip


def zone(name: str) -> tzinfo:
    """The time zone of that name. UTC needs no zone database, which small images lack."""
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ValueError, KeyError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone: write one like Europe/Madrid or UTC") from error


class FileOptions(BaseModel):
    """Options of a ``file`` source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(description="the file: .jsonl or .ndjson (one JSON object a line), .csv or .tsv (with a header)")
    mapping: dict[FieldName, str] = Field(
        default_factory=dict,
        description="which column holds what, as field: column; in JSON lines a.b reaches into objects. "
        "Fields left out are looked for under their usual names",
    )
    platform: str | None = Field(
        default=None,
        min_length=1,
        max_length=40,
        description="the platform these mentions come from (x, reddit, ...), if the ids are that platform's own",
    )
    dataset: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="a name that keeps this file's ids apart from other files'; default: the file's name",
    )
    timezone: str = Field(default="UTC", description="the time zone of times that name none, such as Europe/Madrid")
    delimiter: str | None = Field(
        default=None,
        min_length=1,
        max_length=1,
        description="what stands between CSV columns; default: seen in the header",
    )

    @field_validator("path")
    @classmethod
    def _expanded(cls, path: Path) -> Path:
        return path.expanduser()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        zone(name)
        return name
