"""``escucha sources``: how every source stands, what was read when, and one real request to try one out."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerts.durations import in_words
from alerts.text import one_line, shorten, visible
from alerts.wording import counted, moment
from api.cli.output import Failure
from api.cli.setup import prepare
from api.routes.sources import SourceCoverage, SourceStatus
from api.terminal import json_text
from api.wiring import Installation, install, read_config
from listener import clock, coverage
from listener.coverage import Hour, HourState
from listener.error_words import trouble
from listener.jobs.collect import NOBODY
from listener.matching import Matcher
from listener.probe import Tried, Watched, try_once, watching
from listener.source import SourceError
from listener.spending import dollars
from listener.store import coverage as ledger
from listener.store.source_status import Stand, Standing, standings
from listener.store.tables import Brand

Name = Annotated[str, typer.Argument(help="The source's name.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print it as JSON, as the API gives it.")]

ACCOUNT = "an account on this platform"
"""Which source uses which is not kept: where there are several, it may be another one's."""

SIGNS: dict[HourState, tuple[str, str, str]] = {
    HourState.COVERED: ("█", "green", "all of it read"),
    HourState.PARTLY: ("▒", "yellow", "read in part"),
    HourState.CAPPED: ("C", "red", "the platform had more than it hands out"),
    HourState.RATE_LIMITED: ("R", "red", "told to slow down"),
    HourState.FAILED: ("F", "red", "failed"),
    HourState.UNFINISHED: ("U", "yellow", "begun, not finished"),
    HourState.NOT_POLLED: ("-", "red", "nobody polled"),
    HourState.WAITING: ("~", "dim", "not due yet"),
    HourState.BEFORE: (".", "dim", "before it was listened to"),
    HourState.FUTURE: (" ", "dim", "still to come"),
}
"""How an hour is drawn: a sign that is one even without colours, and what it means."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="How every source stands; `show NAME` for one of them, `test NAME` to try one out.",
        invoke_without_command=True,
    )
    group.callback()(overview)
    group.command()(show)
    group.command()(test)
    app.add_typer(group, name="sources")


def overview(
    context: typer.Context,
    as_json: AsJson = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that are switched off or read on demand.")
    ] = False,
) -> None:
    """How every source stands. The exit status is 1 where something waits for a person."""
    if context.invoked_subcommand is not None:
        return
    now = clock.now()
    with _installed() as installation:
        with installation.store.reading() as session:
            found = standings(session, now, installation.patience, everything=everything)
        if as_json:
            _print_json([SourceStatus.of(standing).model_dump(mode="json") for standing in found])
        elif found:
            _print_overview(found, now)
        else:
            Console(highlight=False).print("no source is read on a schedule: name some in escucha.yml")
    if any(standing.waits for standing in found):
        raise typer.Exit(1)


def show(
    name: Name,
    hours: Annotated[int, typer.Option(help="How many hours to look back.", min=1, max=24 * 31)] = 24,
    as_json: AsJson = False,
) -> None:
    """One source: what was read of the last hours, what is missing, what is wrong and when it is tried again."""
    now = clock.now()
    since = now - timedelta(hours=hours - 1)
    with _installed() as installation, installation.store.reading() as session:
        standing = _named(standings(session, now, installation.patience, everything=True), name)
        detail = SourceCoverage.of(session, standing.source, since, now, now)
        if as_json:
            status = SourceStatus.of(standing).model_dump(mode="json")
            _print_json(status | {"coverage": detail.model_dump(mode="json")})
            return
        record = ledger.record(session, standing.source, since, now)
    _print_source(standing, coverage.hours(record, since, now, now), detail, now)


def test(name: Name) -> None:
    """Make one real request with the source's own credentials and tell what came back. Stores nothing."""
    settings = prepare()
    # The secrets of the source that is tried are looked up where it is made; no other's are needed.
    config = read_config(settings, secrets=False)
    entry = next((entry for entry in config.sources if entry.name == name), None)
    if entry is None:
        known = ", ".join(source.name for source in config.sources) or "none"
        raise Failure(f"no source is called {name!r}; {settings.config} names: {known}")
    rows = [
        Brand(id=number, name=brand.name, query=brand.effective_query, created_at=clock.now())
        for number, brand in enumerate(config.brands)
        if entry.brands is None or brand.name in entry.brands
    ]
    matcher = Matcher(rows, about_brands=False, source=name)
    seen: list[Watched] = []
    with install(settings, config, sending=False) as installation, closing(installation.pipeline()) as pipeline:
        tools = replace(pipeline.tools, meter=watching(pipeline.tools.meter, seen))
        watched = replace(pipeline, tools=tools, following=None)
        try:
            tried = try_once(
                watched.build_source(entry.kind, entry.options), matcher.query(), clock.now, clock.monotonic
            )
        except SourceError as error:
            wrong = trouble(str(error))
            lines = [f"{name}: {wrong.words}", f"to do: {wrong.to_do}", f"message: {visible(wrong.said)}"]
            raise Failure("\n".join([*lines, *_spent(seen)])) from error
    console = Console(highlight=False)
    for line in _tell(name, tried, matched=sum(matcher.match(item) is not None for item in tried.items)):
        console.print(line, markup=False, soft_wrap=True)
    for line in _spent(seen):
        console.print(line, markup=False, soft_wrap=True)
    if not rows:
        console.print(f"note: {NOBODY}; its runs read nothing before one is named", markup=False, soft_wrap=True)


