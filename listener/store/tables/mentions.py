"""What was said, by whom, and about which brand."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Text, text
from sqlmodel import Field, SQLModel, UniqueConstraint

from listener.store.tables.base import ID, JSON, UTCDateTime, ref, where


class Author(SQLModel, table=True):
    """Who says things, as one platform names them."""

    __table_args__ = (
        UniqueConstraint("kind", "native_id"),
        Index("ix_author_handle_lower", text("lower(handle)")),
        Index("ix_author_name_lower", text("lower(name)")),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=ID)
    kind: str = Field(sa_type=Text)
    native_id: str = Field(sa_type=Text)
    handle: str | None = Field(default=None, sa_type=Text)
    name: str | None = Field(default=None, sa_type=Text)
    url: str | None = Field(default=None, sa_type=Text)
    followers: int | None = Field(default=None, sa_type=BigInteger)


class Mention(SQLModel, table=True):
    """One post, comment, review or article; stored once however often it is seen.

    ``digest`` stands for its words (``listener.copies``); None = too few to know a copy by. ``cluster_id`` is the id
    of the mention that those like it are copies of, its own where it is that one; None = it is alone. ``checked_at``:
    when it was last known to be there still. ``readings``: what was seen of its reactions before and now (see
    ``listener.readings``); None = once only. A mention that is gone keeps its row, blank, with ``deleted_at``.
    ``also_words``: words of the text that the database's index of words would not see (``listener.query.index``);
    whoever writes the text writes these. The index itself is no table of ours: migration 0010 makes it.
    """

    __table_args__ = (
        UniqueConstraint("kind", "native_id"),
        Index(None, "created_at"),
        # With the id, because PostgreSQL's indexes do not know it by themselves.
        Index("ix_mention_digest", "digest", "created_at", "id", **where("digest IS NOT NULL")),
        Index("ix_mention_cluster", "cluster_id", **where("cluster_id IS NOT NULL")),
        Index("ix_mention_repost", "kind", "repost_of", "id", **where("repost_of IS NOT NULL")),
        Index("ix_mention_quote", "kind", "quote_of", **where("quote_of IS NOT NULL")),
        Index("ix_mention_reply", "kind", "reply_to", **where("reply_to IS NOT NULL")),
        Index("ix_mention_unchecked", "kind", "checked_at", **where("deleted_at IS NULL")),
    )

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
    readings: list[list[int]] | None = Field(default=None, sa_type=JSON)
    reply_to: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = Field(sa_type=UTCDateTime)
    collected_at: datetime = Field(sa_type=UTCDateTime)
    repost_of: str | None = Field(default=None, sa_type=Text)
    quote_of: str | None = Field(default=None, sa_type=Text)
    digest: int | None = Field(default=None, sa_type=BigInteger)
    # No foreign key: SQLite would have to write the whole table anew to get one, and only ``store.copies`` sets it.
    cluster_id: int | None = Field(default=None, sa_type=BigInteger)
    edited_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    checked_at: datetime = Field(sa_type=UTCDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    deleted_why: str | None = Field(default=None, sa_type=Text)
    also_words: str | None = Field(default=None, sa_type=Text)


class MentionBand(SQLModel, table=True):
    """Where texts that may be alike meet: the texts (by digest) in each band of ``listener.copies``.

    ``day``: when the text was first seen, in days since 1970; old ones go (``store.links.forget_old``).
    """

    __tablename__ = "mention_band"
    __table_args__ = ({"sqlite_with_rowid": False},)

    band: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    digest: int = Field(sa_type=BigInteger, primary_key=True, sa_column_kwargs={"autoincrement": False})
    day: int


class Tombstone(SQLModel, table=True):
    """A mention that had to go: it is never taken in again, and nothing of what it said is kept."""

    kind: str = Field(sa_type=Text, primary_key=True)
    native_id: str = Field(sa_type=Text, primary_key=True)
    at: datetime = Field(sa_type=UTCDateTime)
    why: str = Field(sa_type=Text)


class MentionBrand(SQLModel, table=True):
    """A mention is about a brand: the unit that is scored, judged and counted.

    ``label`` is the current one (promoter, passive, detractor). ``verdict`` is the named reason why this mention did
    or did not lead to an alert, ``verdicts`` that of each rule. ``lease_until``: a scorer is at work on it until then.
    ``hidden_why``: why it is kept out of lists, figures and alerts; None = it is shown. ``about_brand``: the source
    itself says that it is about the brand. ``said_relevant``: what a person said (``said_by``, ``said_at``), which no
    model overrides.

    ``copy_of`` is the pair that is counted in its place; None = it is counted itself. ``void`` says why it no longer
    counts at all: "edited" (its words left the brand, and an incident still names it) or "deleted". ``edition``
    goes up with every edit, so that a score of the words before is not taken for one of these.

    For lists and figures it repeats what stands elsewhere: ``created_at`` and ``lang`` of its mention (a tag's first
    part; where there is none its latest score's), and of that score ``polarity`` and ``emotion`` (the likeliest; None =
    the model does not say, or of an emotion that none is likely: ``store.scoring.FELT``). ``themes``: the
    names of its brand's themes that it meets. ``said_stance`` ("-2" to "2") and ``said_polarity``: what a person
    corrected, which no model overrides.
    """

    __tablename__ = "mention_brand"
    __table_args__ = (
        UniqueConstraint("mention_id", "brand_id"),
        Index("ix_mention_brand_unscored", "id", **where("scored_at IS NULL")),
        Index("ix_mention_brand_unscored_of_brand", "brand_id", "id", **where("scored_at IS NULL")),
        Index("ix_mention_brand_unjudged", "brand_id", "id", **where("scored_at IS NOT NULL AND judged_at IS NULL")),
        Index("ix_mention_brand_copies", "copy_of", **where("copy_of IS NOT NULL")),
        Index("ix_mention_brand_grown", "brand_id", "id", **where("grown_at IS NOT NULL")),
        Index("ix_mention_brand_hidden", "id", **where("hidden_why IS NOT NULL")),
        Index(None, "created_at", "id"),
        Index(None, "brand_id", "created_at", "id"),
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
    verdicts: dict[str, str] | None = Field(default=None, sa_type=JSON)
    grown_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    about_brand: bool = False
    hidden_why: str | None = Field(default=None, sa_type=Text)
    said_relevant: bool | None = None
    said_by: str | None = Field(default=None, sa_type=Text)
    said_at: datetime | None = Field(default=None, sa_type=UTCDateTime)
    # No foreign key, for the same reason as a mention's cluster.
    copy_of: int | None = Field(default=None, sa_type=BigInteger)
    void: str | None = Field(default=None, sa_type=Text)
    edition: int = 0
    created_at: datetime = Field(sa_type=UTCDateTime)
    lang: str | None = Field(default=None, sa_type=Text)
    polarity: str | None = Field(default=None, sa_type=Text)
    emotion: str | None = Field(default=None, sa_type=Text)
    themes: list[str] = Field(default_factory=list, sa_type=JSON)
    said_stance: str | None = Field(default=None, sa_type=Text)
    said_polarity: str | None = Field(default=None, sa_type=Text)
