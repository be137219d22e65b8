"""The coverage rule: a source is silent for far longer than usual, keeps failing, or has stopped.

Each source is an incident of its own (`Assessment.group` is its name), about no single brand, and ends when the source
is back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.durations import Duration, in_words
from alerts.reasons import Reason
from alerts.rule import Assessment, SourceState, Window, WindowRule, WindowSettings
from alerts.text import one_line
from alerts.wording import moment

NAME = "coverage"

_SAID = 200
"""Characters of a source's trouble in its own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageSettings(WindowSettings):
    """When it fires.

    `failing`: reading has failed for so long. `silent`: it was read for so long without anything new, and for
    `silent_times` as long as the longest silence that is usual for the source. Time in which nobody tried to read it,
    because Escucha was off, counts for neither.

    Raises ValueError with what is wrong and what would be right.
    """

    failing: Duration = timedelta(hours=1)
    silent: Duration = timedelta(hours=6)
    silent_times: float = 3.0

    def __post_init__(self) -> None:
        """Check each value; the first wrong one is named."""
        # Not super(): slots make the class anew, and then it is another one than super() thinks.
        WindowSettings.__post_init__(self)
        for name, example in (("failing", "1h"), ("silent", "6h")):
            if getattr(self, name) <= timedelta(0):
                raise ValueError(f"{name} must be longer than nothing, for instance {example}")
        if not self.silent_times >= 1:
            raise ValueError(f"silent_times is a number from 1 on; got {self.silent_times}")


def assess(window: Window, settings: CoverageSettings) -> Sequence[Assessment]:
    """One assessment for each source."""
    return tuple(_assess(source, window.until, settings) for source in window.sources)


def _assess(source: SourceState, until: datetime, settings: CoverageSettings) -> Assessment:
    name, words = one_line(source.name), f": {one_line(source.error)[:_SAID]}" if source.error else ""
    if source.stopped:
        return _fires(source, Reason.SOURCE_STOPPED, f"the source {name} has stopped and waits for a person{words}")
    if source.failing_since is not None:
        # One that is read rarely has not failed for long before it has had another try.
        patience = max(settings.failing, 2 * (source.every or timedelta(0)))
        failing = until - source.failing_since
        if failing >= patience:
            since = f"since {moment(source.failing_since)} ({_hours(failing)})"
            return _fires(source, Reason.SOURCE_FAILING, f"reading the source {name} has failed {since}{words}")
    silent, usual = source.silent, source.usual_gap
    if silent is not None and usual is not None and silent >= max(settings.silent, settings.silent_times * usual):
        said = (
            f"nothing new from the source {name} in {_hours(silent)} of reading it; "
            f"its longest usual silence is {_hours(usual)}"
        )
        return _fires(source, Reason.SOURCE_SILENT, said)
    return Assessment(False, Reason.SOURCE_WELL, group=source.name)


def _fires(source: SourceState, reason: Reason, because: str) -> Assessment:
    return Assessment(True, reason, because, group=source.name, evidence={"kind": source.kind, "reason": reason.value})


def _hours(length: timedelta) -> str:
    """To the minute."""
    return in_words(length - length % timedelta(minutes=1)) if length >= timedelta(minutes=1) else "less than a minute"


RULE = WindowRule(
    CoverageSettings, assess, "a source is silent for far longer than usual, keeps failing, or has stopped",
    needs=frozenset({"sources"}), per="installation",
)  # fmt: skip
