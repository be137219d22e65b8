"""A notice about an incident: what it says, in the team's language and time. Pure: what is shown is passed in."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from alerts import phrases
from alerts.incident import Incident, State
from alerts.mentions import ScoredMention
from alerts.notice import About, Action, Button, Language, Link, Notice, NoticeKind, quote
from alerts.phrases import because, lasted, moment, named, number
from alerts.policy import Team
from alerts.reasons import Reason
from alerts.severity import Severity
from alerts.text import one_line, shorten

_REASONS = {reason.value: reason for reason in Reason}

TITLE_LIMIT = 140
"""Characters: within Slack's 150 for a header, which is the narrowest."""

_SUBJECT_LIMIT = 70
_RULE_LIMIT = 40
_WHY_LIMIT = 600
_FACT_LIMIT = 200

_TITLES: dict[NoticeKind, dict[Language, str]] = {
    NoticeKind.OPENED: {"en": "New", "es": "Nueva"},
    NoticeKind.GREW: {"en": "Growing", "es": "En aumento"},
    NoticeKind.ESCALATED: {"en": "Not acknowledged", "es": "Sin atender"},
    NoticeKind.REMINDER: {"en": "Still open", "es": "Sigue abierta"},
    NoticeKind.REOPENED: {"en": "Back again", "es": "Ha vuelto"},
}

_WORDS: dict[str, dict[Language, str]] = {
    "critical": {"en": "CRITICAL · ", "es": "CRÍTICA · "},
    "since": {"en": "{mentions} since {since}", "es": "{mentions} desde {since}"},
    "quoted": {"en": "the one quoted first: ", "es": "la primera que se cita: "},
    "latest": {"en": "the latest: ", "es": "la última: "},
    "open_for": {"en": "open for {length}", "es": "abierta desde hace {length}"},
    "over": {"en": "It lasted {length}, with {mentions}", "es": "Duró {length}, con {mentions}"},
    "resolved_by": {"en": "resolved by {who}", "es": "resuelta por {who}"},
    "state": {"en": "State", "es": "Estado"},
    "severity": {"en": "Severity", "es": "Gravedad"},
    "mentions": {"en": "Mentions", "es": "Menciones"},
    "reach": {"en": "Reach", "es": "Alcance"},
    "began": {"en": "Since", "es": "Desde"},
    "last": {"en": "Latest", "es": "Última"},
    "platforms": {"en": "Platforms", "es": "Plataformas"},
    "assigned": {"en": "Assigned to", "es": "Asignada a"},
    "seen": {"en": "Acknowledged by", "es": "La atiende"},
    "until": {"en": "{state} until {until}", "es": "{state} hasta {until}"},
    "reason": {"en": "Why this message", "es": "Por qué este mensaje"},
    "open_it": {"en": "Open the incident", "es": "Abrir la incidencia"},
    "sources": {"en": "Sources", "es": "Fuentes"},
}


def write(
    incident: Incident,
    kind: NoticeKind,
    shown: Sequence[ScoredMention],
    *,
    key: str,
    reason: Reason,
    detail: str,
    team: Team | None,
    public_url: str,
    now: datetime,
    found: str = "",
) -> Notice:
    """The notice for an incident that the store knows. `shown`: its most telling mentions, the first one first.
    `found`: what the rule found in that one; "" where nobody knows, and then the latest has its say.

    `reason`: why it is sent, which the last of the facts says; `detail`: one more line about that. Without a team it is
    in English and UTC. Raises ValueError for an incident without an id.
    """
    if incident.id is None:
        raise ValueError("a notice is about an incident that is stored; this one has no id")
    return _Writing(incident, kind, team, found).notice(shown, key, reason, detail, public_url, now)


def refreshed(older: Notice, newer: Notice) -> Notice:
    """What goes out where the older one has not gone yet: the newer one's content as the message that the older one
    was to be, sent for the older one's reason. Both are about the same incident."""
    kind, title = newer.kind, newer.title
    if kind is NoticeKind.UPDATED:
        kind = older.kind
        if newer.about is not None and newer.about.state == State.OPEN.value:
            # Whoever gets it has not heard of it: "New", not "Open". No word of ours for that has a colon in it.
            title = _headed(kind, newer.severity, newer.language, title.partition(": ")[2]) or title
    return replace(newer, key=older.key, kind=kind, title=title, facts=(*newer.facts[:-1], *older.facts[-1:]))


def _headed(kind: NoticeKind, severity: Severity, language: Language, rest: str) -> str | None:
    """A title that begins with what kind of news it is; None where the state is the news."""
    if kind not in _TITLES:
        return None
    urgent = _WORDS["critical"][language] if severity is Severity.CRITICAL else ""
    return _cut(f"{urgent}{_TITLES[kind][language]}: {rest}", TITLE_LIMIT)


def buttons(state: State, language: Language) -> tuple[Button, ...]:
    """What can be pressed in this state."""
    actions = [Action.USEFUL, Action.NOT_USEFUL]
    if state is not State.RESOLVED:
        actions = [Action.ASSIGN, Action.SNOOZE, *actions]
    if state in (State.OPEN, State.SNOOZED):
        actions.insert(0, Action.ACKNOWLEDGE)
    return tuple(Button(action, phrases.ACTIONS[action.value][language]) for action in actions)


