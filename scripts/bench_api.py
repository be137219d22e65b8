#!/usr/bin/env python3
"""How long each page and list takes with 100 thousand mentions and with a million, asked in turn in one run.

    for n in 100000 1000000; do scripts/seed_mentions.py --mentions $n --database sqlite:////tmp/$n.db; done
    scripts/bench_api.py sqlite:////tmp/100000.db sqlite:////tmp/1000000.db
    scripts/bench_api.py --streams 200 sqlite:////tmp/1000000.db

Each database is served by a process of its own (`escucha serve`) and asked over a real socket, by somebody signed in
and by a key. They take turns, because a shared machine's speed swings: what counts is the ratio of the medians, and 1
is flat. With --streams so many pages' event streams are held open instead, while mentions come. --json prints one line.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import bench_streams
import page_addresses
import requests
from bench_server import Server, serving
from seed_words import RARE

from listener.store.engine import Store

DEEP = 40
"""Pages that are turned before the one that counts as deep."""

LONG = (
    "/api/v1/mentions?limit=100", "/api/v1/mentions?brand=Lumbra&label=detractor&limit=50",
    "/api/v1/mentions?words=factura&limit=50", "/api/v1/promoters?limit=50", "/api/v1/alerts?limit=2",
    "/api/v1/deliveries?limit=2", "/api/v1/audit?limit=20",
)  # fmt: skip
"""Lists of which a deep page is asked for too."""


@dataclass(slots=True)
class Asked:
    """Something that is asked for, and the milliseconds that it took on each database."""

    name: str
    paths: list[str]
    took: list[list[float]] = field(default_factory=list)
    first_byte: bool = False
    said: set[int] = field(default_factory=set)


def searches() -> dict[str, str]:
    """What people look for, a name -> what stands behind "?"."""
    return {
        "a common word": "words=factura",
        "a rare word": f"words={RARE['es'][0]}",
        "no such word": "words=quxzzy",
        "a phrase": "words=%22la peor%22",
        "a rare phrase": f"words=%22{RARE['en'][0]}%22 AND Lumbra",
        "NOT": "words=factura NOT Lumbra",
        "OR": "words=router OR centralita",
        "a brand": "brand=Ostrea",
        "detractors of a brand": "brand=Lumbra&label=detractor",
        "a source": "source=jetstream",
        "an emotion": "emotion=anger",
        "a theme of a brand": "brand=Lumbra&theme=billing",
        "a language": "lang=en",
        "a rare reach": "reach=5000000",
        "hidden ones": "hidden=true",
        "a word, a brand, a label": "words=cobertura&brand=Velarca&label=promoter",
    }


def asked_of(servers: list[Server], known: list[Mapping[str, object]]) -> list[Asked]:
    """All pages, all lists, deep pages, searches and exports, each with its address on every server."""
    found: list[Asked] = []

    def add(name: str, paths: list[str], *, first_byte: bool = False) -> None:
        found.append(Asked(name, paths, [[] for _ in servers], first_byte))

    for every in (page_addresses.pages, page_addresses.lists):
        names = every({name: f"{{{name}}}" for name in known[0]})
        for name, paths in zip(names, zip(*(every(its) for its in known), strict=True), strict=True):
            add(name, list(paths), first_byte="/exports/" in name)
    for name, query in searches().items():
        add(f"/mentions: {name}", [f"/mentions?{query}"] * len(servers))
        add(f"/api/v1/mentions: {name}", [f"/api/v1/mentions?{query}"] * len(servers))
    for path in LONG:
        deep = [_deep(server, path) for server in servers]
        if all(deep):
            add(f"{path.partition('?')[0]}: {DEEP} pages on", [str(one) for one in deep])
    return found


def _deep(server: Server, path: str) -> str | None:
    """The address of a page far down a list; None where the list is shorter, or not there."""
    address = path
    for _ in range(DEEP):
        answer = requests.get(server.url + address, headers=server.with_key, timeout=60)
        cursor = answer.json().get("next") if answer.status_code == 200 else None
        if cursor is None:
            return None
        parameter = "before" if isinstance(cursor, int) else "after"
        address = f"{path}&{parameter}={requests.utils.quote(str(cursor))}"
    return address


def ask(session: requests.Session, server: Server, one: Asked, which: int) -> None:
    """Ask once, and note how long that took."""
    path = one.paths[which]
    headers = server.with_key if path.startswith("/api/") else server.signed_in
    started = time.perf_counter()
    with session.get(server.url + path, headers=headers, timeout=120, stream=True, allow_redirects=False) as answer:
        if one.first_byte:
            next(answer.iter_content(512), None)
        else:
            _ = answer.content
    one.took[which].append((time.perf_counter() - started) * 1000)
    one.said.add(answer.status_code)


def known_of(database: str) -> Mapping[str, object]:
    """What addresses ask for."""
    store = Store(database)
    try:
        return page_addresses.known(store)
    finally:
        store.close()


def summary(one: Asked) -> dict[str, Any]:
    """Medians and 95th percentiles in milliseconds, and what the last database takes of the first one's median."""
    medians = [statistics.median(times) for times in one.took]
    highest = [statistics.quantiles(times, n=20)[-1] if len(times) > 1 else times[0] for times in one.took]
    return {
        "asked": one.name,
        "p50_ms": [round(time_, 1) for time_ in medians],
        "p95_ms": [round(time_, 1) for time_ in highest],
        "ratio": round(medians[-1] / medians[0], 2),
        "status": sorted(one.said),
    }


