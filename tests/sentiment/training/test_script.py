import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "scripts" / "train_model.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False)


def test_help_names_the_ways() -> None:
    done = run("--help")
    assert done.returncode == 0
    for option in ("--data", "--work", "--out", "--threads", "--seed", "--upper-minutes"):
        assert option in done.stdout


def test_data_must_be_given() -> None:
    done = run()
    assert done.returncode == 2
    assert "--data" in done.stderr


def test_a_missing_data_folder_is_one_line(tmp_path: Path) -> None:
    done = run("--data", str(tmp_path / "none"), "--work", str(tmp_path / "work"))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no data folder" in done.stderr
    assert not (tmp_path / "work").exists()


def test_missing_files_are_named(tmp_path: Path) -> None:
    done = run("--data", str(tmp_path))
    assert done.returncode == 2
    assert "polarity/semeval2017a.train.jsonl" in done.stderr
