"""Bring a database to the tables this version knows. Safe to call from several processes at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from listener.store.engine import Store, StoreError

# Any constant will do, as long as every process uses the same.
_ADVISORY_LOCK = 0x65736375


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """The revision of the newest migration."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current(store: Store) -> str | None:
    """The revision the database is at; None = an empty one."""
    with store.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _rebuilding(store: Store) -> Iterator[Connection]:
    """A transaction in which tables may be written anew.

    SQLite writes a table anew by dropping the old one, which would take or refuse the rows that refer to it; so its
    foreign keys are off meanwhile, which can only be said outside a transaction, and checked before it is kept
    (https://www.sqlite.org/lang_altertable.html#otheralter).
    """
    with store.engine.connect() as connection:
        if store.dialect != "sqlite":
            with connection.begin():
                yield connection
            return
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                if broken:
                    raise StoreError(
                        f"{len(broken)} rows of the database refer to rows that are not there, the first in the table "
                        f"{broken[0][0]}: it cannot be brought up to date; restore a backup"
                    )
        finally:
            raw.execute("PRAGMA foreign_keys=ON")


def upgrade(store: Store) -> tuple[str | None, str]:
    """Run what is missing, all or nothing; (revision before, revision after).

    Raises StoreError for a database that a newer Escucha has already changed.
    """
    store.check()
    newest = head()
    if current(store) == newest:
        return newest, newest
    with _rebuilding(store) as connection:
        if store.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        before = MigrationContext.configure(connection).get_current_revision()
        config = _config(connection)
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if before is not None and before not in known:
            raise StoreError(
                f"the database is at revision {before}, which this version of Escucha does not know; "
                "it was used with a newer one: install that, or restore a backup"
            )
        command.upgrade(config, "head")
    return before, newest
