#!/usr/bin/env python3
"""Replay recorded mentions on their own clock, and show what a team would have been told, and what not, and why.

    scripts/replay_alerts.py ../shared/data/replay/airlines_us.jsonl --brand Delta --brand United --competitor JetBlue
    scripts/replay_alerts.py spotify.jsonl --brand Spotify --since 2017-10-01 --scores /tmp/spotify.json

The jobs are the real ones: a step of the clock (--step, five minutes by default) takes in what was said in it, as a
source that is read so often would have, scores it, judges it, asks the rules about the windows that have ended,
decides and delivers. Only the far end is ours: a channel that can change its messages, as Slack can, and keeps what it
gets. Prints the incidents of each brand and week with what was told and what was held back and why; and the first hour
of one of them (--show ID, or the largest spike), each message as Slack would show it. --scores keeps the model's
scores for the next run; --config takes routes, teams and the rules' settings from an escucha.yml. The database is new
each time (--database to keep it).
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import structlog
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy import select

from alerts.channel import Mode, Receipt
from alerts.durations import in_words, parse_duration
from alerts.notice import Notice
from alerts.slack.message import compose
from alerts.slack.plain import as_text
from alerts.windowing import floor
from alerts.wording import counted, moment
from listener.config_entries import BrandEntry, ConfigFile
from listener.configfile import load
from listener.coverage import Stretch
from listener.http import Http
from listener.items import Item
from listener.jobs.alert import end_quiet, judge_batch
from listener.jobs.decide import decide_batch
from listener.jobs.deliver import Pacing, deliver_next
from listener.jobs.score import score_batch
from listener.jobs.windows import evaluate_due
from listener.matching import Matcher
from listener.registry import build
from listener.store import brands, coverage, incidents, intake, migrate
from listener.store.engine import Store
from listener.store.tables import Alert, Brand, DecisionLog, Delivery, Evaluation, table
from listener.tools import Endpoints, Tools
from sentiment.scorer import Score, Scorer, Text

STEP = timedelta(minutes=5)
SOURCE = "replay"
CHANNEL = "slack"


class Clock:
    """The replay's own."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Recorder:
    """A channel as a Slack bot's: messages can be changed, threads replied to. Keeps all it gets."""

    clock: Clock
    name: str = CHANNEL
    sent: list[tuple[datetime, Mode, str, Notice]] = field(default_factory=list)
    kind: ClassVar[str] = "slack_bot"
    edits: ClassVar[bool] = True

    def send(self, notice: Notice, mode: Mode = Mode.POST, ref: str | None = None) -> Receipt:
        """Take it."""
        place = ref if mode is not Mode.POST and ref else f"message {len(self.sent) + 1}"
        self.sent.append((self.clock.now, mode, place, notice))
        return Receipt("kept", place)


class Remembering:
    """The model, asked once for each text: all at the start, since many at once take a fraction of the time."""

    def __init__(self, path: Path | None, console: Console) -> None:
        self._path, self._console = path, console
        self._known: dict[str, Score] = {}
        if path is not None and path.exists():
            self._known = {key: Score(**score) for key, score in json.loads(path.read_text(encoding="utf-8")).items()}

    def learn(self, texts: Sequence[Text]) -> None:
        """Score those that are not known."""
        new = list({self._key(text): text for text in texts if self._key(text) not in self._known}.values())
        if not new:
            return
        scorer = Scorer.open()
        with bar(self._console) as bars:
            task = bars.add_task("scoring", total=len(new))
            scores = scorer.score(new, progress=lambda more: bars.update(task, advance=more))
        self._known |= {self._key(text): score for text, score in zip(new, scores, strict=True)}
        if self._path is not None:
            kept = {key: score.as_dict() for key, score in self._known.items()}
            self._path.write_text(json.dumps(kept), encoding="utf-8")

    def score(self, texts: Sequence[Text]) -> list[Score]:
        """As `Scorer.score`."""
        self.learn(texts)
        return [self._known[self._key(text)] for text in texts]

    @staticmethod
    def _key(text: Text) -> str:
        return json.dumps([text.text, text.target, text.lang, text.spans])


