"""The crisis rule: words of safety, law, data or discrimination, said by somebody who does not speak for the brand."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

from alerts.durations import in_words
from alerts.mentions import ScoredMention
from alerts.reasons import Reason
from alerts.rule import MentionRule, MentionSettings, Verdict
from alerts.severity import Severity
from alerts.wording import percent
from alerts.wordlists import Hit, languages_for, term, word_list

NAME = "crisis"

Topic = Literal["safety", "legal", "data", "discrimination"]
TOPICS: tuple[Topic, ...] = get_args(Topic)

Terms = Mapping[Topic, tuple[str, ...]]

_MOST_NAMED = 6
"""Terms in a reason; a longer text has more of them and is no worse for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrisisSettings(MentionSettings):
    """When the rule fires. Terms as in `alerts/words/crisis.toml`, where the lists are that come with it.

    `topics` that are watched. `words` stand in place of a topic's lists, in all languages; `add` are further ones;
    `remove` takes terms out, written as they stand there. `min_probability`: how likely the author must be a
    detractor, or the mention a complaint, 0 to 1. A promoter's words never count.

    Raises ValueError with what is wrong and what would be right.
    """

    severity: Severity = Severity.CRITICAL
    topics: frozenset[Topic] = frozenset(TOPICS)
    words: Terms = field(default_factory=dict)
    add: Terms = field(default_factory=dict)
    remove: Terms = field(default_factory=dict)
    min_probability: float = 0.5

    def __post_init__(self) -> None:
        """Check each value; the first wrong one is named."""
        # Not super(): slots make the class anew, and then it is another one than super() thinks.
        MentionSettings.__post_init__(self)
        if not self.topics:
            raise ValueError(f"topics is empty, so the rule could never fire; there are: {', '.join(TOPICS)}")
        if not 0 <= self.min_probability <= 1:
            raise ValueError(f"min_probability lies between 0 and 1 (0.5 means 50%); got {self.min_probability}")
        for terms in (*self.words.values(), *self.add.values()):
            for one in terms:
                term(one)
        for topic, terms in self.remove.items():
            known = {one for lists in shipped().values() for one in lists[topic]} | set(self.words.get(topic, ()))
            if unknown := [one for one in terms if one not in known]:
                raise ValueError(f"remove: {unknown[0]!r} is not in the list of {topic}; terms are written as in it")


@cache
def shipped() -> Mapping[str, Mapping[Topic, tuple[str, ...]]]:
    """The lists that come with the rule: language -> topic -> terms."""
    return {lang: {topic: tuple(topics[topic]) for topic in TOPICS} for lang, topics in _lists().items()}


@cache
def unmeant() -> Mapping[str, tuple[str, ...]]:
    """Language -> phrases in which terms of the lists mean nothing of the kind ("my bill exploded")."""
    return {lang: tuple(topics["unmeant"]) for lang, topics in _lists().items()}


@cache
def _lists() -> Mapping[str, Mapping[str, list[str]]]:
    return tomllib.loads(files("alerts").joinpath("words", "crisis.toml").read_text(encoding="utf-8"))


def terms_of(topic: Topic, lang: str, settings: CrisisSettings) -> tuple[str, ...]:
    """The terms in force for a topic in a language that there are lists in."""
    kept = settings.words.get(topic, shipped()[lang][topic])
    removed = settings.remove.get(topic, ())
    return (*(one for one in kept if one not in removed), *settings.add.get(topic, ()))


def hits(mention: ScoredMention, settings: CrisisSettings) -> Iterator[tuple[Topic, Hit]]:
    """The terms that stand in a mention, by topic and place; not those within the brand's own name or within a
    phrase in which they are not meant."""
    langs = languages_for(mention.lang, shipped())
    phrases = (hit.span for lang in langs for hit in word_list(unmeant()[lang]).hits(mention.text))
    apart = (*mention.spans, *phrases)
    for topic in TOPICS:
        if topic not in settings.topics:
            continue
        found: set[Hit] = set()
        for lang in langs:
            found.update(word_list(terms_of(topic, lang, settings)).hits(mention.text, apart))
        for hit in sorted(found, key=lambda one: (one.span, one.term)):
            yield topic, hit


def judge(mention: ScoredMention, settings: CrisisSettings) -> Verdict:
    """Whether the mention meets the rule, and the first reason why not. Age as in the detractor rule."""
    probability = mention.probability()
    age = mention.collected_at - mention.created_at

    def held(reason: Reason, because: str) -> Verdict:
        return Verdict(False, reason, probability, because)

    if not mention.scored:
        return held(Reason.NOT_SCORED_FOR_BRAND, "no score yet")
    found = list(hits(mention, settings))
    if not found:
        return held(Reason.NO_CRISIS_WORDS, "no crisis words")
    named = _named(found)
    against = max(probability, mention.complaint or 0.0)
    least = percent(settings.min_probability)
    if mention.standing == "promoter":
        return held(Reason.NOT_NEGATIVE, f"{named}, but said by somebody who speaks for the brand")
    # Written so that a NaN from a broken model counts as unsure.
    if not against >= settings.min_probability:
        return held(
            Reason.NOT_NEGATIVE, f"{named}, but only {percent(against)} likely against the brand, needs {least}"
        )
    if age > settings.max_age and not mention.judge_as_new:
        return held(Reason.TOO_OLD, f"{in_words(age)} old when collected, at most {in_words(settings.max_age)}")
    what = "a detractor" if probability >= (mention.complaint or 0.0) else "a complaint"
    because = f"{named}; {percent(against)} likely {what} (alerts from {least})"
    if mention.reach is not None:
        because += f", reach {mention.reach:,}"
    return Verdict(True, Reason.CRISIS_WORDS, probability, because)


def _named(found: list[tuple[Topic, Hit]]) -> str:
    """The terms as the lists have them, by topic: what a stranger wrote stands in no reason."""
    by_topic: dict[Topic, list[str]] = {}
    for topic, hit in found:
        terms = by_topic.setdefault(topic, [])
        if hit.term not in terms and sum(map(len, by_topic.values())) < _MOST_NAMED:
            terms.append(hit.term)
    more = len({(topic, hit.term) for topic, hit in found}) - sum(map(len, by_topic.values()))
    words = "; ".join(f"{topic}: {', '.join(terms)}" for topic, terms in by_topic.items() if terms)
    return f"{words} and {more} more" if more else words


RULE = MentionRule(CrisisSettings, judge, "words of safety, law, data or discrimination beside a negative stance")
