"""escucha.yml: brands, sources and channels, validated with the line and column of what is wrong."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from alerts.problems import Place, hint, problems
from alerts.registry import CHANNELS, RULES
from listener import policy_check, yamlfile
from listener.config import ConfigError, with_secrets
from listener.config_entries import DEFAULT_CHANNELS, BrandEntry, ChannelEntry, ConfigFile, SourceEntry, phrase
from listener.push.options import default_kind
from listener.query import QueryError, parse_filter
from listener.registry import SOURCES

__all__ = [
    "BrandEntry",
    "ChannelEntry",
    "ConfigFile",
    "ConfigFileError",
    "Problem",
    "SourceEntry",
    "load",
    "parse_text",
    "phrase",
]


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


def brand_problems(entry: Mapping[str, Any], channels: Collection[str]) -> list[tuple[Place, str]]:
    """What is wrong in one brand, each mistake with its place within it, in the words that the file is refused with.

    ``channels``: those that there are.
    """
    found: list[tuple[Place, str]] = []
    try:
        BrandEntry.model_validate(entry)
    except ValidationError as error:
        found += [(one.place, str(one)) for one in problems(error, BrandEntry)]
    found += _unknown(("channels",), entry.get("channels"), channels, "channel")
    found += _rules(("alerts",), entry.get("alerts"), "brand")
    return found


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
    yield from policy_check.mistakes(data, brands, channels)
    yield from _rules(("alerts",), data.get("alerts"), "installation")
    for number, brand in _entries(data, "brands"):
        yield from _unknown(("brands", number, "channels"), brand.get("channels"), channels, "channel")
        yield from _rules(("brands", number, "alerts"), brand.get("alerts"), "brand")
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
        yield from _fallback(("channels", number, "fallback"), channel, channels)


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


def _fallback(where: Place, channel: Mapping[Any, Any], channels: Collection[str]) -> Iterator[tuple[Place, str]]:
    fallback = channel.get("fallback")
    if fallback is None or not isinstance(fallback, str):
        return
    others = set(channels) - {channel.get("name")}
    if fallback not in others:
        yield where, f"fallback: names another channel, which is told when this one is off; there are: {_list(others)}"


def _rules(where: Place, rules: object, per: str) -> Iterator[tuple[Place, str]]:
    """Mistakes in a brand's rules, or the installation's, which are whatever rules there are."""
    for name, settings in rules.items() if isinstance(rules, dict) else ():
        if name not in RULES:
            yield (*where, name), f"there is no rule {name!r}; {hint(str(name), RULES)}"
        elif getattr(RULES[name], "per", "brand") != per:
            place = "a brand's alerts:" if per == "installation" else "alerts: at the top of the file, beside brands:"
            yield (*where, name), f"{name} belongs under {place}"
        elif isinstance(settings, dict):
            shape = RULES[name].settings
            try:
                TypeAdapter(shape).validate_python(settings)
            except ValidationError as error:
                for one in problems(error, shape):
                    yield (*where, name, *one.place), str(one)
            if isinstance(when := settings.get("when"), str):
                try:
                    parse_filter(when)
                except QueryError as error:
                    yield (*where, name, "when"), f"when: it does not read: {error}"
        elif not isinstance(settings, bool):
            yield (*where, name), f"{name}: write settings here, each on a line of its own as name: value, or false"


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
        if environ is None and (key.endswith("_from") or _holds_secrets(value)):
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
            # What stands elsewhere is neither missing nor wrong, and without it nobody can judge the whole.
            if unset.isdisjoint(one.place[:1]) and (one.place or not unset):
                yield (*where, *one.place), str(one)


def _holds_secrets(value: object) -> bool:
    return isinstance(value, dict) and any(str(name).endswith("_from") for name in value)


def _secret(options: type[BaseModel], key: str) -> bool:
    field = options.model_fields.get(key)
    return field is not None and "SecretStr" in str(field.annotation)


def _list(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"
