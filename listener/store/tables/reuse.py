"""What people said of scores, and the promoters' words that marketing wants to use again."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text
from sqlmodel import Field, SQLModel, UniqueConstraint

from listener.store.tables.base import ID, JSON, UTCDateTime, ref


class Correction(SQLModel, table=True):
    """A person said what a mention really feels or is about; only ever added to, the last one of its kind holds.

    ``what``: stance, polarity or relevance. ``before`` and ``after``: as they are shown, such as "-2" or "positive";
    ``after`` None = the correction before is taken back. ``model`` and ``revision``: what it corrects.
    """

    __table_args__ = (Index(None, "mention_brand_id", "id"), Index(None, "at"))

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    mention_brand_id: int = ref("mention_brand.id")
    what: str = Field(sa_type=Text)
    before: str | None = Field(default=None, sa_type=Text)
    after: str | None = Field(default=None, sa_type=Text)
    model: str | None = Field(default=None, sa_type=Text)
    revision: str | None = Field(default=None, sa_type=Text)
    actor: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=UTCDateTime)


class ReusePermission(SQLModel, table=True):
    """Whether an author lets a brand use their words; no row = not asked.

    ``state``: ``listener.reuse.State``; a granted one is over at ``expires_at``. ``proof``: where the author said so
    (an address, or words), without which nothing counts as granted. ``terms``: for what and where they may be used.
    ``edition``: of the words that it is for (``MentionBrand.edition``); it does not hold for what they become later.
    """

    __tablename__ = "reuse_permission"

    mention_brand_id: int = Field(sa_type=ID, sa_column_args=[ForeignKey("mention_brand.id")], primary_key=True)
    state: str = Field(sa_type=Text)
    asked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    asked_by: str | None = Field(default=None, sa_type=Text)
    answered_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    proof: str | None = Field(default=None, sa_type=Text)
    terms: str = Field(default="", sa_type=Text)
    expires_at: datetime | None = Field(default=None, sa_type=UTCDateTime, index=True)
    edition: int = 0
    version: int = 1
    changed_at: datetime = Field(sa_type=UTCDateTime)
    changed_by: str = Field(sa_type=Text)
    history: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)


class Collection(SQLModel, table=True):
    """Promoters' mentions of a brand that somebody put together."""

    __table_args__ = (UniqueConstraint("brand_id", "name"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    brand_id: int = ref("brand.id")
    name: str = Field(sa_type=Text)
    version: int = 1
    created_at: datetime = Field(sa_type=UTCDateTime)
    created_by: str = Field(sa_type=Text)


class CollectionItem(SQLModel, table=True):
    """A mention is in a collection."""

    __tablename__ = "collection_item"

    collection_id: int = Field(sa_type=ID, sa_column_args=[ForeignKey("collection.id")], primary_key=True)
    mention_brand_id: int = Field(
        sa_type=ID, sa_column_args=[ForeignKey("mention_brand.id")], primary_key=True, index=True
    )
    added_at: datetime = Field(sa_type=UTCDateTime)
    added_by: str = Field(sa_type=Text)
