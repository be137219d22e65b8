"""What all processes must know about accounts on platforms: what is left, what was spent, and when to try again."""

from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

from sqlalchemy import BigInteger, Date, Dialect, ForeignKey, Index, Text, TypeDecorator
from sqlmodel import Field, SQLModel, UniqueConstraint

from listener.store.tables.base import ID, JSON, UTCDateTime, ref

_PARTS = Decimal(10) ** 9


class Money(TypeDecorator[Decimal]):
    """US dollars to the billionth, as a whole number: exact on both databases, and fit to be added up by them.

    SQLite has no decimals. What is finer than a billionth is rounded up, so that no spend is ever understated.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else int((value * _PARTS).to_integral_value(ROUND_CEILING))

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        # A sum of whole numbers comes as a Decimal from PostgreSQL.
        return None if value is None else Decimal(int(value)) / _PARTS


class QuotaAccount(SQLModel, table=True):
    """An account on a platform, named by its platform and a digest of its credentials.

    ``left``: what the platform's headers said is left, less what was asked for since; they said so at ``told_at`` and
    renew it at ``renewed_at``. ``blocked_until``: nobody asks before that, ``why`` says for what reason. ``day_cap``:
    the most it may cost in a day.
    """

    __tablename__ = "quota_account"

    name: str = Field(sa_type=Text, primary_key=True)
    left: float | None = None
    told_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    renewed_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    blocked_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    why: str | None = Field(default=None, sa_type=Text)
    day_cap: Decimal | None = Field(default=None, sa_type=Money)


class QuotaUse(SQLModel, table=True):
    """One request that an account has made, at ``at_ms`` (milliseconds since 1970); dropped once no limit counts it."""

    __tablename__ = "quota_use"
    __table_args__ = (Index(None, "account", "at_ms"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    account: str = Field(sa_type=Text)
    at_ms: int = Field(sa_type=BigInteger)
    weight: int


class Spend(SQLModel, table=True):
    """What an account has cost on a day (UTC), in how many requests. Only ever added to."""

    account: str = Field(sa_type=Text, primary_key=True)
    day: date = Field(sa_type=Date, primary_key=True)
    kind: str = Field(sa_type=Text)
    amount: Decimal = Field(default=Decimal(0), sa_type=Money)
    requests: int = 0


class SpendHeld(SQLModel, table=True):
    """The most that a request under way can cost; counts as spent until it is paid, given back, or ``until``."""

    __tablename__ = "spend_held"
    __table_args__ = (Index(None, "account"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    account: str = Field(sa_type=Text)
    amount: Decimal = Field(sa_type=Money)
    until: datetime = Field(sa_type=UTCDateTime)


class SourceBreaker(SQLModel, table=True):
    """How a source has been failing, and when it is tried again (see ``listener.breaker``). No row = it works."""

    __tablename__ = "source_breaker"

    source_id: int = Field(sa_type=ID, sa_column_args=[ForeignKey("source.id")], primary_key=True)
    failures: int = 0
    refusals: int = 0
    opened_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    again_at: datetime = Field(sa_type=UTCDateTime)
    why: str = Field(sa_type=Text)


class Backfill(SQLModel, table=True):
    """A window of a source's past that is read for some brands, and how far.

    ``key`` names what was asked for: a digest of the brands' queries, the source's options, since and until; asked for
    again, it goes on here. ``state``: open, finished or failed (``why`` says it). ``unread``: the parts that could not
    be read in it. ``lease_until``: a process is at work on it until then.
    """

    __table_args__ = (UniqueConstraint("source_id", "key"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    source_id: int = ref("source.id")
    key: str = Field(sa_type=Text)
    brands: list[str] = Field(sa_type=JSON)
    since: datetime = Field(sa_type=UTCDateTime)
    until: datetime = Field(sa_type=UTCDateTime)
    cursor: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    state: str = Field(default="open", sa_type=Text)
    why: str | None = Field(default=None, sa_type=Text)
    found: int = 0
    stored: int = 0
    pages: int = 0
    capped: int = 0
    unread: list[str] | None = Field(default=None, sa_type=JSON)
    cost: Decimal = Field(default=Decimal(0), sa_type=Money)
    lease_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    lease_token: str | None = Field(default=None, sa_type=Text)
    started_at: datetime = Field(sa_type=UTCDateTime)
    updated_at: datetime = Field(sa_type=UTCDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
