"""``escucha backfill``: what was said before anybody listened."""

import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

import structlog
import typer
from rich.progress import Progress, TaskID

from alerts.text import visible
from alerts.wording import counted, moment
from api.cli.moments import moment_of
from api.cli.output import Failure, progress, say, stay_out
from api.cli.setup import prepare
from api.cli.stopping import told_to_stop
from api.wiring import Installation, apply_config, install, read_config
from listener import clock
from listener.coverage import in_part
from listener.jobs.backfill import SHARE, Asked, Outcome, Planned, Told, plan
from listener.jobs.backfill import run as run_backfill
from listener.pipeline import Pipeline
from listener.source import Page
from listener.spending import dollars
from listener.store import brands as brand_store
from listener.store.tables import Source

log = structlog.get_logger()

AT_ONCE = 8
"""Sources read side by side."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backfill")(backfill)


def backfill(
    brand: Annotated[
        list[str], typer.Option("--brand", "-b", help="A brand that is listened for; repeatable.", show_default=False)
    ],
    since: Annotated[
        str, typer.Option(help="From when on: 2026-05-01, or 2026-05-01T12:00 (UTC).", show_default=False)
    ],
    until: Annotated[str | None, typer.Option(help="Up to when; a day is meant whole.", show_default="now")] = None,
    source: Annotated[
        list[str] | None,
        typer.Option("--source", "-s", help="Only this source; repeatable.", show_default="all that can look back"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be read and cost, and end.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Spend what it costs without asking.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Read again what was read to its end before.")] = False,
) -> None:
    """Read what was said about a brand before it was listened for, as far back as each platform lets one look.

    First a plan: the reach, and what it takes in requests, time and money. The same command goes on where it was left,
    however it ended. What is found is scored like everything else, by `escucha run` or `work`; being old, it raises no
    alerts. A fifth of every quota is left for what follows the present.
    """
    began, ended = moment_of(since, "--since"), moment_of(until, "--until", whole_day=True) if until else None
    if began >= (ended or clock.now()):
        raise typer.BadParameter(f"{since} is not before {until or 'now'}", param_hint="--since")
    settings = prepare()
    # The secrets of the sources that are read are looked up with each; another's is no reason to read none.
    config = read_config(settings, secrets=False)
    with (
        install(settings, config, sending=False) as installation,
        closing(installation.pipeline(share=SHARE)) as pipeline,
    ):
        apply_config(installation.store, config)
        rows = _sources(installation, source or ())
        _known_brands(installation, brand)
        asked = Asked(tuple(dict.fromkeys(brand)), began, ended)
        plans = plan(
            installation.store, lambda row: pipeline.opened(row.kind, row.options), rows, asked, clock.now(),
            again=again,
        )  # fmt: skip
        for planned in plans:
            say(in_words(planned))
        todo = [planned for planned in plans if planned.why_not is None and not planned.finished]
        broken = [f"{planned.row.name} {planned.why_not}" for planned in plans if planned.broken]
        if dry_run:
            return
        if todo:
            _agreed(todo, yes=yes)
            broken += _read(installation, pipeline, todo)
        elif not broken and not any(planned.finished for planned in plans):
            raise Failure("no source can look back for that; nothing was read")
        if broken:
            raise Failure("\n".join(broken))


def in_words(planned: Planned) -> str:
    """One line of the plan."""
    name = f"{planned.row.name} ({planned.row.kind})"
    if planned.why_not is not None:
        return f"{name} {planned.why_not}"
    window = f"{moment(planned.since)} to {moment(planned.until)}"
    before = planned.before
    if planned.finished:
        assert before is not None
        return (
            f"{name}: {window} was read before, {counted(before.stored, 'mention')} stored; --again reads it once more"
        )
    parts = [window]
    if planned.history is not None and planned.anew is None and before is None:
        parts.append(f"its platform has the last {_days(planned.history)} only")
    if planned.anew is not None:
        parts.append(planned.anew)
    elif before is not None:
        parts.append(f"goes on after {counted(before.pages, 'page')}, {counted(before.stored, 'mention')} stored")
    estimate = planned.estimate
    if estimate is None:
        parts.append("costs nothing")
    else:
        weight = f" ({estimate.weight:,} units of the quota)" if estimate.weight is not None else ""
        parts.append(f"about {counted(estimate.requests, 'request')}{weight}")
        parts.append(f"at most {dollars(estimate.cost)}" if estimate.cost else "costs nothing")
        if planned.cap is not None and estimate.cost:
            parts.append(f"the day's cap is {dollars(planned.cap)}")
    if planned.lasting > timedelta(minutes=1):
        parts.append(f"takes {_days(planned.lasting)} or more within the quotas")
    if planned.row.judge_as_new:
        parts.append("may raise alerts, because this source is judged as new (judge_as_new)")
    return f"{name}: {'; '.join(parts)}"


def _days(length: timedelta) -> str:
    for unit, noun in ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute")):
        if length >= unit:
            return counted(round(length / unit), noun)
    return counted(round(length.total_seconds()), "second")


def _sources(installation: Installation, names: Sequence[str]) -> list[Source]:
    with installation.store.reading() as session:
        rows = brand_store.scheduled_sources(session)
    found = [row for row in rows if not names or row.name in names]
    if unknown := set(names) - {row.name for row in found}:
        known = ", ".join(row.name for row in rows) or "none"
        raise Failure(
            f"no source is called {', '.join(sorted(unknown))}; {installation.settings.config} names: {known}"
        )
    if not found:
        raise Failure(f"no source is set up; name one in {installation.settings.config}")
    return found


def _known_brands(installation: Installation, names: Sequence[str]) -> None:
    with installation.store.reading() as session:
        known = [row.name for row in brand_store.active_brands(session)]
    if unknown := sorted(set(names) - set(known)):
        raise Failure(f"nobody listens for {', '.join(unknown)}; the brands are: {', '.join(known) or 'none'}")


def _agreed(todo: Sequence[Planned], *, yes: bool) -> None:
    """Raises Failure or BadParameter unless a person has agreed to the cost."""
    cost = sum((planned.estimate.cost for planned in todo if planned.estimate is not None), Decimal(0))
    if not cost or yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            f"this may cost up to {dollars(cost)}: say --yes to spend that (there is no terminal to ask on)",
            param_hint="--yes",
        )
    if not typer.confirm(f"Spend up to {dollars(cost)}?", err=True):
        raise Failure("nothing was read")


def _read(installation: Installation, pipeline: Pipeline, todo: Sequence[Planned]) -> list[str]:
    """Read all of them side by side; what is left to be done, in words. Raises Exit(130) when told to stop."""
    with told_to_stop() as stop, progress(percent=True) as bars, ThreadPoolExecutor(AT_ONCE) as pool:
        running: dict[Future[Outcome], Planned] = {}
        for planned in todo:
            told = _Bar(bars, planned.row.name).told
            running[
                pool.submit(
                    run_backfill, installation.store, planned, clock.now, pipeline.stop.wait, told, pipeline.jitter
                )
            ] = planned
        watcher = threading.Thread(target=_pass_on, args=(stop, pipeline.stop, list(running)), daemon=True)
        watcher.start()
        try:
            outcomes = [_outcome(future, planned) for future, planned in running.items()]
        finally:
            pipeline.stop.set()
            watcher.join()
        stopped = stop.is_set()
    for outcome in outcomes:
        spent = f", {dollars(outcome.cost)} spent" if outcome.cost else ""
        known, gone = outcome.found - outcome.stored, stay_out(outcome.refused)
        say(f"{outcome.name}: {outcome.found:,} found, {outcome.stored:,} new, {known:,} known already{gone}{spent}")
        if outcome.capped:
            say(f"{outcome.name}: its platform has more here than it hands out, so some of it is missing")
        if outcome.unread:
            say(f"{outcome.name}: {visible(in_part(outcome.unread))}")
    if sum(outcome.stored for outcome in outcomes):
        say("`escucha run` or `escucha work` scores what is new")
    left = [
        f"{outcome.name}: {outcome.why or 'stopped before its end'}"
        for outcome in outcomes
        if outcome.state != "finished"
    ]
    if left and stopped:
        say("stopped; the same command goes on where it was")
        raise typer.Exit(130)
    return [f"{line}; the same command goes on where it was" for line in left]


def _outcome(future: Future[Outcome], planned: Planned) -> Outcome:
    """What became of it; an error that nobody foresaw is this source's alone."""
    try:
        return future.result()
    except Exception as error:
        log.exception("backfill_unforeseen_failure", source=planned.row.name)
        # Its words may quote what somebody said: they are for the log.
        return Outcome(planned.row.name, "failed", f"unforeseen {type(error).__name__}; the log tells more")


def _pass_on(asked: threading.Event, stop: threading.Event, running: Sequence[Future[Outcome]]) -> None:
    """Tell the readers to stop when the process was; ends when they have ended."""
    while not stop.is_set() and not all(future.done() for future in running):
        if asked.wait(0.1):
            stop.set()


class _Bar:
    """Shows how one source is doing."""

    def __init__(self, bars: Progress, name: str) -> None:
        self._bars, self._name = bars, visible(name)
        self._task: TaskID = bars.add_task(self._name, total=None)

    @property
    def told(self) -> Told:
        return Told(self._page, self._waiting)

    def _page(self, outcome: Outcome, page: Page) -> None:
        self._bars.update(self._task, description=f"{self._name}: {outcome.stored:,} new")
        if page.progress is not None:
            self._bars.update(self._task, total=100, completed=100 * page.progress)

    def _waiting(self, until: datetime, why: str) -> None:
        self._bars.update(self._task, description=f"{self._name}: waits until {moment(until)}")
        say(f"{self._name} waits until {moment(until)}: {why}")
