"""A source and the accounts it uses, in whoever's hands: runs, gaps, look-ups and backfills obey the same pauses."""

from collections.abc import Sequence
from dataclasses import dataclass

from listener.quota import QuotaSpent, SharedMeter
from listener.source import Meter, Source, SourceError


def asked_to_wait(error: SourceError) -> float | None:
    """How many seconds the platform itself has asked to be left alone for; None = it has not. A quota that we keep has
    its own times, and the platform was not asked."""
    wait: float | None = getattr(error, "retry_after", None)
    return None if not wait or isinstance(error, QuotaSpent) else wait


@dataclass(frozen=True, slots=True)
class OpenSource:
    """A source ready to fetch, and the meters of the accounts that it uses."""

    source: Source
    meters: Sequence[Meter] = ()

    def heed(self, error: SourceError) -> None:
        """Where the platform asked for a pause, hold everybody on the same accounts, not only this source."""
        wait = asked_to_wait(error)
        if wait is None:
            return
        for meter in self.meters:
            if isinstance(meter, SharedMeter):
                meter.block(wait, "the platform has asked whoever uses this account to wait")
