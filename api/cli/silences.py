"""``escucha silences``: have people not told of some incidents for a while; see, add and end silences."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from alerts.durations import parse_duration
from alerts.text import one_line
from alerts.wording import counted, moment
from api import story
from api.cli.alert_group import installed
from api.cli.output import Failure, WrongUse, say, show_line
from api.cli.setup import ensure_brands, prepare
from api.terminal import json_text
from api.wiring import install, read_config
from listener import clock
from listener.store import silences
from listener.store.silences import Shown, Stage

group = typer.Typer(
    help="Silences: incidents that people are not told of for a while; they stay to be seen, and are told afterwards.",
    no_args_is_help=True,
)

_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

AsJson = Annotated[bool, typer.Option("--json", help="Print them as JSON.")]
By = Annotated[str, typer.Option(help="Who does it, as the team knows you.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(group, name="silences")


@group.command("list")
def overview(
    past: Annotated[bool, typer.Option("--past", help="Those that are over, too.")] = False, as_json: AsJson = False
) -> None:
    """The silences that are in force or to come, and how many open incidents each holds back now."""
    stages: tuple[Stage, ...] = ("active", "future", "past") if past else ("active", "future")
    with installed() as installation, installation.store.reading() as session:
        found = silences.shown(session, clock.now(), stages)
    if as_json:
        typer.echo(json_text([_plain(one) for one in found], default=str, indent=2))
        return
    for one in found:
        show_line(_line(one))
    if not found:
        say("no silence" if past else "no silence is in force or to come")


@group.command()
def add(
    by: By,
    brand: Annotated[list[str] | None, typer.Option(help="Of this brand; several: any of them.")] = None,
    rule: Annotated[list[str] | None, typer.Option(help="Of this rule.")] = None,
    severity: Annotated[list[str] | None, typer.Option(help="Of just this severity: info, warning, critical.")] = None,
    language: Annotated[list[str] | None, typer.Option(help="With a mention in this language: en, es, ...")] = None,
    platform: Annotated[list[str] | None, typer.Option(help="With a mention on this platform.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every incident.")] = False,
    length: Annotated[str | None, typer.Option("--for", help="How long: 30m, 4h, 2d.", show_default=False)] = None,
    until: Annotated[datetime | None, typer.Option(help="Or until when (UTC).", formats=_TIMES)] = None,
    start: Annotated[datetime | None, typer.Option("--from", help="From when on (UTC); now.", formats=_TIMES)] = None,
    comment: Annotated[str, typer.Option(help="Why, for the others.")] = "",
) -> None:
    """Silence the incidents that are all of this. It has an end, 31 days later at most."""
    labels = {"brand": brand, "rule": rule, "severity": severity, "language": language, "platform": platform}
    matchers = {label: values for label, values in labels.items() if values}
    if bool(matchers) == everything:
        raise typer.BadParameter(
            "say which incidents, such as --brand Aeroluz --rule detractor; or --all for every one"
        )
    now = clock.now()
    begins = now if start is None else start.replace(tzinfo=UTC)
    ends = _end(begins, length, until)
    settings = prepare()
    config = read_config(settings, secrets=False)
    entries = [entry for entry in config.brands if entry.name in matchers.get("brand", ())]
    with install(settings, config, sending=False) as installation, installation.store.transaction() as session:
        ensure_brands(session, config, entries, now)
        try:
            made = silences.add(session, matchers, begins, ends, by, comment, now)
        except ValueError as error:
            raise WrongUse(str(error)) from error
        unheard = [name for name in made.matchers.get("platform", ()) if not silences.heard_on(session, name)]
    said = "" if begins <= now else f" from {moment(made.starts_at)}"
    say(f"silence {made.id}: {one_line(story.silenced_ones(made.matchers))}{said} until {moment(made.ends_at)}")
    for name in unheard:
        say(f"nothing is stored of a platform called {one_line(name)!r}, so nothing is silenced by that as yet")


@group.command()
def end(
    number: Annotated[int, typer.Argument(help="The silence's number.", min=1, max=2**63 - 1, show_default=False)],
    by: By,
) -> None:
    """End a silence now, or take back one that is to come; what it held back is told at once."""
    with installed() as installation, installation.store.transaction() as session:
        try:
            ended = silences.end(session, number, by, clock.now())
        except KeyError as error:
            raise Failure(f"there is no silence {number}; `escucha silences list --past` shows all") from error
        except ValueError as error:
            raise WrongUse(str(error)) from error
    say(f"silence {number} is over" + ("" if ended else " already"))


def _end(begins: datetime, length: str | None, until: datetime | None) -> datetime:
    if (length is None) == (until is None):
        raise typer.BadParameter("a silence has an end: give either --for, such as 4h, or --until")
    if until is not None:
        return until.replace(tzinfo=UTC)
    try:
        lasts = parse_duration(length)
        assert isinstance(lasts, timedelta)
        return silences.end_of(begins, lasts)
    except ValueError as error:
        raise typer.BadParameter(f"--for: {error}") from error


def _line(one: Shown) -> str:
    silence = one.silence
    when = {"active": "until", "future": f"from {moment(silence.starts_at)} until", "past": "until"}[one.stage]
    ended = f", ended by {one.ended_by}" if one.ended_by else ""
    holds = f", holds back {counted(one.incidents, 'incident')}" if one.stage == "active" else ""
    comment = f": {silence.comment}" if silence.comment else ""
    return one_line(
        f"#{silence.id} {one.stage}  {story.silenced_ones(silence.matchers)} {when} {moment(silence.ends_at)}{holds}, "
        f"by {silence.created_by}{ended}{comment}"
    )


def _plain(one: Shown) -> dict[str, Any]:
    silence = one.silence
    matchers: dict[str, Sequence[str]] = dict(silence.matchers)
    return {
        "id": silence.id, "stage": one.stage, "matchers": matchers, "starts_at": silence.starts_at.isoformat(),
        "ends_at": silence.ends_at.isoformat(), "incidents": one.incidents, "created_by": silence.created_by,
        "comment": silence.comment, "created_at": one.created_at.isoformat(), "ended_by": one.ended_by,
    }  # fmt: skip
