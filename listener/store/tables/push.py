"""What other systems send us: receipts for what was taken, and scores that people gave themselves."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel

from listener.store.tables.base import ID, UTCDateTime


class PushReceipt(SQLModel, table=True):
    """What a request under an idempotency key came to, so that the same one sent again is answered and not done again.

    ``fingerprint``: a digest of the request. ``answer``: the body that was sent back, None while the request is at
    work, until ``lease_until`` at the longest.
    """

    __tablename__ = "push_receipt"
    __table_args__ = (Index(None, "created_at"),)

    source_id: int = Field(sa_type=ID, sa_column_args=[ForeignKey("source.id")], primary_key=True)
    key: str = Field(sa_type=Text, primary_key=True)
    fingerprint: bytes = Field(sa_type=LargeBinary)
    answer: str | None = Field(default=None, sa_type=Text)
    lease_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    created_at: datetime = Field(sa_type=UTCDateTime)


class DeclaredScore(SQLModel, table=True):
    """A mark that the author of a mention gave (nps, csat, ces, ...) and the ends of its scale; never inferred."""

    __tablename__ = "declared_score"

    mention_id: int = Field(sa_type=ID, sa_column_args=[ForeignKey("mention.id")], primary_key=True)
    name: str = Field(sa_type=Text, primary_key=True)
    value: float
    lowest: float
    highest: float
