"""``escucha collect``: read sources without a scheduler."""

from collections.abc import Sequence
from contextlib import closing
from typing import Annotated

import typer

from alerts.text import visible
from api.cli.output import Failure, progress, say, stay_out
from api.cli.setup import prepare
from api.cli.stopping import told_to_stop, wait
from api.wiring import Installation, apply_config, install, read_config
from listener import clock
from listener.jobs.collect import collect
from listener.pipeline import Pipeline
from listener.scheduler import Scheduler
from listener.source import SourceError
from listener.store import brands
from listener.store.tables import Source
from listener.worker import Worker


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("collect")(collect_sources)


def collect_sources(
    source: Annotated[
        list[str] | None, typer.Argument(help="Names of sources, with --once; all that escucha.yml names if none.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Read each source once, now, and end.")] = False,
) -> None:
    """Read sources and store what they have; scoring is left to `escucha work` or `run`.

    With --once every source, or those named, is read to its end, one after the other; without it all are read on their
    schedule until the command is stopped. A source that had stopped is tried again.
    """
    if source and not once:
        raise typer.BadParameter("names of sources go with --once; without it all are read on their schedule")
    settings = prepare()
    config = read_config(settings)
    with install(settings, config) as installation, closing(installation.pipeline()) as pipeline:
        apply_config(installation.store, config)
        with installation.store.reading() as session:
            sources = [row for row in brands.scheduled_sources(session) if not source or row.name in source]
        unknown = set(source or ()) - {row.name for row in sources}
        if unknown or not sources:
            known = ", ".join(entry.name for entry in config.sources) or "none"
            what = f"no source is called {', '.join(sorted(unknown))}" if unknown else "no source is set up"
            raise Failure(f"{what}; {settings.config} names: {known}")
        if once:
            _read_once(installation, pipeline, sources)
        else:
            scheduler = Scheduler(installation.store, pipeline.queue, clock.now)
            with told_to_stop() as stop, Worker(pipeline.collecting(), settings.poll_seconds, pipeline.stop), scheduler:
                wait(stop)


def _read_once(installation: Installation, pipeline: Pipeline, sources: Sequence[Source]) -> None:
    failures = []
    with progress() as bars:
        for row in sources:
            assert row.id is not None
            task = bars.add_task(visible(row.name), total=None)
            opened = None
            try:
                opened = pipeline.open_source(row.id)
                result = collect(
                    installation.store, row.id, opened.source, clock.now,
                    on_page=lambda page, task=task: bars.advance(task, len(page.items)),  # type: ignore[misc]
                )  # fmt: skip
            except SourceError as error:
                if opened is not None:
                    opened.heed(error)
                failures.append(f"{row.name}: {error}")
            else:
                known = f"{result.known:,} known already{stay_out(result.refused)}"
                say(f"{row.name}: {result.seen:,} seen, {result.stored:,} new, {known}")
            bars.update(task, total=1, completed=1)
    if failures:
        raise Failure("\n".join(failures))
