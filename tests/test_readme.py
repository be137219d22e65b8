"""The README's tables say what the code says."""

import re
from pathlib import Path

import pytest
import typer

from alerts.registry import RULES
from alerts.rule import WindowRule
from api.cli.app import app
from listener.config import Settings
from listener.configfile import parse_text
from listener.registry import SOURCES

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def table(heading: str) -> list[list[str]]:
    """The rows of the table under a heading, without its head."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def settings_rows() -> list[list[str]]:
    """The settings as the table shows them."""
    rows = []
    for name, field in Settings.model_fields.items():
        shown = (
            ""
            if field.default_factory or field.default in (None, "") or field.default is False
            else f"`{field.default}`"
        )
        rows.append([f"`ESCUCHA_{name.upper()}`", shown, field.description or ""])
    return rows


def command_rows() -> list[list[str]]:
    """The commands as the table shows them: the first sentence of each one's help."""
    rows = []
    root = typer.main.get_command(app)
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", None)
        for path, one in (
            [(name, command)] if below is None else [(f"{name} {sub}", each) for sub, each in below.items()]
        ):
            rows.append([f"`escucha {path}`", re.split(r"(?<=[.])\s", " ".join((one.help or "").split()))[0]])
    return rows


def test_the_settings_table_is_complete_and_true() -> None:
    assert table("Settings") == settings_rows()


def test_the_commands_table_is_complete_and_true() -> None:
    assert table("Commands") == command_rows()


def test_the_sources_table_is_complete_and_true() -> None:
    expected = [
        [f"`{kind}`", source.description, ", ".join(f"`{option}`" for option in source.options.model_fields)]
        for kind, source in SOURCES.items()
    ]
    assert table("Sources") == expected


def test_every_rule_is_named_with_the_brands_that_it_is_on_for() -> None:
    watched = {frozenset({"own"}): "own brands", frozenset({"competitor"}): "competitors"}
    expected = [
        [
            f"`{name}`",
            "every source" if isinstance(kind, WindowRule) and kind.per == "installation" else watched[kind.roles],
        ]
        for name, kind in RULES.items()
    ]
    assert sorted(row[:2] for row in table("Alerts")) == sorted(expected)


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(.*?)```", README, re.DOTALL))
def test_every_example_of_escucha_yml_is_sound(example: str) -> None:
    addresses = {"ESCUCHA_SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/x"}
    addresses["DISCORD_URL"] = "https://discord.com/api/webhooks/1/x"
    secrets = {"SLACK_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "0123456789abcdef"}
    parse_text(example, Path("escucha.yml"), addresses | secrets)


def test_every_file_that_the_readme_names_is_there() -> None:
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (Path(__file__).parent.parent / link).exists(), link
