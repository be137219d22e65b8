"""Alert: scored pairs that nobody has judged. Verdicts, incidents and deliveries are kept in one transaction."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlmodel import Session

from alerts import notice
from alerts.evaluation import Outcome, evaluate
from alerts.grouping import Incident, horizon
from alerts.mentions import ScoredMention
from alerts.reasons import Reason
from alerts.registry import RULES, RuleKind, read_settings
from listener.store import alerting, deliveries
from listener.store.engine import Store
from listener.store.locks import beside
from listener.store.tables import Brand

log = structlog.get_logger()

RULE = "detractor"

PATIENCE = timedelta(minutes=2)
"""How long a scored pair waits for earlier ones whose scorer died; longer than a scorer's lease."""


def judge_batch(store: Store, channels: tuple[str, ...], public_url: str, now: datetime, limit: int = 500) -> int:
    """Judge up to ``limit`` pairs of every brand that has some; how many were judged.

    ``channels``: the names of all channels set up here; a brand may be limited to some of them. A brand that fails
    stops no other. Raises its error only if nothing at all was judged, so that the caller waits before it tries again.
    """
    with store.reading() as session:
        waiting = alerting.brands_to_judge(session)
    judged = 0
    failure: Exception | None = None
    for brand_id in waiting:
        try:
            with store.transaction() as session:
                brand = alerting.lock_brand(session, brand_id)
                judged += _Judging(session, brand, channels, public_url, now).run(limit)
        except Exception as error:
            log.exception("brand_not_judged", brand_id=brand_id, error=str(error))
            failure = error
    if failure is not None and not judged:
        raise failure
    return judged


class _Judging:
    """One brand's batch within one transaction."""

    def __init__(
        self, session: Session, brand: Brand, channels: tuple[str, ...], public_url: str, now: datetime
    ) -> None:
        self._session = session
        self._brand = brand
        self._channels = tuple(name for name in channels if brand.channels is None or name in brand.channels)
        self._public_url = public_url
        self._now = now
        self._verdicts: dict[int, Reason] = {}
        self._members: list[dict[str, Any]] = []
        self._deliveries: list[dict[str, Any]] = []

    def run(self, limit: int) -> int:
        # Nothing that is judged here is edited or deleted meanwhile, or made a copy.
        beside(self._session)
        mentions = alerting.unjudged(self._session, self._brand, limit, self._now, PATIENCE)
        if not mentions:
            return 0
        rule = RULES[RULE]
        options = self._brand.alerting.get(RULE, {})
        if options is False:
            self._verdicts = {mention.id: Reason.RULE_OFF for mention in mentions}
        else:
            self._judge(mentions, rule, read_settings(RULE, options))
        alerting.write_verdicts(
            self._session, {pair: str(reason) for pair, reason in self._verdicts.items()}, self._now
        )
        alerting.write_members(self._session, self._members)
        new = deliveries.put(self._session, self._deliveries, self._now)
        log.info(
            "judged", brand=self._brand.name, mentions=len(mentions), deliveries=new,
            reasons=dict(Counter(str(reason) for reason in self._verdicts.values())),
        )  # fmt: skip
        return len(mentions)

    def _judge(self, mentions: list[ScoredMention], rule: RuleKind, settings: Any) -> None:
        earliest, latest = horizon(mentions, settings.window)
        incidents = {
            incident.id: incident
            for incident in alerting.incidents_between(self._session, self._brand, RULE, earliest, latest)
        }
        grown: set[int] = set()
        disabled = deliveries.disabled_channels(self._session, self._channels)
        counted = alerting.clusters_of(self._session, [mention.id for mention in mentions])
        spoken_for = alerting.spoken_for(self._session, set(counted.values()))
        for mention in mentions:
            cluster = counted.get(mention.id)
            if cluster in spoken_for:
                self._verdicts[mention.id] = Reason.COPY
                self._add_copy(mention, spoken_for[cluster], incidents)
                continue
            outcome = evaluate(mention, list(incidents.values()), RULE, rule.judge, settings, self._channels, disabled)
            self._verdicts[mention.id] = outcome.reason
            incident = None if outcome.after is None else self._stored(outcome.after)
            if cluster is not None:
                spoken_for[cluster] = None if incident is None else incident.id
            if incident is None:
                continue
            assert incident.id is not None
            incidents[incident.id] = incident
            grown.add(incident.id)
            self._tell(outcome, incident)
        for incident_id in sorted(grown):
            alerting.update_alert(self._session, incidents[incident_id])

    def _add_copy(self, copy: ScoredMention, incident_id: int | None, incidents: dict[int | None, Incident]) -> None:
        """The first of a cluster to be judged speaks for all; the others only reach more people."""
        if incident_id is None:
            return
        self._members.append({"alert_id": incident_id, "mention_brand_id": copy.id, "reason": str(Reason.COPY)})
        reach = copy.reach or 0
        alerting.add_reach(self._session, incident_id, reach)
        if incident := incidents.get(incident_id):
            incidents[incident_id] = replace(incident, reach=incident.reach + reach)

    def _stored(self, incident: Incident) -> Incident:
        if incident.id is not None:
            return incident
        return replace(incident, id=alerting.open_alert(self._session, self._brand, incident, self._now))

    def _tell(self, outcome: Outcome, incident: Incident) -> None:
        assert outcome.decision is not None
        self._members.append(
            {"alert_id": incident.id, "mention_brand_id": outcome.mention.id, "reason": str(outcome.decision.reason)}
        )
        if outcome.decision.action != "notify":
            return
        message = notice.build(
            incident,
            outcome.mention,
            outcome.decision,
            because=outcome.verdict.because,
            incident_url=f"{self._public_url}/alerts/{incident.id}",
        )
        for channel in outcome.decision.channels:
            self._deliveries.append(
                {
                    "key": message.key,
                    "alert_id": incident.id,
                    "channel": channel,
                    "kind": message.kind,
                    "reason": str(outcome.decision.reason),
                    "notice": message.to_json(),
                }
            )
