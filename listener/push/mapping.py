"""From another system's JSON to items in our form, as a mapping in escucha.yml says.

A field of a mapping is a path (``comment.body``), a text as it stands after ``=`` (``=Lumbra``), a number, true or
false, a template (``{ticket.id}-{comment.id}``), or a list of these, of which the first that gives something is taken.
"""

import re
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from listener.markup import plain_text
from listener.push.paths import Path, PathError, as_text, parse_path

FIELDS = (
    "id", "text", "title", "url", "created_at", "edited_at", "lang", "reach", "reply_to", "repost_of", "quote_of",
    "target", "kind", "deleted", "author.id", "author.handle", "author.name", "author.url", "author.followers",
)  # fmt: skip
GROUPS = ("engagement", "declared")
"""Fields of these are named by the sender's settings: ``declared.nps``."""

_MOMENTS = ("created_at", "edited_at")
_COUNTS = ("reach", "author.followers")
_PROSE = ("text", "title")
_HOLE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that the settings give."""

    value: Any

    def found(self, here: Any, document: Any) -> list[Any]:  # noqa: ARG002
        """It."""
        return [self.value]


@dataclass(frozen=True, slots=True)
class Lookup:
    """What stands at a path. Lists and objects are nothing that a field could hold."""

    path: Path

    def found(self, here: Any, document: Any) -> list[Any]:
        """Its plain values, without what is null or empty."""
        return [one for one in self.path.all(here, document) if isinstance(one, str | int | float) and one != ""]


@dataclass(frozen=True, slots=True)
class Template:
    """Texts and paths in turn; nothing where one of the paths leads to nothing."""

    parts: tuple[str | Path, ...]

    def found(self, here: Any, document: Any) -> list[Any]:
        """The text."""
        texts = [part if isinstance(part, str) else _first(part, here, document) for part in self.parts]
        return ["".join(text for text in texts if text is not None)] if None not in texts else []


@dataclass(frozen=True, slots=True)
class FirstOf:
    """Several ways, of which the first that gives something is taken."""

    ways: tuple["Expression", ...]

    def found(self, here: Any, document: Any) -> list[Any]:
        """What that one gives."""
        return next((values for way in self.ways if (values := way.found(here, document))), [])


Expression = Literal | Lookup | Template | FirstOf


def parse_expression(written: Any) -> Expression:
    """Raises PathError."""
    if isinstance(written, list | tuple):
        if not written:
            raise PathError("the list is empty; name at least one path", 1)
        return FirstOf(tuple(parse_expression(one) for one in written))
    if not isinstance(written, str):
        if isinstance(written, int | float):
            return Literal(written)
        raise PathError("write a path, =text, a {template}, or a list of these", 1)
    if written.startswith("="):
        return Literal(written[1:])
    if "{" not in written and "}" not in written:
        return Lookup(parse_path(written))
    parts: list[str | Path] = []
    end = 0
    for hole in _HOLE.finditer(written):
        parts.append(_plain(written, end, hole.start()))
        try:
            path = parse_path(hole[1])
        except PathError as error:
            raise PathError(f"in {hole[0]}: {error}", hole.start() + 1) from error
        if path.many:
            raise PathError(f"{hole[0]} may lead to several values; a template takes one", hole.start() + 1)
        parts.append(path)
        end = hole.end()
    parts.append(_plain(written, end, len(written)))
    return Template(tuple(part for part in parts if part != ""))


Conditions = list[tuple[Path, set[str | None]]]


def parse_conditions(written: AnyMapping[str, Any]) -> Conditions:
    """Path -> the value, or one of the values, that must stand there. Raises PathError."""
    return [
        (parse_path(path), {as_text(one) for one in (wanted if isinstance(wanted, list | tuple) else [wanted])})
        for path, wanted in written.items()
    ]


def _hold(conditions: Conditions, item: Any, document: Any) -> bool:
    return all(not wanted.isdisjoint(as_text(one) for one in path.all(item, document)) for path, wanted in conditions)


def check_field(name: str) -> str:
    """The name of a field that a mapping may have. Raises ValueError."""
    group, _, rest = name.partition(".")
    if name in FIELDS or (group in GROUPS and rest):
        return name
    raise ValueError(f"no field is called {name!r}; there are: {', '.join(FIELDS)}, engagement.NAME, declared.NAME")


@dataclass(frozen=True, slots=True)
class Mapped:
    """One item in our form, not checked yet; ``where`` tells for each field where in the sender's JSON it is taken."""

    fields: dict[str, Any]
    where: AnyMapping[str, str]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One item of which a field cannot be read: the field, where it is taken from, and why."""

    field: str
    source: str
    why: str


class Mapping:
    """A mapping, compiled once."""

    def __init__(
        self,
        fields: AnyMapping[str, Any],
        *,
        items: str | None = None,
        only: AnyMapping[str, Any] | None = None,
        deleted_when: AnyMapping[str, Any] | None = None,
        scales: AnyMapping[str, Sequence[float]] | None = None,
        time_format: str = "iso",
        timezone: tzinfo | None = None,
        html: bool = False,
    ) -> None:
        """``items``: the path to the items, None = the document is one. ``only``: path -> the value, or one of the
        values, that an item must have there; ``deleted_when`` says so of items that are gone. ``scales``: a declared
        mark -> the ends of its scale. ``time_format``: iso, epoch_s, epoch_ms or a pattern of strptime; ``timezone``
        is for times without one. ``html``: text and title are HTML. Raises PathError or ValueError."""
        self._expressions = {check_field(name): parse_expression(written) for name, written in fields.items()}
        self._where = {name: _written(written) for name, written in fields.items()}
        self._items = parse_path(items) if items is not None else None
        self._only = parse_conditions(only or {})
        self._deleted_when = parse_conditions(deleted_when or {})
        self._scales = dict(scales or {})
        self._time_format = time_format
        self._timezone = timezone
        self._html = html

    def items(self, document: Any) -> list[Any] | None:
        """The items in a document; None where there is no such place in it."""
        if self._items is None:
            return [document]
        found = self._items.all(document, document)
        if not found and not self._items.many:
            return None
        # A path to the list and a path to its entries mean the same.
        return [entry for one in found for entry in (one if isinstance(one, list) else [one])]

    def meant(self, document: Any) -> bool:
        """Whether a document can hold anything that ``only`` asks for: what it asks of the top says so at once."""
        return _hold([(path, wanted) for path, wanted in self._only if path.from_top], document, document)

    def wanted(self, item: Any, document: Any) -> bool:
        """Whether an item has what ``only`` asks for."""
        return _hold(self._only, item, document)

    def read(self, item: Any, document: Any) -> Mapped | Unreadable:
        """One item in our form."""
        fields: dict[str, Any] = {}
        for name, expression in self._expressions.items():
            values = expression.found(item, document)
            if not values:
                continue
            try:
                value = self._value(name, values)
            except (ValueError, OverflowError, OSError) as error:
                return Unreadable(name, self._where[name], str(error)[:300])
            group, _, rest = name.partition(".")
            if rest:
                fields.setdefault(group, {})[rest] = value
            else:
                fields[name] = value
        if self._deleted_when and _hold(self._deleted_when, item, document):
            fields["deleted"] = True
        return Mapped(fields, self._where)

    def _value(self, name: str, values: Sequence[Any]) -> Any:
        group = name.partition(".")[0]
        if name in _PROSE:
            texts = [as_text(value) or "" for value in values]
            return "\n".join(plain_text(text) if self._html else text for text in texts)
        value = values[0]
        if name in _MOMENTS:
            return self._moment(value)
        if name in _COUNTS or group == "engagement":
            return _whole(value)
        if group == "declared":
            ends = self._scales.get(name.partition(".")[2])
            return _number(value) if ends is None else {"value": _number(value), "lowest": ends[0], "highest": ends[1]}
        if name == "deleted":
            return as_text(value) == "true"
        return as_text(value)

    def _moment(self, value: Any) -> str:
        match self._time_format:
            case "iso":
                try:
                    moment = datetime.fromisoformat(str(value))
                except ValueError as error:
                    words = f"{str(value)[:40]!r} is no time in ISO 8601; say how it is written under time_format:"
                    raise ValueError(words) from error
            case "epoch_s":
                moment = datetime.fromtimestamp(_number(value), UTC)
            case "epoch_ms":
                moment = datetime.fromtimestamp(_number(value) / 1000, UTC)
            case pattern:
                moment = datetime.strptime(str(value), pattern)  # noqa: DTZ007 - the zone follows
        if moment.tzinfo is None:
            if self._timezone is None:
                raise ValueError("the time has no time zone; name the sender's under timezone:")
            moment = moment.replace(tzinfo=self._timezone)
        return moment.isoformat()


def _plain(written: str, start: int, end: int) -> str:
    piece = written[start:end]
    for column, char in enumerate(piece, start=start + 1):
        if char in "{}":
            raise PathError("a { and its } belong together, with a path between them", column)
    return piece


def _first(path: Path, here: Any, document: Any) -> str | None:
    return next((text for one in path.all(here, document) if (text := as_text(one))), None)


def _number(value: Any) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise ValueError("is no number") from error


def _whole(value: Any) -> int:
    number = _number(value)
    if not number.is_integer():
        raise ValueError("is no whole number")
    return int(number)


def _written(written: Any) -> str:
    return " or ".join(_written(one) for one in written) if isinstance(written, list | tuple) else str(written)
