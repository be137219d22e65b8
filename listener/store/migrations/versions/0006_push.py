"""what other systems send us, and mentions that only share a brand's name"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# SQLite only counts up an INTEGER primary key by itself.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_PAIR_COLUMNS = ("hidden_why", "said_relevant", "said_by", "said_at")


def upgrade() -> None:
    op.create_table(
        "push_receipt",
        sa.Column("source_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_push_receipt_source_id_source")),
        sa.PrimaryKeyConstraint("source_id", "key", name=op.f("pk_push_receipt")),
    )
    op.create_index(op.f("ix_push_receipt_created_at"), "push_receipt", ["created_at"], unique=False)
    op.create_table(
        "declared_score",
        sa.Column("mention_id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("lowest", sa.Float(), nullable=False),
        sa.Column("highest", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["mention_id"], ["mention.id"], name=op.f("fk_declared_score_mention_id_mention")),
        sa.PrimaryKeyConstraint("mention_id", "name", name=op.f("pk_declared_score")),
    )
    op.add_column("brand", sa.Column("relevance", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
    # Of what is there already nothing is hidden, and nobody has said anything.
    op.add_column("mention_brand", sa.Column("about_brand", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("mention_brand", sa.Column("hidden_why", sa.Text(), nullable=True))
    op.add_column("mention_brand", sa.Column("said_relevant", sa.Boolean(), nullable=True))
    op.add_column("mention_brand", sa.Column("said_by", sa.Text(), nullable=True))
    op.add_column("mention_brand", sa.Column("said_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        op.f("ix_mention_brand_hidden"),
        "mention_brand",
        ["id"],
        unique=False,
        sqlite_where=sa.text("hidden_why IS NOT NULL"),
        postgresql_where=sa.text("hidden_why IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_mention_brand_hidden"), "mention_brand")
    for column in (*_PAIR_COLUMNS, "about_brand"):
        op.drop_column("mention_brand", column)
    op.drop_column("brand", "relevance")
    op.drop_table("declared_score")
    op.drop_index(op.f("ix_push_receipt_created_at"), "push_receipt")
    op.drop_table("push_receipt")
