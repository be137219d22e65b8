"""The detractor rule: somebody speaks against the brand, the model is sure enough, and enough people may see it."""

from dataclasses import dataclass

from alerts.durations import in_words
from alerts.mentions import ScoredMention
from alerts.reasons import Reason
from alerts.rule import Label, MentionRule, MentionSettings, Verdict
from alerts.severity import Severity
from alerts.wording import percent

NAME = "detractor"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetractorSettings(MentionSettings):
    """When the rule fires. Made by hand or read by pydantic; either way checked.

    `labels` are the inferred stances that count; `min_probability` is 0 to 1; `min_reach` is in people, and a mention
    of unknown reach counts as 0. One whose reach comes to `critical_reach` is critical; None = none is.

    Raises ValueError with what is wrong and what would be right.
    """

    labels: frozenset[Label] = frozenset({"detractor"})
    min_probability: float = 0.6
    min_reach: int = 0
    critical_reach: int | None = 500_000

    def __post_init__(self) -> None:
        """Check each value; the first wrong one is named."""
        # Not super(): slots make the class anew, and then it is another one than super() thinks.
        MentionSettings.__post_init__(self)
        if not self.labels:
            raise ValueError('labels is empty, so the rule could never fire; name at least one, such as "detractor"')
        if not 0 <= self.min_probability <= 1:
            raise ValueError(f"min_probability lies between 0 and 1 (0.6 means 60%); got {self.min_probability}")
        if self.min_reach < 0:
            raise ValueError(f"min_reach is a number of people, 0 or more; got {self.min_reach}")
        if self.critical_reach is not None and self.critical_reach < 1:
            raise ValueError(f"critical_reach is a number of people, 1 or more, or null; got {self.critical_reach}")


def judge(mention: ScoredMention, settings: DetractorSettings) -> Verdict:
    """Whether the mention meets the rule, and the first reason why not.

    Age is what it was when we collected the mention, so an outage of ours between collecting and judging never makes
    one too old; history imported with `judge_as_new` has no age.
    """
    probability = mention.probability()
    standing = mention.standing
    reach = mention.reach or 0
    age = mention.collected_at - mention.created_at

    def held(reason: Reason, because: str) -> Verdict:
        return Verdict(False, reason, probability, because)

    if not mention.scored:
        return held(Reason.NOT_SCORED_FOR_BRAND, "no score yet")
    if standing not in settings.labels:
        return held(Reason.NOT_A_DETRACTOR, f"inferred stance: {standing or 'none'}")
    # Written so that a NaN from a broken model counts as unsure.
    if not probability >= settings.min_probability:
        return held(
            Reason.BELOW_PROBABILITY, f"{percent(probability)} likely, needs {percent(settings.min_probability)}"
        )
    if reach < settings.min_reach:
        known = f"{reach:,}" if mention.reach is not None else "unknown (counts as 0)"
        return held(Reason.BELOW_REACH, f"reach {known}, needs {settings.min_reach:,}")
    if age > settings.max_age and not mention.judge_as_new:
        return held(Reason.TOO_OLD, f"{in_words(age)} old when collected, at most {in_words(settings.max_age)}")
    because = f"{percent(probability)} likely a detractor (alerts from {percent(settings.min_probability)})"
    if mention.reach is not None:
        because += f", reach {reach:,}"
        if settings.min_reach:
            because += f" (alerts from {settings.min_reach:,})"
    critical = settings.critical_reach is not None and reach >= settings.critical_reach
    return Verdict(True, Reason.IS_DETRACTOR, probability, because, Severity.CRITICAL if critical else None)


RULE = MentionRule(DetractorSettings, judge, "somebody speaks against the brand, and the model is sure enough")
