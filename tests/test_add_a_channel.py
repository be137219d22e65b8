"""docs/add-a-channel.md is true: its code, put where it says, passes the suite."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_page_leads_to_a_channel_that_passes(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "add-a-channel.md").read_text(encoding="utf-8")
    channel, suite = re.findall(r"```python\n(.*?)```", page, re.S)
    # Beside the house, not in it: the two names are put where the page says for one run only.
    (tmp_path / "noticeboard.py").write_text(channel, encoding="utf-8")
    (tmp_path / "test_noticeboard.py").write_text(suite, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(
        "import importlib.util, sys\n"
        "import tests.conftest\n"
        "from tests.alerts.conftest import a_notice as a_notice\n"
        "spec = importlib.util.spec_from_file_location('alerts.channels.noticeboard', "
        f"{str(tmp_path / 'noticeboard.py')!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "sys.modules['alerts.channels.noticeboard'] = module\n"
        "spec.loader.exec_module(module)\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        [*command, f"--rootdir={tmp_path}"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert re.search(r"\d{2,} passed", done.stdout)
