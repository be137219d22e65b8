"""The connection to the database, and the only place that commits."""

import re
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, Row, Table, event, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session, create_engine

from listener.store.write_queue import Line, Turn, line_of

BUSY_TIMEOUT_S = 30

_PAUSE_S = 0.05

_PRIMARY = 0xFF
"""The part of SQLite's extended result codes that names the kind of failure (https://www.sqlite.org/rescode.html)."""

POOL: dict[str, Any] = {"pool_size": 10, "max_overflow": 80}
"""Enough connections for the stages' threads and the API's; idle ones beyond ten are closed."""


SHORT = "-c jit=off -c max_parallel_workers_per_gather=0"
"""For PostgreSQL: our statements find a few rows each. What the index of words costs makes it guess otherwise, and then
it compiles them and starts processes for them, which takes ten times as long as they do."""

ROOM = ("cache_size=-16384", "wal_autocheckpoint=4000")
"""For SQLite: 16 MiB a connection (2 are the default) and as much in the log before it is written back. A page of
mentions touches some hundred places in the index of copies, and most of them again with the next page."""


class StoreError(Exception):
    """The database cannot be used as configured; the message says what to change."""


class Store:
    """One database: SQLite in a file, or PostgreSQL. Safe to share between threads."""

    def __init__(self, url: str | URL) -> None:
        """``url``: sqlite:///path or postgresql+psycopg://... Raises StoreError for anything else."""
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError) as error:
            raise StoreError(
                "ESCUCHA_DATABASE_URL is no database address; use sqlite:///path/to/file.db or "
                "postgresql+psycopg://user:password@host/database"
            ) from error
        if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
            raise StoreError(
                f"ESCUCHA_DATABASE_URL begins with {parsed.drivername!r}; Escucha runs on sqlite:///... "
                "and postgresql+psycopg://..."
            )
        if parsed.drivername == "sqlite" and parsed.database in (None, "", ":memory:"):
            raise StoreError(
                "ESCUCHA_DATABASE_URL names no file, and in memory nothing would be kept; "
                "use sqlite:///path/to/file.db (four slashes for a path from the root)"
            )
        self.url = parsed
        self.dialect = parsed.get_backend_name()
        # ``hide_parameters``: an error quotes what a statement was given otherwise, and that is what strangers said.
        self.engine = self._sqlite() if self.dialect == "sqlite" else self._postgresql()
        self._line: Line | None = line_of(Path(parsed.database or "")) if self.dialect == "sqlite" else None

    def _postgresql(self) -> Engine:
        said = {} if "options" in self.url.query else {"options": SHORT}
        engine = create_engine(self.url, connect_args=said, pool_pre_ping=True, hide_parameters=True, **POOL)

        # PostgreSQL's own errors quote whole rows ("DETAIL: Failing row contains (...)").
        @event.listens_for(engine, "handle_error")
        def _on_error(context: ExceptionContext) -> None:
            for error in (context.original_exception, context.sqlalchemy_exception):
                if error is not None and error.args:
                    error.args = (str(error.args[0]).partition("\nDETAIL:")[0], *error.args[1:])

        return engine

    def _sqlite(self) -> Engine:
        assert self.url.database is not None
        folder = Path(self.url.database).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"the database's folder {folder} cannot be made: {error.strerror}; set ESCUCHA_DATA_DIR or "
                "ESCUCHA_DATABASE_URL to another place"
            ) from error
        waiting = {"check_same_thread": False, "timeout": BUSY_TIMEOUT_S}
        engine = create_engine(self.url, connect_args=waiting, hide_parameters=True, **POOL)

        # The driver's own transactions begin late and as readers, so that two writers fail instead of waiting.
        # https://docs.sqlalchemy.org/en/21/dialects/sqlite.html (serializable isolation, savepoints)
        @event.listens_for(engine, "connect")
        def _on_connect(connection: Any, _record: Any) -> None:
            connection.isolation_level = None
            _write_ahead(connection)
            for pragma in ("synchronous=NORMAL", "foreign_keys=ON", *ROOM):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def _on_begin(connection: Connection) -> None:
            options = connection.get_execution_options()
            if (turn := options.get("escucha_turn")) is not None:
                turn.take()
            connection.exec_driver_sql("BEGIN" if options.get("escucha_read_only", False) else "BEGIN IMMEDIATE")

        return engine

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is kept whole when the block ends, and not at all when it raises.

        On SQLite the threads of a process write in the order in which they begin to (see ``store.write_queue``): from
        the first statement on others wait. One inside another of the same thread raises RuntimeError there.
        """
        if self._line is None:
            with Session(self.engine, expire_on_commit=False) as session:
                yield session
                session.commit()
            return
        turn = Turn(self._line)
        try:
            with Session(self.engine.execution_options(escucha_turn=turn), expire_on_commit=False) as session:
                yield session
                session.commit()
        finally:
            turn.end()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one state of the database, never waits for a writer and keeps nothing."""
        with self.engine.connect() as connection:
            if self.dialect == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            else:
                connection.execution_options(escucha_read_only=True)
            with Session(connection, expire_on_commit=False) as session:
                yield session

    def check(self) -> None:
        """Raises StoreError where the database does not answer."""
        try:
            with self.engine.connect():
                pass
        except DatabaseError as error:
            where = self.url.render_as_string(hide_password=True)
            raise StoreError(f"the database {where} does not answer: {str(error.orig).strip()}") from error

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on, which a file keeps from then on.

    Two that open a new file at once both read it and then want it for themselves; SQLite then refuses one at once
    rather than let it wait (https://www.sqlite.org/c3ref/busy_handler.html), so it asks again here.
    """
    for _ in range(round(BUSY_TIMEOUT_S / _PAUSE_S)):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(_PAUSE_S)
        else:
            return
    connection.execute("PRAGMA journal_mode=WAL")


_AWAY = (OperationalError, InterfaceError, InternalError)
_WRONG = re.compile(r"no such (?:table|column)|has no column|syntax error|malformed MATCH")


def in_words(error: Exception) -> str | None:
    """What is wrong with our own database, if that is what an error says: without statements and what they were given.

    It begins with "our own database" where it is busy, full or away, which may pass (see ``listener.error_words``), and
    with "unforeseen" where what it was asked for was wrong.
    """
    if isinstance(error, PoolTimeout):
        return "our own database is busy: all connections to it are in use"
    if not isinstance(error, DBAPIError):
        return None
    said = f"{type(error).__name__}: {next(iter(str(error.orig).splitlines()), '')}"
    if isinstance(error, DataError):
        # These quote the value that does not fit.
        said = type(error).__name__
    broken = isinstance(error, _AWAY) or type(error) is DatabaseError
    if broken and not _WRONG.search(said):
        return f"our own database is busy, full or away ({said})"
    return f"unforeseen {said}"


def insert_new(
    session: Session, table: Table, rows: Sequence[dict[str, Any]], returning: Sequence[str]
) -> list[Row[Any]]:
    """Insert the rows whose unique key is not there yet; the named columns of those that were."""
    if not rows:
        return []
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(table).on_conflict_do_nothing().returning(*(table.c[name] for name in returning))
    return list(session.connection().execute(statement, list(rows)))


def upsert(
    session: Session,
    table: Table,
    rows: Sequence[dict[str, Any]],
    *,
    key: Sequence[str],
    replace: Sequence[str] = (),
    add: Sequence[str] = (),
) -> None:
    """Insert rows, or where ``key`` is there already replace some columns (never by null) and add to others.

    No two rows may share a key: PostgreSQL refuses to touch a row twice in one statement.
    """
    if not rows:
        return
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(table)
    changes: dict[str, Any] = {name: func.coalesce(statement.excluded[name], table.c[name]) for name in replace}
    changes |= {name: table.c[name] + statement.excluded[name] for name in add}
    statement = statement.on_conflict_do_update(index_elements=[table.c[name] for name in key], set_=changes)
    session.connection().execute(statement, list(rows))
