"""``escucha demo``: the whole job on a stream written for this project, without keys or network."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from socket import socket
from typing import Annotated

import typer

import api.demo
from api.cli.draining import drain, in_words
from api.cli.output import Failure, say
from api.cli.run import Host, Port, given, listening, serve_until, working
from api.cli.stopping import told_to_stop
from api.wiring import Installation, apply_config, install
from listener import clock, configfile
from listener.config import Settings
from listener.configfile import ConfigFile, SourceEntry
from listener.jobs.collect import collect
from listener.queue import WorkQueue
from listener.scheduler import Scheduler
from listener.store import brands, read

FOLDER = Path(api.demo.__file__).parent
STORY_SECONDS = 48 * 3600
"""The span of the stream."""
SHOW_SECONDS = 50
"""How long the page takes to fill."""
PATIENCE = timedelta(minutes=5)
STREAM = "stream"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Process the whole stream, print a summary as JSON and end.")
    ] = False,
    host: Host = None,
    port: Port = None,
) -> None:
    """Show Escucha at work: two days of mentions of an invented brand and its competitors, told in under a minute.

    Everything is kept in a folder of its own and thrown away at the end. Notices go to the log, nowhere else. In the
    summary "mentions" are mentions of a brand: a post about two brands counts for each.
    """
    started = clock.monotonic()
    with tempfile.TemporaryDirectory(prefix="escucha-demo-") as folder:
        settings = given(
            host, port, data_dir=Path(folder), database_url=f"sqlite:///{folder}/demo.db",
            public_url=None, slack_webhook_url=None, poll_seconds=0.25,
        )  # fmt: skip
        if once:
            with _installed(settings, story(None)) as installation:
                _once(installation, lambda: clock.monotonic() - started)
            return
        with (
            listening(settings) as (settled, sockets),
            _installed(settled, story(STORY_SECONDS / SHOW_SECONDS)) as installation,
        ):
            _show(installation, sockets)


@contextmanager
def _installed(settings: Settings, config: ConfigFile) -> Iterator[Installation]:
    with install(settings, config) as installation:
        apply_config(installation.store, config)
        yield installation


def story(speed: float | None) -> ConfigFile:
    """What is listened for, and the stream: told at ``speed`` story seconds a second, or (None) all of it at once."""
    config = configfile.load(FOLDER / "escucha.yml", os.environ)
    options: dict[str, object] = {"path": str(FOLDER / "stream.jsonl")}
    if speed is not None:
        options |= {"speed": speed, "started_at": clock.now().isoformat()}
    stream = SourceEntry(
        name=STREAM, kind="replay", every=timedelta(seconds=1), judge_as_new=True, **options
    )  # fmt: skip
    return config.model_copy(update={"sources": (stream,)})


def _show(installation: Installation, sockets: Sequence[socket]) -> None:
    scheduler = Scheduler(installation.store, WorkQueue(installation.store), clock.now)
    with told_to_stop() as stop, working(installation), scheduler:
        say(f"the page fills within {SHOW_SECONDS} seconds; stop with Ctrl-C")
        serve_until(installation, stop, sockets)


def fill(installation: Installation) -> read.Pending:
    """Take in the whole stream, score it, judge it and tell of it; what is left to be done."""
    with working(installation) as pipeline:
        with installation.store.reading() as session:
            stream = brands.source_named(session, STREAM)
        assert stream is not None
        assert stream.id is not None
        collect(installation.store, stream.id, pipeline.source(stream.id), clock.now)
        return drain(pipeline, PATIENCE)


def _once(installation: Installation, elapsed: Callable[[], float]) -> None:
    left = fill(installation)
    with installation.store.reading() as session:
        totals = read.totals(session)
    typer.echo(json.dumps(asdict(totals) | {"seconds": round(elapsed(), 1)}))
    if not left.nothing:
        raise Failure(f"not everything was done in time; still to be done: {in_words(left)}")
