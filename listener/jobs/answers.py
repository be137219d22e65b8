"""Note at incidents what the brand has answered, as far as its own posts are stored."""

from datetime import datetime, timedelta

import structlog

from listener.store import answers
from listener.store.engine import Store

log = structlog.get_logger()

LOOK_BACK = timedelta(days=3)
"""How old an answer may be when it is noticed: replies may be stored before what they answer, or long after."""

EVERY = timedelta(minutes=1)


class Noticing:
    """The stage: looks at most once ``EVERY``, since nothing waits for it; where it has looked is kept nowhere, because
    to look again changes nothing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._next: datetime | None = None

    def __call__(self, now: datetime) -> int:
        """Note what is new; at how many incidents."""
        if self._next is not None and now < self._next:
            return 0
        self._next = now + EVERY
        return notice_answers(self._store, now)


def notice_answers(store: Store, now: datetime) -> int:
    """Note at incidents that their brand answered; at how many. Each is held alone, so that nobody waits for long."""
    with store.reading() as session:
        found = [
            each
            for brand in answers.brands_that_answer(session)
            for each in answers.unnoted(session, brand, now - LOOK_BACK, now + EVERY).items()
        ]
    noted = 0
    for alert_id, at in found:
        with store.transaction() as session:
            noted += answers.note(session, alert_id, at, now)
    if noted:
        log.info("answers_noted", incidents=noted)
    return noted
