"""Incidents over invented mentions, as the jobs would leave them: members, timelines, decisions, deliveries."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from seed_tables import Bulk, at

from alerts.incident import Incident
from alerts.notice import About, Notice, NoticeKind, key_of
from alerts.reasons import Reason
from alerts.severity import Severity

CHANNEL = "log"
PEOPLE = ("ana", "bruno", "carmen", "dina")
QUIET = timedelta(hours=6)
UNRESOLVED = 12
"""Incidents that nobody has ended, however many there were: a team that works has few."""


@dataclass(slots=True)
class Story:
    """An incident while its mentions come: pairs with the reason and what the rule found."""

    brand_id: int
    brand: str
    rule: str
    size: int
    opened_at: datetime
    last_at: datetime
    members: list[tuple[int, str]] = field(default_factory=list)
    reach: int = 0
    platforms: set[str] = field(default_factory=set)
    languages: set[str] = field(default_factory=set)

    def join(self, pair: int, when: datetime, reach: int | None, kind: str, lang: str) -> Reason:
        """A mention comes to it; the verdict."""
        reason = Reason.JOINED_INCIDENT if self.members else Reason.OPENED_INCIDENT
        self.members.append((pair, reason.value))
        self.last_at = when
        self.reach += reach or 0
        self.platforms.add(kind)
        self.languages.add(lang)
        return reason

    @property
    def full(self) -> bool:
        """Whether no more come to it."""
        return len(self.members) >= self.size


def write(bulk: Bulk, stories: list[Story], random: Random) -> None:
    """Write all of them, oldest first, with ids from 1."""
    alerts, members, events, decisions, deliveries, attempts, notifications, feedback = ([] for _ in range(8))
    for number, story in enumerate(stories, 1):
        late = number > len(stories) - UNRESOLVED
        opened, created = story.opened_at, story.opened_at + timedelta(minutes=3)
        who, because = random.choice(PEOPLE), f"{story.brand}: {len(story.members)} mentions, inferred detractors"
        state = random.choice(("open", "open", "acknowledged", "snoozed")) if late else "resolved"
        told_at = created + timedelta(minutes=2)
        seen_at = told_at + timedelta(minutes=random.randint(1, 90)) if state != "open" else None
        over_at = None if late else max(story.last_at + QUIET, told_at)
        by_hand = not late and random.random() < 0.4
        severity = Severity.CRITICAL if story.reach > 500_000 else Severity.WARNING
        why = "handled" if by_hand else Reason.QUIET.value
        alerts.append((
            number, story.brand_id, story.rule, "", at(opened), at(story.last_at), len(story.members), story.reach,
            severity.value, state, because, json.dumps(sorted(story.platforms)), json.dumps(sorted(story.languages)),
            "{}", len(story.members) + 1, seen_at and at(seen_at), seen_at and who,
            at(story.last_at + timedelta(hours=30)) if state == "snoozed" else None,
            over_at and at(over_at), who if by_hand else None, over_at and why, 0, 0,
            at(story.last_at + QUIET) if state == "open" else None, at(created), at(over_at or seen_at or told_at),
        ))  # fmt: skip
        members += [(number, pair, reason, because) for pair, reason in story.members]
        events.append((number, at(created), "opened", None, json.dumps({"because": because})))
        told = json.dumps({"channel": CHANNEL, "kind": "opened", "reason": Reason.INCIDENT_OPENED.value})
        events.append((number, at(told_at), "told", None, told))
        if seen_at is not None:
            events.append((number, at(seen_at), "acknowledged", who, "{}"))
            feedback.append((number, who, random.random() < 0.8, "page", at(seen_at)))
        if over_at is not None:
            kind = "resolved" if by_hand else "ended"
            events.append((number, at(over_at), kind, who if by_hand else None, json.dumps({"why": why})))
        notice = _notice(number, story, because, severity, told_at)
        decisions.append((
            number, CHANNEL, "send", Reason.INCIDENT_OPENED.value, "opened", "", notice.key, at(told_at), at(told_at),
            1,
        ))  # fmt: skip
        dead = random.random() < 0.01
        deliveries.append((
            number, notice.key, number, CHANNEL, "opened", "post", severity.value, Reason.INCIDENT_OPENED.value,
            notice.to_json(), "dead" if dead else "sent", "rejected" if dead else "sent", False, 1, 0, at(told_at),
            at(told_at), None if dead else at(told_at), None if dead else at(told_at),
        ))  # fmt: skip
        attempts.append((number, 1, at(told_at), "rejected" if dead else "sent", "", not dead))
        notifications.append((
            number, CHANNEL, at(told_at), at(told_at), at(told_at), 0, 0, 1, state, 0, len(story.members),
            severity.value, 1,
        ))  # fmt: skip
    bulk.write("alert", _ALERT, alerts)
    bulk.write("alert_mention", "alert_id, mention_brand_id, reason, because", members)
    bulk.write("alert_event", "alert_id, at, kind, actor, detail", events)
    bulk.write("decision", _DECISION, decisions)
    bulk.write("delivery", _DELIVERY, deliveries)
    bulk.write("delivery_attempt", "delivery_id, number, at, outcome, detail, counts", attempts)
    bulk.write("notification", _NOTIFICATION, notifications)
    bulk.write("feedback", "alert_id, actor, useful, via, at", feedback)


def _notice(number: int, story: Story, because: str, severity: Severity, when: datetime) -> Notice:
    incident = Incident(
        number, story.brand, story.rule, story.opened_at, story.last_at, len(story.members), story.reach,
        severity=severity, because=because,
    )  # fmt: skip
    return Notice(
        key=key_of(incident, NoticeKind.OPENED, 0),
        kind=NoticeKind.OPENED,
        title=f"{story.brand}: new {story.rule} incident",
        why=because,
        made_at=when,
        severity=severity,
        about=About(
            number, story.brand, story.rule, "open", 1, incident.count, incident.reach, incident.opened_at,
        ),
    )  # fmt: skip


_ALERT = (
    "id, brand_id, rule, group_key, opened_at, last_at, count, reach, severity, state, because, platforms, languages, "
    "evidence, version, acknowledged_at, acknowledged_by, snoozed_until, resolved_at, resolved_by, resolved_why, "
    "reopened, escalated, ends_at, created_at, changed_at"
)
_DECISION = "alert_id, channel, action, reason, kind, detail, key, first_at, last_at, times"
_DELIVERY = (
    "id, key, alert_id, channel, kind, mode, severity, reason, notice, state, outcome, ambiguous, attempts, "
    "tries_before, not_before, created_at, sent_at, maybe_at"
)
_NOTIFICATION = (
    "alert_id, channel, first_at, told_at, posted_at, step, escalation, version, state, reopened, count, severity, "
    "times"
)