class Replay:
    """One telling of the story into one database."""

    def __init__(self, store: Store, config: ConfigFile, entries: Sequence[BrandEntry], scorer: Remembering) -> None:
        self.store, self.config, self.scorer, self.entries = store, config, scorer, entries
        self.clock = Clock(datetime.now(UTC))
        self.channel = Recorder(self.clock)

    def prepare(self, begin: datetime, every: timedelta) -> tuple[int, Matcher]:
        """The brands, and a source that is read so often, from the beginning on."""
        migrate.upgrade(self.store)
        rows = [
            {"name": one.name, "query": one.effective_query, "role": one.role, "alerting": one.alerting,
             "relevance": one.relevance_rules, "accounts": list(one.accounts), "channels": one.channels}
            for one in self.entries
        ]  # fmt: skip
        source = {"name": SOURCE, "kind": "file", "options": {}, "every_s": int(every.total_seconds())}
        with self.store.transaction() as session:
            brands.save_brands(session, rows, begin)
            brands.save_sources(session, [source], begin)
        with self.store.reading() as session:
            found = brands.source_named(session, SOURCE)
            assert found is not None
            assert found.id is not None
            return found.id, Matcher(brands.active_brands(session), about_brands=False)

    def tell(
        self, items: Sequence[Item], until: datetime, steps: Callable[[datetime], timedelta], console: Console
    ) -> None:
        """All of it, step by step."""
        begin = floor(items[0].created_at, STEP)
        source_id, matcher = self.prepare(begin, steps(begin))
        matched = [found for item in items if (found := matcher.match(item)) is not None]
        self.scorer.learn(list(self._texts(matched)))
        place = 0
        with bar(console) as bars:
            task = bars.add_task(f"replaying {len(matched):,} mentions", total=(until - begin) / STEP)
            told = 0
            now = begin
            while now < until:
                before, now = now, now + steps(now)
                upto = place
                while upto < len(matched) and matched[upto].item.created_at < now:
                    upto += 1
                self._step(source_id, matched[place:upto], Stretch(begin, now))
                place = upto
                words = f"{moment(now)}, {counted(len(self.channel.sent), 'message')}"
                bars.update(task, advance=(now - before) / STEP, description=words)
                if not console.is_terminal and (now - begin) // timedelta(days=1) > told:
                    told = (now - begin) // timedelta(days=1)
                    console.print(words)

    def _texts(self, matched: Sequence[intake.Matched]) -> Iterator[Text]:
        names = {}
        with self.store.reading() as session:
            names = {one.id: one.name for one in brands.active_brands(session)}
        for match in matched:
            for brand, spans in match.brands.items():
                cut = tuple((start, end) for start, end in spans)
                yield Text(match.item.full_text, names[brand], match.item.lang, cut)

    def _step(self, source_id: int, matched: Sequence[intake.Matched], told: Stretch) -> None:
        now = self.clock.now = told.until
        with self.store.transaction() as session:
            intake.take_page(session, source_id, matched, now)
            coverage.mark(session, source_id, covered_to=now, listened_from=told.since)
            coverage.cover(session, source_id, told)
            coverage.count(session, source_id, now, polls=1, finished=1, found=len(matched), stored=len(matched))
            brands.note_run(session, source_id, now)
        while score_batch(self.store, self.scorer, self.clock):  # type: ignore[arg-type]
            pass
        while judge_batch(self.store, now):
            pass
        while end_quiet(self.store, now):
            pass
        while evaluate_due(self.store, now, alerting=self.config.alerts):
            pass
        while decide_batch(self.store, self.config, {CHANNEL: True}, "https://escucha.example", now):
            pass
        while deliver_next(self.store, self.channel, self.clock, Pacing(max_attempts=1)):
            pass


def bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f}%"), TimeRemainingColumn(),
        console=console, refresh_per_second=1,
    )  # fmt: skip


def read(path: Path, since: datetime | None, until: datetime | None) -> list[Item]:
    """The file's mentions, the oldest first."""
    http = Http(timeout=10)
    source = build("file", {"path": str(path)}, Tools(http, Endpoints(), None, 10))  # type: ignore[arg-type]
    items = [item for page in source.fetch(None, None, datetime.now(UTC)) for item in page.items]
    http.close()
    kept = [
        one for one in items if (since is None or one.created_at >= since) and (until is None or one.created_at < until)
    ]
    return sorted(kept, key=lambda one: (one.created_at, one.native_id))


def week_of(when: datetime) -> str:
    year, week, _ = when.isocalendar()
    return f"{year}-W{week:02}"


def report(replay: Replay, shown: int | None) -> dict[str, Any]:
    """Print it all; the figures as JSON has them."""
    with replay.store.reading() as session:
        found = [incidents.incident_of(row) for row in session.connection().execute(
            incidents.selected().order_by(table(Alert).c.opened_at, table(Alert).c.id)).mappings()]  # fmt: skip
        decided = defaultdict(list)
        log = table(DecisionLog).c
        for row in session.connection().execute(select(table(DecisionLog)).order_by(log.first_at, log.id)).mappings():
            decided[row["alert_id"]].append(row)
        outbox = defaultdict(list)
        for row in session.connection().execute(select(table(Delivery)).order_by(table(Delivery).c.id)).mappings():
            outbox[row["alert_id"]].append(row)
        said: dict[tuple[str | None, str], Counter[str]] = defaultdict(Counter)
        names = {
            row.id: row.name for row in session.connection().execute(select(table(Brand).c.id, table(Brand).c.name))
        }
        for row in session.connection().execute(select(table(Evaluation))).mappings():
            said[names.get(row["brand_id"]), row["rule"]][row["reason"]] += row["times"]
    by_brand: dict[str | None, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for one in found:
        by_brand[one.brand][week_of(one.opened_at)].append(one)
    for brand in sorted(by_brand, key=str):
        print(f"\n{'=' * 100}\n{brand or 'the installation'}")
        for week, some in sorted(by_brand[brand].items()):
            rules = ", ".join(f"{rule} {number}" for rule, number in sorted(Counter(one.rule for one in some).items()))
            posts = sum(
                1 for one in some for row in outbox[one.id] if row["mode"] != "update" and row["state"] == "sent"
            )
            updates = sum(
                1 for one in some for row in outbox[one.id] if row["mode"] == "update" and row["state"] == "sent"
            )
            print(
                f"\n{week}: {counted(len(some), 'incident')} ({rules}); "
                f"{counted(posts, 'message')}, {counted(updates, 'update')}"
            )
            for one in some:
                ended = f"to {moment(one.resolved_at)} ({one.resolved_why})" if one.resolved_at else "open at the end"
                print(
                    f"  #{one.id} {one.rule} {one.severity.value}: {moment(one.opened_at)} {ended}, "
                    f"{counted(one.count, 'mention')}"
                )
                print(f"      {one.because}")
                told = Counter((row["kind"], row["mode"], row["reason"], row["state"]) for row in outbox[one.id])
                for (kind, mode, reason, state), number in told.items():
                    print(f"      told: {kind} as {mode}, because {reason}: {number} {state}")
                held = Counter()
                for row in decided[one.id]:
                    if row["action"] != "send":
                        held[row["reason"]] += row["times"]
                if held:
                    print("      not told: " + ", ".join(f"{reason} {number}x" for reason, number in held.items()))
    print(f"\n{'=' * 100}\nWhat the window rules said, by window")
    for (brand, rule), reasons in sorted(said.items(), key=str):
        print(
            f"  {brand or 'installation'} / {rule}: " + ", ".join(f"{name} {n:,}" for name, n in reasons.most_common())
        )
    spikes = [one for one in found if one.rule in ("spike", "competitor")]
    chosen = next((one for one in found if one.id == shown), None) or max(
        spikes, key=lambda one: one.evidence.get("peak", one.count), default=None
    )
    if chosen is not None:
        show(replay, chosen.id or 0, chosen.opened_at)
    return {
        "incidents": len(found),
        "by_rule": dict(Counter(one.rule for one in found)),
        "messages": sum(1 for _, mode, _, _ in replay.channel.sent if mode is not Mode.UPDATE),
        "updates": sum(1 for _, mode, _, _ in replay.channel.sent if mode is Mode.UPDATE),
    }


def show(replay: Replay, incident: int, opened: datetime) -> None:
    """The first hour of an incident as the channel saw it."""
    print(f"\n{'=' * 100}\nThe first hour of incident #{incident}, as Slack would have shown it")
    for when, mode, place, notice in replay.channel.sent:
        if notice.about is not None and notice.about.id == incident and when <= opened + timedelta(hours=1):
            change = {Mode.POST: "new", Mode.THREAD: "in the thread of", Mode.UPDATE: "changed:"}[mode]
            print(f"\n--- {moment(when)}  {change} {place}")
            body = as_text(compose(notice, bot=True, buttons=True).to_dict())
            print("\n".join(f"    {line}" for line in body.splitlines()))


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--brand", action="append", default=[], help="an own brand; may be given several times")
    parser.add_argument("--competitor", action="append", default=[], help="a competitor")
    parser.add_argument("--config", type=Path, help="an escucha.yml: its teams, routes, and brands with their rules")
    parser.add_argument("--since", type=datetime.fromisoformat, help="leave out what was said before")
    parser.add_argument("--until", type=datetime.fromisoformat, help="leave out what was said from then on")
    parser.add_argument("--after", default="1h", help="go on for so long after the last mention")
    parser.add_argument("--step", default="5m", help="how often the source is read, and the clock moves on")
    parser.add_argument("--fine", type=datetime.fromisoformat, help="from this moment on every five minutes, for a day")
    parser.add_argument("--scores", type=Path, help="a file that keeps the scores")
    parser.add_argument("--database", help="sqlite:///... or postgresql+psycopg://..., empty; default: a temporary one")
    parser.add_argument("--show", type=int, help="the incident whose first hour is shown")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    console = Console(stderr=True)
    config = load(given.config, None) if given.config else ConfigFile()
    entries = [*config.brands, *(BrandEntry(name=name) for name in given.brand)]
    entries += [BrandEntry(name=name, role="competitor") for name in given.competitor]
    if not entries:
        parser.error("name a brand with --brand, or some in --config")
    items = read(given.file, aware(given.since), aware(given.until))
    if not items:
        parser.error("nothing was said in that time")
    after = parse_duration(given.after)
    assert isinstance(after, timedelta)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(given.database or f"sqlite:///{folder}/replay.db")
        replay = Replay(store, config, entries, Remembering(given.scores, console))
        replay.tell(items, items[-1].created_at + after, steps(given.step, aware(given.fine)), console)
        took = timedelta(seconds=round(time.monotonic() - began))
        figures = report(replay, given.show)
        store.close()
    print(f"\n{moment(items[0].created_at)} to {moment(items[-1].created_at)} replayed in {in_words(took)}")
    print(json.dumps(figures))
    return 0


def steps(coarse: str, fine: datetime | None) -> Callable[[datetime], timedelta]:
    """How far the clock moves on from a moment."""
    length = parse_duration(coarse)
    assert isinstance(length, timedelta)

    def step(now: datetime) -> timedelta:
        return STEP if fine is not None and fine <= now < fine + timedelta(days=1) else length

    return step


def aware(when: datetime | None) -> datetime | None:
    return when.replace(tzinfo=UTC) if when is not None and when.tzinfo is None else when


if __name__ == "__main__":
    sys.exit(main())
