"""figures by language, polarity, emotion and theme"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
import structlog
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# SQLite only counts up an INTEGER primary key by itself.
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)

log = structlog.get_logger()

_FACETS = ("lang", "polarity", "emotion")
_BATCH = 2_000
_FELT = 0.5
_LANGUAGE = re.compile(r"[a-z]{2,3}")


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
    op.create_index("ix_rollup_facet_brand_id_facet_hour", "rollup_facet", ["brand_id", "facet", "hour"])
    op.create_index("ix_rollup_hour_brand_id_hour", "rollup_hour", ["brand_id", "hour"])
    _read_again()


def _read_again() -> None:
    """Repeat beside all that is scored what its latest score says, and count it. Themes there were none."""
    connection = op.get_bind()
    query = sa.text(
        "SELECT p.id, p.brand_id, p.label, p.copy_of, p.hidden_why, p.created_at, m.lang AS said_lang, s.lang, "
        "CAST(s.polarity AS TEXT) AS polarity, CAST(s.emotions AS TEXT) AS emotions "
        "FROM mention_brand p JOIN mention m ON m.id = p.mention_id "
        "JOIN score s ON s.id = (SELECT max(id) FROM score WHERE score.mention_brand_id = p.id) "
        "WHERE p.id > :after AND p.scored_at IS NOT NULL AND p.void IS NULL ORDER BY p.id LIMIT :most"
    ).columns(created_at=TIME)
    pair = sa.table("mention_brand", sa.column("id"), *map(sa.column, _FACETS))
    last = connection.scalar(sa.text("SELECT max(id) FROM mention_brand"))
    counted: Counter[tuple[int, str, str, str, datetime]] = Counter()
    after = 0
    while rows := connection.execute(query, {"after": after, "most": _BATCH}).all():
        after = rows[-1].id
        # Few of them differ: a statement for all of a batch that say the same, and none for those that say nothing.
        alike: defaultdict[tuple[str | None, ...], list[int]] = defaultdict(list)
        for row in rows:
            said = (
                _spoken(row.said_lang) or _spoken(row.lang),
                _likeliest(json.loads(row.polarity)),
                _felt(json.loads(row.emotions or "null") or {}),
            )
            alike[said].append(row.id)
            if row.copy_of is None and row.hidden_why is None:
                for facet, value in zip(_FACETS, said, strict=True):
                    if value is not None:
                        counted[row.brand_id, facet, value, row.label or "none", _hour(row.created_at)] += 1
        for shared, ids in alike.items():
            if any(shared):
                values = dict(zip(_FACETS, shared, strict=True))
                connection.execute(sa.update(pair).where(pair.c.id.in_(ids)).values(values))
        log.info("scores_read_again", up_to=after, of=last)
    facets = sa.table(
        "rollup_facet", sa.column("brand_id"), sa.column("facet"), sa.column("value"), sa.column("label"),
        sa.column("hour", TIME), sa.column("mentions"),
    )  # fmt: skip
    names = ("brand_id", "facet", "value", "label", "hour", "mentions")
    found = [dict(zip(names, (*key, number), strict=True)) for key, number in sorted(counted.items())]
    for start in range(0, len(found), _BATCH):
        connection.execute(sa.insert(facets), found[start : start + _BATCH])


def _hour(moment: datetime) -> datetime:
    # SQLite keeps times in UTC without saying so, and is to be given them so.
    moment = moment if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.replace(minute=0, second=0, microsecond=0)


def _spoken(tag: str | None) -> str | None:
    first = (tag or "").replace("_", "-").partition("-")[0].lower()
    return first if first != "und" and _LANGUAGE.fullmatch(first) else None


def _likeliest(chances: Mapping[str, Any]) -> str | None:
    return max(sorted(chances), key=chances.__getitem__, default=None)


def _felt(emotions: Mapping[str, Any]) -> str | None:
    name = _likeliest(emotions)
    return None if name is None or emotions[name] < _FELT or name in ("others", "neutral") else name


def downgrade() -> None:
    op.drop_index("ix_rollup_hour_brand_id_hour", "rollup_hour")
    op.drop_table("rollup_facet")
