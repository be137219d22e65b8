"""``escucha alerts rules``: which rules a brand has, and with what settings."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import typer

from alerts.problems import hint
from alerts.registry import RULES
from alerts.text import visible
from api.cli.alert_group import NO_BRANDS, installed, known_brand, known_rule
from api.cli.output import Failure, say
from listener.rules_in_force import InForce, of_brand, of_installation
from listener.store import brands

INSTALLATION = "all sources"
"""Of what rules are that look at no single brand."""


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command("rules")(show)


def show(
    brand: Annotated[str | None, typer.Option(help="Only this brand's.", show_default="all")] = None,
    rule: Annotated[str | None, typer.Option(help="Only this rule, with all its settings.", show_default="all")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """The rules of a brand that are on and off, and the settings in force that are not a rule's own defaults.

    They are those that `escucha run` last took from escucha.yml; docs/rules.md says what each setting does.
    """
    known_rule(rule)
    with installed() as installation, installation.store.reading() as session:
        rows = brands.active_brands(session)
        known_brand(session, brand)
    found = {row.name: (row.role, list(of_brand(row.role, row.alerting))) for row in rows if brand in (None, row.name)}
    if not rows:
        say(f"brands: {NO_BRANDS}")
    elif not found:
        raise Failure(f"{brand!r} is not listened for any more; {hint(brand or '', [row.name for row in rows])}")
    if brand is None:
        found[INSTALLATION] = ("", list(of_installation({})))
    shown = {name: (role, [one for one in rules if rule in (None, one.name)]) for name, (role, rules) in found.items()}
    typer.echo(_as_json(shown) if as_json else "\n".join(_lines(shown, whole=rule is not None)))
    broken = [f"{name}: {one.error}" for name, (_, rules) in found.items() for one in rules if one.error]
    if broken:
        raise Failure("nothing is judged for a brand with settings that do not read: " + "; ".join(broken))


def _lines(shown: Mapping[str, tuple[str, Sequence[InForce]]], *, whole: bool) -> Iterator[str]:
    longest = max(map(len, RULES))
    for name, (role, rules) in shown.items():
        if not rules:
            continue
        yield visible(name) + (f" ({role})" if role else "")
        for one in rules:
            yield f"  {one.name:<{longest}}  {'on ' if one.on else 'off'}  {RULES[one.name].summary}"
            if one.settings is None:
                yield f"      {one.error}"
                continue
            for setting, value in one.settings.items():
                if whole or setting in one.changed:
                    own = "" if setting in one.changed else "  (default)" if whole else ""
                    yield f"      {setting}: {visible(json.dumps(value, ensure_ascii=False))}{own}"


def _as_json(shown: Mapping[str, tuple[str, Sequence[InForce]]]) -> str:
    told = [
        {
            "brand": None if name == INSTALLATION else name,
            "rules": [
                {"rule": one.name, "on": one.on, "settings": one.settings, "changed": list(one.changed),
                 "error": one.error}
                for one in rules
            ],
        }
        for name, (_, rules) in shown.items()
    ]  # fmt: skip
    return json.dumps(told, ensure_ascii=False, indent=2)
