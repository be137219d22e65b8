"""The competitor rule: a competitor's spike, for information."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from alerts import surge
from alerts.rule import Assessment, Window, WindowRule
from alerts.severity import Severity

NAME = "competitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompetitorSettings(surge.SurgeSettings):
    """When it fires: see `alerts.surge.SurgeSettings`. Its incidents are `info`, however large."""

    severity: Severity = Severity.INFO


def assess(window: Window, settings: CompetitorSettings) -> Sequence[Assessment]:
    """One assessment of the window. However far beyond what is usual it is, it is their trouble: the severity stays."""
    return (replace(surge.assess(window, settings), severity=None),)


RULE = WindowRule(
    CompetitorSettings, assess, "much more is said about a competitor than usual, or much more of it by detractors",
    needs=frozenset({"recent", "history"}), roles=frozenset({"competitor"}),
)  # fmt: skip
