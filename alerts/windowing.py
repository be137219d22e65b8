"""When windows end, and what becomes of a window rule's incident from window to window. Pure: the job keeps it, a
backtest counts it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from alerts.incident import Incident
from alerts.mentions import ScoredMention
from alerts.rule import Assessment
from alerts.severity import Severity, worst

WAVERS = timedelta(minutes=30)
"""What comes back so soon after it ended by itself is the same incident."""


def floor(moment: datetime, every: timedelta) -> datetime:
    """The last whole multiple of `every` since 1970 (UTC) up to a moment: there a window ends."""
    step = every.total_seconds()
    return datetime.fromtimestamp(moment.timestamp() // step * step, UTC)


def opened(brand: str | None, rule: str, said: Assessment, usual: Severity, until: datetime) -> Incident:
    """The new incident of a window that fires, without its mentions. `usual`: the severity in the rule's settings."""
    return Incident(
        id=None, brand=brand, rule=rule, group=said.group, opened_at=until, last_at=until, count=0, reach=0,
        because=said.because, severity=said.severity or usual, evidence=dict(said.evidence),
    )  # fmt: skip


def gone_on(
    incident: Incident, said: Assessment, usual: Severity, new: Sequence[ScoredMention], until: datetime
) -> Incident:
    """The same after a window that fires. `new`: those of its mentions that were not in it yet. Its version is as it
    was: whoever keeps it knows whether a message would show anything else."""
    return replace(
        incident,
        last_at=max(incident.last_at, until),
        count=incident.count + len(new),
        reach=incident.reach + sum(one.reach or 0 for one in new),
        because=said.because,
        severity=worst(incident.severity, said.severity or usual),
        platforms=incident.platforms | {one.source for one in new},
        languages=incident.languages | {one.lang for one in new if one.lang},
        evidence=dict(said.evidence),
    )


def comes_back(ended_at: datetime, until: datetime) -> bool:
    """Whether what fires at `until` is the incident that ended by itself in the window up to `ended_at`."""
    return until - ended_at <= WAVERS
