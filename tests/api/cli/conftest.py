"""The command as a person uses it, run in this process."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text

from alerts import outgoing
from api.cli import main
from listener.store.engine import Store

COMMAND = Path(sys.executable).parent / "escucha"


@dataclass(frozen=True)
class Result:
    """What a command came to."""

    status: int
    out: str
    err: str


Escucha = Callable[..., Result]


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder and no settings but a data directory of the test's own, and that this machine may be asked:
    the servers of tests are here (tests/conftest.py)."""
    for name in list(os.environ):
        if name.startswith("ESCUCHA_") and name != outgoing.SETTING:
            monkeypatch.delenv(name)
    monkeypatch.setenv("ESCUCHA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ESCUCHA_POLL_SECONDS", "0.05")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def escucha(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Escucha:
    """Runs the command in this process."""

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["escucha", *arguments])
        try:
            main()
            status: object = 0
        except SystemExit as end:
            status = end.code
        finally:
            structlog.reset_defaults()
        said = capsys.readouterr()
        return Result(int(str(status or 0)), said.out, said.err)

    return run


def count(tmp_path: Path, query: str) -> int:
    """A number out of the test's database."""
    store = Store(f"sqlite:///{tmp_path}/data/escucha.db")
    with store.engine.connect() as connection:
        found = int(connection.execute(text(query)).scalar() or 0)
    store.close()
    return found


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    """A JSONL file."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


ROWS: list[dict[str, object]] = [
    {"id": 1, "created_at": "2026-11-20T10:00:00Z", "target": "Lumbra", "text": "I love Lumbra, best support ever"},
    {
        "id": 2,
        "created_at": "2026-11-20T10:05:00Z",
        "target": "Lumbra",
        "text": "Lumbra is horrible, I hate it",
    },
    {
        "id": 3,
        "created_at": "2026-11-20T10:06:00Z",
        "target": "Telmira",
        "text": "Telmira is awful, worst service ever",
    },
]
