"""``escucha query``: what a query means, what each platform is asked, and what a text has of it."""

import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text as Shown

from alerts.text import visible
from api.cli import output
from api.cli.setup import prepare as settings_in_force
from api.terminal import json_text
from api.wiring import read_config
from listener.query import MatchText, Query, QueryError, Span, explaining, prepare
from listener.query.dialects import DIALECTS, Dialect
from listener.query.explaining import Explained
from listener.query.translate import Plan
from sentiment.language import UNKNOWN, identify

_HASHTAGS = (
    "Words within joined hashtags (#IberiaFail) are found in whatever comes in; no platform can be asked for them. "
    "Where one matters, write it out: #iberiafail."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Brand queries: see what they mean and what is asked for.", no_args_is_help=True)
    group.command()(explain)
    app.add_typer(group, name="query")


def explain(
    query: Annotated[
        str | None, typer.Argument(help="The query; in single quotes, because it has double ones.", show_default=False)
    ] = None,
    brand: Annotated[str | None, typer.Option("--brand", "-b", help="The query of a brand in escucha.yml.")] = None,
    platform: Annotated[
        list[str] | None, typer.Option("--platform", "-p", help=f"Only these; there are {', '.join(DIALECTS)}.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="A text: does the query match it, and where?")] = None,
    lang: Annotated[str | None, typer.Option(help="The text's language (en, es, ...); identified when needed.")] = None,
    source: Annotated[str | None, typer.Option(help="The text's source.")] = None,
    author: Annotated[str | None, typer.Option(help="The text's author.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with the places in the text.")] = False,
) -> None:
    """Show how a query is read, what each platform is asked, and what is filtered afterwards or cannot be found.

    With --text also whether it matches that text, and where. The exit status is 2 where the query cannot be read.
    """
    written = _written(query, brand)
    dialects = _dialects(platform)
    try:
        found = explaining.explain(written, dialects)
    except QueryError as error:
        for line in _mistake(written, error):
            output.console.print(Shown(line), soft_wrap=True)
        raise typer.Exit(2) from error
    prepared = None if text is None else _prepared(found.query, text, lang, source, author)
    places = None if prepared is None else found.query.match(prepared)
    if as_json:
        sys.stdout.write(_json(found, prepared, places) + "\n")
    else:
        _show(found, prepared, places)


def _written(query: str | None, brand: str | None) -> str:
    if (query is None) == (brand is None):
        raise typer.BadParameter("give a query in quotes, or a brand of escucha.yml with --brand")
    if query is not None:
        return query
    brands = {entry.name: entry.effective_query for entry in read_config(settings_in_force()).brands}
    if brand not in brands:
        known = ", ".join(brands) or "none"
        raise typer.BadParameter(
            f"no brand in escucha.yml is called {brand!r}; there are: {known}", param_hint="--brand"
        )
    return brands[brand]


def _dialects(names: Sequence[str] | None) -> list[Dialect]:
    for name in names or ():
        if name not in DIALECTS:
            raise typer.BadParameter(f"there is no {name!r}; there are: {', '.join(DIALECTS)}", param_hint="--platform")
    return [DIALECTS[name] for name in dict.fromkeys(names or DIALECTS)]


def _prepared(query: Query, text: str, lang: str | None, source: str | None, author: str | None) -> MatchText:
    # Finding out the language loads a model: only where the query asks for it.
    if lang is None and "lang" in query.fields():
        found = identify(text)
        lang = None if found == UNKNOWN else found
    return prepare(text, lang=lang, source=source, author=author)


def _mistake(query: str, error: QueryError) -> Iterator[str]:
    """What is wrong, and the query with a caret under the place."""
    found = explaining.mistake(query, error.problem, error.column)
    before = visible(found.before)
    yield f"escucha: {visible(str(error))}"
    yield f"  {before}{visible(found.after)}"
    yield f"  {' ' * cell_len(before)}^"


def _json(found: Explained, text: MatchText | None, places: tuple[Span, ...] | None) -> str:
    row: dict[str, Any] = {
        "query": str(found.query),
        "hints": list(found.hints),
        "fields": list(found.fields),
        "outline": [{"depth": depth, "part": part} for depth, part in found.outline],
        "platforms": {
            name: {
                "searches": [{"search": search, "length": DIALECTS[name].length(search)} for search in plan.searches],
                "max_length": DIALECTS[name].max_length,
                "complete": plan.complete,
                "exact": plan.exact,
                "notes": list(plan.notes),
            }
            for name, plan in found.plans.items()
        },
    }
    if text is not None:
        row["text"] = {
            "matches": places is not None,
            "spans": [list(place) for place in places or ()],
            "lang": text.lang,
        }
    return json_text(row)


def _show(found: Explained, text: MatchText | None, places: tuple[Span, ...] | None) -> None:
    console = Console(highlight=False)
    for depth, part in found.outline:
        operator = part in ("AND", "OR", "NOT") or part.startswith("NEAR/")
        console.print(Shown("  " * depth).append(visible(part), "bold" if operator else ""), soft_wrap=True)
    for hint in found.hints:
        console.print(Shown("  - " + visible(hint), "bold"), soft_wrap=True)
    for name, plan in found.plans.items():
        console.print()
        for line in _plan(DIALECTS[name], plan):
            console.print(line, soft_wrap=True)
    console.print()
    console.print(Shown(_HASHTAGS, "dim"), soft_wrap=True)
    if text is not None:
        console.print()
        for line in _match(found.query, text, places):
            console.print(line, soft_wrap=True)


def _plan(dialect: Dialect, plan: Plan) -> Iterator[Shown]:
    count = len(plan.searches)
    covers = "asks for everything" if plan.complete else "cannot ask for everything"
    head = f"{count} search{'es' * (count != 1)}, {covers}" if plan.searches else "not asked"
    yield Shown(dialect.title, "bold").append(f": {head}", "" if plan.complete else "bold red")
    unit = "bytes" if dialect.in_bytes else "characters"
    for search in plan.searches:
        length = f"{dialect.length(search):>4} of {dialect.max_length} {unit}  "
        yield Shown("  ").append(length, "dim").append(visible(search))
    for note in plan.notes:
        always = note in (dialect.remark, dialect.lang_remark) or note.startswith(f"{dialect.title} also searches ")
        yield Shown("  - " + visible(note), "dim" if always else "")


def _match(query: Query, text: MatchText, places: tuple[Span, ...] | None) -> Iterator[Shown]:
    known = {"lang": text.lang, "source": ", ".join(text.sources), "author": ", ".join(text.authors)}
    read = ", ".join(f"{name} {visible(known[name] or 'unknown')}" for name in sorted(query.fields()))
    yield Shown("The query " + ("matches" if places is not None else "does not match") + (f" ({read})" if read else ""))
    shown = Shown("  ")
    done = 0
    for start, end in places or ():
        shown.append(visible(text.original[done:start]))
        shown.append(visible(text.original[start:end]), "bold underline")
        done = end
    yield shown.append(visible(text.original[done:]))
    for start, end in places or ():
        yield Shown(f"  {start}-{end}  {visible(text.original[start:end])}")
