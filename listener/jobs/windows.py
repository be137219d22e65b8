"""Windows: each window of time of every window rule, evaluated once; incidents are opened, go on, and end.

What a window says, how far the rule has been asked, and what becomes of its incident are kept in one transaction, which
holds the rule's row in ``evaluated``: killed anywhere, the window is evaluated again, or was evaluated whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

import structlog
from sqlmodel import Session

from alerts import life
from alerts.reasons import Reason
from alerts.registry import RULES
from alerts.rule import WindowRule
from alerts.windowing import floor
from listener.jobs.window_incidents import Evaluating
from listener.rules import ActiveWindowRule, is_on, window_rules
from listener.scheduler import FAR_AHEAD
from listener.store import alerting, brands, evaluations, incidents, windows
from listener.store.engine import Store
from listener.store.evaluations import Subject
from listener.store.locks import beside
from listener.store.tables import Brand
from listener.window_data import WindowData

log = structlog.get_logger()

PATIENCE = timedelta(minutes=2)
"""So long after its end a window waits for the scores of what was said in it."""

CATCH_UP = timedelta(hours=1)
"""Windows that ended longer ago are not evaluated any more: telling of them would come too late."""


@dataclass(frozen=True, slots=True)
class _Due:
    """A rule to be asked about a brand.

    ``untils``: the ends of the windows, oldest first. ``first``: of all that nobody has evaluated, also of those that
    are too old by now; ``fresh``: of those that are not.
    """

    brand: Brand | None
    active: ActiveWindowRule
    untils: Sequence[datetime]
    first: datetime
    fresh: datetime

    @property
    def subject(self) -> Subject:
        return Subject(self.active.name, None if self.brand is None else self.brand.id)


def evaluate_due(
    store: Store, now: datetime, limit: int = 500, alerting: Mapping[str, Any] = MappingProxyType({})
) -> int:
    """Evaluate the windows that have ended, of every rule and brand; how many were. At ``limit`` it leaves the rest to
    the next call. A rule that fails stops no other; its error is raised only if nothing at all was evaluated.

    ``alerting``: what is set of the rules that are asked once for the whole installation.
    """
    with store.reading() as session:
        asked, known = brands.active_brands(session), evaluations.positions(session)
    due = _due(asked, known, now, alerting)
    done = 0
    failure: Exception | None = None
    for one in due:
        if done >= limit:
            break
        try:
            done += _evaluate(store, one, now)
        except Exception as error:
            brand = None if one.brand is None else one.brand.name
            log.exception("windows_not_evaluated", rule=one.active.name, brand=brand, error=str(error))
            failure = error
    for subject in known.keys() - _asked(asked, alerting):
        gone = subject.brand_id is not None and all(brand.id != subject.brand_id for brand in asked)
        _stop_asking(store, subject, now, Reason.BRAND_OFF if gone else Reason.RULE_OFF)
    if failure is not None and not done:
        raise failure
    return done


def _due(
    asked: Sequence[Brand], known: Mapping[Subject, datetime], now: datetime, alerting: Mapping[str, Any]
) -> list[_Due]:
    found = []
    for brand in (*asked, None):
        for active in _rules(brand, alerting):
            every = active.settings.every
            last = floor(now, every)
            position = known.get(Subject(active.name, None if brand is None else brand.id))
            if position is None or _from_a_wrong_clock(position, now):
                # Asked for the first time, it begins with the window that has just ended.
                position = last - every
            # Windows may have been of another length then, and ended at other times.
            first = floor(position, every) + every
            oldest = floor(now - CATCH_UP, every)
            fresh = max(first, oldest if now - oldest <= CATCH_UP else oldest + every)
            if first <= last:
                untils = [fresh + number * every for number in range(max((last - fresh) // every + 1, 0))]
                found.append(_Due(brand, active, untils, first, fresh))
    return found


def _from_a_wrong_clock(position: datetime, now: datetime) -> bool:
    """Whether a clock was ahead that has been set right since: what it did must silence no rule until that time."""
    return position > now + FAR_AHEAD


def _rules(brand: Brand | None, alerting: Mapping[str, Any]) -> list[ActiveWindowRule]:
    try:
        if brand is None:
            return window_rules("own", alerting, "installation")
        return window_rules(brand.role, brand.alerting)
    except ValueError as error:
        # Checked where the file is read; what an older Escucha stored may read no longer, and stops no other brand.
        log.error("rules_not_read", brand=brand and brand.name, error=str(error))  # noqa: TRY400
        return []


def _evaluate(store: Store, due: _Due, now: datetime) -> int:
    """All due windows of one rule and brand, in order and in one transaction; how many."""
    untils = list(due.untils)
    unscored: set[datetime] = set()
    data: WindowData | None = None
    with store.reading() as session:
        for until in due.untils if due.brand is not None else ():
            if _unscored(session, due, until, now):
                if now - until < PATIENCE:
                    untils = [earlier for earlier in untils if earlier < until]
                    break
                unscored.add(until)
        if untils:
            data = WindowData.load(session, due.brand, [due.active], untils[0], untils[-1])
    if not untils and due.first == due.fresh:
        return 0
    with store.transaction() as session:
        # The brand first, as judges do: one of us beside others and one with the brand could wait for each other.
        if due.brand is not None:
            assert due.brand.id is not None
            alerting.lock_brand(session, due.brand.id)
        # Nothing that becomes part of an incident is edited or deleted meanwhile.
        beside(session)
        every = due.active.settings.every
        position = evaluations.held_position(session, due.subject, due.first - every)
        if _from_a_wrong_clock(position, now):
            log.warning("clock_was_ahead", rule=due.active.name, evaluated_up_to=position.isoformat())
            position = due.first - every
        first = max(due.first, floor(position, every) + every)
        missed = max((due.fresh - first) // every, 0)
        if missed:
            evaluations.log_missed(session, due.subject, first, due.fresh - every, missed)
        left = [until for until in untils if until > position]
        if data is not None:
            evaluating = Evaluating(session, due.brand, due.active, data, now)
            for until in left:
                evaluating.evaluate(until, scored=until not in unscored)
        if missed or left:
            evaluations.move(session, due.subject, left[-1] if left else due.fresh - every)
    return len(left) + missed


def _unscored(session: Session, due: _Due, until: datetime, now: datetime) -> bool:
    assert due.brand is not None
    assert due.brand.id is not None
    begin = until - due.active.settings.lookback
    return windows.unscored(session, due.brand.id, begin, until, now + PATIENCE)


def _asked(asked: Sequence[Brand], alerting: Mapping[str, Any]) -> set[Subject]:
    """What is asked, by the rules that are on, whether their settings read or not."""
    found = set()
    for name, rule in RULES.items():
        if isinstance(rule, WindowRule) and rule.per != "brand":
            found |= {Subject(name, None)} if is_on(name, "own", alerting) else set()
        elif isinstance(rule, WindowRule):
            found |= {Subject(name, brand.id) for brand in asked if is_on(name, brand.role, brand.alerting)}
    return found


def _stop_asking(store: Store, subject: Subject, now: datetime, why: Reason) -> None:
    """End the open incidents of a rule that nobody asks any more, and forget how far it was asked: if it is switched on
    again it begins anew, since what lies between was not missed."""
    with store.transaction() as session:
        if subject.brand_id is not None:
            alerting.lock_brand(session, subject.brand_id)
        evaluations.forget(session, subject)
        for one in incidents.unresolved(session, subject.brand_id, subject.rule):
            incident = None if one.id is None else incidents.held(session, one.id)
            if incident is None or incident.id is None:
                continue
            after, event = life.end(incident, now, why.value)
            if event is not None:
                incidents.save(session, after, now)
                incidents.note(session, incident.id, [event])
