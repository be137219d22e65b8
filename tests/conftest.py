"""What tests share: stores on both databases, and a clock that stands still until it is moved."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlmodel import SQLModel

from alerts import outgoing
from listener.store import migrate
from listener.store.engine import Store

# Fewer examples than hypothesis's own 100, so that the whole suite stays quick; ESCUCHA_EXAMPLES=1000 looks harder. No
# deadline: machines under load are no failure.
settings.register_profile("escucha", max_examples=int(os.environ.get("ESCUCHA_EXAMPLES", "20")), deadline=None)
settings.load_profile("escucha")

# What tests ask stands on this machine, which feeds and channels may not reach by themselves.
os.environ.setdefault("ESCUCHA_ALLOWED_NETWORKS", "127.0.0.0/8,::1")
outgoing.allow(outgoing.networks(os.environ["ESCUCHA_ALLOWED_NETWORKS"]))

POSTGRES = os.environ.get("ESCUCHA_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")


def absent(what: str) -> None:
    """Skip where a service is missing, so that a bare machine can run the rest; fail in CI, which must have it."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "escucha.db"
    store = Store(f"sqlite:///{path}")
    migrate.upgrade(store)
    store.close()
    return path


@pytest.fixture(scope="session")
def _postgres_url() -> Iterator[str]:
    """A database of this session's own, migrated."""
    name = f"escucha_test_{uuid4().hex[:12]}"
    admin = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError as error:
        admin.dispose()
        absent(f"PostgreSQL does not answer at {POSTGRES} (set ESCUCHA_TEST_POSTGRES_URL): {error.orig}")
    url = make_url(POSTGRES).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        # What a test commits need not outlive the machine.
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    store = Store(url)
    migrate.upgrade(store)
    store.close()
    yield url
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh, migrated SQLite database."""
    path = tmp_path / "escucha.db"
    shutil.copy(_sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def _postgres_store(_postgres_url: str) -> Iterator[Store]:
    """One store for all tests: an engine of its own for each would learn every statement anew."""
    store = Store(_postgres_url)
    yield store
    store.close()


@pytest.fixture
def postgres_store(_postgres_store: Store) -> Store:
    """The session's PostgreSQL database, emptied, its ids beginning at 1 again."""
    # In one go, and by DELETE: on a few rows that is many times faster than TRUNCATE.
    statements = [f'DELETE FROM "{table.name}"' for table in reversed(SQLModel.metadata.sorted_tables)]
    statements.append("SELECT setval(seqrelid, 1, false) FROM pg_sequence")
    with _postgres_store.engine.begin() as connection:
        connection.exec_driver_sql("; ".join(statements))
    return _postgres_store


@pytest.fixture
def postgres_url(postgres_store: Store, _postgres_url: str) -> str:
    """The address of the same."""
    return _postgres_url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """Each database in turn."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def sqlite_store(sqlite_url: str) -> Iterator[Store]:
    """An empty store on SQLite."""
    store = Store(sqlite_url)
    yield store
    store.close()


@pytest.fixture
def store(request: pytest.FixtureRequest, database_url: str) -> Store:
    """An empty store on each database in turn."""
    found = request.getfixturevalue("sqlite_store" if database_url.startswith("sqlite") else "postgres_store")
    assert isinstance(found, Store)
    return found


NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Clock:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **length: float) -> datetime:
        """Move on, as in ``advance(minutes=5)``; the new time."""
        self.now += timedelta(**length)
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Noon on a Saturday, until it is moved."""
    return Clock()
