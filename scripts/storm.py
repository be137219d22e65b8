#!/usr/bin/env python3
"""Ten thousand people complain about one brand within a minute, and Slack is hard to reach: what a team sees of it.

    scripts/storm.py
    scripts/storm.py --bot --database-url postgresql+psycopg://postgres@127.0.0.1:5432/storm

The mentions (English and Spanish, of four platforms, no two alike) are matched and stored as a source's are, and go
through the real model and the stages as `escucha run` runs them. Slack lets one message a second through and fails a
third of those: 500s, silence, answers that get lost. Printed are the messages that arrived, what was not sent and why,
how long it took from a mention to the first message that counts it, and whether anything was lost. The last line is
JSON; exit status 1 if a mention is in no incident (but for those that the model passes over, a twentieth at most), a
delivery is lost, or the budget was exceeded.
"""

import argparse
import json
import logging
import random
import statistics
import sys
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from receive_slack import Temper
from sqlalchemy import func, select, text

sys.path.insert(0, str(Path(__file__).parent.parent))

import storm_crowd
from storm_crowd import BRAND, Slack, said

from alerts.policy import DEFAULT_INTERVAL
from api.wiring import Installation, apply_config, install
from listener import clock
from listener.config import Settings
from listener.config_entries import ConfigFile
from listener.matching import Matcher
from listener.pipeline import Pipeline
from listener.store import brands, intake
from listener.store.tables import Alert, table
from listener.worker import Worker

PAGE = 100
HOUR_S = 3600.0
SOON = DEFAULT_INTERVAL + timedelta(minutes=1)
"""What is to be decided within this time is waited for: the last that changed is told after the interval."""

DELIVERIES = "SELECT state, mode, outcome, count(*) FROM delivery GROUP BY state, mode, outcome ORDER BY state, mode"
DECISIONS = "SELECT action, reason, sum(times) FROM decision GROUP BY action, reason ORDER BY action, reason"
VERDICTS = "SELECT coalesce(verdict, 'not judged'), count(*) FROM mention_brand GROUP BY verdict"
INCIDENTS = "SELECT id, rule, severity, state, count FROM alert ORDER BY id"
MEMBERS = """SELECT a.alert_id, m.collected_at FROM alert_mention a JOIN mention_brand p ON p.id = a.mention_brand_id
    JOIN mention m ON m.id = p.mention_id WHERE a.reason <> 'copy' ORDER BY a.alert_id, p.id"""
NOTICES = "SELECT key, alert_id, notice FROM delivery WHERE channel = 'slack'"
UNTOLD = """SELECT count(*) FROM mention_brand p WHERE judged_at IS NULL OR verdict IS NULL OR
    (verdict IN ('opened_incident', 'joined_incident') AND NOT EXISTS
    (SELECT 1 FROM alert_mention a WHERE a.mention_brand_id = p.id))"""
IN_INCIDENTS = "SELECT count(DISTINCT mention_brand_id) FROM alert_mention"
OUTSIDE = """SELECT coalesce(verdict, 'not judged'), count(*) FROM mention_brand p WHERE NOT EXISTS
    (SELECT 1 FROM alert_mention a WHERE a.mention_brand_id = p.id) GROUP BY verdict"""
PASSED_OVER = frozenset({"not_a_detractor", "below_probability", "copy"})
"""Why a complaint may be in no incident: the model takes it for something else or is unsure; or it repeats such."""

