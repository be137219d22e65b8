"""The figures of a digest: what was counted in a period and in the one before it. Pure, and nobody's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import sqrt

from scipy.special import ndtri

from alerts.expectation import CONFIDENCE, Share
from alerts.severity import Severity

_Z = float(ndtri((1 + CONFIDENCE) / 2))


@dataclass(frozen=True, slots=True)
class Counts:
    """Scored mentions of a brand in a period; what only repeats one is among the `copies`, and its reach in `reach`.

    `mentions` holds those without a label too, so it may be more than the three labels together.
    """

    mentions: int = 0
    promoters: int = 0
    passives: int = 0
    detractors: int = 0
    copies: int = 0
    reach: int = 0

    @property
    def labelled(self) -> int:
        """Those of which a stance was inferred: what shares are of."""
        return self.promoters + self.passives + self.detractors

    def of(self, label: str) -> int:
        """How many there are of a stance."""
        return {"promoter": self.promoters, "passive": self.passives, "detractor": self.detractors}[label]

    @property
    def net(self) -> tuple[float, float, float] | None:
        """Net inferred stance, (promoters - detractors) / labelled, with the ends of its 95 % interval; -1 to 1.

        Normal approximation for the difference of two multinomial shares, after Agresti and Min (Statistics in Medicine
        24, 2005): one half is added to either count and one to the third, so that it holds for few and for none. Never
        to be called a Net Promoter Score: nobody was asked.
        """
        if not self.labelled:
            return None
        value = (self.promoters - self.detractors) / self.labelled
        whole = self.labelled + 2
        up, down = (self.promoters + 0.5) / whole, (self.detractors + 0.5) / whole
        half = _Z * sqrt((up + down - (up - down) ** 2) / whole)
        middle = up - down
        return value, max(-1.0, min(middle - half, value)), min(1.0, max(middle + half, value))


@dataclass(frozen=True, slots=True)
class BrandFigures:
    """One brand. `before`: the period before, None where the brand was not listened for throughout it."""

    brand: str
    counts: Counts
    before: Counts | None


@dataclass(frozen=True, slots=True)
class Voice:
    """A brand's share of the mentions of all brands that are listened for, in the sources that all are looked for in.

    `before`: the same of the period before; None where that says nothing.
    """

    brand: str
    share: Share
    before: Share | None
    own: bool


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """One that is not resolved. `brand` is None for what concerns no single one."""

    id: int
    brand: str | None
    rule: str
    group: str
    severity: Severity
    state: str
    count: int
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class IncidentFigures:
    """Incidents of the period that people were told of, and those of them that are open now, the gravest first.

    `untold`: further ones of the period that nobody was told of: too small, held back, or not told yet.
    `acknowledged`: after how long each of the period's that was acknowledged was; `unseen`: how many were not and are
    open still. `in_time`: the share within what was promised, of those that can be judged; None where there is none.
    """

    opened: int = 0
    before: int = 0
    by_severity: Mapping[Severity, int] = field(default_factory=dict)
    untold: int = 0
    acknowledged: Sequence[timedelta] = ()
    unseen: int = 0
    in_time: Share | None = None
    open: Sequence[OpenIncident] = ()
    open_in_all: int = 0


@dataclass(frozen=True, slots=True)
class Unread:
    """How much of the period was not read of a source, of so much that was to be."""

    source: str
    missing: timedelta
    wanted: timedelta


@dataclass(frozen=True, slots=True)
class DeclaredMarks:
    """Marks that people gave themselves, by the name of the question; never to be added to inferred ones.

    `value` is in points of its scale, `lowest` to `highest`; for "nps" the Net Promoter Score (-100 to 100) instead,
    for "csat" the share of satisfied answers (0 to 1).
    """

    name: str
    answers: int
    value: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class DigestFigures:
    """All of it. `unread_before`: something of the period before was not read, so changes may come of that."""

    brands: Sequence[BrandFigures] = ()
    voices: Sequence[Voice] = ()
    incidents: IncidentFigures = field(default_factory=IncidentFigures)
    unread: Sequence[Unread] = ()
    unread_before: bool = False
    declared: Sequence[DeclaredMarks] = ()

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to tell of but coverage."""
        said = any(one.counts.mentions or one.counts.copies for one in self.brands)
        incidents = self.incidents
        return not (said or incidents.opened or incidents.untold or incidents.open_in_all or self.declared)
