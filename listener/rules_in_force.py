"""Which rules a brand has, and with what settings, for whoever shows them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from pydantic import TypeAdapter

from alerts.registry import RULES
from alerts.rule import WindowRule
from listener.rules import is_on, settings_of


@dataclass(frozen=True, slots=True)
class InForce:
    """A rule as a brand has it. ``settings`` as a file has them, None where what is stored no longer reads (``error``);
    ``changed`` are the names of those that are not the rule's own defaults."""

    name: str
    on: bool
    settings: Mapping[str, Any] | None
    changed: tuple[str, ...] = ()
    error: str | None = None


def of_brand(role: str, alerting: Mapping[str, Any]) -> Iterator[InForce]:
    """All rules that a brand of this role has whose row says this."""
    for name in RULES:
        if not about_none(name):
            yield one(name, role, alerting)


def of_installation(alerting: Mapping[str, Any]) -> Iterator[InForce]:
    """Those that look at no single brand. ``alerting``: what the file says of them (``Policy.alerts``)."""
    for name in RULES:
        if about_none(name):
            yield one(name, "own", alerting)


def one(name: str, role: str, alerting: Mapping[str, Any]) -> InForce:
    """A rule as it stands."""
    on = is_on(name, role, alerting)
    try:
        settings = settings_of(name, alerting)
    except ValueError as error:
        return InForce(name, on, None, error=str(error))
    default = RULES[name].settings()
    changed = tuple(
        field.name for field in fields(default) if getattr(settings, field.name) != getattr(default, field.name)
    )
    return InForce(name, on, written(name, settings), changed)


def written(name: str, settings: Any) -> dict[str, Any]:
    """A rule's settings as escucha.yml has them."""
    found: dict[str, Any] = TypeAdapter(RULES[name].settings).dump_python(settings, mode="json", by_alias=True)
    return found


def about_none(name: str) -> bool:
    """Whether a rule looks at no single brand, and so belongs to the whole installation."""
    kind = RULES[name]
    return isinstance(kind, WindowRule) and kind.per != "brand"
