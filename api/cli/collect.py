"""``escucha collect``: read sources without a scheduler."""

from typing import Annotated

import typer

from api.cli.output import Failure, progress, say
from api.cli.setup import prepare
from api.cli.stopping import told_to_stop, wait
from api.wiring import apply_config, install, read_config
from listener import clock
from listener.jobs.collect import collect
from listener.scheduler import Scheduler
from listener.source import SourceError
from listener.store import brands
from listener.worker import Worker


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("collect")(collect_sources)


def collect_sources(
    source: Annotated[
        list[str] | None, typer.Argument(help="Names of sources; all that escucha.yml names if none.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Read each source once, now, and end.")] = False,
) -> None:
    """Read sources and store what they have; scoring is left to `escucha work` or `run`.

    With --once every source is read to its end, one after the other; without it they are read on their schedule until
    the command is stopped.
    """
    settings = prepare()
    config = read_config(settings)
    installation = install(settings, config)
    apply_config(installation.store, config)
    pipeline = installation.pipeline()
    with installation.store.reading() as session:
        sources = [row for row in brands.scheduled_sources(session) if not source or row.name in source]
    unknown = set(source or ()) - {row.name for row in sources}
    if unknown or not sources:
        known = ", ".join(entry.name for entry in config.sources) or "none"
        what = f"no source is called {', '.join(sorted(unknown))}" if unknown else "no source is set up"
        raise Failure(f"{what}; {settings.config} names: {known}")
    if not once:
        scheduler = Scheduler(installation.store, pipeline.queue, clock.now)
        with told_to_stop() as stop, Worker(pipeline.collecting(), settings.poll_seconds), scheduler:
            wait(stop)
        return
    failures = []
    with progress() as bars:
        for row in sources:
            assert row.id is not None
            task = bars.add_task(row.name, total=None)
            try:
                result = collect(
                    installation.store, row.id, pipeline.source(row.id), clock.now,
                    on_page=lambda page, task=task: bars.advance(task, len(page.items)),  # type: ignore[misc]
                )  # fmt: skip
            except SourceError as error:
                failures.append(f"{row.name}: {error}")
            else:
                say(f"{row.name}: {result.seen:,} seen, {result.stored:,} new, {result.known:,} known already")
            bars.update(task, total=1, completed=1)
    if failures:
        raise Failure("\n".join(failures))
