"""``escucha alerts``: incidents, and one with all that is known about it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text
from sqlalchemy import RowMapping

from alerts.severity import Severity
from alerts.text import one_line, shorten, visible
from alerts.wording import counted, moment
from api import story
from api.cli import alert_acts, alert_figures, backtest, rules
from api.cli.alert_group import AsJson, Number, OfBrand, OfRule, group, installed, known_brand, known_rule, not_there
from api.routes.alert_models import Alert, Whole
from api.terminal import json_text
from listener import clock
from listener.store import inbox
from listener.store.context import Post
from listener.store.dossier import Around, Dossier, dossier

__all__ = ["group", "installed", "register"]

_COLOURS = {Severity.CRITICAL: "bold red", Severity.WARNING: "yellow", Severity.INFO: "dim"}
_SHOWN = 200
"""Characters of a mention on a line."""


class Shown(StrEnum):
    """The states that a list can be limited to."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    UNRESOLVED = "unresolved"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group.command("list")(overview)
    group.command()(show)
    alert_acts.register(group)
    alert_figures.register(group)
    backtest.register(group)
    rules.register(group)
    app.add_typer(group, name="alerts")


def overview(
    brand: OfBrand = None,
    rule: OfRule = None,
    state: Annotated[
        Shown | None, typer.Option(help="Only in this state; unresolved = all not over.", show_default=False)
    ] = None,
    severity: Annotated[Severity | None, typer.Option(help="Only of this severity.", show_default=False)] = None,
    assignee: Annotated[str | None, typer.Option(help="Only those assigned to them.", show_default=False)] = None,
    team: Annotated[str | None, typer.Option(help="Only those routed to this team.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=1000)] = 20,
    as_json: AsJson = False,
) -> None:
    """Incidents, the latest first."""
    known_rule(rule)
    with installed() as installation, installation.store.reading() as session:
        wanted = inbox.Wanted(state and state.value, severity and severity.value, rule, brand, assignee, team)
        found = inbox.listed(session, wanted, limit=limit)
        if not found:
            known_brand(session, brand)
    if as_json:
        items = [Alert.model_validate(row).model_dump(mode="json") for row in found]
        typer.echo(json_text(items, indent=2))
        return
    console = _console()
    for row in found:
        console.print(_headline(row), soft_wrap=True)
    if not found:
        console.print("no incident")


def show(number: Number, as_json: AsJson = False) -> None:
    """One incident: its life, what was told of it and what was not and why, and what to read before answering."""
    with installed() as installation, installation.store.reading() as session:
        now = clock.now()
        found = dossier(session, number, now)
    if found is None:
        raise not_there(number)
    if as_json:
        typer.echo(json_text(Whole.of(found).model_dump(mode="json"), indent=2))
        return
    _print(found)


def _print(found: Dossier) -> None:
    console, row = _console(), found.incident
    console.print(_headline(row), soft_wrap=True)
    opened = f"opened at {moment(row['created_at'])}" + (f" for {row['team']}" if row["team"] else "")
    for line in (row["because"], opened, *map(str, story.standing(row))):
        if line:
            console.print(Text(_clean(line)), soft_wrap=True)
    _part(console, "Timeline", [_event(event) for event in found.timeline])
    _part(console, "Told, and not told", [_decided(one) for one in found.decisions])
    _part(console, "Messages", [_delivery(one) for one in row["deliveries"]])
    said = [f"{one['actor']}: {'useful' if one['useful'] else 'not useful'}" for one in found.feedback]
    _part(console, "Useful?", said)
    for around in found.around:
        _part(console, "Before answering", _around(around))


def _headline(row: Mapping[str, Any]) -> Text:
    about = row["brand"] or "all brands"
    severity = Severity(row["severity"])
    parts = [f"{about}: {row['rule']}", counted(row["count"], "mention"), moment(row["last_at"])]
    parts += [f"with {row['assigned_to']}"] if row["assigned_to"] else []
    return Text.assemble(
        (f"#{row['id']} ", "bold"), (severity.value, _COLOURS[severity]), f" {row['state']} ", _clean(", ".join(parts))
    )


def _event(event: RowMapping) -> str:
    return f"{moment(event['at'])}  {story.told(event)}"


def _decided(row: RowMapping) -> str:
    return f"{moment(row['first_at'])}  {row['channel'] or 'no channel'}  {story.decided(row)}"


def _delivery(one: Mapping[str, Any]) -> str:
    doubt = ", may be there twice" if one["ambiguous"] else ""
    return (
        f"{one['channel']}  {one['kind']}  {one['state']}{doubt}, {counted(one['attempts'], 'attempt')}  {one['key']}"
    )


def _around(around: Around) -> list[str]:
    context = around.context
    lines = [_post(post, "above") for post in context.above]
    lines.append(_post(context.said, "mention"))
    lines += [_post(post, "brand" if post.by_brand else "reply") for post in context.below]
    history = context.history
    if history.total:
        by_label = ", ".join(f"{number} {label}" for label, number in sorted(history.labels.items()))
        lines.append(f"the author spoke of the brand {counted(history.total, 'time')} before: {by_label} (inferred)")
    for point in around.points:
        evidence = f"“{point.evidence}”" if point.quoted else point.evidence
        lines.append(f"to consider: {point.advice} ({evidence})")
    return lines


def _post(post: Post, what: str) -> str:
    text = shorten(one_line(post.text), _SHOWN) or "(deleted)"
    return f"{what}  {moment(post.created_at)}  {post.author or 'unknown'}: {text}"


def _part(console: Console, heading: str, lines: list[str]) -> None:
    if lines:
        console.print()
        console.print(Text(heading, "bold"))
        for line in lines:
            console.print(Text(f"  {_clean(line)}"), soft_wrap=True)


def _clean(line: str) -> str:
    return visible(one_line(line))


def _console() -> Console:
    return Console(highlight=False)
