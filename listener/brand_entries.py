"""A brand as it is in force: what escucha.yml says of it, and what was changed over the pages since. Pure.

A change of a field stands in place of what the file says of that field, and goes on to when the file is read again. Of
``alerts`` each rule is a field of its own.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from listener.config_entries import BrandEntry

FIELDS = ("query", "context", "unless", "relevance", "themes", "accounts", "role", "channels", "alerts")
"""What is said of a brand besides its name, in the words of escucha.yml."""

RULES = "alerts"

Said = Mapping[str, Any]


def said_in_file(entry: BrandEntry) -> dict[str, Any]:
    """All fields of a brand, as they are kept beside what is in force."""
    return entry.model_dump(mode="json", include=set(FIELDS))


def row_of(entry: BrandEntry) -> dict[str, Any]:
    """The columns that the jobs read."""
    return {
        "query": entry.effective_query,
        "role": entry.role,
        "alerting": entry.alerting,
        "channels": list(entry.channels) if entry.channels is not None else None,
        "relevance": entry.relevance_rules,
        "accounts": list(entry.accounts),
        "themes": dict(entry.themes),
    }


def said_in_row(row: Said) -> dict[str, Any]:
    """The fields again, of what ``row_of`` made: for brands that no file names and nobody has edited, as imports make
    them."""
    relevance = row["relevance"]
    return {
        "query": row["query"],
        "role": row["role"],
        "accounts": list(row["accounts"]),
        "channels": row["channels"],
        "themes": dict(row["themes"]),
        "context": list(relevance.get("context", [])),
        "unless": list(relevance.get("unless", [])),
        "relevance": relevance.get("threshold"),
        RULES: dict(row["alerting"]),
    }


def merged(file: Said | None, edits: Said) -> dict[str, Any]:
    """What holds: the file's fields, and those that were changed since in place of them."""
    above, changed = file or {}, {name: value for name, value in edits.items() if name != RULES}
    return {**above, **changed, RULES: {**above.get(RULES, {}), **edits.get(RULES, {})}}


def in_force(name: str, file: Said | None, edits: Said) -> BrandEntry:
    """The same as an entry. Raises pydantic.ValidationError for edits that read no longer."""
    return BrandEntry.model_validate({"name": name, **merged(file, edits)})


def apart(file: Said | None, wanted: Said) -> dict[str, Any]:
    """The edits that make of a file's entry what is wanted; what is as the file says is no edit."""
    if file is None:
        return dict(wanted)
    found = {name: value for name, value in wanted.items() if name != RULES and value != file.get(name)}
    rules = {name: said for name, said in wanted.get(RULES, {}).items() if said != file.get(RULES, {}).get(name)}
    return found | ({RULES: rules} if rules else {})


def without(edits: Said, field: str) -> dict[str, Any]:
    """The edits but for one: ``query``, or ``alerts.detractor`` for a rule. Raises KeyError where it is none."""
    name, _, rule = field.partition(".")
    rest = {key: value for key, value in edits.items() if key != name}
    if name not in edits:
        raise KeyError(field)
    if rule:
        if rule not in edits[name]:
            raise KeyError(field)
        rest[name] = {key: value for key, value in edits[name].items() if key != rule}
    return {key: value for key, value in rest.items() if key != RULES or value}


def edited_fields(file: Said | None, edits: Said) -> Iterator[tuple[str, Any, Any]]:
    """Each edited field (``query``, ``alerts.detractor``) of a brand that the file names: what the file says of it
    (None = nothing), and what holds instead."""
    if file is None:
        return
    for name in FIELDS:
        if name in edits and name != RULES:
            yield name, file.get(name), edits[name]
    for rule, said in edits.get(RULES, {}).items():
        yield f"{RULES}.{rule}", file.get(RULES, {}).get(rule), said
