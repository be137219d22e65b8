#!/usr/bin/env python3
"""Kill whoever decides and delivers at random moments and show that no message is lost, and none repeated unmarked.

    scripts/kill_deliver.py --kills 50
    scripts/kill_deliver.py --kills 50 --bot --deliverers 2 --database-url postgresql+psycopg://postgres@127.0.0.1:5432/

Incidents are opened all the time; processes of their own decide upon them and deliver to a Slack that takes its time
to answer. At random moments one is killed with SIGKILL and another started. Their clocks run thirty times as fast as
ours, so that a dead sender's lease runs out in three seconds instead of ninety. Afterwards every decision to send must
have come to one message; what arrived twice must be marked as a message that may be there twice. With a bot, which can
read its channel, nothing arrives twice. The last line is JSON; exit status 1 if anything is not so.
"""

import argparse
import json
import logging
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from kill_import import _database
from receive_slack import Temper
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parent.parent))

import storm_crowd
from storm_crowd import BRAND, Slack

from alerts.incident import Incident
from alerts.policy import Policy
from alerts.registry import build_channel
from listener.jobs.decide import decide_batch
from listener.jobs.deliver import Pacing, deliver_next
from listener.store import brands, incidents, migrate
from listener.store.engine import Store
from listener.worker import Worker

SPEED = 30
ANSWER_S = 0.15
"""Seconds that Slack takes to answer, so that most kills meet a message under way."""

PER_SECOND = 1.5
"""Incidents opened, about as many as are delivered."""

SENT = """SELECT d.key, d.state, d.outcome, d.ambiguous FROM delivery d"""
DECIDED = "SELECT count(*) FROM decision WHERE action = 'send' AND reason = 'incident_opened'"
DECIDED_TWICE = """SELECT count(*) FROM (SELECT alert_id FROM decision WHERE action = 'send' AND kind <> 'updated'
    GROUP BY alert_id, channel, kind, reason, key HAVING sum(times) > 1) AS twice"""
WITHOUT_DELIVERY = """SELECT count(*) FROM decision c WHERE c.action = 'send' AND NOT EXISTS
    (SELECT 1 FROM delivery d WHERE d.key = c.key AND d.channel = c.channel AND d.alert_id = c.alert_id)"""
WITHOUT_DECISION = """SELECT count(*) FROM delivery d WHERE d.alert_id IS NOT NULL AND d.kind <> 'updated'
    AND NOT EXISTS (SELECT 1 FROM decision c WHERE c.action = 'send' AND d.key = c.key AND d.channel = c.channel)"""
LONGEST_END_S = 600
"""Seconds in which what is left when the kills are over must have gone."""

OPEN = "SELECT count(*) FROM delivery WHERE state IN ('pending', 'sending')"
UNDECIDED = "SELECT count(*) FROM alert WHERE decide_at <= :now"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--longest", type=float, default=4.0, help="latest moment of a kill, seconds after the start")
    parser.add_argument("--deliverers", type=int, default=1, help="processes at once")
    parser.add_argument("--bot", action="store_true", help="a Slack bot, which can read its channel; else a webhook")
    parser.add_argument("--database-url", help="a PostgreSQL server; by default SQLite")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if asked.work:
        _work(json.loads(asked.work))
        return
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="escucha-kill-"))
        database = stack.enter_context(_database(asked.database_url, folder, "killed"))
        base = time.time()
        # Slack's clock runs as fast, or what is looked for by its time would not be found.
        serve = storm_crowd.bot if asked.bot else storm_crowd.webhook
        slack = stack.enter_context(serve(Slow(None, 0.0), lambda: _fast(base).timestamp()))
        store = Store(database)
        stack.callback(store.close)
        result = _kill(asked, store, database, slack, base)
    print(json.dumps(result))
    sys.exit(0 if result["well"] else 1)


class Slow(Temper):
    """A server that takes its time, and then a message, even if whoever sent it has died meanwhile."""

    def turn(self) -> str:
        time.sleep(ANSWER_S)
        return super().turn()


