#!/usr/bin/env python3
"""Kill an import at random moments and show that nothing is lost, stored twice or decided twice.

    scripts/kill_import.py ../shared/data/replay/airlines_us.jsonl --brand Delta --brand United ... --kills 10

Imports the file once undisturbed into a fresh database, then again into another one, killed with SIGKILL at random
moments and started anew each time, and compares the two. With --database-url both runs use that PostgreSQL server,
each in a database of its own, dropped at the end. The last line is JSON; exit status 1 if anything differs, or if Slack
took a message twice that is not marked as ambiguous.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from receive_slack import Receiver
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

TOTALS = {
    "mentions": "SELECT count(*) FROM mention",
    "distinct": "SELECT count(*) FROM (SELECT DISTINCT kind, native_id FROM mention) AS keys",
    "pairs": "SELECT count(*) FROM mention_brand",
    "scores": "SELECT count(*) FROM score",
    "rolled_up": "SELECT sum(mentions) FROM rollup_hour",
    "promoters": "SELECT count(*) FROM mention_brand WHERE label = 'promoter'",
    "detractors": "SELECT count(*) FROM mention_brand WHERE label = 'detractor'",
    "judged": "SELECT count(*) FROM mention_brand WHERE judged_at IS NOT NULL",
    "incidents": "SELECT count(*) FROM alert",
    "in_incidents": "SELECT count(*) FROM alert_mention",
    "decided": "SELECT count(*) FROM delivery",
    "sent": "SELECT count(*) FROM delivery WHERE state = 'sent'",
}
INCIDENTS = """SELECT brand.name, alert.opened_at, alert.count, alert.notified_count FROM alert
    JOIN brand ON brand.id = alert.brand_id ORDER BY brand.name, alert.opened_at"""
DECIDED_TWICE = (
    "SELECT count(*) FROM (SELECT key, channel FROM delivery GROUP BY key, channel HAVING count(*) > 1) AS twice"
)
AMBIGUOUS = "SELECT count(*) FROM delivery WHERE ambiguous"


class Run:
    """One import into a database of its own, with a Slack of its own."""

    def __init__(self, command: list[str], database: str, receiver: Receiver) -> None:
        self.command = command
        self.receiver = receiver
        self.engine = create_engine(database)
        self.environment = os.environ | {
            "ESCUCHA_DATABASE_URL": database,
            "ESCUCHA_SLACK_WEBHOOK_URL": receiver.url,
            "ESCUCHA_SLACK_PACE_SECONDS": "0.02",
            "ESCUCHA_LOG_LEVEL": "warning",
        }

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def finish(self) -> None:
        process = self.start()
        _, errors = process.communicate()
        if process.returncode:
            sys.exit(f"the import ended with {process.returncode}:\n{errors.decode()[-2000:]}")

    def count(self, query: str) -> int:
        with self.engine.connect() as connection:
            return int(connection.execute(text(query)).scalar() or 0)

    def totals(self) -> dict[str, int]:
        return {name: self.count(query) for name, query in TOTALS.items()}

    def incidents(self) -> list[tuple[object, ...]]:
        with self.engine.connect() as connection:
            return [tuple(str(value) for value in row) for row in connection.execute(text(INCIDENTS))]

    def received_twice(self) -> int:
        return sum(count - 1 for count in Counter(_key(message) for message in self.receiver.taken).values())


def _key(message: dict[str, object]) -> str:
    """The stable id that each message carries in its last context block."""
    return json.dumps(message["blocks"][-1])  # type: ignore[index]


@contextmanager
def _database(server: str | None, folder: str, name: str) -> Iterator[str]:
    """A fresh database, gone when the block ends."""
    if server is None:
        yield f"sqlite:///{folder}/{name}.db"
        return
    database = f"escucha_{name}_{uuid4().hex[:8]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {database}"))
    try:
        yield make_url(server).set(database=database).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {database} WITH (FORCE)"))
        engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="a file that escucha import takes")
    parser.add_argument("--brand", action="append", required=True, help="as for escucha import; repeatable")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--longest", type=float, default=15.0, help="latest moment of a kill, seconds after the start")
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--database-url", help="a PostgreSQL server; by default SQLite")
    args = parser.parse_args()
    dice = random.Random(args.seed)
    command = [str(Path(sys.executable).parent / "escucha"), "import", str(args.file), "--alert"]
    command += [part for brand in args.brand for part in ("--brand", brand)]
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        runs = []
        for name in ("whole", "killed"):
            receiver = Receiver(0, None, ["ok"], 30.0, 1)
            threading.Thread(target=receiver.serve_forever, daemon=True).start()
            database = stack.enter_context(_database(args.database_url, folder, name))
            runs.append(Run(command, database, receiver))
            stack.callback(runs[-1].engine.dispose)
        whole, killed = runs
        started = time.monotonic()
        whole.finish()
        print(f"undisturbed: {time.monotonic() - started:.0f} s, {whole.totals()}", flush=True)
        for number in range(1, args.kills + 1):
            process = killed.start()
            moment = dice.uniform(0.5, args.longest)
            try:
                process.wait(moment)
                how = f"ended by itself before {moment:.1f} s"
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                how = f"killed after {moment:.1f} s"
            process.communicate()
            print(f"{number}: {how}, {killed.totals() if _has_tables(killed) else 'no tables yet'}", flush=True)
        started = time.monotonic()
        killed.finish()
        print(f"last run: {time.monotonic() - started:.0f} s", flush=True)
        result = {
            "kills": args.kills,
            "whole": whole.totals(),
            "killed": killed.totals(),
            "same_incidents": whole.incidents() == killed.incidents(),
            "decided_twice": killed.count(DECIDED_TWICE),
            "ambiguous": killed.count(AMBIGUOUS),
            "received": len(killed.receiver.taken),
            "received_twice": killed.received_twice(),
        }
    same = is_same(result)
    print(json.dumps(result | {"same": same}))
    sys.exit(0 if same else 1)


def is_same(result: dict[str, Any]) -> bool:
    """Whether the kills left no trace: what arrived twice was marked as a message that may be there twice."""
    return bool(
        result["whole"] == result["killed"]
        and result["same_incidents"]
        and not result["decided_twice"]
        and result["received_twice"] <= result["ambiguous"]
    )


def _has_tables(run: Run) -> bool:
    # An import killed early has made no database, or an empty one: the tables come in one transaction.
    return inspect(run.engine).has_table("mention")


if __name__ == "__main__":
    main()
