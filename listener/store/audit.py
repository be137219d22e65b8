"""Who changed what, for whoever asks later."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session
from sqlmodel import select as select_rows

from listener.items import storable
from listener.store.tables import Audit, table

_LATEST = 10_000
"""Rows of the audit in which actions are looked for: it grows for ever."""


def note(session: Session, actor: str, action: str, subject: str, detail: Mapping[str, Any], now: datetime) -> None:
    """Keep that somebody did something to something, in the transaction that does it."""
    session.add(Audit(at=now, actor=storable(actor), action=action, subject=storable(subject), detail=_clean(detail)))
    session.flush()


def listed(
    session: Session,
    *,
    actor: str | None = None,
    action: str | None = None,
    subject: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Sequence[Audit]:
    """What was done, the latest first. ``actor``: as it is kept, or a person's name. ``action``: this one, or all
    that begin with it and a dot; ``before``: an id; ``until``: that moment not included."""
    kept = table(Audit).c
    wanted = select_rows(Audit).order_by(kept.id.desc()).limit(limit)
    if actor is not None:
        wanted = wanted.where((kept.actor == actor) | kept.actor.startswith(f"{actor} <", autoescape=True))
    if action is not None:
        wanted = wanted.where((kept.action == action) | kept.action.startswith(f"{action}.", autoescape=True))
    if subject is not None:
        wanted = wanted.where(kept.subject == subject)
    if since is not None:
        wanted = wanted.where(kept.at >= since)
    if until is not None:
        wanted = wanted.where(kept.at < until)
    if before is not None:
        wanted = wanted.where(kept.id < before)
    return session.exec(wanted).all()


def actions(session: Session) -> list[str]:
    """What was done of late, by name, each once."""
    kept = table(Audit).c
    latest = select(kept.action).order_by(kept.id.desc()).limit(_LATEST).subquery()
    return list(session.connection().scalars(select(latest.c.action).distinct().order_by(latest.c.action)))


def _clean(value: Any) -> Any:
    """The same with texts that any database can hold, whoever wrote them."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(name)): _clean(one) for name, one in value.items()}
    return [_clean(one) for one in value] if isinstance(value, list | tuple) else value
