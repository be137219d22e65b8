"""A stricter threshold for a rule that people find too seldom useful: proposed, with what it would cost, never applied.

Each rule has a ladder of settings, the mildest first. Every step is tried on the incidents that people spoke of: which
would have been there all the same? The first step that would have reached the precision is proposed, unless it loses
most of the useful ones: a rule that is silent is right as well.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from alerts.expectation import Rate, Share, share
from alerts.policy import Learning

KEPT = 0.5
"""Of the useful incidents a step must keep at least this share to be proposed."""

Changes = Mapping[str, Any]
"""Settings of a rule by name, in place of those in force."""

Ladder = Callable[[Any], Sequence[Changes]]


@dataclass(frozen=True, slots=True)
class Trial:
    """One step of a ladder, tried on the past; `changes` is empty for the settings in force.

    `useful` and `not_useful`: how many of the rated incidents would be there. `rate`: how many a week, as backtested;
    None where the past was too short to say.
    """

    changes: Changes
    useful: int
    not_useful: int
    rate: Rate | None

    @property
    def precision(self) -> Share | None:
        """Of the rated incidents that would be there the useful ones; None where none would be."""
        return share(self.useful, self.useful + self.not_useful)

    def keeps(self, in_force: "Trial") -> bool:
        """Whether enough is left of what the settings in force find that is useful."""
        return self.useful >= KEPT * in_force.useful

    def reaches(self, learning: Learning) -> bool:
        """Whether it is good enough, and anything useful is left at all.

        The share itself decides, not the lower end of its interval, which few answers get above a half: who
        reads the proposal sees the interval beside it.
        """
        return self.useful > 0 and self.useful >= learning.precision * (self.useful + self.not_useful)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What to change, if anything. `in_force` is how things are; `tried` is the whole ladder, the mildest first.

    `chosen` is None where no step reaches the precision without losing most of what is useful, or where nothing
    stricter is needed (`enough`): of what would be there today enough is useful, because the settings were changed
    since the answers were given.
    """

    brand: str | None
    rule: str
    in_force: Trial
    tried: tuple[Trial, ...]
    chosen: Trial | None
    enough: bool


def ladder(rule: str, settings: Any) -> list[Changes]:
    """The steps for a rule from the settings in force, the mildest first; none for a rule without a ladder."""
    steps = _LADDERS.get(rule)
    return list(steps(settings)) if steps is not None else []


def propose(brand: str | None, rule: str, in_force: Trial, tried: Sequence[Trial], learning: Learning) -> Proposal:
    """The mildest step that reaches the precision and keeps most of what is useful; see `Proposal`."""
    if in_force.reaches(learning):
        return Proposal(brand, rule, in_force, tuple(tried), None, enough=True)
    chosen = next((one for one in tried if one.reaches(learning) and one.keeps(in_force)), None)
    return Proposal(brand, rule, in_force, tuple(tried), chosen, enough=False)


def _surer(name: str) -> Ladder:
    """A least probability, upwards in steps of 5 %."""

    def steps(settings: Any) -> list[Changes]:
        now = getattr(settings, name)
        return [{name: percent / 100} for percent in range(5, 100, 5) if percent / 100 > now + 1e-9]

    return steps


def _more(*names: str, times: Sequence[float] = (1.5, 2, 3, 5, 10)) -> Ladder:
    """Numbers or lengths of time, all of them so many times what they are; those that are not set stay so."""

    def steps(settings: Any) -> list[Changes]:
        now = {name: getattr(settings, name) for name in names}
        return [{name: _times(value, factor) for name, value in now.items() if value is not None} for factor in times]

    return steps


def _surge(settings: Any) -> list[Changes]:
    calmer: dict[str, list[Changes]] = {
        "high": [{"sensitivity": "normal"}, {"sensitivity": "low"}],
        "normal": [{"sensitivity": "low"}],
    }
    larger = [{"sensitivity": "low", **step} for step in _more("at_least")(settings)]
    return [*calmer.get(settings.sensitivity, []), *larger]


def _times(value: Any, factor: float) -> Any:
    if isinstance(value, timedelta):
        # To the minute: nobody writes the seconds.
        return timedelta(minutes=round(value / timedelta(minutes=1) * factor))
    return value * factor if isinstance(value, float) else round(value * factor)


_LADDERS: Mapping[str, Ladder] = {
    "detractor": _surer("min_probability"),
    "promoter": _surer("min_probability"),
    "crisis": _surer("min_probability"),
    "unanswered": _surer("min_complaint"),
    "reach": _more("min_followers", "min_reach", "growth"),
    "spike": _surge,
    "competitor": _surge,
    "coverage": _more("failing", "silent", times=(1.5, 2, 3, 4)),
}
