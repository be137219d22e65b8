"""``escucha alerts acknowledge`` and the like: what people do with an incident."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from alerts.durations import parse_duration
from alerts.incident import Incident
from alerts.life import NotPossible
from alerts.wording import moment
from api.cli.alert_group import Number, installed, not_there
from api.cli.output import Failure, say
from listener import clock
from listener.store import life
from listener.store.life import Act

Who = Annotated[str, typer.Option("--by", help="Who does it.", envvar="USER", show_default="$USER")]
Why = Annotated[str, typer.Option(help="In words, for the timeline.", show_default=False)]

_MOMENTS = ["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d"]


def register(group: typer.Typer) -> None:
    """Add the commands."""
    for command in (acknowledge, assign, snooze, wake, answer, resolve, reopen, note, useful, not_useful):
        group.command(command.__name__.replace("_", "-"))(command)


def acknowledge(number: Number, who: Who) -> None:
    """You have seen it: nobody is reminded, or told further up."""
    _do(number, Act.ACKNOWLEDGE, who)


def assign(
    number: Number,
    who: Who,
    to: Annotated[str | None, typer.Option(help="Who is to answer it.", show_default="whoever asks")] = None,
    over: Annotated[bool, typer.Option("--over", help="Take it although somebody else has it already.")] = False,
) -> None:
    """Say who is to answer it; without --to you take it yourself."""
    _do(number, Act.ASSIGN, who, to=to, over=over)


def snooze(
    number: Number,
    who: Who,
    length: Annotated[str | None, typer.Option("--for", help="How long: 30m, 4h, 1d.", show_default=False)] = None,
    until: Annotated[
        datetime | None, typer.Option(help="Until then (UTC).", formats=_MOMENTS, show_default=False)
    ] = None,
) -> None:
    """Nobody is told before then, however it grows; then it is open again."""
    if (length is None) == (until is None):
        raise typer.BadParameter("give either --for, such as 4h, or --until, such as 2026-11-22T08:00")
    try:
        lasting = parse_duration(length)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from error
    _do(number, Act.SNOOZE, who, length=lasting, until=until and until.replace(tzinfo=UTC))


def wake(number: Number, who: Who) -> None:
    """End a snooze: it is open again at once."""
    _do(number, Act.WAKE, who)


def answer(
    number: Number,
    who: Who,
    at: Annotated[datetime | None, typer.Option(help="When (UTC).", formats=_MOMENTS, show_default="now")] = None,
) -> None:
    """Note that the brand has answered; the first answer counts, for the time it took."""
    _do(number, Act.ANSWER, who, at=at and at.replace(tzinfo=UTC))


def resolve(number: Number, who: Who, why: Why = "") -> None:
    """Nothing more is to be done. Another mention of the same opens it again."""
    _do(number, Act.RESOLVE, who, why=why)


def reopen(number: Number, who: Who, why: Why = "") -> None:
    """It was resolved too soon: it is to be acknowledged and answered anew."""
    _do(number, Act.REOPEN, who, why=why)


def note(
    number: Number, text: Annotated[str, typer.Argument(help="What to note.", show_default=False)], who: Who
) -> None:
    """Write something into the timeline."""
    _do(number, Act.NOTE, who, text=text)


def useful(number: Number, who: Who) -> None:
    """Say that it was useful to be told of it."""
    _do(number, Act.FEEDBACK, who, useful=True, via="cli")


def not_useful(number: Number, who: Who) -> None:
    """Say that it was not useful; enough of these, and a stricter threshold is proposed."""
    _do(number, Act.FEEDBACK, who, useful=False, via="cli")


def _do(number: int, act: Act, who: str, **what: Any) -> None:
    with installed() as installation:
        try:
            with installation.store.transaction() as session:
                done = life.perform(session, number, act, who, clock.now(), **what)
        except KeyError:
            raise not_there(number) from None
        except (NotPossible, ValueError) as error:
            raise Failure(f"incident {number}: {error}") from error
    so_already = "" if done.event is not None else " (it was so already)"
    say(f"incident {number}: {standing(done.incident)}{so_already}")


def standing(incident: Incident) -> str:
    """How an incident stands, on one line."""
    parts: list[str] = [incident.state.value]
    if incident.acknowledged_at is not None:
        parts.append(f"acknowledged by {incident.acknowledged_by} at {moment(incident.acknowledged_at)}")
    if incident.assigned_to:
        parts.append(f"with {incident.assigned_to}")
    if incident.snoozed_until is not None:
        parts.append(f"until {moment(incident.snoozed_until)}")
    if incident.answered_at is not None:
        parts.append(f"answered at {moment(incident.answered_at)}")
    if incident.resolved_at is not None:
        parts.append(f"by {incident.resolved_by or 'itself'} at {moment(incident.resolved_at)}")
    return ", ".join(parts)
