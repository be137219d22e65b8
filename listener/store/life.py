"""What people do with an incident: one place that holds its row, changes it and writes its timeline.

``act`` may be called by any number of people and processes at once: on PostgreSQL the incident's row is held, on SQLite
there is one writer. Who comes second finds the incident as the first has left it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlmodel import Session

from alerts import life
from alerts.incident import Incident
from alerts.life import Change, Event, EventKind, NotPossible
from alerts.text import one_line, shorten, tame
from listener.store import feedback, incidents

LONGEST_NAME = 200
LONGEST_NOTE = 4_000
"""Characters that are kept of a name, and of what somebody writes."""


class Act(StrEnum):
    """What can be done. ``what`` of ``act`` holds: ``to`` (and ``over``) to assign; ``until`` or ``length`` to snooze;
    ``at``, where it is known, to answer; ``why`` to resolve and to reopen; ``text`` of a note; ``useful`` and ``via``
    of feedback."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    SNOOZE = "snooze"
    WAKE = "wake"
    ANSWER = "answer"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    NOTE = "note"
    FEEDBACK = "feedback"


@dataclass(frozen=True, slots=True)
class Done:
    """What an act came to. ``event``: what the timeline gained; None = it was so already, and nothing changed."""

    incident: Incident
    event: Event | None


def act(session: Session, alert_id: int, action: str, actor: str, now: datetime, **what: Any) -> Incident:
    """The incident as it is afterwards, whether this changed it or somebody else had before. Raises as ``perform``."""
    return perform(session, alert_id, Act(action), actor, now, **what).incident


def perform(session: Session, alert_id: int, action: Act, actor: str, now: datetime, **what: Any) -> Done:
    """Do it, and say whether that changed anything.

    Raises KeyError where there is no such incident; NotPossible, in words, for what makes no sense as it is now;
    ValueError, in words, for an actor without a name or a note without words.
    """
    name = named(actor)
    before = incidents.held(session, alert_id)
    if before is None:
        raise KeyError(f"there is no incident {alert_id}")
    if action is Act.NOTE:
        event = _note(session, before, name, now, **what)
    elif action is Act.FEEDBACK:
        event = _feedback(session, before, name, now, **what)
    else:
        after, event = _changed(before, action, name, now, **what)
        if event is not None:
            incidents.save(session, after, now)
            incidents.note(session, alert_id, [event])
        return Done(after, event)
    if event is not None:
        incidents.note(session, alert_id, [event])
    return Done(before, event)


def named(actor: str) -> str:
    """A person's name as it is kept, on one line. Raises ValueError where nothing of it is left."""
    name = shorten(one_line(actor), LONGEST_NAME)
    if not name:
        raise ValueError("say who does it: a name, or the handle by which the team knows you")
    return name


def snooze_until(now: datetime, length: timedelta) -> datetime:
    """The end of a snooze of this length. Raises NotPossible where it is no length, or longer than a snooze lasts."""
    if not timedelta(0) < length <= life.LONGEST_SNOOZE:
        raise NotPossible(f"a snooze lasts from a moment to {life.LONGEST_SNOOZE.days} days; say for instance 1h")
    return now + length


def _changed(incident: Incident, action: Act, actor: str, now: datetime, **what: Any) -> Change:
    match action:
        case Act.ACKNOWLEDGE:
            return life.acknowledge(incident, actor, now)
        case Act.ASSIGN:
            return life.assign(incident, actor, named(what.get("to") or actor), now, over=what.get("over", False))
        case Act.SNOOZE:
            until = what.get("until")
            return life.snooze(incident, actor, until or snooze_until(now, what["length"]), now)
        case Act.WAKE:
            return life.wake(incident, now, actor)
        case Act.ANSWER:
            return life.answer(incident, actor, now, what.get("at"))
        case Act.RESOLVE:
            return life.resolve(incident, actor, now, _words(what.get("why", "")))
        case _:
            return life.reopen(incident, actor, now, _words(what.get("why", "")))


def _note(session: Session, incident: Incident, actor: str, now: datetime, *, text: str) -> Event | None:
    """A note; the same words of the same person are noted once, however often they are sent."""
    assert incident.id is not None
    words = _words(text)
    if not words:
        raise ValueError("a note needs words")
    event = Event(now, EventKind.NOTE, actor, {"text": words})
    known = (
        row for row in incidents.timeline(session, incident.id)
        if row["kind"] == EventKind.NOTE and row["actor"] == actor and row["detail"] == event.detail
    )  # fmt: skip
    return None if next(known, None) is not None else event


def _feedback(
    session: Session, incident: Incident, actor: str, now: datetime, *, useful: bool, via: str = "api"
) -> Event | None:
    assert incident.id is not None
    if not feedback.say(session, incident.id, actor, useful=useful, via=via, now=now):
        return None
    return Event(now, EventKind.FEEDBACK, actor, {"useful": useful, "via": via})


def _words(text: str) -> str:
    return shorten(tame(text).strip(), LONGEST_NOTE)