LEAST_SHARE = 0.95
"""Of the mentions, all complaints, that must be in an incident."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mentions", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="within which they are said")
    parser.add_argument("--rate", type=float, default=1.0, help="messages a second that Slack lets through")
    parser.add_argument("--failing", type=float, default=1 / 3, help="the share of those that fails, from 0 to 1")
    parser.add_argument("--bot", action="store_true", help="a Slack bot, which can change messages; else a webhook")
    parser.add_argument("--budget", type=int, default=30, help="new messages in any hour")
    parser.add_argument("--database-url", help="an empty PostgreSQL database; by default SQLite in a temporary folder")
    parser.add_argument("--catch-up", type=float, default=15.0, metavar="MINUTES", help="the longest wait afterwards")
    parser.add_argument("--seed", type=int, default=20261122)
    asked = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="escucha-storm-"))
        temper = Temper(asked.rate, asked.failing)
        slack = stack.enter_context((storm_crowd.bot if asked.bot else storm_crowd.webhook)(temper))
        config = ConfigFile.model_validate(
            {"brands": [{"name": BRAND}], "channels": [slack.channel | {"budget": asked.budget}]}
        )
        settings = Settings(
            database_url=asked.database_url or f"sqlite:///{folder}/escucha.db",
            slack_pace_seconds=1 / asked.rate, data_dir=Path(folder),
        )  # fmt: skip
        installation = stack.enter_context(install(settings, config))
        apply_config(installation.store, config)
        result = _storm(asked, installation, slack)
    print(json.dumps(result))
    sys.exit(0 if result["nothing_lost"] and result["budget_held"] else 1)


def _storm(asked: argparse.Namespace, installation: Installation, slack: Slack) -> dict[str, Any]:
    with installation.store.transaction() as session:
        brands.save_sources(session, [{"name": "storm", "kind": "storm", "options": {}}], clock.now())
    pipeline, scorer = installation.pipeline(), installation.scorer()
    started = time.time()
    with Worker(pipeline.after_collecting(scorer), installation.settings.poll_seconds, pipeline.stop):
        _speak(asked, installation)
        spoken = time.time()
        print(f"{asked.mentions:,} mentions stored within {spoken - started:.0f} s", flush=True)
        _wait(pipeline, slack, asked.catch_up * 60)
    pipeline.close()
    return _judged(asked, installation, slack, time.time() - started)


def _speak(asked: argparse.Namespace, installation: Installation) -> None:
    """Store the mentions at their moments, a page at a time, matched as a source's are."""
    dice = random.Random(asked.seed)
    with installation.store.reading() as session:
        matcher = Matcher(brands.active_brands(session), about_brands=False, source="storm")
        source = brands.source_named(session, "storm")
    assert source is not None
    assert source.id is not None
    moments = storm_crowd.moments(asked.mentions, timedelta(seconds=asked.seconds))
    for first in range(0, asked.mentions, PAGE):
        written = moments[first : first + PAGE]
        time.sleep(max(0.0, (written[-1] - clock.now()).total_seconds()))
        items = [said(first + number, moment, dice) for number, moment in enumerate(written)]
        matched = [found for item in items if (found := matcher.match(item)) is not None]
        with installation.store.transaction() as session:
            intake.take_page(session, source.id, matched, clock.now())


def _wait(pipeline: Pipeline, slack: Slack, longest_s: float) -> None:
    """Until every stage is done and nothing more is to be told soon, with how far it is."""
    began, told = time.monotonic(), 0.0
    while time.monotonic() - began < longest_s:
        pending = pipeline.pending()
        with pipeline.store.reading() as session:
            soon = clock.now() + SOON
            decided = session.connection().scalar(select(func.count()).where(table(Alert).c.decide_at < soon))
        if pending.nothing and not decided:
            return
        if time.monotonic() - told > 10:
            told = time.monotonic()
            print(
                f"  to be scored {pending.unscored:,}, judged {pending.unjudged:,}, decided upon soon {decided}, sent "
                f"{pending.undelivered}; {len(slack.arrived)} arrived, Slack answered {slack.answered}",
                flush=True,
            )
        time.sleep(1)


def _judged(asked: argparse.Namespace, installation: Installation, slack: Slack, took_s: float) -> dict[str, Any]:
    def rows(query: str) -> list[Any]:
        with installation.store.reading() as session:
            return [tuple(row) for row in session.connection().execute(text(query))]

    arrived = list(slack.arrived)
    new = sorted(at for at, how, _ in arrived if how != "update")
    keys = Counter(key for _, how, key in arrived if how != "update")
    verdicts = {str(verdict): int(number) for verdict, number in rows(VERDICTS)}
    deliveries = [(state, mode, outcome, int(number)) for state, mode, outcome, number in rows(DELIVERIES)]
    decisions = [(action, reason, int(number)) for action, reason, number in rows(DECISIONS)]
    per_incident, to_first, per_mention = _times(arrived, rows(MEMBERS), rows(NOTICES))
    untold, in_incidents = rows(UNTOLD)[0][0], rows(IN_INCIDENTS)[0][0]
    outside = {str(verdict): int(number) for verdict, number in rows(OUTSIDE)}
    print(f"in incidents: {in_incidents:,} of {asked.mentions:,} mentions; the others: {outside}")
    print("incidents (id, rule, severity, state, mentions):", *rows(INCIDENTS), sep="\n  ")
    print("what became of the messages (state, mode, outcome, how many):", *deliveries, sep="\n  ")
    print("what was decided, of what was sent and what was not (action, reason, times):", *decisions, sep="\n  ")
    print(f"mentions by verdict: {verdicts}")
    print(
        f"from an incident's first mention to its first message: {_spread(list(per_incident.values()))} s; from a "
        f"mention to its incident's first message, where that came after it: {_spread(to_first)} s, "
        f"{len(to_first):,} mentions; from a mention to the first message that counts it: {_spread(per_mention)} s, "
        f"{len(per_mention):,} mentions"
    )
    return {
        "mentions": asked.mentions,
        "channel": "bot" if asked.bot else "webhook",
        "database": installation.store.dialect,
        "took_s": round(took_s),
        "incidents": len(rows(INCIDENTS)),
        "in_incidents": in_incidents,
        "in_no_incident": outside,
        "verdicts": verdicts,
        "messages": len(new),
        "updates": len(arrived) - len(new),
        "twice": sum(number - 1 for number in keys.values()),
        "ambiguous": sum(number for state, mode, outcome, number in deliveries if outcome == "sent_ambiguous"),
        "slack_answered": dict(slack.answered),
        "deliveries": deliveries,
        "decisions": decisions,
        "incident_to_message_s": {str(number): round(seconds, 1) for number, seconds in per_incident.items()},
        "mention_to_first_message_s": _spread(to_first) | {"mentions": len(to_first)},
        "mention_to_message_counting_it_s": _spread(per_mention) | {"mentions": len(per_mention)},
        "most_in_an_hour": _most_in_an_hour(new),
        "budget_held": _most_in_an_hour(new) <= asked.budget,
        "nothing_lost": (
            untold == 0 and is_settled(deliveries) and is_accounted_for(asked.mentions, in_incidents, outside)
        ),
    }