class _Writing:
    """One notice, in one language and time zone."""

    def __init__(self, incident: Incident, kind: NoticeKind, team: Team | None, found: str) -> None:
        self._incident = incident
        self._quoted = found
        self._kind = kind
        self._language: Language = "en" if team is None else team.language
        self._zone = ZoneInfo("UTC") if team is None else team.zone

    def notice(
        self, shown: Sequence[ScoredMention], key: str, reason: Reason, detail: str, public_url: str, now: datetime
    ) -> Notice:
        incident = self._incident
        assert incident.id is not None
        return Notice(
            key=key,
            kind=self._kind,
            title=self._title(),
            why=self._why(detail, now),
            made_at=now,
            severity=incident.severity,
            language=self._language,
            timezone=self._zone.key,
            about=About(
                id=incident.id, brand=incident.brand, rule=incident.rule, state=incident.state.value,
                version=incident.version, count=incident.count, reach=incident.reach,
                opened_at=incident.opened_at.astimezone(UTC),
            ),
            facts=self._facts(reason),
            quotes=tuple(quote(mention) for mention in shown),
            links=(Link(self._word("open_it"), f"{public_url}/alerts/{incident.id}"),),
            buttons=buttons(incident.state, self._language),
        )  # fmt: skip

    def _word(self, name: str, **filled: str) -> str:
        # What is filled in may hold braces: only our own words are a format.
        return _WORDS[name][self._language].format(**filled)

    def _state(self) -> str:
        return named(phrases.STATES, self._incident.state.value, self._language)

    def _title(self) -> str:
        """Who, what and how much: all that a phone shows. What kind of news it is stands before the colon."""
        incident = self._incident
        about = [incident.brand or self._word("sources"), *([incident.group] if incident.group else [])]
        rule = named(phrases.RULES, incident.rule, self._language)
        many = f" ({self._mentions()})" if incident.count else ""
        rest = f"{_cut(' / '.join(about), _SUBJECT_LIMIT)}, {_cut(rule, _RULE_LIMIT)}{many}"
        if incident.resolved:
            return _cut(f"{self._state()}: {rest}", TITLE_LIMIT)
        return _headed(self._kind, incident.severity, self._language, rest) or self._stated(rest)

    def _stated(self, rest: str) -> str:
        urgent = self._word("critical") if self._incident.severity is Severity.CRITICAL else ""
        return _cut(f"{urgent}{self._state()}: {rest}", TITLE_LIMIT)

    def _why(self, detail: str, now: datetime) -> str:
        tell: dict[NoticeKind, Callable[[], list[str]]] = {
            NoticeKind.RESOLVED: self._over,
            NoticeKind.ESCALATED: lambda: [self._waits(now), *self._found()],
            NoticeKind.REMINDER: lambda: [self._waits(now), *self._found()],
        }
        parts = tell.get(self._kind, self._over if self._incident.resolved else self._found)()
        lines = [_sentence(one_line(part)) for part in (*parts, detail) if part.strip()]
        return _cut(" ".join(lines), _WHY_LIMIT)

    def _found(self) -> list[str]:
        """What the rule found, with its numbers."""
        incident = self._incident
        if incident.count <= 1:
            return [incident.because]
        since = self._word("since", mentions=self._mentions(), since=moment(incident.opened_at, self._zone))
        if incident.evidence:
            # A window's reason is about all of it, a mention's about one: the one that people see.
            return [incident.because, since]
        which, numbers = ("quoted", self._quoted) if self._quoted else ("latest", incident.because)
        return [f"{since}; {self._word(which)}{numbers}" if numbers else since]

    def _over(self) -> list[str]:
        incident = self._incident
        ended = incident.resolved_at or incident.last_at
        length = lasted(max(ended - incident.opened_at, ended - ended))
        why = incident.resolved_why or ""
        if why in _REASONS:
            why = because(_REASONS[why], self._language)
        who = self._word("resolved_by", who=incident.resolved_by) if incident.resolved_by else ""
        return [self._word("over", length=length, mentions=self._mentions()), who, why]

    def _waits(self, now: datetime) -> str:
        return self._word("open_for", length=lasted(now - self._incident.opened_at))

    def _mentions(self) -> str:
        return phrases.mentions(self._incident.count, self._language)

    def _facts(self, reason: Reason) -> tuple[tuple[str, str], ...]:
        """At most ten, as many as Slack shows; the last one says why there is a message."""
        incident, language = self._incident, self._language
        state = self._state()
        if incident.snoozed_until is not None:
            state = self._word("until", state=state, until=moment(incident.snoozed_until, self._zone))
        last = incident.last_at if incident.last_at > incident.opened_at else None
        found: list[tuple[str, str | None]] = [
            ("state", state),
            ("severity", named(phrases.SEVERITIES, incident.severity.value, language)),
            ("mentions", number(incident.count, language) if incident.count else None),
            ("reach", number(incident.reach, language) if incident.reach else None),
            ("began", moment(incident.opened_at, self._zone)),
            ("last", moment(last, self._zone) if last else None),
            ("platforms", ", ".join(sorted(incident.platforms))),
            ("seen", incident.acknowledged_by if incident.state is State.ACKNOWLEDGED else None),
            ("assigned", incident.assigned_to),
            ("reason", because(reason, language)),
        ]
        return tuple((self._word(name), _cut(one_line(value), _FACT_LIMIT)) for name, value in found if value)


def _sentence(text: str) -> str:
    """With a capital at its start and a full stop at its end, unless it has an end."""
    return text[:1].upper() + text[1:] + ("" if text[-1:] in ".!?…" else ".")


def _cut(text: str, limit: int) -> str:
    return shorten(one_line(text), limit)
