"""``escucha channels``: see, test and switch on again where notices go."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from alerts import notice
from alerts.channel import Channel, DeliveryError
from api.cli.output import Failure, say
from api.cli.setup import prepare
from api.wiring import Installation, install, read_config
from listener import clock
from listener.store import deliveries

Name = Annotated[str, typer.Argument(help="The channel's name.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Where notices go: list, test, enable.", no_args_is_help=True)
    group.command("list")(show)
    group.command()(test)
    group.command()(enable)
    app.add_typer(group, name="channels")


def show() -> None:
    """The channels set up here, and which are off and why."""
    with _installed() as installation:
        with installation.store.reading() as session:
            off = deliveries.disabled_channels(session, installation.channel_names)
        for name, channel in installation.channels.items():
            say(f"{name}: {channel.kind}, {'off: ' + off[name] if name in off else 'on'}")


def test(name: Name) -> None:
    """Send one message that is clearly a test, and say what came back."""
    with _installed() as installation:
        channel = _named(installation, name)
        try:
            receipt = channel.send(notice.for_test(name, clock.now()))
        except DeliveryError as error:
            raise Failure(f"{name}: {error.message}") from error
        say(f"{name}: sent ({receipt.detail})")


def enable(name: Name) -> None:
    """Switch a channel on again after mending it; what died on it is sent now."""
    with _installed() as installation:
        _named(installation, name)
        with installation.store.transaction() as session:
            revived = deliveries.enable_channel(session, name, clock.now())
    say(f"{name} is on; {revived} deliveries will be tried again")


@contextmanager
def _installed() -> Iterator[Installation]:
    settings = prepare()
    with install(settings, read_config(settings)) as installation:
        yield installation


def _named(installation: Installation, name: str) -> Channel:
    if name not in installation.channels:
        raise Failure(f"no channel is called {name!r}; there are: {', '.join(installation.channels)}")
    return installation.channels[name]
