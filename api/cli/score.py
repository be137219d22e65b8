"""``escucha score``: rows in, the same rows with scores out; no database."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from api.cli.output import Failure, progress
from api.cli.setup import prepare
from sentiment.errors import BadRow
from sentiment.rows import score_rows
from sentiment.scorer import Scorer


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
    """Score rows: adds polarity, stance, label, emotions, irony, offensive, complaint, relevance, model and revision.

    Stance is inferred from the text toward `target`; without a target, stance and label are null. The output appears
    when all rows are scored: a file that is there is whole.
    """
    settings = prepare(**({"model": model} if model else {}))
    if not source.is_file():
        raise Failure(f"there is no file {source}")
    scorer = Scorer.open(
        settings.model, revision=settings.model_revision, threads=settings.threads, batch_size=settings.batch_size
    )
    descriptor, name = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}.")
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out, progress() as bars:
            task = bars.add_task("scoring", total=_lines(source))
            for row in score_rows(scorer, _rows(source)):
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
                bars.advance(task)
        partial.chmod(0o666 & ~_umask())
        partial.replace(output)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _rows(path: Path) -> Iterator[dict[str, object]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except UnicodeDecodeError as error:
                raise BadRow(number, "not UTF-8 text; save the file as UTF-8") from error
            except json.JSONDecodeError as error:
                raise BadRow(
                    number, f"not JSON ({error.msg} at column {error.colno}); write one object a line"
                ) from error
            if not isinstance(row, dict):
                raise BadRow(number, 'not a JSON object; write rows such as {"text": "..."}')
            yield row


def _lines(path: Path) -> int:
    with path.open("rb") as lines:
        return sum(1 for _ in lines)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
