"""What every rule has in common: it takes one mention and its settings, and gives a verdict with a named reason."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from alerts.reasons import Reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule made of one mention.

    `probability` is 0 to 1. `because` says it in one line with the numbers, for the people who get the notice.
    """

    fires: bool
    reason: Reason
    probability: float
    because: str = ""


class RuleSettings(Protocol):
    """What grouping and deciding need of any rule's settings."""

    @property
    def window(self) -> timedelta:
        """How long an incident takes in further mentions, counted from its first one."""
        ...

    @property
    def grow_at(self) -> tuple[int, ...]:
        """The sizes (in mentions, rising) at which people are told again."""
        ...