def shown(rows: list[dict[str, Any]]) -> str:
    """A table for people, the slowest first."""
    lines = [f"{'':58} {'p50 ms':>18} {'p95 ms':>18} {'ratio':>6}"]
    for row in sorted(rows, key=lambda row: -row["p95_ms"][-1]):
        p50, p95 = (" ".join(f"{time_:8.1f}" for time_ in row[name]) for name in ("p50_ms", "p95_ms"))
        status = "" if row["status"] == [200] else f"  answers {row['status']}"
        lines.append(f"{row['asked'][:58]:58} {p50:>18} {p95:>18} {row['ratio']:6.2f}{status}")
    return "\n".join(lines)


def measure(databases: list[str], rounds: int, only: str) -> list[dict[str, Any]]:
    """Ask everything so many times, in another order each round."""
    with ExitStack() as stack:
        servers = [stack.enter_context(serving(database)) for database in databases]
        session = stack.enter_context(requests.Session())
        everything = [one for one in asked_of(servers, [known_of(one) for one in databases]) if only in one.name]
        for number in range(rounds + 1):
            random.shuffle(everything)
            started = time.perf_counter()
            for one in everything:
                for which, server in enumerate(servers):
                    ask(session, server, one, which)
            if number == 0:
                # What is asked for the first time is read from the disk, and its templates are made.
                for one in everything:
                    one.took = [[] for _ in servers]
            print(f"round {number} of {rounds}: {time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)
    return [summary(one) for one in everything]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("databases", nargs="+", metavar="DATABASE", help="the address of one that was seeded")
    parser.add_argument("--rounds", type=int, default=20, help="times that everything is asked of each database")
    parser.add_argument("--only", default="", metavar="WORDS", help="ask only what has this in its name")
    parser.add_argument("--streams", type=int, default=0, metavar="N", help="hold N event streams open instead")
    parser.add_argument("--json", action="store_true", help="print the result as one line of JSON")
    args = parser.parse_args()
    if args.streams:
        for database in args.databases:
            with serving(database) as server:
                found = bench_streams.measure(server, database, args.streams, args.rounds)
            print(json.dumps(found) if args.json else bench_streams.shown(found))
        return
    rows = measure(args.databases, args.rounds, args.only)
    print(json.dumps(rows) if args.json else shown(rows))


if __name__ == "__main__":
    main()
