"""``escucha import``: mentions from a file, through the whole pipeline."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from alerts.durations import parse_duration
from alerts.wording import counted
from api.cli.draining import drain, in_words
from api.cli.output import Failure, progress, say, stay_out
from api.cli.setup import brands_called, ensure_brands, prepare
from api.wiring import Installation, install, read_config
from listener import clock
from listener.configfile import BrandEntry, ConfigFile
from listener.jobs.collect import Collected, collect
from listener.source import Cursor, Page, Source, SourceError
from listener.store import brands as brand_store
from listener.store.read import Pending
from listener.worker import Worker
from sentiment.scorer import Scorer

SHOWN = 5
"""Rows that could not be read, shown one by one; the rest is counted."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_file)


def import_file(
    file: Annotated[Path, typer.Argument(help="JSONL (.jsonl, .ndjson), CSV or TSV.", show_default=False)],
    brand: Annotated[
        list[str],
        typer.Option(
            "--brand",
            "-b",
            help="The brand the rows are about; repeat it where a column (target) names one of several.",
            show_default=False,
        ),
    ],
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map", "-m", metavar="FIELD=COLUMN", help="Which column holds a field, as in text=body. Repeatable."
        ),
    ] = None,
    platform: Annotated[
        str | None, typer.Option(help="The platform the rows come from, where their ids are the platform's own.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="A name for these rows; by default the file's. Keeps ids apart.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="The zone of times that name none.")] = "UTC",
    alert: Annotated[
        bool,
        typer.Option(
            "--alert",
            help="Judge old mentions as if they were new, so that they may raise alerts. Changes nothing about rows "
            "that were imported before.",
        ),
    ] = False,
    from_start: Annotated[
        bool,
        typer.Option("--from-start", help="Read all of the file again, even where an interrupted import could go on."),
    ] = False,
    wait: Annotated[
        str, typer.Option(help="How long to wait for deliveries that do not move before leaving them.")
    ] = "10m",
) -> None:
    """Import mentions from a file: store, score, judge and deliver what they lead to.

    Rows stored before are recognised, so an interrupted import is simply run again: it goes on where it was. Mentions
    more than a day old raise no alerts unless --alert is given. A brand that escucha.yml names is looked for as the
    file says; other brands and all sources stay as they are.
    """
    patience = _duration(wait)
    settings = prepare()
    config = read_config(settings)
    entries = _brands(config, brand)
    options = _options(file, mapping or [], platform, dataset, timezone)
    with install(settings, config) as installation:
        outcome = run_import(
            installation, installation.scorer, file, options, entries, config,
            alert=alert, from_start=from_start, patience=patience,
        )  # fmt: skip
    if outcome.failure is None or outcome.collected.seen or outcome.collected.skipped:
        _report(outcome)
    if outcome.failure is not None:
        raise Failure(f"{file}: {outcome.failure}")
    if outcome.collected.skipped:
        raise Failure(
            f"not stored: {counted(len(outcome.collected.skipped), 'row')} of {file}; mend and import the file again: "
            "what is stored already is recognised"
        )
    if not outcome.left.nothing:
        raise Failure(f"still to be done: {in_words(outcome.left)}; `escucha work` goes on with it")


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import came to. ``failure``: why the file could not be read to its end, if so."""

    collected: Collected
    left: Pending
    failure: SourceError | None


def run_import(
    installation: Installation,
    open_scorer: Callable[[], Scorer],
    file: Path,
    options: Mapping[str, object],
    entries: Sequence[BrandEntry],
    config: ConfigFile,
    *,
    alert: bool,
    from_start: bool = False,
    patience: timedelta = timedelta(minutes=10),
) -> Imported:
    """Read the file while the stages work on what is stored of it; ends when they are done or make no headway.

    ``entries``: the brands. ``options``: those of the ``file`` source. Raises SourceError for a file that cannot be
    read from its beginning, and what ``open_scorer`` raises, before anything is kept; a file that breaks off later is
    told in the result, after what was read of it is worked off.
    """
    with closing(installation.pipeline()) as pipeline:
        source = pipeline.build_source("file", options)
        # The first page alone: whether the file is there, of a kind that can be read, and has the columns it needs.
        next(iter(source.fetch(None, None, clock.now())), None)
        scorer = open_scorer()
        source_id, cursor = _register(
            installation, file, dict(options), entries, config, alert=alert, from_start=from_start
        )
        if cursor is not None and _goes_on(source, cursor):
            say(
                f"going on from line {cursor['line']:,} of an interrupted import; the lines before it were read then, "
                "and what could not be stored of them was told then. --from-start reads them again"
            )
        failure: SourceError | None = None
        collected = Collected()
        with Worker(pipeline.after_collecting(scorer), installation.settings.poll_seconds):
            with progress(percent=True) as bars:
                reading = bars.add_task(f"reading {file.name}", total=100)

                def on_page(page: Page) -> None:
                    bars.update(reading, completed=100 * (page.progress or 0))

                try:
                    collect(installation.store, source_id, source, clock.now, on_page, collected)
                except SourceError as error:
                    failure = error
            left = drain(pipeline, patience)
        return Imported(collected, left, failure)


def _goes_on(source: Source, cursor: Cursor) -> bool:
    """Whether the source goes on from the cursor. It does not where the file was changed meanwhile."""
    page = next(iter(source.fetch(None, cursor, clock.now())), None)
    return page is None or page.cursor is None or page.cursor["line"] > cursor["line"]


def _duration(text: str) -> timedelta:
    try:
        length = parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--wait") from error
    assert isinstance(length, timedelta)
    return length


def _brands(config: ConfigFile, names: Sequence[str]) -> list[BrandEntry]:
    try:
        return brands_called(config, names)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--brand") from error


def _options(
    file: Path, mapping: list[str], platform: str | None, dataset: str | None, timezone: str
) -> dict[str, object]:
    columns = {}
    for entry in mapping:
        field, equals, column = entry.partition("=")
        if not (field and equals and column):
            raise typer.BadParameter(f"{entry!r} does not read FIELD=COLUMN, as in text=body", param_hint="--map")
        columns[field] = column
    options: dict[str, object] = {"path": str(file.absolute()), "timezone": timezone}
    if columns:
        options["mapping"] = columns
    return options | {name: value for name, value in (("platform", platform), ("dataset", dataset)) if value}


def _register(
    installation: Installation,
    file: Path,
    options: dict[str, object],
    entries: Sequence[BrandEntry],
    config: ConfigFile,
    *,
    alert: bool,
    from_start: bool,
) -> tuple[int, Cursor | None]:
    """The file's source, and the place where an import of it was interrupted."""
    name = f"import:{file.absolute()}"
    now = clock.now()
    with installation.store.transaction() as session:
        ensure_brands(session, config, entries, now)
        row = {
            "name": name, "kind": "file", "options": options, "brands": [entry.name for entry in entries],
            "about_brands": len(entries) == 1, "judge_as_new": alert, "active": True,
        }  # fmt: skip
        brand_store.save_sources(session, [row], now)
        source = brand_store.source_named(session, name)
        assert source is not None
        assert source.id is not None
        if source.last_success_at is not None or from_start:
            # A finished file is read from its start again: it may have been edited.
            brand_store.read_anew(session, source.id)
            return source.id, None
        return source.id, source.provisional_cursor or source.cursor


def _report(outcome: Imported) -> None:
    result = outcome.collected
    for skipped in result.skipped[:SHOWN]:
        say(f"not stored: {skipped.where}: {skipped.why}")
    if len(result.skipped) > SHOWN:
        say(f"not stored: {len(result.skipped) - SHOWN} more rows")
    known = f"{result.known:,} known already{stay_out(result.refused)}"
    say(f"{result.stored:,} mentions stored, {known}, {result.unmatched:,} about no brand here")
    if result.other_brands:
        named = ", ".join(f"{name} ({count:,})" for name, count in result.other_brands.most_common(10))
        say(f"{result.other_brands.total():,} rows name another brand: {named}; add --brand NAME to take them too")
    if outcome.left.nothing:
        say("all scored, judged and delivered")
