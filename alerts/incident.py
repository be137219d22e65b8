"""An incident: what one rule found about one brand, as grouping, deciding and the faces see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from alerts.severity import Severity


class State(StrEnum):
    """Where an incident is in its life. `alerts.life` has the transitions."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Incident:
    """One row of the table `alert`, without what only the store needs.

    `id` is None until the store has given one. `brand` is None for what concerns no single brand (a source that is
    silent). `group` tells incidents of one brand and rule apart that are kept apart (by platform, by source); "" where
    they are not. `opened_at` and `last_at` are times of what was found: of a mention's writing, or the end of a window.
    `count` is in mentions, `reach` adds up the known reaches, in people (who may be counted twice). `because` says in
    one line, with numbers, what was found last. `platforms` and `languages` are those of its mentions. `evidence` holds
    a window rule's numbers. `version` rises with everything that a message about it would show differently.
    """

    id: int | None
    brand: str | None
    rule: str
    opened_at: datetime
    last_at: datetime
    count: int
    reach: int
    group: str = ""
    severity: Severity = Severity.WARNING
    state: State = State.OPEN
    because: str = ""
    platforms: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    assigned_to: str | None = None
    snoozed_until: datetime | None = None
    answered_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    resolved_why: str | None = None
    reopened: int = 0

    @property
    def resolved(self) -> bool:
        """Whether nothing more is to be done about it."""
        return self.state is State.RESOLVED
