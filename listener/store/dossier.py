"""All that is known about one incident, for the faces: timeline, decisions, deliveries, and around its mentions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping
from sqlmodel import Session

from alerts.points import Point, suggested
from alerts.telling import most_telling
from listener.store import context, decisions, feedback, inbox, incidents
from listener.store.context import Context
from listener.store.notices import candidates


@dataclass(frozen=True, slots=True)
class Around:
    """A mention with what stands around it, and points for a person to write an answer from."""

    context: Context
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Dossier:
    """``incident`` is the row with its deliveries as ``inbox`` gives it; ``decisions`` include those that held
    something back; ``around`` holds the most telling mentions, none of which was deleted or hidden."""

    incident: dict[str, Any]
    timeline: Sequence[RowMapping]
    decisions: Sequence[RowMapping]
    feedback: Sequence[RowMapping]
    around: Sequence[Around]


def dossier(session: Session, alert_id: int, now: datetime, *, brands: frozenset[int] | None = None) -> Dossier | None:
    """Everything about an incident; None where there is none, or none of these brands (None = all). Times of waiting
    are as of ``now``."""
    found = inbox.one(session, alert_id, brands)
    if found is None:
        return None
    telling = most_telling(candidates(session, alert_id))
    contexts = (context.of_pair(session, mention.id, brands) for mention in telling)
    return Dossier(
        incident=found,
        timeline=incidents.timeline(session, alert_id),
        decisions=decisions.of_incident(session, alert_id),
        feedback=feedback.of_incident(session, alert_id),
        around=[Around(one, tuple(suggested(context.situation(one, now)))) for one in contexts if one is not None],
    )
