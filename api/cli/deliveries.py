"""``escucha deliveries``: messages on their way, held back or dead; send one again, or give it up."""

from collections.abc import Callable, Collection
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer
from sqlmodel import Session

from alerts.problems import hint
from alerts.reasons import Reason
from alerts.text import one_line
from alerts.wording import counted, moment
from api.cli.alert_group import installed
from api.cli.output import Failure, WrongUse, say, show_line
from api.routes.deliveries import Delivery, WholeDelivery
from api.terminal import json_text
from listener import clock
from listener.store import letters
from listener.store.life import named

group = typer.Typer(
    help="Messages to channels: what waits and why, what died; send one again, or give it up.", no_args_is_help=True
)

Number = Annotated[int, typer.Argument(help="The delivery's number.", min=1, max=2**63 - 1, show_default=False)]
By = Annotated[str, typer.Option(help="Who does it, as the team knows you.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON, as the API gives it.")]

_SENTENCES = {reason.value: reason.sentence for reason in Reason}


class State(StrEnum):
    """The states that a list can be limited to."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"
    DROPPED = "dropped"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="deliveries")


@group.command("list")
def overview(
    dead: Annotated[bool, typer.Option("--dead", help="Only those that are dead; as --state dead.")] = False,
    state: Annotated[State | None, typer.Option(help="Only those in this state.", show_default=False)] = None,
    channel: Annotated[str | None, typer.Option(help="Only on this channel.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=1000)] = 20,
    as_json: AsJson = False,
) -> None:
    """Messages, the latest first."""
    if dead and state not in (None, State.DEAD):
        raise typer.BadParameter("give either --dead or --state")
    wanted = State.DEAD if dead else state
    with installed() as installation, installation.store.reading() as session:
        rows = letters.listed(session, state=wanted and wanted.value, channel=channel, limit=limit)
        if not rows and channel is not None and not _known(session, channel, installation.channel_names):
            raise WrongUse(
                f"no channel is called {one_line(channel)[:80]!r}; {hint(channel, installation.channel_names)}"
            )
    found = [Delivery.of(row) for row in rows]
    if as_json:
        typer.echo(json_text([one.model_dump(mode="json") for one in found], indent=2))
        return
    for one in found:
        show_line(_line(one))
    if not found:
        say("no delivery")


@group.command()
def show(number: Number, as_json: AsJson = False) -> None:
    """One message, and what each try came to."""
    with installed() as installation, installation.store.reading() as session:
        row = letters.one(session, number)
        if row is None:
            raise _not_there(number)
        found = WholeDelivery.of(row, log=letters.attempts(session, number))
    if as_json:
        typer.echo(json_text(found.model_dump(mode="json"), indent=2))
        return
    show_line(_line(found))
    show_line(f"key {found.key}; sent because: {_SENTENCES.get(found.reason, found.reason)}")
    if found.sentence:
        show_line(found.sentence)
    for attempt in found.log:
        detail = f": {one_line(attempt.detail)}" if attempt.detail else ""
        show_line(f"  {moment(attempt.at)}  attempt {attempt.number}: {attempt.outcome}{detail}")


@group.command()
def resend(number: Number, by: By) -> None:
    """Try a dead message again, or one that was given up, as if nobody had tried yet."""
    _act(letters.resend, number, by)
    say(f"delivery {number} will be tried again")


@group.command("give-up")
def give_up(number: Number, by: By) -> None:
    """Send a message no more."""
    _act(letters.give_up, number, by)
    say(f"delivery {number} is not sent any more")


def _act(act: Callable[[Session, int, str, datetime], None], number: int, by: str) -> None:
    try:
        with installed() as installation, installation.store.transaction() as session:
            act(session, number, named(by), clock.now())
    except KeyError as error:
        raise _not_there(number) from error
    except letters.NotNow as error:
        raise Failure(str(error)) from error
    except ValueError as error:
        raise WrongUse(str(error)) from error


def _known(session: Session, channel: str, names: Collection[str]) -> bool:
    """Set up here, or once was: messages for it are kept."""
    return channel in names or bool(letters.listed(session, channel=channel, limit=1))


def _line(one: Delivery) -> str:
    what = f"{one.brand or 'all brands'}, {one.rule}" if one.alert_id is not None else one.kind
    about = f"incident {one.alert_id} ({what})" if one.alert_id is not None else what
    waits = f" until {moment(one.not_before)}" if one.state == "pending" else ""
    told = f", told by delivery {one.merged_into}" if one.merged_into is not None else ""
    doubt = ", may be there twice" if one.ambiguous else ""
    outcome = f" ({one.outcome})" if one.outcome and one.outcome != one.state else ""
    return one_line(
        f"#{one.id} {one.state}{outcome}{waits}  {one.channel}: {one.kind}, {one.severity}, {about}; "
        f"{counted(one.attempts, 'attempt')}{told}{doubt}"
    )


def _not_there(number: int) -> Failure:
    return Failure(f"there is no delivery {number}; `escucha deliveries list` shows those there are")
