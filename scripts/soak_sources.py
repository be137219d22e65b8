#!/usr/bin/env python3
"""Run all sources together for some minutes and show queue depth, lag and memory over time, and that nothing is lost.

    scripts/soak_sources.py --rate 200 --minutes 5

Every platform is a local server that speaks its documented protocol (the tests' own), and people post on all of them at
the rate given, in total. `escucha run` reads them in a process of its own, on SQLite or (--database-url) PostgreSQL.
Afterwards it is given time to catch up, and each platform's posts are compared with the mentions stored. The servers
and the posting share the machine with it, so this is a harder test than a real installation's. The last line is JSON;
exit status 1 if a post is missing or stored twice.
"""

import argparse
import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pytest_httpserver import HTTPServer
from sqlalchemy import create_engine, text

sys.path.insert(0, str(Path(__file__).parent.parent))

from listener.http import Http
from tests.listener.sources.conformance import Post
from tests.listener.sources.platforms import PLATFORMS, Standing

SAMPLE_S = 5.0
STEP_S = 0.25

SAID = """
    flight delayed again gate crew lovely seat cramped coffee cold bag lost found refund never arrived friendly staff
    queue morning airport thanks worst best service phone hours nobody answers upgraded happy tired landing smooth
    vuelo retraso maleta perdida gracias personal amable cola horas espera reembolso nunca fatal estupendo asiento
"""


@dataclass
class Crowd:
    """People who post on one platform, ``share`` of all posts."""

    standing: Standing
    platform: Any
    share: float
    lock: threading.Lock = field(default_factory=threading.Lock)
    posted: int = 0
    owed: float = 0.0

    def post(self, posts: float, random_: random.Random) -> None:
        """So many posts, now; what is less than one is owed."""
        self.owed += posts
        many, now = int(self.owed), datetime.now(UTC)
        self.owed -= many
        first = self.posted + 1
        self.posted += many
        said = [
            Post(str(number), _said(number, random_), now.replace(microsecond=0), f"person{random_.randrange(5000)}")
            for number in range(first, first + many)
        ]
        with self.lock:
            if hasattr(self.platform, "now"):
                self.platform.now = datetime.now(UTC)
            self.platform.publish(said)


def _said(number: int, random_: random.Random) -> str:
    words = random_.choices(SAID.split(), k=random_.randint(8, 24))
    return f"acme {' '.join(words)} {number}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=200.0, help="posts a second, all platforms together")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--every", default="20s", help="how often each source is read")
    parser.add_argument("--catch-up", type=float, default=10.0, metavar="MINUTES", help="the longest wait afterwards")
    parser.add_argument("--database-url", help="an empty PostgreSQL database; by default SQLite in a temporary folder")
    parser.add_argument("--only", nargs="*", help="only these platforms")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="escucha-soak-")))
        crowds = [stack.enter_context(_crowd(standing)) for standing in PLATFORMS if _wanted(standing, asked.only)]
        whole = sum(crowd.standing.share for crowd in crowds)
        for crowd in crowds:
            crowd.share = crowd.standing.share / whole
        database = asked.database_url or f"sqlite:///{folder}/escucha.db"
        child = stack.enter_context(_escucha(folder, crowds, database, asked.every))
        sys.exit(_soak(asked, crowds, database, child))


def _wanted(standing: Standing, only: list[str] | None) -> bool:
    return standing.share > 0 and (not only or standing.kind in only)


@contextmanager
def _crowd(standing: Standing) -> Iterator[Crowd]:
    with ExitStack() as stack:
        http = stack.enter_context(Http())
        server = stack.enter_context(HTTPServer(host="127.0.0.1", threaded=True))
        crowd = Crowd(standing, standing.make(server, http), 0.0)
        if hasattr(crowd.platform, "close"):
            stack.callback(crowd.platform.close)
        if not hasattr(crowd.platform, "answer"):  # it streams
            yield crowd
            return
        answer = crowd.platform.answer

        def locked(request: Any) -> Any:
            # The stand-ins keep plain lists: nobody may post while one is being read.
            with crowd.lock:
                if hasattr(crowd.platform, "now"):
                    crowd.platform.now = datetime.now(UTC)
                crowd.platform.requests.clear()
                return answer(request)

        crowd.platform.answer = locked
        yield crowd


