"""docs/add-a-rule.md is true: its code, put where it says, passes its tests."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

CONFTEST = """
import importlib.util, sys
import alerts.rules
from alerts.registry import RULES
from tests.alerts.conftest import a_mention as a_mention, noon as noon

for name in ("leaving", "souring"):
    spec = importlib.util.spec_from_file_location(f"alerts.rules.{{name}}", f"{folder}/{{name}}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[f"alerts.rules.{{name}}"] = module
    spec.loader.exec_module(module)
    setattr(alerts.rules, name, module)
    RULES[module.NAME] = module.RULE
"""


def test_the_page_leads_to_rules_that_pass(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "add-a-rule.md").read_text(encoding="utf-8")
    leaving, souring, suite = re.findall(r"```python\n(.*?)```", page, re.S)
    # Beside the house, not in it: the two names are put where the page says for one run only.
    for name, code in (("leaving.py", leaving), ("souring.py", souring), ("test_leaving.py", suite)):
        (tmp_path / name).write_text(code, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(CONFTEST.format(folder=tmp_path), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        [*command, f"--rootdir={tmp_path}"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert re.search(rf"\b{suite.count('def test_')} passed", done.stdout)


def test_what_the_page_says_to_type_is_what_the_house_would_pass(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "add-a-rule.md").read_text(encoding="utf-8")
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", page, re.S)):
        path = tmp_path / f"block_{number}.py"
        path.write_text(code, encoding="utf-8")
        ruff = [str(Path(sys.executable).parent / "ruff"), "check", "--config", str(ROOT / "pyproject.toml")]
        done = subprocess.run([*ruff, "--ignore", "S101", str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
