"""copies of one post, edits, and what was deleted"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_INDEXES = (
    ("ix_mention_digest", "mention", ["digest", "created_at", "id"], "digest IS NOT NULL"),
    ("ix_mention_cluster", "mention", ["cluster_id"], "cluster_id IS NOT NULL"),
    ("ix_mention_repost", "mention", ["kind", "repost_of", "id"], "repost_of IS NOT NULL"),
    ("ix_mention_quote", "mention", ["kind", "quote_of"], "quote_of IS NOT NULL"),
    ("ix_mention_unchecked", "mention", ["kind", "checked_at"], "deleted_at IS NULL"),
    ("ix_mention_brand_copies", "mention_brand", ["copy_of"], "copy_of IS NOT NULL"),
)

_MENTION = (
    ("repost_of", sa.Text()),
    ("quote_of", sa.Text()),
    ("digest", sa.BigInteger()),
    ("cluster_id", sa.BigInteger()),
    ("edited_at", sa.DateTime(timezone=True)),
    ("deleted_at", sa.DateTime(timezone=True)),
    ("deleted_why", sa.Text()),
)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    for name, kind in _MENTION:
        op.add_column("mention", sa.Column(name, kind, nullable=True))
    # Every row gets its own value below; a column that may not be empty needs one to begin with.
    begin = sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False, server_default="1970-01-01 00:00:00")
    op.add_column("mention", begin)
    op.execute("UPDATE mention SET checked_at = collected_at")
    op.add_column("mention_brand", sa.Column("copy_of", sa.BigInteger(), nullable=True))
    op.add_column("mention_brand", sa.Column("void", sa.Text(), nullable=True))
    op.add_column("mention_brand", sa.Column("edition", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("rollup_hour", sa.Column("copies", sa.Integer(), nullable=False, server_default="0"))
    for name, table, columns, condition in _INDEXES:
        op.create_index(op.f(name), table, columns, unique=False, **_where(condition))
    op.create_table(
        "mention_band",
        sa.Column("band", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("band", "digest", name=op.f("pk_mention_band")),
        # The key is all there is to it: on SQLite a third of the space.
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tombstone",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("native_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "native_id", name=op.f("pk_tombstone")),
    )


def downgrade() -> None:
    op.drop_table("tombstone")
    op.drop_table("mention_band")
    for name, table, _, condition in _INDEXES:
        op.drop_index(op.f(name), table, **_where(condition))
    op.drop_column("rollup_hour", "copies")
    for column in ("edition", "void", "copy_of"):
        op.drop_column("mention_brand", column)
    for column in ("checked_at", *(name for name, _ in _MENTION)):
        op.drop_column("mention", column)
