"""``escucha alerts service`` and ``precision``: how soon people acted, and what it was worth to them."""

from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerts.durations import in_words
from alerts.expectation import Share
from alerts.policy import Learning
from alerts.precision import Precision, by_rule, precisions
from alerts.service import By, Figures, Measure, Promise, figures
from alerts.text import one_line, visible
from alerts.wording import counted, percent
from api.cli.alert_group import AsJson, OfBrand, OfRule, installed, known_brand, known_rule
from api.cli.output import progress, say
from api.routes import alert_figures as api
from api.terminal import json_text
from api.wiring import Installation
from listener import clock
from listener.store import feedback
from listener.store.service import episodes_since

Days = Annotated[int, typer.Option(help="How many days to look back.", min=1, max=366)]

_HEADINGS = {Promise.ACKNOWLEDGE: "acknowledged", Promise.ANSWER: "answered", Promise.RESOLVE: "resolved"}


def register(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("service")(service)
    group.command("precision")(precision)


def service(
    days: Days = 30,
    brand: OfBrand = None,
    per: Annotated[By | None, typer.Option(help="What to tell the figures apart by.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Times to acknowledge, to answer and to resolve, held against each team's service level.

    A time is given as the one within which half, and nine in ten, of those done were done. What is still open and late
    counts as late; what ended by itself before its time was up counts neither way. The clock
    starts with the first message; incidents that nobody was told of are counted apart.
    """
    now = clock.now()
    with installed() as installation, installation.store.reading() as session:
        found = figures(episodes_since(session, now - timedelta(days=days), brand=brand), installation.policy, now, per)
    if as_json:
        items = [api.Figures.of(one) for one in found]
        typer.echo(json_text(api.Service(days=days, by=per, items=items).model_dump(mode="json"), indent=2))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("", "incidents", *_HEADINGS.values()):
        table.add_column(heading)
    for one in found:
        table.add_row(*_service_row(one, per))
    Console(highlight=False).print(table)


def precision(
    days: Days = 90,
    brand: OfBrand = None,
    rule: OfRule = None,
    propose: Annotated[bool, typer.Option(help="Look for a stricter threshold where it is too low.")] = True,
    as_json: AsJson = False,
) -> None:
    """How many of each rule's incidents people found useful, with the interval that so few answers leave open.

    Where that is too low (see learning: in escucha.yml) a stricter threshold is tried on the past and proposed; nothing
    is changed by itself.
    """
    now = clock.now()
    known_rule(rule)
    with installed() as installation:
        with installation.store.reading() as session:
            known_brand(session, brand)
            rated = feedback.rated(session, now - timedelta(days=days), brand=brand, rule=rule)
        found, learning = precisions(rated), installation.policy.learning
        low = [one for one in found if propose and one.too_low(learning)]
        proposals = {one: _proposed(installation, one, learning, now) for one in low}
    if as_json:
        typer.echo(json_text(api.Precisions.of(found, learning, proposals).model_dump(mode="json"), indent=2))
        return
    if not found:
        say("nobody has said yet whether an incident was useful; `escucha alerts useful NUMBER` says so")
        return
    console = Console(highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("rule", "brand", "useful", "of", "precision (95 %)", ""):
        table.add_column(heading)
    over_all = [one for one in by_rule(found) if [other.rule for other in found].count(one.rule) > 1]
    for one in [*found, *over_all]:
        table.add_row(*_precision_row(one, "too low" if one in proposals else ""))
    console.print(table)
    for one, proposal in proposals.items():
        console.print()
        for line in _proposal(one, proposal, learning):
            console.print(Text(visible(line)), soft_wrap=True)


def _proposed(installation: Installation, low: Precision, learning: Learning, now: datetime) -> api.Proposal | None:
    with progress() as bars:
        task = bars.add_task(f"trying {low.rule}", total=None)
        return api.proposed(
            installation.store, low, learning, now,
            lambda done, total: bars.update(task, completed=done, total=total),
        )  # fmt: skip


def _proposal(low: Precision, found: api.Proposal | None, learning: Learning) -> list[str]:
    name = f"{low.rule} of {one_line(low.brand)}" if low.brand else low.rule
    if found is None:
        return [f"{name}: there is no stricter threshold to try; narrow it with `when`, or switch it off"]
    if found.enough:
        return [f"{name}: the settings in force would have been useful enough; nothing to change"]
    lines = [f"in force: {_trial(found.in_force)}"]
    if found.chosen is None:
        none = f"no threshold that was tried reaches {percent(learning.precision)} and keeps half of what is useful"
        lines = [f"{name}: {none}", *lines]
        return lines + [f"{_changes(one)}: {_kept(one, found.in_force)}" for one in found.tried]
    chosen = f"{_changes(found.chosen)}: {_kept(found.chosen, found.in_force)}"
    lines = [f"{name}: proposed, and not applied", *lines, chosen]
    return [*lines, "To have it so, write into escucha.yml:", *found.yaml.rstrip().split("\n")]


def _trial(one: api.Trial) -> str:
    return f"{counted(one.useful, 'useful incident')} and {one.not_useful:,} not useful{_how_good(one)}"


def _kept(one: api.Trial, in_force: api.Trial) -> str:
    kept = f"keeps {one.useful:,} of {counted(in_force.useful, 'useful incident')}"
    return f"{kept} and {one.not_useful:,} of {in_force.not_useful:,} not useful{_how_good(one)}"


def _how_good(one: api.Trial) -> str:
    found = one.precision
    share = "nothing left"
    if found is not None:
        share = f"precision {percent(found.value)} ({percent(found.low)} to {percent(found.high)})"
    return f", {share}, {one.expect}" if one.expect else f", {share}"


def _changes(one: api.Trial) -> str:
    return ", ".join(f"{name}: {value}" for name, value in one.changes.items())


def _service_row(one: Figures, per: By | None) -> list[Text]:
    name = "all" if per is None else one.name or "none"
    ended = f", {one.by_themselves} ended by themselves" if one.by_themselves else ""
    untold = f"; {one.untold:,} not told" if one.untold else ""
    cells = [name, f"{one.episodes:,}{ended}{untold}"] + [_measure(one.measures[promise]) for promise in _HEADINGS]
    return [Text(visible(one_line(cell))) for cell in cells]


def _measure(one: Measure) -> str:
    half, most = one.percentile(50), one.percentile(90)
    parts = []
    if half is not None and most is not None:
        parts.append(f"{counted(len(one.times), 'time')}, half in {in_words(half)}, 90% in {in_words(most)}")
    if one.within is not None:
        parts.append(f"in time {_share(one.within)} of {one.within.whole:,}")
    if one.late_open:
        parts.append(f"{one.late_open} open and late")
    if one.waiting:
        parts.append(f"{one.waiting} waiting")
    return "; ".join(parts) or "–"


def _precision_row(one: Precision, remark: str) -> list[Text]:
    share = "–" if one.share is None else _share(one.share)
    cells = (one.rule, one.brand or "(all)", str(one.useful), str(one.rated), share, remark)
    return [Text(visible(one_line(cell))) for cell in cells]


def _share(found: Share) -> str:
    return f"{percent(found.value)} ({percent(found.low)} to {percent(found.high)})"
