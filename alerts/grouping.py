"""Which incident a mention belongs to: one per brand and rule within a window, by the time the mention was written.

An incident is anchored at the mention that opened it and never moves. Mentions written in [opened, opened + window)
belong to it; so do mentions written less than a window *before* it that reach us late, because opening a second
incident for them would overlap the first. Two incidents of a brand and rule are therefore always at least a window
apart, and where a mention goes depends on the mentions that arrived before it, never on how they were batched.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from alerts.incident import Incident
from alerts.mentions import ScoredMention
from alerts.severity import Severity, worst


def group_of(mention: ScoredMention, group_by: Sequence[str]) -> str:
    """The group a mention belongs to, for what a rule's settings keep apart."""
    parts = {"platform": mention.source, "language": mention.lang or "und", "author": mention.author or ""}
    return "/".join(parts[name] for name in group_by)


def place(
    mention: ScoredMention,
    incidents: Iterable[Incident],
    window: timedelta,
    rule: str | None = None,
    group: str = "",
) -> Incident | None:
    """The incident the mention belongs to, or None when it opens a new one.

    Incidents of other brands and groups are passed over, and of other rules when `rule` is given. Which one is chosen
    does not depend on the order of `incidents`. `horizon` says which ones must be among them.
    """
    candidates = [
        incident
        for incident in incidents
        if incident.brand == mention.brand
        and incident.group == group
        and rule in (None, incident.rule)
        and abs(mention.created_at - incident.opened_at) < window
    ]

    def preference(incident: Incident) -> tuple[bool, timedelta, datetime, int]:
        # The incident whose window holds the mention comes before one that it is merely late for.
        late = mention.created_at < incident.opened_at
        distance = abs(mention.created_at - incident.opened_at)
        return late, distance, incident.opened_at, incident.id or 0

    return min(candidates, key=preference, default=None)


def join(incident: Incident, mention: ScoredMention, because: str = "", severity: Severity | None = None) -> Incident:
    """The incident with one mention more. `because` and `severity` are the verdict's."""
    return replace(
        incident,
        last_at=max(incident.last_at, mention.created_at),
        count=incident.count + 1,
        reach=incident.reach + (mention.reach or 0),
        because=because or incident.because,
        severity=worst(incident.severity, severity),
        platforms=incident.platforms | {mention.source},
        languages=incident.languages | ({mention.lang} if mention.lang else set()),
        version=incident.version + 1,
    )


def repeated(incident: Incident, copy: ScoredMention) -> Incident:
    """The incident after a copy of one of its mentions: it reaches more people and is no mention more."""
    return replace(
        incident,
        reach=incident.reach + (copy.reach or 0),
        platforms=incident.platforms | {copy.source},
        languages=incident.languages | ({copy.lang} if copy.lang else set()),
        version=incident.version + 1,
    )


def open_incident(
    mention: ScoredMention,
    rule: str,
    group: str = "",
    because: str = "",
    severity: Severity = Severity.WARNING,
) -> Incident:
    """A new incident holding this mention alone; nobody has been told of it."""
    return Incident(
        id=None,
        brand=mention.brand,
        rule=rule,
        group=group,
        opened_at=mention.created_at,
        last_at=mention.created_at,
        count=1,
        reach=mention.reach or 0,
        because=because,
        severity=severity,
        platforms=frozenset({mention.source}),
        languages=frozenset({mention.lang} if mention.lang else ()),
    )


def horizon(mentions: Sequence[ScoredMention], window: timedelta) -> tuple[datetime, datetime]:
    """The open interval in which an incident's `opened_at` can matter to any of these mentions: load those.

    Raises ValueError without mentions.
    """
    if not mentions:
        raise ValueError("horizon needs at least one mention")
    earliest = min(mention.created_at for mention in mentions)
    latest = max(mention.created_at for mention in mentions)
    try:
        start = earliest - window
    except OverflowError:
        start = datetime.min.replace(tzinfo=UTC)
    try:
        end = latest + window
    except OverflowError:
        end = datetime.max.replace(tzinfo=UTC)
    return start, end
