#!/usr/bin/env python3
"""Resident memory of `escucha score` while it works through many texts, some of them enormous: it must stay flat.

    scripts/bench_memory.py ../shared/data                  100,000 tweets, each different, ten of a megabyte
    scripts/bench_memory.py FOLDER --count 20000 --huge 5

Prints the memory at every tenth of the way and, at the end, by how much the last quarter lies above the second one;
the first is not counted, since caches fill up to their bounds then. Exit status 1 where that is more than 5 percent.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MEGABYTE = 1_000_000
MOST_GROWTH = 0.05


def main(arguments: list[str] | None = None) -> int:
    """Write the texts, score them, watch."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a data folder with replay/*.jsonl")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--huge", type=int, default=10, help="how many of the texts have a megabyte")
    options = parser.parse_args(arguments)
    given = [
        json.loads(line)
        for path in sorted(options.data.glob("replay/*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    if not given:
        print(f"there are no texts in {options.data}/replay/*.jsonl", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as work:
        source = Path(work) / "in.jsonl"
        write(source, given, options.count, options.huge)
        samples = watch(source, Path(work) / "out.jsonl")
    tenths = [samples[number * len(samples) // 10] for number in range(10)] + [samples[-1]]
    print("MB at every tenth:", *tenths)
    growth = growth_of(samples)
    print(f"peak {max(samples)} MB; last quarter against second: {growth:+.1%}")
    print(json.dumps({"texts": options.count, "huge": options.huge, "tenths_mb": tenths, "growth": round(growth, 4)}))
    return int(growth > MOST_GROWTH)


def write(path: Path, given: list[dict[str, str]], count: int, huge: int) -> None:
    """`count` rows, every text different; `huge` of them, spread evenly, repeated to a megabyte."""
    step = count // huge if huge else count + 1
    with path.open("w", encoding="utf-8") as out:
        for number in range(count):
            row = given[number % len(given)]
            text = f"{row['text']} {number}"
            if number % step == step // 2:
                text = f"{text} " * (MEGABYTE // len(text))
            out.write(json.dumps({"text": text, "target": row.get("target")}) + "\n")


def watch(source: Path, output: Path) -> list[int]:
    """Resident megabytes of `escucha score`, sampled every second while it runs."""
    run = "from api.cli import main; main()"
    command = [sys.executable, "-c", run, "score", "--input", str(source), "--output", str(output)]
    samples = []
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            samples.append(resident(process.pid))
            print(f"\r{len(samples)} s: {samples[-1]} MB\033[K", end="", file=sys.stderr)
            time.sleep(1)
    print("\r\033[K", end="", file=sys.stderr)
    if process.returncode or not output.exists():
        sys.exit(f"escucha score ended with status {process.returncode}")
    return [sample for sample in samples if sample]


def resident(pid: int) -> int:
    """Megabytes of a process, 0 when it is over."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmRSS")), 0)


def growth_of(samples: list[int]) -> float:
    """By what share the median of the last quarter lies above that of the second."""
    quarter = max(1, len(samples) // 4)
    before = statistics.median(samples[quarter : 2 * quarter] or samples)
    return statistics.median(samples[-quarter:]) / before - 1


if __name__ == "__main__":
    sys.exit(main())
