"""docs/add-a-source.md is true: its code, put where it says, passes the suite."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_page_leads_to_a_source_that_passes(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "add-a-source.md").read_text(encoding="utf-8"), re.S)
    source, suite = blocks
    # Beside the house, not in it: the two names are put where the page says for one run only.
    (tmp_path / "guestbook.py").write_text(source, encoding="utf-8")
    (tmp_path / "test_guestbook.py").write_text(suite, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(
        "import importlib.util, sys\n"
        "from tests.listener.sources.conftest import http as http\n"
        "spec = importlib.util.spec_from_file_location('listener.sources.guestbook', "
        f"{str(tmp_path / 'guestbook.py')!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "sys.modules['listener.sources.guestbook'] = module\n"
        "spec.loader.exec_module(module)\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(
        [*command, f"--rootdir={tmp_path}"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert re.search(r"\d{2,} passed", done.stdout)
