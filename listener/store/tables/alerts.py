"""Incidents: their members, their lives, and what the rules said that watch windows of time."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Text
from sqlmodel import Field, SQLModel, UniqueConstraint

from listener.store.tables.base import ID, JSON, UTCDateTime, ref, where


class Alert(SQLModel, table=True):
    """An incident; see ``alerts.incident.Incident`` for what the columns hold.

    ``brand_id``: None for what concerns no single brand. ``group_key``: the incident's ``group``. ``created_at``: when
    we opened it; ``changed_at``: when its ``version`` last rose. ``decide_at``: when somebody must next decide whether
    people are told of it; None = nothing will change by the passing of time. ``team`` is whom it was routed to.
    ``escalated``: the highest step that was told. ``ends_at``: when an incident of a mention rule is over unless a
    mention comes; None = never by itself.
    """

    __table_args__ = (
        UniqueConstraint("brand_id", "rule", "group_key", "opened_at"),
        Index("ix_alert_undecided", "decide_at", **where("decide_at IS NOT NULL")),
        Index("ix_alert_ending", "ends_at", **where("ends_at IS NOT NULL")),
        Index("ix_alert_unresolved", "rule", "brand_id", **where("state <> 'resolved'")),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    brand_id: int | None = ref("brand.id", nullable=True, default=None)
    rule: str = Field(sa_type=Text)
    group_key: str = Field(default="", sa_type=Text)
    opened_at: datetime = Field(sa_type=UTCDateTime)
    last_at: datetime = Field(sa_type=UTCDateTime)
    count: int
    reach: int = Field(sa_type=BigInteger)
    severity: str = Field(default="warning", sa_type=Text)
    state: str = Field(default="open", sa_type=Text)
    because: str = Field(default="", sa_type=Text)
    platforms: list[str] = Field(default_factory=list, sa_type=JSON)
    languages: list[str] = Field(default_factory=list, sa_type=JSON)
    evidence: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    version: int = 1
    acknowledged_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    acknowledged_by: str | None = Field(default=None, sa_type=Text)
    assigned_to: str | None = Field(default=None, sa_type=Text)
    snoozed_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    answered_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    resolved_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    resolved_by: str | None = Field(default=None, sa_type=Text)
    resolved_why: str | None = Field(default=None, sa_type=Text)
    reopened: int = 0
    team: str | None = Field(default=None, sa_type=Text)
    escalated: int = 0
    decide_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    ends_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    created_at: datetime = Field(sa_type=UTCDateTime)
    changed_at: datetime = Field(sa_type=UTCDateTime)


class AlertMention(SQLModel, table=True):
    """A mention belongs to an incident, and the named reason why it was or was not notified.

    ``because``: what the rule found in this mention, with its numbers; "" where it found something in many together.
    """

    __tablename__ = "alert_mention"

    alert_id: int = Field(sa_type=ID, sa_column_args=[ForeignKey("alert.id")], primary_key=True)
    mention_brand_id: int = Field(
        sa_type=ID, sa_column_args=[ForeignKey("mention_brand.id")], primary_key=True, index=True
    )
    reason: str = Field(sa_type=Text)
    because: str = Field(default="", sa_type=Text)


class AlertEvent(SQLModel, table=True):
    """A line of an incident's timeline (``alerts.life.Event``), only ever added to."""

    __tablename__ = "alert_event"

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    alert_id: int = ref("alert.id", index=True)
    at: datetime = Field(sa_type=UTCDateTime)
    kind: str = Field(sa_type=Text)
    actor: str | None = Field(default=None, sa_type=Text)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class Feedback(SQLModel, table=True):
    """Whether a person found an incident's messages useful; each person's last word counts."""

    alert_id: int = Field(sa_type=ID, sa_column_args=[ForeignKey("alert.id")], primary_key=True)
    actor: str = Field(sa_type=Text, primary_key=True)
    useful: bool
    via: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=UTCDateTime)


class Evaluated(SQLModel, table=True):
    """How far a window rule has been asked about a brand (0 = about everything); moved on under the row's lock, so that
    every window is evaluated once, by whichever process comes first."""

    rule: str = Field(sa_type=Text, primary_key=True)
    brand_id: int = Field(sa_type=ID, primary_key=True, sa_column_kwargs={"autoincrement": False})
    until: datetime = Field(sa_type=UTCDateTime)


class Evaluation(SQLModel, table=True):
    """What a window rule said, with its named reason. The same said again only moves ``last_until`` and ``times``."""

    __table_args__ = (Index(None, "rule", "brand_id", "last_until"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    rule: str = Field(sa_type=Text)
    brand_id: int | None = ref("brand.id", nullable=True, default=None)
    group_key: str = Field(default="", sa_type=Text)
    first_until: datetime = Field(sa_type=UTCDateTime)
    last_until: datetime = Field(sa_type=UTCDateTime)
    times: int = 1
    fires: bool
    reason: str = Field(sa_type=Text)
    because: str = Field(default="", sa_type=Text)
    evidence: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    alert_id: int | None = ref("alert.id", nullable=True, default=None)
