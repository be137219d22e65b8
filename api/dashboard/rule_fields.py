"""A rule's settings as the fields of a form, made from the rule itself, and read back again."""

import dataclasses
import json
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from alerts.registry import RULES
from alerts.text import one_line, shorten
from api.dashboard.rule_words import SETTINGS, SettingWords
from listener.rules_in_force import written

FIRST = (
    "min_probability", "labels", "topics", "sensitivity", "at_least", "after", "min_complaint", "questions",
    "min_followers", "min_reach", "growth", "tell_at", "tell_reach", "critical_reach", "severity", "when",
)  # fmt: skip
"""What people change; the rest is shown on demand."""


@dataclass(frozen=True, slots=True)
class Field:
    """One setting of a form. ``kind``: percent, number, whole, text, check, choice, choices or lines.

    ``value``: as it is filled in, a list for ``choices``; ``default``: the rule's own, in the same way.
    """

    name: str
    kind: str
    words: SettingWords
    value: Any
    default: Any
    options: tuple[str, ...] = ()
    first: bool = False

    @property
    def changed(self) -> bool:
        """Whether it is not the rule's own default."""
        return bool(self.value != self.default)


def fields(rule: str, settings: Mapping[str, Any]) -> list[Field]:
    """The form of a rule whose settings are these, as escucha.yml has them; what people change most comes first."""
    shape = RULES[rule].settings
    hints = get_type_hints(shape)
    default = written(rule, shape())
    found = []
    for one in dataclasses.fields(shape):
        kind, options = _kind(one.name, hints[one.name])
        found.append(
            Field(
                one.name, kind, SETTINGS[one.name], _filled(kind, settings.get(one.name, default[one.name])),
                _filled(kind, default[one.name]), options, one.name in FIRST,
            )
        )  # fmt: skip
    return sorted(found, key=lambda field: FIRST.index(field.name) if field.first else len(FIRST))


def sent_again(known: Sequence[Field], sent: Mapping[str, Sequence[str]]) -> list[Field]:
    """The same form with what somebody filled in, whether it can be read or not."""
    found = []
    for field in known:
        said = list(sent.get(field.name, ()))
        value: Any = (
            sorted(said) if field.kind == "choices" else bool(said) if field.kind == "check" else (said or [""])[0]
        )
        found.append(dataclasses.replace(field, value=value))
    return found


def read(known: Sequence[Field], sent: Mapping[str, Sequence[str]]) -> tuple[dict[str, Any], dict[str, str]]:
    """What a form says, as escucha.yml would, those settings alone that are not the rule's own; and what is no value at
    all, by the field. Whether the values are any good the rule says."""
    settings: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for field in sent_again(known, sent):
        try:
            value = _read(field)
        except ValueError as error:
            wrong[field.name] = str(error)
            continue
        if json.dumps(value, default=str) != json.dumps(_read_default(field), default=str):
            settings[field.name] = value
    return settings, wrong


def _kind(name: str, hint: Any) -> tuple[str, tuple[str, ...]]:
    leaf, several = _leaf(hint)
    if leaf is bool:
        return "check", ()
    if get_origin(leaf) is Literal:
        return ("choices" if several else "choice"), tuple(get_args(leaf))
    if isinstance(leaf, type) and issubclass(leaf, Enum):
        return ("choices" if several else "choice"), tuple(str(one.value) for one in leaf)
    if leaf is float:
        return ("percent" if name in _SHARES else "number"), ()
    if leaf is int:
        return ("text" if several else "whole"), ()
    return ("lines" if (get_origin(hint) is not None and leaf is not str) or several else "text"), ()


_LONGEST = 300

_SHARES = frozenset({"min_probability", "min_complaint"})


def _leaf(hint: Any) -> tuple[Any, bool]:
    """What an annotation holds, and whether it may hold several."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _leaf(next(part for part in get_args(hint) if part is not type(None)))
    if origin in (tuple, frozenset):
        return get_args(hint)[0], True
    if origin is not None and origin is not Literal:
        return hint, True
    return hint, False


def _filled(kind: str, value: Any) -> Any:
    """A setting as it stands in a form."""
    if kind == "check":
        return bool(value)
    if kind == "choices":
        return sorted(map(str, value))
    if value is None:
        return ""
    if kind == "percent":
        return f"{100 * value:g}" if isinstance(value, int | float) else str(value)
    if kind == "lines":
        return yaml.safe_dump(value, allow_unicode=True, default_flow_style=None).strip() if value else ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _read_default(field: Field) -> Any:
    return _read(dataclasses.replace(field, value=field.default))


def _read(field: Field) -> Any:
    """A value as escucha.yml would have it. Raises ValueError in words."""
    if field.kind in ("check", "choices"):
        return field.value
    said = str(field.value).strip()
    if field.kind in ("text", "choice"):
        return _read_text(field, said)
    if field.kind == "lines":
        return _read_lines(said, field.default)
    if not said:
        return None
    try:
        number = float(said.replace(",", ".")) if field.kind != "whole" else int(said.replace(" ", ""))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{said[:40]!r} is no number") from error
    if field.kind != "percent":
        return number
    if not 0 <= number <= 100:
        raise ValueError(f"a probability is from 0 to 100 %; got {said[:40]} %")
    return round(number / 100, 6)


def _read_text(field: Field, said: str) -> Any:
    if field.name == "grow_at":
        parts = [part.strip() for part in said.split(",") if part.strip()]
        if not all(part.isascii() and part.isdigit() and len(part) < 12 for part in parts):
            raise ValueError(f"numbers with commas between, such as 5, 25, 100; got {said[:40]!r}")
        return [int(part) for part in parts]
    return said or None if field.name == "when" else said


def _read_lines(said: str, default: str) -> Any:
    try:
        # What refers to itself can be read, and grows without end where it is written.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(said, yaml.SafeLoader)):
            raise ValueError("no & and * here: write everything out")
        found = yaml.safe_load(said) if said else None
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError("this cannot be read; write it as the example shows") from error
    if found is None:
        return [] if default.startswith("-") else {}
    return found


def shown(value: Any) -> str:
    """A value on one line, for people to compare."""
    return shorten(one_line(_plain(value)), _LONGEST) or "–"


def outlined(rule: str, settings: Mapping[str, Any]) -> list[Field]:
    """Those of a rule's fields that settings, as escucha.yml has them, give a value."""
    return [one for one in fields(rule, settings) if one.name in settings and one.value != ""]


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_plain(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return str(value)


def differences(known: Sequence[Field], others: Sequence[Field]) -> Iterator[tuple[Field, Field]]:
    """The fields in which two forms of one rule differ."""
    theirs = {field.name: field for field in others}
    return ((field, theirs[field.name]) for field in known if field.value != theirs[field.name].value)
