"""Transactions, reading, addresses, and moments in the database."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from listener.store.engine import Store, StoreError, insert_new, upsert
from listener.store.tables import Author, Setting, table
from tests.conftest import NOON
from tests.listener.conftest import Site, broken_off


def setting(key: str, value: object = 1) -> Setting:
    return Setting(key=key, value=value, updated_at=NOON)


def test_a_transaction_keeps_its_work_when_the_block_ends(site: Site) -> None:
    with site.store.transaction() as session:
        session.add(setting("a"))

    assert site.one(Setting).key == "a"


def test_a_transaction_that_raises_keeps_nothing(site: Site) -> None:
    with broken_off(site.store) as session:
        session.add(setting("a"))
        session.flush()

    assert site.rows(Setting) == []


def test_a_reader_sees_one_state_of_the_database_and_holds_up_no_writer(site: Site) -> None:
    with site.store.reading() as session:
        before = session.connection().execute(select(table(Setting).c.key)).all()
        with site.store.transaction() as writing:
            writing.add(setting("a"))
        again = session.connection().execute(select(table(Setting).c.key)).all()

    assert before == again == []
    assert site.one(Setting).key == "a"


def test_a_reader_that_leaves_lets_the_next_transaction_write(site: Site) -> None:
    with site.store.reading():
        pass
    with site.store.transaction() as session:
        session.add(setting("a"))

    assert site.one(Setting).key == "a"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("escucha.db", "is no database address"),
        ("", "is no database address"),
        ("mysql://host/db", "begins with 'mysql'"),
        ("postgresql://host/db", "postgresql\\+psycopg://"),
    ],
)
def test_an_address_of_another_kind_is_refused_with_what_would_be_right(url: str, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        Store(url)


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    store = Store("postgresql+psycopg://ana:hunter2@127.0.0.1:1/escucha")

    with pytest.raises(StoreError, match=r"ana:\*\*\*@127.0.0.1:1/escucha does not answer") as caught:
        store.check()

    assert "hunter2" not in str(caught.value)
    store.close()


def test_a_file_that_is_no_database_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("these are my notes, and they are long enough to be taken for a header" * 20)
    store = Store(f"sqlite:///{path}")

    with pytest.raises(StoreError, match="not a database"):
        store.check()

    store.close()


def test_a_folder_that_cannot_be_made_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(StoreError, match=r"folder .*file/data cannot be made.*ESCUCHA_DATA_DIR"):
        Store(f"sqlite:///{tmp_path}/file/data/escucha.db")


def test_folders_of_a_sqlite_file_are_made(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/a/b/escucha.db")

    store.check()

    assert (tmp_path / "a" / "b" / "escucha.db").exists()
    store.close()


def test_inserting_what_is_there_already_gives_back_only_the_new(site: Site) -> None:
    rows = [{"kind": "x", "native_id": name} for name in "ab"]
    with site.store.transaction() as session:
        first = insert_new(session, table(Author), rows[:1], returning=("native_id",))
        second = insert_new(session, table(Author), rows, returning=("native_id",))

    assert [row.native_id for row in first] == ["a"]
    assert [row.native_id for row in second] == ["b"]


def test_an_upsert_replaces_by_values_and_never_by_null(site: Site) -> None:
    row = {"kind": "x", "native_id": "a", "handle": "ana", "name": "Ana", "url": None, "followers": 7}
    changed = row | {"handle": None, "name": "Ana P.", "followers": 5}
    for written in (row, changed):
        with site.store.transaction() as session:
            upsert(
                session, table(Author), [written], key=("kind", "native_id"), replace=("handle", "name"),
                add=("followers",),
            )  # fmt: skip

    author = site.one(Author)
    assert (author.handle, author.name, author.followers) == ("ana", "Ana P.", 12)


def test_a_moment_comes_back_in_utc_to_the_microsecond(site: Site) -> None:
    written = datetime(2026, 3, 1, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    with site.store.transaction() as session:
        session.add(Setting(key="a", value=1, updated_at=written))

    read = site.one(Setting).updated_at
    assert read == written
    assert read.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused(site: Site) -> None:
    naive = datetime(2026, 3, 1)  # noqa: DTZ001 - that is the point
    with pytest.raises(Exception, match="has no time zone"), site.store.transaction() as session:
        session.connection().execute(insert(table(Setting)), {"key": "a", "value": 1, "updated_at": naive})


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(StoreError, match=r"names no file.*use sqlite:///path/to/file.db"):
        Store(url)


def test_an_address_whose_port_is_none_is_refused_with_what_to_write() -> None:
    with pytest.raises(StoreError, match=r"is no database address; use sqlite:///.* or postgresql\+psycopg://"):
        Store("postgresql+psycopg://host:port/db")
