"""How long mentions are kept here, as people settled it: besides what platforms allow (``SourceKind.keep_for``)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session

from listener.store import audit
from listener.store.engine import upsert
from listener.store.locks import alone_with_users
from listener.store.tables import Setting, table

LEAST, MOST = 7, 3650
"""Days that may be chosen: a digest wants a week to look back on."""

_KEY = "retention"
_SETTING = table(Setting).c


class ChangedMeanwhile(Exception):
    """Somebody else has settled it since it was read: read it again."""


@dataclass(frozen=True, slots=True)
class Retention:
    """What is settled. ``days``: mentions are blanked so many days after they were collected; None = kept as long as
    their platforms allow. ``version`` 0: nobody has settled anything."""

    days: int | None = None
    version: int = 0
    by: str | None = None

    @property
    def keep_for(self) -> timedelta | None:
        """The same as a length of time."""
        return None if self.days is None else timedelta(days=self.days)


def settled(session: Session) -> Retention:
    """What holds now."""
    kept = session.connection().scalar(select(_SETTING.value).where(_SETTING.key == _KEY))
    return Retention(**kept) if isinstance(kept, dict) else Retention()


def settle(session: Session, days: int | None, version: int, by: str, now: datetime) -> Retention:
    """Keep mentions for so many days from now on, ``version`` being what was read. Raises ChangedMeanwhile, ValueError.

    What is older goes with the next round of the retain job, and does not come back.
    """
    if days is not None and not LEAST <= days <= MOST:
        raise ValueError(f"mentions are kept for {LEAST} to {MOST} days, or without a limit of your own; got {days}")
    alone_with_users(session)
    before = settled(session)
    if before.version != version:
        raise ChangedMeanwhile
    after = Retention(days, version + 1, by)
    value = {"days": after.days, "version": after.version, "by": after.by}
    upsert(
        session, table(Setting), [{"key": _KEY, "value": value, "updated_at": now}], key=("key",),
        replace=("value", "updated_at"),
    )  # fmt: skip
    audit.note(session, by, "retention.settled", _KEY, {"before": before.days, "after": days}, now)
    return after
