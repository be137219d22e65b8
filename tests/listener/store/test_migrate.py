"""The migrations build what the models describe, whole, once, and on both databases."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from alembic import command, op
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, inspect, text
from sqlmodel import SQLModel, select
from structlog.testing import capture_logs

from listener.store import migrate
from listener.store.engine import Store, StoreError
from listener.store.tables import (
    Alert,
    AlertMention,
    Brand,
    Delivery,
    DeliveryAttempt,
    Mention,
    MentionBrand,
    Notification,
    Score,
    Source,
)
from tests.conftest import NOON, Clock
from tests.listener.conftest import Site, item, together


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables: a new file, or a new schema of the session's PostgreSQL database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    url = request.getfixturevalue("_postgres_url")
    schema = f"empty_{uuid4().hex[:12]}"
    store = Store(url)
    with store.engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield f"{url}?options=-csearch_path%3D{schema}"
    with store.engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    store.close()


@pytest.fixture
def empty(empty_url: str) -> Iterator[Store]:
    store = Store(empty_url)
    yield store
    store.close()


def tables(store: Store) -> set[str]:
    with store.engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def ours(_: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    """Not the index of words: FTS5 keeps it in tables of its own, and PostgreSQL computes what it holds."""
    return not (name or "").startswith("mention_search" if kind == "table" else "ix_mention_words")


@pytest.mark.filterwarnings("ignore:.*expression-based index")  # lower(name), which nobody can read back from SQLite
def test_the_migrations_build_what_the_models_describe(empty: Store) -> None:
    migrate.upgrade(empty)

    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": ours})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_an_upgrade_tells_where_it_came_from_and_a_second_one_does_nothing(empty: Store) -> None:
    assert migrate.current(empty) is None
    assert migrate.upgrade(empty) == (None, migrate.head())
    assert migrate.upgrade(empty) == (migrate.head(), migrate.head())
    assert migrate.current(empty) == migrate.head()


def test_a_migration_that_fails_half_way_leaves_nothing(empty: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(name: str, *columns: Any, **options: Any) -> None:
        if name == "mention":
            raise RuntimeError("the disk is full")
        create_table(name, *columns, **options)

    create_table = op.create_table
    with monkeypatch.context() as patch:
        patch.setattr(op, "create_table", failing)
        with pytest.raises(RuntimeError, match="disk is full"):
            migrate.upgrade(empty)

    assert tables(empty) == set()
    migrate.upgrade(empty)
    assert "mention" in tables(empty)


def test_several_threads_may_upgrade_an_empty_database_at_once(empty_url: str) -> None:
    stores = [Store(empty_url) for _ in range(4)]

    done = together(*(lambda store=store: migrate.upgrade(store) for store in stores))

    assert {after for _, after in done} == {migrate.head()}
    assert "mention" in tables(stores[0])
    for store in stores:
        store.close()


def test_two_processes_may_upgrade_an_empty_file_at_once(tmp_path: Path) -> None:
    empty_url = f"sqlite:///{tmp_path}/empty.db"
    code = "import sys; from listener.store import engine, migrate; migrate.upgrade(engine.Store(sys.argv[1]))"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, empty_url], stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]

    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors


def test_a_database_from_the_future_is_refused_and_left_as_it_is(empty: Store) -> None:
    migrate.upgrade(empty)
    with empty.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'ffff'"))

    with pytest.raises(StoreError, match=r"revision ffff.*install that, or restore a backup"):
        migrate.upgrade(empty)

    assert migrate.current(empty) == "ffff"


SCORED = """
    INSERT INTO brand (id, name, query, role, alerting, active, created_at)
        VALUES (1, 'Aeroluz', 'aeroluz', 'own', '{}', true, '2026-11-21');
    INSERT INTO source (id, name, kind, options, about_brands, judge_as_new, active, stopped, created_at)
        VALUES (1, 'feed', 'rss', '{}', false, false, true, false, '2026-11-21');
    INSERT INTO mention (id, kind, native_id, source_id, text, engagement, created_at, collected_at)
        VALUES (1, 'rss', '1', 1, 'Aeroluz lost my bag', '{}', '2026-11-21', '2026-11-21');
    INSERT INTO mention_brand (id, mention_id, brand_id, spans) VALUES (1, 1, 1, '[]');
    INSERT INTO score (id, mention_brand_id, model, revision, label, lang, polarity, created_at)
        VALUES (1, 1, 'words', '1', 'detractor', 'en', '{"negative": 0.5}', '2026-11-21')
