"""What pydantic finds wrong with a configuration, in words for people: one translator for all settings and options.

The values stay out of the words, because some of them are secrets; only our own checks quote what they know is none.
"""

import dataclasses
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, ValidationError

Place = tuple[str | int, ...]

_BAD_KEY = "[key]"
"""The step that pydantic adds where not a value is wrong but the name it stands under."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `place` leads to it, by names and by numbers of entries from 0; `name` is what is wrong there.

    `name` is empty where the words name it themselves.
    """

    place: Place
    name: str
    words: str

    def __str__(self) -> str:
        """On one line, without the place."""
        return f"{self.name}: {self.words}" if self.name else self.words


@dataclass(frozen=True, slots=True)
class _Field:
    shape: Any
    description: str | None = None


def problems(error: ValidationError, shape: Any) -> list[Problem]:
    """All that is wrong, in pydantic's order. `shape` is the class that was to be read: it says what there might be."""
    return [
        _problem(finding["loc"], finding["type"], finding["msg"], shape)
        for finding in error.errors(include_url=False, include_input=False, include_context=False)
        # `false`, the other thing that a rule's settings may be, is not what somebody meant who wrote settings.
        if not str(finding["loc"][-1] if finding["loc"] else "").startswith("literal[")
    ]


def in_words(error: ValidationError, shape: Any) -> str:
    """The same on one line."""
    return "; ".join(str(problem) for problem in problems(error, shape))


def hint(name: str, names: Iterable[str]) -> str:
    """The likeliest of the names that somebody may have meant, or else all of them."""
    known = list(names)
    near = difflib.get_close_matches(name.lower(), known, n=1)
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none'}"


def _problem(loc: Place, kind: str, message: str, shape: Any) -> Problem:
    place, beside = _walk(loc, shape)
    last = place[-1] if place else ""
    name = str(last)
    if isinstance(last, int):
        name = f"entry {last + 1} of {place[-2]}" if len(place) > 1 else f"entry {last + 1}"
    match kind:
        case "extra_forbidden" | "unexpected_keyword_argument":
            return Problem(place, "", f"nothing here is called {name!r}; {hint(name, beside)}")
        case "missing":
            described = beside[name].description if name in beside else None
            return Problem(place, "", f"{name!r} is missing" + (f": {described}" if described else ""))
        case "tuple_type" | "list_type" | "set_type" | "frozen_set_type":
            words = "write a list here, each entry on a line of its own after a -"
        case "model_type" | "dataclass_type" | "dict_type":
            words = "write settings here, each on a line of its own as name: value"
        case "time_delta_type":
            words = "a length of time looks like 90s, 30m, 4h, 1d or 1h30m"
        case "invalid_key":
            # An entry's number and a number used as a name look alike.
            return Problem(place, str(last), "names are text; write it in quotes if it is meant")
        case "value_error":
            # Our own words; said of a whole entry, they name what is wrong in it.
            return Problem(place, "" if isinstance(last, int) else name, message.removeprefix("Value error, "))
        case _:
            words = re.sub(r"^(?:Input|String|Value) should ", "must ", message)
    if loc[-1:] == (_BAD_KEY,):
        return Problem(place, str(place[-2]) if len(place) > 1 else "", f"{name!r} is no name for this: it {words}")
    return Problem(place, name, words)


def _walk(loc: Place, shape: Any) -> tuple[Place, Mapping[str, _Field]]:
    """The place in the configuration, without pydantic's own steps, and what may stand where it leads."""
    place: list[str | int] = []
    beside: Mapping[str, _Field] = {}
    for step in loc:
        # Where several things may stand, pydantic names the one it tried.
        if step == _BAD_KEY or step in {getattr(leaf, "__name__", None) for leaf in _leaves(shape)}:
            continue
        beside = _fields(shape)
        place.append(step)
        if step in beside:
            shape = beside[str(step)].shape
    return tuple(place), beside


def _leaves(shape: Any) -> Iterator[Any]:
    """What an annotation is made of, out of the lists, unions and the like that hold it."""
    inner = get_args(shape)
    if not inner:
        yield shape
    for part in inner:
        yield from _leaves(part)


def _fields(shape: Any) -> dict[str, _Field]:
    fields: dict[str, _Field] = {}
    for leaf in _leaves(shape):
        if isinstance(leaf, type) and issubclass(leaf, BaseModel):
            # By the name under which it is written.
            fields |= {
                field.alias or name: _Field(field.annotation, field.description)
                for name, field in leaf.model_fields.items()
            }
        elif isinstance(leaf, type) and dataclasses.is_dataclass(leaf):
            hints = get_type_hints(leaf)
            fields |= {field.name: _Field(hints[field.name]) for field in dataclasses.fields(leaf)}
    return fields
