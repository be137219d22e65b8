"""``escucha explain``: which words moved a score."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text as Shown

from alerts.text import shorten, visible
from api.cli.output import Failure
from api.cli.setup import prepare
from api.terminal import json_text
from api.wiring import install, open_scorer
from listener import clock
from listener.config import Settings
from listener.configfile import ConfigFile
from listener.store import read
from sentiment.explain import Evidence, Explanation
from sentiment.language import identify
from sentiment.scorer import Score, Text
from sentiment.windows import Span

MARKED = 8
"""Words that are marked in the text and listed below it."""

_LEAST_SHARE = 0.02  # of all effects; what is weaker is neither marked nor coloured
_LONGEST_WORDS = 60  # characters of a stretch in the list


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain")(explain)


def explain(
    text: Annotated[
        str | None, typer.Argument(help="The text; - reads it from standard input.", show_default=False)
    ] = None,
    brand: Annotated[
        str | None, typer.Option("--brand", "-b", help="Toward whom; without it the polarity is explained.")
    ] = None,
    lang: Annotated[str | None, typer.Option(help="The language (en, es, ...); identified when absent.")] = None,
    mention: Annotated[
        int | None, typer.Option(help="A stored mention, by its id in /api/v1/mentions, instead of a text.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="A model folder or Hugging Face id.  [setting: ESCUCHA_MODEL]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, with the places of the words.")] = False,
) -> None:
    """Show which words moved a score: the text with its words' effects, the probabilities and the model.

    The effect of a word is how far the stance toward the brand moves when that word is left out: in steps, of which
    there are five from -2 to 2. Without a brand it is the polarity, from -1 to 1. Other words in the place of one that
    was left out might have done the same: this is what the model made of the text, not what the author meant.
    """
    settings = prepare(**({"model": model} if model else {}))
    if mention is None:
        asked, stored = Text(_given(text), brand, lang), None
    elif text is not None or brand is not None or lang is not None:
        raise typer.BadParameter("it brings its text, brand and language along", param_hint="--mention")
    else:
        asked, stored = _stored(settings, mention)
    scorer = open_scorer(settings)
    # Finding out the language loads a model of its own the first time, which is not what the time is about.
    asked = replace(asked, lang=asked.lang or identify(asked.text))
    begun = clock.monotonic()
    found = scorer.explain(asked)
    took = clock.monotonic() - begun
    if as_json:
        sys.stdout.write(_json(found, stored) + "\n")
    else:
        _show(found, stored, took)


@dataclass(frozen=True, slots=True)
class _Stored:
    """The score that is kept beside a mention, if it has one."""

    mention: int
    label: str | None
    model: str | None
    revision: str | None


def _given(text: str | None) -> str:
    if text == "-":
        try:
            text = sys.stdin.buffer.read().decode("utf-8-sig").removesuffix("\n")
        except UnicodeDecodeError as error:
            raise Failure("standard input is not UTF-8 text") from error
    if text is None or not text.strip():
        raise typer.BadParameter("there is no text; give one in quotes, - for standard input, or --mention ID")
    return text


def _stored(settings: Settings, mention: int) -> tuple[Text, _Stored]:
    with install(settings, ConfigFile(), sending=False) as installation, installation.store.reading() as session:
        rows = read.mentions(session, pair=mention, limit=1) if 0 < mention < 2**63 - 1 else []
    if not rows:
        raise Failure(f"there is no mention {mention}; /api/v1/mentions and the page show the ids of those there are")
    row = rows[0]
    spans = tuple((start, end) for start, end in row["spans"])
    text = Text(row["text"], row["brand"], row["lang"], spans)
    return text, _Stored(mention, row["label"], row["model"], row["revision"])


def _json(found: Explanation, stored: _Stored | None) -> str:
    row = found.as_dict()
    if stored:
        row["stored"] = {
            "mention": stored.mention, "label": stored.label, "model": stored.model, "revision": stored.revision
        }  # fmt: skip
    return json_text(row, allow_nan=False)


def _show(found: Explanation, stored: _Stored | None, took: float) -> None:
    console = Console(highlight=False)
    strongest = [span for span in found.strongest(MARKED) if span.share >= _LEAST_SHARE]
    console.print(_marked(found, strongest), soft_wrap=True)
    console.print()
    if strongest:
        console.print(_table(strongest))
        console.print()
    for line in [*_lines(found, took), *(_beside(found.score, stored) if stored else ())]:
        # Names of brands and models are foreign text too.
        console.print(Shown(visible(line)), soft_wrap=True)


def _marked(found: Explanation, strongest: Sequence[Evidence]) -> Shown:
    """The text, what would act on a terminal written out: words coloured, the strongest with their effects."""
    shown = Shown()
    marked = {span.start: f"[{span.effect:+.2f}]" for span in strongest}
    styled: list[tuple[Span, str, str]] = [
        ((span.start, span.end), _style(span), marked.get(span.start, "")) for span in found.spans
    ]
    styled += [(span, "bold underline", "[brand]") for span in found.brand]
    done = 0
    for (start, end), style, mark in sorted(styled):
        shown.append_text(_plain(found, done, start))
        shown.append(visible(found.text[start:end]), style)
        shown.append(mark, "dim")
        done = end
    return shown.append_text(_plain(found, done, len(found.text)))


def _plain(found: Explanation, start: int, end: int) -> Shown:
    """A part of the text without evidence; dim where the model did not read it."""
    shown = Shown()
    for first, last in found.read:
        if first < end and last > start:
            shown.append(visible(found.text[start : max(start, first)]), "dim")
            shown.append(visible(found.text[max(start, first) : min(end, last)]))
            start = min(end, last)
    return shown.append(visible(found.text[start:end]), "dim")


def _style(span: Evidence) -> str:
    if span.share < _LEAST_SHARE:
        return ""
    colour = "green" if span.effect > 0 else "red"
    return f"bold {colour}" if span.share >= 5 * _LEAST_SHARE else colour


def _table(strongest: Sequence[Evidence]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("effect", justify="right")
    table.add_column("share", justify="right")
    table.add_column("words")
    for span in strongest:
        words = Shown(shorten(visible(span.text), _LONGEST_WORDS))
        table.add_row(Shown(f"{span.effect:+.2f}", _style(span)), f"{span.share:.0%}", words)
    return table


def _lines(found: Explanation, took: float) -> Iterator[str]:
    score = found.score
    if not found.read:
        yield "There is nothing in the text to read, which is neutral by definition."
    if found.target and not found.brand:
        yield f"{found.target} is not found in the text; the model was told of it all the same."
    unread = len(found.text.strip()) - sum(end - start for start, end in found.read)
    if found.read and unread:
        yield f"The text is long: {unread:,} of its {len(found.text):,} characters were not read."
    about, most = (f"stance toward {found.target}", 2) if found.measure == "stance" else ("polarity", 1)
    kept = "only the brand" if found.brand else "nothing"
    yield f"{about}: {found.value:+.2f} of -{most} to {most}; with {kept} left of the text, {found.baseline:+.2f}"
    if score.label:
        yield f"label: {score.label} (inferred)" + (", but the model is unsure" if score.unsure else "")
    elif score.unsure:
        yield "the model is unsure"
    if score.stance:
        yield f"stance: {_chances(score.stance)}"
    yield f"polarity: {_chances(score.polarity)}"
    if score.emotions:
        yield f"emotions: {_chances(score.emotions)}"
    rest = {name: getattr(score, name) for name in ("irony", "offensive", "complaint", "relevance")}
    if known := {name: chance for name, chance in rest.items() if chance is not None}:
        yield _chances(known)
    yield f"{score.model}, revision {score.revision}; language {score.lang}; explained in {took:.2f} s"


def _beside(score: Score, stored: _Stored) -> Iterator[str]:
    """How this relates to the score in the database."""
    if stored.revision is None:
        yield f"Mention {stored.mention} has no score in the database yet."
    elif (stored.model, stored.revision) != (score.model, score.revision):
        yield (
            f"The score in the database, {stored.label or 'no label'}, is by {stored.model}, revision "
            f"{stored.revision}: another one than explained here."
        )
    else:
        yield f"The score in the database, {stored.label or 'no label'}, is by the same model and revision."


def _chances(chances: dict[str, Any]) -> str:
    return ", ".join(f"{name} {chance:.0%}" for name, chance in chances.items())
