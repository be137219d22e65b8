"""What workers and schedulers share."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field, SQLModel, UniqueConstraint

from listener.store.tables.base import ID, JSON, UTCDateTime


class Task(SQLModel, table=True):
    """Work for any worker. One open task per ``key``: putting it twice changes nothing."""

    __table_args__ = (UniqueConstraint("key"), Index(None, "not_before"))

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    key: str = Field(sa_type=Text)
    payload: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    attempts: int = 0
    not_before: datetime = Field(sa_type=UTCDateTime)
    lease_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    lease_token: str | None = Field(default=None, sa_type=Text)


class Firing(SQLModel, table=True):
    """The last slot a scheduled job was fired for; whoever moves it on fires the job, so N schedulers fire once."""

    job: str = Field(sa_type=Text, primary_key=True)
    slot: int = Field(sa_type=BigInteger)
    fired_at: datetime = Field(sa_type=UTCDateTime)


class Setting(SQLModel, table=True):
    """A value that outlives a process and is no row of its own."""

    key: str = Field(sa_type=Text, primary_key=True)
    value: Any = Field(sa_type=JSON)
    updated_at: datetime = Field(sa_type=UTCDateTime)