"""


def test_scores_from_before_unsure_are_kept_and_sure(empty: Store) -> None:
    with empty.engine.begin() as connection:
        command.upgrade(migrate._config(connection), "0001")
        for statement in SCORED.split(";"):
            connection.exec_driver_sql(statement)

    assert migrate.upgrade(empty) == ("0001", migrate.head())

    with empty.reading() as session:
        (score,) = session.exec(select(Score)).all()
    assert (score.label, score.polarity, score.unsure) == ("detractor", {"negative": 0.5}, False)


TOLD = """
    UPDATE mention_brand SET scored_at = '2026-11-21', judged_at = '2026-11-21', verdict = 'opened_incident';
    INSERT INTO alert (id, brand_id, rule, opened_at, last_at, count, reach, notified_count, created_at)
        VALUES (1, 1, 'detractor', '2026-11-21', '2026-11-21', 6, 9, 5, '2026-11-21');
    INSERT INTO alert_mention (alert_id, mention_brand_id, reason) VALUES (1, 1, 'incident_opened');
    INSERT INTO delivery (key, alert_id, channel, kind, reason, notice, state, ambiguous, attempts, not_before,
            created_at, sent_at)
        VALUES ('detractor-opened-1', 1, 'log', 'opened', 'incident_opened', '{}', 'sent', false, 1, '2026-11-21',
            '2026-11-21', '2026-11-21')