@contextmanager
def _escucha(folder: Path, crowds: list[Crowd], database: str, every: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ESCUCHA_")}
    sources = []
    for crowd in crowds:
        options, variables = crowd.standing.installed(crowd.platform)
        environment |= variables
        kind, often = crowd.standing.kind, crowd.standing.poll or every
        sources.append({"name": kind, "kind": kind, "every": often, **options})
    config = {
        "brands": [{"name": "Acme", "query": "acme"}],
        "sources": sources,
        "channels": [{"name": "log", "kind": "log"}],
    }
    (folder / "escucha.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    environment |= {
        "ESCUCHA_CONFIG": str(folder / "escucha.yml"),
        "ESCUCHA_DATABASE_URL": database,
        "ESCUCHA_DATA_DIR": str(folder),
        "ESCUCHA_LOG_LEVEL": "warning",
    }
    command = [str(Path(sys.executable).with_name("escucha")), "run", "--port", "0"]
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(timeout=60)
            lines = (folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
            print(f"exit status {child.returncode}, {len(lines)} lines of warnings; the last:")
            print("\n".join(line[:300] for line in lines[-5:]))


def _soak(asked: argparse.Namespace, crowds: list[Crowd], database: str, child: subprocess.Popen[bytes]) -> int:
    engine = create_engine(database)
    _until(lambda: _tables_there(engine) or child.poll() is not None, 60)
    if child.poll() is not None:
        print("escucha run ended before it began")
        return 1
    over = threading.Event()
    poster = threading.Thread(target=_post_all, args=(crowds, asked.rate, over, random.Random(asked.seed)))
    begun = time.monotonic()
    samples: list[dict[str, float]] = []
    print("   s   posted   stored  unscored   lag s  scoring lag s  resident MB", flush=True)
    poster.start()
    deadline = begun + 60 * (asked.minutes + asked.catch_up)
    while time.monotonic() < deadline and child.poll() is None:
        time.sleep(SAMPLE_S)
        if not over.is_set() and time.monotonic() - begun >= asked.minutes * 60:
            over.set()
            poster.join()
        sample = _sample(engine, crowds, child.pid) | {
            "s": round(time.monotonic() - begun),
            "posting": not over.is_set(),
        }
        samples.append(sample)
        print(
            f"{sample['s']:4.0f} {sample['posted']:8.0f} {sample['stored']:8.0f} {sample['unscored']:9.0f} "
            f"{sample['lag_s']:7.1f} {sample['scoring_lag_s']:14.1f} {sample['resident_mb']:12.0f}",
            flush=True,
        )
        if over.is_set() and sample["stored"] >= sample["posted"] and not sample["unscored"]:
            break
    over.set()
    poster.join()
    return _verdict(engine, crowds, samples)


def _post_all(crowds: list[Crowd], rate: float, over: threading.Event, random_: random.Random) -> None:
    last = time.monotonic()
    while not over.wait(STEP_S):
        now = time.monotonic()
        for crowd in crowds:
            crowd.post(rate * crowd.share * (now - last), random_)
        last = now


def _sample(engine: Any, crowds: list[Crowd], pid: int) -> dict[str, float]:
    now = datetime.now(UTC)
    with engine.connect() as connection:
        stored = connection.scalar(text("SELECT count(*) FROM mention"))
        unscored = connection.scalar(text("SELECT count(*) FROM mention_brand WHERE scored_at IS NULL"))
        oldest = connection.scalar(
            text(
                "SELECT min(mention.collected_at) FROM mention_brand JOIN mention ON mention.id = mention_id "
                "WHERE scored_at IS NULL"
            )
        )
        newest = connection.execute(text("SELECT kind, max(created_at) FROM mention GROUP BY kind")).all()
    ages = [_age(moment, now) for _, moment in newest]
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return {
        "posted": sum(crowd.posted for crowd in crowds),
        "stored": stored,
        "unscored": unscored,
        "lag_s": max(ages, default=0.0),
        "scoring_lag_s": _age(oldest, now) if oldest else 0.0,
        "resident_mb": resident / 1024,
    }


def _age(moment: Any, now: datetime) -> float:
    then = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return (now - (then if then.tzinfo else then.replace(tzinfo=UTC))).total_seconds()


def _verdict(engine: Any, crowds: list[Crowd], samples: list[dict[str, float]]) -> int:
    with engine.connect() as connection:
        stored = dict(connection.execute(text("SELECT kind, count(*) FROM mention GROUP BY kind")).all())
    posted = Counter[str]()
    for crowd in crowds:
        posted[crowd.standing.item_kind] += crowd.posted
    wrong = sum(stored.get(kind, 0) != many for kind, many in posted.items())
    for kind, many in posted.items():
        remark = "" if stored.get(kind, 0) == many else "  <- differs"
        print(f"{kind:>12}: {many:6} posted, {stored.get(kind, 0):6} stored{remark}")
    during = [sample for sample in samples if sample["posting"]] or samples
    print(
        json.dumps(
            {
                "platforms": len(crowds),
                "posted": sum(crowd.posted for crowd in crowds),
                "stored": sum(stored.values()),
                "differ": wrong,
                "most_unscored": max(sample["unscored"] for sample in during),
                "median_lag_s": sorted(sample["lag_s"] for sample in during)[len(during) // 2],
                "most_lag_s": max(sample["lag_s"] for sample in during),
                "most_resident_mb": round(max(sample["resident_mb"] for sample in samples)),
                "caught_up_after_s": samples[-1]["s"],
            }
        )
    )
    return 1 if wrong else 0


def _tables_there(engine: Any) -> bool:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1 FROM mention"))
    except Exception:
        return False
    return True


def _until(done: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.2)


if __name__ == "__main__":
    main()
