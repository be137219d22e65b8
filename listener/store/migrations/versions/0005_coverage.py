"""what was read when, and what is missing"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
MARKS = ("listened_from", "covered_to", "run_from", "run_until")


def upgrade() -> None:
    for name in MARKS:
        op.add_column("source", sa.Column(name, MOMENT, nullable=True))
    # What was read before there was a ledger is not known: it begins with the last run that went well.
    op.execute(
        "UPDATE source SET listened_from = last_success_at, covered_to = last_success_at WHERE every_s IS NOT NULL"
    )
    op.drop_column("source", "last_gap_at")
    op.create_table(
        "covered",
        sa.Column("id", ID, nullable=False),
        sa.Column("source_id", ID, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_covered_source_id_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_covered")),
    )
    op.create_index(op.f("ix_covered_source_id_until"), "covered", ["source_id", "until"], unique=False)
    op.create_table(
        "source_hour",
        sa.Column("source_id", ID, nullable=False),
        sa.Column("hour", MOMENT, nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("polls", "finished", "found", "stored", "capped", "truncated", "rate_limited", "failed")
        ),
        sa.Column("why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_source_hour_source_id_source")),
        sa.PrimaryKeyConstraint("source_id", "hour", name=op.f("pk_source_hour")),
    )
    op.create_table(
        "gap",
        sa.Column("id", ID, nullable=False),
        sa.Column("source_id", ID, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("until", MOMENT, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("read_to", MOMENT, nullable=False),
        sa.Column("width_s", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.JSON(), nullable=True),
        sa.Column("holes", sa.JSON(), nullable=False),
        sa.Column("not_before", MOMENT, nullable=False),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("closed_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["source.id"], name=op.f("fk_gap_source_id_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gap")),
    )
    op.create_index(op.f("ix_gap_source_id_until"), "gap", ["source_id", "until"], unique=False)
    still_open = sa.text("state = 'open'")
    op.create_index(
        "ix_gap_open", "gap", ["not_before"], unique=False, sqlite_where=still_open, postgresql_where=still_open
    )


def downgrade() -> None:
    op.drop_table("gap")
    op.drop_table("source_hour")
    op.drop_table("covered")
    op.add_column("source", sa.Column("last_gap_at", MOMENT, nullable=True))
    for name in MARKS:
        op.drop_column("source", name)
