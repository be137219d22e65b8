"""``escucha channels``: see, test and switch on again where notices go."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import typer

from alerts import notice
from alerts.channel import DeliveryError, TryLater
from alerts.policy import DEFAULT_BUDGET
from alerts.wording import counted, moment
from api.cli.output import Failure, WrongUse, console, say, show_line
from api.cli.setup import prepare
from api.wiring import Installation, build_channels, channel_kinds, install, read_config
from listener import clock
from listener.store import channels
from listener.store.channel_status import ChannelStatus, statuses

Name = Annotated[str, typer.Argument(help="The channel's name.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Where notices go: list, test, enable.", no_args_is_help=True)
    group.command("list")(show)
    group.command()(test)
    group.command()(enable)
    app.add_typer(group, name="channels")


def show() -> None:
    """The channels set up here: on or off and why, what waits for them, and how much of the hour's budget is used."""
    with _installed() as (installation, kinds):
        with installation.store.reading() as session:
            found = statuses(session, list(kinds), clock.now())
        for status in found:
            budget = installation.budgets.get(status.name, DEFAULT_BUDGET)
            show_line(f"{status.name}: {kinds[status.name]}, {'; '.join(_told(status, budget))}")


def test(name: Name) -> None:
    """Send one message that is clearly a test, and say what came back: 0 = it was taken, 1 = it was not.

    It goes past the outbox, whether the channel is on or off, and counts against no budget.
    """
    settings = prepare()
    # The others' secrets need not be there.
    config = read_config(settings, secrets=False)
    _known(name, channel_kinds(settings, config))
    [channel] = build_channels(settings, config, only=name).values()
    with console.status(f"sending to {name}"):
        try:
            receipt = channel.send(notice.for_test(name, clock.now()))
        except DeliveryError as error:
            doubt = "; look there, it may have arrived" if isinstance(error, TryLater) and error.ambiguous else ""
            raise Failure(f"{name}: not sent ({error.reason.value}): {error.message}{doubt}") from error
    say(f"{name}: sent ({receipt.detail})")
    with install(settings, config, sending=False) as installation, installation.store.reading() as session:
        off = name in channels.disabled(session, [name])
    if off:
        say(f"{name} is switched off all the same; switch it on with: escucha channels enable {name}")


def enable(name: Name) -> None:
    """Switch a channel on again after mending it; what it refused since it was switched off is sent now."""
    with _installed() as (installation, kinds):
        _known(name, kinds)
        with installation.store.transaction() as session:
            revived = channels.enable(session, name, clock.now())
    say(f"{name} is on; {revived:,} {'delivery' if revived == 1 else 'deliveries'} will be tried again")


def _told(status: ChannelStatus, budget: int) -> Iterator[str]:
    if status.off is not None:
        since = f" since {moment(status.off_since)}" if status.off_since else ""
        yield f"off{since}: {status.off}"
    elif status.waits_until is not None:
        yield f"on, waits until {moment(status.waits_until)}"
    else:
        yield "on"
    yield f"{status.open:,} pending, {status.dead:,} dead"
    yield f"{status.used:,} of {counted(budget, 'message')} in the last hour"
    yield f"last sent {moment(status.last_sent_at)}" if status.last_sent_at else "nothing sent yet"


@contextmanager
def _installed() -> Iterator[tuple[Installation, Mapping[str, str]]]:
    """The installation, and the kinds of its channels by their names; their secrets need not be there."""
    settings = prepare()
    config = read_config(settings, secrets=False)
    with install(settings, config, sending=False) as installation:
        yield installation, channel_kinds(settings, config)


def _known(name: str, kinds: Mapping[str, str]) -> None:
    if name not in kinds:
        raise WrongUse(f"no channel is called {name!r}; there are: {', '.join(kinds)}")