def is_accounted_for(mentions: int, in_incidents: int, outside: Mapping[str, int]) -> bool:
    """Whether nearly every mention is in an incident, and each other one is not for a reason that may be."""
    whole = in_incidents + sum(outside.values()) == mentions
    return whole and outside.keys() <= PASSED_OVER and in_incidents >= LEAST_SHARE * mentions


def is_settled(deliveries: Sequence[tuple[str, str, str | None, int]]) -> bool:
    """Whether every message was sent, or is told by another, or says why it waits."""
    return all(
        state in ("sent", "dropped", "dead") or (state == "pending" and outcome is not None)
        for state, _, outcome, _ in deliveries
    )


def _times(
    arrived: Sequence[tuple[float, str, str]], members: Sequence[Any], notices: Sequence[Any]
) -> tuple[dict[int, float], list[float], list[float]]:
    """Seconds from each incident's first mention to its first message; from mentions that came before that message to
    it; and from each mention to the first message that counts it.

    An incident's mentions are counted in the order in which they were stored, which is nearly that in which they were
    judged, so a message that says "37 mentions" tells of the first 37.
    """
    said_by = {key: (alert_id, json.loads(notice)) for key, alert_id, notice in notices if notice}
    told: dict[int, list[tuple[int, float]]] = {}
    for at, _, key in sorted(arrived):
        alert_id, notice = said_by.get(key, (None, {}))
        if alert_id is not None and notice.get("about"):
            before = told.setdefault(alert_id, [])
            if not before or notice["about"]["count"] > before[-1][0]:
                before.append((notice["about"]["count"], at))
    collected: dict[int, list[float]] = {}
    for alert_id, at in members:
        collected.setdefault(alert_id, []).append(_seconds(at))
    first = {alert_id: told[alert_id][0][1] - times[0] for alert_id, times in collected.items() if alert_id in told}
    to_first, each = [], []
    for alert_id, times in collected.items():
        counts = [count for count, _ in told.get(alert_id, [])]
        for number, at in enumerate(times, 1):
            place = bisect_left(counts, number)
            if place < len(counts):
                each.append(told[alert_id][place][1] - at)
        to_first += [told[alert_id][0][1] - at for at in times if alert_id in told and at <= told[alert_id][0][1]]
    return first, to_first, each


def _seconds(moment: Any) -> float:
    # SQLite gives the text back that it was given, which is in UTC.
    stamp = datetime.fromisoformat(moment).replace(tzinfo=UTC) if isinstance(moment, str) else moment
    return float(stamp.timestamp())


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    if len(seconds) < 2:
        return {f"p{part}": round(seconds[0], 1) for part in (50, 95)} if seconds else {}
    parts = statistics.quantiles(seconds, n=100, method="inclusive")
    return {"p50": round(parts[49], 1), "p95": round(parts[94], 1), "most": round(max(seconds), 1)}


def _most_in_an_hour(times: Sequence[float]) -> int:
    return max((bisect_left(times, at + HOUR_S) - number for number, at in enumerate(times)), default=0)


if __name__ == "__main__":
    main()
