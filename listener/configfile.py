"""escucha.yml: brands, sources and channels, validated with the line and column of what is wrong."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from alerts.durations import Duration
from alerts.problems import Place, problems
from alerts.registry import CHANNELS
from alerts.rules.detractor import DetractorSettings
from listener import yamlfile
from listener.config import ConfigError, with_secrets
from listener.push.options import PushEntry, default_kind
from listener.query import QueryError, parse
from listener.registry import SOURCES

DEFAULT_CHANNELS = frozenset({"log", "slack"})
"""What there is without ``channels:``; "slack" if its webhook is set."""


class Strict(BaseModel):
    """A part of the file: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Alerting(Strict):
    """The rules of one brand; ``false`` switches a rule off."""

    detractor: DetractorSettings | Literal[False] = DetractorSettings()


def _read(words: str) -> str:
    try:
        parse(words)
    except QueryError as error:
        raise ValueError(f"it does not read: {error}") from error
    return words


Words = Annotated[str, AfterValidator(_read)]
"""An expression in the query language."""


class BrandEntry(Strict):
    """A brand. Without a query its name is looked for as a phrase."""

    name: str = Field(min_length=1)
    query: str = ""
    role: Literal["own", "competitor"] = "own"
    alerts: Alerting | None = None
    channels: tuple[str, ...] | None = None
    context: tuple[Words, ...] = ()
    unless: tuple[Words, ...] = ()
    relevance: float | Literal[False] | None = None

    @field_validator("query")
    @classmethod
    def _parses(cls, value: str) -> str:
        if value:
            try:
                parse(value)
            except QueryError as error:
                raise ValueError(f"the query does not read: {error}") from error
        return value

    @field_validator("relevance", mode="before")
    @classmethod
    def _threshold(cls, value: object) -> object:
        if (
            value is None
            or value is False
            or (isinstance(value, int | float) and value is not True and 0 <= value <= 1)
        ):
            return value
        raise ValueError("must be a number from 0 to 1, or false to let the model hide nothing")

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

    @property
    def relevance_rules(self) -> dict[str, Any]:
        """What tells its mentions from those that only share its name, to be stored (see ``listener.relevance``)."""
        said: dict[str, Any] = {"context": list(self.context), "unless": list(self.unless)}
        return said if self.relevance is None else said | {"threshold": self.relevance}


class SourceEntry(BaseModel):
    """A source: its name, kind, how often it is read, and the kind's own options beside them.

    ``about_brands``: all it gives is about ``brands``, whether it names them or not, as the reviews of an app are.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = Field(min_length=1)
    kind: str
    every: Duration = timedelta(minutes=10)
    brands: tuple[str, ...] | None = None
    about_brands: bool = False
    judge_as_new: bool = False

    @model_validator(mode="after")
    def _about_whom(self) -> Self:
        if self.about_brands and not self.brands:
            raise ValueError("about_brands: goes with brands:, which names them")
        return self

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
    push: tuple[PushEntry, ...] = ()
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


def load(path: Path, environ: Mapping[str, str] | None) -> ConfigFile:
    """Read and validate the file. Raises ConfigFileError with every mistake in it.

    ``environ``: where options that end in ``_from`` find their secrets (see ``listener.config.with_secrets``); None =
    they are not looked up, for processes that need none.
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


def parse_text(text: str, path: Path, environ: Mapping[str, str] | None) -> ConfigFile:
    """The same from text; ``path`` is for messages."""
    try:
        document = yamlfile.read(text)
    except yamlfile.NotYamlError as error:
        raise ConfigFileError(path, [Problem(error.line, error.column, f"not YAML: {error}")]) from error
    if not isinstance(document.data, dict):
        raise ConfigFileError(path, [Problem(1, 1, "the file holds no brands:, sources:, push: or channels:")])
    found = [
        Problem(line, column, f"{name!r} stands on line {first} already; write both in one place")
        for line, column, name, first in document.named_twice
    ]
    config = ConfigFile()
    try:
        config = ConfigFile.model_validate(document.data)
    except ValidationError as error:
        found += [Problem(*document.place(one.place), str(one)) for one in problems(error, ConfigFile)]
    found += [Problem(*document.place(place), message) for place, message in _across(document.data, environ)]
    if found:
        raise ConfigFileError(path, sorted(found, key=lambda one: (one.line, one.column)))
    return config


def _across(data: Mapping[Any, Any], environ: Mapping[str, str] | None) -> Iterator[tuple[Place, str]]:
    """Mistakes that only show when parts are held against each other or against what kinds exist.

    Looks at the file as it stands, so that a mistake in one entry hides no other; what has the wrong shape is passed
    over, because that has been said.
    """
    names = {part: _names(data, part) for part in ("brands", "sources", "push", "channels")}
    for part, numbered in names.items():
        yield from _twice(part, numbered)
    read = {name for _, name in names["sources"]}
    yield from (
        (("push", number, "name"), f"a source is called {name!r} already")
        for number, name in names["push"]
        if name in read
    )
    yield from _alike(names["brands"])
    yield from _kinds_taken(data)
    brands = {name for _, name in names["brands"]}
    channels = DEFAULT_CHANNELS if data.get("channels") is None else {name for _, name in names["channels"]}
    for number, brand in _entries(data, "brands"):
        yield from _unknown(("brands", number, "channels"), brand.get("channels"), channels, "channel")
    for number, source in _entries(data, "sources"):
        yield from _unknown(("sources", number, "brands"), source.get("brands"), brands, "brand")
        yield from _options(("sources", number), source, SourceEntry, SOURCES, "source", environ)
    for number, sender in _entries(data, "push"):
        yield from _unknown(("push", number, "brands"), sender.get("brands"), brands, "brand")
        for key, value in sender.items():
            if environ is not None and isinstance(key, str) and key.endswith("_from") and isinstance(value, str):
                yield from _unset(("push", number, key), key, value, environ)
    for number, channel in _entries(data, "channels"):
        yield from _options(("channels", number), channel, ChannelEntry, CHANNELS, "channel", environ)


