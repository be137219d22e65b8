"""The reach rule: whoever speaks of the brand is heard by many, or what they said is spreading fast."""

from dataclasses import dataclass
from datetime import timedelta

from alerts.durations import in_words
from alerts.mentions import Reading, ScoredMention
from alerts.reasons import Reason
from alerts.rule import Label, MentionRule, MentionSettings, Verdict
from alerts.severity import Severity
from alerts.wording import percent

NAME = "reach"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachSettings(MentionSettings):
    """When the rule fires; any one of these is enough, and None switches one off.

    `labels` are the inferred stances that count. `min_followers`: of the author; `min_reach`: of the mention, in
    people; `growth`: reactions an hour. `severity` is that of a detractor's; a detractor whose reach or followers come
    to `critical_reach` is critical, and whatever does not speak against the brand is for information.

    Raises ValueError with what is wrong and what would be right.
    """

    labels: frozenset[Label] = frozenset({"detractor", "passive", "promoter"})
    min_followers: int | None = 100_000
    min_reach: int | None = 100_000
    growth: int | None = 200
    critical_reach: int | None = 1_000_000

    def __post_init__(self) -> None:
        """Check each value; the first wrong one is named."""
        # Not super(): slots make the class anew, and then it is another one than super() thinks.
        MentionSettings.__post_init__(self)
        if not self.labels:
            raise ValueError('labels is empty, so the rule could never fire; name at least one, such as "detractor"')
        for name in ("min_followers", "min_reach", "growth", "critical_reach"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is a number from 1 upwards, or null to switch it off; got {value}")
        if self.min_followers is None and self.min_reach is None and self.growth is None:
            raise ValueError("min_followers, min_reach and growth are all null, so the rule could never fire")


@dataclass(frozen=True, slots=True)
class Growth:
    """How a mention's reactions rose from an earlier reading to the latest. `per_hour` is no extrapolation: what rose
    within less than an hour counts as the rise of a whole one."""

    since: Reading
    latest: Reading
    per_hour: float


def growth_of(mention: ScoredMention) -> Growth | None:
    """The fastest rise that the readings show, up to the latest; a post begins with none when it is written. None where
    nothing rose."""
    if not mention.readings:
        return None
    latest = mention.readings[-1]
    written = Reading(mention.created_at, 0)
    found = []
    for since in (written, *mention.readings[:-1]):
        hours = max((latest.at - since.at) / timedelta(hours=1), 1.0)
        found.append(Growth(since, latest, (latest.reactions - since.reactions) / hours))
    fastest = max(found, key=lambda one: one.per_hour)
    return fastest if fastest.per_hour > 0 else None


def judge(mention: ScoredMention, settings: ReachSettings) -> Verdict:
    """Whether the mention meets the rule, and the first reason why not. Age as in the detractor rule."""
    probability = mention.probability()
    standing = mention.standing
    age = mention.collected_at - mention.created_at
    growth = growth_of(mention)

    def held(reason: Reason, because: str) -> Verdict:
        return Verdict(False, reason, probability, because)

    if not mention.scored:
        return held(Reason.NOT_SCORED_FOR_BRAND, "no score yet")
    if standing not in settings.labels:
        return held(Reason.STANCE_NOT_WATCHED, f"inferred stance: {standing or 'none'}")
    if age > settings.max_age and not mention.judge_as_new:
        return held(Reason.TOO_OLD, f"{in_words(age)} old when collected, at most {in_words(settings.max_age)}")
    met = []
    if _meets(mention.followers, settings.min_followers):
        met.append(f"{mention.followers:,} followers (alerts from {settings.min_followers:,})")
    # Where a platform knows no reach, the author's followers stand for it: one number is said once.
    said = bool(met) and mention.reach == mention.followers
    if _meets(mention.reach, settings.min_reach) and not said:
        met.append(f"reach {mention.reach:,} (alerts from {settings.min_reach:,})")
    reason = Reason.FAR_REACHING if met else Reason.GROWING_FAST
    if growth is not None and _meets(growth.per_hour, settings.growth):
        met.append(f"{_risen(growth)}, {growth.per_hour:,.0f} an hour (alerts from {settings.growth:,})")
    if not met:
        return held(Reason.NOT_GROWING, _falls_short(mention, growth))
    heard = max(mention.followers or 0, mention.reach or 0)
    if standing != "detractor":
        return Verdict(True, reason, probability, ", ".join(met), Severity.INFO)
    severity = Severity.CRITICAL if _meets(heard, settings.critical_reach) else None
    against = f"; {percent(probability)} likely a detractor"
    return Verdict(True, reason, probability, ", ".join(met) + against, severity)


def _meets(value: float | None, least: int | None) -> bool:
    return value is not None and least is not None and value >= least


def _risen(growth: Growth) -> str:
    length = in_words(growth.latest.at - growth.since.at)
    return f"reactions rose from {growth.since.reactions:,} to {growth.latest.reactions:,} within {length}"


def _falls_short(mention: ScoredMention, growth: Growth | None) -> str:
    reach = "unknown" if mention.reach is None else f"{mention.reach:,}"
    followers = "unknown" if mention.followers is None else f"{mention.followers:,}"
    pace = f"{growth.per_hour:,.0f} reactions an hour" if growth is not None else "no growth seen"
    return f"reach {reach}, followers {followers}, {pace}"


RULE = MentionRule(ReachSettings, judge, "somebody with many readers speaks of the brand, or a mention spreads fast")
