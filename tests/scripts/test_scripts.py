"""The scripts explain themselves, refuse wrong use, and judge their own results rightly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPTS / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("bench_api.py", "--streams"),
        ("bench_memory.py", "--huge"),
        ("bench_pipeline.py", "--rounds"),
        ("bench_scoring.py", "--threads"),
        ("kill_import.py", "--kills"),
        ("receive_slack.py", "--behave"),
        ("screenshots.py", "--language"),
        ("seed_mentions.py", "--until"),
    ],
)
def test_each_explains_itself(name: str, option: str) -> None:
    done = run(name, "--help")
    assert done.returncode == 0
    assert option in done.stdout


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("bench_api.py", [], "DATABASE"),
        ("bench_memory.py", [], "data"),
        ("bench_pipeline.py", ["--count", "many"], "--count"),
        ("bench_scoring.py", [], "data"),
        ("kill_import.py", ["x.jsonl"], "--brand"),
        ("receive_slack.py", ["--behave", "ok,nonsense"], "no behaviour is called nonsense"),
        ("seed_mentions.py", ["--mentions", "5"], "--database"),
    ],
)
def test_wrong_use_is_refused(name: str, arguments: list[str], says: str) -> None:
    done = run(name, *arguments)
    assert done.returncode == 2
    assert says in done.stderr


@pytest.mark.parametrize(
    ("differs", "same"),
    [
        ({}, True),
        ({"killed": {"mentions": 4}}, False),
        ({"same_incidents": False}, False),
        ({"decided_twice": 1}, False),
        ({"received_twice": 1}, False),
        ({"received_twice": 1, "ambiguous": 1}, True),
    ],
)
def test_kills_left_no_trace_or_did(monkeypatch: pytest.MonkeyPatch, differs: dict[str, object], same: bool) -> None:
    monkeypatch.syspath_prepend(SCRIPTS)
    import kill_import  # type: ignore[import-not-found]

    result = {
        "whole": {"mentions": 5}, "killed": {"mentions": 5}, "same_incidents": True, "decided_twice": 0,
        "ambiguous": 0, "received_twice": 0,
    }  # fmt: skip
    assert kill_import.is_same(result | differs) is same


FAKE_PYTHON = """#!/bin/sh
echo "$@" >>"$CALLS"
case "$*" in
    "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
esac
"""


def test_an_environment_is_made_once_and_installed_anew_when_it_changes(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python3.11"
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    project = tmp_path / "project"
    project.mkdir()
    for name in ("pyproject.toml", "requirements.txt"):
        (project / name).write_text("x\n")
    calls = tmp_path / "calls"
    surroundings = os.environ | {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "CALLS": str(calls)}

    def made() -> list[str]:
        calls.write_text("")
        script = f"set -euo pipefail; . {SCRIPTS}/environment.sh; environment requirements.txt"
        subprocess.run(["bash", "-c", script], cwd=project, env=surroundings, check=True, capture_output=True)
        return [line.split(" -r ")[0][:10] for line in calls.read_text().splitlines() if line.startswith("-m")]

    assert made() == ["-m venv .v", "-m pip ins"]
    assert made() == []
    (project / "requirements.txt").write_text("y\n")
    assert made() == ["-m pip ins"]
