"""``escucha run``, and its parts apart: ``serve``, ``schedule``, ``work``."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Event
from typing import Annotated

import typer
import uvicorn

from api.app import create_app
from api.cli.output import Failure, say
from api.cli.setup import prepare
from api.cli.stopping import told_to_stop, wait
from api.wiring import Installation, apply_config, install, read_config
from listener import clock
from listener.config import Settings
from listener.pipeline import Pipeline
from listener.queue import WorkQueue
from listener.scheduler import Scheduler
from listener.store import brands
from listener.worker import Worker

Host = Annotated[
    str | None, typer.Option(help="The address to listen on.  [setting: ESCUCHA_HOST]", show_default="127.0.0.1")
]
Port = Annotated[
    int | None, typer.Option(help="The port; 0 takes a free one.  [setting: ESCUCHA_PORT]", show_default="8765")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (run, serve, schedule, work):
        app.command()(command)


def run(host: Host = None, port: Port = None) -> None:
    """Everything in one process: the API and page, the scheduler, and the workers. Ends in good order on SIGTERM."""
    settings = _settings(host, port)
    installation = _installed(settings)
    with told_to_stop() as stop, ExitStack() as parts:
        parts.enter_context(working(installation))
        parts.enter_context(Scheduler(installation.store, WorkQueue(installation.store), clock.now))
        serve_until(installation, stop)


def serve(host: Host = None, port: Port = None) -> None:
    """The API and the page alone. Needs no model: scores are read from the database."""
    settings = _settings(host, port)
    installation = install(settings, read_config(settings))
    with told_to_stop() as stop:
        serve_until(installation, stop)


def schedule() -> None:
    """The scheduler alone: queues a task whenever a source is due. Several may run; each slot fires once."""
    installation = _installed(prepare())
    with told_to_stop() as stop, Scheduler(installation.store, WorkQueue(installation.store), clock.now):
        say("scheduling; stop with Ctrl-C")
        wait(stop)


def work() -> None:
    """The workers alone: read due sources, score, judge and deliver. Several may run on one database."""
    installation = _installed(prepare())
    with told_to_stop() as stop, working(installation):
        say("working; stop with Ctrl-C")
        wait(stop)


@contextmanager
def working(installation: Installation) -> Iterator[Pipeline]:
    """The workers of all stages. The model is opened first: a wrong one is told before anything is claimed."""
    pipeline = installation.pipeline()
    stages = pipeline.collecting() | pipeline.after_collecting(installation.scorer())
    with Worker(stages, installation.settings.poll_seconds):
        yield pipeline


def serve_until(installation: Installation, stop: Event) -> None:
    """Serve until told to stop. Raises Failure where the address is taken."""
    settings = installation.settings
    config = uvicorn.Config(
        create_app(installation, stop),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=5,
    )
    server = _Server(config, stop)
    try:
        server.run()
    except SystemExit as error:
        raise Failure(f"{settings.host}:{settings.port} cannot be listened on; is Escucha running already?") from error


class _Server(uvicorn.Server):
    """Says where it listens, and ends open event streams when it is told to stop."""

    def __init__(self, config: uvicorn.Config, stop: Event) -> None:
        super().__init__(config)
        self._stop = stop

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        if self.started:
            for server in self.servers:
                host, port = server.sockets[0].getsockname()[:2]
                say(f"Escucha listens on http://{host}:{port}")

    def handle_exit(self, sig: int, frame: object) -> None:
        self._stop.set()
        super().handle_exit(sig, frame)  # type: ignore[arg-type]


def _settings(host: str | None, port: int | None) -> Settings:
    given = {"host": host, "port": port}
    return prepare(**{name: value for name, value in given.items() if value is not None})


def _installed(settings: Settings) -> Installation:
    config = read_config(settings)
    installation = install(settings, config)
    apply_config(installation.store, config)
    with installation.store.reading() as session:
        if not brands.active_brands(session):
            say(f"nothing is listened for yet: name a brand in {settings.config} (the README shows how)")
    return installation
