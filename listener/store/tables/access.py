"""Who may do what: users and their roles, sessions, keys, and what they keep for themselves."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, Text
from sqlmodel import Field, SQLModel, UniqueConstraint

from listener.store.tables.base import ID, JSON, UTCDateTime, ref


class UserAccount(SQLModel, table=True):
    """A person who signs in: with a password, or through an OIDC provider that knows them as ``issuer``, ``subject``.

    ``email`` is in lower case. ``language``: the pages' language; None = what the browser asks for.
    """

    __tablename__ = "user_account"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    email: str = Field(sa_type=Text, unique=True)
    name: str = Field(sa_type=Text)
    password_hash: str | None = Field(default=None, sa_type=Text)
    issuer: str | None = Field(default=None, sa_type=Text)
    subject: str | None = Field(default=None, sa_type=Text)
    language: str | None = Field(default=None, sa_type=Text)
    active: bool = True
    version: int = 1
    created_at: datetime = Field(sa_type=UTCDateTime)
    signed_in_at: datetime | None = Field(default=None, sa_type=UTCDateTime)


class UserRole(SQLModel, table=True):
    """A user's role (``listener.access.Role``) for a brand; ``brand_id`` None = for everything there is."""

    __tablename__ = "user_role"
    __table_args__ = (UniqueConstraint("user_id", "brand_id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    user_id: int = ref("user_account.id", index=True)
    brand_id: int | None = ref("brand.id", nullable=True, default=None)
    role: str = Field(sa_type=Text)


class WebSession(SQLModel, table=True):
    """Somebody is signed in. ``digest``: SHA-256 of the cookie's token, which is kept nowhere.

    ``csrf``: what every form of theirs carries. ``flash``: what the next page tells them, once.
    """

    __tablename__ = "web_session"

    digest: bytes = Field(sa_type=LargeBinary, primary_key=True)
    user_id: int = ref("user_account.id", index=True)
    csrf: str = Field(sa_type=Text)
    agent: str = Field(default="", sa_type=Text)
    flash: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=UTCDateTime)
    seen_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime, index=True)


class ApiKey(SQLModel, table=True):
    """A key of another program. ``digest``: SHA-256 of the key, which was shown once; ``prefix``: how people know it.

    ``scopes``: permissions (``listener.access.Permission``). ``brands``: ids of the only brands it is for; None = all.
    ``made_with``: the key that made it, which it does not outlast; None = a person did.
    """

    __tablename__ = "api_key"

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    name: str = Field(sa_type=Text)
    prefix: str = Field(sa_type=Text)
    digest: bytes = Field(sa_type=LargeBinary, unique=True)
    scopes: list[str] = Field(sa_type=JSON)
    brands: list[int] | None = Field(default=None, sa_type=JSON)
    made_with: int | None = ref("api_key.id", nullable=True, default=None, index=True)
    created_by: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    used_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    revoked_by: str | None = Field(default=None, sa_type=Text)


class OneTimeToken(SQLModel, table=True):
    """Lets somebody in once: to set up the first administrator, to take an invitation, to set a password anew."""

    __tablename__ = "one_time_token"

    digest: bytes = Field(sa_type=LargeBinary, primary_key=True)
    purpose: str = Field(sa_type=Text)
    user_id: int | None = ref("user_account.id", nullable=True, default=None)
    created_at: datetime = Field(sa_type=UTCDateTime)
    expires_at: datetime = Field(sa_type=UTCDateTime)


class SignInFailure(SQLModel, table=True):
    """Wrong passwords in a row, by what they were tried for (an e-mail address) or from (a network address)."""

    __tablename__ = "sign_in_failure"

    key: str = Field(sa_type=Text, primary_key=True)
    failures: int = 0
    last_at: datetime = Field(sa_type=UTCDateTime, index=True)
    blocked_until: datetime | None = Field(default=None, sa_type=UTCDateTime)


class RequestReceipt(SQLModel, table=True):
    """What a write under an Idempotency-Key came to, so that the same one sent again is answered and not done again.

    ``caller``: whose key it is. ``fingerprint``: a digest of the request. ``status`` None: it is at work, until
    ``lease_until`` at the longest.
    """

    __tablename__ = "request_receipt"
    __table_args__ = (Index(None, "created_at"),)

    caller: str = Field(sa_type=Text, primary_key=True)
    key: str = Field(sa_type=Text, primary_key=True)
    fingerprint: bytes = Field(sa_type=LargeBinary)
    status: int | None = None
    headers: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    body: bytes | None = Field(default=None, sa_type=LargeBinary)
    lease_until: datetime | None = Field(default=None, sa_type=UTCDateTime)
    created_at: datetime = Field(sa_type=UTCDateTime)


class SavedView(SQLModel, table=True):
    """What a user asked of a page, to ask it again. ``asked``: the address's query, name -> values."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("user_id", "page", "name"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    user_id: int = Field(sa_type=ID, sa_column_args=[ForeignKey("user_account.id")])
    page: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    asked: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    created_at: datetime = Field(sa_type=UTCDateTime)
