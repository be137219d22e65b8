"""Who changed what, for whoever asks later."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from listener.items import storable
from listener.store.tables import Audit


def note(session: Session, actor: str, action: str, subject: str, detail: Mapping[str, Any], now: datetime) -> None:
    """Keep that somebody did something to something, in the transaction that does it."""
    session.add(Audit(at=now, actor=storable(actor), action=action, subject=storable(subject), detail=dict(detail)))
    session.flush()
