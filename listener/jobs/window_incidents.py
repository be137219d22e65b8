"""What becomes of the incidents of a window rule: they open, go on, end, and come back."""

from dataclasses import replace
from datetime import datetime

import structlog
from sqlmodel import Session

from alerts import life
from alerts.incident import Incident
from alerts.life import Event, EventKind
from alerts.reasons import Reason
from alerts.rule import Assessment
from alerts.windowing import comes_back, gone_on, opened
from listener.rules import ActiveWindowRule
from listener.store import evaluations, incidents, windows
from listener.store.evaluations import Subject
from listener.store.tables import Brand
from listener.window_data import WindowData

log = structlog.get_logger()


class Evaluating:
    """One rule and brand within one transaction."""

    def __init__(
        self, session: Session, brand: Brand | None, active: ActiveWindowRule, data: WindowData, now: datetime
    ) -> None:
        """``brand``: None where the rule is asked about everything. Holds the open incidents."""
        self._session, self._brand, self._active, self._data, self._now = session, brand, active, data, now
        self._subject, self._rule = Subject(active.name, None if brand is None else brand.id), active.rule
        found = incidents.unresolved(session, self._subject.brand_id, self._subject.rule)
        held = [incidents.held(session, one.id) for one in found if one.id is not None]
        # Between the two looks a person may have resolved one.
        self._open = {one.group: one for one in held if one is not None and not one.resolved}

    def evaluate(self, until: datetime, *, scored: bool) -> None:
        """Ask the rule about one window, and do as it says."""
        only = self._open.get("")
        window = self._data.window(
            self._active, until, None if only is None else only.opened_at, only.evidence if only else None
        )
        if not scored:
            window = replace(window, covered=False, whole=False)
        said = self._rule.assess(window, self._active.settings)
        for one in said:
            alert_id = self._goes_on(one, until) if one.fires else self._ends(one, until)
            evaluations.log(self._session, self._subject, until, one, alert_id)
        for group in self._open.keys() - {one.group for one in said}:
            # What it was about is not there any more.
            gone = Assessment(False, Reason.WINDOW_ENDED, group=group)
            evaluations.log(self._session, self._subject, until, gone, self._ends(gone, until))

    def _goes_on(self, said: Assessment, until: datetime) -> int | None:
        """The incident of what fires: the open one, one that has just ended, or a new one; its id."""
        severity = said.severity or self._active.settings.severity
        incident = self._open.get(said.group)
        reopened = new_one = False
        if incident is None:
            before = self._before(said)
            if before is not None and before.resolved_by is None and comes_back(before.last_at, until):
                incident, reopened = self._reopened(before), True
            elif before is not None and before.resolved_by is not None and before.severity.at_least(severity):
                # A person has resolved it, and it has been the same ever since: they need not be told again.
                return before.id
            else:
                incident, new_one = self._opened(said, until), True
        assert incident.id is not None
        reason = Reason.WINDOW_STILL_FIRES if incident.count else Reason.WINDOW_FIRES
        standing = windows.standing(self._session, said.mentions)
        new = evaluations.add_members(self._session, incident.id, sorted(standing), reason)
        mentions = [one for pair in new if (one := self._data.mention(pair)) is not None]
        after = gone_on(incident, said, self._active.settings.severity, mentions, until)
        if after.severity is not incident.severity:
            detail = {"severity": after.severity.value, "because": after.because}
            incidents.note(self._session, incident.id, [Event(self._now, EventKind.GREW, None, detail)])
        told = replace(after, last_at=incident.last_at, evidence=incident.evidence) != incident
        if reopened or told or after.evidence.keys() != incident.evidence.keys():
            # Nobody has seen it as it was for a moment.
            after = replace(after, version=incident.version + (told and not new_one))
            incidents.save(self._session, after, self._now)
        self._open[said.group] = after
        return incident.id

    def _ends(self, said: Assessment, until: datetime) -> int | None:
        """The incident of what fires no longer is over; its id."""
        incident = self._open.pop(said.group, None)
        if incident is None:
            return None
        alert_id = incident.id
        assert alert_id is not None
        if said.reason is Reason.ANSWERED:
            incident, answered = life.answer(incident, None, self._now, until)
            incidents.note(self._session, alert_id, [] if answered is None else [answered])
        if said.reason is Reason.TOO_OLD_TO_ANSWER:
            # What people saw last says that they wait; what became of them is another matter.
            incident = replace(incident, because=said.because)
        after, event = life.end(replace(incident, last_at=max(incident.last_at, until)), self._now, said.reason.value)
        incidents.save(self._session, after, self._now)
        if event is not None:
            incidents.note(self._session, alert_id, [event])
        return alert_id

    def _before(self, said: Assessment) -> Incident | None:
        """The incident of what was said last of this, if it was about one: it has been resolved since."""
        if "answers" in self._rule.needs:
            # There each mention is a matter of its own: what is dealt with is not among those that wait.
            return None
        last = evaluations.last(self._session, self._subject, said.group)
        if last is None:
            return None
        before = evaluations.latest_incident(self._session, self._subject, said.group)
        if before is None or not before.resolved:
            return None
        # Resolved by a person it is spoken for until a window has been quiet.
        return before if before.resolved_by is None or last["fires"] else None

    def _reopened(self, before: Incident) -> Incident:
        after, event = life.reopen(before, None, self._now, "the window fires again")
        if event is not None and after.id is not None:
            incidents.note(self._session, after.id, [event])
        return after

    def _opened(self, said: Assessment, until: datetime) -> Incident:
        brand = None if self._brand is None else self._brand.name
        new = opened(brand, self._subject.rule, said, self._active.settings.severity, until)
        alert_id = incidents.open_new(self._session, self._subject.brand_id, new, self._now)
        event = Event(self._now, EventKind.OPENED, None, {"because": said.because})
        incidents.note(self._session, alert_id, [event])
        log.info("window_fires", rule=new.rule, brand=new.brand, group=new.group, because=new.because)
        return replace(new, id=alert_id)
