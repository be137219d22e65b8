"""The database's index of words (migration 0010): asked for mentions, never narrower than what is looked for."""

import sqlite3
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, cast, column, func, literal, literal_column, select
from sqlalchemy import table as bare_table
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlmodel import Session

from listener.query.index import EVERY_QUERY, Ask, Either, Every, Word
from listener.store.tables import Mention, table

MOST = 20_000
"""Mentions that have a word at most for it to be rare: these are looked up. What more have is met soon enough by going
through what was said last."""

HANDFUL = 500
"""Mentions whose ids are asked with themselves, not with the words that found them."""

_MERGED_AT_ONCE = 500
"""Pages of SQLite's index: a tenth of a second for which nobody else writes."""

_MENTION = table(Mention).c
_INDEX = bare_table("mention_search", column("rowid"), column("mention_search"))


class _Syntax(NamedTuple):
    """How a database writes what it is asked: a word, one that may go on, what stands between several."""

    word: str
    beginning: str
    every: str
    either: str


_FTS5 = _Syntax('"{}"', '"{}" *', " AND ", " OR ")
_TSQUERY = _Syntax("'{}'", "'{}':*", " & ", " | ")


def having(session: Session, ask: Ask) -> Select[Any] | list[int] | None:
    """The ids of the mentions that have what is asked for; None where these are more than ``MOST``."""
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    wanted = Either((ask, Word(EVERY_QUERY)))
    found = _sqlite(_written(wanted, _FTS5)) if on_sqlite else _postgresql(_written(wanted, _TSQUERY))
    # Themselves where they are a handful: PostgreSQL guesses thousands for any word and would go through all pairs.
    first = list(session.connection().scalars(found.limit(HANDFUL + 1)))
    if len(first) <= HANDFUL:
        return first
    some = found.limit(MOST + 1).subquery()
    number = session.connection().scalar(select(func.count()).select_from(some))
    return found if (number or 0) <= MOST else None


def settle(session: Session) -> bool:
    """Take what was deleted out of the file itself, a bounded step of it; False = nothing is left to do.

    A deleted word is never found again, but SQLite before 3.42 writes down beside it that it is gone, and only merging
    takes it away (https://www.sqlite.org/fts5.html#the_secure_delete_configuration_option).
    """
    if session.get_bind().dialect.name != "sqlite" or sqlite3.sqlite_version_info >= (3, 42):
        return False
    changes = "SELECT total_changes()"
    before = session.connection().exec_driver_sql(changes).scalar_one()
    merge = f"INSERT INTO mention_search(mention_search, rank) VALUES ('merge', -{_MERGED_AT_ONCE})"  # noqa: S608
    session.connection().exec_driver_sql(merge)
    # The statement itself is one of the changes.
    return int(session.connection().exec_driver_sql(changes).scalar_one()) - int(before) >= 2


def _sqlite(wanted: str) -> Select[Any]:
    return select(_INDEX.c.rowid).where(_INDEX.c.mention_search.op("MATCH")(wanted))


def _postgresql(wanted: str) -> Select[Any]:
    # Written as the index has it, or it would not be used.
    words: ColumnElement[Any] = literal_column("escucha_words(mention.text, mention.also_words)")
    return select(_MENTION.id).where(words.op("@@")(cast(literal(wanted), TSQUERY)))


def _written(ask: Ask, syntax: _Syntax) -> str:
    """Words are letters and digits of ASCII only, so nothing in them has to be escaped."""
    if isinstance(ask, Word):
        return (syntax.beginning if ask.open else syntax.word).format(ask.letters)
    between = syntax.every if isinstance(ask, Every) else syntax.either
    return f"({between.join(_written(part, syntax) for part in ask.parts)})"
