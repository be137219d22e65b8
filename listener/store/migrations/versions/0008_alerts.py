"""the life of incidents, decisions, silences, windows evaluated, buttons pressed"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# SQLite only counts up an INTEGER primary key by itself.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)

_OLD_UNIQUE = "uq_alert_brand_id_rule_opened_at"
_NEW_UNIQUE = "uq_alert_brand_id_rule_group_key_opened_at"

_ALERT: tuple[tuple[str, Any, str | None], ...] = (
    ("group_key", sa.Text(), ""),
    ("severity", sa.Text(), "warning"),
    ("state", sa.Text(), "open"),
    ("because", sa.Text(), ""),
    ("platforms", sa.JSON(), "[]"),
    ("languages", sa.JSON(), "[]"),
    ("evidence", sa.JSON(), "{}"),
    ("version", sa.Integer(), "1"),
    ("acknowledged_at", TIME, None),
    ("acknowledged_by", sa.Text(), None),
    ("assigned_to", sa.Text(), None),
    ("snoozed_until", TIME, None),
    ("answered_at", TIME, None),
    ("resolved_at", TIME, None),
    ("resolved_by", sa.Text(), None),
    ("resolved_why", sa.Text(), None),
    ("reopened", sa.Integer(), "0"),
    ("team", sa.Text(), None),
    ("escalated", sa.Integer(), "0"),
    ("decide_at", TIME, None),
    ("ends_at", TIME, None),
    # Every row gets its own value below; a column that may not be empty needs one to begin with.
    ("changed_at", TIME, "1970-01-01 00:00:00"),
)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


_OPEN = _where("state IN ('pending', 'sending')")
_NOISE = _where("maybe_at IS NOT NULL AND mode <> 'update'")
_INDEXES = (
    ("ix_alert_undecided", "alert", ["decide_at"], _where("decide_at IS NOT NULL")),
    ("ix_alert_ending", "alert", ["ends_at"], _where("ends_at IS NOT NULL")),
    ("ix_mention_brand_grown", "mention_brand", ["brand_id", "id"], _where("grown_at IS NOT NULL")),
    ("ix_alert_unresolved", "alert", ["rule", "brand_id"], _where("state <> 'resolved'")),
    ("ix_mention_reply", "mention", ["kind", "reply_to"], _where("reply_to IS NOT NULL")),
    ("ix_delivery_turn", "delivery", ["channel", "alert_id", "id"], _OPEN),
    ("ix_delivery_noise", "delivery", ["channel", "maybe_at"], _NOISE),
)


def _ref(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"))


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _column(name: str, kind: Any, default: Any = None, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable, server_default=default)


def upgrade() -> None:
    with op.batch_alter_table("alert") as batch:
        for name, kind, default in _ALERT:
            batch.add_column(_column(name, kind, default, nullable=default is None))
        batch.alter_column("brand_id", existing_type=ID, nullable=True)
        batch.drop_constraint(_OLD_UNIQUE, type_="unique")
        batch.create_unique_constraint(_NEW_UNIQUE, ["brand_id", "rule", "group_key", "opened_at"])
    # Nobody could say of an incident that it was over; what a mention joins is opened again.
    op.execute(
        "UPDATE alert SET changed_at = created_at, state = 'resolved', resolved_at = created_at, resolved_why = 'quiet'"
    )
    op.add_column("delivery", _column("mode", sa.Text(), "post"))
    op.add_column("delivery", _column("severity", sa.Text(), "warning"))
    op.add_column("delivery", _column("maybe_at", TIME, nullable=True))
    op.add_column("delivery", _column("merged_into", sa.BigInteger(), nullable=True))
    op.add_column("delivery", _column("tries_before", sa.Integer(), "0"))
    op.execute("UPDATE delivery SET maybe_at = sent_at")
    op.add_column("delivery_attempt", _column("counts", sa.Boolean(), sa.false()))
    op.execute(sa.text("UPDATE delivery_attempt SET counts = :yes WHERE outcome LIKE 'sent%'").bindparams(yes=True))
    op.add_column("channel_state", _column("failures", sa.Integer(), "0"))
    op.add_column("alert_mention", _column("because", sa.Text(), ""))
    op.add_column("mention_brand", _column("verdicts", sa.JSON(), nullable=True))
    op.add_column("mention_brand", _column("grown_at", TIME, nullable=True))
    op.add_column("mention", _column("readings", sa.JSON(), nullable=True))
    op.add_column("brand", _column("accounts", sa.JSON(), "[]"))
    op.drop_index("ix_delivery_open", "delivery")
    for name, table, columns, options in _INDEXES:
        op.create_index(op.f(name), table, columns, unique=False, **options)
    _incident_tables()
    _notice_tables()
    # People who were told of an incident before are not to be told of it anew, nor of the end of each old one.
    op.execute(
        "INSERT INTO notification (alert_id, channel, first_at, told_at, posted_at, step, escalation, version, state, "
        "reopened, count, severity, times) "
        "SELECT d.alert_id, d.channel, min(d.created_at), max(d.created_at), max(d.created_at), max(a.notified_count), "
        "0, 1, 'resolved', 0, max(a.notified_count), 'warning', count(*) "
        "FROM delivery d JOIN alert a ON a.id = d.alert_id GROUP BY d.alert_id, d.channel"
    )
    with op.batch_alter_table("alert") as batch:
        batch.drop_column("notified_count")


def _incident_tables() -> None:
    op.create_table(
        "alert_event",
        _column("id", ID),
        _column("alert_id", ID),
        _column("at", TIME),
        _column("kind", sa.Text()),
        _column("actor", sa.Text(), nullable=True),
        _column("detail", sa.JSON()),
        _ref("alert_event", "alert_id", "alert"),
        _key("alert_event", "id"),
    )
    op.create_index(op.f("ix_alert_event_alert_id"), "alert_event", ["alert_id"])
    op.create_table(
        "feedback",
        _column("alert_id", ID),
        _column("actor", sa.Text()),
        _column("useful", sa.Boolean()),
        _column("via", sa.Text()),
        _column("at", TIME),
        _ref("feedback", "alert_id", "alert"),
        _key("feedback", "alert_id", "actor"),
    )
    op.create_table(
        "evaluated",
        _column("rule", sa.Text()),
        sa.Column("brand_id", ID, autoincrement=False, nullable=False),
        _column("until", TIME),
        _key("evaluated", "rule", "brand_id"),
    )
    op.create_table(
        "evaluation",
        _column("id", ID),
        _column("rule", sa.Text()),
        _column("brand_id", ID, nullable=True),
        _column("group_key", sa.Text()),
        _column("first_until", TIME),
        _column("last_until", TIME),
        _column("times", sa.Integer()),
        _column("fires", sa.Boolean()),
        _column("reason", sa.Text()),
        _column("because", sa.Text()),
        _column("evidence", sa.JSON()),
        _column("alert_id", ID, nullable=True),
        _ref("evaluation", "alert_id", "alert"),
        _ref("evaluation", "brand_id", "brand"),
        _key("evaluation", "id"),
    )
    op.create_index(op.f("ix_evaluation_rule_brand_id_last_until"), "evaluation", ["rule", "brand_id", "last_until"])


def _notice_tables() -> None:
    op.create_table(
        "notification",
        _column("alert_id", ID),
        _column("channel", sa.Text()),
        _column("first_at", TIME),
        _column("told_at", TIME),
        _column("posted_at", TIME),
        _column("step", sa.Integer()),
        _column("escalation", sa.Integer()),
        _column("version", sa.Integer()),
        _column("state", sa.Text()),
        _column("reopened", sa.Integer()),
        _column("count", sa.Integer()),
        _column("severity", sa.Text()),
        _column("times", sa.Integer()),
        _column("ref", sa.Text(), nullable=True),
        _ref("notification", "alert_id", "alert"),
        _key("notification", "alert_id", "channel"),
    )
    op.create_table(
        "quotation",
        _column("delivery_id", ID),
        _column("mention_brand_id", ID),
        _ref("quotation", "delivery_id", "delivery"),
        _ref("quotation", "mention_brand_id", "mention_brand"),
        _key("quotation", "delivery_id", "mention_brand_id"),
    )
    op.create_index(op.f("ix_quotation_mention_brand_id"), "quotation", ["mention_brand_id"])
    op.create_table(
        "decision",
        _column("id", ID),
        _column("alert_id", ID),
        _column("channel", sa.Text()),
        _column("action", sa.Text()),
        _column("reason", sa.Text()),
        _column("kind", sa.Text(), nullable=True),
        _column("detail", sa.Text()),
        _column("key", sa.Text(), nullable=True),
        _column("until", TIME, nullable=True),
        _column("first_at", TIME),
        _column("last_at", TIME),
        _column("times", sa.Integer()),
        _ref("decision", "alert_id", "alert"),
        _key("decision", "id"),
    )
    op.create_index(op.f("ix_decision_alert_id"), "decision", ["alert_id"])
    op.create_table(
        "silence",
        _column("id", ID),
        _column("matchers", sa.JSON()),
        _column("starts_at", TIME),
        _column("ends_at", TIME),
        _column("created_by", sa.Text()),
        _column("comment", sa.Text()),
        _column("created_at", TIME),
        _column("ended_by", sa.Text(), nullable=True),
        _key("silence", "id"),
    )
    op.create_index(op.f("ix_silence_ends_at"), "silence", ["ends_at"])
    op.create_table(
        "interaction",
        _column("digest", sa.Text()),
        _column("channel", sa.Text()),
        _column("payload", sa.Text()),
        _column("received_at", TIME),
        _column("not_before", TIME),
        _column("lease_until", TIME, nullable=True),
        _column("attempts", sa.Integer()),
        _column("done_at", TIME, nullable=True),
        _column("outcome", sa.Text(), nullable=True),
        _key("interaction", "digest"),
    )
    op.create_index(op.f("ix_interaction_not_before"), "interaction", ["not_before"])
    op.create_table(
        "audit",
        _column("id", ID),
        _column("at", TIME),
        _column("actor", sa.Text()),
        _column("action", sa.Text()),
        _column("subject", sa.Text()),
        _column("detail", sa.JSON()),
        _key("audit", "id"),
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"])


def downgrade() -> None:
    with op.batch_alter_table("alert") as batch:
        batch.add_column(_column("notified_count", sa.Integer(), "0"))
    op.execute(
        "UPDATE alert SET notified_count = coalesce("
        "(SELECT max(n.step) FROM notification n WHERE n.alert_id = alert.id), 0)"
    )
    for table in ("audit", "interaction", "silence", "decision", "quotation", "notification"):
        op.drop_table(table)
    for table in ("evaluation", "evaluated", "feedback", "alert_event"):
        op.drop_table(table)
    for name, table, _, options in _INDEXES:
        op.drop_index(op.f(name), table, **options)
    op.create_index("ix_delivery_open", "delivery", ["channel", "not_before"], unique=False, **_OPEN)
    op.drop_column("brand", "accounts")
    op.drop_column("alert_mention", "because")
    op.drop_column("mention", "readings")
    for column in ("grown_at", "verdicts"):
        op.drop_column("mention_brand", column)
    op.drop_column("channel_state", "failures")
    op.drop_column("delivery_attempt", "counts")
    _drop_what_has_no_place()
    for column in ("tries_before", "merged_into", "maybe_at", "severity", "mode"):
        op.drop_column("delivery", column)
    with op.batch_alter_table("alert") as batch:
        batch.drop_constraint(_NEW_UNIQUE, type_="unique")
        for name, _, _ in _ALERT:
            batch.drop_column(name)
        batch.alter_column("brand_id", existing_type=ID, nullable=False)
        batch.create_unique_constraint(_OLD_UNIQUE, ["brand_id", "rule", "opened_at"])


def _drop_what_has_no_place() -> None:
    """In the tables of before: incidents of no single brand, several of a rule that began at the same moment (the first
    takes the others' mentions and messages), and changes of messages, which would be sent as new ones."""
    brandless = "alert_id IN (SELECT id FROM alert WHERE brand_id IS NULL)"
    gone = f"{brandless} OR (mode = 'update' AND state IN ('pending', 'sending'))"
    op.execute(f"DELETE FROM delivery_attempt WHERE delivery_id IN (SELECT id FROM delivery WHERE {gone})")  # noqa: S608
    op.execute(f"DELETE FROM delivery WHERE {gone}")  # noqa: S608
    op.execute(f"DELETE FROM alert_mention WHERE {brandless}")  # noqa: S608
    op.execute("DELETE FROM alert WHERE brand_id IS NULL")
    first = (
        "(SELECT min(f.id) FROM alert f JOIN alert o ON f.brand_id = o.brand_id AND f.rule = o.rule "
        "AND f.opened_at = o.opened_at WHERE o.id = {id})"
    )
    others = "SELECT id FROM alert WHERE id NOT IN (SELECT min(id) FROM alert GROUP BY brand_id, rule, opened_at)"
    op.execute(
        f"DELETE FROM alert_mention WHERE alert_id IN ({others}) AND EXISTS (SELECT 1 FROM alert_mention m "  # noqa: S608
        "WHERE m.mention_brand_id = alert_mention.mention_brand_id AND m.alert_id < alert_mention.alert_id "
        f"AND {first.format(id='m.alert_id')} = {first.format(id='alert_mention.alert_id')})"
    )
    for table in ("alert_mention", "delivery"):
        mine = first.format(id=f"{table}.alert_id")
        op.execute(f"UPDATE {table} SET alert_id = {mine} WHERE alert_id IN ({others})")  # noqa: S608
    op.execute(f"DELETE FROM alert WHERE id IN ({others})")  # noqa: S608
