"""full-text search over mentions

The index holds single words, each cut to 60 letters on PostgreSQL; ``listener.query.index`` says what is asked of it.
On SQLite it is an FTS5 table over the mentions themselves, which triggers keep in step: whoever writes the table
``mention`` anew in a later migration has to make them again. On PostgreSQL it is a GIN index over an expression.
"""

import sqlite3
from typing import Any

import sqlalchemy as sa
from alembic import op

from listener.query.index import more_words

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_AT_ONCE = 1_000

_FTS = """
CREATE VIRTUAL TABLE mention_search USING fts5(
    text, also_words, content='mention', content_rowid='id', detail=none, tokenize='unicode61 remove_diacritics 2'
)
"""
_OUT = (
    "INSERT INTO mention_search(mention_search, rowid, text, also_words) "
    "VALUES ('delete', old.id, old.text, old.also_words)"
)
_IN = "INSERT INTO mention_search(rowid, text, also_words) VALUES (new.id, new.text, new.also_words)"
_TRIGGERS = {
    "mention_search_insert": f"AFTER INSERT ON mention BEGIN {_IN}; END",
    "mention_search_delete": f"AFTER DELETE ON mention BEGIN {_OUT}; END",
    "mention_search_update": f"AFTER UPDATE OF text, also_words ON mention BEGIN {_OUT}; {_IN}; END",
}

# A word is kept once, without its place. What is too long to be kept whole has its own word instead (also_words).
_FUNCTION = """
CREATE FUNCTION escucha_words(said text, more text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 10000 AS $$
    SELECT array_to_tsvector(ARRAY(
        SELECT DISTINCT left(word, 60)
        FROM regexp_split_to_table(
            translate(
                lower((CASE WHEN length(said) > 100000 THEN '' ELSE said END || ' ' || coalesce(more, '')) COLLATE "C"),
                'áàâäãåéèêëíìîïóòôöõúùûüñçÁÀÂÄÃÅÉÈÊËÍÌÎÏÓÒÔÖÕÚÙÛÜÑÇ',
                'aaaaaaeeeeiiiiooooouuuuncaaaaaaeeeeiiiiooooouuuunc'
            ),
            '[^a-z0-9]+'
        ) AS word
        WHERE word <> ''
    ))
$$
"""


def upgrade() -> None:
    op.add_column("mention", sa.Column("also_words", sa.Text(), nullable=True))
    _find_more_words(op.get_bind())
    if op.get_bind().dialect.name == "sqlite":
        op.execute(_FTS)
        if sqlite3.sqlite_version_info >= (3, 42):
            op.execute("INSERT INTO mention_search(mention_search, rank) VALUES ('secure-delete', 1)")
        for name, what in _TRIGGERS.items():
            op.execute(f"CREATE TRIGGER {name} {what}")
        op.execute("INSERT INTO mention_search(mention_search) VALUES ('rebuild')")
    else:
        op.execute(_FUNCTION)
        op.execute("CREATE INDEX ix_mention_words ON mention USING gin (escucha_words(text, also_words))")
    op.create_index("ix_author_handle_lower", "author", [sa.text("lower(handle)")])
    op.create_index("ix_author_name_lower", "author", [sa.text("lower(name)")])


def _find_more_words(connection: sa.Connection) -> None:
    """For what is stored already."""
    mention = sa.table("mention", sa.column("id"), sa.column("text"), sa.column("also_words"))
    last = 0
    while True:
        wanted = sa.select(mention.c.id, mention.c.text).where(mention.c.id > last).order_by(mention.c.id)
        rows = connection.execute(wanted.limit(_AT_ONCE)).all()
        if not rows:
            return
        last = rows[-1].id
        found: list[dict[str, Any]] = [
            {"one": row.id, "words": words} for row in rows if (words := more_words(row.text)) is not None
        ]
        if found:
            change = sa.update(mention).where(mention.c.id == sa.bindparam("one"))
            connection.execute(change.values(also_words=sa.bindparam("words")), found)


def downgrade() -> None:
    op.drop_index("ix_author_name_lower", "author")
    op.drop_index("ix_author_handle_lower", "author")
    if op.get_bind().dialect.name == "sqlite":
        for name in _TRIGGERS:
            op.execute(f"DROP TRIGGER {name}")
        op.execute("DROP TABLE mention_search")
    else:
        op.drop_index("ix_mention_words", "mention")
        op.execute("DROP FUNCTION escucha_words(text, text)")
    op.drop_column("mention", "also_words")
