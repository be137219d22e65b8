"""quotas and spending that all processes share, sources that are tried again, backfills"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MONEY = sa.BigInteger()
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "quota_account",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("left", sa.Float(), nullable=True),
        sa.Column("told_at", TIME, nullable=True),
        sa.Column("renewed_at", TIME, nullable=True),
        sa.Column("blocked_until", TIME, nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("day_cap", MONEY, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_quota_account")),
    )
    op.create_table(
        "quota_use",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_use")),
    )
    op.create_index(op.f("ix_quota_use_account_at_ms"), "quota_use", ["account", "at_ms"], unique=False)
    op.create_table(
        "spend",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", "day", name=op.f("pk_spend")),
    )
    op.create_table(
        "spend_held",
        sa.Column("id", ID, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spend_held")),
    )
    op.create_index(op.f("ix_spend_held_account"), "spend_held", ["account"], unique=False)
    op.create_table(
        "source_breaker",
        sa.Column("source_id", ID, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("opened_at", TIME, nullable=True),
        sa.Column("again_at", TIME, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_source_breaker_source_id_source")),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_source_breaker")),
    )
    op.create_table(
        "backfill",
        sa.Column("id", ID, nullable=False),
        sa.Column("source_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("brands", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.Column("cursor", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("stored", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("capped", sa.Integer(), nullable=False),
        sa.Column("cost", MONEY, nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("lease_token", sa.Text(), nullable=True),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_backfill_source_id_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfill")),
        sa.UniqueConstraint("source_id", "key", name=op.f("uq_backfill_source_id_key")),
    )


def downgrade() -> None:
    op.drop_table("backfill")
    op.drop_table("source_breaker")
    op.drop_index(op.f("ix_spend_held_account"), "spend_held")
    op.drop_table("spend_held")
    op.drop_table("spend")
    op.drop_index(op.f("ix_quota_use_account_at_ms"), "quota_use")
    op.drop_table("quota_use")
    op.drop_table("quota_account")
