#!/usr/bin/env python3
"""Intake without scoring: mentions a second as the store grows from 10 thousand to 1 million stored.

    scripts/bench_intake.py                                        SQLite, in a temporary folder
    scripts/bench_intake.py --url postgresql+psycopg://...         an empty PostgreSQL database (it is filled!)
    scripts/bench_intake.py --most 300000 --page 100               stop earlier; mentions in a page

Pages go through ``intake.take_page`` as a source's do, a transaction each, with authors, pairs, and copies
looked for and joined. The texts are made up: Zipf's law over 20,000 words, from three words to a paragraph; of a
hundred mentions five repost or quote another, six pass a text on with small changes, and three were stored before.
A row says how many a second were stored in the stretch that ends there, how that compares with the first row, and how
much processor time of this process each mention took, which a busy machine changes less. The last line is JSON.
"""

import argparse
import bisect
import itertools
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from listener.items import Author, Item
from listener.query import parse
from listener.store import brands, intake, migrate
from listener.store.engine import Store
from listener.store.tables import Brand, Mention, MentionBand, MentionBrand, Source, table

STEPS = (10_000, 30_000, 100_000, 300_000, 1_000_000)
BRANDS = ("Aeroluz", "Nubia", "Iberia", "Vueling")
START = datetime(2026, 1, 1, tzinfo=UTC)
PER_SECOND = 2
"""Of the mentions' own time: a million take six days, so that the window for copies is full and moves on."""


class Words:
    """Texts like those of a stream, the same for the same seed."""

    def __init__(self, chance: random.Random, vocabulary: int = 20_000) -> None:
        self._chance = chance
        syllables = [first + second for first in "bcdfglmnprstv" for second in "aeiou"]
        self._words = list(dict.fromkeys(
            "".join(chance.choices(syllables, k=chance.choice((1, 2, 2, 3, 3, 4)))) for _ in range(vocabulary * 2)
        ))[:vocabulary]  # fmt: skip
        self._shares = list(itertools.accumulate(1 / rank for rank in range(1, len(self._words) + 1)))

    def word(self) -> str:
        return self._words[bisect.bisect(self._shares, self._chance.random() * self._shares[-1])]

    def text(self) -> str:
        # Half are a line, as on microblogs; a tenth are as long as a paragraph.
        length = min(int(self._chance.lognormvariate(2.9, 0.7)) + 3, 150)
        said = [self.word() for _ in range(length)]
        said[self._chance.randrange(length)] = self._chance.choice(BRANDS)
        return " ".join(said)

    def passed_on(self, text: str) -> str:
        words = text.split()
        if len(words) > 24 and self._chance.random() < 0.5:
            words[self._chance.randrange(len(words) - 1)] = self.word()
        return self._chance.choice(("RT @somebody: {}", "{} - El Diario", "{} https://t.co/abc", "{}")).format(
            " ".join(words)
        )


def stream(seed: int) -> Iterator[Item]:
    """Mentions without end, in the order they were written."""
    chance = random.Random(seed)
    words = Words(chance)
    recent: list[Item] = []
    for number in itertools.count():
        kind, dice = chance.choice(("x", "x", "x", "reddit", "rss")), chance.random()
        said, repost_of, quote_of = words.text(), None, None
        if recent and dice < 0.03 and (again := chance.choice(recent)):
            yield again
            continue
        if recent and dice < 0.09:
            said = words.passed_on(chance.choice(recent).text)
        elif recent and dice < 0.14:
            of = chance.choice(recent)
            kind = of.kind
            if dice < 0.12:
                said, repost_of = of.text, of.repost_of or of.native_id
            else:
                quote_of = of.native_id
        if not any(brand in said for brand in BRANDS):
            said = f"{said} {chance.choice(BRANDS)}"
        # Half of what is said comes from a tenth of the people.
        person = chance.randrange(2_000) if chance.random() < 0.5 else chance.randrange(200_000)
        item = Item(
            kind=kind, native_id=str(1_800_000_000_000_000_000 + number), text=said,
            created_at=START + timedelta(seconds=number / PER_SECOND),
            url=f"https://{kind}.example/status/{number}", lang="es", reach=int(chance.paretovariate(1.0) * 50),
            author=Author(str(person), f"handle{person}", f"Name {person}", followers=person),
            engagement={"likes": chance.randrange(10), "replies": chance.randrange(3)},
            repost_of=repost_of, quote_of=quote_of,
        )  # fmt: skip
        if len(recent) < 5_000:
            recent.append(item)
        else:
            recent[chance.randrange(5_000)] = item
        yield item


