"""Incidents, their members, and the messages about them."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Text
from sqlmodel import Field, SQLModel, UniqueConstraint

from listener.store.tables.base import ID, UTCDateTime, ref, where


class Alert(SQLModel, table=True):
    """An incident: what one rule found about one brand within a window. ``opened_at``/``last_at`` are mention times."""

    __table_args__ = (UniqueConstraint("brand_id", "rule", "opened_at"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    brand_id: int = ref("brand.id")
    rule: str = Field(sa_type=Text)
    opened_at: datetime = Field(sa_type=UTCDateTime)
    last_at: datetime = Field(sa_type=UTCDateTime)
    count: int
    reach: int = Field(sa_type=BigInteger)
    notified_count: int = 0
    created_at: datetime = Field(sa_type=UTCDateTime)


class AlertMention(SQLModel, table=True):
    """A mention belongs to an incident, and the named reason why it was or was not notified."""

    __tablename__ = "alert_mention"

    alert_id: int = Field(sa_type=ID, sa_column_args=[ForeignKey("alert.id")], primary_key=True)
    mention_brand_id: int = Field(
        sa_type=ID, sa_column_args=[ForeignKey("mention_brand.id")], primary_key=True, index=True
    )
    reason: str = Field(sa_type=Text)


class Delivery(SQLModel, table=True):
    """A message for one channel: outbox and notification log in one. Written in the transaction of the decision.

    ``state``: pending -> sending -> sent | pending (again, not before ``not_before``) | dead. ``ambiguous``: an attempt
    ended so that nobody can know whether it arrived. ``key`` is carried in the message itself. ``notice`` is the
    message as ``alerts.notice`` writes it.
    """

    __table_args__ = (
        UniqueConstraint("key", "channel"),
        Index("ix_delivery_open", "channel", "not_before", **where("state IN ('pending', 'sending')")),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    key: str = Field(sa_type=Text)
    alert_id: int | None = ref("alert.id", nullable=True, default=None, index=True)
    channel: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    notice: str = Field(sa_type=Text)
    state: str = Field(default="pending", sa_type=Text)
    outcome: str | None = Field(default=None, sa_type=Text)
    ambiguous: bool = False
    attempts: int = 0
    not_before: datetime = Field(sa_type=UTCDateTime)
    lease_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    created_at: datetime = Field(sa_type=UTCDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class DeliveryAttempt(SQLModel, table=True):
    """What one attempt came to: the evidence behind a delivery's state, only ever added to.

    A number stands twice where an attempt that was given up reported in the end, or where a dead delivery was revived.
    """

    __tablename__ = "delivery_attempt"

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    delivery_id: int = ref("delivery.id", index=True)
    number: int
    at: datetime = Field(sa_type=UTCDateTime)
    outcome: str = Field(sa_type=Text)
    detail: str = Field(sa_type=Text)


class ChannelState(SQLModel, table=True):
    """What all processes must know about a channel: when it may be used again, or why it is off."""

    __tablename__ = "channel_state"

    name: str = Field(sa_type=Text, primary_key=True)
    not_before: datetime = Field(sa_type=UTCDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    disabled_reason: str | None = Field(default=None, sa_type=Text)
