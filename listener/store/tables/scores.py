"""What models read out of mentions, and the figures that follow from it."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel, UniqueConstraint

from listener.store.tables.base import ID, JSON, UTCDateTime, ref


class Score(SQLModel, table=True):
    """What one model, at one revision, read out of a mention about a brand. Probabilities; None = no such head."""

    __table_args__ = (UniqueConstraint("mention_brand_id", "model", "revision"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    mention_brand_id: int = ref("mention_brand.id")
    model: str = Field(sa_type=Text)
    revision: str = Field(sa_type=Text)
    label: str | None = Field(default=None, sa_type=Text)
    unsure: bool = False
    lang: str = Field(sa_type=Text)
    polarity: dict[str, float] = Field(sa_type=JSON)
    stance: dict[str, float] | None = Field(default=None, sa_type=JSON)
    emotions: dict[str, float] | None = Field(default=None, sa_type=JSON)
    irony: float | None = None
    offensive: float | None = None
    complaint: float | None = None
    relevance: float | None = None
    created_at: datetime = Field(sa_type=UTCDateTime)


class ScoreCache(SQLModel, table=True):
    """What a model said of a text that came more than once, by a digest of what it read; never needed, only faster.

    ``chances``: the model's probabilities as ``sentiment.cache`` packs them. ``used_at`` is a day coarse.
    """

    __tablename__ = "score_cache"
    __table_args__ = (Index(None, "used_at"),)

    revision: str = Field(sa_type=Text, primary_key=True)
    digest: bytes = Field(sa_type=LargeBinary, primary_key=True)
    chances: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_type=UTCDateTime)
    used_at: datetime = Field(sa_type=UTCDateTime)


class RollupHour(SQLModel, table=True):
    """Mentions and reach per brand, platform, label and hour; written in the transaction that writes the scores.

    ``mentions`` are counted once: what only says them again is among the ``copies``, and its reach in ``reach``.
    """

    __tablename__ = "rollup_hour"
    __table_args__ = (Index(None, "brand_id", "hour"),)

    brand_id: int = Field(sa_type=ID, sa_column_args=[ForeignKey("brand.id")], primary_key=True)
    kind: str = Field(sa_type=Text, primary_key=True)
    label: str = Field(sa_type=Text, primary_key=True)
    hour: datetime = Field(sa_type=UTCDateTime, primary_key=True)
    mentions: int = 0
    reach: int = Field(default=0, sa_type=BigInteger)
    copies: int = 0


class RollupFacet(SQLModel, table=True):
    """Mentions per brand, label and hour by one more thing that is known of them: ``facet`` lang,
    polarity, emotion or theme, and its ``value``. Written with ``RollupHour``, and counted as there; copies are not."""

    __tablename__ = "rollup_facet"
    __table_args__ = (Index(None, "brand_id", "facet", "hour"),)

    brand_id: int = Field(sa_type=ID, sa_column_args=[ForeignKey("brand.id")], primary_key=True)
    facet: str = Field(sa_type=Text, primary_key=True)
    value: str = Field(sa_type=Text, primary_key=True)
    label: str = Field(sa_type=Text, primary_key=True)
    hour: datetime = Field(sa_type=UTCDateTime, primary_key=True)
    mentions: int = 0
