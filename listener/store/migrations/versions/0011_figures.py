"""figures by language, emotion and theme"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# SQLite only counts up an INTEGER primary key by itself.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "rollup_facet",
        sa.Column("brand_id", ID, nullable=False),
        sa.Column("facet", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("hour", TIME, nullable=False),
        sa.Column("mentions", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["brand_id"], ["brand.id"], name="fk_rollup_facet_brand_id_brand"),
        sa.PrimaryKeyConstraint("brand_id", "facet", "value", "label", "hour", name="pk_rollup_facet"),
    )


def downgrade() -> None:
    op.drop_table("rollup_facet")
