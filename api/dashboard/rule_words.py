"""Rules and their settings in words for people who have never seen escucha.yml."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.dashboard.language import N_


@dataclass(frozen=True, slots=True)
class SettingWords:
    """``label``: what it is called; ``meaning``: what it does; ``unit``: what stands behind the value."""

    label: str
    meaning: str
    unit: str = ""


RULE_NAMES: Mapping[str, tuple[str, str]] = {
    "detractor": (N_("Detractors"), N_("Somebody speaks against the brand, and the model is sure enough.")),
    "crisis": (N_("Crisis words"), N_("Words of safety, law, data or discrimination beside a negative stance.")),
    "reach": (N_("Wide reach"), N_("Somebody with many readers speaks of the brand, or a mention spreads fast.")),
    "promoter": (N_("Promoters"), N_("Somebody with many readers speaks for the brand, or many people at once.")),
    "spike": (N_("Spike"), N_("Much more is said than usual at this hour of the week, or more of it by detractors.")),
    "unanswered": (N_("Unanswered"), N_("A complaint or question to the brand has had no answer for too long.")),
    "competitor": (
        N_("Competitor's trouble"),
        N_("Much more is said about a competitor than usual, or more by detractors."),
    ),
    "coverage": (
        N_("Source trouble"),
        N_("A source is silent for far longer than usual, keeps failing, or has stopped."),
    ),
}
"""What each rule is called, and when it fires."""

_LENGTH = N_("such as 30m, 4h or 1d")
_PEOPLE = N_("people")
_MENTIONS = N_("mentions")

SETTINGS: Mapping[str, SettingWords] = {
    "when": SettingWords(
        N_("Only mentions that meet"),
        N_('An expression in the query language, such as -"job offer". Empty: all mentions.'),
    ),
    "severity": SettingWords(N_("Severity"), N_("How severe its incidents are.")),
    "window": SettingWords(
        N_("Length of an incident"), N_("How long an incident takes in mentions, from its first one."), _LENGTH
    ),
    "max_age": SettingWords(
        N_("Oldest mention"), N_("Mentions that were older when they were collected raise nothing."), _LENGTH
    ),
    "grow_at": SettingWords(
        N_("Tell again at"), N_("Sizes of an incident at which people are told again; with commas between."), _MENTIONS
    ),
    "tell_at": SettingWords(N_("Alert from"), N_("People are told from so many mentions on."), _MENTIONS),
    "tell_reach": SettingWords(
        N_("Or tell from a reach of"), N_("Or once an incident reaches so many people. Empty: never for that."), _PEOPLE
    ),
    "group_by": SettingWords(N_("Keep apart by"), N_("Incidents that differ in these are kept apart.")),
    "quiet_after": SettingWords(
        N_("Over after"), N_("Without a new mention for so long, an incident is over."), _LENGTH
    ),
    "labels": SettingWords(N_("Stances that count"), N_("The inferred stances that count.")),
    "min_probability": SettingWords(
        N_("Minimum probability"), N_("How sure the model must be. Higher: fewer alerts, and more of them right."), "%"
    ),
    "min_reach": SettingWords(
        N_("Minimum reach"), N_("Mentions that fewer people may see do not count; unknown reach counts as 0."), _PEOPLE
    ),
    "critical_reach": SettingWords(
        N_("Critical from a reach of"), N_("From this reach on the incident is critical. Empty: none is."), _PEOPLE
    ),
    "topics": SettingWords(N_("Topics"), N_("The topics that are watched.")),
    "words": SettingWords(
        N_("Words in place of the lists"), N_("Topic: [terms], a line each; they stand in place of its own lists.")
    ),
    "add": SettingWords(N_("Further words"), N_("Topic: [terms], a line each; beside its own lists.")),
    "remove": SettingWords(N_("Words taken out"), N_("Topic: [terms], a line each; written as in the lists.")),
    "min_followers": SettingWords(
        N_("Minimum followers"), N_("Followers of the author. Empty: they do not matter."), _PEOPLE
    ),
    "growth": SettingWords(
        N_("Growth"), N_("Likes, shares and answers within an hour. Empty: they do not matter."), N_("an hour")
    ),
    "burst": SettingWords(
        N_("Times what is usual"), N_("So many times what the brand's earlier incidents came to; 0: whatever is usual.")
    ),
    "every": SettingWords(N_("Asked every"), N_("How often the rule looks."), _LENGTH),
    "lookback": SettingWords(N_("Looks back"), N_("How far back each look reaches."), _LENGTH),
    "sensitivity": SettingWords(
        N_("Sensitivity"), N_("High: smaller rises are told, and more of them are chance. Low: the reverse.")
    ),
    "at_least": SettingWords(N_("At least"), N_("Fewer mentions than this are never a spike."), _MENTIONS),
    "history": SettingWords(N_("Compared with"), N_("How much of the past says what is usual."), _LENGTH),
    "min_history": SettingWords(
        N_("Minimum history"), N_("With less of the past than this nobody can say what is usual."), _LENGTH
    ),
    "min_mentions": SettingWords(
        N_("Minimum mentions before"), N_("With fewer mentions in the past nobody can say what is usual."), _MENTIONS
    ),
    "after": SettingWords(N_("Unanswered for"), N_("So much working time without an answer."), _LENGTH),
    "hours": SettingWords(
        N_("Working hours"), N_("A list, such as - {days: [mon, tue], from: '09:00', to: '18:00'}. Empty: always.")
    ),
    "timezone": SettingWords(N_("Time zone"), N_("Of the working hours, such as Europe/Madrid.")),
    "min_complaint": SettingWords(N_("Complaint from"), N_("How sure the model must be that it is a complaint."), "%"),
    "questions": SettingWords(N_("Questions count too"), N_("Not only complaints: questions want an answer too.")),
    "by_hand": SettingWords(
        N_("Answers are noted by hand"), N_("Fires although no post of the brand's own accounts is stored.")
    ),
    "failing": SettingWords(N_("Failing for"), N_("Reading a source has failed for so long."), _LENGTH),
    "silent": SettingWords(N_("Silent for"), N_("A source was read for so long without anything new."), _LENGTH),
    "silent_times": SettingWords(
        N_("Times its longest silence"), N_("And for so many times its longest usual silence.")
    ),
}
"""What each setting of any rule is called and does; a test holds it against the rules."""

CHOICES: Mapping[str, str] = {
    "info": N_("info"), "warning": N_("warning"), "critical": N_("critical"), "detractor": N_("detractor"),
    "passive": N_("passive"), "promoter": N_("promoter"), "platform": N_("platform"), "language": N_("language"),
    "author": N_("author"), "safety": N_("safety"), "legal": N_("law"), "data": N_("data"),
    "discrimination": N_("discrimination"), "low": N_("low"), "normal": N_("normal"), "high": N_("high"),
}  # fmt: skip
"""What can be chosen, in words."""
