"""Places in a JSON document, as a mapping names them.

    ticket.id                     names, one inside the other
    comments[0]  comments[-1]     an entry of a list, from the front or the back
    comments[*]                   every entry
    answers[field.ref=nps]        the entries in which a place holds that text, number, true or false
    ["a name.with dots"]          a name as it stands
    $.event.account               from the top of the document, wherever else one stands; $ alone is all of it

A subset of JSONPath (RFC 9535) with shorter filters; written here because all of it would let a settings file do more
than a person reading it expects.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(r"[^\s.\[\]{}$=\"']+")
_QUOTED = re.compile(r"\[\"((?:[^\"\\]|\\.)*)\"\]|\['((?:[^'\\]|\\.)*)'\]")
_INDEX = re.compile(r"\[(-?\d{1,9})\]")
_FILTER = re.compile(r"\[([^\[\]=]+)=\s*([^\[\]]*?)\s*\]")


class PathError(ValueError):
    """A path that does not read; the message begins with the column (1-based)."""

    def __init__(self, problem: str, column: int) -> None:
        super().__init__(f"column {column}: {problem}")


@dataclass(frozen=True, slots=True)
class Key:
    """The value under a name."""

    name: str

    def step(self, value: Any) -> Iterator[Any]:
        """What is there."""
        if isinstance(value, dict) and self.name in value:
            yield value[self.name]


@dataclass(frozen=True, slots=True)
class Index:
    """One entry of a list."""

    number: int

    def step(self, value: Any) -> Iterator[Any]:
        """What is there."""
        if isinstance(value, list) and -len(value) <= self.number < len(value):
            yield value[self.number]


@dataclass(frozen=True, slots=True)
class Every:
    """Each entry of a list."""

    def step(self, value: Any) -> Iterator[Any]:
        """What is there."""
        if isinstance(value, list):
            yield from value


@dataclass(frozen=True, slots=True)
class Where:
    """Each entry of a list in which ``place`` holds ``wanted``."""

    place: "Path"
    wanted: str

    def step(self, value: Any) -> Iterator[Any]:
        """What is there."""
        if isinstance(value, list):
            yield from (entry for entry in value if any(as_text(one) == self.wanted for one in self.place.all(entry)))


Step = Key | Index | Every | Where


@dataclass(frozen=True, slots=True)
class Path:
    """A place or several. ``from_top``: counted from the document and not from where one stands."""

    written: str
    steps: tuple[Step, ...]
    from_top: bool = False

    @property
    def many(self) -> bool:
        """Whether it can lead to more than one value."""
        return any(isinstance(step, Every | Where) for step in self.steps)

    def all(self, here: Any, document: Any = None) -> list[Any]:
        """Every value it leads to, in order; none is an empty list."""
        values: Sequence[Any] = [document if self.from_top else here]
        for step in self.steps:
            values = [found for value in values for found in step.step(value)]
        return list(values)


def parse_path(written: str) -> Path:
    """Raises PathError."""
    text = written.strip()
    shift = len(written) - len(written.lstrip())
    if not text:
        raise PathError("a path is missing", 1)
    steps: list[Step] = []
    at = 0
    from_top = text[0] == "$"
    if from_top:
        at = 1
    first = True
    while at < len(text):
        step, end = _step(text, at, shift, first=first and not from_top)
        steps.append(step)
        at, first = end, False
    return Path(text, tuple(steps), from_top)


def as_text(value: Any) -> str | None:
    """A plain value as it is written; None for lists, objects and nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else None


def _step(text: str, at: int, shift: int, *, first: bool) -> tuple[Step, int]:
    column = at + shift + 1
    if text[at] == "[":
        if text.startswith("[*]", at):
            return Every(), at + 3
        if found := _INDEX.match(text, at):
            return Index(int(found[1])), found.end()
        if found := _QUOTED.match(text, at):
            return Key(re.sub(r"\\(.)", r"\1", found[1] if found[1] is not None else found[2])), found.end()
        if found := _FILTER.match(text, at):
            place = parse_path(found[1])
            if place.from_top:
                raise PathError("inside [...=...] a path starts at the entry; leave the $ out", column + 1)
            return Where(place, found[2].strip("\"'")), found.end()
        raise PathError('after [ write a number, *, a "name" in quotes, or path=value, and then ]', column)
    if not first:
        if text[at] != ".":
            raise PathError(f"{text[at]!r} cannot stand here; names are joined by dots", column)
        at += 1
    found = _NAME.match(text, at)
    if found is None:
        raise PathError(
            'a name is missing; one with dots, spaces or brackets in it is written ["like this"]', at + shift + 1
        )
    return Key(found[0]), found.end()
