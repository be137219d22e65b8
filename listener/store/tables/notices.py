"""What people are told and when: silences, decisions, the outbox, and what came back."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Text
from sqlmodel import Field, SQLModel, UniqueConstraint

from listener.store.tables.base import ID, JSON, UTCDateTime, ref, where


class Notification(SQLModel, table=True):
    """What a channel has been told of an incident: one row each, written with the decision that tells it.

    ``first_at``: when it was first told of the incident, or of its reopening; ``told_at``: when anything was last
    decided; ``posted_at``: when a new message (no update of one) was, of which there were ``times``. ``step``: the
    largest growth step told; ``escalation``: the highest step told there; ``version``, ``state`` and ``reopened``: the
    incident's when it was last told; ``count`` and ``severity``: when a message last told of them. ``ref``: the message
    that updates go to, as the channel names it (``alerts.channel.Receipt``), written when it has arrived; None = there
    is none yet, or the channel has no such.
    """

    alert_id: int = Field(sa_type=ID, sa_column_args=[ForeignKey("alert.id")], primary_key=True)
    channel: str = Field(sa_type=Text, primary_key=True)
    first_at: datetime = Field(sa_type=UTCDateTime)
    told_at: datetime = Field(sa_type=UTCDateTime)
    posted_at: datetime = Field(sa_type=UTCDateTime)
    step: int = 0
    escalation: int = 0
    version: int = 0
    state: str = Field(sa_type=Text)
    reopened: int = 0
    count: int = 0
    severity: str = Field(default="warning", sa_type=Text)
    times: int = 0
    ref: str | None = Field(default=None, sa_type=Text)


class DecisionLog(SQLModel, table=True):
    """A decision about an incident with its named reason, for what was sent and for what was not.

    The same decision made again only moves ``last_at`` and ``times``. ``channel``: "" where none came into question.
    ``until``: when what held it back ends, if that is known. ``key``: of the deliveries that came of it.
    """

    __tablename__ = "decision"

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    alert_id: int = ref("alert.id", index=True)
    channel: str = Field(default="", sa_type=Text)
    action: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    kind: str | None = Field(default=None, sa_type=Text)
    detail: str = Field(default="", sa_type=Text)
    key: str | None = Field(default=None, sa_type=Text)
    until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    first_at: datetime = Field(sa_type=UTCDateTime)
    last_at: datetime = Field(sa_type=UTCDateTime)
    times: int = 1


class Silence(SQLModel, table=True):
    """Incidents that match are not told from ``starts_at`` to ``ends_at``. Ended early it keeps its row.

    ``matchers``: label -> values, any of which will do; see ``alerts.muting``.
    """

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    matchers: dict[str, list[str]] = Field(sa_type=JSON)
    starts_at: datetime = Field(sa_type=UTCDateTime)
    ends_at: datetime = Field(sa_type=UTCDateTime, index=True)
    created_by: str = Field(sa_type=Text)
    comment: str = Field(default="", sa_type=Text)
    created_at: datetime = Field(sa_type=UTCDateTime)
    ended_by: str | None = Field(default=None, sa_type=Text)


class Delivery(SQLModel, table=True):
    """A message for one channel: outbox and notification log in one. Written in the transaction of the decision.

    ``state``: pending -> sending -> sent | pending (again, not before ``not_before``) | dead; or pending -> dropped,
    where something newer is sent instead (``outcome`` says what). ``ambiguous``: an attempt ended so that nobody can
    know whether it arrived. ``key`` is carried in the message itself. ``notice`` is the message as ``alerts.notice``
    writes it. ``mode``: "post" a new message, "update" the incident's, or "thread" under it; only "update" makes no
    noise and is outside the channel's budget. ``maybe_at``: when the last try that arrived, or may have, was made.
    ``merged_into``: the delivery that tells of it instead. ``tries_before``: of the ``attempts``, those from before a
    person had it tried again.
    """

    __table_args__ = (
        UniqueConstraint("key", "channel"),
        # The only one for those: what is before a delivery must be found by its incident, whatever PostgreSQL guesses.
        Index("ix_delivery_turn", "channel", "alert_id", "id", **where("state IN ('pending', 'sending')")),
        Index("ix_delivery_noise", "channel", "maybe_at", **where("maybe_at IS NOT NULL AND mode <> 'update'")),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    key: str = Field(sa_type=Text)
    alert_id: int | None = ref("alert.id", nullable=True, default=None, index=True)
    channel: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    mode: str = Field(default="post", sa_type=Text)
    severity: str = Field(default="warning", sa_type=Text)
    reason: str = Field(sa_type=Text)
    notice: str = Field(sa_type=Text)
    state: str = Field(default="pending", sa_type=Text)
    outcome: str | None = Field(default=None, sa_type=Text)
    ambiguous: bool = False
    attempts: int = 0
    tries_before: int = 0
    not_before: datetime = Field(sa_type=UTCDateTime)
    lease_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    created_at: datetime = Field(sa_type=UTCDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    maybe_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    # No foreign key: SQLite would have to write the whole table anew to get one.
    merged_into: int | None = Field(default=None, sa_type=BigInteger)


class DeliveryAttempt(SQLModel, table=True):
    """What one attempt came to: the evidence behind a delivery's state, only ever added to.

    A number stands twice where an attempt that was given up reported in the end.
    ``counts``: it takes a place in the channel's budget, because it arrived or may have; no longer once the channel has
    been read and the message is not there.
    """

    __tablename__ = "delivery_attempt"

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    delivery_id: int = ref("delivery.id", index=True)
    number: int
    at: datetime = Field(sa_type=UTCDateTime)
    outcome: str = Field(sa_type=Text)
    detail: str = Field(sa_type=Text)
    counts: bool = False


class Quotation(SQLModel, table=True):
    """A delivery about no single incident quotes a mention: where to look when that is deleted."""

    delivery_id: int = Field(sa_type=ID, sa_column_args=[ForeignKey("delivery.id")], primary_key=True)
    mention_brand_id: int = Field(
        sa_type=ID, sa_column_args=[ForeignKey("mention_brand.id")], primary_key=True, index=True
    )


class ChannelState(SQLModel, table=True):
    """What all processes must know about a channel: when it may be used again, or why it is off.

    ``failures``: how many tries in a row have failed there, whatever they were to send.
    """

    __tablename__ = "channel_state"

    name: str = Field(sa_type=Text, primary_key=True)
    not_before: datetime = Field(sa_type=UTCDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    disabled_reason: str | None = Field(default=None, sa_type=Text)
    failures: int = 0


class Interaction(SQLModel, table=True):
    """A button that somebody pressed: kept before it is answered, acted on afterwards, and never twice.

    ``digest`` of the signed request is the key: the same request again changes nothing. ``outcome``: a named one, once
    it is done.
    """

    digest: str = Field(sa_type=Text, primary_key=True)
    channel: str = Field(sa_type=Text)
    payload: str = Field(sa_type=Text)
    received_at: datetime = Field(sa_type=UTCDateTime)
    not_before: datetime = Field(sa_type=UTCDateTime, index=True)
    lease_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    attempts: int = 0
    done_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    outcome: str | None = Field(default=None, sa_type=Text)


class Audit(SQLModel, table=True):
    """Who changed what: silences, channels switched on, deliveries sent again or given up."""

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    at: datetime = Field(sa_type=UTCDateTime, index=True)
    actor: str = Field(sa_type=Text)
    action: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
