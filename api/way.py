"""Which way an incident would take through the routes of escucha.yml: for the terminal, the API and the page."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from alerts.incident import Incident
from alerts.policy import Policy
from alerts.routing import Destinations, route
from alerts.severity import Severity
from listener.store import brands


@dataclass(frozen=True, slots=True)
class Imagined:
    """An incident that might be; ``brand`` None = about a source."""

    brand: str | None
    rule: str = "detractor"
    severity: Severity = Severity.WARNING
    languages: Collection[str] = ()
    platforms: Collection[str] = ()
    reach: int = 0

    def incident(self, now: datetime) -> Incident:
        """The same as if it had just begun."""
        return Incident(
            id=None, brand=self.brand, rule=self.rule, opened_at=now, last_at=now, count=1, reach=self.reach,
            severity=self.severity, platforms=frozenset(self.platforms), languages=frozenset(self.languages),
        )  # fmt: skip


def way(session: Session, policy: Policy, incident: Incident, channels: Collection[str]) -> Destinations:
    """Where it goes. A brand's own limit is the one in force, changed over the pages or not."""
    brand = None if incident.brand is None else brands.brand_named(session, incident.brand)
    return route(incident, policy, None if brand is None else brand.channels, list(channels))