def _entries(data: Mapping[Any, Any], part: str) -> list[tuple[int, Mapping[Any, Any]]]:
    entries = data.get(part)
    found = enumerate(entries) if isinstance(entries, list) else ()
    return [(number, entry) for number, entry in found if isinstance(entry, dict)]


def _names(data: Mapping[Any, Any], part: str) -> list[tuple[int, str]]:
    named = ((number, entry.get("name")) for number, entry in _entries(data, part))
    return [(number, name) for number, name in named if isinstance(name, str)]


def _twice(part: str, numbered: Sequence[tuple[int, str]]) -> Iterator[tuple[Place, str]]:
    before: set[str] = set()
    for number, name in numbered:
        if name in before:
            yield (part, number, "name"), f"the name {name!r} is used twice in {part}"
        before.add(name)


def _alike(brands: Sequence[tuple[int, str]]) -> Iterator[tuple[Place, str]]:
    """Brands that whoever names one (``target``) cannot tell apart: there capitals do not count."""
    before: dict[str, str] = {}
    for number, name in brands:
        known = before.setdefault(name.strip().casefold(), name)
        if known != name:
            yield ("brands", number, "name"), f"{name!r} and {known!r} are one name: capitals and spaces do not count"


def _kinds_taken(data: Mapping[Any, Any]) -> Iterator[tuple[Place, str]]:
    """Senders whose platform is somebody else's by their names alone: each would write over what the other told."""
    taken: dict[str, str] = {}
    for number, sender in _entries(data, "push"):
        name = sender.get("name")
        if not isinstance(name, str) or sender.get("kind") is not None:
            continue
        kind, kinds = default_kind(name), sender.get("kinds")
        if isinstance(kinds, list) and kind in kinds:
            continue
        instead = f"write kind: with a name of its own, or kind: {kind} if that is meant"
        if kind in SOURCES:
            yield ("push", number, "name"), f"{kind} is what sources of that kind find; {instead}"
        elif taken.setdefault(kind, name) != name:
            yield ("push", number, "name"), f"{taken[kind]!r} has the kind {kind} already; {instead}"


def _unknown(where: Place, named: object, known: Collection[str], what: str) -> Iterator[tuple[Place, str]]:
    for number, name in enumerate(named if isinstance(named, list) else ()):
        if isinstance(name, str) and name not in known:
            yield (*where, number), f"no {what} is called {name!r}; there are: {_list(known)}"


def _unset(where: Place, key: str, variable: str, environ: Mapping[str, str]) -> Iterator[tuple[Place, str]]:
    try:
        with_secrets({key: variable}, environ)
    except ConfigError as error:
        yield where, str(error)


def _options(
    where: Place,
    entry: Mapping[Any, Any],
    common: type[BaseModel],
    kinds: Mapping[str, Any],
    what: str,
    environ: Mapping[str, str] | None,
) -> Iterator[tuple[Place, str]]:
    kind = entry.get("kind")
    if not isinstance(kind, str):
        return
    if kind not in kinds:
        yield (*where, "kind"), f"no {what} is of the kind {kind!r}; there are: {_list(kinds)}"
        return
    options: dict[str, Any] = {}
    unset = set()
    for key, value in entry.items():
        if not isinstance(key, str) or key in common.model_fields:
            continue
        if environ is None and key.endswith("_from"):
            unset.add(key.removesuffix("_from"))
            continue
        # What a channel is told stays in this process; what a source is told goes into the database.
        if what == "source" and value is not None and _secret(kinds[kind].options, key):
            unset.add(key)
            variable = f"{kind}_{key}".upper()
            instead = f"write {key}_from: {variable} (and set {variable}, or {variable}_FILE) instead"
            yield (*where, key), f"{instead}: secrets stand neither in this file nor in the database"
            continue
        try:
            options |= with_secrets({key: value}, environ or {})
        except ConfigError as error:
            unset.add(key.removesuffix("_from"))
            yield (*where, key), str(error)
    try:
        kinds[kind].options.model_validate(options)
    except ValidationError as error:
        for one in problems(error, common | kinds[kind].options):
            # What stands elsewhere is neither missing nor wrong.
            if unset.isdisjoint(one.place[:1]):
                yield (*where, *one.place), str(one)


def _secret(options: type[BaseModel], key: str) -> bool:
    field = options.model_fields.get(key)
    return field is not None and "SecretStr" in str(field.annotation)


def _list(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
