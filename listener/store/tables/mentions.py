"""What was said, by whom, and about which brand."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field, SQLModel, UniqueConstraint

from listener.store.tables.base import ID, JSON, UTCDateTime, ref, where


class Author(SQLModel, table=True):
    """Who says things, as one platform names them."""

    __table_args__ = (UniqueConstraint("kind", "native_id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    kind: str = Field(sa_type=Text)
    native_id: str = Field(sa_type=Text)
    handle: str | None = Field(default=None, sa_type=Text)
    name: str | None = Field(default=None, sa_type=Text)
    url: str | None = Field(default=None, sa_type=Text)
    followers: int | None = Field(default=None, sa_type=BigInteger)


class Mention(SQLModel, table=True):
    """One post, comment, review or article; stored once however often it is seen."""

    __table_args__ = (UniqueConstraint("kind", "native_id"), Index(None, "created_at"))

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    kind: str = Field(sa_type=Text)
    native_id: str = Field(sa_type=Text)
    source_id: int = ref("source.id", index=True)
    author_id: int | None = ref("author.id", nullable=True, default=None, index=True)
    title: str | None = Field(default=None, sa_type=Text)
    text: str = Field(sa_type=Text)
    url: str | None = Field(default=None, sa_type=Text)
    lang: str | None = Field(default=None, sa_type=Text)
    reach: int | None = Field(default=None, sa_type=BigInteger)
    engagement: dict[str, int] = Field(default_factory=dict, sa_type=JSON)
    reply_to: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=UTCDateTime)
    collected_at: datetime = Field(sa_type=UTCDateTime)


class MentionBrand(SQLModel, table=True):
    """A mention is about a brand: the unit that is scored, judged and counted.

    ``label`` is the current one (promoter, passive, detractor). ``verdict`` is the named reason why this mention did
    or did not lead to an alert. ``lease_until``: a scorer is at work on it until then. ``hidden_why``: why it is kept
    out of lists, figures and alerts; None = it is shown. ``about_brand``: the source itself says that it is about the
    brand. ``said_relevant``: what a person said (``said_by``, ``said_at``), which no model overrides.
    """

    __tablename__ = "mention_brand"
    __table_args__ = (
        UniqueConstraint("mention_id", "brand_id"),
        Index("ix_mention_brand_unscored", "id", **where("scored_at IS NULL")),
        Index("ix_mention_brand_unscored_of_brand", "brand_id", "id", **where("scored_at IS NULL")),
        Index("ix_mention_brand_unjudged", "brand_id", "id", **where("scored_at IS NOT NULL AND judged_at IS NULL")),
        Index("ix_mention_brand_hidden", "id", **where("hidden_why IS NOT NULL")),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    mention_id: int = ref("mention.id")
    brand_id: int = ref("brand.id", index=True)
    spans: list[list[int]] = Field(default_factory=list, sa_type=JSON)
    label: str | None = Field(default=None, sa_type=Text)
    scored_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    lease_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    judged_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    verdict: str | None = Field(default=None, sa_type=Text)
    about_brand: bool = False
    hidden_why: str | None = Field(default=None, sa_type=Text)
    said_relevant: bool | None = None
    said_by: str | None = Field(default=None, sa_type=Text)
    said_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