def _tell(name: str, tried: Tried, matched: int) -> Iterator[str]:
    took = f"in {tried.seconds:.1f} s"
    if not tried.items:
        yield f"{name}: it answers ({took}) and has nothing to show for what is looked for"
    else:
        yield f"{name}: it works; {counted(len(tried.items), 'item')} came back {took}, {matched} about a brand"
        yield f"the oldest of {moment(tried.items[0].created_at)}, the newest of {moment(tried.items[-1].created_at)}"
        yield f"for example: {shorten(visible(one_line(tried.items[-1].full_text)), 160)}"
    if tried.page is not None and tried.page.capped:
        yield "the platform has more than it hands out at once"
    if tried.page is not None and tried.page.unread:
        yield visible(coverage.in_part(tried.page.unread))
    for skipped in tried.page.skipped[:3] if tried.page else ():
        yield f"left out: {visible(skipped.where)}: {visible(skipped.why)}"


def _spent(seen: Sequence[Watched]) -> Iterator[str]:
    """What the request counted for, where the source keeps count."""
    for meter in seen:
        if meter.requests:
            cost = f", which cost {dollars(meter.cost)}" if meter.cost else ""
            yield f"asked {counted(meter.requests, 'time')}{cost}"
        if meter.remaining is not None:
            renewed = f", renewed in {meter.resets_in:.0f} s" if meter.resets_in is not None else ""
            yield f"the platform says that {meter.remaining:g} are left of its limit{renewed}"


@contextmanager
def _installed() -> Iterator[Installation]:
    settings = prepare()
    with install(settings, read_config(settings, secrets=False), sending=False) as installation:
        yield installation


def _named(found: Sequence[Standing], name: str) -> Standing:
    for standing in found:
        if standing.source.name == name:
            return standing
    known = ", ".join(standing.source.name for standing in found) or "none"
    raise Failure(f"no source is called {name!r}; there are: {known}")


def _print_json(data: Any) -> None:
    typer.echo(json_text(data, indent=2))


STATES: dict[Stand, str] = {
    Stand.OK: "up to date",
    Stand.NEW: "new",
    Stand.READING: "reading",
    Stand.BEHIND: "behind",
    Stand.PARTLY: "in part",
    Stand.WAITING: "waits",
    Stand.FAILING: "failing",
    Stand.STOPPED: "stopped",
    Stand.ON_DEMAND: "on demand",
    Stand.SENDS: "sends",
    Stand.OFF: "off",
}
"""A stand as the table has it: the words have a line of their own."""

_WIDE = 100
"""Columns of a terminal from which on there is room for two spaces between those of the table."""

_NOTHING_TO_SAY = (Stand.OK, Stand.NEW, Stand.READING, Stand.OFF, Stand.SENDS)


def _print_overview(found: Sequence[Standing], now: datetime) -> None:
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, header_style="dim", collapse_padding=console.width < _WIDE)
    for title in ("source", "kind", "state", "read", "behind", "next", "new 1h", "24h", "gaps"):
        right = title in ("new 1h", "24h", "gaps")
        # In a narrow terminal a long name is folded, and the rest stays readable.
        table.add_column(title, justify="right" if right else "left", no_wrap=title != "source", overflow="fold")
    for one in found:
        success = one.source.last_success_at
        read = Text(_when(success, now)) if success else Text("never", style="red" if one.late else "")
        following = _when(one.next_at, now) if one.next_at else "now" if one.stand is Stand.READING else ""
        table.add_row(
            Text(visible(one.source.name)), Text(one.source.kind),
            Text(STATES[one.stand], style="red" if one.waits else ""), read, _behind(one), Text(following),
            _count(one.found.new_hour), _count(one.found.new_day), Text(str(one.open_gaps or "")),
        )  # fmt: skip
    console.print(table)
    unread = any(None in (one.found.new_hour, one.found.new_day) for one in found)
    console.print(Text("times are UTC" + ("; - = nothing was read" if unread else ""), style="dim"))
    for one in found:
        for number, (text, style) in enumerate(_more(one)):
            # A source that has anything to be told begins a line, and the rest is beneath it.
            console.print(text if number == 0 else f"  {text}", markup=False, soft_wrap=True, style=style)


