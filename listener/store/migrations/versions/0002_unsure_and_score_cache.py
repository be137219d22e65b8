"""unsure scores, and scores of texts that came more than once"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Scores so far come from models that never said they were unsure, so the default is true of them.
    op.add_column("score", sa.Column("unsure", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "score_cache",
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("chances", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("revision", "digest", name=op.f("pk_score_cache")),
    )
    op.create_index(op.f("ix_score_cache_used_at"), "score_cache", ["used_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_score_cache_used_at"), "score_cache")
    op.drop_table("score_cache")
    op.drop_column("score", "unsure")
