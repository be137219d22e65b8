"""Alert: scored pairs that nobody has judged, and incidents that nothing comes to any more.

Verdicts and incidents are kept in one transaction. Whether people are told is decided apart (``listener.jobs.decide``).
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlmodel import Session

from alerts import life
from alerts.evaluation import placed
from alerts.grouping import horizon, repeated
from alerts.incident import Incident
from alerts.mentions import ScoredMention
from alerts.reasons import Reason
from alerts.rule import REACH_DECIDES, Verdict
from listener.rules import ActiveMentionRule, mention_rules, off
from listener.store import alerting, incidents
from listener.store.alerting import Spoken
from listener.store.engine import Store
from listener.store.locks import beside
from listener.store.tables import Brand

log = structlog.get_logger()

PATIENCE = timedelta(minutes=2)
"""How long a scored pair waits for earlier ones whose scorer died; longer than a scorer's lease."""

_SHOWN_FIRST = (Reason.OPENED_INCIDENT, Reason.JOINED_INCIDENT, Reason.OWN_POST, Reason.COPY)
_SHOWN_RULE = "detractor"
"""Whose reason is shown of a mention that led to no incident."""


def judge_batch(store: Store, now: datetime, limit: int = 500) -> int:
    """Judge up to ``limit`` pairs of every brand that has some by all its rules on mentions, and as many again that
    have grown; how many were judged. One that fails stops no other. Raises its error only if nothing at all was
    judged, so that the caller waits before it tries again.
    """
    with store.reading() as session:
        waiting = alerting.brands_to_judge(session)
    judged = 0
    failure: Exception | None = None
    for brand_id in waiting:
        try:
            with store.transaction() as session:
                brand = alerting.lock_brand(session, brand_id)
                judged += _Judging(session, brand, now).run(limit)
        except Exception as error:
            log.exception("brand_not_judged", brand_id=brand_id, error=str(error))
            failure = error
    if failure is not None and not judged:
        raise failure
    return judged


def end_quiet(store: Store, now: datetime, limit: int = 100) -> int:
    """End up to ``limit`` incidents that no mention has come to for as long as their rule's ``quiet_after`` said when
    the last one came; how many were looked at. One that a person has reopened since waits for a person."""
    with store.transaction() as session:
        over = incidents.quiet(session, now, limit)
        incidents.end_at(session, [_id(incident) for incident in over], None)
        for incident in over:
            after, event = life.end(incident, now, str(Reason.QUIET))
            if event is not None:
                incidents.save(session, after, now)
                incidents.note(session, _id(incident), [event])
    return len(over)


