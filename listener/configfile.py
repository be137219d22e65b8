"""escucha.yml: brands, sources and channels, validated with the line and column of what is wrong."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from alerts.durations import Duration
from alerts.registry import CHANNELS
from alerts.rules.detractor import DetractorSettings
from listener.config import ConfigError, with_secrets
from listener.query import QueryError, parse
from listener.registry import SOURCES


class _Loader(yaml.SafeLoader):
    """Leaves dates as text: whatever wants one reads it, and text can be stored."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, shape) for tag, shape in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class Strict(BaseModel):
    """A part of the file: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Alerting(Strict):
    """The rules of one brand; ``false`` switches a rule off."""

    detractor: DetractorSettings | Literal[False] = DetractorSettings()


class BrandEntry(Strict):
    """A brand. Without a query its name is looked for as a phrase."""

    name: str = Field(min_length=1)
    query: str = ""
    role: Literal["own", "competitor"] = "own"
    alerts: Alerting | None = None
    channels: tuple[str, ...] | None = None

    @field_validator("query")
    @classmethod
    def _parses(cls, value: str) -> str:
        if value:
            try:
                parse(value)
            except QueryError as error:
                raise ValueError(f"the query does not read: {error}") from error
        return value

    @model_validator(mode="after")
    def _can_be_looked_for(self) -> Self:
        if not self.query:
            try:
                parse(self.effective_query)
            except QueryError as error:
                raise ValueError(f"the name {self.name!r} cannot be looked for as it stands; add a query") from error
        return self

    @property
    def effective_query(self) -> str:
        """What is looked for."""
        return self.query or phrase(self.name)

    @property
    def alerting(self) -> dict[str, Any]:
        """The rules, to be stored. Nobody is woken for a competitor's detractors unless the file asks for it."""
        rules = self.alerts or Alerting(detractor=False if self.role == "competitor" else DetractorSettings())
        return rules.model_dump(mode="json")


class SourceEntry(BaseModel):
    """A source: its name, kind, how often it is read, and the kind's own options beside them."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = Field(min_length=1)
    kind: str
    every: Duration = timedelta(minutes=10)
    brands: tuple[str, ...] | None = None
    judge_as_new: bool = False

    @field_validator("every")
    @classmethod
    def _not_too_often(cls, value: timedelta) -> timedelta:
        if value < timedelta(seconds=1):
            raise ValueError("a source can be read once a second at most")
        if value > timedelta(days=365):
            raise ValueError("a source is read once in 365 days at least")
        return value

    @property
    def options(self) -> dict[str, Any]:
        """What belongs to the kind."""
        return dict(self.model_extra or {})


class ChannelEntry(BaseModel):
    """A channel: its name, kind and the kind's own options beside them."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = Field(min_length=1)
    kind: str

    @property
    def options(self) -> dict[str, Any]:
        """What belongs to the kind."""
        return dict(self.model_extra or {})


class ConfigFile(Strict):
    """The whole file."""

    brands: tuple[BrandEntry, ...] = ()
    sources: tuple[SourceEntry, ...] = ()
    channels: tuple[ChannelEntry, ...] | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake, where it stands (1-based) and what to do."""

    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


class ConfigFileError(ConfigError):
    """escucha.yml cannot be used; ``problems`` names every mistake found."""

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        self.path = path
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{path}: {problem}" for problem in problems))


def phrase(name: str) -> str:
    """A query that looks for a name as it stands."""
    return '"' + name.replace('"', " ") + '"'


def load(path: Path, environ: Mapping[str, str]) -> ConfigFile:
    """Read and validate the file. Raises ConfigFileError with every mistake in it.

    ``environ``: where options that end in ``_from`` find their secrets (see ``listener.config.with_secrets``).
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            f"there is no {path}; write one (see the README) or name another with ESCUCHA_CONFIG"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    return parse_text(text, path, environ)


