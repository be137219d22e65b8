"""users, keys and sessions; corrections; permission to use promoters' words; brands changed over the pages"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# SQLite only counts up an INTEGER primary key by itself.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def _column(name: str, kind: Any, default: Any = None, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable, server_default=default)


def upgrade() -> None:
    _access_tables()
    _reuse_tables()
    for name, kind, default in (
        ("themes", sa.JSON(), "{}"), ("file", sa.JSON(), None), ("edits", sa.JSON(), "{}"),
        ("version", sa.Integer(), "1"), ("edited_at", TIME, None), ("edited_by", sa.Text(), None),
    ):  # fmt: skip
        op.add_column("brand", _column(name, kind, default, nullable=default is None))
    # Every row gets its own value below; a column that may not be empty needs one to begin with.
    op.add_column("mention_brand", _column("created_at", TIME, "1970-01-01 00:00:00"))
    op.execute(
        "UPDATE mention_brand SET created_at = "
        "(SELECT created_at FROM mention WHERE mention.id = mention_brand.mention_id)"
    )
    for name, kind, default in (
        ("lang", sa.Text(), None), ("polarity", sa.Text(), None), ("emotion", sa.Text(), None),
        ("themes", sa.JSON(), "[]"), ("said_stance", sa.Text(), None), ("said_polarity", sa.Text(), None),
    ):  # fmt: skip
        op.add_column("mention_brand", _column(name, kind, default, nullable=default is None))
    op.create_index("ix_mention_brand_created_at_id", "mention_brand", ["created_at", "id"])
    op.create_index("ix_mention_brand_brand_id_created_at_id", "mention_brand", ["brand_id", "created_at", "id"])


def _access_tables() -> None:
    op.create_table(
        "user_account",
        sa.Column("id", ID, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("signed_in_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_user_account"),
        sa.UniqueConstraint("email", name="uq_user_account_email"),
        sa.UniqueConstraint("issuer", "subject", name="uq_user_account_issuer_subject"),
    )
    op.create_table(
        "user_role",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("brand_id", ID, nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name="fk_user_role_brand_id_brand"),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_user_role_user_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_user_role"),
        sa.UniqueConstraint("user_id", "brand_id", name="uq_user_role_user_id_brand_id"),
    )
    op.create_index("ix_user_role_user_id", "user_role", ["user_id"])
    op.create_table(
        "web_session",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("flash", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_web_session_user_id_user_account"),
        sa.PrimaryKeyConstraint("digest", name="pk_web_session"),
    )
    op.create_index("ix_web_session_expires_at", "web_session", ["expires_at"])
    op.create_index("ix_web_session_user_id", "web_session", ["user_id"])
    op.create_table(
        "api_key",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("brands", sa.JSON(), nullable=True),
        sa.Column("made_with", ID, nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("used_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.Column("revoked_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["made_with"], ["api_key.id"], name="fk_api_key_made_with_api_key"),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("digest", name="uq_api_key_digest"),
    )
    op.create_index("ix_api_key_made_with", "api_key", ["made_with"])
    op.create_table(
        "one_time_token",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("user_id", ID, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_one_time_token_user_id_user_account"),
        sa.PrimaryKeyConstraint("digest", name="pk_one_time_token"),
    )
    op.create_table(
        "sign_in_failure",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.Column("blocked_until", TIME, nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_sign_in_failure"),
    )
    op.create_index("ix_sign_in_failure_last_at", "sign_in_failure", ["last_at"])
    op.create_table(
        "request_receipt",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name="pk_request_receipt"),
    )
    op.create_index("ix_request_receipt_created_at", "request_receipt", ["created_at"])
    op.create_table(
        "saved_view",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name="fk_saved_view_user_id_user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_saved_view"),
        sa.UniqueConstraint("user_id", "page", "name", name="uq_saved_view_user_id_page_name"),
    )


def _reuse_tables() -> None:
    op.create_table(
        "correction",
        sa.Column("id", ID, nullable=False),
        sa.Column("mention_brand_id", ID, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("revision", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["mention_brand_id"], ["mention_brand.id"], name="fk_correction_mention_brand_id_mention_brand"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_correction"),
    )
    op.create_index("ix_correction_at", "correction", ["at"])
    op.create_index("ix_correction_mention_brand_id_id", "correction", ["mention_brand_id", "id"])
    op.create_table(
        "reuse_permission",
        sa.Column("mention_brand_id", ID, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", TIME, nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=True),
        sa.Column("answered_at", TIME, nullable=True),
        sa.Column("proof", sa.Text(), nullable=True),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("history", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mention_brand_id"], ["mention_brand.id"], name="fk_reuse_permission_mention_brand_id_mention_brand"
        ),
        sa.PrimaryKeyConstraint("mention_brand_id", name="pk_reuse_permission"),
    )
    op.create_index("ix_reuse_permission_expires_at", "reuse_permission", ["expires_at"])
    op.create_table(
        "collection",
        sa.Column("id", ID, nullable=False),
        sa.Column("brand_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name="fk_collection_brand_id_brand"),
        sa.PrimaryKeyConstraint("id", name="pk_collection"),
        sa.UniqueConstraint("brand_id", "name", name="uq_collection_brand_id_name"),
    )
    op.create_table(
        "collection_item",
        sa.Column("collection_id", ID, nullable=False),
        sa.Column("mention_brand_id", ID, nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name="fk_collection_item_collection_id_collection"
        ),
        sa.ForeignKeyConstraint(
            ["mention_brand_id"], ["mention_brand.id"], name="fk_collection_item_mention_brand_id_mention_brand"
        ),
        sa.PrimaryKeyConstraint("collection_id", "mention_brand_id", name="pk_collection_item"),
    )
    op.create_index("ix_collection_item_mention_brand_id", "collection_item", ["mention_brand_id"])


def downgrade() -> None:
    op.drop_index("ix_mention_brand_brand_id_created_at_id", "mention_brand")
    op.drop_index("ix_mention_brand_created_at_id", "mention_brand")
    for name in ("created_at", "lang", "polarity", "emotion", "themes", "said_stance", "said_polarity"):
        op.drop_column("mention_brand", name)
    for name in ("themes", "file", "edits", "version", "edited_at", "edited_by"):
        op.drop_column("brand", name)
    for table in (
        "collection_item", "collection", "reuse_permission", "correction", "saved_view", "request_receipt",
        "sign_in_failure", "one_time_token", "api_key", "web_session", "user_role", "user_account",
    ):  # fmt: skip
        op.drop_table(table)
