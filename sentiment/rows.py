"""The contract of `escucha score`: objects with a `text` in, the same objects with scores out."""

from collections.abc import Iterable, Iterator
from typing import Any

from sentiment.errors import BadRow
from sentiment.scorer import Scorer, Text

CHUNK = 2048  # rows in memory at a time: several of the scorer's chunks, so that it can read ahead
CHARACTERS = 4_000_000  # of their texts, roughly: a few very long ones are enough


Numbered = tuple[int, dict[str, Any]]
"""A row and the number of its line."""


def score_rows(scorer: Scorer, rows: Iterable[Numbered]) -> Iterator[Numbered]:
    """Each row with its scores, in order, everything else in it untouched.

    Read are `text` and, where present, `target` and `lang`. Added are polarity, stance, label, unsure, emotions,
    irony, offensive, complaint, relevance, model and revision, and `lang` where the row had none. Raises BadRow at the
    first row that cannot be read; the rows before it are still yielded.
    """
    for chunk in _chunks(rows):
        texts: list[Text] = []
        problem: BadRow | None = None
        for line, row in chunk:
            try:
                texts.append(parse(line, row))
            except BadRow as error:
                problem = error
                break
        for (line, row), score in zip(chunk, scorer.score(texts), strict=False):
            yield line, {**row, **score.as_dict(), "lang": row.get("lang") or score.lang}
        if problem:
            raise problem


def _chunks(rows: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    """Consecutive rows, as many as are kept in memory together."""
    chunk: list[Numbered] = []
    characters = 0
    for line, row in rows:
        chunk.append((line, row))
        text = row.get("text") if isinstance(row, dict) else None
        characters += len(text) if isinstance(text, str) else 0
        if len(chunk) == CHUNK or characters >= CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def parse(line: int, row: Any) -> Text:
    """One row to what is scored. Raises BadRow with what to correct."""
    if not isinstance(row, dict):
        raise BadRow(line, f"a row must be an object with a text, this is {_kind(row)}")
    if "text" not in row:
        raise BadRow(line, f"there is no field text; the fields are: {', '.join(map(str, row)) or 'none'}")
    if not isinstance(row["text"], str):
        raise BadRow(line, f"text must be a string, this is {_kind(row['text'])}")
    for name in ("target", "lang"):
        if row.get(name) is not None and not isinstance(row[name], str):
            raise BadRow(line, f"{name} must be a string or absent, this is {_kind(row[name])}")
    return Text(row["text"], row.get("target") or None, row.get("lang") or None)


def _kind(value: object) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "a string",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return "null" if value is None else names.get(type(value), type(value).__name__)
