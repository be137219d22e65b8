"""The rules in force for a brand: what its row says, what holds where it says nothing, and `when` as a predicate."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.mentions import ScoredMention
from alerts.reasons import Reason
from alerts.registry import RULES, read_settings
from alerts.rule import MentionRule, MentionSettings, Verdict, WindowRule, WindowSettings
from listener.query import parse_filter, prepare

Predicate = Callable[[ScoredMention], bool]


@dataclass(frozen=True, slots=True)
class ActiveMentionRule:
    """A mention rule as a brand has it. ``passes``: whether a mention meets the rule's own filter. ``accounts``: those
    that the brand itself writes from."""

    name: str
    rule: MentionRule
    settings: MentionSettings
    passes: Predicate
    accounts: tuple[str, ...] = ()

    def verdict(self, mention: ScoredMention) -> Verdict:
        """What the rule makes of a mention; the brand's own posts and what its filter leaves out it never sees."""
        if mention.written_by(self.accounts):
            return Verdict(False, Reason.OWN_POST, mention.probability())
        if not self.passes(mention):
            return Verdict(False, Reason.NOT_IN_WHEN, mention.probability())
        return self.rule.judge(mention, self.settings)


@dataclass(frozen=True, slots=True)
class ActiveWindowRule:
    """A window rule as a brand has it. ``passes``: None = it has no filter, so counts kept beforehand will do."""

    name: str
    rule: WindowRule
    settings: WindowSettings
    passes: Predicate | None


def is_on(name: str, role: str, alerting: Mapping[str, Any]) -> bool:
    """Whether a rule is on for a brand of this role (own or competitor) whose row says this."""
    said = alerting.get(name)
    return role in RULES[name].roles if said is None else said is not False


def settings_of(name: str, alerting: Mapping[str, Any]) -> Any:
    """A rule's settings for a brand. Raises ValueError in words where its row holds what no longer reads."""
    said = alerting.get(name)
    return read_settings(name, said if isinstance(said, Mapping) else {})


def mention_rules(role: str, alerting: Mapping[str, Any], accounts: Sequence[str] = ()) -> list[ActiveMentionRule]:
    """The mention rules that are on, in the registry's order; ``accounts``: the brand's own. Raises ValueError as
    ``settings_of`` does."""
    found = []
    for name, rule in RULES.items():
        if isinstance(rule, MentionRule) and is_on(name, role, alerting):
            settings = settings_of(name, alerting)
            found.append(ActiveMentionRule(name, rule, settings, predicate(settings.when) or _always, tuple(accounts)))
    return found


def off(on: Iterable[ActiveMentionRule]) -> list[str]:
    """The rules on mentions that are not among these."""
    names = {rule.name for rule in on}
    return [name for name, rule in RULES.items() if isinstance(rule, MentionRule) and name not in names]


def window_rules(role: str, alerting: Mapping[str, Any], per: str = "brand") -> list[ActiveWindowRule]:
    """The window rules that are on and are asked per brand, or per installation. Raises as ``mention_rules`` does."""
    found = []
    for name, rule in RULES.items():
        if isinstance(rule, WindowRule) and rule.per == per and is_on(name, role, alerting):
            settings = settings_of(name, alerting)
            found.append(ActiveWindowRule(name, rule, settings, predicate(settings.when)))
    return found


def predicate(when: str | None) -> Predicate | None:
    """An expression in the query language as a test of mentions; None where there is none.

    Raises listener.query.QueryError (a ValueError) for one that does not read.
    """
    if when is None:
        return None
    query = parse_filter(when)

    def passes(mention: ScoredMention) -> bool:
        authors = [mention.author] if mention.author else []
        sources = [mention.source, mention.feed] if mention.feed else [mention.source]
        text = prepare(mention.text, lang=mention.lang, source=sources, author=authors)
        # Not ``match``, which looks for something that must be there before it looks at all.
        return query.places(text) is not None

    return passes


def _always(_: ScoredMention) -> bool:
    return True
