"""``escucha alerts backtest``: how often a rule would have fired on what is stored, and what other settings change."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

import typer

from alerts.durations import in_words
from alerts.reasons import Reason
from alerts.text import one_line, shorten
from alerts.wording import counted, moment
from api.cli.alert_group import AsJson, installed, known_rule
from api.cli.moments import moment_of
from api.cli.output import WrongUse, progress
from api.routes.backtest import Answer, Imagined, Tried, answer, setting
from api.terminal import json_text, visible_lines
from listener import clock
from listener.backtest import Backtester, BacktestError

_EXAMPLE = 100
"""Characters of a mention on a line."""

_MOST_REASONS = 6
_SENTENCES = {reason.value: reason.sentence for reason in Reason}


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("backtest")(backtest)


def backtest(
    rule: Annotated[str, typer.Option("--rule", "-r", help="The rule to try.", show_default=False)],
    brand: Annotated[
        str | None, typer.Option("--brand", "-b", help="The brand; none for a rule about sources.", show_default=False)
    ] = None,
    days: Annotated[int, typer.Option(help="How many days.", min=1, max=366)] = 30,
    until: Annotated[
        str | None, typer.Option(help="Up to when: 2026-11-20, or 2026-11-20T12:00 (UTC).", show_default="now")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", help="A setting to try: min_probability=0.8; repeatable.", show_default="none"),
    ] = None,
    limit: Annotated[int, typer.Option(help="Incidents that are listed of each lot.", min=0, max=200)] = 20,
    as_json: AsJson = False,
) -> None:
    """How often a rule would have fired on what is stored, at what, and how often to expect it.

    With --set the settings in force and the proposed ones stand side by side: which incidents would be new, which would
    go, and how often to expect one with each. Nothing is saved; the lines for escucha.yml are printed.
    """
    try:
        proposed = dict(setting(one) for one in changes or ())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--set") from error
    end = moment_of(until, "--until", whole_day=True) if until else clock.now()
    known_rule(rule)
    with installed() as installation:
        try:
            tester = Backtester.over_days(
                installation.store, brand, rule, days, end, everywhere=installation.policy.alerts
            )  # fmt: skip
            tester.proposed(proposed)
        except BacktestError as error:
            raise WrongUse(str(error)) from error
        with progress() as bars:
            task = bars.add_task(f"trying {rule}", total=None)
            found = answer(tester, proposed, lambda done, total: bars.update(task, completed=done, total=total))
    if as_json:
        typer.echo(json_text(found.model_dump(mode="json"), indent=2))
        return
    typer.echo(visible_lines("\n".join(_lines(found, limit))))


def _lines(found: Answer, limit: int) -> list[str]:
    about = f"{found.brand}: {found.rule}" if found.brand else found.rule
    asked, read = found.until - found.since, timedelta(seconds=found.read_s)
    lines = [f"{one_line(about)}, {moment(found.since)} to {moment(found.until)}"]
    if read < asked - timedelta(minutes=1):
        lines.append(
            f"{_length(read)} of these {_length(asked)} were read throughout; the rates are of that time alone"
        )
    lines += ["", f"in force:  {_tried(found.in_force)}"]
    if found.proposed is None or found.difference is None:
        lines += [*_reasons(found.in_force), *_listed("", found.in_force.incidents, limit)]
        return [*lines, "", *found.limits]
    lines.append(f"proposed:  {_tried(found.proposed)}")
    change = found.difference
    stay = f"{counted(change.staying, 'incident')} would stay"
    if change.kept != change.staying:
        stay += f" ({change.kept:,} of those in force)"
    lines += ["", f"{stay}, {change.new:,} would be new, {change.gone:,} would be gone"]
    lines += _listed("new", change.new_incidents, limit)
    lines += _listed("gone", change.gone_incidents, limit)
    lines += ["", *found.limits]
    if found.yaml is None:
        return lines
    return [*lines, "", "nothing is saved; to have it so, write into escucha.yml:", "", *found.yaml.split("\n")[:-1]]


def _tried(tried: Tried) -> str:
    expected = f"expect {tried.expected.in_words}" if tried.expected else "none of the time was read: no rate"
    said = f"{expected}; {counted(tried.told, 'incident')}"
    if tried.outside:
        said += f", {tried.outside:,} of them in time that was not read throughout"
    if tried.too_small:
        said += f"; {tried.too_small:,} more too small to tell of"
    return said


def _reasons(tried: Tried) -> list[str]:
    """What the rule said most often, and how often."""
    most = list(tried.reasons.items())[:_MOST_REASONS]
    return ["", *(f"{number:>9,}  {_SENTENCES[name]}" for name, number in most)] if most else []


def _listed(word: str, incidents: Sequence[Imagined], limit: int) -> list[str]:
    shown = incidents[-limit:] if limit else []
    lines = [""] if shown else []
    for one in shown:
        group = f" {one.group}" if one.group else ""
        size = f"{counted(one.count, 'mention')}, reach {one.reach:,}"
        marks = "" if one.covered else ", not read throughout"
        head = f"{word:<5}" if word else ""
        what = f"{one.severity.value}, {size}{marks}: {one.because}"
        lines.append(one_line(f"{head}{moment(one.opened_at)}{group} {what}"))
        if one.example is not None:
            who = one.example.author or "unknown author"
            lines.append(f"      {one_line(who)}: {shorten(one_line(one.example.text), _EXAMPLE)}")
    if len(incidents) > len(shown):
        lines.append(f"      and {len(incidents) - len(shown):,} earlier ones")
    return lines


def _length(length: timedelta) -> str:
    return in_words(length - length % timedelta(hours=1) if length >= timedelta(days=1) else length)
