"""``escucha alerts route``: which way an incident would take, and why."""

from collections.abc import Sequence
from typing import Annotated

import typer

from alerts.durations import in_words
from alerts.incident import Incident
from alerts.routing import ROOT, Destinations, route, settings_in_words
from alerts.severity import Severity
from alerts.text import one_line
from api.cli.alert_group import HIGHEST, group, installed, known_rule, not_there
from api.cli.output import Failure, WrongUse, show_line
from api.cli.setup import prepare
from api.way import Imagined
from api.wiring import channel_names, read_config
from listener import clock
from listener.configfile import ConfigFile
from listener.store import incidents


def register(_app: typer.Typer) -> None:
    """Add the command to those of ``escucha alerts``."""
    group.command("route")(explain)


def explain(
    number: Annotated[
        int | None,
        typer.Argument(help="An incident's number, for the way of that one.", min=1, max=HIGHEST, show_default=False),
    ] = None,
    brand: Annotated[str | None, typer.Option(help="Of this brand; none = about a source.")] = None,
    rule: Annotated[str, typer.Option(help="Of this rule.")] = "detractor",
    severity: Annotated[Severity, typer.Option(help="As severe as this.")] = Severity.WARNING,
    language: Annotated[list[str] | None, typer.Option(help="With mentions in this language.")] = None,
    platform: Annotated[list[str] | None, typer.Option(help="With mentions on this platform.")] = None,
    reach: Annotated[int, typer.Option(help="Reaching so many people.", min=0)] = 0,
) -> None:
    """Show which routes in escucha.yml an incident takes, whom it reaches, how often and whom next. Sends nothing.

    Exit status 1 where it reaches nobody.
    """
    settings = prepare()
    config = read_config(settings, secrets=False)
    if number is not None:
        incident = _stored(number)
    else:
        incident = _imagined(config, brand, rule, severity, language or (), platform or (), reach)
    limit = next((one.channels for one in config.brands if one.name == incident.brand), None)
    found = route(incident, config, limit, channel_names(settings, config))
    _show(found)
    if found.reason is not None:
        raise Failure(found.reason.sentence)


def _stored(number: int) -> Incident:
    with installed() as installation, installation.store.transaction() as session:
        incident = incidents.held(session, number)
    if incident is None:
        raise not_there(number)
    return incident


def _imagined(
    config: ConfigFile,
    brand: str | None,
    rule: str,
    severity: Severity,
    languages: Sequence[str],
    platforms: Sequence[str],
    reach: int,
) -> Incident:
    known = [entry.name for entry in config.brands]
    if brand is not None and brand not in known:
        raise WrongUse(f"no brand in escucha.yml is called {brand!r}; there are: {', '.join(known) or 'none'}")
    known_rule(rule)
    return Imagined(brand, rule, severity, languages, platforms, reach).incident(clock.now())


def _show(found: Destinations) -> None:
    for leaf in found.leaves:
        show_line(one_line(" > ".join((ROOT, *leaf.way))))
        show_line("  " + one_line(f"team {leaf.team or 'none'}; channels: {', '.join(leaf.channels) or 'none'}"))
        show_line(f"  {settings_in_words(leaf)}")
        for step in leaf.escalate:
            whom = ", ".join(step.channels) or "nobody"
            show_line(
                f"  when nobody has acknowledged it {in_words(step.after)} after the first message: {one_line(whom)}"
            )
    for channel, why in (found.left_out or {}).items():
        show_line(one_line(f"left out: {channel}, because {why}"))
