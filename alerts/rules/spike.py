"""The spike rule: more is said than is usual for the brand at this hour of the week, or more of it against it."""

from collections.abc import Sequence
from dataclasses import dataclass

from alerts import surge
from alerts.rule import Assessment, Window, WindowRule

NAME = "spike"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpikeSettings(surge.SurgeSettings):
    """When it fires: see `alerts.surge.SurgeSettings`."""


def assess(window: Window, settings: SpikeSettings) -> Sequence[Assessment]:
    """One assessment of the window."""
    return (surge.assess(window, settings),)


RULE = WindowRule(
    SpikeSettings, assess, "much more is said than usual at this hour of the week, or much more of it by detractors",
    needs=frozenset({"recent", "history"}),
)  # fmt: skip
