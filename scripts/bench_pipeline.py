#!/usr/bin/env python3
"""Mentions a second for the whole job (store, score, judge, deliver) against scoring alone, in one run.

    scripts/bench_pipeline.py                    the demo's stream, repeated to 2,000 mentions
    scripts/bench_pipeline.py --data FILE.jsonl  rows with text (and target) of your own

The two take turns, round by round, because a shared machine's speed swings: only their ratio means something. The last
line is JSON. The whole job runs as in `escucha import`: one thread a stage, SQLite, notices to the log.
"""

import argparse
import json
import logging
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from api.cli.imports import run_import
from api.wiring import install
from listener.config import Settings
from listener.configfile import BrandEntry, ConfigFile
from sentiment.scorer import Scorer, Text

DEMO = Path(__file__).parent.parent / "api" / "demo" / "stream.jsonl"


def rows(path: Path, count: int) -> list[dict[str, object]]:
    """``count`` rows with ids and times of their own; the file is repeated where it is shorter."""
    with path.open(encoding="utf-8") as lines:
        given = [json.loads(line) for _, line in zip(range(count), lines, strict=False)]
    if not given:
        sys.exit(f"{path} is empty")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        {
            "id": str(number),
            # Repeated texts must not be answered from a cache of scores.
            "text": f"{row['text']} {number}",
            "target": "Brand",
            "created_at": (start + timedelta(seconds=30 * number)).isoformat(),
        }
        for number, row in ((number, given[number % len(given)]) for number in range(count))
    ]


def scoring_alone(scorer: Scorer, mentions: list[dict[str, object]]) -> float:
    """Seconds to score all of them in batches as the score stage takes them."""
    started = time.perf_counter()
    for first in range(0, len(mentions), 128):
        scorer.score([Text(str(row["text"]), str(row["target"])) for row in mentions[first : first + 128]])
    return time.perf_counter() - started


def whole_job(mentions: list[dict[str, object]], scorer: Scorer) -> float:
    """Seconds from the file to the last delivery, in a fresh database."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mentions.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in mentions), encoding="utf-8")
        config = ConfigFile(brands=(BrandEntry(name="Brand"),))
        with install(Settings(data_dir=Path(folder), poll_seconds=0.05), config) as installation:
            started = time.perf_counter()
            outcome = run_import(
                installation, lambda: scorer, file, {"path": str(file)}, config.brands, config, alert=True
            )
            seconds = time.perf_counter() - started
            if outcome.collected.stored != len(mentions) or not outcome.left.nothing:
                sys.exit(f"the job was not done: {outcome}")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DEMO, help="JSONL with text; default: the demo's stream")
    parser.add_argument("--count", type=int, default=2000, help="mentions a round")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    # Notices are written all the same, as in real use, but nobody reads them here.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        logger_factory=structlog.ReturnLoggerFactory(),
    )
    mentions = rows(args.data, args.count)
    scorer = Scorer.open()
    scorer.score([Text("warm up", "Brand")])
    alone, job = [], []
    for number in range(1, args.rounds + 1):
        alone.append(args.count / scoring_alone(scorer, mentions))
        job.append(args.count / whole_job(mentions, scorer))
        print(f"round {number}: scoring alone {alone[-1]:.0f}/s, whole job {job[-1]:.0f}/s, {job[-1] / alone[-1]:.2f}")
    ratio = statistics.median(whole / only for whole, only in zip(job, alone, strict=True))
    result = {
        "mentions": args.count,
        "scoring_alone_per_s": round(statistics.median(alone), 1),
        "whole_job_per_s": round(statistics.median(job), 1),
        "ratio": round(ratio, 3),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
