"""What is listened for, and where."""

from datetime import datetime
from typing import Any

from sqlalchemy import Text
from sqlmodel import Field, SQLModel

from listener.store.tables.base import ID, JSON, UTCDateTime


class Brand(SQLModel, table=True):
    """A name that is listened for: one's own or a competitor's.

    ``relevance``: ``context`` and ``unless`` (queries) and ``threshold``, see ``listener.relevance.Rules``.
    ``accounts``: the handles that it answers from. ``themes``: what its mentions may be about, a name -> a query.

    The columns hold what is in force. ``file``: what escucha.yml says of them (None = it does not name the brand);
    ``edits``: what was changed over the pages or the API since, which outlives the file being read again.
    """

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    name: str = Field(sa_type=Text, unique=True)
    query: str = Field(sa_type=Text)
    role: str = Field(default="own", sa_type=Text)
    alerting: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    channels: list[str] | None = Field(default=None, sa_type=JSON)
    relevance: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    accounts: list[str] = Field(default_factory=list, sa_type=JSON)
    themes: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    active: bool = True
    file: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    edits: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    version: int = 1
    edited_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    edited_by: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=UTCDateTime)


class Source(SQLModel, table=True):
    """A place that is read, and how far it has been read.

    ``brands``: whose queries its items are held against (None = all). ``about_brands``: its items are about those
    brands whatever their words (an import for one brand). ``judge_as_new``: old items may raise alerts too.
    ``every_s``: None = read on demand only. ``stopped``: waits for a person, ``last_error`` says why.

    For the ledger (``listener.store.coverage``): ``listened_from``: since when it has been read; ``covered_to``: how
    far, gaps apart; ``run_from`` and ``run_until``: what the run under way, or the next one, will have read when it
    ends, where that is not simply from ``covered_to`` until it began. ``unread``: the parts that the last run could not
    read (``listener.source.Page``), ``run_unread``: those of the run under way, or the one to be gone on with.
    """

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    name: str = Field(sa_type=Text, unique=True)
    kind: str = Field(sa_type=Text)
    options: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    brands: list[str] | None = Field(default=None, sa_type=JSON)
    every_s: int | None = None
    about_brands: bool = False
    judge_as_new: bool = False
    active: bool = True
    cursor: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    provisional_cursor: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    last_run_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    last_success_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    last_error: str | None = Field(default=None, sa_type=Text)
    listened_from: datetime | None = Field(default=None, sa_type=UTCDateTime)
    covered_to: datetime | None = Field(default=None, sa_type=UTCDateTime)
    run_from: datetime | None = Field(default=None, sa_type=UTCDateTime)
    run_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    unread: list[str] | None = Field(default=None, sa_type=JSON)
    run_unread: list[str] | None = Field(default=None, sa_type=JSON)
    stopped: bool = False
    created_at: datetime = Field(sa_type=UTCDateTime)