def parse_text(text: str, path: Path, environ: Mapping[str, str]) -> ConfigFile:
    """The same from text; ``path`` is for messages."""
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        data = loader.construct_document(root) if root is not None else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise ConfigFileError(path, [Problem(line, column, f"not YAML: {getattr(error, 'problem', error)}")]) from error
    if not isinstance(data, dict):
        raise ConfigFileError(path, [Problem(1, 1, "the file holds no brands:, sources: or channels:")])
    try:
        config = ConfigFile.model_validate(data)
    except ValidationError as error:
        problems = [Problem(*_place(root, loc), message) for loc, message in _issues(error)]
        raise ConfigFileError(path, problems) from error
    problems = [Problem(*_place(root, loc), message) for loc, message in _across(config, environ)]
    if problems:
        raise ConfigFileError(path, problems)
    return config


Location = tuple[int | str, ...]


def _across(config: ConfigFile, environ: Mapping[str, str]) -> Iterator[tuple[Location, str]]:
    """Mistakes that only show when parts are held against each other or against what kinds exist."""
    brands = {brand.name for brand in config.brands}
    channels = None if config.channels is None else {channel.name for channel in config.channels}
    for part in ("brands", "sources", "channels"):
        yield from _twice(part, [entry.name for entry in getattr(config, part) or ()])
    for number, brand in enumerate(config.brands):
        for place, name in enumerate(brand.channels or ()):
            if channels is not None and name not in channels:
                yield (
                    ("brands", number, "channels", place),
                    f"no channel is called {name!r}; there are: {_list(channels)}",
                )
    for number, source in enumerate(config.sources):
        for place, name in enumerate(source.brands or ()):
            if name not in brands:
                yield ("sources", number, "brands", place), f"no brand is called {name!r}; there are: {_list(brands)}"
        yield from _options(("sources", number), source.kind, source.options, SOURCES, "source", environ)
    for number, channel in enumerate(config.channels or ()):
        yield from _options(("channels", number), channel.kind, channel.options, CHANNELS, "channel", environ)


def _twice(part: str, names: Sequence[str]) -> Iterator[tuple[Location, str]]:
    for number, name in enumerate(names):
        if name in names[:number]:
            yield (part, number, "name"), f"the name {name!r} is used twice in {part}"


def _options(
    where: Location,
    kind: str,
    options: Mapping[str, Any],
    kinds: Mapping[str, Any],
    what: str,
    environ: Mapping[str, str],
) -> Iterator[tuple[Location, str]]:
    if kind not in kinds:
        yield (*where, "kind"), f"no {what} is of the kind {kind!r}; there are: {_list(kinds)}"
        return
    try:
        kinds[kind].options.model_validate(with_secrets(options, environ))
    except ConfigError as error:
        yield where, str(error)
    except ValidationError as error:
        yield from (((*where, *loc), message) for loc, message in _issues(error))


def _list(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"


def _issues(error: ValidationError) -> Iterator[tuple[Location, str]]:
    """Pydantic's findings in our words, without what it says of ``false``, the other thing that a rule may be."""
    for issue in error.errors():
        loc = tuple(part for part in issue["loc"] if part != DetractorSettings.__name__)
        if loc[-1:] != ("literal[False]",):
            yield loc, _message(str(loc[-1]) if loc else "the file", issue["type"], issue["msg"])


def _message(name: str, kind: str, message: str) -> str:
    match kind:
        case "extra_forbidden" | "unexpected_keyword_argument":
            return f"nothing here is called {name!r}; check the spelling"
        case "missing":
            return f"{name!r} is missing"
        case "tuple_type":
            return f"{name}: write a list here, each entry on a line of its own after a -"
        case "model_type" | "dataclass_type":
            return f"{name}: write settings here, each on a line of its own as name: value"
        case "invalid_key":
            return f"{name}: names are text; write it in quotes if it is meant"
    words = message.removeprefix("Value error, ")
    return words if name.isdigit() else f"{name}: {words}"


def _place(root: yaml.Node | None, loc: Location) -> tuple[int, int]:
    """Line and column (1-based) of the deepest part of ``loc`` that the file really has."""
    node, mark = root, getattr(root, "start_mark", None)
    for step in loc:
        found = None
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if getattr(key, "value", None) == str(step):
                    found, mark = value, key.start_mark
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            found = node.value[step]
            mark = found.start_mark
        # A step that the file lacks may be pydantic's own, naming a member of a union: look below it.
        if found is not None:
            node = found
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)
