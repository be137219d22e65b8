"""``escucha digest``: what a team is told of a day or a week, to look at or to send."""

from datetime import datetime
from email.headerregistry import Address
from pathlib import Path
from typing import Annotated

import typer

from alerts.digest_period import Every, Period, at
from alerts.mail.message import compose as as_mail
from alerts.mail.message import page_of
from alerts.notice import Notice
from alerts.policy import Team
from alerts.text import one_line
from api.addresses import public_url
from api.cli.files import writing
from api.cli.moments import moment_of
from api.cli.output import Failure, WrongUse, progress, say
from api.cli.setup import prepare
from api.terminal import visible_lines
from api.wiring import Installation, install, read_config
from listener import clock
from listener.jobs.digest import Digests, compose, send_now

TeamName = Annotated[str, typer.Argument(metavar="TEAM", help="A team of escucha.yml.", show_default=False)]
Weekly = Annotated[bool, typer.Option("--weekly/--daily", help="Of a week, or of a day.")]
Date = Annotated[
    str | None,
    typer.Option(
        "--date", help="The one that was due on this day or the last before.", show_default="the last one due"
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="What a team is told of a day or a week: look at it, or send it now.", no_args_is_help=True
    )
    group.command("preview")(preview)
    group.command("send")(send)
    app.add_typer(group, name="digest")


def preview(
    team: TeamName,
    weekly: Weekly = False,
    date: Date = None,
    html: Annotated[
        Path | None, typer.Option(help="Also write it as a page, as e-mail shows it.", show_default=False)
    ] = None,
    png: Annotated[
        Path | None, typer.Option(help="Also write its charts into this folder.", show_default=False)
    ] = None,
) -> None:
    """Print a team's digest as text, from what is stored now. Nothing is sent.

    Whoever gets none by escucha.yml can be shown one too: at 08:00, on Mondays.
    """
    with _installed() as installation:
        found = _team(installation, team)
        period = _period(found, date, weekly=weekly)
        notice = _composed(installation, found, period)
    mail = as_mail(notice, channel="preview", sender=Address("", "escucha", "localhost"), to=())
    text = mail.get_body(("plain",))
    assert text is not None
    typer.echo(visible_lines(text.get_content()))
    if html is not None:
        with writing(html) as out:
            out.write(page_of(mail))
        say(f"written to {html}")
    if png is not None:
        _draw(notice, png)


def send(team: TeamName, weekly: Weekly = False, date: Date = None) -> None:
    """Put a team's digest into the outbox of its digest channels, whether it has been sent before or not.

    Whoever works (`escucha run` or `work`) sends it within seconds; `escucha deliveries list` shows what became of it.
    """
    with _installed() as installation:
        found = _team(installation, team)
        period = _period(found, date, weekly=weekly)
        try:
            with progress() as bars:
                bars.add_task("writing the digest", total=None)
                channels = send_now(_made_with(installation), found, period, clock.now())
        except LookupError as error:
            raise Failure(str(error)) from error
    say(f"{period.every.value} digest of {one_line(found.name)} is in the outbox for {', '.join(channels)}")


def _installed() -> Installation:
    settings = prepare()
    return install(settings, read_config(settings, secrets=False), sending=False)


def _made_with(installation: Installation) -> Digests:
    return Digests(
        installation.store, installation.policy, installation.channel_names, public_url(installation.settings)
    )


def _composed(installation: Installation, team: Team, period: Period) -> Notice:
    address = public_url(installation.settings)
    try:
        with progress() as bars, installation.store.reading() as session:
            bars.add_task("writing the digest", total=None)
            return compose(session, team, period, installation.policy, address, clock.now())
    except LookupError as error:
        raise Failure(str(error)) from error


def _team(installation: Installation, name: str) -> Team:
    found = installation.policy.team(name)
    if found is None:
        known = ", ".join(team.name for team in installation.policy.teams) or "none"
        raise WrongUse(f"no team is called {name!r}; {installation.settings.config} has: {known}")
    return found


def _period(team: Team, date: str | None, *, weekly: bool) -> Period:
    """The last one due by now, or by the end of the day, by the team's own clock."""
    now = clock.now()
    moment = now
    if date is not None:
        end = moment_of(date, "--date", whole_day=True)
        if len(date) == len("2026-05-01"):
            end = datetime.combine(end.date(), end.time(), team.zone).astimezone(end.tzinfo)
        moment = min(now, end)
    return at(team, Every.WEEKLY if weekly else Every.DAILY, moment)


def _draw(notice: Notice, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for chart in notice.charts:
            (folder / f"{chart.name}.png").write_bytes(chart.data)
    except OSError as error:
        raise Failure(f"{folder} cannot be written: {error.strerror or error}") from error
    say(f"{len(notice.charts)} charts written to {folder}")
