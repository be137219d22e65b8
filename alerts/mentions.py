"""A mention as the rules see it: what was said, and the scores towards one brand."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

DETRACTING_STEPS = ("-2", "-1")
"""The steps of the five-step stance scale (-2 ... 2) that count as detracting."""

PROMOTING_STEPS = ("1", "2")
"""Those that count as promoting."""

NO_REACTIONS = frozenset({"rating", "impressions", "views"})
"""What platforms count at a post that nobody did for it or against it: stars given with it, screens it was shown on."""

_LABEL_OF_POLARITY = {"negative": "detractor", "neutral": "passive", "positive": "promoter"}


def plain_handle(account: str) -> str:
    """A handle as handles are compared."""
    return account.removeprefix("@").casefold()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a platform's numbers at a mention were when somebody looked. `reactions` as of `reactions_in`."""

    at: datetime
    reactions: int


def reactions_in(engagement: Mapping[str, int]) -> int:
    """How many likes, shares, answers and the like there are, all kinds added up."""
    return sum(number for name, number in engagement.items() if name not in NO_REACTIONS)


@dataclass(frozen=True, slots=True)
class ScoredMention:
    """One mention with its scores towards one brand; a mention of two brands is two of these.

    Times are aware (UTC). `source` is the platform's name. `stance` maps "-2" ... "2" and `polarity` "negative",
    "neutral", "positive" to probabilities; `stance` and `label` are None where the model has no stance head. `reach`
    is in people, None where the platform does not say. `spans` are (start, end) offsets in `text` of what matched the
    brand. `judge_as_new` is for imported history that the user wants judged as if it were new. `complaint` is how
    likely it is one, 0 to 1; None where the model does not say, or nobody asked. `feed` is the source's own name.
    `followers` are its author's, None where the platform does not say. `readings`, oldest first, are what was seen of
    its reactions, the latest of them now; empty where the platform counts none.
    """

    id: int
    brand: str
    text: str
    source: str
    created_at: datetime
    collected_at: datetime
    label: str | None
    stance: Mapping[str, float] | None
    polarity: Mapping[str, float]
    model: str
    revision: str
    url: str | None = None
    author: str | None = None
    lang: str | None = None
    reach: int | None = None
    spans: tuple[tuple[int, int], ...] = ()
    judge_as_new: bool = False
    complaint: float | None = None
    feed: str = ""
    followers: int | None = None
    readings: tuple[Reading, ...] = ()

    def __post_init__(self) -> None:
        """Refuse naive times at the door: compared with aware ones they would fail far from their cause."""
        for field, moment in (("created_at", self.created_at), ("collected_at", self.collected_at)):
            if moment.tzinfo is None:
                raise ValueError(f"{field} of mention {self.id} has no time zone; alerts wants aware UTC times")

    @property
    def scored(self) -> bool:
        """Whether any model has said anything about this mention and brand."""
        return bool(self.stance or self.polarity)

    @property
    def standing(self) -> str | None:
        """The label, or the one that the likeliest polarity stands for when the model infers no stance."""
        if self.label is not None or self.stance or not self.polarity:
            return self.label
        likeliest = max(sorted(self.polarity), key=lambda name: self.polarity[name])
        return _LABEL_OF_POLARITY.get(likeliest)

    def written_by(self, accounts: Collection[str]) -> bool:
        """Whether one of these accounts wrote it; an @ before a name and capitals do not count."""
        return self.author is not None and plain_handle(self.author) in map(plain_handle, accounts)

    def probability(self) -> float:
        """How likely the author is a detractor, 0 to 1: P(-2) + P(-1), or P(negative) without a stance."""
        return self._chance(DETRACTING_STEPS, "negative")

    def probability_for(self) -> float:
        """How likely the author is a promoter, 0 to 1: P(1) + P(2), or P(positive) without a stance."""
        return self._chance(PROMOTING_STEPS, "positive")

    def _chance(self, steps: tuple[str, ...], polarity: str) -> float:
        if self.stance:
            total = sum(self.stance.get(step, 0.0) for step in steps)
            # Rounded numbers may add up to a hair over 1. Not min(): that would make a NaN of a broken model a 1.
            return 1.0 if total > 1 else total
        return self.polarity.get(polarity, 0.0)
