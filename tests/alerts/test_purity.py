"""The package keeps to itself: nothing of ours is imported, and neither clock nor environment is read."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import alerts

ROOT = Path(alerts.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
OURS = {"api", "listener", "sentiment"}
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "getenv", "environ", "random", "sleep"}


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a name comes from"
            yield node.module or ""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_pure(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    roots = {name.split(".")[0] for name in imported(tree)}
    assert not roots & OURS
    assert not roots & {"sqlmodel", "sqlalchemy", "fastapi", "apscheduler", "os", "time", "random"}
    read = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not read & CLOCKS


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_channels_and_rules_are_imported_by_the_registry_alone(path: Path) -> None:
    if path == ROOT / "registry.py":
        return
    names = list(imported(ast.parse(path.read_text(encoding="utf-8"))))
    assert not [name for name in names if name.startswith(("alerts.channels", "alerts.rules"))]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_of_one_thought(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 300
