"""The small rules of the house, held against the code."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("listener", "sentiment", "alerts", "api")

TOP_LEVEL = {
    *PACKAGES, "tests", "scripts", "docs", ".ci", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md",
    "requirements.txt", ".gitignore",
}  # fmt: skip

HEAVY = {"torch", "transformers", "onnxruntime"}

CLOCKS = {
    "time": {
        "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time",
        "thread_time", "clock_gettime", "localtime", "gmtime", "ctime", "asctime",
    },
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "func": {"now", "current_timestamp", "current_date", "localtimestamp"},
}  # fmt: skip
"""What reads a clock, by what it is read from; ``func`` is SQL's."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the four packages: its path from the root, and its tree."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def last_name(node: ast.expr) -> str:
    """``c`` of ``a.b.c``; empty for anything that has no name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def reads_clock(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in CLOCKS.get(last_name(node.value), ())
    if isinstance(node, ast.ImportFrom) and node.module == "time":
        return any(alias.name in CLOCKS["time"] for alias in node.names)
    return False


def imported(node: ast.AST) -> set[str]:
    """The packages that a statement imports."""
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return {node.module.partition(".")[0]}
    return set()


def test_only_the_store_commits() -> None:
    places = {
        path
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr == "commit"
    }

    assert places == {"listener/store/engine.py"}


def test_only_the_clock_reads_the_clock() -> None:
    places = {
        f"{path}:{node.lineno}" if path != "listener/clock.py" else path
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.ImportFrom) and reads_clock(node)
    }

    assert places == {"listener/clock.py"}


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ("datetime.now(UTC)", True), ("datetime.datetime.utcnow()", True), ("date.today()", True),
        ("time.monotonic()", True), ("from time import perf_counter", True), ("func.now()", True),
        ("timer = time.time", True), ("clock.now()", False), ("clock.monotonic()", False), ("time.sleep(1)", False),
        ("from time import sleep", False),
    ],
)  # fmt: skip
def test_the_rule_about_the_clock_sees_what_it_should(code: str, reads: bool) -> None:
    assert any(reads_clock(node) for node in ast.walk(ast.parse(code))) == reads


def test_the_heavy_libraries_are_imported_by_the_backends_alone() -> None:
    places = {path for path, tree in modules() for node in ast.walk(tree) if imported(node) & HEAVY}

    assert places
    assert {path for path in places if not path.startswith("sentiment/backends/")} == set()


def test_the_api_starts_without_the_heavy_libraries() -> None:
    code = "import sys, api.app; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert HEAVY.isdisjoint(done.stdout.split())


def test_the_top_level_holds_what_it_should_and_nothing_else() -> None:
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no git checkout here, so nobody knows which files belong to it: {error}")

    assert {Path(line.strip('"')).parts[0] for line in done.stdout.splitlines()} == TOP_LEVEL
