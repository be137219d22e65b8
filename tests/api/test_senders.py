"""Senders of escucha.yml as sources, and with their secrets where something listens."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from api.wiring import apply_config, install, read_config
from listener.config import ConfigError, load_settings
from listener.store import brands
from listener.store.engine import Store
from listener.store.source_status import Standing, standings
from listener.store.tables import Brand, Source

CONFIG = """
brands: [{name: Delta, context: [flight], relevance: 0.3}]
push:
  - {name: crm, secret_from: ESCUCHA_CRM, brands: [Delta], about_brands: true}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ESCUCHA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ESCUCHA_CRM", "0123456789abcdef")
    (tmp_path / "escucha.yml").write_text(CONFIG)


def sources(store: Store) -> dict[str, Source]:
    with store.reading() as session:
        return {row.name: row for row in session.exec(select(Source))}


def test_a_sender_is_a_source_that_nothing_reads(tmp_path: Path) -> None:
    settings = load_settings()
    config = read_config(settings)
    with install(settings, config, receiving=True) as installation:
        assert list(installation.senders) == ["crm"]
        row = sources(installation.store)["crm"]
        assert (row.kind, row.every_s, row.brands, row.about_brands, row.active) == (
            "push",
            None,
            ["Delta"],
            True,
            True,
        )
        apply_config(installation.store, config)
        with installation.store.reading() as session:
            (brand,) = session.exec(select(Brand)).all()
        assert brand.relevance == {"context": ["flight"], "unless": [], "threshold": 0.3}

        (tmp_path / "escucha.yml").write_text("brands: [{name: Delta}]")
        apply_config(installation.store, read_config(settings))
        assert not sources(installation.store)["crm"].active
        with installation.store.reading() as session:
            assert session.exec(select(Brand)).one().relevance == {"context": [], "unless": []}


def test_only_what_listens_needs_the_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ESCUCHA_CRM")
    settings = load_settings()
    config = read_config(settings, secrets=False)
    with install(settings, config, sending=False) as installation:
        assert installation.senders == {}
    with pytest.raises(ConfigError, match=r"crm: secret_from: ESCUCHA_CRM is not set"):
        install(settings, config, sending=False, receiving=True)


def test_a_secret_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ESCUCHA_CRM")
    (tmp_path / "secret").write_text("fedcba9876543210\n")
    monkeypatch.setenv("ESCUCHA_CRM_FILE", str(tmp_path / "secret"))
    settings = load_settings()
    with install(settings, read_config(settings), receiving=True) as installation:
        assert list(installation.senders) == ["crm"]
        assert "fedcba9876543210" not in repr(installation)


def test_a_sender_stands_among_the_sources_with_when_it_last_sent() -> None:
    settings = load_settings()
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    with install(settings, read_config(settings), receiving=True) as installation:
        store = installation.store

        def standing() -> Standing:
            with store.reading() as session:
                (found,) = standings(session, now, timedelta(minutes=10))
            return found

        before = standing()
        assert (before.stand, before.words, before.waits) == ("sends", "it sends to us; nothing received yet", False)
        with store.transaction() as session:
            brands.note_run(session, before.source.id or 0, now)
        assert standing().words == "it sends to us; last received at 2026-11-21 12:00 UTC"
