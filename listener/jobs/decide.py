"""Decide: incidents whose time has come. Who is told of them, and who is not and why, is kept in one transaction."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from alerts.incident import Incident
from alerts.life import Event, EventKind, wake
from alerts.muting import Silence
from alerts.news import Growth, Record
from alerts.notice import NoticeKind
from alerts.pipeline import Case, Decision, decide, told_after
from alerts.policy import Policy
from alerts.registry import RULES
from alerts.routing import route
from alerts.rule import MentionSettings
from listener.rules import settings_of
from listener.store import decisions, deliveries, incidents, silences
from listener.store.channels import disabled
from listener.store.decisions import Due
from listener.store.engine import Store
from listener.store.notices import notice_for

log = structlog.get_logger()

TOGETHER = 20
"""Incidents that are decided upon in one transaction: few, so that whoever wants to change one need not wait long."""

PUT_OFF = timedelta(minutes=1)
"""After what time an incident is tried again that cannot be decided upon."""


def decide_batch(
    store: Store, policy: Policy, channels: Mapping[str, bool], public_url: str, now: datetime, limit: int = 100
) -> int:
    """Decide upon up to ``limit`` incidents that are due, the most severe first; how many were.

    ``channels``: every channel set up here -> whether its messages can be changed. An incident that cannot be decided
    upon stops no other. Raises its error only if nothing at all was decided, so that the caller waits before it tries
    again.
    """
    with store.reading() as session:
        ids = decisions.due(session, now, limit)
    decided = 0
    failure: Exception | None = None
    for start in range(0, len(ids), TOGETHER):
        some = ids[start : start + TOGETHER]
        try:
            decided += _together(store, some, _Deciding(policy, channels, public_url, now))
        except Exception as error:
            log.warning("decided_one_by_one", incidents=some, error=str(error))
            for alert_id in some:
                try:
                    decided += _together(store, [alert_id], _Deciding(policy, channels, public_url, now))
                except Exception as error:
                    log.exception("not_decided", incident=alert_id, error=str(error))
                    failure = error
                    with store.transaction() as session:
                        decisions.put_off(session, [alert_id], now + PUT_OFF, now)
    if failure is not None and not decided:
        raise failure
    return decided


def _together(store: Store, ids: Collection[int], deciding: "_Deciding") -> int:
    with store.transaction() as session:
        return deciding.run(session, ids)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is loaded for several incidents at once."""

    silences: list[Silence]
    disabled: frozenset[str]
    speaking: list[Incident]


