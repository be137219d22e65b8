"""What stands in incidents by name, as people say it: rules, severities, states, and the numbers behind a finding."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alerts.incident import State
from alerts.severity import Severity
from alerts.text import one_line
from api.dashboard.language import N_, Words
from api.dashboard.rule_words import RULE_NAMES

RULES: Mapping[str, str] = {rule: name for rule, (name, _) in RULE_NAMES.items()}
"""Rule -> what its incidents are called; one that is not here goes by its own name."""

SEVERITIES: Mapping[str, str] = {
    Severity.CRITICAL: N_("critical"),
    Severity.WARNING: N_("warning"),
    Severity.INFO: N_("info"),
}

STATES: Mapping[str, str] = {
    State.OPEN: N_("open"),
    State.ACKNOWLEDGED: N_("acknowledged"),
    State.SNOOZED: N_("snoozed"),
    State.RESOLVED: N_("resolved"),
}

LABELS: Mapping[str, str] = {
    "promoter": N_("promoter"),
    "passive": N_("passive"),
    "detractor": N_("detractor"),
    "unscored": N_("not scored"),
}

DELIVERIES: Mapping[str, str] = {
    "pending": N_("waits to be sent"),
    "sending": N_("is being sent"),
    "sent": N_("sent"),
    "dead": N_("could not be sent"),
    "dropped": N_("not sent, not needed any more"),
}

KINDS: Mapping[str, str] = {
    "opened": N_("opened"),
    "grew": N_("grew"),
    "updated": N_("updated"),
    "reminder": N_("reminder"),
    "escalated": N_("told further up"),
    "reopened": N_("reopened"),
    "resolved": N_("resolved"),
    "summary": N_("summary"),
    "digest": N_("digest"),
}

FILTERS: Mapping[str, str] = {
    "state": N_("State"),
    "severity": N_("Severity"),
    "rule": N_("Rule"),
    "brand": N_("Brand"),
    "assignee": N_("Who has it"),
    "team": N_("Team"),
}

UNRESOLVED = N_("not over")
MINE = N_("me")
NOBODYS = N_("nobody")

EVIDENCE: Mapping[str, str] = {
    "observed": N_("Mentions in the window"),
    "expected": N_("Usual for such a window"),
    "interval": N_("Usually between"),
    "fires_from": N_("The rule fires from"),
    "detractors": N_("Detractors among them"),
    "share": N_("Share of detractors"),
    "usual_share": N_("Usual share of detractors"),
    "p": N_("Chance of so many by accident"),
    "p_share": N_("Chance of such a share by accident"),
    "p_fires": N_("The rule fires under a chance of"),
    "dispersion": N_("Unsteadiness of the counts (1 = pure chance)"),
    "basis": N_("Compared with"),
    "basis_hours": N_("Hours compared with"),
    "history_hours": N_("Hours of history"),
    "history_mentions": N_("Mentions in the history"),
    "history_since": N_("History since"),
    "level_shifted": N_("The usual level has changed of late"),
    "peak": N_("At its highest"),
    "wanting": N_("Complaints and questions"),
    "waiting": N_("Of them without an answer"),
    "late": N_("Of them too late"),
    "given_up": N_("Never answered, and too old by now"),
    "oldest": N_("The oldest since"),
    "unread_since": N_("Not all sources read since"),
    "kind": N_("Platform"),
    "reason": N_("What was found"),
}
"""The evidence that rules keep (``alerts.rule.Assessment``) -> what it is."""

_SHARES = frozenset({"share", "usual_share"})
_CHANCES = frozenset({"p", "p_share", "p_fires"})
_MOMENTS = frozenset({"history_since", "oldest", "unread_since"})


def evidence_rows(evidence: Mapping[str, Any], words: Words) -> list[tuple[str, str | datetime]]:
    """A rule's numbers with what each of them is. A moment stays one, for the page to show as such."""
    return [
        (words.gettext(EVIDENCE.get(name, name.replace("_", " "))), _shown(name, value, words))
        for name, value in evidence.items()
        if value is not None
    ]


def _shown(name: str, value: object, words: Words) -> str | datetime:
    if isinstance(value, bool):
        return words.gettext("yes") if value else words.gettext("no")
    if isinstance(value, int | float):
        if name in _SHARES:
            return words.percent(value, digits=1)
        return words.number(value, 6 if name in _CHANCES else 2)
    if name in _MOMENTS and isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(value, list) and all(isinstance(part, int | float) for part in value):
        return " – ".join(words.number(part) for part in value)
    return words.gettext(one_line(str(value))[:300])