def _more(one: Standing) -> Iterator[tuple[str, str]]:
    """What there is to be told of a source, with its style; nothing where all is well."""
    telling = one.trouble is not None or one.stand not in (*_NOTHING_TO_SAY, Stand.ON_DEMAND)
    if telling or one.missed:
        yield f"{visible(one.source.name)}: {visible(one.words)}", "red" if one.waits else ""
    if one.to_do and (telling or one.missed):
        yield f"to do: {visible(one.to_do)}", ""
    if one.waits and one.trouble:
        yield f"message: {visible(one.trouble.said)}", "dim"
    for gap in one.missed:
        yield f"misses {moment(gap.since)} to {moment(gap.until)}: {visible(gap.why)}", ""


def _when(moment: datetime, now: datetime) -> str:
    """The time, within a day of now, and otherwise the day; UTC."""
    return moment.strftime("%H:%M" if abs(moment - now) < timedelta(days=1) else "%d %b")


def _count(number: int | None) -> Text:
    """Nothing found and nothing read are not the same."""
    return Text("-", style="dim") if number is None else Text(f"{number:,}")


def _behind(one: Standing) -> Text:
    return Text(_length(one.behind), style="red") if one.late and one.behind is not None else Text("")


def _next(one: Standing) -> Text:
    return Text(moment(one.next_at) if one.next_at else "now" if one.stand == "reading" else "not by itself")


def _length(length: timedelta) -> str:
    whole = length if length < timedelta(minutes=1) else length - length % timedelta(minutes=1)
    return in_words(whole)


def _print_source(standing: Standing, hours: Sequence[Hour], detail: SourceCoverage, now: datetime) -> None:
    console = Console(highlight=False)

    def line(text: str, style: str = "") -> None:
        console.print(text, markup=False, soft_wrap=True, style=style)

    source = standing.source
    line(f"{visible(source.name)} ({source.kind}): {visible(standing.words)}", "red" if standing.waits else "")
    if standing.to_do:
        line(f"to do: {visible(standing.to_do)}")
    if standing.trouble:
        line(f"message: {visible(standing.trouble.said)}", "dim")
    read = moment(source.last_success_at) if source.last_success_at else "never"
    covered = f"; read up to {moment(source.covered_to)}" if source.covered_to else ""
    line(f"last success: {read}{covered}; next run: {_next(standing).plain}")
    for account in standing.blocked:
        until = moment(account.blocked_until or now)
        line(f"{ACCOUNT} ({account.name}) may not be used before {until}: {visible(account.why or 'it is blocked')}")
    for spending in standing.spending:
        line(f"{ACCOUNT} ({spending.account}): {spending.forecast.words}")
    line("")
    for day, drawn in _days(hours):
        console.print(Text.assemble((f"{day} ", "dim"), *drawn))
    used = [state for state in SIGNS if state in {hour.state for hour in hours} and state is not HourState.FUTURE]
    for state in used:
        sign, style, words = SIGNS[state]
        many = sum(hour.state == state for hour in hours)
        console.print(Text.assemble((sign, style), f" {words} ({counted(many, 'hour')})"))
    line(f"{detail.mentions_in_words}")
    for gap in detail.gaps:
        when = f"{moment(gap.since)} to {moment(gap.until)}"
        line(f"gap {when}, {gap.state}: {visible(gap.why)}; {gap.found:,} found in it")


def _days(hours: Sequence[Hour]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A line a day, each hour in its column."""
    days: dict[str, list[tuple[str, str]]] = {}
    for hour in hours:
        drawn = days.setdefault(hour.hour.strftime("%a %d %b (UTC)"), [(" " * hour.hour.hour, "")] if not days else [])
        drawn.append(SIGNS[hour.state][:2])
    yield from days.items()
