"""``escucha score``: rows in, the same rows with scores out; no database."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from api.cli.files import writing
from api.cli.output import Failure, progress
from api.cli.setup import prepare
from api.terminal import json_text
from api.wiring import open_scorer
from sentiment.errors import BadRow
from sentiment.rows import score_rows


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("score")(score_file)


def score_file(
    source: Annotated[Path, typer.Option("--input", "-i", help="JSONL with `text` and optional `target` and `lang`.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the scored rows go, in the same order.")],
    model: Annotated[
        str | None, typer.Option(help="A model folder or Hugging Face id.  [setting: ESCUCHA_MODEL]")
    ] = None,
) -> None:
    """Score rows: adds polarity, stance, label, unsure, emotions, irony, offensive, complaint, relevance, model and
    revision.

    Stance is inferred from the text toward `target`; without a target, stance and label are null. The output appears
    when all rows are scored: a file that is there is whole. A pipe or device is written as it goes. Empty lines are
    passed over.
    """
    settings = prepare(**({"model": model} if model else {}))
    if not source.is_file():
        raise Failure(f"there is no file {source}")
    with writing(output) as out:
        scorer = open_scorer(settings)
        with progress() as bars:
            task = bars.add_task("scoring", total=_lines(source))
            for number, row in score_rows(scorer, _rows(source)):
                out.write(_line(number, row) + "\n")
                bars.update(task, completed=number)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                row = json.loads(text, parse_int=_whole, parse_constant=_refuse)
            except UnicodeDecodeError as error:
                raise BadRow(number, "not UTF-8 text; save the file as UTF-8") from error
            except json.JSONDecodeError as error:
                raise BadRow(
                    number, f"not JSON ({error.msg} at column {error.colno}); write one object a line"
                ) from error
            except ValueError as error:
                raise BadRow(number, f"it cannot be read ({error})") from error
            except RecursionError as error:
                raise BadRow(number, "it is nested too deeply to be read") from error
            if not isinstance(row, dict):
                raise BadRow(number, 'not a JSON object; write rows such as {"text": "..."}')
            yield number, row


def _whole(digits: str) -> int:
    try:
        return int(digits)
    except ValueError as error:
        raise ValueError(f"a number of {len(digits):,} digits") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON; write null")


def _line(number: int, row: dict[str, object]) -> str:
    try:
        return json_text(row, allow_nan=False)
    except ValueError as error:
        raise BadRow(number, "a number in it is too large to be written as JSON") from error
    except RecursionError as error:
        raise BadRow(number, "it is nested too deeply to be written") from error


def _lines(path: Path) -> int:
    with path.open("rb") as lines:
        return sum(1 for _ in lines)
