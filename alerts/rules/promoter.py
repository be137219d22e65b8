"""The promoter rule: good news for those who can do something with it. One that many see, or a burst of them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from alerts.durations import Duration, in_words
from alerts.incident import Incident
from alerts.mentions import ScoredMention
from alerts.reasons import Reason
from alerts.rule import MentionRule, MentionSettings, Usual, Verdict
from alerts.severity import Severity
from alerts.wording import percent

NAME = "promoter"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoterSettings(MentionSettings):
    """When the rule fires. `min_probability`: how sure the model must be that the author speaks for the brand, 0 to 1.

    Every promoter of a `window` joins an incident. People are told of it from `tell_at` promoters on, or once together
    they reach `tell_reach` people, which one of them may do alone; and only if that is `burst` times what the brand's
    earlier incidents came to, as soon as there are some to say what is usual.

    Raises ValueError with what is wrong and what would be right.
    """

    wants_usual: ClassVar[bool] = True

    severity: Severity = Severity.INFO
    window: Duration = timedelta(hours=24)
    tell_at: int = 10
    tell_reach: int | None = 50_000
    grow_at: tuple[int, ...] = (50, 250, 1000)
    burst: float = 2.0
    min_probability: float = 0.7

    def __post_init__(self) -> None:
        """Check each value; the first wrong one is named."""
        # Not super(): slots make the class anew, and then it is another one than super() thinks.
        MentionSettings.__post_init__(self)
        if not 0 <= self.min_probability <= 1:
            raise ValueError(f"min_probability lies between 0 and 1 (0.7 means 70%); got {self.min_probability}")
        if not 0 <= self.burst <= 1000:
            raise ValueError(f"burst is how many times the usual, such as 2, or 0 to ask for none; got {self.burst}")

    def worth_telling(self, incident: Incident, usual: Usual | None = None) -> bool:
        """Whether it has come to the size or the reach from which people are told, and well above the usual."""
        count, reach = (self.burst * usual.count, self.burst * usual.reach) if usual else (0.0, 0.0)
        reaches = self.tell_reach is not None and incident.reach >= max(self.tell_reach, reach)
        return incident.count >= max(self.tell_at, count) or reaches


def judge(mention: ScoredMention, settings: PromoterSettings) -> Verdict:
    """Whether the mention meets the rule, and the first reason why not. Age as in the detractor rule."""
    probability = mention.probability_for()
    standing = mention.standing
    age = mention.collected_at - mention.created_at

    def held(reason: Reason, because: str) -> Verdict:
        return Verdict(False, reason, probability, because)

    if not mention.scored:
        return held(Reason.NOT_SCORED_FOR_BRAND, "no score yet")
    if standing != "promoter":
        return held(Reason.NOT_A_PROMOTER, f"inferred stance: {standing or 'none'}")
    # Written so that a NaN from a broken model counts as unsure.
    if not probability >= settings.min_probability:
        return held(
            Reason.BELOW_PROBABILITY, f"{percent(probability)} likely, needs {percent(settings.min_probability)}"
        )
    if age > settings.max_age and not mention.judge_as_new:
        return held(Reason.TOO_OLD, f"{in_words(age)} old when collected, at most {in_words(settings.max_age)}")
    because = f"{percent(probability)} likely a promoter (counts from {percent(settings.min_probability)})"
    if mention.reach is not None:
        because += f", reach {mention.reach:,}"
    return Verdict(True, Reason.IS_PROMOTER, probability, because)


RULE = MentionRule(PromoterSettings, judge, "somebody with many readers speaks for the brand, or many people at once")
