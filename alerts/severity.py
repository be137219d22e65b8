"""How much an incident matters, in the words that alerting tools share."""

from enum import StrEnum


class Severity(StrEnum):
    """Rising: `info` may be read tomorrow, `warning` today, `critical` now."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the least; the higher goes first."""
        return _ORDER.index(self)

    def at_least(self, other: "Severity") -> bool:
        """Whether this matters as much as the other, or more."""
        return self.rank >= other.rank


_ORDER = tuple(Severity)


def worst(*severities: Severity | None) -> Severity:
    """The highest of those given; `info` where none is."""
    return max((one for one in severities if one is not None), key=lambda one: one.rank, default=Severity.INFO)