def prepared(store: Store) -> tuple[int, dict[int, str]]:
    """The source and the brands to store under. Ends the program where something is stored already."""
    migrate.upgrade(store)
    with store.transaction() as session:
        if session.connection().scalar(select(func.count()).select_from(table(Mention))):
            sys.exit(f"{store.url.render_as_string(hide_password=True)} is not empty")
        brands.save_brands(
            session, [{"name": name, "query": name, "role": "own", "alerting": {}} for name in BRANDS], START
        )
        row = {"name": "bench", "kind": "file", "options": {}, "active": True}
        brands.save_sources(session, [row], START)
    with store.reading() as session:
        source = session.connection().scalar(select(table(Source).c.id))
        names = session.connection().execute(select(table(Brand).c.id, table(Brand).c.name)).all()
    assert source is not None
    return source, {row.id: row.name for row in names}


def pages(page: int, seed: int, named: dict[int, str]) -> Iterator[list[intake.Matched]]:
    """Pages as the collect job hands them on."""
    queries = {brand: parse(name) for brand, name in named.items()}
    items = stream(seed)
    while True:
        yield [
            intake.Matched(
                item, {brand: spans for brand, query in queries.items() if (spans := query.match(item.full_text))}
            )
            for item in itertools.islice(items, page)
        ]


def run(store: Store, most: int, page: int, seed: int) -> list[dict[str, float]]:
    """Fill the store; a row for each step. Only the time in ``take_page`` and its commit counts."""
    source, named = prepared(store)
    stored, took, cpu, since, rows = 0, 0.0, 0.0, 0, []
    steps = [*(step for step in STEPS if step < most), most]
    worst = 0.0
    print(f"{'stored':>10} {'a second':>10} {'to first':>9} {'cpu each':>10} {'slowest page':>13} {'size':>10}")
    for matched in pages(page, seed, named):
        began, began_cpu = time.perf_counter(), time.process_time()
        with store.transaction() as session:
            taken = intake.take_page(session, source, matched, matched[-1].item.created_at)
        spent, cpu = time.perf_counter() - began, cpu + time.process_time() - began_cpu
        took, worst, stored = took + spent, max(worst, spent), stored + taken.stored
        if stored >= steps[len(rows)]:
            rate = (stored - since) / took
            each = cpu / (stored - since) * 1000
            rows.append({
                "stored": stored, "per_s": round(rate, 1), "cpu_ms": round(each, 3),
                "slowest_page_ms": round(worst * 1000),
            })  # fmt: skip
            ratio = rate / rows[0]["per_s"]
            rows[-1]["ratio"] = round(ratio, 2)
            row = f"{stored:>10,} {rate:>10,.0f} {ratio:>9.2f} {each:>7.2f} ms {worst * 1000:>10,.0f} ms"
            print(f"\r{row} {size(store):>10}", flush=True)
            took, cpu, worst, since = 0.0, 0.0, 0.0, stored
            if len(rows) == len(steps):
                return rows
        elif stored // 5000 != (stored - taken.stored) // 5000 and sys.stdout.isatty():
            print(f"\r{stored:>10,} {(stored - since) / took:>10,.0f} ...", end="", flush=True)
    return rows


def size(store: Store) -> str:
    """What the database takes on disk."""
    with store.reading() as session:
        if store.dialect == "postgresql":
            size = session.connection().scalar(select(func.pg_database_size(func.current_database())))
        else:
            pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar()
            size = (pages or 0) * (session.connection().exec_driver_sql("PRAGMA page_size").scalar() or 0)
    return f"{(size or 0) / 2**20:,.0f} MiB"


def found(store: Store) -> dict[str, int]:
    """What is there in the end."""
    copies = table(MentionBrand).c.copy_of.is_not(None)
    with store.reading() as session:
        counts = {
            "mentions": select(func.count()).select_from(table(Mention)),
            "pairs": select(func.count()).select_from(table(MentionBrand)),
            "copies": select(func.count()).select_from(table(MentionBrand)).where(copies),
            "bands": select(func.count()).select_from(table(MentionBand)),
        }
        return {name: int(session.connection().scalar(query) or 0) for name, query in counts.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="an empty database; default: SQLite in a temporary folder")
    parser.add_argument("--most", type=int, default=STEPS[-1], help="stop at so many stored")
    parser.add_argument("--page", type=int, default=100, help="mentions in a page")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(args.url or f"sqlite:///{Path(folder) / 'bench.db'}")
        try:
            rows = run(store, args.most, args.page, args.seed)
            print(json.dumps({"database": store.dialect, "page": args.page, "rows": rows, "found": found(store)}))
        finally:
            store.close()


if __name__ == "__main__":
    main()
