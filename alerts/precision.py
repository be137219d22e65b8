"""How many of a rule's incidents people found useful, and how far that figure can be trusted. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from alerts.expectation import Share, share
from alerts.policy import Learning


@dataclass(frozen=True, slots=True)
class Rated:
    """An incident and what people said of it. `brand` is None for what concerns no single brand."""

    incident: int
    brand: str | None
    rule: str
    useful: int
    not_useful: int

    @property
    def verdict(self) -> bool | None:
        """What most said; None where they are divided, which counts neither way."""
        return None if self.useful == self.not_useful else self.useful > self.not_useful


@dataclass(frozen=True, slots=True)
class Precision:
    """A rule's precision for one brand: of the incidents that people spoke of, the share that most found useful.

    `useful` of `rated` are in incidents, not in people: the answers of several people about one incident are no
    independent trials. `divided`: further incidents, of which as many said the one as the other.
    """

    brand: str | None
    rule: str
    useful: int
    rated: int
    divided: int

    @property
    def share(self) -> Share | None:
        """With its Wilson interval; None where nothing was rated."""
        return share(self.useful, self.rated)

    def too_low(self, learning: Learning) -> bool:
        """Whether a stricter threshold is to be looked for: enough was said, and it was not good enough."""
        return self.rated >= learning.least_answers and self.useful < learning.precision * self.rated


def precisions(rated: Iterable[Rated]) -> list[Precision]:
    """One for each brand and rule that somebody spoke of, by name."""
    groups: dict[tuple[str, str], list[Rated]] = {}
    for one in rated:
        groups.setdefault((one.brand or "", one.rule), []).append(one)
    return [_of(groups[key]) for key in sorted(groups)]


def by_rule(found: Iterable[Precision]) -> list[Precision]:
    """The same over all brands, by the rule's name; `brand` is None."""
    total: dict[str, Precision] = {}
    for one in found:
        so_far = total.get(one.rule, Precision(None, one.rule, 0, 0, 0))
        total[one.rule] = Precision(
            None, one.rule, so_far.useful + one.useful, so_far.rated + one.rated, so_far.divided + one.divided
        )
    return [total[rule] for rule in sorted(total)]


def _of(rated: list[Rated]) -> Precision:
    verdicts = [one.verdict for one in rated]
    said = [verdict for verdict in verdicts if verdict is not None]
    return Precision(rated[0].brand, rated[0].rule, sum(said), len(said), verdicts.count(None))