def _kill(asked: argparse.Namespace, store: Store, database: str, slack: Slack, base: float) -> dict[str, Any]:
    migrate.upgrade(store)
    with store.transaction() as session:
        brands.save_brands(session, [{"name": BRAND, "query": BRAND, "role": "own", "alerting": {}}], _fast(0.0))
    orders = json.dumps({"database": database, "base": base, "channel": slack.channel})
    command = [sys.executable, __file__, "--work", orders]
    dice = random.Random(asked.seed)
    over = threading.Event()
    opening = threading.Thread(target=_open, args=(store, base, over))
    opening.start()
    running = [_start(command) for _ in range(asked.deliverers)]
    for number in range(1, asked.kills + 1):
        moment = dice.uniform(0.0, asked.longest)
        time.sleep(moment)
        victim = running.pop(dice.randrange(len(running)))
        victim.kill()
        victim.wait()
        running.append(_start(command))
        print(f"{number}: killed after {moment:.1f} s, {len(slack.arrived)} messages arrived", flush=True)
    over.set()
    opening.join()
    left, ends = 1, time.monotonic() + LONGEST_END_S
    while left and time.monotonic() < ends:
        time.sleep(2)
        left = _count(store, OPEN) + _count(store, UNDECIDED, now=_fast(base))
        print(f"  {left} left", flush=True)
    for process in running:
        process.terminate()
        process.wait()
    return _result(asked, store, slack, left)


def _result(asked: argparse.Namespace, store: Store, slack: Slack, left: int) -> dict[str, Any]:
    with store.reading() as session:
        rows = [tuple(row) for row in session.connection().execute(text(SENT))]
    arrived = Counter(key for _, how, key in slack.arrived if how != "update")
    twice = {key: number - 1 for key, number in arrived.items() if number > 1}
    to_arrive = {key for key, state, _, _ in rows if state == "sent"}
    ambiguous = {key for key, _, _, doubt in rows if doubt}
    result = {
        "kills": asked.kills,
        "database": store.dialect,
        "channel": "bot" if asked.bot else "webhook",
        "deliverers": asked.deliverers,
        "incidents": _count(store, "SELECT count(*) FROM alert"),
        "decided": _count(store, DECIDED),
        "decided_twice": _count(store, DECIDED_TWICE),
        "decided_without_delivery": _count(store, WITHOUT_DELIVERY),
        "delivery_without_decision": _count(store, WITHOUT_DECISION),
        "left": left,
        "deliveries": dict(Counter(f"{state} {outcome}" for _, state, outcome, _ in rows)),
        "arrived": sum(arrived.values()),
        "lost": len(to_arrive - arrived.keys()) + sum(state in ("dead", "pending") for _, state, _, _ in rows),
        "invented": len(arrived.keys() - to_arrive),
        "arrived_twice": sum(twice.values()),
        "arrived_twice_unmarked": sum(number for key, number in twice.items() if key not in ambiguous),
        "marked_ambiguous": len(ambiguous),
    }
    return result | {"well": is_well(result)}


def is_well(result: dict[str, Any]) -> bool:
    """Whether each incident was decided upon once, and each decision arrived, more than once only where that is marked
    and cannot be helped."""
    return bool(
        result["decided"] == result["incidents"]
        and not result["decided_twice"]
        and not result["decided_without_delivery"]
        and not result["delivery_without_decision"]
        and not result["left"]
        and not result["lost"]
        and not result["invented"]
        and not result["arrived_twice_unmarked"]
        and (result["channel"] == "webhook" or not result["arrived_twice"])
    )


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    """A deliverer, once it has begun."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def _open(store: Store, base: float, over: threading.Event) -> None:
    """Open incidents until told that it is enough."""
    number = 0
    with store.reading() as session:
        brand = brands.active_brands(session)[0]
    while not over.wait(1 / PER_SECOND):
        now, number = _fast(base), number + 1
        found = Incident(
            id=None, brand=BRAND, rule="detractor", group=f"place {number}", opened_at=now, last_at=now, count=1,
            reach=number, because="90% likely a detractor", platforms=frozenset({"x"}),
        )  # fmt: skip
        with store.transaction() as session:
            incidents.open_new(session, brand.id, found, now)


def _count(store: Store, query: str, **given: Any) -> int:
    with store.reading() as session:
        return int(session.connection().execute(text(query), given).scalar() or 0)


def _fast(base: float) -> datetime:
    """Now, on a clock that has run fast since ``base``, alike in all processes."""
    now = time.time()
    return datetime.fromtimestamp(base + (now - base) * SPEED if base else now, UTC)


def _work(orders: dict[str, Any]) -> None:
    """Decide and deliver until killed, as a deliverer's process does."""
    store = Store(orders["database"])
    options = {name: value for name, value in orders["channel"].items() if name not in ("name", "kind")}

    def clock() -> datetime:
        return _fast(orders["base"])

    channel = build_channel("slack", orders["channel"]["kind"], options, clock)
    pacing = Pacing(pace=timedelta(0), budget=3600)
    stages = {
        "decide": lambda: decide_batch(store, Policy(), {"slack": channel.edits}, "http://127.0.0.1", clock()),
        "deliver": lambda: int(deliver_next(store, channel, clock, pacing)),
    }
    print("begun", flush=True)
    Worker(stages, poll_seconds=0.1).start()


if __name__ == "__main__":
    main()