class _Judging:
    """One brand's batch within one transaction."""

    def __init__(self, session: Session, brand: Brand, now: datetime) -> None:
        self._session = session
        self._brand = brand
        self._now = now
        self._rules = mention_rules(brand.role, brand.alerting, brand.accounts)
        self._known: dict[int, Incident] = {}
        self._changed: dict[int, timedelta] = {}
        self._verdicts: dict[int, dict[str, str]] = {}
        self._members: list[dict[str, Any]] = []

    def run(self, limit: int) -> int:
        # Nothing that is judged here is edited or deleted meanwhile, or made a copy.
        beside(self._session)
        new = alerting.unjudged(self._session, self._brand, limit, self._now, PATIENCE)
        grown = alerting.grown(self._session, self._brand, limit)
        if not new and not grown:
            return 0
        mentions = [*new, *(one.mention for one in grown)]
        verdicts = {mention.id: {rule.name: rule.verdict(mention) for rule in self._rules} for mention in mentions}
        clusters = alerting.clusters_of(self._session, [mention.id for mention in mentions])
        spoken = alerting.spoken_for(self._session, set(clusters.values()))
        self._hold(mentions, verdicts, spoken.values())
        switched_off = dict.fromkeys(off(self._rules), str(Reason.RULE_OFF))
        for mention in new:
            cluster = clusters.get(mention.id)
            self._verdicts[mention.id] = dict(switched_off)
            if cluster in spoken:
                self._judge_copy(mention, verdicts[mention.id], spoken[cluster])
            else:
                before = Spoken() if cluster is None else spoken.setdefault(cluster, Spoken())
                self._judge(mention, verdicts[mention.id], before, [rule.name for rule in self._rules])
        for one in grown:
            before = spoken.get(clusters.get(one.mention.id, 0), Spoken())
            waiting = {rule for rule, reason in one.verdicts.items() if reason in REACH_DECIDES}
            self._verdicts[one.mention.id] = dict(one.verdicts)
            self._judge(one.mention, verdicts[one.mention.id], before, waiting - before.incidents.keys())
        self._keep()
        log.info(
            "judged", brand=self._brand.name, mentions=len(new), again=len(grown),
            reasons=dict(Counter(shown(self._verdicts[mention.id]) for mention in mentions)),
        )  # fmt: skip
        return len(mentions)

    def _hold(
        self,
        mentions: list[ScoredMention],
        verdicts: Mapping[int, Mapping[str, Verdict]],
        spoken: Collection[Spoken],
    ) -> None:
        """Load what may change here, so that nobody else changes it meanwhile: an acknowledgement would be lost."""
        assert self._brand.id is not None
        opened = {}
        for rule in self._rules:
            firing = [mention for mention in mentions if verdicts[mention.id][rule.name].fires]
            if firing:
                opened[rule.name] = horizon(firing, rule.settings.window)
        also = {incident_id for one in spoken for incident_id in one.incidents.values()}
        held = incidents.near(self._session, self._brand.id, opened, also)
        self._known = {_id(incident): incident for incident in held}

    def _judge(
        self, mention: ScoredMention, verdicts: Mapping[str, Verdict], cluster: Spoken, names: Collection[str]
    ) -> None:
        """By the rules of these names. ``cluster`` is told what came of it."""
        for rule in self._rules:
            if rule.name not in names:
                continue
            reason = self._place(mention, rule, verdicts[rule.name], cluster)
            self._verdicts[mention.id][rule.name] = str(reason)
            if reason in REACH_DECIDES:
                cluster.open_for.add(rule.name)

    def _judge_copy(self, copy: ScoredMention, verdicts: Mapping[str, Verdict], cluster: Spoken) -> None:
        """The first of a cluster to be judged speaks for all, by each rule; the others only reach more people. Where
        that was all that was missing, one of them may open what the first did not. Whom the brand reaches by repeating
        something itself counts nowhere."""
        for rule in self._rules:
            reason = Reason.COPY
            if verdicts[rule.name].reason is Reason.OWN_POST:
                reason = Reason.OWN_POST
            elif (incident_id := cluster.incidents.get(rule.name)) is not None:
                self._joins(incident_id, copy, reason, verdicts[rule.name])
                self._known[incident_id] = repeated(self._known[incident_id], copy)
                self._changed[incident_id] = rule.settings.quiet_after
            elif rule.name in cluster.open_for and verdicts[rule.name].fires:
                reason = self._place(copy, rule, verdicts[rule.name], cluster)
            self._verdicts[copy.id][rule.name] = str(reason)

    def _place(self, mention: ScoredMention, rule: ActiveMentionRule, verdict: Verdict, cluster: Spoken) -> Reason:
        outcome = placed(mention, verdict, self._known.values(), rule.name, rule.settings, self._now)
        if outcome.after is None:
            return outcome.reason
        incident = outcome.after
        if incident.id is None:
            incident = replace(incident, id=incidents.open_new(self._session, self._brand.id, incident, self._now))
        incident_id = _id(incident)
        self._known[incident_id] = incident
        self._changed[incident_id] = rule.settings.quiet_after
        cluster.incidents[rule.name] = incident_id
        incidents.note(self._session, incident_id, outcome.events)
        self._joins(incident_id, mention, outcome.reason, verdict)
        return outcome.reason

    def _joins(self, incident_id: int, mention: ScoredMention, reason: Reason, verdict: Verdict) -> None:
        member = {"alert_id": incident_id, "mention_brand_id": mention.id, "reason": str(reason)}
        self._members.append(member | {"because": verdict.because if verdict.fires else ""})

    def _keep(self) -> None:
        written = {pair: (shown(by_rule), by_rule) for pair, by_rule in self._verdicts.items()}
        alerting.write_verdicts(self._session, written, self._now)
        alerting.write_members(self._session, self._members)
        lengths: dict[timedelta, list[int]] = {}
        for incident_id in sorted(self._changed):
            incidents.save(self._session, self._known[incident_id], self._now)
            lengths.setdefault(self._changed[incident_id], []).append(incident_id)
        for quiet_after, ids in lengths.items():
            incidents.end_at(self._session, ids, self._now + quiet_after)


def shown(by_rule: Mapping[str, str]) -> str:
    """Of what the rules said of one mention the reason that goes first."""
    for reason in (*_SHOWN_FIRST, by_rule.get(_SHOWN_RULE)):
        if reason is not None and str(reason) in by_rule.values():
            return str(reason)
    return next(iter(by_rule.values()), str(Reason.RULE_OFF))


def _id(incident: Incident) -> int:
    assert incident.id is not None
    return incident.id
