"""Rows into tables by the hundred thousand: COPY on PostgreSQL, one prepared statement on SQLite."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from listener.store.engine import Store

Row = Sequence[Any]


def at(moment: datetime) -> str:
    """A time as both databases read it, given that they take it for UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


@contextmanager
def bulk(store: Store, bare: Sequence[str]) -> Iterator["Bulk"]:
    """A connection to fill an empty database with, all or nothing. The indexes of the tables ``bare`` that are there
    for speed alone go first and are made anew at the end, which takes a fraction of the time."""
    with store.engine.begin() as connection:
        writer = Bulk(connection)
        indexes = writer.indexes(bare)
        for name in indexes:
            connection.exec_driver_sql(f"DROP INDEX {name}")
        yield writer
        for statement in indexes.values():
            connection.exec_driver_sql(statement)
        writer.count_on()
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # What the database knows of its rows decides which index it uses.
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("ANALYZE")


class Bulk:
    """Writes rows of plain values: times as "YYYY-MM-DD HH:MM:SS.ffffff" in UTC, JSON as text."""

    def __init__(self, connection: Connection) -> None:
        self._raw: Any = connection.connection.driver_connection
        self._postgresql = connection.dialect.name == "postgresql"
        self._connection = connection
        if self._postgresql:
            self._raw.execute("SET LOCAL TIME ZONE 'UTC'")
            self._raw.execute("SET LOCAL maintenance_work_mem = '512MB'")

    def write(self, table: str, columns: str, rows: Sequence[Row]) -> None:
        """Add rows; ``columns`` as in SQL, in the order of the values."""
        if not self._postgresql:
            marks = ", ".join("?" * (columns.count(",") + 1))
            self._raw.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)  # noqa: S608
            return
        with self._raw.cursor().copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def change(self, statement: str, rows: Sequence[Row]) -> None:
        """Run a statement once for each row; ``{}`` stands where a value does."""
        marks = ("%s" if self._postgresql else "?",) * statement.count("{}")
        self._raw.cursor().executemany(statement.format(*marks), rows)

    def indexes(self, tables: Sequence[str]) -> dict[str, str]:
        """The indexes of tables that no constraint needs, each with the statement that makes it."""
        names = ", ".join(f"'{name}'" for name in tables)
        query = (
            f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({names})"  # noqa: S608
        )
        if self._postgresql:
            query = (
                f"SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ({names}) AND schemaname = "  # noqa: S608
                "current_schema() AND indexname NOT IN (SELECT conname FROM pg_constraint)"
            )
        return {row[0]: row[1] for row in self._connection.exec_driver_sql(query)}

    def count_on(self) -> None:
        """Have PostgreSQL's own ids go on after the ones that were written."""
        if not self._postgresql:
            return
        columns = self._connection.exec_driver_sql(
            "SELECT table_name, pg_get_serial_sequence(quote_ident(table_name), 'id') FROM information_schema.columns "
            "WHERE column_name = 'id' AND table_schema = current_schema()"
        )
        for table, sequence in columns.all():
            if sequence is not None:
                last = f'(SELECT max(id) FROM "{table}")'  # noqa: S608
                self._connection.exec_driver_sql(f"SELECT setval('{sequence}', {last}) WHERE {last} IS NOT NULL")
