"""What has been read of a source, what happened while it was, and what is missing."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text
from sqlmodel import Field, SQLModel

from listener.store.tables.base import ID, JSON, UTCDateTime, ref, where


class Covered(SQLModel, table=True):
    """A stretch of time of which everything has been read. A source that is read well has one row, which grows."""

    __table_args__ = (Index(None, "source_id", "until"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    source_id: int = ref("source.id")
    since: datetime = Field(sa_type=UTCDateTime)
    until: datetime = Field(sa_type=UTCDateTime)


class SourceHour(SQLModel, table=True):
    """What happened to a source in one hour of the clock on the wall; no row = nobody tried.

    ``polls``: runs begun; ``finished``: those read to their end. ``found``: items handed out, ``stored``: new mentions
    of them. ``capped``: pages behind which the platform had more. ``truncated``: runs that we broke off, or that ended
    without a part of the place. ``why``: the last trouble, in the words of the error.
    """

    __tablename__ = "source_hour"

    source_id: int = Field(sa_type=ID, sa_column_args=[ForeignKey("source.id")], primary_key=True)
    hour: datetime = Field(sa_type=UTCDateTime, primary_key=True)
    polls: int = 0
    finished: int = 0
    found: int = 0
    stored: int = 0
    capped: int = 0
    truncated: int = 0
    rate_limited: int = 0
    failed: int = 0
    why: str | None = Field(default=None, sa_type=Text)


class Gap(SQLModel, table=True):
    """A stretch of which something is known to be missing.

    ``cause``: capped, restart, history or unread. ``state``: open -> filled | partly | lost; one of the cause unread is
    ``growing`` first, as long as every run lacks a part of the place. Filling goes window by window: ``read_to`` says
    how far it is, ``width_s`` how long the next window is, ``cursor`` where the one under way was left, ``holes`` what
    is missing even then (pairs of ISO times). ``tries``: those that failed; ``found``: items that came out of it.
    ``lease_until``: somebody is filling it until then.
    """

    __table_args__ = (
        Index(None, "source_id", "until"),
        Index("ix_gap_open", "not_before", **where("state = 'open'")),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    source_id: int = ref("source.id")
    since: datetime = Field(sa_type=UTCDateTime)
    until: datetime = Field(sa_type=UTCDateTime)
    cause: str = Field(sa_type=Text)
    why: str = Field(sa_type=Text)
    state: str = Field(default="open", sa_type=Text)
    tries: int = 0
    found: int = 0
    read_to: datetime = Field(sa_type=UTCDateTime)
    width_s: int
    cursor: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    holes: list[list[str]] = Field(default_factory=list, sa_type=JSON)
    not_before: datetime = Field(sa_type=UTCDateTime)
    lease_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    opened_at: datetime = Field(sa_type=UTCDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
