"""``escucha run``, and its parts apart: ``serve``, ``schedule``, ``work``."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from threading import Event
from typing import Annotated

import typer
import uvicorn

from api import entering
from api.addresses import in_url, listens_everywhere, public_url
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
    with listening(given(host, port)) as (settings, sockets), _installed(settings, receiving=True) as installation:
        scheduler = Scheduler(installation.store, WorkQueue(installation.store), clock.now)
        with told_to_stop() as stop, working(installation), scheduler:
            serve_until(installation, stop, sockets)


def serve(host: Host = None, port: Port = None) -> None:
    """The API and the page alone. Needs no model and no secrets but those of systems that send here: what others
    found is read from the database."""
    with (
        listening(given(host, port)) as (settings, sockets),
        install(settings, read_config(settings, secrets=False), sending=False, receiving=True) as installation,
        told_to_stop() as stop,
    ):
        serve_until(installation, stop, sockets)


def schedule() -> None:
    """The scheduler alone: queues a task whenever a source is due. Several may run; each slot fires once."""
    with _installed(prepare(), sending=False) as installation:
        scheduler = Scheduler(installation.store, WorkQueue(installation.store), clock.now)
        with told_to_stop() as stop, scheduler:
            say("scheduling; stop with Ctrl-C")
            wait(stop)


def work() -> None:
    """The workers alone: read due sources, score, judge and deliver. Several may run on one database."""
    with _installed(prepare()) as installation, told_to_stop() as stop, working(installation):
        say("working; stop with Ctrl-C")
        wait(stop)


def given(host: str | None, port: int | None, **overrides: object) -> Settings:
    """The settings in force, with what was said on the command line."""
    said = {"host": host, "port": port}
    return prepare(**overrides, **{name: value for name, value in said.items() if value is not None})


@contextmanager
def listening(settings: Settings) -> Iterator[tuple[Settings, Sequence[socket.socket]]]:
    """The sockets to serve on, and the settings with the port that was really taken: links in messages need it.

    Raises Failure where the address cannot be listened on, before a model is loaded or anything is claimed.
    """
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        listener = socket.create_server(address[:2], family=family)
    except UnicodeError as error:
        raise Failure(f"{settings.host!r} is no name of a host") from error
    except OSError as error:
        # create_server() adds the address to the reason, which is said here already.
        why = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise Failure(
            f"{in_url(settings.host)}:{settings.port} cannot be listened on ({why}); is Escucha running already?"
        ) from error
    with listener:
        # Those that are accepted have it from here: asyncio gives it to sockets of its own making only, and without it
        # an answer's body waits 40 ms behind its head until the other side has acknowledged that.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield settings.model_copy(update={"port": listener.getsockname()[1]}), [listener]


@contextmanager
def working(installation: Installation) -> Iterator[Pipeline]:
    """The workers of all stages. The model is opened first: a wrong one is told before anything is claimed."""
    settings = installation.settings
    if settings.public_url is None and listens_everywhere(settings):
        say(
            f"warning: links in messages lead to {public_url(settings)}, which opens on this machine alone; set "
            "ESCUCHA_PUBLIC_URL to the address that people use"
        )
    with closing(installation.pipeline()) as pipeline:
        stages = pipeline.collecting() | pipeline.after_collecting(installation.scorer())
        with Worker(stages, settings.poll_seconds, pipeline.stop):
            yield pipeline


def serve_until(installation: Installation, stop: Event, sockets: Sequence[socket.socket]) -> None:
    """Serve until told to stop; says where to make the first administrator as long as there is none."""
    config = uvicorn.Config(
        create_app(installation, stop), log_config=None, access_log=False, timeout_graceful_shutdown=5
    )
    awaited = entering.awaited(installation.store, installation.settings, clock.now())
    _Server(config, stop, awaited).run(list(sockets))


class _Server(uvicorn.Server):
    """Says where it listens, and ends open event streams when it is told to stop."""

    def __init__(self, config: uvicorn.Config, stop: Event, awaited: str | None) -> None:
        super().__init__(config)
        self._stop, self._awaited = stop, awaited

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # Asked to end before there was a server to hear it, while the model was loaded.
        self.should_exit = self.should_exit or self._stop.is_set()
        for listener in sockets or () if self.started else ():
            host, port = listener.getsockname()[:2]
            say(f"Escucha listens on http://{in_url(host)}:{port}")
        if self.started and self._awaited is not None:
            say(f"Escucha waits for its first administrator: {self._awaited}")

    def handle_exit(self, sig: int, frame: object) -> None:
        self._stop.set()
        super().handle_exit(sig, frame)  # type: ignore[arg-type]


@contextmanager
def _installed(settings: Settings, *, sending: bool = True, receiving: bool = False) -> Iterator[Installation]:
    config = read_config(settings, secrets=sending)
    with install(settings, config, sending=sending, receiving=receiving) as installation:
        apply_config(installation.store, config)
        with installation.store.reading() as session:
            if not brands.active_brands(session):
                say(f"nothing is listened for yet: name a brand in {settings.config} (the README shows how)")
        yield installation
