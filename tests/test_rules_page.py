"""docs/rules.md is true: every rule has its section, and every setting stands there with its default."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import TypeAdapter

from alerts.registry import RULES
from alerts.rule import MentionRule
from listener.configfile import parse_text

PAGE = (Path(__file__).parent.parent / "docs" / "rules.md").read_text(encoding="utf-8")


def tables(text: str) -> dict[str, Any]:
    """Every setting in the tables of a part of the page, with its default."""
    rows = re.findall(r"^\| `(\w+)` \| `([^|]+)` \|", text, re.MULTILINE)
    return {name: yaml.safe_load(default) for name, default in rows}


def sections() -> Iterator[tuple[str, str]]:
    """The name and the text of each rule's section; "" for what stands before the rules of a kind."""
    kind = ""
    for part in re.split(r"^(?=##)", PAGE, flags=re.MULTILINE):
        if found := re.match(r"### `(\w+)`", part):
            yield found.group(1), part
        else:
            kind = "windows" if part.startswith("## Rules on windows") else kind or "all"
            kind = "mentions" if part.startswith("## Rules on mentions") else kind
            yield f"({kind})", part


SECTIONS = dict(sections())


def plain(settings: Any) -> dict[str, Any]:
    """Settings as a file has them; what has no order is sorted."""
    dumped = TypeAdapter(type(settings)).dump_python(settings, mode="json", by_alias=True)
    unordered = {name for name in dumped if isinstance(getattr(settings, name), frozenset)}
    return {name: sorted(value) if name in unordered else value for name, value in dumped.items()}


def test_every_rule_has_its_section_and_every_section_its_rule() -> None:
    assert {name for name in SECTIONS if not name.startswith("(")} == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_every_setting_stands_there_with_its_default(name: str) -> None:
    kind = "(mentions)" if isinstance(RULES[name], MentionRule) else "(windows)"
    told = tables(SECTIONS["(all)"]) | tables(SECTIONS[kind]) | tables(SECTIONS[name])

    assert told == plain(RULES[name].settings())


def test_the_example_on_the_page_is_read() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)

    config = parse_text(example, Path("docs/rules.md"), {})
    assert [brand.name for brand in config.brands] == ["Aeroluz", "Nimbus"]
