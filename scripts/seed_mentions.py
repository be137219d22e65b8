#!/usr/bin/env python3
"""Fill an empty database with a year of invented mentions, as the jobs would have left them: for benches.

    scripts/seed_mentions.py --database sqlite:////tmp/seed.db --mentions 100000
    scripts/seed_mentions.py --database postgresql+psycopg://postgres@127.0.0.1/seed --mentions 1000000

Five brands (two of them one's own), eleven platforms, English and Spanish, copies, replies, hidden ones, scores,
figures, incidents, corrections, permissions. The same --seed and --until give the same rows. The last line is JSON.
"""

import argparse
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import seed_incidents
import seed_reuse
from seed_tables import Bulk, at, bulk
from seed_world import BATCH, BRANDS, MENTION, OWN, PAIR, PLATFORMS, SCORE, THEMES, YEAR, World
from sqlalchemy import text

from api.wiring import brand_row
from listener.access import Role
from listener.configfile import BrandEntry
from listener.store import brands, migrate, users
from listener.store.engine import Store

EMAIL = "bench@example.com"
"""Who may do everything there."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", required=True, help="sqlite:///... or postgresql+psycopg://..., empty or new")
    parser.add_argument("--mentions", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--until", type=datetime.fromisoformat, help="the end of the year, ISO 8601 with its zone; default: now"
    )
    args = parser.parse_args()
    store = Store(args.database)
    try:
        print(json.dumps(seed(store, args.mentions, args.until or datetime.now(UTC), args.seed)))
    finally:
        store.close()


def seed(store: Store, mentions: int, until: datetime, number: int = 1) -> dict[str, Any]:
    """Migrate and fill a database; what was written. Exits where there is something in it already."""
    started = time.perf_counter()
    migrate.upgrade(store)
    with store.reading() as session:
        if session.connection().scalar(text("SELECT count(*) FROM brand")):
            sys.exit(f"{store.url.database} is not empty; name a new database")
    world = World(mentions, until, number)
    _ground(store, until)
    with bulk(store, ("author", "mention", "mention_brand", "score", "alert_mention")) as writer:
        writer.write("author", "id, kind, native_id, handle, name, url, followers", list(world.author_rows()))
        done = 0
        for rows in world.batches():
            for table, columns, some in zip(
                ("mention", "mention_brand", "score"), (MENTION, PAIR, SCORE), rows, strict=True
            ):
                writer.write(table, columns, some)
            done += len(rows[0])
            if done % (BATCH * 10) == 0 or done == mentions:
                rate = done / (time.perf_counter() - started)
                print(f"{done:,} of {mentions:,} mentions, {rate:,.0f} a second", file=sys.stderr, flush=True)
        _figures(writer, world)
        seed_incidents.write(writer, world.stories, world.random)
        seed_reuse.write(writer, world.promoters, world.corrected, world.mentions, until, world.random)
        print("making the indexes", file=sys.stderr, flush=True)
    _check(store, world)
    return {
        "mentions": mentions, "pairs": world.pairs, "copies": world.copies, "incidents": len(world.stories),
        "seconds": round(time.perf_counter() - started, 1),
    }  # fmt: skip


def _ground(store: Store, now: datetime) -> None:
    """Brands, sources and somebody who may do everything."""
    themes = {theme: " OR ".join(words) for theme, words in THEMES.items()}
    entries = [
        BrandEntry(name=name, role="own" if number < OWN else "competitor", themes=themes)
        for number, name in enumerate(BRANDS)
    ]
    sources = [{"name": kind, "kind": kind, "options": {}, "every_s": 300} for kind in PLATFORMS]
    with store.transaction() as session:
        brands.save_brands(session, [brand_row(entry) for entry in entries], now - YEAR)
        brands.save_sources(session, sources, now - YEAR)
        session.connection().execute(
            text(
                "UPDATE source SET last_run_at = :now, last_success_at = :now, covered_to = :now, "
                "listened_from = :start"
            ),
            {"now": at(now), "start": at(now - YEAR)},
        )
        users.add_user(session, EMAIL, "bench", {None: Role.ADMINISTRATOR}, now - YEAR, password_hash=None)


def _figures(writer: Bulk, world: World) -> None:
    keys = sorted(world.hour_reach)
    writer.write(
        "rollup_hour",
        "brand_id, kind, label, hour, mentions, reach, copies",
        [
            (*key[:3], f"{key[3]}:00:00.000000", world.hours[key], world.hour_reach[key], world.hour_copies[key])
            for key in keys
        ],
    )
    writer.write(
        "rollup_facet",
        "brand_id, facet, value, label, hour, mentions",
        [(*key[:4], f"{key[4]}:00:00.000000", count) for key, count in sorted(world.facets.items())],
    )


def _check(store: Store, world: World) -> None:
    """Hold the figures of a day in each month against the mentions themselves. Exits where they differ."""
    counted = """
        SELECT count(*) FROM mention_brand p WHERE p.created_at >= :since AND p.created_at < :until
        AND p.hidden_why IS NULL AND p.void IS NULL AND p.scored_at IS NOT NULL AND p.copy_of IS NULL"""
    added = "SELECT coalesce(sum(mentions), 0) FROM rollup_hour WHERE hour >= :since AND hour < :until"
    spoken = (
        "SELECT coalesce(sum(mentions), 0) FROM rollup_facet WHERE facet = 'lang' AND hour >= :since AND hour < :until"
    )
    with store.reading() as session:
        for month in range(12):
            since = world.until - YEAR + timedelta(days=30 * month)
            day = {"since": at(since), "until": at(since + timedelta(days=1))}
            found = [session.connection().scalar(text(query), day) for query in (counted, added, spoken)]
            if len({int(one or 0) for one in found}) != 1:
                sys.exit(f"the figures of {since} do not agree: {found} (mentions, by hour, by language)")


if __name__ == "__main__":
    main()
