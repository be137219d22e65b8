"""From a labelled row to what is scored and what is true. Every ValueError says what to correct in that row."""

from collections.abc import Mapping
from typing import Any

from sentiment.errors import BadRow
from sentiment.labels import POLARITY
from sentiment.rows import parse
from sentiment.scorer import Text
from sentiment.text import normalise

Row = Mapping[str, Any]


def text(row: Row) -> Text:
    """The text alone, in its language. Raises ValueError."""
    found = about(row)
    return Text(found.text, None, found.lang)


def text_and_target(row: Row) -> Text:
    """The text toward its target, which must be named. Raises ValueError."""
    found = about(row)
    # Of a sign or of unseen characters alone the scorer reads no name: it would answer as if nobody had asked.
    if not found.target or not normalise(found.target[:200].strip().lstrip("@#")):
        raise ValueError("there is no target; name what the text is about")
    return found


def about(row: Row) -> Text:
    """The text, toward its target where it names one. Raises ValueError."""
    try:
        found = parse(0, dict(row))
    except BadRow as error:
        raise ValueError(str(error).removeprefix("line 0: ")) from error
    if not found.text.strip():
        raise ValueError("the text is empty")
    return found


def tone(row: Row) -> int:
    """The place of the row's label among negative, neutral and positive. Raises ValueError."""
    label = row.get("label")
    if label not in POLARITY:
        raise ValueError(f"the label must be {', '.join(POLARITY)}, not {shown(label)}")
    return POLARITY.index(label)


def step(row: Row, most: int = 2) -> int:
    """The row's label, a whole number from -most to most. Raises ValueError."""
    label = row.get("label")
    if isinstance(label, bool) or not isinstance(label, int) or abs(label) > most:
        raise ValueError(f"the label must be a whole number from {-most} to {most}, not {shown(label)}")
    return label


def yes(row: Row) -> int:
    """The row's label, 0 or 1. Raises ValueError."""
    label = row.get("label")
    if label not in (0, 1):
        raise ValueError(f"the label must be 0 or 1, not {shown(label)}")
    return int(label)


def mark(row: Row) -> float:
    """The row's score, 0 to 10. Raises ValueError."""
    score = row.get("score")
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 10:
        raise ValueError(f"the score must be a number from 0 to 10, not {shown(score)}")
    return float(score)


def names(row: Row) -> frozenset[str]:
    """The row's labels, a list of names that may be empty. Raises ValueError."""
    labels = row.get("labels")
    if not isinstance(labels, list) or not all(isinstance(label, str) and label for label in labels):
        raise ValueError(f"labels must be a list of names, not {shown(labels)}")
    return frozenset(labels)


def name(row: Row, field: str) -> str:
    """What a field names, as text. Raises ValueError."""
    value = row.get(field)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ValueError(f"{field} must be a name or a number, not {shown(value)}")
    return str(value)


def shown(value: object) -> str:
    """A value as it may stand in a message: short, on one line."""
    if value is None:
        return "nothing"
    said = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return said if len(said) <= 60 else f"{said[:57]}..."
