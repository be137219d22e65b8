"""``escucha evaluate``: how right a model is on labelled data."""

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text as Shown

from alerts.text import visible
from api.cli.files import writing
from api.cli.output import Failure, progress, say
from api.cli.setup import prepare
from api.wiring import open_scorer
from listener import clock
from sentiment.evaluation.choices import Sampling
from sentiment.evaluation.reading import DataUnusable, find
from sentiment.evaluation.report import headline, markdown
from sentiment.evaluation.results import Evaluation, FileResult
from sentiment.evaluation.running import BENCHMARKS, TASKS, evaluate_file

COLUMNS = ("file", "rows", "measure", "value", "baseline", "ECE")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate")(evaluate)


def evaluate(
    data: Annotated[
        Path | None,
        typer.Option(
            help="A folder with TASK/SOURCE.SPLIT.jsonl files, or a labelled CSV or JSONL; by default the pairs that "
            "come with Escucha."
        ),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Where a Markdown report goes, its charts beside it.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Where all figures go as JSON.")] = None,
    split: Annotated[str, typer.Option(help="Which files of a folder: dev, test, ...")] = "dev",
    task: Annotated[
        list[str] | None, typer.Option(help=f"Only this task ({', '.join(TASKS)}); may be repeated.")
    ] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only this source; may be repeated.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many rows of a file, evenly taken.")] = None,
    resamples: Annotated[int, typer.Option(min=0, help="Bootstrap resamples for the intervals; 0 for none.")] = 1000,
    seed: Annotated[int, typer.Option(help="What the resamples are drawn from.")] = 1,
    model: Annotated[
        str | None, typer.Option(help="A model folder or Hugging Face id.  [setting: ESCUCHA_MODEL]")
    ] = None,
) -> None:
    """Measure a model on labelled data: F1, recall, calibration, shares per brand, with intervals and a baseline.

    A team's own CSV has columns text and label (negative, neutral, positive; -2 to 2; promoter, passive, detractor) or
    score (0 to 10), and may have target and lang. docs/evaluation.md says what is measured and how. Exit status 1 when
    rows had to be left out: everything else is measured and written all the same.
    """
    settings = prepare(**({"model": model} if model else {}))
    if unknown := [name for name in task or [] if name not in TASKS]:
        raise typer.BadParameter(f"there is no task {unknown[0]}; there are {', '.join(TASKS)}", param_hint="--task")
    for output in (report, json_file):
        if output and not output.parent.is_dir():
            raise Failure(f"there is no folder {output.parent} for {output.name}; make it first")
        if output and output.is_dir():
            raise Failure(f"{output} is a folder; name a file in it")
    try:
        datasets, skipped = find(data or BENCHMARKS, split=split, tasks=task or (), sources=source or (), limit=limit)
    except DataUnusable as error:
        raise Failure(str(error)) from error
    scorer = open_scorer(settings)
    sampling = Sampling(resamples=resamples, seed=seed)
    files: list[FileResult] = []
    with progress() as bars:
        for dataset in datasets:
            bar = bars.add_task(visible(dataset.file), total=min(dataset.rows, limit or dataset.rows))
            files.append(evaluate_file(scorer, dataset, sampling, lambda many, bar=bar: bars.advance(bar, many)))  # type: ignore[misc]
    found = Evaluation(
        model=scorer.model,
        revision=scorer.revision,
        escucha=version("escucha"),
        date=clock.now(),
        settings={
            "data": str(data) if data else "bundled",
            "split": split,
            "limit": limit,
            "resamples": resamples,
            "seed": seed,
            "level": sampling.level,
        },
        files=tuple(files),
        skipped=tuple(skipped),
    )
    if json_file:
        with writing(json_file) as out:
            # As ASCII: data may hold half a surrogate pair, which is fine as an escape and impossible as UTF-8.
            out.write(json.dumps(found.as_dict(), allow_nan=False, indent=1) + "\n")
    if report:
        _write_report(report, found)
    _show(found)
    if found.broken:
        raise Failure(f"{found.broken:,} rows were left out; {_first_broken(found)}")


def _write_report(report: Path, found: Evaluation) -> None:
    """The report and its charts, in a folder beside it that is named after it."""
    from sentiment.evaluation.charts import draw  # loads a renderer, which only this needs

    folder = report.with_name(f"{report.stem}-charts")
    addresses: dict[str, str] = {}
    with progress() as bars:
        bar = bars.add_task("charts", total=len(found.files))
        for file in found.files:
            if file.figures and (drawn := draw(file.figures, file.file)):
                try:
                    folder.mkdir(exist_ok=True)
                except OSError as error:
                    raise Failure(f"{folder} cannot be made: {error.strerror or error}") from error
                name = re.sub(r"[^\w.-]+", "-", f"{file.task}-{file.source}") + ".svg"
                with writing(folder / name) as out:
                    out.write(drawn)
                addresses[file.file] = f"{_linked(folder.name)}/{_linked(name)}"
            bars.advance(bar)
    with writing(report) as out:
        out.write(markdown(found, lambda file: addresses.get(file.file)))


def _linked(name: str) -> str:
    """A file name as Markdown takes it in an address."""
    return quote(name, safe="")


def _show(found: Evaluation) -> None:
    table = Table(*COLUMNS, title=f"{visible(found.model)}, revision {visible(found.revision)}", title_justify="left")
    table.columns[0].overflow = "fold"
    for column in table.columns[3:]:
        column.justify, column.no_wrap = "right", True
    for file in found.files:
        line = headline(file)
        table.add_row(*(Shown(visible(line.get(column, ""))) for column in COLUMNS))
    Console(highlight=False).print(table)
    for note in found.skipped:
        say(f"passed over: {visible(note)}")


def _first_broken(found: Evaluation) -> str:
    file = next(file for file in found.files if file.broken)
    broken = file.first_broken[0]
    return f"the first is {visible(file.file)}, line {broken.line}: {visible(broken.why)}"
