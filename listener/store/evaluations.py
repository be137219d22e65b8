"""How far window rules have been asked, what they said, and the mentions of their incidents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlmodel import Session

from alerts.incident import Incident
from alerts.reasons import Reason
from alerts.rule import Assessment
from listener.store import incidents
from listener.store.engine import insert_new
from listener.store.tables import Alert, AlertMention, Evaluated, Evaluation, table

EVERYTHING = 0
"""Stands for a brand's id where a rule is asked once for everything."""

_EVALUATION = table(Evaluation).c


@dataclass(frozen=True, slots=True)
class Subject:
    """A rule, and the brand it is asked about; None = about everything."""

    rule: str
    brand_id: int | None


def positions(session: Session) -> dict[Subject, datetime]:
    """The end of the last window that each rule was asked about, where there is one."""
    done = table(Evaluated).c
    rows = session.connection().execute(select(done.rule, done.brand_id, done.until))
    return {Subject(row.rule, None if row.brand_id == EVERYTHING else row.brand_id): row.until for row in rows}


def held_position(session: Session, subject: Subject, start: datetime) -> datetime:
    """The same of one subject, held until the transaction ends; ``start`` where it was never asked."""
    done = table(Evaluated).c
    key = {"rule": subject.rule, "brand_id": subject.brand_id or EVERYTHING}
    insert_new(session, table(Evaluated), [key | {"until": start}], returning=("until",))
    query = select(done.until).where(done.rule == subject.rule, done.brand_id == key["brand_id"])
    found: datetime = session.connection().execute(query.with_for_update()).scalar_one()
    return found


def move(session: Session, subject: Subject, until: datetime) -> None:
    """It has been asked up to the window that ends at ``until``."""
    done = table(Evaluated)
    session.connection().execute(
        update(done)
        .where(done.c.rule == subject.rule, done.c.brand_id == (subject.brand_id or EVERYTHING))
        .values(until=until)
    )


def forget(session: Session, subject: Subject) -> None:
    """It is not asked any more; if it ever is, it begins anew."""
    done = table(Evaluated).c
    session.connection().execute(
        delete(table(Evaluated)).where(done.rule == subject.rule, done.brand_id == (subject.brand_id or EVERYTHING))
    )


def last(session: Session, subject: Subject, group: str) -> RowMapping | None:
    """What was said last: by the order of saying, since a clock may have been wrong."""
    query = (
        select(table(Evaluation))
        .where(
            _EVALUATION.rule == subject.rule, _EVALUATION.brand_id == subject.brand_id, _EVALUATION.group_key == group
        )
        .order_by(_EVALUATION.id.desc())
        .limit(1)
    )
    return session.connection().execute(query).mappings().first()


def log(
    session: Session, subject: Subject, until: datetime, said: Assessment, alert_id: int | None,
    since: datetime | None = None, times: int = 1,
) -> None:  # fmt: skip
    """Keep what was said of a window; the same said again is told by its row. ``since`` and ``times``: of several
    windows at once."""
    before = last(session, subject, said.group)
    verdict = (said.fires, said.reason.value, alert_id)
    if before is not None and (before["fires"], before["reason"], before["alert_id"]) == verdict:
        session.connection().execute(
            update(table(Evaluation))
            .where(_EVALUATION.id == before["id"])
            .values(last_until=until, times=before["times"] + times)
        )
        return
    row = {
        "rule": subject.rule, "brand_id": subject.brand_id, "group_key": said.group, "first_until": since or until,
        "last_until": until, "times": times, "fires": said.fires, "reason": said.reason.value, "because": said.because,
        "evidence": dict(said.evidence), "alert_id": alert_id,
    }  # fmt: skip
    session.connection().execute(insert(table(Evaluation)), [row])


def log_missed(session: Session, subject: Subject, first: datetime, final: datetime, times: int) -> None:
    """Windows that nobody evaluated in time."""
    log(session, subject, final, Assessment(False, Reason.WINDOW_MISSED), None, since=first, times=times)


def add_members(session: Session, alert_id: int, pairs: Sequence[int], reason: Reason) -> list[int]:
    """Put mentions into an incident; those that were not in it yet."""
    rows = [{"alert_id": alert_id, "mention_brand_id": pair, "reason": reason.value} for pair in pairs]
    return [row.mention_brand_id for row in insert_new(session, table(AlertMention), rows, ("mention_brand_id",))]


def latest_incident(session: Session, subject: Subject, group: str) -> Incident | None:
    """The incident that was opened last of what a rule found, held until the transaction ends."""
    alert = table(Alert).c
    query = (
        select(alert.id)
        .where(alert.rule == subject.rule, alert.brand_id == subject.brand_id, alert.group_key == group)
        .order_by(alert.opened_at.desc(), alert.id.desc())
        .limit(1)
    )
    found = session.connection().scalar(query)
    return None if found is None else incidents.held(session, found)