class _Deciding:
    """Some incidents within one transaction."""

    def __init__(self, policy: Policy, channels: Mapping[str, bool], public_url: str, now: datetime) -> None:
        self._policy = policy
        self._channels = channels
        self._public_url = public_url
        self._now = now
        self._reasons: Counter[str] = Counter()

    def run(self, session: Session, ids: Collection[int]) -> int:
        held = decisions.held(session, ids, self._now)
        if not held:
            return 0
        found = [one.incident.id for one in held if one.incident.id is not None]
        speakers = {rule for inhibition in self._policy.inhibit for rule in inhibition.by}
        off = frozenset(disabled(session, tuple(self._channels)))
        known = _Known(
            silences.in_force(session, self._now),
            off,
            [one.incident for one in decisions.speaking(session, speakers) if self._heard(one, off)],
        )
        told = decisions.told(session, found)
        over = [one.incident.id for one in held if one.incident.resolved and one.incident.id is not None]
        muted = decisions.muted(session, over)
        doings = decisions.doings(session, found)
        # The most severe first: what it tells a channel, a lesser one need not tell again.
        for asleep in sorted(held, key=lambda one: -one.incident.severity.rank):
            one = self._awake(session, asleep)
            alert_id = one.incident.id
            assert alert_id is not None
            woken_at, acted_at = doings.get(alert_id, (None, None))
            if one is not asleep:
                woken_at = self._now
            kind = RULES.get(one.incident.rule)
            if kind is not None and kind.settings.wants_usual:
                one = replace(one, usual=decisions.usual(session, one))
            record = Record(
                one.since, told.get(alert_id, {}), _growth(one), woken_at, acted_at, muted.get(alert_id, {}),
            )  # fmt: skip
            self._decide(session, one, record, known)
        log.info("decided", incidents=len(held), reasons=dict(self._reasons))
        return len(held)

    def _heard(self, one: Due, off: frozenset[str]) -> bool:
        """Whether people hear of an incident, so that it can speak for others: it is large enough, and some route of
        its leads to a channel that is on."""
        destinations = route(one.incident, self._policy, one.channels, tuple(self._channels))
        return _growth(one).worth_telling and not off.issuperset(destinations.by_channel)

    def _awake(self, session: Session, one: Due) -> Due:
        """The same, woken if its snooze is over."""
        incident, event = wake(one.incident, self._now)
        if event is None:
            return one
        assert incident.id is not None
        incidents.save(session, incident, self._now)
        incidents.note(session, incident.id, [event])
        return replace(one, incident=incident)

    def _decide(self, session: Session, one: Due, record: Record, known: _Known) -> None:
        incident = one.incident
        assert incident.id is not None
        destinations = route(incident, self._policy, one.channels, tuple(self._channels))
        case = Case(
            incident=incident,
            destinations=destinations,
            record=record,
            edits=self._channels,
            teams={team.name: team for team in self._policy.teams},
            silences=known.silences,
            others=known.speaking,
            inhibitions=self._policy.inhibit,
            disabled=known.disabled,
            elsewhere=decisions.elsewhere(session, one) if destinations.by_channel.keys() - record.told.keys() else {},
        )
        outcome = decide(case, self._now)
        self._reasons.update(str(decision.reason) for decision in outcome.decisions)
        sent = [decision for decision in outcome.decisions if decision.action == "send"]
        deliveries.put(session, self._deliveries(session, incident, sent), self._now)
        decisions.keep_told(session, incident.id, told_after(case, outcome.decisions, self._now).values())
        fresh = decisions.keep(session, incident.id, outcome.decisions, self._now)
        incidents.note(session, incident.id, _events(fresh, self._now))
        decisions.settle(
            session, incident.id, team=destinations.team, decide_at=outcome.next_look,
            escalated=max([one.escalated, *(decision.escalation for decision in sent)]),
        )  # fmt: skip
        if incident.resolved:
            muted = {rule for each in self._policy.inhibit if incident.rule in each.by for rule in each.of}
            decisions.look_again(session, one.brand_id, muted, self._now)

    def _deliveries(self, session: Session, incident: Incident, sent: list[Decision]) -> list[dict[str, object]]:
        """What is told on several channels is written once."""
        written: dict[tuple[object, ...], str] = {}
        rows: list[dict[str, object]] = []
        for one in sent:
            assert one.kind is not None
            assert one.key is not None
            alike = (one.kind, one.key, one.reason, one.detail, one.team)
            if alike not in written:
                notice = notice_for(
                    session, incident, one.kind, key=one.key, reason=one.reason, detail=one.detail,
                    team=self._policy.team(one.team), public_url=self._public_url, now=self._now,
                )  # fmt: skip
                written[alike] = notice.to_json()
            rows.append(
                {
                    "key": one.key, "alert_id": incident.id, "channel": one.channel, "kind": one.kind.value,
                    "mode": one.mode.value, "severity": incident.severity.value, "reason": one.reason.value,
                    "notice": written[alike],
                }
            )  # fmt: skip
        return rows


def _growth(one: Due) -> Growth:
    """At what sizes people are told, as the brand's settings of the rule say."""
    if one.incident.rule not in RULES:
        return Growth()
    settings = settings_of(one.incident.rule, one.alerting)
    worth = settings.worth_telling(one.incident, one.usual)
    return Growth(settings.grow_at if isinstance(settings, MentionSettings) else None, worth)


def _events(fresh: Collection[Decision], now: datetime) -> list[Event]:
    """What of new decisions belongs into the timeline: who is told, and why somebody is not."""
    alike: dict[tuple[EventKind, str, str, str], list[str]] = {}
    for one in fresh:
        if one.kind is None or one.kind is NoticeKind.UPDATED:
            continue
        kind = EventKind.HELD if one.action == "hold" else EventKind.TOLD
        if one.action == "send" and one.kind is NoticeKind.ESCALATED:
            kind = EventKind.ESCALATED
        alike.setdefault((kind, one.reason.value, one.kind.value, one.detail), []).append(one.channel)
    return [
        Event(
            now, kind, None, {"reason": reason, "kind": what, "channels": channels} | ({"detail": more} if more else {})
        )
        for (kind, reason, what, more), channels in alike.items()
    ]