"""


def test_incidents_from_before_they_had_a_life_are_over_and_nobody_is_told_so(empty: Store) -> None:
    with empty.engine.begin() as connection:
        command.upgrade(migrate._config(connection), "0007")
        checked = SCORED.replace("collected_at)\n", "collected_at, checked_at)\n").replace(
            "'2026-11-21', '2026-11-21');\n    INSERT INTO mention_brand",
            "'2026-11-21', '2026-11-21', '2026-11-21');\n    INSERT INTO mention_brand",
        )
        for statement in f"{checked};{TOLD}".split(";"):
            connection.exec_driver_sql(statement)

    migrate.upgrade(empty)

    with empty.reading() as session:
        (alert,) = session.exec(select(Alert)).all()
        (told,) = session.exec(select(Notification)).all()
    assert (alert.state, alert.resolved_why, alert.resolved_by) == ("resolved", "quiet", None)
    assert (alert.decide_at, alert.ends_at, alert.changed_at) == (None, None, alert.created_at)
    assert (told.channel, told.step, told.state, told.version) == ("log", 5, "resolved", alert.version)

    with migrate._rebuilding(empty) as connection:
        command.downgrade(migrate._config(connection), "0007")
        assert connection.exec_driver_sql("SELECT notified_count FROM alert").scalar() == 5


def test_the_way_back_keeps_what_the_tables_of_before_have_a_place_for(empty: Store) -> None:
    """Incidents of no brand have none; of two that began at the same moment the first takes what the other has."""
    migrate.upgrade(empty)
    incident = {"rule": "unanswered", "opened_at": NOON, "last_at": NOON, "count": 1, "reach": 0, "created_at": NOON,
                "changed_at": NOON}  # fmt: skip
    sent = {"channel": "log", "kind": "opened", "reason": "incident_opened", "notice": "{}", "not_before": NOON,
            "created_at": NOON}  # fmt: skip
    with empty.transaction() as session:
        session.add(Brand(name="Aeroluz", query="Aeroluz", role="own", alerting={}, created_at=NOON))
        session.add(Source(name="feed", kind="rss", options={}, created_at=NOON))
        session.flush()
        for number in (1, 2):
            session.add(Mention(kind="rss", native_id=f"{number}", source_id=1, text="x", created_at=NOON,
                                collected_at=NOON, checked_at=NOON))  # fmt: skip
            session.flush()
            session.add(MentionBrand(mention_id=number, brand_id=1, created_at=NOON))
        for number, brand, group in ((1, None, ""), (2, 1, "a"), (3, 1, "b"), (4, 1, "c")):
            session.add(Alert(id=number, brand_id=brand, group_key=group, **incident))
        session.flush()
        for alert_id, pair in ((3, 1), (3, 2), (4, 1)):
            session.add(AlertMention(alert_id=alert_id, mention_brand_id=pair, reason="joined"))
        for number, alert_id in ((1, 1), (2, 3), (3, None)):
            session.add(Delivery(id=number, key=f"k{number}", alert_id=alert_id, state="sent", **sent))
            session.flush()
            session.add(DeliveryAttempt(delivery_id=number, number=1, at=NOON, outcome="sent", detail=""))
        session.add(Delivery(id=4, key="k4", alert_id=3, mode="update", **sent))

    with migrate._rebuilding(empty) as connection:
        command.downgrade(migrate._config(connection), "0007")
        found = {
            name: connection.exec_driver_sql(f"SELECT {columns} FROM {name} ORDER BY 1, 2").all()
            for name, columns in (
                ("alert", "id, rule"), ("alert_mention", "alert_id, mention_brand_id"), ("delivery", "id, alert_id"),
                ("delivery_attempt", "delivery_id, number"),
            )
        }  # fmt: skip

    assert found == {
        "alert": [(2, "unanswered")], "alert_mention": [(2, 1), (2, 2)], "delivery": [(2, 2), (3, None)],
        "delivery_attempt": [(2, 1), (3, 1)],
    }  # fmt: skip


def test_what_was_scored_before_facets_is_read_again_and_counted(empty: Store, clock: Clock) -> None:
    migrate.upgrade(empty)
    site = Site(empty, clock)
    site.brand()
    site.source()
    news = "Aeroluz cancels every flight to the islands until the pilots' strike is over, a spokeswoman said"
    site.take(
        item("1", lang="es-MX"), item("2", minute=70), item("3", news), item("4", news, minute=1), item("5"), item("6")
    )
    site.score({1: "promoter", 2: None, 3: "detractor", 4: "detractor"}, lang="en", emotions={"joy": 0.7, "anger": 0.6})
    site.score({5: "detractor"}, lang="und", emotions={"others": 0.9})
    site.score({1: "detractor"}, model="better", lang="pt", emotions=None)
    before = (site.facets(), [(pair.lang, pair.polarity, pair.emotion) for pair in site.rows(MentionBrand)])
    assert len(before[0]) == 7
    with migrate._rebuilding(empty) as connection:
        command.downgrade(migrate._config(connection), "0010")
        connection.exec_driver_sql("UPDATE mention_brand SET lang = NULL, polarity = NULL, emotion = NULL")

    written: list[str] = []
    event.listen(empty.engine, "before_cursor_execute", lambda _, __, said, *___: written.append(said))
    with capture_logs() as logged:
        migrate.upgrade(empty)

    assert (site.facets(), [(pair.lang, pair.polarity, pair.emotion) for pair in site.rows(MentionBrand)]) == before
    assert site.rollups() == site.recount()
    # With a million mentions it takes minutes, in which nothing else is seen of it.
    assert {"event": "scores_read_again", "log_level": "info", "up_to": 5, "of": 6} in logged
    assert sum(one.startswith("UPDATE mention_brand") for one in written) == len({row for row in before[1] if any(row)})


def test_the_way_back_leaves_no_table(empty: Store) -> None:
    migrate.upgrade(empty)
    with empty.engine.begin() as connection:
        command.downgrade(migrate._config(connection), "base")

    assert tables(empty) == {"alembic_version"}
