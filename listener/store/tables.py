"""The tables. One stage's output is the next one's input, so every stage finds its unfinished rows here.

    source -> mention -> mention_brand -> score -> alert -> delivery
                          (scored_at)  (judged_at)        (state)

Migrations in ``migrations/versions`` build exactly these; a test compares the two on every database.
"""

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import JSON as SQL_JSON
from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    TypeDecorator,
    text,
)
from sqlmodel import Field, SQLModel, UniqueConstraint

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment, kept in UTC. SQLite has no zones: there it is stored without one and given back with it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; the store takes aware times only")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite only counts up an INTEGER primary key by itself.
ID = BigInteger().with_variant(Integer(), "sqlite")
JSON = SQL_JSON(none_as_null=True)


def _ref(target: str, **options: Any) -> Any:
    """A foreign key column. ``target``: "table.column"; ``options`` go to ``Field``."""
    nullable = options.pop("nullable", False)
    return Field(
        sa_type=ID,
        sa_column_args=[ForeignKey(target)],
        nullable=nullable,
        **options,
    )


class Brand(SQLModel, table=True):
    """A name that is listened for: one's own or a competitor's."""

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    name: str = Field(sa_type=Text, unique=True)
    query: str = Field(sa_type=Text)
    role: str = Field(default="own", sa_type=Text)
    alerting: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    channels: list[str] | None = Field(default=None, sa_type=JSON)
    active: bool = True
    created_at: datetime = Field(sa_type=UTCDateTime)


class Source(SQLModel, table=True):
    """A place that is read, and how far it has been read.

    ``brands``: whose queries its items are held against (None = all). ``about_brands``: its items are about those
    brands whatever their words (an import for one brand). ``judge_as_new``: old items may raise alerts too.
    ``every_s``: None = read on demand only. ``stopped``: waits for a person, ``last_error`` says why. ``last_gap_at``:
    when its platform last had more than it handed out.
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
    last_gap_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    stopped: bool = False
    created_at: datetime = Field(sa_type=UTCDateTime)


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
    source_id: int = _ref("source.id", index=True)
    author_id: int | None = _ref("author.id", nullable=True, default=None, index=True)
    title: str | None = Field(default=None, sa_type=Text)
    text: str = Field(sa_type=Text)
    url: str | None = Field(default=None, sa_type=Text)
    lang: str | None = Field(default=None, sa_type=Text)
    reach: int | None = Field(default=None, sa_type=BigInteger)
    engagement: dict[str, int] = Field(default_factory=dict, sa_type=JSON)
    reply_to: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=UTCDateTime)
    collected_at: datetime = Field(sa_type=UTCDateTime)


def _where(condition: str) -> dict[str, Any]:
    """Index options for the rows that meet ``condition`` only: what is still to do stays small however much is kept."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class MentionBrand(SQLModel, table=True):
    """A mention is about a brand: the unit that is scored, judged and counted.

    ``label`` is the current one (promoter, passive, detractor). ``verdict`` is the named reason why this mention did
    or did not lead to an alert. ``lease_until``: a scorer is at work on it until then.
    """

    __tablename__ = "mention_brand"
    __table_args__ = (
        UniqueConstraint("mention_id", "brand_id"),
        Index("ix_mention_brand_unscored", "id", **_where("scored_at IS NULL")),
        Index("ix_mention_brand_unscored_of_brand", "brand_id", "id", **_where("scored_at IS NULL")),
        Index("ix_mention_brand_unjudged", "brand_id", "id", **_where("scored_at IS NOT NULL AND judged_at IS NULL")),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    mention_id: int = _ref("mention.id")
    brand_id: int = _ref("brand.id", index=True)
    spans: list[list[int]] = Field(default_factory=list, sa_type=JSON)
    label: str | None = Field(default=None, sa_type=Text)
    scored_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    lease_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    judged_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    verdict: str | None = Field(default=None, sa_type=Text)


class Score(SQLModel, table=True):
    """What one model, at one revision, read out of a mention about a brand. Probabilities; None = no such head."""

    __table_args__ = (UniqueConstraint("mention_brand_id", "model", "revision"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    mention_brand_id: int = _ref("mention_brand.id")
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
    """Mentions and reach per brand, platform, label and hour; written in the transaction that writes the scores."""

    __tablename__ = "rollup_hour"

    brand_id: int = Field(sa_type=ID, sa_column_args=[ForeignKey("brand.id")], primary_key=True)
    kind: str = Field(sa_type=Text, primary_key=True)
    label: str = Field(sa_type=Text, primary_key=True)
    hour: datetime = Field(sa_type=UTCDateTime, primary_key=True)
    mentions: int = 0
    reach: int = Field(default=0, sa_type=BigInteger)


class Alert(SQLModel, table=True):
    """An incident: what one rule found about one brand within a window. ``opened_at``/``last_at`` are mention times."""

    __table_args__ = (UniqueConstraint("brand_id", "rule", "opened_at"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    brand_id: int = _ref("brand.id")
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
        Index("ix_delivery_open", "channel", "not_before", **_where("state IN ('pending', 'sending')")),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    key: str = Field(sa_type=Text)
    alert_id: int | None = _ref("alert.id", nullable=True, default=None, index=True)
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
    delivery_id: int = _ref("delivery.id", index=True)
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


def table(model: type[SQLModel]) -> Table:
    """The Core table behind a model, for bulk statements."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]
