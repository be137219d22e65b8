"""Which incident a mention belongs to: one per brand and rule within a window, by the time the mention was written.

An incident is anchored at the mention that opened it and never moves. Mentions written in [opened, opened + window)
belong to it; so do mentions written less than a window *before* it that reach us late, because opening a second
incident for them would overlap the first. Two incidents of a brand and rule are therefore always at least a window
apart, and where a mention goes depends on the mentions that arrived before it, never on how they were batched.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from alerts.mentions import ScoredMention


@dataclass(frozen=True, slots=True)
class Incident:
    """A group of mentions of one brand that met one rule.

    `id` is None until the store has given one. `opened_at` is when the mention that opened it was written; `last_at`
    the latest such time. `reach` adds up the known reaches, in people (who may be counted twice). `notified_count` is
    the `count` at which people were last told, 0 before that.
    """

    id: int | None
    brand: str
    rule: str
    opened_at: datetime
    last_at: datetime
    count: int
    reach: int
    notified_count: int


def place(
    mention: ScoredMention, incidents: Iterable[Incident], window: timedelta, rule: str | None = None
) -> Incident | None:
    """The incident the mention belongs to, or None when it opens a new one.

    Incidents of other brands are passed over, and of other rules when `rule` is given. Which one is chosen does not
    depend on the order of `incidents`. `horizon` says which ones must be among them.
    """
    candidates = [
        incident
        for incident in incidents
        if incident.brand == mention.brand
        and rule in (None, incident.rule)
        and abs(mention.created_at - incident.opened_at) < window
    ]

    def preference(incident: Incident) -> tuple[bool, timedelta, datetime, int]:
        # The incident whose window holds the mention comes before one that it is merely late for.
        late = mention.created_at < incident.opened_at
        distance = abs(mention.created_at - incident.opened_at)
        return late, distance, incident.opened_at, incident.id or 0

    return min(candidates, key=preference, default=None)


def join(incident: Incident, mention: ScoredMention) -> Incident:
    """The incident with one mention more."""
    return replace(
        incident,
        last_at=max(incident.last_at, mention.created_at),
        count=incident.count + 1,
        reach=incident.reach + (mention.reach or 0),
    )


def open_incident(mention: ScoredMention, rule: str) -> Incident:
    """A new incident holding this mention alone; nobody has been told of it."""
    return Incident(
        id=None,
        brand=mention.brand,
        rule=rule,
        opened_at=mention.created_at,
        last_at=mention.created_at,
        count=1,
        reach=mention.reach or 0,
        notified_count=0,
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
